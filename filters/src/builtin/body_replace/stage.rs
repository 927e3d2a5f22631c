//! Rules made ready: what is looked for at once, and how far one has to look.

use std::sync::Arc;

use aho_corasick::{AhoCorasick, MatchKind};
use regex::bytes::{Regex, RegexBuilder};

use super::replacement::Replacement;
use crate::filter::BuildError;
use crate::template::Template;

/// The most memory that a compiled regex may take, in bytes.
const MAX_REGEX: usize = 1 << 20;

/// Bytes beside a match that an assertion such as `\b` or `$` looks at: a character of UTF-8.
pub(super) const BESIDE: usize = 4;

/// One thing that is replaced.
pub(super) struct Rule {
    key: String,
    pattern: Pattern,
    replacement: Replacement,
    limit: u32,
}

enum Pattern {
    Literal(String),
    Regex(Regex),
}

/// What is looked for in one pass.
pub(super) struct Stage {
    pub(super) finder: Finder,
    pub(super) reach: Reach,
    pub(super) replacements: Vec<Replacement>,
    /// How often each may be done in one body.
    pub(super) limits: Vec<u32>,
}

pub(super) enum Finder {
    Literals(AhoCorasick),
    Regex(Regex),
}

/// How far one has to look to be certain of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// A match and what is beside it is never longer.
    Exact(usize),
    /// A match may be of any length; those that are longer are left as they are.
    Capped(usize),
}

/// What can be looked at.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct View {
    /// Where it ends.
    pub(super) end: usize,
    /// Matches that begin before this are certain, and so is that there is none.
    pub(super) certain: usize,
}

impl Reach {
    /// What can be looked at from `at` on when `held` bytes are there; `None` when more have to come. Where a body was cut into
    /// pieces must not change what is found in it, so that what has no bound is looked at in windows of one size.
    pub(super) fn view(self, at: usize, held: usize, is_end: bool) -> Option<View> {
        let view = match self {
            Self::Capped(most) if held - at >= 2 * most => View {
                end: at + 2 * most,
                certain: at + most,
            },
            _ if is_end => View {
                end: held,
                certain: held,
            },
            Self::Exact(most) => View {
                end: held,
                certain: (held + 1).saturating_sub(most),
            },
            Self::Capped(_) => return None,
        };
        (view.certain > at).then_some(view)
    }

    /// Whether a match of this length counts as one.
    pub(super) fn allows(self, length: usize) -> bool {
        match self {
            Self::Exact(_) => true,
            Self::Capped(most) => length <= most,
        }
    }
}

impl Rule {
    pub(super) fn new(
        key: &str,
        looked_for: (Option<String>, Option<String>),
        replace: &Template,
        limit: u32,
    ) -> Result<Self, BuildError> {
        let (pattern, replacement) = match looked_for {
            (Some(literal), None) if literal.is_empty() => {
                let key = format!("{key}.literal");
                return Err(BuildError::at(
                    key,
                    "it is empty: give the text to look for",
                ));
            }
            (Some(literal), None) => (Pattern::Literal(literal), Replacement::of_literal(replace)),
            (None, Some(regex)) => {
                let regex =
                    compile(&regex).map_err(|told| BuildError::at(format!("{key}.regex"), told))?;
                let replacement = Replacement::of_regex(replace, &regex)
                    .map_err(|told| BuildError::at(format!("{key}.replace"), told))?;
                (Pattern::Regex(regex), replacement)
            }
            _ => {
                return Err(BuildError::at(
                    key,
                    "a rule looks for one thing: `literal` or `regex`",
                ));
            }
        };
        Ok(Self {
            key: key.to_owned(),
            pattern,
            replacement,
            limit,
        })
    }
}

fn compile(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern)
        .size_limit(MAX_REGEX)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => {
                format!("`{pattern}` takes more than a MiB of memory: repeat less in it")
            }
            error => error.to_string(),
        })
}

