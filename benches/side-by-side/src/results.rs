//! What was measured: the file, and what is made of its figures.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::machine::Machine;

/// All that a run measured.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    pub(crate) date: String,
    pub(crate) rounds: u32,
    pub(crate) seconds: u32,
    /// Whether servers and load had a processor each.
    pub(crate) pinned: bool,
    /// What each peer says of itself.
    pub(crate) versions: BTreeMap<String, String>,
    pub(crate) cases: Vec<CaseResult>,
}

/// A case, and each peer that took part.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct CaseResult {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) peers: Vec<PeerResult>,
}

/// A peer in a case: a run for each round, or why there is none.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct PeerResult {
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failed: Option<String>,
    pub(crate) runs: Vec<Run>,
}

/// A peer's turn.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Run {
    pub(crate) requests: u64,
    pub(crate) seconds: f64,
    /// Processor time of the server's processes in all.
    pub(crate) cpu_seconds: f64,
    /// Latencies in microseconds.
    pub(crate) p50: Option<f64>,
    pub(crate) p99: Option<f64>,
    /// Memory of the server's processes after the run.
    pub(crate) memory_bytes: u64,
    /// What each idle connection added to that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) idle_bytes: Option<f64>,
    /// Requests that were not answered as they should.
    pub(crate) errors: u64,
    pub(crate) origin_requests: u64,
}

impl Run {
    /// Requests per second.
    pub(crate) fn rate(&self) -> f64 {
        self.requests as f64 / self.seconds
    }

    /// The part of the time that the server's processes ran, of one processor.
    pub(crate) fn busy(&self) -> f64 {
        self.cpu_seconds / self.seconds
    }

    /// Microseconds of processor time for each request.
    pub(crate) fn cpu(&self) -> f64 {
        self.cpu_seconds * 1e6 / self.requests.max(1) as f64
    }
}

impl PeerResult {
    /// The median of a figure over the rounds, if it was measured.
    pub(crate) fn median(&self, figure: impl Fn(&Run) -> Option<f64>) -> Option<f64> {
        median(self.runs.iter().filter_map(figure).collect())
    }

    /// The median of processor time for each request.
    pub(crate) fn cpu(&self) -> Option<f64> {
        self.median(|run| Some(run.cpu()))
    }

    /// The requests of all rounds that went wrong.
    pub(crate) fn errors(&self) -> u64 {
        self.runs.iter().map(|run| run.errors).sum()
    }
}

impl CaseResult {
    /// A peer of this name, if it took part.
    pub(crate) fn peer(&self, name: &str) -> Option<&PeerResult> {
        self.peers.iter().find(|peer| peer.name == name)
    }
}

impl Results {
    /// Reads a measured file.
    pub(crate) fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file)
            .with_context(|| format!("cannot read `{}`", file.display()))?;
        serde_json::from_str(&text)
            .with_context(|| format!("`{}` is no measured file", file.display()))
    }

    /// Writes it; a run does so after each case.
    pub(crate) fn write(&self, file: &Path) -> Result<()> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        fs::write(file, text).with_context(|| format!("cannot write `{}`", file.display()))
    }

    /// A case of this name, if it was measured.
    pub(crate) fn case(&self, name: &str) -> Option<&CaseResult> {
        self.cases.iter().find(|case| case.name == name)
    }

    /// Processor time for each request of a peer in a case.
    pub(crate) fn cpu(&self, case: &str, peer: &str) -> Option<f64> {
        self.case(case)?.peer(peer)?.cpu()
    }
}

/// The middle one, or the mean of the two in the middle.
fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    let upper = *figures.get(figures.len() / 2)?;
    let lower = figures[(figures.len() - 1) / 2];
    Some((lower + upper) / 2.0)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A run of a thousand requests in a second that cost this many microseconds each.
    pub(crate) fn run(cpu: f64) -> Run {
        Run {
            requests: 1000,
            seconds: 1.0,
            cpu_seconds: cpu / 1000.0,
            p50: Some(150.0),
            p99: Some(2500.0),
            memory_bytes: 20_000_000,
            idle_bytes: None,
            errors: 0,
            origin_requests: 0,
        }
    }

    /// A file with one case.
    pub(crate) fn results(name: &str, peers: &[(&str, &[f64])]) -> Results {
        let peers = peers.iter().map(|(name, costs)| PeerResult {
            name: (*name).into(),
            failed: costs.is_empty().then(|| "it answers 503".into()),
            runs: costs.iter().map(|&cost| run(cost)).collect(),
        });
        Results {
            machine: Machine::default(),
            date: "2026-01-01".into(),
            rounds: 3,
            seconds: 4,
            pinned: true,
            versions: BTreeMap::new(),
            cases: vec![CaseResult {
                name: name.into(),
                title: name.into(),
                peers: peers.collect(),
            }],
        }
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(vec![]), None);
    }

    #[test]
    fn figures_are_per_request() {
        let results = results("hit", &[("rimward", &[10.0, 30.0, 12.0]), ("nginx", &[])]);
        assert_eq!(results.cpu("hit", "rimward"), Some(12.0));
        assert_eq!(results.cpu("hit", "nginx"), None);
        assert_eq!(run(10.0).rate(), 1000.0);
    }

    #[test]
    fn a_file_is_read_as_it_was_written() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let results = results("hit", &[("rimward", &[10.0])]);
        results.write(file.path()).unwrap();
        assert_eq!(
            Results::read(file.path()).unwrap().cpu("hit", "rimward"),
            Some(10.0)
        );
    }
}
