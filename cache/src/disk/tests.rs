//! The disk tier through the store: what is written comes back, and nothing else ever does.

mod faults;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use pingora_http::ResponseHeader;

use super::DiskBounds;
use crate::fill::{FillError, Reader};
use crate::policy::{Basis, Reason, Terms};
use crate::store::{Bounds, Choice, Found, New, Store, TierName};
use crate::vary::Vary;
use crate::{Clock, Key, Mode, Object, Purge};

const MIB: u64 = 1 << 20;

struct Place {
    folder: tempfile::TempDir,
    clock: Clock,
}

impl Place {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            clock: Clock::standing(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    /// A store as a new process has it, with its disk in use.
    fn store(&self, disk: u64) -> Store {
        let store = self.start(disk);
        wait_until(|| store.disk_stats().unwrap().up);
        store
    }

    fn start(&self, disk: u64) -> Store {
        let bounds = Bounds {
            memory: 64 * MIB,
            max_object: 32 * MIB,
            disk: Some(DiskBounds {
                path: self.path(),
                size: disk,
            }),
        };
        Store::new(bounds, self.clock.clone())
    }

    fn files(&self, kind: &str) -> Vec<PathBuf> {
        let files = fs::read_dir(self.path())
            .unwrap()
            .map(|file| file.unwrap().path());
        let mut files: Vec<_> = files
            .filter(|file| file.extension().is_some_and(|is| is == kind))
            .collect();
        files.sort();
        files
    }
}

/// An object in memory, and its terms.
fn shown(store: &Store, key: &Key) -> (Arc<Object>, Terms) {
    let mut objects = store.objects().into_iter();
    let object = objects.find(|object| *object.key == **key.parts()).unwrap();
    let terms = object.terms();
    (object, terms)
}

#[track_caller]
fn wait_until(holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "it never came to hold"
        );
        std::thread::yield_now();
    }
}

fn key(path: &str) -> Key {
    Key::builder("http", "a.example", path).finish()
}

fn terms(now: SystemTime, surrogate_keys: &[&str]) -> Terms {
    Terms {
        stored: now,
        epoch: now - Duration::from_secs(7),
        fresh_until: now + Duration::from_secs(600),
        basis: Basis::SMaxage,
        stale_while_revalidate: Duration::from_secs(1),
        stale_if_error: Duration::from_millis(2500),
        stale_if_unreachable: Duration::ZERO,
        must_revalidate: true,
        cost: Duration::from_millis(31),
        withheld: Arc::default(),
        surrogate_keys: surrogate_keys.iter().map(|key| Box::from(*key)).collect(),
    }
}

/// A body that tells its own seed, of no whole number of chunks.
fn bytes(seed: u8, length: usize) -> Bytes {
    (0..length)
        .map(|at| u8::try_from((at / 7 + at + usize::from(seed)) % 251).unwrap())
        .collect::<Vec<_>>()
        .into()
}

fn head(fields: &[(&'static str, &'static str)]) -> ResponseHeader {
    let mut head = ResponseHeader::build(200, None).unwrap();
    for (name, value) in fields {
        head.append_header(*name, *value).unwrap();
    }
    head
}

fn request(fields: &[(&'static str, &'static str)]) -> HeaderMap {
    let fields = fields
        .iter()
        .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
    fields.collect()
}

fn put_with(
    store: &Store,
    key: &Key,
    head: ResponseHeader,
    asked: &HeaderMap,
    keys: &[&str],
    body: &Bytes,
) -> Option<Reason> {
    let vary = Vary::of(&head.headers);
    let new = New {
        key: key.as_ref(),
        variance: vary.variance(asked),
        selecting: vary.selecting(asked).map(Arc::from),
        head,
        terms: terms(store.now(), keys),
        born: store.generation(),
    };
    let mut filler = store.begin(new).unwrap();
    for piece in body.chunks(50_000) {
        filler.write(Bytes::copy_from_slice(piece)).unwrap();
    }
    filler.finish().unwrap()
}

fn put(store: &Store, key: &Key, body: &Bytes) {
    assert_eq!(
        put_with(store, key, head(&[]), &HeaderMap::new(), &[], body),
        None
    );
}

/// Asks a second time, so that it is let onto the disk.
fn admit(store: &Store, key: &Key) {
    assert!(store.lookup(key.as_ref(), None).is_some());
}

async fn all(mut reader: Reader) -> Result<Vec<u8>, FillError> {
    let mut all = Vec::new();
    while let Some(piece) = reader.read().await? {
        all.extend_from_slice(&piece);
    }
    Ok(all)
}

