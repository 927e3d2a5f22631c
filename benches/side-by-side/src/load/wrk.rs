//! wrk, with scripts that choose URLs and write the result as JSON.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::{CONNECTIONS, Report, Target, bounded, output};
use crate::cases::Paths;

const DONE: &str = include_str!("../scripts/done.lua");
const CYCLE: &str = include_str!("../scripts/cycle.lua");
const NEW: &str = include_str!("../scripts/new.lua");
const MIX: &str = include_str!("../scripts/mix.lua");

/// The line that `done.lua` writes; times are in microseconds.
#[derive(Deserialize)]
struct Line {
    requests: u64,
    microseconds: f64,
    bytes: u64,
    p50: f64,
    p99: f64,
    status: u64,
    socket: u64,
    timeout: u64,
}

/// Runs it with a connection pool on one thread.
pub(super) fn run(target: &Target<'_>, tls: bool, seconds: u32, tag: &str) -> Result<Report> {
    let (scheme, port) = if tls {
        ("https", target.tls)
    } else {
        ("http", target.plain)
    };
    let path = if let Paths::One(path) = target.case.paths {
        path
    } else {
        "/"
    };
    let mut command = bounded(target, seconds, "wrk");
    command.args(["-t1", "-c", CONNECTIONS, "--timeout", "10s"]);
    command
        .arg(format!("-d{seconds}s"))
        .arg("-s")
        .arg(script(target)?);
    for header in target.headers {
        command.arg("-H").arg(header);
    }
    command
        .arg(format!("{scheme}://127.0.0.1:{port}{path}"))
        .arg("--")
        .arg(tag);
    if let Paths::Cycle(count) | Paths::Mix(count) = target.case.paths {
        command.arg(count.to_string());
    }
    parse(&output(&mut command)?)
}

fn script(target: &Target<'_>) -> Result<PathBuf> {
    let paths = match target.case.paths {
        Paths::One(_) => "",
        Paths::Cycle(_) => CYCLE,
        Paths::New => NEW,
        Paths::Mix(_) => MIX,
    };
    let file = target.folder.join("load.lua");
    fs::write(&file, format!("{DONE}{paths}")).context("cannot write the script")?;
    Ok(file)
}

fn parse(text: &str) -> Result<Report> {
    let line = text.lines().find(|line| line.starts_with("{\"requests\""));
    let line: Line = serde_json::from_str(line.with_context(|| format!("wrk said `{text}`"))?)?;
    Ok(Report {
        requests: line.requests,
        seconds: line.microseconds / 1e6,
        p50: Some(line.p50),
        p99: Some(line.p99),
        refused: line.status,
        broken: line.socket + line.timeout,
        bytes: Some(line.bytes),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_the_script_is_read() {
        let text = "Running 1s test\n  1 threads\n{\"requests\":900,\"microseconds\":1500000,\"bytes\":1000,\
                    \"p50\":12,\"p99\":340,\"status\":1,\"socket\":2,\"timeout\":3}\n";
        let report = parse(text).unwrap();
        assert_eq!((report.requests, report.seconds), (900, 1.5));
        assert_eq!((report.p50, report.p99), (Some(12.0), Some(340.0)));
        assert_eq!(
            (report.refused, report.broken, report.bytes),
            (1, 5, Some(1000))
        );
        assert!(parse("unable to connect").is_err());
    }
}
