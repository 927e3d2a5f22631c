//! Pages that are put together from fragments (Edge Side Includes).
//!
//! The page is a request of the edge's own, which goes on where the client's request is; each fragment is one that begins anew,
//! with a site and a route of its own. Both go through the cache. A page is sent when all its fragments are there, so that one
//! that can't be had is an error with a status, and not half a page.

mod fragment;
mod gather;
mod target;

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::{HeaderName, Method, header};
use pingora::Result;
use pingora::protocols::http::conditional_filter::to_304;
use pingora::proxy::Session;
use pingora_http::ResponseHeader;
use rimward_cache::head::forget_body;
use rimward_filters::esi::{self, Rules};

use super::compress;
use super::context::{Context, Progress};
use super::copied::Copied;
use super::errors::fail;
use super::respond;
use super::slices::{Fetch, OWN_FIELDS, begun};
use crate::edge::Process;

pub(super) use fragment::Fragment;

const SURROGATE_CONTROL: HeaderName = HeaderName::from_static("surrogate-control");

/// Answers a request for what may be a page with fragments, if its route puts such together. Returns whether it did.
///
/// # Errors
/// When the page or one of its fragments can't be had, or the client leaves.
pub(super) async fn answer(
    process: &Process,
    session: &mut Session,
    ctx: &mut Context,
) -> Result<bool> {
    let exchange = ctx.exchange.as_ref().filter(|_| !ctx.is_copy());
    let Some(rules) = exchange.and_then(|exchange| exchange.notes.get::<Rules>().cloned()) else {
        return Ok(false);
    };
    let Some(mut copied) = Copied::of(session, ctx) else {
        return Ok(false);
    };
    for name in &OWN_FIELDS {
        copied.request.remove_header(name);
    }
    copied.request.set_method(Method::GET);
    ctx.progress = Progress::Head;
    let mut page = Fetch::whole(session, &Arc::new(copied))?;
    let head = *begun(&mut page, session, ctx).await?;
    if counts(&rules, &head) {
        put_together(process, session, ctx, &rules, page, head).await?;
    } else {
        pass_on(process, session, ctx, page, head).await?;
    }
    Ok(true)
}

/// Whether a response is a page with markup.
fn counts(rules: &Rules, head: &ResponseHeader) -> bool {
    let text = |name: &HeaderName| head.headers.get(name)?.to_str().ok();
    let kind = text(&header::CONTENT_TYPE).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let is_of_type = rules
        .content_types
        .iter()
        .any(|one| one.eq_ignore_ascii_case(kind));
    let is_announced =
        !rules.announced || text(&SURROGATE_CONTROL).is_some_and(|told| told.contains("ESI/1.0"));
    is_of_type && is_announced && !head.headers.contains_key(header::CONTENT_ENCODING)
}

/// Passes on a response that is no such page.
async fn pass_on(
    process: &Process,
    session: &mut Session,
    ctx: &mut Context,
    mut page: Fetch,
    mut head: ResponseHeader,
) -> Result<()> {
    compress::judge(&head, ctx);
    if process.cache.is_not_modified(session.req_header(), &head) {
        to_304(&mut head);
        respond::begin(process, session, ctx, head, false).await?;
        return Ok(());
    }
    let has_body = session.req_header().method != Method::HEAD && !respond::is_bodiless(&head);
    if !respond::begin(process, session, ctx, head, has_body).await? {
        return Ok(());
    }
    while let Some(piece) = page.read(session).await? {
        respond::go_on(session, ctx, Some(piece), false).await?;
    }
    respond::go_on(session, ctx, None, true).await
}

async fn put_together(
    process: &Process,
    session: &mut Session,
    ctx: &mut Context,
    rules: &Rules,
    mut page: Fetch,
    mut head: ResponseHeader,
) -> Result<()> {
    let text = whole(&mut page, session, rules.max_size).await?;
    let nodes = esi::parse(&text).map_err(|error| fail(502, error.to_string()))?;
    let includes = esi::count(&nodes);
    if includes > rules.max_includes {
        let why = format!(
            "the page has {includes} includes: `max_includes` allows {}",
            rules.max_includes
        );
        return Err(fail(502, why));
    }
    if includes > 0 && ctx.esi_depth >= rules.max_depth {
        return Err(fail(
            502,
            "fragments include others deeper than `max_depth` allows",
        ));
    }
    let body = gather::gather(session, ctx, rules, nodes).await?;
    forget_body(&mut head);
    head.remove_header(&SURROGATE_CONTROL);
    head.insert_header(header::CONTENT_LENGTH, body.len().to_string())?;
    compress::judge(&head, ctx);
    ctx.is_put_together = true;
    let has_body = session.req_header().method != Method::HEAD;
    if respond::begin(process, session, ctx, head, has_body).await? {
        respond::go_on(session, ctx, Some(body), true).await?;
    }
    Ok(())
}

/// Reads a page to its end.
async fn whole(page: &mut Fetch, session: &mut Session, most: usize) -> Result<Bytes> {
    let mut text = BytesMut::new();
    while let Some(piece) = page.read(session).await? {
        if text.len() + piece.len() > most {
            return Err(fail(
                502,
                format!("the page is longer than the {most} bytes of `max_size`"),
            ));
        }
        text.extend_from_slice(&piece);
    }
    Ok(text.freeze())
}
