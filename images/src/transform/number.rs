//! Numbers as options have them: bounded, and exact, so that equal ones are written alike.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is wrong with a value, in words that say what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Wrong(pub(crate) String);

impl Wrong {
    /// `text` is not `expected`.
    pub(crate) fn not(text: &str, expected: &str) -> Self {
        let shown: String = text.chars().take(40).collect();
        Self(format!("`{}` is not {expected}", shown.escape_debug()))
    }
}

/// A number with three decimals, as thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Thousandths(u32);

impl Thousandths {
    /// 1.0.
    pub const ONE: Self = Self(1000);

    /// So many thousandths.
    pub const fn new(thousandths: u32) -> Self {
        Self(thousandths)
    }

    /// The number of thousandths.
    pub const fn thousandths(self) -> u32 {
        self.0
    }

    /// The number itself.
    pub fn get(self) -> f64 {
        f64::from(self.0) / 1000.0
    }

    /// Reads `12`, `1.25` or `.5` up to `most`; further decimals are rounded.
    pub(crate) fn read(text: &str, most: u32) -> Option<Self> {
        let plain = |digit: u8| digit.is_ascii_digit() || digit == b'.';
        if text.is_empty() || text.len() > 24 || !text.bytes().all(plain) {
            return None;
        }
        let number: f64 = text.parse().ok()?;
        let thousandths = (number * 1000.0).round();
        (thousandths <= f64::from(most)).then_some(Self(thousandths as u32))
    }
}

impl fmt::Display for Thousandths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.get())
    }
}

/// Reads a whole number within `least..=most`.
pub(crate) fn whole(text: &str, least: u32, most: u32) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    let number = digits.then(|| text.parse::<u32>().ok()).flatten()?;
    (least..=most).contains(&number).then_some(number)
}

/// A type that is read from one value of an option, and written in its canonical form.
macro_rules! value {
    ($type:ident, $read:expr, $expected:expr) => {
        impl std::str::FromStr for $type {
            type Err = $crate::transform::Wrong;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let read: fn(&str) -> Option<Self> = $read;
                read(text).ok_or_else(|| $crate::transform::Wrong::not(text, $expected))
            }
        }
    };
}
pub(crate) use value;

/// An enumeration that is read from and written as words.
macro_rules! words {
    ($type:ident, $expected:expr, $($word:literal => $variant:ident),+ $(,)?) => {
        impl $type {
            /// The word that stands for it.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }

        $crate::transform::number::value!($type, |text| match text {
            $($word => Some(Self::$variant),)+
            _ => None,
        }, $expected);
    };
}
pub(crate) use words;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_exactly_and_written_shortest() {
        for (text, expected) in [
            ("1", "1"),
            ("1.50", "1.5"),
            (".5", "0.5"),
            ("0", "0"),
            ("0.3333", "0.333"),
            ("2.", "2"),
        ] {
            assert_eq!(
                Thousandths::read(text, 10_000).unwrap().to_string(),
                expected,
                "{text}"
            );
        }
        for text in [
            "", ".", "-1", "1e3", "inf", "NaN", "10.001", "1,5", "1.2.3", "+1",
        ] {
            assert_eq!(Thousandths::read(text, 10_000), None, "{text}");
        }
    }
}
