//! Images that the host works on.

use crate::wasm::abi::Error;
use crate::wasm::abi::rimward::filter::images::{Host, Transform};
use crate::wasm::state::State;

impl Host for State {
    fn apply(&mut self, _: Transform) -> wasmtime::Result<Result<(), Error>> {
        let lacks = "this version of Rimward does not work on images";
        Ok(Err(Error::Unavailable(lacks.to_owned())))
    }
}
