//! Where an exchange meets the cache: its key, what was found, and what the client is told of it.

use std::fmt;
use std::time::Duration;

use http::header::{self, CACHE_CONTROL};
use http::{HeaderMap, HeaderValue, Method};
use pingora::cache::{CacheMeta, CachePhase, ForcedFreshness};
use pingora::proxy::Session;
use pingora::{OrErr, Result};
use pingora_http::ResponseHeader;
use rimward_cache::Key;
use rimward_cache::policy::{Demands, Serve};
use rimward_filters::{Found, Pass};

use super::context::Context;
use super::key::{Parts, key};
use super::next_hop;
use super::revalidate::Revalidation;
use crate::cache::{CacheStatus, Forward, Posting};
use crate::edge::Process;
use crate::metrics::CacheResult;
use crate::runtime::Route;

/// Turns the cache on, if the route has one.
pub(super) fn enable(process: &Process, session: &mut Session, ctx: &mut Context) {
    hear_demands(session, ctx);
    let Some(key) = key_of(session, ctx, None) else {
        return;
    };
    let Some(rules) = ctx.route.as_ref().map(|route| route.rules.clone()) else {
        return;
    };
    if next_hop::hops(&session.req_header().headers, &ctx.runtime.config.pop.name) > 0 {
        // What it would wait for may be itself.
        ctx.caching.never_wait();
    }
    let key = match ctx.caching.slice() {
        Some(slice) => key.slice(slice),
        None => key,
    };
    process.cache.enable(session, &mut ctx.caching, key, rules);
}

/// Notes what the request demands of the cache. Where the route does not listen, trusted proxies can still ask for nothing
/// but what is stored.
fn hear_demands(session: &Session, ctx: &mut Context) {
    let request = session.req_header();
    let honours = ctx
        .route
        .as_ref()
        .is_some_and(|route| route.rules.request_directives);
    let is_heard = (honours || ctx.trusted_peer)
        && !ctx.background
        && matches!(request.method, Method::GET | Method::HEAD)
        && request.headers.contains_key(CACHE_CONTROL);
    if !is_heard {
        return;
    }
    let demands = Demands::of(request);
    ctx.only_if_cached = demands.only_if_cached;
    ctx.demands = honours.then(|| Box::new(demands));
}

/// The key of the request, or of another target on the same site; `None` when the route is not cached.
pub(super) fn key_of(
    session: &Session,
    ctx: &Context,
    target: Option<&http::uri::PathAndQuery>,
) -> Option<Key> {
    let route = ctx.route.as_ref()?;
    let policy = route.cache.as_ref()?;
    let exchange = ctx.exchange.as_ref()?;
    if exchange.notes.get::<Pass>().is_some() {
        return None;
    }
    let request = session.req_header();
    let target = target.or_else(|| request.uri.path_and_query())?;
    Some(key(
        &policy.key,
        &Parts {
            scheme: exchange.client.scheme.as_str(),
            host: host(session),
            path: target.path(),
            query: target.query(),
            headers: &|| &request.headers,
            country: exchange.client.country(),
            chosen: Some(ctx.keyed.as_ref().unwrap_or(&exchange.chosen)),
            origin: route.origin.as_ref().map(|origin| origin.name()),
        },
    ))
}

/// Looks at an object that was found. A stale one within its grace is served at once and revalidated in the background, and
/// so is a fresh one whose end is near.
pub(super) fn found(
    process: &Process,
    session: &mut Session,
    meta: &CacheMeta,
    is_fresh: bool,
    ctx: &mut Context,
) -> Option<ForcedFreshness> {
    let cache = &process.cache;
    let forced = cache.found(session, meta, is_fresh, &mut ctx.caching);
    if forced.is_some() {
        return forced;
    }
    if ctx.background {
        let renews = Revalidation::of(session)
            .is_some_and(|revalidation| revalidation.is_of(ctx.caching.terms()));
        return (is_fresh && renews).then(|| cache.refuse(session, &mut ctx.caching));
    }
    match cache.serves(meta, ctx.demands.as_deref()) {
        Serve::Fresh if is_fresh => {
            let may = ctx
                .route
                .as_ref()
                .is_some_and(|route| route.rules.early_refresh);
            if may && cache.is_to_be_refreshed(meta) {
                revalidate(process, session, ctx);
            }
            None
        }
        // The engine's clock is a moment ahead.
        Serve::Fresh => None,
        Serve::WhileRevalidating => {
            revalidate(process, session, ctx);
            ctx.served_stale = Some("stale-while-revalidate");
            Some(ForcedFreshness::ForceFresh)
        }
        Serve::Stale => {
            ctx.served_stale = Some("max-stale");
            Some(ForcedFreshness::ForceFresh)
        }
        Serve::Revalidate => is_fresh.then(|| cache.refuse(session, &mut ctx.caching)),
    }
}

