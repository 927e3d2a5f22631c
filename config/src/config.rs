//! What a configuration means: every default filled in, every name a reference, nothing left to check.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use crate::filter_spec::FilterSpec;
use crate::host::HostPattern;
use crate::key_path::{KeyPath, Step};
use crate::path::PathPattern;
use crate::problem::Problem;
use crate::source::Source;

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
    /// Everything that responses can come from; [`OriginId`] indexes it.
    pub origins: Vec<Origin>,
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

/// `[[listen]]`: an address that clients come in by.
#[derive(Debug, Clone)]
pub struct Listener {
    /// The address; port 0 lets the system choose.
    pub address: SocketAddr,
    /// TLS, if the listener speaks it.
    pub tls: Option<ListenerTls>,
    /// Whether each connection begins with a PROXY protocol header (version 1 or 2).
    pub proxy_protocol: bool,
    /// Whether HTTP/2 is spoken: by ALPN with TLS, by prior knowledge (h2c) without.
    pub http2: bool,
    /// Whether every request is answered by a redirect to `https`.
    pub redirect_to_https: bool,
    /// The listener's bounds.
    pub limits: ListenerLimits,
}

/// The certificates of a listener.
#[derive(Debug, Clone)]
pub struct ListenerTls {
    /// In file order; the first serves clients whose SNI matches none.
    pub certificates: Vec<Certificate>,
}

/// A certificate chain and its key, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The chain, leaf first; may hold the key as well.
    pub chain: PathBuf,
    /// The key; the same file as the chain when it has none of its own.
    pub key: PathBuf,
}

/// What a listener puts up with. Every wait has a bound.
#[derive(Debug, Clone, PartialEq)]
pub struct ListenerLimits {
    /// From the first byte waited for to the end of the request head, in total (also TLS and PROXY handshakes).
    pub header_timeout: Duration,
    /// Between requests of a connection; also an HTTP/2 connection without streams.
    pub idle_timeout: Duration,
    /// Longest wait for the next bytes of a request body.
    pub body_timeout: Duration,
    /// A whole exchange from head to last byte sent; `None` sets no bound.
    pub total_timeout: Option<Duration>,
    /// Least bytes a second of a request body, after ten seconds of grace.
    pub min_body_rate: u64,
    /// Least bytes a second a client must read a response at, after thirty seconds of grace.
    pub min_send_rate: u64,
    /// The whole request head, in bytes.
    pub max_header_bytes: usize,
    /// Header fields of a request (each crumb of an HTTP/2 cookie counts).
    pub max_headers: usize,
    /// The request target, in bytes.
    pub max_target_bytes: usize,
    /// A request body, in bytes.
    pub max_body: u64,
    /// Connections in all.
    pub max_connections: usize,
    /// Connections of one client address.
    pub max_connections_per_ip: usize,
    /// Requests of one connection before it is closed.
    pub max_requests_per_connection: u32,
    /// HTTP/2 streams at a time.
    pub max_streams: u32,
}

/// `[cache]`: the bounds of the store, the same for all sites.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheBounds {
    /// Bytes that the memory tier may hold.
    pub memory: u64,
    /// Largest object that is stored, in bytes.
    pub max_object: u64,
    /// How long a request waits for another that is fetching the same object.
    pub lock_timeout: Duration,
}

/// `[geoip]`: where client addresses are located.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeoIp {
    /// An MMDB file with countries.
    pub database: PathBuf,
}

/// `[origin.NAME]`: where responses come from.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Its name in the file.
    pub name: String,
    /// What stands behind it.
    pub kind: OriginKind,
}

/// What stands behind an origin.
#[derive(Debug, Clone)]
pub enum OriginKind {
    /// Servers that speak HTTP.
    Servers(Box<Servers>),
    /// A directory of static files.
    Directory(Directory),
}

/// Static files as an origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// The folder; nothing outside it is served, also through symbolic links.
    pub root: PathBuf,
    /// The file that stands for a folder.
    pub index: String,
    /// `Cache-Control` of every file; none is sent when it is absent.
    pub cache_control: Option<String>,
}

