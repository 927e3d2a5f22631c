//! An edge in the test's own process, an origin that answers what the test wrote, and clients over pipes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use pingora::apps::ServerApp;
use pingora::cache::key::HashBinary;
use pingora::cache::{CacheKey, CacheMeta, ForcedFreshness, HitHandler, RespCacheable};
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::proxy::{HttpProxy, ProxyHttp, RangeType, Session, http_proxy};
use pingora::server::configuration::ServerConf;
use pingora::upstreams::peer::HttpPeer;
use pingora::{Error, Result};
use rimward_cache::policy::{Rules, Serve};
use rimward_cache::{Bounds, Clock, Key, Query};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use crate::cache::{Cache, Caching};

/// What an origin does to answer one request; it closes the connection at the end.
#[derive(Clone)]
pub(super) enum Step {
    Send(String),
    Wait(Gate),
}

/// Holds an answer back until the test opens it.
#[derive(Clone)]
pub(super) struct Gate(Arc<Semaphore>);

impl Gate {
    pub(super) fn open(&self) {
        self.0.close();
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }
}

impl From<&str> for Step {
    fn from(text: &str) -> Self {
        Self::Send(text.to_owned())
    }
}

impl From<String> for Step {
    fn from(text: String) -> Self {
        Self::Send(text)
    }
}

impl From<Gate> for Step {
    fn from(gate: Gate) -> Self {
        Self::Wait(gate)
    }
}

/// A 200 with these fields and this body.
pub(super) fn ok(fields: &str, body: &str) -> Vec<Step> {
    vec![
        format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n{fields}\r\n\r\n{body}",
            body.len()
        )
        .into(),
    ]
}

#[derive(Default)]
struct Script {
    replies: VecDeque<Vec<Step>>,
    asked: Vec<String>,
    answered: usize,
}

#[derive(Clone)]
pub(super) struct Origin {
    script: Arc<Mutex<Script>>,
    changed: Arc<watch::Sender<()>>,
}

impl Origin {
    async fn start() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let origin = Self {
            script: Arc::default(),
            changed: Arc::new(watch::Sender::new(())),
        };
        let accepting = origin.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(accepting.clone().serve(stream));
            }
        });
        (origin, address)
    }

    async fn serve(self, mut stream: TcpStream) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => return,
            }
        }
        let steps = self.change(|script| {
            script.asked.push(String::from_utf8(head).unwrap());
            script.replies.pop_front()
        });
        for step in steps.unwrap_or_default() {
            match step {
                Step::Send(text) if stream.write_all(text.as_bytes()).await.is_err() => return,
                Step::Send(_) => {}
                Step::Wait(gate) => assert!(gate.0.acquire().await.is_err()),
            }
        }
        drop(stream);
        self.change(|script| script.answered += 1);
    }

    fn change<T>(&self, change: impl FnOnce(&mut Script) -> T) -> T {
        let changed = change(&mut self.script.lock().unwrap());
        self.changed.send_replace(());
        changed
    }

    async fn until(&self, holds: impl Fn(&Script) -> bool) {
        let mut changes = self.changed.subscribe();
        while !holds(&self.script.lock().unwrap()) {
            changes.changed().await.unwrap();
        }
    }

    /// Answers the next request like this.
    pub(super) fn reply(&self, steps: Vec<Step>) {
        self.change(|script| script.replies.push_back(steps));
    }

    /// The heads of all requests.
    pub(super) fn asked(&self) -> Vec<String> {
        self.script.lock().unwrap().asked.clone()
    }

    pub(super) async fn asked_for(&self, count: usize) {
        self.until(|script| script.asked.len() >= count).await;
    }

    pub(super) async fn answered(&self, count: usize) {
        self.until(|script| script.answered >= count).await;
    }
}

pub(super) struct Edge {
    pub(super) origin: Origin,
    pub(super) cache: Cache,
    pub(super) clock: Clock,
    proxy: Arc<HttpProxy<Proxy>>,
    shutdown: watch::Receiver<bool>,
    _running: watch::Sender<bool>,
}

impl Edge {
    pub(super) async fn start() -> Self {
        Self::with(Rules::default()).await
    }

