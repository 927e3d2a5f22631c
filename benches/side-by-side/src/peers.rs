//! The peers: what each can do, and the settings that it is run with.

mod caddy;
mod echo;
mod h2o;
mod haproxy;
pub(crate) mod nginx;
mod rimward;
mod trafficserver;
mod varnish;
mod workerd;

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use rustix::process::Signal;

use crate::cases::{Case, Need};
use crate::stage::Stage;

/// Where a peer's program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// The edge that was built.
    Edge,
    /// This very binary.
    Myself,
    /// A program of a Debian package.
    Debian {
        program: &'static str,
        package: &'static str,
    },
    /// A program of an npm package, by its path among the modules.
    Npm {
        program: &'static str,
        package: &'static str,
    },
}

/// A server that can be measured.
pub(crate) trait Peer {
    /// Its name in options, tables and files.
    fn name(&self) -> &'static str;

    /// What else one should know of it, in a few words.
    fn note(&self) -> &'static str;

    /// What is run.
    fn program(&self) -> Program;

    /// The package that it is from, unless it is ours.
    fn package(&self) -> Option<&'static str> {
        match self.program() {
            Program::Debian { package, .. } | Program::Npm { package, .. } => Some(package),
            Program::Edge | Program::Myself => None,
        }
    }

    /// The arguments that make its program tell the version.
    fn version(&self) -> &'static [&'static str];

    /// What it can do.
    fn has(&self) -> &'static [Need];

    /// Whether it takes part in a case.
    fn takes(&self, case: &Case) -> bool {
        case.needs.iter().all(|need| self.has().contains(need))
    }

    /// Writes its settings and tells how it is started, in the foreground.
    fn command(&self, program: &Path, stage: &Stage) -> Result<Command>;

    /// The signal that makes its first process read the settings again.
    fn reload(&self) -> Option<Signal> {
        None
    }
}

/// What ratios are relative to.
pub(crate) const OURS: &str = rimward::PLAIN;
/// The same with filters.
pub(crate) const FILTERED: &str = rimward::FILTERED;

/// All peers, ours first.
pub(crate) fn all() -> Vec<Box<dyn Peer>> {
    vec![
        Box::new(rimward::Rimward::Plain),
        Box::new(rimward::Rimward::Filtered),
        Box::new(rimward::Rimward::Code { fresh: false }),
        Box::new(rimward::Rimward::Code { fresh: true }),
        Box::new(echo::Echo),
        Box::new(nginx::Nginx),
        Box::new(haproxy::Haproxy),
        Box::new(varnish::Varnish),
        Box::new(trafficserver::TrafficServer),
        Box::new(caddy::Caddy),
        Box::new(h2o::H2o),
        Box::new(workerd::Workerd),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases;

    fn takers(case: &str) -> Vec<&'static str> {
        let case = cases::all()
            .into_iter()
            .find(|each| each.name == case)
            .unwrap();
        all()
            .iter()
            .filter(|peer| peer.takes(&case))
            .map(|peer| peer.name())
            .collect()
    }

    #[test]
    fn peers_take_part_in_what_they_can_do() {
        assert_eq!(
            takers("hit-1k"),
            [
                "rimward",
                "echo",
                "nginx",
                "haproxy",
                "varnish",
                "trafficserver"
            ]
        );
        assert_eq!(takers("filters"), ["rimward", "rimward-filters"]);
        assert_eq!(
            takers("code"),
            ["rimward", "rimward-js", "rimward-js-fresh", "workerd"]
        );
        assert!(!takers("range").contains(&"haproxy"));
        assert!(takers("pass").contains(&"caddy") && !takers("pass").contains(&"echo"));
    }
}
