//! The fast lane: a plain request that a fresh object in memory answers is answered here, before the engine hears of it.
//!
//! It is a strict subset of the engine's road, `request.rs`, and takes its routing, filters, keys, policy and accounting
//! from there. Whatever is not plainly a hit is left to the engine as if nobody had looked: filters of a route in the
//! lane are pure, so that they can be run again, and nothing is counted before there is an answer.

mod asked;
mod find;
mod lines;
mod place;
mod sending;
mod whole;

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use http::Method;
use rimward_cache::Object;

use crate::edge::Process;
use crate::listen::{self, Answered, Plain};
use crate::metrics::CacheResult;
use crate::request::finish::{Tally, settle};
use asked::Asked;
use find::Found;
use sending::{Sending, record};

/// Bodies up to this many bytes are copied behind their heads, which costs less than a second buffer.
const COPIED: u64 = 8 * 1024;

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
            elapsed: plain.began.elapsed(),
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
    /// How long it took so far.
    elapsed: Duration,
}

impl listen::Lane for Lane {
    fn answer(&self, plain: &Plain<'_>, output: &mut BytesMut) -> Option<Answered> {
        let runtime = self.process.runtime.load();
        if !runtime.config.pop.fast_lane {
            return None;
        }
        let log = self.process.access_log.load();
        let asked = Asked::of(plain)?;
        let mut found = find::find(&self.process, &runtime, &asked)?;
        if log.is_on() || found.fresh.object.body.len() > COPIED {
            found.make_exchange(&asked)?;
        }
        let begin = output.len();
        let Some(reply) = self.write_head(plain, &asked, &mut found, output) else {
            output.truncate(begin);
            return None;
        };
        self.process.cache.objects().served(&found.fresh.object);
        self.process.metrics.fast_lane.inc();
        let Found {
            place, exchange, ..
        } = found;
        match (reply.body, exchange) {
            (Some(body), Some(exchange)) if body.body.len() > COPIED => {
                let reply = (reply.status, body);
                let sending = Sending::new(&self.process, plain, &asked, &place, exchange, reply);
                Some(Answered::Body(Box::new(sending)))
            }
            (body, exchange) => {
                let tally = Tally {
                    cache: CacheResult::Hit,
                    status: reply.status,
                    sent: body.map_or(0, |object| copy(&object, output)),
                    received: 0,
                    duration: plain.began.elapsed(),
                };
                let (connection, exchange) = (plain.connection, exchange.as_deref());
                settle(&self.process, Some(place.route), &tally, || {
                    Some(record(&runtime, connection, asked.host, exchange?, &tally))
                });
                Some(Answered::Whole)
            }
        }
    }
}

/// Appends a body; how many bytes it has.
fn copy(object: &Object, output: &mut BytesMut) -> u64 {
    for piece in object.body.pieces().unwrap_or_default() {
        output.extend_from_slice(piece);
    }
    object.body.len()
}
