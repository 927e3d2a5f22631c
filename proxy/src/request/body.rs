//! A request's body on its way: read before its time for filters that want it, then watched and rewritten as it passes to the
//! origin.
//!
//! Watchers see what the client sent, once, however often it is sent on. A body that is there whole, or that there is none of, is
//! rewritten before a server is chosen, and goes on by its length like any other. All others are rewritten as they pass: their
//! length is not known any more, and what rewriters have taken can't be sent once more.

use std::mem;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderValue, Version};
use pingora::proxy::Session;
use pingora::{Error, ErrorSource, Result};
use pingora_http::RequestHeader;
use rimward_filters::{BodyRewriter, Exchange, MaxBody, RequestBody, Source};

use super::context::Context;
use super::errors::{fail, refuse};
use crate::listen::{self, BodyFields};

/// How far the body of a request has come.
#[derive(Debug, Default)]
pub(super) struct Passing {
    /// Bytes of it that have passed in the present try.
    passed: u64,
    /// What each of the exchange's watchers has seen, in their order.
    watched: Vec<Watched>,
    /// Bytes that were read before the engine read them.
    ahead: u64,
    /// All of it, if that was read ahead and no server has it yet.
    whole: Option<Bytes>,
    /// Whether something else stands in its place.
    is_replaced: bool,
    /// Whether rewriters have taken some of it, and whether they have in the present try.
    is_taken: bool,
    takes: bool,
    /// Whose fault it was that it did not pass.
    fault: Option<ErrorSource>,
}

/// What a watcher has seen, which is nothing twice.
#[derive(Debug, Default, Clone, Copy)]
struct Watched {
    bytes: u64,
    end: bool,
}

impl Passing {
    /// A server is asked, or another one.
    pub(super) fn begins_anew(&mut self) {
        self.passed = 0;
        self.takes = false;
        self.whole = None;
    }

    /// Has an error tell whose fault it was that the body did not pass, if that was the reason.
    pub(super) fn blame(&mut self, error: &mut Error) {
        if let Some(source) = self.fault.take() {
            error.esource = source;
        }
    }

    /// How many bytes the client has sent, of which the engine knows `read`.
    pub(super) fn received(&self, read: u64) -> u64 {
        match self.is_replaced {
            true => self.ahead,
            false => self.ahead.max(read),
        }
    }

    /// A piece of it passes.
    fn pass(
        &mut self,
        exchange: Option<&mut Exchange>,
        max: u64,
        body: &mut Option<Bytes>,
        end: bool,
    ) -> Result<()> {
        let before = self.passed;
        self.passed += body.as_ref().map_or(0, Bytes::len) as u64;
        self.check(max)?;
        let Some(exchange) = exchange else {
            return Ok(());
        };
        self.watch(exchange, before, body.as_ref(), end);
        if exchange.request_rewriters.is_empty() {
            return Ok(());
        }
        if self.is_taken && !self.takes {
            return Err(fail(502, "a body that was rewritten can't be sent again"));
        }
        (self.is_taken, self.takes) = (true, true);
        let rewriters = &mut exchange.request_rewriters;
        let rewritten = rewrite(rewriters, body.take().unwrap_or_default(), end)?;
        // Nothing at all would be taken for the end, and an empty piece at the end for another end.
        *body = (!end || !rewritten.is_empty()).then_some(rewritten);
        Ok(())
    }

    fn check(&self, max: u64) -> Result<()> {
        match !self.is_replaced && self.passed > max {
            true => Err(refuse(413, "request body is longer than allowed")),
            false => Ok(()),
        }
    }

    /// Shows watchers what they have not seen of a piece that begins at `from`.
    fn watch(&mut self, exchange: &mut Exchange, from: u64, piece: Option<&Bytes>, end: bool) {
        let watchers = &mut exchange.request_watchers;
        self.watched.resize(watchers.len(), Watched::default());
        for (watcher, watched) in watchers.iter_mut().zip(&mut self.watched) {
            let seen = usize::try_from(watched.bytes.saturating_sub(from)).unwrap_or(usize::MAX);
            if let Some(piece) = piece.filter(|piece| piece.len() > seen) {
                watcher.chunk(&piece.slice(seen..));
                watched.bytes = self.passed;
            }
            if end && !mem::replace(&mut watched.end, true) {
                watcher.end();
            }
        }
    }
}

/// Has a piece pass all rewriters.
pub(super) fn rewrite(
    rewriters: &mut [Box<dyn BodyRewriter>],
    bytes: Bytes,
    end: bool,
) -> Result<Bytes> {
    let failed = |error: rimward_filters::FilterError| fail(500, error.to_string());
    let mut bytes = bytes;
    for rewriter in rewriters {
        let passed = match bytes.is_empty() {
            true => bytes,
            false => rewriter.chunk(bytes).map_err(failed)?,
        };
        bytes = match end {
            true => join(passed, rewriter.end().map_err(failed)?),
            false => passed,
        };
    }
    Ok(bytes)
}

fn join(head: Bytes, tail: Bytes) -> Bytes {
    match (head.is_empty(), tail.is_empty()) {
        (_, true) => head,
        (true, false) => tail,
        (false, false) => [head, tail].concat().into(),
    }
}

/// A piece of the request's body passes to the origin.
///
/// # Errors
/// With 413 when there is more of it than allowed; when a rewriter can't go on, and then the origin gets no whole body.
pub(super) fn pass(ctx: &mut Context, body: &mut Option<Bytes>, end: bool) -> Result<()> {
    let exchange = ctx.exchange.as_deref_mut();
    if let Err(mut error) = ctx.body.pass(exchange, ctx.max_body, body, end) {
        // With any other, the engine waits for what an origin over HTTP/2 says to the half of a body.
        ctx.body.fault = Some(mem::replace(&mut error.esource, ErrorSource::Downstream));
        return Err(error);
    }
    if let Some(picked) = ctx.picked.as_ref().filter(|_| end) {
        picked.body_ends();
    }
    Ok(())
}

