//! The store by itself: hits, fills, purges, bounds.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};

use super::*;
use crate::fill::FillError;
use crate::key::{Key, Query};
use crate::policy::{Basis, Reason};

mod memory;

const MIB: u64 = 1 << 20;

fn store() -> Store {
    Store::new(
        Bounds {
            memory: 16 * MIB,
            max_object: MIB,
            disk: None,
        },
        Clock::standing(),
    )
}

fn key(path: &str) -> Key {
    Key::builder("http", "a.example", path).finish()
}

fn terms(store: &Store, seconds: u64) -> Terms {
    let now = store.now();
    Terms {
        stored: now,
        epoch: now,
        fresh_until: now + Duration::from_secs(seconds),
        basis: Basis::MaxAge,
        stale_while_revalidate: Duration::ZERO,
        stale_if_error: Duration::ZERO,
        stale_if_unreachable: Duration::ZERO,
        must_revalidate: false,
        cost: Duration::ZERO,
        withheld: Arc::default(),
        surrogate_keys: Arc::default(),
    }
}

fn head(fields: &[(&'static str, &'static str)]) -> ResponseHeader {
    let mut head = ResponseHeader::build(200, None).unwrap();
    for (name, value) in fields {
        head.append_header(*name, *value).unwrap();
    }
    head
}

fn begin(store: &Store, key: &Key, fields: &[(&'static str, &'static str)]) -> Filler {
    let new = New {
        key: key.as_ref(),
        variance: None,
        selecting: None,
        head: head(fields),
        terms: terms(store, 60),
        born: store.generation(),
    };
    store.begin(new).unwrap()
}

fn put(store: &Store, key: &Key, body: &'static str) {
    let mut filler = begin(store, key, &[]);
    filler.write(Bytes::from_static(body.as_bytes())).unwrap();
    assert_eq!(filler.finish(), Ok(None));
}

fn body(store: &Store, key: &Key) -> Option<Bytes> {
    match store.lookup(key.as_ref(), None)? {
        Found::Object(object, terms) => terms
            .is_fresh(store.now())
            .then(|| object.body.from(0).unwrap_or_default()),
        Found::Growing(_) => panic!("a fill was found"),
    }
}

fn growing(store: &Store, key: &Key) -> Growing {
    match store.lookup(key.as_ref(), None) {
        Some(Found::Growing(growing)) => growing,
        other => panic!("no fill was found but {other:?}"),
    }
}

async fn all(mut reader: Reader) -> Result<Vec<u8>, FillError> {
    let mut all = Vec::new();
    while let Some(piece) = reader.read().await? {
        all.extend_from_slice(&piece);
    }
    Ok(all)
}

#[test]
fn a_hit_shares_the_stored_bytes() {
    let store = store();
    let key = key("/");
    put(&store, &key, "hello");
    let Some(Found::Object(object, _)) = store.lookup(key.as_ref(), None) else {
        panic!("nothing found")
    };
    assert_eq!(
        object.body.pieces().unwrap()[0].as_ptr(),
        body(&store, &key).unwrap().as_ptr()
    );
    assert_eq!(object.head().headers["content-length"], "5");
    assert_eq!(
        (object.hits(), store.stats().hits, store.stats().keys),
        (2, 2, 1)
    );
    assert_eq!(body(&store, &self::key("/other")), None);
    assert_eq!(store.stats().misses, 1);
}

#[test]
fn a_key_with_the_same_hash_finds_nothing() {
    let store = store();
    let (one, other) = (key("/a"), key("/b"));
    put(&store, &one, "a");
    let twin = KeyRef::from_parts(one.hash(), other.parts());
    assert!(store.lookup(twin, None).is_none());
}

#[tokio::test]
async fn followers_read_while_the_response_grows() {
    let store = store();
    let key = key("/");
    let mut filler = begin(&store, &key, &[]);
    let mut follower = growing(&store, &key).reader();
    filler.write(Bytes::from_static(b"one")).unwrap();
    assert_eq!(follower.read().await.unwrap().unwrap(), "one");
    let waiting = tokio::spawn(async move { (follower.read().await, follower.read().await) });
    tokio::task::yield_now().await;
    filler.write(Bytes::from_static(b"two")).unwrap();
    filler.finish().unwrap();
    assert_eq!(
        waiting.await.unwrap(),
        (Ok(Some(Bytes::from_static(b"two"))), Ok(None))
    );
    assert_eq!(body(&store, &key).unwrap(), "onetwo");
}

