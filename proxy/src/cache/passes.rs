//! Which responses turned out not to be storable ("hit for miss"), and which objects not to be had in slices.
//!
//! Requests for these go to the origin at once, without waiting for each other. The memory is a table of fixed size
//! without locks: a key has one place in it, and may lose it to another, which costs one round of waiting.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use pingora::cache::key::CacheHashKey;
use pingora::cache::predictor::CacheablePredictor;
use pingora::cache::{CacheKey, NoCacheReason};
use rimward_cache::Clock;
use rimward_cache::policy::Reason;

const PLACES: usize = 16_384;
/// How long it is remembered. A response that can be stored ends it at once.
const SECONDS: u64 = 60;
const TIME_BITS: u32 = 32;

/// Which responses turned out not to be storable.
pub(super) struct Passes {
    clock: Clock,
    /// Each the upper half of a key's hash, and the second until which it holds.
    places: Box<[AtomicU64]>,
}

impl Passes {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            places: (0..PLACES).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Remembers that this key's response can't be stored.
    pub(super) fn remember(&self, hash: u128) {
        self.place(hash).store(
            mark(hash) | (self.seconds() + SECONDS) & low_bits(),
            Ordering::Relaxed,
        );
    }

    pub(super) fn holds(&self, hash: u128) -> bool {
        let place = self.place(hash).load(Ordering::Relaxed);
        place & !low_bits() == mark(hash) && place & low_bits() > self.seconds()
    }

    fn place(&self, hash: u128) -> &AtomicU64 {
        let index = usize::try_from(hash & 0xffff_ffff).unwrap_or_default() % self.places.len();
        &self.places[index]
    }

    fn seconds(&self) -> u64 {
        let since_1970 = self
            .clock
            .now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        since_1970.as_secs() & low_bits()
    }
}

impl CacheablePredictor for Passes {
    fn cacheable_prediction(&self, key: &CacheKey) -> bool {
        !self.holds(u128::from_be_bytes(key.primary_bin()))
    }

    fn mark_cacheable(&self, key: &CacheKey) -> bool {
        let hash = u128::from_be_bytes(key.primary_bin());
        let was_cacheable = !self.holds(hash);
        if !was_cacheable {
            self.place(hash).store(0, Ordering::Relaxed);
        }
        was_cacheable
    }

    fn mark_uncacheable(&self, key: &CacheKey, reason: NoCacheReason) -> Option<bool> {
        let lies_in_the_response = match reason {
            NoCacheReason::Custom(word) => {
                Reason::from_word(word).is_some_and(|reason| !reason.is_the_requests())
            }
            NoCacheReason::ResponseTooLarge => true,
            _ => false,
        };
        if !lies_in_the_response {
            return None;
        }
        let hash = u128::from_be_bytes(key.primary_bin());
        let is_new = !self.holds(hash);
        self.remember(hash);
        Some(is_new)
    }
}

fn mark(hash: u128) -> u64 {
    u64::try_from(hash >> 64).unwrap_or_default() & !low_bits()
}

fn low_bits() -> u64 {
    (1 << TIME_BITS) - 1
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn it_is_remembered_for_a_minute_or_until_the_response_can_be_stored() {
        let clock = Clock::new();
        let passes = Passes::new(clock.clone());
        let (one, other) = (CacheKey::new("a", ""), CacheKey::new("b", ""));
        assert_eq!(
            passes.mark_uncacheable(&one, NoCacheReason::Custom("no-store")),
            Some(true)
        );
        assert!(!passes.cacheable_prediction(&one) && passes.cacheable_prediction(&other));
        assert!(!passes.mark_cacheable(&one));
        assert!(passes.cacheable_prediction(&one));
        passes.mark_uncacheable(&one, NoCacheReason::ResponseTooLarge);
        clock.pass(Duration::from_secs(61));
        assert!(passes.cacheable_prediction(&one));
    }

    #[test]
    fn what_lies_in_the_request_or_in_a_failure_is_not_remembered() {
        let passes = Passes::new(Clock::new());
        let key = CacheKey::new("a", "");
        for reason in [
            NoCacheReason::Custom("authorization"),
            NoCacheReason::UpstreamError,
            NoCacheReason::StorageError,
        ] {
            assert_eq!(passes.mark_uncacheable(&key, reason), None);
            assert!(passes.cacheable_prediction(&key));
        }
    }
}
