//! What was acknowledged is there after the process was killed at any moment.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rimward_kv::{KvError, Settings, Store, Write};

const PATH: &str = "RIMWARD_KV_CRASH_PATH";
const TASKS: u64 = 6;
const ROUNDS: u64 = 24;

/// What a key is after its step: every fourth takes it out, others make it short, long or fleeting.
fn length(step: u64) -> Option<usize> {
    match step % 4 {
        3 => None,
        2 => Some(20_000),
        kind => Some(kind as usize * 100),
    }
}

fn value(key: &str, step: u64, length: usize) -> Vec<u8> {
    let mut value = format!("{key}:{step}:").into_bytes();
    value.resize(value.len() + length, b'x');
    value
}

async fn take(store: &Store, key: &str, step: u64) {
    match length(step) {
        None => drop(store.delete(key).await.unwrap()),
        Some(length) => {
            let write = Write {
                ttl: (length == 100).then_some(Duration::from_secs(3600)),
                metadata: Some(step.to_string()),
                ..Write::default()
            };
            store
                .put(key, value(key, step, length).into(), write)
                .await
                .unwrap();
        }
    }
}

/// Writes until it is killed, and tells what was acknowledged. Run by the test below, in a process of its own.
#[test]
#[ignore = "it is the process that is killed"]
fn writer() {
    let Ok(path) = std::env::var(PATH) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = std::sync::Arc::new(Store::open(&Settings::at(path)).unwrap());
        let tasks: Vec<_> = (0..TASKS)
            .map(|task| {
                let store = store.clone();
                tokio::spawn(async move {
                    let first = last_step(&store, task);
                    for step in first.. {
                        for index in 0..5 {
                            let key = format!("{task}/{index}");
                            take(&store, &key, step).await;
                            store
                                .increment(&format!("sum/{task}"), 1, None)
                                .await
                                .unwrap();
                            let mut out = std::io::stdout().lock();
                            writeln!(out, "\nacknowledged {key} {step}").unwrap();
                            out.flush().unwrap();
                        }
                    }
                })
            })
            .collect();
        // Makes the file long and then nearly empty, so that it is made anew while all this goes on.
        for number in 0..40 {
            store
                .put(
                    &format!("ballast/{number}"),
                    vec![0; 500_000].into(),
                    Write::default(),
                )
                .await
                .unwrap();
        }
        for number in 0..40 {
            store.delete(&format!("ballast/{number}")).await.unwrap();
        }
        for task in tasks {
            task.await.unwrap();
        }
    });
}

/// Where a task goes on.
fn last_step(store: &Store, task: u64) -> u64 {
    let sum = store.get(&format!("sum/{task}")).unwrap();
    sum.map_or(0, |sum| {
        String::from_utf8_lossy(&sum.value).parse::<u64>().unwrap() / 5 + 2
    })
}

fn start(path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "writer", "--ignored", "--nocapture"])
        .env(PATH, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let mut acknowledged = BTreeMap::new();
    let mut sums = BTreeMap::new();
    for round in 0..ROUNDS {
        let mut child = start(&path);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Another moment each time: after so many writes, wherever the thread that writes is by then.
        let mut left = 20 + round * 137 % 600;
        while left > 0 {
            let line = lines.next().expect("the writer goes on").unwrap();
            left -= u64::from(note(&line, &mut acknowledged, &mut sums));
        }
        child.kill().unwrap();
        for line in lines {
            note(&line.unwrap(), &mut acknowledged, &mut sums);
        }
        child.wait().unwrap();
        check(&path, &acknowledged, &mut sums);
    }
    assert!(acknowledged.len() as u64 == TASKS * 5);
}

/// Whether a line tells of a write; notes it.
fn note(line: &str, steps: &mut BTreeMap<String, u64>, sums: &mut BTreeMap<String, u64>) -> bool {
    let Some(rest) = line.strip_prefix("acknowledged ") else {
        return false;
    };
    // The last line may have been cut off by the end.
    let Some((key, Ok(step))) = rest.split_once(' ').map(|(key, step)| (key, step.parse())) else {
        return false;
    };
    if steps.get(key).is_none_or(|before| *before < step) {
        steps.insert(key.to_owned(), step);
    }
    *sums
        .entry(key.split('/').next().unwrap().to_owned())
        .or_default() += 1;
    true
}

fn check(path: &Path, acknowledged: &BTreeMap<String, u64>, sums: &mut BTreeMap<String, u64>) {
    let store = loop {
        match Store::open(&Settings::at(path)) {
            Err(KvError::InUse) => {}
            opened => break opened.unwrap(),
        }
    };
    for (key, step) in acknowledged {
        let entry = store.get(key).unwrap();
        // The step that was acknowledged, or the next one or two, which were on their way.
        let fits = (*step..=step + 2).any(|step| match (length(step), &entry) {
            (None, None) => true,
            (Some(length), Some(entry)) => {
                entry.value == value(key, step, length)
                    && entry.metadata.as_deref() == Some(step.to_string().as_str())
                    && entry.ttl.is_some() == (length == 100)
            }
            _ => false,
        });
        assert!(fits, "{key} after step {step}: {entry:?}");
    }
    for (task, least) in sums.iter_mut() {
        let sum = store.get(&format!("sum/{task}")).unwrap().unwrap();
        let sum: u64 = String::from_utf8_lossy(&sum.value).parse().unwrap();
        assert!(sum >= *least, "{task}: {sum} of {least}");
        *least = sum;
    }
}
