//! How many connections one client may have: counters by address, in shards so that workers seldom meet.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ahash::RandomState;

const SHARDS: usize = 64;

/// Connections by client address; an IPv6 client is its /64, since it can choose the rest itself.
#[derive(Debug)]
pub(super) struct Quota {
    shards: [Mutex<HashMap<IpAddr, usize, RandomState>>; SHARDS],
    hasher: RandomState,
}

impl Quota {
    /// No connections yet.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            shards: std::array::from_fn(|_| Mutex::new(HashMap::with_hasher(RandomState::new()))),
            hasher: RandomState::new(),
        })
    }

    /// Counts one more connection of `ip`, unless it has `max` already. It counts until the place is dropped.
    pub(super) fn take(self: &Arc<Self>, ip: IpAddr, max: usize) -> Option<Place> {
        let key = client(ip);
        match self.shard(key).entry(key) {
            Entry::Occupied(held) if *held.get() >= max => return None,
            Entry::Occupied(mut held) => *held.get_mut() += 1,
            Entry::Vacant(_) if max == 0 => return None,
            Entry::Vacant(none) => {
                none.insert(1);
            }
        }
        Some(Place {
            quota: self.clone(),
            key,
        })
    }

    fn shard(&self, key: IpAddr) -> MutexGuard<'_, HashMap<IpAddr, usize, RandomState>> {
        let index = self.hasher.hash_one(key) as usize % SHARDS;
        // The index is below the number of shards by the line above.
        self.shards[index]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection that counts.
#[derive(Debug)]
pub(super) struct Place {
    quota: Arc<Quota>,
    key: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Entry::Occupied(mut held) = self.quota.shard(self.key).entry(self.key) {
            *held.get_mut() -= 1;
            if *held.get() == 0 {
                held.remove();
            }
        }
    }
}

/// What stands for a client: its IPv4 address or its IPv6 network.
fn client(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
        v4 => v4,
    }
}

/// A plain number of connections with a bound.
#[derive(Debug, Default)]
pub(super) struct Total(AtomicUsize);

impl Total {
    /// Counts one more, unless there are `max` already.
    pub(super) fn take(self: &Arc<Self>, max: usize) -> Option<Seat> {
        if self.0.fetch_add(1, Ordering::AcqRel) >= max {
            self.0.fetch_sub(1, Ordering::AcqRel);
            return None;
        }
        Some(Seat(self.clone()))
    }
}

/// One of a total, until it is dropped.
#[derive(Debug)]
pub(super) struct Seat(Arc<Total>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn places_are_bounded_and_given_back() {
        let quota = Quota::new();
        let first = quota.take(ip("192.0.2.1"), 2).unwrap();
        let _second = quota.take(ip("192.0.2.1"), 2).unwrap();
        assert!(quota.take(ip("192.0.2.1"), 2).is_none());
        assert!(quota.take(ip("192.0.2.2"), 2).is_some());
        drop(first);
        assert!(quota.take(ip("192.0.2.1"), 2).is_some());
        assert!(quota.take(ip("192.0.2.9"), 0).is_none());
    }

    #[test]
    fn counters_of_clients_that_left_are_gone() {
        let quota = Quota::new();
        for last in 0..=255 {
            drop(quota.take(IpAddr::from([192, 0, 2, last]), 1));
        }
        assert_eq!(
            quota
                .shards
                .iter()
                .map(|shard| shard.lock().unwrap().len())
                .sum::<usize>(),
            0
        );
    }

    #[test]
    fn ipv6_counts_by_network_and_mapped_ipv4_by_address() {
        assert_eq!(client(ip("2001:db8:1:2:3:4:5:6")), ip("2001:db8:1:2::"));
        assert_eq!(client(ip("::ffff:192.0.2.1")), ip("192.0.2.1"));
    }

    #[test]
    fn total_is_bounded() {
        let total = Arc::new(Total::default());
        let seat = total.take(1).unwrap();
        assert!(total.take(1).is_none());
        drop(seat);
        assert!(total.take(1).is_some());
    }
}
