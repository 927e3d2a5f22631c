//! The file as it is written. Each field's comment is the manual.
//!
//! What is optional stays an `Option` here; defaults are filled in, and ranges checked, by `resolve`.

mod admin;
mod cache;
mod compress;
mod filter;
mod function;
mod guests;
mod kv;
mod listen;
mod log;
mod origin;
mod pop;
mod s3;
mod secret;
mod shield;
mod site;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) use admin::{Admin, AdminAt};
pub(crate) use cache::{Cache, Disk, GeoIp};
pub(crate) use compress::{Compress, Compression, Encoding};
pub(crate) use filter::{FilterTable, FilterUse, GUESTS};
pub(crate) use function::{FunctionGrants, FunctionLimits};
pub(crate) use guests::Guests;
pub(crate) use kv::Kv;
pub(crate) use listen::{ClientCertificateMode, ClientCertificates, Limits, Listen, Tls};
pub(crate) use log::{AccessFormat, Log, LogFormat, LogTo};
pub(crate) use origin::{
    Balance, HashBy, Health, Origin, OriginTimeouts, OriginTls, Outlier, Retries, Server,
};
pub(crate) use pop::{Pop, Threads};
pub(crate) use s3::{KeysFile, S3};
pub(crate) use secret::Secret;
pub(crate) use shield::{Fallback, Shield, ShieldAdmin, ShieldUse};
pub(crate) use site::{
    CacheKey, CachePolicy, Heuristics, QueryKey, QueryWord, Route, Site, SliceSize, Wanted,
};

use crate::value::OneOrMany;

/// The configuration of a Rimward edge.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Document {
    /// More files, whose sections are added to this one's: paths, the last part of which may hold `*`, such as
    /// `conf.d/*.toml`. They start from this file's folder. An included file can't include others.
    pub(crate) include: Option<OneOrMany<String>>,
    /// Who this edge is and whom it believes.
    pub(crate) pop: Option<Pop>,
    /// Where metrics, reload and purge are asked for; without this section there is no such address.
    pub(crate) admin: Option<Admin>,
    /// What is logged, and where.
    pub(crate) log: Option<Log>,
    /// The addresses that clients come in by.
    pub(crate) listen: Vec<Listen>,
    /// The bounds of the cache.
    pub(crate) cache: Option<Cache>,
    /// Where client addresses are located.
    pub(crate) geoip: Option<GeoIp>,
    /// Stores of keys and values, by name.
    pub(crate) kv: BTreeMap<String, Kv>,
    /// Where responses come from, by name.
    pub(crate) origin: BTreeMap<String, Origin>,
    /// Edges that are asked before an origin, by name.
    pub(crate) shield: BTreeMap<String, Shield>,
    /// What filters in WebAssembly may take, all together.
    pub(crate) guests: Option<Guests>,
    /// Secrets that filters are given, by name.
    pub(crate) secret: BTreeMap<String, Secret>,
    /// Filters, by name.
    pub(crate) filter: BTreeMap<String, FilterTable>,
    /// Hosts that share an origin, a policy and filters.
    pub(crate) site: Vec<Site>,
}
