//! How long a response is fresh and how old it is already (RFC 9111 §4.2).

use std::time::{Duration, SystemTime};

use http::StatusCode;
use http::header::{self, HeaderName};
use pingora_http::ResponseHeader;

use super::{Received, Rules};
use crate::cache_control::{Directives, VERY_LONG};
use crate::date;

/// The longest lifetime that is guessed.
const LONGEST_GUESS: Duration = Duration::from_secs(86_400);

/// Where a lifetime comes from. Its word stands in what `rimward explain` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Basis {
    /// The route's `ttl`.
    Ttl,
    /// The origin's `s-maxage`.
    SMaxage,
    /// The origin's `max-age`.
    MaxAge,
    /// The origin's `Expires`.
    Expires,
    /// The route's `default_ttl`.
    DefaultTtl,
    /// A guess from `Last-Modified`.
    Heuristic,
    /// The origin's `no-cache`: never fresh.
    NoCache,
}

impl Basis {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ttl => "ttl",
            Self::SMaxage => "s-maxage",
            Self::MaxAge => "max-age",
            Self::Expires => "expires",
            Self::DefaultTtl => "default-ttl",
            Self::Heuristic => "heuristic",
            Self::NoCache => "no-cache",
        }
    }

    /// Every basis, each at the number that it is written on disk with.
    const NUMBERED: [Self; 7] = [
        Self::Ttl,
        Self::SMaxage,
        Self::MaxAge,
        Self::Expires,
        Self::DefaultTtl,
        Self::Heuristic,
        Self::NoCache,
    ];

    pub(crate) fn number(self) -> u8 {
        let found = Self::NUMBERED.iter().position(|basis| *basis == self);
        found
            .and_then(|number| u8::try_from(number).ok())
            .unwrap_or(u8::MAX)
    }

    pub(crate) fn from_number(number: u8) -> Option<Self> {
        Self::NUMBERED.get(usize::from(number)).copied()
    }

    pub(super) fn is_the_operators(self) -> bool {
        matches!(self, Self::Ttl | Self::DefaultTtl)
    }
}

/// The response's lifetime, if anything tells it (RFC 9111 §4.2.1).
pub(super) fn lifetime(
    received: &Received<'_>,
    directives: &Directives,
    is_targeted: bool,
    rules: &Rules,
) -> Option<(Duration, Basis)> {
    let by_default = is_cacheable_by_default(received.response.status);
    let explicit = explicit(received, directives, is_targeted);
    if let Some(ttl) = rules.ttl
        && (by_default || explicit.is_some())
    {
        return Some((ttl, Basis::Ttl));
    }
    explicit
        .or_else(|| {
            rules
                .default_ttl
                .filter(|_| by_default)
                .map(|ttl| (ttl, Basis::DefaultTtl))
        })
        .or_else(|| {
            guess(received, by_default || directives.public, rules)
                .map(|guess| (guess, Basis::Heuristic))
        })
}

fn explicit(
    received: &Received<'_>,
    directives: &Directives,
    is_targeted: bool,
) -> Option<(Duration, Basis)> {
    let seconds = |seconds, basis| (Duration::from_secs(seconds), basis);
    let by_directive = directives
        .s_maxage
        .map(|given| seconds(given, Basis::SMaxage))
        .or_else(|| {
            directives
                .max_age
                .map(|given| seconds(given, Basis::MaxAge))
        });
    // A targeted field replaces Expires as well (RFC 9213 §2.2).
    by_directive.or_else(|| {
        (!is_targeted)
            .then(|| expires(received))
            .flatten()
            .map(|time| (time, Basis::Expires))
    })
}

/// `Expires` against `Date`; what is no date, or more than one, has expired (RFC 9111 §5.3).
fn expires(received: &Received<'_>) -> Option<Duration> {
    let mut lines = received.response.headers.get_all(header::EXPIRES).iter();
    let first = lines.next()?;
    let contradicted = lines.any(|line| line != first);
    let time = first
        .to_str()
        .ok()
        .and_then(|text| date::parse(text, received.now));
    let lifetime = time
        .filter(|_| !contradicted)
        .and_then(|time| time.duration_since(sent(received)).ok());
    Some(lifetime.unwrap_or_default())
}

