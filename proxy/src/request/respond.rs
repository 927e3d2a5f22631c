//! What goes to the client: answers of the edge's own, and what filters make of all others.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, StatusCode, header};
use pingora::proxy::Session;
use pingora::{Error, Result};
use pingora_http::ResponseHeader;
use rimward_cache::head::forget_body;
use rimward_filters::{Answer, Phase, Rewriters, Stopped, Storing, Unfinished, Verdict};

use super::aside::{Coming, Watched};
use super::body::{self, Upload};
use super::caching;
use super::compress;
use super::context::{Context, Progress};
use super::error_page::error_page;
use super::errors::{fail, refuse, retry};
use super::slices;
use crate::cache::{self, stored_body};
use crate::edge::Process;
use crate::listen::{self, BodyFields};
use crate::origin::Given;
use crate::runtime::Route;

/// Runs the request phase; answers the request if a filter or the listener wants to. Returns whether it did.
///
/// # Errors
/// When a filter fails and may not be skipped.
pub(super) async fn request(
    process: &Process,
    session: &mut Session,
    ctx: &mut Context,
) -> Result<bool> {
    if let Some(location) = ctx.redirect.take() {
        ctx.depth = 0;
        let answer =
            Answer::new(308).and_then(|answer| answer.header(header::LOCATION, location.as_str()));
        let answer = answer.map_err(|error| refuse(400, error.to_string()))?;
        answer_with(process, session, ctx, answer).await?;
        return Ok(true);
    }
    let (Some(route), Some(mut exchange)) = (ctx.route.clone(), ctx.exchange.take()) else {
        return Ok(false);
    };
    if route.pipeline.is_empty() || ctx.is_copy() {
        ctx.exchange = Some(exchange);
        return Ok(false);
    }
    let fields = BodyFields::of(session.req_header());
    std::mem::swap(session.req_header_mut(), &mut exchange.request);
    let pipeline = &route.pipeline;
    // What the fast lane has begun is not begun again.
    let way = ctx.way.take();
    let way = way.unwrap_or_else(|| pipeline.begin_request(&mut exchange));
    let mut upload = Upload::of(session, &mut ctx.body, fields);
    let ended = pipeline.finish_request(way, &mut exchange, &mut upload);
    let (verdict, depth) = ended.await;
    let fields = upload.end();
    std::mem::swap(session.req_header_mut(), &mut exchange.request);
    fields.put_back(session.req_header_mut())?;
    if let Some(limit) = exchange.notes.get::<rimward_filters::MaxBody>() {
        ctx.max_body = ctx.max_body.min(limit.0);
    }
    ctx.exchange = Some(exchange);
    ctx.depth = depth;
    match verdict {
        Ok(Verdict::Pass) => {
            body::settle(session, ctx)?;
            Ok(false)
        }
        Ok(Verdict::Answered(answer)) => {
            body::forget(session, ctx)?;
            answer_with(process, session, ctx, *answer).await?;
            Ok(true)
        }
        Err(Unfinished::Failed(failure)) => {
            body::forget(session, ctx)?;
            Err(fail(failure.status, failure.to_string()))
        }
        Err(Unfinished::Lost(error)) => Err(error),
    }
}

async fn answer_with(
    process: &Process,
    session: &mut Session,
    ctx: &mut Context,
    answer: Answer,
) -> Result<()> {
    ctx.own_answer = true;
    let Answer {
        mut head,
        mut body,
        refusal,
    } = answer;
    if refusal {
        let page = error_page(ctx, head.status.as_u16());
        head.insert_header(header::CONTENT_TYPE, page.content_type)?;
        head.insert_header(header::CACHE_CONTROL, "no-store")?;
        body = page.body;
    }
    let body = own_response(session, ctx, &mut head, body).await?;
    write(process, session, ctx, head, body).await
}

/// Runs the response phase on a response of the edge's own, and returns its body as filters leave it. It is there for a HEAD
/// as well, whose response tells its length.
///
/// # Errors
/// When a filter fails and may not be skipped.
pub(super) async fn own_response(
    session: &mut Session,
    ctx: &mut Context,
    head: &mut ResponseHeader,
    body: Bytes,
) -> Result<Bytes> {
    let mut coming = Coming::Whole(body);
    let depth = ctx.depth;
    let mut rewriters = filtered(session, ctx, Phase::Response, depth, head, &mut coming).await?;
    pass_whole(&mut rewriters, head, coming.take())
}

