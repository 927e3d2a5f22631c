//! Whose certificates are let in, and what is told of them.

use std::sync::Arc;

use super::*;
use crate::certificate::tests::{ann, certificate};
use crate::testing::{answer, build, exchange, refused, status};

fn by(certificate: Option<&Arc<ClientCertificate>>, headers: &[(&'static str, &str)]) -> Exchange {
    let mut exchange = exchange("GET", "/", headers);
    exchange.client.certificate = certificate.cloned();
    exchange
}

#[test]
fn certificates_are_allowed_by_what_they_say() {
    let ann = Arc::new(ann());
    let fingerprint = text(&ann, Fact::Fingerprint).to_owned();
    let colons = fingerprint
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).unwrap().to_uppercase());
    let colons = colons.collect::<Vec<_>>().join(":");
    for (rules, expected) in [
        (r#"{ san = "dns:ann.example.com" }"#, 0),
        (r#"{ san = "dns:bob.example.com" }"#, 403),
        (
            r#"{ san = "dns:bob.example.com" }, { san = "ip:192.0.2.0/24" }"#,
            0,
        ),
        (r#"{ san = "uri:spiffe://example.org/shop/*" }"#, 0),
        (r#"{ san = "email:*@example.com" }"#, 0),
        (r#"{ subject = 'CN=ann, O=Example\, Inc., C=DE' }"#, 0),
        (r#"{ subject = 'C=DE,O=Example\, Inc.,CN=ann' }"#, 0),
        (r#"{ subject = "CN=ann" }"#, 403),
        (r#"{ subject = { CN = "ann" } }"#, 0),
        (r#"{ subject = { cn = "ann", O = "Example, Inc." } }"#, 0),
        (r#"{ subject = { CN = "ann", O = "Another" } }"#, 403),
        (r#"{ issuer = { O = "Example, Inc." } }"#, 0),
        (
            r#"{ san = "dns:ann.example.com", issuer = { O = "Another" } }"#,
            403,
        ),
        (&format!("{{ fingerprint = \"{fingerprint}\" }}"), 0),
        (&format!("{{ fingerprint = \"{colons}\" }}"), 0),
        (&format!("{{ fingerprint = \"{}\" }}", "0".repeat(64)), 403),
        ("", 403),
    ] {
        let filter: Mtls = build(&format!("allow = [{rules}]")).unwrap();
        assert_eq!(
            status(&filter, &mut by(Some(&ann), &[])),
            expected,
            "{rules}"
        );
        assert_eq!(status(&filter, &mut by(None, &[])), 403, "{rules}");
    }
}

#[test]
fn who_has_no_certificate_is_refused_unless_it_is_not_required() {
    let ann = Arc::new(ann());
    for (settings, with, without) in [
        ("", 0, 403),
        ("status = 496", 0, 496),
        ("require = false\npresets = [\"nginx\"]", 0, 0),
        (
            "require = false\nallow = [{ subject = \"CN=bob\" }]",
            403,
            0,
        ),
    ] {
        let filter: Mtls = build(settings).unwrap();
        assert_eq!(
            status(&filter, &mut by(Some(&ann), &[])),
            with,
            "{settings}"
        );
        assert_eq!(status(&filter, &mut by(None, &[])), without, "{settings}");
    }
}

#[test]
fn the_origin_is_told_and_clients_can_not_tell_it() {
    let ann = Arc::new(ann());
    let filter: Mtls = build(
        "require = false\npresets = [\"rfc9440\", \"nginx\", \"envoy\"]\nheaders = { x-name = \"common_name\" }",
    )
    .unwrap();
    let sent = [
        ("x-name", "root"),
        ("X_Name", "root"),
        ("client-cert", ":AAAA:"),
        ("client-cert-chain", ":AAAA:"),
        ("ssl-client_verify", "SUCCESS"),
        ("ssl-client-verify", "SUCCESS"),
        ("x-forwarded-client-cert", "Hash=x"),
        ("x-other", "kept"),
        ("x_other", "kept"),
    ];
    let mut without = by(None, &sent);
    assert!(answer(&filter, &mut without).is_none());
    let mut left: Vec<_> = without
        .request
        .headers
        .keys()
        .map(|name| name.as_str())
        .collect();
    left.sort_unstable();
    assert_eq!(left, ["host", "ssl-client-verify", "x-other", "x_other"]);
    assert_eq!(without.header("ssl-client-verify"), Some("NONE"));

    let mut with = by(Some(&ann), &sent);
    assert!(answer(&filter, &mut with).is_none());
    let subject = r"CN=ann,O=Example\, Inc.,C=DE";
    for (name, value) in [
        ("x-name", Some("ann")),
        ("x_name", None),
        ("ssl-client-verify", Some("SUCCESS")),
        ("ssl-client_verify", None),
        ("ssl-client-subject-dn", Some(subject)),
        ("ssl-client-issuer-dn", Some(subject)),
        ("client-cert-chain", None),
        ("client-cert", Some(text(&ann, Fact::Certificate))),
        ("ssl-client-cert", Some(text(&ann, Fact::Pem))),
        ("x-forwarded-client-cert", Some(text(&ann, Fact::Xfcc))),
    ] {
        assert_eq!(with.header(name), value, "{name}");
    }
}

#[test]
fn the_log_and_the_key_have_what_they_ask_for() {
    let ann = Arc::new(ann());
    let filter: Mtls = build("key = \"dns\"").unwrap();
    let mut exchange = by(Some(&ann), &[]);
    assert!(answer(&filter, &mut exchange).is_none());
    assert_eq!(&*exchange.chosen.key_parts[0].value, "ann.example.com");
    let subject = (
        r"client_cert".into(),
        r"CN=ann,O=Example\, Inc.,C=DE".to_owned(),
    );
    assert_eq!(exchange.log, [subject]);
    assert_eq!(exchange.outcomes.len(), 1);

    let nameless = Arc::new(certificate(|_| {}));
    let mut exchange = by(Some(&nameless), &[]);
    assert!(answer(&filter, &mut exchange).is_none());
    assert_eq!(exchange.log[0].1, text(&nameless, Fact::Fingerprint));

    let mut exchange = by(None, &[]);
    assert_eq!(status(&filter, &mut exchange), 403);
    assert_eq!(exchange.log, [("mtls".into(), "no_certificate".to_owned())]);
    assert!(exchange.chosen.key_parts.is_empty());
}

#[test]
fn wrong_settings_are_told() {
    let san = |text: &str| format!("allow = [{{ san = \"{text}\" }}]");
    for (settings, expected) in [
        (&*san("ann.example.com"), "has no kind before it"),
        (&san("host:ann.example.com"), "is of no kind known here"),
        (&san("dns:"), "has nothing behind its kind"),
        (&san("dns:a.*.example.com"), "`*` for its first label"),
        (&san("dns:*example.com"), "`*` for its first label"),
        (&san("dns:*"), "`*` for its first label"),
        (&san("email:ann"), "is no mail address"),
        (&san("email:*ann@example.com"), "for all before the `@`"),
        (&san("uri:spiffe://example.org*"), "behind a slash"),
        (&san("uri:spiffe://*"), "behind a slash"),
        (&san("uri:spiffe:///*"), "behind a slash"),
        (&san("uri:spiffe://*/shop/*"), "behind a slash"),
        (&san("ip:example"), "`example`"),
        ("allow = [{}]", "allow[0]: this allows everybody"),
        (
            "allow = [{ subject = \"ann\" }]",
            "allow[0].subject: `ann` is not an attribute with a value",
        ),
        ("allow = [{ subject = {} }]", "a table without attributes"),
        (
            "allow = [{ issuer = { X = \"a\" } }]",
            "`X` is not an attribute of a name",
        ),
        ("allow = [{ subject = 1 }]", "a name such as"),
        (
            "allow = [{ fingerprint = \"abcd\" }]",
            "64 hexadecimal digits",
        ),
        (
            "allow = [{ fingerprint = \"0g\" }]",
            "64 hexadecimal digits",
        ),
        ("allow = [{ cn = \"ann\" }]", "cn"),
        ("status = 200", "400 to 599"),
        ("require = false", "everybody is let in and nothing is told"),
        ("presets = [\"apache\"]", "presets[0]"),
        ("headers = { x-a = \"sha1\" }", "headers.x-a"),
        (
            "headers = { host = \"subject\" }",
            "`host` tells the origin",
        ),
        (
            "headers = { connection = \"subject\" }",
            "about one connection",
        ),
        (
            "presets = [\"rfc9440\"]\nheaders = { Client-Cert = \"pem\" }",
            "headers.client-cert: a preset sets this header already",
        ),
        ("log = \"name\"", "log"),
    ] {
        refused::<Mtls>(settings, expected);
    }
}
