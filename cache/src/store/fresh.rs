//! The short way to a hit: a fresh object in memory, found without a copy of its head or its terms.
//!
//! It finds what [`Store::lookup_all`] would find, or nothing: whatever is stale, purged, on its way or on disk is left to
//! that one. Nothing is counted and nothing taken out until the object is served.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;

use super::{Store, TOUCH};
use crate::key::KeyRef;
use crate::object::{Object, terms};
use crate::purge::Verdict;

/// A fresh object in memory that answers a request.
#[derive(Debug)]
pub struct Fresh {
    /// The object.
    pub object: Arc<Object>,
    /// Nanoseconds since 1970 by the store's clock when it was found.
    now: u64,
}

impl Fresh {
    /// How old the response is, as `Age` tells it, in seconds.
    pub fn age(&self) -> u64 {
        let age = self.now.saturating_sub(self.object.terms.epoch());
        Duration::from_nanos(age).as_secs()
    }

    /// Seconds until it is stale, a part of a second counting whole, as [`crate::policy::Terms::ttl`] has it.
    pub fn ttl(&self) -> i64 {
        let left = self.object.terms.fresh_until().saturating_sub(self.now);
        i64::try_from(left.div_ceil(1_000_000_000)).unwrap_or(i64::MAX)
    }

    /// Whether it is so near its end that a hit may have to renew it.
    pub fn may_be_refreshed(&self) -> bool {
        let terms = &self.object.terms;
        let left = Duration::from_nanos(terms.fresh_until().saturating_sub(self.now));
        terms.has_cost() && crate::policy::is_last_part(left, terms.lifetime())
    }
}

impl Store {
    /// Finds a fresh object in memory that answers a request. `fields` are the request's, asked for only if the object varies.
    pub fn fresh<'f>(
        &self,
        key: KeyRef<'_>,
        fields: impl FnOnce() -> &'f HeaderMap,
    ) -> Option<Fresh> {
        let slot = self.0.memory.get(key)?;
        let object = match slot.variants(key) {
            [only] if only.varying.is_none() => only,
            [] => return None,
            // Which of them one that does not vary answers before is for the look-up to say.
            several if several.iter().all(|object| object.varying.is_some()) => {
                let fields = fields();
                several.iter().find(|object| object.answers(fields))?
            }
            _ => return None,
        };
        let now = terms::nanos(self.0.clock.now());
        let is_untouched =
            || self.0.purges.verdict(key, &object.labels, object.born) == Verdict::Untouched;
        let is_good =
            now < object.terms.fresh_until() && object.body.is_in_memory() && is_untouched();
        is_good.then(|| Fresh {
            object: object.clone(),
            now,
        })
    }

    /// Counts an object that was found as served, as a look-up does.
    pub fn served(&self, object: &Arc<Object>) {
        self.count(true);
        self.count_hit(object);
    }

    /// Counts a hit of an object, and tells the disk tier of the first and of one among many.
    pub(super) fn count_hit(&self, object: &Arc<Object>) {
        match object.count_hit() {
            0 => self.admit(object),
            many if many % TOUCH == 0 => self.touch(object),
            _ => {}
        }
    }
}
