//! What goes to an origin, to which server, and what is tried again.

use std::time::Instant;

use http::{HeaderName, HeaderValue, header};
use pingora::proxy::Session;
use pingora::upstreams::peer::HttpPeer;
use pingora::{Error, ErrorSource, ErrorType, OrErr, Result};
use pingora_http::{RequestHeader, ResponseHeader};
use rimward_config::Fallback;
use rimward_filters::Exchange;

use super::body;
use super::bucket;
use super::compress;
use super::context::{Context, Progress};
use super::errors::{fail, refuse, retry};
use super::fallback;
use super::next_hop::{self, Next};
use crate::edge::Process;
use crate::origin::{FailedTry, Failure, Origin};

/// Fields by which frameworks let a client choose another path or method than the edge saw.
const OVERRIDES: [HeaderName; 7] = [
    HeaderName::from_static("x-original-url"),
    HeaderName::from_static("x-rewrite-url"),
    HeaderName::from_static("x-http-method"),
    HeaderName::from_static("x-http-method-override"),
    HeaderName::from_static("x-method-override"),
    HeaderName::from_static("x-forwarded-scheme"),
    HeaderName::from_static("x-forwarded-prefix"),
];

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
const CDN_LOOP: HeaderName = HeaderName::from_static("cdn-loop");

/// Chooses the server for the next try.
///
/// # Errors
/// 502 when the route has no origin, 503 when none of its servers can take the request, 508 for a loop.
pub(super) async fn choose(
    process: &Process,
    session: &mut Session,
    ctx: &mut Context,
) -> Result<Box<HttpPeer>> {
    ctx.progress = Progress::Connect;
    // RFC 9111 §5.2.1.7. Not an origin's failure: nothing stale is served instead.
    if ctx.only_if_cached {
        return Err(refuse(504, "only-if-cached, and nothing is stored"));
    }
    let Some(route) = ctx.route.clone() else {
        return Err(fail(500, "the request has no route"));
    };
    if let Some(given) = &ctx.given {
        return Ok(given.peer());
    }
    // The place at the server asked before is given up only now, so that its failure could be told of it.
    ctx.picked = None;
    let (origin, picked) = match next_hop::pick(session, ctx, &route).await? {
        Next::Server(origin, picked) => (origin, picked),
        Next::Given(peer) => {
            body::forget(session, ctx)?;
            return Ok(peer);
        }
    };
    body::settle(session, ctx)?;
    if ctx.tries > 0 {
        process.metrics.retries.inc();
        if !picked.pause().is_zero() {
            tokio::time::sleep(picked.pause()).await;
        }
    }
    ctx.origin = Some(origin);
    bucket::takes(session, ctx)?;
    let peer = picked.peer();
    if !session.as_mut().is_body_empty() {
        picked.body_begins();
    }
    ctx.body.begins_anew();
    ctx.tries += 1;
    ctx.tried.push(picked.server_id());
    ctx.asked = Some(Instant::now());
    ctx.picked = Some(picked);
    Ok(peer)
}

/// Makes the head that goes to the origin: ours first, then what filters want.
///
/// # Errors
/// When a field can't be made, which is a fault of the edge, or there are too many.
pub(super) fn request(
    process: &Process,
    session: &mut Session,
    ctx: &mut Context,
    request: &mut RequestHeader,
) -> Result<()> {
    if ctx.given.is_some() && ctx.caching.asked().is_some() {
        return Ok(());
    }
    process.cache.asking(&mut ctx.caching);
    let origin = ctx.origin.clone();
    make(session, ctx, origin.as_deref(), request)?;
    match &ctx.edits {
        // The phase runs where the origin is asked.
        _ if ctx.asks_shield => no_only_if_cached(request)?,
        Some(edits) => edits.apply(request)?,
        None => {}
    }
    body::frame(session, ctx, request)?;
    // Last, since a signature covers what the head is by then.
    bucket::sign(origin.as_deref(), request)
}

