//! A purge and what it costs a hit must not depend on how many objects there are.

use std::hint::black_box;
use std::time::SystemTime;

use criterion::{BatchSize, Criterion};
use rimward_cache::purge::Labels;
use rimward_cache::{Key, Mode, Purge, Purges};

const OBJECTS: usize = 1_000_000;

fn key(number: usize) -> Key {
    Key::builder("https", "www.example.com", &format!("/dir/{number}")).finish()
}

fn surrogate_keys(number: usize) -> [Box<str>; 2] {
    [format!("page-{number}").into(), "news".into()]
}

/// The labels of a million objects, each with one surrogate key of its own.
fn labelled(purges: &Purges) -> Vec<Labels> {
    let labels = |number| purges.labels(key(number).as_ref(), &surrogate_keys(number));
    (0..OBJECTS).map(labels).collect()
}

fn purge(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    for journal in [false, true] {
        let purges = Purges::default();
        if journal {
            purges.keep_in(folder.path()).expect("a journal");
        }
        let labels = labelled(&purges);
        let mut number = 0;
        let written = if journal { "written down" } else { "in memory" };
        criterion.bench_function(&format!("purge a key of a million, {written}"), |bench| {
            let next = || {
                number = (number + 7919) % OBJECTS;
                format!("page-{number}")
            };
            bench.iter_batched(
                next,
                |name| {
                    let purge = Purge::SurrogateKey(&name);
                    purges.purge(&purge, Mode::Hard, SystemTime::now())
                },
                BatchSize::SmallInput,
            );
        });
        drop(labels);
    }
}

fn verdict(criterion: &mut Criterion) {
    let purges = Purges::default();
    let (key, surrogate_keys) = (key(7), surrogate_keys(7));
    for prefixes in [0, 100] {
        for number in 0..prefixes {
            let path = format!("/other/{number}/");
            let purge = Purge::Prefix {
                host: "www.example.com",
                path: &path,
            };
            purges.purge(&purge, Mode::Hard, SystemTime::now());
        }
        let born = purges.generation();
        let labels = purges.labels(key.as_ref(), &surrogate_keys);
        criterion.bench_function(&format!("verdict beside {prefixes} prefixes"), |bench| {
            bench.iter(|| purges.verdict(black_box(key.as_ref()), &labels, born));
        });
        criterion.bench_function(
            &format!("readmission beside {prefixes} prefixes"),
            |bench| {
                bench.iter(|| purges.readmit(black_box(key.as_ref()), &surrogate_keys, born));
            },
        );
    }
}

/// Runs the benches.
fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    purge(&mut criterion);
    verdict(&mut criterion);
    criterion.final_summary();
}
