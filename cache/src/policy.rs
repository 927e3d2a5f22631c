//! What may be stored, for how long, and when it may be served: RFC 9111 as pure functions.
//!
//! [`store`] decides once, when a response arrives; what it found stands in [`Terms`], which are kept with the object.
//! [`serve`] and [`serve_on`] read them for each request. Nothing here reads a clock or a store.

mod demands;
mod early;
mod freshness;
mod reason;
mod rules;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::header::{self, HeaderName};
use http::{Method, StatusCode};
use pingora_http::{RequestHeader, ResponseHeader};

use crate::cache_control::{Directives, Fields};
use crate::slice::{Slice, whole_head};
pub use demands::Demands;
pub(crate) use early::is_last_part;
pub use early::refreshes_early;
pub use freshness::Basis;
pub use reason::Reason;
pub use rules::{CDN_CACHE_CONTROL, Rules, STALE_IF_UNREACHABLE, TARGETS};

/// Labels of one object beyond which more are ignored.
const MAX_SURROGATE_KEYS: usize = 256;

/// A response and how it came.
#[derive(Debug, Clone, Copy)]
pub struct Received<'a> {
    /// The request as the client sent it.
    pub request: &'a RequestHeader,
    /// The final response as the origin sent it.
    pub response: &'a ResponseHeader,
    /// When the origin was asked.
    pub asked: SystemTime,
    /// When its answer came.
    pub now: SystemTime,
}

/// Whether a response is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It is, on these terms.
    Store(Box<Terms>),
    /// It is not.
    Pass(Reason),
}

/// On what terms a response is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// When it arrived.
    pub stored: SystemTime,
    /// When the origin made it, as far as its age tells (RFC 9111 §4.2.3); its age is counted from here.
    pub epoch: SystemTime,
    /// It is fresh before this, and stale from then on.
    pub fresh_until: SystemTime,
    /// Where its lifetime comes from.
    pub basis: Basis,
    /// How long after that it may be served while it is revalidated.
    pub stale_while_revalidate: Duration,
    /// How long after that it may be served instead of an error that the origin answers.
    pub stale_if_error: Duration,
    /// How long after that it may be served when the origin cannot be reached.
    pub stale_if_unreachable: Duration,
    /// Whether the origin wants no stale use but what it allows itself (`must-revalidate` and its kin, `s-maxage`), so
    /// that a client's `max-stale` counts for nothing.
    pub must_revalidate: bool,
    /// How long the origin took to answer.
    pub cost: Duration,
    /// Fields that only this response's own client may see.
    pub withheld: Arc<[HeaderName]>,
    /// Labels to purge it by.
    pub surrogate_keys: Arc<[Box<str>]>,
}

/// Whether, and on what terms, a response is stored.
pub fn store(received: &Received<'_>, rules: &Rules) -> Decision {
    let Received {
        request, response, ..
    } = *received;
    let targeted = Directives::targeted(response, &rules.targets);
    let is_targeted = targeted.is_some();
    let directives = targeted.unwrap_or_else(|| Directives::of(response));
    if let Some(reason) = forbidden(request, response, &directives, rules) {
        return Decision::Pass(reason);
    }
    let found = freshness::lifetime(received, &directives, is_targeted, rules);
    let (lifetime, basis) = match found {
        Some(found) if directives.no_cache != Fields::All || found.1 == Basis::NoCache => found,
        _ if directives.no_cache == Fields::All => (Duration::ZERO, Basis::NoCache),
        _ => return Decision::Pass(Reason::NoFreshness),
    };
    let terms = terms(received, &directives, rules, lifetime, basis);
    let is_of_use =
        terms.fresh_until > received.now || has_validator(response) || terms.may_be_served_stale();
    match (is_of_use, basis) {
        (true, _) => Decision::Store(Box::new(terms)),
        (false, Basis::NoCache) => Decision::Pass(Reason::NoCache),
        (false, _) => Decision::Pass(Reason::Expired),
    }
}

