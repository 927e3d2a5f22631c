//! From the bytes of a component to what instances are made of.

use std::sync::Arc;

use rimward_config::{ByteSize, Guests};
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};
use wasmtime_wasi_http::p2::bindings::ProxyPre;

use super::guest::Guest;
use crate::wasm::code::Code;
use crate::wasm::engine::{Pool, engine};

/// What a function may import: WASI 0.2, where files and sockets are there but reach nothing, since language runtimes ask
/// for them unused.
const GIVEN: [&str; 7] = [
    "wasi:cli/",
    "wasi:clocks/",
    "wasi:filesystem/",
    "wasi:http/",
    "wasi:io/",
    "wasi:random/",
    "wasi:sockets/",
];
/// What it has to export.
const HANDLER: &str = "wasi:http/incoming-handler@0.2";
/// Bytes of a page of memory.
const PAGE: u64 = 64 << 10;

/// What instances of a component are made of.
pub(super) struct Loaded {
    pub(super) pre: ProxyPre<Guest>,
    /// Others that are made of the same bytes find it for as long as somebody has it.
    _code: Arc<Code>,
}

/// Compiles a component, unless that was done, and links it.
pub(super) fn load(bytes: &[u8], guests: &Guests, memory: u64) -> Result<Loaded, String> {
    let pool = Pool {
        instances: guests.instances,
        memory: usize::try_from(guests.memory).unwrap_or(usize::MAX),
    };
    let engine =
        engine(pool).map_err(|error| format!("this machine can't run functions: {error}"))?;
    let code = Code::load(bytes, engine, guests.path.as_deref())?;
    check_imports(engine, &code.component)?;
    check_exports(engine, &code.component)?;
    check_memory(&code.component, memory)?;
    let linked = linker(engine)
        .and_then(|linker| linker.instantiate_pre(&code.component))
        .and_then(ProxyPre::new);
    let pre = linked.map_err(|error| format!("it does not fit this version of WASI: {error:#}"))?;
    Ok(Loaded { pre, _code: code })
}

fn linker(engine: &Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    Ok(linker)
}

fn check_imports(engine: &Engine, component: &Component) -> Result<(), String> {
    let ty = component.component_type();
    let imports = ty.imports(engine).map(|(name, _)| name);
    let is_given = |name: &str| {
        let (_, version) = name.split_once('@').unwrap_or((name, ""));
        version.starts_with("0.2.") && GIVEN.iter().any(|given| name.starts_with(given))
    };
    let unknown: Vec<String> = imports
        .filter(|name| !is_given(name))
        .map(|name| format!("`{name}`"))
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(format!(
        "it imports what functions are not given: {}; they have WASI 0.2 (`wasi:http`, `wasi:cli`, `wasi:clocks`, `wasi:io`, `wasi:random`)",
        unknown.join(", ")
    ))
}

fn check_exports(engine: &Engine, component: &Component) -> Result<(), String> {
    let ty = component.component_type();
    let mut exports = ty.exports(engine).map(|(name, _)| name);
    if exports.any(|name| name.starts_with(HANDLER)) {
        return Ok(());
    }
    let all: Vec<String> = ty
        .exports(engine)
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    let all = match all.is_empty() {
        true => "nothing".to_owned(),
        false => all.join(", "),
    };
    Err(format!(
        "it answers no requests: it exports {all}, but not `{HANDLER}`, as the world `wasi:http/proxy` has it"
    ))
}

/// An instance that can't even begin would fail each request.
fn check_memory(component: &Component, memory: u64) -> Result<(), String> {
    let required = component.resources_required();
    let pages = required.and_then(|required| required.max_initial_memory_size);
    let least = pages.unwrap_or(0).saturating_mul(PAGE);
    if least <= memory {
        return Ok(());
    }
    let (least, memory) = (ByteSize(least), ByteSize(memory));
    Err(format!(
        "an instance begins with `{least}` of memory, but `limits.memory` is `{memory}`"
    ))
}
