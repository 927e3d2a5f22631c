//! Ranges of a large object, put together from its slices: what a seek costs is the slices that it touches.
//!
//! A client's request for a range becomes requests of the edge's own, one for each slice, which go the whole way of any
//! request from the cache on: lookup, coalescing, revalidation, origin, store. The first tells of which version the
//! object is; a slice of another version is never sent after it. While one slice is sent the next is on its way, and no
//! more than that. Where there are no slices to be had, the request goes the way of all others.

mod cut;
mod fetch;
mod outcome;
mod sequence;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use pingora::Result;
use pingora::protocols::http::conditional_filter::to_304;
use pingora::proxy::{RangeType, Session};
use pingora_http::ResponseHeader;
use rimward_cache::range::{First, first};
use rimward_cache::slice::{Version, whole_head};
use rimward_cache::{Key, Slice};

use super::aside::Coming;
use super::caching;
use super::compress;
use super::context::{Context, Progress};
use super::copied::Copied;
use super::respond;
use crate::cache::is_cacheable;
use crate::edge::Process;
use cut::Cutter;
use sequence::{Sequence, send};

pub(super) use fetch::{Carried, Fetch};
pub(super) use outcome::{Outcome, tell};

/// How often a response is begun that turns out to be of a version which the origin has replaced.
const ATTEMPTS: usize = 2;

/// Fields of the client's request that are not for the requests for slices.
pub(super) const OWN_FIELDS: [header::HeaderName; 6] = [
    header::RANGE,
    header::IF_RANGE,
    header::IF_NONE_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_MATCH,
    header::IF_UNMODIFIED_SINCE,
];

/// A request that is answered in slices.
struct Asked {
    /// The key of the whole object.
    key: Key,
    /// Bytes of a slice.
    size: u64,
    /// The slice that is asked for first.
    first: Slice,
    copied: Arc<Copied>,
}

/// How an attempt to answer ended.
enum Ended {
    /// With a response.
    Answered,
    /// Without one: the origin has replaced the object.
    Replaced,
    /// Without one: the request goes the way of all others.
    Unsliced,
}

/// Answers a request for a range from slices, if it is one to be answered so. Returns whether it did.
///
/// # Errors
/// When the origin fails, the client leaves, or the object is replaced after the response has begun.
pub(super) async fn answer(
    process: &Process,
    session: &mut Session,
    ctx: &mut Context,
) -> Result<bool> {
    let Some(asked) = Asked::of(process, session, ctx) else {
        return Ok(false);
    };
    for _ in 0..ATTEMPTS {
        match attempt(process, session, ctx, &asked).await? {
            Ended::Answered => return Ok(true),
            Ended::Replaced => {}
            Ended::Unsliced => break,
        }
    }
    ctx.sliced = None;
    Ok(false)
}

impl Asked {
    fn of(process: &Process, session: &Session, ctx: &Context) -> Option<Self> {
        let request = session.req_header();
        let size = ctx.route.as_ref()?.cache.as_ref()?.slice?;
        let is_asked = !ctx.background
            && ctx.tells.is_none()
            && request.method == Method::GET
            && !session.ignore_downstream_range
            && !names_weak_tag(&request.headers);
        let begin = first(request).filter(|_| is_asked && is_cacheable(request))?;
        let key = caching::key_of(session, ctx, None)?;
        if !process.cache.wants_slices(&key, request, begin, size) {
            return None;
        }
        let position = match begin {
            First::At(position) => position,
            // The length is to be learnt first.
            First::Unknown => 0,
        };
        let mut copied = Copied::of(session, ctx)?;
        for name in &OWN_FIELDS {
            copied.request.remove_header(name);
        }
        Some(Self {
            key,
            size,
            first: Slice::at(position, size),
            copied: Arc::new(copied),
        })
    }
}

/// A weak tag in `If-Range` never holds: the whole is wanted.
fn names_weak_tag(fields: &HeaderMap) -> bool {
    let condition = fields.get(header::IF_RANGE);
    condition.is_some_and(|condition| condition.as_bytes().starts_with(b"W/"))
}

