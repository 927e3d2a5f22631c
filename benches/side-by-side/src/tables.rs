//! What was measured, as markdown.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::aims;
use crate::cases::Need;
use crate::peers::{self, FILTERED, OURS, Peer};
use crate::results::{CaseResult, PeerResult, Results, Run};

const NOTHING: &str = "—";

/// The whole file: where it was measured, each case, the aims.
pub(crate) fn all(results: &Results) -> String {
    let mut text = head(results);
    for each in &results.cases {
        text.push('\n');
        text.push_str(&case(each, &results.versions));
    }
    text.push('\n');
    text.push_str(&aims(results));
    text
}

fn head(results: &Results) -> String {
    let Results {
        machine,
        date,
        rounds,
        seconds,
        versions,
        ..
    } = results;
    let mut text = format!(
        "{}, {} processors, Linux {}, {}; {date}; the median of {rounds} rounds of {seconds} s.\n\n",
        machine.processor, machine.processors, machine.kernel, machine.system
    );
    for (peer, version) in versions.iter().filter(|(peer, _)| *peer != "echo") {
        line(&mut text, &format!("- {peer}: {version}"));
    }
    text
}

/// A case with a row for each peer that has a cache or took part.
pub(crate) fn case(case: &CaseResult, versions: &BTreeMap<String, String>) -> String {
    let has_idle = case
        .peers
        .iter()
        .flat_map(|peer| &peer.runs)
        .any(|run| run.idle_bytes.is_some());
    let idle = |text: &str| {
        if has_idle {
            text.to_owned()
        } else {
            String::new()
        }
    };
    let mut text = format!("### {} (`{}`)\n\n", case.title, case.name);
    let columns = "| peer | requests/s | CPU µs/request | busy | p50 | p99 | RSS MB | CPU ÷ ours |";
    line(
        &mut text,
        &format!("{columns}{}", idle(" KiB/idle connection |")),
    );
    line(
        &mut text,
        &format!("|---|--:|--:|--:|--:|--:|--:|--:|{}", idle("--:|")),
    );
    let ours = case.peer(OURS).and_then(PeerResult::cpu);
    for name in rows(case, versions) {
        let cells = match case.peer(name) {
            Some(peer) => cells(peer, ours, has_idle),
            None => vec![NOTHING.to_owned(); if has_idle { 8 } else { 7 }],
        };
        line(&mut text, &format!("| {name} | {} |", cells.join(" | ")));
    }
    text.push_str(&faults(case));
    text
}

fn rows<'a>(case: &'a CaseResult, versions: &BTreeMap<String, String>) -> Vec<&'a str> {
    let has_row = |peer: &dyn Peer| {
        case.peer(peer.name()).is_some()
            || is_rival(peer, case) && versions.contains_key(peer.name())
    };
    let peers = peers::all();
    peers
        .iter()
        .filter(|peer| has_row(peer.as_ref()))
        .map(|peer| peer.name())
        .collect()
}

/// Whether it is worth telling that a peer didn't take part: what has a cache could be asked for anything but our filters.
fn is_rival(peer: &dyn Peer, case: &CaseResult) -> bool {
    peer.has().contains(&Need::Cache) && peer.package().is_some() && case.peer(FILTERED).is_none()
}

fn cells(peer: &PeerResult, ours: Option<f64>, has_idle: bool) -> Vec<String> {
    let figure = |figure: fn(&Run) -> Option<f64>, shown: fn(f64) -> String| {
        peer.median(figure)
            .map_or_else(|| NOTHING.to_owned(), shown)
    };
    let ratio = peer
        .cpu()
        .zip(ours)
        .map(|(cpu, ours)| format!("{:.2}", cpu / ours));
    let mut cells = vec![
        figure(|run| Some(run.rate()), |rate| grouped(rate.round() as u64)),
        figure(|run| Some(run.cpu()), significant),
        figure(
            |run| Some(run.busy()),
            |part| format!("{:.0} %", part * 100.0),
        ),
        figure(|run| run.p50, time),
        figure(|run| run.p99, time),
        figure(
            |run| Some(run.memory_bytes as f64),
            |bytes| format!("{:.0}", bytes / 1e6),
        ),
        ratio.unwrap_or_else(|| NOTHING.to_owned()),
    ];
    if has_idle {
        cells.push(figure(
            |run| run.idle_bytes,
            |bytes| format!("{:.1}", bytes / 1024.0),
        ));
    }
    cells
}

