//! Who gets which variant, and what it changes.

use serde_json::json;

use super::*;
use crate::claims::Claims;
use crate::testing::{build, exchange, exchange_from, refused, status, values};

const CHROME: (&str, &str) = (
    "user-agent",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
);

/// Two variants of equal weight, by a header.
const HALVES: &str = r#"
    sticky = { header = "x-user" }
    variants = [
      { name = "a", weight = 1 },
      { name = "b", weight = 1, set = { request_header = { x-variant = "b" } } },
    ]
"#;

fn with(more: &str) -> Ab {
    build(&format!("{HALVES}{more}")).unwrap()
}

fn user(name: &str) -> Exchange {
    exchange("GET", "/", &[CHROME, ("x-user", name)])
}

/// The variant that a request gets.
fn variant(filter: &Ab, exchange: &mut Exchange) -> Option<String> {
    assert_eq!(status(filter, exchange), 0);
    let variants = exchange.notes.get::<Variants>()?;
    variants.get("test").map(|variant| variant.to_string())
}

/// How many of a thousand users get which variant.
fn split(filter: &Ab) -> [usize; 3] {
    let got: Vec<_> = (0..1000)
        .map(|number| variant(filter, &mut user(&format!("u{number}"))))
        .collect();
    let count = |name: Option<&str>| {
        got.iter()
            .filter(|variant| variant.as_deref() == name)
            .count()
    };
    [count(None), count(Some("a")), count(Some("b"))]
}

#[test]
fn users_are_split_by_weight_and_stay() {
    let filter = with("");
    let [none, a, b] = split(&filter);
    assert!(
        none == 0 && (430..570).contains(&a) && a + b == 1000,
        "{a} {b}"
    );
    for number in 0..20 {
        let name = format!("u{number}");
        assert_eq!(
            variant(&filter, &mut user(&name)),
            variant(&with(""), &mut user(&name))
        );
    }
    let [none, a, b] = split(&with("traffic = \"20%\""));
    assert!(
        (750..850).contains(&none) && a > 60 && b > 60,
        "{none} {a} {b}"
    );
    assert_ne!(split(&with("salt = \"other\"")), split(&filter));
}

#[test]
fn a_variant_that_grows_takes_only_what_it_needs() {
    let weights = |a: u32, b: u32| -> Ab {
        build(&format!(
            "sticky = {{ header = 'x-user' }}\nvariants = [{{ name = 'a', weight = {a} }}, {{ name = 'b', weight = {b} }}]"
        ))
        .unwrap()
    };
    let (before, after) = (weights(90, 10), weights(80, 20));
    let mut moved = 0;
    for number in 0..1000 {
        let name = format!("u{number}");
        let was = variant(&before, &mut user(&name));
        let is = variant(&after, &mut user(&name));
        assert!(
            was.as_deref() == Some("a") || was == is,
            "nobody leaves the variant that grows"
        );
        moved += usize::from(was != is);
    }
    assert!((60..140).contains(&moved), "{moved}");
}

#[test]
fn only_what_changes_the_content_is_told_apart() {
    for (change, parts, origin, target) in [
        ("", &[][..], false, "/x?q"),
        (
            "set = { response_header = { x-a = '1' } }",
            &[],
            false,
            "/x?q",
        ),
        ("path_prefix = '/b'", &[], false, "/b/x?q"),
        ("path_prefix = '/x'", &[], false, "/x?q"),
        ("path = '/new{path}'", &[], false, "/new/x?q"),
        ("origin = 'other'", &[], true, "/x?q"),
        ("vary = true", &["a"], false, "/x?q"),
        (
            "set = { request_header = { x-variant = 'a' } }",
            &["a"],
            false,
            "/x?q",
        ),
    ] {
        let settings =
            format!("sticky = 'client_ip'\nvariants = [{{ name = 'a', weight = 1, {change} }}]");
        let settings = settings.replace(", }", " }");
        let filter: Ab = build(&settings).unwrap();
        let mut exchange = exchange("GET", "/x?q", &[CHROME]);
        assert_eq!(variant(&filter, &mut exchange).as_deref(), Some("a"));
        let made: Vec<_> = exchange
            .chosen
            .key_parts
            .iter()
            .map(|part| &*part.value)
            .collect();
        assert_eq!(made, parts, "{change}");
        assert_eq!(exchange.chosen.origin.is_some(), origin, "{change}");
        assert_eq!(exchange.request.uri, target, "{change}");
    }
}

