//! What a test has around its filter: stores in memory, origins that answer as the file says, secrets.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use http::header::HOST;
use http::{Request, Response};
use rimward_config::{Guests, OriginId, SecretSource};
use rimward_filters::builtin::find;
use rimward_filters::{
    AskError, Bounds, Builder, Client, Filter, Outside, Surroundings, Tallies, Tally,
};
use rimward_kv::{Settings, Store, Write};
use tempfile::TempDir;
use toml::{Table, Value};

use super::case::{Case, Reply};
use crate::cli::plugin::folders;

/// The name of the route's own origin.
const OWN: &str = "origin";

type Stores = BTreeMap<Arc<str>, Arc<Store>>;

/// The component that is tested, and what its table in the configuration says besides.
pub(super) struct Subject {
    pub(super) name: String,
    pub(super) component: PathBuf,
    pub(super) settings: Table,
}

/// What there is around the filter of one test.
pub(super) struct Stage {
    pub(super) stores: Stores,
    /// The names of the origins; the first is the route's own.
    pub(super) origins: Vec<Arc<str>>,
    tallies: Arc<Endings>,
    /// Where the secrets lie.
    _folder: TempDir,
}

impl Stage {
    /// Sets the stage, and builds the filter on it.
    ///
    /// # Errors
    /// With why there is no such stage; within, why the filter is refused.
    pub(super) async fn set(
        subject: &Subject,
        case: &Case,
    ) -> Result<(Self, Result<Arc<dyn Filter>, String>), String> {
        let folder = TempDir::new().map_err(|error| error.to_string())?;
        let secrets = secrets(case, folder.path()).map_err(|error| error.to_string())?;
        let stage = Self {
            stores: stores(case).await?,
            origins: origins(case),
            tallies: Arc::default(),
            _folder: folder,
        };
        let around = Surroundings {
            origins: Some(stage.origins.clone()),
            pop: "test".into(),
            secrets: Some(secrets),
            guests: Guests {
                path: folders::cache().map(|cache| cache.join("guests")),
                ..Guests::default()
            },
            stores: Some(stage.stores.clone()),
            outside: Arc::new(Others::of(case)),
            tallies: stage.tallies.clone(),
            ..Surroundings::default()
        };
        let filter = build(subject, case, around);
        Ok((stage, filter))
    }

    /// Whether the hook failed that is called when all is over.
    pub(super) fn log_failed(&self) -> bool {
        self.tallies.log_failed.load(Ordering::Relaxed)
    }

    /// The name of an origin.
    pub(super) fn origin(&self, id: OriginId) -> &str {
        self.origins.get(id.0).map_or("", |name| name)
    }
}

fn build(subject: &Subject, case: &Case, around: Surroundings) -> Result<Arc<dyn Filter>, String> {
    let kind = find("wasm").ok_or("this edge runs no guests")?;
    let builder = Builder::new(Path::new("."), &subject.name).within(around);
    let built = (kind.build)(&settings(subject, case)?, &builder);
    built.map_err(|errors| {
        let told = errors.into_iter().map(|error| match &*error.key {
            "" => error.message,
            key => format!("{key}: {}", error.message),
        });
        told.collect::<Vec<_>>().join("\n")
    })
}

/// The filter's table: what holds for all tests, and what this one has.
fn settings(subject: &Subject, case: &Case) -> Result<Table, String> {
    let mut settings = subject.settings.clone();
    let component = subject.component.display().to_string();
    settings.insert("wasm".to_owned(), Value::String(component));
    if let Some(config) = &case.config {
        settings.insert("config".to_owned(), Value::Table(config.clone()));
    }
    let grants = settings
        .entry("grants")
        .or_insert_with(|| Value::Table(Table::new()));
    let grants = grants.as_table_mut().ok_or("`filter.grants` is no table")?;
    let names = |names: Vec<&String>| {
        let names = names.into_iter().cloned().map(Value::String);
        Value::Array(names.collect())
    };
    let (hosts, origins): (Vec<&String>, Vec<&String>) =
        case.origins.keys().partition(|name| is_host(name));
    for (key, granted) in [
        ("kv", case.kv.keys().collect()),
        ("secrets", case.secrets.keys().collect()),
        ("origins", origins),
        ("hosts", hosts),
    ] {
        grants.insert(key.to_owned(), names(granted));
    }
    Ok(settings)
}

/// Whether a name among the origins is that of a host.
fn is_host(name: &str) -> bool {
    name.contains(['.', ':'])
}

