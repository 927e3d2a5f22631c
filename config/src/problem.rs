//! What is wrong with a configuration, shown as a compiler would.

use std::fmt;
use std::path::PathBuf;

use crate::decode::nearest;

/// One mistake of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The way to the value, such as `site[0].route[2].path`; empty for a file as a whole.
    pub key: String,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What would have been right, when the message alone doesn't tell.
    pub help: Option<String>,
    /// Where it is, when it is in a file.
    pub location: Option<Location>,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The file as it was named.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The whole line, without its end.
    pub source: String,
    /// How many characters of the line are meant, at least 1.
    pub width: usize,
}

/// Every mistake of a configuration, in the order of its files and lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problem {
    /// A problem without a place.
    pub fn new(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            message: message.into(),
            help: None,
            location: None,
        }
    }

    /// The same problem with a word on what would have been right.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same problem, asking whether one of `known` was meant by `word`, or else listing them.
    #[must_use]
    pub fn suggest<'a>(self, word: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let mut known: Vec<&str> = known.into_iter().collect();
        known.sort_unstable();
        match (nearest(word, known.iter().copied()), known.as_slice()) {
            (Some(meant), _) => self.with_help(format!("did you mean `{meant}`?")),
            (None, []) => self,
            (None, [only]) => self.with_help(format!("there is only `{only}`")),
            (None, known @ [.., last]) => {
                let others: Vec<String> = known[..known.len() - 1]
                    .iter()
                    .map(|word| format!("`{word}`"))
                    .collect();
                self.with_help(format!("there are {} and `{last}`", others.join(", ")))
            }
        }
    }

    /// The same problem at a place.
    #[must_use]
    pub(crate) fn at(mut self, location: Option<Location>) -> Self {
        self.location = location;
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Location {
            file, line, column, ..
        }) = &self.location
        {
            write!(f, "{}:{line}:{column}: ", file.display())?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)?;
        let gutter = self
            .location
            .as_ref()
            .map_or(0, |location| location.line.to_string().len());
        if let Some(location) = &self.location {
            location.draw(f, gutter)?;
        }
        match &self.help {
            Some(help) => write!(f, "\n{:gutter$} = help: {help}", ""),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Problem {}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, problem) in self.0.iter().enumerate() {
            let gap = if position == 0 { "" } else { "\n\n" };
            write!(f, "{gap}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// A longer line is shown from a little before the place to a little behind it.
const SHOWN: usize = 160;
const SHOWN_BEFORE: usize = 60;

impl Location {
    /// The line with carets under what is meant.
    fn draw(&self, f: &mut fmt::Formatter<'_>, gutter: usize) -> fmt::Result {
        let Self {
            line,
            column,
            source,
            width,
            ..
        } = self;
        let start = column.saturating_sub(1);
        let is_long = source.chars().nth(SHOWN).is_some();
        let skipped = if is_long {
            start.saturating_sub(SHOWN_BEFORE)
        } else {
            0
        };
        let shown: String = source
            .chars()
            .skip(skipped)
            .take(SHOWN)
            .map(printable)
            .collect();
        let lead = if skipped > 0 { "…" } else { "" };
        let trail = if is_long && source.chars().nth(skipped + SHOWN).is_some() {
            "…"
        } else {
            ""
        };
        // Tabs stay tabs, so that the carets stand under what they mean at any tab width.
        let indent: String = shown
            .chars()
            .chain(std::iter::repeat(' '))
            .take(start - skipped)
            .map(|char| if char == '\t' { '\t' } else { ' ' })
            .collect();
        let carets = "^".repeat((*width).clamp(1, SHOWN));
        write!(f, "\n{:gutter$} |\n{line} | {lead}{shown}{trail}", "")?;
        let lead = if skipped > 0 { " " } else { "" };
        write!(f, "\n{:gutter$} | {lead}{indent}{carets}", "")
    }
}

/// Nothing in a file may steer the terminal it is shown on.
fn printable(char: char) -> char {
    if char.is_control() && char != '\t' {
        '\u{fffd}'
    } else {
        char
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(source: &str, column: usize, width: usize) -> Location {
        Location {
            file: "pop.toml".into(),
            line: 14,
            column,
            source: source.into(),
            width,
        }
    }

    #[test]
    fn a_problem_is_drawn_with_its_line_and_help() {
        let problem = Problem::new("site[0].hots", "unknown key")
            .with_help("did you mean `hosts`?")
            .at(Some(location("  hots = []", 3, 4)));
        assert_eq!(
            problem.to_string(),
            "pop.toml:14:3: site[0].hots: unknown key\n   |\n14 |   hots = []\n   |   ^^^^\n   = help: did you mean `hosts`?"
        );
    }

    #[test]
    fn a_word_is_suggested() {
        let help = |word: &str, known: &[&str]| {
            Problem::new("", "")
                .suggest(word, known.iter().copied())
                .help
        };
        assert_eq!(
            help("reqrite", &["headers", "rewrite"]).unwrap(),
            "did you mean `rewrite`?"
        );
        assert_eq!(
            help("x", &["c", "rewrite", "headers"]).unwrap(),
            "there are `c`, `headers` and `rewrite`"
        );
        assert_eq!(
            help("wasm", &["rewrite", "headers", "cors"]).unwrap(),
            "there are `cors`, `headers` and `rewrite`"
        );
        assert_eq!(
            (help("wasm", &["cors"]).unwrap().as_str(), help("wasm", &[])),
            ("there is only `cors`", None)
        );
    }

    #[test]
    fn a_problem_without_a_place_is_a_sentence() {
        assert_eq!(Problem::new("to", "missing").to_string(), "to: missing");
        assert_eq!(
            Problem::new("", "missing").with_help("add it").to_string(),
            "missing\n = help: add it"
        );
    }

    #[test]
    fn carets_stand_behind_the_same_tabs() {
        let drawn = Problem::new("", "x")
            .at(Some(location("\ta = \u{1b}[1m", 6, 2)))
            .to_string();
        assert_eq!(
            drawn,
            "pop.toml:14:6: x\n   |\n14 | \ta = \u{fffd}[1m\n   | \t    ^^"
        );
    }

    #[test]
    fn a_long_line_is_shown_in_part() {
        let source = format!("{}bad{}", "a".repeat(1000), "b".repeat(1000));
        let drawn = Problem::new("", "x")
            .at(Some(location(&source, 1001, 3)))
            .to_string();
        let lines: Vec<&str> = drawn.lines().collect();
        assert!(lines[2].chars().count() < 180, "{drawn}");
        let caret = lines[3].find('^').unwrap();
        assert_eq!(
            lines[2].chars().skip(caret).take(3).collect::<String>(),
            "bad"
        );
    }

    #[test]
    fn problems_are_told_apart_by_an_empty_line() {
        let problems = Problems(vec![Problem::new("a", "x"), Problem::new("b", "y")]);
        assert_eq!(problems.to_string(), "a: x\n\nb: y");
    }
}
