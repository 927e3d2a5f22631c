//! A part of a file (RFC 9110, section 14).

/// What a `Range` asks for, of a file of some length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it: there is no range, or one that a server may ignore.
    Whole,
    /// These bytes, both ends included.
    Bytes(u64, u64),
    /// None that the file has.
    Unsatisfiable,
}

/// Reads a `Range`. Several ranges at once are ignored, as is what is not understood.
pub(super) fn part(range: &str, length: u64) -> Part {
    let Some((unit, set)) = range.split_once('=') else {
        return Part::Whole;
    };
    if !unit.trim().eq_ignore_ascii_case("bytes") || set.contains(',') {
        return Part::Whole;
    }
    let Some((first, last)) = set.trim().split_once('-') else {
        return Part::Whole;
    };
    match (number(first), number(last)) {
        (Some(first), None) if last.is_empty() => bytes(first, u64::MAX, length),
        (Some(first), Some(last)) if first <= last => bytes(first, last, length),
        (None, Some(0)) if first.is_empty() => Part::Unsatisfiable,
        (None, Some(suffix)) if first.is_empty() => {
            bytes(length.saturating_sub(suffix), u64::MAX, length)
        }
        _ => Part::Whole,
    }
}

fn bytes(first: u64, last: u64, length: u64) -> Part {
    if first < length {
        Part::Bytes(first, last.min(length - 1))
    } else {
        Part::Unsatisfiable
    }
}

/// Digits alone; a number too large for us is larger than any file.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::Part::*;
    use super::*;

    #[test]
    fn ranges_are_read() {
        for (range, expected) in [
            ("bytes=0-0", Bytes(0, 0)),
            ("bytes=0-", Bytes(0, 9)),
            ("bytes=3-5", Bytes(3, 5)),
            ("Bytes=3-5", Bytes(3, 5)),
            ("bytes= 3-5", Bytes(3, 5)),
            ("bytes=3-99", Bytes(3, 9)),
            ("bytes=9-9", Bytes(9, 9)),
            ("bytes=10-", Unsatisfiable),
            ("bytes=10-11", Unsatisfiable),
            ("bytes=99999999999999999999999-", Unsatisfiable),
            ("bytes=0-99999999999999999999999", Bytes(0, 9)),
            ("bytes=-1", Bytes(9, 9)),
            ("bytes=-10", Bytes(0, 9)),
            ("bytes=-99", Bytes(0, 9)),
            ("bytes=-0", Unsatisfiable),
            ("bytes=5-3", Whole),
            ("bytes=-", Whole),
            ("bytes=", Whole),
            ("bytes=a-b", Whole),
            ("bytes=+1-2", Whole),
            ("bytes=1-2,4-5", Whole),
            ("lines=1-2", Whole),
            ("bytes 1-2", Whole),
        ] {
            assert_eq!(part(range, 10), expected, "{range}");
        }
    }

    #[test]
    fn an_empty_file_has_no_bytes() {
        assert_eq!(part("bytes=0-", 0), Unsatisfiable);
        assert_eq!(part("bytes=-1", 0), Unsatisfiable);
    }
}
