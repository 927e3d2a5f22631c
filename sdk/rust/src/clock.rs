//! The time, and chance. `std::time` and crates that ask the system for random bytes have neither in a guest.

use std::time::Duration;

use crate::host::clock;

/// The time since 1970. It stands still while a phase runs.
pub fn now() -> Duration {
    Duration::from_millis(clock::now_ms())
}

/// A random number.
pub fn random() -> u64 {
    clock::random_u64()
}

/// One of `buckets` buckets, counted from 0: always the same for the same `salt` and `key`, on every edge.
pub fn bucket(salt: &str, key: &str, buckets: u32) -> u32 {
    clock::bucket(salt, key, buckets)
}
