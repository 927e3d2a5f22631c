//! Where an exchange meets compression: what the client takes, what there is of it, and what leaves.
//!
//! The cache decides by the object as its origin sent it, whether that is fresh, stale or renewed. Only when it is
//! served does its body leave in the encoding that the client takes, if somebody made that already. The client that an
//! object is fetched for gets it as it is; what passes by, stored nowhere, is encoded on its way.
//!
//! Ranges are ranges of the body as it is: what is encoded has a weak tag, by which no part of it can be asked for.

use std::sync::Arc;

use http::{HeaderValue, Method, StatusCode, header};
use pingora::cache::{CachePhase, HitHandler};
use pingora::proxy::Session;
use pingora::{OrErr, Result};
use pingora_http::{RequestHeader, ResponseHeader};
use rimward_cache::encoding::{self, Accepted};
use rimward_cache::{Encoding, Object, head as heads};
use rimward_filters::Phase;

use super::context::Context;
use super::respond::is_bodiless;
use crate::cache::{found_object, serve_instead};
use crate::compress::{Compression, Streamed};
use crate::edge::Process;
use crate::runtime::Route;

/// The largest body whose encoding a client waits for, instead of getting it as it is.
const WORTH_WAITING: u64 = 256 << 10;

/// What one exchange knows of encodings.
#[derive(Debug, Default)]
pub(super) struct Compressing {
    /// What the client takes.
    accepted: Accepted,
    /// Whether that is known already.
    is_agreed: bool,
    /// Whether the response may be encoded, as it was before it became a part of itself or a 304.
    may_encode: bool,
    /// Whether filters make another body of it on its way to the client.
    is_rewritten: bool,
    /// What it is in the encoding that the client takes.
    encoded: Option<(Encoding, Arc<Object>)>,
}

impl Compressing {
    /// Notes what the client takes, where that was found out before.
    pub(super) fn agreed(&mut self, accepted: Accepted) {
        self.accepted = accepted;
        self.is_agreed = true;
    }
}

/// Notes what the client takes. From here on the request asks for the body as it is: so one object serves all clients,
/// an origin that varies on `Accept-Encoding` has one variant, and filters can rewrite what they get.
///
/// # Errors
/// When the head can't take another field.
pub(super) fn negotiate(session: &mut Session, ctx: &mut Context) -> Result<()> {
    let is_open = !ctx.background && !ctx.compressing.is_agreed;
    let Some(route) = ctx.route.as_deref().filter(|_| is_open) else {
        return Ok(());
    };
    ctx.compressing.accepted = negotiate_for(route, session.req_header_mut())?;
    Ok(())
}

/// The same for a request of any road: what its client takes.
///
/// # Errors
/// When the head can't take another field.
pub(crate) fn negotiate_for(route: &Route, request: &mut RequestHeader) -> Result<Accepted> {
    let mut accepted = Accepted::default();
    if let Some(compression) = &route.compression {
        accepted = encoding::negotiate(&request.headers, &compression.encodings);
    }
    if asks_for_identity(route) {
        let identity = HeaderValue::from_static("identity");
        request.insert_header(header::ACCEPT_ENCODING, identity)?;
    }
    Ok(accepted)
}

/// Whether origins are asked for bodies as they are: to be encoded here, or to be rewritten.
pub(crate) fn asks_for_identity(route: &Route) -> bool {
    route.compression.is_some() || !route.ranges
}

/// Looks at a response that the cache has or gets, while it is whole.
pub(super) fn judge(response: &ResponseHeader, ctx: &mut Context) {
    ctx.compressing.may_encode = may_encode(&ctx.route, response);
}

/// Notes that what leaves is not what is stored: it is encoded behind the filters.
pub(super) fn rewritten(ctx: &mut Context) {
    ctx.compressing.is_rewritten = true;
}