/// Makes the head that goes to an origin or a shield, as filters see it.
///
/// # Errors
/// When a field can't be made, which is a fault of the edge.
pub(super) fn make(
    session: &mut Session,
    ctx: &mut Context,
    origin: Option<&Origin>,
    request: &mut RequestHeader,
) -> Result<()> {
    compress::ask_for_no_part_of_another_encoding(ctx, request);
    let runtime = ctx.runtime.clone();
    let asked = ctx.host.clone();
    let slice = ctx.caching.slice();
    let made = ctx.with_exchange(session, |_, exchange, _| {
        let host = origin.and_then(Origin::host);
        prepare(exchange, &runtime.config.pop.name, asked, host, request)?;
        if origin.is_some_and(Origin::http2) {
            pass_on_te(exchange, request)?;
        }
        match slice {
            Some(slice) => set(request, header::RANGE, &slice.range_field()),
            None => Ok(()),
        }
    });
    made.unwrap_or(Ok(()))
}

/// Puts what an origin may rely on into the head that goes to it, and takes out what it must not believe.
///
/// # Errors
/// When a field can't be made, which is a fault of the edge.
fn prepare(
    exchange: &Exchange,
    pop: &str,
    asked: Option<HeaderValue>,
    host: Option<&str>,
    request: &mut RequestHeader,
) -> Result<()> {
    for name in &OVERRIDES {
        request.remove_header(name);
    }
    let client = &exchange.client;
    let peer = client.peer.ip().to_canonical();
    // A trusted proxy told who the client is, in one field or the other.
    let told = request
        .headers
        .get(FORWARDED_FOR)
        .and_then(|value| value.to_str().ok());
    let mut chain = match told {
        _ if peer == client.ip => String::new(),
        Some(told) => format!("{told}, "),
        None => format!("{}, ", client.ip),
    };
    chain.push_str(&peer.to_string());
    set(request, FORWARDED_FOR, &chain)?;
    set(request, FORWARDED_PROTO, client.scheme.as_str())?;
    if let Some(asked) = asked {
        request.insert_header(FORWARDED_HOST, asked)?;
    }
    set(request, REQUEST_ID, &exchange.request_id)?;
    request.remove_header(&header::FORWARDED);
    request.remove_header(&REAL_IP);
    request
        .append_header(header::VIA, format!("1.1 {pop}"))
        .or_err(ErrorType::InternalError, "via")?;
    request
        .append_header(CDN_LOOP, pop)
        .or_err(ErrorType::InternalError, "cdn-loop")?;
    if let Some(host) = host {
        set(request, header::HOST, host)?;
    }
    Ok(())
}

/// The engine takes `TE` out with the other fields of a single hop. Over HTTP/2 it says that the client takes trailers,
/// which servers of gRPC insist on (RFC 9113 §8.2.2).
fn pass_on_te(exchange: &Exchange, request: &mut RequestHeader) -> Result<()> {
    match exchange.header("te") {
        Some(te) if te.eq_ignore_ascii_case("trailers") => {
            request.insert_header(header::TE, "trailers")
        }
        _ => Ok(()),
    }
}

/// A shield is there to ask the origin: a client's `only-if-cached` is not for it to answer.
fn no_only_if_cached(request: &mut RequestHeader) -> Result<()> {
    const DIRECTIVE: &str = "only-if-cached";
    let told = request.headers.get_all(header::CACHE_CONTROL).iter();
    let told: Vec<&str> = told.filter_map(|value| value.to_str().ok()).collect();
    let told = told.join(", ");
    if !told.to_ascii_lowercase().contains(DIRECTIVE) {
        return Ok(());
    }
    let directives = told.split(',').map(str::trim);
    let kept: Vec<&str> = directives
        .filter(|directive| !directive.eq_ignore_ascii_case(DIRECTIVE))
        .collect();
    request.remove_header(&header::CACHE_CONTROL);
    match kept.is_empty() {
        true => Ok(()),
        false => set(request, header::CACHE_CONTROL, &kept.join(", ")),
    }
}

fn set(request: &mut RequestHeader, name: HeaderName, value: &str) -> Result<()> {
    let value =
        HeaderValue::from_str(value).or_err(ErrorType::InternalError, "field for the origin")?;
    request.insert_header(name, value)
}

/// A connection could not be made: whether another server is tried.
pub(super) fn not_connected(
    session: &mut Session,
    ctx: &mut Context,
    error: Box<Error>,
) -> Box<Error> {
    failed(session, ctx, error)
}