/// A tenth of the time that it had not changed when it was sent (RFC 9111 §4.2.2).
fn guess(received: &Received<'_>, allowed: bool, rules: &Rules) -> Option<Duration> {
    let has_query = received.request.uri.query().is_some();
    if !allowed || !rules.heuristics || (has_query && !rules.heuristics_with_query) {
        return None;
    }
    let modified = date_field(received.response, &header::LAST_MODIFIED, received.now)?;
    let unchanged = sent(received).duration_since(modified).ok()?;
    Some((unchanged / 10).min(LONGEST_GUESS)).filter(|guess| !guess.is_zero())
}

/// How old the response was when it came (RFC 9111 §4.2.3, corrected initial age).
pub(super) fn initial_age(received: &Received<'_>) -> Duration {
    let delay = received
        .now
        .duration_since(received.asked)
        .unwrap_or_default();
    let apparent = received
        .now
        .duration_since(sent(received))
        .unwrap_or_default();
    apparent.max(age_field(received.response) + delay)
}

/// `Age`: the first member counts; what is no number is ignored (RFC 9111 §5.1).
fn age_field(response: &ResponseHeader) -> Duration {
    let first = response
        .headers
        .get(header::AGE)
        .and_then(|line| line.to_str().ok());
    let member = first
        .and_then(|line| line.split(',').next())
        .map_or("", str::trim);
    let is_number = !member.is_empty() && member.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = if is_number {
        member.parse().unwrap_or(VERY_LONG)
    } else {
        0
    };
    Duration::from_secs(seconds.min(VERY_LONG))
}

/// When the origin sent the response: its `Date`, or now when it tells none.
fn sent(received: &Received<'_>) -> SystemTime {
    date_field(received.response, &header::DATE, received.now).unwrap_or(received.now)
}

fn date_field(response: &ResponseHeader, name: &HeaderName, now: SystemTime) -> Option<SystemTime> {
    date::parse(response.headers.get(name)?.to_str().ok()?, now)
}

/// Statuses that RFC 9110 §15.1 calls heuristically cacheable, but 206, which is never stored.
fn is_cacheable_by_default(status: StatusCode) -> bool {
    matches!(
        status.as_u16(),
        200 | 203 | 204 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501
    )
}

/// How long a response may be served stale, for each of the causes.
pub(super) struct StaleWindows {
    pub(super) while_revalidate: Duration,
    pub(super) if_error: Duration,
    pub(super) if_unreachable: Duration,
    /// Whether nobody may serve it stale, not even to a client that asks for it.
    pub(super) forbidden: bool,
}

/// RFC 9111 §4.2.4 and RFC 5861. `must-revalidate` and its kin forbid it to everybody; `s-maxage`, which implies
/// `proxy-revalidate`, forbids what nobody asked for, and what the origin itself allows only if the rules say so.
pub(super) fn stale_windows(directives: &Directives, rules: &Rules) -> StaleWindows {
    let none = Duration::ZERO;
    let forbidden = directives.must_revalidate
        || directives.proxy_revalidate
        || directives.no_cache == crate::cache_control::Fields::All;
    if forbidden {
        return StaleWindows {
            while_revalidate: none,
            if_error: none,
            if_unreachable: none,
            forbidden: true,
        };
    }
    let beside_s_maxage = directives.s_maxage.is_some();
    let origins = |seconds: Option<u64>| {
        seconds
            .filter(|_| !beside_s_maxage || rules.stale_beside_s_maxage)
            .map(Duration::from_secs)
    };
    let if_error = rules
        .stale_if_error
        .or_else(|| origins(directives.stale_if_error));
    let unasked = if beside_s_maxage {
        none
    } else {
        rules.stale_if_unreachable
    };
    StaleWindows {
        while_revalidate: rules
            .stale_while_revalidate
            .or_else(|| origins(directives.stale_while_revalidate))
            .unwrap_or(none),
        if_error: if_error.unwrap_or(none),
        if_unreachable: if_error.unwrap_or(unasked),
        forbidden: beside_s_maxage,
    }
}
