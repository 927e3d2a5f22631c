//! Which bytes of a stored body a request asks for (RFC 9110 §14).

use std::ops::Range;

use http::{Method, StatusCode, header};
use pingora_http::{RequestHeader, ResponseHeader};

/// Ranges of one request beyond which it gets the whole instead (RFC 9110 §17.15).
const MAX_RANGES: usize = 32;

/// Beyond this position no body has bytes, and an origin may not even be able to read a range.
const FARTHEST: u64 = 1 << 53;

/// The part of a body that a request gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// All of it, with 200: nothing else was asked for, or nothing that makes sense.
    Whole,
    /// These bytes, with 206: each range comes after the one before and does not touch it.
    Ranges(Vec<Range<u64>>),
    /// Nothing, with 416: it has none of the bytes asked for.
    Unsatisfiable,
}

/// What a request gets of a stored response whose body has `length` bytes. `If-Range` is the caller's to ask.
pub fn part(request: &RequestHeader, stored: &ResponseHeader, length: u64) -> Part {
    let is_get = matches!(request.method, Method::GET | Method::HEAD);
    let mut lines = request.headers.get_all(header::RANGE).iter();
    let (Some(line), None, true) = (
        lines.next(),
        lines.next(),
        is_get && stored.status == StatusCode::OK,
    ) else {
        return Part::Whole;
    };
    let Some(ranges) = line.to_str().ok().and_then(|line| parse(line, length)) else {
        return Part::Whole;
    };
    match merged(ranges) {
        ranges if ranges.is_empty() => Part::Unsatisfiable,
        ranges => Part::Ranges(ranges),
    }
}

/// Where the first range that a request asks for begins, before the length of the body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// At this position.
    At(u64),
    /// One of the ranges counts from the end of the body, or all begin farther than any body goes.
    Unknown,
}

/// Where the first range begins that a request asks for; `None` when it asks for none, or for none that makes sense.
pub fn first(request: &RequestHeader) -> Option<First> {
    let mut lines = request.headers.get_all(header::RANGE).iter();
    let (Some(line), None, &Method::GET) = (lines.next(), lines.next(), &request.method) else {
        return None;
    };
    let line = line.to_str().ok()?;
    let ranges = parse(line, u64::MAX)?;
    let position = ranges.iter().map(|range| range.start).min()?;
    let mut specs = line.split(['=', ',']).skip(1);
    let counts_from_the_end = specs.any(|spec| spec.trim_start().starts_with('-'));
    Some(if counts_from_the_end || position > FARTHEST {
        First::Unknown
    } else {
        First::At(position)
    })
}

/// The ranges that the body has; `None` for what is no valid set of byte ranges, or too large a one.
fn parse(line: &str, length: u64) -> Option<Vec<Range<u64>>> {
    let (unit, set) = line.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let mut ranges = Vec::new();
    for (index, spec) in set
        .split(',')
        .map(str::trim)
        .filter(|spec| !spec.is_empty())
        .enumerate()
    {
        if index == MAX_RANGES {
            return None;
        }
        ranges.push(range(spec, length)?);
    }
    if ranges.is_empty() {
        return None;
    }
    ranges.retain(|range| range.start < range.end);
    Some(ranges)
}

/// `2-5`, `2-` or `-5`; empty when the body has none of it.
fn range(spec: &str, length: u64) -> Option<Range<u64>> {
    let (first, last) = spec.split_once('-')?;
    if first.is_empty() {
        let suffix = number(last)?;
        return Some(length.saturating_sub(suffix)..length);
    }
    let first = number(first)?;
    let last = if last.is_empty() {
        u64::MAX
    } else {
        number(last)?
    };
    (first <= last).then(|| first.min(length)..last.saturating_add(1).min(length))
}

fn number(digits: &str) -> Option<u64> {
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| digits.parse().unwrap_or(u64::MAX))
}

