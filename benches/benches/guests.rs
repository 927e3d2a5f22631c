//! What a guest costs a request that has twenty headers, of which it reads three and sets one: beside a compiled-in filter that sets
//! one, with a fresh instance for each request, with one that is used again, and in a phase that it does not have.

use std::path::Path;
use std::sync::Arc;

use criterion::Criterion;
use pingora_http::ResponseHeader;
use rimward::metrics::Metrics;
use rimward_benches::steps::{exchange, filter};
use rimward_config::Guests;
use rimward_filters::wasm::KeptCode;
use rimward_filters::{Builder, Exchange, Filter, OnError, Pipeline, Step, Surroundings, builtin};

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const GUESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/guests");
/// Where `sdk/build-dynamic.sh` puts what it makes.
const MADE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/guests");
const REUSED: &str = "isolation = \"reuse\"\nreuse = 1000000000";
/// What the guest sets.
const SETS: &str = "request = { set = { x-known = \"all\" } }";
/// Beside those that every request of the benches has.
const FIELDS: [(&str, &str); 12] = [
    ("cookie", "session=0123456789abcdef; theme=dark"),
    ("dnt", "1"),
    ("referer", "https://www.example.com/"),
    ("sec-fetch-dest", "document"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-site", "same-origin"),
    ("sec-fetch-user", "?1"),
    ("upgrade-insecure-requests", "1"),
    ("x-a", "a"),
    ("x-b", "b"),
    ("x-c", "c"),
    ("x-d", "d"),
];

fn guest(name: &str, settings: &str) -> Arc<dyn Filter> {
    guest_of(GUESTS, name, settings)
}

fn guest_of(folder: &str, name: &str, settings: &str) -> Arc<dyn Filter> {
    let settings = format!("wasm = \"{name}.wasm\"\n{settings}");
    filter("wasm", &settings, Path::new(folder))
}

fn request() -> Exchange {
    exchange("GET", "/a/b?c=d", &FIELDS)
}

/// Loads a guest whose compiled code is kept in `folder`: it is read, checked, linked and tried, all but compiled.
fn load(folder: &Path, of: &str, name: &str) -> Arc<dyn Filter> {
    let around = Surroundings {
        guests: Guests {
            path: Some(folder.to_owned()),
            ..Guests::default()
        },
        ..Surroundings::default()
    };
    let kind = builtin::find("wasm").expect("a filter");
    let settings = format!("wasm = \"{name}.wasm\"");
    let builder = Builder::new(Path::new(of), name).within(around);
    (kind.build)(&settings.parse().expect("a table"), &builder).expect("a filter")
}

/// So many guests without the response phase.
fn without_response(steps: usize) -> Pipeline {
    let metrics = Metrics::default();
    let step = |number| {
        let name: Arc<str> = format!("plain-{number}").into();
        Step {
            filter: guest("plain", ""),
            on_error: OnError::Status(500),
            meter: metrics.filter(&name),
            name,
        }
    };
    Pipeline::new((0..steps).map(step).collect())
}

#[allow(
    clippy::print_stdout,
    reason = "who looks for a number is told that it is not there"
)]
fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("guests");
    let mut filters = vec![
        ("compiled in", filter("headers", SETS, Path::new("."))),
        ("fresh", guest("plain", "")),
        ("reused", guest("plain", REUSED)),
    ];
    if Path::new(MADE).join("js/plain.wasm").exists() {
        filters.push(("fresh, JavaScript", guest_of(MADE, "js/plain", "")));
        filters.push(("reused, JavaScript", guest_of(MADE, "js/plain", REUSED)));
    } else {
        println!("left out: JavaScript, which `sdk/build-dynamic.sh` has not built");
    }
    for (name, filter) in &filters {
        // What is set is the same each time, so that one exchange serves for all.
        let mut exchange = request();
        group.bench_function(*name, |bencher| {
            bencher.iter(|| filter.request(&mut exchange).expect("it passes"));
        });
    }
    drop(filters);
    let folder = tempfile::tempdir().expect("a folder");
    for (name, of, guest) in [("", GUESTS, "plain"), (", JavaScript", MADE, "js/plain")] {
        let Ok(bytes) = std::fs::read(Path::new(of).join(guest).with_extension("wasm")) else {
            continue;
        };
        let code = KeptCode::of(&bytes, folder.path()).expect("a component");
        group.bench_function(format!("kept code{name}"), |bencher| {
            bencher.iter(|| assert!(code.load(), "it is whole"));
        });
        group.bench_function(format!("loaded{name}"), |bencher| {
            bencher.iter(|| load(folder.path(), of, guest));
        });
    }
    for (name, steps) in [("no step", 0), ("no such phase", 1)] {
        let pipeline = without_response(steps);
        let mut exchange = request();
        let mut response = ResponseHeader::build(200, None).expect("a head");
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                pipeline
                    .response_at_once(steps, &mut exchange, &mut response)
                    .is_ok()
            });
        });
    }
    group.finish();
    criterion.final_summary();
}
