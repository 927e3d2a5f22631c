//! The fast lane: a plain request that a fresh object in memory answers is answered here, before the engine hears of it.
//!
//! It is a strict subset of the engine's road, `request.rs`, and takes its routing, filters, keys, policy and accounting
//! from there. Whatever is not plainly a hit is left to the engine as if nobody had looked: filters of a route in the
//! lane are pure, so that they can be run again, and nothing is counted before there is an answer.

mod answer;
mod asked;
mod find;
mod lines;
mod place;
mod sending;
mod whole;

use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use http::{Method, Response};
use rimward_cache::Object;

use crate::edge::Process;
use crate::listen::{self, Answered, Plain, StreamAnswer, Streamed};
use crate::runtime::Runtime;
use answer::Answer;
use asked::Asked;
use find::Found;
use sending::Sending;

/// Bodies up to this many bytes are copied behind their heads, which costs less than a second buffer.
const COPIED: u64 = 8 * 1024;

/// Bodies up to this many bytes wait whole in the frames of an HTTP/2 connection; for larger ones somebody has to watch how the
/// client reads.
const STREAMED: u64 = 64 * 1024;

/// The fast lane of an edge.
pub(crate) struct Lane {
    process: Arc<Process>,
}

/// What a response is made of beside its head.
struct Reply {
    status: u16,
    /// Whose body is sent, if any is.
    body: Option<Arc<Object>>,
}

impl Lane {
    pub(crate) fn new(process: Arc<Process>) -> Self {
        Self { process }
    }

    /// Finds what answers a request, with all that is needed to tell of it.
    fn find<'r, 'a>(
        &self,
        runtime: &'r Arc<Runtime>,
        asked: &'a Asked<'a>,
    ) -> Option<Found<'r, 'a>> {
        let mut found = find::find(&self.process, runtime, asked)?;
        if self.process.access_log.load().is_on() || found.fresh.object.body.len() > COPIED {
            found.make_exchange(asked)?;
        }
        Some(found)
    }

    /// Counts what is served from here on.
    fn serves(&self, found: &Found<'_, '_>) {
        self.process.cache.objects().served(&found.fresh.object);
        self.process.metrics.fast_lane.inc();
    }

    /// Writes the head of the answer.
    fn write_head(
        &self,
        plain: &Plain<'_>,
        asked: &Asked<'_>,
        found: &mut Found<'_, '_>,
        output: &mut BytesMut,
    ) -> Option<Reply> {
        let ends = Ends {
            is_head: asked.method == Method::HEAD,
            is_last: plain.is_last,
            began: plain.began,
        };
        match found.filtered.is_some() {
            false => lines::write(found, &ends, output),
            true => whole::write(&self.process, found, &ends, output),
        }
    }
}

/// How the answer is to end, whatever it says.
struct Ends {
    /// Without a body.
    is_head: bool,
    /// With the connection.
    is_last: bool,
    /// When the request was there.
    began: Instant,
}

impl listen::Lane for Lane {
    fn answer(&self, plain: &Plain<'_>, output: &mut BytesMut) -> Option<Answered> {
        let runtime = self.process.runtime.load();
        if !runtime.config.pop.fast_lane {
            return None;
        }
        let asked = Asked::of_lines(plain)?;
        let mut found = self.find(&runtime, &asked)?;
        let begin = output.len();
        let Some(reply) = self.write_head(plain, &asked, &mut found, output) else {
            output.truncate(begin);
            return None;
        };
        self.serves(&found);
        let answer = Answer {
            protocol: "HTTP/1.1",
            connection: plain.connection,
            host: asked.host,
            status: reply.status,
            began: plain.began,
        };
        let Found {
            place, exchange, ..
        } = found;
        match (reply.body, exchange) {
            (Some(body), Some(exchange)) if body.body.len() > COPIED => {
                let sending = Sending::new(&self.process, &answer, &place, exchange, body);
                Some(Answered::Body(Box::new(sending)))
            }
            (body, exchange) => {
                let sent = body.map_or(0, |object| copy(&object, output));
                answer.settle(&self.process, &place, exchange.as_deref(), sent);
                Some(Answered::Whole)
            }
        }
    }

    fn answer_stream(&self, request: &Streamed<'_>) -> Option<StreamAnswer> {
        let runtime = self.process.runtime.load();
        if !runtime.config.pop.fast_lane {
            return None;
        }
        let asked = Asked::of_stream(request)?;
        let mut found = self.find(&runtime, &asked)?;
        if found.fresh.object.body.len() > STREAMED {
            return None;
        }
        let ends = Ends {
            is_head: asked.method == Method::HEAD,
            is_last: false,
            began: request.began,
        };
        let (head, body) = whole::make(&self.process, &mut found, &ends)?;
        self.serves(&found);
        let answer = Answer {
            protocol: "HTTP/2",
            connection: request.connection,
            host: asked.host,
            status: head.status.as_u16(),
            began: request.began,
        };
        let has_body = !ends.is_head && !found.not_modified && !body.body.is_empty();
        let pieces = body.body.pieces().filter(|_| has_body).unwrap_or_default();
        let sent = if has_body { body.body.len() } else { 0 };
        answer.settle(&self.process, &found.place, found.exchange.as_deref(), sent);
        Some(StreamAnswer {
            head: Response::from_parts(head.as_owned_parts(), ()),
            body: pieces.to_vec(),
        })
    }
}

/// Appends a body; how many bytes it has.
fn copy(object: &Object, output: &mut BytesMut) -> u64 {
    for piece in object.body.pieces().unwrap_or_default() {
        output.extend_from_slice(piece);
    }
    object.body.len()
}