/// Whether, and on what terms, the answer to a request for a slice is stored under the key of that slice. What holds for
/// it is what would hold for the whole object; a 206 that is not this slice is refused as any other is.
pub fn store_slice(received: &Received<'_>, rules: &Rules, slice: Slice) -> Decision {
    let Some(version) = slice.version(received.response, received.now) else {
        return Decision::Pass(Reason::Status);
    };
    let whole = whole_head(received.response, version.total);
    let received = Received {
        response: &whole,
        ..*received
    };
    store(&received, rules)
}

/// Why the response must not be stored, whatever its lifetime (RFC 9111 §3).
fn forbidden(
    request: &RequestHeader,
    response: &ResponseHeader,
    directives: &Directives,
    rules: &Rules,
) -> Option<Reason> {
    let status = response.status;
    let understood = !directives.must_understand || is_understood(status);
    let fields = &response.headers;
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return Some(Reason::Method);
    }
    // A 206 is a part and a 304 says nothing but "as before": neither is a response to store. Slices have their own way in.
    if status.is_informational()
        || matches!(
            status,
            StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED
        )
    {
        return Some(Reason::Status);
    }
    if !understood {
        return Some(Reason::NotUnderstood);
    }
    // RFC 9111 §5.2.2.3: who understands the status ignores the no-store beside must-understand.
    if directives.no_store && !directives.must_understand {
        return Some(Reason::NoStore);
    }
    if directives.private == Fields::All {
        return Some(Reason::Private);
    }
    // RFC 9111 §5.2.1.5.
    if rules.request_directives && Demands::of(request).no_store {
        return Some(Reason::AskedNotTo);
    }
    // RFC 9111 §3.5.
    let open_to_all =
        directives.public || directives.must_revalidate || directives.s_maxage.is_some();
    if request.headers.contains_key(header::AUTHORIZATION) && !open_to_all {
        return Some(Reason::Authorization);
    }
    let cookie_is_allowed = rules.strip_set_cookie
        || rules.store_set_cookie
        || withheld(directives).any(|name| *name == header::SET_COOKIE);
    if fields.contains_key(header::SET_COOKIE) && !cookie_is_allowed {
        return Some(Reason::SetCookie);
    }
    let varies_on_anything = crate::vary::names(fields).any(|name| name == "*");
    varies_on_anything.then_some(Reason::Vary)
}

fn terms(
    received: &Received<'_>,
    directives: &Directives,
    rules: &Rules,
    lifetime: Duration,
    basis: Basis,
) -> Terms {
    let age = freshness::initial_age(received);
    let epoch = received
        .now
        .checked_sub(age)
        .unwrap_or(SystemTime::UNIX_EPOCH);
    // The operator's lifetime counts from the arrival, the origin's from when it made the response.
    let from = if basis.is_the_operators() {
        received.now
    } else {
        epoch
    };
    let stale = freshness::stale_windows(directives, rules);
    Terms {
        stored: received.now,
        epoch,
        fresh_until: from.checked_add(lifetime).unwrap_or(received.now),
        basis,
        stale_while_revalidate: stale.while_revalidate,
        stale_if_error: stale.if_error,
        stale_if_unreachable: stale.if_unreachable,
        must_revalidate: stale.forbidden,
        cost: received
            .now
            .duration_since(received.asked)
            .unwrap_or_default(),
        withheld: withheld(directives).cloned().collect(),
        surrogate_keys: surrogate_keys(received.response, rules),
    }
}

impl Terms {
    /// How old the response is, as `Age` tells it.
    pub fn age(&self, now: SystemTime) -> Duration {
        now.duration_since(self.epoch).unwrap_or_default()
    }

    /// Whether it is fresh.
    pub fn is_fresh(&self, now: SystemTime) -> bool {
        now < self.fresh_until
    }

    /// Whether it is fresh for that long.
    fn is_fresh_for(&self, time: Duration, now: SystemTime) -> bool {
        self.fresh_until
            .duration_since(now)
            .is_ok_and(|left| left >= time)
    }

    /// Whether it may be served to a client that takes what has been stale for so long (RFC 9111 §5.2.1.2).
    fn is_taken_stale(&self, most: Duration, now: SystemTime) -> bool {
        !self.must_revalidate && self.within(most, now)
    }