/// Servers that speak HTTP and how they are used.
#[derive(Debug, Clone)]
pub struct Servers {
    /// At least one.
    pub servers: Vec<Server>,
    /// How one is chosen.
    pub balance: Balance,
    /// Active health checks, if any.
    pub health: Option<HealthCheck>,
    /// Passive ejection of servers that fail, if any.
    pub outlier: Option<Outlier>,
    /// How long a server that came (back) takes to get its full share; zero for at once.
    pub slow_start: Duration,
    /// Bounds of each wait.
    pub timeouts: OriginTimeouts,
    /// What is tried again.
    pub retries: Retries,
    /// TLS towards the servers, for those whose scheme is `https`.
    pub tls: OriginTls,
    /// Whether HTTP/2 is spoken: by ALPN with TLS, by prior knowledge without.
    pub http2: bool,
    /// The `Host` that the servers see; `None` passes the client's.
    pub host: Option<String>,
    /// Idle connections kept open longer than this are closed.
    pub idle_timeout: Duration,
    /// Requests at a time to one server; more are refused with 503.
    pub max_requests: Option<usize>,
}

/// One server as written: resolved to addresses at run time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Where it is.
    pub address: ServerAddress,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// Its share, from 1 up.
    pub weight: u32,
}

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ServerAddress {
    /// A literal address.
    Ip(SocketAddr),
    /// A name (A and AAAA records) and a port.
    Name(String, u16),
    /// An SRV record, written `srv+http://` or `srv+https://`, which names hosts, ports and weights.
    Srv(String),
    /// A Unix socket, written `unix:/path`.
    Unix(PathBuf),
}

/// How a server is chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Balance {
    /// Each in turn, by weight, smoothly.
    RoundRobin,
    /// The less busy of two picked at random.
    RandomTwo,
    /// The one with the fewest requests in flight for its weight.
    LeastRequests,
    /// The same one for the same key (consistent hashing).
    Hash(HashKey),
}

/// What consistent hashing hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HashKey {
    /// The path and query.
    Uri,
    /// The path alone.
    Path,
    /// The client's address.
    ClientIp,
    /// The host.
    Host,
    /// A request header.
    Header(String),
    /// A cookie.
    Cookie(String),
}

/// Active health checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    /// The path that is asked for; a status of 200–399 is healthy.
    pub path: String,
    /// From one check to the next.
    pub interval: Duration,
    /// Bound of one check.
    pub timeout: Duration,
    /// Good checks in a row that bring a server in.
    pub healthy_after: u32,
    /// Bad checks in a row that take it out.
    pub unhealthy_after: u32,
}

/// Passive ejection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlier {
    /// Failures in a row (no connection, a reset, 5xx) that take a server out.
    pub consecutive_errors: u32,
    /// How long, times the number of ejections in a row, at most ten times.
    pub eject_for: Duration,
    /// Share of the servers that may be out at once, in percent.
    pub max_ejected_percent: u8,
}

/// Bounds of the waits for an origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginTimeouts {
    /// TCP and TLS handshakes.
    pub connect: Duration,
    /// From the request sent to the first byte of the response.
    pub first_byte: Duration,
    /// Between two reads of the response, and for each write.
    pub between_bytes: Duration,
}

/// What is tried again, for safe methods only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retries {
    /// Tries after the first.
    pub max: u32,
    /// The failures that are.
    pub on: Vec<RetryOn>,
    /// Retries as a share of the requests of the last ten seconds, in percent; ten a second are always allowed.
    pub budget_percent: u8,
}

/// A failure that may be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryOn {
    /// No connection could be made: nothing was sent, so every method is tried again.
    Connect,
    /// The connection ended before a response came.
    Reset,
    /// The first byte did not come in time.
    Timeout,
    /// The response has this status, of 500–599.
    Status(u16),
}

/// TLS towards an origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginTls {
    /// Whether the certificate is checked; on unless the file says otherwise.
    pub verify: bool,
    /// The SNI and the name the certificate must have; `None` takes the server's name.
    pub server_name: Option<String>,
    /// CA certificates in PEM to trust instead of the system's.
    pub ca: Option<PathBuf>,
}

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
    /// The filters in order: the site's, then the route's.
    pub filters: Vec<FilterId>,
    /// The cache's policy; `None` when the route is not cached.
    pub cache: Option<CachePolicy>,
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
    /// Labels put on every object.
    pub surrogate_keys: Vec<String>,
    /// Whether a response with `Set-Cookie` is stored, without the cookie.
    pub strip_set_cookie: bool,
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

/// What a request for an unknown host gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnknownHost {
    /// 421 Misdirected Request.
    #[default]
    Misdirected,
    /// 404 Not Found.
    NotFound,
}
