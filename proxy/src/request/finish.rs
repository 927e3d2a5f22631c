//! The end of an exchange: one line in the access log and its counts, whichever way it went.

use std::time::Duration;

use http::header;
use pingora::Error;
use pingora::proxy::Session;
use rimward_filters::{Exchange, Summary};

use super::caching;
use super::compress;
use super::context::Context;
use super::errors::{classify, describe};
use crate::edge::Process;
use crate::log::{Record, Who};
use crate::metrics::CacheResult;
use crate::runtime::Route;

/// What a client that went away before its response began is logged with, as nginx does.
const CLIENT_CLOSED: u16 = 499;

/// Counts and logs an exchange.
pub(super) fn finish(
    process: &Process,
    session: &mut Session,
    error: Option<&Error>,
    ctx: &mut Context,
) {
    if let Some(error) = error {
        let description = describe(error, ctx);
        ctx.end(classify(error).who, description);
    }
    let status = session
        .response_written()
        .map_or(CLIENT_CLOSED, |response| response.status.as_u16());
    if ctx.tells.is_some() {
        // The client's exchange knows nothing of what filters did before the origin.
        count_outcomes(ctx.exchange.as_deref());
        return;
    }
    if ctx.is_fragment {
        return;
    }
    if let (Some(error), Who::Origin | Who::OriginTimeout | Who::Edge) =
        (&ctx.error, ctx.termination.who)
    {
        process.faults.tell(ctx.request_id(), status, error);
    }
    caching::invalidate(process, session, ctx);
    compress::encode_what_was_stored(process, session, ctx);
    let tally = Tally {
        cache: caching::result(session, ctx),
        status,
        duration: ctx.started.elapsed(),
        sent: session.body_bytes_sent() as u64,
        received: ctx.body.received(session.body_bytes_read() as u64),
    };
    tell_filters(session, ctx, &tally);
    if ctx.background {
        process.metrics.carried(tally.sent, tally.received);
    } else if ctx.is_inner {
        settle_inner(process, ctx, tally.cache);
    } else {
        let route = ctx.route.as_deref();
        let exchange = ctx.exchange.as_deref();
        settle(process, route, exchange, &tally, || {
            Some(record(session, ctx, &tally))
        });
    }
}

/// Counts the exchange of a request that a filter made to this edge itself.
fn settle_inner(process: &Process, ctx: &Context, cache: CacheResult) {
    if let Some(route) = &ctx.route {
        process.metrics.inner(&route.site, &route.name, cache);
    }
    count_outcomes(ctx.exchange.as_deref());
}

fn count_outcomes(exchange: Option<&Exchange>) {
    if let Some(exchange) = exchange {
        exchange.outcomes.iter().for_each(|outcome| outcome.count());
    }
}

/// Tells filters that the exchange is over, which may add to what is logged of it.
fn tell_filters(session: &mut Session, ctx: &mut Context, tally: &Tally) {
    let (origin, error) = (ctx.origin_time, ctx.error.clone());
    let summary = || Summary {
        status: tally.status,
        bytes_sent: tally.sent,
        duration: tally.duration,
        origin,
        error,
    };
    ctx.with_exchange(session, |route, exchange, _| {
        route.pipeline.over(exchange, summary);
    });
}

/// What is counted of an exchange that ended.
pub(crate) struct Tally {
    pub(crate) cache: CacheResult,
    pub(crate) status: u16,
    pub(crate) duration: Duration,
    /// Bytes of bodies.
    pub(crate) sent: u64,
    pub(crate) received: u64,
}

/// Counts and logs a client's exchange, whichever road it took.
pub(crate) fn settle<'r>(
    process: &Process,
    route: Option<&Route>,
    exchange: Option<&Exchange>,
    tally: &Tally,
    record: impl FnOnce() -> Option<Record<'r>>,
) {
    if let Some(route) = route {
        let nanoseconds = u64::try_from(tally.duration.as_nanos()).unwrap_or(u64::MAX);
        route.meter.count(tally.cache, tally.status, nanoseconds);
    }
    count_outcomes(exchange);
    process.metrics.carried(tally.sent, tally.received);
    process.access_log.load().write(record);
}

fn record<'r>(session: &'r Session, ctx: &'r Context, tally: &Tally) -> Record<'r> {
    let request = session.req_header();
    let text = |name: header::HeaderName| {
        request
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let exchange = ctx.exchange.as_deref();
    let peer = ctx
        .connection
        .as_ref()
        .map(|connection| connection.peer.ip().to_canonical());
    let unknown = std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);
    let tls = ctx
        .connection
        .as_ref()
        .and_then(|connection| connection.tls.as_ref());
    let now = std::time::SystemTime::now();
    let asked = ctx.asked_of();
    let own_scheme = if tls.is_some() { "https" } else { "http" };
    Record {
        time: now.checked_sub(tally.duration).unwrap_or(now),
        pop: &ctx.runtime.config.pop.name,
        request_id: ctx.request_id(),
        client: exchange
            .map(|exchange| exchange.client.ip)
            .or(peer)
            .unwrap_or(unknown),
        country: exchange.and_then(|exchange| exchange.client.country()),
        scheme: exchange.map_or(own_scheme, |exchange| exchange.client.scheme.as_str()),
        protocol: ctx.protocol,
        method: request.method.as_str(),
        host: ctx
            .host
            .as_ref()
            .and_then(|host| host.to_str().ok())
            .or_else(|| text(header::HOST))
            .unwrap_or(""),
        target: request
            .uri
            .path_and_query()
            .map_or("", |target| target.as_str()),
        status: tally.status,
        sent_bytes: tally.sent,
        received_bytes: tally.received,
        duration_ms: tally.duration,
        first_byte_ms: ctx.first_byte,
        site: ctx.route.as_ref().map_or("", |route| &route.site),
        route: ctx.route.as_ref().map_or("", |route| &route.name),
        cache: tally.cache.as_str(),
        origin: asked.map(|(origin, _)| origin),
        server: asked.map(|(_, server)| server),
        tries: ctx.all_tries(),
        termination: ctx.termination,
        error: ctx.error.clone(),
        tls: tls.map(|tls| tls.handshake.version),
        referer: text(header::REFERER),
        user_agent: text(header::USER_AGENT),
        filters: exchange.map_or(&[], |exchange| &exchange.log),
    }
}
