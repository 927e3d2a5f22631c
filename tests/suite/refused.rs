//! What must not get through: the answer, the end of the connection, and an origin that hears nothing of it.

use rimward_tests::{Client, Edge, Origin};

/// Each row is what stands on the wire and the status that it gets.
async fn check(table: &[(&str, u16)]) {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    for (bytes, expected) in table {
        let status = edge.refuses(bytes).await;
        assert!(
            matches!(status, Ok(status) if status == *expected),
            "{bytes:?} should get {expected}: {status:?}"
        );
    }
    assert!(
        origin.requests().is_empty(),
        "the origin heard of {:?}",
        origin.targets()
    );
}

#[tokio::test]
async fn framing_that_can_be_read_in_two_ways() {
    check(&[
        ("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 1\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\nx", 400),
        ("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1, 1\r\n\r\nx", 400),
        ("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: +1\r\n\r\nx", 400),
        ("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\nx", 400),
        ("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0x1\r\n\r\nx", 400),
        ("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1_0\r\n\r\nx", 400),
        ("POST / HTTP/1.1\r\nhost: x\r\ncontent-length:\r\n\r\nx", 400),
        ("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9223372036854775808\r\n\r\nx", 400),
        ("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ])
    .await;
}

#[tokio::test]
async fn header_lines_that_are_none() {
    check(&[
        ("GET / HTTP/1.1\r\nhost : x\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: x\r\nno-colon\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: x\r\n: empty\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: x\r\na b: c\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: x\r\na: b\r\n folded\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n host: x\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: x\r\na: b\0c\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: x\r\na: b\rc\r\n\r\n", 400),
        ("GET / HTTP/1.1\nhost: x\n\n", 400),
        ("GET / HTTP/1.1\r\nhost: x\na: b\r\n\r\n", 400),
    ])
    .await;
}

#[tokio::test]
async fn request_lines_that_are_none() {
    check(&[
        ("GET  / HTTP/1.1\r\nhost: x\r\n\r\n", 400),
        ("GET / x HTTP/1.1\r\nhost: x\r\n\r\n", 400),
        ("GET\t/\tHTTP/1.1\r\nhost: x\r\n\r\n", 400),
        ("GET / http/1.1\r\nhost: x\r\n\r\n", 400),
        ("GET / HTTP/1.2\r\nhost: x\r\n\r\n", 505),
        ("GET /#fragment HTTP/1.1\r\nhost: x\r\n\r\n", 400),
        ("GET a HTTP/1.1\r\nhost: x\r\n\r\n", 400),
        ("GET * HTTP/1.1\r\nhost: x\r\n\r\n", 400),
        ("GET ftp://x/ HTTP/1.1\r\nhost: x\r\n\r\n", 400),
        ("GET http://user@x/ HTTP/1.1\r\nhost: x\r\n\r\n", 400),
        ("GET http://y/ HTTP/1.1\r\nhost: x\r\n\r\n", 400),
        ("GET /\u{e4} HTTP/1.1\r\nhost: x\r\n\r\n", 400),
        ("GET /\x7f HTTP/1.1\r\nhost: x\r\n\r\n", 400),
        ("CONNECT x:443 HTTP/1.1\r\nhost: x\r\n\r\n", 405),
    ])
    .await;
}

#[tokio::test]
async fn hosts_that_are_none() {
    check(&[
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: x\r\nhost: x\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: x, y\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: a b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: a/b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: x:port\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: user@x\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: \"x\"\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: [::1\r\n\r\n", 400),
    ])
    .await;
}

#[tokio::test]
async fn what_is_too_long() {
    let target = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(9 * 1024));
    let field = format!(
        "GET / HTTP/1.1\r\nhost: x\r\na: {}\r\n\r\n",
        "a".repeat(40 * 1024)
    );
    let fields = format!(
        "GET / HTTP/1.1\r\nhost: x\r\n{}\r\n",
        "a: b\r\n".repeat(200)
    );
    let body = format!(
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n",
        200 << 20
    );
    check(&[(&target, 414), (&field, 431), (&fields, 431), (&body, 413)]).await;
}

/// Here the head is fine, so the origin may have heard of the request, but never of the end of a body.
#[tokio::test]
async fn chunks_that_are_none() {
    let bodies = [
        "x\r\n",
        "+1\r\nx\r\n0\r\n\r\n",
        "0x1\r\nx\r\n0\r\n\r\n",
        "1 \r\nx\r\n0\r\n\r\n",
        " 1\r\nx\r\n0\r\n\r\n",
        "\r\nx\r\n0\r\n\r\n",
        "1\nx\n0\n\n",
        "1\r\nxy\r\n0\r\n\r\n",
        "1;\n\r\nx\r\n0\r\n\r\n",
        "1;a=\0\r\nx\r\n0\r\n\r\n",
        "ffffffffffffffff1\r\nx\r\n0\r\n\r\n",
        "0\r\ntransfer-encoding: x\r\n\r\n",
        "0\r\ncontent-length: 5\r\n\r\n",
        "0\r\nhost: y\r\n\r\n",
    ];
    for body in bodies {
        let origin = Origin::start().await;
        let edge = Edge::site(&origin).await;
        let mut client = Client::connect(edge.address()).await;
        client
            .send(format!(
                "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n{body}"
            ))
            .await;
        let status = client.read("POST").await.map(|response| response.status);
        assert!(matches!(status, Ok(400) | Err(_)), "{body:?}: {status:?}");
        assert_eq!(client.rest().await, b"", "{body:?}");
        assert!(
            origin.requests().is_empty(),
            "the origin got a whole request out of {body:?}"
        );
    }
}

#[tokio::test]
async fn http2_requests_that_are_none() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    for request in [
        "GET /a\nconnection: close",
        "GET /a\ntransfer-encoding: chunked",
        "GET /a\nte: gzip",
        "GET /a\nupgrade: x",
        "GET /a\ncontent-length: 5",
        "GET /a\nkeep-alive: 5",
    ] {
        let answer = edge.h2().await.try_request(request).await;
        let refused = match &answer {
            Ok(response) => response.status == 400,
            Err(_) => true,
        };
        assert!(refused, "{request:?}: {answer:?}");
    }
    assert!(origin.requests().is_empty());
}

#[tokio::test]
async fn a_refusal_is_a_page_that_says_why() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    let response = edge.request("GET /\nhost: a b").await;
    assert_eq!(
        (response.status, response.header("connection")),
        (400, Some("close"))
    );
    assert!(!response.body.is_empty());
}
