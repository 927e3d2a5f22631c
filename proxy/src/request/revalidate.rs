//! Revalidation in the background: a stale object, or one that soon will be, is served, and one copy of the request asks the
//! origin again.
//!
//! The engine could spawn it by itself, but would repeat the bytes as the client sent them: filters would run twice,
//! and a request over HTTP/2 would not parse. So the copy carries the exchange as the filters left it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use http::header::{self, HeaderValue};
use pingora::proxy::{Session, subrequest};
use pingora_http::RequestHeader;
use rimward_cache::policy::{Demands, Terms};
use rimward_filters::{Client, Exchange};

use super::context::Context;
use crate::runtime::{Route, Runtime};

/// Revalidations that may run at once; further objects stay stale until their next request.
const MOST: usize = 1024;

/// The objects being revalidated in the background now.
#[derive(Default)]
pub(crate) struct Revalidations {
    keys: Mutex<HashSet<u128>>,
}

/// A place among the revalidations, held while one runs.
struct Place {
    revalidations: Arc<Revalidations>,
    key: u128,
}

impl Revalidations {
    fn enter(self: &Arc<Self>, key: u128) -> Option<Place> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        (keys.len() < MOST && keys.insert(key)).then(|| Place {
            revalidations: self.clone(),
            key,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.revalidations
            .keys
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.key);
    }
}

/// What the copy of a request needs to go on where the request is.
pub(super) struct Revalidation {
    runtime: Arc<Runtime>,
    route: Arc<Route>,
    request: RequestHeader,
    host: Option<HeaderValue>,
    client: Client,
    params: Vec<(Arc<str>, String)>,
    request_id: String,
    notes: http::Extensions,
    /// When the object was stored that is to be renewed.
    stored: Option<SystemTime>,
    _place: Place,
}

impl Revalidation {
    /// What a background request carries; `None` for a client's own.
    pub(super) fn of(session: &Session) -> Option<&Self> {
        session.subrequest_ctx.as_ref()?.user_ctx()?.downcast_ref()
    }

    /// Starts revalidating the object with this key, unless somebody does already.
    pub(super) fn start(
        revalidations: &Arc<Revalidations>,
        key: u128,
        session: &Session,
        ctx: &Context,
    ) {
        let (Some(spawner), Some(route), Some(exchange)) =
            (&session.subrequest_spawner, &ctx.route, &ctx.exchange)
        else {
            return;
        };
        let Some(place) = revalidations.enter(key) else {
            return;
        };
        let revalidation = Self {
            runtime: ctx.runtime.clone(),
            route: route.clone(),
            request: request_of_ours(session.req_header()),
            host: ctx.host.clone(),
            client: exchange.client.clone(),
            params: exchange.params.clone(),
            request_id: exchange.request_id.clone(),
            notes: exchange.notes.clone(),
            stored: ctx.caching.terms().map(|terms| terms.stored),
            _place: place,
        };
        let context = subrequest::Ctx::builder()
            .user_ctx(Box::new(revalidation))
            .build();
        drop(spawner.spawn_background_subrequest(&session.downstream_session, context));
    }

    /// Whether an object is still the one that is to be renewed, so that nobody else has done it meanwhile.
    pub(super) fn is_of(&self, terms: Option<&Terms>) -> bool {
        terms.map(|terms| terms.stored) == self.stored
    }

    /// Puts the exchange into the background request as it was when the stale object was found.
    pub(super) fn resume(&self, ctx: &mut Context) -> RequestHeader {
        ctx.background = true;
        ctx.runtime = self.runtime.clone();
        ctx.route = Some(self.route.clone());
        ctx.host = self.host.clone();
        ctx.depth = 0;
        ctx.exchange = Some(Box::new(Exchange {
            request: self.request.clone(),
            client: self.client.clone(),
            site: self.route.site.clone(),
            route: self.route.name.clone(),
            params: self.params.clone(),
            request_id: self.request_id.clone(),
            notes: self.notes.clone(),
            log: Vec::new(),
            filter_nanoseconds: 0,
        }));
        self.request.clone()
    }
}

/// The request that is repeated. `only-if-cached` was asked of this cache: a shield would answer it with 504.
fn request_of_ours(request: &RequestHeader) -> RequestHeader {
    let mut copy = request.clone();
    if Demands::of(request).only_if_cached {
        copy.remove_header(&header::CACHE_CONTROL);
    }
    copy
}
