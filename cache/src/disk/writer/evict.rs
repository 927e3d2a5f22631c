//! What has to make room.
//!
//! Files go in the order they were written in. What was asked for since it was written gets another round: a record is
//! written again into the newest segment, up to half a segment at a time, and a large object's file is given a new number.

use std::fs::{self, File};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::super::folder::FileKind;
use super::super::index::{Entry, Place};
use super::super::reading::read_waiting;
use super::super::segment::{self, Listed};
use super::super::{Shared, Stored};
use super::{BATCH, Pending, What, Writer};
use crate::purge::lock;

impl Writer {
    /// Puts files out until the tier, with a whole segment more, is as large as it may be.
    pub(super) fn make_room(&mut self, shared: &Arc<Shared>) {
        let mut rounds = self.files.len() * 2;
        while shared.over(shared.segment()) > 0 && rounds > 0 {
            rounds -= 1;
            let rescue = rounds > self.files.len();
            if !self.put_out(shared, rescue) {
                return;
            }
        }
    }

    /// Puts the oldest file out when the volume is full; whether there was one.
    pub(super) fn put_out_without_rescue(&mut self, shared: &Arc<Shared>) -> bool {
        self.put_out(shared, false)
    }

    fn put_out(&mut self, shared: &Arc<Shared>, rescue: bool) -> bool {
        let Some(number) = self.files.pop_front() else {
            return false;
        };
        let Some(stored) = shared.stored(number) else {
            // It was found damaged; whoever did may have had no place in the queue to say so.
            self.folder.remove(number, FileKind::Object);
            return true;
        };
        match stored.kind {
            FileKind::Object => self.put_out_object(shared, number, &stored, rescue),
            _ => self.put_out_segment(shared, number, &stored, rescue),
        }
        true
    }

    fn put_out_object(&mut self, shared: &Arc<Shared>, number: u32, stored: &Stored, rescue: bool) {
        let entry = object_entry(
            shared,
            self.folder.file(number, FileKind::Object),
            number,
            stored,
        );
        if let Some(entry) = &entry
            && rescue
            && entry.hits > 0
            && self.renumber(shared, number, entry)
        {
            return;
        }
        if let Some(entry) = entry {
            shared.index.remove_at(entry.key, entry.place);
            shared.counts.evictions.fetch_add(1, Ordering::Relaxed);
        }
        shared.forget_file(number);
        self.folder.remove(number, FileKind::Object);
    }

    /// Makes an object's file the newest; whether that could be done.
    fn renumber(&mut self, shared: &Arc<Shared>, from: u32, entry: &Entry) -> bool {
        let Some(stored) = shared.stored(from) else {
            return false;
        };
        let to = shared.next_number();
        let file = |number| self.folder.file(number, FileKind::Object);
        if fs::rename(file(from), file(to)).is_err() {
            return false;
        }
        // The new name first and the old one last, so that whoever reads meanwhile finds one of them.
        shared.files_mut().insert(to, stored);
        let place = Place {
            file: to,
            ..entry.place
        };
        shared.index.moved(entry.key, entry.place, place);
        shared.files_mut().remove(&from);
        shared.handles.remove(&from);
        self.files.push_back(to);
        true
    }

    fn put_out_segment(
        &mut self,
        shared: &Arc<Shared>,
        number: u32,
        stored: &Stored,
        rescue: bool,
    ) {
        let Some(file) = stored.segment.as_ref() else {
            return;
        };
        let len = stored.bytes.load(Ordering::Relaxed);
        let contents = segment::contents(file, len).unwrap_or_default();
        let mut rescued = 0;
        for record in &contents.records {
            let place = record.place(number);
            let Some(entry) = shared.index.at(record.key, place) else {
                continue;
            };
            let bytes = u64::from(record.head) + u64::from(record.body);
            let worth = rescue && entry.hits > 0 && rescued + bytes <= shared.segment() / 2;
            if worth && self.rescue(shared, file, record, place, contents.oldest) {
                rescued += bytes;
            } else {
                shared.index.remove_at(record.key, place);
                shared.counts.evictions.fetch_add(1, Ordering::Relaxed);
            }
        }
        if rescue {
            self.write_rescued(shared);
        }
        // What could not be written again still points there.
        for record in &contents.records {
            shared.index.remove_at(record.key, record.place(number));
        }
        shared.forget_file(number);
        self.folder.remove(number, FileKind::Segment);
    }

    /// Adds a record as it is to the batch; whether it could be read.
    fn rescue(
        &mut self,
        shared: &Arc<Shared>,
        file: &File,
        record: &Listed,
        place: Place,
        oldest: u64,
    ) -> bool {
        let sizes = [record.head as usize, record.body as usize];
        let Ok([head, body]) = read_waiting(file, sizes, u64::from(record.offset)) else {
            return false;
        };
        let offset = u32::try_from(self.batch.len()).unwrap_or(u32::MAX);
        self.batch.extend_from_slice(&head);
        self.batch.extend_from_slice(&body);
        self.pending.push(Pending {
            record: Listed { offset, ..*record },
            born: oldest,
            what: What::Rescued(place),
        });
        if self.batch.len() >= BATCH {
            self.write_rescued(shared);
        }
        true
    }

    /// Writes what was rescued; what can't be written is simply put out.
    fn write_rescued(&mut self, shared: &Arc<Shared>) {
        if self.batch.is_empty() {
            return;
        }
        let written = self.append(shared);
        let pending = std::mem::take(&mut self.pending);
        if let Ok(start) = written {
            self.put_in_index(shared, pending, start);
        }
        self.batch.clear();
    }

    /// Removes every file.
    pub(super) fn clear(&mut self, shared: &Arc<Shared>) {
        self.seal(shared);
        for number in std::mem::take(&mut self.files) {
            if let Some(stored) = shared.forget_file(number) {
                self.folder.remove(number, stored.kind);
            }
        }
    }
}

/// The entry of a large object, whose key only its file tells.
fn object_entry(
    shared: &Arc<Shared>,
    path: std::path::PathBuf,
    number: u32,
    stored: &Stored,
) -> Option<Entry> {
    let file = super::folder::open(&path).ok()?;
    let position = lock(&stored.heads).last().copied()?;
    let [frame, _] = read_waiting(&file, [super::FRAME, 0], position).ok()?;
    let frame = super::record::Frame::read(&frame).ok()?;
    shared
        .index
        .find(frame.key)
        .into_iter()
        .find(|entry| entry.place.file == number)
}
