//! What a configuration means: every default filled in, every name a reference, nothing left to check.

mod function;
mod guests;
mod kv;
mod listener;
mod origin;
mod s3;
mod secret;
mod shield;
mod site;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use crate::filter_spec::FilterSpec;
use crate::key_path::{KeyPath, Step};
use crate::problem::Problem;
use crate::source::Source;

pub use function::{Function, FunctionLimits};
pub use guests::Guests;
pub use kv::KvStore;
pub use listener::{Certificate, ClientCertificates, Listener, ListenerLimits, ListenerTls};
pub use origin::{
    Balance, Directory, HashKey, HealthCheck, Origin, OriginKind, OriginTimeouts, OriginTls,
    Outlier, Retries, RetryOn, Server, ServerAddress, Servers,
};
pub use s3::{Credentials, S3};
pub use secret::{Secret, SecretSource};
pub use shield::{Fallback, Shield};
pub use site::{
    CachePolicy, Compression, Conditions, Encoding, HeuristicRule, KeyRules, QueryRule, Route,
    SetCookieRule, Site,
};

/// A whole configuration that is right: the edge can be built from it but for files that may be missing or broken.
#[derive(Debug, Clone)]
pub struct Config {
    /// Who this edge is.
    pub pop: Pop,
    /// The admin address, if there is one.
    pub admin: Option<Admin>,
    /// Where logs go.
    pub log: Log,
    /// The addresses that clients come in by.
    pub listeners: Vec<Listener>,
    /// The cache's bounds.
    pub cache: CacheBounds,
    /// Where client addresses are located.
    pub geoip: Option<GeoIp>,
    /// Stores of keys and values, by name.
    pub stores: Vec<KvStore>,
    /// Everything that responses can come from; [`OriginId`] indexes it.
    pub origins: Vec<Origin>,
    /// Every shield; [`ShieldId`] indexes it.
    pub shields: Vec<Shield>,
    /// What filters in WebAssembly may take, all together.
    pub guests: Guests,
    /// Secrets that filters are given, in the order of their names.
    pub secrets: Vec<Secret>,
    /// Every filter, named or written in place; [`FilterId`] indexes it.
    pub filters: Vec<FilterSpec>,
    /// The sites, in file order.
    pub sites: Vec<Site>,
    /// What a request for an unknown host gets.
    pub unknown_host: UnknownHost,
    /// Every file that was read to make this, the first being the one named on the command line.
    pub files: Vec<PathBuf>,
    /// The folders that `include` searches: a new file there may belong to the configuration.
    pub include_folders: Vec<PathBuf>,
    /// Where all this is written.
    pub(crate) places: Places,
}

/// Where the parts of a [`Config`] are written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    /// The files.
    pub(crate) files: Vec<Source>,
    /// The tables of [`Config::listeners`].
    pub(crate) listeners: Vec<Source>,
    /// The tables of [`Config::sites`].
    pub(crate) sites: Vec<Source>,
}

impl Config {
    /// A problem found later (a file that is missing or broken), placed where its value is written: at a key such as
    /// `geoip.database`, `origin.shop.tls.ca`, `listen[0].tls.certificates[1]` or `site[2].error_pages.502`, where the
    /// numbers are indices of [`Config::listeners`] and [`Config::sites`].
    pub fn problem(&self, key: &str, message: impl Into<String>) -> Problem {
        self.places.problem(key, message.into())
    }
}

impl Places {
    fn problem(&self, key: &str, message: String) -> Problem {
        let path = KeyPath::read(key);
        let element = |sources: &[Source], index: usize| {
            let rest = KeyPath(path.0[2..].to_vec());
            sources
                .get(index)
                .map(|source| source.problem(&rest.to_string(), message.clone()))
        };
        let placed = match path.0.as_slice() {
            [Step::Key(section), Step::Index(index), ..] if section == "listen" => {
                element(&self.listeners, *index)
            }
            [Step::Key(section), Step::Index(index), ..] if section == "site" => {
                element(&self.sites, *index)
            }
            _ => self
                .file_with(&path)
                .map(|file| file.problem(key, message.clone())),
        };
        placed.unwrap_or_else(|| Problem::new(key, message))
    }

