//! Where each object on disk lies: the one thing that is in RAM for each of them.
//!
//! An entry is 32 bytes and carries its own hash, so that with the table's free places an object costs 37 to 75 bytes.

use std::sync::{Mutex, MutexGuard};

use hashbrown::HashTable;

use super::name::{KeyName, VariantName};
use crate::purge::lock;

const SHARDS: usize = 64;
/// Variants of one key; the oldest gives way to another.
const MAX_VARIANTS: usize = 32;

/// Where a record lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The number of its file. Later files have greater numbers.
    pub(crate) file: u32,
    /// Its first byte.
    pub(crate) offset: u32,
    /// Bytes of its head with what frames it.
    pub(crate) head: u32,
    /// Bytes of its body, which follows; 0 when the body is a file of its own.
    pub(crate) body: u32,
}

/// What the index knows of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: KeyName,
    pub(crate) place: Place,
    pub(crate) variant: VariantName,
    /// Hits since the record was written.
    pub(crate) hits: u16,
}

/// Where each object lies.
pub(crate) struct Index {
    shards: Box<[Mutex<HashTable<Entry>>]>,
}

impl Default for Index {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }
}

impl Index {
    /// The variants of a key, the newest first.
    pub(crate) fn find(&self, key: KeyName) -> Vec<Entry> {
        let shard = self.shard(key);
        let mut found: Vec<Entry> = shard
            .iter_hash(key)
            .filter(|entry| entry.key == key)
            .copied()
            .collect();
        drop(shard);
        found.sort_unstable_by_key(|entry| std::cmp::Reverse(entry.place));
        found
    }

    /// Whether there is any object with this key's name.
    pub(crate) fn has(&self, key: KeyName) -> bool {
        self.shard(key)
            .find(key, |entry| entry.key == key)
            .is_some()
    }

    /// Puts an object in the place of the one that it replaces; what had to go for it.
    pub(crate) fn put(&self, entry: Entry) -> Option<Entry> {
        let mut shard = self.shard(entry.key);
        let same = |other: &Entry| other.key == entry.key && other.variant == entry.variant;
        if let Some(old) = shard.find_mut(entry.key, same) {
            return Some(std::mem::replace(old, entry));
        }
        let variants = shard
            .iter_hash(entry.key)
            .filter(|other| other.key == entry.key);
        let (count, oldest) = variants.fold((0, None), |(count, oldest), other| {
            let older = oldest.is_none_or(|oldest: Place| other.place < oldest);
            (count + 1, if older { Some(other.place) } else { oldest })
        });
        let pushed_out = oldest
            .filter(|_| count >= MAX_VARIANTS)
            .and_then(|oldest| take(&mut shard, entry.key, |other| other.place == oldest));
        shard.insert_unique(entry.key, entry, |entry| entry.key);
        pushed_out
    }

    /// Puts an entry that was read from a file, unless something newer is there.
    pub(crate) fn restore(&self, entry: Entry) {
        let newer = self
            .shard(entry.key)
            .find(entry.key, |other| {
                other.key == entry.key && other.variant == entry.variant
            })
            .is_some_and(|other| other.place > entry.place);
        if !newer {
            self.put(entry);
        }
    }

    /// Takes one variant out.
    pub(crate) fn remove(&self, key: KeyName, variant: VariantName) -> Option<Entry> {
        take(&mut self.shard(key), key, |entry| entry.variant == variant)
    }

    /// Takes an object out if it still lies there.
    pub(crate) fn remove_at(&self, key: KeyName, place: Place) -> Option<Entry> {
        take(&mut self.shard(key), key, |entry| entry.place == place)
    }

    /// The entry of the object that lies there.
    pub(crate) fn at(&self, key: KeyName, place: Place) -> Option<Entry> {
        let shard = self.shard(key);
        shard
            .find(key, |entry| entry.key == key && entry.place == place)
            .copied()
    }

    /// Moves an object that still lies at `from`; whether it did.
    pub(crate) fn moved(&self, key: KeyName, from: Place, to: Place) -> bool {
        let mut shard = self.shard(key);
        let found = shard.find_mut(key, |entry| entry.key == key && entry.place == from);
        found.is_some_and(|entry| {
            entry.place = to;
            entry.hits = 0;
            true
        })
    }

    /// Counts a hit of the object that lies there.
    pub(crate) fn hit(&self, key: KeyName, place: Place) {
        let mut shard = self.shard(key);
        if let Some(entry) = shard.find_mut(key, |entry| entry.key == key && entry.place == place) {
            entry.hits = entry.hits.saturating_add(1);
        }
    }

    /// Takes everything out.
    pub(crate) fn clear(&self) {
        for shard in &self.shards {
            *lock(shard) = HashTable::new();
        }
    }

    /// How many objects there are.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    /// Every entry, shard by shard, each locked only while it is copied.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry> {
        self.shards.iter().flat_map(|shard| {
            let entries: Vec<Entry> = lock(shard).iter().copied().collect();
            entries
        })
    }

    fn shard(&self, key: KeyName) -> MutexGuard<'_, HashTable<Entry>> {
        // The table itself uses the low bits and the highest seven.
        let index = usize::try_from(key >> 40).unwrap_or_default() % SHARDS;
        lock(&self.shards[index])
    }
}

fn take(
    shard: &mut HashTable<Entry>,
    key: KeyName,
    is_it: impl Fn(&Entry) -> bool,
) -> Option<Entry> {
    let found = shard.find_entry(key, |entry| entry.key == key && is_it(entry));
    found.ok().map(|found| found.remove().0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: KeyName, variant: VariantName, file: u32) -> Entry {
        let place = Place {
            file,
            offset: 0,
            head: 1,
            body: 1,
        };
        Entry {
            key,
            place,
            variant,
            hits: 0,
        }
    }

    #[test]
    fn an_entry_is_32_bytes() {
        assert_eq!(size_of::<Entry>(), 32);
    }

    #[test]
    fn variants_are_found_newest_first_and_bounded() {
        let index = Index::default();
        for file in 0..40 {
            index.put(entry(7, file + 1, file));
        }
        let found = index.find(7);
        assert_eq!(found.len(), MAX_VARIANTS);
        assert_eq!((found[0].place.file, found[31].place.file), (39, 8));
        assert_eq!(
            index.put(entry(7, 40, 50)).map(|old| old.place.file),
            Some(39)
        );
        assert_eq!((index.find(7)[0].place.file, index.len()), (50, 32));
        assert!(index.find(8).is_empty());
    }

    #[test]
    fn what_moved_on_meanwhile_stays() {
        let index = Index::default();
        let (old, new) = (entry(1, 0, 1), entry(1, 0, 2));
        index.put(new);
        index.restore(old);
        assert_eq!(index.find(1), [new]);
        assert!(!index.moved(1, old.place, entry(1, 0, 3).place));
        assert_eq!(index.remove_at(1, old.place), None);
        assert_eq!(index.remove(1, 0), Some(new));
        assert!(!index.has(1));
    }
}
