//! What holds for one store, told by what comes out of it.

use std::path::Path;

use super::*;
use crate::entry::Condition;

/// A store in a folder of its own, with a clock that is pushed.
struct Kept {
    folder: tempfile::TempDir,
    passed: Arc<AtomicU64>,
    store: Store,
}

fn settings(folder: &Path, passed: &Arc<AtomicU64>) -> Settings {
    let passed = passed.clone();
    let began = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    Settings {
        clock: Clock::new(move || began + Duration::from_millis(passed.load(Ordering::Relaxed))),
        ..Settings::at(folder.join("inner/store"))
    }
}

fn kept() -> Kept {
    let folder = tempfile::tempdir().unwrap();
    let passed = Arc::default();
    let store = Store::open(&settings(folder.path(), &passed)).unwrap();
    Kept {
        folder,
        passed,
        store,
    }
}

impl Kept {
    fn pass(&self, milliseconds: u64) {
        self.passed.fetch_add(milliseconds, Ordering::Relaxed);
    }

    fn value(&self, key: &str) -> Option<String> {
        let entry = self.store.get(key).unwrap()?;
        Some(String::from_utf8_lossy(&entry.value).into_owned())
    }

    async fn put(&self, key: &str, value: &str) -> u64 {
        self.put_as(key, value, Write::default()).await.unwrap()
    }

    async fn put_as(&self, key: &str, value: &str, write: Write) -> Result<u64, KvError> {
        self.store
            .put(key, Bytes::copy_from_slice(value.as_bytes()), write)
            .await
    }

    /// The same store, closed and opened again.
    async fn again(self) -> Self {
        let Self {
            folder,
            passed,
            store,
        } = self;
        drop(store);
        let settings = settings(folder.path(), &passed);
        let store = Store::open(&settings).unwrap();
        Self {
            folder,
            passed,
            store,
        }
    }
}

fn lasting(milliseconds: u64) -> Write {
    Write {
        ttl: Some(Duration::from_millis(milliseconds)),
        ..Write::default()
    }
}

fn only_if(condition: Condition) -> Write {
    Write {
        condition,
        ..Write::default()
    }
}

#[tokio::test]
async fn what_is_written_is_read_also_by_the_next_who_opens_it() {
    let kept = kept();
    let long = "x".repeat(100_000);
    let first = kept.put("a", "1").await;
    let second = kept.put("long", &long).await;
    assert!(second > first);
    let write = Write {
        metadata: Some("text/plain".to_owned()),
        ..Write::default()
    };
    kept.put_as("with", "metadata", write).await.unwrap();
    let kept = kept.again().await;
    assert_eq!(kept.value("a").as_deref(), Some("1"));
    assert_eq!(kept.value("long"), Some(long));
    assert_eq!(kept.value("absent"), None);
    let entry = kept.store.get("with").unwrap().unwrap();
    assert_eq!(
        (entry.metadata.as_deref(), entry.ttl),
        (Some("text/plain"), None)
    );
    assert!(kept.put("a", "2").await > entry.generation);
    let many = kept
        .store
        .get_many(&["a".into(), "no".into(), "long".into()])
        .unwrap();
    let lengths: Vec<_> = many
        .iter()
        .map(|entry| entry.as_ref().map(|entry| entry.value.len()))
        .collect();
    assert_eq!(lengths, [Some(1), None, Some(100_000)]);
}

#[tokio::test]
async fn a_value_is_gone_when_its_time_has_passed() {
    let kept = kept();
    kept.put_as("a", "1", lasting(1000)).await.unwrap();
    kept.put("b", "2").await;
    kept.pass(400);
    assert_eq!(
        kept.store.get("a").unwrap().unwrap().ttl,
        Some(Duration::from_millis(600))
    );
    kept.pass(600);
    assert_eq!(kept.value("a"), None);
    assert_eq!(kept.store.list("", None, 10).unwrap().keys, ["b"]);
    assert!(!kept.store.delete("a").await.unwrap());
    kept.put_as("a", "3", lasting(10)).await.unwrap();
    kept.pass(10);
    kept.put_as("a", "4", only_if(Condition::Absent))
        .await
        .unwrap();
    assert_eq!(kept.value("a").as_deref(), Some("4"));
}

#[tokio::test]
async fn what_has_expired_is_swept() {
    let kept = kept();
    for number in 0..600 {
        let soon = lasting(if number < 590 { 10 } else { 1_000_000 });
        kept.put_as(&format!("k{number}"), &"x".repeat(2000), soon)
            .await
            .unwrap();
    }
    kept.pass(10);
    while kept.store.stats().keys > 10 {
        kept.put("poke", "").await;
        kept.store.delete("poke").await.unwrap();
    }
    let stats = kept.store.stats();
    assert_eq!((stats.keys, stats.expired), (10, 590));
    assert!(stats.bytes < 100_000, "{stats:?}");
    assert_eq!(kept.store.list("k", None, 100).unwrap().keys.len(), 10);
}

#[tokio::test]
async fn a_write_may_depend_on_what_is_there() {
    let kept = kept();
    let conflict = Err(KvError::Conflict);
    let first = kept
        .put_as("a", "1", only_if(Condition::Absent))
        .await
        .unwrap();
    assert_eq!(
        kept.put_as("a", "2", only_if(Condition::Absent)).await,
        conflict
    );
    assert_eq!(
        kept.put_as("b", "2", only_if(Condition::Generation(first)))
            .await,
        conflict
    );
    let second = kept
        .put_as("a", "2", only_if(Condition::Generation(first)))
        .await
        .unwrap();
    assert_eq!(
        kept.put_as("a", "3", only_if(Condition::Generation(first)))
            .await,
        conflict
    );
    assert_eq!(kept.value("a").as_deref(), Some("2"));
    assert!(kept.store.delete("a").await.unwrap());
    assert!(!kept.store.delete("a").await.unwrap());
    let third = kept.put("a", "4").await;
    assert!(third > second);
    assert_eq!(
        kept.put_as("a", "5", only_if(Condition::Generation(second)))
            .await,
        conflict
    );
    assert_eq!(kept.store.stats().conflicts, 4);
}

