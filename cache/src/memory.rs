//! The memory tier: the objects under each key, bounded by their bytes.
//!
//! The variants of a key lie in one [`Slot`] and so are found, counted, bounded and evicted together. A slot never
//! changes; what adds to it puts another in its place. Who does that holds the key's [`Turns`], which hits never need.

use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use quick_cache::sync::Cache;
use quick_cache::{Lifecycle, OptionsBuilder, Weighter};

use crate::key::KeyRef;
use crate::object::Object;

/// Variants of one key; the oldest gives way to another.
const MAX_VARIANTS: usize = 32;
/// The part of the memory that the variants of one key may take.
const KEY_SHARE: u64 = 4;
/// Bytes of an object as far as nothing is known of it: how many keys are remembered for a while after they were put
/// out follows from it, so that one that comes back stays longer.
const TYPICAL: u64 = 2048;
/// Keys that can be changed at once.
const TURNS: usize = 64;

type Slots = Cache<u128, Slot, Weigh, ahash::RandomState, Leaving>;

/// The objects of one key, the newest first.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    weight: u64,
    variants: Variants,
}

/// Most keys have one, and then there is no list to go through.
#[derive(Debug, Clone)]
enum Variants {
    One(Arc<Object>),
    Many(Arc<Vec<Arc<Object>>>),
}

/// The memory tier.
pub(crate) struct Memory {
    table: ArcSwap<Table>,
    turns: Turns,
    evictions: AtomicU64,
}

struct Table {
    slots: Slots,
    bounds: MemoryBounds,
}

/// What the memory tier may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MemoryBounds {
    /// Bytes of all.
    pub(crate) bytes: u64,
    /// Bytes of the largest object that is to come.
    pub(crate) largest: u64,
}

/// Whoever changes a slot waits for the turn of its key.
struct Turns([Mutex<()>; TURNS]);

#[derive(Clone)]
struct Weigh;

/// Gathers what has to go, so that it is dropped when the table is free again.
#[derive(Clone)]
struct Leaving;

impl Weighter<u128, Slot> for Weigh {
    fn weight(&self, _: &u128, slot: &Slot) -> u64 {
        slot.weight
    }
}

impl Lifecycle<u128, Slot> for Leaving {
    type RequestState = Vec<(u128, Slot)>;

    fn on_evict(&self, left: &mut Self::RequestState, hash: u128, slot: Slot) {
        left.push((hash, slot));
    }
}

impl Slot {
    /// A slot of these; none without any.
    fn of(mut variants: Vec<Arc<Object>>) -> Option<Self> {
        let weight = variants.iter().map(|object| object.weight()).sum();
        let variants = match variants.len() {
            0 | 1 => Variants::One(variants.pop()?),
            _ => Variants::Many(Arc::new(variants)),
        };
        Some(Self { weight, variants })
    }

    /// The variants of this key; none when another key only happens to have the same hash.
    pub(crate) fn variants(&self, key: KeyRef<'_>) -> &[Arc<Object>] {
        match self.all() {
            all @ [first, ..] if *first.key == *key.parts => all,
            _ => &[],
        }
    }

    fn all(&self) -> &[Arc<Object>] {
        match &self.variants {
            Variants::One(object) => std::slice::from_ref(object),
            Variants::Many(objects) => objects,
        }
    }
}

impl Memory {
    pub(crate) fn new(bounds: MemoryBounds) -> Self {
        Self {
            table: ArcSwap::from_pointee(Table::new(bounds)),
            turns: Turns(std::array::from_fn(|_| Mutex::new(()))),
            evictions: AtomicU64::new(0),
        }
    }

    /// The slot of a key that is asked for, which counts for its staying.
    pub(crate) fn get(&self, key: KeyRef<'_>) -> Option<Slot> {
        self.table.load().slots.get(&key.hash)
    }

    /// The slot of a key, which nobody asked for.
    pub(crate) fn peek(&self, key: KeyRef<'_>) -> Option<Slot> {
        self.table.load().slots.peek(&key.hash)
    }

    /// Puts an object before the other variants of its key, in the place of the one that it replaces.
    pub(crate) fn insert(&self, key: KeyRef<'_>, object: Arc<Object>) {
        let _turn = self.turns.of(key.hash);
        self.put_first(key, object);
    }

    /// Puts an object that comes back from disk beside the other variants of its key, unless the memory has that variant
    /// already; the one that it has then.
    pub(crate) fn promote(&self, key: KeyRef<'_>, object: Arc<Object>) -> Arc<Object> {
        let _turn = self.turns.of(key.hash);
        let newer = self.peek(key).and_then(|slot| {
            let mut variants = slot.variants(key).iter();
            variants
                .find(|other| other.variance() == object.variance())
                .cloned()
        });
        newer.unwrap_or_else(|| {
            self.put_first(key, object.clone());
            object
        })
    }

    fn put_first(&self, key: KeyRef<'_>, object: Arc<Object>) {
        let table = self.table.load();
        let (share, mut weight) = (table.key_share(), object.weight());
        let old = table.slots.peek(&key.hash);
        let others = old
            .as_ref()
            .map(|slot| slot.variants(key))
            .unwrap_or_default();
        let (replaced, others): (Vec<_>, Vec<_>) = others
            .iter()
            .cloned()
            .partition(|other| other.variance() == object.variance());
        replaced.iter().for_each(|replaced| replaced.supersede());
        let kept = others.into_iter().take(MAX_VARIANTS - 1);
        let kept = kept.take_while(|other| {
            weight += other.weight();
            weight <= share
        });
        if let Some(slot) = Slot::of(std::iter::once(object).chain(kept).collect()) {
            self.put(&table.slots, key.hash, slot);
        }
    }

