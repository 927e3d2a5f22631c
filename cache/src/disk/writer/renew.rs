//! Renewing large objects: another head behind all that the file has.

use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::super::filed::Filed;
use super::super::folder::{self, FileKind};
use super::super::index::{Entry, Place};
use super::super::record::{self, FRAME};
use super::super::segment::end_of_object;
use super::super::{Shared, Stored, name};
use super::Writer;
use crate::object::Object;
use crate::purge::lock;

/// Bytes that the heads of an object may take beside a quarter of its body.
const SPARE: u64 = 1 << 20;

impl Writer {
    /// Writes a large object's new head behind all that its file has.
    pub(super) fn renew(&mut self, shared: &Arc<Shared>, object: &Object) {
        let Some(filed) = object.body.as_filed() else {
            return;
        };
        let Some(stored) = shared.stored(filed.number()) else {
            return;
        };
        let (key, variant) = (name::of_key(&object.key), object.variant_name());
        let entries = shared.index.find(key);
        let mut same = entries.iter().filter(|entry| entry.variant == variant);
        if object.is_superseded() || !same.any(|entry| entry.place.file == filed.number()) {
            return;
        }
        if stored.bytes.load(Ordering::Relaxed) > filed.len() + filed.len() / 4 + SPARE {
            // More heads than it is worth: it is fetched anew.
            shared.index.remove(key, variant);
            shared.forget_file(filed.number());
            self.folder.remove(filed.number(), FileKind::Object);
            return;
        }
        if let Err(error) = self.append_head(shared, object, filed, &stored) {
            shared.write_failed(&error);
        }
    }

    pub(super) fn append_head(
        &self,
        shared: &Arc<Shared>,
        object: &Object,
        filed: &Filed,
        stored: &Stored,
    ) -> io::Result<()> {
        let (key, variant) = (name::of_key(&object.key), object.variant_name());
        let mut record = Vec::new();
        let frame = record::write(&mut record, object, key, variant, Some(filed.written()));
        let frame = frame.map_err(io::Error::other)?;
        let position = stored.bytes.load(Ordering::Relaxed);
        let end = end_of_object(record, object.born.to_bits(), position);
        let file = folder::open(&self.folder.file(filed.number(), FileKind::Object))?;
        let written = file.write_all_at(&end, position);
        written.inspect_err(|_| file.set_len(position).unwrap_or_default())?;
        shared.grow(stored, end.len() as u64);
        let mut heads = lock(&stored.heads);
        heads.push(position);
        let offset = u32::try_from(heads.len() - 1).unwrap_or(u32::MAX);
        drop(heads);
        shared.index.put(Entry {
            key,
            place: Place {
                file: filed.number(),
                offset,
                head: frame.head + FRAME as u32,
                body: 0,
            },
            variant,
            hits: 1,
        });
        Ok(())
    }
}
