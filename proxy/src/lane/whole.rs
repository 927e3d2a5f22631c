//! The head of a hit that filters may change: made whole, led through the response phase, and written.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::{BufMut, BytesMut};
use http::{HeaderValue, StatusCode, Version, header};
use pingora::protocols::http::conditional_filter::to_304;
use pingora_http::{HeaderNameVariant, ResponseHeader};
use rimward_cache::encoding::{self, Accepted, Encoding};
use rimward_cache::head::forget_body;
use rimward_cache::{Object, date};
use rimward_filters::{Exchange, FilterError, Rewriters, WayThere};

use super::find::Found;
use super::lines::{cache_status, end, room, timing};
use super::sending::Body;
use super::work::Work;
use super::{Ends, Reply, ready};
use crate::cache::declared_length;
use crate::compress::Streamed;
use crate::edge::Process;
use crate::request::caching::{keep_back, put_status, put_timing};
use crate::request::{compress, is_bodiless};

/// Fields for which there is room beside those that are stored.
const ADDED: usize = 8;

/// Writes the head; `None` when the answer needs more than this.
pub(super) fn write(
    process: &Process,
    found: &Found<'_, '_, '_>,
    work: &mut Work,
    ends: &Ends,
    output: &mut BytesMut,
) -> Option<Reply> {
    let (head, body) = make(process, found, work, ends)?;
    output.reserve(room(body.len()));
    output.put_slice(b"HTTP/1.1 ");
    output.put_slice(head.status.as_str().as_bytes());
    output.put_slice(b" ");
    output.put_slice(head.get_reason_phrase().unwrap_or_default().as_bytes());
    output.put_slice(b"\r\n");
    write_fields(&head, &found.fresh.object, output)?;
    end(ends, output);
    Some(Reply {
        status: head.status.as_u16(),
        body: (ends.has_body(found) && !is_bodiless(&head)).then_some(body),
    })
}

/// Writes the fields; names that are stored in the case in which they are stored.
fn write_fields(head: &ResponseHeader, object: &Object, output: &mut BytesMut) -> Option<()> {
    let stored: Vec<&[u8]> = object.fields().map(|(name, _)| name).collect();
    let written = head.map(|name, value| {
        let name = match &name {
            HeaderNameVariant::Case(name) => name.as_slice(),
            HeaderNameVariant::Titled(name) => name.as_bytes(),
        };
        let told = stored.iter().find(|told| told.eq_ignore_ascii_case(name));
        output.put_slice(told.map_or(name, |told| told));
        output.put_slice(b": ");
        output.put_slice(value.as_bytes());
        output.put_slice(b"\r\n");
        Ok(())
    });
    written.ok()
}

/// Makes the head, and tells which body follows.
pub(super) fn make(
    process: &Process,
    found: &Found<'_, '_, '_>,
    work: &mut Work,
    ends: &Ends,
) -> Option<(ResponseHeader, Body)> {
    let mut spent = 0;
    let (head, body) = match (found.accepted, &mut work.exchange, &mut work.way) {
        (Some(accepted), Some(exchange), Some(way)) => {
            let made = filter(process, found, accepted, exchange, way)?;
            spent = exchange.filter_nanoseconds;
            made
        }
        _ => {
            let body = Body::Stored(found.fresh.object.clone());
            (told(found, stored(found)?)?, body)
        }
    };
    let spent = Duration::from_nanos(spent);
    Some((finish(process, found, head, spent, ends)?, body))
}

/// What the response phase and the compression make of the head.
fn filter(
    process: &Process,
    found: &Found<'_, '_, '_>,
    accepted: Accepted,
    exchange: &mut Exchange,
    way: &mut WayThere,
) -> Option<(ResponseHeader, Body)> {
    let route = found.place.route;
    let stored = stored(found)?;
    let could_encode = compress::may_encode_in(route, &stored);
    // Before filters see it, since what is not there yet is for the engine to make.
    let encoded = encoded(process, found, accepted, could_encode)?;
    let mut head = told(found, stored)?;
    let depth = route.pipeline.len();
    exchange.found = rimward_filters::Found::Hit;
    let rewriters = route.pipeline.response_at_once(depth, exchange, &mut head);
    let mut rewriters = rewriters.map_err(|failure| way.fail(failure)).ok()?;
    let mut body = match rewriters.is_empty() || is_bodiless(&head) {
        true => Body::Stored(found.fresh.object.clone()),
        false => passed(found, &mut rewriters, &mut head)
            .map_err(|error| way.fault(&route.pipeline, error))
            .ok()?,
    };
    if route.compression.is_some() {
        let may_encode = compress::may_encode_in(route, &head);
        let request = &exchange.request;
        compress::say(request, &mut head, may_encode || could_encode).ok()?;
        if may_encode {
            body = encode(body, accepted, encoded, &mut head)?;
        }
    }
    Some((head, body))
}

