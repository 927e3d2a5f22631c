//! What is different when the origin is a bucket: requests are signed, and its errors are not for clients to read.

use bytes::Bytes;
use http::{HeaderName, header};
use pingora::proxy::Session;
use pingora::{Error, ErrorType, Result};
use pingora_http::{RequestHeader, ResponseHeader};
use rimward_cache::head::forget_body;

use super::context::Context;
use super::error_page::error_page_for_all;
use super::errors::{fail, refuse};
use crate::edge::Process;
use crate::origin::{Origin, Refusal, Unasked};

/// Refuses a method that no bucket is asked for, before a connection is made for it.
///
/// # Errors
/// With 405.
pub(super) fn takes(session: &Session, ctx: &Context) -> Result<()> {
    let bucket = ctx.origin.as_ref().and_then(|origin| origin.s3());
    let takes = bucket.map(|bucket| bucket.takes(&session.req_header().method));
    takes.unwrap_or(Ok(())).map_err(refused)
}

/// Signs a request whose head will not change any more.
///
/// # Errors
/// When the bucket is not asked for it.
pub(super) fn sign(origin: Option<&Origin>, request: &mut RequestHeader) -> Result<()> {
    origin.map_or(Ok(()), |origin| origin.sign(request).map_err(refused))
}

fn refused(unasked: Unasked) -> Box<Error> {
    match unasked.status {
        500.. => fail(unasked.status, unasked.reason),
        status => refuse(status, unasked.reason),
    }
}

/// Makes of a bucket's error what a client may see of it, and tells the operator what would be right.
///
/// # Errors
/// When it is the edge that was refused: something stale may be served instead.
pub(super) fn judge(
    process: &Process,
    session: &Session,
    ctx: &mut Context,
    response: &mut ResponseHeader,
) -> Result<()> {
    ctx.page = None;
    if ctx.given.is_some() {
        return Ok(());
    }
    let Some(refusal) = refusal(session, ctx, response) else {
        return Ok(());
    };
    if refusal.failed {
        let why = refusal.fault.unwrap_or_default();
        return Err(Error::explain(ErrorType::HTTPStatus(refusal.status), why).into_up());
    }
    if let Some(fault) = &refusal.fault {
        process.faults.tell(ctx.request_id(), refusal.status, fault);
    }
    let page = error_page_for_all(ctx, refusal.status);
    response.set_status(refusal.status)?;
    response.set_reason_phrase(None)?;
    forget_body(response);
    let details = |name: &&HeaderName| name.as_str().starts_with("x-amz-");
    let details: Vec<HeaderName> = response.headers.keys().filter(details).cloned().collect();
    for name in details
        .iter()
        .chain(&[header::ETAG, header::CONTENT_ENCODING])
    {
        response.remove_header(name);
    }
    response.insert_header(header::CONTENT_TYPE, page.content_type)?;
    ctx.page = Some(page.body);
    Ok(())
}

/// The status that clients get for an answer: of a bucket's error, not always the bucket's own.
pub(super) fn status(session: &Session, ctx: &Context, response: &ResponseHeader) -> u16 {
    let refusal = refusal(session, ctx, response);
    refusal.map_or(response.status.as_u16(), |refusal| refusal.status)
}

fn refusal(session: &Session, ctx: &Context, response: &ResponseHeader) -> Option<Refusal> {
    let bucket = ctx.origin.as_ref()?.s3()?;
    let code = ctx.picked.as_ref().and_then(|picked| picked.error_code());
    let reads = session.req_header().method.is_safe();
    bucket.refusal(reads, response.status, &response.headers, code)
}

/// Puts our page in the place of a bucket's error.
pub(super) fn replace(ctx: &mut Context, body: &mut Option<Bytes>, end: bool) {
    if ctx.page.is_some() {
        *body = match end {
            true => ctx.page.take(),
            false => None,
        };
    }
}
