//! What the host keeps of one instance.

use http::HeaderMap;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::Hosted;
use super::log::Log;
use super::outgoing::Outgoing;
use crate::wasm::limits::Memory;

/// Things that an instance may have open: heads, bodies, requests, timers.
const OPEN: usize = 1000;
/// Bytes of one set of header fields, with what the host needs beside them.
const FIELDS: usize = 64 << 10;
/// Random bytes that are had at once.
const RANDOM: u64 = 1 << 20;

/// What the host keeps of one instance.
pub(super) struct Guest {
    memory: Memory,
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outgoing: Outgoing,
}

impl Guest {
    /// For the answer to a request with these fields.
    pub(super) fn new(hosted: &std::sync::Arc<Hosted>, headers: &HeaderMap) -> Self {
        let limits = &hosted.settings.limits;
        let fits = |size: u64| usize::try_from(size).unwrap_or(usize::MAX);
        let mut table = ResourceTable::new();
        table.set_max_capacity(OPEN);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(FIELDS);
        let log = Log::new(
            &hosted.identity,
            headers.get("x-request-id"),
            fits(limits.log),
        );
        let mut wasi = WasiCtx::builder();
        wasi.envs(&hosted.settings.env)
            .args(&hosted.settings.args)
            .stdout(log.output())
            .stderr(log.errors())
            .max_random_size(RANDOM)
            .allow_tcp(false)
            .allow_udp(false);
        Self {
            memory: Memory::new(fits(limits.memory)),
            table,
            wasi: wasi.build(),
            http,
            outgoing: Outgoing::new(hosted, headers),
        }
    }

    pub(super) fn memory(&mut self) -> &mut Memory {
        &mut self.memory
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.outgoing,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}
