use serde_json::json;

use super::*;
use crate::filter::{Answer, Body};

/// What a handler of a request event answers.
fn answer(event: &str, settings: &str, response: Value) -> Result<Answer, Fault> {
    let handler = handler(event, settings);
    match outcome(&handler, &browser("GET", "/"), |value| *value = response)? {
        Outcome::Answer(answer) => Ok(answer),
        other => panic!("{other:?}"),
    }
}

/// A response after a handler of a response event changed it.
fn changed(
    event: &str,
    mut head: ResponseHeader,
    change: impl FnOnce(&mut Value),
) -> Result<(ResponseHeader, Option<String>), Fault> {
    let (handler, exchange) = (handler(event, ""), browser("GET", "/"));
    let invocation = match handler.event {
        Event::OriginResponse => Invocation::origin_response(&handler, &exchange, &head),
        _ => Invocation::viewer_response(&handler, &exchange, &head),
    };
    let mut value = given(&invocation);
    change(&mut value);
    let Outcome::Response(changes) = invocation.outcome(&handler, &value.to_string())? else {
        panic!("no response");
    };
    let body = match changes.apply(&mut head).unwrap() {
        Body::Untouched => None,
        Body::Replaced(body) => Some(String::from_utf8_lossy(&body).into_owned()),
        _ => panic!("another body"),
    };
    Ok((head, body))
}

fn of(status: u16) -> ResponseHeader {
    let mut head = page();
    head.set_status(status).unwrap();
    head
}

#[test]
fn a_request_is_answered() {
    let redirect = answer(
        "viewer-request",
        "",
        json!({
            "status": "302",
            "statusDescription": "Over There",
            "headers": {
                "location": [{ "key": "Location", "value": "https://example.org/" }],
                "set-cookie": [{ "value": "a=1" }, { "value": "b=2" }],
            },
        }),
    )
    .unwrap();
    assert_eq!(redirect.head.status, 302);
    assert_eq!(redirect.head.get_reason_phrase(), Some("Over There"));
    assert_eq!(redirect.head.headers["location"], "https://example.org/");
    assert_eq!(
        redirect.head.headers.get_all("set-cookie").iter().count(),
        2
    );
    assert!(redirect.body.is_empty() && !redirect.refusal);
    for (written, body) in [
        (json!({ "status": "200", "body": "täxt" }), "täxt"),
        (
            json!({ "status": "200", "body": "text", "bodyEncoding": "text" }),
            "text",
        ),
        (
            json!({ "status": "599", "body": "dGV4dA==", "bodyEncoding": "base64" }),
            "text",
        ),
        (json!({ "status": "204", "body": "" }), ""),
        (
            json!({ "status": "200", "headers": null, "body": null }),
            "",
        ),
    ] {
        let answer = answer("origin-request", "", written).unwrap();
        assert_eq!(answer.body, body);
    }
}

#[test]
fn answers_that_are_none_are_refused() {
    for (written, expected) in [
        (
            json!({ "status": "199" }),
            "`status` is not a text of three digits",
        ),
        (
            json!({ "status": "600" }),
            "`status` is not a text of three digits",
        ),
        (
            json!({ "status": "2OO" }),
            "`status` is not a text of three digits",
        ),
        (
            json!({ "status": "0200" }),
            "`status` is not a text of three digits",
        ),
        (
            json!({ "status": "+20" }),
            "`status` is not a text of three digits",
        ),
        (
            json!({ "status": 99 }),
            "`status` is not a text of three digits",
        ),
        (
            json!({ "status": null }),
            "`status` is not a text of three digits",
        ),
        (
            json!({ "status": "204", "body": "text" }),
            "a response of status 204 has a `body`",
        ),
        (json!({ "status": "200", "body": {} }), "`body` is not text"),
        (
            json!({ "status": "200", "body": "text", "bodyEncoding": "gzip" }),
            "neither `text` nor `base64`",
        ),
        (
            json!({ "status": "200", "body": "?", "bodyEncoding": "base64" }),
            "`body` is not base64",
        ),
        (
            json!({ "status": "200", "statusDescription": 1 }),
            "`statusDescription` is not text",
        ),
        (
            json!({ "status": "200", "statusDescription": "a\r\nb: c" }),
            "printable ASCII",
        ),
        (
            json!({ "status": "200", "headers": [] }),
            "`headers` is not an object",
        ),
        (
            json!({ "status": "200", "headers": { "content-length": [{ "value": "5" }] } }),
            "added the header `content-length`, which is read-only",
        ),
        (
            json!({ "status": "200", "headers": { "X-Cache": [{ "value": "Hit" }] } }),
            "added the header `x-cache`, which is disallowed",
        ),
    ] {
        for event in ["viewer-request", "origin-request"] {
            let told = written.to_string();
            let fault = answer(event, "", written.clone()).expect_err(&told);
            assert!(fault.to_string().contains(expected), "{told}: {fault}");
            assert_eq!(fault.status(), 502);
        }
    }
    let number = answer("viewer-request", "", json!({ "status": 301 }));
    assert_eq!(number.unwrap().head.status, 301);
    assert!(answer("viewer-request", "", json!({ "status": 70_000 })).is_err());
}

