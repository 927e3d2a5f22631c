//! The store: objects in memory, responses on their way into it, and what was purged.
//!
//! A hit reads the memory tier, a few atomics of its labels, and copies nothing: the object is shared. Only what misses
//! or is stale looks for a fill to join, and takes a lock for it. What memory does not have is looked for on disk.

mod derive;
mod filler;
mod fills;
mod fresh;
mod inspect;
mod on_disk;
mod spill;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::SystemTime;

use arc_swap::ArcSwapOption;
use http::HeaderMap;
use pingora_http::ResponseHeader;

use crate::clock::Clock;
use crate::disk::{Disk, DiskBounds};
use crate::fill::{Fill, Reader};
use crate::key::KeyRef;
use crate::memory::{Memory, MemoryBounds};
use crate::object::{Object, StoredHead, StoredTerms};
use crate::policy::Terms;
use crate::purge::{Generation, JournalError, Mode, Purge, Purges, Verdict};
use crate::vary::Variance;
pub use filler::{Filler, New};
use fills::Fills;
pub use fresh::Fresh;
pub use inspect::{Choice, Listed, Listing, Shown, Stats, TierName, TierStats};

/// One of so many hits in memory is told to the disk tier.
const TOUCH: u64 = 64;

/// How much the store may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes in memory. Responses on their way in may take as much again.
    pub memory: u64,
    /// Bytes of the largest body that is stored.
    pub max_object: u64,
    /// The disk tier, if there is one.
    pub disk: Option<DiskBounds>,
}

impl Bounds {
    /// With a disk tier, what is large is a file and only small bodies lie in memory.
    fn in_memory(&self) -> MemoryBounds {
        let held = match self.disk {
            Some(_) => self.memory / 16,
            None => self.memory,
        };
        MemoryBounds {
            bytes: self.memory,
            largest: self.max_object.min(held),
        }
    }
}

/// The store; cheap to clone, and all clones are the same.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    clock: Clock,
    memory: Memory,
    disk: ArcSwapOption<Disk>,
    fills: Fills,
    purges: Arc<Purges>,
    max_object: AtomicU64,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// What a lookup found.
#[derive(Debug)]
pub enum Found {
    /// A stored object, and its terms as purges changed them.
    Object(Arc<Object>, Terms),
    /// A response on its way into the store.
    Growing(Growing),
}

/// A response on its way into the store, joined.
#[derive(Debug)]
pub struct Growing(Arc<Fill>);

impl Growing {
    /// Its head as it will be stored.
    pub fn head(&self) -> &ResponseHeader {
        &self.0.head
    }

    /// On what terms it will be stored.
    pub fn terms(&self) -> &Terms {
        &self.0.terms
    }

    /// What distinguishes it from other variants.
    pub fn variance(&self) -> Option<Variance> {
        self.0.variance
    }

    /// Bytes that have come so far.
    pub fn reach(&self) -> u64 {
        self.0.len()
    }

    /// Reads its body from the beginning.
    pub fn reader(&self) -> Reader {
        Reader::growing(self.0.clone())
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.stats().fmt(formatter)
    }
}

impl Store {
    /// A store with nothing in memory; on disk there may be something. What is in a folder is read aside.
    pub fn new(bounds: Bounds, clock: Clock) -> Self {
        let store = Self(Arc::new(Inner {
            clock,
            memory: Memory::new(bounds.in_memory()),
            disk: ArcSwapOption::empty(),
            fills: Fills::default(),
            purges: Arc::default(),
            max_object: AtomicU64::new(bounds.max_object),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }));
        store.use_disk(bounds.disk.as_ref(), bounds.memory);
        store
    }

    /// The clock that lifetimes are measured with.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The state of purges now. Whoever asks an origin keeps it, and begins the fill with it, so that a purge in
    /// between is seen.
    pub fn generation(&self) -> Generation {
        self.0.purges.generation()
    }

    /// Bytes of the largest body that is stored.
    pub fn max_object(&self) -> u64 {
        self.0.max_object.load(Ordering::Relaxed)
    }

    /// Which variant under a key a request asks for, as far as is known.
    pub fn variance(&self, key: KeyRef<'_>, request: &HeaderMap) -> Option<Variance> {
        let Some(slot) = self.0.memory.peek(key) else {
            return self
                .0
                .fills
                .with(key, |fills| fills.first()?.vary.variance(request));
        };
        let variants = slot.variants(key);
        let wanted = |object: &Object| object.vary().and_then(|vary| vary.variance(request));
        let matching = variants.iter().map(|object| (object, wanted(object)));
        let found = matching
            .clone()
            .find(|(object, variance)| object.variance() == *variance);
        found
            .or_else(|| matching.into_iter().next())
            .and_then(|(_, variance)| variance)
    }

    /// Finds what answers a request for this variant in memory; without one, the newest of all.
    pub fn lookup(&self, key: KeyRef<'_>, variance: Option<Variance>) -> Option<Found> {
        let found = self.find(key, variance);
        self.count(found.is_some());
        if let Some(Found::Object(object, _)) = &found {
            self.count_hit(object);
        }
        found
    }

