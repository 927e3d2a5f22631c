//! The disk tier: objects that outlive the memory tier and the process.
//!
//! Small objects stand one after another in segments, large ones are a file each. RAM holds 32 bytes for each object
//! ([`index`]). One thread writes ([`writer`]); reads go by whoever asks, and wait for the disk on threads that may.
//! Each head and body has a checksum, so that what is read is what was written or nothing. Whatever goes wrong with the
//! folder ends the use of the disk and nothing else, until it is well again.

mod admission;
mod filed;
mod files;
mod folder;
mod index;
mod load;
mod name;
mod reading;
mod record;
mod segment;
#[cfg(test)]
mod tests;
mod writer;

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

use http::HeaderMap;
use tokio::sync::Semaphore;

use crate::key::KeyRef;
use crate::object::Object;
use crate::purge::{Purges, lock};
use admission::Admission;
pub(crate) use filed::{CHUNK, Filed, Opened, Part, after, read_chunk};
use files::Stored;
use index::{Entry, Index};
use name::VariantName;
pub(crate) use name::of_variant;
use writer::Order;

/// Orders that may wait for the writer; further objects are not written.
const QUEUE: usize = 8192;
/// Between two looks for a place in a queue that is full.
const QUEUE_PAUSE: Duration = Duration::from_millis(1);
/// Bytes of objects that may wait for the writer.
const QUEUED_BYTES: u64 = 64 << 20;
/// Reads at a time; further look-ups find nothing.
const READS: usize = 256;
/// Why the tier holds nothing at first.
const STARTING: &str = "its folder is being read";
/// Files of large objects that are kept open.
const HANDLES: usize = 1024;

/// Where the disk tier lives and how large it may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskBounds {
    /// Its folder.
    pub path: PathBuf,
    /// Bytes that its files may take.
    pub size: u64,
}

/// The disk tier; cheap to clone, and all clones are the same.
#[derive(Clone)]
pub(crate) struct Disk {
    shared: Arc<Shared>,
}

/// What readers and the writer share.
pub(crate) struct Shared {
    pub(crate) path: PathBuf,
    size: AtomicU64,
    /// Bytes of a segment.
    segment: AtomicU64,
    /// The largest body that stands in a segment.
    small: u64,
    index: Index,
    files: RwLock<HashMap<u32, Arc<Stored>>>,
    handles: quick_cache::sync::Cache<u32, Arc<File>>,
    next: AtomicU32,
    used: AtomicU64,
    /// Bytes of parts, which are not the tier's yet.
    reserved: AtomicU64,
    queued: AtomicU64,
    reads: Semaphore,
    up: AtomicBool,
    /// The device that the folder was on last.
    device: Mutex<Option<u64>>,
    fault: Mutex<Option<String>>,
    admission: Admission,
    counts: Counts,
    purges: Arc<Purges>,
    orders: SyncSender<Order>,
}

/// What happened.
#[derive(Default)]
struct Counts {
    hits: AtomicU64,
    writes: AtomicU64,
    written_bytes: AtomicU64,
    dropped: AtomicU64,
    evictions: AtomicU64,
    read_faults: AtomicU64,
    write_faults: AtomicU64,
}

