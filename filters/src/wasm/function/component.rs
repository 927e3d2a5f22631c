//! From the bytes of a component to what instances are made of.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use rimward_config::{ByteSize, Guests};
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};
use wasmtime_wasi_http::p2::bindings::ProxyPre;

use super::guest::Guest;
use crate::lasting::Lasting;
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

/// What instances are made of.
pub(super) struct Loaded {
    pub(super) pre: ProxyPre<Guest>,
    /// Others that are made of the same bytes find it for as long as somebody has it.
    _compiled: Arc<Result<ProxyPre<Guest>, String>>,
}

/// Compiled components by what they were compiled from: a reload compiles only what is new.
static COMPILED: Lasting<Vec<u8>, Result<ProxyPre<Guest>, String>> = Lasting::new();

/// Compiles a component and links it, unless that was done.
pub(super) fn load(component: &[u8], guests: &Guests, memory: u64) -> Result<Loaded, String> {
    let pool = Pool {
        instances: guests.instances,
        memory: usize::try_from(guests.memory).unwrap_or(usize::MAX),
    };
    let engine =
        engine(pool).map_err(|error| format!("this machine can't run functions: {error}"))?;
    let digest = digest(&SHA256, component).as_ref().to_vec();
    let compiled = COMPILED.of(digest, || compile(engine, component));
    let pre = compiled.as_ref().clone()?;
    check_memory(&pre, memory)?;
    Ok(Loaded {
        pre,
        _compiled: compiled,
    })
}

fn compile(engine: &Engine, bytes: &[u8]) -> Result<ProxyPre<Guest>, String> {
    check_kind(bytes)?;
    let component = Component::new(engine, bytes)
        .map_err(|error| format!("it can't be compiled: {error:#}"))?;
    check_imports(engine, &component)?;
    check_exports(engine, &component)?;
    let linked = linker(engine)
        .and_then(|linker| linker.instantiate_pre(&component))
        .and_then(ProxyPre::new);
    linked.map_err(|error| format!("it does not fit this version of WASI: {error:#}"))
}

fn linker(engine: &Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    Ok(linker)
}

/// The first bytes tell components and modules apart.
fn check_kind(bytes: &[u8]) -> Result<(), String> {
    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
    const MODULE: &[u8] = b"\0asm\x01\0\0\0";
    match bytes {
        _ if bytes.starts_with(COMPONENT) => Ok(()),
        _ if bytes.starts_with(MODULE) => Err(
            "it is a module, not a component: build it for `wasm32-wasip2`, or make a component of it by `wasm-tools component new`"
                .to_owned(),
        ),
        _ => Err("it is not WebAssembly in its binary form".to_owned()),
    }
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
fn check_memory(pre: &ProxyPre<Guest>, memory: u64) -> Result<(), String> {
    let required = pre.instance_pre().component().resources_required();
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
