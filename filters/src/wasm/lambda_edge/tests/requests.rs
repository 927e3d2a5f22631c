use bytes::Bytes;
use serde_json::json;

use super::*;
use crate::exchange::RequestBody;

/// The exchange after a handler changed its request like this.
#[track_caller]
fn changed(settings: &str, target: &str, change: impl FnOnce(&mut Value)) -> Exchange {
    let mut exchange = browser("GET", target);
    let handler = handler("viewer-request", settings);
    match outcome(&handler, &exchange, change).expect("it is taken") {
        Outcome::Request(changes) => changes.apply(&mut exchange).unwrap(),
        other => panic!("{other:?}"),
    }
    exchange
}

const DISALLOWED: [&str; 33] = [
    "Connection",
    "Expect",
    "Keep-Alive",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Connection",
    "Trailer",
    "Upgrade",
    "X-Accel-Buffering",
    "X-Accel-Charset",
    "X-Accel-Limit-Rate",
    "X-Accel-Redirect",
    "X-Amz-Cf-Id",
    "X-Amz-Cf-Pop",
    "X-Amz-Cf-",
    "X-Amzn-Auth",
    "X-Amzn-Cf-Billing",
    "X-Amzn-Cf-Id",
    "X-Amzn-Cf-Xff",
    "X-Amzn-Errortype",
    "X-Amzn-Fle-Profile",
    "X-Amzn-Header-Count",
    "X-Amzn-Header-Order",
    "X-Amzn-Lambda-Integration-Tag",
    "X-Amzn-RequestId",
    "X-Cache",
    "x-cache",
    "X-Edge-Location",
    "X-EDGE-anything",
    "X-Forwarded-Proto",
    "x-forwarded-proto",
    "X-Real-IP",
    "x-real-ip",
];

const EVENTS: [&str; 4] = [
    "viewer-request",
    "origin-request",
    "origin-response",
    "viewer-response",
];

#[test]
fn disallowed_headers_are_neither_shown_nor_added() {
    for event in EVENTS {
        let handler = handler(event, "");
        let mut exchange = browser("GET", "/");
        exchange
            .request
            .append_header("x-real-ip", "192.0.2.1")
            .unwrap();
        let shown = given(&invocation(&handler, &exchange));
        assert_eq!(shown["headers"].get("x-real-ip"), None, "{event}");
        for name in DISALLOWED {
            let expected = format!(
                "added the header `{}`, which is disallowed",
                name.to_lowercase()
            );
            refused(&handler, &exchange, &expected, |value| {
                value["headers"][name] = json!([{ "value": "1" }]);
            });
        }
    }
}

#[test]
fn read_only_headers_stay() {
    let table: [(&str, &[&str], &[&str]); 4] = [
        (
            "viewer-request",
            &["host", "via"],
            &["Content-Length", "Transfer-Encoding", "CDN-Loop"],
        ),
        (
            "origin-request",
            &["accept-encoding", "via"],
            &[
                "Content-Length",
                "If-Modified-Since",
                "If-None-Match",
                "If-Range",
                "If-Unmodified-Since",
                "Transfer-Encoding",
                "CDN-Loop",
            ],
        ),
        ("origin-response", &["via"], &["Transfer-Encoding"]),
        ("viewer-response", &["via", "warning"], &[]),
    ];
    for (event, there, absent) in table {
        let (handler, exchange) = (handler(event, ""), browser("GET", "/"));
        for name in there {
            let is = |verb| format!("{verb} the header `{name}`, which is read-only in {event}");
            refused(&handler, &exchange, &is("changed"), |value| {
                value["headers"][name][0]["value"] = "x".into();
            });
            refused(&handler, &exchange, &is("changed"), |value| {
                let lines = value["headers"][name].as_array_mut().unwrap();
                lines.push(json!({ "value": "1.1 other" }));
            });
            refused(&handler, &exchange, &is("deleted"), |value| {
                value["headers"].as_object_mut().unwrap().remove(*name);
            });
            refused(&handler, &exchange, &is("deleted"), |value| {
                value["headers"][name] = json!([]);
            });
            // Another spelling of the name is no way round.
            refused(&handler, &exchange, &is("changed"), |value| {
                value["headers"][name.to_uppercase()] = json!([{ "value": "x" }]);
            });
        }
        for name in absent {
            let expected = format!(
                "added the header `{}`, which is read-only in {event}",
                name.to_lowercase()
            );
            refused(&handler, &exchange, &expected, |value| {
                value["headers"][name] = json!([{ "value": "1" }]);
            });
        }
    }
}

