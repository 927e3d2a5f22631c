//! `openssl s_time`: connects, asks once, closes, again. Several at a time, since each waits for its own answer.

use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::{Report, Target, bounded};
use crate::cases::Paths;

const AT_A_TIME: usize = 4;

/// Runs them and adds up their connections.
pub(super) fn run(target: &Target<'_>, resumed: bool, seconds: u32) -> Result<Report> {
    let begin = Instant::now();
    let mut running = Vec::new();
    for _ in 0..AT_A_TIME {
        let mut command = bounded(target, seconds, "openssl");
        command.args(["s_time", "-tls1_3", "-time", &seconds.to_string()]);
        command.args(["-connect", &format!("127.0.0.1:{}", target.tls)]);
        command.args([
            if resumed { "-reuse" } else { "-new" },
            "-www",
            &request(target),
        ]);
        running.push(
            command
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()?,
        );
    }
    let mut requests = 0;
    for tool in running {
        let output = tool.wait_with_output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(
            output.status.success(),
            "s_time ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        requests += connections(&text, resumed)?;
    }
    Ok(Report {
        requests,
        seconds: begin.elapsed().as_secs_f64(),
        ..Report::default()
    })
}

/// s_time puts ` HTTP/1.0` behind the path; the last field takes that, so that the request is one of HTTP/1.1 with a host.
fn request(target: &Target<'_>) -> String {
    let path = if let Paths::One(path) = target.case.paths {
        path
    } else {
        "/"
    };
    format!(
        "{path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\nX-Rest:",
        target.tls
    )
}

/// Each connection leaves `*` for a full handshake or `r` for a resumed one; all have to be of the right kind.
fn connections(text: &str, resumed: bool) -> Result<u64> {
    let marks = text
        .lines()
        .find(|line| line.starts_with(['*', 'r']))
        .context("no connection")?;
    let count = |mark| marks.chars().filter(|&each| each == mark).count();
    let (full, again) = (count('*'), count('r'));
    let (right, wrong) = if resumed {
        (again, full)
    } else {
        (full, again)
    };
    ensure!(
        wrong * 20 <= right,
        "{full} handshakes were full and {again} resumed"
    );
    Ok(u64::try_from(right + wrong)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handshakes_are_counted_by_their_kind() {
        let text = "starting\nrrrrr\n\n5 connections in 0.04s; 100.00 connections/user sec, bytes read 0\n";
        assert_eq!(connections(text, true).unwrap(), 5);
        assert!(connections(text, false).is_err());
        assert_eq!(connections("***\n", false).unwrap(), 3);
        assert!(connections("ERROR\n", false).is_err());
    }
}
