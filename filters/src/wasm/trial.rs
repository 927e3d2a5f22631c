//! What a version has to survive before it takes over: it is instantiated, given its settings, and shown a request.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::Deserialize;

use super::abi::{Hook, Verdict};
use super::guest::Loaded;
use super::instance::{Head, Instance};
use super::state::vacant;
use crate::exchange::Exchange;

/// A request that a new version has to survive.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Smoke {
    /// Its method.
    #[serde(default = "get")]
    method: String,
    /// Its target: path and query.
    #[serde(default = "root")]
    uri: String,
    /// Its headers.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// The status that the guest has to answer with; without it the request has to pass.
    status: Option<u16>,
}

fn get() -> String {
    "GET".to_owned()
}

fn root() -> String {
    "/".to_owned()
}

/// Tries a version.
///
/// # Errors
/// With what it did not survive.
pub(super) fn survives(loaded: &Loaded, smoke: Option<&Smoke>) -> Result<(), String> {
    let version = loaded.version();
    apart(|| async {
        let instance = match version.waits {
            true => Instance::new_waiting(version).await,
            false => Instance::new(version),
        };
        let mut instance =
            instance.map_err(|fault| format!("can't be instantiated: {}", fault.reason))?;
        instance.check_hooks()?;
        if version.hooks.has(Hook::Configure) {
            let configured = instance.configure();
            let configured = configured
                .map_err(|fault| format!("failed over its `config`: {}", fault.reason))?;
            configured.map_err(|reason| format!("refuses its `config`: {reason}"))?;
        }
        match smoke {
            Some(smoke) => smoke.survives(instance).await,
            None => Ok(()),
        }
    })
}

/// Runs something that may wait on a thread and a runtime of its own: the thread that builds a configuration may be a runtime's.
///
/// # Errors
/// With what it says, or when there is no thread for it.
pub(super) fn apart<T: Send, F: Future<Output = Result<T, String>>>(
    run: impl FnOnce() -> F + Send,
) -> Result<T, String> {
    std::thread::scope(|scope| {
        let tried = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build();
            let runtime = runtime.map_err(|error| format!("can't be tried: {error}"))?;
            runtime.block_on(run())
        });
        tried
            .join()
            .unwrap_or_else(|_| Err("could not be tried".to_owned()))
    })
}

impl Smoke {
    async fn survives(&self, mut instance: Instance) -> Result<(), String> {
        let failed = |why: String| format!("does not survive its `smoke` request: {why}");
        let mut exchange = self.exchange().map_err(failed)?;
        let version = instance.state().version.clone();
        if !version.hooks.has(Hook::Request) {
            return Err(failed("it exports no `on-request`".to_owned()));
        }
        let called = match version.waits {
            true => {
                instance
                    .head_waiting(Hook::Request, &mut exchange, &mut Head::None)
                    .await
            }
            false => instance.head(Hook::Request, &mut exchange, &mut Head::None),
        };
        let told = called.map_err(|fault| failed(fault.reason))?;
        let verdict = told.map_err(|reason| failed(format!("it says: {reason}")))?;
        let status = match verdict {
            Verdict::Respond(answer) => Some(answer.status),
            _ => None,
        };
        let told = |status: Option<u16>| match status {
            Some(status) => format!("is answered with {status}"),
            None => "passes".to_owned(),
        };
        match status == self.status {
            true => Ok(()),
            false => Err(failed(format!(
                "it {}, where it {} if all is well",
                told(status),
                told(self.status)
            ))),
        }
    }

    fn exchange(&self) -> Result<Exchange, String> {
        let mut exchange = vacant();
        let request = &mut exchange.request;
        let method = self
            .method
            .parse()
            .map_err(|_| format!("`{}` is no method", self.method))?;
        request.set_method(method);
        request.set_uri(
            self.uri
                .parse()
                .map_err(|_| format!("`{}` is no target", self.uri))?,
        );
        let host = [("host".to_owned(), "localhost".to_owned())];
        for (name, value) in host
            .iter()
            .map(|(name, value)| (name, value))
            .chain(&self.headers)
        {
            let field = HeaderName::from_bytes(name.as_bytes());
            let field = field.map_err(|_| format!("`{name}` is no header"))?;
            let value = HeaderValue::from_str(value);
            let value = value.map_err(|_| format!("this can't be the value of `{name}`"))?;
            request
                .insert_header(field, value)
                .map_err(|error| error.to_string())?;
        }
        Ok(exchange)
    }
}
