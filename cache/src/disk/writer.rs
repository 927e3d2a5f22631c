//! The one thread that writes: it takes objects as they come, fills segments, puts out what has to make room, and takes
//! the folder into use again when it is well.

mod evict;
mod fill;
mod recover;
mod renew;

use std::collections::{HashSet, VecDeque};
use std::fs::File;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::folder::{self, FileKind, Folder};
use super::index::Place;
use super::name::{KeyName, VariantName};
use super::record::{self, FRAME};
use super::segment::Listed;
use super::{Shared, Stored, name};
use crate::object::Object;
use crate::purge::Generation;

/// Records are gathered up to this size and written at once.
const BATCH: usize = 1 << 20;
/// Variants that are remembered to be no longer good while the folder can't be used.
const MAX_REMOVED: usize = 1 << 18;

type Removed = HashSet<(KeyName, VariantName)>;

/// How often the folder is looked at while it works.
const LOOK: Duration = Duration::from_millis(if cfg!(test) { 10 } else { 1000 });
/// How often it is tried again when it does not.
const PATIENCE: Duration = Duration::from_millis(if cfg!(test) { 50 } else { 5000 });

/// What the writer is asked for.
pub(super) enum Order {
    /// An object, and its part of the bytes that are queued.
    Store(Arc<Object>, u64),
    /// A large object has a new head.
    Renew(Arc<Object>),
    /// A variant is gone.
    Remove(KeyName, VariantName),
    /// A large object was written.
    Adopted(u32),
    /// A file is damaged.
    Lost(u32),
    /// The tier may be too large.
    MakeRoom,
    /// The volume is full; whether something could be put out.
    MakeRoomNow(SyncSender<bool>),
    /// All is gone.
    Clear,
    /// What was ordered before is to be on disk.
    Flush(SyncSender<()>),
    /// Nothing more is to be written.
    Stop,
}

/// Starts the writer, which ends when the tier does.
pub(super) fn start(shared: &Arc<Shared>, orders: Receiver<Order>) {
    let (weak, own) = (Arc::downgrade(shared), shared.clone());
    let thread = std::thread::Builder::new().name("cache-disk".to_owned());
    let started = thread.spawn(move || run(&weak, &orders));
    if let Err(error) = started {
        own.down(&format!("no thread can be started: {error}"));
    }
}

fn run(weak: &Weak<Shared>, orders: &Receiver<Order>) {
    let mut removed = HashSet::new();
    loop {
        let Some(shared) = weak.upgrade() else { return };
        let begun = Writer::begin(&shared, &mut removed)
            .inspect_err(|error| shared.down(&error.to_string()));
        drop(shared);
        let goes_on = match begun {
            Ok(writer) => writer.serve(weak, orders),
            Err(_) => idle(weak, orders, &mut removed),
        };
        if !goes_on {
            return;
        }
    }
}

/// Lets orders go while the folder can't be used, but remembers what is no longer good in it; whether there will be more.
fn idle(weak: &Weak<Shared>, orders: &Receiver<Order>, removed: &mut Removed) -> bool {
    let until = Instant::now() + PATIENCE;
    loop {
        match orders.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => return false,
            Ok(Order::Remove(key, variant)) if removed.len() < MAX_REMOVED => {
                removed.insert((key, variant));
            }
            Ok(order) => {
                if let Some(shared) = weak.upgrade() {
                    refuse(&shared, order);
                }
            }
            Err(RecvTimeoutError::Timeout) => return true,
        }
    }
}

fn refuse(shared: &Shared, order: Order) {
    match order {
        Order::Store(object, weight) => {
            object.set_written(false);
            shared.queued.fetch_sub(weight, Ordering::Relaxed);
        }
        Order::MakeRoomNow(told) => {
            told.send(false).ok();
        }
        Order::Flush(told) => {
            told.send(()).ok();
        }
        _ => {}
    }
}

/// The writer with a folder in use.
struct Writer {
    folder: Folder,
    /// The files, the next to be put out first.
    files: VecDeque<u32>,
    segment: Option<Segment>,
    /// Records that are to be written next.
    batch: Vec<u8>,
    pending: Vec<Pending>,
    looked: Instant,
}

/// The segment that is being filled.
struct Segment {
    number: u32,
    file: Arc<File>,
    stored: Arc<Stored>,
    len: u64,
    records: Vec<Listed>,
    oldest: u64,
}

/// A record in the batch.
struct Pending {
    /// Where it lies, from the start of the batch.
    record: Listed,
    born: u64,
    what: What,
}

enum What {
    Object(Arc<Object>),
    /// One that is written again so that it outlives its segment.
    Rescued(Place),
    Removal,
}