    /// The file that has most of a path.
    fn file_with(&self, path: &KeyPath) -> Option<&Source> {
        (1..=path.0.len()).rev().find_map(|length| {
            let start = KeyPath(path.0[..length].to_vec());
            self.files
                .iter()
                .find(|file| file.at_path(&start).node().is_some())
        })
    }
}

/// Index into [`Config::origins`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OriginId(pub usize);

/// Index into [`Config::shields`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ShieldId(pub usize);

/// Index into [`Config::filters`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FilterId(pub usize);

/// `[pop]`: who this edge is and whom it believes.
#[derive(Debug, Clone)]
pub struct Pop {
    /// Shown in logs, metrics and the `Cache-Status` and `Server-Timing` headers; an RFC 8941 token.
    pub name: String,
    /// Worker threads; `None` means one for each core.
    pub threads: Option<usize>,
    /// Whose `X-Forwarded-For`, `Forwarded` and PROXY header is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether responses carry `Server-Timing`.
    pub server_timing: bool,
    /// Whether `Cache-Status` tells the cache key.
    pub cache_status_key: bool,
    /// Whether plain hits are answered without the engine.
    pub fast_lane: bool,
    /// How long requests in flight may take to finish after SIGTERM.
    pub shutdown_timeout: Duration,
}

/// `[admin]`: where metrics, reload and purge are asked for.
#[derive(Debug, Clone)]
pub struct Admin {
    /// Loopback, unless there is a token, or a Unix socket.
    pub address: AdminAddress,
    /// The file that holds the bearer token.
    pub token_file: Option<PathBuf>,
}

/// Where the admin interface listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminAddress {
    /// A TCP address.
    Tcp(SocketAddr),
    /// A Unix socket, written `unix:/path` in the file.
    Unix(PathBuf),
}

/// `[log]`: what is written where.
#[derive(Debug, Clone)]
pub struct Log {
    /// The access log; `None` when it is switched off.
    pub access: Option<AccessLog>,
    /// The least severe level that is logged: a `tracing` filter such as `info` or `rimward=debug,info`.
    pub level: String,
    /// The form of the edge's own log.
    pub format: LogFormat,
}

/// The access log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessLog {
    /// Where its lines go.
    pub to: LogTarget,
    /// What a line looks like.
    pub format: AccessFormat,
}

/// Where log lines go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogTarget {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// A file, appended to and reopened on reload.
    File(PathBuf),
}

/// What an access log line looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessFormat {
    /// One JSON object a line.
    Json,
    /// The combined format of Apache httpd and nginx.
    Combined,
}

/// What a line of the edge's own log looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// `[cache]`: the bounds of the store, the same for all sites.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheBounds {
    /// Bytes that the memory tier may hold.
    pub memory: u64,
    /// The disk tier, if there is one.
    pub disk: Option<CacheDisk>,
    /// Largest object that is stored, in bytes.
    pub max_object: u64,
    /// How long a request waits for another that is fetching the same object.
    pub lock_timeout: Duration,
}

/// `[cache] disk`: the folder of the disk tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheDisk {
    /// A folder for the cache alone.
    pub path: PathBuf,
    /// Bytes that its files may take.
    pub size: u64,
}

/// `[geoip]`: where client addresses are located.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeoIp {
    /// An MMDB file of countries or cities.
    pub database: Option<PathBuf>,
    /// An MMDB file of autonomous systems.
    pub asn_database: Option<PathBuf>,
    /// An MMDB file of VPNs, proxies, Tor and hosting.
    pub anonymous_database: Option<PathBuf>,
}

impl GeoIp {
    /// Every file that is named.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let files = [&self.database, &self.asn_database, &self.anonymous_database];
        files.into_iter().flatten()
    }
}

/// What a request for an unknown host gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnknownHost {
    /// 421 Misdirected Request.
    #[default]
    Misdirected,
    /// 404 Not Found.
    NotFound,
}
