//! Time, chance, and what falls into the same bucket on every edge.

use crate::bucket::Dealer;
use crate::wasm::abi::rimward::filter::clock::Host;
use crate::wasm::state::State;

type Answer<T> = wasmtime::Result<T>;

impl Host for State {
    fn now_ms(&mut self) -> Answer<u64> {
        Ok(Self::now_ms(self))
    }

    fn random_u64(&mut self) -> Answer<u64> {
        Ok(rand::random())
    }

    fn bucket(&mut self, salt: String, key: String, buckets: u32) -> Answer<u32> {
        Ok(Dealer::new(&salt).among(key.as_bytes(), buckets))
    }
}