#[tokio::test]
async fn numbers_are_added_to() {
    let kept = kept();
    let ttl = Some(Duration::from_secs(1));
    assert_eq!(kept.store.increment("n", 5, ttl).await, Ok(5));
    kept.pass(600);
    assert_eq!(kept.store.increment("n", -7, ttl).await, Ok(-2));
    assert_eq!(kept.value("n").as_deref(), Some("-2"));
    kept.pass(400);
    assert_eq!(
        kept.store.increment("n", 1, None).await,
        Ok(1),
        "its time has passed"
    );
    kept.put("text", "12a").await;
    assert_eq!(
        kept.store.increment("text", 1, None).await,
        Err(KvError::NotANumber)
    );
    kept.put("big", &i64::MAX.to_string()).await;
    assert_eq!(
        kept.store.increment("big", 1, None).await,
        Err(KvError::Overflow)
    );
    let write = Write {
        metadata: Some("m".to_owned()),
        ..Write::default()
    };
    kept.put_as("with", "1", write).await.unwrap();
    kept.store.increment("with", 1, None).await.unwrap();
    assert_eq!(
        kept.store.get("with").unwrap().unwrap().metadata.as_deref(),
        Some("m")
    );
}

#[tokio::test]
async fn increments_of_many_are_all_counted() {
    let kept = Arc::new(kept());
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let kept = kept.clone();
            tokio::spawn(async move { kept.store.increment("n", 1, None).await.unwrap() })
        })
        .collect();
    let mut sums = Vec::new();
    for task in tasks {
        sums.push(task.await.unwrap());
    }
    sums.sort_unstable();
    assert_eq!(sums, (1..=100).collect::<Vec<i64>>());
}

#[tokio::test]
async fn keys_are_listed_page_by_page() {
    let kept = kept();
    for key in ["a", "b/1", "b/2", "b/3", "b/ü", "b0", "c"] {
        kept.put(key, "").await;
    }
    let page = |prefix: &str, cursor: Option<&str>, max| {
        let page = kept.store.list(prefix, cursor, max).unwrap();
        (page.keys.join(" "), page.cursor)
    };
    assert_eq!(
        page("", None, 100),
        ("a b/1 b/2 b/3 b/ü b0 c".to_owned(), None)
    );
    assert_eq!(
        page("b/", None, 2),
        ("b/1 b/2".to_owned(), Some("b/2".to_owned()))
    );
    assert_eq!(page("b/", Some("b/2"), 2), ("b/3 b/ü".to_owned(), None));
    assert_eq!(
        page("b/", Some("a"), 1),
        ("b/1".to_owned(), Some("b/1".to_owned()))
    );
    assert_eq!(page("b/", Some("c"), 1), (String::new(), None));
    assert_eq!(page("d", None, 0), (String::new(), None));
}

#[tokio::test]
async fn what_can_not_be_is_refused() {
    let kept = kept();
    for key in ["", &"k".repeat(1025), "a\nb", "a\0", "\u{85}"] {
        assert!(
            matches!(kept.store.get(key), Err(KvError::Key(_))),
            "{key:?}"
        );
        let put = kept.put_as(key, "", Write::default()).await;
        assert!(matches!(put, Err(KvError::Key(_))), "{key:?}");
    }
    kept.put(&"k".repeat(1024), "").await;
    let large = kept
        .put_as("a", &"x".repeat((1 << 20) + 1), Write::default())
        .await;
    assert!(matches!(
        large,
        Err(KvError::Value {
            size: 1_048_577,
            most: 1_048_576
        })
    ));
    let write = Write {
        metadata: Some("m".repeat(1025)),
        ..Write::default()
    };
    assert_eq!(
        kept.put_as("a", "", write).await,
        Err(KvError::Metadata(1025))
    );
    assert_eq!(kept.put_as("a", "", lasting(0)).await, Err(KvError::Ttl));
}

#[test]
fn a_file_that_is_no_store_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let check = |name: &str, content: &[u8], expected: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let error = Store::open(&Settings::at(&path)).unwrap_err();
        assert!(error.to_string().contains(expected), "{name}: {error}");
    };
    check("text", b"hello", "the file is broken");
    check("zeros", &[0; 100_000], "the file is broken");
    let other = folder.path().join("other");
    let database = Database::create(&other).unwrap();
    let table: redb::TableDefinition<'_, u8, u8> = redb::TableDefinition::new("other");
    let transaction = database.begin_write().unwrap();
    transaction.open_table(table).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let error = Store::open(&Settings::at(&other)).unwrap_err();
    assert!(
        error.to_string().contains("not a store of Rimward's"),
        "{error}"
    );
    let error = Store::open(&Settings::at(folder.path())).unwrap_err();
    assert!(matches!(error, KvError::Io(_)), "{error}");
}

#[test]
fn a_file_is_used_by_one_alone() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::at(folder.path().join("store"));
    let _store = Store::open(&settings).unwrap();
    assert_eq!(Store::open(&settings).unwrap_err(), KvError::InUse);
}

mod bounds;
mod faults;
mod model;
