//! The request path: the one `ProxyHttp` of the edge. Each call-back calls one module; none holds logic of its own.

mod aside;
pub(crate) mod begin;
mod body;
mod bucket;
pub(crate) mod caching;
pub(crate) mod client;
pub(crate) mod compress;
mod context;
mod copied;
mod elsewhere;
pub(crate) mod enter;
mod error_page;
mod errors;
mod esi;
mod fallback;
pub(crate) mod finish;
mod forward;
pub(crate) mod key;
mod next_hop;
mod outgoing;
mod overtaken;
mod respond;
mod revalidate;
mod slices;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use pingora::cache::key::HashBinary;
use pingora::cache::{CacheKey, CacheMeta, ForcedFreshness, HitHandler, RespCacheable};
use pingora::modules::http::HttpModules;
use pingora::protocols::Digest;
use pingora::proxy::{FailToProxy, ProxyHttp, RangeType, Session};
use pingora::upstreams::peer::HttpPeer;
use pingora::{Error, Result};
use pingora_http::{RequestHeader, ResponseHeader};

use crate::edge::Process;
use context::{Context, Progress};
pub(crate) use next_hop::hops;
pub(crate) use outgoing::Edits;
pub(crate) use overtaken::{Overtaken, Travelling};
pub(crate) use respond::{is_bodiless, pass_whole};

pub(crate) use revalidate::Revalidations;

/// What pingora asks about every request.
pub(crate) struct RequestPath {
    process: Arc<Process>,
}

impl RequestPath {
    /// The request path of an edge.
    pub(crate) fn new(process: Arc<Process>) -> Self {
        Self { process }
    }
}

#[async_trait]
impl ProxyHttp for RequestPath {
    type CTX = Context;

    fn new_ctx(&self) -> Context {
        Context::new(
            self.process.runtime.load_full(),
            self.process.metrics.in_flight.clone(),
        )
    }

    fn init_downstream_modules(&self, _modules: &mut HttpModules) {}

    async fn early_request_filter(&self, session: &mut Session, ctx: &mut Context) -> Result<()> {
        begin::begin(&self.process, session, ctx)
    }

    fn allow_spawning_subrequest(&self, _session: &Session, ctx: &Context) -> bool {
        !ctx.background
    }

    async fn request_filter(&self, session: &mut Session, ctx: &mut Context) -> Result<bool> {
        if respond::request(&self.process, session, ctx).await? {
            return Ok(true);
        }
        // Before a key or a variance is made of the request.
        compress::negotiate(session, ctx)?;
        if aside::answer(&self.process, session, ctx).await? {
            return Ok(true);
        }
        slices::answer(&self.process, session, ctx).await
    }

    async fn request_body_filter(
        &self,
        _session: &mut Session,
        body: &mut Option<Bytes>,
        end: bool,
        ctx: &mut Context,
    ) -> Result<()> {
        body::pass(ctx, body, end)
    }

    fn request_cache_filter(&self, session: &mut Session, ctx: &mut Context) -> Result<()> {
        caching::enable(&self.process, session, ctx);
        Ok(())
    }

    fn cache_key_callback(&self, session: &Session, ctx: &mut Context) -> Result<CacheKey> {
        self.process.cache.key(session.req_header(), &ctx.caching)
    }

    async fn cache_hit_filter(
        &self,
        session: &mut Session,
        meta: &CacheMeta,
        hit: &mut HitHandler,
        is_fresh: bool,
        ctx: &mut Context,
    ) -> Result<Option<ForcedFreshness>> {
        let forced = caching::found(&self.process, session, meta, is_fresh, ctx);
        let is_served = is_fresh || forced.is_some();
        let found = (meta.response_header(), &*hit);
        compress::find(&self.process, session, found, is_served, ctx).await;
        Ok(forced)
    }

    fn cache_vary_filter(
        &self,
        meta: &CacheMeta,
        _ctx: &mut Context,
        request: &RequestHeader,
    ) -> Option<HashBinary> {
        self.process.cache.vary(meta, request)
    }

    fn cache_not_modified_filter(
        &self,
        session: &Session,
        response: &ResponseHeader,
        ctx: &mut Context,
    ) -> Result<bool> {
        compress::judge(response, ctx);
        Ok(self
            .process
            .cache
            .is_not_modified(session.req_header(), response))
    }

