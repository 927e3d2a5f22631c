//! How clients come in.

use std::sync::Arc;

use rimward_tests::{Authority, Client, Edge, Files, H2Client, Origin, secs};
use tokio::io::AsyncWriteExt;

/// Answers with the client's address and scheme.
const ECHO: &str = "[[site]]\nhosts = [\"*\"]\nfilters = [{ use = \"respond\", template = \"{client_ip} {scheme} {host}\" }]\n";

fn listen(words: &str) -> String {
    format!("[[listen]]\naddress = \"127.0.0.1:0\"\n{words}\n{ECHO}")
}

/// Certificates for two names and one wildcard.
fn certificates(authority: &Authority) -> Arc<Files> {
    let files = Arc::new(Files::new());
    for (file, name) in [
        ("a.pem", "a.example"),
        ("b.pem", "b.example"),
        ("wild.pem", "*.wild.example"),
    ] {
        let pem = authority.issue(&[name]);
        files.write(file, format!("{}{}", pem.chain, pem.key));
    }
    files
}

const TLS: &str = "tls = { certificates = [\"a.pem\", \"b.pem\", \"wild.pem\"] }";

#[tokio::test]
async fn the_certificate_is_chosen_by_server_name() {
    let authority = Authority::new();
    let edge = Edge::start_in(certificates(&authority), &listen(TLS)).await;
    for host in ["a.example", "b.example", "x.wild.example"] {
        let mut client = Client::tls(edge.address(), &authority, host).await.unwrap();
        assert_eq!(
            client.request(&format!("GET /\nhost: {host}")).await.text(),
            format!("127.0.0.1 https {host}")
        );
    }
    let error = Client::tls(edge.address(), &authority, "c.example")
        .await
        .err()
        .expect("the default is not c.example's");
    assert!(
        error
            .to_string()
            .to_lowercase()
            .contains("not valid for name"),
        "{error}"
    );
}

#[tokio::test]
async fn http2_is_chosen_over_tls() {
    let authority = Authority::new();
    let edge = Edge::start_in(certificates(&authority), &listen(TLS)).await;
    let mut client = H2Client::tls(edge.address(), &authority, "a.example")
        .await
        .unwrap();
    assert_eq!(
        client.request("GET /\nhost: a.example").await.text(),
        "127.0.0.1 https a.example"
    );
}

#[tokio::test]
async fn a_host_that_the_certificate_is_not_for_is_misdirected() {
    let authority = Authority::new();
    let edge = Edge::start_in(certificates(&authority), &listen(TLS)).await;
    let mut client = Client::tls(edge.address(), &authority, "a.example")
        .await
        .unwrap();
    assert_eq!(client.request("GET /\nhost: b.example").await.status, 421);
}

#[tokio::test]
async fn certificates_change_with_a_reload() {
    let authority = Authority::new();
    let files = certificates(&authority);
    let edge = Edge::start_in(Arc::clone(&files), &listen(TLS)).await;
    let before = Client::tls(edge.address(), &authority, "a.example")
        .await
        .unwrap()
        .certificate()
        .to_vec();
    let pem = authority.issue(&["a.example"]);
    files.replace("a.pem", format!("{}{}", pem.chain, pem.key));
    edge.reload(&listen(TLS)).await.unwrap();
    let after = Client::tls(edge.address(), &authority, "a.example")
        .await
        .unwrap()
        .certificate()
        .to_vec();
    assert_ne!(before, after);
}

#[tokio::test]
async fn http2_in_the_clear_needs_no_setting_and_can_be_switched_off() {
    let edge = Edge::start(ECHO).await;
    assert_eq!(
        edge.h2().await.get("/").await.text(),
        "127.0.0.1 http example.com"
    );
    assert_eq!(edge.get("/").await.text(), "127.0.0.1 http example.com");
    let edge = Edge::start(&listen("http2 = false")).await;
    let mut client = edge.client().await;
    client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    let answer = String::from_utf8_lossy(&client.rest().await).into_owned();
    assert!(answer.starts_with("HTTP/1.1 "), "{answer:?}");
}

#[tokio::test]
async fn many_streams_share_a_connection() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    let slow = origin.hold("/slow", "", "slow");
    origin.reply("/fast", "", "fast");
    let mut client = edge.h2().await;
    let first = client.start("GET /slow").await;
    slow.reached().await;
    assert_eq!(client.get("/fast").await.text(), "fast");
    slow.open();
    assert_eq!(first.await.unwrap().text(), "slow");
}

