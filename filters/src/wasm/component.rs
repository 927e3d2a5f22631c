//! Components of what compilers make: those for `wasm32-unknown-unknown`, and those of C, make core modules.

use std::error::Error;

use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

use super::abi::Hook;

/// How the sections start in which an SDK says what a core module imports and exports.
const TYPES: &str = "component-type";

/// The component that `bytes` are, or that is made of the core module that they are.
///
/// # Errors
/// With what the bytes are instead, or what the module lacks.
pub fn encode(bytes: &[u8]) -> Result<Vec<u8>, String> {
    if Parser::is_component(bytes) {
        return Ok(bytes.to_vec());
    }
    if !Parser::is_core_wasm(bytes) {
        return Err("it is not WebAssembly: a component or a core module is needed".to_owned());
    }
    if !tells_types(bytes)? {
        return Err(format!(
            "the core module has no section `{TYPES}`: it was built without the SDK, or that section was stripped"
        ));
    }
    encoded(bytes).map_err(|error| explained(&*error))
}

/// The names of the phases that a component exports, in the order in which they are called; `handle` for a handler of Lambda@Edge.
///
/// # Errors
/// When it is no component.
pub fn phases(component: &[u8]) -> Result<Vec<&'static str>, String> {
    let exported = exports(component).map_err(|error| format!("it is no component: {error}"))?;
    let hooks = Hook::PHASES.into_iter().chain([Hook::Handle]);
    let hooks = hooks.filter(|hook| exported.contains(&hook.interface()));
    Ok(hooks.map(Hook::name).collect())
}

/// What a component exports itself, not what components and modules within it do.
fn exports(component: &[u8]) -> wasmparser::Result<Vec<String>> {
    let (mut depth, mut names) = (0_usize, Vec::new());
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    names.push(export?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(names)
}

/// Whether an SDK has left word in a core module.
fn tells_types(module: &[u8]) -> Result<bool, String> {
    for payload in Parser::new(0).parse_all(module) {
        match payload {
            Ok(Payload::CustomSection(section)) if section.name().starts_with(TYPES) => {
                return Ok(true);
            }
            Ok(_) => {}
            Err(error) => return Err(format!("the core module is broken: {error}")),
        }
    }
    Ok(false)
}

fn encoded(module: &[u8]) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
    let encoder = ComponentEncoder::default().module(module)?;
    Ok(encoder.validate(true).encode()?)
}

/// An error with all its causes, and what helps where that is known.
fn explained(error: &(dyn Error + Send + Sync + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    if text.contains("wasi_snapshot_preview1") {
        return "the core module is for WASI preview 1: build for `wasm32-unknown-unknown` or `wasm32-wasip2` \
                (in C, call nothing that reads files, the clock or the environment)"
            .to_owned();
    }
    text
}

#[cfg(test)]
mod tests {
    use wit_component::{StringEncoding, embed_component_metadata};
    use wit_parser::Resolve;

    use super::*;

    const WIT: &str = include_str!("../../../sdk/wit/filter.wit");
    const WORLD: &str =
        "package rimward:guest; world guest { export rimward:filter/lifecycle@0.1.0; }";
    const GUEST: &str = r#"(module
        (memory (export "memory") 1)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
        (func (export "rimward:filter/lifecycle@0.1.0#configure") (param i32 i32) (result i32)
            unreachable))"#;

    /// What an SDK makes of WAT.
    fn module(wat: &str) -> Vec<u8> {
        let mut module = wat::parse_str(wat).unwrap();
        let mut resolve = Resolve::default();
        resolve.push_source("filter.wit", WIT).unwrap();
        let package = resolve.push_source("guest.wit", WORLD).unwrap();
        let world = resolve.select_world(&[package], None).unwrap();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
        module
    }

    #[test]
    fn a_module_that_an_sdk_made_becomes_a_component() {
        let component = encode(&module(GUEST)).unwrap();
        assert!(Parser::is_component(&component));
        assert_eq!(encode(&component).unwrap(), component);
    }

    #[test]
    fn a_component_tells_its_phases() {
        let guest = |name: &str| std::fs::read(format!("../tests/guests/{name}.wasm")).unwrap();
        for (name, expected) in [
            ("rust-auth", &["request"][..]),
            ("c-ab-kv", &["request", "response"]),
        ] {
            assert_eq!(phases(&guest(name)).unwrap(), expected, "{name}");
        }
        assert_eq!(
            phases(&encode(&module(GUEST)).unwrap()),
            Ok(Vec::new()),
            "settings are no phase"
        );
        assert!(phases(b"\0asm\x0d\0\x01\0\xff").is_err());
    }

    #[test]
    fn what_becomes_no_component_is_told_why() {
        let wasi = GUEST.replacen(
            "(module",
            r#"(module (import "wasi_snapshot_preview1" "fd_write"
                (func (param i32 i32 i32 i32) (result i32)))"#,
            1,
        );
        for (bytes, reason) in [
            (b"#!/bin/sh".to_vec(), "it is not WebAssembly"),
            (b"\0asm\x01\0\0\0\xff".to_vec(), "the core module is broken"),
            (
                wat::parse_str("(module)").unwrap(),
                "no section `component-type`",
            ),
            (module("(module)"), "rimward:filter/lifecycle@0.1.0"),
            (module(&wasi), "is for WASI preview 1"),
        ] {
            let told = encode(&bytes).unwrap_err();
            assert!(told.contains(reason), "{told}");
        }
    }
}
