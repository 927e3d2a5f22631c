//! A copy of a request that goes on where the request is: what requests of the edge's own carry.
//!
//! The engine would repeat the bytes as the client sent them: filters would run twice, and a request over HTTP/2 would
//! not parse. So a copy carries the exchange as the filters left it.

use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderValue;
use pingora::proxy::Session;
use pingora_http::RequestHeader;
use rimward_filters::{BodyRewriter, BodyWatcher, Chosen, Client, Exchange, Found};

use super::context::Context;
use crate::runtime::{Route, Runtime};

/// An exchange as it is after the request phase.
pub(super) struct Copied {
    runtime: Arc<Runtime>,
    route: Arc<Route>,
    pub(super) request: RequestHeader,
    host: Option<HeaderValue>,
    trusted_peer: bool,
    client: Client,
    params: Vec<(Arc<str>, String)>,
    request_id: String,
    notes: http::Extensions,
    chosen: Chosen,
    /// What is to be done with the request's body, where that goes along.
    pub(super) body: Option<Mutex<Body>>,
}

/// What is done with the body of a request.
pub(super) struct Body {
    most: u64,
    watchers: Vec<Box<dyn BodyWatcher>>,
    rewriters: Vec<Box<dyn BodyRewriter>>,
}

impl Copied {
    /// A copy of this exchange; `None` when it has not come so far as to have a route.
    pub(super) fn of(session: &Session, ctx: &Context) -> Option<Self> {
        let (route, exchange) = (ctx.route.as_ref()?, ctx.exchange.as_ref()?);
        Some(Self {
            runtime: ctx.runtime.clone(),
            route: route.clone(),
            request: session.req_header().clone(),
            host: ctx.host.clone(),
            trusted_peer: ctx.trusted_peer,
            client: exchange.client.clone(),
            params: exchange.params.clone(),
            request_id: exchange.request_id.clone(),
            notes: exchange.notes.clone(),
            chosen: exchange.chosen.clone(),
            body: None,
        })
    }

    /// Has the body of the request go along, and whoever looks at it or rewrites it.
    pub(super) fn takes_body(&mut self, ctx: &mut Context) {
        let exchange = ctx.exchange.as_mut();
        let (watchers, rewriters) = exchange
            .map(|exchange| {
                let watchers = std::mem::take(&mut exchange.request_watchers);
                (watchers, std::mem::take(&mut exchange.request_rewriters))
            })
            .unwrap_or_default();
        self.body = Some(Mutex::new(Body {
            most: ctx.max_body,
            watchers,
            rewriters,
        }));
    }

    /// Puts the exchange into the request that carries it, and its head into the session. No filter of the response
    /// phase is due.
    pub(super) fn resume(&self, session: &mut Session, ctx: &mut Context) {
        ctx.runtime = self.runtime.clone();
        ctx.route = Some(self.route.clone());
        ctx.host = self.host.clone();
        ctx.trusted_peer = self.trusted_peer;
        ctx.depth = 0;
        session.ignore_downstream_range = !self.route.ranges;
        let body = self.body.as_ref().map(|body| {
            let mut body = body.lock().unwrap_or_else(PoisonError::into_inner);
            ctx.max_body = body.most;
            let watchers = std::mem::take(&mut body.watchers);
            (watchers, std::mem::take(&mut body.rewriters))
        });
        let (request_watchers, request_rewriters) = body.unwrap_or_default();
        ctx.exchange = Some(Box::new(Exchange {
            request: self.request.clone(),
            client: self.client.clone(),
            site: self.route.site.clone(),
            route: self.route.name.clone(),
            params: self.params.clone(),
            request_id: self.request_id.clone(),
            notes: self.notes.clone(),
            origin: self.route.origin_id,
            found: Found::Unknown,
            chosen: self.chosen.clone(),
            request_watchers,
            request_body: None,
            request_rewriters,
            outcomes: Vec::new(),
            log: Vec::new(),
            filter_nanoseconds: 0,
        }));
        *session.req_header_mut() = self.request.clone();
    }
}
