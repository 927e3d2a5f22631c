//! Heads on their way into the store and out of a revalidation.

use std::time::SystemTime;

use http::header::{self, HeaderName, HeaderValue};
use pingora_http::ResponseHeader;

use crate::date;

/// Fields that concern one connection only (RFC 9110 §7.6.1), beside those that `Connection` names.
const HOP_BY_HOP: [HeaderName; 11] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("proxy-authentication-info"),
    HeaderName::from_static("http2-settings"),
];

/// Fields of a 304 that say nothing about the stored response (RFC 9111 §3.2).
const KEPT_IN_REVALIDATION: [HeaderName; 4] = [
    header::CONTENT_LENGTH,
    header::CONTENT_ENCODING,
    header::CONTENT_TYPE,
    header::CONTENT_RANGE,
];

/// Takes the fields out that concern one connection only.
pub fn strip_hop_by_hop(head: &mut ResponseHeader) {
    let named: Vec<HeaderName> = connection_options(head).collect();
    for name in HOP_BY_HOP.iter().chain(&named) {
        head.remove_header(name);
    }
}

/// Takes the fields out that are not true of a body that is rewritten or encoded, and makes a strong tag weak, since it
/// names other bytes.
pub fn forget_body(head: &mut ResponseHeader) {
    for name in [
        header::CONTENT_LENGTH,
        header::ACCEPT_RANGES,
        header::CONTENT_RANGE,
    ] {
        head.remove_header(&name);
    }
    for name in ["digest", "repr-digest", "content-digest", "content-md5"] {
        head.remove_header(name);
    }
    weaken(head);
}

/// Makes a strong tag weak.
pub fn weaken(head: &mut ResponseHeader) {
    let strong = head
        .headers
        .get(header::ETAG)
        .filter(|tag| !tag.as_bytes().starts_with(b"W/"));
    let Some(strong) = strong else { return };
    match HeaderValue::from_bytes(&[b"W/", strong.as_bytes()].concat()) {
        // The field is there already, so that there is room for it.
        Ok(weak) => drop(head.insert_header(header::ETAG, weak)),
        Err(_) => drop(head.remove_header(&header::ETAG)),
    }
}

/// The stored head as a 304 renews it: every field that the 304 has replaces the stored one (RFC 9111 §4.3.4).
pub fn revalidated(stored: &ResponseHeader, not_modified: &ResponseHeader) -> ResponseHeader {
    let mut renewed = stored.clone();
    // Both tell of an earlier answer; a 304 without them is as old as it seems to whoever receives it.
    renewed.remove_header(&header::AGE);
    renewed.remove_header(&header::DATE);
    let named: Vec<HeaderName> = connection_options(not_modified).collect();
    let is_kept = |name: &HeaderName| {
        KEPT_IN_REVALIDATION.contains(name) || HOP_BY_HOP.contains(name) || named.contains(name)
    };
    for name in not_modified.headers.keys().filter(|name| !is_kept(name)) {
        replace(
            &mut renewed,
            name,
            not_modified.headers.get_all(name).iter(),
        );
    }
    renewed
}

/// Gives a head that says no date, or none that can be read, the one at which it came (RFC 9110 §6.6.1).
pub fn date(head: &mut ResponseHeader, now: SystemTime) {
    let told = head.headers.get(header::DATE);
    let is_date = told
        .and_then(|date| date.to_str().ok())
        .is_some_and(|date| date::parse(date, now).is_some());
    if is_date {
        return;
    }
    if let Ok(now) = HeaderValue::try_from(date::format(now)) {
        replace(head, &header::DATE, [&now].into_iter());
    }
}

fn replace<'a>(
    head: &mut ResponseHeader,
    name: &HeaderName,
    values: impl Iterator<Item = &'a HeaderValue>,
) {
    head.remove_header(name);
    for value in values {
        // The only error is a map that is full, and then the field is better left out than the request failed.
        if head.append_header(name.clone(), value.clone()).is_err() {
            return;
        }
    }
}

fn connection_options(head: &ResponseHeader) -> impl Iterator<Item = HeaderName> {
    let lines = head.headers.get_all(header::CONNECTION).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(fields: &[(&'static str, &'static str)]) -> ResponseHeader {
        let mut head = ResponseHeader::build(200, None).unwrap();
        for (name, value) in fields {
            head.append_header(*name, *value).unwrap();
        }
        head
    }

    /// RFC 9110 §7.6.1, RFC 9111 §3.1.
    #[test]
    fn hop_by_hop_fields_go_and_so_do_those_that_connection_names() {
        let mut head = head(&[
            ("Connection", "close, X-Hop"),
            ("Connection", "x-other"),
            ("X-Hop", "1"),
            ("X-Other", "1"),
            ("Keep-Alive", "timeout=5"),
            ("Transfer-Encoding", "chunked"),
            ("Proxy-Authentication-Info", "a"),
            ("Upgrade", "h2c"),
            ("X-Stays", "1"),
        ]);
        strip_hop_by_hop(&mut head);
        assert_eq!(head.headers.keys().collect::<Vec<_>>(), ["x-stays"]);
    }

    /// RFC 9111 §3.2 and §4.3.4.
    #[test]
    fn a_304_renews_all_fields_but_those_about_the_body() {
        let stored = head(&[
            ("Content-Length", "5"),
            ("Content-Type", "text/plain"),
            ("Last-Modified", "old"),
            ("Date", "old"),
            ("X-Twice", "1"),
            ("Age", "7"),
            ("X-Kept", "1"),
        ]);
        let not_modified = head(&[
            ("Content-Length", "0"),
            ("Content-Type", "text/html"),
            ("Content-Encoding", "gzip"),
            ("Last-Modified", "new"),
            ("X-Twice", "2"),
            ("X-Twice", "3"),
            ("Connection", "x-hop"),
            ("X-Hop", "1"),
            ("Surrogate-Key", "a"),
        ]);
        let renewed = revalidated(&stored, &not_modified);
        let all = |name: &str| renewed.headers.get_all(name).iter().collect::<Vec<_>>();
        assert_eq!(all("content-length"), ["5"]);
        assert_eq!(all("content-type"), ["text/plain"]);
        assert_eq!(all("last-modified"), ["new"]);
        assert_eq!(all("x-twice"), ["2", "3"]);
        assert_eq!(all("surrogate-key"), ["a"]);
        assert_eq!(all("x-kept"), ["1"]);
        for gone in ["age", "date", "content-encoding", "x-hop", "connection"] {
            assert!(all(gone).is_empty(), "{gone}");
        }
    }

    /// RFC 9110 §6.6.1: row C of the contract.
    #[test]
    fn a_head_without_a_date_gets_that_of_its_arrival() {
        let now = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(784_111_777);
        const NOW: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
        const THEN: &str = "Sun, 06 Nov 1994 08:00:00 GMT";
        for (told, expected) in [
            (vec![], NOW),
            (vec![("Date", "foo")], NOW),
            (vec![("Date", "foo"), ("Date", THEN)], NOW),
            (vec![("Date", THEN)], THEN),
        ] {
            let mut head = head(&told);
            date(&mut head, now);
            let dates: Vec<_> = head.headers.get_all("date").iter().collect();
            assert_eq!(dates, [expected], "{told:?}");
        }
    }
}
