//! Finding a site and a route must not depend on how many there are.

use std::hint::black_box;

use criterion::Criterion;
use rimward_benches::routing::{find, hosts, paths};

fn host(criterion: &mut Criterion) {
    for count in [10, 100_000] {
        let mut hosts = hosts(count);
        hosts.insert(&"*.example.org".parse().expect("a wildcard"), count);
        criterion.bench_function(&format!("exact host of {count}"), |bench| {
            bench.iter(|| hosts.find(black_box("host-7.example.com")));
        });
        criterion.bench_function(&format!("wildcard beside {count} hosts"), |bench| {
            bench.iter(|| hosts.find(black_box("a.b.example.org")));
        });
    }
}

fn path(criterion: &mut Criterion) {
    for count in [10, 10_000] {
        let paths = paths(count);
        criterion.bench_function(&format!("path of {count}"), |bench| {
            bench.iter(|| find(&paths, black_box("/section-7/page-7/42")));
        });
    }
}

/// Runs the benches.
fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    host(&mut criterion);
    path(&mut criterion);
    criterion.final_summary();
}
