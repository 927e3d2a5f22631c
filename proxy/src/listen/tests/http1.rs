//! HTTP/1.x.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::ReadBuf;

use super::*;

fn status_of(text: &str) -> &str {
    text.get(9..12).unwrap_or("none")
}

#[tokio::test(start_paused = true)]
async fn requests_follow_each_other_on_a_connection() {
    let rig = Rig::new();
    let mut client = rig.connect(&listener());
    for round in 0..3 {
        client
            .send(format!("GET /{round} HTTP/1.1\r\nHost: a\r\n\r\n"))
            .await;
        assert_eq!(client.body().await, format!("GET /{round} a"));
    }
    client
        .send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
        .await;
    assert_eq!(client.body().await, "hello");
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nX: y\r\n\r\n").await;
    assert_eq!(client.body().await, "hello world");
    client
        .send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await;
    let (_, head, _) = client.response().await;
    assert!(head.contains("connection: close"));
    assert_eq!(client.ends_after().await, (0, String::new()));
}

/// Counts the writes that reach it.
struct Counting(DuplexStream, Arc<AtomicUsize>);

impl AsyncRead for Counting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Counting {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.1.fetch_add(1, Ordering::SeqCst);
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[tokio::test(start_paused = true)]
async fn head_and_body_leave_in_one_write() {
    let rig = Rig::new();
    let (client, server) = tokio::io::duplex(64 * 1024);
    let writes = Arc::new(AtomicUsize::new(0));
    let (listeners, counting) = (rig.listeners.clone(), Counting(server, writes.clone()));
    tokio::spawn(async move {
        listeners
            .serve_stream(counting, peer(), &listener(), &[])
            .await
            .unwrap()
    });
    let mut client = Client(client);
    for round in 1..4 {
        client.send(GET).await.body().await;
        assert_eq!(writes.load(Ordering::SeqCst), round);
    }
}

#[tokio::test(start_paused = true)]
async fn pipelined_requests_are_answered_in_order() {
    let rig = Rig::new();
    let mut client = rig.connect(&listener());
    let requests = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\noneGET /two HTTP/1.1\r\nHost: a\r\n\r\n\
        POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nthree\r\n0\r\n\r\n\r\nGET /four HTTP/1.1\r\nHost: a\r\n\r\n";
    client.send(requests).await;
    for wanted in ["one", "GET /two a", "three", "GET /four a"] {
        assert_eq!(client.body().await, wanted);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_closed_its_side_gets_all_its_answers() {
    let rig = Rig::new();
    let mut client = rig.connect(&listener());
    client.send(GET.repeat(3)).await;
    client.0.shutdown().await.unwrap();
    assert_eq!(client.rest().await.matches("GET / a").count(), 3);
}

#[tokio::test(start_paused = true)]
async fn heads_may_come_byte_by_byte() {
    let rig = Rig::new();
    let mut client = rig.connect_with(&listener(), 1);
    let mut bytes = "\r\nPOST /echo HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc".bytes();
    let sent = async {
        let (mut read, mut write) = tokio::io::split(&mut client.0);
        let mut text = String::new();
        let write = async {
            for byte in bytes.by_ref() {
                write.write_all(&[byte]).await.unwrap();
            }
        };
        tokio::join!(write, async {
            read.read_to_string(&mut text).await.unwrap()
        });
        text
    };
    assert!(sent.await.ends_with("\r\n\r\nabc"));
}

#[tokio::test(start_paused = true)]
async fn absolute_targets_reach_the_app_in_origin_form() {
    let rig = Rig::new();
    let mut client = rig.connect(&listener());
    client
        .send("GET http://A.example:80/b?c HTTP/1.1\r\nhost: a.example:80\r\n\r\n")
        .await;
    assert_eq!(client.body().await, "GET /b?c a.example:80");
    client
        .send("GET http://a?c HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    assert_eq!(client.body().await, "GET /?c a");
    client
        .send("OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    assert_eq!(client.body().await, "OPTIONS * a");
    client.send("GET http://a/x HTTP/1.0\r\n\r\n").await;
    assert_eq!(client.body().await, "GET /x a");
}

#[tokio::test(start_paused = true)]
async fn refused_heads_are_answered_and_end_the_connection() {
    let rig = Rig::new();
    for (status, request) in [
        ("400", "GET / HTTP/1.1\r\n\r\n"),
        ("405", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"),
        (
            "413",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n",
        ),
        ("505", "GET / HTTP/1.9\r\nHost: a\r\n\r\n"),
    ] {
        let mut client = rig.connect(&listener());
        client.send(GET).await.send(request).await.send(GET).await;
        assert_eq!(client.body().await, "GET / a");
        let rest = tokio::join!(client.response(), sleep(secs(1))).0;
        assert_eq!(rest.0.to_string(), status);
        assert!(rest.1.contains("connection: close"), "{}", rest.1);
        assert_eq!(client.rest().await, "");
    }
    assert_eq!(rig.told.count("refused"), 4);
    assert_eq!(rig.app.arrived.load(Ordering::SeqCst), 4);
}

#[tokio::test(start_paused = true)]
async fn refused_bodies_are_answered_and_end_the_connection() {
    let rig = Rig::new();
    let chunked = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (status, body) in [
        ("400", "5\nhello"),
        ("400", "\r\n"),
        ("413", "FFFFFF\r\n"),
        ("400", "0\r\nHost: b\r\n\r\n"),
    ] {
        let mut client = rig.connect(&listener());
        client.send(chunked).await.send(body).await.send(GET).await;
        let rest = client.rest().await;
        assert_eq!(
            (status_of(&rest), rest.matches("HTTP/1.1").count()),
            (status, 1),
            "{body:?}: {rest}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_left_of_a_body_is_never_a_request() {
    let rig = Rig::new();
    let mut client = rig.connect(&listener());
    client
        .send(format!(
            "POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{GET}",
            GET.len() + 1
        ))
        .await;
    let (status, head, _) = client.response().await;
    assert_eq!(status, 200);
    assert!(head.contains("connection: close"));
    assert_eq!(client.rest().await, "");
}

#[tokio::test(start_paused = true)]
async fn bytes_behind_an_upgrade_wait_for_the_101() {
    let rig = Rig::new();
    let mut client = rig.connect(&listener());
    client.send("GET /switch HTTP/1.1\r\nHost: a\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\nGET / HTTP/1.1\r\n").await;
    rig.arrived(1).await;
    rig.app.gate.add_permits(1);
    let (status, ..) = client.response().await;
    assert_eq!(status, 101);
    assert_eq!(client.rest().await, "GET / HTTP/1.1\r\n");
}

#[tokio::test(start_paused = true)]
async fn bytes_behind_an_upgrade_that_was_ignored_are_a_request() {
    let rig = Rig::new();
    let mut client = rig.connect(&listener());
    client
        .send(format!(
            "GET /x HTTP/1.1\r\nHost: a\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n{GET}"
        ))
        .await;
    assert_eq!(client.body().await, "GET /x a");
    assert_eq!(client.body().await, "GET / a");
}

#[tokio::test(start_paused = true)]
async fn a_101_that_nobody_asked_for_is_never_written() {
    let rig = Rig::new();
    rig.app.gate.add_permits(1);
    let mut client = rig.connect(&listener());
    client.send("GET /switch HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(client.rest().await, "");
}

#[tokio::test(start_paused = true)]
async fn silent_and_dribbling_heads_are_cut() {
    let rig = Rig::new();
    assert_eq!(
        rig.connect(&listener()).ends_after().await,
        (10, String::new())
    );

    let (seconds, rest) = rig
        .connect(&listener())
        .send("GET / HT")
        .await
        .ends_after()
        .await;
    assert_eq!((seconds, status_of(&rest)), (10, "408"));

    let mut client = rig.connect(&listener());
    client.send(GET).await.body().await;
    sleep(secs(50)).await;
    let began = Instant::now();
    while began.elapsed() < secs(10) {
        client.send("G").await;
        sleep(secs(1)).await;
    }
    let (seconds, rest) = client.ends_after().await;
    assert_eq!((seconds, status_of(&rest)), (0, "408"));
}

#[tokio::test(start_paused = true)]
async fn idle_connections_end_without_a_word() {
    let rig = Rig::new();
    let mut client = rig.connect(&listener());
    client.send(GET).await.body().await;
    assert_eq!(client.ends_after().await, (60, String::new()));
}

#[tokio::test(start_paused = true)]
async fn bodies_that_stall_or_dribble_are_cut() {
    let rig = Rig::new();
    let post = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n";
    let mut slow = listener();
    slow.limits.min_body_rate = 0;
    let (seconds, rest) = rig.connect(&slow).send(post).await.ends_after().await;
    assert_eq!((seconds, status_of(&rest)), (20, "408"));

    let mut client = rig.connect(&listener());
    client.send(post).await;
    for _ in 0..10 {
        client.send("x").await;
        sleep(Duration::from_millis(990)).await;
    }
    let (seconds, rest) = client.ends_after().await;
    assert_eq!((seconds, status_of(&rest)), (0, "408"));
}

#[tokio::test(start_paused = true)]
async fn a_body_nobody_waits_for_is_not_slow() {
    let rig = Rig::new();
    let mut client = rig.connect(&listener());
    client
        .send("POST /gate HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
        .await;
    rig.arrived(1).await;
    sleep(secs(300)).await;
    rig.app.gate.add_permits(1);
    assert_eq!(client.body().await, "gate");
}

#[tokio::test(start_paused = true)]
async fn readers_that_stall_or_dribble_are_cut() {
    let rig = Rig::new();
    let mut client = rig.connect(&listener());
    client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n").await;
    sleep(secs(100)).await;
    assert_eq!(rig.told.count("closed"), 1);

    let mut client = rig.connect(&listener());
    client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n").await;
    for _ in 0..40 {
        let mut few = [0; 100];
        client.0.read_exact(&mut few).await.unwrap();
        sleep(secs(1)).await;
    }
    assert_eq!(rig.told.count("closed"), 2);
}

#[tokio::test(start_paused = true)]
async fn readers_that_are_slow_but_fast_enough_get_all() {
    let rig = Rig::new();
    let mut client = rig.connect(&listener());
    client
        .send("GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await;
    let mut read = 0;
    let mut some = [0; 20_000];
    loop {
        sleep(secs(1)).await;
        match client.0.read(&mut some).await.unwrap() {
            0 => break,
            more => read += more,
        }
    }
    assert!(read > 4 * 1024 * 1024);
}

#[tokio::test(start_paused = true)]
async fn an_exchange_has_a_bound_in_total() {
    let rig = Rig::new();
    let mut bounded = listener();
    bounded.limits.total_timeout = Some(secs(5));
    let (seconds, rest) = rig
        .connect(&bounded)
        .send("GET /gate HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .ends_after()
        .await;
    assert_eq!((seconds, rest.as_str()), (5, ""));
}

#[tokio::test(start_paused = true)]
async fn a_connection_has_a_bound_of_requests() {
    let rig = Rig::new();
    let mut bounded = listener();
    bounded.limits.max_requests_per_connection = 2;
    let mut client = rig.connect(&bounded);
    client.send(GET.repeat(3)).await;
    assert!(client.response().await.1.contains("connection: keep-alive"));
    assert!(client.response().await.1.contains("connection: close"));
    assert_eq!(client.rest().await, "");
}

#[tokio::test(start_paused = true)]
async fn proxy_header_names_the_client() {
    let rig = Rig::new();
    let mut proxied = listener();
    proxied.proxy_protocol = true;
    let who = "GET /who HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let mut client = rig.connect(&proxied);
    client
        .send(format!("PROXY TCP4 198.51.100.7 192.0.2.9 5 80\r\n{who}"))
        .await;
    assert_eq!(client.body().await, "198.51.100.7:5");
    let mut client = rig.connect(&proxied);
    client
        .send(b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0")
        .await
        .send(who)
        .await;
    assert_eq!(client.body().await, peer().to_string());
    assert_eq!(rig.connect(&proxied).send(who).await.rest().await, "");
    assert_eq!(
        rig.connect(&proxied)
            .send("PROXY TCP4 1")
            .await
            .ends_after()
            .await,
        (10, String::new())
    );
    assert_eq!(rig.told.count("handshake failed"), 2);
}

#[tokio::test(start_paused = true)]
async fn proxy_header_of_a_stranger_is_not_believed() {
    let rig = Rig::new();
    let mut proxied = listener();
    proxied.proxy_protocol = true;
    for (trusted, wanted) in [
        ("192.0.2.0/24", "198.51.100.7:5"),
        ("203.0.113.0/24", "192.0.2.1:1234"),
    ] {
        let (client, server) = tokio::io::duplex(1024);
        let (listeners, proxied) = (rig.listeners.clone(), proxied.clone());
        let trusted = [trusted.parse().unwrap()];
        tokio::spawn(async move {
            listeners
                .serve_stream(server, peer(), &proxied, &trusted)
                .await
                .unwrap()
        });
        let mut client = Client(client);
        client
            .send("PROXY TCP4 198.51.100.7 192.0.2.9 5 80\r\nGET /who HTTP/1.1\r\nHost: a\r\n\r\n")
            .await;
        assert_eq!(client.body().await, wanted);
    }
}

#[tokio::test(start_paused = true)]
async fn short_request_does_not_wait_for_a_preface() {
    let rig = Rig::new();
    assert!(
        timeout(
            secs(1),
            rig.connect(&listener())
                .send("GET / HTTP/1.0\r\n\r\n")
                .await
                .rest()
        )
        .await
        .is_ok()
    );
    let (seconds, rest) = rig
        .connect(&listener())
        .send("PRI * HTTP/2.0\r\n\r\n")
        .await
        .ends_after()
        .await;
    assert_eq!((seconds, status_of(&rest)), (10, "505"));
}
