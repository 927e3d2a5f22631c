//! `rimward cache`: what a running edge has stored, for people to read.

use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use http::{Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::Question;
use super::ask::{ask, tell};

/// Objects that `show` asks for: more than the variants of a few keys.
const SHOWN: usize = 1000;

#[derive(Deserialize)]
struct Listing<T> {
    objects: Vec<T>,
    more: bool,
}

#[derive(Deserialize)]
struct Listed {
    key: String,
    tier: String,
    status: u16,
    age: u64,
    ttl: i64,
    size: u64,
    hits: u64,
    variant: Option<String>,
}

#[derive(Deserialize)]
struct Shown {
    #[serde(flatten)]
    listed: Listed,
    fresh_until: String,
    basis: String,
    stale_while_revalidate: u64,
    stale_if_error: u64,
    stale_if_unreachable: u64,
    surrogate_keys: Vec<String>,
    vary: Vec<String>,
    withheld: Vec<String>,
    fields: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct Stats {
    tiers: Vec<Tier>,
    fills: Fills,
}

#[derive(Deserialize)]
struct Tier {
    tier: String,
    keys: u64,
    bytes: u64,
    capacity: u64,
    hits: u64,
    misses: u64,
    evictions: u64,
}

#[derive(Deserialize)]
struct Fills {
    responses: u64,
    bytes: u64,
}

/// Asks the edge that was started with `file`, and prints what it says.
pub(super) fn answer(file: &Path, question: &Question, json: bool) -> Result<ExitCode> {
    let (status, answer) = ask(file, Method::GET, &target(question), String::new())?;
    if json || status != StatusCode::OK {
        return tell((status, answer));
    }
    let table = match question {
        Question::Ls { .. } => list(&serde_json::from_str(&answer).context(UNREADABLE)?),
        Question::Show { .. } => show(&serde_json::from_str(&answer).context(UNREADABLE)?),
        Question::Stats => stats(&serde_json::from_str(&answer).context(UNREADABLE)?),
    };
    tell((status, plain(&table)))
}

const UNREADABLE: &str = "the edge's answer can't be read; is it of another version?";

fn target(question: &Question) -> String {
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    match question {
        Question::Ls { prefix, key, limit } => {
            let mut target = format!("/cache/objects?limit={limit}");
            for (name, value) in [("prefix", prefix), ("key", key)] {
                if let Some(value) = value {
                    target.extend(["&", name, "=", &encode(value)]);
                }
            }
            target
        }
        Question::Show { url } => format!("/cache/object?limit={SHOWN}&url={}", encode(url)),
        Question::Stats => "/cache/stats".to_owned(),
    }
}

fn list(listing: &Listing<Listed>) -> String {
    let rows = listing.objects.iter().map(|object| {
        [
            time(object.age),
            left(object.ttl),
            object.tier.clone(),
            object.hits.to_string(),
            bytes(object.size),
            object.status.to_string(),
            object.key.clone(),
        ]
    });
    let head = ["AGE", "FRESH FOR", "TIER", "HITS", "SIZE", "STATUS", "KEY"];
    let mut text = table(head.map(str::to_owned), rows);
    let count = listing.objects.len();
    text.push_str(&match (count, listing.more) {
        (0, _) => "nothing is stored there\n".to_owned(),
        (_, false) => String::new(),
        (_, true) => format!("and more than these {count}: raise --limit or narrow the prefix\n"),
    });
    text
}

fn show(listing: &Listing<Shown>) -> String {
    if listing.objects.is_empty() {
        return "nothing is stored for that URL\n".to_owned();
    }
    let mut text = String::new();
    for object in &listing.objects {
        // Writing to a string can't fail.
        show_one(object, &mut text).ok();
    }
    if listing.more {
        text.push_str("and more\n");
    }
    text
}

fn show_one(object: &Shown, text: &mut String) -> std::fmt::Result {
    let Listed {
        key,
        tier,
        status,
        age,
        ttl,
        size,
        hits,
        variant,
    } = &object.listed;
    writeln!(text, "{key}")?;
    let mut row = |name: &str, value: &str| writeln!(text, "  {name:<16}{value}");
    row("status", &status.to_string())?;
    row("body", &format!("{}, in {tier}", bytes(*size)))?;
    row("hits", &hits.to_string())?;
    row("age", &time(*age))?;
    row(
        "fresh",
        &format!(
            "{}, until {}, by {}",
            left(*ttl),
            object.fresh_until,
            object.basis
        ),
    )?;
    for (name, seconds) in [
        ("while revalidating", object.stale_while_revalidate),
        ("on errors", object.stale_if_error),
        ("if unreachable", object.stale_if_unreachable),
    ] {
        if seconds > 0 {
            row("stale", &format!("for {} {name}", time(seconds)))?;
        }
    }
    if let Some(variant) = variant {
        row("vary", &format!("{}: {variant}", object.vary.join(", ")))?;
    }
    for (name, values) in [
        ("surrogate keys", &object.surrogate_keys),
        ("withheld", &object.withheld),
    ] {
        if !values.is_empty() {
            row(name, &values.join(", "))?;
        }
    }
    for (name, value) in &object.fields {
        writeln!(text, "    {name}: {value}")?;
    }
    text.push('\n');
    Ok(())
}

fn stats(stats: &Stats) -> String {
    let rows = stats.tiers.iter().map(|tier| {
        [
            tier.tier.clone(),
            tier.keys.to_string(),
            bytes(tier.bytes),
            bytes(tier.capacity),
            tier.hits.to_string(),
            tier.misses.to_string(),
            tier.evictions.to_string(),
        ]
    });
    let head = [
        "TIER",
        "KEYS",
        "SIZE",
        "CAPACITY",
        "HITS",
        "MISSES",
        "EVICTIONS",
    ];
    let Fills {
        responses,
        bytes: held,
    } = stats.fills;
    let table = table(head.map(str::to_owned), rows);
    format!(
        "{table}{responses} responses are on their way in, {}\n",
        bytes(held)
    )
}

/// Columns as wide as their widest cell; the last ends where it ends.
pub(super) fn table<const N: usize>(
    head: [String; N],
    rows: impl Iterator<Item = [String; N]>,
) -> String {
    let rows: Vec<[String; N]> = std::iter::once(head).chain(rows).collect();
    let widths: [usize; N] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or_default()
    });
    let mut text = String::new();
    for row in rows {
        let cells = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        text.extend([line.trim_end(), "\n"]);
    }
    text
}

