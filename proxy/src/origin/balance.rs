//! Which of several servers is asked.

use std::sync::{Arc, Mutex};

use rand::Rng;
use rimward_config::Balance;

use super::server::Server;

/// An origin's servers at one moment; replaced as a whole when names resolve to other addresses.
#[derive(Debug, Default)]
pub(super) struct Servers {
    pub(super) all: Vec<Arc<Server>>,
    /// How far each is ahead of its share, for round robin.
    turns: Mutex<Vec<f64>>,
}

impl Servers {
    pub(super) fn new(all: Vec<Arc<Server>>) -> Self {
        let turns = Mutex::new(vec![0.0; all.len()]);
        Self { all, turns }
    }

    /// Chooses among the servers to which `share` gives more than zero; `None` when there is none.
    ///
    /// Requests without a `key` are spread like [`Balance::RandomTwo`] when the balance is by hash.
    pub(super) fn choose(
        &self,
        balance: &Balance,
        key: Option<u64>,
        share: impl Fn(&Server) -> f64,
        random: &mut impl Rng,
    ) -> Option<&Arc<Server>> {
        match (balance, key) {
            (Balance::RoundRobin, _) => self.next_in_turn(share),
            (Balance::LeastRequests, _) => self.least_busy(share, random),
            (Balance::Hash(_), Some(key)) => self.by_key(key, share),
            (Balance::RandomTwo | Balance::Hash(_), _) => self.less_busy_of_two(share, random),
        }
    }

    /// Smooth weighted round robin: everyone gains their share, the one furthest ahead is asked and pays for it all.
    fn next_in_turn(&self, share: impl Fn(&Server) -> f64) -> Option<&Arc<Server>> {
        let mut turns = self
            .turns
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut total = 0.0;
        let mut best: Option<(usize, f64)> = None;
        for (index, (server, turn)) in self.all.iter().zip(turns.iter_mut()).enumerate() {
            let share = share(server);
            if share > 0.0 {
                *turn += share;
                total += share;
                if best.is_none_or(|(_, most)| *turn > most) {
                    best = Some((index, *turn));
                }
            }
        }
        let (index, _) = best?;
        if let Some(turn) = turns.get_mut(index) {
            *turn -= total;
        }
        self.all.get(index)
    }

    fn least_busy(
        &self,
        share: impl Fn(&Server) -> f64,
        random: &mut impl Rng,
    ) -> Option<&Arc<Server>> {
        // Starting anywhere, so that equals share what comes while all are idle.
        let start = if self.all.is_empty() {
            0
        } else {
            random.random_range(0..self.all.len())
        };
        let (before, after) = self.all.split_at(start);
        let mut best: Option<(&Arc<Server>, f64)> = None;
        for server in after.iter().chain(before) {
            let share = share(server);
            if share > 0.0 {
                let load = load(server, share);
                if best.is_none_or(|(_, least)| load < least) {
                    best = Some((server, load));
                }
            }
        }
        best.map(|(server, _)| server)
    }

    fn less_busy_of_two(
        &self,
        share: impl Fn(&Server) -> f64,
        random: &mut impl Rng,
    ) -> Option<&Arc<Server>> {
        let total: f64 = self.all.iter().map(|server| share(server)).sum();
        let first = self.at(random.random::<f64>() * total, &share)?;
        let rest = |server: &Server| {
            if server.id() == first.id() {
                0.0
            } else {
                share(server)
            }
        };
        let Some(second) = self.at(random.random::<f64>() * (total - share(first)), &rest) else {
            return Some(first);
        };
        // Weight decided who was drawn; now only how busy they are counts, or heavy servers would be counted twice.
        let busier = load(first, share(first)) > load(second, share(second));
        Some(if busier { second } else { first })
    }

    /// The server at `point` when all shares are laid end to end.
    fn at(&self, mut point: f64, share: &impl Fn(&Server) -> f64) -> Option<&Arc<Server>> {
        let mut last = None;
        for server in &self.all {
            let share = share(server);
            if share > 0.0 {
                last = Some(server);
                point -= share;
                if point < 0.0 {
                    break;
                }
            }
        }
        last
    }

    /// Weighted rendezvous hashing: each server draws a number for the key, the best wins.
    ///
    /// A server that goes takes only its own keys with it, and one that comes takes only its share, with no table to
    /// rebuild. Shares of slow starts move keys, which is what a slow start is for.
    fn by_key(&self, key: u64, share: impl Fn(&Server) -> f64) -> Option<&Arc<Server>> {
        let mut best: Option<(&Arc<Server>, f64)> = None;
        for server in &self.all {
            let share = share(server);
            if share > 0.0 {
                // 53 bits make a number between 0 and 1, ends excluded.
                let drawn = ((mix(key ^ server.hash) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
                let score = -share / drawn.ln();
                if best.is_none_or(|(_, most)| score > most) {
                    best = Some((server, score));
                }
            }
        }
        best.map(|(server, _)| server)
    }
}

/// How busy a server would be with one more request.
fn load(server: &Server, share: f64) -> f64 {
    (server.in_flight() + 1) as f64 / share
}

/// A hash that is the same on every edge and in every version, so that all of them send a key to the same server.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    // FNV-1a, whose weak high bits `mix` mends.
    let folded = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    });
    mix(folded)
}