/// A whole body as filters leave it.
///
/// # Errors
/// When one of them can't go on.
pub(crate) fn pass_whole(
    rewriters: &mut Rewriters,
    head: &ResponseHeader,
    body: Bytes,
) -> Result<Bytes> {
    if rewriters.is_empty() || is_bodiless(head) {
        return Ok(body);
    }
    let passed = rewriters.pass(Some(body), true);
    let passed = passed.map_err(|error| fail(500, error.to_string()))?;
    Ok(passed.unwrap_or_default())
}

/// Runs the response phase on a head that goes to the client, and keeps what becomes of the body that follows.
///
/// # Errors
/// When a filter fails and may not be skipped.
async fn response_phase(
    session: &mut Session,
    ctx: &mut Context,
    head: &mut ResponseHeader,
    coming: &mut Coming,
) -> Result<()> {
    let depth = ctx.depth;
    let mut rewriters = filtered(session, ctx, Phase::Response, depth, head, coming).await?;
    if rewriters.rewrites() || rewriters.replaces() {
        compress::rewritten(ctx);
    }
    if is_bodiless(head) {
        rewriters = Rewriters::default();
    }
    if let Some(body) = take_replacement(&mut rewriters)? {
        head.insert_header(header::CONTENT_LENGTH, body.len())?;
        rewriters.replace(body);
    }
    // What a rewriter adds at the end must not become the body of a response that has none.
    let has_body = session.req_header().method != Method::HEAD;
    ctx.rewriters = if has_body {
        rewriters
    } else {
        Rewriters::default()
    };
    Ok(())
}

fn take_replacement(rewriters: &mut Rewriters) -> Result<Option<Bytes>> {
    let taken = rewriters.take_replacement();
    taken.map_err(|error| fail(500, error.to_string()))
}

/// A head as the filters of a response phase, the first `depth` of the route, leave it, and what they want to do with the body.
/// What they waited for of that is gone from `coming`.
///
/// # Errors
/// When a filter fails and may not be skipped, or what it waits for does not come.
pub(super) async fn filtered(
    session: &mut Session,
    ctx: &mut Context,
    phase: Phase,
    depth: usize,
    head: &mut ResponseHeader,
    coming: &mut Coming,
) -> Result<Rewriters> {
    let takes_part = |route: &Arc<Route>| route.pipeline.takes_part(phase);
    if !ctx.route.as_ref().is_some_and(takes_part) {
        return Ok(Rewriters::default());
    }
    let found = caching::found_for_filters(session, ctx);
    let Some((route, mut exchange)) = ctx.lend(session) else {
        return Ok(Rewriters::default());
    };
    exchange.found = found;
    let (pipeline, exchange_of) = (&route.pipeline, &mut *exchange);
    let rewriters = match (phase, &coming) {
        (Phase::OriginResponse, _) => {
            let ran = pipeline.origin_response(depth, exchange_of, head).await;
            ran.map_err(Stopped::Failed)
        }
        (_, Coming::Elsewhere) => {
            let ran = pipeline.response(depth, exchange_of, head).await;
            ran.map_err(Stopped::Failed)
        }
        _ => {
            let body = &mut Watched { coming, session };
            pipeline.response_with(depth, exchange_of, head, body).await
        }
    };
    ctx.give_back(session, exchange);
    let rewriters = rewriters.map_err(|stopped| match stopped {
        Stopped::Failed(failure) => fail(failure.status, failure.to_string()),
        Stopped::Cut(error) => fail(500, error.to_string()),
        Stopped::Lost(error) => error,
    })?;
    if rewriters.rewrites() {
        forget_body(head);
    }
    Ok(rewriters)
}

