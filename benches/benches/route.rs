//! Finding a site and a route must not depend on how many there are.

use std::hint::black_box;

use criterion::Criterion;
use http::{HeaderMap, Method};
use rimward::runtime::{Asked, Hosts, Paths};
use rimward_config::Conditions;

fn host(criterion: &mut Criterion) {
    for count in [10, 100_000] {
        let mut hosts = Hosts::default();
        for number in 0..count {
            let pattern = format!("host-{number}.example.com")
                .parse()
                .expect("a host");
            hosts.insert(&pattern, number);
        }
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
    let headers = HeaderMap::new();
    let asked = Asked {
        method: &Method::GET,
        headers: &headers,
        query: None,
        country: &|| None,
    };
    for count in [10, 10_000] {
        let mut paths = Paths::default();
        for number in 0..count {
            let pattern = format!("/section-{}/page-{number}/{{id}}", number % 100)
                .parse()
                .expect("a path");
            paths.insert(&pattern, &Conditions::default(), number);
        }
        criterion.bench_function(&format!("path of {count}"), |bench| {
            bench.iter(|| {
                paths
                    .find(black_box("/section-7/page-7/42"), &asked)
                    .map(|matched| *matched.route)
            });
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
