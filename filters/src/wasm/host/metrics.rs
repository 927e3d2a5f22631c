//! What guests count and observe, under names of their own.

use crate::wasm::abi::rimward::filter::metrics::Host;
use crate::wasm::state::State;

type Answer<T> = wasmtime::Result<T>;

impl Host for State {
    fn count(&mut self, name: String, by: u64) -> Answer<()> {
        let version = &self.version;
        version.around.tallies.count(&version.name, &name, by);
        Ok(())
    }

    fn observe(&mut self, name: String, value: f64) -> Answer<()> {
        let version = &self.version;
        version.around.tallies.observe(&version.name, &name, value);
        Ok(())
    }
}
