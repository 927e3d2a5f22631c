//! The end of an exchange that failed: a page that says so, the site's own if it has one.

use http::header;
use pingora::cache::CachePhase;
use pingora::proxy::{FailToProxy, Session};
use pingora::{Error, OrErr, Result};
use pingora_http::ResponseHeader;

use super::context::{Context, Progress};
use super::errors::{classify, describe};
use super::forward::ends_connection;
use super::respond::{own_response, write};
use super::slices;
use crate::cache::{leave_out, stored_body};
use crate::edge::Process;
use crate::runtime::Page;

/// Ends an exchange that failed: with an error page, if there is still somebody to read it.
pub(super) async fn failed(
    process: &Process,
    session: &mut Session,
    error: &Error,
    ctx: &mut Context,
) -> FailToProxy {
    slices::tell(process, session, ctx);
    let fault = classify(error);
    let description = describe(error, ctx);
    ctx.end(fault.who, description);
    let nothing = FailToProxy {
        error_code: fault.status.unwrap_or(0),
        can_reuse_downstream: false,
    };
    // The exchange that a slice is for gets its error as it is.
    let (Some(status), None, None) = (fault.status, session.response_written(), &ctx.tells) else {
        return nothing;
    };
    // The connection goes on only when nothing of a request body is left that could be read as a request.
    let reusable = session.as_mut().is_body_empty();
    if !reusable || ctx.progress > Progress::Request {
        ends_connection(session);
    }
    if let Err(error) = write_error(process, session, ctx, status).await {
        tracing::debug!(%error, "error page could not be sent");
        return nothing;
    }
    FailToProxy {
        error_code: status,
        can_reuse_downstream: reusable,
    }
}

/// Ends an exchange that failed when a stored response was made ready for the client: the engine would say 500 whatever it is.
///
/// # Errors
/// When another response failed, of which the engine tells us.
pub(super) async fn in_place_of_hit(
    process: &Process,
    session: &mut Session,
    ctx: &mut Context,
    passed: Result<()>,
) -> Result<()> {
    let phase = session.cache.phase();
    let is_hit = matches!(phase, CachePhase::Hit | CachePhase::Stale);
    let (true, false, Err(error)) = (is_hit, ctx.is_copy(), &passed) else {
        return passed;
    };
    failed(process, session, error, ctx).await;
    if let Some(body) = stored_body(&mut session.cache) {
        leave_out(body);
    }
    ctx.is_sent = true;
    Ok(())
}

/// The site's page for a status, or ours.
pub(super) fn error_page(ctx: &Context, status: u16) -> Page {
    let pages = ctx
        .route
        .as_ref()
        .map(|route| route.error_pages.clone())
        .unwrap_or_default();
    pages.page(status, ctx.request_id())
}

/// The page for a status of a response that may be stored, and so belongs to no request.
pub(super) fn error_page_for_all(ctx: &Context, status: u16) -> Page {
    let pages = ctx.route.as_ref().map(|route| &route.error_pages);
    pages
        .map_or_else(Default::default, Clone::clone)
        .page(status, "")
}

async fn write_error(
    process: &Process,
    session: &mut Session,
    ctx: &mut Context,
    status: u16,
) -> Result<()> {
    ctx.own_answer = true;
    let page = error_page(ctx, status);
    let mut head = ResponseHeader::build(status, Some(6))
        .or_err(pingora::InternalError, "status of an error page")?;
    head.insert_header(header::CONTENT_TYPE, page.content_type)?;
    head.insert_header(header::CACHE_CONTROL, "no-store")?;
    if status == 503 {
        head.insert_header(header::RETRY_AFTER, "5")?;
    }
    if let (405, Some(bucket)) = (status, ctx.origin.as_ref().and_then(|origin| origin.s3())) {
        head.insert_header(header::ALLOW, bucket.allowed())?;
    }
    // Filters still do what they do to every response; a fault of theirs must not hide the first one.
    let body = match own_response(session, ctx, &mut head, page.body.clone()).await {
        Ok(body) => body,
        Err(error) => {
            tracing::debug!(%error, "response phase failed on an error page");
            page.body
        }
    };
    write(process, session, ctx, head, body).await
}
