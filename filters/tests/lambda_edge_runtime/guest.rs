//! The runtime in a host of the test's own: what a handler logs, asks and stores is there to look at.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::LazyLock;

use serde_json::Value;
use wasmtime::component::{Component, HasSelf, Linker, Resource};
use wasmtime::{Config, Engine, Result, Store};

use self::bindings::LambdaEdgeRuntime;
use self::bindings::rimward::filter::crypto::Alg;
use self::bindings::rimward::filter::kv::{Entry, Page, Write};
use self::bindings::rimward::filter::log::Level;
use self::bindings::rimward::filter::subrequest::{Incoming, Outgoing};
use self::bindings::rimward::filter::types::{Error, Origin};
use self::bindings::rimward::filter::{clock, config, crypto, kv, log, secrets, subrequest, types};

#[allow(
    clippy::all,
    clippy::pedantic,
    missing_docs,
    unreachable_pub,
    unused_qualifications
)]
mod bindings {
    wasmtime::component::bindgen!({ path: "../sdk/wit", world: "lambda-edge-runtime" });
}

/// When every call is made: in November 2023.
pub(crate) const NOW: u64 = 1_700_000_000_000;

static RUNTIME: LazyLock<(Engine, Component)> = LazyLock::new(|| {
    let engine = Engine::new(&Config::new()).expect("an engine");
    let path = sdk("js/runtime.wasm");
    let component = Component::from_file(&engine, path).expect("the runtime is a component");
    (engine, component)
});

/// A file or folder of `sdk/lambda-edge`.
pub(crate) fn sdk(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../sdk/lambda-edge")
        .join(name)
}

/// What a handler is given, and what is seen of it.
#[derive(Default)]
pub(crate) struct Host {
    /// What it logged.
    pub(crate) logs: Vec<String>,
    responses: HashMap<String, (u16, String)>,
    /// What it asked for.
    pub(crate) asked: Vec<String>,
    store: HashMap<String, Vec<u8>>,
    drawn: u64,
}

/// An instance of the runtime.
pub(crate) struct Guest {
    store: Store<Host>,
    calls: LambdaEdgeRuntime,
}

impl Guest {
    pub(crate) fn new(host: Host) -> Self {
        let (engine, component) = &*RUNTIME;
        let mut linker = Linker::new(engine);
        LambdaEdgeRuntime::add_to_linker::<_, HasSelf<_>>(&mut linker, |host: &mut Host| host)
            .expect("it imports only what the host has");
        let mut store = Store::new(engine, host);
        let calls =
            LambdaEdgeRuntime::instantiate(&mut store, component, &linker).expect("an instance");
        Self { store, calls }
    }

    pub(crate) fn compile(&mut self, name: &str, source: &str) -> Result<Vec<u8>, String> {
        let compiler = self.calls.rimward_filter_lambda_edge_compiler();
        compiler
            .call_compile(&mut self.store, name, source)
            .expect("no trap")
    }

    pub(crate) fn prepare(
        &mut self,
        program: &[u8],
        environment: &[(String, String)],
    ) -> Result<Vec<u8>, String> {
        let compiler = self.calls.rimward_filter_lambda_edge_compiler();
        compiler
            .call_prepare(&mut self.store, program, environment)
            .expect("no trap")
    }

    pub(crate) fn load(
        &mut self,
        program: &[u8],
        environment: &[(String, String)],
    ) -> Result<(), String> {
        let handler = self.calls.rimward_filter_lambda_edge();
        handler
            .call_load(&mut self.store, program, environment)
            .expect("no trap")
    }

    /// The value that the handler answers with, or the fault.
    pub(crate) fn handle(&mut self, event: &Value) -> Result<Value, Value> {
        let handler = self.calls.rimward_filter_lambda_edge();
        let answer = handler
            .call_handle(&mut self.store, &event.to_string())
            .expect("no trap");
        let read = |text: String| serde_json::from_str(&text).expect("JSON");
        answer.map(read).map_err(read)
    }

    pub(crate) fn host(&self) -> &Host {
        self.store.data()
    }
}

/// An instance in which a handler is loaded; it was compiled and prepared in others, as at the edge.
pub(crate) fn load(
    name: &str,
    source: &str,
    environment: &[(String, String)],
    host: Host,
) -> Result<Guest, String> {
    let program = Guest::new(Host::default()).compile(name, source)?;
    let program = Guest::new(Host::default()).prepare(&program, environment)?;
    let mut guest = Guest::new(host);
    guest.load(&program, environment)?;
    Ok(guest)
}

impl types::Host for Host {}

impl log::Host for Host {
    fn enabled(&mut self, _: Level) -> bool {
        true
    }

    fn write(&mut self, _: Level, text: String) {
        self.logs.push(text);
    }

    fn field(&mut self, name: String, value: String) {
        self.logs.push(format!("{name}={value}"));
    }
}

impl clock::Host for Host {
    fn now_ms(&mut self) -> u64 {
        NOW
    }

    fn random_u64(&mut self) -> u64 {
        rand::random()
    }

    fn bucket(&mut self, _: String, key: String, buckets: u32) -> u32 {
        key.len() as u32 % buckets
    }
}

impl config::Host for Host {
    fn all(&mut self) -> String {
        r#"{"greeting":"hello"}"#.to_owned()
    }

    fn get(&mut self, _: String) -> Option<String> {
        None
    }

    fn generation(&mut self) -> u64 {
        1
    }
}

