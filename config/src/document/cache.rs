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
    /// The folder of the disk tier, which keeps objects beyond memory and over restarts. Default: none.
    pub(crate) disk: Option<Disk>,
    /// The largest object that is stored: `1B` to `memory`, or a quarter of the disk if there is one. Default: `64MiB`,
    /// or `2GiB` with a disk; less if there is not so much room.
    pub(crate) max_object: Option<ByteSize>,
    /// How long a request waits for another that is fetching the same object: `10ms` to `10m`. Default: `10s`.
    pub(crate) lock_timeout: Option<Span>,
}

/// The disk tier.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Disk {
    /// A folder for the cache alone; it is made if it is not there.
    pub(crate) path: PathBuf,
    /// What its files may take: `16MiB` to `256TiB`.
    pub(crate) size: ByteSize,
}

/// Where client addresses are located.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GeoIp {
    /// An MMDB file of countries or cities. Like the others it is read again when it changes. Default: none.
    pub(crate) database: Option<PathBuf>,
    /// An MMDB file of autonomous systems. Default: none.
    pub(crate) asn_database: Option<PathBuf>,
    /// An MMDB file of VPNs, proxies, Tor and hosting. Default: none.
    pub(crate) anonymous_database: Option<PathBuf>,
}
