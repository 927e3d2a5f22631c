//! Where an exchange meets the cache: its key, what was found, and what the client is told of it.

use std::fmt::Write;
use std::time::Duration;

use http::HeaderValue;
use pingora::cache::{CacheMeta, CachePhase, ForcedFreshness};
use pingora::proxy::Session;
use pingora::{OrErr, Result};
use pingora_http::ResponseHeader;
use rimward_cache::Key;

use super::context::Context;
use super::key::{Parts, key};
use super::revalidate::Revalidation;
use crate::cache::{CacheStatus, Forward};
use crate::edge::Process;
use crate::metrics::CacheResult;

/// Turns the cache on, if the route has one.
pub(super) fn enable(process: &Process, session: &mut Session, ctx: &mut Context) {
    let Some(key) = key_of(session, ctx, None) else {
        return;
    };
    let Some(rules) = ctx.route.as_ref().map(|route| route.rules.clone()) else {
        return;
    };
    process.cache.enable(session, &mut ctx.caching, key, rules);
}

/// The key of the request, or of another target on the same site; `None` when the route is not cached.
fn key_of(
    session: &Session,
    ctx: &Context,
    target: Option<&http::uri::PathAndQuery>,
) -> Option<Key> {
    let policy = ctx.route.as_ref()?.cache.as_ref()?;
    let exchange = ctx.exchange.as_ref()?;
    let request = session.req_header();
    let target = target.or_else(|| request.uri.path_and_query())?;
    Some(key(
        &policy.key,
        &Parts {
            scheme: exchange.client.scheme.as_str(),
            host: request
                .headers
                .get("host")
                .and_then(|host| host.to_str().ok())
                .unwrap_or(""),
            path: target.path(),
            query: target.query(),
            headers: &request.headers,
            country: exchange.client.country(),
        },
    ))
}

/// Looks at an object that was found. A stale one within its grace is served at once and revalidated in the background.
pub(super) fn found(
    process: &Process,
    session: &mut Session,
    meta: &CacheMeta,
    is_fresh: bool,
    ctx: &mut Context,
) -> Option<ForcedFreshness> {
    let forced = process
        .cache
        .found(session, meta, is_fresh, &mut ctx.caching);
    if forced.is_some() || is_fresh || ctx.background {
        return forced;
    }
    if !process.cache.is_within_grace(meta) {
        return None;
    }
    let key = ctx.caching.key()?.hash();
    let variance = session
        .cache
        .maybe_cache_key()
        .and_then(|key| key.get_variance_key().copied());
    let variance = variance.map_or(0, u128::from_be_bytes);
    Revalidation::start(&process.revalidations, key ^ variance, session, ctx);
    ctx.stale_while_revalidate = true;
    Some(ForcedFreshness::ForceFresh)
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
    let host = request
        .headers
        .get("host")
        .and_then(|host| host.to_str().ok())
        .unwrap_or("");
    let of = |target: &http::uri::PathAndQuery| {
        key_of(session, ctx, Some(target)).unwrap_or_else(|| own.clone())
    };
    process
        .cache
        .invalidate(request, response, exchange.client.scheme.as_str(), host, of);
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
    let pop = &ctx.runtime.config.pop;
    head.insert_header("cache-status", status(process, session, ctx))?;
    if pop.server_timing {
        let timing = HeaderValue::try_from(timing(session, ctx))
            .or_err(pingora::InternalError, "server-timing")?;
        head.append_header("server-timing", timing)?;
    }
    Ok(())
}

fn status(process: &Process, session: &Session, ctx: &Context) -> HeaderValue {
    let pop = &ctx.runtime.config.pop;
    // An answer of the edge's own is neither a hit nor forwarded, unless an origin failed to give one.
    if ctx.own_answer && ctx.tries == 0 {
        let generated = HeaderValue::try_from(format!("{}; detail=generated", pop.name));
        return generated.unwrap_or(HeaderValue::from_static("rimward"));
    }
    let now = process.cache.objects().now();
    let mut status = ctx.caching.status(session, now, pop.cache_status_key);
    if ctx.own_answer {
        status = CacheStatus {
            forward: status.forward.or(Some(Forward::UriMiss)),
            ..CacheStatus::default()
        };
        status.detail = Some("origin-failed");
    }
    if ctx.stale_while_revalidate {
        status.detail = Some("stale-while-revalidate");
    }
    status.to_value(&pop.name)
}

/// `Server-Timing`: milliseconds spent in filters and waiting for the origin, and in all so far.
fn timing(session: &Session, ctx: &Context) -> String {
    let mut timing = format!("cache;desc={}", result(session, ctx).as_str());
    let mut metric = |name: &str, spent: Duration| {
        // Writing to a string can't fail.
        write!(timing, ", {name};dur={:.3}", spent.as_secs_f64() * 1e3).ok();
    };
    if let Some(exchange) = &ctx.exchange {
        metric("filters", Duration::from_nanos(exchange.filter_nanoseconds));
    }
    if let Some(waited) = ctx.origin_time {
        metric("origin", waited);
    }
    metric("total", ctx.started.elapsed());
    timing
}

/// How the cache took part, in the log's and the metrics' word.
pub(super) fn result(session: &Session, ctx: &Context) -> CacheResult {
    match session.cache.phase() {
        _ if ctx.own_answer => CacheResult::None,
        _ if ctx.stale_while_revalidate => CacheResult::Stale,
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
