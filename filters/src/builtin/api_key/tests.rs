//! Who is let in, and what the cache and the origin get to see.

use super::*;
use crate::testing::{answer, build, build_in, exchange, refused, status, values};

const KEY: &str = "0123456789abcdef";

fn filter(more: &str) -> ApiKey {
    build(&format!(
        "keys = {{ shop = \"{KEY}\", app = \"fedcba9876543210\" }}\n{more}"
    ))
    .unwrap()
}

#[test]
fn a_key_lets_in_from_each_place() {
    let filter = filter(
        r#"from = [{ header = "X-Key" }, { authorization = "Bearer" }, { query = "key" }, { cookie = "key" }]"#,
    );
    for (target, name, value) in [
        ("/a", "x-key", KEY),
        ("/a", "authorization", "Bearer 0123456789abcdef"),
        ("/a?key=0123456789abcdef", "x-other", ""),
        ("/a", "cookie", "key=0123456789abcdef"),
    ] {
        let mut exchange = exchange("GET", target, &[(name, value)]);
        assert_eq!(status(&filter, &mut exchange), 0, "{target} {name}");
        assert_eq!(exchange.log, [("key_owner".into(), "shop".to_owned())]);
        assert_eq!(exchange.request.uri.to_string(), "/a");
        assert!(
            !format!("{:?}", exchange.request.headers).contains(KEY),
            "{name}"
        );
        assert!(exchange.chosen.key_parts.is_empty() && exchange.outcomes.is_empty());
    }
}

#[test]
fn nobody_else_is_let_in() {
    let filter = filter("realm = \"the \\\"shop\\\"\"");
    let refusal = answer(&filter, &mut exchange("GET", "/", &[])).unwrap();
    assert_eq!(refusal.head.status.as_u16(), 401);
    assert_eq!(
        values(&refusal.head, "www-authenticate"),
        [r#"ApiKey realm="the \"shop\"""#]
    );
    for (key, expected) in [
        ("", 403),
        ("0123456789abcdeF", 403),
        ("shop", 403),
        (KEY, 0),
    ] {
        let mut exchange = exchange("GET", "/", &[("x-api-key", key)]);
        assert_eq!(status(&filter, &mut exchange), expected, "{key}");
        assert_eq!(exchange.outcomes.len(), usize::from(expected != 0));
    }
    let mut twice = exchange("GET", "/", &[("x-api-key", KEY)]);
    twice.request.append_header("x-api-key", KEY).unwrap();
    assert_eq!(status(&filter, &mut twice), 401);
}

#[test]
fn the_origin_is_told_whose_key_it_was() {
    let filter = filter("name_header = \"x-client\"");
    let sent = [
        ("x-api-key", "fedcba9876543210"),
        ("x-client", "shop"),
        ("x_client", "shop"),
    ];
    let mut exchange = exchange("GET", "/", &sent);
    assert_eq!(status(&filter, &mut exchange), 0);
    assert_eq!(exchange.header("x-client"), Some("app"));
    assert_eq!(
        (exchange.header("x_client"), exchange.header("x-api-key")),
        (None, None)
    );
}

#[test]
fn owners_share_responses_when_the_origin_cannot_tell_them_apart() {
    for (settings, expected) in [
        ("", None),
        ("forward = true", Some("shop")),
        ("name_header = \"x-client\"", Some("shop")),
        ("name_header = \"x-client\"\nshared = true", None),
    ] {
        let filter = filter(settings);
        let mut exchange = exchange("GET", "/", &[("x-api-key", KEY)]);
        assert_eq!(status(&filter, &mut exchange), 0);
        let part = exchange.chosen.key_parts.first().map(|part| &*part.value);
        assert_eq!(part, expected, "{settings}");
        let is_forwarded = settings.contains("forward");
        assert_eq!(exchange.header("x-api-key"), is_forwarded.then_some(KEY));
    }
}

#[test]
fn keys_come_from_a_file_too() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("keys"), format!("shop {KEY}\n")).unwrap();
    let filter: ApiKey = build_in(folder.path(), "file = \"keys\"").unwrap();
    assert_eq!(
        status(&filter, &mut exchange("GET", "/", &[("x-api-key", KEY)])),
        0
    );
}

#[test]
fn mistakes_are_told() {
    for (settings, expected) in [
        ("", "there is no key: give a `file` or `keys`"),
        (
            "keys = { a = \"short\" }",
            "keys.a: a key has at least 16 characters",
        ),
        (
            "keys = { \"a b\" = \"0123456789abcdef\" }",
            "keys.a b: the name of a key is one word",
        ),
        (
            "file = \"no-such-file\"",
            "file: `./no-such-file` can't be read",
        ),
        ("from = []", "from: there is no place to look at"),
        ("from = [{ query = \"a b\" }]", "`a b` can't be a name here"),
        (
            "from = [{ header = \"a b\" }]",
            "`a b` is not a header name",
        ),
        ("from = [{ body = \"key\" }]", "`body` is not"),
        (
            "keys = { a = \"0123456789abcdef\" }\nrealm = \"a\\nb\"",
            "realm: control characters",
        ),
    ] {
        refused::<ApiKey>(settings, expected);
    }
}
