use std::net::IpAddr;

use bytes::Bytes;
use http::Version;
use pingora_http::RequestHeader;
use serde_json::json;

use super::*;
use crate::exchange::RequestBody;

fn event(handler: &Handler, exchange: &Exchange) -> Value {
    let text = invocation(handler, exchange).event();
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn a_viewer_request_is_what_the_client_sent() {
    let mut exchange = browser("GET", "/path%20b?a=1&b=2");
    exchange.request.append_header("X-Two", "1").unwrap();
    exchange.request.append_header("x-two", "2").unwrap();
    exchange
        .request
        .append_header("x-edge-location", "fra")
        .unwrap();
    exchange
        .request
        .append_header("upgrade", "websocket")
        .unwrap();
    let expected = json!({ "Records": [{ "cf": {
        "config": {
            "distributionDomainName": "example.com",
            "distributionId": "example.com",
            "eventType": "viewer-request",
            "requestId": "0123456789abcdef",
        },
        "request": {
            "clientIp": "203.0.113.7",
            "method": "GET",
            "uri": "/path%20b",
            "querystring": "a=1&b=2",
            "headers": {
                "host": [{ "key": "host", "value": "example.com" }],
                "user-agent": [{ "key": "user-agent", "value": "curl/8.0" }],
                "accept-encoding": [{ "key": "accept-encoding", "value": "gzip" }],
                "via": [{ "key": "via", "value": "1.1 proxy" }],
                "cookie": [{ "key": "cookie", "value": "a=1" }],
                "x-two": [{ "key": "X-Two", "value": "1" }, { "key": "x-two", "value": "2" }],
            },
        },
    } }] });
    assert_eq!(event(&handler("viewer-request", ""), &exchange), expected);
}

#[test]
fn names_without_case_get_capitals() {
    let mut exchange = browser("GET", "/");
    let mut request = RequestHeader::build_no_case("GET", b"/", None).unwrap();
    request.append_header("x-my-header", "1").unwrap();
    exchange.request = request;
    let event = event(&handler("viewer-request", ""), &exchange);
    let headers = &event["Records"][0]["cf"]["request"]["headers"];
    assert_eq!(
        *headers,
        json!({ "x-my-header": [{ "key": "X-My-Header", "value": "1" }] })
    );
}

#[test]
fn what_an_absent_query_is_and_whose_address_and_distribution() {
    let mut exchange = browser("GET", "/");
    exchange.client.ip = "2001:db8::1".parse::<IpAddr>().unwrap();
    let settings = "distribution_id = 'E1'\ndistribution_domain_name = 'd1.cloudfront.net'";
    let event = event(&handler("viewer-request", settings), &exchange);
    let cf = &event["Records"][0]["cf"];
    assert_eq!(cf["request"]["querystring"], "");
    assert_eq!(cf["request"]["clientIp"], "2001:db8::1");
    assert_eq!(cf["config"]["distributionId"], "E1");
    assert_eq!(cf["config"]["distributionDomainName"], "d1.cloudfront.net");
}

#[test]
fn an_origin_request_tells_the_origin() {
    let mut exchange = browser("GET", "/a");
    let handler = handler("origin-request", "");
    let origin = |exchange: &Exchange| {
        event(&handler, exchange)["Records"][0]["cf"]["request"]["origin"].clone()
    };
    assert_eq!(
        origin(&exchange),
        json!({ "custom": {
            "domainName": "app.example.net", "port": 443, "protocol": "https", "path": "",
            "keepaliveTimeout": 60, "readTimeout": 30, "sslProtocols": ["TLSv1.2"], "customHeaders": {},
        } })
    );
    exchange.origin = Some(rimward_config::OriginId(1));
    assert_eq!(
        origin(&exchange),
        json!({ "custom": {
            "domainName": "shop.example.net", "port": 8080, "protocol": "http", "path": "",
            "keepaliveTimeout": 60, "readTimeout": 10, "sslProtocols": ["TLSv1.2"], "customHeaders": {},
        } })
    );
    exchange.origin = Some(rimward_config::OriginId(3));
    assert_eq!(
        origin(&exchange),
        json!({ "s3": {
            "domainName": "site.s3.us-east-1.amazonaws.com", "path": "/v2", "region": "us-east-1",
            "authMethod": "none", "customHeaders": {},
        } })
    );
    exchange.origin = Some(rimward_config::OriginId(4));
    assert_eq!(origin(&exchange)["custom"]["domainName"], "e-files");
    exchange.origin = None;
    assert_eq!(origin(&exchange), Value::Null);
}

#[test]
fn response_events_have_the_response_and_the_request() {
    let exchange = browser("GET", "/a?b=1");
    for name in ["origin-response", "viewer-response"] {
        let event = event(&handler(name, ""), &exchange);
        let cf = &event["Records"][0]["cf"];
        assert_eq!(cf["config"]["eventType"], name);
        assert_eq!(cf["request"]["querystring"], "b=1");
        assert_eq!(cf["response"]["status"], "200");
        assert_eq!(cf["response"]["statusDescription"], "OK");
        assert_eq!(
            cf["response"]["headers"]["content-type"],
            json!([{ "key": "Content-Type", "value": "text/html" }])
        );
        assert_eq!(cf["response"].get("body"), None);
    }
}

#[test]
fn a_body_is_there_if_it_is_wanted_and_cut_at_the_quota() {
    let body = |settings: &str, event_name: &str, method: &str, bytes: usize, is_whole: bool| {
        let mut exchange = browser(method, "/");
        exchange.request_body = Some(RequestBody {
            bytes: Bytes::from(vec![b'a'; bytes]),
            is_whole,
        });
        let event = event(&handler(event_name, settings), &exchange);
        event["Records"][0]["cf"]["request"]["body"].clone()
    };
    let included = "include_body = true";
    assert_eq!(body("", "viewer-request", "POST", 1, true), Value::Null);
    assert_eq!(
        body(included, "viewer-request", "GET", 1, true),
        Value::Null
    );
    assert_eq!(
        body(included, "viewer-request", "PUT", 3, true),
        json!({ "inputTruncated": false, "action": "read-only", "encoding": "base64", "data": "YWFh" })
    );
    for (event_name, bytes, is_whole, seen, is_cut) in [
        ("viewer-request", 40 << 10, true, 40 << 10, false),
        ("viewer-request", 40 << 10, false, 40 << 10, true),
        ("viewer-request", (40 << 10) + 1, true, 40 << 10, true),
        ("origin-request", 1 << 20, true, 1 << 20, false),
        ("origin-request", (1 << 20) + 9, false, 1 << 20, true),
    ] {
        let body = body(included, event_name, "POST", bytes, is_whole);
        let data = body["data"].as_str().unwrap();
        assert_eq!(
            data.len(),
            usize::div_ceil(seen, 3) * 4,
            "{event_name} {bytes}"
        );
        assert_eq!(body["inputTruncated"], is_cut, "{event_name} {bytes}");
    }
}

#[test]
fn what_is_not_utf8_is_told_and_stays_as_it_is() {
    let mut exchange = browser("GET", "/");
    let value = http::HeaderValue::from_bytes(b"\xff!").unwrap();
    exchange
        .request
        .append_header("x-latin", value.clone())
        .unwrap();
    exchange.request.set_version(Version::HTTP_2);
    let handler = handler("viewer-request", "");
    let Outcome::Request(changes) = outcome(&handler, &exchange, |_| {}).unwrap() else {
        panic!("no request");
    };
    changes.apply(&mut exchange).unwrap();
    assert_eq!(exchange.request.headers["x-latin"], value);
}
