//! The time of every path whose instructions are counted; the last two are whole hits with their client, over loopback.

use criterion::Criterion;
use rimward_benches::hot::HOT_PATHS;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs the benches.
fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for path in &HOT_PATHS {
        let mut work = (path.prepare)();
        criterion.bench_function(path.name, |bench| bench.iter(&mut work));
    }
    criterion.final_summary();
}
