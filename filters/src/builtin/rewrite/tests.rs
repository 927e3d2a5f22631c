//! Tables of targets and what becomes of them.

use proptest::prelude::*;
use regex::Regex;

use super::*;
use crate::testing::{build, exchange, refused, status};

#[track_caller]
fn check(settings: &str, target: &str, expected: &str) {
    let filter: Rewrite = build(settings).unwrap();
    let mut exchange = exchange("GET", target, &[]);
    exchange.params = vec![("id".into(), "7/ü".to_owned())];
    assert_eq!(status(&filter, &mut exchange), 0);
    assert_eq!(
        exchange.request.uri.to_string(),
        expected,
        "{settings} on {target}"
    );
}

#[test]
fn paths_are_rewritten() {
    for (settings, target, expected) in [
        (r#"path = "/x/{param.id}""#, "/a?q=1", "/x/7%2F%C3%BC?q=1"),
        (r#"path = "/x{path}""#, "/a%20b", "/x/a%20b"),
        (r#"strip_prefix = "/api""#, "/api/users?q", "/users?q"),
        (r#"strip_prefix = "/api/""#, "/api", "/"),
        (r#"strip_prefix = "/api""#, "/apis", "/apis"),
        (r#"add_prefix = "/v2/""#, "/a", "/v2/a"),
        (r#"add_prefix = "/""#, "/a", "/a"),
        (
            r#"regex = { match = "^/item-(?<n>[0-9]+)", replace = "/items/${n}" }"#,
            "/item-12/x",
            "/items/12/x",
        ),
        (
            r#"regex = { match = "-", replace = "_" }"#,
            "/a-b-c",
            "/a_b-c",
        ),
        (r#"regex = { match = "nowhere", replace = "" }"#, "/a", "/a"),
        (
            "strip_prefix = \"/a\"\nadd_prefix = \"/c\"\nregex = { match = \"^/b$\", replace = \"/B\" }",
            "/a/b",
            "/c/B",
        ),
        (r#"path = "/x""#, "*", "*"),
    ] {
        check(settings, target, expected);
    }
}

#[test]
fn queries_are_rewritten() {
    for (settings, target, expected) in [
        (
            r#"query = { remove = ["utm_*", "b"] }"#,
            "/?a=1&utm_source=x&%75tm_b=2&b&c",
            "/?a=1&c",
        ),
        (r#"query = { remove = ["a"] }"#, "/?a=1", "/"),
        (
            r#"query = { remove = ["a b"] }"#,
            "/?a+b=1&a%20b=2&ab=3",
            "/?ab=3",
        ),
        (
            r#"query = { set = { p = "{path}", z = "1&2" } }"#,
            "/a?p=0&q=1",
            "/a?q=1&p=%2Fa&z=1%262",
        ),
        (
            r#"query = { replace = "x={param.id}&{query}" }"#,
            "/?q=1",
            "/?x=7%2F%C3%BC&q=1",
        ),
        (r#"query = { replace = "" }"#, "/?q=1", "/"),
    ] {
        check(settings, target, expected);
    }
}

#[test]
fn a_host_is_rewritten_or_refused() {
    let filter: Rewrite = build(r#"host = "{header.x-tenant}.Internal:8080""#).unwrap();
    for (tenant, expected) in [
        ("a", Some("a.internal:8080")),
        ("a b", None),
        ("a/b", None),
        ("a@b", None),
    ] {
        let mut exchange = exchange("GET", "/", &[("x-tenant", tenant)]);
        let result = filter.request(&mut exchange);
        assert_eq!(result.is_ok(), expected.is_some(), "{tenant}");
        assert_eq!(
            exchange.header("host"),
            Some(expected.unwrap_or("example.com"))
        );
    }
}

#[test]
fn a_target_that_would_not_be_normal_is_refused() {
    let filter: Rewrite = build(r#"regex = { match = "^/(.*)x", replace = "$1" }"#).unwrap();
    for target in ["/ax", "/%2fx2", "/.x./a"] {
        let mut exchange = exchange("GET", target, &[]);
        assert!(filter.request(&mut exchange).is_err(), "{target}");
        assert_eq!(exchange.request.uri, target);
    }
}

#[test]
fn mistakes_are_told() {
    for (settings, expected) in [
        ("", "nothing is rewritten"),
        (
            "path = \"/a\"\nadd_prefix = \"/b\"",
            "`path` is the whole path",
        ),
        (
            r#"path = "/a?b""#,
            "path: `/a?b` is not a path: `?` and `#` end a path",
        ),
        (r#"path = "a""#, "path does not begin with `/`"),
        (
            r#"path = "{uri}""#,
            "`{query}` and `{uri}` can't be in a path",
        ),
        (
            r#"add_prefix = "/../a""#,
            "add_prefix: `/../a` is not a path",
        ),
        (
            r#"regex = { match = "(", replace = "" }"#,
            "regex.match: `(` is not a regular expression: unclosed group",
        ),
        (
            r#"regex = { match = "(a{1000}){1000}", replace = "" }"#,
            "is too large: a megabyte",
        ),
        (r#"query = {}"#, "query: nothing is changed"),
        (r#"host = "a b""#, "host: `a b` is not a host"),
    ] {
        refused::<Rewrite>(settings, expected);
    }
}

proptest! {
    #[test]
    fn a_rewritten_target_is_clean(
        id in ".*",
        replace in "[ -~]{0,12}|.*",
        target in "/[!$-;=@-_a-z~%]{0,20}(\\?[!$-;=?-_a-z~]{0,20})?",
    ) {
        let filters: [Rewrite; 3] = [
            build("path = \"/x/{param.id}{header.x}\"\nquery = { set = { a = \"{param.id}\" } }").unwrap(),
            build("query = { replace = \"{param.id}&{query}\", remove = [\"q\"] }").unwrap(),
            Rewrite {
                path: PathChange::Parts {
                    strip: None,
                    regex: Some((Regex::new("[a-f]+").unwrap(), replace)),
                    add: Some("/y".to_owned()),
                },
                query: None,
                host: None,
            },
        ];
        for filter in filters {
            let mut exchange = exchange("GET", &target, &[]);
            exchange.params = vec![("id".into(), id.clone())];
            if filter.request(&mut exchange).is_ok() {
                let target = exchange.request.uri.to_string();
                prop_assert!(target.starts_with('/'), "{target}");
                prop_assert!(target.bytes().all(|b| b.is_ascii_graphic() && b != b'#'), "{target}");
                prop_assert_eq!(exchange.request.raw_path(), target.as_bytes());
            }
        }
    }
}
