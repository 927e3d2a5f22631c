//! What an operator can see of the store.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Store;
use crate::key::KeyRef;
use crate::object::Object;
use crate::policy::Terms;

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
}

impl Store {
    /// All variants under a key that no purge took, with their terms as purges changed them, the newest first.
    pub fn variants(&self, key: KeyRef<'_>) -> Vec<(Arc<Object>, Terms)> {
        let slot = self.0.memory.get(key);
        let variants = slot
            .as_ref()
            .map(|slot| slot.variants(key))
            .unwrap_or_default();
        variants
            .iter()
            .filter_map(|object| self.judged(object.clone()))
            .collect()
    }

    /// Up to `limit` objects whose readable key starts with `prefix`, in no order. Goes through the whole store.
    pub fn list(&self, prefix: &str, limit: usize) -> Vec<(Arc<Object>, Terms)> {
        let starts = |object: &Arc<Object>| object.key().to_string().starts_with(prefix);
        let objects = self.0.memory.objects().filter(starts);
        objects
            .filter_map(|object| self.judged(object))
            .take(limit)
            .collect()
    }

    fn judged(&self, object: Arc<Object>) -> Option<(Arc<Object>, Terms)> {
        let purges = &self.0.purges;
        let verdict = purges.verdict(object.key(), &object.labels, object.born);
        let terms = super::terms_after(&object, verdict)?;
        Some((object, terms))
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
        }
    }
}
