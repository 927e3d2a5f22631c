//! What an operator says about a route's responses.

use std::time::Duration;

use http::HeaderName;

/// How long a stale object is served, unless somebody says otherwise, when its origin cannot be reached.
pub const STALE_IF_UNREACHABLE: Duration = Duration::from_secs(60);

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
    /// Whether it is stored with the cookie, which every client then gets.
    pub store_set_cookie: bool,
    /// Labels put on every object.
    pub surrogate_keys: Vec<String>,
    /// The targeted fields that replace `Cache-Control` (RFC 9213), the most specific first.
    pub targets: Vec<HeaderName>,
    /// Which of them clients do not get: they were meant for caches such as this one.
    pub kept_back: Vec<HeaderName>,
    /// Whether requests' own cache directives are honoured (RFC 9111 §5.2.1).
    pub request_directives: bool,
    /// Whether popular objects are revalidated a little before they are stale.
    pub early_refresh: bool,
}

/// The targeted fields that are looked at unless an operator names others, the most specific first.
pub const TARGETS: [HeaderName; 3] = [
    HeaderName::from_static("rimward-cache-control"),
    CDN_CACHE_CONTROL,
    HeaderName::from_static("surrogate-control"),
];

/// The targeted field that is meant for every cache of this kind on the way, and so goes on (RFC 9213 §3.1).
pub const CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");

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
            store_set_cookie: false,
            surrogate_keys: Vec::new(),
            targets: TARGETS.to_vec(),
            kept_back: TARGETS
                .into_iter()
                .filter(|target| *target != CDN_CACHE_CONTROL)
                .collect(),
            request_directives: false,
            early_refresh: true,
        }
    }
}