impl subrequest::Host for Host {
    fn send(&mut self, request: Outgoing) -> Result<Incoming, Error> {
        self.answer(&asked_for(&request))
    }

    fn start(&mut self, request: Outgoing) -> Result<Resource<subrequest::Pending>, Error> {
        if self.responses.is_empty() {
            return Err(Error::Denied("not granted".to_owned()));
        }
        self.asked.push(asked_for(&request));
        Ok(Resource::new_own(self.asked.len() as u32 - 1))
    }
}

impl subrequest::HostPending for Host {
    fn wait(&mut self, pending: Resource<subrequest::Pending>) -> Result<Incoming, Error> {
        let asked = self.asked[pending.rep() as usize].clone();
        self.answer(&asked)
    }

    fn drop(&mut self, _: Resource<subrequest::Pending>) -> Result<()> {
        Ok(())
    }
}

impl Host {
    /// One whose origins answer, by method, URL and body, with a status and a body (or where to go).
    pub(crate) fn answering(responses: HashMap<String, (u16, String)>) -> Self {
        Self {
            responses,
            ..Self::default()
        }
    }

    fn answer(&self, asked: &str) -> Result<Incoming, Error> {
        let (status, body) = self.responses.get(asked).ok_or(Error::Timeout)?;
        let location = (*status == 302).then(|| ("Location".to_owned(), body.clone()));
        Ok(Incoming {
            status: *status,
            headers: location.into_iter().collect(),
            body: body.clone().into_bytes(),
            truncated: false,
        })
    }
}

/// `GET https://host:443/path?query body`
fn asked_for(request: &Outgoing) -> String {
    let to = match &request.to {
        Origin::Named(name) => name.clone(),
        Origin::Custom(to) => {
            let scheme = if to.tls { "https" } else { "http" };
            format!("{scheme}://{}:{}", to.host, to.port)
        }
    };
    let body = String::from_utf8_lossy(&request.body);
    format!("{} {to}{} {body}", request.method, request.uri)
        .trim_end()
        .to_owned()
}

impl kv::Host for Host {
    fn open(&mut self, name: String) -> Result<Resource<kv::Store>, Error> {
        match name.as_str() {
            "main" => Ok(Resource::new_own(0)),
            _ => Err(Error::NoSuch(format!("store `{name}`"))),
        }
    }
}

impl kv::HostStore for Host {
    fn get(&mut self, _: Resource<kv::Store>, key: String) -> Result<Option<Entry>, Error> {
        Ok(self.store.get(&key).map(|value| Entry {
            value: value.clone(),
            metadata: None,
            generation: 1,
            ttl_s: None,
        }))
    }

    fn get_text(&mut self, _: Resource<kv::Store>, _: String) -> Result<Option<String>, Error> {
        Err(Error::Other("it is not used".to_owned()))
    }

    fn get_many(
        &mut self,
        _: Resource<kv::Store>,
        _: Vec<String>,
    ) -> Result<Vec<Option<Vec<u8>>>, Error> {
        Err(Error::Other("it is not used".to_owned()))
    }

    fn put(
        &mut self,
        _: Resource<kv::Store>,
        key: String,
        value: Vec<u8>,
        how: Option<Write>,
    ) -> Result<u64, Error> {
        self.store.insert(key, value);
        Ok(how.and_then(|how| how.ttl_s).unwrap_or_default().into())
    }

    fn increment(
        &mut self,
        _: Resource<kv::Store>,
        _: String,
        by: i64,
        _: Option<u32>,
    ) -> Result<i64, Error> {
        self.drawn += 1;
        Ok(by + self.drawn as i64)
    }

    fn delete(&mut self, _: Resource<kv::Store>, key: String) -> Result<bool, Error> {
        Ok(self.store.remove(&key).is_some())
    }

    fn list(
        &mut self,
        _: Resource<kv::Store>,
        prefix: String,
        cursor: Option<String>,
        _: u32,
    ) -> Result<Page, Error> {
        let keys = self.store.keys().filter(|key| key.starts_with(&prefix));
        Ok(Page {
            keys: keys.cloned().collect(),
            cursor,
        })
    }

    fn drop(&mut self, _: Resource<kv::Store>) -> Result<()> {
        Ok(())
    }
}

impl secrets::Host for Host {
    fn get(&mut self, name: String) -> Result<Resource<secrets::Secret>, Error> {
        match name.as_str() {
            "key" => Ok(Resource::new_own(0)),
            _ => Err(Error::NoSuch(format!("secret `{name}`"))),
        }
    }
}

impl secrets::HostSecret for Host {
    fn reveal(&mut self, _: Resource<secrets::Secret>) -> Vec<u8> {
        b"revealed".to_vec()
    }

    fn drop(&mut self, _: Resource<secrets::Secret>) -> Result<()> {
        Ok(())
    }
}

impl crypto::Host for Host {
    fn sha256(&mut self, _: Vec<u8>) -> Vec<u8> {
        Vec::new()
    }

    fn sign(
        &mut self,
        _: Alg,
        _: Resource<secrets::Secret>,
        data: Vec<u8>,
    ) -> Result<Vec<u8>, Error> {
        Ok([b"signed ", data.as_slice()].concat())
    }

    fn verify(
        &mut self,
        _: Alg,
        _: Resource<secrets::Secret>,
        data: Vec<u8>,
        signature: Vec<u8>,
    ) -> Result<bool, Error> {
        Ok([b"signed ", data.as_slice()].concat() == signature)
    }
}
