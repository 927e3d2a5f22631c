//! Handlers of Lambda@Edge as guests: a runtime for JavaScript that comes with the edge, or a component that has one with it.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use serde_json::Value;
use tracing::Level;
use wasmtime::Engine;

use super::abi::Hook;
use super::code::Code;
use super::engine;
use super::guest::Loaded;
use super::instance::{Fault, Instance};
use super::lambda_edge::{self, Handler, LambdaEdge, Settings};
use super::limits::Limits;
use super::logs;
use super::settings::{GrantsSettings, Isolation, grants, pool};
use super::trial;
use super::version::{Ending, Version};
use crate::exchange::Exchange;
use crate::filter::{BuildError, Builder, Configured};

/// The runtime for handlers in JavaScript.
const RUNTIME: &[u8] = include_bytes!("../../../sdk/lambda-edge/js/runtime.wasm");
/// The longest answer of a handler, as JSON.
const MAX_ANSWER: usize = 8 << 20;
/// How many exchanges one instance serves that is reused.
const EXCHANGES: u32 = 1000;

impl Configured for LambdaEdge {
    const NAME: &'static str = "lambda_edge";
    const SUMMARY: &'static str = "Runs a handler of Lambda@Edge as it is.";
    const EXAMPLE: &'static str = "lambda_edge = \"handler.js\"\nevent = \"viewer-request\"\n";
    type Settings = Settings;

    fn new(settings: Settings, builder: &Builder<'_>) -> Result<Self, BuildError> {
        let handler = Handler::new(&settings, builder)?;
        let guest = HandlerGuest::new(&settings, builder)?;
        Ok(Self::new(handler, Arc::new(guest)))
    }
}

/// A handler, ready to be called.
struct HandlerGuest {
    loaded: Loaded,
    program: Program,
}

/// What a handler is loaded from.
struct Program {
    /// What the runtime made of its file; empty for a component that has its handler in it.
    bytes: Vec<u8>,
    environment: Vec<(String, String)>,
}

impl HandlerGuest {
    fn new(settings: &Settings, builder: &Builder<'_>) -> Result<Self, BuildError> {
        let key = "lambda_edge";
        let file = &settings.lambda_edge;
        let wrong = |why: String| BuildError::at(key, format!("`{}` {why}", file.display()));
        let kind = file
            .extension()
            .and_then(|kind| kind.to_str())
            .unwrap_or_default();
        let engine = engine::engine(pool(builder))
            .map_err(|error| wrong(format!("can't be run on this machine: {error}")))?;
        let folder = builder.guests().path.as_deref();
        match kind {
            "js" | "mjs" | "cjs" => {
                let source = builder.read(key, file)?;
                let code = runtime(engine, folder).map_err(&wrong)?;
                let loaded = load(settings, builder, &code, Isolation::Request, &wrong)?;
                let program = Program::new(settings, builder.name, &source, &loaded);
                Ok(Self {
                    program: program.map_err(|why| BuildError::at(key, why))?,
                    loaded,
                })
            }
            "wasm" => {
                let bytes = builder.read_bytes(key, file)?;
                let code = Code::load(&bytes, engine, folder).map_err(|error| {
                    wrong(format!("is not a component that can be run: {error}"))
                })?;
                let loaded = load(settings, builder, &code, Isolation::Reuse, &wrong)?;
                if !loaded.version().hooks.has(Hook::Handle) {
                    return Err(wrong("exports no `rimward:filter/lambda-edge@0.1.0`".to_owned()));
                }
                let program = Program::tried(Vec::new(), settings, builder.name, &loaded);
                Ok(Self {
                    program: program.map_err(|why| BuildError::at(key, why))?,
                    loaded,
                })
            }
            "py" => Err(wrong(
                "is Python, whose runtime has to be built in: run `rimward plugin build` on it, and name the `.wasm` that it makes"
                    .to_owned(),
            )),
            _ => Err(wrong("is neither JavaScript (`.js`, `.mjs`, `.cjs`) nor a component (`.wasm`)".to_owned())),
        }
    }

    async fn instance(&self) -> Result<Instance, Fault> {
        let version = self.loaded.version();
        if let Some(instance) = self.loaded.take_idle() {
            return Ok(instance);
        }
        let mut instance = match version.waits {
            true => Instance::new_waiting(version).await?,
            false => Instance::new(version)?,
        };
        self.loaded.settle(&mut instance)?;
        let program = &self.program;
        let loaded = instance
            .load(program.bytes.clone(), program.environment.clone())
            .await?;
        loaded.map_err(|reason| Fault {
            ending: Ending::Error,
            reason,
        })?;
        Ok(instance)
    }

    async fn answer(
        &self,
        exchange: &mut Exchange,
        event: String,
    ) -> Result<Result<String, String>, Fault> {
        let mut instance = self.instance().await?;
        let told = instance.handle(exchange, event).await?;
        instance.retire();
        Ok(told)
    }
}

