//! What the cache knows of one exchange.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{Method, StatusCode, header};
use pingora::cache::{CacheMeta, CachePhase};
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::proxy::Session;
use rimward_cache::policy::{Basis, Decision, Reason, Rules, Terms};
use rimward_cache::slice::Version;
use rimward_cache::{Generation, Key, Object, Slice, head};
use rimward_filters::Storing;

use super::status::{CacheStatus, Forward};
use super::storage::{Joined, Stored};

/// What the cache knows of one exchange. The request path keeps it from the first call-back to the last.
#[derive(Debug, Default)]
pub struct Caching {
    key: Option<Key>,
    rules: Option<Arc<Rules>>,
    /// When the origin was asked.
    pub(super) asked: Option<SystemTime>,
    /// The state of purges then.
    pub(super) born: Option<Generation>,
    /// On what terms the response was stored or found.
    pub(super) terms: Option<Terms>,
    /// The stored object that was found.
    object: Option<Arc<Object>>,
    /// The 304 that renews the stored response.
    not_modified: Option<Box<ResponseHeader>>,
    origin_status: Option<StatusCode>,
    reason: Option<Reason>,
    joined: bool,
    was_stale: bool,
    never_waits: bool,
    /// How long the response may be stored at most.
    limit: Option<Duration>,
    /// How long it may be fresh at most, as a filter says.
    at_most: Option<Duration>,
    /// Whether a filter said that it is not to be stored.
    never: bool,
    /// Whether what was found was fresh, but not for this request.
    was_refused: bool,
    /// The slice that is asked for, when it is one.
    pub(super) slice: Option<Slice>,
    /// The version that it has to be of.
    pub(super) version: Option<Version>,
}

impl Caching {
    pub(super) fn enable(&mut self, key: Key, rules: Arc<Rules>) {
        self.key = Some(key);
        self.rules = Some(rules);
    }

    /// Keeps the exchange from waiting for another that fetches the same object, and others from waiting for it. To be
    /// said before the cache is turned on.
    pub fn never_wait(&mut self) {
        self.never_waits = true;
    }

    /// Lets the response be stored for so long at most, and used no longer; for zero not at all.
    pub fn store_no_longer_than(&mut self, limit: Duration) {
        self.limit = Some(limit);
    }

    /// Has the response stored as a filter says.
    pub fn store_as(&mut self, storing: &Storing) {
        let mut rules = (*self.rules()).clone();
        rules.ttl = storing.ttl.or(rules.ttl);
        if let Some(grace) = storing.stale_while_revalidate {
            rules.stale_while_revalidate = Some(grace);
        }
        if let Some(grace) = storing.stale_if_error {
            rules.stale_if_error = Some(grace);
        }
        rules
            .surrogate_keys
            .extend(storing.surrogate_keys.iter().cloned());
        self.rules = Some(Arc::new(rules));
        self.at_most = storing.at_most;
        self.never = storing.never;
    }

    /// The decision about a response, held to the limit.
    pub(super) fn limited(&self, decision: Decision, now: SystemTime) -> Decision {
        match (decision, self.limit) {
            (Decision::Store(_), _) if self.never => Decision::Pass(Reason::Filter),
            (Decision::Store(_), Some(Duration::ZERO)) => Decision::Pass(Reason::Fallback),
            (Decision::Store(mut terms), Some(limit)) => {
                terms.fresh_until = terms.fresh_until.min(now + limit);
                terms.stale_while_revalidate = Duration::ZERO;
                terms.stale_if_error = Duration::ZERO;
                terms.stale_if_unreachable = Duration::ZERO;
                Decision::Store(terms)
            }
            (Decision::Store(mut terms), None) => {
                if let Some(most) = self.at_most.filter(|_| terms.basis != Basis::Ttl) {
                    terms.fresh_until = terms.fresh_until.min(now + most);
                }
                Decision::Store(terms)
            }
            (decision, _) => decision,
        }
    }

    pub(super) fn waits(&self) -> bool {
        !self.never_waits
    }

    /// The key, when the cache is on.
    pub fn key(&self) -> Option<&Key> {
        self.key.as_ref()
    }

    /// Why the response was not stored, once that is known.
    pub fn reason(&self) -> Option<Reason> {
        self.reason
    }

    /// On what terms the response was stored or found, once that is known.
    pub fn terms(&self) -> Option<&Terms> {
        self.terms.as_ref()
    }

    /// The state of purges when the origin was asked, if it was.
    pub fn born(&self) -> Option<Generation> {
        self.born
    }

    /// When the origin was asked, once it was.
    pub fn asked(&self) -> Option<SystemTime> {
        self.asked
    }

    /// Notes why the response is not stored.
    pub fn pass(&mut self, reason: Reason) {
        self.reason = Some(reason);
    }

    /// Notes what the origin answered. A 304 is kept whole, since pingora would take only a few of its fields over.
    pub fn answered(&mut self, response: &ResponseHeader) {
        if response.status.is_informational() {
            return;
        }
        self.origin_status = Some(response.status);
        let renews = response.status == StatusCode::NOT_MODIFIED && self.was_stale;
        self.not_modified = renews.then(|| Box::new(response.clone()));
    }

