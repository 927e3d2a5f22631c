//! A response on its way into the store, which others read while it grows.
//!
//! Readers see each piece as soon as it is written. A fill that ends early is an error for them, never an end: a body
//! that is cut off must not look whole. A fill that outgrows what may be stored goes on as a mere pipe for those who read
//! it already: nobody joins it any more, and what all of them have read is dropped. A large one is poured into a file of
//! the disk tier while it grows: what is in the file is dropped from memory, and read from there by those who are behind.

mod pieces;
mod reader;

use std::collections::HashMap;
use std::fs::File;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use pingora_http::ResponseHeader;
use tokio::sync::{Notify, watch};

use crate::disk::CHUNK;
use crate::object::Body;
use crate::policy::{Reason, Terms};
use crate::purge::{Generation, Labels, lock};
use crate::vary::{Variance, Vary};
use pieces::Pieces;
pub use reader::Reader;

/// Bytes that the slowest reader of a mere pipe may be behind.
const MAX_LAG: u64 = 64 << 20;
/// Bytes that the disk may be behind before the origin has to wait for it.
const MAX_AHEAD: u64 = 4 << 20;
/// How long the origin waits for the disk before the response is stored no longer.
const DISK_PATIENCE: Duration = Duration::from_secs(2);

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
    /// What is on disk can't be read, or is not what was written.
    #[error("the stored response can't be read from disk")]
    Disk,
}

/// A response on its way into the store.
#[derive(Debug)]
pub(crate) struct Fill {
    pub(crate) id: u64,
    pub(crate) key: Arc<[u8]>,
    pub(crate) variance: Option<Variance>,
    pub(crate) selecting: Option<Arc<[u8]>>,
    pub(crate) vary: Vary,
    pub(crate) born: Generation,
    pub(crate) labels: Labels,
    pub(crate) head: ResponseHeader,
    pub(crate) terms: Terms,
    /// Whether somebody may still join it.
    open: AtomicBool,
    state: Mutex<State>,
    changed: watch::Sender<()>,
    /// Told when bytes have left the memory for the disk.
    poured: Notify,
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
    /// Whether it is to be poured into a file.
    pouring: bool,
    /// What is in a file already.
    file: Option<Poured>,
}

/// The beginning of a body that is in a file.
#[derive(Debug)]
struct Poured {
    file: Arc<File>,
    /// The sum of each chunk.
    sums: Vec<u64>,
    len: u64,
}

/// A chunk of a file, to be read and held against its sum.
#[derive(Debug)]
struct FileChunk {
    file: Arc<File>,
    start: u64,
    size: u64,
    sum: Option<u64>,
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
    InFile(FileChunk),
    End,
    NotYet,
}

