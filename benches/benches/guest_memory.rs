//! What a live instance of a guest takes in memory: many are kept at once, each after its request phase and before its response phase.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rimward_benches::steps::exchange;
use rimward_filters::{Builder, Exchange, Filter, Flow, Surroundings, builtin};
use rimward_kv::{Settings, Store, Write};

/// As the program has it: what it rounds up counts too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The example `ab-kv` in each language, and in JavaScript one that reads three headers and sets one.
const GUESTS: [(&str, &str); 5] = [
    ("Rust", "../tests/guests/rust-ab-kv"),
    ("C", "../tests/guests/c-ab-kv"),
    ("JavaScript", "../target/guests/js/ab-kv"),
    ("JavaScript, headers", "../target/guests/js/held"),
    ("Python", "../target/guests/python/ab-kv"),
];
const SETTINGS: &str = r#"
    config = { experiment = "checkout" }
    grants = { kv = ["experiments"] }
"#;
/// The variable that names the guest to a process that measures it.
const MEASURED: &str = "RIMWARD_BENCH_GUEST";
/// How many are alive at once.
const ALIVE: u64 = 200;

/// A store with an experiment.
fn store() -> Arc<Store> {
    let store = Store::in_memory(&Settings::at("experiments")).expect("a store");
    let split = r#"{ "salt": "a", "variants": { "a": 90, "b": 10 } }"#;
    wait(store.put("checkout", split.into(), Write::default())).expect("room");
    Arc::new(store)
}

fn wait<T>(what: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    runtime.expect("a runtime").block_on(what)
}

/// Has an exchange pass the request phase.
fn pass(filter: &dyn Filter, exchange: &mut Exchange) {
    let mut flow = filter.request(exchange).expect("it passes");
    if matches!(flow, Flow::Later) {
        flow = wait(filter.request_later(exchange)).expect("it passes");
    }
    assert!(matches!(flow, Flow::Continue), "it answers nothing itself");
    let fields = &exchange.request.headers;
    let is_told = ["x-variant-checkout", "x-known"].map(|name| fields.contains_key(name));
    assert!(is_told.contains(&true), "it has done its work");
}

fn guest(path: &str, store: &Arc<Store>) -> Arc<dyn Filter> {
    let around = Surroundings {
        stores: Some([("experiments".into(), store.clone())].into()),
        ..Surroundings::default()
    };
    let kind = builtin::find("wasm").expect("a filter");
    let settings = format!("wasm = \"{path}.wasm\"\n{SETTINGS}");
    let builder = Builder::new(Path::new("/"), "ab").within(around);
    (kind.build)(&settings.parse().expect("a table"), &builder).expect("a filter")
}

/// Bytes that this process alone has, and has written to.
fn dirty() -> u64 {
    let maps = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap_or_default();
    let line = maps
        .lines()
        .find_map(|line| line.strip_prefix("Private_Dirty:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}

/// What is written while exchanges pass a filter, or none, for each of them.
fn taken(filter: Option<&dyn Filter>) -> u64 {
    let before = dirty();
    let exchanges = alive(ALIVE, filter);
    let taken = dirty().saturating_sub(before) / ALIVE;
    drop(exchanges);
    taken
}

fn alive(number: u64, filter: Option<&dyn Filter>) -> Vec<Exchange> {
    let exchange = |_| {
        let mut exchange = exchange("GET", "/checkout", &[("accept", "text/html")]);
        if let Some(filter) = filter {
            pass(filter, &mut exchange);
        }
        exchange
    };
    (0..number).map(exchange).collect()
}

/// Prints kibibytes for each instance, beyond the exchange that it is there for. Each guest is measured by a process of its own, since the
/// memory of instances that have ended is kept for others.
#[allow(clippy::print_stdout, reason = "a bench tells its numbers")]
fn main() {
    if let Ok(path) = std::env::var(MEASURED) {
        println!("{}", each(&path).div_ceil(1024));
        return;
    }
    for (name, path) in GUESTS {
        let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
        if !Path::new(&path).with_extension("wasm").exists() {
            println!("{name:>19}: left out, it has not been built");
            continue;
        }
        let program = std::env::current_exe().expect("this program");
        let output = Command::new(program).env(MEASURED, path).output();
        let told = String::from_utf8(output.expect("it runs").stdout).expect("text");
        println!(
            "{name:>19}: {:>4} KiB of an instance are its own",
            told.trim()
        );
    }
}

fn each(path: &str) -> u64 {
    let bare = taken(None);
    let filter = guest(path, &store());
    // What is allocated once is not an instance's.
    let first = alive(1, Some(&*filter));
    let each = taken(Some(&*filter)).saturating_sub(bare);
    drop(first);
    each
}