#[test]
fn what_is_read_only_in_one_event_can_be_changed_in_others() {
    let exchange = browser("GET", "/");
    for (event, name, value) in [
        ("viewer-request", "accept-encoding", "br"),
        ("viewer-request", "if-none-match", "\"1\""),
        ("origin-request", "host", "other.example"),
        ("origin-response", "warning", "199 - new"),
    ] {
        let taken = outcome(&handler(event, ""), &exchange, |given| {
            given["headers"][name] = json!([{ "value": value }]);
        });
        assert!(taken.is_ok(), "{event} {name}: {taken:?}");
    }
}

#[test]
fn the_country_is_added_after_viewer_request() {
    let exchange = browser("GET", "/");
    let add = |value: &mut Value| {
        value["headers"]["cloudfront-viewer-country"] = json!([{ "value": "DE" }]);
    };
    let told = "`cloudfront-viewer-country`, which is added after viewer-request";
    refused(&handler("viewer-request", ""), &exchange, told, add);
    assert!(outcome(&handler("origin-request", ""), &exchange, add).is_ok());
    let mobile = |value: &mut Value| {
        value["headers"]["cloudfront-is-mobile-viewer"] = json!([{ "value": "true" }]);
    };
    assert!(outcome(&handler("viewer-request", ""), &exchange, mobile).is_ok());
}

#[test]
fn headers_are_set_appended_and_removed() {
    let exchange = changed("", "/", |value| {
        let headers = value["headers"].as_object_mut().unwrap();
        headers.remove("cookie");
        headers["user-agent"][0]["value"] = "other".into();
        headers.insert(
            "x-new".into(),
            json!([{ "key": "X-New", "value": "1" }, { "value": " 2 " }, { "value": ["3", "4"] }]),
        );
        headers.insert("x-none".into(), json!([]));
    });
    let request = &exchange.request;
    assert_eq!(exchange.header("user-agent"), Some("other"));
    assert!(!request.headers.contains_key("cookie") && !request.headers.contains_key("x-none"));
    let all: Vec<_> = request.headers.get_all("x-new").iter().collect();
    assert_eq!(all, ["1", "2", "3", "4"]);
    let keys: Vec<_> = request
        .case_header_iter()
        .filter(|(key, _)| key.as_slice().eq_ignore_ascii_case(b"x-new"))
        .map(|(key, _)| String::from_utf8_lossy(key.as_slice()).into_owned())
        .collect();
    assert_eq!(keys, ["X-New"; 4]);
}

#[test]
fn the_edge_delimits_messages_itself() {
    let exchange = changed("", "/", |value| {
        value["headers"]["te"] = json!([{ "value": "trailers" }]);
    });
    assert_eq!(exchange.header("te"), None);
}

#[test]
fn headers_that_are_none_are_refused() {
    let (handler, exchange) = (handler("viewer-request", ""), browser("GET", "/"));
    for (headers, expected) in [
        (json!(null), "`headers` is not an object"),
        (json!([]), "`headers` is not an object"),
        (json!({ "": [] }), "`` is not the name of a header"),
        (json!({ "a b": [] }), "`a b` is not the name of a header"),
        (json!({ "a\r\nb": [] }), "is not the name of a header"),
        (json!({ "x-a": "text" }), "the header `x-a` is not a list"),
        (
            json!({ "x-a": ["text"] }),
            "the header `x-a` has a line that is not an object",
        ),
        (
            json!({ "x-a": [{}] }),
            "the header `x-a` has a line without `value`",
        ),
        (
            json!({ "x-a": [{ "value": [] }] }),
            "the header `x-a` has a line without `value`",
        ),
        (
            json!({ "x-a": [{ "value": 1 }] }),
            "a value of the header `x-a` is not text",
        ),
        (
            json!({ "x-a": [{ "value": null }] }),
            "a value of the header `x-a` is not text",
        ),
        (
            json!({ "x-a": [{ "value": [["x"]] }] }),
            "a value of the header `x-a` is not text",
        ),
        (
            json!({ "x-a": [{ "key": "x-b", "value": "" }] }),
            "whose `key` is another name",
        ),
        (
            json!({ "x-a": [{ "key": 1, "value": "" }] }),
            "whose `key` is another name",
        ),
        (
            json!({ "x-a": [{ "value": "a\r\nx-real-ip: 192.0.2.1" }] }),
            "a value of the header `x-a` has a character that no header can have",
        ),
        (
            json!({ "x-a": [{ "value": "a\u{0}" }] }),
            "a character that no header can have",
        ),
        (
            json!({ "x-a": [{ "value": "x".repeat(70_000) }] }),
            "the handler set more than 65536 bytes of headers",
        ),
        (
            json!({ "x-a": vec![json!({ "value": "" }); 2000] }),
            "the handler set more than 1000 headers",
        ),
    ] {
        refused(&handler, &exchange, expected, |value| {
            let own = value["headers"].as_object().unwrap().clone();
            value["headers"] = match headers {
                Value::Object(more) => own.into_iter().chain(more).collect(),
                other => other,
            };
        });
    }
    refused(
        &handler,
        &exchange,
        "the returned request has no `headers`",
        |value| {
            value.as_object_mut().unwrap().remove("headers");
        },
    );
}