#[async_trait]
impl lambda_edge::Guest for HandlerGuest {
    async fn call(
        &self,
        exchange: &mut Exchange,
        event: String,
    ) -> Result<String, lambda_edge::Fault> {
        let version = self.loaded.version();
        let request_id = exchange.request_id.clone();
        let told = match self.answer(exchange, event).await {
            Ok(told) => told,
            Err(fault) => {
                version.counters.count(Hook::Handle, fault.ending);
                logs::keep(&**version, Level::ERROR, &request_id, &fault.reason);
                return Err(match fault.ending {
                    Ending::Cpu | Ending::Wall | Ending::Full => {
                        lambda_edge::Fault::Unavailable(fault.reason)
                    }
                    _ => lambda_edge::Fault::Exception(fault.reason),
                });
            }
        };
        version.counters.count(
            Hook::Handle,
            if told.is_ok() {
                Ending::Ok
            } else {
                Ending::Error
            },
        );
        match told {
            Ok(answer) if answer.len() > MAX_ANSWER => {
                let wrong = format!("the answer is longer than {MAX_ANSWER} bytes");
                Err(lambda_edge::Fault::Invalid(wrong))
            }
            Ok(answer) => Ok(answer),
            Err(error) => {
                let fault = lambda_edge::Fault::told(&error);
                logs::keep(&**version, Level::ERROR, &request_id, &error);
                Err(fault)
            }
        }
    }

    fn status(&self) -> Option<Value> {
        let version = self.loaded.version();
        Some(serde_json::json!({ "runtime": &*version.id }))
    }
}

/// The runtime for JavaScript, compiled once in the process.
fn runtime(engine: &'static Engine, folder: Option<&Path>) -> Result<Arc<Code>, String> {
    static CODE: OnceLock<Arc<Code>> = OnceLock::new();
    if let Some(code) = CODE.get() {
        return Ok(code.clone());
    }
    let code = Code::load(RUNTIME, engine, folder)?;
    Ok(CODE.get_or_init(|| code).clone())
}

fn load(
    settings: &Settings,
    builder: &Builder<'_>,
    code: &Code,
    usual: Isolation,
    wrong: &dyn Fn(String) -> BuildError,
) -> Result<Loaded, BuildError> {
    let limits = Limits::of_handler(settings.time(), settings.memory);
    let written = &settings.grants;
    let names = builder
        .around()
        .origins
        .iter()
        .flatten()
        .map(|name| (**name).to_owned());
    let granted = GrantsSettings {
        kv: written.kv.clone(),
        origins: written.origins.clone().unwrap_or_else(|| names.collect()),
        secrets: written.secrets.clone(),
        hosts: written.hosts.clone(),
        env: written.env.clone(),
        images: false,
    };
    let grants = grants(&granted, builder)?;
    let version = Version::new(
        builder,
        code,
        limits,
        grants,
        Value::Object(Default::default()),
        wrong,
    )?;
    let exchanges = match settings.isolation.unwrap_or(usual) {
        Isolation::Request => 1,
        Isolation::Reuse => EXCHANGES,
    };
    Ok(Loaded::new(Arc::new(version), exchanges))
}

impl Program {
    /// Compiled by the runtime itself, off the workers.
    fn new(settings: &Settings, name: &str, source: &str, loaded: &Loaded) -> Result<Self, String> {
        let file = settings
            .lambda_edge
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        let environment = settings.environment(name);
        let bytes = trial::apart(|| async {
            let mut compiler = instance(loaded).await?;
            let compiled = compiler.compile(file.to_string(), source.to_owned());
            let compiled = compiled.await.map_err(|fault| fault.reason)??;
            let mut other = instance(loaded).await?;
            let prepared = other.prepare(compiled, environment.clone());
            prepared.await.map_err(|fault| fault.reason)?
        })?;
        Self::tried(bytes, settings, name, loaded)
    }

    /// One that was loaded once.
    fn tried(
        bytes: Vec<u8>,
        settings: &Settings,
        name: &str,
        loaded: &Loaded,
    ) -> Result<Self, String> {
        let environment = settings.environment(name);
        let program = Self { bytes, environment };
        trial::apart(|| async {
            let mut instance = instance(loaded).await?;
            let tried = instance
                .load(program.bytes.clone(), program.environment.clone())
                .await;
            tried.map_err(|fault| fault.reason)?
        })?;
        Ok(program)
    }
}

async fn instance(loaded: &Loaded) -> Result<Instance, String> {
    let version = loaded.version();
    let instance = match version.waits {
        true => Instance::new_waiting(version).await,
        false => Instance::new(version),
    };
    instance.map_err(|fault| format!("its runtime can't be instantiated: {}", fault.reason))
}
