//! Token buckets in a table of fixed size.
//!
//! A bucket is one number, as the generic cell rate algorithm has it: the time at which it will be full again. Each
//! request puts it off by the interval of the rate; a request that would put it off too far is refused. The table is
//! an array of rows of eight, each with its lock, so that two requests meet only when their keys are neighbours.
//! A row without room forgets the bucket that is full soonest: mostly one that is full already, so nothing is lost.

use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A bucket for each key.
pub(super) struct Buckets {
    rows: Box<[Mutex<Row>]>,
    /// From one request to the next, in nanoseconds.
    interval: u64,
    /// How far off a bucket's full time may be.
    depth: u64,
}

const WAYS: usize = 8;
type Row = [Bucket; WAYS];

#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    key: u64,
    /// When it is full again, in nanoseconds; 0 when nobody has it.
    full_at: u64,
}

/// What a bucket said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Whether there was a token.
    pub(super) is_let_through: bool,
    /// How many are left.
    pub(super) remaining: u64,
    /// Whole seconds until there is one more.
    pub(super) wait: u64,
}

impl Buckets {
    /// For about `max_keys` keys, each with `burst` tokens and a new one after each `interval`.
    pub(super) fn new(interval: Duration, burst: NonZeroU32, max_keys: usize) -> Self {
        let interval = nanoseconds(interval).max(1);
        let rows = (0..max_keys.div_ceil(WAYS))
            .map(|_| Mutex::default())
            .collect();
        Self {
            rows,
            interval,
            depth: interval.saturating_mul(burst.get().into()),
        }
    }

    /// Takes a token of `key` if there is one.
    pub(super) fn take(&self, key: u64, now: Duration) -> Outcome {
        let now = nanoseconds(now).saturating_add(1);
        let Some(row) = self.rows.get(self.row_of(key)) else {
            return self.outcome(true, now, now);
        };
        let mut row = row.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(bucket) = bucket_of(&mut row, key) else {
            return self.outcome(true, now, now);
        };
        if bucket.key != key {
            *bucket = Bucket { key, full_at: 0 };
        }
        let full_at = bucket.full_at.max(now).saturating_add(self.interval);
        if full_at - now > self.depth {
            return self.outcome(false, bucket.full_at, now);
        }
        bucket.full_at = full_at;
        self.outcome(true, full_at, now)
    }

    fn outcome(&self, is_let_through: bool, full_at: u64, now: u64) -> Outcome {
        let used = full_at.saturating_sub(now);
        let remaining = self.depth.saturating_sub(used) / self.interval;
        // The next token comes when what is used is a whole number of intervals again.
        let wait = match used % self.interval {
            0 => used.min(self.interval),
            rest => rest,
        };
        Outcome {
            is_let_through,
            remaining,
            wait: wait.div_ceil(1_000_000_000),
        }
    }

    /// The high bits choose the row: `key` is a hash, whose bits are all alike.
    fn row_of(&self, key: u64) -> usize {
        let row = (u128::from(key) * self.rows.len() as u128) >> 64;
        usize::try_from(row).unwrap_or(0)
    }
}

/// The key's bucket, or the one that it takes over.
fn bucket_of(row: &mut Row, key: u64) -> Option<&mut Bucket> {
    let found = row
        .iter()
        .position(|bucket| bucket.key == key && bucket.full_at > 0);
    let index = found
        .or_else(|| (0..WAYS).min_by_key(|&index| row.get(index).map(|bucket| bucket.full_at)));
    row.get_mut(index?)
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn buckets(interval: Duration, burst: u32, max_keys: usize) -> Buckets {
        Buckets::new(interval, burst.try_into().unwrap(), max_keys)
    }

    #[test]
    fn a_bucket_empties_and_fills() {
        let buckets = buckets(10 * SECOND, 2, 8);
        for (now, is_let_through, remaining, wait) in [
            (0, true, 1, 10),
            (0, true, 0, 10),
            (0, false, 0, 10),
            (9, false, 0, 1),
            (10, true, 0, 10),
            (25, true, 0, 5),
            (100, true, 1, 10),
        ] {
            let outcome = buckets.take(7, SECOND * now);
            assert_eq!(
                outcome,
                Outcome {
                    is_let_through,
                    remaining,
                    wait
                },
                "at {now}"
            );
        }
    }

    #[test]
    fn a_full_row_forgets_who_used_least() {
        let buckets = buckets(SECOND, 100, 8);
        for key in 1..=8 {
            for _ in 0..key {
                buckets.take(key, Duration::ZERO);
            }
        }
        buckets.take(9, Duration::ZERO);
        assert_eq!(buckets.take(8, Duration::ZERO).remaining, 91);
        assert_eq!(buckets.take(2, Duration::ZERO).remaining, 97);
    }

    #[test]
    fn any_key_has_a_row() {
        for max_keys in [1, 8, 9, 1000] {
            let buckets = buckets(SECOND, 1, max_keys);
            assert_eq!(buckets.rows.len(), max_keys.div_ceil(8));
            for key in [0, 1, u64::MAX / 2, u64::MAX] {
                assert!(buckets.take(key, Duration::ZERO).is_let_through);
                assert!(!buckets.take(key, Duration::ZERO).is_let_through);
            }
        }
    }

    proptest! {
        #[test]
        fn no_more_is_let_through_than_burst_and_rate(
            gaps in proptest::collection::vec(0u64..3_000, 1..200),
            interval in 1u64..2_000,
            burst in 1u32..20,
        ) {
            let buckets = buckets(Duration::from_millis(interval), burst, 8);
            let mut now = 0;
            let mut passed = 0;
            for gap in gaps {
                now += gap;
                passed += u64::from(buckets.take(1, Duration::from_millis(now)).is_let_through);
                prop_assert!(passed <= u64::from(burst) + now / interval);
            }
            prop_assert!(passed >= 1);
        }
    }
}
