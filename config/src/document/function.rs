//! `[origin.NAME]` with a `function`: what it may ask, and what it may take.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::host::HostPattern;
use crate::value::{ByteSize, Span};

/// Whom a function may send requests to. All others it is denied.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FunctionGrants {
    /// Origins, by name. A function reaches one by a URL whose host is the origin's name, such as `http://api/prices`, or one
    /// of the origin's servers, or the origin's `host`; the origin's own settings say how it is connected to. Default: none.
    pub(crate) origins: Option<Vec<String>>,
    /// Hosts, such as `api.example.com`, `*.example.com` or `*`. They are reached at public addresses only: what is private
    /// has to be an origin. Default: none.
    pub(crate) hosts: Option<Vec<HostPattern>>,
}

/// What a function may take while it answers one request.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FunctionLimits {
    /// Time on a processor, the body included; waiting is not counted: `1ms` to `10m`. Default: `100ms`.
    pub(crate) cpu: Option<Span>,
    /// How long it may keep others waiting: until its response begins, and then from one part of the body to the next:
    /// `10ms` to `1h`. Default: `30s`.
    pub(crate) wall: Option<Span>,
    /// Memory of one instance: `64KiB` to `4GiB`. Default: `64MiB`.
    pub(crate) memory: Option<ByteSize>,
    /// Bytes of its response's body; what is longer is cut off: `0B` to `1TiB`. Default: `64MiB`.
    pub(crate) response_body: Option<ByteSize>,
    /// Requests of its own: 0 to 10000. Default: 32.
    pub(crate) subrequests: Option<i64>,
    /// Bytes that it writes to the log: `0B` to `1MiB`. Default: `16KiB`.
    pub(crate) log: Option<ByteSize>,
    /// Requests that it answers at a time; more are refused with 503: 1 to 100000. Default: 100.
    pub(crate) concurrency: Option<i64>,
}
