//! Names of origins, shields, secrets and filters, and what was meant when one is not there.

use std::collections::HashMap;

use crate::decode::nearest;
use crate::load::Loaded;
use crate::problem::Problem;
use crate::source::Source;

use super::Scope;

/// The names of one kind of section in all files, in order, each with the place of its table.
pub(crate) struct Names {
    /// What they are names of: `filter`, `kv`, `origin`, `secret` or `shield`.
    section: &'static str,
    sorted: Vec<(String, Source)>,
    index: HashMap<String, usize>,
    is_whole: bool,
}

impl Names {
    /// Collects names, also of sections that could not be decoded: they are there.
    pub(crate) fn collect(
        files: &[Loaded],
        section: &'static str,
        is_whole: bool,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut sorted: Vec<(String, Source)> = Vec::new();
        for file in files {
            let table = file.source.key(section);
            let named = table.node().into_iter().flat_map(|node| node.keys());
            sorted.extend(named.map(|name| (name.to_owned(), table.key(name))));
        }
        // Stable, so that the first file that has a name stays first.
        sorted.sort_by(|(one, _), (two, _)| one.cmp(two));
        sorted.dedup_by(|(name, source), (first_name, first)| {
            let is_twice = name == first_name;
            if is_twice {
                let message = format!(
                    "the {} `{name}` is given twice: first at {}",
                    noun(section),
                    first.place()
                );
                problems.push(source.key_problem("", message));
            }
            is_twice
        });
        for (name, source) in &sorted {
            if !is_plain(name) {
                let message = format!(
                    "`{name}` can't be the name of {}: letters, digits, `-`, `_` and `.`",
                    article(section)
                );
                problems.push(source.key_problem("", message));
            }
        }
        let index = sorted
            .iter()
            .enumerate()
            .map(|(index, (name, _))| (name.clone(), index))
            .collect();
        Self {
            section,
            sorted,
            index,
            is_whole,
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &(String, Source)> {
        self.sorted.iter()
    }

    /// The index of a name; tells when there is none.
    pub(crate) fn find(&self, name: &str, key: &str, scope: &mut Scope<'_>) -> Option<usize> {
        let found = self.index.get(name).copied();
        if found.is_none() && self.is_whole {
            let section = self.section;
            let message = format!("there is no {section} `{name}`");
            let names: Vec<&str> = self.sorted.iter().map(|(name, _)| name.as_str()).collect();
            let help = match nearest(name, names.iter().copied()) {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None if names.is_empty() => format!(
                    "add a section `[{section}.{}]`",
                    if is_plain(name) { name } else { "NAME" }
                ),
                None if names.len() <= 8 => format!(
                    "there are {}",
                    crate::tree::any_of(&names).replace(" or ", " and ")
                ),
                None => format!("there are {} {section}s, none of them alike", names.len()),
            };
            scope.tell_with_help(key, message, help);
        }
        found
    }
}

fn article(section: &str) -> String {
    let noun = noun(section);
    let an = if noun.starts_with('o') { "an" } else { "a" };
    format!("{an} {noun}")
}

/// What stands in a section.
fn noun(section: &str) -> &str {
    match section {
        "kv" => "store",
        other => other,
    }
}

/// Names go into logs and metrics, and a filter's `use` may look alike.
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 100
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}
