//! What goes wrong with the folder, and what does not follow from it.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use super::*;
use crate::disk::folder::Folder;

fn flip(file: &Path, at: u64) {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(file)
        .unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 0x10], at).unwrap();
}

#[tokio::test]
async fn a_large_body_that_breaks_off_leaves_nothing() {
    let place = Place::new();
    let store = place.store(256 * MIB);
    let key = key("/large");
    let new = New {
        key: key.as_ref(),
        variance: None,
        selecting: None,
        head: head(&[]),
        terms: terms(store.now(), &[]),
        born: store.generation(),
    };
    let mut filler = store.begin(new).unwrap();
    for _ in 0..30 {
        filler.room().await;
        filler.write(bytes(1, 100_000)).unwrap();
    }
    let Some(Found::Growing(follower)) = store.lookup(key.as_ref(), None) else {
        panic!("it can't be joined")
    };
    drop(filler);
    assert_eq!(all(follower.reader()).await, Err(FillError::Abandoned));
    while store.stats().fills > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        (place.files("part").len(), place.files("object").len()),
        (0, 0)
    );
    assert_eq!(read(&store, &key).await, None);
}

#[tokio::test]
async fn a_flipped_bit_anywhere_is_a_miss_and_never_a_wrong_byte() {
    let place = Place::new();
    let store = place.store(64 * MIB);
    let body = bytes(5, 300);
    put(&store, &key("/a"), &body);
    admit(&store, &key("/a"));
    store.flush(Duration::from_secs(9));
    drop(store);
    let segment = place.files("segment").remove(0);
    let whole = fs::read(&segment).unwrap();
    for at in (0..whole.len() as u64).step_by(3) {
        fs::write(&segment, &whole).unwrap();
        flip(&segment, at);
        let store = place.store(64 * MIB);
        let found = read(&store, &key("/a")).await;
        assert!(
            found.as_ref().is_none_or(|found| *found == body),
            "byte {at}"
        );
        drop(store);
    }
    for cut in (0..whole.len()).step_by(7) {
        fs::write(&segment, &whole[..cut]).unwrap();
        let store = place.store(64 * MIB);
        let found = read(&store, &key("/a")).await;
        assert!(
            found.as_ref().is_none_or(|found| *found == body),
            "cut at {cut}"
        );
        drop(store);
    }
}

#[tokio::test]
async fn a_damaged_large_body_breaks_off_and_is_fetched_anew() {
    let place = Place::new();
    let store = place.store(256 * MIB);
    let (key, body) = (key("/large"), bytes(3, 3_000_000));
    put(&store, &key, &body);
    while store.stats().fills > 0 {
        tokio::task::yield_now().await;
    }
    flip(&place.files("object").remove(0), 1_500_000);
    let Some(Found::Object(object, _)) = store.lookup(key.as_ref(), None) else {
        panic!("not found")
    };
    let mut reader = Reader::of(&object.body).await.unwrap();
    let mut got = Vec::new();
    let error = loop {
        match reader.read().await {
            Ok(Some(piece)) => got.extend_from_slice(&piece),
            Ok(None) => panic!("a damaged body looked whole"),
            Err(error) => break error,
        }
    };
    assert_eq!(
        (error, got.as_slice()),
        (FillError::Disk, &body[..got.len()])
    );
    assert_eq!(read(&store, &key).await, None);
    assert_eq!(store.disk_stats().unwrap().read_faults, 1);
    put(&store, &key, &body);
    while store.stats().fills > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(read(&store, &key).await.unwrap(), body);
}

#[tokio::test]
async fn an_edge_goes_on_without_its_folder_and_takes_it_back() {
    let place = Place::new();
    let store = place.store(64 * MIB);
    put(&store, &key("/a"), &bytes(1, 1000));
    admit(&store, &key("/a"));
    store.flush(Duration::from_secs(9));
    let away = place.folder.path().join("away");
    fs::rename(place.path(), &away).unwrap();
    fs::write(place.path(), "not a folder").unwrap();
    wait_until(|| !store.disk_stats().unwrap().up);
    assert!(store.disk_stats().unwrap().fault.is_some());
    put(&store, &key("/b"), &bytes(2, 1000));
    assert_eq!(read(&store, &key("/b")).await.unwrap(), bytes(2, 1000));
    put(&store, &key("/large"), &bytes(3, 3_000_000));
    assert_eq!(
        read(&store, &key("/large")).await.unwrap(),
        bytes(3, 3_000_000)
    );
    fs::remove_file(place.path()).unwrap();
    fs::rename(&away, place.path()).unwrap();
    wait_until(|| store.disk_stats().unwrap().up);
    store.memory_clear();
    assert_eq!(read(&store, &key("/a")).await.unwrap(), bytes(1, 1000));
}

#[tokio::test]
async fn a_folder_in_use_elsewhere_is_waited_for() {
    let place = Place::new();
    let first = place.store(64 * MIB);
    put(&first, &key("/a"), &bytes(1, 1000));
    let second = place.start(64 * MIB);
    wait_until(|| {
        second
            .disk_stats()
            .unwrap()
            .fault
            .unwrap()
            .contains("another process")
    });
    first.close(Duration::from_secs(9));
    wait_until(|| second.disk_stats().unwrap().up);
    assert_eq!(read(&second, &key("/a")).await.unwrap(), bytes(1, 1000));
}

#[tokio::test]
async fn a_purge_that_can_not_be_written_down_is_told() {
    let place = Place::new();
    let store = place.store(64 * MIB);
    let purge = || store.purge(&Purge::SurrogateKey("img"), Mode::Hard);
    assert!(purge().is_none());
    let elsewhere = Place::new();
    fs::write(elsewhere.path(), "not a folder").unwrap();
    let bounds = |disk| Bounds {
        memory: 64 * MIB,
        max_object: 32 * MIB,
        disk,
    };
    let disk = |path| {
        Some(DiskBounds {
            path,
            size: 64 * MIB,
        })
    };
    store.resize(bounds(disk(elsewhere.path())));
    assert!(purge().is_some(), "there is no folder to write it in");
    store.resize(bounds(None));
    assert!(
        purge().is_none(),
        "there is no disk that could bring anything back"
    );
}

#[tokio::test]
async fn what_a_folder_has_is_dropped_when_it_was_left_and_is_used_again() {
    let place = Place::new();
    let store = place.store(64 * MIB);
    put(&store, &key("/a"), &bytes(1, 100));
    store.flush(Duration::from_secs(9));
    let bounds = Bounds {
        memory: 64 * MIB,
        max_object: 32 * MIB,
        disk: None,
    };
    store.resize(bounds);
    store.purge(&Purge::Url(key("/a").as_ref()), Mode::Hard);
    drop(store);
    wait_until(|| Folder::open(&place.path(), None).is_ok());
    assert_eq!(read(&place.store(64 * MIB), &key("/a")).await, None);
}
