//! From text to a configuration, and from there to a runtime.

use criterion::{BatchSize, Criterion};
use rimward::metrics::Metrics;
use rimward::runtime::Runtime;
use rimward::stores::Stores;
use rimward_benches::{config, routes};

fn reading(criterion: &mut Criterion) {
    for count in [10, 10_000] {
        let text = routes(count);
        let mut group = criterion.benchmark_group(format!("{count} routes"));
        group.sample_size(10);
        group.bench_function("parse", |bench| bench.iter(|| config(&text)));
        let parsed = config(&text);
        let metrics = Metrics::default();
        group.bench_function("compile", |bench| {
            let compile = |config| {
                Runtime::compile(config, &metrics, &Stores::detached(), None)
                    .unwrap_or_else(|problems| panic!("{problems}"))
            };
            bench.iter_batched(|| parsed.clone(), compile, BatchSize::LargeInput);
        });
    }
}

/// Runs the benches.
fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    reading(&mut criterion);
    criterion.final_summary();
}
