//! Requests of a function's own.

use rimward_tests::{Edge, Origin, miss};

use super::{edge, ended, hello, site, tried};

/// A function that may ask an origin, which is called `api`.
fn granted(origin: &Origin, words: &str) -> String {
    let words = format!(
        "grants = {{ origins = [\"api\"] }}\n{words}\n[origin.api]\nservers = [\"{origin}\"]"
    );
    site(&tried(), &words, "")
}

#[tokio::test]
async fn an_origin_is_asked_by_its_name() {
    let origin = Origin::start().await;
    let edge = Edge::start(&granted(&origin, "")).await;
    origin.reply("/prices?a=b", "404", "none");
    let response = edge.get("/looped?http://api/prices?a=b").await;
    assert_eq!((response.status, response.text()), (404, "none"));
    let asked = origin.last();
    assert_eq!(asked.header("host"), Some(&*origin.to_string()));
    assert_eq!(
        asked.header("cdn-loop"),
        Some("rimward"),
        "a guest can't hide where it came by"
    );
    let framing = (
        asked.header("transfer-encoding"),
        asked.header("content-length"),
    );
    assert_eq!(
        framing,
        (None, None),
        "a body of a GET that was ended at once is none"
    );
}

#[tokio::test]
async fn an_origin_is_asked_by_a_server_of_it_and_connections_are_kept() {
    let origin = Origin::start().await;
    let edge = Edge::start(&granted(&origin, "")).await;
    for number in 0..3 {
        origin.reply("/x", "", "found");
        let response = edge.get(&format!("/fetch?http://{origin}/x")).await;
        assert_eq!(
            (response.status, response.text()),
            (200, "found"),
            "{number}"
        );
        let idle = "rimward_origin_idle_connections{origin=\"api\"";
        edge.metric_reaches(idle, 1.0).await;
    }
    assert_eq!(origin.connections(), 1);
}

#[tokio::test]
async fn bodies_of_its_requests_are_passed_on_as_they_come() {
    let origin = Origin::start().await;
    let edge = Edge::start(&granted(&origin, "limits = { cpu = \"10s\" }")).await;
    let trickle = origin.trickle("/up", "");
    let body = "x".repeat(500_000);
    let mut client = edge.client().await;
    let length = body.len();
    client
        .send(format!(
            "POST /post?http://api/up HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
        .await;
    trickle.send("one ");
    client.read_until("one ").await;
    trickle.send("two");
    client.read_until("two").await;
    trickle.end();
    client.read_until("0\r\n\r\n").await;
    assert!(origin.last().body == body.as_bytes());
}

#[tokio::test]
async fn a_response_that_breaks_off_is_no_whole_one() {
    let origin = Origin::start().await;
    let edge = Edge::start(&granted(&origin, "")).await;
    origin.hang_up_after("/x", "", "a body that is promised whole", 6);
    edge.try_request("GET /fetch?http://api/x")
        .await
        .unwrap_err();
    ended(&edge, "trap").await;
}

#[tokio::test]
async fn a_function_asks_another() {
    let words = format!(
        "grants = {{ origins = [\"other\"] }}\n[origin.other]\nfunction = \"{}\"",
        hello()
    );
    let edge = Edge::start(&site(&tried(), &words, "")).await;
    let response = edge.get("/fetch?http://other/").await;
    assert_eq!(
        (response.status, response.text().contains("Hello")),
        (200, true)
    );
}

#[tokio::test]
async fn whom_it_may_not_ask_it_is_denied() {
    let origin = Origin::start().await;
    let edge = Edge::start(&granted(&origin, "")).await;
    for url in [
        "http://other.example/",
        "http://api:81/",
        "http://127.0.0.1:1/",
    ] {
        let response = edge.get(&format!("/fetch?{url}")).await;
        assert_eq!(
            (response.status, response.text()),
            (502, "ErrorCode::HttpRequestDenied"),
            "{url}"
        );
    }
    assert_eq!(
        edge.metric("rimward_function_denied_total{function=\"app\"}"),
        3.0
    );
    assert_eq!(origin.connections(), 0);
}

#[tokio::test]
async fn what_is_behind_the_edge_is_no_public_host() {
    let origin = Origin::start().await;
    let edge = edge("grants = { hosts = [\"*\"] }").await;
    let port = origin.address().port();
    for host in [
        "127.0.0.1",
        "[::1]",
        "localhost",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
    ] {
        let response = edge.get(&format!("/fetch?http://{host}:{port}/")).await;
        let told = (response.status, response.text());
        assert_eq!(told, (502, "ErrorCode::DestinationIpProhibited"), "{host}");
    }
    assert_eq!(origin.connections(), 0);
}

#[tokio::test]
async fn it_sends_no_more_requests_than_it_may() {
    let origin = Origin::start().await;
    let edge = Edge::start(&granted(&origin, "limits = { subrequests = 2 }")).await;
    origin.always("/x", "", "found");
    let response = edge
        .get("/many?http://api/x,http://api/x,http://api/x")
        .await;
    assert_eq!(
        response.text(),
        "200\n200\nErrorCode::ConnectionLimitReached\n"
    );
}

#[tokio::test]
async fn an_origin_that_is_down_is_an_error_that_it_can_handle() {
    let mut origin = Origin::start().await;
    let edge = Edge::start(&granted(&origin, "")).await;
    origin.stop().await;
    let response = edge.get("/fetch?http://api/").await;
    assert_eq!(
        (response.status, response.text()),
        (502, "ErrorCode::ConnectionRefused")
    );
    assert_eq!(edge.get("/hello").await, miss("hello"));
}

#[tokio::test]
async fn a_bucket_is_asked_for_objects_by_signed_requests() {
    let origin = Origin::start().await;
    let words = format!(
        "grants = {{ origins = [\"assets\"] }}\n[origin.assets.s3]\nbucket = \"assets\"\nendpoint = \"http://{origin}\"\ncredentials = \"anonymous\""
    );
    let edge = Edge::start(&site(&tried(), &words, "")).await;
    origin.reply("/assets/a.txt", "", "object");
    let response = edge.get("/fetch?http://assets/a.txt").await;
    assert_eq!(response.text(), "object");
}
