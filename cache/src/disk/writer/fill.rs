//! The segment that is being filled.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::super::folder::{self, FileKind};
use super::super::index::Entry;
use super::super::segment::end_of_segment;
use super::super::{Shared, Stored};
use super::{Pending, Segment, What, Writer};

impl Writer {
    /// Appends the batch to the segment; where it begins there.
    pub(super) fn append(&mut self, shared: &Arc<Shared>) -> io::Result<u32> {
        let len = self.batch.len() as u64;
        if self
            .segment
            .as_ref()
            .is_some_and(|segment| segment.len + len > shared.segment())
        {
            self.seal(shared);
        }
        loop {
            let batch = std::mem::take(&mut self.batch);
            let appended = self.segment(shared).and_then(|segment| {
                let written = segment.file.write_all_at(&batch, segment.len);
                // A part of it must not be taken for a record later.
                written.inspect_err(|_| segment.file.set_len(segment.len).unwrap_or_default())?;
                let start = segment.len;
                segment.len += len;
                shared.grow(&segment.stored, len);
                Ok(u32::try_from(start).unwrap_or(u32::MAX))
            });
            self.batch = batch;
            match appended {
                Err(error) if is_full(&error) && self.put_out_without_rescue(shared) => {}
                result => return result,
            }
        }
    }

    /// The segment that is being filled, a new one if there is none.
    pub(super) fn segment(&mut self, shared: &Arc<Shared>) -> io::Result<&mut Segment> {
        let segment = match self.segment.take() {
            Some(segment) => segment,
            None => {
                let number = shared.next_number();
                let file = folder::create(&self.folder.file(number, FileKind::Segment))?;
                let file = Arc::new(file);
                let stored = shared.add_file(number, Stored::segment(&file, 0, u64::MAX));
                Segment {
                    number,
                    file,
                    stored,
                    len: 0,
                    records: Vec::new(),
                    oldest: u64::MAX,
                }
            }
        };
        Ok(self.segment.insert(segment))
    }

    pub(super) fn put_in_index(&mut self, shared: &Arc<Shared>, pending: Vec<Pending>, start: u32) {
        let Some(segment) = &mut self.segment else {
            return;
        };
        for Pending {
            mut record,
            born,
            what,
        } in pending
        {
            record.offset += start;
            segment.records.push(record);
            segment.oldest = segment.oldest.min(born);
            segment.stored.oldest.fetch_min(born, Ordering::Relaxed);
            let place = record.place(segment.number);
            match what {
                What::Object(object) if !object.is_superseded() => {
                    shared.index.put(Entry {
                        key: record.key,
                        place,
                        variant: record.variant,
                        hits: 0,
                    });
                    shared.counts.writes.fetch_add(1, Ordering::Relaxed);
                }
                What::Rescued(from) => {
                    shared.index.moved(record.key, from, place);
                }
                What::Object(_) | What::Removal => {}
            }
            let bytes = u64::from(record.head) + u64::from(record.body);
            shared
                .counts
                .written_bytes
                .fetch_add(bytes, Ordering::Relaxed);
        }
    }

    /// Ends the segment with the list of its records. Without it, a start takes a little longer.
    pub(super) fn seal(&mut self, shared: &Arc<Shared>) {
        let Some(segment) = self.segment.take() else {
            return;
        };
        let end = end_of_segment(&segment.records, segment.oldest, segment.len);
        match segment.file.write_all_at(&end, segment.len) {
            Ok(()) => {
                shared.grow(&segment.stored, end.len() as u64);
                segment.file.sync_data().unwrap_or_default();
            }
            Err(_) => segment.file.set_len(segment.len).unwrap_or_default(),
        }
        self.files.push_back(segment.number);
    }
}

impl Stored {
    pub(super) fn segment(file: &Arc<File>, bytes: u64, oldest: u64) -> Self {
        Self {
            kind: FileKind::Segment,
            bytes: AtomicU64::new(bytes),
            oldest: AtomicU64::new(oldest),
            heads: Mutex::default(),
            segment: Some(file.clone()),
        }
    }
}

pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}