fn origins(case: &Case) -> Vec<Arc<str>> {
    let own = std::iter::once(OWN.into());
    let others = case.origins.keys().filter(|name| *name != OWN);
    own.chain(others.map(|name| name.as_str().into())).collect()
}

async fn stores(case: &Case) -> Result<Stores, String> {
    let mut stores = Stores::new();
    for (name, entries) in &case.kv {
        let store = Store::in_memory(&Settings::at(name.as_str()));
        let store = store.map_err(|error| error.to_string())?;
        for (key, value) in entries {
            let put = store.put(key, Bytes::from(value.clone()), Write::default());
            let put = put.await;
            put.map_err(|error| format!("`kv.{name}.{key}`: {error}"))?;
        }
        stores.insert(name.as_str().into(), Arc::new(store));
    }
    Ok(stores)
}

/// Writes secrets where a configuration would name them.
fn secrets(case: &Case, folder: &Path) -> std::io::Result<BTreeMap<Arc<str>, SecretSource>> {
    let mut sources = BTreeMap::new();
    for (index, (name, secret)) in case.secrets.iter().enumerate() {
        let file = folder.join(index.to_string());
        // One line break at the end is no part of a secret.
        fs::write(&file, format!("{secret}\n"))?;
        sources.insert(name.as_str().into(), SecretSource::File(file));
    }
    Ok(sources)
}

/// Whom a filter can ask: what the file says.
struct Others {
    own: Reply,
    names: Vec<Arc<str>>,
    replies: BTreeMap<String, Reply>,
}

impl Others {
    fn of(case: &Case) -> Self {
        Self {
            own: case.origin.clone(),
            names: origins(case),
            replies: case.origins.clone(),
        }
    }

    fn reply(&self, name: &str) -> Option<&Reply> {
        self.replies.get(name)
    }

    fn answer(&self, name: &str, bounds: Bounds) -> Result<Response<Bytes>, AskError> {
        let reply = self.reply(name);
        let reply = reply.or_else(|| (name == OWN).then_some(&self.own));
        let missing = || AskError::Connect(format!("the test has no `{name}` in its `origins`"));
        response(reply.ok_or_else(missing)?, bounds)
    }
}

fn response(reply: &Reply, bounds: Bounds) -> Result<Response<Bytes>, AskError> {
    if reply.body.len() > bounds.body {
        return Err(AskError::TooLong(bounds.body));
    }
    let mut response = Response::new(Bytes::from(reply.body.clone()));
    *response.status_mut() = reply
        .status
        .try_into()
        .map_err(|_| AskError::Broken(format!("`{}` is no status", reply.status)))?;
    let fields = reply.headers.parsed().map_err(AskError::Broken)?;
    response.headers_mut().extend(fields);
    Ok(response)
}

#[async_trait]
impl Outside for Others {
    async fn ask(
        &self,
        origin: OriginId,
        _: Request<Bytes>,
        bounds: Bounds,
    ) -> Result<Response<Bytes>, AskError> {
        let name = self.names.get(origin.0).map_or(OWN, |name| name);
        self.answer(name, bounds)
    }

    async fn fetch(
        &self,
        request: Request<Bytes>,
        bounds: Bounds,
    ) -> Result<Response<Bytes>, AskError> {
        let place = request.uri().authority();
        let place = place.map_or_else(String::new, |place| place.as_str().to_owned());
        let host = request.uri().host().unwrap_or_default();
        match self.reply(&place) {
            Some(reply) => response(reply, bounds),
            None => self.answer(host, bounds),
        }
    }

    async fn enter(
        &self,
        _: &Client,
        _: u8,
        request: Request<Bytes>,
        bounds: Bounds,
    ) -> Result<Response<Bytes>, AskError> {
        let host = request.headers().get(HOST);
        let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
        let reply = self.reply(host).unwrap_or(&self.own);
        response(reply, bounds)
    }
}

/// Notes when the hook failed of which nobody else is told.
#[derive(Default)]
struct Endings {
    log_failed: Arc<AtomicBool>,
}

struct Noted(Option<Arc<AtomicBool>>);

impl Tally for Noted {
    fn count(&self) {
        if let Some(noted) = &self.0 {
            noted.store(true, Ordering::Relaxed);
        }
    }
}

impl Tallies for Endings {
    fn tally(&self, _: &str, _: &str) -> Arc<dyn Tally> {
        Arc::new(Noted(None))
    }

    fn calls(&self, _: &str, _: &str, phase: &str, outcome: &str) -> Arc<dyn Tally> {
        let failed = phase == "log" && outcome != "ok";
        Arc::new(Noted(failed.then(|| self.log_failed.clone())))
    }
}
