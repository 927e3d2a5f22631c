use super::*;
use crate::testing::{build, exchange, refused, values};

fn response(fields: &[(&'static str, &'static str)]) -> ResponseHeader {
    let mut head = ResponseHeader::build(200, None).unwrap();
    for (name, value) in fields {
        head.insert_header(*name, *value).unwrap();
    }
    head
}

/// The response after the filter, whose body must be left alone.
fn told(settings: &str, scheme: Scheme, mut head: ResponseHeader) -> ResponseHeader {
    let filter: SecurityHeaders = build(settings).unwrap();
    let mut exchange = exchange("GET", "/", &[]);
    exchange.client.scheme = scheme;
    let body = filter.response(&mut exchange, &mut head).unwrap();
    assert!(matches!(body, Body::Untouched));
    assert!(filter.rewrites() == Phases::NONE);
    head
}

#[test]
fn presets_can_be_changed() {
    for (settings, name, expected) in [
        ("", "x-frame-options", Some("SAMEORIGIN")),
        ("", "content-security-policy", None),
        ("preset = 'strict'", "x-frame-options", Some("DENY")),
        (
            "preset = 'strict'",
            "cross-origin-opener-policy",
            Some("same-origin"),
        ),
        (
            "preset = 'api'",
            "content-security-policy",
            Some("default-src 'none'; frame-ancestors 'none'"),
        ),
        ("preset = 'none'", "x-content-type-options", None),
        (
            "set = { X-Frame-Options = 'DENY' }",
            "x-frame-options",
            Some("DENY"),
        ),
        ("set = { x-new = '1' }", "x-new", Some("1")),
        ("omit = ['x-frame-options']", "x-frame-options", None),
        (
            "preset = 'strict'\ncsp = \"script-src 'self'\"",
            "content-security-policy",
            Some("script-src 'self'"),
        ),
        (
            "csp = { script-src = ['a', 'b'], upgrade-insecure-requests = [], img-src = '*' }",
            "content-security-policy",
            Some("img-src *; script-src a b; upgrade-insecure-requests"),
        ),
        (
            "csp_report_only = \"default-src 'self'\"",
            "content-security-policy-report-only",
            Some("default-src 'self'"),
        ),
    ] {
        let head = told(settings, Scheme::Https, response(&[]));
        let expected: Vec<&str> = expected.into_iter().collect();
        assert_eq!(values(&head, name), expected, "{settings}");
    }
}

#[test]
fn tls_is_asked_for_over_tls_alone() {
    for (scheme, expected) in [(Scheme::Https, 1), (Scheme::Http, 0)] {
        let head = told("", scheme, response(&[]));
        assert_eq!(values(&head, "strict-transport-security").len(), expected);
        assert_eq!(values(&head, "x-content-type-options"), ["nosniff"]);
    }
}

#[test]
fn what_the_origin_sent_is_replaced_or_holds_or_goes() {
    let sent = [
        ("x-frame-options", "ALLOWALL"),
        ("server", "x/1"),
        ("x-powered-by", "y/2"),
    ];
    for (settings, name, expected) in [
        ("", "x-frame-options", &["SAMEORIGIN"][..]),
        ("overwrite = false", "x-frame-options", &["ALLOWALL"]),
        ("", "server", &[]),
        ("", "x-powered-by", &[]),
        ("remove = ['x-powered-by']", "server", &["x/1"]),
        ("remove = ['x-powered-by']", "x-powered-by", &[]),
        ("remove = []", "x-powered-by", &["y/2"]),
    ] {
        let head = told(settings, Scheme::Https, response(&sent));
        assert_eq!(values(&head, name), expected, "{settings}");
    }
}

const NONCE: &str = r#"
    preset = "none"
    csp = "script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'"
"#;

fn policy_of(head: &ResponseHeader) -> Option<String> {
    values(head, "content-security-policy").pop()
}