    fn response_cache_filter(
        &self,
        session: &Session,
        response: &ResponseHeader,
        ctx: &mut Context,
    ) -> Result<RespCacheable> {
        Ok(self
            .process
            .cache
            .store(session, response, &mut ctx.caching))
    }

    fn range_header_filter(
        &self,
        session: &mut Session,
        response: &mut ResponseHeader,
        ctx: &mut Context,
    ) -> RangeType {
        if compress::may_mix_encodings(session, ctx) {
            return RangeType::None;
        }
        self.process.cache.range(session.req_header(), response)
    }

    /// Stale objects within their grace never come here: they are served by [`caching::found`].
    fn should_serve_stale(
        &self,
        session: &mut Session,
        _ctx: &mut Context,
        error: Option<&Error>,
    ) -> bool {
        let may = error.is_some_and(|error| self.process.cache.may_serve_stale(session, error));
        if may {
            forward::ends_connection(session);
        }
        may
    }

    async fn upstream_peer(
        &self,
        session: &mut Session,
        ctx: &mut Context,
    ) -> Result<Box<HttpPeer>> {
        forward::choose(&self.process, session, ctx).await
    }

    async fn connected_to_upstream(
        &self,
        _session: &mut Session,
        _reused: bool,
        _peer: &HttpPeer,
        _fd: std::os::unix::io::RawFd,
        _digest: Option<&Digest>,
        ctx: &mut Context,
    ) -> Result<()> {
        ctx.progress = Progress::Head;
        Ok(())
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        request: &mut RequestHeader,
        ctx: &mut Context,
    ) -> Result<()> {
        forward::request(&self.process, session, ctx, request)
    }

    async fn upstream_response_filter(
        &self,
        session: &mut Session,
        response: &mut ResponseHeader,
        ctx: &mut Context,
    ) -> Result<()> {
        forward::judge(session, ctx, response)?;
        bucket::judge(&self.process, session, ctx, response)?;
        respond::origin_response_phase(session, ctx, response).await?;
        ctx.caching.answered(response);
        self.process.cache.answered_slice(&ctx.caching, response);
        caching::post(&self.process, session, ctx, response);
        Ok(())
    }

    fn upstream_response_body_filter(
        &self,
        _session: &mut Session,
        body: &mut Option<Bytes>,
        end: bool,
        ctx: &mut Context,
    ) -> Result<Option<Duration>> {
        bucket::replace(ctx, body, end);
        respond::rewrite(&mut ctx.origin_rewriters, body, end)?;
        if let Some(posted) = &mut ctx.posted {
            posted.pass(body.as_ref(), end);
        }
        Ok(None)
    }

    fn error_while_proxy(
        &self,
        _peer: &HttpPeer,
        session: &mut Session,
        error: Box<Error>,
        ctx: &mut Context,
        _reused: bool,
    ) -> Box<Error> {
        forward::broke_off(session, ctx, error)
    }

    fn fail_to_connect(
        &self,
        session: &mut Session,
        _peer: &HttpPeer,
        ctx: &mut Context,
        error: Box<Error>,
    ) -> Box<Error> {
        forward::not_connected(session, ctx, error)
    }

    async fn response_filter(
        &self,
        session: &mut Session,
        response: &mut ResponseHeader,
        ctx: &mut Context,
    ) -> Result<()> {
        let passed = respond::pass_on_with_body(&self.process, session, ctx, response).await;
        error_page::in_place_of_hit(&self.process, session, ctx, passed).await
    }

    fn response_body_filter(
        &self,
        _session: &mut Session,
        body: &mut Option<Bytes>,
        end: bool,
        ctx: &mut Context,
    ) -> Result<Option<Duration>> {
        respond::body(ctx, body, end)?;
        Ok(None)
    }

    async fn response_trailer_filter(
        &self,
        _session: &mut Session,
        _trailers: &mut http::HeaderMap,
        ctx: &mut Context,
    ) -> Result<Option<Bytes>> {
        respond::end_with_trailers(ctx)
    }

    async fn fail_to_proxy(
        &self,
        session: &mut Session,
        error: &Error,
        ctx: &mut Context,
    ) -> FailToProxy {
        error_page::failed(&self.process, session, error, ctx).await
    }

    async fn logging(&self, session: &mut Session, error: Option<&Error>, ctx: &mut Context) {
        finish::finish(&self.process, session, error, ctx);
    }

    /// Every failure has its line in the access log, so that the engine need not write another.
    fn suppress_error_log(&self, _session: &Session, _ctx: &Context, _error: &Error) -> bool {
        true
    }
}