#[test]
fn what_variants_tell_the_origin_is_not_for_clients_to_say() {
    let filter = with("traffic = \"0%\"");
    let mut exchange = user("u1");
    exchange.request.insert_header("x-variant", "b").unwrap();
    assert_eq!(variant(&filter, &mut exchange), None);
    assert_eq!(exchange.header("x-variant"), None);
}

#[test]
fn a_cookie_is_made_once_and_kept() {
    let filter: Ab = build("sticky = { cookie = 'id', ttl = '1d', domain = 'example.com' }\nvariants = [{ name = 'a', weight = 1 }]").unwrap();
    let mut new = exchange("GET", "/", &[CHROME, ("cookie", "a=b; id=")]);
    assert_eq!(variant(&filter, &mut new).as_deref(), Some("a"));
    let identity = new.cookie("id").expect("an identity").to_owned();
    assert_eq!(
        new.header("cookie"),
        Some(&*format!("id={identity}; a=b; id="))
    );
    let respond = |exchange: &mut Exchange| {
        let mut head = ResponseHeader::build(200, None).unwrap();
        head.insert_header("cache-control", "max-age=60").unwrap();
        filter.response(exchange, &mut head).unwrap();
        head
    };
    let head = respond(&mut new);
    let cookie = values(&head, "set-cookie").remove(0);
    let (identity, attributes) = cookie.split_once(';').unwrap();
    assert!(
        identity.starts_with("id=") && identity.len() == 35,
        "{cookie}"
    );
    assert_eq!(
        attributes,
        " Path=/; Domain=example.com; Max-Age=86400; HttpOnly; SameSite=Lax; Secure"
    );
    assert_eq!(values(&head, "cache-control"), ["max-age=60", "private"]);
    // Run again with its notes it makes the same.
    let mut again = exchange("GET", "/", &[CHROME]);
    again.notes = new.notes.clone();
    variant(&filter, &mut again);
    assert_eq!(values(&respond(&mut again), "set-cookie").concat(), cookie);
    let mut known = exchange("GET", "/", &[CHROME, ("cookie", identity)]);
    variant(&filter, &mut known);
    let head = respond(&mut known);
    assert!(values(&head, "set-cookie").is_empty());
    assert_eq!(values(&head, "cache-control"), ["max-age=60"]);
}

#[test]
fn experiments_share_a_cookie() {
    let settings = "sticky = { cookie = 'id' }\nvariants = [{ name = 'a', weight = 1 }]"
        .parse::<toml::Table>()
        .unwrap();
    let named = |name| -> Ab {
        let settings = rimward_config::decode(&settings).unwrap();
        Ab::new(settings, &Builder::new(std::path::Path::new("."), name)).unwrap()
    };
    let (one, other) = (named("one"), named("other"));
    let mut exchange = exchange("GET", "/", &[CHROME]);
    let mut head = ResponseHeader::build(200, None).unwrap();
    for filter in [&one, &other] {
        filter.request(&mut exchange).unwrap();
    }
    for filter in [&other, &one] {
        filter.response(&mut exchange, &mut head).unwrap();
    }
    assert_eq!(values(&head, "set-cookie").len(), 1);
    assert_eq!(
        exchange.log,
        [("variants".into(), "one=a, other=a".to_owned())]
    );
}

