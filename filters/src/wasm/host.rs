//! What guests can call: one file for each interface.

mod body;
mod clock;
mod config;
mod context;
mod crypto;
mod elsewhere;
mod geo;
mod heads;
mod html;
mod images;
pub(super) mod kv;
mod log;
mod metrics;
mod request;
mod response;
mod secrets;
pub(super) mod subrequest;
mod text;

use wasmtime::component::{HasSelf, Linker};

use super::abi::rimward::filter as wit;
use super::state::State;

impl wit::types::Host for State {}

/// Makes all interfaces available to guests.
pub(super) fn add_to(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    macro_rules! add {
        ($($interface:ident)*) => {
            $(wit::$interface::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;)*
        };
    }
    add!(body clock config context crypto geo html images kv log metrics request response secrets subrequest text types);
    Ok(())
}