#[test]
fn method_and_address_are_read_only() {
    let (handler, exchange) = (handler("viewer-request", ""), browser("GET", "/"));
    for (key, value) in [
        ("method", json!("POST")),
        ("clientIp", json!("::1")),
        ("method", json!(1)),
    ] {
        refused(
            &handler,
            &exchange,
            &format!("`{key}`, which is read-only"),
            |given| {
                given[key] = value;
            },
        );
    }
    let left_out = outcome(&handler, &exchange, |given| {
        given
            .as_object_mut()
            .unwrap()
            .retain(|key, _| key == "uri" || key == "headers");
    });
    assert!(left_out.is_ok(), "{left_out:?}");
}

#[test]
fn targets_are_changed() {
    for (uri, query, expected) in [
        ("/a", "b=1", "/a?b=1"),
        ("/new", "b=1", "/new?b=1"),
        ("/a", "", "/a"),
        ("/a", "c=ä&d=%20", "/a?c=%C3%A4&d=%20"),
        ("/ü b", "", "/%C3%BC%20b"),
        ("/a//b", "?x", "/a//b??x"),
        ("/%7euser", "x=\"1\"", "/~user?x=%221%22"),
    ] {
        let exchange = changed("", "/a?b=1", |value| {
            value["uri"] = uri.into();
            value["querystring"] = query.into();
        });
        assert_eq!(exchange.request.uri.to_string(), expected, "{uri} {query}");
    }
    let exchange = changed("", "/a?b=1", |value| {
        value.as_object_mut().unwrap().remove("querystring");
        value["uri"] = "/c".into();
    });
    assert_eq!(exchange.request.uri, "/c?b=1");
}

#[test]
fn targets_that_are_none_are_refused() {
    let (handler, exchange) = (handler("viewer-request", ""), browser("GET", "/a?b=1"));
    let long = format!("/{}", "a".repeat(8190));
    for (uri, query, expected) in [
        (json!(null), json!(""), "the returned request has no `uri`"),
        (json!(1), json!(""), "the returned request has no `uri`"),
        (json!(""), json!(""), "`uri` does not begin with `/`"),
        (json!("a"), json!(""), "`uri` does not begin with `/`"),
        (
            json!("https://a/"),
            json!(""),
            "`uri` does not begin with `/`",
        ),
        (json!("/a?b"), json!(""), "a query belongs in `querystring`"),
        (json!("/a#b"), json!(""), "`uri` is not a path"),
        (json!("/a/../b"), json!(""), "`uri` is not a path"),
        (json!("/a\\b"), json!(""), "`uri` is not a path"),
        (json!("/a\r\nb"), json!(""), "`uri` is not a path"),
        (json!("/a%0d"), json!(""), "`uri` is not a path"),
        (json!("/100%"), json!(""), "`uri` is not a path"),
        (json!("/a"), json!("b c"), "`querystring` has a space"),
        (json!("/a"), json!("b#c"), "`querystring` has a space"),
        (json!("/a"), json!("b\nc"), "`querystring` has a space"),
        (json!("/a"), json!(["b"]), "`querystring` is not text"),
        (json!(long), json!("a"), "8192 characters or more"),
        (
            json!("/a"),
            json!("b".repeat(8189)),
            "8192 characters or more",
        ),
    ] {
        refused(&handler, &exchange, expected, |value| {
            value["uri"] = uri;
            value["querystring"] = query;
        });
    }
    let longest = outcome(&handler, &exchange, |value| {
        value["uri"] = "/a".into();
        value["querystring"] = "b".repeat(8188).into();
    });
    assert!(longest.is_ok());
}

#[test]
fn the_host_of_an_origin_request_is_one_host() {
    let (handler, exchange) = (handler("origin-request", ""), browser("GET", "/"));
    for host in [
        json!([]),
        json!([{ "value": "" }]),
        json!([{ "value": "a b" }]),
        json!([{ "value": "a/b" }]),
        json!([{ "value": "me@a" }]),
        json!([{ "value": "a" }, { "value": "b" }]),
    ] {
        refused(&handler, &exchange, "`host` is not one host", |value| {
            value["headers"]["host"] = host;
        });
    }
}

