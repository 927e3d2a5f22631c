//! How large a file gets, and how it becomes shorter again.

use super::model::pages;
use super::*;

/// A store of so many MiB.
fn small(mebibytes: u64) -> Kept {
    let folder = tempfile::tempdir().unwrap();
    let passed = Arc::default();
    let settings = Settings {
        max_size: mebibytes << 20,
        ..settings(folder.path(), &passed)
    };
    let store = Store::open(&settings).unwrap();
    Kept {
        folder,
        passed,
        store,
    }
}

/// Writes values of one length under scattered keys, which needs most room, until there is none left. Returns how many.
async fn fill(kept: &Kept, length: usize) -> usize {
    let store = &kept.store;
    let value = Bytes::from("x".repeat(length));
    let put = async |number: u32| {
        let key = format!("{:08x}", number.wrapping_mul(0x9E37_79B9));
        store.put(&key, value.clone(), Write::default()).await
    };
    for number in (0..).step_by(8) {
        let some = tokio::join!(
            put(number),
            put(number + 1),
            put(number + 2),
            put(number + 3),
            put(number + 4),
            put(number + 5),
            put(number + 6),
            put(number + 7),
        );
        for verdict in [
            some.0, some.1, some.2, some.3, some.4, some.5, some.6, some.7,
        ] {
            match verdict {
                Ok(_) => {}
                Err(KvError::Full) => return pages(store, "", 1000).len(),
                Err(error) => panic!("{error}"),
            }
        }
    }
    unreachable!()
}

#[tokio::test]
async fn a_full_store_takes_nothing_more_but_gives_room_again() {
    for length in [100, 5000, 200_000] {
        let kept = small(2);
        let count = fill(&kept, length).await;
        let stats = kept.store.stats();
        assert!(
            stats.file <= (2 << 20) * 17 / 16 + (64 << 10),
            "{length}: {stats:?}"
        );
        assert!(
            (stats.bytes as usize) < 1 << 20 && count * (length + 40) > 300 << 10,
            "{length}: {count} {stats:?}"
        );
        assert!(stats.full > 0);
        let keys = pages(&kept.store, "", 1000);
        assert_eq!(keys.len(), count);
        for key in &keys[..count / 2] {
            assert!(kept.store.delete(key).await.unwrap());
        }
        for key in &keys[..count / 4] {
            kept.put(key, &"y".repeat(length)).await;
        }
        // What does not grow is taken also by a full store.
        fill(&kept, length).await;
        kept.put(&keys[count - 1], "").await;
    }
}

#[tokio::test]
async fn a_bound_can_change_while_the_store_is_open() {
    let kept = small(1);
    fill(&kept, 5000).await;
    kept.store.adopt(&Settings {
        max_value: 3,
        ..Settings::at("")
    });
    kept.put("a", "123").await;
    let refused = kept.put_as("a", "1234", Write::default()).await;
    assert_eq!(refused, Err(KvError::Value { size: 4, most: 3 }));
}

#[tokio::test]
async fn a_file_that_holds_little_is_made_shorter() {
    let kept = small(256);
    for number in 0..60 {
        let write = if number % 2 == 0 {
            lasting(1_000_000)
        } else {
            Write::default()
        };
        kept.put_as(&format!("large/{number}"), &"x".repeat(500_000), write)
            .await
            .unwrap();
    }
    for number in 0..3000 {
        kept.put(&format!("small/{number}"), "x").await;
    }
    let before = kept.store.stats();
    for number in 0..58 {
        kept.store.delete(&format!("large/{number}")).await.unwrap();
    }
    // Goes on being written while it is moved.
    let mut number = 0;
    while kept.store.stats().file * 4 > before.file {
        let key = format!("small/{}", number % 3000);
        match number % 3 {
            0 => drop(kept.store.delete(&key).await.unwrap()),
            1 => drop(kept.put(&key, &format!("again {number}")).await),
            _ => drop(
                kept.put_as(&key, &"x".repeat(3000), lasting(1_000_000 + number))
                    .await
                    .unwrap(),
            ),
        }
        number += 1;
        assert!(number < 20_000, "{:?}", kept.store.stats());
    }
    let expected: Vec<_> = pages(&kept.store, "", 1000)
        .into_iter()
        .map(|key| kept.store.get(&key).unwrap())
        .collect();
    let stats = kept.store.stats();
    let last = kept.put("last", "").await;
    kept.store.delete("last").await.unwrap();
    let kept = kept.again().await;
    let got: Vec<_> = pages(&kept.store, "", 1000)
        .into_iter()
        .map(|key| kept.store.get(&key).unwrap())
        .collect();
    assert_eq!(got, expected);
    let again = kept.store.stats();
    assert_eq!((again.keys, again.bytes), (stats.keys, stats.bytes));
    assert!(kept.put("next", "").await > last);
    kept.pass(2_000_000);
    while kept.store.stats().expired == 0 {
        kept.put("poke", "").await;
    }
}
