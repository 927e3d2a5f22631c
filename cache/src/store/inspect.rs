//! What an operator can see of the store.
//!
//! All of it is told in plain values, whichever tier it comes from. Listing goes through the whole store and may read
//! files, so it is nothing for a worker.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use http::HeaderName;
use pingora_http::ResponseHeader;

use super::Store;
use crate::key::{Key, KeyRef};
use crate::object::Object;
use crate::policy::Terms;
use crate::vary::{Variance, Vary};

/// What the store holds and did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Keys with at least one object.
    pub keys: u64,
    /// Bytes held.
    pub bytes: u64,
    /// Bytes that may be held.
    pub capacity: u64,
    /// Lookups that found an object or a fill to join.
    pub hits: u64,
    /// Lookups that found nothing.
    pub misses: u64,
    /// Objects that had to make room.
    pub evictions: u64,
    /// Responses on their way into the store.
    pub fills: u64,
    /// Bytes of these.
    pub fill_bytes: u64,
    /// Times that purges could no longer be written down.
    pub purge_journal_failures: u64,
}

/// Where an object lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TierName {
    /// In memory.
    Memory,
    /// On disk.
    Disk,
}

impl TierName {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Disk => "disk",
        }
    }
}

/// What a tier holds and did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TierStats {
    /// Which.
    pub tier: TierName,
    /// Keys with at least one object.
    pub keys: u64,
    /// Bytes held.
    pub bytes: u64,
    /// Bytes that may be held.
    pub capacity: u64,
    /// Lookups that found something there.
    pub hits: u64,
    /// Lookups that found nothing there.
    pub misses: u64,
    /// Objects that had to make room.
    pub evictions: u64,
}

/// An object as it is listed.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Its key, readable.
    pub key: String,
    /// Where it lies.
    pub tier: TierName,
    /// Its status.
    pub status: u16,
    /// Seconds since the origin made it.
    pub age: u64,
    /// Seconds until it is stale; negative when it is.
    pub ttl: i64,
    /// Bytes of its body.
    pub size: u64,
    /// How often it was served.
    pub hits: u64,
    /// What distinguishes it from other variants under its key, hashed; `None` when it does not vary.
    pub variance: Option<Variance>,
}

/// All there is to know of an object.
#[derive(Debug, Clone)]
pub struct Shown {
    /// What a list tells of it.
    pub listed: Listed,
    /// Its head as it is served, but for `Age`.
    pub head: ResponseHeader,
    /// Its terms as purges changed them.
    pub terms: Terms,
    /// The request fields that it varies on.
    pub vary: Box<[HeaderName]>,
}