/// What went wrong, below the table.
fn faults(case: &CaseResult) -> String {
    let mut text = String::new();
    for peer in &case.peers {
        if let Some(failed) = &peer.failed {
            line(&mut text, &format!("\n{} failed: {failed}", peer.name));
        } else if peer.errors() > 0 {
            let all: u64 = peer.runs.iter().map(|run| run.requests).sum();
            line(
                &mut text,
                &format!(
                    "\n{}: {} errors beside {} requests",
                    peer.name,
                    peer.errors(),
                    grouped(all)
                ),
            );
        }
    }
    text
}

/// The aims, with what was measured.
pub(crate) fn aims(results: &Results) -> String {
    let mut text = String::from("### Aims: CPU for each request, as a ratio\n\n");
    line(
        &mut text,
        "| aim | at most | measured | |\n|---|--:|--:|---|",
    );
    for aim in aims::all() {
        let (measured, met) = match aim.ratio(results) {
            Some(ratio) => (
                format!("{ratio:.2}"),
                if ratio <= aim.most { "met" } else { "not met" },
            ),
            None => (NOTHING.to_owned(), ""),
        };
        line(
            &mut text,
            &format!("| {} | {:.2} | {measured} | {met} |", aim.what, aim.most),
        );
    }
    text
}

fn line(text: &mut String, line: &str) {
    // Writing to a string can't fail.
    writeln!(text, "{line}").ok();
}

/// Three digits that count, as far as there are decimals.
pub(crate) fn significant(figure: f64) -> String {
    let decimals = match figure {
        ..10.0 => 2,
        ..100.0 => 1,
        _ => return grouped(figure.round() as u64),
    };
    format!("{figure:.decimals$}")
}

/// Microseconds, with the unit that fits.
fn time(micros: f64) -> String {
    if micros < 1000.0 {
        format!("{micros:.0} µs")
    } else {
        format!("{} ms", significant(micros / 1000.0))
    }
}

/// A whole number with a comma between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::results;

    #[test]
    fn a_case_has_a_row_for_each_peer() {
        let results = results(
            "hit-1k",
            &[
                ("rimward", &[10.0, 12.0, 11.0]),
                ("nginx", &[22.0]),
                ("haproxy", &[]),
            ],
        );
        let table = case(
            &results.cases[0],
            &BTreeMap::from([("varnish".into(), "7".into())]),
        );
        assert!(
            table.contains("| rimward | 1,000 | 11.0 | 1 % | 150 µs | 2.50 ms | 20 | 1.00 |\n"),
            "{table}"
        );
        assert!(
            table.contains("| nginx | 1,000 | 22.0 | 2 % | 150 µs | 2.50 ms | 20 | 2.00 |\n"),
            "{table}"
        );
        assert!(
            table.contains("| haproxy | — | — | — | — | — | — | — |\n"),
            "{table}"
        );
        assert!(
            table.contains("| varnish | — | — | — | — | — | — | — |\n"),
            "{table}"
        );
        assert!(
            table.contains("haproxy failed: it answers 503\n"),
            "{table}"
        );
    }

    #[test]
    fn aims_are_met_or_not() {
        let results = results(
            "hit-1k",
            &[
                ("rimward", &[10.0]),
                ("nginx", &[20.0]),
                ("haproxy", &[10.0]),
            ],
        );
        let table = aims(&results);
        assert!(
            table.contains("| 1 KiB hit, to nginx | 0.60 | 0.50 | met |"),
            "{table}"
        );
        assert!(
            table.contains("| 1 KiB hit, to HAProxy | 0.80 | 1.00 | not met |"),
            "{table}"
        );
        assert!(
            table.contains("| 1 KiB hit, to Varnish | 0.30 | — |  |"),
            "{table}"
        );
    }

    #[test]
    fn figures_are_short() {
        assert_eq!(
            [1.234, 12.34, 1234.4].map(significant),
            ["1.23", "12.3", "1,234"]
        );
        assert_eq!(
            [7, 1000, 1_234_567].map(grouped),
            ["7", "1,000", "1,234,567"]
        );
        assert_eq!([999.0, 1500.0].map(time), ["999 µs", "1.50 ms"]);
    }
}
