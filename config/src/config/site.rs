//! What a site and its routes mean.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::{FilterId, OriginId, ShieldId};
use crate::host::HostPattern;
use crate::path::PathPattern;
use crate::value::MediaPattern;

/// `[[site]]`: hosts that share an origin, a policy and filters.
#[derive(Debug, Clone)]
pub struct Site {
    /// The hosts; shown by the first in logs and metrics.
    pub hosts: Vec<HostPattern>,
    /// Its routes in file order, ending with one for every path that has the site's own words.
    pub routes: Vec<Route>,
    /// Bodies of the edge's own error responses by status; each a file.
    pub error_pages: BTreeMap<u16, PathBuf>,
}

/// `[[site.route]]`, with all that its site says for it.
#[derive(Debug, Clone)]
pub struct Route {
    /// How logs and metrics call it: its path as written.
    pub name: String,
    /// The paths.
    pub path: PathPattern,
    /// What else must hold.
    pub when: Conditions,
    /// Where responses come from; `None` only when a filter always answers (checked at compile).
    pub origin: Option<OriginId>,
    /// The edges that are asked before the origin.
    pub shield: Option<ShieldId>,
    /// The filters in order: the site's, then the route's.
    pub filters: Vec<FilterId>,
    /// The cache's policy; `None` when the route is not cached.
    pub cache: Option<CachePolicy>,
    /// How responses are compressed; `None` when they are not.
    pub compression: Option<Compression>,
}

/// What must hold, beside the path, for a route to be taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    /// One of these methods; any when empty.
    pub methods: Vec<String>,
    /// Each header has this value, or is there at all (`None`).
    pub headers: Vec<(String, Option<String>)>,
    /// Each query parameter has this value, or is there at all.
    pub query: Vec<(String, Option<String>)>,
    /// One of these ISO 3166 country codes; any when empty.
    pub countries: Vec<String>,
}

/// How a route's responses are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachePolicy {
    /// Overrides what the origin says, for responses that may be stored at all.
    pub ttl: Option<Duration>,
    /// For responses that say nothing about freshness.
    pub default_ttl: Option<Duration>,
    /// What distinguishes objects.
    pub key: KeyRules,
    /// Serve stale this long while revalidating; `None` leaves it to the origin.
    pub stale_while_revalidate: Option<Duration>,
    /// Serve stale this long when the origin fails; `None` leaves it to the origin.
    pub stale_if_error: Option<Duration>,
    /// Serve stale this long when the origin can't be reached and nobody says anything else.
    pub stale_if_unreachable: Duration,
    /// Whether the origin's stale windows count beside its `s-maxage`.
    pub stale_beside_s_maxage: bool,
    /// For which URIs a lifetime is guessed.
    pub heuristics: HeuristicRule,
    /// Response headers that take the place of `Cache-Control`, lower case, the most specific first.
    pub targets: Vec<String>,
    /// Which of these clients get as well.
    pub pass_targets: Vec<String>,
    /// Whether requests' cache directives are honoured.
    pub request_directives: bool,
    /// Whether objects that many ask for are revalidated before they are stale.
    pub early_refresh: bool,
    /// Labels put on every object.
    pub surrogate_keys: Vec<String>,
    /// What becomes of a response with `Set-Cookie`.
    pub set_cookie: SetCookieRule,
    /// Bytes of the slices in which a range of a large object is fetched; `None` when the whole object is.
    pub slice: Option<u64>,
}

/// For which URIs a lifetime is guessed from `Last-Modified`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HeuristicRule {
    /// For none.
    Never,
    /// For those without a query.
    WithoutQuery,
    /// For all.
    #[default]
    Always,
}

/// What becomes of a response with `Set-Cookie`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SetCookieRule {
    /// It is not stored.
    #[default]
    Pass,
    /// It is stored without the cookie.
    Strip,
    /// It is stored as it is.
    Store,
}

/// What goes into a cache key beside scheme, host and path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyRules {
    /// Which query parameters.
    pub query: QueryRule,
    /// Request headers, lower case.
    pub header: Vec<String>,
    /// Cookies by name.
    pub cookie: Vec<String>,
    /// Whether the client's country.
    pub country: bool,
}

/// Which query parameters go into a cache key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum QueryRule {
    /// The query string as it came.
    #[default]
    All,
    /// All, ordered by name.
    Sorted,
    /// Only these, in this order.
    Only(Vec<String>),
    /// None.
    Ignore,
}

/// How a route's responses are compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compression {
    /// The encodings, the server's preference first; at least one.
    pub encodings: Vec<Encoding>,
    /// Bytes of the smallest body that is compressed.
    pub min_size: u64,
    /// Bytes of the largest.
    pub max_size: u64,
    /// The media types that are compressed.
    pub types: Vec<MediaPattern>,
}

/// A content coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Zstandard.
    Zstd,
    /// Brotli.
    Br,
    /// gzip.
    Gzip,
}

impl Encoding {
    /// Its name in `Content-Encoding` and in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Br => "br",
            Self::Gzip => "gzip",
        }
    }
}
