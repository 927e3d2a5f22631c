//! `[origin.NAME]`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

use super::{FunctionGrants, FunctionLimits, S3};
use crate::value::{HeaderName, Percent, ServerUrl, Short, Span};

/// Where responses come from: `servers`, a `directory`, a bucket of `s3` or a `function`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Origin {
    /// Servers that speak HTTP: `host`, `host:port`, `http://…`, `https://…`, `srv+http://…`, `srv+https://…` (an
    /// SRV record) or `unix:/path`, or tables with a weight. Ports default to 80, or 443 for `https`.
    pub(crate) servers: Option<Vec<Short<ServerUrl, Server>>>,
    /// How a server is chosen: `round_robin`, `random_two` (the less busy of two picked at random),
    /// `least_requests` or `hash` (the same one for the same `hash_by`). Default: `round_robin`.
    pub(crate) balance: Option<Balance>,
    /// What `hash` hashes: `uri`, `path`, `client_ip`, `host`, `{ header = "…" }` or `{ cookie = "…" }`.
    /// Default: `uri`.
    pub(crate) hash_by: Option<HashBy>,
    /// Checks each server in the background. Default: none.
    pub(crate) health: Option<Health>,
    /// Takes servers out that fail. Default: none.
    pub(crate) outlier: Option<Outlier>,
    /// How long a server that came (back) takes to get its full share: `0s` to `1h`. Default: `0s`, at once.
    pub(crate) slow_start: Option<Span>,
    /// Bounds of the waits for a server.
    pub(crate) timeouts: Option<OriginTimeouts>,
    /// What is tried again.
    pub(crate) retries: Option<Retries>,
    /// TLS towards servers whose scheme is `https`.
    pub(crate) tls: Option<OriginTls>,
    /// Whether HTTP/2 is spoken: by ALPN with TLS, by prior knowledge without. Default: `false`.
    pub(crate) http2: Option<bool>,
    /// The `Host` that the servers see. Default: the client's.
    pub(crate) host: Option<String>,
    /// Idle connections kept open longer than this are closed: `10ms` to `1h`. Default: `60s`.
    pub(crate) idle_timeout: Option<Span>,
    /// Requests at a time to one server, more are refused with 503: 1 to 1000000. Default: no bound.
    pub(crate) max_requests: Option<i64>,
    /// A bucket of S3, or of a store that speaks its protocol, instead of `servers`.
    pub(crate) s3: Option<S3>,
    /// A folder of static files, instead of `servers`.
    pub(crate) directory: Option<PathBuf>,
    /// The file that stands for a folder. Default: `index.html`.
    pub(crate) index: Option<String>,
    /// The `Cache-Control` of every file. Default: none is sent.
    pub(crate) cache_control: Option<String>,
    /// The file of a WebAssembly component that answers requests (`wasi:http/proxy`), instead of `servers`. It is read again
    /// when it changes.
    pub(crate) function: Option<PathBuf>,
    /// The variables of the function's environment. Default: none; nothing of the edge's own is seen.
    pub(crate) env: Option<BTreeMap<String, String>>,
    /// The function's arguments. Default: none.
    pub(crate) args: Option<Vec<String>>,
    /// Whom the function may send requests to. Default: nobody.
    pub(crate) grants: Option<FunctionGrants>,
    /// What the function may take while it answers one request.
    pub(crate) limits: Option<FunctionLimits>,
}

/// A server with a weight.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Server {
    /// Where it is, written as a server without a weight is.
    #[schemars(required)]
    pub(crate) address: Option<ServerUrl>,
    /// Its share: 1 to 1000. Default: 1.
    pub(crate) weight: Option<i64>,
}

/// How a server is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Balance {
    /// Each in turn, by weight.
    RoundRobin,
    /// The less busy of two picked at random.
    RandomTwo,
    /// The one with the fewest requests in flight for its weight.
    LeastRequests,
    /// The same one for the same `hash_by`.
    Hash,
}

/// What consistent hashing hashes.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum HashBy {
    /// The path and query.
    Uri,
    /// The path alone.
    Path,
    /// The client's address.
    ClientIp,
    /// The host.
    Host,
    /// A request header.
    Header(HeaderName),
    /// A cookie.
    Cookie(String),
}

