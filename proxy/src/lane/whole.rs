//! The head of a hit that filters may change: made whole, led through the response phase, and written.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::{BufMut, BytesMut};
use http::{HeaderValue, StatusCode, Version, header};
use pingora::protocols::http::conditional_filter::to_304;
use pingora_http::{HeaderNameVariant, ResponseHeader};
use rimward_cache::encoding::{self, Accepted, Encoding};
use rimward_cache::{Object, date};
use rimward_filters::Exchange;

use super::find::{Filtered, Found};
use super::lines::{cache_status, end, room, timing};
use super::{Ends, Reply, ready};
use crate::cache::declared_length;
use crate::edge::Process;
use crate::request::caching::{keep_back, put_status, put_timing};
use crate::request::compress;

/// Fields for which there is room beside those that are stored.
const ADDED: usize = 8;

/// Writes the head; `None` when the answer needs more than this.
pub(super) fn write(
    process: &Process,
    found: &mut Found<'_, '_>,
    exchange: Option<&mut Exchange>,
    ends: &Ends,
    output: &mut BytesMut,
) -> Option<Reply> {
    let (head, body) = make(process, found, exchange, ends)?;
    output.reserve(room(&body));
    output.put_slice(b"HTTP/1.1 ");
    output.put_slice(head.status.as_str().as_bytes());
    output.put_slice(b" ");
    output.put_slice(head.get_reason_phrase().unwrap_or_default().as_bytes());
    output.put_slice(b"\r\n");
    write_fields(&head, &body, output)?;
    end(ends, output);
    Some(Reply {
        status: head.status.as_u16(),
        body: ends.has_body(found).then_some(body),
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

/// Makes the head, and tells whose body follows.
pub(super) fn make(
    process: &Process,
    found: &mut Found<'_, '_>,
    exchange: Option<&mut Exchange>,
    ends: &Ends,
) -> Option<(ResponseHeader, Arc<Object>)> {
    let mut spent = 0;
    let (head, body) = match (found.filtered.take(), exchange) {
        (Some(filtered), Some(exchange)) => {
            let made = filter(process, found, filtered, exchange)?;
            spent = exchange.filter_nanoseconds;
            made
        }
        _ => (told(found, stored(found)?)?, found.fresh.object.clone()),
    };
    let spent = Duration::from_nanos(spent);
    Some((finish(process, found, head, spent, ends)?, body))
}

/// What the response phase and the compression make of the head.
fn filter(
    process: &Process,
    found: &Found<'_, '_>,
    filtered: Filtered,
    exchange: &mut Exchange,
) -> Option<(ResponseHeader, Arc<Object>)> {
    let route = found.place.route;
    let mut body = found.fresh.object.clone();
    let stored = stored(found)?;
    let could_encode = compress::may_encode_in(route, &stored);
    let encoded = encoded(process, found, filtered.accepted, could_encode)?;
    let mut head = told(found, stored)?;
    filtered.trial.counts(&route.pipeline, exchange);
    let depth = route.pipeline.len();
    let rewriters = route.pipeline.try_response(depth, exchange, &mut head);
    if !rewriters.ok()??.is_empty() {
        return None;
    }
    if route.compression.is_some() {
        let may_encode = compress::may_encode_in(route, &head);
        let request = &exchange.request;
        compress::say(request, &mut head, may_encode || could_encode).ok()?;
        if let Some((encoding, object)) = encoded.filter(|_| may_encode) {
            encoding::describe(&mut head, encoding, Some(object.body.len()));
            body = object;
        }
    }
    Some((head, body))
}

/// What is told to every client.
fn finish(
    process: &Process,
    found: &Found<'_, '_>,
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
fn stored(found: &Found<'_, '_>) -> Option<ResponseHeader> {
    let object = &found.fresh.object;
    let head = ready::head(object, ADDED);
    (declared_length(&head) == Some(object.body.len())).then_some(head)
}

/// The same with its age, or the 304 that stands for it.
fn told(found: &Found<'_, '_>, mut head: ResponseHeader) -> Option<ResponseHeader> {
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
    found: &Found<'_, '_>,
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
