//! Bodies that are read before the engine reads them.

use h2::client;
use http::{HeaderMap, Request};

use super::*;

/// Reads the body ahead up to the number of the query, then the way that the path says: `/ahead` reads it as the engine does,
/// `/ahead/replace` does with another in its place, `/ahead/answer` does not read any more. Tells all that was seen.
pub(super) async fn answer(session: &mut ServerSession) -> pingora::Result<String> {
    let (path, most) = {
        let uri = &session.req_header().uri;
        let most = uri.query().unwrap_or("0").parse().unwrap();
        (uri.path().to_owned(), most)
    };
    let ahead = read_ahead(session, most).await?;
    let fields = session.req_header().headers.clone();
    let mut told = format!(
        "{}{} {}",
        ahead.bytes.escape_ascii(),
        if ahead.is_whole { "." } else { "…" },
        framing(&fields)
    );
    if path == "/ahead/replace" {
        assert!(ahead.is_whole && replace(session, Bytes::from_static(b"another"))?);
    }
    if path == "/ahead/answer" && ahead.is_whole {
        // Nobody wants it any more.
        assert!(replace(session, Bytes::new())?);
    }
    if path != "/ahead/answer" {
        // The engine asks in this order.
        let is_empty = session.is_body_empty();
        session.enable_retry_buffering();
        let mut body = Vec::new();
        while !session.is_body_done() {
            match session.read_request_body().await? {
                Some(piece) => body.extend_from_slice(&piece),
                None => break,
            }
        }
        assert_eq!(is_empty, body.is_empty() && ahead.is_whole, "{told}");
        assert_eq!(session.get_retry_buffer().unwrap_or_default(), body);
        told += &format!(" | {}", body.escape_ascii());
    }
    Ok(told)
}

fn framing(fields: &HeaderMap) -> String {
    let text = |name: &str| {
        let value = fields.get(name)?;
        Some(value.to_str().unwrap().to_owned())
    };
    let length = text("content-length").unwrap_or_else(|| "-".to_owned());
    match (text("transfer-encoding"), text("expect")) {
        (None, None) => length,
        (Some(coding), None) => format!("{length} {coding}"),
        (_, Some(expect)) => panic!("{expect} is left"),
    }
}

const LENGTH: &str = "Content-Length: 11\r\n\r\nhello world";
const CHUNKED: &str = "Transfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n01\r\n \r\n5\r\nworld\r\n0\r\nX: y\r\n\r\n";

