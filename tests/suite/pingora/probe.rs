//! The least that makes pingora a proxy: a [`ProxyHttp`] with switches.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use pingora::apps::{HttpServerApp, HttpServerOptions, ServerApp};
use pingora::cache::cache_control::CacheControl;
use pingora::cache::lock::CacheLock;
use pingora::cache::{CacheKey, CacheMetaDefaults, MemCache, RespCacheable, filters};
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::protocols::http::{HttpTask, ServerSession};
use pingora::proxy::{HttpProxy, ProxyHttp, Session, http_proxy, subrequest};
use pingora::server::ShutdownWatch;
use pingora::server::configuration::ServerConf;
use pingora::upstreams::peer::HttpPeer;
use pingora::{Error, Result};
use rimward_tests::{Client, Origin};
use tokio::io::DuplexStream;
use tokio::sync::watch;

/// Switches of the proxy, and what it saw.
pub(super) struct Probe {
    pub(super) origin: SocketAddr,
    pub(super) sni: Option<String>,
    pub(super) verify: bool,
    pub(super) cached: bool,
    /// Serve stale objects while they are revalidated.
    pub(super) revalidate_behind: bool,
    /// Turn HTTP/2 request heads into HTTP/1.1 ones before anything else.
    pub(super) normalise_h2: bool,
    /// Answer `/direct` in `request_filter`.
    pub(super) direct: bool,
    /// Answer with what a request of its own for the same is answered with.
    pub(super) repeats: bool,
    pub(super) keepalives: Arc<Mutex<Vec<Option<u64>>>>,
    pub(super) storage: &'static MemCache,
    pub(super) lock: &'static CacheLock,
}

impl Probe {
    /// A proxy that passes everything on to `origin`.
    pub(super) fn of(origin: &Origin) -> Self {
        Self {
            origin: origin.address(),
            sni: None,
            verify: true,
            cached: false,
            revalidate_behind: false,
            normalise_h2: false,
            direct: false,
            repeats: false,
            keepalives: Arc::default(),
            storage: Box::leak(Box::new(MemCache::new())),
            lock: Box::leak(Box::new(CacheLock::new(Duration::from_secs(10)))),
        }
    }

    /// The same with pingora's own cache, used the way its documentation shows.
    pub(super) fn caching(origin: &Origin) -> Self {
        Self {
            cached: true,
            ..Self::of(origin)
        }
    }

    /// Sets it going.
    pub(super) fn start(self) -> Proxy {
        self.with(|_| ())
    }

    /// Sets it going with HTTP/2 by prior knowledge.
    pub(super) fn start_h2(self) -> Proxy {
        self.with(|proxy| {
            let mut options = HttpServerOptions::default();
            options.h2c = true;
            proxy.server_options = Some(options);
        })
    }

    fn with(self, adjust: impl FnOnce(&mut HttpProxy<Self>)) -> Proxy {
        let mut proxy = http_proxy(&Arc::new(ServerConf::default()), self);
        adjust(&mut proxy);
        Proxy {
            proxy: Arc::new(proxy),
            shutdown: watch::Sender::new(false),
        }
    }
}

/// A probe that serves.
pub(super) struct Proxy {
    proxy: Arc<HttpProxy<Probe>>,
    shutdown: watch::Sender<bool>,
}

impl Proxy {
    /// A connection to it, over a pipe in memory.
    pub(super) fn connect(&self) -> Client {
        Client::over(self.pipe())
    }

    /// The client's end of such a connection.
    pub(super) fn pipe(&self) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let (proxy, shutdown) = (Arc::clone(&self.proxy), self.watch());
        tokio::spawn(async move {
            proxy
                .process_new(Box::new(theirs), &shutdown)
                .await
                .is_some()
        });
        ours
    }

    /// Has one request served that comes over `stream` and returns whatever the engine gives back.
    pub(super) async fn serve_one(
        &self,
        stream: DuplexStream,
    ) -> Option<pingora::apps::ReusedHttpStream> {
        let mut session = ServerSession::new_http1(Box::new(stream));
        session.set_keepalive(Some(60));
        self.proxy.process_new_http(session, &self.watch()).await
    }

    fn watch(&self) -> ShutdownWatch {
        self.shutdown.subscribe()
    }
}

#[async_trait]
impl ProxyHttp for Probe {
    type CTX = ();
    fn new_ctx(&self) {}