/// Runs the origin response phase on a head that comes from an origin.
///
/// # Errors
/// When a filter fails and may not be skipped: the response is not passed on. When one puts another body in place of the
/// origin's: then that is what the engine gets when it tries again.
pub(super) async fn origin_response_phase(
    session: &mut Session,
    ctx: &mut Context,
    head: &mut ResponseHeader,
) -> Result<()> {
    if head.status.is_informational() {
        return Ok(());
    }
    ctx.origin_rewriters = Rewriters::default();
    // An edge of the shield has run it on what its origin said, and filters have seen what they gave.
    if ctx.asks_shield || ctx.given.is_some() {
        return Ok(());
    }
    let phase = Phase::OriginResponse;
    let passing = &mut Coming::Elsewhere;
    let mut rewriters = filtered(session, ctx, phase, usize::MAX, head, passing).await?;
    heed_storing(ctx);
    if let Some(body) = take_replacement(&mut rewriters)? {
        ctx.given = Some(Given::new(head.clone(), body)?);
        ctx.page = None;
        return Err(retry(head.status.as_u16(), "a filter replaced the body"));
    }
    // A 304 renews the head of what was rewritten when it was stored.
    if head.status == StatusCode::NOT_MODIFIED && rewrites_what_is_stored(ctx) {
        forget_body(head);
    }
    // For a HEAD, an origin is asked for the whole object when it may be stored.
    let is_head = session.req_header().method == Method::HEAD && !session.cache.enabled();
    if !is_head && !is_bodiless(head) {
        ctx.origin_rewriters = rewriters;
    }
    Ok(())
}

/// Has the response stored as a filter says.
pub(super) fn heed_storing(ctx: &mut Context) {
    let notes = ctx.exchange.as_mut().map(|exchange| &mut exchange.notes);
    if let Some(storing) = notes.and_then(|notes| notes.remove::<Storing>()) {
        ctx.caching.store_as(&storing);
    }
}

fn rewrites_what_is_stored(ctx: &Context) -> bool {
    let route = ctx.route.as_ref();
    route.is_some_and(|route| route.pipeline.rewrites(Phase::OriginResponse))
}

/// Makes the head of any response, stored or not, ready for the client. Returns the whole body if a filter put it in place of
/// the one that comes.
///
/// # Errors
/// When a filter fails and may not be skipped.
async fn pass_on(
    process: &Process,
    session: &mut Session,
    ctx: &mut Context,
    head: &mut ResponseHeader,
    coming: &mut Coming,
) -> Result<Option<Bytes>> {
    if head.status.is_informational() && head.status != StatusCode::SWITCHING_PROTOCOLS {
        return Ok(None);
    }
    slices::tell(process, session, ctx);
    if ctx.is_copy() {
        return Ok(None);
    }
    ctx.first_byte = Some(ctx.started.elapsed());
    if head.status == StatusCode::NOT_MODIFIED {
        // The engine leaves the phrase of what it was before.
        head.set_reason_phrase(None)?;
    }
    close_if_draining(session, ctx);
    response_phase(session, ctx, head, coming).await?;
    compress::encode(session, ctx, head)?;
    let whole = take_replacement(&mut ctx.rewriters)?;
    if let Some(body) = &whole {
        head.remove_header(&header::TRANSFER_ENCODING);
        head.insert_header(header::CONTENT_LENGTH, body.len())?;
    } else if ctx.rewriters.rewrites() && ctx.protocol == "HTTP/1.1" {
        head.insert_header(header::TRANSFER_ENCODING, "chunked")?;
    }
    if !ctx.rewriters.is_empty()
        && let Some(body) = stored_body(&mut session.cache)
    {
        cache::rewrite(body, std::mem::take(&mut ctx.rewriters));
    }
    // What is for an exchange of the edge's own is kept back when that sends it on.
    if let Some(route) = ctx.route.as_ref().filter(|_| ctx.tells.is_none()) {
        caching::keep_back(route, head);
    }
    caching::describe(process, session, ctx, head)?;
    let now = process.cache.objects().now();
    listen::keep_date(head, |date| rimward_cache::date::parse(date, now).is_some())?;
    Ok(whole)
}

/// The same for a response of an origin or the cache. What takes the place of its body is written at once, and so is what filters
/// put where no body comes, of which the engine would not tell them; what the engine then wants to write is written already.
///
/// # Errors
/// When a filter fails and may not be skipped, or the client is gone.
pub(super) async fn pass_on_with_body(
    process: &Process,
    session: &mut Session,
    ctx: &mut Context,
    head: &mut ResponseHeader,
) -> Result<()> {
    let length = head.headers.get(header::CONTENT_LENGTH);
    let is_empty = length.is_some_and(|length| length == "0");
    let passing = &mut Coming::Elsewhere;
    let mut whole = pass_on(process, session, ctx, head, passing).await?;
    if is_empty && whole.is_none() {
        rewrite(&mut ctx.rewriters, &mut whole, true)?;
        ctx.rewriters = Rewriters::default();
    }
    let Some(body) = whole else { return Ok(()) };
    head.remove_header(&header::TRANSFER_ENCODING);
    head.insert_header(header::CONTENT_LENGTH, body.len())?;
    if let Some(body) = stored_body(&mut session.cache) {
        cache::leave_out(body);
    }
    ctx.is_sent = true;
    send_whole(session, head.clone(), body).await
}