    pub(super) fn found(&mut self, meta: &CacheMeta, is_fresh: bool) {
        self.terms = meta.extensions().get::<Terms>().cloned();
        self.object = meta
            .extensions()
            .get::<Stored>()
            .map(|stored| stored.0.clone());
        self.joined = meta.extensions().get::<Joined>().is_some();
        self.was_stale = !is_fresh;
    }

    /// Notes that what was found is not used without asking the origin, though it is fresh.
    pub(super) fn refuse(&mut self) {
        self.was_stale = true;
        self.was_refused = true;
    }

    /// The stored head as the origin's 304 renews it, if it was one.
    pub(super) fn renewed(
        &mut self,
        stored: Option<&ResponseHeader>,
        response: &ResponseHeader,
    ) -> Option<ResponseHeader> {
        let not_modified = self.not_modified.take()?;
        // pingora hands over the stored head with a few fields of the 304; another response came after a retry.
        let is_merged = response.status != StatusCode::NOT_MODIFIED;
        stored
            .filter(|_| is_merged)
            .map(|stored| head::revalidated(stored, &not_modified))
    }

    /// The stored object that was found.
    pub(super) fn object(&self) -> Option<&Arc<Object>> {
        self.object.as_ref()
    }

    pub(super) fn rules(&self) -> Arc<Rules> {
        self.rules.clone().unwrap_or_default()
    }

    /// What `Cache-Status` says of the exchange. The key is told only to those who debug.
    pub fn status(&self, session: &Session, now: SystemTime, with_key: bool) -> CacheStatus {
        let mut status = self.phase(session);
        status.ttl = self
            .terms
            .as_ref()
            .filter(|_| self.reason.is_none())
            .map(|terms| terms.ttl(now));
        status.key = self
            .key
            .as_ref()
            .filter(|_| with_key)
            .map(ToString::to_string);
        status
    }

    fn phase(&self, session: &Session) -> CacheStatus {
        let forward = |forward| CacheStatus {
            forward: Some(forward),
            status: self.origin_status,
            ..CacheStatus::default()
        };
        let stale = || match self.was_refused {
            true => Forward::Request,
            false => Forward::Stale,
        };
        let miss = || match session
            .cache
            .maybe_cache_key()
            .is_some_and(|key| key.get_variance_key().is_some())
        {
            true => Forward::VaryMiss,
            false => Forward::UriMiss,
        };
        let collapsed = self.joined || session.cache.lock_duration().is_some();
        match session.cache.phase() {
            CachePhase::Hit if collapsed => CacheStatus {
                collapsed,
                ..forward(miss())
            },
            CachePhase::Hit | CachePhase::Uninit | CachePhase::CacheKey => CacheStatus::default(),
            CachePhase::StaleUpdating => CacheStatus {
                detail: Some("stale-while-revalidate"),
                ..CacheStatus::default()
            },
            CachePhase::Stale => CacheStatus {
                detail: Some("stale-if-error"),
                ..forward(stale())
            },
            CachePhase::Miss => CacheStatus {
                stored: true,
                ..forward(miss())
            },
            CachePhase::Expired | CachePhase::Revalidated => CacheStatus {
                stored: true,
                ..forward(stale())
            },
            CachePhase::RevalidatedNoCache(_) => CacheStatus {
                detail: self.word(),
                ..forward(stale())
            },
            CachePhase::Bypass => CacheStatus {
                detail: self.word(),
                ..forward(Forward::UriMiss)
            },
            CachePhase::Disabled(_) if self.key.is_none() => forward(self.not_asked(session)),
            CachePhase::Disabled(reason) => {
                let asked = if self.was_stale {
                    stale()
                } else {
                    Forward::UriMiss
                };
                CacheStatus {
                    detail: self.word().or(Some(reason.as_str())),
                    ..forward(asked)
                }
            }
        }
    }

    /// Why the cache was not even asked.
    fn not_asked(&self, session: &Session) -> Forward {
        match session.req_header().method {
            Method::GET | Method::HEAD => Forward::Bypass,
            _ => Forward::Method,
        }
    }

    fn word(&self) -> Option<&'static str> {
        self.reason.map(Reason::as_str)
    }
}

/// Whether a request can be answered from a cache. One with a body is not: no key would tell what the body says.
pub(crate) fn is_cacheable(request: &RequestHeader) -> bool {
    let fields = &request.headers;
    let has_body = fields.contains_key(header::TRANSFER_ENCODING)
        || fields
            .get(header::CONTENT_LENGTH)
            .is_some_and(|length| length.as_bytes() != b"0");
    matches!(request.method, Method::GET | Method::HEAD)
        && !has_body
        && !fields.contains_key(header::UPGRADE)
}

pub(crate) fn declared_length(response: &ResponseHeader) -> Option<u64> {
    response
        .headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

/// The head for the client that the response was fetched for. A cookie that the route strips is stripped for it too, so
/// that no client is treated unlike the next.
pub(super) fn head_for_client(
    mut response: ResponseHeader,
    rules: &Rules,
    now: SystemTime,
) -> ResponseHeader {
    head::strip_hop_by_hop(&mut response);
    head::date(&mut response, now);
    if rules.strip_set_cookie {
        response.remove_header(&header::SET_COOKIE);
    }
    response
}