#[test]
fn clients_are_known_by_address_and_by_claim() {
    let filter: Ab = build(
        "sticky = 'client_ip'\nvariants = [{ name = 'a', weight = 1 }, { name = 'b', weight = 1 }]",
    )
    .unwrap();
    let by_address = |ip: &str| {
        let mut exchange = exchange_from(ip);
        exchange
            .request
            .insert_header("user-agent", CHROME.1)
            .unwrap();
        variant(&filter, &mut exchange).unwrap()
    };
    for number in 0..20 {
        assert_eq!(
            by_address(&format!("2001:db8:0:{number}::1")),
            by_address(&format!("2001:db8:0:{number}:ff::2"))
        );
        assert_eq!(
            by_address(&format!("192.0.2.{number}")),
            by_address(&format!("::ffff:192.0.2.{number}"))
        );
    }
    let filter: Ab =
        build("sticky = { claim = 'sub' }\nvariants = [{ name = 'a', weight = 1 }]").unwrap();
    for (claims, takes_part) in [
        (json!({ "sub": "ann" }), true),
        (json!({ "sub": 7 }), true),
        (json!({ "sub": "" }), false),
        (json!({ "sub": ["ann"] }), false),
        (json!({}), false),
    ] {
        let mut exchange = exchange("GET", "/", &[CHROME]);
        assert_eq!(variant(&filter, &mut exchange), None, "without a token");
        exchange
            .notes
            .insert(Claims(Arc::new(claims.as_object().unwrap().clone())));
        assert_eq!(
            variant(&filter, &mut exchange).is_some(),
            takes_part,
            "{claims}"
        );
    }
}

#[test]
fn who_tests_chooses() {
    const FORCE: &str = "traffic = '0%'\nforce = { query = 'x-ab', header = 'x-ab', cookie = 'ab'";
    let free = with(&format!("{FORCE} }}"));
    let guarded = with("force = { header = 'x-ab', secret = 'open-sesame' }\ntraffic = '0%'");
    let near = with(&format!("{FORCE}, from = ['192.0.2.0/24'] }}"));
    for (filter, target, field, expected) in [
        (&free, "/?a=1&x-ab=b&c", None, Some("b")),
        (&free, "/?x-ab=a", Some(("x-ab", "b")), Some("a")),
        (&free, "/", Some(("x-ab", "b")), Some("b")),
        (&free, "/", Some(("cookie", "ab=b")), Some("b")),
        (&free, "/?x-ab=nobody", None, None),
        (&free, "/?a=%20&x%2Dab=%62", None, Some("b")),
        (&guarded, "/", Some(("x-ab", "b")), None),
        (&guarded, "/", Some(("x-ab", "b:wrong-secret")), None),
        (&guarded, "/", Some(("x-ab", "b:open-sesame")), Some("b")),
        (&near, "/?x-ab=b", None, None),
    ] {
        let fields: Vec<_> = [CHROME].into_iter().chain(field).collect();
        let mut exchange = exchange("GET", target, &fields);
        assert_eq!(
            variant(filter, &mut exchange).as_deref(),
            expected,
            "{target} {field:?}"
        );
        assert!(
            !exchange.request.uri.to_string().contains("x-ab"),
            "{target}"
        );
        assert_eq!(exchange.header("x-ab"), None);
    }
    let mut exchange = exchange("GET", "/?a=1&x-ab=b&c", &[CHROME]);
    variant(&free, &mut exchange);
    assert_eq!(exchange.request.uri, "/?a=1&c");
}

#[test]
fn bots_take_no_part() {
    let fields = [
        (
            "user-agent",
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        ),
        ("x-user", "u1"),
    ];
    assert_eq!(variant(&with(""), &mut exchange("GET", "/", &fields)), None);
    assert!(
        variant(
            &with("exclude_bots = false"),
            &mut exchange("GET", "/", &fields)
        )
        .is_some()
    );
}

#[test]
fn a_layer_has_a_client_once() {
    let settings = "layer = 'l'\ntraffic = '60%'\nsticky = { header = 'x-user' }\nvariants = [{ name = 'a', weight = 1 }]";
    let named = |name| -> Ab {
        let settings = rimward_config::decode(&settings.parse().unwrap()).unwrap();
        Ab::new(settings, &Builder::new(std::path::Path::new("."), name)).unwrap()
    };
    let (one, other) = (named("one"), named("other"));
    for number in 0..100 {
        let mut exchange = user(&format!("u{number}"));
        for filter in [&one, &other, &one, &other] {
            filter.request(&mut exchange).unwrap();
        }
        if let Some(variants) = exchange.notes.get::<Variants>() {
            assert!(variants.get("one").is_some() && variants.get("other").is_none());
        }
    }
}

