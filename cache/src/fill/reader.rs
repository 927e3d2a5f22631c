//! Reading a body, whether it is stored or still on its way.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;

use super::{Fill, FillError, Next};
use crate::disk::{Opened, after, read_chunk};
use crate::object::Body;
use crate::purge::lock;

/// Reads a body, stored or still growing, wholly or a range of it.
#[derive(Debug)]
pub struct Reader {
    source: Source,
    position: u64,
    end: u64,
}

#[derive(Debug)]
enum Source {
    Memory(Body),
    Disk(Opened),
    Growing(Growing),
}

#[derive(Debug)]
struct Growing {
    fill: Arc<Fill>,
    id: u64,
    changed: watch::Receiver<()>,
}

impl Reader {
    /// Reads a body that is in memory; `None` when it is a file.
    pub fn in_memory(body: &Body) -> Option<Self> {
        body.pieces()?;
        Some(Self {
            source: Source::Memory(body.clone()),
            position: 0,
            end: body.len(),
        })
    }

    /// Reads a stored body; `None` when it is a file that is gone. Once there is a reader, its body stays.
    pub async fn of(body: &Body) -> Option<Self> {
        let source = match body.as_filed() {
            Some(file) => Source::Disk(file.open().await?),
            None => Source::Memory(body.clone()),
        };
        Some(Self {
            source,
            position: 0,
            end: body.len(),
        })
    }

    pub(crate) fn growing(fill: Arc<Fill>) -> Self {
        let changed = fill.changed.subscribe();
        let mut state = lock(&fill.state);
        state.next_reader += 1;
        let id = state.next_reader;
        state.readers.insert(id, 0);
        drop(state);
        Self {
            source: Source::Growing(Growing { fill, id, changed }),
            position: 0,
            end: u64::MAX,
        }
    }

    /// Goes on at `start`, and ends before `end` if that is given.
    pub fn seek(&mut self, start: u64, end: Option<u64>) {
        self.position = start;
        self.end = end.unwrap_or(u64::MAX);
    }

    /// The next piece; `None` at the end. Waits for what is still to be written.
    pub async fn read(&mut self) -> Result<Option<Bytes>, FillError> {
        if self.position >= self.end {
            return Ok(None);
        }
        let piece = match &mut self.source {
            Source::Memory(body) => body.from(self.position),
            Source::Disk(file) => file.read(self.position).await?,
            Source::Growing(growing) => growing.read(self.position).await?,
        };
        let Some(mut piece) = piece else {
            return Ok(None);
        };
        let left = usize::try_from(self.end - self.position).unwrap_or(usize::MAX);
        piece.truncate(left);
        self.position += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        if let (true, Source::Growing(growing)) = (self.position >= self.end, &self.source) {
            // Whoever has what it wanted must not hold back the rest.
            lock(&growing.fill.state)
                .readers
                .insert(growing.id, u64::MAX);
        }
        Ok(Some(piece))
    }
}

impl Growing {
    async fn read(&mut self, position: u64) -> Result<Option<Bytes>, FillError> {
        loop {
            // Marked as seen before looking, so that a write in between wakes us at once.
            self.changed.borrow_and_update();
            let next = lock(&self.fill.state).next(self.id, position)?;
            match next {
                Next::Piece(piece) => return Ok(Some(piece)),
                Next::InFile(chunk) => {
                    let read = read_chunk(&chunk.file, chunk.start, chunk.size, chunk.sum).await?;
                    return Ok(Some(after(read, position - chunk.start)));
                }
                Next::End => return Ok(None),
                // The sender lives in the fill that we hold.
                Next::NotYet => self
                    .changed
                    .changed()
                    .await
                    .map_err(|_| FillError::Abandoned)?,
            }
        }
    }
}

impl Drop for Growing {
    fn drop(&mut self) {
        lock(&self.fill.state).readers.remove(&self.id);
    }
}