#[test]
fn no_object_is_no_answer() {
    let (handler, exchange) = (handler("viewer-request", ""), browser("GET", "/"));
    let invocation = invocation(&handler, &exchange);
    for (returned, expected) in [
        ("null", "the handler returned nothing"),
        ("1", "neither a request nor a response"),
        ("\"text\"", "neither a request nor a response"),
        ("[]", "neither a request nor a response"),
        ("{}", "the returned request has no `headers`"),
        ("", "is not JSON"),
        ("{", "is not JSON"),
        (&"[".repeat(100_000), "is not JSON"),
        (&" ".repeat(5 << 20), "more than 4194304 bytes"),
    ] {
        let fault = invocation.outcome(&handler, returned).unwrap_err();
        assert!(fault.to_string().contains(expected), "{fault}");
        assert_eq!(fault.status(), 502);
    }
}

/// The body that goes on in place of one of three bytes, if any.
fn body(event: &str, settings: &str, body: Value) -> Result<Option<Bytes>, Fault> {
    let mut exchange = browser("POST", "/");
    exchange.request_body = Some(RequestBody {
        bytes: "old".into(),
        is_whole: true,
    });
    let handler = handler(event, settings);
    let outcome = outcome(&handler, &exchange, |value| {
        value["body"] = match (value["body"].take(), body) {
            (Value::Object(mut own), Value::Object(more)) => {
                own.extend(more);
                Value::Object(own)
            }
            (_, other) => other,
        };
    })?;
    let Outcome::Request(changes) = outcome else {
        panic!("no request");
    };
    changes.apply(&mut exchange).unwrap();
    let mut rewriters = exchange.request_rewriters;
    Ok(rewriters.pop().map(|mut rewriter| {
        assert!(rewriter.chunk("old".into()).unwrap().is_empty());
        let body = rewriter.end().unwrap();
        assert_eq!(exchange.request_body.unwrap().bytes, body);
        body
    }))
}

#[test]
fn a_body_is_replaced_if_the_handler_says_so() {
    const INCLUDED: &str = "include_body = true";
    let event = "viewer-request";
    for (written, expected) in [
        (json!({}), None),
        (json!({ "data": "bmV3" }), None),
        (json!({ "action": "read-only", "data": "bmV3" }), None),
        (json!({ "action": "replace" }), Some("old")),
        (json!({ "action": "replace", "data": "bmV3" }), Some("new")),
        (
            json!({ "action": "replace", "encoding": "text", "data": "näw" }),
            Some("näw"),
        ),
        (
            json!({ "action": "replace", "encoding": "text", "data": "" }),
            Some(""),
        ),
        (json!(null), None),
    ] {
        let told = format!("{written}");
        let got = body(event, INCLUDED, written).unwrap();
        assert_eq!(got.as_deref(), expected.map(str::as_bytes), "{told}");
    }
    for (written, expected) in [
        (json!("text"), "`body` of the request is not an object"),
        (
            json!({ "action": "remove" }),
            "neither `read-only` nor `replace`",
        ),
        (
            json!({ "action": "replace", "encoding": "utf8" }),
            "neither `text` nor `base64`",
        ),
        (
            json!({ "action": "replace", "data": "?" }),
            "`body.data` is not base64",
        ),
        (
            json!({ "action": "replace", "data": 1 }),
            "`body.data` is not text",
        ),
    ] {
        let fault = body(event, INCLUDED, written).unwrap_err();
        assert!(fault.to_string().contains(expected), "{fault}");
    }
    let fault = body(event, "", json!({ "action": "replace", "data": "" })).unwrap_err();
    assert!(
        fault.to_string().contains("`include_body` has to be set"),
        "{fault}"
    );
}

#[test]
fn a_body_that_takes_the_place_of_another_has_a_quota() {
    for (event, quota) in [("viewer-request", 40 << 10), ("origin-request", 1 << 20)] {
        for (bytes, is_taken) in [(quota, true), (quota + 1, false)] {
            let data = "a".repeat(bytes);
            let written = json!({ "action": "replace", "encoding": "text", "data": data });
            let got = body(event, "include_body = true", written);
            match (got, is_taken) {
                (Ok(Some(body)), true) => assert_eq!(body.len(), bytes),
                (Err(fault), false) => {
                    let expected = format!("has {bytes} bytes: {quota} at most in {event}");
                    assert!(fault.to_string().contains(&expected), "{fault}");
                }
                (other, _) => panic!("{event} {bytes}: {other:?}"),
            }
        }
    }
}
