//! Where credentials are found, and what is left of a request without them.

use super::*;
use crate::testing::exchange;

fn places(settings: &str) -> Places {
    let table: toml::Table = format!("from = {settings}").parse().unwrap();
    let places = table["from"].clone();
    places.try_into().unwrap()
}

const EVERYWHERE: &str = r#"[{ header = "x-key" }, { authorization = "Bearer" }, { query = "key" }, { cookie = "key" }]"#;

#[test]
fn the_first_place_that_holds_something_counts() {
    let places = places(EVERYWHERE);
    for (target, headers, expected) in [
        ("/", &[][..], Ok(None)),
        ("/?key=q", &[("x-key", "h")], Ok(Some((0, "h")))),
        (
            "/?key=q",
            &[("authorization", "bearer  t ")],
            Ok(Some((1, "t"))),
        ),
        (
            "/?key=q",
            &[("authorization", "Basic t")],
            Ok(Some((2, "q"))),
        ),
        (
            "/?a=1&key=%71%2f",
            &[("cookie", "key=c")],
            Ok(Some((2, "q/"))),
        ),
        ("/?key=q&key=q", &[], Ok(Some((2, "q")))),
        ("/?key=q&key=r", &[], Err(Unclear)),
        ("/?key=%ff", &[], Err(Unclear)),
        ("/", &[("cookie", "a=b; key=c")], Ok(Some((3, "c")))),
        ("/", &[("cookie", "key=c; key=d")], Err(Unclear)),
    ] {
        let exchange = exchange("GET", target, headers);
        let found = places.find(&exchange);
        let expected = expected.map(|found| {
            found.map(|(place, value): (usize, &str)| Found {
                place,
                value: value.into(),
            })
        });
        assert_eq!(found, expected, "{target} {headers:?}");
    }
}

#[test]
fn two_headers_are_unclear() {
    let places = places(EVERYWHERE);
    for (name, first, second) in [
        ("x-key", "a", "a"),
        ("authorization", "Bearer a", "Basic b"),
        ("authorization", "Basic a", "Bearer b"),
    ] {
        let mut exchange = exchange("GET", "/", &[(name, first)]);
        exchange.request.append_header(name, second).unwrap();
        assert_eq!(places.find(&exchange), Err(Unclear), "{name}");
    }
}

#[test]
fn what_is_stripped_leaves_the_rest_as_it_was() {
    let places = places(EVERYWHERE);
    let headers = [
        ("x-key", "h"),
        ("authorization", "Bearer t"),
        ("cookie", "a=b; key=c;d"),
    ];
    let mut all = exchange("GET", "/p?a=%7e&key=q&key&b", &headers);
    places.strip(&mut all, None).unwrap();
    assert_eq!(all.request.uri.to_string(), "/p?a=%7e&b");
    assert_eq!(all.header("cookie"), Some("a=b; d"));
    assert_eq!(
        (all.header("x-key"), all.header("authorization")),
        (None, None)
    );
    let mut kept = exchange("GET", "/?key=q", &headers);
    places.strip(&mut kept, Some(1)).unwrap();
    assert_eq!(kept.header("authorization"), Some("Bearer t"));
    assert_eq!(kept.request.uri.to_string(), "/");
    let mut other = exchange(
        "GET",
        "/",
        &[("authorization", "Basic t"), ("cookie", "key=c")],
    );
    places.strip(&mut other, None).unwrap();
    assert_eq!(other.header("authorization"), Some("Basic t"));
    assert_eq!(other.header("cookie"), None);
}

#[test]
fn nobody_names_himself() {
    let names = ["x-user-id", "x-role"].map(HeaderName::from_static);
    let sent = [
        ("x-user-id", "a"),
        ("x_user_id", "a"),
        ("x-user_id", "a"),
        ("x_role", "a"),
        ("x_roles", "kept"),
    ];
    let mut exchange = exchange("GET", "/", &sent);
    remove_claimed(&mut exchange, &names);
    let left: Vec<&str> = exchange
        .request
        .headers
        .keys()
        .map(HeaderName::as_str)
        .collect();
    assert_eq!(left, ["host", "x_roles"]);
}

#[test]
fn a_secret_is_not_shown() {
    let secret: Secret = toml::Value::from("hidden").try_into().unwrap();
    assert_eq!(format!("{secret:?}"), "Secret");
}
