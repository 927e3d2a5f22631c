//! How many requests are hits: the memory tier against a plain LRU of the same bytes, on the same seeded trace of Zipf's
//! law mixed with objects that are asked for once and never again. The last column is what a cache would reach that held the
//! most popular objects from the first request on.

use std::collections::{BTreeMap, HashMap};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rimward_benches::objects::{Shelf, key, store};
use rimward_cache::store::Found;

const SEED: u64 = 2026;
/// Objects that are asked for more than once.
const POPULAR: usize = 100_000;
const REQUESTS: usize = 1_000_000;
/// Requests at the beginning that only fill the caches.
const WARM_UP: usize = 200_000;
/// Bytes of each body.
const BODY: usize = 4096;
/// What both may hold: 2, 10 and 30 in a hundred of the popular objects.
const SHARES: [u64; 3] = [2, 10, 30];

/// The numbers of objects in the order in which they are asked for.
fn trace(exponent: f64, once: f64) -> Vec<u64> {
    let mut random = StdRng::seed_from_u64(SEED);
    let mut sum = 0.0;
    let cumulative: Vec<f64> = (1..=POPULAR)
        .map(|rank| {
            sum += (rank as f64).powf(-exponent);
            sum
        })
        .collect();
    let mut wonders = POPULAR as u64..;
    let mut next = || match random.random_bool(once) {
        true => wonders.next().unwrap_or(u64::MAX),
        false => {
            let point = random.random::<f64>() * sum;
            cumulative.partition_point(|end| *end < point) as u64
        }
    };
    (0..REQUESTS).map(|_| next()).collect()
}

/// Puts out what was not asked for the longest.
struct Lru {
    room: u64,
    clock: u64,
    asked: HashMap<u64, u64>,
    oldest: BTreeMap<u64, u64>,
}

impl Lru {
    fn new(room: u64) -> Self {
        Self {
            room,
            clock: 0,
            asked: HashMap::new(),
            oldest: BTreeMap::new(),
        }
    }

    /// Whether the object was there; it is afterwards.
    fn ask(&mut self, object: u64) -> bool {
        self.clock += 1;
        let before = self.asked.insert(object, self.clock);
        if let Some(before) = before {
            self.oldest.remove(&before);
        }
        self.oldest.insert(self.clock, object);
        if self.asked.len() as u64 > self.room
            && let Some((_, object)) = self.oldest.pop_first()
        {
            self.asked.remove(&object);
        }
        before.is_some()
    }
}

/// The share of requests after the warm-up for which `ask` says yes, in percent.
fn hits(trace: &[u64], mut ask: impl FnMut(u64) -> bool) -> f64 {
    let mut hits = 0_usize;
    for (number, object) in trace.iter().enumerate() {
        hits += usize::from(ask(*object) && number >= WARM_UP);
    }
    hits as f64 * 100.0 / (trace.len() - WARM_UP) as f64
}

fn memory_tier(trace: &[u64], bytes: u64) -> f64 {
    let store = store(bytes);
    let shelf = Shelf::new(&store, BODY);
    hits(trace, |object| {
        let key = key(object);
        let found = store.lookup(key.as_ref(), None).is_some();
        if !found {
            shelf.put(&key);
        }
        found
    })
}

/// What the store reckons an object at.
fn weight() -> u64 {
    let store = store(1 << 20);
    Shelf::new(&store, BODY).put(&key(10_000));
    match store.lookup(key(10_000).as_ref(), None) {
        Some(Found::Object(object, _)) => object.weight(),
        _ => 0,
    }
}

/// Prints the table.
#[allow(clippy::print_stdout, reason = "a bench tells its numbers")]
fn main() {
    let weight = weight();
    println!("exponent  asked once  room     LRU   memory tier  difference  most popular");
    for exponent in [0.8, 0.9, 1.0] {
        for once in [0.3, 0.5] {
            let trace = trace(exponent, once);
            for share in SHARES {
                let room = POPULAR as u64 * share / 100;
                let mut lru = Lru::new(room);
                let plain = hits(&trace, |object| lru.ask(object));
                let ours = memory_tier(&trace, room * weight);
                let best = hits(&trace, |object| object < room);
                println!(
                    "{exponent:>8.1}  {:>9.0}%  {share:>3}%  {plain:>5.1}%  {ours:>10.1}%  {:>+10.1}  {best:>11.1}%",
                    once * 100.0,
                    ours - plain
                );
            }
        }
    }
}