/// Looks for the encoding of an object that was found. When it `is_served` it is made if it is not there, and a small
/// one is waited for.
pub(super) async fn find(
    process: &Process,
    session: &Session,
    (head, hit): (&ResponseHeader, &HitHandler),
    is_served: bool,
    ctx: &mut Context,
) {
    let (Some(route), Some(object)) = (&ctx.route, found_object(hit)) else {
        return;
    };
    let Some(encoding) = ctx.compressing.accepted.encoding else {
        return;
    };
    if !may_encode(&ctx.route, head) || rewrites(route) {
        return;
    }
    let store = process.cache.objects();
    let mut encoded = store.encoded(object, encoding);
    let is_part = session.req_header().headers.contains_key(header::RANGE);
    if encoded.is_none() && is_served && !is_part {
        let ordered = process.encoders.order(store, object, encoding);
        if let Some(ordered) = ordered.filter(|_| object.body.len() <= WORTH_WAITING) {
            ordered.wait().await;
            encoded = store.encoded(object, encoding);
        }
    }
    ctx.compressing.encoded = encoded.map(|encoded| (encoding, encoded));
}

/// Lets a response leave in the encoding that the client takes, if it may.
///
/// # Errors
/// When the head can't take another field, or there is no memory for an encoder.
pub(super) fn encode(
    session: &mut Session,
    ctx: &mut Context,
    head: &mut ResponseHeader,
) -> Result<()> {
    let Some(route) = ctx.route.clone() else {
        return Ok(());
    };
    tell(session, ctx, head)?;
    // What is put together from slices goes out as it is.
    let is_in_slices = ctx.sliced.is_some() && !ctx.is_aside;
    if !may_encode(&ctx.route, head) || is_in_slices {
        return Ok(());
    }
    let found = ctx.compressing.encoded.take();
    // What is encoded is the body as it is stored, and not what filters make of it.
    let rewrites = rewrites(&route) || ctx.compressing.is_rewritten;
    if let Some((encoding, object)) = found.filter(|_| is_of_object(session) && !rewrites) {
        let length = object.body.len();
        if serve_instead(session.cache.hit_handler(), object) {
            encoding::describe(head, encoding, Some(length));
            return Ok(());
        }
    }
    let Accepted { encoding, identity } = ctx.compressing.accepted;
    let is_stored = is_of_object(session) || is_being_stored(session);
    match encoding.filter(|_| !is_stored || !identity || rewrites) {
        Some(encoding) => encode_in_passing(session, ctx, head, encoding),
        None => Ok(()),
    }
}

/// Says of a response that could be encoded, or is a part of one or says that one holds still, that it varies. A 304 for
/// what is encoded or rewritten has the tag that the client knows it by.
///
/// # Errors
/// When the head can't take another field.
pub(super) fn tell(session: &Session, ctx: &Context, head: &mut ResponseHeader) -> Result<()> {
    if !ctx.route.as_deref().is_some_and(asks_for_identity) {
        return Ok(());
    }
    let could_encode = may_encode(&ctx.route, head) || ctx.compressing.may_encode;
    say(session.req_header(), head, could_encode)
}

/// The same for a response of any road.
///
/// # Errors
/// When the head can't take another field.
pub(crate) fn say(
    request: &RequestHeader,
    head: &mut ResponseHeader,
    could_encode: bool,
) -> Result<()> {
    if could_encode {
        vary(head)?;
    }
    if head.status == StatusCode::NOT_MODIFIED {
        name_tag_as_asked(request, head);
    }
    Ok(())
}

fn encode_in_passing(
    session: &Session,
    ctx: &mut Context,
    head: &mut ResponseHeader,
    encoding: Encoding,
) -> Result<()> {
    encoding::describe(head, encoding, None);
    if session.req_header().method != Method::HEAD && !is_bodiless(head) {
        let streamed = Streamed::new(encoding).or_err(pingora::InternalError, "an encoder")?;
        ctx.rewriters.push(Box::new(streamed));
    }
    Ok(())
}

