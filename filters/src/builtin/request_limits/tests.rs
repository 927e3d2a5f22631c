//! Tables of requests, and whether they are within the limits.

use super::*;
use crate::testing::{answer, build, exchange, refused, status, values};

#[test]
fn what_is_too_large_or_not_taken_is_refused() {
    type Case = (
        &'static str,
        &'static str,
        &'static str,
        &'static [(&'static str, &'static str)],
        u16,
    );
    let cases: [Case; 26] = [
        (
            "max_body = '1KiB'",
            "POST",
            "/",
            &[("content-length", "1024")],
            0,
        ),
        (
            "max_body = '1KiB'",
            "POST",
            "/",
            &[("content-length", "1025")],
            413,
        ),
        (
            "max_body = '1KiB'",
            "POST",
            "/",
            &[("content-length", "99999999999999999999")],
            413,
        ),
        (
            "max_body = '1KiB'",
            "POST",
            "/",
            &[("transfer-encoding", "chunked")],
            0,
        ),
        ("max_uri = '8B'", "GET", "/234567?", &[], 0),
        ("max_uri = '8B'", "GET", "/234567?9", &[], 414),
        ("max_query_params = 2", "GET", "/?a&b=1&&", &[], 0),
        ("max_query_params = 2", "GET", "/?a&b&c", &[], 414),
        ("max_query_params = 0", "GET", "/?", &[], 0),
        ("max_query_params = 0", "GET", "/?a", &[], 414),
        ("max_headers = 2", "GET", "/", &[("x", "1")], 0),
        (
            "max_headers = 2",
            "GET",
            "/",
            &[("x", "1"), ("y", "1")],
            431,
        ),
        ("methods = ['GET']", "GET", "/", &[], 0),
        ("methods = ['GET']", "HEAD", "/", &[], 0),
        ("methods = ['GET']", "POST", "/", &[], 405),
        ("methods = ['GET']", "get", "/", &[], 405),
        ("methods = ['PURGE']", "PURGE", "/", &[], 0),
        ("content_types = ['image/*']", "GET", "/", &[], 0),
        (
            "content_types = ['image/*']",
            "POST",
            "/",
            &[("content-length", "0")],
            0,
        ),
        (
            "content_types = ['image/*']",
            "POST",
            "/",
            &[("content-length", "1")],
            415,
        ),
        (
            "content_types = ['image/*']",
            "POST",
            "/",
            &[("transfer-encoding", "chunked")],
            415,
        ),
        (
            "content_types = ['image/*']",
            "POST",
            "/",
            &[("content-type", "image/")],
            415,
        ),
        (
            "content_types = ['image/*']",
            "POST",
            "/",
            &[("content-type", "Image/PNG; a=b")],
            0,
        ),
        (
            "content_types = ['a/b']",
            "POST",
            "/",
            &[("content-type", "a/b ;c=d")],
            0,
        ),
        (
            "content_types = ['a/b']",
            "POST",
            "/",
            &[("content-type", "a/bc")],
            415,
        ),
        (
            "content_types = ['a/b']",
            "POST",
            "/",
            &[("content-type", "")],
            415,
        ),
    ];
    for (settings, method, target, headers, expected) in cases {
        let filter: RequestLimits = build(settings).unwrap();
        let actual = status(&filter, &mut exchange(method, target, headers));
        assert_eq!(
            actual, expected,
            "{settings}: {method} {target} {headers:?}"
        );
    }
}

#[test]
fn a_refusal_says_what_is_taken() {
    let filter: RequestLimits =
        build("methods = ['GET', 'POST']\ncontent_types = ['a/b', 'c/*']").unwrap();
    let wrong_method = answer(&filter, &mut exchange("PUT", "/", &[])).unwrap();
    assert_eq!(values(&wrong_method.head, "allow"), ["GET, POST, HEAD"]);
    let wrong_type = answer(
        &filter,
        &mut exchange("POST", "/", &[("content-type", "x/y")]),
    )
    .unwrap();
    assert_eq!(values(&wrong_type.head, "accept"), ["a/b, c/*"]);
}

#[test]
fn a_body_over_http2_needs_a_type() {
    let filter: RequestLimits = build("content_types = ['a/b']").unwrap();
    for (method, expected) in [("POST", 415), ("GET", 0)] {
        let mut exchange = exchange(method, "/", &[]);
        exchange.request.set_version(http::Version::HTTP_2);
        assert_eq!(status(&filter, &mut exchange), expected);
    }
}

#[test]
fn the_least_limit_of_a_body_is_left_for_the_request_path() {
    let mut exchange = exchange("POST", "/", &[("transfer-encoding", "chunked")]);
    for (max, expected) in [("2KiB", 2048), ("1KiB", 1024), ("3KiB", 1024)] {
        let filter: RequestLimits = build(&format!("max_body = '{max}'")).unwrap();
        assert_eq!(status(&filter, &mut exchange), 0);
        assert_eq!(exchange.notes.get(), Some(&MaxBody(expected)));
    }
}

#[test]
fn mistakes_are_told() {
    for (settings, expected) in [
        ("", "nothing is limited"),
        ("methods = []", "methods: nothing would be taken"),
        (
            "methods = ['get']",
            "methods[0]: `get` is not a method: write `GET`",
        ),
        (
            "content_types = []",
            "content_types: nothing would be taken",
        ),
        (
            "content_types = ['json']",
            "content_types[0]: `json` is not a media type",
        ),
        ("content_types = ['*/*']", "`*/*` is not a media type"),
        ("content_types = ['a/b; c=d']", "without parameters"),
        ("max_body = 'big'", "max_body: "),
    ] {
        refused::<RequestLimits>(settings, expected);
    }
}