async fn read_as(store: &Store, key: &Key, asked: &HeaderMap) -> Option<Vec<u8>> {
    let variance = store.variance(key.as_ref(), asked);
    match store
        .lookup_all(key.as_ref(), variance, Some(asked))
        .await?
    {
        Found::Object(object, _) => Some(all(Reader::of(&object.body).await?).await.unwrap()),
        Found::Growing(growing) => Some(all(growing.reader()).await.unwrap()),
    }
}

async fn read(store: &Store, key: &Key) -> Option<Vec<u8>> {
    read_as(store, key, &HeaderMap::new()).await
}

#[tokio::test]
async fn an_object_comes_back_in_the_next_process_as_it_was() {
    let place = Place::new();
    let (key, body) = (key("/a"), bytes(1, 10_000));
    let before = {
        let store = place.store(64 * MIB);
        let head = head(&[
            ("X-Odd-Case", "1"),
            ("set-of", "a"),
            ("set-of", "b"),
            ("etag", "\"v\""),
        ]);
        put_with(
            &store,
            &key,
            head,
            &HeaderMap::new(),
            &["img", "all"],
            &body,
        );
        admit(&store, &key);
        store.flush(Duration::from_secs(9));
        shown(&store, &key)
    };
    let store = place.store(64 * MIB);
    assert_eq!(store.disk_stats().unwrap().objects, 1);
    assert_eq!(read(&store, &key).await.unwrap(), body);
    let (object, terms) = shown(&store, &key);
    assert_eq!(
        (&terms, &object.head().headers),
        (&before.1, &before.0.head().headers)
    );
    let mut wire = Vec::new();
    object.head().header_to_h1_wire(&mut wire);
    assert!(String::from_utf8(wire).unwrap().contains("X-Odd-Case: 1"));
    assert_eq!(store.disk_stats().unwrap().hits, 1);
    // From now on it is in memory.
    assert!(store.lookup(key.as_ref(), None).is_some());
    assert_eq!(read(&store, &self::key("/b")).await, None);
}

#[tokio::test]
async fn one_hit_wonders_stay_off_the_disk_until_the_end() {
    let place = Place::new();
    let store = place.store(64 * MIB);
    for index in 0..100 {
        put(&store, &key(&format!("/{index}")), &bytes(1, 100));
    }
    admit(&store, &key("/7"));
    // Stored again: the key was asked for before.
    put(&store, &key("/8"), &bytes(8, 100));
    store.disk().unwrap().flush(Duration::from_secs(9));
    assert_eq!(store.disk_stats().unwrap().objects, 2);
    store.close(Duration::from_secs(9));
    let store = place.store(64 * MIB);
    assert_eq!(store.disk_stats().unwrap().objects, 100);
    assert_eq!(read(&store, &key("/8")).await.unwrap(), bytes(8, 100));
}

#[tokio::test]
async fn each_request_finds_its_own_variant() {
    let place = Place::new();
    let key = key("/a");
    let languages = ["de", "en", "fr"].map(|language| request(&[("accept-language", language)]));
    {
        let store = place.store(64 * MIB);
        for (seed, asked) in (0..).zip(&languages) {
            let head = head(&[("vary", "accept-language")]);
            put_with(&store, &key, head, asked, &[], &bytes(seed, 999));
        }
        store.close(Duration::from_secs(9));
    }
    let store = place.store(64 * MIB);
    for (seed, asked) in (0..).zip(&languages) {
        assert_eq!(
            read_as(&store, &key, asked).await.unwrap(),
            bytes(seed, 999)
        );
    }
    assert_eq!(
        read_as(&store, &key, &request(&[("accept-language", "es")])).await,
        None
    );
    assert_eq!(read_as(&store, &key, &HeaderMap::new()).await, None);
    assert_eq!(store.objects().len(), 3);
}

#[tokio::test]
async fn a_large_body_goes_to_disk_while_it_comes_in() {
    let place = Place::new();
    let store = place.store(256 * MIB);
    let (key, body) = (key("/large"), bytes(3, 9_000_001));
    let new = New {
        key: key.as_ref(),
        variance: None,
        selecting: None,
        head: head(&[]),
        terms: terms(store.now(), &[]),
        born: store.generation(),
    };
    let mut filler = store.begin(new).unwrap();
    for piece in body.chunks(100_000) {
        filler.room().await;
        filler.write(Bytes::copy_from_slice(piece)).unwrap();
    }
    // One who comes late reads the beginning from the file, and the end when it is there.
    let Some(Found::Growing(late)) = store.lookup(key.as_ref(), None) else {
        panic!("it can't be joined")
    };
    assert_eq!(filler.finish(), Ok(None));
    assert_eq!(all(late.reader()).await.unwrap(), body);
    while store.stats().fills > 0 {
        tokio::task::yield_now().await;
    }
    assert!(store.stats().bytes < 100_000, "{:?}", store.stats());
    assert_eq!(read(&store, &key).await.unwrap(), body);
    let Some(Found::Object(object, _)) = store.lookup(key.as_ref(), None) else {
        panic!("not found")
    };
    assert_eq!(object.head().headers["content-length"], "9000001");
    let mut part = Reader::of(&object.body).await.unwrap();
    part.seek(262_140, Some(262_150));
    assert_eq!(all(part).await.unwrap(), body[262_140..262_150]);
    drop(store);
    let store = place.store(256 * MIB);
    assert_eq!(read(&store, &key).await.unwrap(), body);
}

