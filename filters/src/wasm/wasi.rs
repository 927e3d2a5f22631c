//! The part of WASI that runtimes of languages can't do without.

use wasmtime::component::Linker;

use super::state::State;

pub(super) fn is_given(_name: &str) -> bool {
    false
}

pub(super) fn add_to(_linker: &mut Linker<State>) -> wasmtime::Result<()> {
    Ok(())
}