/// How long it is fresh, or since when no more.
fn left(ttl: i64) -> String {
    let seconds = time(ttl.unsigned_abs());
    if ttl > 0 {
        seconds
    } else {
        format!("stale {seconds}")
    }
}

/// A time in its two largest units.
fn time(seconds: u64) -> String {
    let [days, hours, minutes] = [86_400, 3600, 60].map(|unit| seconds / unit);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m{}s", seconds % 60),
        (0, _, _) => format!("{hours}h{}m", minutes % 60),
        _ => format!("{days}d{}h", hours % 24),
    }
}

pub(super) fn bytes(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut size, mut unit) = (bytes as f64, 0);
    while size >= 1024.0 && unit + 1 < units.len() {
        size /= 1024.0;
        unit += 1;
    }
    match unit {
        0 => format!("{bytes} B"),
        _ => format!("{size:.1} {}", units[unit]),
    }
}

/// Keys and heads come from clients and origins: nothing in them may steer a terminal.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() && letter != '\n' {
            plain.extend(letter.escape_unicode());
        } else {
            plain.push(letter);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_are_short() {
        for (seconds, expected) in [
            (0, "0s"),
            (59, "59s"),
            (61, "1m1s"),
            (3_700, "1h1m"),
            (90_000, "1d1h"),
        ] {
            assert_eq!(time(seconds), expected);
        }
        for (size, expected) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1536, "1.5 KiB"),
            (1 << 40, "1.0 TiB"),
            (u64::MAX, "16777216.0 TiB"),
        ] {
            assert_eq!(bytes(size), expected);
        }
        assert_eq!(
            (left(5), left(0), left(-70)),
            ("5s".into(), "stale 0s".into(), "stale 1m10s".into())
        );
    }

    #[test]
    fn a_table_is_as_wide_as_it_has_to_be_and_steers_no_terminal() {
        let rows = [["1", "long \u{1b}[2J"], ["100", "x"]].map(|row| row.map(str::to_owned));
        let text = table(["A", "B"].map(str::to_owned), rows.into_iter());
        assert_eq!(plain(&text), "A    B\n1    long \\u{1b}[2J\n100  x\n");
    }
}
