//! Why a tree could not be decoded: data, until somebody puts it into words.

use std::fmt;

use serde::de::{Expected, Unexpected};

use crate::key_path::{KeyPath, Step};

/// Why a tree could not be decoded, and at which value.
#[derive(Debug)]
pub(crate) struct Fault {
    /// The steps to the value, the last one first.
    steps: Vec<Step>,
    /// Whether the key is wrong rather than its value.
    pub(crate) is_key: bool,
    pub(crate) mistake: Mistake,
}

/// What a [`Fault`] is about.
#[derive(Debug)]
pub(crate) enum Mistake {
    /// The type knows no such key.
    UnknownKey { known: &'static [&'static str] },
    /// A table lacks a key that it must have.
    MissingKey { key: &'static str },
    /// One of a few words was expected.
    UnknownWord {
        word: String,
        known: &'static [&'static str],
    },
    /// A value has nothing left, since all of it was taken out: no mistake of its own.
    Emptied,
    /// Anything else, in words.
    Other(String),
}

impl Fault {
    /// The way to the value.
    pub(crate) fn path(&self) -> KeyPath {
        KeyPath(self.steps.iter().rev().cloned().collect())
    }

    pub(super) fn of(mistake: Mistake) -> Self {
        Self {
            steps: Vec::new(),
            is_key: false,
            mistake,
        }
    }

    /// Serde knows dates as tables; the operator doesn't.
    pub(super) fn about_date(mut self, date: &str) -> Self {
        if let Mistake::Other(message) = &mut self.mistake
            && let Some(expected) = message.strip_suffix("found a table")
        {
            *message = format!("{expected}found the date {date}");
        }
        self
    }

    pub(super) fn under(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}", self.path(), self.mistake)
    }
}

impl std::error::Error for Fault {}

impl serde::de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        let message = message.to_string();
        if message.starts_with("data did not match any variant") {
            return Self::of(Mistake::Other(
                "has none of the forms that are allowed here".to_owned(),
            ));
        }
        Self::of(Mistake::Other(message))
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!(
            "expected {}, found {}",
            in_words(expected),
            found(unexpected)
        ))
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(unexpected, expected)
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        Self::custom(format_args!(
            "expected {}, found {length} elements",
            in_words(expected)
        ))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::of(Mistake::UnknownWord {
            word: variant.to_owned(),
            known: expected,
        })
    }

    fn unknown_field(_: &str, expected: &'static [&'static str]) -> Self {
        Self::of(Mistake::UnknownKey { known: expected })
    }

    fn missing_field(field: &'static str) -> Self {
        Self::of(Mistake::MissingKey { key: field })
    }
}

/// Serde's word for a type, in the operator's.
fn in_words(expected: &dyn Expected) -> String {
    let word = expected.to_string();
    let plain = match word.as_str() {
        "a map" | "map" => "a table",
        "a sequence" | "sequence" => "an array",
        "u8" => "an integer from 0 to 255",
        "u16" => "an integer from 0 to 65535",
        "u32" => "an integer from 0 to 4294967295",
        "u64" | "u128" | "usize" => "an integer from 0 up",
        "a nonzero u8" => "an integer from 1 to 255",
        "a nonzero u16" => "an integer from 1 to 65535",
        "a nonzero u32" => "an integer from 1 to 4294967295",
        "a nonzero u64" | "a nonzero u128" | "a nonzero usize" => "an integer from 1 up",
        "i8" => "an integer from -128 to 127",
        "i16" => "an integer from -32768 to 32767",
        "i32" => "an integer from -2147483648 to 2147483647",
        "i64" | "i128" | "isize" => "an integer",
        "f32" | "f64" => "a number",
        "a boolean" => "`true` or `false`",
        "path string" | "a path string" => "a path",
        _ if word.starts_with("struct ") || word.starts_with("internally tagged enum ") => {
            "a table"
        }
        _ if word.starts_with("tuple ") || word.starts_with("an array of length ") => "an array",
        _ => return word,
    };
    plain.to_owned()
}

/// What stands in the file instead.
fn found(unexpected: Unexpected<'_>) -> String {
    match unexpected {
        Unexpected::Bool(truth) => format!("`{truth}`"),
        Unexpected::Unsigned(number) => format!("the integer {number}"),
        Unexpected::Signed(number) => format!("the integer {number}"),
        Unexpected::Float(number) => format!("the number {number}"),
        Unexpected::Str(text) => format!("the string `{}`", shortened(text)),
        Unexpected::Seq => "an array".to_owned(),
        Unexpected::Map | Unexpected::StructVariant => "a table".to_owned(),
        other => other.to_string(),
    }
}

/// At most forty characters of a text, so that a message stays a line.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A list of words as in "`a`, `b` or `c`".
pub(crate) fn any_of(words: &[&str]) -> String {
    match words {
        [] => "nothing".to_owned(),
        [word] => format!("`{word}`"),
        [words @ .., last] => {
            let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            format!("{} or `{last}`", words.join(", "))
        }
    }
}
