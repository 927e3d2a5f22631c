//! Tables of origins, and what their pages may do.

use super::*;
use crate::testing::{answer, build, exchange, refused, values};

const SOME: &str = "origins = ['https://a.example', 'https://*.b.example:8443']\nexpose = ['x-a', 'x-b']\ncredentials = true";

fn respond(filter: &Cors, origin: Option<&str>, vary: Option<&str>) -> ResponseHeader {
    let headers: Vec<_> = origin.iter().map(|origin| ("origin", *origin)).collect();
    let mut head = ResponseHeader::build(200, None).unwrap();
    head.insert_header(
        "access-control-allow-origin",
        "https://from-the-origin.example",
    )
    .unwrap();
    if let Some(vary) = vary {
        head.insert_header("vary", vary).unwrap();
    }
    filter
        .response(&mut exchange("GET", "/", &headers), &mut head)
        .unwrap();
    head
}

#[test]
fn an_origin_is_let_read_if_it_is_named() {
    let filter: Cors = build(SOME).unwrap();
    for (origin, is_allowed) in [
        ("https://a.example", true),
        ("https://x.b.example:8443", true),
        ("https://x.y.b.example:8443", true),
        ("http://a.example", false),
        ("https://a.example:8443", false),
        ("https://a.example.evil.example", false),
        ("https://b.example:8443", false),
        ("https://.b.example:8443", false),
        ("https://xb.example:8443", false),
        ("https://evil.example/.b.example:8443", false),
        ("https://evil.example@x.b.example:8443", false),
        ("null", false),
        ("", false),
    ] {
        let head = respond(&filter, Some(origin), None);
        let expected: &[&str] = if is_allowed { &[origin] } else { &[] };
        assert_eq!(
            values(&head, "access-control-allow-origin"),
            expected,
            "{origin}"
        );
        assert_eq!(
            head.headers
                .contains_key("access-control-allow-credentials"),
            is_allowed
        );
        assert_eq!(
            head.headers.contains_key("access-control-expose-headers"),
            is_allowed
        );
        assert_eq!(values(&head, "vary"), ["Origin"], "{origin}");
    }
}

#[test]
fn vary_names_the_origin_once() {
    let filter: Cors = build(SOME).unwrap();
    for (vary, expected) in [
        (None, vec!["Origin"]),
        (Some("accept"), vec!["accept", "Origin"]),
        (Some("accept, ORIGIN"), vec!["accept, ORIGIN"]),
        (Some("*"), vec!["*"]),
    ] {
        assert_eq!(values(&respond(&filter, None, vary), "vary"), expected);
    }
    let open: Cors = build("origins = ['*']").unwrap();
    let head = respond(&open, None, None);
    assert_eq!(
        (
            values(&head, "vary"),
            values(&head, "access-control-allow-origin")
        ),
        (vec![], vec!["*".to_owned()])
    );
}

fn ask(filter: &Cors, headers: &[(&'static str, &str)]) -> Option<Answer> {
    answer(filter, &mut exchange("OPTIONS", "/", headers))
}

#[test]
fn a_preflight_is_answered() {
    let filter: Cors = build(
        "origins = ['https://a.example']\nmethods = ['PUT', 'GET']\nheaders = ['X-A', 'content-type']\nmax_age = '10m'",
    )
    .unwrap();
    let method = ("access-control-request-method", "PUT");
    let allowed = ask(&filter, &[("origin", "https://a.example"), method]).unwrap();
    assert_eq!(allowed.head.status.as_u16(), 204);
    for (name, value) in [
        ("access-control-allow-origin", "https://a.example"),
        ("access-control-allow-methods", "PUT, GET"),
        ("access-control-allow-headers", "x-a, content-type"),
        ("access-control-max-age", "600"),
        ("vary", "Origin"),
    ] {
        assert_eq!(values(&allowed.head, name), [value]);
    }
    let refused = ask(&filter, &[("origin", "https://b.example"), method]).unwrap();
    assert_eq!(refused.head.headers.len(), 1, "{:?}", refused.head);
    assert_eq!(values(&refused.head, "vary"), ["Origin"]);
}

#[test]
fn what_is_no_preflight_goes_on() {
    let filter: Cors = build("origins = ['*']").unwrap();
    let (origin, method) = (
        ("origin", "https://a.example"),
        ("access-control-request-method", "PUT"),
    );
    assert!(ask(&filter, &[origin]).is_none());
    assert!(ask(&filter, &[method]).is_none());
    assert!(answer(&filter, &mut exchange("GET", "/", &[origin, method])).is_none());
    assert!(ask(&filter, &[origin, method]).is_some());
}

#[test]
fn mistakes_are_told() {
    for (settings, expected) in [
        ("", "`origins` is missing"),
        ("origins = []", "origins: no origin is named"),
        (
            "origins = ['*', 'https://a.example']",
            "origins: `*` is every origin",
        ),
        (
            "origins = ['*']\ncredentials = true",
            "credentials: not with an origin `*`",
        ),
        (
            "origins = ['a.example']",
            "origins[0]: `a.example` is not an origin: it begins with `https://`",
        ),
        (
            "origins = ['https://a.example/']",
            "write `https://a.example`",
        ),
        (
            "origins = ['https://a.example/b']",
            "it is a scheme and a host",
        ),
        (
            "origins = ['https://a.*.example']",
            "it is a scheme and a host",
        ),
        (
            "origins = ['https://a.example:443']",
            "leave out the default port: write `https://a.example`",
        ),
        ("origins = ['null']", "files and sandboxed frames"),
        (
            "origins = ['*']\nmethods = ['get']",
            "methods[0]: `get` is not a method: write `GET`",
        ),
    ] {
        refused::<Cors>(settings, expected);
    }
}
