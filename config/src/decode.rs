//! From a tree to a type, with every mistake told.

use std::ops::Range;

use serde::de::DeserializeOwned;

use crate::key_path::{KeyPath, Step};
use crate::problem::Problem;
use crate::tree::{Fault, Mistake, Node, Part, any_of};

/// Decodes the settings of a filter, and tells every mistake at once.
///
/// # Errors
/// With a problem for each mistake. Its `key` starts at `table`; it has no location, which
/// [`FilterSpec::place`](crate::FilterSpec::place) gives it.
pub fn decode<T: DeserializeOwned>(table: &toml::Table) -> Result<T, Vec<Problem>> {
    let mut root = Node::of_table(table);
    let mut problems = Vec::new();
    let value = decode_tree(&mut root, |problem, _| problems.push(problem));
    match value {
        Some(value) if problems.is_empty() => Ok(value),
        _ => Err(problems),
    }
}

/// So many problems are told at most: more help nobody.
pub(crate) const MOST_PROBLEMS: usize = 100;

/// Decodes what can be decoded. Whatever can't is told with its place and taken out of the tree.
pub(crate) fn decode_tree<T: DeserializeOwned>(
    root: &mut Node,
    mut tell: impl FnMut(Problem, Option<Range<usize>>),
) -> Option<T> {
    let mut told = 0;
    loop {
        let fault = match T::deserialize(&*root) {
            Ok(value) => return Some(value),
            Err(fault) => fault,
        };
        let path = fault.path();
        let meant = probably_meant(&path, &fault);
        if !follows_from_another(root, &path, &fault) {
            let part = if fault.is_key { Part::Key } else { Part::Value };
            let found = root.find(&path);
            tell(
                in_words(found.path.to_string(), &path, &fault, meant),
                found.span(part),
            );
            told += 1;
        }
        if path.0.is_empty() || told == MOST_PROBLEMS || !root.take(&path, meant) {
            return None;
        }
    }
}

/// Whether something is only missing because it was taken out.
fn follows_from_another(root: &Node, path: &KeyPath, fault: &Fault) -> bool {
    match fault.mistake {
        Mistake::MissingKey { key } => root.get(path).is_some_and(|table| table.misses(key)),
        Mistake::Emptied => true,
        _ => false,
    }
}

/// The known key that an unknown one probably stands for.
fn probably_meant(path: &KeyPath, fault: &Fault) -> Option<&'static str> {
    match (&fault.mistake, path.0.last()) {
        (Mistake::UnknownKey { known }, Some(Step::Key(name)))
            if !LATER.contains(&name.as_str()) =>
        {
            nearest(name, known.iter().copied()).or_else(|| synonym(name, known))
        }
        _ => None,
    }
}

fn in_words(key: String, path: &KeyPath, fault: &Fault, meant: Option<&str>) -> Problem {
    match &fault.mistake {
        Mistake::UnknownKey { known } => unknown_key(key, path, known, meant),
        Mistake::MissingKey { key: missing } => {
            Problem::new(key, format!("the key `{missing}` is missing"))
        }
        Mistake::UnknownWord { word, known } => {
            let problem = Problem::new(key, format!("`{word}` is not one of {}", any_of(known)));
            match nearest(word, known.iter().copied()) {
                Some(word) => problem.with_help(format!("did you mean `{word}`?")),
                None => problem,
            }
        }
        Mistake::Emptied => Problem::new(key, "nothing is left"),
        Mistake::Other(message) => Problem::new(key, message),
    }
}

fn unknown_key(key: String, path: &KeyPath, known: &[&str], meant: Option<&str>) -> Problem {
    let name = match path.0.last() {
        Some(Step::Key(name)) => name.as_str(),
        _ => "",
    };
    if LATER.contains(&name) {
        return Problem::new(
            key,
            format!("`{name}` is not known to this version of Rimward"),
        );
    }
    let problem = Problem::new(key, format!("unknown key `{name}`"));
    match (meant, known) {
        (Some(meant), _) => problem.with_help(format!("did you mean `{meant}`?")),
        (None, []) => problem.with_help("no key is known here"),
        (None, [only]) => problem.with_help(format!("the only key here is `{only}`")),
        (None, _) => {
            let mut known = known.to_vec();
            known.sort_unstable();
            problem.with_help(format!(
                "known here are {}",
                any_of(&known).replace(" or ", " and ")
            ))
        }
    }
}

/// Keys that the configuration language keeps for later versions.
const LATER: &[&str] = &[
    "acme",
    "asn_database",
    "cluster",
    "disk",
    "http3",
    "rollout",
    "wasm",
];

/// Words of other programs and ours for them.
const SYNONYMS: &[(&str, &str)] = &[
    ("backend", "origin"),
    ("backends", "servers"),
    ("bind", "listen"),
    ("cert", "certificates"),
    ("certs", "certificates"),
    ("domain", "host"),
    ("domains", "hosts"),
    ("listener", "listen"),
    ("location", "route"),
    ("middleware", "filters"),
    ("plugin", "filter"),
    ("plugins", "filters"),
    ("root", "directory"),
    ("server", "site"),
    ("server_name", "hosts"),
    ("timeout", "timeouts"),
    ("upstream", "origin"),
    ("upstreams", "servers"),
    ("vhost", "site"),
];

/// The known key that stands for what another program calls `word`.
fn synonym(word: &str, known: &[&'static str]) -> Option<&'static str> {
    let ours = SYNONYMS
        .iter()
        .find(|(theirs, _)| *theirs == word)
        .map(|(_, ours)| *ours)?;
    known.contains(&ours).then_some(ours)
}

/// The known word that was probably meant.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_ascii_lowercase();
    known
        .into_iter()
        .map(|known| {
            (
                strsim::damerau_levenshtein(&word, &known.to_ascii_lowercase()),
                known,
            )
        })
        .filter(|(distance, known)| {
            let shorter = known.len().min(word.len());
            *distance <= 1 + shorter / 4 && *distance < shorter.max(1)
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}