async fn send_whole(session: &mut Session, head: ResponseHeader, body: Bytes) -> Result<()> {
    let sent = session.write_response_header(Box::new(head), body.is_empty());
    sent.await.map_err(Error::into_down)?;
    let sent = session.write_response_body(Some(body), true);
    sent.await.map_err(Error::into_down)
}

/// A piece of a body passes on its way to the client.
///
/// # Errors
/// As for [`rewrite`].
pub(super) fn body(ctx: &mut Context, body: &mut Option<Bytes>, end: bool) -> Result<()> {
    if ctx.is_sent {
        *body = None;
        return Ok(());
    }
    rewrite(&mut ctx.rewriters, body, end)
}

/// Passes a piece of a body through its rewriters.
///
/// # Errors
/// When one of them can't go on: the response is cut off and nothing of it is stored.
pub(super) fn rewrite(
    rewriters: &mut Rewriters,
    body: &mut Option<Bytes>,
    end: bool,
) -> Result<()> {
    if !rewriters.is_empty() {
        *body = rewriters
            .pass(body.take(), end)
            .map_err(|error| fail(500, error.to_string()))?;
    }
    Ok(())
}

/// The end of a body that has trailers: what rewriters have left, in place of these.
///
/// # Errors
/// When a rewriter can't go on.
pub(super) fn end_with_trailers(ctx: &mut Context) -> Result<Option<Bytes>> {
    let mut rest = None;
    body(ctx, &mut rest, true)?;
    Ok(rest)
}

pub(crate) fn is_bodiless(head: &ResponseHeader) -> bool {
    matches!(
        head.status,
        StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
    )
}

/// A client whose listener is gone is told that its connection ends with this response.
fn close_if_draining(session: &mut Session, ctx: &Context) {
    let connection = ctx.connection.as_ref();
    if connection.is_some_and(|connection| connection.is_draining()) {
        session.set_keepalive(None);
    }
}

/// Begins a response whose body the edge sends in pieces by [`go_on`]. Returns whether one is to be sent: not when it was sent
/// already, since a filter waited for it or put another in its place.
///
/// # Errors
/// When a filter fails and may not be skipped, or the client is gone.
pub(super) async fn begin(
    process: &Process,
    session: &mut Session,
    ctx: &mut Context,
    mut head: ResponseHeader,
    coming: &mut Coming,
) -> Result<bool> {
    let whole = pass_on(process, session, ctx, &mut head, coming).await?;
    let is_head = session.req_header().method == Method::HEAD;
    let has_body = !is_head && !is_bodiless(&head) && !matches!(coming, Coming::Elsewhere);
    ctx.progress = Progress::Body;
    if let Some(body) = whole {
        send_whole(session, head, body).await?;
        return Ok(false);
    }
    let sent = session.write_response_header(Box::new(head), !has_body);
    sent.await.map_err(Error::into_down)?;
    Ok(has_body)
}

/// Sends the next piece of a response that was begun.
///
/// # Errors
/// When a filter can't go on, or the client is gone.
pub(super) async fn go_on(
    session: &mut Session,
    ctx: &mut Context,
    mut piece: Option<Bytes>,
    end: bool,
) -> Result<()> {
    rewrite(&mut ctx.rewriters, &mut piece, end)?;
    let sent = session.write_response_body(piece, end).await;
    sent.map_err(Error::into_down)
}

/// Writes a whole response of the edge's own.
///
/// # Errors
/// When the client is gone.
pub(super) async fn write(
    process: &Process,
    session: &mut Session,
    ctx: &mut Context,
    mut head: ResponseHeader,
    body: Bytes,
) -> Result<()> {
    let bodiless = is_bodiless(&head);
    close_if_draining(session, ctx);
    if bodiless {
        head.remove_header(&header::CONTENT_LENGTH);
    } else {
        head.insert_header(header::CONTENT_LENGTH, body.len().to_string())?;
    }
    caching::describe(process, session, ctx, &mut head)?;
    ctx.first_byte = Some(ctx.started.elapsed());
    let without_body = bodiless || body.is_empty() || session.req_header().method == Method::HEAD;
    session
        .write_response_header(Box::new(head), without_body)
        .await?;
    if !without_body {
        session.write_response_body(Some(body), true).await?;
    }
    Ok(())
}
