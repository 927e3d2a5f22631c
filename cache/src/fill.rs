//! A response on its way into the store, which others read while it grows.
//!
//! Readers see each piece as soon as it is written. A fill that ends early is an error for them, never an end: a body
//! that is cut off must not look whole. A fill that outgrows what may be stored goes on as a mere pipe for those who read
//! it already: nobody joins it any more, and what all of them have read is dropped.

mod pieces;
mod reader;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use pingora_http::ResponseHeader;
use tokio::sync::watch;

use crate::object::Body;
use crate::policy::{Reason, Terms};
use crate::purge::{Generation, Labels, lock};
use crate::vary::{Variance, Vary};
use pieces::Pieces;
pub use reader::Reader;

/// Bytes that the slowest reader of a mere pipe may be behind.
const MAX_LAG: u64 = 64 << 20;

/// Why a fill did not become an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FillError {
    /// Its writer went away before the end.
    #[error("the response ended before its last byte")]
    Abandoned,
    /// Its bytes were not as many as `Content-Length` says.
    #[error("the response's length is not what its content-length says")]
    WrongLength,
    /// It is too large to be stored, and somebody reads it too slowly.
    #[error(
        "the response is too large to be stored, and its client is more than 64 MiB behind the origin"
    )]
    Lagging,
}

/// A response on its way into the store.
#[derive(Debug)]
pub(crate) struct Fill {
    pub(crate) id: u64,
    pub(crate) key: Arc<[u8]>,
    pub(crate) variance: Option<Variance>,
    pub(crate) vary: Vary,
    pub(crate) born: Generation,
    pub(crate) labels: Labels,
    pub(crate) head: ResponseHeader,
    pub(crate) terms: Terms,
    /// Whether somebody may still join it.
    open: AtomicBool,
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct State {
    pieces: Pieces,
    progress: Progress,
    /// Why it will not be stored, once that is known.
    unstored: Option<Reason>,
    /// How far each reader has come.
    readers: HashMap<u64, u64>,
    next_reader: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Progress {
    #[default]
    Growing,
    Whole,
    Failed(FillError),
}

/// What a reader finds at its position.
enum Next {
    Piece(Bytes),
    End,
    NotYet,
}

/// What a new fill begins with.
pub(crate) struct Beginning {
    pub(crate) id: u64,
    pub(crate) key: Arc<[u8]>,
    pub(crate) variance: Option<Variance>,
    pub(crate) vary: Vary,
    pub(crate) born: Generation,
    pub(crate) labels: Labels,
    pub(crate) head: ResponseHeader,
    pub(crate) terms: Terms,
}

impl Fill {
    pub(crate) fn new(beginning: Beginning) -> Self {
        let Beginning {
            id,
            key,
            variance,
            vary,
            born,
            labels,
            head,
            terms,
        } = beginning;
        Self {
            id,
            key,
            variance,
            vary,
            born,
            labels,
            head,
            terms,
            open: AtomicBool::new(true),
            state: Mutex::default(),
            changed: watch::Sender::new(()),
        }
    }

    /// Whether somebody may still join it.
    pub(crate) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    /// Adds a piece; what the fill holds in memory now.
    pub(crate) fn write(&self, piece: Bytes) -> Result<u64, FillError> {
        let mut state = lock(&self.state);
        state.pieces.push(piece);
        if state.unstored.is_some() {
            state.drop_what_all_have_read();
            if state.readers.is_empty() {
                return Err(FillError::Abandoned);
            }
            if state.pieces.held() > MAX_LAG {
                return Err(FillError::Lagging);
            }
        }
        let held = state.pieces.held();
        drop(state);
        self.changed.send_replace(());
        Ok(held)
    }

    /// Makes it a mere pipe.
    pub(crate) fn give_up_storing(&self, reason: Reason) {
        self.open.store(false, Ordering::Release);
        lock(&self.state).unstored.get_or_insert(reason);
    }

    /// Why it will not be stored, if that is known.
    pub(crate) fn unstored(&self) -> Option<Reason> {
        lock(&self.state).unstored
    }

    /// All bytes written.
    pub(crate) fn len(&self) -> u64 {
        lock(&self.state).pieces.end()
    }

    /// The whole body, if it is to be stored.
    pub(crate) fn body(&self) -> Option<Body> {
        let mut state = lock(&self.state);
        state
            .unstored
            .is_none()
            .then(|| Body::new(state.pieces.settle()))
    }

    /// Tells the readers that the end is the end.
    pub(crate) fn complete(&self) {
        self.end(Progress::Whole);
    }

    /// Tells the readers that there is no more to come.
    pub(crate) fn fail(&self, error: FillError) {
        self.end(Progress::Failed(error));
    }

    fn end(&self, progress: Progress) {
        self.open.store(false, Ordering::Release);
        lock(&self.state).progress = progress;
        self.changed.send_replace(());
    }
}

impl State {
    fn drop_what_all_have_read(&mut self) {
        let slowest = self.readers.values().copied().min().unwrap_or(u64::MAX);
        self.pieces.drop_before(slowest);
    }

    fn next(&mut self, reader: u64, position: u64) -> Result<Next, FillError> {
        let piece = self.pieces.from(position);
        self.readers.insert(reader, position);
        match (piece, self.progress) {
            (Some(piece), _) => Ok(Next::Piece(piece)),
            (None, Progress::Failed(error)) => Err(error),
            (None, Progress::Growing) => Ok(Next::NotYet),
            (None, Progress::Whole) => Ok(Next::End),
        }
    }
}

static ORDER: AtomicU64 = AtomicU64::new(0);

/// A number for the next fill of this process.
pub(crate) fn next_id() -> u64 {
    ORDER.fetch_add(1, Ordering::Relaxed)
}
