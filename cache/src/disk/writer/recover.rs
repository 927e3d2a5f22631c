//! What an earlier process left.

use std::collections::{HashSet, VecDeque};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use rustix::io::Errno;

use super::super::folder::{self, FileKind, Folder};
use super::super::index::{Entry, Place};
use super::super::reading::read_waiting;
use super::super::record::{FRAME, Frame};
use super::super::segment::{contents, read_end};
use super::super::{Shared, Stored};
use super::fill::is_full;
use super::{KeyName, Removed, VariantName, Writer};
use crate::purge::{Kept, lock};

impl Writer {
    /// Takes the folder into use with all that is in it.
    pub(super) fn begin(shared: &Arc<Shared>, removed: &mut Removed) -> io::Result<Self> {
        let mut device = lock(&shared.device);
        let folder = Folder::open(&shared.path, *device)?;
        *device = Some(folder.device());
        drop(device);
        make_room_to_begin(&folder)?;
        forget_all(shared);
        let kept = shared
            .purges
            .keep_in(&shared.path)
            .map_err(io::Error::other)?;
        let mut files = folder.files()?;
        if kept == Kept::Untrusted && !files.is_empty() {
            tracing::warn!(folder = %shared.path.display(), "the journal of purges is damaged, so the cache's disk begins empty");
            for (number, kind) in std::mem::take(&mut files) {
                folder.remove(number, kind);
            }
        }
        let next = files.last().map_or(1, |(last, _)| last + 1);
        shared.next.fetch_max(next, Ordering::Relaxed);
        let began = Instant::now();
        let mut recovered = Recovered::default();
        // The newest first: what is found again later is older.
        for (number, kind) in files.iter().rev() {
            if let Err(error) = recovered.file(shared, &folder, *number, *kind) {
                if is_short_of_descriptors(&error) {
                    return Err(error);
                }
                shared.counts.read_faults.fetch_add(1, Ordering::Relaxed);
                folder.remove(*number, *kind);
            }
        }
        let mut writer = Self {
            folder,
            files: recovered.files,
            segment: None,
            batch: Vec::new(),
            pending: Vec::new(),
            looked: Instant::now(),
        };
        tracing::debug!(objects = shared.index.len(), took = ?began.elapsed(), "the cache's disk was read");
        shared.up();
        for (key, variant) in removed.drain() {
            writer.gather_removal(shared, key, variant);
        }
        writer.write_out(shared);
        Ok(writer)
    }
}

/// Puts files out, the oldest first, until something can be written: a volume may be smaller than the size that was given.
fn make_room_to_begin(folder: &Folder) -> io::Result<()> {
    for (number, kind) in folder.files()? {
        match folder.probe() {
            Err(error) if is_full(&error) => folder.remove(number, kind),
            probed => return probed,
        }
    }
    folder.probe()
}

/// Whether a file could not be opened for want of descriptors, which says nothing against the file.
fn is_short_of_descriptors(error: &io::Error) -> bool {
    let error = Errno::from_io_error(error);
    matches!(error, Some(Errno::MFILE | Errno::NFILE))
}

fn forget_all(shared: &Shared) {
    shared.index.clear();
    let mut files = shared
        .files
        .write()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    files.clear();
    shared.used.store(0, Ordering::Relaxed);
    shared.handles.clear();
}

#[derive(Default)]
struct Recovered {
    files: VecDeque<u32>,
    removed: HashSet<(KeyName, VariantName)>,
}

impl Recovered {
    fn file(
        &mut self,
        shared: &Arc<Shared>,
        folder: &Folder,
        number: u32,
        kind: FileKind,
    ) -> io::Result<()> {
        let file = Arc::new(folder::open(&folder.file(number, kind))?);
        let len = file.metadata()?.len();
        match kind {
            FileKind::Segment => self.segment(shared, number, &file, len)?,
            _ => self.object(shared, number, &file, len)?,
        }
        self.files.push_front(number);
        Ok(())
    }

    fn segment(
        &mut self,
        shared: &Arc<Shared>,
        number: u32,
        file: &Arc<std::fs::File>,
        len: u64,
    ) -> io::Result<()> {
        let contents = contents(file, len)?;
        if contents.records.is_empty() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        // What follows the last whole record is nothing, and must not be taken for something later.
        let len = if contents.sealed { len } else { contents.end };
        if !contents.sealed {
            file.set_len(len)?;
        }
        shared.add_file(number, Stored::segment(file, len, contents.oldest));
        for record in contents.records.iter().rev() {
            let name = (record.key, record.variant);
            if record.head == 0 {
                self.removed.insert(name);
            } else if !self.removed.contains(&name) {
                shared.index.restore(Entry {
                    key: record.key,
                    place: record.place(number),
                    variant: record.variant,
                    hits: 0,
                });
            }
        }
        Ok(())
    }

    fn object(
        &mut self,
        shared: &Arc<Shared>,
        number: u32,
        file: &std::fs::File,
        len: u64,
    ) -> io::Result<()> {
        let damaged = || io::Error::from(io::ErrorKind::InvalidData);
        let (record, position, oldest) = read_end(file, len)?.ok_or_else(damaged)?;
        let frame = Frame::read(&record).map_err(io::Error::other)?;
        let [bytes, _] = read_waiting(file, [FRAME + frame.head as usize, 0], position)?;
        frame.verify(&bytes).map_err(io::Error::other)?;
        shared.add_file(
            number,
            Stored {
                kind: FileKind::Object,
                bytes: AtomicU64::new(len),
                oldest: AtomicU64::new(oldest),
                heads: Mutex::new(vec![position]),
                segment: None,
            },
        );
        if !self.removed.contains(&(frame.key, frame.variant)) {
            shared.index.restore(Entry {
                key: frame.key,
                place: Place {
                    file: number,
                    offset: 0,
                    head: frame.head + FRAME as u32,
                    body: 0,
                },
                variant: frame.variant,
                hits: 0,
            });
        }
        Ok(())
    }
}
