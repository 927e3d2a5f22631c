//! The settings that the configuration has for a guest.

use crate::wasm::abi::rimward::filter::config::Host;
use crate::wasm::state::State;

type Answer<T> = wasmtime::Result<T>;

impl Host for State {
    fn all(&mut self) -> Answer<String> {
        Ok(self.version.config.text.clone())
    }

    fn get(&mut self, path: String) -> Answer<Option<String>> {
        Ok(self.version.config.get(&path))
    }

    fn generation(&mut self) -> Answer<u64> {
        Ok(self.version.generation)
    }
}