#[tokio::test]
async fn the_proxy_protocol_names_the_client() {
    let v2 = [
        &b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"[..],
        &[203, 0, 113, 7, 127, 0, 0, 1, 0x1f, 0x90, 0, 80],
    ]
    .concat();
    let headers: [&[u8]; 2] = [b"PROXY TCP4 203.0.113.7 127.0.0.1 8080 80\r\n", &v2];
    let pop = "[pop]\ntrusted_proxies = [\"127.0.0.0/8\"]\n";
    let edge = Edge::start(&format!("{pop}{}", listen("proxy_protocol = true"))).await;
    for header in headers {
        let mut client = edge.client().await;
        client.send(header).await;
        assert_eq!(client.get("/").await.text(), "203.0.113.7 http example.com");
    }
    let mut client = edge.client().await;
    client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(
        client.rest().await,
        b"",
        "a connection without the header is ended"
    );
}

#[tokio::test]
async fn forwarded_addresses_are_believed_only_of_trusted_proxies() {
    let table = [
        ("GET /\nx-forwarded-for: 203.0.113.7", "203.0.113.7"),
        (
            "GET /\nx-forwarded-for: 198.51.100.1, 203.0.113.7",
            "203.0.113.7",
        ),
        (
            "GET /\nx-forwarded-for: 203.0.113.7, 127.0.0.5",
            "203.0.113.7",
        ),
        (
            "GET /\nforwarded: for=203.0.113.7;proto=https",
            "203.0.113.7",
        ),
    ];
    let trusting = Edge::start(&format!(
        "[pop]\ntrusted_proxies = [\"127.0.0.0/8\"]\n{ECHO}"
    ))
    .await;
    let wary = Edge::start(ECHO).await;
    for (request, client) in table {
        assert!(
            trusting
                .request(request)
                .await
                .text()
                .starts_with(&format!("{client} ")),
            "{request}"
        );
        assert!(
            wary.request(request).await.text().starts_with("127.0.0.1 "),
            "{request}"
        );
    }
}

#[tokio::test]
async fn everything_can_be_redirected_to_https() {
    let edge = Edge::start(&listen("redirect_to_https = true")).await;
    let response = edge.get("/a?b=c").await;
    assert_eq!(
        (response.status, response.header("location")),
        (308, Some("https://example.com/a?b=c"))
    );
}

#[tokio::test]
async fn requests_can_be_pipelined_and_are_answered_in_order() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    for path in ["/1", "/2", "/3"] {
        origin.reply(path, "", path);
    }
    let mut client = edge.client().await;
    let requests = ["/1", "/2", "/3"].map(|path| format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n"));
    client.send(requests.concat()).await;
    for path in ["/1", "/2", "/3"] {
        assert_eq!(client.read("GET").await.unwrap().text(), path);
    }
}

