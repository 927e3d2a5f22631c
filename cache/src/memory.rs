//! The memory tier: the objects under each key, bounded by their bytes.
//!
//! The variants of a key lie in one [`Slot`] and so are found, counted, bounded and evicted together. A slot never
//! changes; what adds to it puts another in its place.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use moka::notification::RemovalCause;
use moka::ops::compute::Op;
use moka::sync::Cache;

use crate::key::KeyRef;
use crate::object::Object;

/// Variants of one key; the oldest gives way to another.
const MAX_VARIANTS: usize = 32;
/// moka weighs in 32 bits; in units of 64 bytes that is room for 256 GiB.
const UNIT: u64 = 64;
/// The part of the memory that the variants of one key may take.
const KEY_SHARE: u64 = 4;

type Slots = Cache<u128, Arc<Slot>, ahash::RandomState>;

/// The objects of one key, the newest first.
#[derive(Debug)]
pub(crate) struct Slot {
    variants: Box<[Arc<Object>]>,
}

/// The memory tier.
pub(crate) struct Memory {
    slots: ArcSwap<Slots>,
    evictions: Arc<AtomicU64>,
}

impl Slot {
    /// The variants of this key; none when another key only happens to have the same hash.
    pub(crate) fn variants(&self, key: KeyRef<'_>) -> &[Arc<Object>] {
        match self.variants.first() {
            Some(first) if *first.key == *key.parts => &self.variants,
            _ => &[],
        }
    }

    fn weight(&self) -> u64 {
        self.variants.iter().map(|object| object.weight()).sum()
    }
}

impl Memory {
    pub(crate) fn new(bytes: u64) -> Self {
        let evictions = Arc::default();
        Self {
            slots: ArcSwap::from_pointee(slots(bytes, &evictions)),
            evictions,
        }
    }

    pub(crate) fn get(&self, key: KeyRef<'_>) -> Option<Arc<Slot>> {
        self.slots.load().get(&key.hash)
    }

    /// Puts an object before the other variants of its key, in the place of the one that it replaces.
    pub(crate) fn insert(&self, key: KeyRef<'_>, object: Arc<Object>) {
        let slots = self.slots.load();
        let share = slots
            .policy()
            .max_capacity()
            .unwrap_or(u64::MAX)
            .saturating_mul(UNIT)
            / KEY_SHARE;
        slots.entry(key.hash).and_upsert_with(|entry| {
            let mut weight = object.weight();
            let old = entry.map(moka::Entry::into_value);
            let others = old
                .as_deref()
                .map(|slot| slot.variants(key))
                .unwrap_or_default();
            let replaced = others
                .iter()
                .filter(|other| other.variance == object.variance);
            replaced.for_each(|replaced| replaced.supersede());
            let kept = others
                .iter()
                .filter(|other| other.variance != object.variance)
                .take(MAX_VARIANTS - 1);
            let kept = kept.take_while(|other| {
                weight += other.weight();
                weight <= share
            });
            Arc::new(Slot {
                variants: std::iter::once(&object).chain(kept).cloned().collect(),
            })
        });
    }

    /// Puts an object that comes back from disk beside the other variants of its key, unless the memory has that variant
    /// already; the one that it has then.
    pub(crate) fn promote(&self, key: KeyRef<'_>, object: Arc<Object>) -> Arc<Object> {
        let newer = self.get(key).and_then(|slot| {
            let mut variants = slot.variants(key).iter();
            variants
                .find(|other| other.variance == object.variance)
                .cloned()
        });
        if let Some(newer) = newer {
            return newer;
        }
        self.insert(key, object.clone());
        object
    }

    /// Puts what `renew` makes of an object in its place; whether the object was there still.
    pub(crate) fn replace(
        &self,
        key: KeyRef<'_>,
        object: &Arc<Object>,
        renewed: Option<Arc<Object>>,
    ) -> bool {
        let mut found = false;
        self.slots.load().entry(key.hash).and_compute_with(|entry| {
            let Some(slot) = entry.map(moka::Entry::into_value) else {
                return Op::Nop;
            };
            found = slot.variants.iter().any(|other| Arc::ptr_eq(other, object));
            if found {
                object.supersede();
            }
            let kept = slot
                .variants
                .iter()
                .filter(|other| !Arc::ptr_eq(other, object));
            let variants: Box<[_]> = renewed.iter().chain(kept).cloned().collect();
            match (found, variants.is_empty()) {
                (false, _) => Op::Nop,
                (true, true) => Op::Remove,
                (true, false) => Op::Put(Arc::new(Slot { variants })),
            }
        });
        found
    }

    /// Takes out every object that `goes` names.
    pub(crate) fn sweep(&self, goes: impl Fn(&Object) -> bool) {
        for (_, slot) in self.slots.load().iter() {
            for object in slot.variants.iter().filter(|object| goes(object)) {
                self.replace(object.key(), object, None);
            }
        }
    }

    pub(crate) fn forget(&self, hash: u128) -> bool {
        self.slots.load().remove(&hash).is_some()
    }

    pub(crate) fn clear(&self) {
        self.slots.load().invalidate_all();
    }

    /// Changes the bound. moka can't, so the objects move to a new table; what is stored meanwhile may be left behind.
    pub(crate) fn resize(&self, bytes: u64) {
        let old = self.slots.load_full();
        if old.policy().max_capacity() == Some(bytes / UNIT) {
            return;
        }
        let new = slots(bytes, &self.evictions);
        for (hash, slot) in old.iter() {
            new.insert(*hash, slot);
        }
        self.slots.store(Arc::new(new));
    }

    /// The bound in bytes.
    pub(crate) fn capacity(&self) -> u64 {
        self.slots
            .load()
            .policy()
            .max_capacity()
            .unwrap_or(u64::MAX)
            .saturating_mul(UNIT)
    }

    /// Keys and bytes held, after pending evictions are done.
    pub(crate) fn usage(&self) -> (u64, u64) {
        let slots = self.slots.load();
        slots.run_pending_tasks();
        (slots.entry_count(), slots.weighted_size() * UNIT)
    }

    pub(crate) fn evictions(&self) -> u64 {
        self.evictions.load(Ordering::Relaxed)
    }

    /// Every object, in no order.
    pub(crate) fn objects(&self) -> impl Iterator<Item = Arc<Object>> {
        let slots = self.slots.load_full();
        let all: Vec<Arc<Slot>> = slots.iter().map(|(_, slot)| slot).collect();
        all.into_iter().flat_map(|slot| slot.variants.to_vec())
    }
}

fn slots(bytes: u64, evictions: &Arc<AtomicU64>) -> Slots {
    let evictions = evictions.clone();
    Cache::builder()
        .max_capacity(bytes / UNIT)
        .weigher(|_, slot: &Arc<Slot>| {
            u32::try_from(slot.weight().div_ceil(UNIT)).unwrap_or(u32::MAX)
        })
        .eviction_listener(move |_, slot: Arc<Slot>, cause| {
            if cause == RemovalCause::Size {
                let count = u64::try_from(slot.variants.len()).unwrap_or(u64::MAX);
                evictions.fetch_add(count, Ordering::Relaxed);
            }
        })
        .build_with_hasher(ahash::RandomState::new())
}