/// Tells the client that its connection ends with this response: the engine closes it once a server has failed, whatever
/// was said.
pub(super) fn ends_connection(session: &mut Session) {
    session.set_keepalive(None);
}

/// A try ended before its response did: whether another one is made.
pub(super) fn broke_off(
    session: &mut Session,
    ctx: &mut Context,
    mut error: Box<Error>,
) -> Box<Error> {
    if *error.esource() != ErrorSource::Upstream {
        error.set_retry(false);
        ctx.body.blame(&mut error);
        return error;
    }
    failed(session, ctx, error)
}

fn failed(session: &mut Session, ctx: &mut Context, mut error: Box<Error>) -> Box<Error> {
    let Some(picked) = &ctx.picked else {
        error.set_retry(false);
        return error;
    };
    // It was judged already that this response does not count: that is no failure of the server's.
    // (Of another error it may be undecided whether it is tried again, which can't be asked then.)
    if matches!(error.etype(), ErrorType::HTTPStatus(_)) && error.retry() {
        return error;
    }
    let failure = picked.failure(&error);
    if failure == Failure::Timeout {
        // The engine only sees that our connection to the origin ended.
        error.etype = ErrorType::ReadTimedout;
    }
    // A status was told of when its head came.
    if !matches!(failure, Failure::Status(_)) {
        picked.failed(failure);
        fallback::tell(ctx, None);
    }
    let again = wants_again(session, ctx, failure);
    error.set_retry(again);
    error
}

/// A response's head came: an error if its status is one to try again.
///
/// # Errors
/// When another try is to be made.
pub(super) fn judge(
    session: &mut Session,
    ctx: &mut Context,
    response: &mut ResponseHeader,
) -> Result<()> {
    forget_coding(response);
    if ctx.given.is_some() {
        ctx.progress = Progress::Body;
        return Ok(());
    }
    let status = response.status.as_u16();
    if response.status.is_informational() && status != 101 {
        return Ok(());
    }
    ctx.origin_time = ctx.asked.map(|asked| asked.elapsed());
    if let Some(picked) = &ctx.picked {
        // An edge that answers is well, whatever it had to say of its origin.
        picked.answered(if ctx.asks_shield { 200 } else { status });
    }
    let told = bucket::status(session, ctx, response);
    fallback::tell(ctx, Some(told));
    let again = wants_again(session, ctx, Failure::Status(status))
        || (told != status && fallback::falls_back(session, ctx, Failure::Status(told)));
    if again {
        return Err(retry(status, "status that is tried again"));
    }
    ctx.progress = Progress::Body;
    Ok(())
}

/// A transfer coding of the origin's own ended with its connection (RFC 9112 §6.3) and must not be told to the client.
fn forget_coding(response: &mut ResponseHeader) {
    let coding = response.headers.get(header::TRANSFER_ENCODING);
    if coding.is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked")) {
        response.remove_header(&header::TRANSFER_ENCODING);
    }
}

fn wants_again(session: &mut Session, ctx: &mut Context, failure: Failure) -> bool {
    let (Some(origin), Some(picked)) = (&ctx.origin, &ctx.picked) else {
        return false;
    };
    let failed = FailedTry {
        failure,
        method: &session.req_header().method,
        tries: u32::try_from(ctx.tried.len()).unwrap_or(u32::MAX),
        reused: picked.reused(),
        body_replayable: body::can_repeat(session, ctx),
        response_begun: session.response_written().is_some(),
    };
    let is_failure = !matches!(failure, Failure::Status(..=499));
    if is_failure && origin.should_retry(&failed) {
        return true;
    }
    if fallback::falls_back(session, ctx, failure) {
        return true;
    }
    let shield = ctx.route.as_ref().and_then(|route| route.shield.clone());
    let shield = shield
        .filter(|shield| is_failure && ctx.asks_shield && shield.fallback == Fallback::Origin);
    match shield {
        Some(shield) if shield.edges.may_go_elsewhere(&failed) => {
            next_hop::leave(&shield, ctx);
            true
        }
        _ => false,
    }
}
