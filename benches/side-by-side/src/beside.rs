//! What goes on beside the load: connections that are only held, and reloads.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};

use crate::client::Client;
use crate::server::Server;
use crate::usage;

/// Connections that have asked once and now do nothing.
pub(crate) struct Idle {
    connections: Vec<Client>,
    /// What each added to the server's memory.
    pub(crate) bytes_each: f64,
}

impl Idle {
    /// Opens this many.
    pub(crate) fn open(count: usize, port: u16, path: &str, server: &Server) -> Result<Self> {
        let before = usage::memory(server.id())?;
        let mut connections = Vec::with_capacity(count);
        for number in 0..count {
            let mut client = Client::connect(port)?;
            client
                .get(path, &[])
                .with_context(|| format!("idle connection {number}"))?;
            connections.push(client);
        }
        let grown = usage::memory(server.id())?.saturating_sub(before);
        Ok(Self {
            connections,
            bytes_each: grown as f64 / count.max(1) as f64,
        })
    }

    /// Fails unless the server has kept nearly all of them.
    pub(crate) fn check(&mut self) -> Result<()> {
        let all = self.connections.len();
        let open = self
            .connections
            .iter_mut()
            .filter_map(|client| client.is_open().then_some(()))
            .count();
        ensure!(
            open * 100 >= all * 99,
            "only {open} of {all} idle connections were kept"
        );
        Ok(())
    }
}

/// Lets this process and what it starts have as many files as the system allows.
pub(crate) fn raise_limits() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            ..limit
        },
    )
    .context("cannot raise the limit of open files")
}

const EVERY: Duration = Duration::from_millis(500);

/// Does something while the server reads its settings again and again.
pub(crate) fn reloading<T>(server: &Server, signal: Signal, work: impl FnOnce() -> T) -> T {
    let (end, ended) = channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while ended.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                server.signal(signal).ok();
            }
        });
        let result = work();
        drop(end);
        result
    })
}