    /// Puts what `renewed` is in the place of an object; whether the object was there still.
    pub(crate) fn replace(
        &self,
        key: KeyRef<'_>,
        object: &Arc<Object>,
        renewed: Option<Arc<Object>>,
    ) -> bool {
        let _turn = self.turns.of(key.hash);
        let table = self.table.load();
        let Some(old) = table.slots.peek(&key.hash) else {
            return false;
        };
        let is_it = |other: &&Arc<Object>| Arc::ptr_eq(other, object);
        if !old.all().iter().any(|other| is_it(&other)) {
            return false;
        }
        object.supersede();
        let kept = old.all().iter().filter(|other| !is_it(other)).cloned();
        match Slot::of(renewed.into_iter().chain(kept).collect()) {
            Some(slot) => self.put(&table.slots, key.hash, slot),
            None => drop(table.slots.remove(&key.hash)),
        }
        true
    }

    /// Puts a slot in the place of the old one, if there is one. What has to go for it is counted.
    fn put(&self, slots: &Slots, hash: u128, slot: Slot) {
        // What replaces another answers no request of its own, which would count for its staying.
        let mut left = Vec::new();
        if let Err((hash, slot)) = slots.replace_with_lifecycle(hash, slot, true, &mut left) {
            slots.insert_with_lifecycle(hash, slot, &mut left);
        }
        let evicted = left.iter().filter(|(other, _)| *other != hash);
        let count: usize = evicted.map(|(_, slot)| slot.all().len()).sum();
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.evictions.fetch_add(count, Ordering::Relaxed);
    }

    /// Takes out every object that `goes` names.
    pub(crate) fn sweep(&self, goes: impl Fn(&Object) -> bool) {
        for (_, slot) in self.table.load_full().slots.iter() {
            for object in slot.all().iter().filter(|object| goes(object)) {
                self.replace(object.key(), object, None);
            }
        }
    }

    pub(crate) fn forget(&self, hash: u128) -> bool {
        let _turn = self.turns.of(hash);
        self.table.load().slots.remove(&hash).is_some()
    }

    /// Takes everything out. To drop it all takes a while, for which nobody waits.
    pub(crate) fn clear(&self) {
        let bounds = self.table.load().bounds;
        let old = self.table.swap(Arc::new(Table::new(bounds)));
        let dropping = std::thread::Builder::new().name("clear".to_owned());
        // Without a thread it is dropped here.
        drop(dropping.spawn(move || drop(old)));
    }

    /// Changes the bounds. The objects move to a new table; what is stored meanwhile may be left behind.
    pub(crate) fn resize(&self, bounds: MemoryBounds) {
        let old = self.table.load_full();
        if old.bounds == bounds {
            return;
        }
        let new = Table::new(bounds);
        for (hash, slot) in old.slots.iter() {
            self.put(&new.slots, hash, slot);
        }
        self.table.store(Arc::new(new));
    }

    /// The bound in bytes.
    pub(crate) fn capacity(&self) -> u64 {
        self.table.load().bounds.bytes
    }

    /// Bytes of the largest body that has room.
    pub(crate) fn largest(&self) -> u64 {
        self.table.load().largest()
    }

    /// Keys and bytes held.
    pub(crate) fn usage(&self) -> (u64, u64) {
        let table = self.table.load();
        let keys = u64::try_from(table.slots.len()).unwrap_or(u64::MAX);
        (keys, table.slots.weight())
    }

    pub(crate) fn evictions(&self) -> u64 {
        self.evictions.load(Ordering::Relaxed)
    }

    /// Every object, in no order.
    pub(crate) fn objects(&self) -> impl Iterator<Item = Arc<Object>> {
        let table = self.table.load_full();
        let all: Vec<Slot> = table.slots.iter().map(|(_, slot)| slot).collect();
        all.into_iter().flat_map(|slot| slot.all().to_vec())
    }
}

impl Table {
    fn new(bounds: MemoryBounds) -> Self {
        let shards = bounds.shards();
        let items = usize::try_from(bounds.bytes / TYPICAL).unwrap_or(usize::MAX);
        let options = OptionsBuilder::new()
            .shards(usize::try_from(shards).unwrap_or(1))
            .estimated_items_capacity(items)
            .weight_capacity(bounds.bytes / shards * shards)
            .build()
            .expect("both capacities are set");
        let hasher = ahash::RandomState::new();
        Self {
            slots: Cache::with_options(options, Weigh, hasher, Leaving),
            bounds,
        }
    }

    /// The largest body that has room: the table takes nothing that fills more than 97 in a hundred of a shard, and there
    /// is a head beside the body.
    fn largest(&self) -> u64 {
        let shard = self.slots.shard_capacity();
        shard - shard.div_ceil(16)
    }

    fn key_share(&self) -> u64 {
        (self.bounds.bytes / KEY_SHARE).min(self.largest())
    }
}

impl MemoryBounds {
    /// Parts with a lock and a bound of their own: four to a processor, as long as each has room for two of the largest
    /// objects.
    fn shards(&self) -> u64 {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        let enough = u64::try_from(processors).unwrap_or(1).saturating_mul(4);
        let roomy = self.bytes / self.largest.saturating_mul(2).max(1);
        1 << enough.min(roomy).max(1).ilog2()
    }
}

impl Turns {
    fn of(&self, hash: u128) -> MutexGuard<'_, ()> {
        let number = usize::try_from(hash % (TURNS as u128)).unwrap_or_default();
        self.0[number]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