/// What the disk tier holds and did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DiskStats {
    /// Whether it is in use. When not, objects are served and stored without it.
    pub up: bool,
    /// Why it is not in use.
    pub fault: Option<String>,
    /// Objects held.
    pub objects: u64,
    /// Bytes that its files take.
    pub bytes: u64,
    /// Bytes that they may take.
    pub capacity: u64,
    /// Look-ups that found an object.
    pub hits: u64,
    /// Objects written.
    pub writes: u64,
    /// Bytes written.
    pub written_bytes: u64,
    /// Objects that were not written, since too many waited.
    pub dropped: u64,
    /// Objects that had to make room.
    pub evictions: u64,
    /// Reads that failed, or gave something else than was written.
    pub read_faults: u64,
    /// Writes that failed.
    pub write_faults: u64,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Disk")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Disk {
    /// Takes a folder into use, aside: until what is in it is known, it holds nothing. `memory` is how much the memory
    /// tier may hold, which bounds what is called small.
    pub(crate) fn open(bounds: &DiskBounds, memory: u64, purges: Arc<Purges>) -> Self {
        let segment = segment_of(bounds.size);
        let (orders, received) = sync_channel(QUEUE);
        let shared = Arc::new(Shared {
            path: bounds.path.clone(),
            size: AtomicU64::new(bounds.size),
            segment: AtomicU64::new(segment),
            small: (segment / 4).min(memory / 64).clamp(64 << 10, 4 << 20),
            index: Index::default(),
            files: RwLock::default(),
            handles: quick_cache::sync::Cache::new(HANDLES),
            next: AtomicU32::new(1),
            used: AtomicU64::new(0),
            reserved: AtomicU64::new(0),
            queued: AtomicU64::new(0),
            reads: Semaphore::new(READS),
            up: AtomicBool::new(false),
            device: Mutex::default(),
            fault: Mutex::new(Some(STARTING.to_owned())),
            admission: Admission::default(),
            counts: Counts::default(),
            purges,
            orders,
        });
        writer::start(&shared, received);
        Self { shared }
    }

    /// The folder.
    pub(crate) fn path(&self) -> &std::path::Path {
        &self.shared.path
    }

    /// Changes how large it may be.
    pub(crate) fn resize(&self, size: u64) {
        self.shared.size.store(size, Ordering::Relaxed);
        self.shared
            .segment
            .store(segment_of(size), Ordering::Relaxed);
        self.shared.order(Order::MakeRoom);
    }

    /// Whether there may be an object with this key.
    pub(crate) fn may_have(&self, key: KeyRef<'_>) -> bool {
        self.shared.index.has(name::of_key(key.parts))
    }

    /// The largest body that is held in memory; larger ones have to come through [`Disk::part`].
    pub(crate) fn small(&self) -> u64 {
        self.shared.small
    }

    /// Whether so many bytes more have room without anything that has to go.
    pub(crate) fn has_room(&self, bytes: u64) -> bool {
        let waiting = self.shared.queued.load(Ordering::Relaxed);
        self.shared
            .over(2 * self.shared.segment() + waiting + bytes)
            == 0
    }

    /// Whether the writer takes anything.
    pub(crate) fn is_up(&self) -> bool {
        self.shared.up.load(Ordering::Acquire)
    }

    /// The object that answers a request with these fields, with terms as purges left them.
    pub(crate) async fn find(&self, key: KeyRef<'_>, request: &HeaderMap) -> Option<Arc<Object>> {
        let _one_of_the_reads = self.shared.reads.try_acquire().ok()?;
        let entries = self.shared.index.find(name::of_key(key.parts));
        let alone = entries.len() == 1;
        // What the records read so far vary on tells which others can be the one.
        let mut wanted: Vec<VariantName> = Vec::new();
        for entry in entries {
            if !wanted.is_empty() && !wanted.contains(&entry.variant) {
                continue;
            }
            let Some(found) = self.shared.load(&entry, alone).await else {
                continue;
            };
            if *found.object.key != *key.parts {
                continue;
            }
            let selecting = found.object.vary().and_then(|vary| vary.selecting(request));
            if selecting.as_deref() != found.object.selecting() {
                wanted.push(of_variant(selecting.as_deref()));
                continue;
            }
            return self.shared.complete(entry, found).await;
        }
        None
    }

    /// Writes a small object, now or as soon as the writer comes to it.
    pub(crate) fn write(&self, object: &Arc<Object>) {
        if object.body.len() <= self.shared.small && !object.is_written() {
            object.set_written(self.shared.queue(object));
        }
    }

    /// Whether it has an object, as far as its name tells.
    pub(crate) fn holds(&self, object: &Object) -> bool {
        let entries = self.shared.index.find(name::of_key(&object.key));
        entries
            .iter()
            .any(|entry| entry.variant == object.variant_name())
    }

    /// Counts a hit of an object that is in memory; writes it again if it was put out.
    pub(crate) fn touch(&self, object: &Arc<Object>) {
        let variant = object.variant_name();
        let entries = self.shared.index.find(name::of_key(&object.key));
        match entries.iter().find(|entry| entry.variant == variant) {
            Some(entry) => self.shared.index.hit(entry.key, entry.place),
            None => {
                object.set_written(false);
                self.write(object);
            }
        }
    }

    /// Notes that an object came into the memory tier. It is written if its key was asked for before; what is written
    /// under its name is no longer good.
    pub(crate) fn stored(&self, key: KeyRef<'_>, object: &Arc<Object>) {
        let (name, variant) = (name::of_key(key.parts), object.variant_name());
        let replaced = self.shared.index.remove(name, variant);
        if let Some(old) = &replaced {
            self.shared.outlived(old);
        }
        if self.shared.admission.ask(key.hash) || replaced.is_some() {
            self.write(object);
        }
        // What the folder has of it is not known while it is not in use, and must not be found in it later.
        if !object.is_written() && (replaced.is_some() || !self.is_up()) {
            self.shared.order(Order::Remove(name, variant));
        }
    }

    /// Writes the new head of a large object after its body.
    pub(crate) fn renew(&self, object: &Arc<Object>) {
        self.shared.order(Order::Renew(object.clone()));
    }

    /// Takes a variant out.
    pub(crate) fn remove(&self, key: KeyRef<'_>, selecting: Option<&[u8]>) {
        let (key, variant) = (name::of_key(key.parts), of_variant(selecting));
        let removed = self.shared.index.remove(key, variant);
        if let Some(old) = &removed {
            self.shared.outlived(old);
        }
        if removed.is_some() || !self.is_up() {
            self.shared.order(Order::Remove(key, variant));
        }
    }

    /// The heads of all objects that no purge took, in the order they lie in. Reads files, so it is nothing for a worker.
    pub(crate) fn heads(&self) -> impl Iterator<Item = Object> {
        let mut entries: Vec<Entry> = self.shared.index.entries().collect();
        entries.sort_unstable_by_key(|entry| entry.place);
        entries
            .into_iter()
            .filter_map(|entry| self.shared.head(&entry))
    }

    /// Begins a large body. Waits for the disk.
    ///
    /// # Errors
    /// When no file can be made.
    pub(crate) fn part(&self) -> io::Result<Part> {
        Part::begin(self.shared.clone())
    }

    /// Takes everything out.
    pub(crate) fn clear(&self) {
        self.shared.index.clear();
        self.shared.order(Order::Clear);
    }

    /// Waits until what was ordered so far is done, at most this long; whether it is.
    pub(crate) fn flush(&self, within: Duration) -> bool {
        let until = Instant::now() + within;
        let (done, told) = sync_channel(1);
        let mut order = Order::Flush(done);
        while let Err(refused) = self.shared.orders.try_send(order) {
            // A disk that hangs must not hold up the end of the process.
            let TrySendError::Full(again) = refused else {
                return false;
            };
            if Instant::now() >= until {
                return false;
            }
            std::thread::park_timeout(QUEUE_PAUSE);
            order = again;
        }
        told.recv_timeout(until.saturating_duration_since(Instant::now()))
            .is_ok()
    }

    /// Ends its use.
    pub(crate) fn close(&self) {
        self.shared.order(Order::Stop);
    }

    /// What it holds and did.
    pub(crate) fn stats(&self) -> DiskStats {
        let (shared, counts) = (&self.shared, &self.shared.counts);
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        DiskStats {
            up: self.is_up(),
            fault: lock(&shared.fault).clone(),
            objects: shared.index.len() as u64,
            bytes: count(&shared.used),
            capacity: count(&shared.size),
            hits: count(&counts.hits),
            writes: count(&counts.writes),
            written_bytes: count(&counts.written_bytes),
            dropped: count(&counts.dropped),
            evictions: count(&counts.evictions),
            read_faults: count(&counts.read_faults),
            write_faults: count(&counts.write_faults),
        }
    }
}

