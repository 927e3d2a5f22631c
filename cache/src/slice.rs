//! Slices: aligned parts of a large object, each fetched and stored as an object of its own.
//!
//! A slice is stored as it came, a 206 with its `Content-Range`. Slices belong together only when they are of one
//! [`Version`] of the object, which a strong validator tells from all others (RFC 9110 §15.3.7.3).

use std::ops::Range;
use std::time::SystemTime;

use http::{HeaderValue, StatusCode, header};
use pingora_http::ResponseHeader;

use crate::conditional::strong_validator;
use crate::key::KeyRef;

/// An aligned part of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    start: u64,
    size: u64,
}

/// What all slices of one object have in common: another version means that the object was replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Bytes of the whole object.
    pub total: u64,
    /// Its entity tag or, without one, its date.
    validator: HeaderValue,
}

impl Slice {
    /// The slice that the byte at `position` lies in, of slices of this size.
    pub fn at(position: u64, size: u64) -> Self {
        let start = position - position.checked_rem(size).unwrap_or(0);
        Self { start, size }
    }

    /// The position of its first byte.
    pub fn start(self) -> u64 {
        self.start
    }

    /// The position after its last byte, in an object that goes that far.
    pub fn end(self) -> u64 {
        self.start.saturating_add(self.size)
    }

    /// Asks an origin for it: `bytes=0-1048575`.
    pub fn range_field(self) -> String {
        format!("bytes={self}")
    }

    /// The version of which `response` is this slice; `None` when it is not this slice, or not fit to be put together
    /// with others.
    pub fn version(self, response: &ResponseHeader, now: SystemTime) -> Option<Version> {
        let (range, total) = content_range(response)?;
        let length = response.headers.get(header::CONTENT_LENGTH);
        let is_right = range == (self.start..self.end().min(total))
            && length.is_none_or(|length| length == HeaderValue::from(range.end - range.start));
        let validator = strong_validator(response, now).filter(|_| is_right)?;
        Some(Version {
            total,
            validator: validator.clone(),
        })
    }
}

impl std::fmt::Display for Slice {
    /// `0-1048575`
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}-{}", self.start, self.end().saturating_sub(1))
    }
}

impl Version {
    /// The label that its slices have beside their surrogate keys, to be dropped by when another version appears.
    /// `whole` is the key of the object. No field of a response can name such a label by chance.
    pub fn label(&self, whole: KeyRef<'_>) -> String {
        let validator = String::from_utf8_lossy(self.validator.as_bytes());
        format!("slices of {whole} {validator} {}", self.total)
    }
}

/// The head of the whole object, made of the head of one of its slices.
pub fn whole_head(slice: &ResponseHeader, total: u64) -> ResponseHeader {
    let mut head = slice.clone();
    head.remove_header(&header::CONTENT_RANGE);
    // Neither can fail: the status is valid, and the table holds no more fields than before.
    drop(head.set_status(StatusCode::OK));
    drop(head.insert_header(header::CONTENT_LENGTH, total));
    head
}

/// `Content-Range: bytes 0-99/1000` of a 206.
fn content_range(response: &ResponseHeader) -> Option<(Range<u64>, u64)> {
    let mut lines = response.headers.get_all(header::CONTENT_RANGE).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return None;
    };
    let (unit, rest) = line.to_str().ok()?.trim().split_once(' ')?;
    let (range, total) = rest.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last, total) = (number(first)?, number(last)?, number(total)?);
    let is_valid = response.status == StatusCode::PARTIAL_CONTENT
        && unit.eq_ignore_ascii_case("bytes")
        && first <= last
        && last < total;
    is_valid.then(|| (first..last + 1, total))
}