/// What a new fill begins with.
pub(crate) struct Beginning {
    pub(crate) id: u64,
    pub(crate) key: Arc<[u8]>,
    pub(crate) variance: Option<Variance>,
    pub(crate) selecting: Option<Arc<[u8]>>,
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
            selecting,
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
            selecting,
            vary,
            born,
            labels,
            head,
            terms,
            open: AtomicBool::new(true),
            state: Mutex::default(),
            changed: watch::Sender::new(()),
            poured: Notify::new(),
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
        self.changed.send_replace(());
    }

    /// Why it will not be stored, if that is known.
    pub(crate) fn unstored(&self) -> Option<Reason> {
        lock(&self.state).unstored
    }

    /// All bytes written.
    pub(crate) fn len(&self) -> u64 {
        lock(&self.state).pieces.end()
    }

    /// The whole body, if it is to be stored in memory.
    pub(crate) fn body(&self) -> Option<Body> {
        let mut state = lock(&self.state);
        let is_in_memory = state.unstored.is_none() && !state.pouring;
        is_in_memory.then(|| Body::new(state.pieces.settle()))
    }

    /// Tells the readers that the end is the end. One that is poured into a file is open until the file is whole.
    pub(crate) fn complete(&self) {
        let mut state = lock(&self.state);
        let is_poured = state.pouring && state.unstored.is_none();
        state.progress = Progress::Whole;
        drop(state);
        self.open.store(is_poured, Ordering::Release);
        self.changed.send_replace(());
    }

    /// Tells the readers that there is no more to come.
    pub(crate) fn fail(&self, error: FillError) {
        self.open.store(false, Ordering::Release);
        lock(&self.state).progress = Progress::Failed(error);
        self.changed.send_replace(());
    }

    /// Notes that the body goes to the disk.
    pub(crate) fn is_to_be_poured(&self) {
        lock(&self.state).pouring = true;
    }

    /// From now on the body is poured into this file.
    pub(crate) fn pour_into(&self, file: Arc<File>) {
        lock(&self.state).file = Some(Poured {
            file,
            sums: Vec::new(),
            len: 0,
        });
    }

    /// The next chunk to pour, from `position` on; `None` at the end. Waits until it is whole.
    ///
    /// # Errors
    /// When the fill failed, or is not to be stored any more.
    pub(crate) async fn chunk(&self, position: u64) -> Result<Option<Vec<Bytes>>, FillError> {
        let mut changed = self.changed.subscribe();
        loop {
            changed.borrow_and_update();
            let (pieces, progress, unstored) = {
                let state = lock(&self.state);
                let has = state.pieces.end().saturating_sub(position);
                let is_ready = has >= CHUNK || state.progress == Progress::Whole;
                let pieces = is_ready.then(|| state.pieces.range(position, has.min(CHUNK)));
                (pieces, state.progress, state.unstored)
            };
            match (pieces, progress, unstored) {
                (_, Progress::Failed(error), _) => return Err(error),
                (_, _, Some(_)) => return Err(FillError::Abandoned),
                (Some(pieces), ..) => return Ok((!pieces.is_empty()).then_some(pieces)),
                (None, ..) => changed.changed().await.map_err(|_| FillError::Abandoned)?,
            }
        }
    }

    /// Notes that a chunk of so many bytes is in the file.
    pub(crate) fn poured(&self, bytes: u64, sum: u64) {
        let mut state = lock(&self.state);
        if let Some(file) = &mut state.file {
            file.sums.push(sum);
            file.len += bytes;
            let in_file = file.len;
            state.pieces.drop_before(in_file);
        }
        drop(state);
        self.poured.notify_waiters();
    }

    /// Whether the disk is too far behind.
    fn is_behind(&self) -> bool {
        let state = lock(&self.state);
        state.pouring && state.unstored.is_none() && state.pieces.held() > MAX_AHEAD
    }

    /// Waits while the disk is too far behind; gives up storing when it stays there.
    pub(crate) async fn keep_pace(&self) {
        let deadline = tokio::time::Instant::now() + DISK_PATIENCE;
        loop {
            let told = self.poured.notified();
            tokio::pin!(told);
            told.as_mut().enable();
            if !self.is_behind() {
                return;
            }
            if tokio::time::timeout_at(deadline, told).await.is_err() {
                self.give_up_storing(Reason::Disk);
            }
        }
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
            (None, progress) => match (self.in_file(position), progress) {
                (Some(chunk), _) => Ok(Next::InFile(chunk)),
                // What came and is nowhere any more is an error, never an end.
                (None, _) if position < self.pieces.end() => Err(FillError::Lagging),
                (None, Progress::Whole) => Ok(Next::End),
                (None, _) => Ok(Next::NotYet),
            },
        }
    }

    /// The chunk of the file that a position is in.
    fn in_file(&self, position: u64) -> Option<FileChunk> {
        let file = self.file.as_ref().filter(|file| position < file.len)?;
        let start = position / CHUNK * CHUNK;
        let chunk = usize::try_from(position / CHUNK).ok()?;
        Some(FileChunk {
            file: file.file.clone(),
            start,
            size: CHUNK.min(file.len - start),
            sum: file.sums.get(chunk).copied(),
        })
    }
}

static ORDER: AtomicU64 = AtomicU64::new(0);

/// A number for the next fill of this process.
pub(crate) fn next_id() -> u64 {
    ORDER.fetch_add(1, Ordering::Relaxed)
}
