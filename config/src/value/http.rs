//! Words of HTTP: statuses, header names, methods; and countries.

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Text, ValueError, text_value};

/// A status, from 100 to 599.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatusCode(pub u16);

/// A status of a failure, from 400 to 599; also as a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ErrorStatus(pub(crate) u16);

/// A header's name, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HeaderName(String);

/// A method, in upper case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Method(String);

/// A country's ISO 3166 code of two letters, in upper case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country(String);

impl StatusCode {
    const RANGE: RangeInclusive<u16> = 100..=599;
    const EXPECTING: &'static str = "a status from 100 to 599 such as `404`";
}

impl ErrorStatus {
    const RANGE: RangeInclusive<u16> = 400..=599;
    const EXPECTING: &'static str = "a status from 400 to 599 such as `502`";
}

/// Decodes a status from an integer, or from a string of digits as keys are.
struct StatusVisitor {
    range: RangeInclusive<u16>,
    expecting: &'static str,
}

impl Visitor<'_> for StatusVisitor {
    type Value = u16;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expecting)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<u16, E> {
        let status = u16::try_from(number)
            .ok()
            .filter(|status| self.range.contains(status));
        status.ok_or_else(|| E::custom(format_args!("`{number}` is not {}", self.expecting)))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<u16, E> {
        self.visit_i64(i64::try_from(number).unwrap_or(i64::MAX))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<u16, E> {
        let digits = text
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| text.parse::<u16>().ok())
            .flatten();
        let status = digits.filter(|status| self.range.contains(status));
        status.ok_or_else(|| E::custom(format_args!("`{text}` is not {}", self.expecting)))
    }
}

macro_rules! status {
    ($name:ident, $pattern:literal) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let visitor = StatusVisitor { range: Self::RANGE, expecting: Self::EXPECTING };
                deserializer.deserialize_any(visitor).map(Self)
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "description": Self::EXPECTING,
                    "anyOf": [
                        { "type": "integer", "minimum": Self::RANGE.start(), "maximum": Self::RANGE.end() },
                        { "type": "string", "pattern": $pattern },
                    ],
                })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

status!(StatusCode, "^[1-5][0-9][0-9]$");
status!(ErrorStatus, "^[45][0-9][0-9]$");

impl HeaderName {
    /// The name in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Text for HeaderName {
    const EXPECTING: &'static str = "a header name such as `x-user-id`";
    const PATTERN: &'static str = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$";
}

text_value!(HeaderName);

impl FromStr for HeaderName {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        if is_token(text) {
            return Ok(Self(text.to_ascii_lowercase()));
        }
        let name = text.trim().trim_end_matches(':');
        Err(ValueError::new(match is_token(name) {
            true => format!("`{text}` is not a header name: write `{name}`"),
            false => format!(
                "`{text}` is not a header name: expected letters, digits and `-`, such as `x-user-id`"
            ),
        }))
    }
}

/// Whether a text is a token of RFC 9110, section 5.6.2.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

impl Method {
    /// The method in upper case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Text for Method {
    const EXPECTING: &'static str = "a method such as `GET`";
    const PATTERN: &'static str = "^[!#$%&'*+.^_`|~0-9A-Z-]+$";
}

text_value!(Method);

impl FromStr for Method {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text {
            _ if !is_token(text) => Err(ValueError::new(format!(
                "`{text}` is not a method: expected a word such as `GET`"
            ))),
            // Methods are case-sensitive, and `get` is never meant.
            _ if text.bytes().any(|byte| byte.is_ascii_lowercase()) => {
                Err(ValueError::new(format!(
                    "`{text}` is not a method: write `{}`",
                    text.to_ascii_uppercase()
                )))
            }
            "CONNECT" | "TRACE" => Err(ValueError::new(format!(
                "`{text}` is a method that is never served"
            ))),
            _ => Ok(Self(text.to_owned())),
        }
    }
}

impl Country {
    /// The code in upper case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Text for Country {
    const EXPECTING: &'static str = "a country's code of two letters such as `DE`";
    const PATTERN: &'static str = "^[A-Za-z]{2}$";
}

text_value!(Country);

impl FromStr for Country {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            true => Ok(Self(text.to_ascii_uppercase())),
            false => Err(ValueError::new(format!(
                "`{text}` is not a country's code: expected two letters such as `DE`"
            ))),
        }
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told<T: FromStr<Err = ValueError> + fmt::Debug>(text: &str) -> String {
        text.parse::<T>().unwrap_err().to_string()
    }

    #[test]
    fn names_are_normalised() {
        assert_eq!(
            "X-User-Id".parse::<HeaderName>().unwrap().as_str(),
            "x-user-id"
        );
        assert_eq!("PROPFIND".parse::<Method>().unwrap().as_str(), "PROPFIND");
        assert_eq!("de".parse::<Country>().unwrap().as_str(), "DE");
    }

    #[test]
    fn what_is_no_name_is_told() {
        assert_eq!(
            told::<HeaderName>("X-A:"),
            "`X-A:` is not a header name: write `X-A`"
        );
        assert!(told::<HeaderName>("x a").contains("expected letters, digits and `-`"));
        assert!(told::<HeaderName>("").contains("expected letters, digits and `-`"));
        assert_eq!(told::<Method>("get"), "`get` is not a method: write `GET`");
        assert!(told::<Method>("GE T").contains("expected a word such as `GET`"));
        assert_eq!(
            told::<Method>("TRACE"),
            "`TRACE` is a method that is never served"
        );
        assert!(told::<Country>("DEU").contains("expected two letters"));
    }
}
