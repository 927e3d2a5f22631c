//! What filters answer: the head of it, led through the response phase of the filters before.

use std::time::{Duration, SystemTime};

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderName, Version, header};
use pingora::Error;
use pingora_http::ResponseHeader;
use rimward_cache::date;
use rimward_cache::head::forget_body;
use rimward_filters::{Answer, Exchange, Failure, FilterError};

use super::Ends;
use super::lines::end;
use super::place::Place;
use super::work::Work;
use crate::metrics::CacheResult;
use crate::request::caching::{Timing, generated, put_status, put_timing};
use crate::request::{is_bodiless, pass_whole};

/// Fields that concern a connection: it is not for filters to say how that goes on.
const CONNECTIONS: [HeaderName; 5] = [
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// Why what a filter answered can't be sent.
enum Unsent {
    /// Another filter failed on it.
    Failed(Failure),
    /// It can't be made a response.
    Flawed(Box<Error>),
}

impl From<Box<Error>> for Unsent {
    fn from(error: Box<Error>) -> Self {
        Self::Flawed(error)
    }
}

/// The response that a filter gave in the request phase: its head and its body, which is there for a HEAD as well. `None` when
/// there is none, or when it is for the engine to tell of a fault.
pub(super) fn make(
    place: &Place<'_, '_>,
    work: &mut Work,
    ends: &Ends,
) -> Option<(ResponseHeader, Bytes)> {
    let (exchange, way) = (work.exchange.as_deref_mut()?, work.way.as_mut()?);
    let depth = way.depth();
    let answer = way.take_answer()?;
    match made(place, exchange, *answer, depth, ends) {
        Ok(made) => Some(made),
        Err(Unsent::Failed(failure)) => {
            way.fail(failure);
            None
        }
        Err(Unsent::Flawed(error)) => {
            let error = FilterError::new(error.to_string());
            way.fault(&place.route.pipeline, error);
            None
        }
    }
}

fn made(
    place: &Place<'_, '_>,
    exchange: &mut Exchange,
    answer: Answer,
    depth: usize,
    ends: &Ends,
) -> Result<(ResponseHeader, Bytes), Unsent> {
    let Answer {
        mut head,
        mut body,
        refusal,
    } = answer;
    let route = place.route;
    if refusal {
        let status = head.status.as_u16();
        let page = route.error_pages.page(status, &exchange.request_id);
        head.insert_header(header::CONTENT_TYPE, page.content_type)?;
        head.insert_header(header::CACHE_CONTROL, "no-store")?;
        body = page.body;
    }
    let rewriters = route.pipeline.response_at_once(depth, exchange, &mut head);
    let mut rewriters = rewriters.map_err(Unsent::Failed)?;
    if rewriters.rewrites() {
        forget_body(&mut head);
    }
    let body = pass_whole(&mut rewriters, &head, body)?;
    let spent = Duration::from_nanos(exchange.filter_nanoseconds);
    finish(place, &mut head, &body, spent, ends)?;
    Ok((head, body))
}

/// What is told to every client.
fn finish(
    place: &Place<'_, '_>,
    head: &mut ResponseHeader,
    body: &Bytes,
    spent: Duration,
    ends: &Ends,
) -> pingora::Result<()> {
    for name in &CONNECTIONS {
        head.remove_header(name);
    }
    head.set_version(Version::HTTP_11);
    match is_bodiless(head) {
        true => drop(head.remove_header(&header::CONTENT_LENGTH)),
        false => head.insert_header(header::CONTENT_LENGTH, body.len())?,
    }
    let pop = &place.runtime.config.pop;
    put_status(head, generated(&pop.name))?;
    if pop.server_timing {
        let timing = Timing {
            cache: CacheResult::None,
            filters: Some(spent),
            origin: None,
            total: ends.began.elapsed(),
        };
        put_timing(head, &timing)?;
    }
    let now = date::format(SystemTime::now());
    head.insert_header(header::DATE, now)
}

/// Writes the head as lines.
pub(super) fn write(head: &ResponseHeader, ends: &Ends, output: &mut BytesMut) {
    output.put_slice(b"HTTP/1.1 ");
    output.put_slice(head.status.as_str().as_bytes());
    output.put_slice(b" ");
    output.put_slice(head.get_reason_phrase().unwrap_or_default().as_bytes());
    output.put_slice(b"\r\n");
    head.header_to_h1_wire(output);
    end(ends, output);
}

/// Whether a body follows the head.
pub(super) fn has_body(head: &ResponseHeader, body: &Bytes, ends: &Ends) -> bool {
    !ends.is_head && !body.is_empty() && !is_bodiless(head)
}
