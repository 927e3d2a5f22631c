//! One address of an origin's server, what is known of it, and a try at it.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pingora::protocols::ALPN;
use pingora::upstreams::peer::HttpPeer;
use tokio::time::Instant;

use super::Origin;
use super::dial::{Dial, Told};
use super::outlier::Record;
use super::retry::Failure;

/// Tells servers apart within a process, also across reloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ServerId(u64);

/// Where a connection goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// Over TCP.
    Inet(SocketAddr),
    /// To a Unix socket.
    Unix(PathBuf),
    /// To the files of a directory, within the process.
    Files,
    /// To a function, within the process.
    Function,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Files => f.write_str("files"),
            Self::Function => f.write_str("function"),
        }
    }
}

/// One address of an origin's server.
#[derive(Debug)]
pub(super) struct Server {
    /// As it is written in the file.
    pub(super) name: Arc<str>,
    pub(super) address: Address,
    /// As logs and metrics have it: the name, and the address where that is not the same.
    pub(super) label: Arc<str>,
    /// Its share of the requests, among those of the same origin.
    pub(super) weight: f64,
    /// Where consistent hashing has it.
    pub(super) hash: u64,
    pub(super) dial: Arc<Dial>,
    /// Made ready, so that a request only copies it.
    pub(super) peer: HttpPeer,
    /// Tells apart TLS settings that may not share a connection; `None` without TLS.
    pub(super) fingerprint: Option<u64>,
    /// Whether there are checks. What the last of them said holds no longer once a reload took them away.
    pub(super) checked: bool,
    pub(super) state: Arc<State>,
}

/// What is known of a server; outlives reloads for as long as the server stays in the file.
#[derive(Debug)]
pub(super) struct State {
    pub(super) id: ServerId,
    pub(super) in_flight: AtomicUsize,
    pub(super) requests: AtomicU64,
    pub(super) failures: AtomicU64,
    pub(super) healthy: AtomicBool,
    pub(super) health_changes: AtomicU64,
    /// Checks in a row that say otherwise than `healthy`.
    pub(super) dissent: AtomicU32,
    pub(super) record: Record,
    /// Since when the server gets requests, if it came later than the others.
    since: Mutex<Option<Instant>>,
    pub(super) pool: super::pool::Pool,
}

impl State {
    /// A server that nothing bad is known of; `late` when others were there before, so that it starts slowly.
    pub(super) fn new(late: bool) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self {
            id: ServerId(NEXT.fetch_add(1, Ordering::Relaxed)),
            in_flight: AtomicUsize::new(0),
            requests: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            healthy: AtomicBool::new(true),
            health_changes: AtomicU64::new(0),
            dissent: AtomicU32::new(0),
            record: Record::default(),
            since: Mutex::new(late.then(Instant::now)),
            pool: super::pool::Pool::default(),
        }
    }

    /// Lets the slow start begin now.
    pub(super) fn came_back(&self) {
        *self
            .since
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = Some(Instant::now());
    }

    /// When the server last began to get requests, unless it always did.
    fn since(&self) -> Option<Instant> {
        let healthy = *self
            .since
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        healthy.max(self.record.until())
    }
}

impl Server {
    pub(super) fn id(&self) -> ServerId {
        self.state.id
    }

    pub(super) fn in_flight(&self) -> usize {
        self.state.in_flight.load(Ordering::Relaxed)
    }

    /// Whether checks and answers speak for it.
    pub(super) fn usable(&self, now: Instant) -> bool {
        self.healthy() && !self.state.record.ejected(now)
    }

    /// What active checks say; true without any.
    pub(super) fn healthy(&self) -> bool {
        !self.checked || self.state.healthy.load(Ordering::Relaxed)
    }

    /// Its weight, less while it starts slowly: from a tenth, growing evenly.
    pub(super) fn share(&self, slow_start: Duration, now: Instant) -> f64 {
        const LEAST: f64 = 0.1;
        if slow_start.is_zero() {
            return self.weight;
        }
        match self.state.since() {
            Some(since) => {
                let passed =
                    now.saturating_duration_since(since).as_secs_f64() / slow_start.as_secs_f64();
                self.weight * passed.clamp(LEAST, 1.0)
            }
            None => self.weight,
        }
    }

    /// Takes a place among the requests in flight, if there is one.
    pub(super) fn enter(&self, most: Option<usize>) -> bool {
        let most = most.unwrap_or(usize::MAX);
        let entered = self
            .state
            .in_flight
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| {
                (n < most).then(|| n + 1)
            })
            .is_ok();
        if entered {
            self.state.requests.fetch_add(1, Ordering::Relaxed);
        }
        entered
    }
}

/// A server chosen for one try: counts as in flight until it is dropped.
#[derive(Debug)]
pub struct Picked {
    origin: Arc<Origin>,
    pub(super) server: Arc<Server>,
    told: Arc<Told>,
    pause: Duration,
}

