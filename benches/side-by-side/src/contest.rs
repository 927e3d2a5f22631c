//! One peer in one case: started, checked and warmed, then measured turn by turn.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::beside::{self, Idle};
use crate::cases::{Beside, Case, ETAG, Load, Paths};
use crate::client::Client;
use crate::load::{self, Report, Target};
use crate::origin::Origin;
use crate::peers::Peer;
use crate::results::Run;
use crate::server::{Seat, Server};
use crate::stage::{Stage, Theatre};
use crate::usage::{self, Usage};

/// What all that take part have in common.
#[derive(Clone, Copy)]
pub(crate) struct Arena<'a> {
    pub(crate) theatre: &'a Theatre,
    pub(crate) origin: &'a Origin,
    /// Where the servers run, and where the load does.
    pub(crate) servers: Seat,
    pub(crate) load: Seat,
}

/// A peer that serves, ready for its turns.
pub(crate) struct Contender<'a> {
    arena: Arena<'a>,
    case: &'a Case,
    peer: &'a dyn Peer,
    headers: Vec<String>,
    idle: Option<Idle>,
    // Behind `idle`, whose connections are to be closed first.
    server: Server,
    stage: Stage,
}

const WARM_UP: u32 = 1;

impl<'a> Contender<'a> {
    /// Starts a peer, fills its cache, looks whether its answers are right, and warms it up.
    pub(crate) fn prepare(
        arena: Arena<'a>,
        case: &'a Case,
        peer: &'a dyn Peer,
        program: &Path,
    ) -> Result<Self> {
        let name = format!("{}-{}", case.name, peer.name());
        let stage = arena.theatre.stage(&name, arena.origin.port())?;
        let command = peer.command(program, &stage)?;
        let server = Server::start(peer.name(), &command, &stage, arena.servers)?;
        let (headers, idle) = (Vec::new(), None);
        let mut contender = Self {
            arena,
            case,
            peer,
            headers,
            idle,
            server,
            stage,
        };
        contender.fill()?;
        contender.check()?;
        if let Beside::IdleConnections(count) = case.beside {
            let Self { server, stage, .. } = &contender;
            contender.idle = Some(Idle::open(count, stage.plain, contender.path(), server)?);
        }
        load::run(&contender.target(), WARM_UP, "warm-up")?;
        Ok(contender)
    }

    /// A turn.
    pub(crate) fn measure(&mut self, seconds: u32, tag: &str) -> Result<Run> {
        let asked = self.arena.origin.requests()?;
        let before = Usage::of(self.server.id())?;
        let report = self.load(seconds, tag)?;
        let used = Usage::of(self.server.id())?.since(&before);
        let origin_requests = self.arena.origin.requests()? - asked;
        self.judge(&report, origin_requests)?;
        if let Some(idle) = &mut self.idle {
            idle.check()?;
        }
        Ok(Run {
            requests: report.requests,
            seconds: report.seconds,
            cpu_seconds: used.as_secs_f64(),
            p50: report.p50,
            p99: report.p99,
            memory_bytes: usage::memory(self.server.id())?,
            idle_bytes: self.idle.as_ref().map(|idle| idle.bytes_each),
            errors: report.refused + report.broken,
            origin_requests,
        })
    }

    fn load(&self, seconds: u32, tag: &str) -> Result<Report> {
        let work = || load::run(&self.target(), seconds, tag);
        match (self.case.beside, self.peer.reload()) {
            (Beside::Reloads, Some(signal)) => beside::reloading(&self.server, signal, work),
            _ => work(),
        }
    }

    /// Whether this was what was to be measured.
    fn judge(&self, report: &Report, origin_requests: u64) -> Result<()> {
        let Report {
            requests, refused, ..
        } = *report;
        ensure!(requests > 0, "no request was answered");
        ensure!(
            refused * 1000 <= requests,
            "{refused} of {requests} responses are errors"
        );
        let share = origin_requests as f64 / requests as f64;
        ensure!(
            self.case.asked.contains(&share),
            "the origin saw {origin_requests} of {requests} requests"
        );
        if let Some(bytes) = report.bytes {
            ensure!(
                bytes >= requests * self.case.length,
                "{bytes} bytes are too few for {requests} responses"
            );
        }
        Ok(())
    }

    fn target(&self) -> Target<'_> {
        Target {
            case: self.case,
            plain: self.stage.plain,
            tls: self.stage.tls,
            headers: &self.headers,
            folder: self.stage.folder(),
            seat: self.arena.load,
        }
    }

    fn path(&self) -> &'static str {
        match self.case.paths {
            Paths::One(path) => path,
            Paths::Cycle(_) | Paths::New | Paths::Mix(_) => "/hot/0",
        }
    }

    /// Asks once for all that is to be in the cache, and learns the `ETag`.
    fn fill(&mut self) -> Result<()> {
        let mut client = Client::connect(self.stage.plain)?;
        if let Paths::Cycle(count) | Paths::Mix(count) = self.case.paths {
            for number in 0..count {
                client.get(&format!("/hot/{number}"), &[])?;
            }
        }
        // Twice, since an answer may be here before the cache has all of it.
        client.get(self.path(), &[])?;
        let etag = client.get(self.path(), &[])?.etag;
        for header in self.case.headers {
            let etag = etag.as_deref().unwrap_or("*");
            self.headers.push(header.replace(ETAG, etag));
        }
        if self.case.load.is_tls() {
            // The other scheme may be another object.
            self.curl()?;
        }
        Ok(())
    }

    /// Asks once as the load will and compares status, length, and whether the origin was asked.
    fn check(&self) -> Result<()> {
        let asked = self.arena.origin.requests()?;
        let answer = if self.case.load.is_tls() {
            self.curl()?
        } else {
            let response = Client::connect(self.stage.plain)?.get(self.path(), &self.headers)?;
            (response.status, response.body.len() as u64)
        };
        let right = (self.case.status, self.case.length);
        ensure!(
            answer == right,
            "status and length are {answer:?} in place of {right:?}"
        );
        let again = self.arena.origin.requests()? - asked;
        let is_hit = !matches!(self.case.paths, Paths::One("/pass/1k"));
        ensure!(
            again == u64::from(!is_hit),
            "the origin saw {again} requests when one was made"
        );
        Ok(())
    }

    /// Status and length over TLS.
    fn curl(&self) -> Result<(u16, u64)> {
        let version = if self.case.load == (Load::H2load { tls: true }) {
            "2"
        } else {
            "1.1"
        };
        let output = Command::new("curl")
            .args([
                "--insecure",
                "--silent",
                "--show-error",
                "--max-time",
                "20",
                "--output",
                "/dev/null",
            ])
            .args([
                "--write-out",
                "%{http_code} %{size_download} %{http_version}",
            ])
            .arg(format!("--http{version}"))
            .args(
                self.headers
                    .iter()
                    .flat_map(|header| ["--header", header.as_str()]),
            )
            .arg(format!(
                "https://127.0.0.1:{}{}",
                self.stage.tls,
                self.path()
            ))
            .output()
            .context("cannot start curl")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let [status, length, spoken] = text.split(' ').collect::<Vec<_>>()[..] else {
            bail!(
                "curl said `{text}` {}",
                String::from_utf8_lossy(&output.stderr)
            );
        };
        ensure!(
            spoken == version,
            "HTTP/{version} was asked for and HTTP/{spoken} spoken"
        );
        Ok((status.parse()?, length.parse()?))
    }
}
