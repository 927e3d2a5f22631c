//! The labels that objects share, found by what they stand for.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Weak};

use blake2::digest::consts::U16;
use blake2::{Blake2b, Digest};

use super::mark::{Label, Mark};
use crate::key::KeyRef;

/// A label's name in every process: a hash of its kind and of what it stands for.
///
/// It is needed when an object is stored and when one is purged, never for a hit, so that a slower hash than those of
/// the tables costs nothing that counts, and nobody can make two names collide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Id(pub(super) [u8; 16]);

impl Id {
    pub(super) fn url(key: KeyRef<'_>) -> Self {
        Self::of(b'u', key.url())
    }

    pub(super) fn host(hostname: &str) -> Self {
        Self::of(b'h', hostname.to_ascii_lowercase().as_bytes())
    }

    pub(super) fn surrogate_key(name: &str) -> Self {
        Self::of(b's', name.as_bytes())
    }

    fn of(kind: u8, name: &[u8]) -> Self {
        let hash = Blake2b::<U16>::new().chain_update([kind]);
        Self(hash.chain_update(name).finalize().into())
    }
}

/// Parts of the table, each swept and made larger by itself, so that with millions of labels that takes no time.
const SHARDS: usize = 256;

/// All labels.
pub(super) struct Table {
    shards: [Shard; SHARDS],
    /// Labels that were purged by when that was last. They are kept although no object in memory may hold them: for
    /// responses that are still on their way, and for objects that come back from disk.
    purged: BTreeMap<u64, (Id, Arc<Label>)>,
    most: usize,
}

#[derive(Default)]
struct Shard {
    labels: HashMap<Id, Weak<Label>, ahash::RandomState>,
    sweep_at: usize,
}

impl Table {
    pub(super) fn new(most: usize) -> Self {
        Self {
            shards: std::array::from_fn(|_| Shard::default()),
            purged: BTreeMap::new(),
            most,
        }
    }

    pub(super) fn label(&mut self, id: Id) -> Arc<Label> {
        self.shards[usize::from(id.0[0]) % SHARDS].label(id)
    }

    /// Marks a label: all its marks now, and the generation before which purges are forgotten because of it.
    pub(super) fn add(&mut self, id: Id, mark: Mark) -> (Mark, u64) {
        let label = self.label(id);
        self.purged.remove(&label.newest());
        label.add(mark);
        let mark = label.mark();
        self.purged.insert(mark.newest(), (id, label));
        (mark, self.shrink())
    }

    /// Keeps up to `most` labels that were purged; the generation before which purges are forgotten because of it.
    pub(super) fn keep(&mut self, most: usize) -> u64 {
        self.most = most;
        self.shrink()
    }

    fn shrink(&mut self) -> u64 {
        let mut floor = 0;
        while self.purged.len() > self.most
            && let Some((generation, _)) = self.purged.pop_first()
        {
            floor = generation;
        }
        floor
    }

    /// Drops labels that were not purged after `oldest`, but for the `spare` newest; the generation before which purges
    /// are forgotten because of it.
    pub(super) fn forget_before(&mut self, oldest: u64, spare: usize) -> u64 {
        let mut floor = 0;
        while self.purged.len() > spare
            && let Some(first) = self.purged.first_entry()
            && *first.key() <= oldest
        {
            floor = *first.key();
            first.remove();
        }
        floor
    }

    /// Up to `count` labels that were purged after generation `after`, in that order.
    pub(super) fn purged_after(&self, after: u64, count: usize) -> Vec<(Id, Mark)> {
        let later = self.purged.range(after.saturating_add(1)..);
        later
            .take(count)
            .map(|(_, (id, label))| (*id, label.mark()))
            .collect()
    }
}

impl Shard {
    fn label(&mut self, id: Id) -> Arc<Label> {
        if let Some(label) = self.labels.get(&id).and_then(Weak::upgrade) {
            return label;
        }
        // Labels whose objects are gone are swept when there are twice as many: constant time in the mean.
        if self.labels.len() >= self.sweep_at {
            self.labels.retain(|_, label| label.strong_count() > 0);
            self.sweep_at = (self.labels.len() * 2).max(32);
        }
        let label = Arc::new(Label::default());
        self.labels.insert(id, Arc::downgrade(&label));
        label
    }
}