#[tokio::test]
async fn a_fill_that_ends_early_is_an_error_and_never_stored() {
    let store = store();
    let key = key("/");
    let mut filler = begin(&store, &key, &[]);
    filler.write(Bytes::from_static(b"one")).unwrap();
    let follower = growing(&store, &key).reader();
    drop(filler);
    assert_eq!(all(follower).await, Err(FillError::Abandoned));
    assert_eq!(
        (
            body(&store, &key),
            store.stats().fills,
            store.stats().fill_bytes
        ),
        (None, 0, 0)
    );
}

#[tokio::test]
async fn a_body_of_another_length_than_declared_is_an_error() {
    let store = store();
    let key = key("/");
    let mut filler = begin(&store, &key, &[("content-length", "9")]);
    filler.write(Bytes::from_static(b"one")).unwrap();
    let follower = growing(&store, &key).reader();
    assert_eq!(filler.finish(), Err(FillError::WrongLength));
    assert_eq!(all(follower).await, Err(FillError::WrongLength));
    assert_eq!(body(&store, &key), None);
}

#[tokio::test]
async fn what_grows_too_large_is_passed_on_but_not_stored() {
    let store = store();
    let key = key("/");
    let mut filler = begin(&store, &key, &[]);
    let mut leader = growing(&store, &key).reader();
    let (piece, mut read) = (Bytes::from(vec![1; 64 << 10]), 0);
    for _ in 0..64 {
        filler.write(piece.clone()).unwrap();
        read += leader.read().await.unwrap().unwrap().len();
    }
    assert!(store.lookup(key.as_ref(), None).is_none());
    assert!(store.stats().fill_bytes <= 2 * MIB);
    assert_eq!(filler.finish(), Ok(Some(Reason::TooLarge)));
    assert_eq!(all(leader).await.unwrap().len() + read, 64 * piece.len());
    assert_eq!(body(&store, &key), None);
}

#[tokio::test]
async fn a_range_can_be_read_while_the_response_grows() {
    let store = store();
    let key = key("/");
    let mut filler = begin(&store, &key, &[]);
    let mut follower = growing(&store, &key).reader();
    follower.seek(2, Some(4));
    filler.write(Bytes::from_static(b"abc")).unwrap();
    assert_eq!(follower.read().await.unwrap().unwrap(), "c");
    filler.write(Bytes::from_static(b"def")).unwrap();
    assert_eq!(follower.read().await.unwrap().unwrap(), "d");
    assert_eq!(follower.read().await.unwrap(), None);
}

fn put_labelled(store: &Store, key: &Key, surrogate_key: &str) {
    let terms = Terms {
        surrogate_keys: Arc::from([Box::from(surrogate_key)]),
        ..terms(store, 60)
    };
    let new = New {
        key: key.as_ref(),
        variance: None,
        selecting: None,
        head: head(&[]),
        terms,
        born: store.generation(),
    };
    store.begin(new).unwrap().finish().unwrap();
}

#[test]
fn purges_take_what_they_name() {
    let url = key("/dir/a");
    let with_header = Key::builder("http", "a.example", "/dir/a")
        .header("x", Some("1"))
        .finish();
    for (purge, takes) in [
        (Purge::Url(url.as_ref()), true),
        (Purge::Url(key("/dir").as_ref()), false),
        (Purge::Host("a.example"), true),
        (Purge::Host("b.example"), false),
        (
            Purge::Prefix {
                host: "a.example",
                path: "/dir/",
            },
            true,
        ),
        (
            Purge::Prefix {
                host: "a.example",
                path: "/other",
            },
            false,
        ),
        (Purge::SurrogateKey("img"), true),
        (Purge::SurrogateKey("css"), false),
        (Purge::Everything, true),
    ] {
        for mode in [Mode::Hard, Mode::Soft] {
            let store = store();
            put_labelled(&store, &url, "img");
            put_labelled(&store, &with_header, "img");
            store.purge(&purge, mode);
            for key in [&url, &with_header] {
                let found = store.lookup(key.as_ref(), None);
                assert_eq!(
                    found.is_some(),
                    !takes || mode == Mode::Soft,
                    "{purge:?} {mode:?}"
                );
                if let Some(Found::Object(_, terms)) = found {
                    assert_eq!(terms.is_fresh(store.now()), !takes, "{purge:?} {mode:?}");
                }
            }
            put_labelled(&store, &url, "img");
            assert!(
                body(&store, &url).is_some(),
                "what comes after a purge is stored: {purge:?} {mode:?}"
            );
        }
    }
}