/// What is told of `hello world` when so much of it is wanted.
fn told(most: usize, framing: &str) -> String {
    match most {
        0..11 => format!("{}… {framing}", &"hello world"[..most]),
        _ => "hello world. 11".to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn the_engine_finds_a_body_that_was_read_ahead_as_it_was() {
    let rig = Rig::new();
    for room in [1, 7, 64 * 1024] {
        let mut client = rig.connect_with(&listener(), room);
        for (body, framing) in [(LENGTH, "11"), (CHUNKED, "- chunked")] {
            for most in [0, 1, 5, 6, 10, 11, 12, 1 << 24] {
                let post = format!("POST /ahead?{most} HTTP/1.1\r\nHost: a\r\n{body}");
                // Where there is room, the next request is there already.
                let (now, then) = match room {
                    0..1000 => (post, GET),
                    _ => (format!("{post}{GET}"), ""),
                };
                client.send(now).await;
                let expected = format!("{} | hello world", told(most, framing));
                assert_eq!(client.body().await, expected, "{room} {most} {framing}");
                client.send(then).await;
                assert_eq!(client.body().await, "GET / a", "nothing is left of it");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_in_between_leaves_nothing_of_the_body() {
    let rig = Rig::new();
    let mut client = rig.connect(&listener());
    for (body, framing) in [(LENGTH, "11"), (CHUNKED, "- chunked")] {
        for most in [0, 5, 11, 100] {
            let request = format!("POST /ahead/answer?{most} HTTP/1.1\r\nHost: a\r\n{body}{GET}");
            client.send(request).await;
            assert_eq!(client.body().await, told(most, framing));
            match most {
                0..11 => {
                    // The engine ends connections whose client may still be sending.
                    assert_eq!(client.rest().await, "");
                    client = rig.connect(&listener());
                }
                _ => assert_eq!(client.body().await, "GET / a"),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_without_a_body_has_an_empty_one_and_may_be_given_one() {
    let rig = Rig::new();
    let mut client = rig.connect(&listener());
    for (head, framing) in [
        ("", "-"),
        ("Content-Length: 0\r\n", "0"),
        ("Transfer-Encoding: chunked\r\n", "0"),
    ] {
        let chunk = if head.starts_with('T') {
            "0\r\n\r\n"
        } else {
            ""
        };
        for (path, expected) in [
            ("/ahead", format!(". {framing} | ")),
            ("/ahead/replace", format!(". {framing} | another")),
        ] {
            let request = format!("POST {path}?9 HTTP/1.1\r\nHost: a\r\n{head}\r\n{chunk}{GET}");
            client.send(request).await;
            assert_eq!(client.body().await, expected, "{head}");
            assert_eq!(client.body().await, "GET / a");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_whole_body_may_be_replaced() {
    let rig = Rig::new();
    let mut client = rig.connect(&listener());
    for body in [LENGTH, CHUNKED] {
        let request = format!("POST /ahead/replace?99 HTTP/1.1\r\nHost: a\r\n{body}{GET}");
        client.send(request).await;
        assert_eq!(client.body().await, "hello world. 11 | another");
        assert_eq!(client.body().await, "GET / a");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_waits_is_told_to_go_on() {
    let rig = Rig::new();
    let mut client = rig.connect(&listener());
    let head =
        "POST /ahead?99 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    client.send(head).await;
    let (status, _, _) = client.response().await;
    assert_eq!(status, 100);
    client.send("hello").await;
    assert_eq!(client.body().await, "hello. 5 | hello");
    // Who did not wait is told nothing.
    client.send(format!("{head}hello")).await;
    assert_eq!(client.body().await, "hello. 5 | hello");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_read_ahead_is_held_to_the_listeners_bounds() {
    let rig = Rig::new();
    let post = "POST /ahead?999 HTTP/1.1\r\nHost: a\r\n";
    for (body, status) in [
        ("Content-Length: 9\r\n\r\n1234", "408"),
        ("Transfer-Encoding: chunked\r\n\r\n5\r\n1234", "408"),
        ("Transfer-Encoding: chunked\r\n\r\n5\r\n123456789", "400"),
        ("Transfer-Encoding: chunked\r\n\r\n100001\r\n1", "413"),
    ] {
        let mut client = rig.connect(&listener());
        client.send(format!("{post}{body}")).await;
        let (_, rest) = client.ends_after().await;
        assert_eq!(rest.get(9..12), Some(status), "{rest}");
    }
    assert_eq!(rig.told.count("refused"), 4);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_has_sent_no_whole_body() {
    let rig = Rig::new();
    for body in [
        "Content-Length: 9\r\n\r\n12345678",
        "Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
    ] {
        let mut client = rig.connect(&listener());
        let request = format!("POST /ahead?9 HTTP/1.1\r\nHost: a\r\n{body}");
        client.send(request).await.0.shutdown().await.unwrap();
        assert_eq!(client.rest().await, "");
    }
}

#[tokio::test(start_paused = true)]
async fn chunks_may_be_small_and_many() {
    let rig = Rig::new();
    let chunks = format!("1;{}\r\nx\r\n", "e".repeat(200)).repeat(40_000);
    for (most, expected) in [(39_999, "…"), (40_000, ".")] {
        let head = format!("POST /ahead/answer?{most} HTTP/1.1\r\nHost: a\r\n");
        let request = format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n");
        let mut client = rig.connect(&listener());
        client.send(request).await;
        let body = client.body().await;
        assert!(body.starts_with(&format!("{}{expected}", "x".repeat(most))));
    }
}

#[tokio::test(start_paused = true)]
async fn streams_are_read_ahead_as_well() {
    let rig = Rig::new();
    let (sender, frames) = client::handshake(rig.connect(&listener()).0).await.unwrap();
    tokio::spawn(frames);
    let mut sender = sender.ready().await.unwrap();
    let whole = "hello world. 11";
    for (target, pieces, expected) in [
        (
            "/ahead?99",
            &["hello", " world"][..],
            "hello world. 11 | hello world".to_owned(),
        ),
        (
            "/ahead?11",
            &["hello", " world"],
            format!("{whole} | hello world"),
        ),
        (
            "/ahead?3",
            &["hello", " world"],
            "hel… - | hello world".to_owned(),
        ),
        ("/ahead/answer?3", &["hello", " world"], "hel… -".to_owned()),
        ("/ahead/answer?99", &["hello", " world"], whole.to_owned()),
        (
            "/ahead/replace?99",
            &["hello", " world"],
            format!("{whole} | another"),
        ),
        ("/ahead?99", &[], ". - | ".to_owned()),
        ("/ahead/replace?99", &[], ". - | another".to_owned()),
        ("/ahead?99", &[""], ". 0 | ".to_owned()),
    ] {
        let request = Request::post(format!("http://a{target}")).body(()).unwrap();
        let (response, mut send) = sender.send_request(request, pieces.is_empty()).unwrap();
        for (index, piece) in pieces.iter().enumerate() {
            let is_last = index + 1 == pieces.len();
            send.send_data(Bytes::from(*piece), is_last).unwrap();
        }
        let mut body = response.await.unwrap().into_body();
        let mut all = Vec::new();
        while let Some(data) = body.data().await {
            all.extend_from_slice(&data.unwrap());
        }
        assert_eq!(
            String::from_utf8(all).unwrap(),
            expected,
            "{target} {pieces:?}"
        );
    }
}
