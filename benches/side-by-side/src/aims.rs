//! What is aimed at: ratios of processor time for each request, within one measured file.

use crate::peers::{FILTERED, OURS};
use crate::results::Results;

/// A ratio that is to be at most so much.
pub(crate) struct Aim {
    pub(crate) what: &'static str,
    /// The case and the peer that are measured, and those that they are compared with.
    ours: [&'static str; 2],
    theirs: [&'static str; 2],
    pub(crate) most: f64,
}

impl Aim {
    /// What was measured, if it was.
    pub(crate) fn ratio(&self, results: &Results) -> Option<f64> {
        let cost = |[case, peer]: [&str; 2]| results.cpu(case, peer);
        Some(cost(self.ours)? / cost(self.theirs)?)
    }
}

/// All of them.
pub(crate) fn all() -> Vec<Aim> {
    let peer = |what, case, peer, most| Aim {
        what,
        ours: [case, OURS],
        theirs: [case, peer],
        most,
    };
    vec![
        peer("1 KiB hit, to the bare echo", "hit-1k", "echo", 1.25),
        peer("1 KiB hit, to HAProxy", "hit-1k", "haproxy", 0.80),
        peer("1 KiB hit, to nginx", "hit-1k", "nginx", 0.60),
        peer("1 KiB hit, to Varnish", "hit-1k", "varnish", 0.30),
        peer(
            "100 KiB hit, to nginx with sendfile",
            "hit-100k",
            "nginx",
            1.0,
        ),
        peer(
            "1 KiB hit over HTTP/2 with TLS, to nginx",
            "h2-1k",
            "nginx",
            1.0,
        ),
        peer(
            "1 KiB hit over HTTP/2 with TLS, to HAProxy",
            "h2-1k",
            "haproxy",
            1.0,
        ),
        peer("1 KiB miss, to nginx", "miss", "nginx", 1.25),
        Aim {
            what: "1 KiB hit with five filters, to the same without",
            ours: ["filters", FILTERED],
            theirs: ["filters", OURS],
            most: 1.10,
        },
        Aim {
            what: "100,000 hot objects, to one",
            ours: ["hot-100k", OURS],
            theirs: ["hit-1k", OURS],
            most: 1.10,
        },
        Aim {
            what: "JavaScript on a heap that is used again, to workerd",
            ours: ["code", "rimward-js"],
            theirs: ["code", "workerd"],
            most: 0.23,
        },
        Aim {
            what: "JavaScript with a heap for each request, to workerd",
            ours: ["code", "rimward-js-fresh"],
            theirs: ["code", "workerd"],
            most: 2.12,
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::results;
    use crate::{cases, peers};

    #[test]
    fn a_ratio_is_ours_to_theirs() {
        let results = results("hit-1k", &[("rimward", &[8.0]), ("nginx", &[16.0])]);
        let ratios: Vec<Option<f64>> = all().iter().map(|aim| aim.ratio(&results)).collect();
        assert_eq!(ratios.into_iter().flatten().collect::<Vec<_>>(), [0.5]);
    }

    #[test]
    fn aims_name_cases_and_peers_that_there_are() {
        for aim in all() {
            for [case, peer] in [aim.ours, aim.theirs] {
                let case = cases::all()
                    .into_iter()
                    .find(|each| each.name == case)
                    .unwrap();
                let peer = peers::all()
                    .into_iter()
                    .find(|each| each.name() == peer)
                    .unwrap();
                assert!(
                    peer.takes(&case),
                    "{} does not take {}",
                    peer.name(),
                    case.name
                );
            }
        }
    }
}
