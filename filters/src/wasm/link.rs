//! What guests may import, and the linking of it.

use std::sync::OnceLock;

use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use super::state::State;
use super::{host, wasi};

/// The interfaces of ours.
const OURS: [&str; 17] = [
    "rimward:filter/types@0.1.",
    "rimward:filter/request@0.1.",
    "rimward:filter/response@0.1.",
    "rimward:filter/body@0.1.",
    "rimward:filter/config@0.1.",
    "rimward:filter/context@0.1.",
    "rimward:filter/geo@0.1.",
    "rimward:filter/kv@0.1.",
    "rimward:filter/secrets@0.1.",
    "rimward:filter/crypto@0.1.",
    "rimward:filter/subrequest@0.1.",
    "rimward:filter/log@0.1.",
    "rimward:filter/metrics@0.1.",
    "rimward:filter/clock@0.1.",
    "rimward:filter/images@0.1.",
    "rimward:filter/html@0.1.",
    "rimward:filter/text@0.1.",
];

/// All that guests may import.
///
/// # Errors
/// Never, but for a fault of this program.
pub(super) fn linker(engine: &Engine) -> Result<&'static Linker<State>, String> {
    static LINKER: OnceLock<Result<Linker<State>, String>> = OnceLock::new();
    let made = LINKER.get_or_init(|| {
        let mut linker = Linker::new(engine);
        host::add_to(&mut linker)
            .and_then(|()| wasi::add_to(&mut linker))
            .map_err(|error| format!("{error:#}"))?;
        Ok(linker)
    });
    made.as_ref().map_err(Clone::clone)
}

/// What a component imports that no guest is given.
pub(super) fn refused(component: &Component) -> Vec<String> {
    let kind = component.component_type();
    let imports = kind.imports(component.engine());
    let is_given =
        |name: &str| OURS.iter().any(|ours| name.starts_with(ours)) || wasi::is_given(name);
    imports
        .map(|(name, _)| name.to_owned())
        .filter(|name| !is_given(name))
        .collect()
}

/// Whether a component imports one of our interfaces.
pub(super) fn imports(component: &Component, interface: &str) -> bool {
    let kind = component.component_type();
    let beginning = format!("rimward:filter/{interface}@");
    let mut imports = kind.imports(component.engine());
    imports.any(|(name, _)| name.starts_with(&beginning))
}