/// Starts revalidating what was found in the background, unless somebody does already.
fn revalidate(process: &Process, session: &Session, ctx: &Context) {
    let Some(key) = ctx.caching.key().map(Key::hash) else {
        return;
    };
    let variance = session
        .cache
        .maybe_cache_key()
        .and_then(|key| key.get_variance_key().copied());
    let variance = variance.map_or(0, u128::from_be_bytes);
    Revalidation::start(&process.revalidations, key ^ variance, session, ctx);
}

/// Takes out of a head the cache directives that were meant for caches such as this one.
pub(crate) fn keep_back(route: &Route, head: &mut ResponseHeader) {
    for name in &route.rules.kept_back {
        head.remove_header(name);
    }
}

/// Begins to store a response to POST, if those who GET the same target would get it.
pub(super) fn post(
    process: &Process,
    session: &Session,
    ctx: &mut Context,
    response: &ResponseHeader,
) {
    if session.req_header().method != Method::POST {
        return;
    }
    let (Some(key), Some(route), Some(exchange)) =
        (key_of(session, ctx, None), &ctx.route, &ctx.exchange)
    else {
        return;
    };
    let posting = Posting {
        request: session.req_header(),
        scheme: exchange.client.scheme.as_str(),
        host: host(session),
        key,
        rules: route.rules.clone(),
        asked: ctx.caching.asked(),
        born: ctx.caching.born(),
    };
    ctx.posted = process.cache.post(posting, response);
    ctx.is_posted = ctx.posted.is_some();
}

fn host(session: &Session) -> &str {
    host_of(&session.req_header().headers)
}

/// What a request says in `Host`.
pub(crate) fn host_of(fields: &HeaderMap) -> &str {
    let host = fields.get(header::HOST);
    host.and_then(|host| host.to_str().ok()).unwrap_or("")
}

/// What an unsafe request that succeeded invalidates (RFC 9111 §4.4).
pub(super) fn invalidate(process: &Process, session: &Session, ctx: &Context) {
    let request = session.req_header();
    if request.method.is_safe() || ctx.own_answer {
        return;
    }
    let (Some(response), Some(exchange)) = (session.response_written(), &ctx.exchange) else {
        return;
    };
    let Some(own) = key_of(session, ctx, None) else {
        return;
    };
    // What was stored of the response itself took the place of what was there.
    let of = |target: &http::uri::PathAndQuery| {
        let key = key_of(session, ctx, Some(target)).unwrap_or_else(|| own.clone());
        (!ctx.is_posted || key.hash() != own.hash()).then_some(key)
    };
    process.cache.invalidate(
        request,
        response,
        exchange.client.scheme.as_str(),
        host(session),
        of,
    );
}

/// Tells the client what the cache and, if the operator wants it, the filters and the origin did.
///
/// # Errors
/// When the head can't take more fields.
pub(super) fn describe(
    process: &Process,
    session: &Session,
    ctx: &Context,
    head: &mut ResponseHeader,
) -> Result<()> {
    put_status(head, status(process, session, ctx))?;
    if ctx.runtime.config.pop.server_timing {
        put_timing(head, &timing(session, ctx))?;
    }
    Ok(())
}

/// Tells what this cache did, behind those that are nearer to the origin.
///
/// # Errors
/// When the head can't take more fields.
pub(crate) fn put_status(head: &mut ResponseHeader, own: HeaderValue) -> Result<()> {
    let status = following(head, own);
    head.insert_header("cache-status", status)
}

/// Tells where the time went.
///
/// # Errors
/// When the head can't take more fields.
pub(crate) fn put_timing(head: &mut ResponseHeader, timing: &Timing) -> Result<()> {
    let timing = HeaderValue::try_from(timing.to_string())
        .or_err(pingora::InternalError, "server-timing")?;
    head.append_header("server-timing", timing).map(drop)
}

/// `Cache-Status` with our member behind those of the caches that are nearer to the origin (RFC 9211 §2).
fn following(head: &ResponseHeader, own: HeaderValue) -> HeaderValue {
    let before = head.headers.get_all("cache-status");
    let mut members: Vec<&[u8]> = before.iter().map(HeaderValue::as_bytes).collect();
    if members.is_empty() {
        return own;
    }
    members.push(own.as_bytes());
    HeaderValue::from_bytes(&members.join(&b", "[..])).unwrap_or(own)
}

