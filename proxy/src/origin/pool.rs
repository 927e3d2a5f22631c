//! HTTP/1.1 connections that are open and wait for the next request.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// Connections kept for one server; more are closed after their request.
const MOST: usize = 256;

/// A connection, with or without TLS.
pub(super) trait Io: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Io for T {}

/// The idle connections of one server.
#[derive(Default)]
pub(super) struct Pool(Mutex<VecDeque<Idle>>);

struct Idle {
    io: Box<dyn Io>,
    since: Instant,
}

impl Pool {
    /// The connection used last, if it is still open: the others get a chance to grow old and go.
    pub(super) fn take(&self, idle_timeout: Duration) -> Option<Box<dyn Io>> {
        loop {
            let mut idle = self.lock().pop_back()?;
            if idle.since.elapsed() < idle_timeout && quiet(&mut idle.io) {
                return Some(idle.io);
            }
        }
    }

    /// Keeps a connection whose response is complete.
    pub(super) fn put(&self, io: Box<dyn Io>) {
        let mut pool = self.lock();
        if pool.len() < MOST {
            pool.push_back(Idle {
                io,
                since: Instant::now(),
            });
        }
    }

    /// Closes what is too old or was closed by the server.
    pub(super) fn sweep(&self, idle_timeout: Duration) {
        let idle = std::mem::take(&mut *self.lock());
        // Without the lock, since looking and closing are a system call each.
        let open: Vec<_> = idle
            .into_iter()
            .filter_map(|mut idle| {
                (idle.since.elapsed() < idle_timeout && quiet(&mut idle.io)).then_some(idle)
            })
            .collect();
        let mut pool = self.lock();
        for idle in open.into_iter().rev() {
            pool.push_front(idle);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Idle>> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pool({})", self.len())
    }
}

/// Whether a connection is open and silent. One that speaks unasked is as useless as one that is closed.
pub(super) fn quiet(io: &mut Box<dyn Io>) -> bool {
    let mut byte = [0];
    let mut buffer = ReadBuf::new(&mut byte);
    let mut context = Context::from_waker(Waker::noop());
    // Outside tokio's budget, which would make a connection that is closed look silent.
    let mut read = std::pin::pin!(tokio::task::unconstrained(std::future::poll_fn(
        |context| { Pin::new(&mut *io).poll_read(context, &mut buffer) }
    )));
    matches!(read.as_mut().poll(&mut context), Poll::Pending)
}
