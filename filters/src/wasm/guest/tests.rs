//! Guests as a pipeline runs them: the probe of `tests/guests` does what a request tells it to.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use pingora_http::ResponseHeader;

use super::*;
use crate::exchange::{Fingerprint, Handshake, RequestBody};
use crate::filter::{BuildError, Builder, Configured};
use crate::testing::exchange;

const PROBE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/guests/probe.wasm");

fn guest(settings: &str) -> Result<Guest, BuildError> {
    let text = format!("wasm = {PROBE:?}\n{settings}");
    let settings = toml::from_str(&text).unwrap_or_else(|error| panic!("{error}"));
    <Guest as Configured>::new(settings, &Builder::new(Path::new("."), "probe"))
}

fn script(script: &str) -> Exchange {
    exchange(
        "GET",
        "/a/b?x=1&y=2",
        &[("x-do", script), ("cookie", "a=1; b=2")],
    )
}

async fn request(guest: &Guest, exchange: &mut Exchange) -> Result<Flow, FilterError> {
    match guest.request(exchange)? {
        Flow::Later => guest.request_later(exchange).await,
        flow => Ok(flow),
    }
}

async fn response(
    guest: &Guest,
    exchange: &mut Exchange,
    head: &mut ResponseHeader,
) -> Result<Body, FilterError> {
    match guest.response(exchange, head)? {
        Body::Later => guest.response_later(exchange, head).await,
        body => Ok(body),
    }
}

/// What the steps of the request phase told.
async fn told(guest: &Guest, exchange: &mut Exchange) -> Vec<String> {
    let flow = request(guest, exchange).await.unwrap();
    assert!(matches!(flow, Flow::Continue), "{flow:?}");
    let mut head = ResponseHeader::build(200, None).unwrap();
    response(guest, exchange, &mut head).await.unwrap();
    let told = head.headers.get_all("x-did").iter();
    told.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect()
}

#[tokio::test]
async fn a_guest_reads_and_changes_the_request() {
    let guest = guest("").unwrap();
    let mut exchange = script(
        "request request.path; request request.query-param y; request request.cookie b; request request.set x-new 1; request request.set-uri /c?d; request request.header x-none",
    );
    let told = told(&guest, &mut exchange).await;
    assert_eq!(exchange.request.headers["x-new"], "1", "{told:?}");
    assert_eq!(exchange.request.uri, "/c?d");
    assert!(told[0].contains("/a/b"), "{told:?}");
    assert!(told[1].ends_with('2') && told[2].ends_with('2'), "{told:?}");
}

#[tokio::test]
async fn a_guest_answers() {
    let guest = guest("").unwrap();
    let mut exchange = script("request answer 403 no x-why=because");
    let Flow::Answer(answer) = request(&guest, &mut exchange).await.unwrap() else {
        panic!("no answer");
    };
    assert_eq!(answer.head.status, 403);
    assert_eq!(answer.body, "no");
    assert_eq!(answer.head.headers["x-why"], "because");
}

#[tokio::test]
async fn an_error_is_told_and_the_guest_goes_on() {
    let guest = guest("").unwrap();
    let error = request(&guest, &mut script("request fail broken"))
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "it says: broken");
    assert!(request(&guest, &mut script("")).await.is_ok());
}

#[tokio::test]
async fn what_goes_too_far_ends_that_call_alone() {
    let limits = "limits = { cpu = \"30ms\", wall = \"200ms\", memory = \"8MiB\" }";
    let guest = guest(limits).unwrap();
    for (abuse, expected) in [
        ("spin", "`limits.cpu`"),
        ("grow", "`limits.memory`"),
        ("recurse", "trapped"),
        ("panic", "panicked"),
        ("flood", "`limits.cpu`"),
    ] {
        let begun = std::time::Instant::now();
        let error = request(&guest, &mut script(&format!("request {abuse}"))).await;
        let error = error.expect_err(abuse).to_string();
        assert!(error.contains(expected), "{abuse}: {error}");
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "{abuse}: {:?}",
            begun.elapsed()
        );
        assert!(
            request(&guest, &mut script("")).await.is_ok(),
            "after {abuse}"
        );
    }
}

#[tokio::test]
async fn a_body_is_had_before_the_request_goes_on() {
    let guest = guest("").unwrap();
    let mut exchange = script(
        "request request.want-body buffered 100; request-body body.read 0 5; request-body request.set x-seen yes; request-body upper",
    );
    let Flow::WantsBody(100) = request(&guest, &mut exchange).await.unwrap() else {
        panic!("the body is not wanted");
    };
    exchange.request_body = Some(RequestBody {
        bytes: Bytes::from_static(b"hello world"),
        is_whole: true,
    });
    let flow = guest.request_later(&mut exchange).await.unwrap();
    assert!(matches!(flow, Flow::Continue));
    assert_eq!(exchange.request.headers["x-seen"], "yes");
    assert_eq!(exchange.request_rewriters.len(), 1);
    assert_eq!(exchange.request_rewriters[0].end().unwrap(), "HELLO WORLD");
}

#[tokio::test]
async fn a_guest_knows_how_the_connection_is_secured() {
    let guest = guest("").unwrap();
    let words = [
        "version",
        "cipher",
        "sni",
        "alpn",
        "certificate.subject",
        "ja3",
        "ja4",
    ];
    let steps = words.map(|word| format!("request context.tls {word}"));
    let mut exchange = script(&steps.join(";"));
    let none = told(&guest, &mut exchange).await;
    assert!(none.iter().all(|told| told.ends_with(": none")), "{none:?}");
    let mut exchange = script(&steps.join(";"));
    exchange.client.tls = Some(Arc::new(Handshake {
        version: "TLSv1.3",
        cipher: "TLS_AES_128_GCM_SHA256",
        sni: Some("example.com".into()),
        alpn: Some("h2"),
        fingerprint: Some(Fingerprint {
            ja3: "3333".into(),
            ja4: "t13".into(),
        }),
    }));
    let told = told(&guest, &mut exchange).await;
    let expected = [
        "TLSv1.3",
        "TLS_AES_128_GCM_SHA256",
        "example.com",
        "h2",
        "none",
        "3333",
        "t13",
    ];
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.ends_with(&format!(": {expected}")), "{told}");
    }
}