#[test]
fn a_purge_wins_against_what_was_asked_for_before() {
    for purge in [
        Purge::Everything,
        Purge::Url(key("/").as_ref()),
        Purge::SurrogateKey("img"),
    ] {
        let (store, key) = (store(), key("/"));
        let terms = Terms {
            surrogate_keys: Arc::from([Box::from("img")]),
            ..terms(&store, 60)
        };
        let new = |born| New {
            key: key.as_ref(),
            variance: None,
            selecting: None,
            head: head(&[]),
            terms: terms.clone(),
            born,
        };
        // Before the head came, and while the body came.
        let asked = store.generation();
        store.purge(&purge, Mode::Hard);
        assert_eq!(
            store.begin(new(asked)).unwrap().finish(),
            Ok(Some(Reason::Purged))
        );
        let filler = store.begin(new(store.generation())).unwrap();
        store.purge(&purge, Mode::Hard);
        assert!(
            store.lookup(key.as_ref(), None).is_none(),
            "nobody joins what was purged"
        );
        assert_eq!(filler.finish(), Ok(Some(Reason::Purged)));
        assert_eq!(body(&store, &key), None);
    }
}

#[test]
fn a_purge_that_was_forgotten_still_wins() {
    let (store, key) = (store(), key("/"));
    let asked = store.generation();
    store.purge(&Purge::Url(key.as_ref()), Mode::Hard);
    for index in 0..5000 {
        store.purge(&Purge::SurrogateKey(&index.to_string()), Mode::Hard);
    }
    let new = New {
        key: key.as_ref(),
        variance: None,
        selecting: None,
        head: head(&[]),
        terms: terms(&store, 60),
        born: asked,
    };
    assert_eq!(store.begin(new).unwrap().finish(), Ok(Some(Reason::Purged)));
}

#[test]
fn many_prefixes_are_worked_off() {
    let (store, first, last) = (store(), key("/0/a"), key("/199/a"));
    put(&store, &first, "a");
    put(&store, &last, "a");
    for index in 0..199 {
        store.purge(
            &Purge::Prefix {
                host: "a.example",
                path: &format!("/{index}/"),
            },
            Mode::Hard,
        );
    }
    assert_eq!(body(&store, &first), None);
    assert!(body(&store, &last).is_some());
}

#[test]
fn a_renewed_object_keeps_its_body_and_a_purged_one_is_not_renewed() {
    let (store, key) = (store(), key("/"));
    put(&store, &key, "body");
    let asked = store.generation();
    store.clock().pass(Duration::from_secs(61));
    assert_eq!(body(&store, &key), None);
    let object = store.objects().remove(0);
    assert!(store.renew(&object, head(&[("x-new", "1")]), terms(&store, 60), asked));
    assert_eq!(body(&store, &key).unwrap(), "body");
    let shown = store.show(Choice::Prefix(""), 1).objects.remove(0);
    assert_eq!(shown.head.headers["x-new"], "1");
    store.purge(&Purge::Url(key.as_ref()), Mode::Hard);
    assert!(!store.renew(&object, head(&[]), terms(&store, 60), asked));
}

#[test]
fn variants_are_found_counted_and_bounded() {
    let (store, key) = (store(), key("/"));
    let request = |value: &str| {
        HeaderMap::from_iter([("x".parse().unwrap(), HeaderValue::from_str(value).unwrap())])
    };
    let vary = crate::vary::Vary::of(&head(&[("vary", "x")]).headers);
    for index in 0..100 {
        let variance = vary.variance(&request(&index.to_string()));
        let new = New {
            key: key.as_ref(),
            variance,
            selecting: None,
            head: head(&[("vary", "x")]),
            terms: terms(&store, 60),
            born: store.generation(),
        };
        store.begin(new).unwrap().finish().unwrap();
    }
    let variants = store.list(Choice::Urls(std::slice::from_ref(&key)), 99);
    store.stats();
    assert_eq!((variants.objects.len(), store.stats().keys), (32, 1));
    let found = |value| {
        let variance = store.variance(key.as_ref(), &request(value));
        store.lookup(key.as_ref(), variance).is_some()
    };
    assert!(found("99") && found("68") && !found("67") && !found("other"));
}

