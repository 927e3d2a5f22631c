//! Which links let in, and what is left of a request.

mod made_elsewhere;
mod vectors;

use std::cell::Cell;
use std::path::Path;

use super::*;
use crate::testing::{build, build_in, exchange, refused, status};

const NOW: u64 = 1_800_000_000;
const SECRETS: &str = "keys = { k1 = \"0123456789abcdef0123456789abcdef\" }\ncookie = \"media\"\n";

thread_local! {
    static CLOCK: Cell<u64> = const { Cell::new(NOW) };
}

fn timed(filter: SignedUrl) -> SignedUrl {
    CLOCK.set(NOW);
    SignedUrl {
        clock: || CLOCK.get(),
        ..filter
    }
}

fn filter(more: &str) -> SignedUrl {
    timed(build(&format!("{SECRETS}{more}")).unwrap())
}

fn signer(more: &str) -> UrlSigner {
    let settings: toml::Table = format!("{SECRETS}{more}").parse().unwrap();
    UrlSigner::new(&settings, Path::new(".")).unwrap()
}

fn for_ten_minutes() -> Terms {
    Terms {
        expires: NOW + 600,
        ..Terms::default()
    }
}

fn signed(url: &str, terms: &Terms) -> Signed {
    signer("").sign(url, terms).unwrap()
}

/// A request for a URL at `example.com`.
fn asks(url: &str) -> Exchange {
    let (host, target) = url
        .strip_prefix("https://")
        .unwrap()
        .split_once('/')
        .unwrap();
    exchange("GET", &format!("/{target}"), &[("host", host)])
}