/// The finaliser of SplitMix64: each bit of the result depends on each bit of the input.
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use rand::SeedableRng;
    use rand::rngs::StdRng;
    use rimward_config::HashKey;

    use super::*;
    use crate::origin::tests::server;

    const HASH: Balance = Balance::Hash(HashKey::Uri);

    fn servers(weights: &[f64]) -> Servers {
        Servers::new(
            weights
                .iter()
                .enumerate()
                .map(|(n, weight)| server(n as u16 + 1, *weight))
                .collect(),
        )
    }

    fn weight(server: &Server) -> f64 {
        server.weight
    }

    fn port(server: &Server) -> u16 {
        match &server.address {
            crate::origin::Address::Inet(address) => address.port(),
            other => panic!("{other} has no port"),
        }
    }

    /// How many of `n` requests, each done before the next, go to each server.
    fn spread(servers: &Servers, balance: &Balance, n: u64) -> HashMap<u16, u64> {
        let mut random = StdRng::seed_from_u64(1);
        let mut counts = HashMap::new();
        for key in 0..n {
            let key = hash(&key.to_le_bytes());
            let server = servers
                .choose(balance, Some(key), weight, &mut random)
                .unwrap();
            *counts.entry(port(server)).or_default() += 1;
        }
        counts
    }

    #[test]
    fn round_robin_is_smooth() {
        let servers = servers(&[5.0, 1.0, 1.0]);
        let mut random = StdRng::seed_from_u64(1);
        let order: Vec<_> = (0..14)
            .map(|_| {
                port(
                    servers
                        .choose(&Balance::RoundRobin, None, weight, &mut random)
                        .unwrap(),
                )
            })
            .collect();
        assert_eq!(order, [1, 1, 2, 1, 3, 1, 1, 1, 1, 2, 1, 3, 1, 1]);
    }

    #[test]
    fn every_balance_respects_weights_over_time() {
        for balance in [Balance::RoundRobin, HASH] {
            let counts = spread(&servers(&[1.0, 2.0, 5.0]), &balance, 80_000);
            for (port, expected) in [(1, 10_000), (2, 20_000), (3, 50_000)] {
                let off = counts[&port].abs_diff(expected);
                assert!(off < 1000, "{balance:?}: {counts:?}");
            }
        }
    }

    #[test]
    fn busy_servers_fill_up_by_weight() {
        for (balance, tolerance) in [(Balance::LeastRequests, 2), (Balance::RandomTwo, 60)] {
            let servers = servers(&[1.0, 1.0, 2.0]);
            let mut random = StdRng::seed_from_u64(1);
            for _ in 0..1000 {
                servers
                    .choose(&balance, None, weight, &mut random)
                    .unwrap()
                    .enter(None);
            }
            for (server, expected) in servers.all.iter().zip([250, 250, 500]) {
                assert!(
                    server.in_flight().abs_diff(expected) <= tolerance,
                    "{balance:?}: {}",
                    server.in_flight()
                );
            }
        }
    }

    #[test]
    fn random_two_takes_the_less_busy() {
        let servers = servers(&[1.0, 1.0]);
        (0..10).for_each(|_| assert!(servers.all[0].enter(None)));
        let mut random = StdRng::seed_from_u64(1);
        for _ in 0..100 {
            assert_eq!(
                port(
                    servers
                        .choose(&Balance::RandomTwo, None, weight, &mut random)
                        .unwrap()
                ),
                2
            );
        }
    }

    #[test]
    fn only_the_keys_of_a_server_that_goes_move() {
        let servers = servers(&[1.0; 10]);
        let mut random = StdRng::seed_from_u64(1);
        let mut moved = 0;
        for key in 0..10_000_u64 {
            let key = hash(&key.to_le_bytes());
            let before = port(
                servers
                    .choose(&HASH, Some(key), weight, &mut random)
                    .unwrap(),
            );
            let without = |server: &Server| {
                if port(server) == 7 {
                    0.0
                } else {
                    server.weight
                }
            };
            let after = port(
                servers
                    .choose(&HASH, Some(key), without, &mut random)
                    .unwrap(),
            );
            assert_eq!(before == after, before != 7);
            moved += u64::from(before != after);
        }
        assert!(moved.abs_diff(1000) < 150, "{moved} moved");
    }

    #[test]
    fn nobody_is_chosen_when_nobody_has_a_share() {
        let servers = servers(&[1.0, 1.0]);
        let mut random = StdRng::seed_from_u64(1);
        for balance in [
            Balance::RoundRobin,
            Balance::RandomTwo,
            Balance::LeastRequests,
            HASH,
        ] {
            assert!(
                servers
                    .choose(&balance, Some(1), |_| 0.0, &mut random)
                    .is_none()
            );
            assert!(
                Servers::default()
                    .choose(&balance, Some(1), weight, &mut random)
                    .is_none()
            );
        }
    }
}
