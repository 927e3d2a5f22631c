//! The piece of a body that a guest is shown.

use crate::wasm::abi::rimward::filter::body::Host;
use crate::wasm::state::State;

type Answer<T> = wasmtime::Result<T>;

impl Host for State {
    fn len(&mut self) -> Answer<u32> {
        Ok(u32::try_from(self.chunk.bytes.len()).unwrap_or(u32::MAX))
    }

    fn offset(&mut self) -> Answer<u64> {
        Ok(self.chunk.offset)
    }

    fn is_last(&mut self) -> Answer<bool> {
        Ok(self.chunk.is_last)
    }

    fn read(&mut self, at: u32, max: u32) -> Answer<Vec<u8>> {
        let bytes = &self.chunk.bytes;
        let at = usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        let end = at.saturating_add(max).min(bytes.len());
        Ok(bytes.get(at..end).unwrap_or_default().to_vec())
    }
}
