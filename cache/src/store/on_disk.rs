//! The store and its disk tier: what goes there, what comes back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::HeaderMap;

use super::{Found, Store, terms_after};
use crate::disk::{Disk, DiskBounds, DiskStats};
use crate::key::KeyRef;
use crate::object::Object;
use crate::vary::Variance;

impl Store {
    /// Finds what answers a request in any tier. `request` are its fields, by which a variant on disk is chosen; without
    /// them the disk is not asked.
    pub async fn lookup_all(
        &self,
        key: KeyRef<'_>,
        variance: Option<Variance>,
        request: Option<&HeaderMap>,
    ) -> Option<Found> {
        let (Some(request), None) = (request, self.find(key, variance)) else {
            return self.lookup(key, variance);
        };
        let found = self.fetch(key, request).await;
        self.count(found.is_some());
        found
    }

    /// Whether a request for this variant has to look on disk, as far as is known without looking there.
    pub fn is_for_disk(&self, key: KeyRef<'_>, variance: Option<Variance>) -> bool {
        self.disk().is_some_and(|disk| {
            let in_memory = self.0.memory.peek(key).is_some_and(|slot| {
                let mut variants = slot.variants(key).iter();
                variants.any(|object| {
                    super::answers(object.variance(), variance) && object.body.is_there()
                })
            });
            !in_memory && disk.may_have(key)
        })
    }

    /// An object from disk, which is in memory from then on.
    async fn fetch(&self, key: KeyRef<'_>, request: &HeaderMap) -> Option<Found> {
        let disk = self.disk()?;
        let found = disk.find(key, request).await?;
        // Another may have stored it, or brought it from disk, at the same time.
        let object = self.0.memory.promote(key, found);
        object.count_hit();
        let verdict = self.0.purges.verdict(key, &object.labels, object.born);
        let terms = terms_after(&object, verdict)?;
        Some(Found::Object(object, terms))
    }

    /// An object was asked for a second time: it goes to disk.
    pub(super) fn admit(&self, object: &Arc<Object>) {
        if let Some(disk) = self.disk().filter(|_| !object.is_written()) {
            disk.write(object);
        }
    }

    /// An object is asked for again and again in memory; the disk tier is to keep it, too.
    pub(super) fn touch(&self, object: &Arc<Object>) {
        if let Some(disk) = self.disk() {
            disk.touch(object);
        }
    }

    pub(super) fn renew_on_disk(&self, object: &Arc<Object>) {
        let Some(disk) = self.disk() else { return };
        if object.body.as_filed().is_some() {
            disk.renew(object);
        } else {
            disk.stored(object.key(), object);
        }
    }

    /// The largest body that may come in.
    pub(super) fn limit(&self) -> u64 {
        let is_poured = self.disk().is_some_and(|disk| disk.is_up());
        let held = if is_poured {
            u64::MAX
        } else {
            self.0.memory.largest()
        };
        self.max_object().min(held)
    }

    pub(crate) fn disk(&self) -> Option<Arc<Disk>> {
        self.0.disk.load_full()
    }

    /// Uses this folder from now on, and no other.
    pub(super) fn use_disk(&self, bounds: Option<&DiskBounds>, memory: u64) {
        let current = self.disk();
        let stays = current
            .as_ref()
            .zip(bounds)
            .filter(|(disk, bounds)| disk.path() == bounds.path);
        if let Some((disk, bounds)) = stays {
            disk.resize(bounds.size);
            return;
        }
        if let Some(left) = &current {
            // What is purged from now on is not written down there, so what is left there is not to be trusted again.
            self.0.purges.let_go();
            self.0.purges.disown(left.path());
        }
        self.0.purges.want(bounds.map(|bounds| &*bounds.path));
        let next = bounds.map(|bounds| Disk::open(bounds, memory, self.0.purges.clone()));
        self.0.disk.store(next.map(Arc::new));
        if let Some(disk) = current {
            disk.close();
        }
    }

    /// Ends the use of the disk, after what is only in memory was written there. Blocks.
    pub fn close(&self, within: Duration) {
        self.flush(within);
        if let Some(disk) = self.0.disk.swap(None) {
            disk.close();
        }
        self.0.purges.let_go();
    }

    /// Writes to disk what never was there, as much as can be done in this time: what was asked for again first, then as
    /// much of the rest as has room. What the disk put out stays out: to write it again would put out more. Blocks.
    pub fn flush(&self, within: Duration) {
        let Some(disk) = self.disk().filter(|disk| disk.is_up()) else {
            return;
        };
        let until = Instant::now() + within;
        let mut objects: Vec<_> = self
            .0
            .memory
            .objects()
            .filter(|object| !disk.holds(object))
            .collect();
        objects.sort_by_key(|object| std::cmp::Reverse(object.hits()));
        for object in objects {
            let left = until.saturating_duration_since(Instant::now());
            let is_worth_it = object.hits() > 0 || disk.has_room(object.weight());
            if left.is_zero() || !is_worth_it {
                break;
            }
            disk.write(&object);
            if !object.is_written() && disk.flush(left) {
                // The queue was full.
                disk.write(&object);
            }
        }
        disk.flush(
            until
                .saturating_duration_since(Instant::now())
                .max(Duration::from_secs(1)),
        );
    }

    /// Every object in memory.
    #[cfg(test)]
    pub(crate) fn objects(&self) -> Vec<Arc<Object>> {
        self.0.memory.objects().collect()
    }

    #[cfg(test)]
    pub(crate) fn memory_clear(&self) {
        self.0.memory.clear();
    }

    /// What the disk tier holds and did, if there is one.
    pub fn disk_stats(&self) -> Option<DiskStats> {
        self.disk().map(|disk| disk.stats())
    }
}
