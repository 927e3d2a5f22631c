//! Durations: `250ms`, `10s`, `1h30m`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::{Text, ValueError, text_value};

/// A duration, written as whole numbers with units, the larger unit first: `250ms`, `10s`, `1h30m`, `30d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(pub Duration);

/// Units in milliseconds, from large to small.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Longer than this is a mistake, and would overflow sums of times.
const LONGEST_DAYS: u64 = 36_500;

impl Text for Span {
    const EXPECTING: &'static str = "a duration such as `10s` or `1h30m`";
    const PATTERN: &'static str = "^(\\d+(d|h|m|s|ms))+$";
}

text_value!(Span);

impl FromStr for Span {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let mut total: u64 = 0;
        let mut smallest = u64::MAX;
        let mut rest = text;
        while !rest.is_empty() {
            let (number, unit, after) = first_part(rest).ok_or_else(|| not_a_duration(text))?;
            let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) else {
                return Err(unknown_unit(text, unit));
            };
            if *factor >= smallest {
                return Err(ValueError::new(format!(
                    "`{text}` is out of order: write the larger unit first, each once"
                )));
            }
            smallest = *factor;
            let part = number
                .parse::<u64>()
                .ok()
                .and_then(|number| number.checked_mul(*factor));
            total = part
                .and_then(|part| total.checked_add(part))
                .ok_or_else(|| too_long(text))?;
            rest = after;
        }
        match total {
            _ if text.is_empty() => Err(not_a_duration(text)),
            total if total > LONGEST_DAYS * 86_400_000 => Err(too_long(text)),
            total => Ok(Self(Duration::from_millis(total))),
        }
    }
}

/// The first number and unit of a text, and what comes behind them.
fn first_part(text: &str) -> Option<(&str, &str, &str)> {
    let digits = text
        .find(|char: char| !char.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, rest) = text.split_at(digits);
    let letters = rest
        .find(|char: char| !char.is_alphabetic())
        .unwrap_or(rest.len());
    let (unit, after) = rest.split_at(letters);
    (!number.is_empty()).then_some((number, unit, after))
}

fn not_a_duration(text: &str) -> ValueError {
    ValueError::new(format!(
        "`{text}` is not a duration: expected whole numbers with units, such as `250ms`, `10s` or `1h30m`"
    ))
}

fn unknown_unit(text: &str, unit: &str) -> ValueError {
    match unit {
        "" => ValueError::new(format!(
            "`{text}` has no unit: write `{text}s` for seconds; units are `d`, `h`, `m`, `s` and `ms`"
        )),
        _ => ValueError::new(format!(
            "`{unit}` in `{text}` is not a unit of time: `d`, `h`, `m`, `s` or `ms`"
        )),
    }
}

fn too_long(text: &str) -> ValueError {
    ValueError::new(format!("`{text}` is too long: at most `{LONGEST_DAYS}d`"))
}

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        span.0
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        if left == 0 {
            return f.write_str("0s");
        }
        for (unit, factor) in UNITS {
            if left >= factor {
                write!(f, "{}{unit}", left / factor)?;
                left %= factor;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read() {
        for (text, millis) in [
            ("0s", 0),
            ("250ms", 250),
            ("10s", 10_000),
            ("1h30m", 5_400_000),
            ("2m5s10ms", 125_010),
            ("30d", 2_592_000_000),
        ] {
            assert_eq!(
                text.parse(),
                Ok(Span(Duration::from_millis(millis))),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_duration_is_told() {
        for (text, message) in [
            ("", "`` is not a duration"),
            ("s", "`s` is not a duration"),
            ("-1s", "`-1s` is not a duration"),
            ("10 s", "`10 s` has no unit"),
            ("10", "`10` has no unit: write `10s` for seconds"),
            ("10x", "`x` in `10x` is not a unit of time"),
            ("10S", "`S` in `10S` is not a unit of time"),
            ("1.5h", "`1.5h` has no unit"),
            ("1s1h", "`1s1h` is out of order"),
            ("1s1s", "`1s1s` is out of order"),
            ("36501d", "`36501d` is too long: at most `36500d`"),
            (
                "99999999999999999999s",
                "`99999999999999999999s` is too long",
            ),
        ] {
            let error = text.parse::<Span>().unwrap_err().to_string();
            assert!(error.starts_with(message), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn a_duration_is_read_as_it_is_written(millis in 0..LONGEST_DAYS * 86_400_000) {
            let span = Span(Duration::from_millis(millis));
            prop_assert_eq!(span.to_string().parse::<Span>(), Ok(span));
        }
    }
}
