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
mod ready;
mod sending;
mod whole;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use http::{Method, Response};
use rimward_cache::Object;
use rimward_filters::{Exchange, Phase};

use crate::edge::Process;
use crate::listen::{self, Answered, Notes, Plain, StreamAnswer, Streamed};
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
        exchange: &mut Option<Box<Exchange>>,
    ) -> Option<Found<'r, 'a>> {
        let found = find::find(&self.process, runtime, asked, exchange)?;
        let is_told = self.process.access_log.load().is_on();
        if exchange.is_none() && (is_told || found.fresh.object.body.len() > COPIED) {
            *exchange = Some(found.place.exchange(asked)?);
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
        exchange: &mut Option<Box<Exchange>>,
        output: &mut BytesMut,
    ) -> Option<Reply> {
        let ends = Ends {
            is_head: asked.method == Method::HEAD,
            is_last: plain.is_last,
            began: plain.began,
        };
        let exchange = exchange.as_deref_mut();
        let route = found.place.route;
        if route.pipeline.takes_part(Phase::Response) || route.compression.is_some() {
            return whole::write(&self.process, found, exchange, &ends, output);
        }
        let mut spent = Duration::ZERO;
        if let (Some(filtered), Some(exchange)) = (found.filtered.take(), exchange) {
            filtered.trial.counts(&route.pipeline, exchange);
            spent = Duration::from_nanos(exchange.filter_nanoseconds);
        }
        lines::write(found, spent, &ends, output)
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

impl Ends {
    /// Whether a body follows.
    fn has_body(&self, found: &Found<'_, '_>) -> bool {
        !self.is_head && !found.not_modified
    }
}

impl listen::Lane for Lane {
    fn answer(&self, plain: &Plain<'_>, output: &mut BytesMut) -> Result<Answered, Notes> {
        let mut exchange = None;
        let answered = self.try_answer(plain, output, &mut exchange);
        answered.ok_or_else(|| notes_of(exchange))
    }

    fn answer_stream(&self, request: &Streamed<'_>) -> Result<StreamAnswer, Notes> {
        let mut exchange = None;
        let answered = self.try_answer_stream(request, &mut exchange);
        answered.ok_or_else(|| notes_of(exchange))
    }
}

fn notes_of(exchange: Option<Box<Exchange>>) -> Notes {
    Notes(exchange.map(|exchange| exchange.notes).unwrap_or_default())
}

impl Lane {
    /// Answers a request, or leaves what became of it until then in `exchange`.
    fn try_answer(
        &self,
        plain: &Plain<'_>,
        output: &mut BytesMut,
        exchange: &mut Option<Box<Exchange>>,
    ) -> Option<Answered> {
        let runtime = self.process.runtime.load();
        if !runtime.config.pop.fast_lane {
            return None;
        }
        let asked = Asked::of_lines(plain)?;
        let mut found = self.find(&runtime, &asked, exchange)?;
        let begin = output.len();
        let Some(reply) = self.write_head(plain, &asked, &mut found, exchange, output) else {
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
        let place = &found.place;
        match (reply.body, exchange.take()) {
            (Some(body), Some(exchange)) if body.body.len() > COPIED => {
                let sending = Sending::new(&self.process, &answer, place, exchange, body);
                Some(Answered::Body(Box::new(sending)))
            }
            (body, exchange) => {
                let sent = body.map_or(0, |object| copy(&object, output));
                answer.settle(&self.process, place, exchange.as_deref(), sent);
                Some(Answered::Whole)
            }
        }
    }

    /// The same for HTTP/2.
    fn try_answer_stream(
        &self,
        request: &Streamed<'_>,
        exchange: &mut Option<Box<Exchange>>,
    ) -> Option<StreamAnswer> {
        let runtime = self.process.runtime.load();
        if !runtime.config.pop.fast_lane {
            return None;
        }
        let asked = Asked::of_stream(request)?;
        let mut found = self.find(&runtime, &asked, exchange)?;
        if found.fresh.object.body.len() > STREAMED {
            return None;
        }
        let ends = Ends {
            is_head: asked.method == Method::HEAD,
            is_last: false,
            began: request.began,
        };
        let (head, body) = whole::make(&self.process, &mut found, exchange.as_deref_mut(), &ends)?;
        self.serves(&found);
        let answer = Answer {
            protocol: "HTTP/2",
            connection: request.connection,
            host: asked.host,
            status: head.status.as_u16(),
            began: request.began,
        };
        let has_body = ends.has_body(&found) && !body.body.is_empty();
        let pieces = body.body.pieces().filter(|_| has_body).unwrap_or_default();
        let sent = if has_body { body.body.len() } else { 0 };
        answer.settle(&self.process, &found.place, exchange.as_deref(), sent);
        Some(StreamAnswer {
            head: Response::from_parts(head.into(), ()),
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
