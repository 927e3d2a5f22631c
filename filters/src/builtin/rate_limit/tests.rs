//! Who is let through, at times that the tests set.

use std::cell::Cell;
use std::path::Path;

use super::*;
use crate::testing::{answer, build, exchange, exchange_from, refused, status, values};

thread_local! {
    static NOW: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

fn pass(seconds: u64) {
    NOW.set(NOW.get() + Duration::from_secs(seconds));
}

/// A filter with a state of its own: tests run at the same time.
fn named(name: &str, settings: &str) -> RateLimit {
    let settings = rimward_config::decode(&settings.parse().unwrap()).unwrap();
    let filter = RateLimit::new(settings, &Builder::new(Path::new("."), name)).unwrap();
    RateLimit {
        clock: || NOW.get(),
        ..filter
    }
}

/// How many requests in a row are let through, of at most ten.
fn let_through(filter: &RateLimit, make: impl Fn() -> Exchange) -> usize {
    (0..10)
        .take_while(|_| status(filter, &mut make()) == 0)
        .count()
}

#[test]
fn a_burst_is_let_through_and_then_the_rate() {
    let filter = named("burst", "rate = \"1/min\"\nburst = 3");
    let client = || exchange_from("192.0.2.1");
    assert_eq!(let_through(&filter, client), 3);
    pass(59);
    assert_eq!(let_through(&filter, client), 0);
    pass(1);
    assert_eq!(let_through(&filter, client), 1);
    pass(86_400);
    assert_eq!(let_through(&filter, client), 3);
}

#[test]
fn keys_are_counted_apart() {
    let from = |ip: &'static str| move || exchange_from(ip);
    let by_ip = named("ip", "rate = \"2/h\"");
    assert_eq!(let_through(&by_ip, from("192.0.2.1")), 2);
    assert_eq!(let_through(&by_ip, from("::ffff:192.0.2.1")), 0);
    assert_eq!(let_through(&by_ip, from("192.0.2.2")), 2);
    assert_eq!(let_through(&by_ip, from("2001:db8::1")), 2);
    assert_eq!(let_through(&by_ip, from("2001:db8::ffff:1")), 0);
    assert_eq!(let_through(&by_ip, from("2001:db8:0:1::1")), 2);
    let exact = named("exact", "rate = \"2/h\"\nipv6_prefix = 128");
    assert_eq!(let_through(&exact, from("2001:db8::1")), 2);
    assert_eq!(let_through(&exact, from("2001:db8::2")), 2);

    for (key, first, second) in [
        (
            r#""host""#,
            ("/", "host", "a.example"),
            ("/", "host", "b.example"),
        ),
        (r#""path""#, ("/a", "x", ""), ("/b", "x", "")),
        (
            r#"{ header = "X-Key" }"#,
            ("/", "x-key", "a"),
            ("/", "x-key", "b"),
        ),
        (
            r#"{ cookie = "s" }"#,
            ("/", "cookie", "s=a"),
            ("/", "cookie", "s=b"),
        ),
        (
            r#"{ template = "{method}{path}" }"#,
            ("/a", "x", ""),
            ("/b", "x", ""),
        ),
    ] {
        let filter = named("keys", &format!("rate = \"2/h\"\nkey = {key}"));
        let make = |(target, name, value)| move || exchange("GET", target, &[(name, value)]);
        assert_eq!(let_through(&filter, make(first)), 2, "{key}");
        assert_eq!(let_through(&filter, make(first)), 0, "{key}");
        assert_eq!(let_through(&filter, make(second)), 2, "{key}");
    }
    let by_host = named("case", "rate = \"2/h\"\nkey = \"host\"");
    assert_eq!(
        let_through(&by_host, || exchange("GET", "/", &[("host", "a.example")])),
        2
    );
    assert_eq!(
        let_through(&by_host, || exchange(
            "GET",
            "/",
            &[("host", "A.Example:80")]
        )),
        0
    );
}

#[test]
fn a_client_without_the_header_is_counted_by_its_address() {
    let filter = named("absent", "rate = \"2/h\"\nkey = { header = \"x-key\" }");
    assert_eq!(let_through(&filter, || exchange_from("192.0.2.1")), 2);
    assert_eq!(let_through(&filter, || exchange_from("192.0.2.2")), 2);
    assert_eq!(let_through(&filter, || exchange_from("192.0.2.1")), 0);
}

#[test]
fn the_limit_is_told() {
    let filter = named("api \"v1\"", "rate = \"2/min\"\nstatus = 420");
    let mut exchange = exchange_from("192.0.2.1");
    assert_eq!(status(&filter, &mut exchange), 0);
    let mut head = ResponseHeader::build(200, None).unwrap();
    filter.response(&mut exchange, &mut head).unwrap();
    assert_eq!(values(&head, "ratelimit"), [r#""api \"v1\"";r=1;t=30"#]);
    assert_eq!(
        values(&head, "ratelimit-policy"),
        [r#""api \"v1\"";q=2;w=60"#]
    );
    assert_eq!(status(&filter, &mut exchange_from("192.0.2.1")), 0);
    pass(10);
    let refusal = answer(&filter, &mut exchange_from("192.0.2.1")).unwrap();
    assert_eq!(refusal.head.status.as_u16(), 420);
    assert_eq!(
        values(&refusal.head, "ratelimit"),
        [r#""api \"v1\"";r=0;t=20"#]
    );
    assert_eq!(values(&refusal.head, "retry-after"), ["20"]);
}

#[test]
fn two_limits_tell_each_its_own() {
    let (one, two) = (
        named("one", "rate = \"2/min\""),
        named("two", "rate = \"9/min\""),
    );
    let mut exchange = exchange_from("192.0.2.1");
    let mut head = ResponseHeader::build(200, None).unwrap();
    for filter in [&one, &two] {
        assert_eq!(status(filter, &mut exchange), 0);
    }
    for filter in [&two, &one] {
        filter.response(&mut exchange, &mut head).unwrap();
    }
    assert_eq!(
        values(&head, "ratelimit"),
        [r#""two";r=8;t=7"#, r#""one";r=1;t=30"#]
    );
}

#[test]
fn a_reload_with_the_same_settings_forgets_nothing() {
    let (settings, client) = ("rate = \"2/h\"", || exchange_from("192.0.2.1"));
    let old = named("reload", settings);
    assert_eq!(let_through(&old, client), 2);
    let new = named("reload", settings);
    drop(old);
    assert_eq!(let_through(&new, client), 0);
    assert_eq!(let_through(&named("reload", "rate = \"3/h\""), client), 3);
    assert_eq!(let_through(&named("other", settings), client), 2);
}

#[test]
fn fields_and_limits_can_be_left_out() {
    let filter = named(
        "silent",
        "rate = \"1/h\"\nfields = false\nexcept = [\"192.0.2.0/24\"]",
    );
    assert!(!filter.phases().contains(Phase::Response));
    assert_eq!(let_through(&filter, || exchange_from("192.0.2.1")), 10);
    assert_eq!(let_through(&filter, || exchange_from("198.51.100.1")), 1);
    let refusal = answer(&filter, &mut exchange_from("198.51.100.1")).unwrap();
    assert_eq!(values(&refusal.head, "ratelimit"), [""; 0]);
    assert_eq!(values(&refusal.head, "retry-after"), ["3600"]);
}

#[test]
fn mistakes_are_told() {
    for (settings, expected) in [
        ("", "`rate` is missing"),
        (
            "rate = \"100\"",
            "rate: `100` is not a rate: `100/s`, `10/min`",
        ),
        ("rate = \"0/s\"", "`0/s` is not a rate"),
        ("rate = \"1/m\"", "`1/m` is not a rate"),
        ("rate = \"2000000/s\"", "`2000000/s` is too high a rate"),
        (
            "rate = \"1/s\"\nipv6_prefix = 129",
            "ipv6_prefix: `129` is not the length of a prefix: 1 to 128",
        ),
        (
            "rate = \"1/s\"\nmax_keys = 999999999",
            "max_keys: `999999999` is out of bounds",
        ),
        ("rate = \"1/s\"\nkey = \"ip\"", "key: `ip` is not one of"),
        (
            "rate = \"1/s\"\nkey = { header = \"a b\" }",
            "`a b` is not a header name",
        ),
    ] {
        refused::<RateLimit>(settings, expected);
    }
    build::<RateLimit>("rate = \"1 / s\"").unwrap();
}