fn number(digits: &str) -> Option<u64> {
    let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use pingora_http::RequestHeader;

    use super::*;
    use crate::policy::{Decision, Received, Rules, store_slice};
    use crate::store::New;
    use crate::{Bounds, Clock, Key, Mode, Purge, Store};

    const LINES: [(&str, &str); 2] = [("content-range", "bytes 10-19/25"), ("etag", "\"a\"")];

    fn response(status: u16, fields: &[(&'static str, &'static str)]) -> ResponseHeader {
        let mut response = ResponseHeader::build(status, None).unwrap();
        for (name, value) in fields {
            response.append_header(*name, *value).unwrap();
        }
        response
    }

    #[test]
    fn a_slice_is_what_a_position_lies_in() {
        for (position, field) in [
            (0, "bytes=0-9"),
            (9, "bytes=0-9"),
            (10, "bytes=10-19"),
            (25, "bytes=20-29"),
        ] {
            assert_eq!(Slice::at(position, 10).range_field(), field);
        }
    }

    #[test]
    fn only_what_was_asked_for_with_a_strong_validator_is_a_slice() {
        let old = "Sun, 06 Nov 1994 08:49:37 GMT";
        let new = "Mon, 07 Nov 1994 08:49:37 GMT";
        let range = |range| ("content-range", range);
        let tag = ("etag", "\"a\"");
        for (fields, expected) in [
            (&[range("bytes 10-19/25"), tag][..], Some(25)),
            (&[range("BYTES 10-19/20"), tag], Some(20)),
            (&[range("bytes 10-14/15"), tag], Some(15)),
            (
                &[range("bytes 10-19/25"), tag, ("content-length", "10")],
                Some(25),
            ),
            (
                &[
                    range("bytes 10-19/25"),
                    ("last-modified", old),
                    ("date", new),
                ],
                Some(25),
            ),
            (
                &[range("bytes 10-19/25"), tag, ("content-length", "9")],
                None,
            ),
            (&[range("bytes 10-18/25"), tag], None),
            (&[range("bytes 11-19/25"), tag], None),
            (&[range("bytes 10-19/*"), tag], None),
            (&[range("bytes */25"), tag], None),
            (&[range("bytes 10-19/19"), tag], None),
            (&[range("lines 10-19/25"), tag], None),
            (
                &[range("bytes 10-19/25"), range("bytes 10-19/25"), tag],
                None,
            ),
            (&[tag], None),
            (&[range("bytes 10-19/25")], None),
            (&[range("bytes 10-19/25"), ("etag", "W/\"a\"")], None),
            (&[range("bytes 10-19/25"), ("last-modified", old)], None),
        ] {
            let version = Slice::at(10, 10).version(&response(206, fields), SystemTime::now());
            assert_eq!(version.map(|version| version.total), expected, "{fields:?}");
        }
        let whole = response(200, &LINES);
        assert_eq!(Slice::at(10, 10).version(&whole, SystemTime::now()), None);
    }

    #[test]
    fn the_whole_has_a_head_without_a_range() {
        let head = whole_head(&response(206, &LINES), 25);
        assert_eq!(head.status, 200);
        assert_eq!(head.headers.get("content-length").unwrap(), "25");
        assert_eq!(head.headers.get("content-range"), None);
        assert_eq!(head.headers.get("etag").unwrap(), "\"a\"");
    }

    #[test]
    fn a_purge_of_what_the_whole_has_takes_the_slices() {
        let key = Key::builder("http", "a.example", "/v/1").finish();
        let (host, path) = ("a.example", "/v/");
        for purge in [
            Purge::Url(key.as_ref()),
            Purge::Prefix { host, path },
            Purge::Host(host),
            Purge::SurrogateKey("video"),
            Purge::Everything,
        ] {
            let bounds = Bounds {
                memory: 1 << 20,
                max_object: 1 << 20,
                disk: None,
            };
            let store = Store::new(bounds, Clock::new());
            for position in [0, 10] {
                put(&store, &key, Slice::at(position, 10));
            }
            store.purge(&purge, Mode::Hard);
            for position in [0, 10] {
                let slice = key.slice(Slice::at(position, 10));
                assert!(store.lookup(slice.as_ref(), None).is_none(), "{purge:?}");
            }
        }
    }

    fn put(store: &Store, key: &Key, slice: Slice) {
        let key = key.slice(slice);
        let range = format!("bytes {slice}/100");
        let mut head = response(206, &[("etag", "\"a\""), ("cache-control", "max-age=60")]);
        head.insert_header("content-range", range).unwrap();
        head.insert_header("surrogate-key", "video").unwrap();
        let received = Received {
            request: &RequestHeader::build("GET", b"/v/1", None).unwrap(),
            response: &head,
            asked: store.now(),
            now: store.now(),
        };
        let Decision::Store(terms) = store_slice(&received, &Rules::default(), slice) else {
            panic!("{slice} is not stored")
        };
        let new = New {
            key: key.as_ref(),
            variance: None,
            selecting: None,
            head: head.clone(),
            terms: *terms,
            born: store.generation(),
        };
        let mut filler = store.begin(new).unwrap();
        filler.write("0123456789".into()).unwrap();
        assert_eq!(filler.finish(), Ok(None));
        assert!(store.lookup(key.as_ref(), None).is_some());
    }

    proptest::proptest! {
        #[test]
        fn any_content_range_can_be_read(value in "bytes [0-9*/-]{0,60}") {
            let mut head = response(206, &[("etag", "\"a\"")]);
            head.insert_header("content-range", value).unwrap();
            let version = Slice::at(0, u64::MAX).version(&head, SystemTime::now());
            proptest::prop_assert!(version.is_none_or(|version| version.total > 0));
        }
    }
}
