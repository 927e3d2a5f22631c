//! What one exchange carries through the call-backs of the request path.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderValue;
use pingora::proxy::Session;
use prometheus_client::metrics::gauge::Gauge;
use rimward_cache::policy::Demands;
use rimward_filters::{Chosen, Exchange, Rewriters, WayThere};

use super::body::Passing;
use super::compress::Compressing;
use super::outgoing::Edits;
use super::slices::Outcome;
use crate::cache::{Caching, Posted};
use crate::listen::Connection;
use crate::log::{Termination, When, Who};
use crate::origin::{Given, Origin, Picked};
use crate::runtime::{Route, Runtime};

/// What one exchange carries through the call-backs of the request path.
pub(crate) struct Context {
    /// The configuration that this exchange sees from beginning to end.
    pub(super) runtime: Arc<Runtime>,
    /// When it began.
    pub(super) started: Instant,
    /// The connection it came in by; `None` for a revalidation in the background.
    pub(super) connection: Option<Arc<Connection>>,
    /// The version the client spoke.
    pub(super) protocol: &'static str,
    /// The route; `None` until it is found.
    pub(super) route: Option<Arc<Route>>,
    /// What filters see; `None` until the route is found. While no filter runs, its request head is in the session.
    pub(super) exchange: Option<Box<Exchange>>,
    /// The `Host` that the client asked for, whatever filters made of it.
    pub(super) host: Option<HeaderValue>,
    /// How far the request phase has come, where the fast lane began it.
    pub(super) way: Option<WayThere>,
    /// How many steps of the pipeline see the response.
    pub(super) depth: usize,
    /// Where a listener wants every request redirected to.
    pub(super) redirect: Option<String>,
    /// Whether this is a revalidation in the background.
    pub(super) background: bool,
    /// What the cache knows of it.
    pub(super) caching: Caching,
    /// Which encoding the client takes, and what was found of it.
    pub(super) compressing: Compressing,
    /// A response to POST that is being stored, and whether there was one.
    pub(super) posted: Option<Posted>,
    pub(super) is_posted: bool,
    /// Whether the response is the edge's own.
    pub(super) own_answer: bool,
    /// Why a stale object was served at once, if one was.
    pub(super) served_stale: Option<&'static str>,
    /// Whether the other end of the connection is a trusted proxy.
    pub(super) trusted_peer: bool,
    /// What the request demands of the cache, if the route listens.
    pub(super) demands: Option<Box<Demands>>,
    /// Whether it wants nothing but what is stored.
    pub(super) only_if_cached: bool,
    /// What filters changed in the request that goes to the origin, once they saw it.
    pub(super) edits: Option<Edits>,
    /// What filters had decided on when the cache key was made, where they may have decided otherwise since.
    pub(super) keyed: Option<Chosen>,
    /// What a filter gave in place of an origin's response.
    pub(super) given: Option<Given>,
    /// The origin asked.
    pub(super) origin: Option<Arc<Origin>>,
    /// The server asked last, in flight until it is dropped.
    pub(super) picked: Option<Picked>,
    /// Servers of that origin asked before, not to be asked again.
    pub(super) tried: Vec<crate::origin::ServerId>,
    /// Whether the server asked last is an edge of the route's shield.
    pub(super) asks_shield: bool,
    /// Whether the shield was asked in vain, so that the origin is.
    pub(super) past_shield: bool,
    /// How often an origin was asked.
    pub(super) tries: u32,
    /// How far the exchange with the origin came.
    pub(super) progress: Progress,
    /// When the server was chosen that was asked last.
    pub(super) asked: Option<Instant>,
    /// From asking an origin to the head of its response.
    pub(super) origin_time: Option<Duration>,
    /// How far the request's body has come.
    pub(super) body: Passing,
    /// How many bytes the request body may have by a filter's word; the listener holds it to its own.
    pub(super) max_body: u64,
    /// What stands in for the body of a bucket's error.
    pub(super) page: Option<Bytes>,
    /// What rewrites the body on its way into the cache.
    pub(super) origin_rewriters: Rewriters,
    /// What rewrites the body on its way to the client.
    pub(super) rewriters: Rewriters,
    /// Whether the whole response was written, whatever else comes of it.
    pub(super) is_sent: bool,
    /// From the beginning to the head of the response.
    pub(super) first_byte: Option<Duration>,
    /// Who ended the exchange, if it did not end well.
    pub(super) termination: Termination,
    /// Why it did not end well.
    pub(super) error: Option<String>,
    /// Whether a filter made it to this edge itself.
    pub(super) is_inner: bool,
    /// Whether this is for a fragment of a page, which is told of with the page.
    pub(super) is_fragment: bool,
    /// How deep it stands in pages.
    pub(super) esi_depth: u8,
    /// Whether the response was in hand before the client's began.
    pub(super) is_aside: bool,
    /// What became of the slices that the response is put together from.
    pub(super) sliced: Option<Box<Outcome>>,
    /// Whom this exchange tells what became of it, when it is for a slice of another's response.
    pub(super) tells: Option<Arc<OnceLock<Outcome>>>,
    /// Counts it until it is dropped; `None` for a part of an exchange that counts itself.
    in_flight: Option<Gauge>,
}

