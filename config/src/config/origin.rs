//! What an origin means.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::{Function, S3};

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
    /// Servers that speak HTTP, the one of a bucket included.
    Servers(Box<Servers>),
    /// A directory of static files.
    Directory(Directory),
    /// A component of WebAssembly.
    Function(Box<Function>),
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
    /// How requests differ that go to a bucket; `None` for all other servers.
    pub s3: Option<S3>,
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
    /// The cache key; of shields only.
    CacheKey,
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
