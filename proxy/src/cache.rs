//! The cache between clients and origins: our store under pingora's state machine.
//!
//! `rimward_cache` decides and stores; pingora-cache decides when to ask it. This module translates between them, and
//! its functions are what the `ProxyHttp` implementation calls, one for each of pingora's call-backs, with the
//! [`Caching`] that it keeps for each exchange:
//!
//! | call-back | calls |
//! |---|---|
//! | `early_request_filter` | nothing here, but must make an HTTP/2 request HTTP/1.1 with `Host`: pingora writes a copy of a request as HTTP/1.1 bytes, and drops one that says HTTP/2 |
//! | `request_cache_filter` | [`Cache::enable`], with the route's rules and the exchange's key; or [`Caching::pass`] |
//! | `cache_key_callback` | [`Cache::key`] |
//! | `cache_vary_filter` | [`Cache::vary`] |
//! | `cache_hit_filter` | [`Cache::found`]; what that is good for tells [`Cache::serves`]: a stale object within its grace is served, and renewed by a request in the background |
//! | `should_serve_stale` | [`Cache::may_serve_stale`], for errors |
//! | `upstream_request_filter` | [`Cache::asking`], last |
//! | `upstream_response_filter` | [`Caching::answered`] and [`Cache::answered_slice`], last, after the filters of `origin_response`; and [`Cache::post`] |
//! | `upstream_response_body_filter` | [`Posted::pass`], where there is one |
//! | `response_cache_filter` | [`Cache::store`] |
//! | `cache_not_modified_filter` | [`Cache::is_not_modified`] |
//! | `range_header_filter` | [`Cache::range`] |
//! | `response_filter` | [`Caching::status`], for the `Cache-Status` field, unless the response is informational |
//! | `logging` | [`Cache::invalidate`], when the response to an unsafe request was sent |
//!
//! Errors of an origin must have `ErrorSource::Upstream`, also those that say that no server is left to ask: that is
//! what lets a stale object be served instead. Failed fills surface as errors of `read_body`, and the connection to the
//! client must then be cut, which pingora does.

mod caching;
mod lock;
mod passes;
mod posted;
mod range;
mod rewritten;
mod slices;
mod status;
mod storage;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use pingora::cache::key::HashBinary;
use pingora::cache::{
    CacheKey, CacheMeta, CacheOptionOverrides, ForcedFreshness, NoCacheReason, RespCacheable,
};
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::proxy::{RangeType, Session};
use pingora::{Error, ErrorSource, ErrorType};
use rimward_cache::policy::{self, Decision, Demands, Failure, Received, Rules, Serve, Terms};
use rimward_cache::vary::Vary;
use rimward_cache::{Bounds, Clock, Key, KeyRef, Mode, Purge, Store, conditional, invalidation};

pub use caching::Caching;
pub(crate) use caching::{declared_length, is_cacheable};
use lock::Lock;
use passes::Passes;
pub use posted::{Posted, Posting};
pub(crate) use rewritten::{leave_out, rewrite, stored_body};
pub use status::{CacheStatus, Forward};
use storage::{Asked, Tier};
pub(crate) use storage::{found_object, serve_instead};

/// How often one request waits for another before it asks the origin itself, uncached.
const MAX_WAITS: usize = 8;

/// The cache of one edge.
///
/// pingora wants what it stores into to live for ever, so a cache is leaked: an edge makes one when it starts, and a
/// reload changes its bounds.
#[derive(Clone, Copy)]
pub struct Cache {
    tier: &'static Tier,
    lock: &'static Lock,
    passes: &'static Passes,
    /// Objects that turned out to have no slices, by their keys.
    unsliced: &'static Passes,
    /// Objects of which more than one version was found among the slices.
    replaced: &'static Passes,
}

impl Cache {
    /// An empty cache. `lock_timeout` is how long a request waits for another that fetches the same object.
    pub fn new(bounds: Bounds, lock_timeout: Duration, clock: Clock) -> Self {
        let passes: &'static Passes = Box::leak(Box::new(Passes::new(clock.clone())));
        let unsliced: &'static Passes = Box::leak(Box::new(Passes::new(clock.clone())));
        let replaced: &'static Passes = Box::leak(Box::new(Passes::new(clock.clone())));
        let tier = Tier::new(Store::new(bounds, clock), passes, unsliced);
        Self {
            tier: Box::leak(Box::new(tier)),
            lock: Box::leak(Box::new(Lock::new(lock_timeout))),
            passes,
            unsliced,
            replaced,
        }
    }

