//! The store: objects in memory, responses on their way into it, and what was purged.
//!
//! A hit reads the memory tier, a few atomics of its labels, and copies nothing: the object is shared. Only what misses
//! or is stale looks for a fill to join, and takes a lock for it.

mod derive;
mod filler;
mod fills;
mod inspect;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use http::HeaderMap;
use pingora_http::ResponseHeader;

use crate::clock::Clock;
use crate::fill::{Fill, Reader};
use crate::key::KeyRef;
use crate::memory::Memory;
use crate::object::Object;
use crate::policy::Terms;
use crate::purge::{Generation, Mode, Purge, Purges, Verdict};
use crate::vary::Variance;
pub use filler::{Filler, New};
use fills::Fills;
pub use inspect::Stats;

/// How much the store may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes in memory. Responses on their way in may take as much again.
    pub memory: u64,
    /// Bytes of the largest body that is stored.
    pub max_object: u64,
}

/// The store; cheap to clone, and all clones are the same.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    clock: Clock,
    memory: Memory,
    fills: Fills,
    purges: Purges,
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
    /// An empty store.
    pub fn new(bounds: Bounds, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            clock,
            memory: Memory::new(bounds.memory),
            fills: Fills::default(),
            purges: Purges::default(),
            max_object: AtomicU64::new(bounds.max_object),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }))
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
        let Some(slot) = self.0.memory.get(key) else {
            return self
                .0
                .fills
                .with(key, |fills| fills.first()?.vary.variance(request));
        };
        let variants = slot.variants(key);
        let matching = variants
            .iter()
            .map(|object| (object, object.vary.variance(request)));
        let found = matching
            .clone()
            .find(|(object, variance)| object.variance == *variance);
        found
            .or_else(|| matching.into_iter().next())
            .and_then(|(_, variance)| variance)
    }

    /// Finds what answers a request for this variant; without one, the newest of all.
    pub fn lookup(&self, key: KeyRef<'_>, variance: Option<Variance>) -> Option<Found> {
        let found = self.find(key, variance);
        let counter = if found.is_some() {
            &self.0.hits
        } else {
            &self.0.misses
        };
        counter.fetch_add(1, Ordering::Relaxed);
        if let Some(Found::Object(object, _)) = &found {
            object.count_hit();
        }
        found
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
            .filter(|object| answers(object.variance, variance));
        for object in matching {
            let mut terms = object.terms.clone();
            match self.0.purges.verdict(key, &object.labels, object.born) {
                Verdict::Untouched => {}
                Verdict::StaleSince(time) => terms.expire_at(time),
                Verdict::Gone => {
                    self.0.memory.replace(key, object, None);
                    continue;
                }
            }
            return Some((object.clone(), terms));
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
    /// Whether the object was there.
    pub fn renew(
        &self,
        key: KeyRef<'_>,
        variance: Option<Variance>,
        head: ResponseHeader,
        terms: Terms,
        born: Generation,
    ) -> bool {
        let Some((object, _)) = self.stored(key, variance) else {
            return false;
        };
        let renewed = Object {
            key: object.key.clone(),
            variance: object.variance,
            vary: object.vary.clone(),
            born: born.max(object.born),
            labels: self.0.purges.labels(key, &terms.surrogate_keys),
            head: filler::head_to_store(head, &terms, Some(object.body.len())),
            body: object.body.clone(),
            terms,
            hits: AtomicU64::new(object.hits()),
        };
        let renewed = Arc::new(renewed);
        let was_there = self.0.memory.replace(key, &object, Some(renewed.clone()));
        if was_there {
            self.renew_encoded(&object, &renewed);
        }
        was_there
    }

    /// Takes one variant out.
    pub fn remove(&self, key: KeyRef<'_>, variance: Option<Variance>) -> bool {
        let found = self.stored(key, variance);
        found.is_some_and(|(object, _)| self.0.memory.replace(key, &object, None))
    }

    /// Takes out everything under the key with this hash; whether there was anything.
    pub fn forget(&self, hash: u128) -> bool {
        self.0.memory.forget(hash)
    }

    /// Purges. Seen by every lookup from now on.
    pub fn purge(&self, purge: &Purge<'_>, mode: Mode) {
        if let Some(oldest) = self.0.purges.purge(purge, mode, self.0.clock.now()) {
            self.0
                .memory
                .sweep(|object| oldest.takes(KeyRef::from_parts(0, &object.key), object.born));
        }
        if let (Purge::Everything, Mode::Hard) = (purge, mode) {
            self.0.memory.clear();
        }
    }

    /// Changes the bounds.
    pub fn resize(&self, bounds: Bounds) {
        self.0
            .max_object
            .store(bounds.max_object, Ordering::Relaxed);
        self.0.memory.resize(bounds.memory);
    }

    /// Now, by the store's clock.
    pub fn now(&self) -> SystemTime {
        self.0.clock.now()
    }
}

/// Whether a response of variant `has` answers who asks for `wanted`: one that does not vary answers all.
fn answers(has: Option<Variance>, wanted: Option<Variance>) -> bool {
    wanted.is_none() || has.is_none() || has == wanted
}
