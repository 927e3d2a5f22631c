//! h2load: HTTP/2 over TLS, ten streams at a time on each connection, or plain HTTP/1.1; latencies come from its log.

use std::fs;

use anyhow::{Context, Result};

use super::{CONNECTIONS, Report, Target, bounded, output};
use crate::cases::Paths;

const STREAMS: &str = "10";

/// Runs it on one thread.
pub(super) fn run(target: &Target<'_>, tls: bool, seconds: u32) -> Result<Report> {
    let log = target.folder.join("h2load.log");
    // It would be appended to.
    fs::write(&log, "").context("cannot write the log of h2load")?;
    let path = if let Paths::One(path) = target.case.paths {
        path
    } else {
        "/"
    };
    let mut command = bounded(target, seconds, "h2load");
    command.args(["-t1", "-c", CONNECTIONS, "-D", &seconds.to_string()]);
    command.arg(format!("--log-file={}", log.display()));
    for header in target.headers {
        command.arg("-H").arg(header);
    }
    if tls {
        command
            .args(["-m", STREAMS])
            .arg(format!("https://127.0.0.1:{}{path}", target.tls));
    } else {
        command
            .arg("--h1")
            .arg(format!("http://127.0.0.1:{}{path}", target.plain));
    }
    let report = parse(&output(&mut command)?)?;
    let log = fs::read_to_string(log).context("cannot read the log of h2load")?;
    let times = latencies(&log);
    Ok(Report {
        p50: percentile(&times, 50),
        p99: percentile(&times, 99),
        ..report
    })
}

fn parse(text: &str) -> Result<Report> {
    let wrong = || format!("h2load said `{text}`");
    let seconds = after(text, "finished in ")
        .context("no end")
        .with_context(wrong)?;
    let requests = after(text, "requests: ")
        .context("no requests")
        .with_context(wrong)?;
    let count = |what: &str| {
        let found = requests
            .split(", ")
            .find_map(|part| part.strip_suffix(what)?.trim().parse().ok());
        found
            .with_context(|| format!("no count of{what}"))
            .with_context(wrong)
    };
    let succeeded = count(" succeeded")?;
    Ok(Report {
        requests: succeeded,
        seconds: duration(seconds.split(',').next().unwrap_or("")).with_context(wrong)?,
        refused: count(" failed")?,
        broken: count(" timeout")?,
        ..Report::default()
    })
}

fn after<'a>(text: &'a str, begin: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(begin))
}

/// A time with `s`, `ms` or `us`.
fn duration(text: &str) -> Option<f64> {
    let units = [("us", 1e-6), ("ms", 1e-3), ("s", 1.0)];
    let (number, unit) = units
        .iter()
        .find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))?;
    Some(number.parse::<f64>().ok()? * unit)
}

/// The third column of each line: microseconds.
fn latencies(log: &str) -> Vec<u32> {
    let mut times: Vec<u32> = log
        .lines()
        .filter_map(|line| line.split('\t').nth(2)?.parse().ok())
        .collect();
    times.sort_unstable();
    times
}

fn percentile(sorted: &[u32], percent: usize) -> Option<f64> {
    let place = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(place).map(|&time| f64::from(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "finished in 2.00s, 69393.50 req/s, 76.11MB/s
requests: 138787 total, 139107 started, 138787 done, 138780 succeeded, 7 failed, 0 errored, 1 timeout
status codes: 138787 2xx, 0 3xx, 0 4xx, 0 5xx
";

    #[test]
    fn what_it_says_is_read() {
        let report = parse(TEXT).unwrap();
        assert_eq!((report.requests, report.seconds), (138_780, 2.0));
        assert_eq!((report.refused, report.broken), (7, 1));
        assert!(parse("could not connect").is_err());
        assert_eq!(duration("250ms"), Some(0.25));
    }

    #[test]
    fn latencies_are_those_of_the_log() {
        let times = latencies("1\t200\t30\n2\t200\t10\n3\t200\t20\nhalf a line");
        assert_eq!(times, [10, 20, 30]);
        assert_eq!(percentile(&times, 50), Some(20.0));
        assert_eq!(percentile(&times, 99), Some(30.0));
        assert_eq!(percentile(&[], 50), None);
    }
}