    async fn upstream_peer(&self, _: &mut Session, (): &mut ()) -> Result<Box<HttpPeer>> {
        let sni = self.sni.clone();
        let mut peer = Box::new(HttpPeer::new(
            self.origin,
            sni.is_some(),
            sni.unwrap_or_default(),
        ));
        peer.options.verify_cert = self.verify;
        Ok(peer)
    }

    async fn early_request_filter(&self, session: &mut Session, (): &mut ()) -> Result<()> {
        if self.normalise_h2 && session.req_header().version == http::Version::HTTP_2 {
            let authority = session
                .req_header()
                .uri
                .authority()
                .map(ToString::to_string)
                .unwrap_or_default();
            let request = session.req_header_mut();
            request.insert_header("host", authority)?;
            request.set_version(http::Version::HTTP_11);
        }
        Ok(())
    }

    async fn request_filter(&self, session: &mut Session, (): &mut ()) -> Result<bool> {
        let keepalive = session.as_downstream().get_keepalive();
        self.keepalives.lock().unwrap().push(keepalive);
        if self.repeats && session.subrequest_ctx.is_none() {
            let told = repeat(session).await;
            session.respond_error_with_body(299, told.into()).await?;
            return Ok(true);
        }
        if !(self.direct && session.req_header().uri.path() == "/direct") {
            return Ok(false);
        }
        let mut response = ResponseHeader::build(200, None)?;
        response.insert_header("content-length", "6")?;
        let downstream = session.as_downstream_mut();
        downstream.write_response_header(Box::new(response)).await?;
        downstream
            .write_response_body(Bytes::from_static(b"direct"), true)
            .await?;
        Ok(true)
    }

    fn request_cache_filter(&self, session: &mut Session, (): &mut ()) -> Result<()> {
        if self.cached {
            session
                .cache
                .enable(self.storage, None, None, Some(self.lock), None);
        }
        Ok(())
    }

    fn cache_key_callback(&self, session: &Session, (): &mut ()) -> Result<CacheKey> {
        let path = session
            .req_header()
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str());
        Ok(CacheKey::new(path.as_bytes().to_vec(), ""))
    }

    fn response_cache_filter(
        &self,
        _: &Session,
        response: &ResponseHeader,
        (): &mut (),
    ) -> Result<RespCacheable> {
        const DEFAULTS: CacheMetaDefaults = CacheMetaDefaults::new(|_| None, 0, 0);
        let control = CacheControl::from_resp_headers(response);
        Ok(filters::resp_cacheable(
            control.as_ref(),
            response.clone(),
            false,
            &DEFAULTS,
        ))
    }

    async fn response_filter(
        &self,
        session: &mut Session,
        response: &mut ResponseHeader,
        (): &mut (),
    ) -> Result<()> {
        response.insert_header("x-phase", format!("{:?}", session.cache.phase()))
    }

    async fn upstream_request_filter(
        &self,
        _: &mut Session,
        request: &mut RequestHeader,
        (): &mut (),
    ) -> Result<()> {
        request.insert_header("via", "probe")
    }

    fn should_serve_stale(&self, _: &mut Session, (): &mut (), error: Option<&Error>) -> bool {
        self.revalidate_behind && error.is_none()
    }

    fn allow_spawning_subrequest(&self, _: &Session, (): &()) -> bool {
        self.revalidate_behind || self.repeats
    }
}

/// Makes a request of its own of the client's, and tells what comes of it.
async fn repeat(session: &Session) -> String {
    let spawner = session.subrequest_spawner.as_ref().unwrap();
    let context = subrequest::Ctx::builder().build();
    let (request, mut handle) = spawner.create_subrequest(session.as_downstream(), context);
    tokio::spawn(request.run());
    let mut told = Vec::new();
    while let Some(task) = handle.rx.recv().await {
        told.push(match task {
            HttpTask::Header(head, _) => head.status.as_str().to_owned(),
            HttpTask::Body(piece, _) => String::from_utf8_lossy(&piece.unwrap_or_default()).into(),
            other => other.type_str().to_owned(),
        });
    }
    if let Ok(error) = handle.subreq_proxy_error.try_recv() {
        told.push(format!(
            "{} {}",
            error.esource().as_str(),
            error.etype().as_str()
        ));
    }
    told.join(", ")
}