/// The passes that rules take: literals side by side are one.
pub(super) fn stages(rules: Vec<Rule>, max_match: usize) -> Result<Vec<Arc<Stage>>, BuildError> {
    let mut stages = Vec::new();
    let mut literals = Vec::new();
    for rule in rules {
        match rule.pattern {
            Pattern::Literal(literal) => {
                literals.push((rule.key, literal, rule.replacement, rule.limit))
            }
            Pattern::Regex(regex) => {
                stages.extend(literal_stage(&mut literals)?);
                let reach = reach_of(&regex, max_match)
                    .map_err(|told| BuildError::at(format!("{}.regex", rule.key), told))?;
                stages.push(Arc::new(Stage {
                    finder: Finder::Regex(regex),
                    reach,
                    replacements: vec![rule.replacement],
                    limits: vec![rule.limit],
                }));
            }
        }
    }
    stages.extend(literal_stage(&mut literals)?);
    Ok(stages)
}

fn literal_stage(
    rules: &mut Vec<(String, String, Replacement, u32)>,
) -> Result<Option<Arc<Stage>>, BuildError> {
    let Some((key, ..)) = rules.first() else {
        return Ok(None);
    };
    let longest = rules.iter().map(|(_, literal, ..)| literal.len()).max();
    let finder = AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .build(rules.iter().map(|(_, literal, ..)| literal))
        .map_err(|error| BuildError::at(format!("{key}.literal"), error.to_string()))?;
    let (replacements, limits) = rules
        .drain(..)
        .map(|(_, _, replacement, limit)| (replacement, limit))
        .unzip();
    Ok(Some(Arc::new(Stage {
        finder: Finder::Literals(finder),
        reach: Reach::Exact(longest.unwrap_or(1)),
        replacements,
        limits,
    })))
}

/// How long matches of a regex can be.
fn reach_of(regex: &Regex, max_match: usize) -> Result<Reach, String> {
    let mut parser = regex_syntax::ParserBuilder::new().utf8(false).build();
    let parsed = parser
        .parse(regex.as_str())
        .map_err(|error| error.to_string())?;
    let lengths = parsed.properties();
    if lengths.minimum_len() == Some(0) {
        return Err(format!(
            "`{regex}` matches where nothing is: let it match at least one character"
        ));
    }
    match lengths.maximum_len() {
        Some(most) if most <= max_match => Ok(Reach::Exact(most + BESIDE)),
        Some(most) => Err(format!(
            "`{regex}` can match {most} bytes: raise `max_match`, or repeat less in it"
        )),
        None => Ok(Reach::Capped(max_match)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_to_look_follows_from_the_regex() {
        for (pattern, expected) in [
            ("abc", Ok(Reach::Exact(7))),
            (r"\d{1,3}(?-u:\d)", Ok(Reach::Exact(17))),
            ("a|bcd", Ok(Reach::Exact(7))),
            ("<.*?>", Ok(Reach::Capped(2048))),
            ("a*", Err("matches where nothing is")),
            (r"\b", Err("matches where nothing is")),
            ("a{3000}", Err("can match 3000 bytes")),
        ] {
            match (reach_of(&compile(pattern).unwrap(), 2048), expected) {
                (Ok(reach), Ok(expected)) => assert_eq!(reach, expected, "{pattern}"),
                (Err(told), Err(expected)) => assert!(told.contains(expected), "{told}"),
                (reach, _) => panic!("{pattern}: {reach:?}"),
            }
        }
    }

    #[test]
    fn what_may_still_become_a_match_is_held_back() {
        let view = |end, certain| Some(View { end, certain });
        for (reach, at, held, is_end, expected) in [
            (Reach::Exact(3), 0, 2, false, None),
            (Reach::Exact(3), 0, 3, false, view(3, 1)),
            (Reach::Exact(3), 4, 10, false, view(10, 8)),
            (Reach::Exact(3), 8, 10, false, None),
            (Reach::Exact(3), 8, 10, true, view(10, 10)),
            (Reach::Exact(3), 10, 10, true, None),
            (Reach::Capped(4), 2, 9, false, None),
            (Reach::Capped(4), 2, 10, false, view(10, 6)),
            (Reach::Capped(4), 2, 30, true, view(10, 6)),
            (Reach::Capped(4), 26, 30, true, view(30, 30)),
        ] {
            assert_eq!(
                reach.view(at, held, is_end),
                expected,
                "{reach:?} {at} {held}"
            );
        }
    }
}
