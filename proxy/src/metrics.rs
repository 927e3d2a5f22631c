//! What the edge counts, in the Prometheus text form.
//!
//! Everything that a request touches is looked up when a configuration is compiled; counting is an atomic addition.

mod connections;
mod functions;
mod guests;
mod histogram;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use rimward_filters::wasm::function::Account;
use rimward_filters::{Meter, Phase, Tallies, Tally};

pub use connections::Connections;
use functions::Functions;
use guests::{GuestCalls, GuestNumbers};
use histogram::Histogram;

/// Everything the edge counts. Lives as long as the process.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    responses: Family<ResponseLabels, Counter>,
    durations: Family<SiteLabel, Histogram>,
    filter_nanoseconds: Family<FilterLabels, Counter<f64, Seconds>>,
    filter_runs: Family<FilterLabels, Counter>,
    filter_errors: Family<FilterLabels, Counter>,
    filter_outcomes: Family<OutcomeLabels, Counter>,
    inner_requests: Family<RequestLabels, Counter>,
    guest_calls: GuestCalls,
    guest_numbers: GuestNumbers,
    functions: Functions,
    refused: Family<ReasonLabel, Counter>,
    /// Connections accepted.
    pub accepted: Counter,
    /// Connections open now.
    pub open: Gauge,
    /// TLS handshakes and PROXY headers that failed.
    pub handshake_failures: Counter,
    /// Requests being answered now.
    pub in_flight: Gauge,
    sent_bytes: Counter,
    received_bytes: Counter,
    reloads: Family<ResultLabel, Counter>,
    purges: Family<PurgeLabels, Counter>,
    generation: Gauge,
    config_rejected: Gauge,
    geoip_stale: Family<DatabaseLabel, Gauge>,
    /// Access log lines dropped because their target was too slow.
    pub log_dropped: Counter,
    /// Requests answered in the fast lane.
    pub fast_lane: Counter,
    /// Requests tried again at an origin.
    pub retries: Counter,
    shield_requests: Family<ShieldLabel, Counter>,
    shield_fallbacks: Family<ShieldLabel, Counter>,
    /// Requests for hosts that no site has.
    pub unknown_host: Counter,
    encodings: Family<EncodingLabel, Counter>,
    encoding_read_bytes: Family<EncodingLabel, Counter>,
    encoding_written_bytes: Family<EncodingLabel, Counter>,
    /// Encodings of stored objects that were not made since too many were on their way.
    pub encodings_refused: Counter,
}

/// How the cache took part in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CacheResult {
    /// From a fresh object.
    Hit,
    /// Not stored, so asked for.
    Miss,
    /// From a stale object.
    Stale,
    /// Stale, but the origin said that it still holds.
    Revalidated,
    /// Not looked up, by decision.
    Pass,
    /// The edge answered by itself.
    None,
}

impl CacheResult {
    const COUNT: usize = 6;