/// Why a request is refused, empty if it is let in.
fn outcome(filter: &SignedUrl, exchange: &mut Exchange) -> String {
    let status = status(filter, exchange);
    let (name, value) = exchange.log.pop().unwrap();
    match (status, &*name) {
        (0, "signed_by") => String::new(),
        (403, "signed_url") => value,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_signed_link_lets_in_and_its_signature_goes_no_further() {
    let filter = filter("");
    for (url, left) in [
        ("https://example.com/a", "/a"),
        ("https://example.com", "/"),
        ("https://EXAMPLE.com/a b/%7e?x=%7e&y", "/a%20b/~?x=%7e&y"),
        ("https://example.com:8443/a?b=c#d", "/a?b=c"),
    ] {
        let url = url.replace(' ', "%20");
        let link = signed(&url, &for_ten_minutes());
        let mut exchange = asks(&link.url);
        assert_eq!(outcome(&filter, &mut exchange), "", "{}", link.url);
        assert_eq!(exchange.request.uri.to_string(), left);
    }
}

/// `printf 'rimward-url-1\nk1\n…' | openssl dgst -sha256 -hmac SECRET -binary | base64`, as the manual has it.
#[test]
fn others_can_sign_by_what_the_manual_says() {
    let filter = filter("");
    for url in [
        "https://example.com/a%20b?x=1&y&rw-expires=1800000600&rw-key=k1&rw-ip=203.0.113.7&rw-signature=booRNJ-CcjzgYnAn33sPDiwKimX7kLXGhlJ-rSrx8HU",
        "https://example.com/v/1.ts?z&rw-expires=1800000600&rw-key=k1&rw-prefix=%2fv%2F&rw-signature=LmDot1WK7xv2OX1Sh2OT2eatpr7xyvVzCNXYc-_N0r4",
    ] {
        assert_eq!(outcome(&filter, &mut asks(url)), "", "{url}");
    }
}

#[test]
fn a_link_is_good_for_what_was_signed_alone() {
    let filter = filter("");
    let link = signed("https://example.com/a?b=c", &for_ten_minutes()).url;
    for (from, to, expected) in [
        ("/a?", "/b?", "invalid"),
        ("b=c", "b=d", "invalid"),
        ("b=c", "b=c&e=f", "invalid"),
        ("b=c&", "", "invalid"),
        ("example.com", "www.example.com", "invalid"),
        ("1800000600", "1800000601", "invalid"),
        ("1800000600", "+1800000600", "invalid"),
        ("rw-key=k1", "rw-key=k2", "invalid"),
        ("rw-key=k1", "rw-ip=203.0.113.7&rw-key=k1", "invalid"),
        ("rw-key=k1", "rw-prefix=/&rw-key=k1", "invalid"),
        ("rw-key=k1", "rw-key=k1&rw-key=k1", "invalid"),
        ("rw-key=k1", "rw-key=k1&rw-expires=1900000000", "invalid"),
        ("&rw-key=k1", "", "invalid"),
        ("rw-signature=", "rw-signature=A", "invalid"),
        ("rw-signature=", "rw-sig=", "invalid"),
        ("rw-", "xx-", "missing"),
        ("b=c", "b=c&rw-more=x", "invalid"),
        ("", "", ""),
    ] {
        let changed = link.replace(from, to);
        assert_eq!(outcome(&filter, &mut asks(&changed)), expected, "{changed}");
    }
    assert_eq!(
        outcome(&filter, &mut asks("https://example.com/a")),
        "missing"
    );
}

#[test]
fn a_link_expires() {
    let filter = filter("");
    let link = signed("https://example.com/a", &for_ten_minutes()).url;
    for (later, expected) in [(0, ""), (599, ""), (600, "expired"), (9999, "expired")] {
        CLOCK.set(NOW + later);
        let mut exchange = asks(&link);
        assert_eq!(outcome(&filter, &mut exchange), expected, "{later}");
        assert_eq!(exchange.outcomes.len(), usize::from(!expected.is_empty()));
    }
}

#[test]
fn a_link_may_be_for_one_address() {
    let filter = filter("");
    for (ip, expected) in [
        ("203.0.113.7", ""),
        ("203.0.113.0/24", ""),
        ("203.0.113.8", "elsewhere"),
        ("2001:db8::/32", "elsewhere"),
        ("0.0.0.0/0", ""),
    ] {
        let terms = Terms {
            ip: Some(ip.to_owned()),
            ..for_ten_minutes()
        };
        let link = signed("https://example.com/a", &terms).url;
        assert_eq!(outcome(&filter, &mut asks(&link)), expected, "{link}");
        let mut mapped = asks(&link);
        mapped.client.ip = "::ffff:203.0.113.7".parse().unwrap();
        assert_eq!(outcome(&filter, &mut mapped), expected, "{link}");
    }
}

#[test]
fn one_signature_may_serve_a_folder() {
    let filter = filter("");
    let terms = Terms {
        prefix: Some("/my videos/".to_owned()),
        ..for_ten_minutes()
    };
    let link = signed("https://example.com/my%20videos/a.m3u8", &terms);
    let (_, query) = link.url.split_once('?').unwrap();
    let cookie = link.cookie.clone().unwrap();
    for (target, expected) in [
        ("/my%20videos/a.m3u8", ""),
        ("/my%20videos/b/c.ts?d=e", ""),
        ("/my%20videos/", ""),
        ("/my%20videos", "elsewhere"),
        ("/my%20videos2/", "elsewhere"),
        ("/", "elsewhere"),
    ] {
        let mark = if target.contains('?') { '&' } else { '?' };
        let by_query = format!("https://example.com{target}{mark}{query}");
        assert_eq!(
            outcome(&filter, &mut asks(&by_query)),
            expected,
            "{by_query}"
        );
        let line = format!("a=b; {cookie}; c=d");
        let mut by_cookie = exchange("GET", target, &[("cookie", &line)]);
        assert_eq!(outcome(&filter, &mut by_cookie), expected, "{target}");
        if expected.is_empty() {
            assert_eq!(by_cookie.header("cookie"), Some("a=b; c=d"));
        }
    }
    for (name, wrong) in [
        ("prefix", "/my%2520videos"),
        ("prefix", ""),
        ("expires", "1900000000"),
    ] {
        let changed: Vec<String> = cookie
            .trim_start_matches("media=")
            .split('&')
            .map(|part| match part.split_once('=') {
                Some((key, _)) if key == name => format!("{name}={wrong}"),
                _ => part.to_owned(),
            })
            .collect();
        let line = format!("media={}", changed.join("&"));
        let mut changed = exchange("GET", "/my%20videos/a", &[("cookie", &line)]);
        assert_eq!(outcome(&filter, &mut changed), "invalid", "{line}");
    }
}

#[test]
fn a_wrong_link_is_not_made_good_by_a_cookie() {
    let filter = filter("");
    let cookie = signed("https://example.com/a", &for_ten_minutes())
        .cookie
        .unwrap();
    let target = "/a?rw-expires=1800000600&rw-key=k1&rw-signature=AAAA";
    let mut both = exchange("GET", target, &[("cookie", &cookie)]);
    assert_eq!(outcome(&filter, &mut both), "invalid");
    let mut alone = exchange("GET", "/a", &[("cookie", &cookie)]);
    assert_eq!(outcome(&filter, &mut alone), "");
    let twice = format!("{cookie}; media=other");
    let mut twice = exchange("GET", "/a", &[("cookie", &twice)]);
    assert_eq!(outcome(&filter, &mut twice), "invalid");
    let mut empty = exchange("GET", "/a", &[("cookie", "media=x")]);
    assert_eq!(outcome(&filter, &mut empty), "invalid");
}

#[test]
fn host_and_query_may_be_left_out() {
    let link = signer("any_host = true")
        .sign("https://a.example/x", &for_ten_minutes())
        .unwrap();
    let elsewhere = link.url.replace("a.example", "b.example");
    assert_eq!(
        outcome(&filter("any_host = true"), &mut asks(&elsewhere)),
        ""
    );
    assert_eq!(outcome(&filter(""), &mut asks(&link.url)), "invalid");
    let link = signer("sign_query = false")
        .sign("https://a.example/x?a=b", &for_ten_minutes())
        .unwrap();
    let other = link.url.replace("a=b", "utm_source=c");
    assert_eq!(
        outcome(&filter("sign_query = false"), &mut asks(&other)),
        ""
    );
    assert_eq!(outcome(&filter(""), &mut asks(&link.url)), "invalid");
}

#[test]
fn keys_are_rotated_by_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let write = |text: &str| std::fs::write(folder.path().join("keys"), text).unwrap();
    let table: toml::Table = "file = \"keys\"\nparameters = \"s-\"".parse().unwrap();
    let (old, new) = (
        "old 0123456789abcdef0123456789abcdef # since 2025\n",
        "new fedcba9876543210fedcba9876543210\n",
    );
    write(&format!("{old}{new}"));
    let filter: SignedUrl = timed(build_in(folder.path(), &table.to_string()).unwrap());
    let signer = UrlSigner::new(&table, folder.path()).unwrap();
    let error = signer
        .sign("https://example.com/a", &for_ten_minutes())
        .unwrap_err();
    assert_eq!(error, "there are several keys, name one: old, new");
    for key in ["old", "new"] {
        let terms = Terms {
            key: Some(key.to_owned()),
            ..for_ten_minutes()
        };
        let link = signer.sign("https://example.com/a", &terms).unwrap();
        assert!(link.url.contains(&format!("s-key={key}")) && link.cookie.is_none());
        assert_eq!(outcome(&filter, &mut asks(&link.url)), "");
        write(new);
        let rotated: SignedUrl = timed(build_in(folder.path(), &table.to_string()).unwrap());
        let expected = if key == "old" { "invalid" } else { "" };
        assert_eq!(outcome(&rotated, &mut asks(&link.url)), expected);
    }
}

#[test]
fn what_can_not_be_signed_is_told() {
    let signer = signer("");
    let terms = |change: fn(&mut Terms)| {
        let mut terms = for_ten_minutes();
        change(&mut terms);
        terms
    };
    for (url, terms, expected) in [
        ("/a", terms(|_| ()), "`/a` is not an absolute URL"),
        (
            "https://example.com/a b",
            terms(|_| ()),
            "is not a URL such as",
        ),
        (
            "https://example.com/a/../b",
            terms(|_| ()),
            "`.` and `..` can't be segments",
        ),
        (
            "https://example.com/a",
            terms(|terms| terms.key = Some("k2".to_owned())),
            "there is no key `k2`: k1",
        ),
        (
            "https://example.com/a",
            terms(|terms| terms.ip = Some("x".to_owned())),
            "`x` is not an address",
        ),
        (
            "https://example.com/a",
            terms(|terms| terms.prefix = Some("/a".to_owned())),
            "`/a` is not a folder",
        ),
        (
            "https://example.com/a",
            terms(|terms| terms.prefix = Some("/b/".to_owned())),
            "`/a` is not below `/b/`",
        ),
    ] {
        let error = signer.sign(url, &terms).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn mistakes_are_told_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("line", "SECRET\n"),
        ("short", "\na SECRET\n"),
        (
            "twice",
            "a 0123456789abcdef0123456789abcdef\na SECRETSECRETSECRETSECRETSECRETSECRET\n",
        ),
        ("name", "a/b SECRETSECRETSECRETSECRETSECRETSECRET\n"),
        ("small", vectors::SMALL),
        ("p384", vectors::P384),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    for (settings, expected) in [
        (
            "file = \"line\"",
            "file: `line`, line 1: a line is a name, blanks and a secret",
        ),
        (
            "file = \"short\"",
            "line 2: a secret has at least 32 characters",
        ),
        ("file = \"twice\"", "line 2: there is a key `a` already"),
        ("file = \"name\"", "line 1: `a/b` can't be a name here"),
        (
            "cloudfront = { keys = { K1 = \"small\" } }",
            "cloudfront.keys.K1: `small`: this is not a public key in PEM",
        ),
        (
            "cloudfront = { keys = { K1 = \"p384\" } }",
            "this is not a public key in PEM",
        ),
        (
            "cloudfront = { keys = { K1 = \"line\" } }",
            "this is not a public key in PEM",
        ),
        (
            "cloudfront = { keys = { K1 = \"absent\" } }",
            "can't be read",
        ),
    ] {
        let error = build_in::<SignedUrl>(folder.path(), settings)
            .err()
            .expect(settings);
        let told = format!("{}: {}", error.key, error.message);
        assert!(told.contains(expected), "`{told}` should hold `{expected}`");
        assert!(!told.contains("SECRET"), "{told}");
    }
    for (settings, expected) in [
        ("", "there is no key: give a `file`, `keys` or `cloudfront`"),
        (
            "keys = { a = \"SECRET\" }",
            "keys.a: a secret has at least 32 characters",
        ),
        (
            "keys = { \"a b\" = \"SECRET\" }",
            "`a b` can't be a name here",
        ),
        (
            "cookie = \"a\"",
            "cookie: this is for links of our own form",
        ),
        (
            "parameters = \"a b\"",
            "parameters: `a b` can't be a name here",
        ),
        (
            "cloudfront = { keys = {} }",
            "cloudfront.keys: there is no key",
        ),
    ] {
        refused::<SignedUrl>(settings, expected);
    }
}