async fn attempt(
    process: &Process,
    session: &mut Session,
    ctx: &mut Context,
    asked: &Asked,
) -> Result<Ended> {
    ctx.progress = Progress::Head;
    let mut fetch = Fetch::start(session, &asked.copied, asked.first, None)?;
    let head = begun(&mut fetch, session, ctx).await?;
    let has_if_range = session.req_header().headers.contains_key(header::IF_RANGE);
    match head.status {
        StatusCode::PARTIAL_CONTENT => {
            let version = asked.first.version(&head, process.cache.objects().now());
            match version {
                Some(version) => {
                    in_slices(process, session, ctx, asked, fetch, &head, &version).await
                }
                None => Ok(Ended::Unsliced),
            }
        }
        // If the client has another version, it gets the whole of this one.
        StatusCode::RANGE_NOT_SATISFIABLE if has_if_range => Ok(Ended::Unsliced),
        _ => pass_on(process, session, ctx, fetch, *head).await,
    }
}

/// Waits for the head of a slice, and notes what became of the request for it.
pub(super) async fn begun(
    fetch: &mut Fetch,
    session: &mut Session,
    ctx: &mut Context,
) -> Result<Box<ResponseHeader>> {
    let head = fetch.head(session).await;
    ctx.is_posted |= fetch.outcome().is_some_and(|outcome| outcome.is_posted);
    if let (None, Some(first), Some(exchange)) = (&ctx.sliced, fetch.outcome(), &mut ctx.exchange) {
        exchange.log.extend(first.log.iter().cloned());
    }
    match (&mut ctx.sliced, fetch.outcome()) {
        (Some(all), Some(one)) => all.add(one),
        (none @ None, Some(one)) => *none = Some(Box::new(one.clone())),
        (_, None) => {}
    }
    head
}

/// Passes on what was answered instead of a slice: of a 200, the ranges that the client wants.
async fn pass_on(
    process: &Process,
    session: &mut Session,
    ctx: &mut Context,
    mut fetch: Fetch,
    mut head: ResponseHeader,
) -> Result<Ended> {
    compress::judge(&head, ctx);
    let Some(mut cutter) = cutter(process, session, ctx, &mut head) else {
        respond::begin(process, session, ctx, head, &mut Coming::Elsewhere).await?;
        return Ok(Ended::Answered);
    };
    // No filter of the route waits for it.
    let coming = &mut Coming::Whole(Bytes::new());
    if respond::begin(process, session, ctx, head, coming).await? {
        send(session, ctx, &mut fetch, &mut cutter, u64::MAX).await?;
        respond::go_on(session, ctx, cutter.end(), true).await?;
    }
    Ok(Ended::Answered)
}

/// What a client gets of a response with this head, which is changed to match; `None` when it gets no body.
fn cutter(
    process: &Process,
    session: &Session,
    ctx: &Context,
    head: &mut ResponseHeader,
) -> Option<Cutter> {
    let request = session.req_header();
    if process.cache.is_not_modified(request, head) {
        to_304(head);
        return None;
    }
    let length = head.headers.get(header::CONTENT_LENGTH);
    let total = length.and_then(|length| length.to_str().ok()?.parse().ok());
    let range = match head.status {
        StatusCode::OK if !compress::may_mix_encodings(session, ctx) => {
            process.cache.range(request, head)
        }
        _ => RangeType::None,
    };
    let has_body = !matches!(range, RangeType::Invalid);
    has_body.then(|| Cutter::new(range, total.unwrap_or_default()))
}

async fn in_slices(
    process: &Process,
    session: &mut Session,
    ctx: &mut Context,
    asked: &Asked,
    fetch: Fetch,
    head: &ResponseHeader,
    version: &Version,
) -> Result<Ended> {
    let mut head = whole_head(head, version.total);
    compress::judge(&head, ctx);
    let Some(mut cutter) = cutter(process, session, ctx, &mut head) else {
        respond::begin(process, session, ctx, head, &mut Coming::Elsewhere).await?;
        return Ok(Ended::Answered);
    };
    if head.status != StatusCode::PARTIAL_CONTENT {
        return Ok(Ended::Unsliced);
    }
    let sequence = Sequence {
        process,
        asked,
        version,
    };
    let Some(fetch) = sequence.first(session, ctx, fetch, &cutter).await? else {
        return Ok(Ended::Replaced);
    };
    let rest = sequence.is_stored(session, fetch.slice.end(), &cutter);
    if let Some(sliced) = &mut ctx.sliced {
        sliced.is_made_of_slices(rest);
    }
    let coming = &mut Coming::Whole(Bytes::new());
    if respond::begin(process, session, ctx, head, coming).await? {
        sequence.send(session, ctx, fetch, &mut cutter).await?;
        respond::go_on(session, ctx, cutter.end(), true).await?;
    }
    Ok(Ended::Answered)
}
