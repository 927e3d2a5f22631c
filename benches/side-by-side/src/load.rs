//! The load: which tool asks for what, and what it tells afterwards.

mod h2load;
mod handshakes;
mod wrk;

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::cases::{Case, Load};
use crate::server::{Seat, bound};

/// Connections of wrk and h2load.
const CONNECTIONS: &str = "32";

/// What is asked, and from where.
pub(crate) struct Target<'a> {
    pub(crate) case: &'a Case,
    pub(crate) plain: u16,
    pub(crate) tls: u16,
    /// The case's headers, with what the origin said put in.
    pub(crate) headers: &'a [String],
    /// A folder for scripts and logs.
    pub(crate) folder: &'a Path,
    pub(crate) seat: Seat,
}

/// What a load was answered.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Report {
    pub(crate) requests: u64,
    pub(crate) seconds: f64,
    /// Latencies in microseconds, from tools that tell them.
    pub(crate) p50: Option<f64>,
    pub(crate) p99: Option<f64>,
    /// Responses with a status that is an error.
    pub(crate) refused: u64,
    /// Connections that failed, and responses that did not come.
    pub(crate) broken: u64,
    /// All bytes that came, from tools that tell them.
    pub(crate) bytes: Option<u64>,
}

/// Loads a server for some seconds; the tag makes URLs that nobody asked for before.
pub(crate) fn run(target: &Target<'_>, seconds: u32, tag: &str) -> Result<Report> {
    match target.case.load {
        Load::Wrk { tls } => wrk::run(target, tls, seconds, tag),
        Load::H2load { tls } => h2load::run(target, tls, seconds),
        Load::Handshakes { resumed } => handshakes::run(target, resumed, seconds),
    }
}

/// A command on the load's processor that is ended when it takes much longer than it should.
fn bounded(target: &Target<'_>, seconds: u32, tool: &str) -> Command {
    let mut command = Command::new("timeout");
    command.arg((seconds + 30).to_string()).arg(tool);
    bound(target.seat, &command)
}

/// What a tool wrote to standard output.
fn output(command: &mut Command) -> Result<String> {
    let output = command.output().context("cannot start the load")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let faults = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        output.status.success(),
        "the load ended with {}: {text}{faults}",
        output.status
    );
    Ok(text)
}
