//! What the cache costs a request: its key, the policy, and the store with few objects and with many.

use std::hint::black_box;

use criterion::Criterion;
use http::{HeaderMap, HeaderValue};
use pingora::cache::CacheMeta;
use rimward_benches::objects::{Shelf, head, key, request, store, terms};
use rimward_cache::policy::{self, Received, Rules};
use rimward_cache::store::Found;
use rimward_cache::vary::Vary;
use rimward_cache::{Key, Query};

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bytes of a body in these benches.
const BODY: usize = 100;
/// Enough for a million objects.
const ROOMY: u64 = 4 << 30;

fn keys(criterion: &mut Criterion) {
    let names = ["page".to_owned(), "q".to_owned()];
    let query = Some("utm_source=x&q=shoes&page=2");
    for (name, rule) in [
        ("query as it came", Query::All),
        ("query sorted", Query::Sorted),
        ("two parameters", Query::Only(&names)),
    ] {
        criterion.bench_function(&format!("key, {name}"), |bench| {
            bench.iter(|| {
                Key::builder(
                    black_box("https"),
                    black_box("www.example.com"),
                    black_box("/shop/shoes"),
                )
                .query(black_box(query), rule)
                .finish()
            });
        });
    }
}

fn decisions(criterion: &mut Criterion) {
    let store = store(1 << 20);
    let (request, response, rules) = (request(), head(BODY), Rules::default());
    let now = store.now();
    criterion.bench_function("policy, whether to store", |bench| {
        bench.iter(|| {
            let received = Received {
                request: black_box(&request),
                response: black_box(&response),
                asked: now,
                now,
            };
            policy::store(&received, &rules)
        });
    });
    let terms = terms(&store, &response);
    criterion.bench_function("policy, whether to serve", |bench| {
        bench.iter(|| policy::serve(black_box(&terms), black_box(now)));
    });
    let mut varying = HeaderMap::new();
    varying.insert(
        "vary",
        HeaderValue::from_static("accept-encoding, accept-language"),
    );
    let vary = Vary::of(&varying);
    criterion.bench_function("variance by two fields", |bench| {
        bench.iter(|| vary.variance(black_box(&request.headers)));
    });
}

fn look_ups(criterion: &mut Criterion) {
    for count in [10, 100_000, 1_000_000] {
        let store = store(ROOMY);
        let shelf = Shelf::new(&store, BODY);
        (0..count).for_each(|number| shelf.put(&key(number)));
        // Some of all, so that with many objects the next is not in the processor's caches.
        let step = (count / 1000).max(1);
        let spread = |from: u64| -> Vec<Key> {
            let numbers = (0..count).step_by(usize::try_from(step).unwrap_or(1));
            numbers.map(|number| key(from + number)).collect()
        };
        for (name, keys) in [("hit", spread(0)), ("miss", spread(count))] {
            let mut next = keys.iter().cycle();
            criterion.bench_function(&format!("{name} among {count}"), |bench| {
                bench.iter(|| {
                    let key = next.next().expect("a cycle has no end");
                    black_box(store.lookup(key.as_ref(), None)).is_some()
                });
            });
        }
    }
}

/// What a hit costs beside the look-up: a head of its own. The other two are what it would cost to copy the head as it
/// came, and to read it as pingora's own store in memory does.
fn heads(criterion: &mut Criterion) {
    let store = store(1 << 20);
    let shelf = Shelf::new(&store, BODY);
    shelf.put(&key(1));
    let Some(Found::Object(object, _)) = store.lookup(key(1).as_ref(), None) else {
        panic!("it was stored");
    };
    criterion.bench_function("head of a hit", |bench| {
        bench.iter(|| black_box(&*object).head());
    });
    let came = head(BODY);
    criterion.bench_function("head of a hit, copied", |bench| {
        bench.iter(|| black_box(&came).clone());
    });
    let now = store.now();
    let meta = CacheMeta::new(now, now, 0, 0, came);
    let (inner, header) = meta.serialize().expect("a head can be written");
    criterion.bench_function("head of a hit, read", |bench| {
        bench.iter(|| CacheMeta::deserialize(black_box(&inner), black_box(&header)));
    });
}

fn storing(criterion: &mut Criterion) {
    for (name, memory) in [
        ("into a roomy store", ROOMY),
        ("into a full store", 16 << 20),
    ] {
        let store = store(memory);
        let shelf = Shelf::new(&store, 1024);
        (0..20_000).for_each(|number| shelf.put(&key(number)));
        let mut number = 20_000;
        criterion.bench_function(&format!("1 KiB {name}"), |bench| {
            bench.iter(|| {
                number += 1;
                shelf.put(&key(number));
            });
        });
    }
}

/// Runs the benches.
fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    keys(&mut criterion);
    decisions(&mut criterion);
    look_ups(&mut criterion);
    heads(&mut criterion);
    storing(&mut criterion);
    criterion.final_summary();
}
