//! `[cache]` and `[geoip]`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::value::{ByteSize, Span};

/// The bounds of the cache, the same for all sites.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cache {
    /// What the cache may hold in memory: `64KiB` to `16TiB`. Default: `256MiB`.
    pub(crate) memory: Option<ByteSize>,
    /// The largest object that is stored: `1B` to `memory`. Default: `64MiB`, or `memory` if that is less.
    pub(crate) max_object: Option<ByteSize>,
    /// How long a request waits for another that is fetching the same object: `10ms` to `10m`. Default: `10s`.
    pub(crate) lock_timeout: Option<Span>,
}

/// Where client addresses are located.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GeoIp {
    /// An MMDB file with countries; it is read again when it changes.
    pub(crate) database: PathBuf,
}
