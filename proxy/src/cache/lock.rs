//! Coalescing: one request to the origin for any number of clients.
//!
//! pingora's own lock would do, but for three things: its time-out is fixed when it is made, it hashes each key again,
//! and locks that ran out stay in its table.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::Extensions;
use pingora::cache::CacheKey;
use pingora::cache::lock::{CacheKeyLock, LockStatus, LockStub, Locked, WritePermit};
use rimward_cache::policy::Reason;

use super::storage;

const SHARDS: usize = 16;

type Table = HashMap<u128, LockStub, ahash::RandomState>;

/// Which objects are being fetched.
pub(super) struct Lock {
    shards: [Mutex<Table>; SHARDS],
    timeout_millis: AtomicU64,
}

/// What a permit was given for, so that it is given back for the same, whatever the response varies on.
#[derive(Clone, Copy)]
struct Taken(u128);

impl Lock {
    pub(super) fn new(timeout: Duration) -> Self {
        let lock = Self {
            shards: Default::default(),
            timeout_millis: AtomicU64::new(0),
        };
        lock.set_timeout(timeout);
        lock
    }

    pub(super) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_millis.load(Ordering::Relaxed))
    }

    pub(super) fn set_timeout(&self, timeout: Duration) {
        let millis = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        self.timeout_millis.store(millis, Ordering::Relaxed);
    }

    fn table(&self, id: u128) -> MutexGuard<'_, Table> {
        let index = usize::try_from(id % 16).unwrap_or_default() % SHARDS;
        self.shards[index]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl CacheKeyLock for Lock {
    fn lock(&self, key: &CacheKey, stale_writer: bool) -> Locked {
        let id = id(key);
        let mut table = self.table(id);
        if let Some(stub) = table.get(&id).filter(|stub| is_held(stub)) {
            return Locked::Read(stub.read_lock());
        }
        // Locks whose time ran out are never given back; they go when the table would have to grow.
        if table.len() == table.capacity() {
            table.retain(|_, stub| is_held(stub));
        }
        let mut extensions = Extensions::new();
        extensions.insert(Taken(id));
        let (permit, stub) = WritePermit::new(self.timeout(), stale_writer, extensions);
        table.insert(id, stub);
        Locked::Write(permit)
    }

    fn release(&self, key: &CacheKey, mut permit: WritePermit, status: LockStatus) {
        if permit.lock_status() == LockStatus::AgeTimeout {
            // Another may hold the lock by now.
            permit.unlock(LockStatus::AgeTimeout);
            return;
        }
        let id = permit
            .extensions()
            .get::<Taken>()
            .map_or_else(|| id(key), |taken| taken.0);
        self.table(id).remove(&id);
        permit.unlock(status);
    }

    fn custom_lock_status(&self, reason: &'static str) -> LockStatus {
        match Reason::from_word(reason) {
            // What lay in the first request need not hold for the next one: that one tries.
            Some(reason) if reason.is_the_requests() => LockStatus::TransientError,
            _ => LockStatus::GiveUp,
        }
    }
}

fn is_held(stub: &LockStub) -> bool {
    stub.read_lock().lock_status() == LockStatus::Waiting
}

/// Two keys with one id wait for each other without need, and no more than that.
fn id(key: &CacheKey) -> u128 {
    storage::key_hash(key) ^ storage::variance(key).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> CacheKey {
        CacheKey::new(name.as_bytes().to_vec(), "")
    }

    #[test]
    fn one_fetches_and_the_others_wait() {
        let lock = Lock::new(Duration::from_secs(60));
        let Locked::Write(permit) = lock.lock(&key("a"), false) else {
            panic!("not given")
        };
        let Locked::Read(waiting) = lock.lock(&key("a"), false) else {
            panic!("given twice")
        };
        let Locked::Write(other) = lock.lock(&key("b"), false) else {
            panic!("not given")
        };
        lock.release(&key("a"), permit, LockStatus::Done);
        assert_eq!(waiting.lock_status(), LockStatus::Done);
        let Locked::Write(next) = lock.lock(&key("a"), false) else {
            panic!("not given again")
        };
        lock.release(&key("a"), next, LockStatus::Done);
        lock.release(&key("b"), other, LockStatus::Done);
        assert!(
            lock.shards
                .iter()
                .all(|shard| shard.lock().unwrap().is_empty())
        );
    }

    #[test]
    fn a_lock_whose_time_ran_out_is_given_to_another() {
        let lock = Lock::new(Duration::ZERO);
        let Locked::Write(slow) = lock.lock(&key("a"), false) else {
            panic!("not given")
        };
        lock.set_timeout(Duration::from_secs(60));
        let Locked::Write(next) = lock.lock(&key("a"), false) else {
            panic!("not given to the next")
        };
        lock.release(&key("a"), slow, LockStatus::Done);
        lock.release(&key("a"), next, LockStatus::Done);
    }

    #[test]
    fn what_lay_in_the_request_lets_the_next_one_try() {
        let lock = Lock::new(Duration::ZERO);
        assert_eq!(
            lock.custom_lock_status("authorization"),
            LockStatus::TransientError
        );
        assert_eq!(lock.custom_lock_status("no-store"), LockStatus::GiveUp);
    }
}
