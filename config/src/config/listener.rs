//! What a listener means.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

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

/// TLS of a listener.
#[derive(Debug, Clone)]
pub struct ListenerTls {
    /// In file order; the first serves clients whose SNI matches none.
    pub certificates: Vec<Certificate>,
    /// Whether clients are asked for certificates of their own.
    pub clients: Option<ClientCertificates>,
}

/// The certificates that clients show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificates {
    /// The PEM file of the CAs that they have to be issued under.
    pub ca: PathBuf,
    /// Whether a client without one fails the handshake.
    pub is_required: bool,
    /// Files with revocation lists.
    pub crl: Vec<PathBuf>,
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
