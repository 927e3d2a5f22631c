//! Percentages: `25`, `0.5`, `"2%"`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

use super::ValueError;

/// A share from 0 to 100 percent, written as a number or as a string with a `%`, with up to three decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Percent {
    /// In thousandths of a percent, so that shares compare exactly.
    milli: u32,
}

const EXPECTING: &str = "a percentage from 0 to 100 such as `25` or `\"2.5%\"`";

impl Percent {
    /// A whole percentage; `None` over 100.
    pub fn whole(percent: u8) -> Option<Self> {
        (percent <= 100).then(|| Self {
            milli: u32::from(percent) * 1000,
        })
    }

    /// As a fraction from 0 to 1.
    pub fn fraction(self) -> f64 {
        f64::from(self.milli) / 100_000.0
    }

    /// In thousandths of a percent, from 0 to 100,000.
    pub fn milli(self) -> u32 {
        self.milli
    }

    /// As a whole number, if it is one.
    pub fn as_whole(self) -> Option<u8> {
        self.milli
            .is_multiple_of(1000)
            .then(|| u8::try_from(self.milli / 1000).ok())?
    }

    fn of_number(number: f64) -> Option<Self> {
        let milli = (number * 1000.0).round();
        let is_exact = (milli / 1000.0 - number).abs() < 1e-9;
        // The range is checked first, so the cast is exact.
        (is_exact && (0.0..=100_000.0).contains(&milli)).then_some(Self {
            milli: milli as u32,
        })
    }
}

impl FromStr for Percent {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let number = text.strip_suffix('%').map(str::trim_end);
        let is_plain = |number: &&str| {
            number
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.')
        };
        number
            .filter(is_plain)
            .and_then(|number| number.parse().ok())
            .and_then(Self::of_number)
            .ok_or_else(|| ValueError::new(format!("`{text}` is not {EXPECTING}")))
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", f64::from(self.milli) / 1000.0)
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PercentVisitor)
    }
}

struct PercentVisitor;

impl Visitor<'_> for PercentVisitor {
    type Value = Percent;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTING)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Percent, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Percent, E> {
        let percent = u8::try_from(number).ok().and_then(Percent::whole);
        percent.ok_or_else(|| E::custom(format_args!("`{number}` is not {EXPECTING}")))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Percent, E> {
        self.visit_i64(i64::try_from(number).unwrap_or(i64::MAX))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Percent, E> {
        Percent::of_number(number)
            .ok_or_else(|| E::custom(format_args!("`{number}` is not {EXPECTING}")))
    }
}

impl JsonSchema for Percent {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Percent".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "percentage",
            "description": EXPECTING,
            "anyOf": [
                { "type": "number", "minimum": 0, "maximum": 100 },
                { "type": "string", "pattern": "^\\d+(\\.\\d{1,3})? ?%$" },
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Share {
        percent: Percent,
    }

    fn read(value: &str) -> Result<u32, String> {
        let table = format!("percent = {value}").parse().unwrap();
        crate::decode::<Share>(&table)
            .map(|share| share.percent.milli())
            .map_err(|problems| problems[0].message.clone())
    }

    #[test]
    fn percentages_are_read() {
        for (text, milli) in [
            ("0", 0),
            ("25", 25_000),
            ("0.5", 500),
            ("\"2%\"", 2_000),
            ("\"99.999 %\"", 99_999),
            ("100.0", 100_000),
        ] {
            assert_eq!(read(text), Ok(milli), "{text}");
        }
    }

    #[test]
    fn what_is_no_percentage_is_told() {
        for text in [
            "-1", "101", "100.5", "0.0001", "nan", "inf", "\"2\"", "\"-2%\"", "\"101%\"", "\"%\"",
            "\"1e1%\"",
        ] {
            let message = read(text).unwrap_err();
            assert!(
                message.ends_with("is not a percentage from 0 to 100 such as `25` or `\"2.5%\"`"),
                "{text}: {message}"
            );
        }
        assert_eq!(
            read("true").unwrap_err(),
            "expected a percentage from 0 to 100 such as `25` or `\"2.5%\"`, found `true`"
        );
    }

    #[test]
    fn a_share_is_a_fraction() {
        let share: Percent = "2.5%".parse().unwrap();
        assert!((share.fraction() - 0.025).abs() < 1e-12);
        assert_eq!(
            (share.as_whole(), Percent::whole(20).unwrap().as_whole()),
            (None, Some(20))
        );
        assert_eq!(share.to_string(), "2.5%");
    }
}