    /// What is stored.
    pub fn objects(&self) -> &'static Store {
        self.tier.store()
    }

    /// Changes the bounds and the time that requests wait for each other.
    pub fn resize(&self, bounds: Bounds, lock_timeout: Duration) {
        self.objects().resize(bounds);
        self.lock.set_timeout(lock_timeout);
    }

    /// Turns the cache on for an exchange, when its request is one that can be answered from a cache.
    pub fn enable(
        &self,
        session: &mut Session,
        caching: &mut Caching,
        key: Key,
        rules: Arc<Rules>,
    ) {
        if !is_cacheable(session.req_header()) {
            return;
        }
        let mut overrides = CacheOptionOverrides::default();
        overrides.wait_timeout = Some(self.lock.timeout());
        overrides.max_lock_retries = Some(MAX_WAITS);
        let lock = caching.waits().then_some(self.lock as _);
        session
            .cache
            .enable(self.tier, None, Some(self.passes), lock, Some(overrides));
        caching.enable(key, rules);
    }

    /// Whether the response under this key is known not to be one to be stored.
    pub(crate) fn passes(&self, key: KeyRef<'_>) -> bool {
        self.passes.holds(key.hash())
    }

    /// The exchange's key as pingora wants it, already with the variant that the request asks for.
    pub fn key(&self, request: &RequestHeader, caching: &Caching) -> pingora::Result<CacheKey> {
        let Some(key) = caching.key() else {
            return Error::e_explain(
                ErrorType::InternalError,
                "the cache was enabled without a key",
            );
        };
        let mut found = CacheKey::new(key.parts().to_vec(), "");
        found.set_primary_bin_override(key.hash().to_be_bytes());
        if let Some(variance) = self.objects().variance(key.as_ref(), &request.headers) {
            found.set_variance_key(variance.to_be_bytes());
        }
        if self
            .objects()
            .is_for_disk(key.as_ref(), storage::variance(&found))
        {
            let fields = Arc::new(request.headers.clone());
            found.extensions.insert(storage::Fields(fields));
        }
        // From here on a purge is seen by what the request may store.
        found.extensions.insert(Asked(self.objects().generation()));
        Ok(found)
    }

    /// Which variant of the response a request asks for.
    pub fn vary(&self, meta: &CacheMeta, request: &RequestHeader) -> Option<HashBinary> {
        let vary = Vary::of(meta.headers());
        vary.variance(&request.headers).map(u128::to_be_bytes)
    }

    /// Looks at what a lookup found, before it is used.
    pub fn found(
        &self,
        session: &mut Session,
        meta: &CacheMeta,
        is_fresh: bool,
        caching: &mut Caching,
    ) -> Option<ForcedFreshness> {
        if caching.is_outdated(meta, self.objects().now()) {
            return Some(ForcedFreshness::ForceMiss);
        }
        caching.found(meta, is_fresh);
        // Who has to ask the origin in any case need not wait until others have asked.
        if meta
            .extensions()
            .get::<Terms>()
            .is_some_and(Terms::is_always_validated)
        {
            session.cache.set_cache_lock(None, None);
        }
        None
    }

    /// Notes that the origin is asked now.
    pub fn asking(&self, caching: &mut Caching) {
        caching.asked = Some(self.objects().now());
        caching.born = Some(self.objects().generation());
    }

    /// Whether, and on what terms, an origin's response is stored.
    pub fn store(
        &self,
        session: &Session,
        response: &ResponseHeader,
        caching: &mut Caching,
    ) -> RespCacheable {
        let stored = session
            .cache
            .maybe_cache_meta()
            .map(CacheMeta::response_header);
        let renewed = caching.renewed(stored, response);
        let response = renewed.as_ref().unwrap_or(response);
        let rules = caching.rules();
        let now = self.objects().now();
        let asked = caching.asked.unwrap_or(now);
        let received = Received {
            request: session.req_header(),
            response,
            asked,
            now,
        };
        let slice = caching.slice.zip(caching.key());
        let decision = match slice {
            Some((slice, key)) => self.decide_slice(&received, &rules, slice, key),
            None => policy::store(&received, &rules),
        };
        match caching.limited(decision, now) {
            Decision::Store(_) if declared_length(response) > Some(self.objects().max_object()) => {
                caching.pass(policy::Reason::TooLarge);
                RespCacheable::Uncacheable(NoCacheReason::ResponseTooLarge)
            }
            Decision::Store(mut terms) => {
                if let Some((slice, key)) = slice {
                    self.label_slice(&mut terms, response, slice, key);
                }
                caching.terms = Some((*terms).clone());
                let head = caching::head_for_client(response.clone(), &rules, now);
                let mut meta = self.tier.meta(head, *terms, None);
                let selecting =
                    Vary::of(&response.headers).selecting(&session.req_header().headers);
                if let Some(selecting) = selecting {
                    meta.extensions_mut()
                        .insert(storage::Selecting(selecting.into()));
                }
                if let Some(object) = caching.object() {
                    meta.extensions_mut()
                        .insert(storage::Stored(object.clone()));
                }
                RespCacheable::Cacheable(meta)
            }
            Decision::Pass(reason) => {
                caching.pass(reason);
                // What one client does not want to be stored says nothing about what others have of it, and another origin
                // nothing about what this one has.
                let is_about_it = !matches!(
                    reason,
                    policy::Reason::AskedNotTo | policy::Reason::Fallback
                );
                if is_about_it {
                    self.supersede(caching, response);
                }
                RespCacheable::Uncacheable(NoCacheReason::Custom(reason.as_str()))
            }
        }
    }

    /// A response that is not stored still ends the use of an older one (RFC 9111 §4.3.3), unless it is an error.
    fn supersede(&self, caching: &Caching, response: &ResponseHeader) {
        if let Some(object) = caching
            .object()
            .filter(|_| !response.status.is_server_error())
        {
            self.objects().remove(object);
        }
    }

    /// What an object that was found is good for, by its terms and what the request demands.
    pub fn serves(&self, meta: &CacheMeta, demands: Option<&Demands>) -> Serve {
        let now = self.objects().now();
        match (meta.extensions().get::<Terms>(), demands) {
            (None, _) => Serve::Revalidate,
            (Some(terms), None) => policy::serve(terms, now),
            (Some(terms), Some(demands)) => demands.serve(terms, now),
        }
    }

    /// Whether a hit of this object is the one to renew it before it is stale.
    pub fn is_to_be_refreshed(&self, meta: &CacheMeta) -> bool {
        let terms = meta.extensions().get::<Terms>();
        terms
            .is_some_and(|terms| policy::refreshes_early(terms, self.objects().now(), rand::random))
    }

    /// Has a fresh object renewed, as if it were stale. Nobody is waited for.
    pub fn refuse(&self, session: &mut Session, caching: &mut Caching) -> ForcedFreshness {
        caching.refuse();
        session.cache.set_cache_lock(None, None);
        ForcedFreshness::ForceExpiredServeStale { expired_at: None }
    }

    /// Whether a stale object is served because of this error.
    pub fn may_serve_stale(&self, session: &Session, error: &Error) -> bool {
        let meta = session.cache.maybe_cache_meta();
        let terms = meta.and_then(|meta| meta.extensions().get::<Terms>());
        let (Some(terms), Some(failure)) = (terms, failure(error)) else {
            return false;
        };
        policy::serve_on(failure, terms, self.objects().now())
    }

    /// Whether the client has what is stored.
    pub fn is_not_modified(&self, request: &RequestHeader, stored: &ResponseHeader) -> bool {
        conditional::is_not_modified(request, stored, self.objects().now())
    }

    /// Which part of a response the client gets; changes the head to match.
    pub fn range(&self, request: &RequestHeader, response: &mut ResponseHeader) -> RangeType {
        range::range(request, response, self.objects().now())
    }

    /// Begins to store a response to POST for those who GET its target, if that is what it is.
    pub fn post(&self, posting: Posting<'_>, response: &ResponseHeader) -> Option<Posted> {
        Posted::begin(self.objects(), posting, response)
    }

    /// Takes out what a successful unsafe request invalidates. `key` makes a key of a path on the exchange's site, by
    /// the rules that stored it; none for what is to stay.
    pub fn invalidate(
        &self,
        request: &RequestHeader,
        response: &ResponseHeader,
        scheme: &str,
        host: &str,
        key: impl Fn(&http::uri::PathAndQuery) -> Option<Key>,
    ) {
        let paths = invalidation::invalidated(request, response, scheme, host);
        for key in paths.iter().filter_map(key) {
            self.objects().purge(&Purge::Url(key.as_ref()), Mode::Hard);
        }
    }
}

/// How the origin failed, if it was the origin.
fn failure(error: &Error) -> Option<Failure> {
    match (error.esource(), error.etype()) {
        (ErrorSource::Upstream, ErrorType::HTTPStatus(status)) => {
            http::StatusCode::from_u16(*status)
                .ok()
                .map(Failure::Status)
        }
        (ErrorSource::Upstream, _) => Some(Failure::Unreachable),
        _ => None,
    }
}
