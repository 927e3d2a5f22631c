//! What TOML's parser says, in sentences.

use std::ops::Range;

use toml::de::Error;

use crate::problem::Problem;
use crate::source::Text;

/// The mistakes of a text that is not TOML.
pub(super) struct Broken {
    /// One a line: later ones on a line mostly follow from the first.
    pub(super) problems: Vec<Problem>,
    /// Whether each spoils its own line and no other, so that the rest of the file means what it says.
    pub(super) is_local: bool,
}

pub(super) fn broken(text: &Text, errors: &[Error]) -> Broken {
    let mut broken = Broken {
        problems: Vec::new(),
        is_local: true,
    };
    let mut errors: Vec<&Error> = errors.iter().collect();
    errors.sort_by_key(|error| error.span().map(|span| span.start));
    for error in errors {
        let span = whole_value(&text.content, error.message(), error.span().unwrap_or(0..0));
        let location = text.location(span.clone());
        let is_new = |problem: &Problem| {
            problem
                .location
                .as_ref()
                .is_none_or(|other| other.line != location.line)
        };
        if !broken.problems.iter().all(is_new) {
            continue;
        }
        let extent = Extent::of(error.message(), &location.source);
        let told = sentence(
            error.message(),
            &extent,
            text.content.get(span).unwrap_or_default(),
        );
        broken.problems.push(told.at(Some(location)));
        match extent {
            Extent::Line => {}
            Extent::Header => broken.is_local = false,
            // All that the parser says from here on follows from this.
            Extent::Rest | Extent::Before => {
                broken.is_local = false;
                break;
            }
        }
    }
    broken
}

/// How much of the file a mistake spoils.
enum Extent {
    /// Its own line.
    Line,
    /// The keys below a broken header, which go to another table.
    Header,
    /// All that follows: brackets and long strings that do not end take it with them.
    Rest,
    /// All that follows an array or a table which began on an earlier line and has no end.
    Before,
}

impl Extent {
    fn of(message: &str, line: &str) -> Self {
        let is_header = line.trim_start().starts_with('[');
        let takes_more = ["unclosed", "key with no value"]
            .iter()
            .any(|start| message.starts_with(start));
        match message {
            "duplicate key" => Self::Line,
            _ if message.starts_with("missing comma") && (is_header || line.contains('=')) => {
                Self::Before
            }
            _ if is_header => Self::Header,
            _ if takes_more || message.contains("multi-line") => Self::Rest,
            _ => Self::Line,
        }
    }
}

/// The place of a value that lacks quotes: the parser may point at a part of it, or take a comment for one.
fn whole_value(text: &str, message: &str, span: Range<usize>) -> Range<usize> {
    let lacks_quotes = [
        "string values must be quoted",
        "invalid boolean",
        "invalid float",
    ];
    if !lacks_quotes.iter().any(|start| message.starts_with(start)) {
        return span;
    }
    let is_outside = |char: char| char.is_whitespace() || "=,[]{}#".contains(char);
    let before = text.get(..span.start).unwrap_or_default();
    let start = before.rfind(is_outside).map_or(0, |outside| outside + 1);
    let written = text.get(span.clone()).unwrap_or_default();
    let written = written
        .split(['#', '\n'])
        .next()
        .unwrap_or_default()
        .trim_end();
    start..span.start + written.len()
}

fn sentence(message: &str, extent: &Extent, value: &str) -> Problem {
    let (what, expected) = message.split_once(", expected ").unwrap_or((message, ""));
    let word = value.to_ascii_lowercase();
    let told = match what {
        "duplicate key" => {
            return Problem::new("", format!("`{value}` is given twice"))
                .with_help("leave one out");
        }
        _ if matches!(extent, Extent::Before) => {
            "an array or a table above has no end: a `]` or `}` is missing".to_owned()
        }
        "string values must be quoted" if value.is_empty() => {
            "a value is missing behind the `=`".to_owned()
        }
        "string values must be quoted" if ["true", "yes", "on"].contains(&word.as_str()) => {
            format!("`{value}` is not a value: write `true`")
        }
        "string values must be quoted" if ["false", "no", "off"].contains(&word.as_str()) => {
            format!("`{value}` is not a value: write `false`")
        }
        "string values must be quoted" | "invalid boolean" | "invalid float" => {
            format!("`{value}` must be quoted: write `\"{value}\"`")
        }
        "key with no value" => "a key must be followed by `=` and a value".to_owned(),
        "invalid literal string" if expected == "`'`" => {
            "the string has no end: a `'` is missing".to_owned()
        }
        "invalid basic string" if expected == "`\"`" => {
            "the string has no end: a `\"` is missing".to_owned()
        }
        "unclosed array" => "the array has no end: a `]` is missing".to_owned(),
        "unclosed inline table" => "the table has no end: a `}` is missing".to_owned(),
        "unclosed table" | "unclosed array of tables" => {
            format!("the header has no end: {expected} is missing")
        }
        _ if matches!(expected, "" | "nothing") => format!("not TOML: {what}"),
        _ => format!("not TOML: {what}: expected {expected}"),
    };
    Problem::new("", told)
}
