//! Whether a stored response answers a conditional request with 304 (RFC 9110 §13, RFC 9111 §4.3.2).

use std::time::SystemTime;

use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use pingora_http::{RequestHeader, ResponseHeader};

use crate::date;

/// Whether the client has what is stored, so that 304 says it all.
///
/// `If-None-Match` alone counts where it is there. `If-Modified-Since` is compared with `Last-Modified`, and with `Date`
/// where that is absent.
pub fn is_not_modified(request: &RequestHeader, stored: &ResponseHeader, now: SystemTime) -> bool {
    if stored.status != StatusCode::OK || !matches!(request.method, Method::GET | Method::HEAD) {
        return false;
    }
    let fields = &request.headers;
    if fields.contains_key(header::IF_NONE_MATCH) {
        let tag = stored.headers.get(header::ETAG).map(|tag| tag.as_bytes());
        let mut lines = fields.get_all(header::IF_NONE_MATCH).iter();
        return lines.any(|line| names_tag(line.as_bytes(), tag));
    }
    let modified = || date_of(&stored.headers, &header::LAST_MODIFIED, now);
    let dated = || date_of(&stored.headers, &header::DATE, now);
    let since = date_of(fields, &header::IF_MODIFIED_SINCE, now);
    since.is_some_and(|since| {
        modified()
            .or_else(dated)
            .is_some_and(|modified| modified <= since)
    })
}

/// Whether the client's `If-Range` names exactly what is stored, so that a part of it goes with the parts it has
/// (RFC 9110 §13.1.5): strong comparison, and a date only where it is a strong validator (§8.8.2.2).
pub fn if_range_holds(request: &RequestHeader, stored: &ResponseHeader, now: SystemTime) -> bool {
    let mut lines = request.headers.get_all(header::IF_RANGE).iter();
    let Some(condition) = lines.next() else {
        return true;
    };
    if lines.next().is_some() {
        return false;
    }
    if condition.as_bytes().first() == Some(&b'"') {
        return stored.headers.get(header::ETAG) == Some(condition);
    }
    has_strong_date(stored, now) && stored.headers.get(header::LAST_MODIFIED) == Some(condition)
}

/// The validator that tells this response from every other version of it (RFC 9110 §8.8.1), if it has one. A weak tag
/// says that there are versions which a date would not tell apart either.
pub fn strong_validator(response: &ResponseHeader, now: SystemTime) -> Option<&HeaderValue> {
    match response.headers.get(header::ETAG) {
        Some(tag) => Some(tag).filter(|tag| tag.as_bytes().first() == Some(&b'"')),
        None => response
            .headers
            .get(header::LAST_MODIFIED)
            .filter(|_| has_strong_date(response, now)),
    }
}

/// Whether `Last-Modified` is a strong validator (RFC 9110 §8.8.2.2).
fn has_strong_date(response: &ResponseHeader, now: SystemTime) -> bool {
    let modified = date_of(&response.headers, &header::LAST_MODIFIED, now);
    modified
        .zip(date_of(&response.headers, &header::DATE, now))
        .is_some_and(|(modified, dated)| {
            dated
                .duration_since(modified)
                .is_ok_and(|apart| apart.as_secs() >= 1)
        })
}

/// Whether a list of tags names this one by weak comparison (RFC 9110 §8.8.3.2). Commas inside a tag are part of it.
fn names_tag(list: &[u8], tag: Option<&[u8]>) -> bool {
    let mut rest = list.trim_ascii();
    if rest == b"*" {
        return true;
    }
    let Some(tag) = tag.map(opaque) else {
        return false;
    };
    while !rest.is_empty() {
        let member = opaque(rest);
        // A quoted tag ends at its second quote; what some send without quotes, at the next comma.
        let end = match member.strip_prefix(b"\"") {
            Some(inner) => inner
                .iter()
                .position(|byte| *byte == b'"')
                .map_or(member.len(), |quote| quote + 2),
            None => member
                .iter()
                .position(|byte| *byte == b',')
                .unwrap_or(member.len()),
        };
        let (member, after) = member.split_at(end);
        if member.trim_ascii_end() == tag {
            return true;
        }
        rest = after
            .trim_ascii_start()
            .strip_prefix(b",")
            .unwrap_or_default()
            .trim_ascii_start();
    }
    false
}