#[tokio::test]
async fn a_renewed_object_has_its_new_head_after_a_restart() {
    for length in [5000, 3_000_000] {
        let place = Place::new();
        let (key, body) = (key("/a"), bytes(2, length));
        let store = place.store(256 * MIB);
        put(&store, &key, &body);
        while store.stats().fills > 0 {
            tokio::task::yield_now().await;
        }
        admit(&store, &key);
        store.disk().unwrap().flush(Duration::from_secs(9));
        let (object, _) = shown(&store, &key);
        place.clock.pass(Duration::from_secs(1000));
        let renewed = terms(store.now(), &[]);
        assert!(store.renew(
            &object,
            head(&[("x-new", "1")]),
            renewed.clone(),
            store.generation()
        ));
        assert_eq!(read(&store, &key).await.unwrap(), body);
        store.flush(Duration::from_secs(9));
        drop(store);
        let store = place.store(256 * MIB);
        assert_eq!(read(&store, &key).await.unwrap(), body, "{length}");
        let (object, terms) = shown(&store, &key);
        assert_eq!(
            (&object.head().headers["x-new"], terms),
            (&HeaderValue::from_static("1"), renewed)
        );
    }
}

#[tokio::test]
async fn what_was_purged_or_taken_out_does_not_come_back() {
    let place = Place::new();
    let put_all = |store: &Store| {
        for path in ["/url", "/pre/fix", "/key", "/removed", "/stays", "/soft"] {
            let keys = if path == "/key" {
                ["img"].as_slice()
            } else {
                &[]
            };
            put_with(
                store,
                &key(path),
                head(&[]),
                &HeaderMap::new(),
                keys,
                &bytes(1, 100),
            );
            admit(store, &key(path));
        }
        store.flush(Duration::from_secs(9));
    };
    let store = place.store(64 * MIB);
    put_all(&store);
    let (removed, _) = shown(&store, &key("/removed"));
    store.remove(&removed);
    for (purge, mode) in [
        (Purge::Url(key("/url").as_ref()), Mode::Hard),
        (Purge::SurrogateKey("img"), Mode::Hard),
        (Purge::Url(key("/soft").as_ref()), Mode::Soft),
        (
            Purge::Prefix {
                host: "a.example",
                path: "/pre/",
            },
            Mode::Hard,
        ),
    ] {
        assert!(store.purge(&purge, mode).is_none());
    }
    store.flush(Duration::from_secs(9));
    drop(store);
    let store = place.store(64 * MIB);
    for path in ["/url", "/pre/fix", "/key", "/removed"] {
        assert_eq!(read(&store, &key(path)).await, None, "{path}");
    }
    assert!(read(&store, &key("/stays")).await.is_some());
    let Some(Found::Object(_, terms)) = store
        .lookup_all(key("/soft").as_ref(), None, Some(&HeaderMap::new()))
        .await
    else {
        panic!("a soft purge took it")
    };
    assert!(!terms.is_fresh(store.now()));
    store.purge(&Purge::Everything, Mode::Hard);
    assert_eq!(read(&store, &key("/stays")).await, None);
    drop(store);
    assert_eq!(read(&place.store(64 * MIB), &key("/stays")).await, None);
}

