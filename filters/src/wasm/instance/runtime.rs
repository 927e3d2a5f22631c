//! What runtimes of handlers are called for.

use super::{Fault, Head, Instance, Told};
use crate::exchange::Exchange;
use crate::wasm::abi::Hook;

/// A handler's program, and the environment that it is to have.
pub(super) type Program = (Vec<u8>, Vec<(String, String)>);

impl Instance {
    /// Has a runtime make a program of a handler's file.
    pub(in crate::wasm) async fn compile(
        &mut self,
        name: String,
        source: String,
    ) -> Result<Result<Vec<u8>, String>, Fault> {
        let called =
            self.call_waiting::<(String, String), Told<Vec<u8>>>(Hook::Compile, (name, source));
        called.await.map(|(told,)| told)
    }

    /// Has a runtime make of a program what loads faster.
    pub(in crate::wasm) async fn prepare(
        &mut self,
        program: Vec<u8>,
        environment: Vec<(String, String)>,
    ) -> Result<Result<Vec<u8>, String>, Fault> {
        let params = (program, environment);
        let called = self.call_waiting::<Program, Told<Vec<u8>>>(Hook::Prepare, params);
        called.await.map(|(told,)| told)
    }

    /// Gives a runtime its program.
    pub(in crate::wasm) async fn load(
        &mut self,
        program: Vec<u8>,
        environment: Vec<(String, String)>,
    ) -> Result<Result<(), String>, Fault> {
        let params = (program, environment);
        let called = self.call_waiting::<Program, Told<()>>(Hook::Load, params);
        called.await.map(|(told,)| told)
    }

    /// Calls a handler with an event.
    pub(in crate::wasm) async fn handle(
        &mut self,
        exchange: &mut Exchange,
        event: String,
    ) -> Result<Result<String, String>, Fault> {
        self.swap(exchange, &mut Head::None);
        let called = self
            .call_waiting::<(String,), Told<String>>(Hook::Handle, (event,))
            .await;
        self.swap(exchange, &mut Head::None);
        called.map(|(told,)| told)
    }
}
