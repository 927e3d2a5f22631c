//! A whole edge with its origin and its client in one thread, so that nothing but the edge's own work decides what a
//! request takes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use rimward::{Edge, Options};
use rimward_cache::date;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

/// Bytes of the body.
const BODY: usize = 1024;

/// What a browser asks.
pub const REQUEST: &[u8] = b"GET /articles/1.html HTTP/1.1\r\n\
    Host: www.example.com\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n\
    Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n\
    Accept-Language: de-DE,de;q=0.9,en;q=0.8\r\n\
    Accept-Encoding: gzip, deflate, br\r\n\r\n";

/// An edge that has an object of 1 KiB in memory, and a connection to it over loopback.
pub struct Whole {
    runtime: Runtime,
    client: TcpStream,
    answer: Vec<u8>,
    _edge: Arc<Edge>,
}

impl Whole {
    /// Whose hits the fast lane answers, or the engine.
    ///
    /// # Panics
    /// When it does not run, or its hits are none or go the other way.
    pub fn new(fast_lane: bool) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let (edge, client) = runtime.block_on(async {
            let origin = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let text = config(origin.local_addr().expect("an address"), fast_lane);
            tokio::spawn(answer_all(origin));
            let edge = Edge::start(crate::config(&text), Options::default()).await;
            let edge = edge.unwrap_or_else(|problems| panic!("{problems}"));
            let client = TcpStream::connect(edge.addresses()[0]).await;
            (edge, client.expect("a connection"))
        });
        let mut whole = Self {
            runtime,
            client,
            answer: Vec::with_capacity(64 * 1024),
            _edge: edge.clone(),
        };
        // The first brings the object; the others are as those that are measured.
        for _ in 0..100 {
            whole.hit();
        }
        let head = String::from_utf8_lossy(&whole.answer);
        assert!(head.contains("; hit"), "it is no hit: {head}");
        let by_engine = edge.metrics().contains("rimward_fast_lane_total 0\n");
        assert_eq!(by_engine, !fast_lane, "it goes the other way");
        whole
    }

    /// Asks once, and gives the length of the answer.
    ///
    /// # Panics
    /// When there is none.
    pub fn hit(&mut self) -> usize {
        let Self {
            runtime,
            client,
            answer,
            ..
        } = self;
        runtime.block_on(async {
            client.write_all(REQUEST).await.expect("an edge");
            answer.clear();
            // Within a head there are fewer bytes than in a body, which ends with a line.
            while answer.len() < BODY || !answer.ends_with(b"\n") {
                let read = client.read_buf(answer).await.expect("an answer");
                assert!(read > 0, "the edge ended the connection");
            }
        });
        answer.len()
    }
}

fn config(origin: SocketAddr, fast_lane: bool) -> String {
    format!(
        r#"
        [pop]
        fast_lane = {fast_lane}

        [log]
        access = false

        [[listen]]
        address = "127.0.0.1:0"
        limits = {{ max_requests_per_connection = 1_000_000_000 }}

        [origin.app]
        servers = ["{origin}"]

        [[site]]
        hosts = ["www.example.com"]
        origin = "app"
        "#
    )
}

/// An origin that has one answer to everything.
async fn answer_all(listener: TcpListener) {
    let body = "x".repeat(BODY - 1);
    let date = date::format(SystemTime::now());
    let answer = format!(
        "HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Type: text/html; charset=utf-8\r\n\
         Cache-Control: public, max-age=86400\r\nETag: \"5f3c9a1b\"\r\nServer: nginx\r\n\
         Content-Length: {BODY}\r\n\r\n{body}\n"
    );
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            stream.read_buf(&mut request).await.expect("a request");
        }
        stream.write_all(answer.as_bytes()).await.expect("an edge");
    }
}