    pub(super) async fn with(rules: Rules) -> Self {
        let (origin, address) = Origin::start().await;
        let clock = Clock::standing();
        let bounds = Bounds {
            memory: 64 << 20,
            max_object: 1 << 20,
            disk: None,
        };
        let cache = Cache::new(bounds, Duration::from_secs(20), clock.clone());
        let app = Proxy {
            cache,
            rules: Arc::new(rules),
            origin: address,
        };
        let proxy = Arc::new(http_proxy(&Arc::new(ServerConf::default()), app));
        let (running, shutdown) = watch::channel(false);
        Self {
            origin,
            cache,
            clock,
            proxy,
            shutdown,
            _running: running,
        }
    }

    pub(super) fn key(&self, path: &str) -> Key {
        key(path, None)
    }

    pub(super) fn send(&self, method: &str, path: &str, fields: &str) -> Client {
        let (mut ours, theirs) = tokio::io::duplex(64 << 10);
        let (proxy, shutdown) = (self.proxy.clone(), self.shutdown.clone());
        tokio::spawn(async move { proxy.process_new(Box::new(theirs), &shutdown).await });
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: a.example\r\nconnection: close\r\n{fields}\r\n"
        );
        let written = ours.write_all(request.as_bytes()).now_or_never();
        written.expect("the pipe is empty").unwrap();
        Client {
            pipe: ours,
            read: Vec::new(),
            is_head: method == "HEAD",
        }
    }

    pub(super) async fn ask(&self, method: &str, path: &str, fields: &str) -> Response {
        self.send(method, path, fields).response().await
    }

    pub(super) async fn get(&self, path: &str) -> Response {
        self.ask("GET", path, "").await
    }

    /// Asks until the body is this one: what happens beside has no other sign.
    pub(super) async fn eventually(&self, path: &str, body: &str) -> Response {
        for _ in 0..10_000 {
            let response = self.get(path).await;
            if response.body() == body {
                return response;
            }
            tokio::task::yield_now().await;
        }
        panic!("{path} never became {body}");
    }
}

pub(super) struct Client {
    pipe: DuplexStream,
    read: Vec<u8>,
    is_head: bool,
}

impl Client {
    /// Reads until this text has come.
    pub(super) async fn read_until(&mut self, text: &str) {
        while !String::from_utf8_lossy(&self.read).contains(text) {
            assert!(
                self.pipe.read_buf(&mut self.read).await.unwrap() > 0,
                "the response ended before {text}"
            );
        }
    }

    pub(super) async fn response(mut self) -> Response {
        let end = tokio::time::timeout(
            Duration::from_secs(30),
            self.pipe.read_to_end(&mut self.read),
        )
        .await;
        end.expect("the response ends").unwrap();
        Response::parse(&self.read, self.is_head)
    }
}

#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) raw: Vec<u8>,
    /// Whether the body's framing says that it is whole.
    pub(super) whole: bool,
    fields: Vec<(String, String)>,
}

impl Response {
    fn parse(bytes: &[u8], is_head: bool) -> Self {
        let end = bytes
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .expect("a head");
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let fields = lines.map(|line| line.split_once(": ").unwrap());
        let fields = fields
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let mut response = Self {
            status,
            raw: bytes[end + 4..].to_vec(),
            whole: true,
            fields,
        };
        if response.field("transfer-encoding") == "chunked" {
            response.unchunk();
        } else if !is_head && status != 304 {
            response.whole = response.field("content-length") == response.raw.len().to_string();
        }
        response
    }

    fn unchunk(&mut self) {
        let (mut body, mut rest) = (Vec::new(), self.raw.as_slice());
        self.whole = loop {
            let Some(line) = rest.windows(2).position(|window| window == b"\r\n") else {
                break false;
            };
            let size =
                usize::from_str_radix(std::str::from_utf8(&rest[..line]).unwrap(), 16).unwrap();
            rest = &rest[line + 2..];
            if size == 0 {
                break true;
            }
            if rest.len() < size + 2 {
                break false;
            }
            body.extend_from_slice(&rest[..size]);
            rest = &rest[size + 2..];
        };
        self.raw = body;
    }

