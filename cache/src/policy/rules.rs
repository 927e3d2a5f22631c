//! What an operator says about a route's responses.

use std::time::Duration;

use http::HeaderName;

/// How long a stale object is served, unless somebody says otherwise, when its origin cannot be reached.
pub(super) const STALE_IF_UNREACHABLE: Duration = Duration::from_secs(60);

/// What an operator says about a route's responses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The lifetime of every response that may be stored at all and whose status is cacheable by default or that says
    /// something of its own. `no-store`, `private` and `no-cache` stay in force: what an origin declares personal is
    /// not for a lifetime to make public.
    pub ttl: Option<Duration>,
    /// The lifetime of responses that say nothing about it.
    pub default_ttl: Option<Duration>,
    /// Serve stale this long while revalidating; `None` leaves it to the origin.
    pub stale_while_revalidate: Option<Duration>,
    /// Serve stale this long when the origin fails; `None` leaves it to the origin, and to
    /// [`Rules::stale_if_unreachable`] when it cannot be reached.
    pub stale_if_error: Option<Duration>,
    /// Serve stale this long, without anybody's word, when the origin cannot be reached.
    pub stale_if_unreachable: Duration,
    /// Whether stale serving that the origin allows counts beside its `s-maxage`, which forbids it in RFC 9111.
    pub stale_beside_s_maxage: bool,
    /// Whether a lifetime may be guessed from `Last-Modified`.
    pub heuristics: bool,
    /// Whether it may be guessed for URIs with a query as well.
    pub heuristics_with_query: bool,
    /// Whether a response with `Set-Cookie` is stored, without the cookie.
    pub strip_set_cookie: bool,
    /// Labels put on every object.
    pub surrogate_keys: Vec<String>,
    /// The targeted fields that replace `Cache-Control` (RFC 9213), the most specific first.
    pub targets: Vec<HeaderName>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            ttl: None,
            default_ttl: None,
            stale_while_revalidate: None,
            stale_if_error: None,
            stale_if_unreachable: STALE_IF_UNREACHABLE,
            stale_beside_s_maxage: true,
            heuristics: true,
            heuristics_with_query: true,
            strip_set_cookie: false,
            surrogate_keys: Vec::new(),
            targets: [
                "rimward-cache-control",
                "cdn-cache-control",
                "surrogate-control",
            ]
            .map(HeaderName::from_static)
            .to_vec(),
        }
    }
}