fn status(process: &Process, session: &Session, ctx: &Context) -> HeaderValue {
    let pop = &ctx.runtime.config.pop;
    // An answer of the edge's own is neither a hit nor forwarded, unless an origin failed to give one.
    if ctx.own_answer && ctx.all_tries() == 0 {
        return generated(&pop.name);
    }
    let mut status = cache_status(process, session, ctx);
    if ctx.own_answer {
        status = CacheStatus {
            forward: status.forward.or(Some(Forward::UriMiss)),
            ..CacheStatus::default()
        };
        status.detail = Some("origin-failed");
    }
    status.to_value(&pop.name)
}

/// What `Cache-Status` says of an answer of the edge's own.
pub(crate) fn generated(pop: &str) -> HeaderValue {
    let generated = HeaderValue::try_from(format!("{pop}; detail=generated"));
    generated.unwrap_or(HeaderValue::from_static("rimward"))
}

/// What the cache did with an exchange.
pub(super) fn cache_status(process: &Process, session: &Session, ctx: &Context) -> CacheStatus {
    if let Some(sliced) = &ctx.sliced {
        return sliced.status.clone();
    }
    let now = process.cache.objects().now();
    let with_key = ctx.runtime.config.pop.cache_status_key;
    let mut status = ctx.caching.status(session, now, with_key);
    status.detail = ctx.served_stale.or(status.detail);
    status
}

/// `Server-Timing`: time spent in filters and waiting for the origin, and in all so far.
pub(crate) struct Timing {
    pub(crate) cache: CacheResult,
    pub(crate) filters: Option<Duration>,
    pub(crate) origin: Option<Duration>,
    pub(crate) total: Duration,
}

impl fmt::Display for Timing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "cache;desc={}", self.cache.as_str())?;
        let metrics = [
            ("filters", self.filters),
            ("origin", self.origin),
            ("total", Some(self.total)),
        ];
        for (name, spent) in metrics {
            if let Some(spent) = spent {
                write!(formatter, ", {name};dur={:.3}", spent.as_secs_f64() * 1e3)?;
            }
        }
        Ok(())
    }
}

fn timing(session: &Session, ctx: &Context) -> Timing {
    let filters = ctx
        .exchange
        .as_ref()
        .map(|exchange| exchange.filter_nanoseconds);
    let sliced = ctx.sliced.as_ref().and_then(|sliced| sliced.origin_time);
    Timing {
        cache: result(session, ctx),
        filters: filters.map(Duration::from_nanos),
        origin: ctx.origin_time.or(sliced),
        total: ctx.started.elapsed(),
    }
}

/// How the cache took part, in the log's and the metrics' word.
pub(super) fn result(session: &Session, ctx: &Context) -> CacheResult {
    if let (Some(sliced), false) = (&ctx.sliced, ctx.own_answer) {
        return sliced.result;
    }
    match session.cache.phase() {
        _ if ctx.own_answer => CacheResult::None,
        _ if ctx.served_stale.is_some() => CacheResult::Stale,
        CachePhase::Hit => CacheResult::Hit,
        CachePhase::Stale | CachePhase::StaleUpdating => CacheResult::Stale,
        CachePhase::Revalidated | CachePhase::RevalidatedNoCache(_) => CacheResult::Revalidated,
        CachePhase::Miss | CachePhase::Expired | CachePhase::CacheKey => CacheResult::Miss,
        CachePhase::Disabled(_) if ctx.caching.key().is_some() => CacheResult::Miss,
        CachePhase::Disabled(_) | CachePhase::Bypass | CachePhase::Uninit if ctx.tries > 0 => {
            CacheResult::Pass
        }
        _ => CacheResult::None,
    }
}

/// What the cache had for a request, in the words of filters.
pub(super) fn found_for_filters(session: &Session, ctx: &Context) -> Found {
    match result(session, ctx) {
        CacheResult::Hit => Found::Hit,
        CacheResult::Stale => Found::Stale,
        CacheResult::Revalidated => Found::Revalidated,
        CacheResult::Miss if ctx.caching.reason().is_some() => Found::Uncacheable,
        CacheResult::Miss => Found::Miss,
        CacheResult::Pass => Found::Pass,
        CacheResult::None => Found::Unknown,
    }
}