fn opaque(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

fn date_of(fields: &HeaderMap, name: &HeaderName, now: SystemTime) -> Option<SystemTime> {
    date::parse(fields.get(name)?.to_str().ok()?, now)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const OLD: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const NEW: &str = "Mon, 07 Nov 1994 08:49:37 GMT";

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000)
    }

    fn request(fields: &[(&'static str, &'static str)]) -> RequestHeader {
        let mut request = RequestHeader::build("GET", b"/", None).unwrap();
        for (name, value) in fields {
            request.append_header(*name, *value).unwrap();
        }
        request
    }

    fn stored(fields: &[(&'static str, &'static str)]) -> ResponseHeader {
        let mut response = ResponseHeader::build(200, None).unwrap();
        for (name, value) in fields {
            response.append_header(*name, *value).unwrap();
        }
        response
    }

    type Case<'a> = (
        &'a [(&'static str, &'static str)],
        &'a [(&'static str, &'static str)],
        bool,
    );

    #[test]
    fn not_modified() {
        let cases: &[Case<'_>] = &[
            (&[], &[("etag", "\"a\"")], false),
            (&[("if-none-match", "\"a\"")], &[("etag", "\"a\"")], true),
            (&[("if-none-match", "W/\"a\"")], &[("etag", "\"a\"")], true),
            (&[("if-none-match", "\"a\"")], &[("etag", "W/\"a\"")], true),
            (
                &[("if-none-match", "\"b\", W/\"a\"")],
                &[("etag", "\"a\"")],
                true,
            ),
            (
                &[("if-none-match", "\"b\""), ("if-none-match", "\"a\"")],
                &[("etag", "\"a\"")],
                true,
            ),
            (
                &[("if-none-match", "\"b,\"a\"")],
                &[("etag", "\"a\"")],
                false,
            ),
            (&[("if-none-match", "\"x,a\"")], &[("etag", "a\"")], false),
            (&[("if-none-match", "a")], &[("etag", "a")], true),
            (&[("if-none-match", "*")], &[], true),
            (
                &[("if-none-match", "\"b\""), ("if-modified-since", NEW)],
                &[("etag", "\"a\""), ("last-modified", OLD)],
                false,
            ),
            (
                &[("if-modified-since", OLD)],
                &[("last-modified", OLD)],
                true,
            ),
            (
                &[("if-modified-since", NEW)],
                &[("last-modified", OLD)],
                true,
            ),
            (
                &[("if-modified-since", OLD)],
                &[("last-modified", NEW)],
                false,
            ),
            (&[("if-modified-since", NEW)], &[("date", OLD)], true),
            (&[("if-modified-since", OLD)], &[("date", NEW)], false),
            (
                &[("if-modified-since", "nonsense")],
                &[("date", OLD)],
                false,
            ),
        ];
        for (asked, fields, expected) in cases {
            assert_eq!(
                is_not_modified(&request(asked), &stored(fields), now()),
                *expected,
                "{asked:?} {fields:?}"
            );
        }
        let mut missing = stored(&[("etag", "\"a\"")]);
        missing.set_status(404).unwrap();
        assert!(!is_not_modified(
            &request(&[("if-none-match", "\"a\"")]),
            &missing,
            now()
        ));
    }

    #[test]
    fn if_range() {
        let cases: &[Case<'_>] = &[
            (&[], &[], true),
            (&[("if-range", "\"a\"")], &[("etag", "\"a\"")], true),
            (&[("if-range", "\"a\"")], &[("etag", "\"b\"")], false),
            (&[("if-range", "W/\"a\"")], &[("etag", "W/\"a\"")], false),
            (&[("if-range", "\"a\"")], &[("etag", "W/\"a\"")], false),
            (
                &[("if-range", OLD)],
                &[("last-modified", OLD), ("date", NEW)],
                true,
            ),
            (
                &[("if-range", OLD)],
                &[("last-modified", OLD), ("date", OLD)],
                false,
            ),
            (&[("if-range", OLD)], &[("last-modified", OLD)], false),
            (
                &[("if-range", NEW)],
                &[("last-modified", OLD), ("date", NEW)],
                false,
            ),
            (
                &[("if-range", "\"a\""), ("if-range", "\"a\"")],
                &[("etag", "\"a\"")],
                false,
            ),
        ];
        for (asked, fields, expected) in cases {
            assert_eq!(
                if_range_holds(&request(asked), &stored(fields), now()),
                *expected,
                "{asked:?} {fields:?}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn any_list_of_tags_can_be_read(list in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..40)) {
            names_tag(&list, Some(b"\"a\""));
        }
    }
}
