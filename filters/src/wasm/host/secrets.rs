//! Secrets that a guest was granted, as handles.

use wasmtime::component::Resource;

use crate::filter::Secret;
use crate::wasm::abi::Error;
use crate::wasm::abi::rimward::filter::secrets::{Host, HostSecret};
use crate::wasm::state::State;

impl Host for State {
    fn get(&mut self, name: String) -> wasmtime::Result<Result<Resource<Secret>, Error>> {
        let Some(secret) = self.version.grants.secrets.get(&*name).cloned() else {
            return Ok(Err(Error::NoSuch(format!(
                "secret `{}`",
                name.escape_debug()
            ))));
        };
        Ok(self
            .table
            .push(secret)
            .map_err(|_| Error::Limit("too many handles".to_owned())))
    }
}

impl HostSecret for State {
    fn reveal(&mut self, secret: Resource<Secret>) -> wasmtime::Result<Vec<u8>> {
        Ok(self.table.get(&secret)?.reveal().to_vec())
    }

    fn drop(&mut self, secret: Resource<Secret>) -> wasmtime::Result<()> {
        self.table.delete(secret)?;
        Ok(())
    }
}