#[test]
fn an_answer_has_a_quota_with_its_head() {
    for (event, quota) in [("viewer-request", 40 << 10), ("origin-request", 1 << 20)] {
        // `X-A: 1` and the end of the line.
        for (bytes, is_taken) in [(quota - 8, true), (quota - 7, false)] {
            let written = json!({
                "status": "200",
                "headers": { "x-a": [{ "value": "1" }] },
                "body": "a".repeat(bytes),
            });
            match answer(event, "", written) {
                Ok(_) => assert!(is_taken, "{event} {bytes}"),
                Err(fault) => {
                    assert!(
                        !is_taken && fault.to_string().contains("at most in"),
                        "{fault}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_response_is_changed() {
    let (head, body) = changed("origin-response", of(404), |value| {
        value["status"] = "200".into();
        value["statusDescription"] = "OK".into();
        value["headers"]["content-type"] =
            json!([{ "key": "Content-Type", "value": "text/plain" }]);
        value["headers"]
            .as_object_mut()
            .unwrap()
            .remove("cache-control");
        value["body"] = "Body generated".into();
    })
    .unwrap();
    assert_eq!(head.status, 200);
    assert_eq!(head.headers["content-type"], "text/plain");
    assert!(!head.headers.contains_key("cache-control") && !head.headers.contains_key("etag"));
    assert_eq!(body.as_deref(), Some("Body generated"));
    let (head, body) = changed("origin-response", of(404), |value| {
        value["status"] = "302".into();
        value["headers"]["location"] = json!([{ "value": "/" }]);
    })
    .unwrap();
    assert_eq!((head.status.as_u16(), body), (302, None));
    assert_eq!(head.get_reason_phrase(), Some("Found"));
    assert_eq!(head.headers["etag"], "\"1\"");
}

#[test]
fn a_response_that_stays_costs_no_body() {
    for event in ["origin-response", "viewer-response"] {
        let (head, body) = changed(event, page(), |_| {}).unwrap();
        assert_eq!(body, None);
        assert_eq!(head.headers, page().headers);
        let (_, body) = changed(event, page(), |value| value["body"] = "".into()).unwrap();
        assert_eq!(body.as_deref(), Some(""));
    }
}

#[test]
fn what_tells_of_the_old_body_goes_with_it() {
    let compressed = || {
        let mut head = page();
        head.append_header("Content-Encoding", "gzip").unwrap();
        head
    };
    let encoding = |change: fn(&mut Value)| {
        let (head, _) = changed("viewer-response", compressed(), change).unwrap();
        head.headers.get("content-encoding").cloned()
    };
    let gzip = Some(http::HeaderValue::from_static("gzip"));
    assert_eq!(encoding(|_| {}), gzip);
    assert_eq!(encoding(|value| value["body"] = "text".into()), None);
    let compressed_again = |value: &mut Value| {
        value["body"] = "H4sI".into();
        value["bodyEncoding"] = "base64".into();
    };
    assert_eq!(encoding(compressed_again), gzip);
}

#[test]
fn the_length_of_a_response_is_for_the_edge_to_tell() {
    let (head, _) = changed("origin-response", page(), |value| {
        value["headers"]["content-length"][0]["value"] = "1".into();
    })
    .unwrap();
    assert_eq!(head.headers["content-length"], "120");
    let (head, _) = changed("viewer-response", page(), |value| {
        value["headers"]
            .as_object_mut()
            .unwrap()
            .remove("content-length");
        value["headers"]["transfer-encoding"] = json!([{ "value": "chunked" }]);
    })
    .unwrap();
    assert_eq!(head.headers["content-length"], "120");
    assert!(!head.headers.contains_key("transfer-encoding"));
}

#[test]
fn a_viewer_response_keeps_its_status() {
    let (handler, exchange) = (handler("viewer-response", ""), browser("GET", "/"));
    refused(
        &handler,
        &exchange,
        "`status`, which is read-only in viewer-response",
        |value| {
            value["status"] = "404".into();
        },
    );
    let (head, _) = changed("viewer-response", page(), |value| {
        value["statusDescription"] = "Fine".into();
    })
    .unwrap();
    assert_eq!(head.get_reason_phrase(), Some("Fine"));
}

#[test]
fn responses_that_are_none_are_refused() {
    for event in ["origin-response", "viewer-response"] {
        for (head, key, value, expected) in [
            (
                200,
                "status",
                json!(true),
                "`status` is not a text of three digits",
            ),
            (
                200,
                "status",
                json!("100"),
                "`status` is not a text of three digits",
            ),
            (
                204,
                "body",
                json!("text"),
                "a response of status 204 has a `body`",
            ),
            (206, "body", json!("text"), "the body of a part (206)"),
            (200, "body", json!([1]), "`body` is not text"),
            (200, "body", json!("a".repeat((1 << 20) + 1)), "at most in"),
        ] {
            let fault = changed(event, of(head), |given| given[key] = value).unwrap_err();
            assert!(
                fault.to_string().contains(expected),
                "{event} {key}: {fault}"
            );
        }
        let fault = changed(event, page(), |value| {
            value.as_object_mut().unwrap().remove("status");
        });
        assert!(fault.unwrap_err().to_string().contains("has no `status`"));
    }
    // A quota of its own in viewer events.
    let half = |value: &mut Value| value["body"] = "a".repeat(1 << 19).into();
    assert!(changed("viewer-response", page(), half).is_err());
    assert!(changed("origin-response", page(), half).is_ok());
}

#[test]
fn a_response_of_its_own_in_place_of_the_origins_keeps_what_is_read_only() {
    let fault = changed("origin-response", page(), |value| {
        *value = json!({ "status": "302", "headers": { "location": [{ "value": "/" }] } });
    })
    .unwrap_err();
    assert!(
        fault.to_string().contains("deleted the header `via`"),
        "{fault}"
    );
}
