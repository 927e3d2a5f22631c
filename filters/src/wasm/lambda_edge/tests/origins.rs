use rimward_config::OriginId;
use serde_json::json;

use super::*;
use crate::wasm::lambda_edge::origin::{NewOrigin, Place, To};

/// Where a request goes whose route has origin `current`, after a handler changed its origin like this.
fn sent(
    settings: &str,
    current: usize,
    change: impl FnOnce(&mut Value),
) -> Result<Option<NewOrigin>, Fault> {
    let mut exchange = browser("GET", "/a?b=1");
    exchange.origin = Some(OriginId(current));
    let handler = handler("origin-request", settings);
    match outcome(&handler, &exchange, change)? {
        Outcome::Request(mut changes) => Ok(changes.origin.take()),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn named(settings: &str, current: usize, change: impl FnOnce(&mut Value)) -> Option<usize> {
    match sent(settings, current, change).expect("it is taken")?.to {
        To::Current => None,
        To::Named(choice) => {
            assert_eq!(choice.key, None);
            Some(choice.origin.0)
        }
        To::Host(place, _) => panic!("{place:?}"),
    }
}

fn custom(domain: &str, port: u16, protocol: &str) -> Value {
    json!({ "custom": {
        "domainName": domain, "port": port, "protocol": protocol, "path": "", "keepaliveTimeout": 5,
        "readTimeout": 30, "sslProtocols": ["TLSv1.2"], "customHeaders": {},
    } })
}

fn s3(domain: &str) -> Value {
    json!({ "s3": {
        "domainName": domain, "path": "", "region": "", "authMethod": "none", "customHeaders": {},
    } })
}

#[test]
fn what_stays_stays_with_its_pool() {
    assert!(sent("", 0, |_| {}).unwrap().is_none());
    let left_out = sent("", 0, |value| {
        value.as_object_mut().unwrap().remove("origin");
    });
    assert!(left_out.unwrap().is_none());
    // What cannot be said of a pool changes nothing.
    assert_eq!(
        named("", 0, |value| value["origin"]["custom"]["readTimeout"] =
            10.into()),
        None
    );
    assert_eq!(
        named("", 0, |value| value["origin"] =
            custom("app2.example.net", 8443, "https")),
        None
    );
}

#[test]
fn a_server_of_an_origin_means_that_origin() {
    for (origin, expected) in [
        (custom("shop.example.net", 8080, "http"), Some(1)),
        (custom("SHOP.example.net", 8080, "http"), Some(1)),
        (s3("pictures.s3.amazonaws.com"), Some(2)),
        (s3("pictures.s3.eu-west-1.amazonaws.com"), Some(2)),
        (s3("site.s3.amazonaws.com"), Some(3)),
        (custom("app.example.net", 443, "https"), None),
    ] {
        let told = origin.to_string();
        assert_eq!(
            named("", 0, |value| value["origin"] = origin.clone()),
            expected,
            "{told}"
        );
    }
    // And back from a bucket to a server.
    let back = |value: &mut Value| value["origin"] = custom("app.example.net", 443, "https");
    assert_eq!(named("", 2, back), Some(0));
}

#[test]
fn an_origin_may_be_kept_from_a_handler() {
    let shop = |value: &mut Value| value["origin"] = custom("shop.example.net", 8080, "http");
    assert_eq!(named("grants = { origins = ['b-shop'] }", 0, shop), Some(1));
    for settings in [
        "grants = { origins = [] }",
        "grants = { origins = ['c-bucket'] }",
    ] {
        let fault = sent(settings, 0, shop).unwrap_err();
        let told =
            "`shop.example.net`, which is the origin `b-shop`: `grants.origins` does not name it";
        assert!(fault.to_string().contains(told), "{fault}");
    }
}

#[test]
fn other_hosts_have_to_be_granted() {
    let other = |value: &mut Value| value["origin"] = custom("api.example.org", 443, "https");
    let fault = sent("", 0, other).unwrap_err();
    assert!(
        fault
            .to_string()
            .contains("`grants.hosts` does not name it"),
        "{fault}"
    );
    for (grant, origin, is_granted) in [
        (
            "api.example.org",
            custom("api.example.org", 443, "https"),
            true,
        ),
        (
            "API.example.org",
            custom("api.Example.org", 443, "https"),
            true,
        ),
        (
            "api.example.org",
            custom("api.example.org", 80, "http"),
            true,
        ),
        (
            "api.example.org",
            custom("api.example.org", 8443, "https"),
            false,
        ),
        (
            "api.example.org:8443",
            custom("api.example.org", 8443, "https"),
            true,
        ),
        (
            "api.example.org:8443",
            custom("api.example.org", 443, "https"),
            false,
        ),
        (
            "*.example.org",
            custom("api.example.org", 443, "https"),
            true,
        ),
        ("*.example.org", custom("example.org", 443, "https"), false),
        (
            "*.example.org",
            custom("evilexample.org", 443, "https"),
            false,
        ),
        // The same server with or without TLS is not the same origin.
        (
            "api.example.org",
            custom("shop.example.net", 8080, "https"),
            false,
        ),
        ("*.s3.amazonaws.com", s3("other.s3.amazonaws.com"), true),
    ] {
        let settings = format!("grants = {{ hosts = ['{grant}'] }}");
        let told = format!("{grant} {origin}");
        let got = sent(&settings, 0, |value| value["origin"] = origin);
        match got {
            Ok(Some(NewOrigin {
                to: To::Host(..), ..
            })) => assert!(is_granted, "{told}"),
            Err(_) => assert!(!is_granted, "{told}"),
            other => panic!("{told}: {other:?}"),
        }
    }
    let origin = sent("grants = { hosts = ['api.example.org'] }", 0, other)
        .unwrap()
        .unwrap();
    let To::Host(place, described) = origin.to else {
        panic!("{origin:?}");
    };
    assert_eq!(
        place,
        Place {
            host: "api.example.org".into(),
            port: 443,
            tls: true,
            timeout: std::time::Duration::from_secs(30)
        }
    );
    let domain = &serde_json::json!(described)["custom"]["domainName"];
    assert_eq!(*domain, "api.example.org");
}

#[test]
fn a_bucket_that_wants_signatures_needs_an_origin() {
    let fault = sent("grants = { hosts = ['*.s3.amazonaws.com'] }", 0, |value| {
        value["origin"] = s3("other.s3.amazonaws.com");
        value["origin"]["s3"]["authMethod"] = "origin-access-identity".into();
        value["origin"]["s3"]["region"] = "us-east-1".into();
    })
    .unwrap_err();
    assert!(fault.to_string().contains("have to be signed"), "{fault}");
}

#[test]
fn origins_that_are_none_are_refused() {
    type Change = fn(&mut Value);
    let changes: &[(Change, &str)] = &[
        (|o| *o = json!("x"), "`origin` is not an object"),
        (|o| *o = json!({}), "`origin` has neither `custom` nor `s3`"),
        (
            |o| o["s3"] = s3("a.s3.amazonaws.com")["s3"].clone(),
            "`origin` has both `custom` and `s3`",
        ),
        (
            |o| o["custom"] = json!([]),
            "`origin.custom` is not an object",
        ),
        (
            |o| o["custom"]["domainName"] = json!(1),
            "`domainName` is not text",
        ),
        (
            |o| o["custom"]["domainName"] = json!(null),
            "`domainName` is missing",
        ),
        (
            |o| o["custom"]["domainName"] = json!(""),
            "`domainName` is empty",
        ),
        (
            |o| o["custom"]["domainName"] = json!("a:80"),
            "`domainName` has a colon",
        ),
        (
            |o| o["custom"]["domainName"] = json!("192.0.2.1"),
            "`domainName` is an address",
        ),
        (
            |o| o["custom"]["domainName"] = json!("127.1"),
            "`domainName` is an address",
        ),
        (
            |o| o["custom"]["domainName"] = json!("2130706433"),
            "`domainName` is an address",
        ),
        (
            |o| o["custom"]["domainName"] = json!("0x7f000001"),
            "`domainName` is an address",
        ),
        (
            |o| o["custom"]["domainName"] = json!("::1"),
            "`domainName` has a colon",
        ),
        (
            |o| o["custom"]["domainName"] = json!("a b"),
            "`domainName` is not the name of a host",
        ),
        (
            |o| o["custom"]["domainName"] = json!("me@a"),
            "`domainName` is not the name of a host",
        ),
        (
            |o| o["custom"]["domainName"] = json!("a/b"),
            "`domainName` is not the name of a host",
        ),
        (
            |o| o["custom"]["domainName"] = json!("a".repeat(254)),
            "`domainName` is too long",
        ),
        (
            |o| o["custom"]["port"] = json!(81),
            "`port` is neither 80, 443 nor one from 1024",
        ),
        (
            |o| o["custom"]["port"] = json!(22),
            "`port` is neither 80, 443 nor one from 1024",
        ),
        (
            |o| o["custom"]["port"] = json!(65536),
            "`port` is not a number that it can be",
        ),
        (
            |o| o["custom"]["port"] = json!("443"),
            "`port` is not a number that it can be",
        ),
        (
            |o| o["custom"]["protocol"] = json!("ftp"),
            "`protocol` is neither `http` nor `https`",
        ),
        (
            |o| o["custom"]["keepaliveTimeout"] = json!(0),
            "`keepaliveTimeout` is not a number of seconds",
        ),
        (
            |o| o["custom"]["keepaliveTimeout"] = json!(121),
            "`keepaliveTimeout` is not a number of seconds",
        ),
        (
            |o| o["custom"]["readTimeout"] = json!(3),
            "`readTimeout` is not a number of seconds",
        ),
        (
            |o| o["custom"]["readTimeout"] = json!(61),
            "`readTimeout` is not a number of seconds",
        ),
        (
            |o| o["custom"]["path"] = json!("a"),
            "`path` has to begin with `/`",
        ),
        (
            |o| o["custom"]["path"] = json!("/a/"),
            "`path` has to begin with `/`",
        ),
        (
            |o| o["custom"]["path"] = json!("/../a"),
            "`path` is not a path",
        ),
        (
            |o| o["custom"]["path"] = json!(format!("/{}", "a".repeat(255))),
            "more than 255 characters",
        ),
        (
            |o| o["custom"]["sslProtocols"] = json!(["TLSv9"]),
            "`sslProtocols` has something else",
        ),
        (
            |o| o["custom"]["sslProtocols"] = json!("TLSv1"),
            "`sslProtocols` is not a list",
        ),
        (
            |o| o["custom"]["customHeaders"] = json!([]),
            "`headers` is not an object",
        ),
        (
            |o| *o = s3("Upper.s3.amazonaws.com"),
            "`domainName` is not in lower case",
        ),
        (|o| *o = s3(&"a".repeat(129)), "`domainName` is too long"),
        (
            |o| {
                *o = s3("a.s3.amazonaws.com");
                o["s3"]["authMethod"] = json!("origin-access-identity");
            },
            "`region` is needed",
        ),
        (
            |o| {
                *o = s3("a.s3.amazonaws.com");
                o["s3"]["authMethod"] = json!("oac");
            },
            "`authMethod` is neither",
        ),
    ];
    for (change, expected) in changes {
        match sent(
            "grants = { hosts = ['*.example.org', '*.amazonaws.com'] }",
            0,
            |value| {
                change(&mut value["origin"]);
            },
        ) {
            Err(fault) => assert!(
                fault.to_string().contains(expected),
                "{fault}; not {expected}"
            ),
            Ok(taken) => panic!("{taken:?}; not {expected}"),
        }
    }
}

#[test]
fn custom_headers_go_to_the_origin_once() {
    let mut exchange = browser("GET", "/a?b=1");
    let handler = handler("origin-request", "");
    let add = |name: &'static str| {
        move |value: &mut Value| {
            value["origin"]["custom"]["customHeaders"][name] = json!([{ "value": "1" }]);
        }
    };
    let Outcome::Request(changes) = outcome(&handler, &exchange, add("X-Mine")).unwrap() else {
        panic!("no request");
    };
    let mut head = exchange.request.clone();
    changes.apply_to(&mut exchange, &mut head).unwrap();
    assert_eq!(head.headers["x-mine"], "1");
    assert!(!exchange.request.headers.contains_key("x-mine"));
    refused(
        &handler,
        &exchange,
        "stands both in `headers` and in `customHeaders`",
        add("user-agent"),
    );
    for name in [
        "Accept-Encoding",
        "Cache-Control",
        "Connection",
        "Content-Length",
        "Cookie",
        "Host",
        "If-Match",
        "If-None-Match",
        "Max-Forwards",
        "Pragma",
        "Proxy-Authorization",
        "Range",
        "Request-Range",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
        "Via",
        "X-Amz-Security-Token",
        "X-Edge-Location",
        "X-Real-Ip",
        "X-Forwarded-Proto",
    ] {
        refused(
            &handler,
            &exchange,
            "can't be one of `customHeaders`",
            add(name),
        );
    }
}

#[test]
fn the_path_of_an_origin_comes_before_that_of_the_request() {
    let target = |current: usize, uri: &str, path: &'static str| {
        let mut exchange = browser("GET", "/a?b=1");
        exchange.origin = Some(OriginId(current));
        let handler = handler("origin-request", "");
        let outcome = outcome(&handler, &exchange, |value| {
            value["uri"] = uri.into();
            let kind = if current == 3 { "s3" } else { "custom" };
            value["origin"][kind]["path"] = path.into();
        })?;
        let Outcome::Request(changes) = outcome else {
            panic!("no request");
        };
        let mut head = exchange.request.clone();
        changes.apply_to(&mut exchange, &mut head).unwrap();
        Ok::<_, Fault>(head.uri.to_string())
    };
    assert_eq!(target(0, "/a", "/folder").unwrap(), "/folder/a?b=1");
    assert_eq!(target(0, "/c", "/folder").unwrap(), "/folder/c?b=1");
    assert_eq!(target(0, "/a", "").unwrap(), "/a?b=1");
    // What an origin's own configuration puts before is not put there twice.
    assert_eq!(target(3, "/a", "/v2").unwrap(), "/a?b=1");
    assert_eq!(target(3, "/a", "/v2/x").unwrap(), "/x/a?b=1");
    assert_eq!(target(3, "/a", "").unwrap(), "/a?b=1");
    assert!(
        target(3, "/a", "/v3")
            .unwrap_err()
            .to_string()
            .contains("is not below `/v2`")
    );
}

#[test]
fn a_viewer_request_has_no_origin_to_change() {
    let (handler, exchange) = (handler("viewer-request", ""), browser("GET", "/"));
    let Outcome::Request(changes) = outcome(&handler, &exchange, |value| {
        value["origin"] = custom("shop.example.net", 8080, "http");
    })
    .unwrap() else {
        panic!("no request");
    };
    assert!(changes.origin.is_none());
}
