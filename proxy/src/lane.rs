//! The fast lane: a plain request that a fresh object in memory answers, or a filter, is answered here, before the engine hears
//! of it.
//!
//! It is a strict subset of the engine's road, `request.rs`, and takes its routing, filters, keys, policy and accounting
//! from there. Whatever is not plainly one of these is left to the engine as if nobody had looked, but for what filters did
//! in the request phase: that travels with the request, which goes on from there.

mod answer;
mod asked;
mod find;
mod lines;
mod own;
mod place;
mod ready;
mod sending;
mod whole;
mod work;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use http::{Method, Response};
use rimward_filters::Phase;

use crate::edge::Process;
use crate::listen::{self, Answered, Notes, Plain, StreamAnswer, Streamed};
use crate::metrics::CacheResult;
use crate::request::is_bodiless;
use answer::Answer;
use asked::Asked;
use find::Found;
use place::Place;
use sending::{Body, Sending};
use work::Work;

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
    /// What is sent, if anything is.
    body: Option<Body>,
}

impl Lane {
    pub(crate) fn new(process: Arc<Process>) -> Self {
        Self { process }
    }

    /// Finds what is stored for a request that filters let pass, with all that is needed to tell of it.
    fn find<'p, 'r, 'a>(
        &self,
        place: &'p Place<'r, 'a>,
        asked: &'a Asked<'a>,
        work: &mut Work,
    ) -> Option<Found<'p, 'r, 'a>> {
        let found = find::find(&self.process, place, asked, work)?;
        let is_told = self.process.access_log.load().is_on();
        if work.exchange.is_none() && (is_told || found.fresh.object.body.len() > COPIED) {
            work.exchange = Some(place.exchange(asked)?);
        }
        Some(found)
    }

    /// Counts what is served from here on.
    fn serves(&self, found: &Found<'_, '_, '_>) {
        self.process.cache.objects().served(&found.fresh.object);
        self.process.metrics.fast_lane.inc();
    }

    /// Writes the head of a hit.
    fn write_head(
        &self,
        found: &Found<'_, '_, '_>,
        work: &mut Work,
        ends: &Ends,
        output: &mut BytesMut,
    ) -> Option<Reply> {
        let route = found.place.route;
        if route.pipeline.takes_part(Phase::Response) || route.compression.is_some() {
            return whole::write(&self.process, found, work, ends, output);
        }
        let exchange = work.exchange.as_ref().filter(|_| work.way.is_some());
        let spent = exchange.map_or(0, |exchange| exchange.filter_nanoseconds);
        lines::write(found, Duration::from_nanos(spent), ends, output)
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
    fn has_body(&self, found: &Found<'_, '_, '_>) -> bool {
        !self.is_head && !found.not_modified
    }
}

impl listen::Lane for Lane {
    fn answer(&self, plain: &Plain<'_>, output: &mut BytesMut) -> Result<Answered, Notes> {
        let runtime = self.process.runtime.load();
        let asked = Asked::of_lines(plain).filter(|_| runtime.config.pop.fast_lane);
        let asked = asked.ok_or_else(Notes::default)?;
        let place = Place::of(&runtime, &asked).ok_or_else(Notes::default)?;
        let (mut work, begin) = (Work::default(), output.len());
        let answered = self.try_answer(plain, &asked, &place, &mut work, output);
        answered.ok_or_else(|| {
            output.truncate(begin);
            work.hand_over(&place, &asked)
        })
    }

    fn answer_stream(&self, request: &Streamed<'_>) -> Result<StreamAnswer, Notes> {
        let runtime = self.process.runtime.load();
        let asked = Asked::of_stream(request).filter(|_| runtime.config.pop.fast_lane);
        let asked = asked.ok_or_else(Notes::default)?;
        let place = Place::of(&runtime, &asked).ok_or_else(Notes::default)?;
        let mut work = Work::default();
        let answered = self.try_answer_stream(request, &asked, &place, &mut work);
        answered.ok_or_else(|| work.hand_over(&place, &asked))
    }
}

impl Lane {
    /// Answers a request, or leaves what was done for it until then in `work`.
    fn try_answer<'a>(
        &self,
        plain: &Plain<'a>,
        asked: &'a Asked<'a>,
        place: &Place<'_, 'a>,
        work: &mut Work,
        output: &mut BytesMut,
    ) -> Option<Answered> {
        let ends = Ends {
            is_head: asked.method == Method::HEAD,
            is_last: plain.is_last,
            began: plain.began,
        };
        find::begin(place, asked, work)?;
        let (reply, cache) = match own::make(place, work, &ends) {
            Some((head, body)) => {
                own::write(&head, &ends, output);
                self.process.metrics.fast_lane.inc();
                let status = head.status.as_u16();
                let has_body = own::has_body(&head, &body, &ends);
                let body = has_body.then_some(Body::Made(body));
                (Reply { status, body }, CacheResult::None)
            }
            None => {
                let found = self.find(place, asked, work)?;
                let reply = self.write_head(&found, work, &ends, output)?;
                self.serves(&found);
                (reply, CacheResult::Hit)
            }
        };
        let answer = Answer {
            protocol: "HTTP/1.1",
            connection: plain.connection,
            host: asked.host,
            cache,
            status: reply.status,
            began: plain.began,
        };
        match (reply.body, work.exchange.take()) {
            (Some(body), Some(exchange)) if body.len() > COPIED => {
                let sending = Sending::new(&self.process, &answer, place, exchange, body);
                Some(Answered::Body(Box::new(sending)))
            }
            (body, mut exchange) => {
                let sent = body.map_or(0, |body| copy(&body, output));
                answer.settle(&self.process, place, exchange.as_deref_mut(), sent);
                Some(Answered::Whole)
            }
        }
    }

    /// The same for HTTP/2.
    fn try_answer_stream<'a>(
        &self,
        request: &Streamed<'a>,
        asked: &'a Asked<'a>,
        place: &Place<'_, 'a>,
        work: &mut Work,
    ) -> Option<StreamAnswer> {
        let ends = Ends {
            is_head: asked.method == Method::HEAD,
            is_last: false,
            began: request.began,
        };
        find::begin(place, asked, work)?;
        let (head, body, cache) = match own::make(place, work, &ends) {
            Some((head, body)) => {
                self.process.metrics.fast_lane.inc();
                let body = own::has_body(&head, &body, &ends).then_some(Body::Made(body));
                (head, body, CacheResult::None)
            }
            None => {
                let found = self.find(place, asked, work)?;
                if found.fresh.object.body.len() > STREAMED {
                    return None;
                }
                let (head, body) = whole::make(&self.process, &found, work, &ends)?;
                self.serves(&found);
                let has_body = ends.has_body(&found) && !is_bodiless(&head);
                let body = has_body.then_some(body);
                (head, body, CacheResult::Hit)
            }
        };
        let answer = Answer {
            protocol: "HTTP/2",
            connection: request.connection,
            host: asked.host,
            cache,
            status: head.status.as_u16(),
            began: request.began,
        };
        let body = body.filter(|body| body.len() > 0);
        let sent = body.as_ref().map_or(0, Body::len);
        answer.settle(&self.process, place, work.exchange.as_deref_mut(), sent);
        let pieces = body.as_ref().map(Body::pieces).unwrap_or_default();
        Some(StreamAnswer {
            head: Response::from_parts(head.into(), ()),
            body: pieces.to_vec(),
        })
    }
}

/// Appends a body; how many bytes it has.
fn copy(body: &Body, output: &mut BytesMut) -> u64 {
    for piece in body.pieces() {
        output.extend_from_slice(piece);
    }
    body.len()
}
