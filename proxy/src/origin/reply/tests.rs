use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use pingora::connectors::http::v1::Connector;
use pingora::protocols::http::v1::client::HttpSession;
use pingora_http::RequestHeader;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::origin::dial::Told;
use crate::origin::line::{Line, Patience};
use crate::origin::tests::{at, origin_with, pick, servers_at};
use crate::origin::{Failure, Origin, Picked};

const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const HEAD: &str = "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n";
const UPGRADE: &str =
    "GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";

/// Responses of which nothing may be seen, and a word of why.
fn odd_heads() -> Vec<(&'static str, Vec<u8>)> {
    let lines: &[(&str, &str)] = &[
        ("HTTP/1.", "garbage\r\n\r\n"),
        ("HTTP/1.", "http/1.1 200 OK\r\n\r\n"),
        ("HTTP/1.", "HTTP/2.0 200 OK\r\n\r\n"),
        ("HTTP/1.", "HTTP/2 200\r\n\r\n"),
        ("HTTP/1.1 or", "HTTP/1.2 200 OK\r\n\r\n"),
        ("HTTP/1.1 or", "HTTP/1.10 200 OK\r\n\r\n"),
        ("HTTP/1.1 or", "HTTP/1.1\t200 OK\r\n\r\n"),
        ("HTTP/1.1 or", "HTTP/1.1\r\n\r\n"),
        ("letter", "\r\nHTTP/1.1 200 OK\r\n\r\n"),
        ("letter", " HTTP/1.1 200 OK\r\n\r\n"),
        ("digits", "HTTP/1.1  200 OK\r\n\r\n"),
        ("digits", "HTTP/1.1 99 OK\r\n\r\n"),
        ("digits", "HTTP/1.1 099 OK\r\n\r\n"),
        ("digits", "HTTP/1.1 1000 OK\r\n\r\n"),
        ("digits", "HTTP/1.1 abc OK\r\n\r\n"),
        ("digits", "HTTP/1.1 +20 OK\r\n\r\n"),
        ("digits", "HTTP/1.1 200OK\r\n\r\n"),
        ("digits", "HTTP/1.1 200\tOK\r\n\r\n"),
        ("reason", "HTTP/1.1 200 O\0K\r\n\r\n"),
        ("reason", "HTTP/1.1 200 O\rK\r\n\r\n"),
        ("bare LF", "HTTP/1.1 200 OK\n\n"),
        ("101", "HTTP/1.1 101 Go\r\nUpgrade: websocket\r\n\r\n"),
        ("HTTP/1.0", "HTTP/1.0 100 Continue\r\n\r\n"),
        (
            "allows none",
            "HTTP/1.1 103 Hints\r\nContent-Length: 1\r\n\r\n",
        ),
        (
            "allows none",
            "HTTP/1.1 204 None\r\nTransfer-Encoding: chunked\r\n\r\n",
        ),
        (
            "HTTP/1.0",
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        ),
        (
            "space between",
            "HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\nX : y\r\n\r\n",
        ),
    ];
    let fields: &[(&str, &str)] = &[
        ("space between", "space : x\r\n"),
        ("space between", "tab\t: x\r\n"),
        ("folded", "X: y\r\n folded\r\n"),
        ("folded", "\tfolded: x\r\n"),
        ("no colon", "nocolon\r\n"),
        ("no name", ": x\r\n"),
        ("space between", "sp ace: x\r\n"),
        ("token", "quo\"te: x\r\n"),
        ("token", "\u{e9}: x\r\n"),
        ("token", "nul\0: x\r\n"),
        ("control", "X: n\0ul\r\n"),
        ("control", "X: de\x7fl\r\n"),
        ("control", "X: c\rr\r\n"),
        ("bare LF", "X: y\nZ: a\r\n"),
        (
            "beside",
            "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
        ),
        (
            "beside",
            "transfer-encoding: chunked\r\ncontent-length: 0\r\n",
        ),
        ("several", "Content-Length: 1\r\nContent-Length: 2\r\n"),
        ("several", "Content-Length: 0\r\ncontent-length: 0\r\n"),
        ("number", "Content-Length: 0, 0\r\n"),
        ("number", "Content-Length: +5\r\n"),
        ("number", "Content-Length: -1\r\n"),
        ("number", "Content-Length: 0x5\r\n"),
        ("number", "Content-Length: 5 5\r\n"),
        ("number", "Content-Length: x\r\n"),
        ("number", "Content-Length:\r\n"),
        ("number", "Content-Length: 9223372036854775808\r\n"),
        ("number", "Content-Length: 99999999999999999999\r\n"),
        ("not `chunked`", "Transfer-Encoding: identity, a\r\n"),
        ("not `chunked`", "Transfer-Encoding: gzip\r\n"),
        (
            "beside",
            "Transfer-Encoding: identity\r\nContent-Length: 1\r\n",
        ),
        ("not `chunked`", "Transfer-Encoding: xchunked\r\n"),
        ("not `chunked`", "Transfer-Encoding: chunked, chunked\r\n"),
        ("not `chunked`", "Transfer-Encoding: chunked, gzip\r\n"),
        ("not `chunked`", "Transfer-Encoding: \"chunked\"\r\n"),
        ("not `chunked`", "Transfer-Encoding:\r\n"),
        ("other than", "Transfer-Encoding: gzip, chunked\r\n"),
        (
            "several",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        ),
        ("tokens", "Connection: clo se\r\n"),
    ];
    let mut odd: Vec<_> = lines
        .iter()
        .map(|(why, head)| (*why, head.as_bytes().to_vec()))
        .collect();
    odd.extend(fields.iter().map(|(why, fields)| {
        let head = format!("HTTP/1.1 200 OK\r\n{fields}\r\n");
        (*why, head.into_bytes())
    }));
    let large = |fields: String| format!("HTTP/1.1 200 OK\r\n{fields}\r\n").into_bytes();
    odd.push(("too large", large(format!("X: {}\r\n", "x".repeat(70_000)))));
    odd.push(("too many header", large("X: y\r\n".repeat(257))));
    odd.push((
        "line is too long",
        format!("HTTP/1.1 200 {}\r\n\r\n", "x".repeat(9000)).into_bytes(),
    ));
    odd.push((
        "informational",
        "HTTP/1.1 102 Wait\r\n\r\n".repeat(17).into_bytes(),
    ));
    odd
}

