//! Whatever is done to a store, it holds what a map would.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::entry::Condition;

#[derive(Debug, Clone)]
enum Step {
    Put {
        key: String,
        length: usize,
        condition: u8,
        ttl: Option<u64>,
    },
    Increment {
        key: String,
        by: i64,
        ttl: Option<u64>,
    },
    Delete(String),
    Pass(u64),
    List {
        prefix: String,
        max: usize,
    },
    Again,
}

fn step() -> impl Strategy<Value = Step> {
    let key = || "[ab]{1,3}";
    let ttl = || proptest::option::of(1..50_u64);
    prop_oneof![
        4 => (key(), prop_oneof![0..40_usize, 900..1200_usize, Just(10_000)], 0..4_u8, ttl())
            .prop_map(|(key, length, condition, ttl)| Step::Put { key, length, condition, ttl }),
        2 => (key(), any::<i64>(), ttl()).prop_map(|(key, by, ttl)| Step::Increment { key, by, ttl }),
        2 => key().prop_map(Step::Delete),
        1 => (1..40_u64).prop_map(Step::Pass),
        1 => ("[ab]{0,2}", 1..4_usize).prop_map(|(prefix, max)| Step::List { prefix, max }),
        1 => Just(Step::Again),
    ]
}

/// A store as one would write it in a minute.
#[derive(Default)]
struct Model {
    entries: BTreeMap<String, (String, u64, Option<u64>)>,
    now: u64,
}

impl Model {
    fn get(&self, key: &str) -> Option<&(String, u64, Option<u64>)> {
        let now = self.now;
        self.entries
            .get(key)
            .filter(|(.., until)| until.is_none_or(|until| now < until))
    }

    fn set(&mut self, key: &str, value: String, generation: u64, ttl: Option<u64>) {
        let until = ttl.map(|ttl| self.now + ttl);
        self.entries
            .insert(key.to_owned(), (value, generation, until));
    }

    fn keys(&self, prefix: &str) -> Vec<String> {
        let keys = self
            .entries
            .keys()
            .filter(|key| key.starts_with(prefix) && self.get(key).is_some());
        keys.cloned().collect()
    }
}

async fn agrees(steps: Vec<Step>) {
    let (mut kept, mut model) = (kept(), Model::default());
    for step in steps {
        match step {
            Step::Put {
                key,
                length,
                condition,
                ttl,
            } => {
                let (was, value) = (model.get(&key).map(|entry| entry.1), "x".repeat(length));
                let (condition, holds) = match condition {
                    0 => (Condition::Absent, was.is_none()),
                    1 => (Condition::Generation(was.unwrap_or(0)), was.is_some()),
                    2 => (Condition::Generation(was.unwrap_or(0) + 1), false),
                    _ => (Condition::Always, true),
                };
                let write = Write {
                    condition,
                    ttl: ttl.map(Duration::from_millis),
                    metadata: None,
                };
                match kept.put_as(&key, &value, write).await {
                    Ok(generation) if holds => model.set(&key, value, generation, ttl),
                    Err(KvError::Conflict) if !holds => {}
                    other => panic!("{other:?}"),
                }
            }
            Step::Increment { key, by, ttl } => {
                let expected = match model.get(&key).map(|entry| entry.0.parse::<i64>()) {
                    None => Ok(by),
                    Some(Ok(number)) => number.checked_add(by).ok_or(KvError::Overflow),
                    Some(Err(_)) => Err(KvError::NotANumber),
                };
                let got = kept
                    .store
                    .increment(&key, by, ttl.map(Duration::from_millis))
                    .await;
                assert_eq!(got, expected, "{key}");
                if let Ok(number) = got {
                    let generation = kept.store.get(&key).unwrap().unwrap().generation;
                    let until = model.get(&key).map(|entry| entry.2);
                    model.set(&key, number.to_string(), generation, ttl);
                    if let (Some(until), Some(entry)) = (until, model.entries.get_mut(&key)) {
                        entry.2 = until;
                    }
                }
            }
            Step::Delete(key) => {
                let was_there = model.get(&key).is_some();
                model.entries.remove(&key);
                assert_eq!(kept.store.delete(&key).await, Ok(was_there));
            }
            Step::Pass(time) => {
                kept.pass(time);
                model.now += time;
            }
            Step::List { prefix, max } => {
                assert_eq!(pages(&kept.store, &prefix, max), model.keys(&prefix))
            }
            Step::Again => kept = kept.again().await,
        }
        for key in ["a", "b", "ab", "aba"] {
            let expected = model
                .get(key)
                .map(|(value, generation, _)| (value.clone(), *generation));
            let entry = kept.store.get(key).unwrap();
            let got = entry.map(|entry| {
                (
                    String::from_utf8_lossy(&entry.value).into_owned(),
                    entry.generation,
                )
            });
            assert_eq!(got, expected, "{key}");
        }
    }
    let kept = kept.again().await;
    assert_eq!(pages(&kept.store, "", 1000), model.keys(""));
}

/// All keys, page by page.
pub(super) fn pages(store: &Store, prefix: &str, max: usize) -> Vec<String> {
    let mut keys = Vec::new();
    let mut cursor = None;
    loop {
        let page = store.list(prefix, cursor.as_deref(), max).unwrap();
        assert!(page.keys.len() <= max);
        keys.extend(page.keys);
        cursor = page.cursor;
        if cursor.is_none() {
            return keys;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_store_holds_what_a_map_would(steps in proptest::collection::vec(step(), 1..60)) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(agrees(steps));
    }
}