/// Which objects are listed.
#[derive(Debug, Clone, Copy)]
pub enum Choice<'a> {
    /// Those whose readable key starts like this, with or without its scheme.
    Prefix(&'a str),
    /// Those with this surrogate key.
    SurrogateKey(&'a str),
    /// Those of the URLs of these keys, whatever headers, cookies or countries they are distinguished by.
    Urls(&'a [Key]),
}

/// Some of the objects, and whether there are more.
#[derive(Debug, Clone)]
pub struct Listing<T> {
    /// Those.
    pub objects: Vec<T>,
    /// Whether there are more.
    pub more: bool,
}

impl Store {
    /// Up to `limit` of the objects that no purge took, in no order.
    pub fn list(&self, choice: Choice<'_>, limit: usize) -> Listing<Listed> {
        let now = self.now();
        self.choose(choice, limit, |object, terms, tier| {
            listed(object, &terms, tier, now)
        })
    }

    /// The same, with all there is to know of each.
    pub fn show(&self, choice: Choice<'_>, limit: usize) -> Listing<Shown> {
        let now = self.now();
        self.choose(choice, limit, |object, terms, tier| Shown {
            listed: listed(object, &terms, tier, now),
            head: object.head(),
            vary: object.vary().map(Vary::names).unwrap_or_default().into(),
            terms,
        })
    }

    fn choose<T>(
        &self,
        choice: Choice<'_>,
        limit: usize,
        tell: impl Fn(&Object, Terms, TierName) -> T,
    ) -> Listing<T> {
        let takes = |object: &Object| choice.takes(object.key(), object.terms.surrogate_keys());
        let in_memory = self
            .0
            .memory
            .objects()
            .filter(|object| takes(object))
            .filter_map(|object| {
                let terms = self.judged(&object)?;
                Some(tell(&object, terms, TierName::Memory))
            });
        let disk = self.disk();
        let heads = disk.iter().flat_map(|disk| disk.heads());
        let on_disk = heads.filter(|object| takes(object) && !self.is_in_memory(object));
        let mut told = in_memory.chain(on_disk.map(|object| {
            let terms = object.terms();
            tell(&object, terms, TierName::Disk)
        }));
        let objects = told.by_ref().take(limit).collect();
        Listing {
            objects,
            more: told.next().is_some(),
        }
    }

    /// An object's terms as purges changed them; `None` when one took it.
    fn judged(&self, object: &Arc<Object>) -> Option<Terms> {
        let purges = &self.0.purges;
        let verdict = purges.verdict(object.key(), &object.labels, object.born);
        super::terms_after(object, verdict)
    }

    fn is_in_memory(&self, object: &Object) -> bool {
        self.0.memory.peek(object.key()).is_some_and(|slot| {
            let mut variants = slot.variants(object.key()).iter();
            variants.any(|other| other.variance() == object.variance())
        })
    }

    /// What the store holds and did.
    pub fn stats(&self) -> Stats {
        let (keys, bytes) = self.0.memory.usage();
        let (fills, fill_bytes) = self.0.fills.usage();
        Stats {
            keys,
            bytes,
            capacity: self.0.memory.capacity(),
            hits: self.0.hits.load(Ordering::Relaxed),
            misses: self.0.misses.load(Ordering::Relaxed),
            evictions: self.0.memory.evictions(),
            fills,
            fill_bytes,
            purge_journal_failures: self.0.purges.journal_failures(),
        }
    }

    /// What each tier holds and did, the nearest first.
    pub fn tiers(&self) -> Vec<TierStats> {
        let stats = self.stats();
        let disk = self.disk_stats();
        // What memory does not have is looked for on disk, so each look-up is counted once: where it ended.
        let found_on_disk = disk.as_ref().map_or(0, |disk| disk.hits);
        let memory = TierStats {
            tier: TierName::Memory,
            keys: stats.keys,
            bytes: stats.bytes,
            capacity: stats.capacity,
            hits: stats.hits.saturating_sub(found_on_disk),
            misses: stats.misses + found_on_disk,
            evictions: stats.evictions,
        };
        let disk = disk.map(|disk| TierStats {
            tier: TierName::Disk,
            keys: disk.objects,
            bytes: disk.bytes,
            capacity: disk.capacity,
            hits: disk.hits,
            misses: stats.misses,
            evictions: disk.evictions,
        });
        std::iter::once(memory).chain(disk).collect()
    }
}

impl Choice<'_> {
    /// Whether an object with this key and these surrogate keys is one of those.
    pub fn takes(&self, key: KeyRef<'_>, surrogate_keys: &[Box<str>]) -> bool {
        match self {
            Self::Prefix("") => true,
            Self::Prefix(prefix) => {
                let readable = key.to_string();
                let without_scheme = readable.split_once("://").map_or("", |(_, rest)| rest);
                readable.starts_with(prefix) || without_scheme.starts_with(prefix)
            }
            Self::SurrogateKey(name) => surrogate_keys.iter().any(|own| **own == **name),
            Self::Urls(keys) => keys.iter().any(|other| other.as_ref().url() == key.url()),
        }
    }
}

fn listed(object: &Object, terms: &Terms, tier: TierName, now: SystemTime) -> Listed {
    Listed {
        key: object.key().to_string(),
        tier,
        status: object.head.status().as_u16(),
        age: terms.age(now).as_secs(),
        ttl: terms.ttl(now),
        size: object.body.len(),
        hits: object.hits(),
        variance: object.variance(),
    }
}
