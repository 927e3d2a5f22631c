//! Tables of cookies and what becomes of them.

use super::*;
use crate::testing::{build, exchange, refused, status, values};

#[test]
fn cookies_of_requests_are_changed() {
    for (settings, cookies, expected) in [
        (
            "keep = ['a', 'c_*']",
            "a=1; b=2; c_d=x=y; A=3",
            Some("a=1; c_d=x=y"),
        ),
        ("keep = ['a']", "a=1;a=2", Some("a=1;a=2")),
        ("keep = []", "a=1; b=2", None),
        (
            "drop = ['_ga*', '_fbp']",
            "_ga=1; _ga_X=2; a=1; _fbp=3",
            Some("a=1"),
        ),
        ("drop = ['_ga*']", "a=1;  b=2", Some("a=1;  b=2")),
        (
            "rename = { sid = 'session' }",
            "sid=1; sid2=2; b",
            Some("session=1; sid2=2; b"),
        ),
        (
            "rename = { sid = 'session' }",
            "sid = 1",
            Some("session= 1"),
        ),
        ("keep = ['a']", "", Some("")),
        ("keep = ['a']", "; ;=;b", None),
    ] {
        let filter: Cookies = build(settings).unwrap();
        let mut exchange = exchange("GET", "/", &[("cookie", cookies)]);
        assert_eq!(status(&filter, &mut exchange), 0);
        assert_eq!(
            exchange.header("cookie"),
            expected,
            "{settings} on {cookies}"
        );
    }
    let filter: Cookies = build("drop = ['b']").unwrap();
    let mut exchange = exchange("GET", "/", &[("cookie", "a=1")]);
    exchange.request.append_header("cookie", "b=2").unwrap();
    exchange.request.append_header("cookie", "c=3").unwrap();
    assert_eq!(status(&filter, &mut exchange), 0);
    assert_eq!(exchange.header("cookie"), Some("a=1; c=3"));
}

#[test]
fn cookies_of_responses_are_changed() {
    for (settings, before, after) in [
        ("drop = ['t*']", &["a=1", "track=2"][..], &["a=1"][..]),
        ("keep = ['a']", &["a=1", "b=2; Path=/"], &["a=1"]),
        ("keep = []", &["a=1"], &[]),
        (
            "rename = { sid = 'session' }",
            &["sid=1; Path=/x"],
            &["session=1; Path=/x"],
        ),
        (
            "secure = true\nhttp_only = true\nsame_site = 'lax'",
            &["a=1; path=/; SECURE; samesite=none"],
            &["a=1; path=/; Secure; HttpOnly; SameSite=Lax"],
        ),
        (
            "secure = false\nhttp_only = false",
            &["a=1; Secure; HttpOnly; Path=/"],
            &["a=1; Path=/"],
        ),
        (
            "domain = 'example.com'\npath = '/'",
            &["a=1; Domain=origin.internal"],
            &["a=1; Domain=example.com; Path=/"],
        ),
        (
            "domain = ''",
            &["a=1; Domain=origin.internal; Max-Age=5"],
            &["a=1; Max-Age=5"],
        ),
        (
            "only = ['s*']\nsecure = true",
            &["a=1", "sid=2"],
            &["a=1", "sid=2; Secure"],
        ),
        (
            "secure = true",
            &["nonsense", "", "=;;"],
            &["nonsense; Secure", "; Secure", "=; Secure"],
        ),
    ] {
        let inner = settings.replace('\n', ", ");
        let filter: Cookies = build(&format!("response = {{ {inner} }}")).unwrap();
        let mut head = ResponseHeader::build(200, None).unwrap();
        for cookie in before {
            head.append_header("set-cookie", *cookie).unwrap();
        }
        filter
            .origin_response(&mut exchange("GET", "/", &[]), &mut head)
            .unwrap();
        assert_eq!(values(&head, "set-cookie"), after, "{settings}");
    }
}

#[test]
fn mistakes_are_told() {
    for (settings, expected) in [
        ("", "nothing is changed: give `keep`"),
        ("rename = { a = 'b c' }", "`b c` is not a cookie's name"),
        (
            "rename = { a = 'b' }\ndrop = ['a']",
            "rename.a: `a` is in `drop` as well",
        ),
        ("response = {}", "response: nothing is changed"),
        (
            "response = { domain = 'a;b' }",
            "response.domain: `a;b` can't be an attribute of a cookie",
        ),
        (
            "response = { path = 'a b' }",
            "response.path: `a b` can't be an attribute",
        ),
        ("response = { same_site = 'all' }", "`all` is not one of"),
    ] {
        refused::<Cookies>(settings, expected);
    }
}