    fn count(&self, is_hit: bool) {
        let counter = if is_hit { &self.0.hits } else { &self.0.misses };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// What answers a request with these fields, without serving it, as far as memory has it.
    pub fn peek(&self, key: KeyRef<'_>, request: &HeaderMap) -> Option<Found> {
        self.find(key, self.variance(key, request))
    }

    fn find(&self, key: KeyRef<'_>, variance: Option<Variance>) -> Option<Found> {
        let stored = self.stored(key, variance);
        if let Some((_, terms)) = &stored
            && terms.is_fresh(self.0.clock.now())
        {
            return stored.map(|(object, terms)| Found::Object(object, terms));
        }
        let joined = self.0.fills.with(key, |fills| {
            fills
                .iter()
                .rev()
                .find(|fill| self.can_join(fill, variance))
                .cloned()
        });
        match joined {
            Some(fill) => Some(Found::Growing(Growing(fill))),
            None => stored.map(|(object, terms)| Found::Object(object, terms)),
        }
    }

    /// The newest matching object that no purge took, and its terms as purges changed them.
    fn stored(&self, key: KeyRef<'_>, variance: Option<Variance>) -> Option<(Arc<Object>, Terms)> {
        let slot = self.0.memory.get(key)?;
        let matching = slot
            .variants(key)
            .iter()
            .filter(|object| answers(object.variance(), variance));
        for object in matching {
            let verdict = self.0.purges.verdict(key, &object.labels, object.born);
            match terms_after(object, verdict).filter(|_| object.body.is_there()) {
                Some(terms) => return Some((object.clone(), terms)),
                None => drop(self.0.memory.replace(key, object, None)),
            }
        }
        None
    }

    fn can_join(&self, fill: &Fill, variance: Option<Variance>) -> bool {
        let key = KeyRef::from_parts(0, &fill.key);
        fill.is_open()
            && answers(fill.variance, variance)
            && self.0.purges.verdict(key, &fill.labels, fill.born) == Verdict::Untouched
    }

    /// Joins the fill with this number.
    pub fn join(&self, key: KeyRef<'_>, id: u64) -> Option<Growing> {
        let fill = self.0.fills.with(key, |fills| {
            fills.iter().find(|fill| fill.id == id).cloned()
        });
        fill.map(Growing)
    }

    /// Begins to store a response; `None` when too many are on their way.
    pub fn begin(&self, new: New<'_>) -> Option<Filler> {
        Filler::begin(self, new)
    }

    /// Renews an object's head and terms after its origin was asked in generation `born` and said that it holds still.
    /// Whether it was not replaced meanwhile.
    pub fn renew(
        &self,
        object: &Arc<Object>,
        head: ResponseHeader,
        terms: Terms,
        born: Generation,
    ) -> bool {
        let renewed = Arc::new(Object {
            key: object.key.clone(),
            varying: object.varying.clone(),
            born: born.max(object.born),
            labels: self.0.purges.labels(object.key(), &terms.surrogate_keys),
            head: StoredHead::of(&filler::head_to_store(
                head,
                &terms,
                Some(object.body.len()),
            )),
            body: object.body.clone(),
            terms: StoredTerms::of(terms),
            hits: AtomicU64::new(object.hits()),
            written: AtomicBool::new(false),
            superseded: AtomicBool::new(false),
        });
        let purges = &self.0.purges;
        let verdict = purges.verdict(renewed.key(), &renewed.labels, renewed.born);
        if object.is_superseded() || verdict == Verdict::Gone {
            return false;
        }
        let key = object.key();
        if !self.0.memory.replace(key, object, Some(renewed.clone())) {
            // It had to leave the memory while its origin was asked.
            self.0.memory.insert(key, renewed.clone());
        }
        self.renew_encoded(object, &renewed);
        self.renew_on_disk(&renewed);
        true
    }

    /// Takes an object out, that is one variant; whether it was there.
    pub fn remove(&self, object: &Arc<Object>) -> bool {
        if let Some(disk) = self.disk() {
            disk.remove(object.key(), object.selecting());
        }
        self.0.memory.replace(object.key(), object, None)
    }

    /// Takes out everything under the key with this hash; whether there was anything.
    pub fn forget(&self, hash: u128) -> bool {
        self.0.memory.forget(hash)
    }

    /// Purges. Seen by every lookup from now on; what comes back says why it would not hold over a restart.
    pub fn purge(&self, purge: &Purge<'_>, mode: Mode) -> Option<JournalError> {
        let purged = self.0.purges.purge(purge, mode, self.0.clock.now());
        if let Some(prefixes) = purged.work_off {
            self.0
                .memory
                .sweep(|object| prefixes.takes(KeyRef::from_parts(0, &object.key), object.born));
        }
        if let (Purge::Everything, Mode::Hard) = (purge, mode) {
            self.0.memory.clear();
            if let Some(disk) = self.disk() {
                disk.clear();
            }
        }
        purged.unrecorded
    }

    /// Whether a purge took what an origin was asked for in generation `born`, under this key and with these surrogate keys.
    pub fn was_purged(
        &self,
        key: KeyRef<'_>,
        surrogate_keys: &[Box<str>],
        born: Generation,
    ) -> bool {
        let purges = &self.0.purges;
        purges.took(key, &purges.labels(key, surrogate_keys), born)
    }

    /// Changes the bounds.
    pub fn resize(&self, bounds: Bounds) {
        self.0
            .max_object
            .store(bounds.max_object, Ordering::Relaxed);
        self.0.memory.resize(bounds.in_memory());
        self.use_disk(bounds.disk.as_ref(), bounds.memory);
    }

    /// Now, by the store's clock.
    pub fn now(&self) -> SystemTime {
        self.0.clock.now()
    }
}

/// An object's terms as a purge left them; `None` when it is gone.
fn terms_after(object: &Object, verdict: Verdict) -> Option<Terms> {
    let mut terms = object.terms();
    match verdict {
        Verdict::Untouched => {}
        Verdict::StaleSince(time) => terms.expire_at(time),
        Verdict::Gone => return None,
    }
    Some(terms)
}

/// Whether a response of variant `has` answers who asks for `wanted`: one that does not vary answers all.
fn answers(has: Option<Variance>, wanted: Option<Variance>) -> bool {
    wanted.is_none() || has.is_none() || has == wanted
}
