//! What is counted and logged of an answer.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use http::header::{self, HeaderName};
use rimward_filters::{Exchange, Pipeline, Summary};

use super::place::Place;
use crate::edge::Process;
use crate::listen::Connection;
use crate::log::{Record, Termination};
use crate::metrics::CacheResult;
use crate::request::finish::{Tally, settle};
use crate::runtime::Runtime;

/// An answer as far as it is told of.
pub(super) struct Answer<'a> {
    pub(super) protocol: &'static str,
    pub(super) connection: &'a Arc<Connection>,
    /// The host that the client asked for, whatever filters made of it.
    pub(super) host: &'a str,
    /// How the cache took part.
    pub(super) cache: CacheResult,
    pub(super) status: u16,
    pub(super) began: Instant,
}

/// Tells filters that the exchange is over.
pub(super) fn over(
    pipeline: &Pipeline,
    exchange: &mut Exchange,
    tally: &Tally,
    error: Option<String>,
) {
    pipeline.over(exchange, || Summary {
        status: tally.status,
        bytes_sent: tally.sent,
        duration: tally.duration,
        origin: None,
        error,
    });
}

impl Answer<'_> {
    /// What is counted now that so many bytes of a body were sent.
    pub(super) fn tally(&self, sent: u64) -> Tally {
        Tally {
            cache: self.cache,
            status: self.status,
            duration: self.began.elapsed(),
            sent,
            received: 0,
        }
    }

    /// Counts and logs it.
    pub(super) fn settle(
        &self,
        process: &Process,
        place: &Place<'_, '_>,
        mut exchange: Option<&mut Exchange>,
        sent: u64,
    ) {
        let tally = self.tally(sent);
        if let Some(exchange) = &mut exchange {
            over(&place.route.pipeline, exchange, &tally, None);
        }
        let exchange = exchange.as_deref();
        let record = || Some(self.record(place.runtime, exchange?, &tally));
        settle(process, Some(place.route), exchange, &tally, record);
    }

    /// What the access log tells.
    pub(super) fn record<'r>(
        &'r self,
        runtime: &'r Runtime,
        exchange: &'r Exchange,
        tally: &Tally,
    ) -> Record<'r> {
        let request = &exchange.request;
        let text = |name: HeaderName| request.headers.get(name)?.to_str().ok();
        let target = request.uri.path_and_query();
        let now = SystemTime::now();
        Record {
            time: now.checked_sub(tally.duration).unwrap_or(now),
            pop: &runtime.config.pop.name,
            request_id: &exchange.request_id,
            client: exchange.client.ip,
            country: exchange.client.country(),
            scheme: exchange.client.scheme.as_str(),
            protocol: self.protocol,
            method: request.method.as_str(),
            host: self.host,
            target: target.map_or("", |target| target.as_str()),
            status: tally.status,
            sent_bytes: tally.sent,
            received_bytes: tally.received,
            duration_ms: tally.duration,
            first_byte_ms: Some(tally.duration),
            site: &exchange.site,
            route: &exchange.route,
            cache: tally.cache.as_str(),
            origin: None,
            server: None,
            tries: 0,
            termination: Termination::default(),
            error: None,
            tls: self
                .connection
                .tls
                .as_ref()
                .map(|tls| tls.handshake.version),
            referer: text(header::REFERER),
            user_agent: text(header::USER_AGENT),
            filters: &exchange.log,
        }
    }
}
