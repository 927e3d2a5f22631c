//! Responses that the edge has in hand before the client's begins: where filters may want a body whole before its head leaves,
//! and pages with fragments.
//!
//! The engine can't hold a head back. So the client's request becomes one of the edge's own, which goes on where it is, through
//! cache and origin; and what comes of that is led through the response phase here.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, header};
use pingora::protocols::http::conditional_filter::to_304;
use pingora::proxy::Session;
use pingora::{Error, Result};
use pingora_http::ResponseHeader;
use rimward_filters::Arriving;

use super::compress;
use super::context::{Context, Progress};
use super::copied::Copied;
use super::esi;
use super::respond;
use super::slices::{Fetch, OWN_FIELDS, begun};
use crate::edge::Process;

/// The body of a response, as far as who makes its head can wait for it.
pub(super) enum Coming {
    /// It passes by, or there is none.
    Elsewhere,
    /// It is all there.
    Whole(Bytes),
    /// It comes in pieces.
    Pieces(Box<Fetch>),
}

/// A body that comes while its client is watched.
pub(super) struct Watched<'a> {
    pub(super) coming: &'a mut Coming,
    pub(super) session: &'a mut Session,
}

impl Coming {
    /// All that is there of it.
    pub(super) fn take(&mut self) -> Bytes {
        match self {
            Self::Whole(body) => std::mem::take(body),
            Self::Elsewhere | Self::Pieces(_) => Bytes::new(),
        }
    }

    /// The next piece; `None` at the end.
    async fn next(&mut self, session: &mut Session) -> Result<Option<Bytes>> {
        match self {
            Self::Pieces(fetch) => fetch.read(session).await,
            Self::Elsewhere | Self::Whole(_) => {
                let body = self.take();
                Ok((!body.is_empty()).then_some(body))
            }
        }
    }
}

impl Arriving for Watched<'_> {
    type Lost = Box<Error>;

    async fn next(&mut self) -> Result<Option<Bytes>> {
        self.coming.next(self.session).await
    }
}

/// Answers a request whose response has to be in hand, if it is one. Returns whether it did.
///
/// # Errors
/// When the response can't be had, or the client leaves.
pub(super) async fn answer(
    process: &Process,
    session: &mut Session,
    ctx: &mut Context,
) -> Result<bool> {
    if !is_due(session, ctx) {
        return Ok(false);
    }
    let Some(copied) = copy(session, ctx) else {
        return Ok(false);
    };
    ctx.progress = Progress::Head;
    let mut fetch = Fetch::whole(session, &Arc::new(copied))?;
    let head = *begun(&mut fetch, session, ctx).await?;
    ctx.is_aside = true;
    match esi::rules_for(ctx, &head) {
        Some(rules) => {
            let (head, page) = esi::put_together(session, ctx, &rules, fetch, head).await?;
            send(process, session, ctx, head, Coming::Whole(page)).await?;
        }
        None => pass_on(process, session, ctx, head, fetch).await?,
    }
    Ok(true)
}

fn is_due(session: &Session, ctx: &Context) -> bool {
    let holds = ctx.route.as_ref().is_some_and(|route| route.holds);
    let switches = session.req_header().headers.contains_key(header::UPGRADE);
    !ctx.is_copy() && !switches && (holds || esi::may_be_page(ctx))
}

/// The request of the edge's own: for the whole, whatever the client has of it.
fn copy(session: &mut Session, ctx: &mut Context) -> Option<Copied> {
    let mut copied = Copied::of(session, ctx)?;
    for name in &OWN_FIELDS {
        copied.request.remove_header(name);
    }
    if copied.request.method == Method::HEAD {
        copied.request.set_method(Method::GET);
    }
    if !session.as_mut().is_body_empty() {
        copied.takes_body(ctx);
        let fields = &copied.request.headers;
        if !fields.contains_key(header::CONTENT_LENGTH) {
            // Over HTTP/2 a body may come without a word.
            let chunked = HeaderValue::from_static("chunked");
            let told = copied
                .request
                .insert_header(header::TRANSFER_ENCODING, chunked);
            told.ok()?;
        }
    }
    Some(copied)
}

/// Passes on what the client may have already.
async fn pass_on(
    process: &Process,
    session: &mut Session,
    ctx: &mut Context,
    mut head: ResponseHeader,
    fetch: Fetch,
) -> Result<()> {
    // Parts of the whole can't be asked for.
    head.remove_header(&header::ACCEPT_RANGES);
    let request = session.req_header();
    if request.method.is_safe() && process.cache.is_not_modified(request, &head) {
        compress::judge(&head, ctx);
        to_304(&mut head);
        let nothing = &mut Coming::Elsewhere;
        respond::begin(process, session, ctx, head, nothing).await?;
        return Ok(());
    }
    send(process, session, ctx, head, Coming::Pieces(Box::new(fetch))).await
}

async fn send(
    process: &Process,
    session: &mut Session,
    ctx: &mut Context,
    head: ResponseHeader,
    mut coming: Coming,
) -> Result<()> {
    compress::judge(&head, ctx);
    if !respond::begin(process, session, ctx, head, &mut coming).await? {
        return Ok(());
    }
    while let Some(piece) = coming.next(session).await? {
        respond::go_on(session, ctx, Some(piece), false).await?;
    }
    respond::go_on(session, ctx, None, true).await
}
