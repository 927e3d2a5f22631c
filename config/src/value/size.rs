//! Sizes: `512B`, `32KiB`, `2GiB`.

use std::fmt;
use std::str::FromStr;

use super::{Text, ValueError, text_value};

/// A number of bytes, written as a whole number with a unit: `512B`, `32KiB` (1024 bytes each), `100MB` (10⁶ each).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ByteSize(pub u64);

const BINARY: [(&str, u64); 5] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];
const DECIMAL: [(&str, u64); 5] = [
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("kB", 1_000),
];

impl Text for ByteSize {
    const EXPECTING: &'static str = "a size such as `64MiB` or `512B`";
    const PATTERN: &'static str = "^\\d+ ?(B|KiB|MiB|GiB|TiB|kB|KB|MB|GB|TB)$";
}

text_value!(ByteSize);

impl FromStr for ByteSize {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let digits = text
            .find(|char: char| !char.is_ascii_digit())
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        if number.is_empty() || unit.starts_with('.') {
            return Err(ValueError::new(format!(
                "`{text}` is not a size: expected a whole number with a unit, such as `512B`, `32KiB` or `2GiB`"
            )));
        }
        let unit = unit.strip_prefix(' ').unwrap_or(unit);
        let Some((_, factor)) = BINARY
            .iter()
            .chain(&DECIMAL)
            .find(|(name, _)| *name == unit)
        else {
            return Err(unknown_unit(text, number, unit));
        };
        let bytes = number
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(*factor));
        bytes
            .map(Self)
            .ok_or_else(|| ValueError::new(format!("`{text}` is too large: at most `16777215TiB`")))
    }
}

fn unknown_unit(text: &str, number: &str, unit: &str) -> ValueError {
    let right = match unit.to_ascii_lowercase().as_str() {
        "" | "b" | "byte" | "bytes" => "B",
        "k" | "kib" => "KiB",
        "m" | "mb" | "mib" => "MiB",
        "g" | "gb" | "gib" => "GiB",
        "t" | "tb" | "tib" => "TiB",
        _ => {
            return ValueError::new(format!(
                "`{unit}` in `{text}` is not a unit of size: `B`, `KiB`, `MiB`, `GiB` or `TiB` (or `kB`, `MB`, `GB`, `TB`)"
            ));
        }
    };
    match unit {
        "" => ValueError::new(format!(
            "`{text}` has no unit: write `{number}B` for bytes or `{number}KiB`, `{number}MiB` …"
        )),
        _ => ValueError::new(format!(
            "`{unit}` in `{text}` is not a unit of size: write `{number}{right}`"
        )),
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = BINARY
            .iter()
            .find(|(_, factor)| self.0 >= *factor && self.0.is_multiple_of(*factor));
        match exact {
            Some((unit, factor)) => write!(f, "{}{unit}", self.0 / factor),
            None => f.write_str("0B"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_are_read() {
        for (text, bytes) in [
            ("0B", 0),
            ("512B", 512),
            ("32KiB", 32 * 1024),
            ("2GiB", 2 << 30),
            ("1TiB", 1 << 40),
            ("100MB", 100_000_000),
            ("1kB", 1000),
            ("64 MiB", 64 << 20),
        ] {
            assert_eq!(text.parse(), Ok(ByteSize(bytes)), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_told() {
        for (text, message) in [
            ("", "`` is not a size"),
            ("MiB", "`MiB` is not a size"),
            ("-1B", "`-1B` is not a size"),
            ("1.5GiB", "`1.5GiB` is not a size: expected a whole number"),
            ("512", "`512` has no unit: write `512B` for bytes"),
            ("10M", "`M` in `10M` is not a unit of size: write `10MiB`"),
            (
                "10mb",
                "`mb` in `10mb` is not a unit of size: write `10MiB`",
            ),
            (
                "10 parsecs",
                "`parsecs` in `10 parsecs` is not a unit of size: `B`, `KiB`",
            ),
            (
                "99999999999999999999B",
                "`99999999999999999999B` is too large",
            ),
            ("16777216TiB", "`16777216TiB` is too large"),
        ] {
            let error = text.parse::<ByteSize>().unwrap_err().to_string();
            assert!(error.starts_with(message), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn a_size_is_read_as_it_is_written(bytes: u64) {
            prop_assert_eq!(ByteSize(bytes).to_string().parse::<ByteSize>(), Ok(ByteSize(bytes)));
        }
    }
}
