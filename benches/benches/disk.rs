//! The disk tier: what a million objects cost on disk and in RAM, how long a start takes with them, and what a hit costs.
//!
//! The second half runs in a process of its own, as it would after a restart.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;
use rimward_benches::objects::{Shelf, key};
use rimward_cache::fill::Reader;
use rimward_cache::store::Found;
use rimward_cache::{Bounds, Clock, DiskBounds, Store};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bytes that are stored before the writer is waited for.
const AHEAD: usize = 16 << 20;
/// Objects that are read for the cost of a hit.
const READ: u64 = 20_000;

#[allow(clippy::print_stdout, reason = "a bench tells its numbers")]
fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().position(|word| word == "restarted") {
        Some(at) => restarted(Path::new(&arguments[at + 1]), &arguments[at + 2]),
        None => {
            println!(
                "| body | objects | bytes on disk each | written | start | RAM each | hit | reads a hit |"
            );
            println!("|---|---|---|---|---|---|---|---|");
            measure(1024, 1_000_000);
            measure(100 << 10, 20_000);
        }
    }
}

fn open(folder: &Path) -> Store {
    let bounds = Bounds {
        // So little that hardly a hit is from memory, and so much that 100 KiB counts as small.
        memory: 16 << 20,
        max_object: 1 << 30,
        disk: Some(DiskBounds {
            path: folder.to_owned(),
            size: 8 << 30,
        }),
    };
    Store::new(bounds, Clock::new())
}

fn wait_until(holds: impl Fn() -> bool) {
    while !holds() {
        std::thread::park_timeout(Duration::from_micros(100));
    }
}

#[allow(clippy::print_stdout, reason = "a bench tells its numbers")]
fn measure(body: usize, objects: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let began = Instant::now();
    let bytes = {
        let store = open(folder.path());
        wait_until(|| store.disk_stats().is_some_and(|stats| stats.up));
        let shelf = Shelf::new(&store, body);
        let written = || {
            store
                .disk_stats()
                .map_or(0, |stats| stats.writes + stats.dropped)
        };
        let bytes = Bytes::from(vec![b'x'; body]);
        let ahead = (AHEAD / body) as u64;
        for number in 0..objects {
            shelf.put_body(&key(number), bytes.clone());
            // What is asked for again is let onto the disk.
            drop(store.lookup(key(number).as_ref(), None));
            if number % ahead == 0 {
                wait_until(|| written() + ahead >= number);
            }
        }
        store.close(Duration::from_secs(60));
        let files = std::fs::read_dir(folder.path()).expect("the folder");
        let sizes = files.filter_map(|file| Some(file.ok()?.metadata().ok()?.len()));
        sizes.sum::<u64>()
    };
    let took = began.elapsed();
    let restarted = Command::new(std::env::current_exe().expect("this program"))
        .arg("restarted")
        .arg(folder.path())
        .arg(objects.to_string())
        .output()
        .expect("this program runs again");
    println!(
        "| {body} | {objects} | {} | {took:.1?} | {}",
        bytes / objects,
        String::from_utf8_lossy(&restarted.stdout)
    );
}

#[allow(clippy::print_stdout, reason = "a bench tells its numbers")]
fn restarted(folder: &Path, objects: &str) {
    let objects: u64 = objects.parse().expect("a number");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let before = resident();
    let began = Instant::now();
    let store = open(folder);
    let asked = HeaderMap::new();
    let read = async |number: u64| {
        let key = key(number);
        let found = store.lookup_all(key.as_ref(), None, Some(&asked)).await;
        let Some(Found::Object(object, _)) = found else {
            return 0;
        };
        let mut reader = Reader::of(&object.body).await.expect("a body");
        let mut bytes = 0;
        while let Ok(Some(piece)) = reader.read().await {
            bytes += piece.len();
        }
        bytes
    };
    while runtime.block_on(read(objects / 2)) == 0 {
        std::thread::park_timeout(Duration::from_micros(100));
    }
    let start = began.elapsed();
    let held = (resident() - before) / objects;
    let began = Instant::now();
    let calls = reads();
    let mut bytes = 0;
    for number in 0..READ {
        bytes += runtime.block_on(read(number * 7919 % objects));
    }
    let (hit, calls) = (
        began.elapsed() / u32::try_from(READ).unwrap_or(1),
        reads() - calls,
    );
    assert!(bytes > 0, "nothing was read");
    println!(
        "{start:.2?} | {held} | {hit:.1?} | {:.2} |",
        calls as f64 / READ as f64
    );
}

/// Bytes that this process has in RAM.
fn resident() -> u64 {
    proc("/proc/self/status", "VmRSS:") * 1024
}

/// Calls of the system that read.
fn reads() -> u64 {
    proc("/proc/self/io", "syscr:")
}

fn proc(file: &str, name: &str) -> u64 {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix(name));
    let digits = value.and_then(|value| value.split_whitespace().next());
    digits
        .and_then(|digits| digits.parse().ok())
        .unwrap_or_default()
}
