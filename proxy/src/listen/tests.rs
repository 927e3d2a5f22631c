//! The listener as clients see it, over in-memory streams and over loopback.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use pingora::apps::{HttpPersistentSettings, HttpServerApp, ReusedHttpStream};
use pingora::protocols::http::ServerSession;
use pingora::server::ShutdownWatch;
use pingora_http::ResponseHeader;
use rimward_config::{Listener, ListenerLimits};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

use super::*;

mod ahead;
mod http1;
mod http2;
mod sockets;

/// Bounds that no test meets unless it means to.
pub(in crate::listen) fn limits() -> ListenerLimits {
    ListenerLimits {
        header_timeout: secs(10),
        idle_timeout: secs(60),
        body_timeout: secs(20),
        total_timeout: None,
        min_body_rate: 500,
        min_send_rate: 1000,
        max_header_bytes: 16 * 1024,
        max_headers: 100,
        max_target_bytes: 8 * 1024,
        max_body: 1024 * 1024,
        max_connections: 100,
        max_connections_per_ip: 100,
        max_requests_per_connection: 1000,
        max_streams: 100,
    }
}

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn listener() -> Listener {
    Listener {
        address: "127.0.0.1:0".parse().unwrap(),
        tls: None,
        proxy_protocol: false,
        http2: true,
        redirect_to_https: false,
        limits: limits(),
    }
}

fn peer() -> SocketAddr {
    "192.0.2.1:1234".parse().unwrap()
}

/// An app that answers by path:
///
/// `/echo` with the body, `/ignore` without having read it, `/large` with many bytes, `/gate` when the gate opens, `/switch`
/// by switching to a protocol that echoes, `/ahead…` with what was read of the body ahead, `/who` with the client's address, anything else with method, target and host.
struct App {
    gate: Semaphore,
    arrived: AtomicUsize,
}

impl App {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            gate: Semaphore::new(0),
            arrived: AtomicUsize::new(0),
        })
    }

    async fn answer(&self, session: &mut ServerSession) -> pingora::Result<()> {
        let request = session.req_header();
        let host = request
            .headers
            .get("host")
            .map(|host| host.to_str().unwrap().to_owned());
        let host = host
            .or_else(|| {
                let authority = request.uri.authority()?;
                Some(authority.to_string())
            })
            .unwrap_or_default();
        let target = request
            .uri
            .path_and_query()
            .map_or("", |path| path.as_str())
            .to_owned();
        let line = format!("{} {target} {host}", request.method);
        match request.uri.path() {
            "/echo" => {
                let mut body = Vec::new();
                while let Some(more) = session.read_request_body().await? {
                    body.extend_from_slice(&more);
                }
                respond(session, 200, Bytes::from(body)).await
            }
            "/ahead" | "/ahead/answer" | "/ahead/replace" => {
                let body = ahead::answer(session).await?;
                respond(session, 200, Bytes::from(body)).await
            }
            "/large" => respond(session, 200, Bytes::from(vec![b'x'; 4 * 1024 * 1024])).await,
            "/gate" => {
                self.gate.acquire().await.unwrap().forget();
                respond(session, 200, Bytes::from("gate")).await
            }
            "/switch" => switch(session, &self.gate).await,
            "/who" => {
                let peer = connection(session).unwrap().peer.to_string();
                respond(session, 200, Bytes::from(peer)).await
            }
            _ => respond(session, 200, Bytes::from(line)).await,
        }
    }
}

async fn respond(session: &mut ServerSession, status: u16, body: Bytes) -> pingora::Result<()> {
    let mut head = ResponseHeader::build(status, None)?;
    head.set_content_length(body.len())?;
    session.write_response_header(Box::new(head)).await?;
    session.write_response_body(body, true).await
}

/// Waits for the gate, writes a 101 and echoes one read.
async fn switch(session: &mut ServerSession, gate: &Semaphore) -> pingora::Result<()> {
    gate.acquire().await.unwrap().forget();
    let mut head = ResponseHeader::build(101, None)?;
    head.insert_header("upgrade", "echo")?;
    session.write_response_header(Box::new(head)).await?;
    let body = session.read_request_body().await?.unwrap_or_default();
    session.write_response_body(body, true).await
}

