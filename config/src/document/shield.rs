//! `[shield.NAME]`, and how sites and routes name one.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

use super::{AdminAt, Health, OriginTimeouts, OriginTls, Outlier, Retries, Server};
use crate::value::{ServerUrl, Short, Span};

/// Edges that are asked before the origin.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shield {
    /// The edges, written as the servers of an origin. Of several, each object has one that it is asked of, and the
    /// next when that one is down.
    #[schemars(required)]
    pub(crate) servers: Option<Vec<Short<ServerUrl, Server>>>,
    /// Checks each edge in the background. Default: none.
    pub(crate) health: Option<Health>,
    /// Takes edges out that fail. Default: none.
    pub(crate) outlier: Option<Outlier>,
    /// How long an edge that came (back) takes to get its full share: `0s` to `1h`. Default: `0s`, at once.
    pub(crate) slow_start: Option<Span>,
    /// Bounds of the waits for an edge.
    pub(crate) timeouts: Option<OriginTimeouts>,
    /// What is tried again.
    pub(crate) retries: Option<Retries>,
    /// TLS towards edges whose scheme is `https`.
    pub(crate) tls: Option<OriginTls>,
    /// Whether HTTP/2 is spoken: by ALPN with TLS, by prior knowledge without. Default: `false`.
    pub(crate) http2: Option<bool>,
    /// Idle connections kept open longer than this are closed: `10ms` to `1h`. Default: `60s`.
    pub(crate) idle_timeout: Option<Span>,
    /// Requests at a time to one edge: 1 to 1000000. Default: no bound.
    pub(crate) max_requests: Option<i64>,
    /// What happens when none of the edges can be asked: `origin` (it is asked directly) or `fail` (503).
    /// Default: `origin`.
    pub(crate) fallback: Option<Fallback>,
    /// The admin interfaces of the edges: a purge is sent there before it is done here. Default: none.
    pub(crate) purge: Option<Vec<ShieldAdmin>>,
}

/// What happens when no edge of a shield can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fallback {
    /// The origin is asked directly.
    Origin,
    /// The request fails.
    Fail,
}

/// The admin interface of an edge.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShieldAdmin {
    /// Its address and port, or a Unix socket as `unix:/run/rimward.sock`.
    #[schemars(required)]
    pub(crate) admin: Option<AdminAt>,
    /// A file that holds its token. Default: none; needed for any address but loopback.
    pub(crate) token_file: Option<PathBuf>,
}

/// The name of a shield, or `false` for none.
#[derive(Debug, Clone)]
pub(crate) enum ShieldUse {
    Off,
    Named(String),
}

impl<'de> Deserialize<'de> for ShieldUse {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShieldUseVisitor)
    }
}

struct ShieldUseVisitor;

impl Visitor<'_> for ShieldUseVisitor {
    type Value = ShieldUse;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the name of a shield, or `false` for none")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ShieldUse, E> {
        Ok(ShieldUse::Named(text.to_owned()))
    }

    fn visit_bool<E: Error>(self, is_wanted: bool) -> Result<ShieldUse, E> {
        match is_wanted {
            false => Ok(ShieldUse::Off),
            true => Err(E::invalid_value(Unexpected::Bool(true), &self)),
        }
    }
}

impl JsonSchema for ShieldUse {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ShieldUse".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "anyOf": [{ "type": "string" }, { "const": false }] })
    }
}
