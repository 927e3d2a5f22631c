//! Versions that take over while the program serves, by its commands.

use std::env;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rimward_tests::{Binary, Client, Files, Origin, fill, guest};

const CONFIG: &str = r#"
    [admin]
    address = "unix:{folder}/admin.sock"

    [guests]
    path = "{folder}/guests"

    [[listen]]
    address = "127.0.0.1:0"

    [origin.app]
    servers = ["{origin}"]

    [filter.stamp]
    wasm = "stamp.wasm"
    limits = { cpu = "1s", wall = "10s" }

    [[site]]
    hosts = ["*"]
    origin = "app"
    filters = ["stamp"]
"#;

/// How many clients ask at once.
const CLIENTS: usize = 4;
/// Deploys before the memory is looked at for the first time, so that caches are as full as they get.
const WARM: usize = 6;
/// Deploys of a short run.
const SHORT: usize = 18;
/// What the program may have grown by in between, in KiB.
const GROWTH: u64 = 48 << 10;

struct World {
    files: Files,
    edge: Binary,
    _origin: Origin,
}

impl World {
    async fn new() -> Self {
        let (files, origin) = (Files::new(), Origin::start().await);
        origin.always("/", "cache-control: max-age=3600", "body");
        for (name, guest) in [("stamp.wasm", "stamp-one"), ("two.wasm", "stamp-two")] {
            files.write(name, std::fs::read(self::guest(guest)).unwrap());
        }
        let folder = files.path("");
        let values: &[(&str, &dyn std::fmt::Display)] =
            &[("folder", &folder.display()), ("origin", &origin.address())];
        let edge = Binary::run(&files, &fill(CONFIG, values)).await;
        Self {
            files,
            edge,
            _origin: origin,
        }
    }

    fn plugin(&self, words: &[&str]) -> (bool, String) {
        plugin(&self.files.path(""), words)
    }

    async fn stamp(&self) -> String {
        let response = self.edge.get("/").await;
        assert_eq!((response.status, response.text()), (200, "body"));
        response.header("x-stamp").unwrap_or("none").to_owned()
    }

    /// What the program has of the machine's memory, in KiB.
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.edge.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("RssAnon:"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1));
        kib.and_then(|kib| kib.parse().ok()).unwrap()
    }
}

fn plugin(folder: &Path, words: &[&str]) -> (bool, String) {
    let mut command = Command::new(Binary::path());
    let output = command
        .arg("plugin")
        .args(words)
        .current_dir(folder)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_takes_over_and_a_rollback_brings_back_what_was_before() {
    let world = World::new().await;
    let first = world.stamp().await;
    let (ok, told) = world.plugin(&["deploy", "stamp", "two.wasm"]);
    assert!(ok, "{told}");
    let second = world.stamp().await;
    assert_ne!(second, first);

    world.files.write("broken.wasm", "broken");
    let (ok, told) = world.plugin(&["deploy", "stamp", "broken.wasm"]);
    assert!(!ok && told.contains("goes on"), "{told}");
    assert_eq!(world.stamp().await, second);

    let (ok, told) = world.plugin(&["rollback", "stamp"]);
    assert!(ok, "{told}");
    assert_eq!(world.stamp().await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_to_nobody_is_seen_by_all_once_it_is_promoted() {
    let world = World::new().await;
    let first = world.stamp().await;
    let (ok, told) = world.plugin(&["deploy", "stamp", "two.wasm", "--percent", "0"]);
    assert!(ok, "{told}");
    assert_eq!(world.stamp().await, first);
    let (ok, told) = world.plugin(&["promote", "stamp"]);
    assert!(ok, "{told}");
    assert_ne!(world.stamp().await, first);
}

/// For as long as `RIMWARD_SOAK` says, in seconds; without it a few deploys long.
#[tokio::test(flavor = "multi_thread")]
async fn deploys_under_load_fail_no_request_and_take_no_memory() {
    let world = World::new().await;
    let (ends, served) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| tokio::spawn(ask(world.edge.address(), ends.clone(), served.clone())))
        .collect();
    let seconds = env::var("RIMWARD_SOAK").map(|seconds| seconds.parse().unwrap());
    let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut warm = None;
    for round in 0.. {
        let is_over = until
            .as_ref()
            .map_or(round >= SHORT, |until| Instant::now() >= *until);
        if is_over && round > WARM {
            break;
        }
        let name = ["two.wasm", "stamp.wasm"][round % 2];
        let folder = world.files.path("");
        let deployed =
            tokio::task::spawn_blocking(move || plugin(&folder, &["deploy", "stamp", name]));
        let (ok, told) = deployed.await.unwrap();
        assert!(ok, "{told}");
        // Some traffic goes to each version.
        let before = served.load(Ordering::Relaxed);
        while served.load(Ordering::Relaxed) < before + 20 {
            tokio::task::yield_now().await;
        }
        if round == WARM {
            warm = Some(world.memory());
        }
    }
    ends.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    let (warm, end) = (warm.unwrap(), world.memory());
    println!(
        "{} requests, from {warm} to {end} KiB",
        served.load(Ordering::Relaxed)
    );
    assert!(end < warm + GROWTH, "from {warm} to {end} KiB");
}

/// Asks until it is told to end. Each answer is whole, and of one version or the other.
async fn ask(address: std::net::SocketAddr, ends: Arc<AtomicBool>, served: Arc<AtomicU64>) {
    let mut client = Client::connect(address).await;
    while !ends.load(Ordering::Relaxed) {
        let response = client.get("/").await;
        assert_eq!((response.status, response.text()), (200, "body"));
        assert!(matches!(response.header("x-stamp"), Some("one" | "two")));
        served.fetch_add(1, Ordering::Relaxed);
        // A connection serves so many requests, and says so with the last.
        if response.header("connection") == Some("close") {
            client = Client::connect(address).await;
        }
    }
}
