//! Whatever a handler returns: nothing panics, and nothing is changed that may not be.

use http::HeaderMap;
use proptest::prelude::*;
use serde_json::{Map, json};

use super::*;
use crate::exchange::RequestBody;
use crate::filter::Body;
use crate::wasm::lambda_edge::event::{is_disallowed, is_of_the_edge};

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("text".to_owned()),
        Just("base64".to_owned()),
        Just("replace".to_owned()),
        Just("200".to_owned()),
        Just("304".to_owned()),
        Just("502".to_owned()),
        Just("/a/b".to_owned()),
        Just("/../a".to_owned()),
        Just("shop.example.net".to_owned()),
        Just("a\r\nb: c".to_owned()),
        ".{0,12}",
    ]
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        word().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((word(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Names that rules are about, and others.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("Host".to_owned()),
        Just("via".to_owned()),
        Just("Content-Length".to_owned()),
        Just("transfer-encoding".to_owned()),
        Just("X-Cache".to_owned()),
        Just("x-real-ip".to_owned()),
        Just("X-Amz-Cf-Id".to_owned()),
        Just("x-edge-a".to_owned()),
        Just("te".to_owned()),
        Just("Warning".to_owned()),
        Just("cdn-loop".to_owned()),
        Just("user-agent".to_owned()),
        Just("x-new".to_owned()),
        "[a-zA-Z-]{1,8}",
    ]
}

fn lines() -> impl Strategy<Value = Value> {
    let line = (word(), name(), any::<bool>()).prop_map(|(value, key, has_key)| match has_key {
        true => json!({ "key": key, "value": value }),
        false => json!({ "value": value }),
    });
    prop_oneof![
        8 => prop::collection::vec(line, 0..3).prop_map(Value::from),
        1 => anything(),
    ]
}

/// Something that a handler does to what it is given.
#[derive(Debug, Clone)]
enum Act {
    Set(String, Value),
    Remove(String),
    Header(String, Value),
    RemoveHeader(String),
    Origin(String, Value),
    Body(String, Value),
}

fn act() -> impl Strategy<Value = Act> {
    let member = prop::sample::select(vec![
        "status",
        "statusDescription",
        "headers",
        "body",
        "bodyEncoding",
        "uri",
        "querystring",
        "method",
        "clientIp",
        "origin",
    ])
    .prop_map(str::to_owned);
    let of_origin = prop::sample::select(vec![
        "domainName",
        "port",
        "protocol",
        "path",
        "customHeaders",
    ])
    .prop_map(str::to_owned);
    let of_body = prop::sample::select(vec!["action", "encoding", "data"]).prop_map(str::to_owned);
    let value = prop_oneof![word().prop_map(Value::from), anything()];
    prop_oneof![
        2 => (member.clone(), value.clone()).prop_map(|(key, value)| Act::Set(key, value)),
        1 => member.prop_map(Act::Remove),
        6 => (name(), lines()).prop_map(|(name, lines)| Act::Header(name, lines)),
        2 => name().prop_map(|name| Act::RemoveHeader(name.to_lowercase())),
        2 => (of_origin, value.clone()).prop_map(|(key, value)| Act::Origin(key, value)),
        2 => (of_body, value).prop_map(|(key, value)| Act::Body(key, value)),
    ]
}

fn member<'v>(value: &'v mut Value, key: &str) -> Option<&'v mut Map<String, Value>> {
    value.get_mut(key)?.as_object_mut()
}

fn do_to(value: &mut Value, act: Act) {
    match act {
        Act::Set(key, new) => value[key] = new,
        Act::Remove(key) => {
            value.as_object_mut().unwrap().remove(&key);
        }
        Act::Header(name, lines) => {
            if let Some(headers) = member(value, "headers") {
                headers.insert(name, lines);
            }
        }
        Act::RemoveHeader(name) => {
            if let Some(headers) = member(value, "headers") {
                headers.remove(&name);
            }
        }
        Act::Origin(key, new) => {
            if let Some(custom) = value
                .get_mut("origin")
                .and_then(|origin| member(origin, "custom"))
            {
                custom.insert(key, new);
            }
        }
        Act::Body(key, new) => {
            if let Some(body) = member(value, "body") {
                body.insert(key, new);
            }
        }
    }
}

/// What no handler may have changed.
fn kept(fields: &HeaderMap, event: Event) -> Vec<(String, Vec<u8>)> {
    let is_kept =
        |name: &str| is_disallowed(name) || is_of_the_edge(name) || event.is_read_only(name);
    let mut kept: Vec<_> = fields
        .iter()
        .filter(|(name, _)| is_kept(name.as_str()))
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect();
    kept.sort();
    kept
}

fn no_line_ends(fields: &HeaderMap) -> bool {
    fields
        .values()
        .all(|value| !value.as_bytes().contains(&b'\n'))
}

fn check(event: &str, acts: Vec<Act>) {
    let handler = handler(
        event,
        "include_body = true"
            .get(..if event.ends_with("request") { 19 } else { 0 })
            .unwrap(),
    );
    let mut exchange = browser("POST", "/a?b=1");
    exchange
        .request
        .append_header("x-real-ip", "192.0.2.1")
        .unwrap();
    exchange
        .request
        .append_header("content-length", "3")
        .unwrap();
    exchange.request_body = Some(RequestBody {
        bytes: "old".into(),
        is_whole: true,
    });
    let event = handler.event;
    let outcome = outcome(&handler, &exchange, |value| {
        acts.into_iter().for_each(|act| do_to(value, act));
    });
    match outcome {
        Err(fault) => assert_eq!(fault.status(), 502),
        Ok(Outcome::Request(changes)) => {
            let before = kept(&exchange.request.headers, event);
            let mut head = exchange.request.clone();
            match event {
                Event::ViewerRequest => {
                    changes.apply(&mut exchange).unwrap();
                    head = exchange.request.clone();
                }
                _ => changes.apply_to(&mut exchange, &mut head).unwrap(),
            }
            assert_eq!(kept(&head.headers, event), before);
            assert_eq!(head.method, "POST");
            assert!(no_line_ends(&head.headers));
            let path = head.uri.path();
            assert_eq!(rimward_config::normalise_path(path).unwrap(), path);
        }
        Ok(Outcome::Answer(answer)) => {
            assert!((200..600).contains(&answer.head.status.as_u16()));
            assert_eq!(kept(&answer.head.headers, event), []);
            assert!(no_line_ends(&answer.head.headers));
        }
        Ok(Outcome::Response(changes)) => {
            let mut head = page();
            let before = kept(&head.headers, event);
            let body = changes.apply(&mut head).unwrap();
            assert_eq!(kept(&head.headers, event), before);
            assert!(no_line_ends(&head.headers));
            assert!(event != Event::ViewerResponse || head.status == 200);
            assert!(matches!(body, Body::Untouched | Body::Replaced(_)));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nothing_forbidden_gets_through(
        event in prop::sample::select(vec!["viewer-request", "origin-request", "origin-response", "viewer-response"]),
        acts in prop::collection::vec(act(), 0..5),
    ) {
        check(event, acts);
    }

    #[test]
    fn no_text_is_too_odd(
        event in prop::sample::select(vec!["viewer-request", "origin-request", "origin-response", "viewer-response"]),
        text in prop_oneof![".{0,40}", anything().prop_map(|value| value.to_string())],
    ) {
        let handler = handler(event, "");
        let exchange = browser("GET", "/");
        if let Err(fault) = invocation(&handler, &exchange).outcome(&handler, &text) {
            prop_assert_eq!(fault.status(), 502);
        }
    }
}
