//! What the memory tier keeps and puts out.

use super::*;

#[test]
fn memory_is_bounded_and_can_be_resized() {
    let store = store();
    for index in 0..200 {
        let mut filler = begin(&store, &key(&format!("/{index}")), &[]);
        filler.write(Bytes::from(vec![0; 256 << 10])).unwrap();
        filler.finish().unwrap();
    }
    let stats = store.stats();
    assert!(
        stats.bytes <= 16 * MIB && stats.bytes > 8 * MIB && stats.evictions > 100,
        "{stats:?}"
    );
    store.resize(Bounds {
        memory: 4 * MIB,
        max_object: MIB,
        disk: None,
    });
    let stats = store.stats();
    assert!(stats.bytes <= 4 * MIB && stats.keys > 0, "{stats:?}");
    assert_eq!(stats.capacity, 4 * MIB);
}

fn store_of(memory: u64) -> Store {
    let bounds = Bounds {
        memory,
        max_object: memory,
        disk: None,
    };
    Store::new(bounds, Clock::standing())
}

fn put_bytes(store: &Store, key: &Key, length: u64) -> Option<Reason> {
    let mut filler = begin(store, key, &[]);
    let body = vec![0; usize::try_from(length).unwrap()];
    filler.write(Bytes::from(body)).unwrap();
    filler.finish().unwrap()
}

#[test]
fn one_object_may_take_almost_all_of_the_memory() {
    let (store, large) = (store_of(MIB), key("/large"));
    put(&store, &key("/"), "small");
    let most = store.limit();
    assert!(most > MIB * 9 / 10, "{most}");
    assert_eq!(put_bytes(&store, &large, most), None);
    assert_eq!(
        body(&store, &large).map(|body| body.len() as u64),
        Some(most)
    );
    let declared = (most + 1).to_string();
    let filler = begin(&store, &large, &[("content-length", declared.leak())]);
    assert_eq!(filler.unstored(), Some(Reason::TooLarge));
    assert!(store.stats().bytes <= MIB);
}

#[test]
fn only_what_had_to_go_is_counted_as_evicted() {
    let store = store_of(MIB);
    (0..9).for_each(|_| put(&store, &key("/"), "again"));
    assert_eq!((store.stats().evictions, store.stats().keys), (0, 1));
    for index in 0..20 {
        put_bytes(&store, &key(&format!("/{index}")), MIB / 10);
    }
    let stats = store.stats();
    assert_eq!(stats.evictions + stats.keys, 21);
}

#[test]
fn what_is_asked_for_again_outlives_what_comes_once() {
    let store = store_of(MIB);
    let popular: Vec<_> = (0..50)
        .map(|index| key(&format!("/popular/{index}")))
        .collect();
    for key in &popular {
        put_bytes(&store, key, 4096);
        assert!(body(&store, key).is_some());
    }
    for index in 0..5000 {
        put_bytes(&store, &key(&format!("/once/{index}")), 4096);
    }
    assert!(popular.iter().all(|key| body(&store, key).is_some()));
}

#[test]
fn what_is_cleared_and_resized_at_once_leaves_nothing_behind() {
    let store = store_of(MIB);
    std::thread::scope(|scope| {
        let purging = scope.spawn(|| {
            for round in 0..200 {
                store.purge(&Purge::Everything, Mode::Hard);
                let memory = if round % 2 == 0 { MIB } else { 2 * MIB };
                store.resize(Bounds {
                    memory,
                    max_object: memory,
                    disk: None,
                });
            }
        });
        while !purging.is_finished() {
            for index in 0..20 {
                put_bytes(&store, &key(&format!("/{index}")), 9);
            }
        }
    });
    store.purge(&Purge::Everything, Mode::Hard);
    assert!((0..20).all(|index| body(&store, &key(&format!("/{index}"))).is_none()));
    put(&store, &key("/"), "body");
    assert_eq!(body(&store, &key("/")).unwrap(), "body");
}