/// Where filters get the body of a request from while they have its head.
pub(super) struct Upload<'s> {
    session: &'s mut Session,
    passing: &'s mut Passing,
    fields: BodyFields,
}

impl<'s> Upload<'s> {
    /// Of a request whose head the exchange has, and that said this of its body.
    pub(super) fn of(
        session: &'s mut Session,
        passing: &'s mut Passing,
        fields: BodyFields,
    ) -> Self {
        Self {
            session,
            passing,
            fields,
        }
    }

    /// What is true of the body, whatever filters made of it in the head.
    pub(super) fn end(self) -> BodyFields {
        self.fields
    }

    fn swap(&mut self, exchange: &mut Exchange) {
        mem::swap(self.session.req_header_mut(), &mut exchange.request);
    }
}

impl Source for Upload<'_> {
    type Lost = Box<Error>;

    async fn read(&mut self, exchange: &mut Exchange, most: usize) -> Result<RequestBody> {
        let max = exchange.notes.get::<MaxBody>().map(|max| max.0);
        let max = max.filter(|_| !self.passing.is_replaced);
        let max = max.and_then(|max| usize::try_from(max).ok());
        let most = max.map_or(most, |max| most.min(max));
        self.fields.put_back(&mut exchange.request)?;
        self.swap(exchange);
        let read = listen::read_ahead(&mut self.session.downstream_session, most).await;
        self.fields = BodyFields::of(self.session.req_header());
        self.swap(exchange);
        let read = read?;
        if !read.is_whole && max == Some(most) {
            return Err(refuse(413, "request body is longer than allowed"));
        }
        if !self.passing.is_replaced {
            self.passing.ahead = read.bytes.len() as u64;
        }
        self.passing.whole = read.is_whole.then(|| read.bytes.clone());
        Ok(RequestBody {
            bytes: read.bytes,
            is_whole: read.is_whole,
        })
    }
}

/// Forgets a body that was read and that nobody will get, so that the connection can go on.
///
/// # Errors
/// Never, but for a fault of the library.
pub(super) fn forget(session: &mut Session, ctx: &mut Context) -> Result<()> {
    if let Some(exchange) = &mut ctx.exchange {
        exchange.request_rewriters.clear();
    }
    if ctx.body.whole.take().is_some()
        && listen::replace(&mut session.downstream_session, Bytes::new())?
    {
        ctx.body.is_replaced = true;
    }
    Ok(())
}

/// Rewrites a body that is there whole, or that there is none of, before anybody is asked.
///
/// # Errors
/// When a rewriter can't go on, or the body is longer than allowed.
pub(super) fn settle(session: &mut Session, ctx: &mut Context) -> Result<()> {
    let Some(exchange) = &mut ctx.exchange else {
        return Ok(());
    };
    if session.is_upgrade_req() {
        // What comes is no body.
        exchange.request_rewriters.clear();
    }
    let is_asked_for =
        !exchange.request_rewriters.is_empty() || !exchange.request_watchers.is_empty();
    if !is_asked_for || ctx.tries > 0 || session.downstream_session.is_subrequest() {
        return Ok(());
    }
    let mut is_empty = || listen::is_empty(&mut session.downstream_session);
    let whole = match &ctx.body.whole {
        Some(whole) => whole.clone(),
        None if is_empty() => Bytes::new(),
        None => return Ok(()),
    };
    ctx.body.passed = whole.len() as u64;
    ctx.body.check(ctx.max_body)?;
    ctx.body.watch(exchange, 0, Some(&whole), true);
    ctx.body.watched.clear();
    exchange.request_watchers.clear();
    let mut rewriters = mem::take(&mut exchange.request_rewriters);
    let body = rewrite(&mut rewriters, whole.clone(), true)?;
    if body == whole {
        return Ok(());
    }
    if !listen::replace(&mut session.downstream_session, body.clone())? {
        return Err(fail(500, "a body can't be put in place of another"));
    }
    ctx.body.is_replaced = true;
    // Who looks at it or rewrites it next gets what the ones before have made of it.
    if let Some(seen) = &mut exchange.request_body {
        (seen.bytes, seen.is_whole) = (body.clone(), true);
    }
    ctx.body.whole = Some(body);
    Ok(())
}

/// Whether what went to a server can go to another.
pub(super) fn can_repeat(session: &Session, ctx: &Context) -> bool {
    !session.as_ref().retry_buffer_truncated() && !ctx.body.is_taken
}

/// Has the head that goes to a server say how the body ends that comes behind it.
///
/// # Errors
/// When that can't be said.
pub(super) fn frame(
    session: &mut Session,
    ctx: &Context,
    request: &mut RequestHeader,
) -> Result<()> {
    let exchange = ctx.exchange.as_ref();
    let is_rewritten = exchange.is_some_and(|exchange| !exchange.request_rewriters.is_empty());
    if is_rewritten {
        request.remove_header(&CONTENT_LENGTH);
        if request.version == Version::HTTP_11 {
            return request.insert_header(TRANSFER_ENCODING, "chunked");
        }
        // The engine ends such a stream with its head.
        return match session.as_mut().is_body_empty() {
            true => Err(fail(502, "a body can't be added to a request by now")),
            false => Ok(()),
        };
    }
    request.remove_header(&TRANSFER_ENCODING);
    let length: Option<HeaderValue> = session.req_header().headers.get(CONTENT_LENGTH).cloned();
    match length {
        Some(length) => request.insert_header(CONTENT_LENGTH, length),
        None => {
            request.remove_header(&CONTENT_LENGTH);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests;
