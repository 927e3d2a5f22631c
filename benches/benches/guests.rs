//! What a guest costs a request that has twenty headers, of which it reads three and sets one: beside a compiled-in filter that sets
//! one, with a fresh instance for each request, with one that is used again, and in a phase that it does not have.

use std::path::Path;
use std::sync::Arc;

use criterion::{BatchSize, Criterion};
use rimward_benches::steps::{exchange, filter};
use rimward_filters::{Exchange, Filter, Phase};

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const GUESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/guests");
/// What the guest sets.
const SETS: &str = "request = { set = { x-known = \"all\" } }";
/// Beside those that every request of the benches has.
const FIELDS: [(&str, &str); 12] = [
    ("cookie", "session=0123456789abcdef; theme=dark"),
    ("dnt", "1"),
    ("referer", "https://www.example.com/"),
    ("sec-fetch-dest", "document"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-site", "same-origin"),
    ("sec-fetch-user", "?1"),
    ("upgrade-insecure-requests", "1"),
    ("x-a", "a"),
    ("x-b", "b"),
    ("x-c", "c"),
    ("x-d", "d"),
];

fn guest(name: &str, settings: &str) -> Arc<dyn Filter> {
    let settings = format!("wasm = \"{name}.wasm\"\n{settings}");
    filter("wasm", &settings, Path::new(GUESTS))
}

fn request() -> Exchange {
    exchange("GET", "/a/b?c=d", &FIELDS)
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("guests");
    let filters = [
        ("compiled in", filter("headers", SETS, Path::new("."))),
        ("fresh", guest("plain", "")),
        (
            "reused",
            guest("plain", "isolation = \"reuse\"\nreuse = 1000000000"),
        ),
    ];
    for (name, filter) in &filters {
        group.bench_function(*name, |bencher| {
            bencher.iter_batched_ref(
                request,
                |exchange| filter.request(exchange).expect("it passes"),
                BatchSize::SmallInput,
            );
        });
    }
    let plain = guest("plain", "");
    group.bench_function("no such phase", |bencher| {
        bencher.iter(|| plain.phases().contains(Phase::Response));
    });
    group.finish();
    criterion.final_summary();
}