impl Writer {
    /// Does what is asked for until the folder is gone; whether another is to be begun.
    fn serve(mut self, weak: &Weak<Shared>, orders: &Receiver<Order>) -> bool {
        loop {
            let order = orders.recv_timeout(LOOK);
            let Some(shared) = weak.upgrade() else {
                return false;
            };
            match order {
                Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => {
                    self.end(&shared);
                    return false;
                }
                Ok(order) => self.take(&shared, order, orders),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if self.looked.elapsed() >= LOOK && !self.look(&shared) {
                return true;
            }
        }
    }

    /// Takes an order with those that wait behind it, as far as they can be written together.
    fn take(&mut self, shared: &Arc<Shared>, first: Order, orders: &Receiver<Order>) {
        let mut next = Some(first);
        while let Some(order) = next {
            match order {
                Order::Store(object, weight) => {
                    self.gather(shared, &object);
                    shared.queued.fetch_sub(weight, Ordering::Relaxed);
                }
                Order::Remove(key, variant) => self.gather_removal(shared, key, variant),
                other => {
                    self.write_out(shared);
                    self.act(shared, other);
                    return;
                }
            }
            if self.batch.len() >= BATCH {
                self.write_out(shared);
            }
            next = orders.try_recv().ok();
        }
        self.write_out(shared);
    }

    fn act(&mut self, shared: &Arc<Shared>, order: Order) {
        match order {
            Order::Renew(object) => {
                self.renew(shared, &object);
                self.make_room(shared);
            }
            Order::Adopted(number) => {
                self.files.push_back(number);
                self.make_room(shared);
            }
            Order::Lost(number) => self.folder.remove(number, FileKind::Object),
            Order::MakeRoom => self.make_room(shared),
            Order::MakeRoomNow(told) => {
                told.send(self.put_out_without_rescue(shared)).ok();
            }
            Order::Clear => self.clear(shared),
            Order::Flush(told) => {
                self.seal(shared);
                told.send(()).ok();
            }
            Order::Stop => {
                // Comes again, to whoever reads the queue next.
                shared.order(Order::Stop);
            }
            Order::Store(..) | Order::Remove(..) => {}
        }
    }

    /// Looks whether the folder is there and can be written; whether it is there.
    fn look(&mut self, shared: &Arc<Shared>) -> bool {
        self.looked = Instant::now();
        if !self.folder.is_there() {
            shared.down("its folder is gone");
            return false;
        }
        if !shared.up.load(Ordering::Acquire) {
            match self.folder.probe() {
                Ok(()) => shared.up(),
                Err(error) if fill::is_full(&error) => {
                    self.put_out_without_rescue(shared);
                }
                Err(_) => {}
            }
        }
        let files = shared.files();
        let oldest = files
            .values()
            .map(|file| file.oldest.load(Ordering::Relaxed))
            .min();
        drop(files);
        if let Some(oldest) = oldest {
            shared.purges.forget_before(Generation::from_bits(oldest));
        }
        true
    }

    fn gather(&mut self, shared: &Arc<Shared>, object: &Arc<Object>) {
        if object.is_superseded() || !shared.up.load(Ordering::Acquire) {
            object.set_written(false);
            return;
        }
        let (key, variant) = (name::of_key(&object.key), object.variant_name());
        let offset = self.batch.len();
        let Ok(frame) = record::write(&mut self.batch, object, key, variant, None) else {
            self.batch.truncate(offset);
            return;
        };
        for piece in object.body.pieces().unwrap_or_default() {
            self.batch.extend_from_slice(piece);
        }
        self.pending.push(Pending {
            record: Listed {
                key,
                variant,
                offset: u32::try_from(offset).unwrap_or(u32::MAX),
                head: frame.head + FRAME as u32,
                body: frame.body,
            },
            born: object.born.to_bits(),
            what: What::Object(object.clone()),
        });
    }

    fn gather_removal(&mut self, shared: &Arc<Shared>, key: KeyName, variant: VariantName) {
        shared.index.remove(key, variant);
        let offset = u32::try_from(self.batch.len()).unwrap_or(u32::MAX);
        record::write_removal(&mut self.batch, key, variant);
        self.pending.push(Pending {
            record: Listed {
                key,
                variant,
                offset,
                head: 0,
                body: 0,
            },
            born: u64::MAX,
            what: What::Removal,
        });
    }

    /// Writes the batch. When that fails its objects are simply not on disk.
    fn write_out(&mut self, shared: &Arc<Shared>) {
        if self.batch.is_empty() {
            return;
        }
        let written = self.append(shared);
        let pending = std::mem::take(&mut self.pending);
        match written {
            Ok(start) => self.put_in_index(shared, pending, start),
            Err(error) => {
                shared.write_failed(&error);
                for record in pending {
                    if let What::Object(object) = record.what {
                        object.set_written(false);
                    }
                }
            }
        }
        self.batch.clear();
        self.make_room(shared);
    }

    fn end(&mut self, shared: &Arc<Shared>) {
        self.write_out(shared);
        self.seal(shared);
        shared.down("it was put out of use");
    }
}