    pub(super) fn field(&self, name: &str) -> &str {
        self.fields
            .iter()
            .find(|(field, _)| field == name)
            .map_or("", |(_, value)| value)
    }

    pub(super) fn body(&self) -> &str {
        std::str::from_utf8(&self.raw).unwrap()
    }
}

fn key(path: &str, query: Option<&str>) -> Key {
    Key::builder("http", "a.example", path)
        .query(query, Query::All)
        .finish()
}

/// The least that a request path has to do.
struct Proxy {
    cache: Cache,
    rules: Arc<Rules>,
    origin: String,
}

#[async_trait]
impl ProxyHttp for Proxy {
    type CTX = Caching;

    fn new_ctx(&self) -> Caching {
        Caching::default()
    }

    async fn upstream_peer(&self, _: &mut Session, _: &mut Caching) -> Result<Box<HttpPeer>> {
        Ok(Box::new(HttpPeer::new(&self.origin, false, String::new())))
    }

    fn request_cache_filter(&self, session: &mut Session, caching: &mut Caching) -> Result<()> {
        let uri = &session.req_header().uri;
        let key = key(uri.path(), uri.query());
        self.cache.enable(session, caching, key, self.rules.clone());
        Ok(())
    }

    fn cache_key_callback(&self, session: &Session, caching: &mut Caching) -> Result<CacheKey> {
        self.cache.key(session.req_header(), caching)
    }

    fn cache_vary_filter(
        &self,
        meta: &CacheMeta,
        _: &mut Caching,
        request: &RequestHeader,
    ) -> Option<HashBinary> {
        self.cache.vary(meta, request)
    }

    async fn cache_hit_filter(
        &self,
        session: &mut Session,
        meta: &CacheMeta,
        _: &mut HitHandler,
        is_fresh: bool,
        caching: &mut Caching,
    ) -> Result<Option<ForcedFreshness>> {
        Ok(self.cache.found(session, meta, is_fresh, caching))
    }

    fn should_serve_stale(
        &self,
        session: &mut Session,
        _: &mut Caching,
        error: Option<&Error>,
    ) -> bool {
        match error {
            None => {
                let meta = session.cache.maybe_cache_meta();
                meta.is_some_and(|meta| self.cache.serves(meta, None) == Serve::WhileRevalidating)
            }
            Some(error) => self.cache.may_serve_stale(session, error),
        }
    }

    async fn upstream_request_filter(
        &self,
        _: &mut Session,
        _: &mut RequestHeader,
        caching: &mut Caching,
    ) -> Result<()> {
        self.cache.asking(caching);
        Ok(())
    }

    async fn upstream_response_filter(
        &self,
        _: &mut Session,
        response: &mut ResponseHeader,
        caching: &mut Caching,
    ) -> Result<()> {
        caching.answered(response);
        Ok(())
    }

    fn response_cache_filter(
        &self,
        session: &Session,
        response: &ResponseHeader,
        caching: &mut Caching,
    ) -> Result<RespCacheable> {
        Ok(self.cache.store(session, response, caching))
    }

    fn cache_not_modified_filter(
        &self,
        session: &Session,
        stored: &ResponseHeader,
        _: &mut Caching,
    ) -> Result<bool> {
        Ok(self.cache.is_not_modified(session.req_header(), stored))
    }

    fn range_header_filter(
        &self,
        session: &mut Session,
        response: &mut ResponseHeader,
        _: &mut Caching,
    ) -> RangeType {
        self.cache.range(session.req_header(), response)
    }

    async fn response_filter(
        &self,
        session: &mut Session,
        response: &mut ResponseHeader,
        caching: &mut Caching,
    ) -> Result<()> {
        let status = caching.status(session, self.cache.objects().now(), false);
        response
            .append_header("cache-status", status.to_value("test"))
            .map(|_| ())
    }

    async fn logging(&self, session: &mut Session, _: Option<&Error>, _: &mut Caching) {
        if let Some(response) = session.response_written() {
            let key = |path: &http::uri::PathAndQuery| Some(key(path.path(), path.query()));
            let request = session.req_header();
            self.cache
                .invalidate(request, response, "http", "a.example", key);
        }
    }
}
