//! `[[site]]` and `[[site.route]]`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::de::value::{SeqAccessDeserializer, StrDeserializer};
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Compress, FilterUse, ShieldUse};
use crate::host::HostPattern;
use crate::path::PathPattern;
use crate::value::{ByteSize, Country, ErrorStatus, HeaderName, Method, Span, Switch};

/// Hosts that share an origin, a policy and filters. What a site says holds for its routes; a route's own word wins.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Site {
    /// The hosts: `example.com`, `*.example.com` for every host below, `*` for every host that no other site is for.
    pub(crate) hosts: Option<Vec<HostPattern>>,
    /// The host, when there is only one.
    pub(crate) host: Option<HostPattern>,
    /// The name of the origin that responses come from.
    pub(crate) origin: Option<String>,
    /// The name of the shield that is asked before the origin. Default: none.
    pub(crate) shield: Option<ShieldUse>,
    /// Filters in order: names of `[filter.NAME]`, or tables in place. Default: none.
    pub(crate) filters: Option<Vec<FilterUse>>,
    /// How responses are stored; `false` for not at all. Default: as the origin says.
    pub(crate) cache: Option<Switch<CachePolicy>>,
    /// The encodings that responses are compressed in, the server's preference first, such as
    /// `["zstd", "br", "gzip"]`; or a table that can tell more, or `false`. Default: not compressed.
    pub(crate) compress: Option<Compress>,
    /// Files to show in place of the edge's own error pages, by status, such as `{ 502 = "sorry.html" }`.
    pub(crate) error_pages: Option<BTreeMap<ErrorStatus, PathBuf>>,
    /// Routes; the most specific path wins. A last one for every other path is added.
    #[serde(default)]
    pub(crate) route: Vec<Route>,
}

/// Paths of a site that are treated in their own way.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Route {
    /// The paths: `/a`, `/a/*` for everything below `/a/`, `/user/{id}` with parameters of one segment.
    #[schemars(required)]
    pub(crate) path: Option<PathPattern>,
    /// One of these methods. Default: any.
    pub(crate) methods: Option<Vec<Method>>,
    /// Headers that a request must have: a value, or `true` for any. Default: none.
    pub(crate) header: Option<BTreeMap<HeaderName, Wanted>>,
    /// Query parameters that a request must have: a value, or `true` for any. Default: none.
    pub(crate) query: Option<BTreeMap<String, Wanted>>,
    /// One of these countries, by ISO 3166 codes such as `DE`; needs `[geoip]`. Default: any.
    pub(crate) country: Option<Vec<Country>>,
    /// The name of the origin that responses come from. Default: the site's.
    pub(crate) origin: Option<String>,
    /// The name of the shield that is asked before the origin; `false` for none. Default: the site's.
    pub(crate) shield: Option<ShieldUse>,
    /// Filters that come after the site's. Default: none.
    pub(crate) filters: Option<Vec<FilterUse>>,
    /// How responses are stored; `false` for not at all. Its keys win over the site's.
    pub(crate) cache: Option<Switch<CachePolicy>>,
    /// The encodings that responses are compressed in, or a table, or `false`. Its keys win over the site's.
    pub(crate) compress: Option<Compress>,
}

/// A value that a header or a query parameter must have.
#[derive(Debug, Clone)]
pub(crate) enum Wanted {
    Any,
    Value(String),
}

impl<'de> Deserialize<'de> for Wanted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WantedVisitor)
    }
}

struct WantedVisitor;

impl Visitor<'_> for WantedVisitor {
    type Value = Wanted;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a string, or `true` for any value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Wanted, E> {
        Ok(Wanted::Value(text.to_owned()))
    }

    fn visit_bool<E: Error>(self, is_wanted: bool) -> Result<Wanted, E> {
        match is_wanted {
            true => Ok(Wanted::Any),
            false => Err(E::invalid_value(serde::de::Unexpected::Bool(false), &self)),
        }
    }
}

impl JsonSchema for Wanted {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Wanted".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "anyOf": [{ "type": "string" }, { "const": true }] })
    }
}