#[tokio::test]
async fn the_size_is_held_and_what_is_asked_for_stays() {
    let place = Place::new();
    let store = place.store(16 * MIB);
    let (hot, large) = (key("/hot"), key("/large"));
    put(&store, &hot, &bytes(9, 50_000));
    admit(&store, &hot);
    put(&store, &large, &bytes(8, 2_000_000));
    for index in 0..1500 {
        let key = key(&format!("/{index}"));
        put(&store, &key, &bytes(1, 30_000));
        admit(&store, &key);
        if index % 20 == 0 {
            store.disk().unwrap().flush(Duration::from_secs(9));
            store.memory_clear();
            let found = [read(&store, &hot).await, read(&store, &large).await];
            assert!(
                found.iter().all(Option::is_some),
                "{index}: {:?}",
                store.disk_stats()
            );
            assert_eq!(
                found.map(Option::unwrap),
                [bytes(9, 50_000), bytes(8, 2_000_000)]
            );
        }
    }
    store.flush(Duration::from_secs(9));
    let stats = store.disk_stats().unwrap();
    assert!(
        stats.bytes <= 16 * MIB && stats.bytes > 8 * MIB && stats.evictions > 500,
        "{stats:?}"
    );
    let on_disk: u64 = fs::read_dir(place.path())
        .unwrap()
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum();
    assert!(on_disk <= 17 * MIB, "{on_disk}");
    assert_eq!(stats.read_faults, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_on_disk_are_listed_as_those_in_memory() {
    let place = Place::new();
    let store = place.store(64 * MIB);
    for (path, length) in [("/a/1", 10), ("/a/2", 3_000_000), ("/b", 30)] {
        let keys = if path == "/b" {
            ["img"].as_slice()
        } else {
            &[]
        };
        put_with(
            &store,
            &key(path),
            head(&[]),
            &HeaderMap::new(),
            keys,
            &bytes(1, length),
        );
    }
    while store.stats().fills > 0 {
        tokio::task::yield_now().await;
    }
    store.close(Duration::from_secs(9));
    let store = place.store(64 * MIB);
    read(&store, &key("/a/1")).await.unwrap();
    let list = |choice| {
        let listing = tokio::task::block_in_place(|| store.list(choice, 10));
        let mut rows: Vec<_> = listing
            .objects
            .iter()
            .map(|row| (row.key.clone(), row.tier, row.size))
            .collect();
        rows.sort();
        rows
    };
    let row = |path: &str, tier, size| (format!("http://a.example{path}"), tier, size);
    let expected = [
        row("/a/1", TierName::Memory, 10),
        row("/a/2", TierName::Disk, 3_000_000),
    ];
    assert_eq!(list(Choice::Prefix("http://a.example/a/")), expected);
    assert_eq!(
        list(Choice::SurrogateKey("img")),
        [row("/b", TierName::Disk, 30)]
    );
    store.purge(&Purge::SurrogateKey("img"), Mode::Hard);
    assert_eq!(list(Choice::SurrogateKey("img")), []);
}

/// As the edge asks: fields are there only when the disk may have what memory has not.
async fn read_as_the_edge(store: &Store, key: &Key) -> Option<Vec<u8>> {
    let fields = HeaderMap::new();
    let asked = store.is_for_disk(key.as_ref(), None).then_some(&fields);
    match store.lookup_all(key.as_ref(), None, asked).await? {
        Found::Object(object, _) => Some(all(Reader::of(&object.body).await?).await.unwrap()),
        Found::Growing(growing) => Some(all(growing.reader()).await.unwrap()),
    }
}

#[tokio::test]
async fn a_large_object_in_use_gets_another_round_and_is_found_all_along() {
    let place = Place::new();
    let store = place.store(16 * MIB);
    let large = key("/large");
    put(&store, &large, &bytes(8, 2_000_000));
    while store.stats().fills > 0 {
        tokio::task::yield_now().await;
    }
    let first = place.files("object");
    for index in 0..1000 {
        put(&store, &key(&format!("/{index}")), &bytes(1, 30_000));
        admit(&store, &key(&format!("/{index}")));
        if index % 20 == 0 {
            store.disk().unwrap().flush(Duration::from_secs(9));
            let found = read_as_the_edge(&store, &large).await;
            assert_eq!(found.as_deref(), Some(&*bytes(8, 2_000_000)), "{index}");
            admit_on_disk(&store, &large);
        }
    }
    assert_ne!(place.files("object"), first, "it was never rescued");
}

/// Counts hits in memory until the disk tier hears of them.
fn admit_on_disk(store: &Store, key: &Key) {
    for _ in 0..64 {
        drop(store.lookup(key.as_ref(), None));
    }
}

#[tokio::test]
async fn what_took_the_place_of_a_large_object_is_found_after_a_restart() {
    let place = Place::new();
    let store = place.store(256 * MIB);
    let (other, changed, removed) = (key("/other"), key("/changed"), key("/removed"));
    // A segment that is begun before the large ones, and goes on being filled.
    put(&store, &other, &bytes(1, 100));
    admit(&store, &other);
    wait_until(|| store.disk_stats().unwrap().objects == 1);
    for key in [&changed, &removed] {
        put(&store, key, &bytes(2, 3_000_000));
        while store.stats().fills > 0 {
            tokio::task::yield_now().await;
        }
    }
    put(&store, &changed, &bytes(3, 100));
    store.remove(&shown(&store, &removed).0);
    wait_until(|| store.disk_stats().unwrap().objects == 2 && place.files("object").is_empty());
    drop(store);
    let store = place.store(256 * MIB);
    assert_eq!(read(&store, &changed).await.unwrap(), bytes(3, 100));
    assert_eq!(read(&store, &removed).await, None);
}
