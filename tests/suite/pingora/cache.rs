//! The engine's cache state machine.

use pingora::cache::cache_control::CacheControl;
use pingora::cache::{CacheMetaDefaults, filters};
use pingora::http::ResponseHeader;
use rimward_tests::{H2Client, Origin, Response};

use super::probe::Probe;

fn phase(response: &Response) -> &str {
    response.header("x-phase").unwrap_or("none")
}

fn control(value: &str) -> Option<CacheControl> {
    let mut response = ResponseHeader::build(200, None).unwrap();
    response.insert_header("cache-control", value).unwrap();
    CacheControl::from_resp_headers(&response)
}

#[tokio::test]
async fn a_fresh_object_is_a_hit() {
    let origin = Origin::start().await;
    origin.reply("/a", "cache-control: max-age=60", "v1");
    let mut client = Probe::caching(&origin).start().connect();
    assert_eq!(phase(&client.get("/a").await), "Miss");
    let second = client.get("/a").await;
    assert_eq!((phase(&second), second.text()), ("Hit", "v1"));
}

/// A fault: the edge sets the epoch of what it stores itself.
#[tokio::test]
async fn the_origins_age_is_ignored() {
    let origin = Origin::start().await;
    origin.reply("/a", "cache-control: max-age=60\nage: 59", "v1");
    let mut client = Probe::caching(&origin).start().connect();
    client.get("/a").await;
    let second = client.get("/a").await;
    assert_eq!(phase(&second), "Hit");
    assert!(
        second
            .header("age")
            .is_some_and(|age| age.parse::<u32>().unwrap() < 59),
        "{second:?}"
    );
}

/// A fault: the edge computes these durations itself.
#[test]
fn s_maxage_switches_stale_serving_off() {
    const NONE: CacheMetaDefaults = CacheMetaDefaults::new(|_| None, 0, 0);
    let durations =
        |value| filters::calculate_serve_stale_durations(control(value).as_ref(), &NONE);
    assert_eq!(
        durations("max-age=60, stale-while-revalidate=30, stale-if-error=40"),
        (30, 40)
    );
    assert_eq!(
        durations("s-maxage=60, stale-while-revalidate=30, stale-if-error=40"),
        (0, 0)
    );
}

#[tokio::test]
async fn vary_is_for_us_to_look_at() {
    let origin = Origin::start().await;
    origin.reply(
        "/a",
        "cache-control: max-age=60\nvary: accept-language",
        "english",
    );
    let mut client = Probe::caching(&origin).start().connect();
    client.request("GET /a\naccept-language: en").await;
    let other = client.request("GET /a\naccept-language: de").await;
    assert_eq!((phase(&other), other.text()), ("Hit", "english"));
}

#[tokio::test]
async fn set_cookie_neither_prevents_storing_nor_is_it_taken_out() {
    let origin = Origin::start().await;
    origin.reply(
        "/a",
        "cache-control: max-age=60\nset-cookie: session=1",
        "v1",
    );
    let mut client = Probe::caching(&origin).start().connect();
    client.get("/a").await;
    let second = client.get("/a").await;
    assert_eq!(
        (phase(&second), second.header("set-cookie")),
        ("Hit", Some("session=1"))
    );
}

#[tokio::test]
async fn a_range_that_misses_fetches_the_whole_object() {
    let origin = Origin::start().await;
    origin.reply("/a", "cache-control: max-age=60", "0123456789");
    let mut client = Probe::caching(&origin).start().connect();
    let first = client.request("GET /a\nrange: bytes=2-4").await;
    assert_eq!(origin.last().header("range"), None);
    assert_eq!((first.status, first.text()), (206, "234"));
    let second = client.request("GET /a\nrange: bytes=-3").await;
    assert_eq!(
        (second.status, second.text(), second.header("content-range")),
        (206, "789", Some("bytes 7-9/10"))
    );
}

#[tokio::test]
async fn head_is_asked_of_the_origin_as_get() {
    let origin = Origin::start().await;
    origin.reply("/a", "cache-control: max-age=60", "v1");
    let mut client = Probe::caching(&origin).start().connect();
    assert_eq!(client.request("HEAD /a").await.status, 200);
    assert_eq!(origin.last().method, "GET");
    assert_eq!(client.get("/a").await.text(), "v1");
}

