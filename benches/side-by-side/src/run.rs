//! A whole run: what is there, then each case, in it each round, in it each peer in turn.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use rustix::thread::{CpuSet, sched_getaffinity};

use crate::beside;
use crate::cases::{self, Case};
use crate::cli::Options;
use crate::contest::{Arena, Contender};
use crate::install;
use crate::machine::Machine;
use crate::origin::Origin;
use crate::peers::{self, Peer, Program};
use crate::results::{CaseResult, PeerResult, Results, Run};
use crate::server::Seat;
use crate::stage::Theatre;
use crate::tables;

/// A peer and where its program is.
type Entrant = (Box<dyn Peer>, PathBuf);

/// Measures what the options say, prints the tables and writes the file.
pub(crate) fn run(options: &Options) -> Result<()> {
    let cases = chosen(cases::all(), &options.cases, |case| case.name)?;
    let peers = chosen(peers::all(), &options.peers, |peer| peer.name())?;
    if !options.no_install {
        install::install(&install::missing(&peers))?;
        install::install_modules(&peers)?;
    }
    if !options.no_build {
        build()?;
    }
    beside::raise_limits()?;
    let entrants = entrants(peers, &options.rimward)?;
    let theatre = Theatre::new()?;
    let [servers, load] = seats(options)?;
    let origin = Origin::start(&theatre, load)?;
    let mut results = Results {
        machine: Machine::this(),
        date: chrono::Utc::now().format("%Y-%m-%d %H:%M UTC").to_string(),
        rounds: options.rounds,
        seconds: options.seconds,
        pinned: servers != Seat::Anywhere,
        versions: versions(&entrants),
        cases: Vec::new(),
    };
    let arena = Arena {
        theatre: &theatre,
        origin: &origin,
        servers,
        load,
    };
    let rounds = Rounds { arena, options };
    for case in &cases {
        let result = rounds.of(case, &entrants);
        println!("{}", tables::case(&result, &results.versions));
        results.cases.push(result);
        results.write(&options.out)?;
    }
    println!("{}", tables::aims(&results));
    Ok(())
}

/// How turns are taken.
struct Rounds<'a> {
    arena: Arena<'a>,
    options: &'a Options,
}

/// A peer that takes part in a case.
struct Taker<'a> {
    peer: &'a dyn Peer,
    program: &'a Path,
    contender: Option<Contender<'a>>,
    result: PeerResult,
}

impl<'a> Rounds<'a> {
    /// All rounds of a case.
    fn of(&self, case: &'a Case, entrants: &'a [Entrant]) -> CaseResult {
        let begin = Instant::now();
        let mut takers: Vec<Taker<'a>> = entrants
            .iter()
            .filter(|(peer, _)| peer.takes(case))
            .map(|(peer, program)| Taker::new(peer.as_ref(), program))
            .collect();
        for number in 0..self.options.rounds {
            for taker in &mut takers {
                self.turn(case, taker, number);
            }
        }
        eprintln!("{}: {} s", case.name, begin.elapsed().as_secs());
        let peers = takers.into_iter().map(|taker| taker.result).collect();
        CaseResult {
            name: case.name.into(),
            title: case.title.into(),
            peers,
        }
    }

    /// A peer that failed once is out for the rest of the case, and what it did before counts for nothing.
    fn turn(&self, case: &'a Case, taker: &mut Taker<'a>, number: u32) {
        if taker.result.failed.is_some() {
            return;
        }
        match self.measure(case, taker, number) {
            Ok(run) => taker.result.runs.push(run),
            Err(error) => {
                let error = format!("{error:#}");
                eprintln!("{}: {} failed: {error}", case.name, taker.peer.name());
                taker.result.failed = Some(error);
                taker.result.runs.clear();
            }
        }
    }

    fn measure(&self, case: &'a Case, taker: &mut Taker<'a>, number: u32) -> Result<Run> {
        let mut contender = match taker.contender.take() {
            Some(contender) => contender,
            None => Contender::prepare(self.arena, case, taker.peer, taker.program)?,
        };
        let run = contender.measure(self.options.seconds, &format!("round-{number}"))?;
        if !case.begins_anew() {
            taker.contender = Some(contender);
        }
        Ok(run)
    }
}

impl<'a> Taker<'a> {
    fn new(peer: &'a dyn Peer, program: &'a Path) -> Self {
        let result = PeerResult {
            name: peer.name().into(),
            failed: None,
            runs: Vec::new(),
        };
        Self {
            peer,
            program,
            contender: None,
            result,
        }
    }
}

/// Those with these names; all when none is named.
fn chosen<T>(all: Vec<T>, names: &[String], name: impl Fn(&T) -> &'static str) -> Result<Vec<T>> {
    let known: Vec<&str> = all.iter().map(&name).collect();
    if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
        bail!("there is no `{unknown}`: `side-by-side list` tells what there is");
    }
    let wanted = |one: &T| names.is_empty() || names.iter().any(|each| each == name(one));
    Ok(all.into_iter().filter(wanted).collect())
}

fn build() -> Result<()> {
    let status = Command::new("cargo")
        .args(["build", "--release", "--quiet", "-p", "rimward"])
        .status()
        .context("cannot start cargo")?;
    ensure!(status.success(), "the build ended with {status}");
    Ok(())
}

/// Peers whose program is there; tells which are left out.
fn entrants(peers: Vec<Box<dyn Peer>>, edge: &Path) -> Result<Vec<Entrant>> {
    let mut entrants = Vec::new();
    for peer in peers {
        let program = match peer.program() {
            Program::Myself => Some(std::env::current_exe()?),
            Program::Debian { program, .. } => install::find(program),
            Program::Npm { program, .. } => install::module(program),
            Program::Edge => Some(
                edge.canonicalize()
                    .with_context(|| format!("no `{}`", edge.display()))?,
            ),
        };
        match program {
            Some(program) => entrants.push((peer, program)),
            None => eprintln!("{} is left out: it is not installed", peer.name()),
        }
    }
    Ok(entrants)
}

/// Of the processors that this process may use, servers have the first, the load and the origin the second.
fn seats(options: &Options) -> Result<[Seat; 2]> {
    let allowed = sched_getaffinity(None)?;
    let mut numbers = (0..CpuSet::MAX_CPU).filter(|&number| allowed.is_set(number));
    Ok(match (numbers.next(), numbers.next()) {
        (Some(first), Some(second)) if !options.no_pin => [first, second].map(Seat::Processor),
        _ => [Seat::Anywhere; 2],
    })
}

/// The first line that each program says of its version, on whichever output.
fn versions(entrants: &[Entrant]) -> BTreeMap<String, String> {
    let version = |(peer, program): &Entrant| {
        let output = Command::new(program).args(peer.version()).output().ok()?;
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        let line = text
            .lines()
            .find(|line| line.contains(|letter: char| letter.is_ascii_digit()));
        Some((peer.name().to_owned(), line.unwrap_or("").trim().to_owned()))
    };
    entrants.iter().filter_map(version).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_choose_and_unknown_ones_are_told() {
        let all = || vec!["a", "b", "c"];
        assert_eq!(chosen(all(), &[], |name| name).unwrap(), all());
        assert_eq!(
            chosen(all(), &["c".into(), "a".into()], |name| name).unwrap(),
            ["a", "c"]
        );
        assert!(chosen(all(), &["d".into()], |name| name).is_err());
    }
}