/// The body as it leaves those who look at it or put another in its place.
fn passed(
    found: &Found<'_, '_, '_>,
    rewriters: &mut Rewriters,
    head: &mut ResponseHeader,
) -> Result<Body, FilterError> {
    let is_made = rewriters.replaces() || rewriters.rewrites();
    let object = &found.fresh.object;
    let mut made = BytesMut::new();
    if !rewriters.replaces() {
        for piece in object.body.pieces().unwrap_or_default() {
            let piece = rewriters.pass(Some(piece.clone()), false)?;
            made.extend_from_slice(&piece.filter(|_| is_made).unwrap_or_default());
        }
    }
    let rest = rewriters.pass(None, true)?.unwrap_or_default();
    if !is_made {
        return Ok(Body::Stored(object.clone()));
    }
    if rewriters.rewrites() {
        forget_body(head);
    }
    let made = match made.is_empty() {
        true => rest,
        false => [made.freeze(), rest].concat().into(),
    };
    let told = head.insert_header(header::CONTENT_LENGTH, made.len());
    told.map_err(|error| FilterError::new(error.to_string()))?;
    Ok(Body::Made(made))
}

/// The body in the encoding that the client takes: of what is stored, the one that is there.
fn encode(
    body: Body,
    accepted: Accepted,
    encoded: Encoded,
    head: &mut ResponseHeader,
) -> Option<Body> {
    match (body, encoded, accepted.encoding) {
        (Body::Stored(_), Some((encoding, object)), _) => {
            encoding::describe(head, encoding, Some(object.body.len()));
            Some(Body::Stored(object))
        }
        (Body::Made(bytes), _, Some(encoding)) => {
            let mut rewriters = Rewriters::default();
            rewriters.push(Box::new(Streamed::new(encoding).ok()?));
            let bytes = rewriters.pass(Some(bytes), true).ok()?.unwrap_or_default();
            encoding::describe(head, encoding, Some(bytes.len() as u64));
            Some(Body::Made(bytes))
        }
        (body, ..) => Some(body),
    }
}

/// What is told to every client.
fn finish(
    process: &Process,
    found: &Found<'_, '_, '_>,
    mut head: ResponseHeader,
    spent: Duration,
    ends: &Ends,
) -> Option<ResponseHeader> {
    keep_back(found.place.route, &mut head);
    let pop = &found.place.runtime.config.pop;
    put_status(&mut head, cache_status(found).to_value(&pop.name)).ok()?;
    if pop.server_timing {
        put_timing(&mut head, &timing(spent, ends)).ok()?;
    }
    put_date(
        &mut head,
        &found.fresh.object,
        process.cache.objects().now(),
    )?;
    Some(head)
}

/// The head as it is stored; `None` when it does not tell the length of its body.
fn stored(found: &Found<'_, '_, '_>) -> Option<ResponseHeader> {
    let object = &found.fresh.object;
    let head = ready::head(object, ADDED);
    (declared_length(&head) == Some(object.body.len())).then_some(head)
}

/// The same with its age, or the 304 that stands for it.
fn told(found: &Found<'_, '_, '_>, mut head: ResponseHeader) -> Option<ResponseHeader> {
    head.set_version(Version::HTTP_11);
    head.insert_header(header::AGE, found.fresh.age()).ok()?;
    if found.not_modified {
        to_304(&mut head);
        head.set_reason_phrase(None).ok()?;
    } else if head.status == StatusCode::OK && found.place.route.ranges {
        head.insert_header(header::ACCEPT_RANGES, "bytes").ok()?;
    }
    Some(head)
}

type Encoded = Option<(Encoding, Arc<Object>)>;

/// The object in the encoding that the client takes. `None` in all when it is yet to be made.
fn encoded(
    process: &Process,
    found: &Found<'_, '_, '_>,
    accepted: Accepted,
    could_encode: bool,
) -> Option<Encoded> {
    if found.not_modified || !could_encode {
        return Some(None);
    }
    match accepted.encoding {
        Some(encoding) => {
            let store = process.cache.objects();
            let object = store.encoded(&found.fresh.object, encoding)?;
            object.body.pieces()?;
            Some(Some((encoding, object)))
        }
        None => accepted.identity.then_some(None),
    }
}

/// The date of the response, which a filter may have taken away.
fn put_date(head: &mut ResponseHeader, object: &Object, now: SystemTime) -> Option<()> {
    let told = head.headers.get(header::DATE);
    let mut stored = object.fields();
    let stored = stored.find(|(name, _)| name.eq_ignore_ascii_case(b"date"));
    let is_stored = told.is_some_and(|told| stored.is_some_and(|(_, date)| date == told));
    let is_date = |told: &HeaderValue| {
        told.to_str()
            .is_ok_and(|told| date::parse(told, now).is_some())
    };
    if !is_stored && !told.is_some_and(is_date) {
        let now = date::format(SystemTime::now());
        head.insert_header(header::DATE, now).ok()?;
    }
    Some(())
}