/// Chunked bodies that are wrong somewhere.
const ODD_CHUNKS: [&str; 17] = [
    "\r\n",
    "+5\r\nhello\r\n0\r\n\r\n",
    "-5\r\nhello\r\n0\r\n\r\n",
    "0x5\r\nhello\r\n0\r\n\r\n",
    " 5\r\nhello\r\n0\r\n\r\n",
    "5 \r\nhello\r\n0\r\n\r\n",
    "5_0\r\nhello\r\n0\r\n\r\n",
    "10000000000000005\r\nhello\r\n0\r\n\r\n",
    "5\nhello\r\n0\r\n\r\n",
    "5\rhello\r\n0\r\n\r\n",
    "5;a\nhello\r\n0\r\n\r\n",
    "5;\0\r\nhello\r\n0\r\n\r\n",
    "5\r\nhello\n0\r\n\r\n",
    "5\r\nhello!\r\n0\r\n\r\n",
    "5\r\nhello\r\n\r\n",
    "5\r\nhello\r\n0\r\n\n",
    "5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n",
];

/// A request, a good response to it, what the server sends behind it, its body as the engine reads it, and whether the connection can be used again.
const FINE: [(&str, &str, &str, &str, bool); 25] = [
    (
        GET,
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "",
        "ok",
        true,
    ),
    (
        GET,
        "HTTP/1.1 200 \r\ncontent-length:\t2 \r\n\r\nok",
        "",
        "ok",
        true,
    ),
    (
        GET,
        "HTTP/1.1 200\r\nContent-Length: 02\r\n\r\nok",
        "",
        "ok",
        true,
    ),
    (
        GET,
        "HTTP/1.1 200 Ça va\r\nContent-Length: 2\r\n\r\nok",
        "",
        "ok",
        true,
    ),
    (
        GET,
        "HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\nok",
        "",
        "ok",
        true,
    ),
    (
        GET,
        "HTTP/1.1 200 OK\r\nX: \u{e9}\r\nEmpty:\r\nContent-Length: 0\r\n\r\n",
        "",
        "",
        true,
    ),
    (
        GET,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "",
        "ok",
        true,
    ),
    (
        GET,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a=\"b\"\r\no\r\n01\r\nk\r\n0;c\r\nX: y\r\n\r\n",
        "",
        "ok",
        true,
    ),
    (
        GET,
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "",
        "ok",
        true,
    ),
    (GET, "HTTP/1.1 204 None\r\n\r\n", "", "", true),
    (
        GET,
        "HTTP/1.1 204 None\r\nContent-Length: 0\r\n\r\n",
        "",
        "",
        true,
    ),
    (
        GET,
        "HTTP/1.1 304 Same\r\nContent-Length: 9\r\n\r\n",
        "",
        "",
        true,
    ),
    (
        GET,
        "HTTP/1.1 304 Same\r\nTransfer-Encoding: chunked\r\n\r\n",
        "",
        "",
        true,
    ),
    (
        HEAD,
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
        "",
        "",
        true,
    ),
    (
        HEAD,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "",
        "",
        true,
    ),
    (HEAD, "HTTP/1.1 200 OK\r\n\r\n", "", "", true),
    (
        GET,
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok",
        "",
        "ok",
        true,
    ),
    (
        GET,
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "",
        "ok",
        false,
    ),
    (
        GET,
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive, close\r\n\r\nok",
        "",
        "ok",
        false,
    ),
    (
        GET,
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
        "ok",
        false,
    ),
    (
        GET,
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "\n",
        "ok",
        false,
    ),
    (
        GET,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "evil",
        "ok",
        false,
    ),
    (
        HEAD,
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n",
        "evil",
        "",
        false,
    ),
    (
        GET,
        "HTTP/1.1 304 Same\r\nContent-Length: 4\r\n\r\n",
        "evil",
        "",
        false,
    ),
    (
        UPGRADE,
        "HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n\0raw\n",
        "",
        "\0raw\n",
        false,
    ),
];