#[async_trait]
impl HttpServerApp for App {
    async fn process_new_http(
        self: &Arc<Self>,
        mut session: ServerSession,
        _shutdown: &ShutdownWatch,
    ) -> Option<ReusedHttpStream> {
        if !session.read_request().await.ok()? {
            return None;
        }
        self.arrived.fetch_add(1, Ordering::SeqCst);
        self.answer(&mut session).await.ok()?;
        let settings = HttpPersistentSettings::for_session(&session);
        let reused = session.finish().await.ok()??;
        Some(ReusedHttpStream::from_reusable_stream(reused, settings))
    }
}

/// Remembers what it was told.
#[derive(Default)]
struct Told(Mutex<BTreeMap<&'static str, usize>>);

impl Told {
    fn count(&self, what: &'static str) -> usize {
        self.0
            .lock()
            .unwrap()
            .get(what)
            .copied()
            .unwrap_or_default()
    }

    fn add(&self, what: &'static str) {
        *self.0.lock().unwrap().entry(what).or_default() += 1;
    }
}

impl Events for Told {
    fn opened(&self, _: &Connection) {
        self.add("opened");
    }

    fn closed(&self, _: &Connection, _: u32) {
        self.add("closed");
    }

    fn refused(&self, _: &Connection, _: Refusal) {
        self.add("refused");
    }

    fn turned_away(&self, _: SocketAddr, _: SocketAddr, _: TurnedAway) {
        self.add("turned away");
    }

    fn handshake_failed(&self, _: SocketAddr, _: SocketAddr, _: &io::Error) {
        self.add("handshake failed");
    }
}

/// Listeners with the test app.
struct Rig {
    app: Arc<App>,
    told: Arc<Told>,
    listeners: Arc<Listeners<App>>,
}

impl Rig {
    fn new() -> Self {
        let (app, told) = (App::new(), Arc::new(Told::default()));
        let listeners = Arc::new(Listeners::new(app.clone(), told.clone(), Arc::new(())));
        Self {
            app,
            told,
            listeners,
        }
    }

    /// A client connected by memory.
    fn connect(&self, listener: &Listener) -> Client<DuplexStream> {
        self.connect_with(listener, 64 * 1024)
    }

    /// The same, with so much room on the way.
    fn connect_with(&self, listener: &Listener, room: usize) -> Client<DuplexStream> {
        let (client, server) = tokio::io::duplex(room);
        let (listeners, listener) = (self.listeners.clone(), listener.clone());
        tokio::spawn(async move {
            listeners
                .serve_stream(server, peer(), &listener, &[])
                .await
                .unwrap()
        });
        Client(client)
    }

    /// Resolves when so many requests have reached the app.
    async fn arrived(&self, count: usize) {
        while self.app.arrived.load(Ordering::SeqCst) < count {
            tokio::task::yield_now().await;
        }
    }
}

/// The other end of a connection.
struct Client<T>(T);

impl<T: AsyncRead + AsyncWrite + Unpin> Client<T> {
    async fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.0.write_all(bytes.as_ref()).await.unwrap();
        self
    }

    /// Status, head and body of the next response, whose length must be given.
    async fn response(&mut self) -> (u16, String, String) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await.expect("a response"));
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        let status = head[9..12].parse().unwrap();
        let length = head
            .split("content-length: ")
            .nth(1)
            .and_then(|rest| rest.split("\r\n").next());
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        self.0.read_exact(&mut body).await.unwrap();
        (status, head, String::from_utf8(body).unwrap())
    }

    async fn body(&mut self) -> String {
        let (status, head, body) = self.response().await;
        assert_eq!(status, 200, "{head}");
        body
    }

    /// Everything until the connection ends.
    async fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).await.unwrap();
        String::from_utf8(rest).unwrap()
    }

    /// How long it takes until the connection ends, with what came before.
    async fn ends_after(&mut self) -> (u64, String) {
        let began = Instant::now();
        let rest = self.rest().await;
        (began.elapsed().as_secs(), rest)
    }
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