#[tokio::test]
async fn a_stored_etag_answers_conditional_requests() {
    let origin = Origin::start().await;
    origin.reply("/a", "cache-control: max-age=60\netag: \"1\"", "v1");
    let mut client = Probe::caching(&origin).start().connect();
    client.get("/a").await;
    assert_eq!(
        client.request("GET /a\nif-none-match: \"1\"").await.status,
        304
    );
    assert_eq!(
        client.request("GET /a\nif-none-match: \"2\"").await.status,
        200
    );
}

/// A fault: the edge merges a 304 itself.
#[tokio::test]
async fn a_304_updates_few_of_the_stored_fields() {
    let origin = Origin::start().await;
    origin.reply(
        "/a",
        "cache-control: max-age=0\netag: \"1\"\nx-version: 1",
        "v1",
    );
    origin.reply(
        "/a",
        "304\ncache-control: max-age=60\netag: \"1\"\nx-version: 2",
        "",
    );
    let mut client = Probe::caching(&origin).start().connect();
    client.get("/a").await;
    let second = client.get("/a").await;
    assert_eq!((phase(&second), second.text()), ("Revalidated", "v1"));
    assert_eq!(second.header("x-version"), Some("1"));
    assert_eq!(second.header("cache-control"), Some("max-age=60"));
}

#[tokio::test]
async fn one_of_many_equal_requests_reaches_the_origin() {
    let origin = Origin::start().await;
    let gate = origin.hold("/a", "cache-control: max-age=60", "v1");
    let proxy = Probe::caching(&origin).start();
    let asked: Vec<_> = (0..5)
        .map(|_| proxy.connect())
        .map(|mut client| tokio::spawn(async move { client.get("/a").await.text().to_owned() }))
        .collect();
    gate.reached().await;
    gate.open();
    for answer in asked {
        assert_eq!(answer.await.unwrap(), "v1");
    }
    assert_eq!(origin.requests().len(), 1);
}

/// A fault, and its work-around: without it the request in the background is written as `GET /a HTTP/2` and never sent.
#[tokio::test]
async fn a_stale_object_is_revalidated_for_http2_clients_once_their_heads_are_http1() {
    for normalise_h2 in [false, true] {
        let origin = Origin::start().await;
        origin.reply(
            "/a",
            "cache-control: max-age=0, stale-while-revalidate=60",
            "v1",
        );
        let probe = Probe {
            revalidate_behind: true,
            normalise_h2,
            ..Probe::caching(&origin)
        };
        let proxy = probe.start_h2();
        let mut client = H2Client::over(proxy.pipe()).await;
        client.get("/a").await;
        origin.reply("/a", "cache-control: max-age=60", "v2");
        assert_eq!(client.get("/a").await.text(), "v1");
        if normalise_h2 {
            origin.answered(2).await;
        }
        assert_eq!(
            client.get("/a").await.text() == "v2" || normalise_h2,
            normalise_h2
        );
    }
}

#[tokio::test]
async fn a_body_that_was_cut_off_looks_cut_off_and_is_not_stored() {
    let origin = Origin::start().await;
    let pieces = origin.trickle("/a", "cache-control: max-age=60\ncontent-length: 10");
    pieces.send("0123");
    let proxy = Probe::caching(&origin).start();
    let mut client = proxy.connect();
    client.send("GET /a HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(client.read_head().await.unwrap().0, 200);
    pieces.cut();
    assert_eq!(client.rest().await, b"0123");
    origin.reply("/a", "cache-control: max-age=60", "0123456789");
    assert_eq!(proxy.connect().get("/a").await.text(), "0123456789");
}

/// A fault: the edge writes the origin's own date.
#[tokio::test]
async fn date_is_written_over() {
    let origin = Origin::start().await;
    origin.reply("/a", "date: Thu, 01 Jan 1970 00:00:00 GMT", "v1");
    let response = Probe::of(&origin).start().connect().get("/a").await;
    assert_ne!(
        response.header("date"),
        Some("Thu, 01 Jan 1970 00:00:00 GMT")
    );
}
