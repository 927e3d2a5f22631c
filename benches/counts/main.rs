//! Counts the instructions of the hot paths with callgrind, and holds them against those that are stored.
//!
//!     cargo run --release -p rimward-benches --bin counts -- check
//!     cargo run --release -p rimward-benches --bin counts -- renew

mod callgrind;
mod stored;
mod verdict;

use std::error::Error;
use std::process::ExitCode;

use rimward_benches::hot::HotPath;

use stored::Stored;
use verdict::Verdict;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["run", name] => run(name),
        ["check"] => check(),
        ["renew"] => renew(),
        _ => Err("say `check`, `renew`, or `run` and the name of a hot path".into()),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}

/// Runs one path, for callgrind to look on.
fn run(name: &str) -> Result<ExitCode, Box<dyn Error>> {
    let path = HotPath::find(name).ok_or_else(|| format!("there is no hot path `{name}`"))?;
    let mut work = (path.prepare)();
    counted(path.times, &mut work);
    Ok(ExitCode::SUCCESS)
}

/// What callgrind counts: all that is called from here, and nothing else. It goes by the name.
#[inline(never)]
fn counted(times: u32, work: &mut dyn FnMut()) {
    for _ in 0..times {
        work();
    }
}

/// Counts all and tells what changed; fails when something grew.
fn check() -> Result<ExitCode, Box<dyn Error>> {
    let stored = Stored::read()?;
    let now = Stored::count()?;
    let mut verdicts = Vec::new();
    tell("hot path", ["stored", "now", "change"], "");
    for (name, &count) in &now.paths {
        let before = stored.paths.get(name).copied();
        let verdict = Verdict::of(before, count);
        let numbers = [told(before), count.to_string(), change(before, count)];
        tell(
            name,
            numbers.each_ref().map(String::as_str),
            verdict.words(),
        );
        verdicts.push(verdict);
    }
    if verdicts.iter().any(|verdict| *verdict != Verdict::Same) {
        eprintln!(
            "stored are those of {}, this is {}",
            stored.compiler, now.compiler
        );
        eprintln!("if that has to be so, renew them: {}", stored::COMMAND);
    }
    Ok(match verdicts.iter().any(|verdict| verdict.fails()) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

/// Counts all and stores it.
fn renew() -> Result<ExitCode, Box<dyn Error>> {
    Stored::count()?.write()?;
    Ok(ExitCode::SUCCESS)
}

fn told(count: Option<u64>) -> String {
    count.map_or_else(|| "none".to_owned(), |count| count.to_string())
}

fn change(before: Option<u64>, now: u64) -> String {
    let percent = |before| (now as f64 / before as f64 - 1.0) * 100.0;
    before.map_or_else(String::new, |before| format!("{:+.2} %", percent(before)))
}

#[allow(clippy::print_stdout, reason = "a bench tells its numbers")]
fn tell(name: &str, [stored, now, change]: [&str; 3], words: &str) {
    println!("{name:<16}{stored:>10}{now:>10}{change:>10}  {words}");
}
