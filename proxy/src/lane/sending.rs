//! The body of an answer that is sent from where it lies, and the record of every answer.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::header::{self, HeaderName};
use prometheus_client::metrics::gauge::Gauge;
use rimward_cache::Object;
use rimward_filters::Exchange;

use super::asked::Asked;
use super::place::Place;
use crate::edge::Process;
use crate::listen::{Connection, Outgoing, Plain};
use crate::log::{Record, Termination, When, Who};
use crate::metrics::CacheResult;
use crate::request::finish::{Tally, settle};
use crate::runtime::{Route, Runtime};

/// A body on its way; what became of it is counted and logged when this is dropped.
pub(super) struct Sending {
    process: Arc<Process>,
    runtime: Arc<Runtime>,
    route: Arc<Route>,
    connection: Arc<Connection>,
    host: String,
    exchange: Box<Exchange>,
    object: Arc<Object>,
    status: u16,
    began: Instant,
    first_byte: Duration,
    sent: u64,
    in_flight: Gauge,
}

impl Sending {
    /// The body of `object` for an answer whose head was written.
    pub(super) fn new(
        process: &Arc<Process>,
        plain: &Plain<'_>,
        asked: &Asked<'_>,
        place: &Place<'_, '_>,
        exchange: Box<Exchange>,
        (status, object): (u16, Arc<Object>),
    ) -> Self {
        let in_flight = process.metrics.in_flight.clone();
        in_flight.inc();
        Self {
            runtime: place.runtime.clone(),
            process: process.clone(),
            route: place.route.clone(),
            connection: plain.connection.clone(),
            host: asked.host.to_owned(),
            exchange,
            object,
            status,
            began: plain.began,
            first_byte: plain.began.elapsed(),
            sent: 0,
            in_flight,
        }
    }
}

impl Outgoing for Sending {
    fn pieces(&self) -> &[Bytes] {
        self.object.body.pieces().unwrap_or_default()
    }

    fn sent(&mut self, bytes: usize) {
        self.sent += bytes as u64;
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.in_flight.dec();
        let tally = Tally {
            cache: CacheResult::Hit,
            status: self.status,
            duration: self.began.elapsed(),
            sent: self.sent,
            received: 0,
        };
        settle(&self.process, Some(&self.route), &tally, || {
            let (runtime, connection) = (&self.runtime, &self.connection);
            let mut record = record(runtime, connection, &self.host, &self.exchange, &tally);
            record.first_byte_ms = Some(self.first_byte);
            if self.sent < self.object.body.len() {
                record.termination = Termination {
                    who: Who::Client,
                    when: When::Body,
                };
                record.error = Some("the client did not take all of the response".to_owned());
            }
            Some(record)
        });
    }
}

/// What the access log tells of an answer.
pub(super) fn record<'r>(
    runtime: &'r Runtime,
    connection: &'r Connection,
    host: &'r str,
    exchange: &'r Exchange,
    tally: &Tally,
) -> Record<'r> {
    let request = &exchange.request;
    let text = |name: HeaderName| {
        let value = request.headers.get(name)?;
        value.to_str().ok()
    };
    let target = request.uri.path_and_query();
    let now = SystemTime::now();
    Record {
        time: now.checked_sub(tally.duration).unwrap_or(now),
        pop: &runtime.config.pop.name,
        request_id: &exchange.request_id,
        client: exchange.client.ip,
        country: exchange.client.country(),
        scheme: exchange.client.scheme.as_str(),
        protocol: "HTTP/1.1",
        method: request.method.as_str(),
        host,
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
        tls: connection.tls.as_ref().map(|tls| tls.version),
        referer: text(header::REFERER),
        user_agent: text(header::USER_AGENT),
        filters: &exchange.log,
    }
}