impl Drop for Context {
    fn drop(&mut self) {
        self.uncount();
    }
}

/// How far the exchange with an origin came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Progress {
    /// No origin is needed yet.
    #[default]
    Request,
    /// A server is looked for or connected to.
    Connect,
    /// The response's head is waited for.
    Head,
    /// The response's body is on its way.
    Body,
}

impl Context {
    /// An exchange that begins now; `in_flight` counts it until it is dropped.
    pub(super) fn new(runtime: Arc<Runtime>, in_flight: Gauge) -> Self {
        in_flight.inc();
        Self {
            runtime,
            started: Instant::now(),
            connection: None,
            protocol: "HTTP/1.1",
            route: None,
            exchange: None,
            host: None,
            way: None,
            depth: 0,
            redirect: None,
            background: false,
            caching: Caching::default(),
            compressing: Compressing::default(),
            posted: None,
            is_posted: false,
            own_answer: false,
            served_stale: None,
            trusted_peer: false,
            demands: None,
            only_if_cached: false,
            edits: None,
            keyed: None,
            given: None,
            origin: None,
            picked: None,
            tried: Vec::new(),
            asks_shield: false,
            past_shield: false,
            tries: 0,
            progress: Progress::default(),
            asked: None,
            origin_time: None,
            body: Passing::default(),
            max_body: u64::MAX,
            page: None,
            origin_rewriters: Rewriters::default(),
            rewriters: Rewriters::default(),
            is_sent: false,
            first_byte: None,
            termination: Termination::default(),
            error: None,
            is_inner: false,
            is_fragment: false,
            esi_depth: 0,
            is_aside: false,
            sliced: None,
            tells: None,
            in_flight: Some(in_flight),
        }
    }

    /// Counts this exchange no longer, since it is a part of another.
    pub(super) fn uncount(&mut self) {
        if let Some(in_flight) = self.in_flight.take() {
            in_flight.dec();
        }
    }

    /// The names of the origin and the server that were asked last, for slices too.
    pub(super) fn asked_of(&self) -> Option<(&str, &str)> {
        let picked = self.picked.as_ref();
        let own = picked.map(|picked| (picked.origin(), picked.server()));
        own.or_else(|| {
            let (origin, server) = self.sliced.as_ref()?.asked.as_ref()?;
            Some((origin, server))
        })
    }

    /// How often an origin was asked, for slices too.
    pub(super) fn all_tries(&self) -> u32 {
        self.tries + self.sliced.as_ref().map_or(0, |sliced| sliced.tries)
    }

    /// Whether this is a request of the edge's own, which goes on where a client's request is.
    pub(super) fn is_copy(&self) -> bool {
        self.background || self.tells.is_some()
    }

    /// Runs `step` with the exchange whole: the request head is in it for as long as `step` takes.
    pub(super) fn with_exchange<T>(
        &mut self,
        session: &mut Session,
        step: impl FnOnce(&Route, &mut Exchange, usize) -> T,
    ) -> Option<T> {
        let route = self.route.clone()?;
        let exchange = self.exchange.as_mut()?;
        std::mem::swap(session.req_header_mut(), &mut exchange.request);
        let result = step(&route, exchange, self.depth);
        std::mem::swap(session.req_header_mut(), &mut exchange.request);
        Some(result)
    }

    /// Takes the exchange out whole, with the request head in it, for as long as filters run that may wait. It has to be
    /// [given back](Self::give_back).
    pub(super) fn lend(&mut self, session: &mut Session) -> Option<(Arc<Route>, Box<Exchange>)> {
        let route = self.route.clone()?;
        let mut exchange = self.exchange.take()?;
        std::mem::swap(session.req_header_mut(), &mut exchange.request);
        Some((route, exchange))
    }

    /// Puts the exchange back where it was.
    pub(super) fn give_back(&mut self, session: &mut Session, mut exchange: Box<Exchange>) {
        std::mem::swap(session.req_header_mut(), &mut exchange.request);
        self.exchange = Some(exchange);
    }

    /// The request's identity, or nothing when it was refused before it got one.
    pub(super) fn request_id(&self) -> &str {
        self.exchange
            .as_ref()
            .map_or("", |exchange| &exchange.request_id)
    }

    /// Remembers who ended the exchange, unless somebody did already.
    pub(super) fn end(&mut self, who: Who, why: impl Into<String>) {
        if self.termination.who == Who::Nobody {
            self.termination = Termination {
                who,
                when: self.when(),
            };
            self.error = Some(why.into());
        }
    }

    fn when(&self) -> When {
        match self.progress {
            Progress::Request => When::Request,
            Progress::Connect => When::Connect,
            Progress::Head => When::Head,
            Progress::Body => When::Body,
        }
    }
}