#[tokio::test]
async fn http_1_0_is_answered_and_the_connection_ends() {
    let edge = Edge::start(ECHO).await;
    let mut client = edge.client().await;
    client.send("GET / HTTP/1.0\r\nhost: x\r\n\r\n").await;
    let answer = String::from_utf8(client.rest().await).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("127.0.0.1 http x"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn connections_that_keep_us_waiting_are_cut() {
    let limits = "limits = { header_timeout = \"50ms\", idle_timeout = \"50ms\" }";
    let edge = Edge::start(&listen(limits)).await;
    for beginning in ["", "GET / HT", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let mut client = edge.client().await;
        client.send(beginning).await;
        let answer = String::from_utf8_lossy(&client.rest().await).into_owned();
        assert!(!answer.contains(" 200 "), "{beginning:?}: {answer:?}");
    }
    let mut idle = edge.client().await;
    assert_eq!(idle.get("/").await.status, 200);
    assert_eq!(idle.rest().await, b"");
    let mut idle = edge.h2().await;
    assert_eq!(idle.get("/").await.status, 200);
    // How the connection ends is the edge's choice; that it does is the point.
    drop(idle.ended().await);
}

#[tokio::test]
async fn a_silent_tls_client_is_cut() {
    let authority = Authority::new();
    let text = listen(&format!("{TLS}\nlimits = {{ header_timeout = \"50ms\" }}"));
    let edge = Edge::start_in(certificates(&authority), &text).await;
    assert!(edge.client().await.rest().await.is_empty());
}

#[tokio::test]
async fn a_body_that_does_not_come_is_a_408() {
    let origin = Origin::start().await;
    let text = format!(
        "[[listen]]\naddress = \"127.0.0.1:0\"\nlimits = {{ body_timeout = \"50ms\" }}\n{}",
        rimward_tests::edge::site(&origin, "")
    );
    let edge = Edge::start(&text).await;
    let mut client = edge.client().await;
    client
        .send("POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n0123")
        .await;
    assert_eq!(client.read("POST").await.unwrap().status, 408);
    assert_eq!(client.rest().await, b"");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_a_413_however_it_comes() {
    let origin = Origin::start().await;
    let text = format!(
        "[[listen]]\naddress = \"127.0.0.1:0\"\nlimits = {{ max_body = \"10B\" }}\n{}",
        rimward_tests::edge::site(&origin, "")
    );
    let edge = Edge::start(&text).await;
    assert_eq!(edge.request("POST /a\n\n01234567890").await.status, 413);
    let mut client = edge.client().await;
    client.send("POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n").await;
    assert_eq!(client.read("POST").await.unwrap().status, 413);
    assert_eq!(
        edge.h2()
            .await
            .request("POST /a\n\n01234567890")
            .await
            .status,
        413
    );
    origin.reply("/a", "", "ok");
    assert_eq!(edge.request("POST /a\n\n0123456789").await.text(), "ok");
}

#[tokio::test]
async fn connections_of_one_address_are_bounded() {
    let edge = Edge::start(&listen("limits = { max_connections_per_ip = 2 }")).await;
    let mut one = edge.client().await;
    let mut two = edge.client().await;
    one.get("/").await;
    two.get("/").await;
    let mut three = edge.client().await;
    let answer = three
        .try_request("GET /")
        .await
        .map(|response| response.status);
    assert!(!matches!(answer, Ok(200)), "{answer:?}");
    drop(one);
    drop(three);
    let freed = async {
        while !matches!(
            edge.try_request("GET /")
                .await
                .map(|response| response.status),
            Ok(200)
        ) {}
    };
    rimward_tests::within("a place for another connection", freed).await;
    assert_eq!(two.get("/").await.status, 200);
}

#[tokio::test]
async fn requests_of_one_connection_are_bounded() {
    let edge = Edge::start(&listen("limits = { max_requests_per_connection = 2 }")).await;
    let mut client = edge.client().await;
    assert_ne!(client.get("/").await.header("connection"), Some("close"));
    assert_eq!(client.get("/").await.header("connection"), Some("close"));
    assert_eq!(client.rest().await, b"");
}

#[tokio::test]
async fn expect_100_continue_is_answered() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    origin.reply("/a", "", "ok");
    let mut client = edge.client().await;
    client
        .send("POST /a HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n")
        .await;
    assert_eq!(client.read_head().await.unwrap().0, 100);
    client.send("body").await;
    assert_eq!(client.read("POST").await.unwrap().text(), "ok");
    assert_eq!(origin.last().body, b"body");
}

#[tokio::test]
async fn shutdown_lets_requests_end_and_tells_idle_connections() {
    let origin = Origin::start().await;
    let edge = Arc::new(Edge::site(&origin).await);
    let gate = origin.hold("/a", "", "whole");
    let mut busy = edge.client().await;
    busy.send("GET /a HTTP/1.1\r\nhost: x\r\n\r\n").await;
    gate.reached().await;
    origin.reply("/b", "", "b");
    let mut idle = edge.client().await;
    idle.get("/b").await;
    let (ending, address) = (Arc::clone(&edge), edge.address());
    let ended = tokio::spawn(async move { ending.shutdown(secs(10)).await });
    assert_eq!(idle.rest().await, b"");
    assert!(
        tokio::net::TcpStream::connect(address).await.is_err(),
        "a connection was accepted after the end"
    );
    gate.open();
    assert_eq!(busy.read("GET").await.unwrap().text(), "whole");
    assert_eq!(ended.await.unwrap(), 0);
}

#[tokio::test]
async fn shutdown_is_bounded() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    let gate = origin.hold("/a", "", "never");
    let mut busy = edge.client().await;
    busy.send("GET /a HTTP/1.1\r\nhost: x\r\n\r\n").await;
    gate.reached().await;
    assert_eq!(edge.shutdown(std::time::Duration::from_millis(50)).await, 1);
    gate.open();
}

#[tokio::test]
async fn a_connection_that_is_reset_harms_nobody() {
    let edge = Edge::start(ECHO).await;
    for _ in 0..20 {
        let mut stream = tokio::net::TcpStream::connect(edge.address())
            .await
            .unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost").await.unwrap();
        stream.set_zero_linger().unwrap();
    }
    assert_eq!(edge.get("/").await.status, 200);
}