/// Bytes of a segment: so many that few files are open, so few that one that goes is a small part.
fn segment_of(size: u64) -> u64 {
    (size / 64).clamp(1 << 20, 256 << 20)
}

impl Shared {
    fn segment(&self) -> u64 {
        self.segment.load(Ordering::Relaxed)
    }

    fn write_failed(&self, error: &io::Error) {
        self.counts.write_faults.fetch_add(1, Ordering::Relaxed);
        self.down(&error.to_string());
    }

    /// Ends the writing until the writer finds that it works again.
    fn down(&self, why: &str) {
        let before = lock(&self.fault).replace(why.to_owned());
        let news = self.up.swap(false, Ordering::AcqRel) || before.as_deref() == Some(STARTING);
        if news {
            tracing::error!(folder = %self.path.display(), "the cache goes on without its disk: {why}");
        }
    }

    fn up(&self) {
        *lock(&self.fault) = None;
        if !self.up.swap(true, Ordering::AcqRel) {
            tracing::info!(folder = %self.path.display(), objects = self.index.len(), "the cache uses its disk");
        }
    }

    /// Queues an object for the writer; whether there was room.
    fn queue(&self, object: &Arc<Object>) -> bool {
        let weight = object.weight();
        let room = self.queued.fetch_add(weight, Ordering::Relaxed) + weight <= QUEUED_BYTES;
        let queued = room
            && self.up.load(Ordering::Acquire)
            && self
                .orders
                .try_send(Order::Store(object.clone(), weight))
                .is_ok();
        if !queued {
            self.queued.fetch_sub(weight, Ordering::Relaxed);
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
        }
        queued
    }

    /// Tells the writer something that may be lost when it is too busy: each is caught up with at the next start or
    /// the next time.
    fn order(&self, order: Order) {
        drop(self.orders.try_send(order));
    }
}