#[test]
fn objects_can_be_listed() {
    let store = store();
    let with_query = Key::builder("http", "b.example", "/a").query(Some("q"), Query::All);
    put(&store, &with_query.finish(), "b");
    put(&store, &key("/1"), "1");
    put(&store, &key("/2"), "22");
    put_labelled(&store, &key("/img"), "img");
    store.stats();
    for (choice, limit, count, more) in [
        (Choice::Prefix(""), 9, 4, false),
        (Choice::Prefix(""), 4, 4, false),
        (Choice::Prefix(""), 3, 3, true),
        (Choice::Prefix("http://a.example/"), 9, 3, false),
        (Choice::Prefix("a.example/"), 9, 3, false),
        (Choice::Prefix("https://a.example/"), 9, 0, false),
        (Choice::Prefix("http://b.example/a?q"), 9, 1, false),
        (Choice::SurrogateKey("img"), 9, 1, false),
        (Choice::SurrogateKey("im"), 9, 0, false),
        (
            Choice::Urls(&[key("/1"), key("/2"), key("/3")]),
            9,
            2,
            false,
        ),
    ] {
        let listing = store.list(choice, limit);
        assert_eq!(
            (listing.objects.len(), listing.more),
            (count, more),
            "{choice:?}"
        );
    }
    store.clock().pass(Duration::from_secs(70));
    store.lookup(key("/2").as_ref(), None);
    let shown = store
        .show(Choice::Prefix("a.example/2"), 1)
        .objects
        .remove(0);
    let Listed {
        key,
        tier,
        status,
        age,
        ttl,
        size,
        hits,
        variance,
    } = shown.listed;
    assert_eq!(
        (key.as_str(), tier.as_str(), status),
        ("http://a.example/2", "memory", 200)
    );
    assert_eq!((age, ttl, size, hits, variance), (70, -10, 2, 1, None));
    assert_eq!(shown.head.headers["content-length"], "2");
    store.purge(&Purge::Everything, Mode::Soft);
    assert_eq!(store.list(Choice::Prefix(""), 9).objects.len(), 4);
    store.purge(&Purge::SurrogateKey("img"), Mode::Hard);
    assert_eq!(store.list(Choice::Prefix(""), 9).objects.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_writers_and_purges_at_once_never_mix_bodies_up() {
    let store = store();
    let work = (0..8_u8).map(|worker| {
        let store = store.clone();
        tokio::spawn(async move {
            for round in 0..400_usize {
                let (name, key) = (round % 5, key(&format!("/{}", round % 5)));
                match (usize::from(worker) + round) % 7 {
                    0 => drop(store.purge(&Purge::Url(key.as_ref()), Mode::Hard)),
                    1 | 2 => {
                        let mut filler = begin(&store, &key, &[]);
                        let piece = Bytes::from(vec![u8::try_from(name).unwrap(); 1000]);
                        for _ in 0..20 {
                            filler.write(piece.clone()).unwrap();
                            tokio::task::yield_now().await;
                        }
                        filler.finish().unwrap();
                    }
                    _ => {
                        let reader = match store.lookup(key.as_ref(), None) {
                            Some(Found::Object(object, _)) => {
                                Reader::of(&object.body).await.unwrap()
                            }
                            Some(Found::Growing(growing)) => growing.reader(),
                            None => continue,
                        };
                        let body = all(reader).await.unwrap();
                        assert!(
                            body.len() == 20_000
                                && body.iter().all(|byte| usize::from(*byte) == name)
                        );
                    }
                }
            }
        })
    });
    for worker in work.collect::<Vec<_>>() {
        worker.await.unwrap();
    }
    assert_eq!((store.stats().fills, store.stats().fill_bytes), (0, 0));
}