/// Active health checks.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Health {
    /// The path that is asked for; a status of 200–399 is healthy.
    #[schemars(required)]
    pub(crate) path: Option<String>,
    /// From one check to the next: `10ms` to `1h`. Default: `5s`.
    pub(crate) interval: Option<Span>,
    /// Bound of one check: `10ms` to `10m`. Default: `2s`, or `interval` if that is less.
    pub(crate) timeout: Option<Span>,
    /// Good checks in a row that bring a server in: 1 to 100. Default: 2.
    pub(crate) healthy_after: Option<i64>,
    /// Bad checks in a row that take it out: 1 to 100. Default: 3.
    pub(crate) unhealthy_after: Option<i64>,
}

/// Passive ejection.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Outlier {
    /// Failures in a row (no connection, a reset, 5xx) that take a server out: 1 to 1000. Default: 5.
    pub(crate) consecutive_errors: Option<i64>,
    /// For how long, times the number of ejections in a row, at most ten times: `10ms` to `1h`. Default: `30s`.
    pub(crate) eject_for: Option<Span>,
    /// Share of the servers that may be out at once: a whole percentage. Default: `50`.
    pub(crate) max_ejected_percent: Option<Percent>,
}

/// Bounds of the waits for a server.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OriginTimeouts {
    /// TCP and TLS handshakes: `10ms` to `10m`. Default: `2s`.
    pub(crate) connect: Option<Span>,
    /// From the request sent to the first byte of the response: `10ms` to `1h`. Default: `30s`.
    pub(crate) first_byte: Option<Span>,
    /// Between two reads of the response, and for each write: `10ms` to `1h`. Default: `30s`.
    pub(crate) between_bytes: Option<Span>,
}

/// What is tried again.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retries {
    /// Tries after the first: 0 to 10. Default: 2.
    pub(crate) max: Option<i64>,
    /// The failures that are: `connect`, `reset`, `timeout` and statuses from 500 to 599.
    /// Default: `["connect", "reset"]`.
    pub(crate) on: Option<Vec<RetryOn>>,
    /// Retries as a share of the requests of the last ten seconds, a whole percentage; ten a second are always
    /// allowed. Default: `20`.
    pub(crate) budget_percent: Option<Percent>,
}

/// A failure that is tried again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RetryOn(pub(crate) crate::config::RetryOn);

const RETRY_ON: &str = "`connect`, `reset`, `timeout` or a status from 500 to 599 such as `502`";

impl<'de> Deserialize<'de> for RetryOn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RetryOnVisitor)
    }
}

struct RetryOnVisitor;

impl Visitor<'_> for RetryOnVisitor {
    type Value = RetryOn;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(RETRY_ON)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<RetryOn, E> {
        let failure = match text {
            "connect" => crate::config::RetryOn::Connect,
            "reset" => crate::config::RetryOn::Reset,
            "timeout" => crate::config::RetryOn::Timeout,
            _ => match text.parse() {
                Ok(status @ 500..=599) if text.len() == 3 => crate::config::RetryOn::Status(status),
                _ => return Err(E::custom(format_args!("`{text}` is not {RETRY_ON}"))),
            },
        };
        Ok(RetryOn(failure))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<RetryOn, E> {
        match u16::try_from(number) {
            Ok(status @ 500..=599) => Ok(RetryOn(crate::config::RetryOn::Status(status))),
            _ => Err(E::custom(format_args!("`{number}` is not {RETRY_ON}"))),
        }
    }
}

impl JsonSchema for RetryOn {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RetryOn".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": RETRY_ON,
            "anyOf": [
                { "type": "string", "pattern": "^(connect|reset|timeout|5[0-9][0-9])$" },
                { "type": "integer", "minimum": 500, "maximum": 599 },
            ],
        })
    }
}

/// TLS towards an origin.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OriginTls {
    /// Whether certificates are checked. Default: `true`.
    pub(crate) verify: Option<bool>,
    /// The SNI, and the name that the certificate must have. Default: the server's name.
    pub(crate) server_name: Option<String>,
    /// A PEM file with CA certificates to trust instead of the system's. Default: the system's.
    pub(crate) ca: Option<PathBuf>,
}