#[test]
fn a_page_and_its_policy_have_one_nonce_and_no_other_has_it() {
    let filter: SecurityHeaders = build(NONCE).unwrap();
    assert!(filter.rewrites().contains(Phase::Response));
    let mut seen = Vec::new();
    for _ in 0..2 {
        let mut head = response(&[("content-type", "text/html")]);
        let body = filter.response(&mut exchange("GET", "/", &[]), &mut head);
        let Body::Rewritten(mut rewriter) = body.unwrap() else {
            panic!("not rewritten")
        };
        let mut page = rewriter
            .chunk("<script src=a nonce=old></scr".into())
            .unwrap()
            .to_vec();
        page.extend(rewriter.chunk("ipt><p><style></style>".into()).unwrap());
        page.extend(rewriter.end().unwrap());
        let policy = policy_of(&head).unwrap();
        let (_, nonce) = policy.rsplit_once("'nonce-").unwrap();
        let nonce = nonce.trim_end_matches('\'').to_owned();
        assert_eq!(nonce.len(), 24, "16 bytes in base64");
        assert_eq!(
            policy,
            format!("script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'")
        );
        let expected = format!(
            "<script src=a nonce=\"{nonce}\"></script><p><style nonce=\"{nonce}\"></style>"
        );
        assert_eq!(String::from_utf8(page).unwrap(), expected);
        seen.push(nonce);
    }
    assert_ne!(seen[0], seen[1]);
}

#[test]
fn what_can_not_have_a_nonce_has_the_policy_alone() {
    for (status, settings, fields, has_policy) in [
        (
            200,
            NONCE.to_owned(),
            &[("content-type", "image/svg+xml")][..],
            true,
        ),
        (
            200,
            NONCE.to_owned(),
            &[("content-type", "text/html"), ("content-encoding", "br")],
            true,
        ),
        (
            200,
            NONCE.to_owned(),
            &[("content-type", "text/html; charset=utf-16")],
            true,
        ),
        (
            304,
            NONCE.to_owned(),
            &[("content-type", "text/html")],
            false,
        ),
        (
            200,
            format!("{NONCE}\noverwrite = false"),
            &[
                ("content-type", "text/html"),
                ("content-security-policy", "img-src *"),
            ],
            false,
        ),
    ] {
        let filter: SecurityHeaders = build(&settings).unwrap();
        let mut head = response(fields);
        head.set_status(status).unwrap();
        let body = filter.response(&mut exchange("GET", "/", &[]), &mut head);
        assert!(matches!(body, Ok(Body::Untouched)), "{fields:?}");
        let policy = policy_of(&head).unwrap_or_default();
        assert_eq!(policy.contains("nonce-"), has_policy, "{fields:?}");
    }
}

#[test]
fn elements_can_be_chosen() {
    let settings = format!("{NONCE}\nnonce_for = ['script[nonce]']");
    let filter: SecurityHeaders = build(&settings).unwrap();
    let mut exchange = exchange("GET", "/", &[]);
    let mut head = response(&[("content-type", "text/html")]);
    let Body::Rewritten(mut rewriter) = filter.response(&mut exchange, &mut head).unwrap() else {
        panic!("not rewritten")
    };
    let page = rewriter.chunk("<script nonce></script><script></script>".into());
    let page = String::from_utf8(page.unwrap().to_vec()).unwrap();
    assert!(
        page.starts_with("<script nonce=\"") && page.ends_with("<script></script>"),
        "{page}"
    );
}

#[test]
fn mistakes_are_told() {
    for (settings, expected) in [
        ("preset = 'paranoid'", "preset"),
        ("omit = ['x-new']", "omit: the preset has no `x-new`"),
        (
            "set = { x = \"a\\nb\" }",
            "set.x: `a\\nb` can't be in a header",
        ),
        (
            "set = { content-length = '1' }",
            "set.content-length: `content-length` delimits",
        ),
        (
            "set = { content-security-policy = 'a' }",
            "set.content-security-policy: set it by `csp`",
        ),
        ("csp = ''", "csp: the policy is empty"),
        ("csp = {}", "csp: the policy is empty"),
        (
            "csp = 'script-src {nonces}'",
            "csp: only `{nonce}` stands for something",
        ),
        (
            "csp = { script-src = ['{nonce}'] }",
            "csp: a nonce is written `'nonce-{nonce}'`",
        ),
        (
            "csp = \"default-src self; img-src *\"",
            "csp: `self` would be a host: the keyword is `'self'`",
        ),
        (
            "csp = { Script = 'a' }",
            "csp.Script: `Script` is not a directive",
        ),
        (
            "csp = { img-src = 'a; b' }",
            "csp.img-src: `a; b` would end the directive",
        ),
        ("csp_report_only = 1", "csp_report_only"),
        ("nonce_for = ['[']", "`[` is not a selector"),
        (
            "remove = ['connection']",
            "remove: `connection` is about one connection",
        ),
    ] {
        refused::<SecurityHeaders>(settings, expected);
    }
}