/// Ranges that overlap or touch are one (RFC 9110 §15.3.7.2 allows it), and all are in order.
fn merged(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<u64>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(range: &str, length: u64) -> Part {
        let mut request = RequestHeader::build("GET", b"/", None).unwrap();
        request.insert_header("range", range).unwrap();
        part(&request, &ResponseHeader::build(200, None).unwrap(), length)
    }

    #[expect(
        clippy::single_range_in_vec_init,
        reason = "one range is what is meant"
    )]
    #[test]
    fn ranges() {
        let ranges = |ranges: &[Range<u64>]| Part::Ranges(ranges.to_vec());
        for (asked, expected) in [
            ("bytes=0-1", ranges(&[0..2])),
            ("BYTES=0-9", ranges(&[0..10])),
            ("bytes=0-99999999999999999999999", ranges(&[0..10])),
            ("bytes=5-", ranges(&[5..10])),
            ("bytes=-3", ranges(&[7..10])),
            ("bytes=-30", ranges(&[0..10])),
            ("bytes=0-1, 4-5", ranges(&[0..2, 4..6])),
            ("bytes=4-5,0-1", ranges(&[0..2, 4..6])),
            ("bytes=0-4,2-5,6-7", ranges(&[0..8])),
            ("bytes=0-1,90-99", ranges(&[0..2])),
            ("bytes=10-", Part::Unsatisfiable),
            ("bytes=-0", Part::Unsatisfiable),
            ("bytes=2-1", Part::Whole),
            ("bytes=0-1,2-1", Part::Whole),
            ("bytes=-", Part::Whole),
            ("bytes=", Part::Whole),
            ("bytes=a-b", Part::Whole),
            ("bytes=+1-2", Part::Whole),
            ("lines=0-1", Part::Whole),
            ("bytes", Part::Whole),
        ] {
            assert_eq!(of(asked, 10), expected, "{asked}");
        }
        assert_eq!(of("bytes=0-", 0), Part::Unsatisfiable);
        let many = format!(
            "bytes={}",
            (0..40)
                .map(|n| format!("{}-{}", n * 4, n * 4))
                .collect::<Vec<_>>()
                .join(",")
        );
        assert_eq!(of(&many, 1000), Part::Whole);
    }

    #[test]
    fn where_a_range_begins_is_known_before_the_length_is() {
        for (asked, expected) in [
            ("bytes=0-1", Some(First::At(0))),
            ("bytes=5-", Some(First::At(5))),
            ("bytes=90-99,7-8", Some(First::At(7))),
            ("bytes=-3", Some(First::Unknown)),
            ("bytes=7-8,-3", Some(First::Unknown)),
            ("bytes=-18446744073709551610", Some(First::Unknown)),
            ("bytes=18446744073709551000-", Some(First::Unknown)),
            ("bytes=18446744073709551615-", None),
            ("bytes=-0", None),
            ("bytes=2-1", None),
            ("lines=0-1", None),
        ] {
            let mut request = RequestHeader::build("GET", b"/", None).unwrap();
            request.insert_header("range", asked).unwrap();
            assert_eq!(first(&request), expected, "{asked}");
            request.set_method(Method::HEAD);
            assert_eq!(first(&request), None, "HEAD {asked}");
        }
    }

    #[test]
    fn only_a_get_of_a_200_has_ranges() {
        let mut request = RequestHeader::build("GET", b"/", None).unwrap();
        request.insert_header("range", "bytes=0-1").unwrap();
        assert_eq!(
            part(&request, &ResponseHeader::build(404, None).unwrap(), 10),
            Part::Whole
        );
        request.append_header("range", "bytes=0-1").unwrap();
        assert_eq!(
            part(&request, &ResponseHeader::build(200, None).unwrap(), 10),
            Part::Whole
        );
        request.insert_header("range", "bytes=0-1").unwrap();
        request.set_method(Method::POST);
        assert_eq!(
            part(&request, &ResponseHeader::build(200, None).unwrap(), 10),
            Part::Whole
        );
    }

    proptest::proptest! {
        #[test]
        fn ranges_lie_inside_the_body_in_order(set in "[0-9,\\- ]{0,30}", length in 0..100_u64) {
            if let Part::Ranges(ranges) = of(&format!("bytes={set}"), length) {
                let mut end = None;
                for range in ranges {
                    assert!(range.start < range.end && range.end <= length);
                    assert!(end.is_none_or(|end| end < range.start));
                    end = Some(range.end);
                }
            }
        }
    }
}