impl Picked {
    pub(super) fn new(
        origin: Arc<Origin>,
        server: Arc<Server>,
        pause: Duration,
        fresh: bool,
    ) -> Self {
        let told = match origin.s3() {
            Some(_) => Told::of_bucket(fresh),
            None => Told::new(fresh),
        };
        Self {
            origin,
            server,
            told: Arc::new(told),
            pause,
        }
    }

    /// The origin's name.
    pub fn origin(&self) -> &str {
        self.origin.name()
    }

    /// The server as logs and metrics have it.
    pub fn server(&self) -> &str {
        &self.server.label
    }

    /// The address that is asked.
    pub fn address(&self) -> &Address {
        &self.server.address
    }

    /// The server's id, for [`super::Pick::tried`].
    pub fn server_id(&self) -> ServerId {
        self.server.state.id
    }

    /// To be waited for before the server is asked: it has just failed this very request, and no other is left.
    pub fn pause(&self) -> Duration {
        self.pause
    }

    /// What the connection tells the request.
    pub(super) fn told(&self) -> &Arc<Told> {
        &self.told
    }

    /// What the engine connects to.
    pub fn peer(&self) -> Box<HttpPeer> {
        let mut peer = self.server.peer.clone();
        if peer.options.alpn == ALPN::H1 {
            peer.options.custom_l4 = Some(Arc::new(
                self.server.dial.ask(&self.server.state, &self.told),
            ));
        }
        Box::new(peer)
    }

    /// Says that the request has a body that is yet to be sent: the wait for an answer begins when it was.
    pub fn body_begins(&self) {
        self.told.sending(true);
    }

    /// Says that the last of the body is about to be sent.
    pub fn body_ends(&self) {
        self.told.sending(false);
    }

    /// Whether the connection had served another request before.
    ///
    /// The engine's own word for it (`client_reused`) is only right for HTTP/2.
    pub fn reused(&self) -> bool {
        self.told.reused()
    }

    /// What an error of the engine means; it can't tell a wait that was too long from a connection that broke.
    pub fn failure(&self, error: &pingora::Error) -> Failure {
        match Failure::of(error.root_etype()) {
            Failure::Reset if self.told.timed_out() => Failure::Timeout,
            failure => failure,
        }
    }

    /// The code of the error that a bucket answered with, over HTTP/1.1.
    pub fn error_code(&self) -> Option<&str> {
        self.told.code()
    }

    /// Notes that the server answered, well or with a status of 500–599.
    pub fn answered(&self, status: u16) {
        if (500..=599).contains(&status) {
            self.failed(Failure::Status(status));
        } else {
            self.server.state.record.succeeded(Instant::now());
        }
    }

    /// Notes that the try failed.
    pub fn failed(&self, failure: Failure) {
        self.server.state.failures.fetch_add(1, Ordering::Relaxed);
        let Some(rule) = self.origin.outlier() else {
            return;
        };
        let now = Instant::now();
        let ejected = self
            .server
            .state
            .record
            .failed(rule, now, || self.origin.may_eject(rule, now));
        if let Some(time) = ejected {
            tracing::warn!(
                origin = self.origin.name(),
                server = %self.server.label,
                failure = failure.as_str(),
                seconds = time.as_secs_f64(),
                "a server failed several times in a row and is left alone for a while",
            );
        }
    }
}

impl Drop for Picked {
    fn drop(&mut self) {
        self.server.state.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A server as metrics and the admin address show it.
#[derive(Debug, Clone)]
pub struct ServerStatus {
    /// The origin's name.
    pub origin: Arc<str>,
    /// The server as it is written in the file, and the address where that is not the same.
    pub server: Arc<str>,
    /// The address, resolved.
    pub address: String,
    /// Its share of the requests now, slow start included.
    pub weight: f64,
    /// What active checks say; true without any.
    pub healthy: bool,
    /// Whether it is left alone because it failed several times in a row.
    pub ejected: bool,
    /// Requests now.
    pub in_flight: usize,
    /// Connections kept open for the next request (HTTP/1.1).
    pub idle: usize,
    /// Requests ever.
    pub requests: u64,
    /// Requests that failed, ever.
    pub failures: u64,
    /// Ejections ever.
    pub ejections: u64,
    /// How often checks changed their mind, ever.
    pub health_changes: u64,
}

impl ServerStatus {
    /// What tells the server apart from the origin's others in metrics.
    pub fn label(&self) -> &str {
        &self.server
    }
}

impl Server {
    pub(super) fn status(
        &self,
        origin: &Arc<str>,
        slow_start: Duration,
        now: Instant,
    ) -> ServerStatus {
        let state = &self.state;
        ServerStatus {
            origin: origin.clone(),
            server: self.label.clone(),
            address: self.address.to_string(),
            weight: self.share(slow_start, now),
            healthy: self.healthy(),
            ejected: state.record.ejected(now),
            in_flight: self.in_flight(),
            idle: state.pool.len(),
            requests: state.requests.load(Ordering::Relaxed),
            failures: state.failures.load(Ordering::Relaxed),
            ejections: state.record.ejections(),
            health_changes: state.health_changes.load(Ordering::Relaxed),
        }
    }
}