    /// Its word in logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Stale => "stale",
            Self::Revalidated => "revalidated",
            Self::Pass => "pass",
            Self::None => "none",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    site: Text,
    route: Text,
    cache: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResponseLabels {
    site: Text,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SiteLabel {
    site: Text,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FilterLabels {
    filter: Text,
    phase: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    filter: String,
    outcome: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ShieldLabel {
    shield: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DatabaseLabel {
    database: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabel {
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EncodingLabel {
    encoding: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PurgeLabels {
    kind: &'static str,
    mode: &'static str,
}

/// A label's value that many labels share.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Text(Arc<str>);

impl EncodeLabelValue for Text {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        EncodeLabelValue::encode(&&*self.0, encoder)
    }
}

/// Nanoseconds, shown as seconds.
#[derive(Debug, Default)]
struct Seconds(AtomicU64);

impl prometheus_client::metrics::counter::Atomic<f64> for Seconds {
    fn inc(&self) -> f64 {
        self.inc_by(1.0)
    }

    fn inc_by(&self, seconds: f64) -> f64 {
        let nanoseconds = (seconds * 1e9) as u64;
        self.0.fetch_add(nanoseconds, Ordering::Relaxed) as f64 / 1e9
    }

    fn get(&self) -> f64 {
        self.0.load(Ordering::Relaxed) as f64 / 1e9
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("rimward");
        macro_rules! register {
            ($name:literal, $help:literal) => {{
                let metric = Default::default();
                let cloned = clone_of(&metric);
                registry.register($name, $help, cloned);
                metric
            }};
        }
        fn clone_of<M: Clone>(metric: &M) -> M {
            metric.clone()
        }
        Self {
            inner_requests: register!(
                "inner_requests",
                "Requests that filters made to this edge itself"
            ),
            requests: register!(
                "requests",
                "Requests by route and by how the cache took part"
            ),
            responses: register!("responses", "Responses by site and class of status"),
            durations: register!(
                "request_duration_seconds",
                "From the request's head to the response's last byte"
            ),
            filter_nanoseconds: register!("filter_seconds", "Time spent in filters"),
            filter_runs: register!("filter_runs", "Phases of filters that ran"),
            filter_errors: register!("filter_errors", "Phases of filters that failed"),
            filter_outcomes: register!(
                "filter_outcomes",
                "What filters made out, by filter and outcome"
            ),
            guest_calls: GuestCalls::of_family(register!(
                "guest_calls",
                "Calls of filters in WebAssembly, by version, phase and outcome"
            )),
            guest_numbers: GuestNumbers::new(
                register!("guest_count", "What guests count, by filter and name"),
                register!(
                    "guest_value_sum",
                    "Sum of what guests observe, by filter and name"
                ),
                register!("guest_value_count", "How often guests observed it"),
            ),
            functions: Functions::register(&mut registry),
            refused: register!(
                "refused",
                "Connections and requests refused before they were routed"
            ),
            accepted: register!("connections_accepted", "Connections accepted"),
            open: register!("connections_open", "Connections open now"),
            handshake_failures: register!(
                "handshake_failures",
                "TLS handshakes and PROXY headers that failed"
            ),
            in_flight: register!("requests_in_flight", "Requests being answered now"),
            sent_bytes: register!("sent_bytes", "Bytes of response bodies sent to clients"),
            received_bytes: register!(
                "received_bytes",
                "Bytes of request bodies read from clients"
            ),
            reloads: register!("reloads", "Reloads by result"),
            purges: register!("purges", "Purges that were asked for, by kind and mode"),
            generation: register!(
                "config_generation",
                "Counts up with each configuration that took over"
            ),
            config_rejected: register!(
                "config_rejected",
                "1 while the newest configuration was refused"
            ),
            geoip_stale: register!(
                "geoip_stale",
                "1 while the file of a GeoIP database can't be used and what was read before goes on"
            ),
            log_dropped: register!(
                "access_log_dropped",
                "Access log lines dropped because their target was too slow"
            ),
            fast_lane: register!("fast_lane", "Requests answered in the fast lane"),
            retries: register!("origin_retries", "Requests tried again at an origin"),
            shield_requests: register!("shield_requests", "Requests sent to an edge of a shield"),
            shield_fallbacks: register!(
                "shield_fallbacks",
                "Requests that went to the origin, since no edge of the shield could be asked"
            ),
            unknown_host: register!("unknown_host", "Requests for hosts that no site has"),
            encodings: register!(
                "encodings",
                "Stored objects that were brought into an encoding"
            ),
            encoding_read_bytes: register!(
                "encoding_read_bytes",
                "Bytes of stored objects that were brought into an encoding"
            ),
            encoding_written_bytes: register!("encoding_written_bytes", "What these bytes became"),
            encodings_refused: register!(
                "encodings_refused",
                "Encodings not made since too many were on their way"
            ),
            registry,
        }
    }
}

impl Metrics {
    /// Where the requests of a route are counted.
    pub fn route(&self, site: &Arc<str>, route: &str) -> RouteMeter {
        RouteMeter {
            site: Text(site.clone()),
            route: Text(route.into()),
            requests: self.requests.clone(),
            by_cache: Default::default(),
            by_class: std::array::from_fn(|class| {
                let labels = ResponseLabels {
                    site: Text(site.clone()),
                    status: CLASSES[class],
                };
                self.responses.get_or_create(&labels).clone()
            }),
            durations: self
                .durations
                .get_or_create(&SiteLabel {
                    site: Text(site.clone()),
                })
                .clone(),
        }
    }

    /// Where a filter's time and faults are counted.
    pub fn filter(&self, name: &Arc<str>) -> Arc<dyn Meter> {
        let labels = Phase::ALL.map(|phase| FilterLabels {
            filter: Text(name.clone()),
            phase: phase.name(),
        });
        Arc::new(FilterMeter {
            seconds: labels
                .each_ref()
                .map(|labels| self.filter_nanoseconds.get_or_create(labels).clone()),
            runs: labels
                .each_ref()
                .map(|labels| self.filter_runs.get_or_create(labels).clone()),
            errors: labels
                .each_ref()
                .map(|labels| self.filter_errors.get_or_create(labels).clone()),
        })
    }

    /// Where filters count what they made out.
    pub fn tallies(&self) -> Arc<dyn Tallies> {
        Arc::new(Outcomes {
            outcomes: self.filter_outcomes.clone(),
            calls: self.guest_calls.clone(),
            numbers: self.guest_numbers.clone(),
        })
    }

    /// Where the runs of a function are counted.
    pub fn function(&self, name: &str) -> Arc<dyn Account> {
        self.functions.account(name)
    }

    /// Where the requests to a shield are counted, and those that it could not take.
    pub fn shield(&self, name: &str) -> (Counter, Counter) {
        let label = ShieldLabel {
            shield: name.to_owned(),
        };
        (
            self.shield_requests.get_or_create(&label).clone(),
            self.shield_fallbacks.get_or_create(&label).clone(),
        )
    }

    /// Counts a request that a filter made to this edge itself.
    pub fn inner(&self, site: &Arc<str>, route: &Arc<str>, cache: CacheResult) {
        let labels = RequestLabels {
            site: Text(site.clone()),
            route: Text(route.clone()),
            cache: cache.as_str(),
        };
        self.inner_requests.get_or_create(&labels).inc();
    }

    /// Counts bytes of bodies to and from a client.
    pub fn carried(&self, sent: u64, received: u64) {
        self.sent_bytes.inc_by(sent);
        if received > 0 {
            self.received_bytes.inc_by(received);
        }
    }

    /// Counts something refused before it was routed.
    pub fn refuse(&self, reason: &'static str) {
        self.refused.get_or_create(&ReasonLabel { reason }).inc();
    }

    /// Counts a stored object that was brought into an encoding.
    pub fn encoded(&self, encoding: &'static str, read: u64, written: u64) {
        let label = EncodingLabel { encoding };
        self.encodings.get_or_create(&label).inc();
        self.encoding_read_bytes.get_or_create(&label).inc_by(read);
        self.encoding_written_bytes
            .get_or_create(&label)
            .inc_by(written);
    }

    /// Counts a reload, and the generation that serves after it.
    pub fn reloaded(&self, generation: Option<u64>) {
        let result = if generation.is_some() {
            "ok"
        } else {
            "rejected"
        };
        self.reloads.get_or_create(&ResultLabel { result }).inc();
        self.config_rejected.set(i64::from(generation.is_none()));
        if let Some(generation) = generation {
            self.generation
                .set(i64::try_from(generation).unwrap_or(i64::MAX));
        }
    }

    /// Notes whether a GeoIP database is older than its file, which can't be used.
    pub fn geoip_stale(&self, database: &'static str, is_stale: bool) {
        let label = DatabaseLabel { database };
        self.geoip_stale
            .get_or_create(&label)
            .set(i64::from(is_stale));
    }

    /// Counts a purge of a kind such as `host`, in the mode `hard` or `soft`.
    pub fn purged(&self, kind: &'static str, mode: &'static str) {
        self.purges.get_or_create(&PurgeLabels { kind, mode }).inc();
    }

    /// Everything counted, as Prometheus reads it, without the closing `# EOF`.
    pub fn render(&self) -> String {
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            tracing::error!("metrics could not be rendered");
        }
        text.truncate(text.trim_end().trim_end_matches("# EOF").len());
        text
    }
}

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// Where the requests of one route are counted.
pub struct RouteMeter {
    site: Text,
    route: Text,
    requests: Family<RequestLabels, Counter>,
    by_cache: [OnceLock<Counter>; CacheResult::COUNT],
    by_class: [Counter; 5],
    durations: Histogram,
}

impl RouteMeter {
    /// Counts an exchange that ended.
    pub fn count(&self, cache: CacheResult, status: u16, nanoseconds: u64) {
        let labels = || RequestLabels {
            site: self.site.clone(),
            route: self.route.clone(),
            cache: cache.as_str(),
        };
        self.by_cache[cache as usize]
            .get_or_init(|| self.requests.get_or_create(&labels()).clone())
            .inc();
        if let Some(counter) = self.by_class.get(usize::from(status / 100).wrapping_sub(1)) {
            counter.inc();
        }
        self.durations.observe(nanoseconds);
    }
}

struct FilterMeter {
    seconds: [Counter<f64, Seconds>; 4],
    runs: [Counter; 4],
    errors: [Counter; 4],
}

impl Meter for FilterMeter {
    fn took(&self, phase: Phase, nanoseconds: u64) {
        self.seconds[phase as usize]
            .inner()
            .0
            .fetch_add(nanoseconds, Ordering::Relaxed);
        self.runs[phase as usize].inc();
    }

    fn failed(&self, phase: Phase) {
        self.errors[phase as usize].inc();
    }
}

/// Where filters count what they made out.
struct Outcomes {
    outcomes: Family<OutcomeLabels, Counter>,
    calls: GuestCalls,
    numbers: GuestNumbers,
}

impl Tallies for Outcomes {
    fn tally(&self, filter: &str, outcome: &str) -> Arc<dyn Tally> {
        let labels = OutcomeLabels {
            filter: filter.to_owned(),
            outcome: outcome.to_owned(),
        };
        Arc::new(Outcome(self.outcomes.get_or_create(&labels).clone()))
    }

    fn calls(&self, filter: &str, version: &str, phase: &str, outcome: &str) -> Arc<dyn Tally> {
        self.calls.of(filter, version, phase, outcome)
    }

    fn count(&self, filter: &str, name: &str, by: u64) {
        self.numbers.count(filter, name, by);
    }

    fn observe(&self, filter: &str, name: &str, value: f64) {
        self.numbers.observe(filter, name, value);
    }
}

struct Outcome(Counter);

impl Tally for Outcome {
    fn count(&self) {
        self.0.inc();
    }
}