/// All that comes over a line when the server answers `request` with `reply` in `pieces`, and how it ends.
async fn over_a_line(
    request: &str,
    reply: &[u8],
    piece: usize,
) -> (Vec<u8>, std::io::Result<usize>) {
    let (ours, mut theirs) = tokio::io::duplex(256 * 1024);
    let patience = Patience {
        first_byte: Duration::from_secs(2),
        between_bytes: Duration::from_secs(5),
    };
    let mut line = Line::new(Box::new(ours), None, Arc::new(Told::new(false)), patience);
    line.write_all(request.as_bytes()).await.unwrap();
    let reply = reply.to_vec();
    let sending = tokio::spawn(async move {
        for piece in reply.chunks(piece) {
            // Fails when the line was hung up.
            if theirs.write_all(piece).await.is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
    });
    let mut read = Vec::new();
    let result = line.read_to_end(&mut read).await;
    drop(line);
    sending.await.unwrap();
    (read, result)
}

#[tokio::test(start_paused = true)]
async fn nothing_of_an_odd_head_is_passed_on() {
    for (why, reply) in odd_heads() {
        for piece in [1, 7, usize::MAX] {
            let (read, result) = over_a_line(GET, &reply, piece).await;
            let error = result.expect_err(&reply.escape_ascii().to_string());
            assert_eq!(error.kind(), ErrorKind::InvalidData);
            assert!(error.to_string().contains(why), "{why}: {error}");
            let read = String::from_utf8(read).unwrap();
            let informational = |head: &str| head.is_empty() || head.starts_with("HTTP/1.1 10");
            assert!(read.split("\r\n\r\n").all(informational), "{read:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_of_a_head_that_stops_short_is_passed_on() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
    for length in 1..head.len() {
        let (read, result) = over_a_line(GET, &head.as_bytes()[..length], 5).await;
        assert_eq!(result.unwrap_err().kind(), ErrorKind::InvalidData);
        assert!(read.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn odd_chunks_end_a_body_where_they_begin() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for body in ODD_CHUNKS {
        let whole = format!("{head}{body}");
        let (read, result) = over_a_line(GET, whole.as_bytes(), 1).await;
        assert_eq!(
            result.expect_err(body).kind(),
            ErrorKind::InvalidData,
            "{body:?}"
        );
        assert!(whole.as_bytes().starts_with(&read) && read.len() < whole.len());
    }
}

#[tokio::test(start_paused = true)]
async fn fine_responses_pass_as_they_came_and_nothing_behind_them() {
    for (request, reply, behind, ..) in FINE {
        let sent = [reply, behind].concat();
        for piece in [1, 9, usize::MAX] {
            let (read, result) = over_a_line(request, sent.as_bytes(), piece).await;
            result.unwrap();
            assert_eq!(
                read.escape_ascii().to_string(),
                reply.as_bytes().escape_ascii().to_string()
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn heads_within_the_bounds_pass() {
    let head = |fields: String| format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 0\r\n\r\n");
    for head in [
        head("X: y\r\n".repeat(255)),
        head(format!("X: {}\r\n", "x".repeat(65_400))),
        "HTTP/1.1 102 Wait\r\n\r\n".repeat(16) + &head(String::new()),
    ] {
        for piece in [1000, usize::MAX] {
            let (read, result) = over_a_line(GET, head.as_bytes(), piece).await;
            result.unwrap();
            assert_eq!(read, head.as_bytes());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn after_an_informational_head_the_wait_begins_anew() {
    let (ours, mut theirs) = tokio::io::duplex(1024);
    let patience = Patience {
        first_byte: Duration::from_secs(60),
        between_bytes: Duration::from_secs(5),
    };
    let mut line = Line::new(Box::new(ours), None, Arc::new(Told::new(false)), patience);
    line.write_all(GET.as_bytes()).await.unwrap();
    tokio::spawn(async move {
        let pause = || tokio::time::sleep(Duration::from_secs(50));
        pause().await;
        theirs.write_all(b"HTTP/1.1 102 Wait\r\n\r\n").await?;
        pause().await;
        theirs
            .write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok")
            .await
    });
    let mut read = Vec::new();
    line.read_to_end(&mut read).await.unwrap();
    assert!(read.ends_with(b"ok"));
}

/// A server that answers the first request with `reply` and keeps the connection, unless that is to end the response.
async fn server(reply: Vec<u8>) -> Arc<Origin> {
    let listener = TcpListener::bind(at(0)).await.unwrap();
    let origin = origin_with(servers_at(&[listener.local_addr().unwrap().port()]));
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 1024];
        assert!(stream.read(&mut request).await.unwrap() > 0);
        // Fails when the line was hung up.
        if stream.write_all(&reply).await.is_err() {
            return;
        }
        if reply.windows(3).any(|bytes| bytes == b"raw") {
            stream.shutdown().await.unwrap();
        }
        while stream.read(&mut request).await.is_ok_and(|read| read > 0) {}
    });
    origin
}

/// Asks as the engine does.
async fn ask(origin: &Arc<Origin>, request: &str) -> (Result<Vec<u8>, Box<pingora::Error>>, bool) {
    ask_as(&pick(origin, &[]).unwrap(), origin, request).await
}

async fn ask_as(
    picked: &Picked,
    origin: &Arc<Origin>,
    request: &str,
) -> (Result<Vec<u8>, Box<pingora::Error>>, bool) {
    let peer = picked.peer();
    let connector = Connector::new(None);
    let (mut session, _) = connector.get_http_session(&*peer).await.unwrap();
    let answer = converse(&mut session, request).await;
    if let Err(error) = &answer {
        assert_eq!(picked.failure(error), Failure::Reset, "{error}");
    }
    connector.release_http_session(session, &*peer, None).await;
    let kept = origin.servers().all[0].state.pool.len() > 0;
    (answer, kept)
}

async fn converse(
    session: &mut HttpSession,
    request: &str,
) -> Result<Vec<u8>, Box<pingora::Error>> {
    let method = request.split(' ').next().unwrap();
    let mut head = RequestHeader::build(method, b"/", None).unwrap();
    head.insert_header("Host", "x").unwrap();
    if request == UPGRADE {
        head.insert_header("Connection", "upgrade").unwrap();
        head.insert_header("Upgrade", "websocket").unwrap();
    }
    session.write_request_header(Box::new(head)).await?;
    loop {
        session.read_response().await?;
        let status = session.get_status().unwrap().as_u16();
        if status == 101 || status >= 200 {
            break;
        }
    }
    let mut body = Vec::new();
    while let Some(bytes) = session.read_body_bytes().await? {
        body.extend_from_slice(&bytes);
    }
    Ok(body)
}

#[tokio::test]
async fn the_engine_sees_an_error_for_every_odd_head() {
    for (why, reply) in odd_heads() {
        let (answer, kept) = ask(&server(reply.clone()).await, GET).await;
        let error = answer.expect_err(&reply.escape_ascii().to_string());
        assert!(error.to_string().contains(why), "{why}: {error}");
        assert!(!kept, "{why}");
    }
}

#[tokio::test]
async fn the_engine_sees_an_error_for_every_odd_chunk() {
    for body in ODD_CHUNKS {
        let reply = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
        let (answer, kept) = ask(&server(reply.into_bytes()).await, GET).await;
        assert!(answer.is_err(), "{body:?}");
        assert!(!kept, "{body:?}");
    }
}

#[tokio::test]
async fn the_engine_reads_fine_responses_and_keeps_their_connections() {
    for (request, reply, behind, body, keeps) in FINE {
        let sent = [reply, behind].concat().into_bytes();
        let (answer, kept) = ask(&server(sent).await, request).await;
        assert_eq!(answer.unwrap(), body.as_bytes(), "{reply:?}");
        assert_eq!(kept, keeps, "{reply:?}");
    }
}

#[tokio::test]
async fn a_connection_whose_request_is_not_all_sent_is_not_kept() {
    for sending in [true, false] {
        let origin = server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".into()).await;
        let picked = pick(&origin, &[]).unwrap();
        picked.body_begins();
        if !sending {
            picked.body_ends();
        }
        let (answer, kept) = ask_as(&picked, &origin, GET).await;
        assert_eq!(answer.unwrap(), b"ok");
        assert_eq!(kept, !sending);
    }
}

#[tokio::test]
async fn a_body_shorter_than_its_length_is_an_error() {
    for head in ["Content-Length: 9", "Transfer-Encoding: chunked"] {
        let reply = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n4\r\nraw!");
        let (answer, kept) = ask(&server(reply.into_bytes()).await, GET).await;
        assert!(answer.is_err() && !kept, "{head}");
    }
}

/// An engine that is given informational heads is sent away for some rounds, and then gets what came with them.
#[test]
fn an_informational_head_comes_alone() {
    let (early, finals) = (
        "HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    );
    let both = [early, finals].concat();
    let mut asked = Asked::default();
    asked.wrote(GET.as_bytes());
    let mut reply = Reply::new();
    assert_eq!(reply.take(both.as_bytes(), &asked), Ok(early.len()));
    assert_eq!(
        [reply.pause(), reply.pause(), reply.pause()],
        [true, true, false]
    );
    assert!(reply.has_unjudged() && reply.pop(usize::MAX).is_empty());
    assert_eq!(reply.take(&[], &asked), Ok(0));
    assert_eq!(reply.pop(usize::MAX), finals.as_bytes());
    assert!(!reply.has_unjudged() && !reply.pause() && reply.is_reusable());
}

/// All that is handed out once these bytes came, at most `most` kept ones at a time.
fn handed_out(reply: &mut Reply, bytes: &[u8], asked: &Asked, most: usize) -> Vec<u8> {
    let good = reply.take(bytes, asked).unwrap();
    let mut out = bytes[..good].to_vec();
    loop {
        let popped = reply.pop(most);
        out.extend_from_slice(&popped);
        match (popped.is_empty(), reply.has_unjudged()) {
            (false, _) => {}
            (true, true) => assert_eq!(reply.take(&[], asked), Ok(0)),
            (true, false) => return out,
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        start in "(HTTP/1.1 [1-5]0[0-9] OK\r\n)?(Transfer-Encoding: chunked\r\n|Content-Length: [0-9]{1,2}\r\n)?(\r\n)?",
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        size in 1usize..50,
    ) {
        let reply = [start.as_bytes(), &bytes].concat();
        let mut guard = Reply::new();
        let mut out = 0;
        for piece in reply.chunks(size) {
            let Ok(good) = guard.take(piece, &Asked::default()) else { break };
            prop_assert!(good <= piece.len());
            out += good + guard.pop(usize::MAX).len();
        }
        prop_assert!(out <= reply.len());
    }

    #[test]
    fn what_is_passed_on_does_not_depend_on_how_it_came(
        which in 0..FINE.len(),
        cuts in proptest::collection::vec(1usize..40, 1..20),
        most in 1usize..50,
    ) {
        let (request, reply, behind, ..) = FINE[which];
        let sent = [reply, behind].concat();
        let mut asked = Asked::default();
        asked.wrote(request.as_bytes());
        let mut whole = Reply::new();
        prop_assert_eq!(handed_out(&mut whole, sent.as_bytes(), &asked, usize::MAX), reply.as_bytes());

        let mut guard = Reply::new();
        let mut out = Vec::new();
        let (mut rest, mut cuts) = (sent.as_bytes(), cuts.into_iter().cycle());
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(cuts.next().unwrap().min(rest.len()));
            out.extend(handed_out(&mut guard, piece, &asked, most));
            rest = after;
        }
        prop_assert_eq!(out, reply.as_bytes());
        prop_assert_eq!(guard.is_over(), whole.is_over());
        prop_assert_eq!(guard.is_reusable(), whole.is_reusable());
    }
}

/// What a bucket's answer is handed out as when it is read in pieces of `size`: all of it, how much at most came before the
/// answer was whole, and the errors that were seen.
fn of_bucket(answer: &str, size: usize) -> (String, usize, Vec<String>) {
    let mut reply = Reply::of_bucket();
    let asked = Asked::default();
    let (mut out, mut early, mut seen) = (Vec::new(), 0, Vec::new());
    let pieces: Vec<&[u8]> = answer.as_bytes().chunks(size).collect();
    for (number, piece) in pieces.iter().enumerate() {
        let see = |error: &[u8]| seen.push(String::from_utf8(error.to_vec()).unwrap());
        let good = reply.take_or_keep(piece, &asked, see).unwrap();
        out.extend_from_slice(&piece[..good]);
        out.extend_from_slice(&reply.pop(usize::MAX));
        if number + 1 < pieces.len() {
            early = out.len();
        }
    }
    reply
        .end(|error| seen.push(String::from_utf8(error.to_vec()).unwrap()))
        .unwrap();
    out.extend_from_slice(&reply.pop(usize::MAX));
    (String::from_utf8(out).unwrap(), early, seen)
}

#[test]
fn an_error_of_a_bucket_is_handed_out_when_it_is_whole() {
    let body = "<Error><Code>NoSuchKey</Code></Error>";
    let length = body.len();
    for head in [
        format!("HTTP/1.1 404 Not Found\r\nContent-Length: {length}\r\n\r\n{body}"),
        format!(
            "HTTP/1.1 403 x\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n"
        ),
        format!("HTTP/1.1 301 x\r\nConnection: close\r\n\r\n{body}"),
        format!("HTTP/1.1 503 x\r\nContent-Length: 100\r\n\r\n{body}"),
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
    ] {
        for size in 1..=head.len() {
            let (out, early, seen) = of_bucket(&head, size);
            assert_eq!(
                (out.as_str(), early),
                (head.as_str(), 0),
                "in pieces of {size}"
            );
            assert_eq!(seen, [head.as_str()], "in pieces of {size}");
        }
    }
}

#[test]
fn all_else_of_a_bucket_flows_by() {
    let long = "x".repeat(100_000);
    for (answer, least) in [
        (
            format!("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{long}"),
            90_000,
        ),
        (
            format!("HTTP/1.1 500 x\r\nContent-Length: 100000\r\n\r\n{long}"),
            80_000,
        ),
        (
            "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n".to_owned(),
            0,
        ),
    ] {
        for size in [1000, 16_000] {
            let (out, early, seen) = of_bucket(&answer, size);
            assert!(
                out == answer && early >= least,
                "{early} in pieces of {size}"
            );
            assert!(seen.len() <= 1);
        }
    }
}
