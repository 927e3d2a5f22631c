//! A store of a hundred thousand entries: what readers pay, and what writers wait for.

use std::hint::black_box;

use bytes::Bytes;
use criterion::Criterion;
use rimward_kv::{Settings, Store, Write};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

const ENTRIES: u32 = 100_000;
/// From one key to the next, so that they lie all over the tree.
const STRIDE: u32 = 0x9e37_79b9;

fn key(number: u32) -> String {
    format!("/links/{:08x}", number.wrapping_mul(STRIDE))
}

/// Another number each time, below the number of entries.
fn numbers() -> impl FnMut() -> u32 {
    let mut next = 0_u32;
    move || {
        next = next.wrapping_add(7919) % ENTRIES;
        next
    }
}

/// Writes so many values at once, as tasks of their own.
async fn put_all(store: &'static Store, keys: impl Iterator<Item = u32>, value: &Bytes) {
    let mut writes = JoinSet::new();
    for number in keys {
        let value = value.clone();
        writes.spawn(async move {
            store
                .put(&key(number), value, Write::default())
                .await
                .is_ok()
        });
    }
    assert!(writes.join_all().await.into_iter().all(|written| written));
}

fn reads(criterion: &mut Criterion, store: &'static Store) {
    let mut number = numbers();
    criterion.bench_function("get, there", |bench| {
        bench.iter(|| {
            assert!(
                store
                    .get(black_box(&key(number())))
                    .is_ok_and(|entry| entry.is_some())
            )
        });
    });
    criterion.bench_function("get, not there", |bench| {
        let mut absent = || format!("/links/{:08x}x", number());
        bench.iter(|| {
            assert!(
                store
                    .get(black_box(&absent()))
                    .is_ok_and(|entry| entry.is_none())
            )
        });
    });
    criterion.bench_function("get, of 16 KiB", |bench| {
        bench.iter(|| {
            assert!(
                store
                    .get(black_box("large"))
                    .is_ok_and(|entry| entry.is_some())
            )
        });
    });
    criterion.bench_function("list 100", |bench| {
        bench.iter(|| store.list("/links/", Some(black_box(key(number()).as_str())), 100));
    });
}

fn writes(criterion: &mut Criterion, store: &'static Store, runtime: &Runtime) {
    let value = Bytes::from(vec![7; 100]);
    let mut group = criterion.benchmark_group("on disk");
    group.sample_size(20);
    let mut number = numbers();
    for count in [1, 100] {
        group.bench_function(format!("put {count} at once"), |bench| {
            bench.iter(|| {
                let keys: Vec<u32> = (0..count).map(|_| number()).collect();
                runtime.block_on(put_all(store, keys.into_iter(), &value));
            });
        });
    }
    group.bench_function("increment", |bench| {
        bench.iter(|| runtime.block_on(store.increment("count", 1, None)));
    });
}

/// Runs the benches.
fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(&Settings::at(folder.path().join("store"))).expect("a store");
    let store: &'static Store = Box::leak(Box::new(store));
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .expect("a runtime");
    for start in (0..ENTRIES).step_by(1000) {
        runtime.block_on(put_all(
            store,
            start..start + 1000,
            &Bytes::from(vec![7; 100]),
        ));
    }
    let large = store.put("large", Bytes::from(vec![7; 16 << 10]), Write::default());
    runtime.block_on(large).expect("room");
    reads(&mut criterion, store);
    writes(&mut criterion, store, &runtime);
    criterion.final_summary();
}
