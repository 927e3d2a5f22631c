//! The files of the tier: which there are, what they take, and which are open.

use std::collections::HashMap;
use std::fs::File;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use super::Shared;
use super::folder::{self, FileKind};
use super::index::{Entry, Place};
use super::writer::Order;
use crate::purge::lock;

/// A file of the tier.
pub(crate) struct Stored {
    pub(super) kind: FileKind,
    pub(super) bytes: AtomicU64,
    /// The oldest generation of purges that something in it was made in.
    pub(super) oldest: AtomicU64,
    /// Where an object's records begin, each renewing the one before.
    pub(super) heads: Mutex<Vec<u64>>,
    /// A segment's file; those of objects are opened when they are needed.
    pub(super) segment: Option<Arc<File>>,
}

impl Shared {
    pub(super) fn stored(&self, number: u32) -> Option<Arc<Stored>> {
        self.files().get(&number).cloned()
    }

    pub(super) fn files(&self) -> RwLockReadGuard<'_, HashMap<u32, Arc<Stored>>> {
        self.files.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn files_mut(&self) -> RwLockWriteGuard<'_, HashMap<u32, Arc<Stored>>> {
        self.files.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The open file with this number, opened on a thread that may wait if it is not.
    pub(super) async fn handle(self: &Arc<Self>, number: u32) -> Option<Arc<File>> {
        let stored = self.stored(number)?;
        if let Some(file) = stored.segment.clone().or_else(|| self.handles.get(&number)) {
            return Some(file);
        }
        let shared = self.clone();
        let opened = tokio::task::spawn_blocking(move || shared.open_object(number));
        opened.await.ok()?
    }

    pub(super) fn open_object(&self, number: u32) -> Option<Arc<File>> {
        let file = folder::open(&folder::file_in(&self.path, number, FileKind::Object)).ok()?;
        let file = Arc::new(file);
        self.handles.insert(number, file.clone());
        // It may have been put out since; then it is not to be kept open.
        if self.stored(number).is_none() {
            self.handles.remove(&number);
        }
        Some(file)
    }

    pub(super) fn next_number(&self) -> u32 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Takes a finished file of a large object in.
    pub(super) fn adopt(&self, entry: Entry, file: &Arc<File>, bytes: u64, head: u64, born: u64) {
        let number = entry.place.file;
        self.add_file(
            number,
            Stored {
                kind: FileKind::Object,
                bytes: AtomicU64::new(bytes),
                oldest: AtomicU64::new(born),
                heads: Mutex::new(vec![head]),
                segment: None,
            },
        );
        self.handles.insert(number, file.clone());
        if let Some(old) = self.index.put(entry) {
            self.outlived(&old);
        }
        self.counts.writes.fetch_add(1, Ordering::Relaxed);
        self.counts
            .written_bytes
            .fetch_add(bytes, Ordering::Relaxed);
        // A file that the writer does not hear of would never be put out, so this waits for its place in the queue.
        drop(self.orders.send(Order::Adopted(number)));
    }

    /// Another took an object's place. The file of a large one goes at once: its number says nothing of its age against
    /// records in a segment that was begun before it.
    pub(super) fn outlived(&self, old: &Entry) {
        let number = old.place.file;
        let is_object = |stored: Arc<Stored>| stored.kind == FileKind::Object;
        if self.stored(number).is_some_and(is_object) {
            self.forget_file(number);
            self.order(Order::Lost(number));
        }
    }

    pub(super) fn add_file(&self, number: u32, stored: Stored) -> Arc<Stored> {
        let stored = Arc::new(stored);
        self.used
            .fetch_add(stored.bytes.load(Ordering::Relaxed), Ordering::Relaxed);
        self.files_mut().insert(number, stored.clone());
        stored
    }

    /// Ends the use of a file, which goes when nobody reads it any more.
    pub(super) fn forget_file(&self, number: u32) -> Option<Arc<Stored>> {
        let stored = self.files_mut().remove(&number)?;
        self.used
            .fetch_sub(stored.bytes.load(Ordering::Relaxed), Ordering::Relaxed);
        self.handles.remove(&number);
        Some(stored)
    }

    pub(super) fn grow(&self, stored: &Stored, bytes: u64) {
        stored.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Notes bytes of a part, for which others may have to go.
    pub(super) fn reserve(&self, bytes: u64) {
        self.reserved.fetch_add(bytes, Ordering::Relaxed);
        if self.over(0) > 0 {
            self.order(Order::MakeRoom);
        }
    }

    pub(super) fn unreserve(&self, bytes: u64) {
        self.reserved.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// By how many bytes the tier would be too large with `more`.
    pub(super) fn over(&self, more: u64) -> u64 {
        let held = self.used.load(Ordering::Relaxed) + self.reserved.load(Ordering::Relaxed);
        (held + more).saturating_sub(self.size.load(Ordering::Relaxed))
    }

    /// Lets the writer put something out and waits for it; whether there was something.
    pub(super) fn make_room_now(&self) -> bool {
        let (done, told) = sync_channel(1);
        let asked = self.orders.send(Order::MakeRoomNow(done));
        asked.is_ok() && told.recv_timeout(Duration::from_secs(1)) == Ok(true)
    }
}

impl Stored {
    /// Where the record at a place begins in the file.
    pub(super) fn position(&self, place: &Place) -> Option<u64> {
        match self.kind {
            FileKind::Object => lock(&self.heads).get(place.offset as usize).copied(),
            _ => Some(u64::from(place.offset)),
        }
    }
}
