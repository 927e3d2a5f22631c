//! The body of an answer that is sent from where it lies.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use prometheus_client::metrics::gauge::Gauge;
use rimward_cache::Object;
use rimward_filters::Exchange;

use super::answer::{Answer, over};
use super::place::Place;
use crate::edge::Process;
use crate::listen::{Connection, Outgoing};
use crate::log::{Termination, When, Who};
use crate::metrics::CacheResult;
use crate::request::finish::settle;
use crate::runtime::{Route, Runtime};

/// The body of an answer.
pub(super) enum Body {
    /// As it is stored.
    Stored(Arc<Object>),
    /// Made for this answer.
    Made(Bytes),
}

impl Body {
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Stored(object) => object.body.len(),
            Self::Made(bytes) => bytes.len() as u64,
        }
    }

    pub(super) fn pieces(&self) -> &[Bytes] {
        match self {
            Self::Stored(object) => object.body.pieces().unwrap_or_default(),
            Self::Made(bytes) => std::slice::from_ref(bytes),
        }
    }
}

/// A body on its way; what became of it is counted and logged when this is dropped.
pub(super) struct Sending {
    process: Arc<Process>,
    runtime: Arc<Runtime>,
    route: Arc<Route>,
    connection: Arc<Connection>,
    host: String,
    exchange: Box<Exchange>,
    body: Body,
    cache: CacheResult,
    protocol: &'static str,
    status: u16,
    began: Instant,
    first_byte: Duration,
    sent: u64,
    in_flight: Gauge,
}

impl Sending {
    /// A body, for an answer whose head was written.
    pub(super) fn new(
        process: &Arc<Process>,
        answer: &Answer<'_>,
        place: &Place<'_, '_>,
        exchange: Box<Exchange>,
        body: Body,
    ) -> Self {
        let in_flight = process.metrics.in_flight.clone();
        in_flight.inc();
        Self {
            process: process.clone(),
            runtime: place.runtime.clone(),
            route: place.route.clone(),
            connection: answer.connection.clone(),
            host: answer.host.to_owned(),
            exchange,
            body,
            cache: answer.cache,
            protocol: answer.protocol,
            status: answer.status,
            began: answer.began,
            first_byte: answer.began.elapsed(),
            sent: 0,
            in_flight,
        }
    }

    fn answer(&self) -> Answer<'_> {
        Answer {
            protocol: self.protocol,
            connection: &self.connection,
            host: &self.host,
            cache: self.cache,
            status: self.status,
            began: self.began,
        }
    }
}

impl Outgoing for Sending {
    fn pieces(&self) -> &[Bytes] {
        self.body.pieces()
    }

    fn sent(&mut self, bytes: usize) {
        self.sent += bytes as u64;
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.in_flight.dec();
        let tally = self.answer().tally(self.sent);
        let is_cut = self.sent < self.body.len();
        let error = is_cut.then(|| "the client did not take all of the response".to_owned());
        over(
            &self.route.pipeline,
            &mut self.exchange,
            &tally,
            error.clone(),
        );
        let answer = self.answer();
        settle(
            &self.process,
            Some(&self.route),
            Some(&self.exchange),
            &tally,
            || {
                let mut record = answer.record(&self.runtime, &self.exchange, &tally);
                record.first_byte_ms = Some(self.first_byte);
                if is_cut {
                    record.termination = Termination {
                        who: Who::Client,
                        when: When::Body,
                    };
                    record.error = error;
                }
                Some(record)
            },
        );
    }
}
