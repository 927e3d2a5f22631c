//! What became of the requests for slices, for `Cache-Status`, log and metrics: to all of them it was one exchange.

use std::borrow::Cow;
use std::time::Duration;

use pingora::proxy::Session;

use crate::cache::{CacheStatus, Forward};
use crate::edge::Process;
use crate::metrics::CacheResult;
use crate::request::caching;
use crate::request::context::Context;

/// What became of a request for a slice, or of all those of one client's request so far.
#[derive(Debug, Clone)]
pub(in crate::request) struct Outcome {
    /// What the client is told of it.
    pub(in crate::request) status: CacheStatus,
    /// How the cache took part.
    pub(in crate::request) result: CacheResult,
    /// How often an origin was asked.
    pub(in crate::request) tries: u32,
    /// From asking an origin to the head of its response.
    pub(in crate::request) origin_time: Option<Duration>,
    /// The names of the origin and the server that were asked last.
    pub(in crate::request) asked: Option<(String, String)>,
    /// Whether it is a response to POST that is being stored.
    pub(in crate::request) is_posted: bool,
    /// What filters said of it for the access log, before an origin was asked and of its response.
    pub(in crate::request) log: Vec<(Cow<'static, str>, String)>,
}

/// Tells the client's exchange what became of the request for a slice, once that is known.
pub(in crate::request) fn tell(process: &Process, session: &Session, ctx: &Context) {
    let Some(tells) = &ctx.tells else { return };
    let picked = ctx.picked.as_ref();
    let outcome = Outcome {
        status: caching::cache_status(process, session, ctx),
        result: caching::result(session, ctx),
        tries: ctx.tries,
        origin_time: ctx.origin_time,
        asked: picked.map(|picked| (picked.origin().to_owned(), picked.server().to_owned())),
        is_posted: ctx.is_posted,
        log: ctx
            .exchange
            .as_ref()
            .map(|exchange| exchange.log.clone())
            .unwrap_or_default(),
    };
    // A failure after the head adds nothing.
    drop(tells.set(outcome));
}

impl Outcome {
    /// Takes in what became of one more request. The status stays: it is on its way to the client.
    pub(super) fn add(&mut self, other: &Self) {
        if weight(other.result) > weight(self.result) {
            self.result = other.result;
        }
        self.tries += other.tries;
        self.asked = other.asked.clone().or_else(|| self.asked.take());
        self.origin_time = self.origin_time.or(other.origin_time);
    }

    /// What the client is told when the response begins, and `rest` says whether all slices after the first are there.
    pub(super) fn is_made_of_slices(&mut self, rest: bool) {
        let status = &mut self.status;
        status.forward = match status.forward {
            Some(Forward::UriMiss | Forward::VaryMiss) => Some(Forward::Partial),
            None if !rest => Some(Forward::Partial),
            other => other,
        };
    }
}

/// The farther a slice had to be fetched from, the more it counts for the whole response.
fn weight(result: CacheResult) -> u8 {
    match result {
        CacheResult::None => 0,
        CacheResult::Hit => 1,
        CacheResult::Stale => 2,
        CacheResult::Revalidated => 3,
        CacheResult::Miss => 4,
        CacheResult::Pass => 5,
    }
}