    /// Seconds until it is stale; negative when it is. A part of a second counts whole, so that this and the age, of
    /// which a part does not count, are the lifetime together.
    pub fn ttl(&self, now: SystemTime) -> i64 {
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        match self.fresh_until.duration_since(now) {
            Ok(left) => seconds(left).saturating_add(i64::from(left.subsec_nanos() > 0)),
            Err(over) => -seconds(over.duration()),
        }
    }

    /// Whether it has never been fresh and never is served stale: each request has to ask the origin.
    pub fn is_always_validated(&self) -> bool {
        self.fresh_until <= self.stored && self.stale_while_revalidate.is_zero()
    }

    /// Ends its freshness at `time`, if it did not end before; the stale windows begin then.
    pub fn expire_at(&mut self, time: SystemTime) {
        self.fresh_until = self.fresh_until.min(time);
    }

    fn may_be_served_stale(&self) -> bool {
        !self.stale_while_revalidate.is_zero() || !self.stale_if_error.is_zero()
    }

    fn within(&self, window: Duration, now: SystemTime) -> bool {
        let end = self.fresh_until.checked_add(window);
        !window.is_zero() && end.is_none_or(|end| now <= end)
    }
}

/// What a stored response is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serve {
    /// It is fresh: serve it.
    Fresh,
    /// It is stale: serve it, and revalidate it beside.
    WhileRevalidating,
    /// It is stale, and the client takes it so.
    Stale,
    /// It is stale: ask the origin first.
    Revalidate,
}

/// Whether a stored response is served as it is (RFC 9111 §4.2, RFC 5861 §3).
pub fn serve(terms: &Terms, now: SystemTime) -> Serve {
    if terms.is_fresh(now) {
        Serve::Fresh
    } else if terms.within(terms.stale_while_revalidate, now) {
        Serve::WhileRevalidating
    } else {
        Serve::Revalidate
    }
}

/// How an origin failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It closed, reset, timed out or could not be reached.
    Unreachable,
    /// It answered with this status.
    Status(StatusCode),
}

/// Whether a stale response is served because the origin failed (RFC 9111 §4.2.4, RFC 5861 §4).
pub fn serve_on(failure: Failure, terms: &Terms, now: SystemTime) -> bool {
    let window = match failure {
        Failure::Unreachable => terms.stale_if_unreachable,
        Failure::Status(status) if matches!(status.as_u16(), 500 | 502..=504) => {
            terms.stale_if_error
        }
        Failure::Status(_) => Duration::ZERO,
    };
    terms.within(window, now)
}

fn has_validator(response: &ResponseHeader) -> bool {
    response.headers.contains_key(header::ETAG)
        || response.headers.contains_key(header::LAST_MODIFIED)
}

/// Fields that the origin wants no other client to see without being asked (RFC 9111 §5.2.2.4 and §5.2.2.7).
fn withheld(directives: &Directives) -> impl Iterator<Item = &HeaderName> {
    directives
        .private
        .names()
        .iter()
        .chain(directives.no_cache.names())
}

/// Statuses whose caching rules this cache knows (RFC 9110 §15).
fn is_understood(status: StatusCode) -> bool {
    matches!(status.as_u16(), 200..=205 | 300..=303 | 305 | 307 | 308 | 400..=417 | 421 | 422 | 426 | 428 | 429 | 431 | 451 | 500..=505 | 511)
}

fn surrogate_keys(response: &ResponseHeader, rules: &Rules) -> Arc<[Box<str>]> {
    let field = |name: &'static str, separator: fn(char) -> bool| {
        let lines = response
            .headers
            .get_all(name)
            .iter()
            .filter_map(|line| line.to_str().ok());
        lines
            .flat_map(move |line| line.split(separator))
            .map(str::trim)
    };
    let spaced = field("surrogate-key", |letter| letter == ' ');
    let listed = field("cache-tag", |letter| letter == ',');
    let configured = rules.surrogate_keys.iter().map(|key| &**key);
    let keys = configured
        .chain(spaced)
        .chain(listed)
        .filter(|key| !key.is_empty());
    keys.take(MAX_SURROGATE_KEYS).map(Box::from).collect()
}