#[tokio::test]
async fn a_host_in_place_of_the_origin_has_to_be_granted_and_right() {
    let guest = guest("grants = { hosts = [\"*.example.org\"] }").unwrap();
    for (to, expected) in [
        ("https://a.example.org/v1/", Ok("https://a.example.org/v1")),
        ("http://A.example.org", Ok("http://a.example.org")),
        (
            "https://a.example.org/b%2520c",
            Ok("https://a.example.org/b%20c"),
        ),
        ("http://a.example.org:8080", Err("denied")),
        ("https://example.com", Err("denied")),
        ("https://a.example.org/../b", Err("invalid")),
    ] {
        let mut exchange = script(&format!("request request.set-origin {to}"));
        let told = told(&guest, &mut exchange).await;
        let elsewhere = exchange.chosen.elsewhere.as_ref().map(|host| host.base());
        match expected {
            Ok(base) => assert_eq!(elsewhere.as_deref(), Some(base), "{to}: {told:?}"),
            Err(why) => {
                assert!(told[0].contains(why), "{to}: {told:?}");
                assert_eq!(elsewhere, None);
            }
        }
    }
}

#[tokio::test]
async fn a_body_passes_in_pieces() {
    let guest = guest("").unwrap();
    let mut exchange = script("response response.want-body chunks; response-body upper");
    let mut head = ResponseHeader::build(200, None).unwrap();
    request(&guest, &mut exchange).await.unwrap();
    let Body::Rewritten(mut rewriter) = response(&guest, &mut exchange, &mut head).await.unwrap()
    else {
        panic!("the body is not rewritten");
    };
    assert_eq!(rewriter.chunk("ab".into()).unwrap(), "AB");
    assert_eq!(rewriter.chunk("cd".into()).unwrap(), "CD");
    assert_eq!(rewriter.end().unwrap(), "");
}

#[tokio::test]
async fn a_head_waits_for_a_body_that_is_wanted_whole() {
    let guest = guest("").unwrap();
    let mut exchange = script(
        "response response.want-body buffered 100; response-body response.set x-len 5; response-body replace other",
    );
    let mut head = ResponseHeader::build(200, None).unwrap();
    request(&guest, &mut exchange).await.unwrap();
    let Body::Held(holder) = response(&guest, &mut exchange, &mut head).await.unwrap() else {
        panic!("the head does not wait");
    };
    assert_eq!(holder.most(), 100);
    let body = holder
        .whole(&mut exchange, &mut head, &"hello".into(), true)
        .await
        .unwrap();
    assert_eq!(body.unwrap(), "other");
    assert_eq!(head.headers["x-len"], "5");
}

#[test]
fn what_can_not_run_is_refused_at_load() {
    for (settings, expected) in [
        (
            "config = { refuse = \"no currency\" }",
            "refuses its `config`: no currency",
        ),
        ("config = { panic = \"x\" }", "failed over its `config`"),
        ("limits = { memory = \"64KiB\" }", "memory"),
        ("reuse = 5", "isolation"),
        (
            "smoke = { status = 403 }",
            "does not survive its `smoke` request",
        ),
        (
            "rollout = { wasm = \"none.wasm\", percent = 101 }",
            "from 0 to 100",
        ),
    ] {
        let error = guest(settings).err().expect(settings);
        assert!(
            error.message.contains(expected),
            "{settings}: {}",
            error.message
        );
    }
    assert!(guest("smoke = { headers = { x-do = \"request answer 204\" }, status = 204 }").is_ok());
}

#[tokio::test]
async fn a_version_that_fails_again_and_again_gives_way_to_the_one_before() {
    let load = |settings: &str| guest(settings).unwrap().current.load_full();
    let (bad, good) = (load(""), load(""));
    let guest = Guest::of(
        Loaded::new(bad.version.clone(), 1),
        Some(Loaded::new(good.version.clone(), 1)),
        None,
    );
    for _ in 0..10 {
        assert!(request(&guest, &mut script("request panic")).await.is_err());
    }
    assert!(Arc::ptr_eq(&guest.current.load().version, &good.version));
}

#[tokio::test]
async fn a_candidate_that_fails_again_and_again_is_nobodys() {
    let load = |settings: &str| guest(settings).unwrap().current.load_full();
    let (good, bad) = (load(""), load(""));
    let guest = Guest::of(
        Loaded::new(good.version.clone(), 1),
        None,
        Some((Loaded::new(bad.version.clone(), 1), BUCKETS)),
    );
    let version = |exchange: &Exchange| guest.pick(exchange).version.clone();
    assert!(Arc::ptr_eq(&version(&script("")), &bad.version));
    for _ in 0..10 {
        assert!(request(&guest, &mut script("request panic")).await.is_err());
    }
    assert!(Arc::ptr_eq(&version(&script("")), &good.version));
}

#[tokio::test]
async fn an_instance_is_used_again_where_that_is_wanted() {
    let guest = guest("isolation = \"reuse\"\nreuse = 3").unwrap();
    for _ in 0..10 {
        request(&guest, &mut script("")).await.unwrap();
    }
    let loaded = guest.current.load_full();
    assert_eq!(loaded.idle.lock().unwrap().len(), 1);
}
