//! Pages that are put together from fragments (Edge Side Includes).
//!
//! The page is a request of the edge's own, which goes on where the client's request is ([`super::aside`]); each fragment is one that
//! begins anew, with a site and a route of its own. Both go through the cache. A page is sent when all its fragments are there, so that one
//! that can't be had is an error with a status, and not half a page.

mod fragment;
mod gather;
mod target;

use bytes::{Bytes, BytesMut};
use http::{HeaderName, header};
use pingora::Result;
use pingora::proxy::Session;
use pingora_http::ResponseHeader;
use rimward_cache::head::forget_body;
use rimward_filters::esi::{self, Rules};

use super::context::Context;
use super::errors::fail;
use super::slices::Fetch;

pub(super) use fragment::Fragment;

const SURROGATE_CONTROL: HeaderName = HeaderName::from_static("surrogate-control");

/// Whether the response may be a page with fragments, since its route puts such together.
pub(super) fn may_be_page(ctx: &Context) -> bool {
    rules(ctx).is_some()
}

/// By which rules a response with this head is put together, if it is such a page.
pub(super) fn rules_for(ctx: &Context, head: &ResponseHeader) -> Option<Rules> {
    rules(ctx).filter(|rules| counts(rules, head)).cloned()
}

fn rules(ctx: &Context) -> Option<&Rules> {
    ctx.exchange.as_ref()?.notes.get::<Rules>()
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

/// Puts a page together: its head and its whole body.
///
/// # Errors
/// When the page or one of its fragments can't be had, or the client leaves.
pub(super) async fn put_together(
    session: &mut Session,
    ctx: &Context,
    rules: &Rules,
    mut page: Fetch,
    mut head: ResponseHeader,
) -> Result<(ResponseHeader, Bytes)> {
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
    head.insert_header(header::CONTENT_LENGTH, body.len())?;
    Ok((head, body))
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
