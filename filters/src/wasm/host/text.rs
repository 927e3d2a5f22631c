//! Text to its bytes and back, for guests whose engine has no quick way of its own.

use crate::wasm::abi::rimward::filter::text::Host;
use crate::wasm::state::State;

impl Host for State {
    fn encode(&mut self, text: String) -> wasmtime::Result<Vec<u8>> {
        Ok(text.into_bytes())
    }

    fn decode(&mut self, bytes: Vec<u8>) -> wasmtime::Result<String> {
        Ok(String::from_utf8(bytes)
            .unwrap_or_else(|wrong| String::from_utf8_lossy(wrong.as_bytes()).into_owned()))
    }
}