/// How responses are stored.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CachePolicy {
    /// How long responses are fresh, whatever the origin says, if they may be stored at all. Default: as the origin
    /// says.
    pub(crate) ttl: Option<Span>,
    /// How long responses are fresh that say nothing about it. Default: they are not stored.
    pub(crate) default_ttl: Option<Span>,
    /// What distinguishes objects beside scheme, host and path.
    pub(crate) key: Option<CacheKey>,
    /// Serve stale this long while revalidating. Default: as the origin says.
    pub(crate) stale_while_revalidate: Option<Span>,
    /// Serve stale this long when the origin fails. Default: as the origin says.
    pub(crate) stale_if_error: Option<Span>,
    /// Serve stale this long when the origin can't be reached and nobody says anything else; `0s` for not at all.
    /// Default: `1m`.
    pub(crate) stale_if_unreachable: Option<Span>,
    /// Whether the origin's own `stale-while-revalidate` and `stale-if-error` count beside its `s-maxage`, which forbids
    /// stale serving in RFC 9111. Default: `true`.
    pub(crate) stale_beside_s_maxage: Option<bool>,
    /// Whether a lifetime is guessed from `Last-Modified`: `false`, or `"no-query"` for URIs without a query only.
    /// Default: `true`.
    pub(crate) heuristics: Option<Heuristics>,
    /// Response headers that take the place of `Cache-Control` (RFC 9213), the most specific first.
    /// Default: `["rimward-cache-control", "cdn-cache-control", "surrogate-control"]`.
    pub(crate) targets: Option<Vec<HeaderName>>,
    /// Which of these headers clients get as well. Default: `cdn-cache-control`, if it is one of them.
    pub(crate) pass_targets: Option<Vec<HeaderName>>,
    /// Whether requests' cache directives (`no-cache`, `max-age`, `only-if-cached` …) are honoured. Default: `false`.
    pub(crate) request_directives: Option<bool>,
    /// Whether objects that many ask for are revalidated a little before they are stale. Default: `true`.
    pub(crate) early_refresh: Option<bool>,
    /// Labels put on every object, to purge by. Default: none.
    pub(crate) surrogate_keys: Option<Vec<String>>,
    /// Whether a response with `Set-Cookie` is stored, without the cookie. Default: `false`.
    pub(crate) strip_set_cookie: Option<bool>,
    /// Whether a response with `Set-Cookie` is stored with the cookie, which every client then gets. Default: `false`.
    pub(crate) store_set_cookie: Option<bool>,
    /// A range of a large object fetches and stores only the slices of this size that it touches; `false` for the whole
    /// object. Default: `1MiB`.
    pub(crate) slice: Option<SliceSize>,
}

/// The size of slices, or none.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SliceSize {
    Off,
    On,
    Of(ByteSize),
}

impl<'de> Deserialize<'de> for SliceSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SliceSizeVisitor)
    }
}

struct SliceSizeVisitor;

impl Visitor<'_> for SliceSizeVisitor {
    type Value = SliceSize;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a size such as `1MiB`, or `false`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<SliceSize, E> {
        text.parse().map(SliceSize::Of).map_err(E::custom)
    }

    fn visit_bool<E: Error>(self, is_on: bool) -> Result<SliceSize, E> {
        Ok(if is_on { SliceSize::On } else { SliceSize::Off })
    }
}

impl JsonSchema for SliceSize {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SliceSize".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "anyOf": [generator.subschema_for::<ByteSize>(), { "type": "boolean" }] })
    }
}

/// For which URIs a lifetime is guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heuristics {
    Never,
    WithoutQuery,
    Always,
}

impl<'de> Deserialize<'de> for Heuristics {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HeuristicsVisitor)
    }
}

struct HeuristicsVisitor;

impl Visitor<'_> for HeuristicsVisitor {
    type Value = Heuristics;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("`true`, `false` or `no-query`")
    }

    fn visit_bool<E: Error>(self, always: bool) -> Result<Heuristics, E> {
        Ok(if always {
            Heuristics::Always
        } else {
            Heuristics::Never
        })
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Heuristics, E> {
        match text {
            "no-query" => Ok(Heuristics::WithoutQuery),
            _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
        }
    }
}

impl JsonSchema for Heuristics {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Heuristics".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "anyOf": [{ "type": "boolean" }, { "const": "no-query" }] })
    }
}

/// What goes into a cache key.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CacheKey {
    /// Query parameters: `all` as they came, `sorted` by name, `none`, or only these names in this order.
    /// Default: `all`.
    pub(crate) query: Option<QueryKey>,
    /// Request headers. Default: none.
    pub(crate) header: Option<Vec<HeaderName>>,
    /// Cookies by name. Default: none.
    pub(crate) cookie: Option<Vec<String>>,
    /// Whether the client's country; needs `[geoip]`. Default: `false`.
    pub(crate) country: Option<bool>,
}

/// Query parameters in a cache key.
#[derive(Debug, Clone)]
pub(crate) enum QueryKey {
    Word(QueryWord),
    Only(Vec<String>),
}

/// All or nothing of a query.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum QueryWord {
    /// The query string as it came.
    All,
    /// All parameters, ordered by name.
    Sorted,
    /// No parameter.
    None,
}

impl<'de> Deserialize<'de> for QueryKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(QueryKeyVisitor)
    }
}

struct QueryKeyVisitor;

impl<'de> Visitor<'de> for QueryKeyVisitor {
    type Value = QueryKey;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("`all`, `sorted`, `none` or an array of names")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<QueryKey, E> {
        QueryWord::deserialize(StrDeserializer::new(text)).map(QueryKey::Word)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<QueryKey, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(seq)).map(QueryKey::Only)
    }
}

impl JsonSchema for QueryKey {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "QueryKey".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "anyOf": [
                generator.subschema_for::<QueryWord>(),
                { "type": "array", "items": { "type": "string" } },
            ],
        })
    }
}