/// Orders the encoding of an object that was stored just now, so that the next client gets it.
pub(super) fn encode_what_was_stored(process: &Process, session: &Session, ctx: &Context) {
    let Some(route) = ctx.route.as_ref().filter(|route| !rewrites(route)) else {
        return;
    };
    let (Some(compression), Some(encoding), Some(key), Some(terms)) = (
        &route.compression,
        ctx.compressing.accepted.encoding,
        ctx.caching.key(),
        ctx.caching.terms(),
    ) else {
        return;
    };
    if !is_being_stored(session) {
        return;
    }
    let store = process.cache.objects();
    let stored = store.arrived(key.as_ref(), terms.stored);
    if let Some(object) = stored.filter(|object| compression.may_encode(&object.head())) {
        drop(process.encoders.order(store, &object, encoding));
    }
}

/// Whether a part of the response could be joined with parts of another encoding: a date is the same for all of them.
pub(super) fn may_mix_encodings(session: &Session, ctx: &Context) -> bool {
    ctx.compressing.may_encode && !names_bytes(session.req_header())
}

/// An origin knows of one encoding only: what could be a part of another is asked for whole.
pub(super) fn ask_for_no_part_of_another_encoding(ctx: &Context, request: &mut RequestHeader) {
    if compression(&ctx.route).is_some() && !names_bytes(request) {
        request.remove_header(&header::RANGE);
        request.remove_header(&header::IF_RANGE);
    }
}

/// Whether `If-Range`, if it is there, is a strong tag, which nothing that is encoded has.
fn names_bytes(request: &RequestHeader) -> bool {
    let condition = request.headers.get(header::IF_RANGE);
    condition.is_none_or(|condition| condition.as_bytes().starts_with(b"\""))
}

fn may_encode(route: &Option<Arc<Route>>, head: &ResponseHeader) -> bool {
    compression(route).is_some_and(|compression| compression.may_encode(head))
}

/// Whether a response of this route may be encoded.
pub(crate) fn may_encode_in(route: &Route, head: &ResponseHeader) -> bool {
    let compression = route.compression.as_ref();
    compression.is_some_and(|compression| compression.may_encode(head))
}

fn compression(route: &Option<Arc<Route>>) -> Option<&Compression> {
    route.as_ref()?.compression.as_ref()
}

/// Whether filters may rewrite the body on its way to the client: it has to be encoded behind them.
fn rewrites(route: &Route) -> bool {
    route.pipeline.rewrites(Phase::Response)
}

/// Whether the response is a stored object.
fn is_of_object(session: &Session) -> bool {
    matches!(
        session.cache.phase(),
        CachePhase::Hit
            | CachePhase::Stale
            | CachePhase::StaleUpdating
            | CachePhase::Revalidated
            | CachePhase::RevalidatedNoCache(_)
    )
}

fn is_being_stored(session: &Session) -> bool {
    matches!(
        session.cache.phase(),
        CachePhase::Miss | CachePhase::Expired
    )
}

/// Says that the response depends on what the client takes.
fn vary(head: &mut ResponseHeader) -> Result<()> {
    let says_so = |name: &str| name == "*" || name.eq_ignore_ascii_case("accept-encoding");
    if rimward_cache::vary::names(&head.headers).any(says_so) {
        return Ok(());
    }
    let name = HeaderValue::from_static("Accept-Encoding");
    head.append_header(header::VARY, name).map(drop)
}

/// A client that has an encoded body knows it by a weak tag, and takes a 304 with a strong one for another's (RFC 9111
/// §4.3.4).
fn name_tag_as_asked(request: &RequestHeader, head: &mut ResponseHeader) {
    let Some(tag) = head.headers.get(header::ETAG) else {
        return;
    };
    let weak = [b"W/", tag.as_bytes()].concat();
    let asked_for = |line: &HeaderValue| {
        let mut places = line.as_bytes().windows(weak.len());
        places.any(|place| *place == *weak)
    };
    let mut lines = request.headers.get_all(header::IF_NONE_MATCH).iter();
    if lines.any(asked_for) {
        heads::weaken(head);
    }
}
