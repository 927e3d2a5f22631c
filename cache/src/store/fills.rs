//! The responses on their way into the store, by key.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::fill::Fill;
use crate::key::KeyRef;
use crate::purge::lock;

const SHARDS: usize = 16;
/// Responses on their way in at a time; more pass by.
const MAX_FILLS: u64 = 16_384;

type Shard = Mutex<HashMap<u128, Vec<Arc<Fill>>, ahash::RandomState>>;

#[derive(Default)]
pub(super) struct Fills {
    shards: [Shard; SHARDS],
    count: AtomicU64,
    bytes: AtomicU64,
}

impl Fills {
    /// Adds one, unless there are too many.
    pub(super) fn add(&self, key: KeyRef<'_>, fill: Arc<Fill>) -> bool {
        if self.count.fetch_add(1, Ordering::Relaxed) >= MAX_FILLS {
            self.count.fetch_sub(1, Ordering::Relaxed);
            return false;
        }
        lock(self.shard(key))
            .entry(key.hash)
            .or_default()
            .push(fill);
        true
    }

    /// Takes one out, and the bytes it held.
    pub(super) fn remove(&self, key: KeyRef<'_>, id: u64, bytes: u64) {
        self.count.fetch_sub(1, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        let mut shard = lock(self.shard(key));
        if let Some(fills) = shard.get_mut(&key.hash) {
            fills.retain(|fill| fill.id != id);
            if fills.is_empty() {
                shard.remove(&key.hash);
            }
        }
    }

    /// What `look` finds among the fills under a key, the oldest first.
    pub(super) fn with<T>(
        &self,
        key: KeyRef<'_>,
        look: impl FnOnce(&[Arc<Fill>]) -> Option<T>,
    ) -> Option<T> {
        let shard = lock(self.shard(key));
        let fills = shard.get(&key.hash)?;
        // Of two keys with one hash, those of the other are simply not seen.
        let ours = fills.first().is_some_and(|fill| *fill.key == *key.parts);
        ours.then(|| look(fills)).flatten()
    }

    /// Notes that a fill holds `now` bytes and no longer `before`; what all hold together.
    pub(super) fn account(&self, before: u64, now: u64) -> u64 {
        let all = self
            .bytes
            .fetch_add(now.wrapping_sub(before), Ordering::Relaxed);
        all.wrapping_add(now.wrapping_sub(before))
    }

    pub(super) fn usage(&self) -> (u64, u64) {
        (
            self.count.load(Ordering::Relaxed),
            self.bytes.load(Ordering::Relaxed),
        )
    }

    fn shard(&self, key: KeyRef<'_>) -> &Shard {
        let index = usize::try_from(key.hash % 16).unwrap_or_default();
        &self.shards[index % SHARDS]
    }
}
