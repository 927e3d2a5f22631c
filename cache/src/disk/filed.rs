//! Large bodies: each a file of its own, written while it arrives and read in chunks that have a sum each.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Weak};

use bytes::Bytes;

use super::folder::{self, FileKind};
use super::index::{Entry, Place};
use super::record::{self, FRAME, FiledBody};
use super::segment::end_of_object;
use super::{Shared, name, reading};
use crate::fill::FillError;
use crate::object::Object;

/// Bytes of a chunk.
pub(crate) const CHUNK: u64 = 256 << 10;

/// A body that is a file. It holds no file open, and so keeps no room on disk that was given up.
#[derive(Debug, Clone)]
pub(crate) struct Filed {
    disk: Weak<Shared>,
    number: u32,
    len: u64,
    sums: Arc<[u64]>,
}

/// The same, opened: it can be read to its end whatever becomes of the file.
#[derive(Debug, Clone)]
pub(crate) struct Opened {
    body: Filed,
    file: Arc<File>,
}

impl Filed {
    pub(super) fn new(disk: Weak<Shared>, number: u32, body: FiledBody) -> Self {
        Self {
            disk,
            number,
            len: body.len,
            sums: body.sums.into(),
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// What it takes in memory, in bytes.
    pub(crate) fn weight(&self) -> u64 {
        self.sums.len() as u64 * 8
    }

    /// Whether its file is in the tier still.
    pub(crate) fn is_there(&self) -> bool {
        self.disk
            .upgrade()
            .is_some_and(|disk| disk.stored(self.number).is_some())
    }

    /// Opens it; `None` when it is gone.
    pub(crate) async fn open(&self) -> Option<Opened> {
        let disk = self.disk.upgrade()?;
        let file = disk.handle(self.number).await?;
        Some(Opened {
            body: self.clone(),
            file,
        })
    }

    /// All of it, chunk by chunk. Waits for the disk.
    pub(crate) fn read(&self) -> Result<Vec<Bytes>, FillError> {
        let disk = self.disk.upgrade().ok_or(FillError::Disk)?;
        let file = disk.open_object(self.number).ok_or(FillError::Disk)?;
        let chunks = self.sums.iter().zip(0_u64..).map(|(sum, number)| {
            let start = number * CHUNK;
            let size = CHUNK.min(self.len.saturating_sub(start));
            let size = usize::try_from(size).map_err(|_| FillError::Disk)?;
            let read = reading::read_waiting(&file, [0, size], start);
            let [_, chunk] = read.map_err(|_| FillError::Disk)?;
            let is_right = record::sum([chunk.as_slice()]) == *sum;
            is_right.then(|| chunk.into()).ok_or(FillError::Disk)
        });
        chunks.collect()
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    pub(super) fn written(&self) -> FiledBody {
        FiledBody {
            len: self.len,
            sums: self.sums.to_vec(),
        }
    }
}

impl Opened {
    /// What follows after `position`, as far as its chunk goes; `None` at the end.
    pub(crate) async fn read(&self, position: u64) -> Result<Option<Bytes>, FillError> {
        if position >= self.body.len {
            return Ok(None);
        }
        let start = position / CHUNK * CHUNK;
        let size = CHUNK.min(self.body.len - start);
        let sum = usize::try_from(position / CHUNK)
            .ok()
            .and_then(|chunk| self.body.sums.get(chunk).copied());
        let read = read_chunk(&self.file, start, size, sum).await;
        let chunk = read.inspect_err(|_| {
            if let Some(disk) = self.body.disk.upgrade() {
                disk.lose(self.body.number);
            }
        })?;
        Ok(Some(after(chunk, position - start)))
    }
}

/// Reads one chunk and holds it against its sum.
pub(crate) async fn read_chunk(
    file: &Arc<File>,
    start: u64,
    size: u64,
    expected: Option<u64>,
) -> Result<Bytes, FillError> {
    let size = usize::try_from(size).map_err(|_| FillError::Disk)?;
    let read = reading::read(file, [0, size], start).await;
    let [_, chunk] = read.map_err(|_| FillError::Disk)?;
    if expected == Some(record::sum([chunk.as_slice()])) {
        Ok(chunk.into())
    } else {
        Err(FillError::Disk)
    }
}

/// What follows after the first `skip` bytes.
pub(crate) fn after(mut chunk: Bytes, skip: u64) -> Bytes {
    let skip = usize::try_from(skip).unwrap_or(usize::MAX).min(chunk.len());
    chunk.split_off(skip)
}

/// A large body on its way in. Its file goes with it, unless it is finished.
#[derive(Debug)]
pub(crate) struct Part {
    disk: Arc<Shared>,
    number: u32,
    file: Arc<File>,
    sums: Vec<u64>,
    len: u64,
}

impl Part {
    /// Makes its file. Waits for the disk.
    ///
    /// # Errors
    /// When that can't be done.
    pub(super) fn begin(disk: Arc<Shared>) -> io::Result<Self> {
        let number = disk.next_number();
        let file = folder::create(&folder::file_in(&disk.path, number, FileKind::Part));
        let file = file.inspect_err(|error| disk.write_failed(error))?;
        Ok(Self {
            disk,
            number,
            file: Arc::new(file),
            sums: Vec::new(),
            len: 0,
        })
    }

    /// The file, to read what was written.
    pub(crate) fn file(&self) -> Arc<File> {
        self.file.clone()
    }

    /// Adds a chunk, which is [`CHUNK`] bytes unless it is the last one; its sum. Waits for the disk.
    ///
    /// # Errors
    /// When it can't be written.
    pub(crate) fn add(&mut self, pieces: &[Bytes]) -> io::Result<u64> {
        let sum = record::sum(pieces.iter().map(|piece| &**piece));
        for piece in pieces {
            self.write(piece)?;
        }
        self.sums.push(sum);
        Ok(sum)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.disk.reserve(bytes.len() as u64);
        self.len += bytes.len() as u64;
        let position = self.len - bytes.len() as u64;
        let mut written = self.file.write_all_at(bytes, position);
        if written.is_err() && self.disk.make_room_now() {
            // The volume is smaller than the size that the operator gave, and something could go.
            written = self.file.write_all_at(bytes, position);
        }
        written.inspect_err(|error| self.disk.write_failed(error))
    }

    /// Ends the file with the object's head, lets it survive a power cut, and takes it into the tier; the body to serve
    /// from then on. Waits for the disk.
    ///
    /// # Errors
    /// When something can't be written.
    pub(crate) fn finish(mut self, object: &Object) -> io::Result<Filed> {
        let body = FiledBody {
            len: self.len,
            sums: std::mem::take(&mut self.sums),
        };
        let (key, variant) = (name::of_key(&object.key), object.variant_name());
        let mut record = Vec::new();
        let position = self.len;
        let frame = record::write(&mut record, object, key, variant, Some(body.clone()));
        let frame = frame.map_err(io::Error::other)?;
        let born = object.born.to_bits();
        self.write(&end_of_object(record, born, position))?;
        self.file.sync_data()?;
        let of_kind = |kind| folder::file_in(&self.disk.path, self.number, kind);
        std::fs::rename(of_kind(FileKind::Part), of_kind(FileKind::Object))?;
        let place = Place {
            file: self.number,
            offset: 0,
            head: frame.head + FRAME as u32,
            body: 0,
        };
        let entry = Entry {
            key,
            place,
            variant,
            hits: 0,
        };
        self.disk.adopt(entry, &self.file, self.len, position, born);
        // From here on the bytes are the tier's.
        let len = std::mem::take(&mut self.len);
        self.disk.unreserve(len);
        Ok(Filed::new(Arc::downgrade(&self.disk), self.number, body))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.disk.unreserve(self.len);
        // Renamed when it is finished; then nothing has this name.
        std::fs::remove_file(folder::file_in(
            &self.disk.path,
            self.number,
            FileKind::Part,
        ))
        .ok();
    }
}