#[test]
fn a_response_tells_its_variant() {
    let filter: Ab = build(
        "sticky = 'client_ip'\nheader = 'x-experiment'\nvariants = [{ name = 'a', weight = 1, set = { response_header = { x-a = '{client_ip}' } } }]",
    )
    .unwrap();
    let mut exchange = exchange("GET", "/", &[CHROME]);
    variant(&filter, &mut exchange);
    let mut head = ResponseHeader::build(200, None).unwrap();
    filter.response(&mut exchange, &mut head).unwrap();
    assert_eq!(values(&head, "x-experiment"), ["test=a"]);
    assert_eq!(values(&head, "x-a"), ["203.0.113.7"]);
    assert!(
        values(&head, "cache-control").is_empty(),
        "the content is the same for all"
    );
}

#[test]
fn mistakes_are_told() {
    let variants = |variants: &str| format!("sticky = 'client_ip'\nvariants = [{variants}]");
    let one = |more: &str| variants(&format!("{{ name = 'a', weight = 1, {more} }}"));
    let more = |more: &str| format!("variants = [{{ name = 'a', weight = 1 }}]\n{more}");
    for (settings, expected) in [
        (
            variants(""),
            "variants: there has to be a variant with a weight above 0",
        ),
        (variants("{ name = 'a', weight = 0 }"), "a weight above 0"),
        (
            variants("{ name = 'A', weight = 1 }"),
            "`A` is not a name of small letters",
        ),
        (
            variants("{ name = 'none', weight = 1 }"),
            "choose another name",
        ),
        (
            variants("{ name = 'a', weight = 1 }, { name = 'a', weight = 1 }"),
            "variants[1].name: there are two variants `a`",
        ),
        (
            variants("{ name = 'a', weight = 99999 }, { name = 'b', weight = 1 }"),
            "variants[1].weight: `1` of 100000 is less than a bucket",
        ),
        (
            variants("{ name = 'a', weight = 1, wieght = 2 }"),
            "unknown key `wieght`",
        ),
        (
            one("path = '/a', path_prefix = '/b'"),
            "variants[0].path: `path` is the whole path",
        ),
        (
            one("path_prefix = 'b'"),
            "variants[0].path_prefix: `b` is not a path",
        ),
        (
            one("path = '{query}'"),
            "variants[0].path: `{query}` and `{uri}` can't be in a path",
        ),
        (
            one("set = { request_header = { host = 'a' } }"),
            "variants[0].set.request_header.host: `host` is changed by",
        ),
        (
            one("set = { request_header = { x = '{host}' } }"),
            "this is text as it is",
        ),
        (
            one("set = { response_header = { content-length = '1' } }"),
            "delimits the body",
        ),
        (
            more("sticky = 'ip'"),
            "sticky: `ip` is not `client_ip` or a table",
        ),
        (
            more("sticky = {}"),
            "sticky: give one of `cookie`, `header` and `claim`",
        ),
        (
            more("sticky = { cookie = 'a', header = 'b' }"),
            "give one of `cookie`, `header` and `claim`",
        ),
        (
            more("sticky = { header = 'b', ttl = '1d' }"),
            "are about a cookie",
        ),
        (
            more("sticky = { cookie = 'a b' }"),
            "`a b` can't be the name of a cookie",
        ),
        (
            more("sticky = { cookie = 'a', path = '/;' }"),
            "`/;` can't be the `Path` of a cookie",
        ),
        (
            more("sticky = { cookie = 'a', ttl = '1ms' }"),
            "less than a second",
        ),
        (
            one("") + "\nlayer = 'l'",
            "traffic: which part of the layer",
        ),
        (
            one("") + "\ntraffic = '150%'",
            "`150%` is not a share such as `50%`",
        ),
        (
            one("") + "\nheader = 'content-length'",
            "header: `content-length` delimits",
        ),
        (
            one("") + "\nforce = { header = 'host' }",
            "force.header: `host` is changed by",
        ),
        (
            one("") + "\nforce = { query = 'a', secret = 'open-sesame' }",
            "force.query: a secret in a query is kept in logs",
        ),
        (one("") + "\nforce = {}", "force: by what?"),
        (
            one("") + "\nforce = { header = 'a', secret = 'short' }",
            "a secret has at least 8 characters",
        ),
    ] {
        refused::<Ab>(&settings.replace(",  }", " }"), expected);
    }
}
