//! `[[listen]]`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::value::{ByteSize, Listening, Short, Span, Text, ValueError, text_value};

/// An address that clients come in by.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listen {
    /// An IP address and a port such as `0.0.0.0:443` or `[::]:443`; with port 0 the system chooses one.
    #[schemars(required)]
    pub(crate) address: Option<Listening>,
    /// TLS. Default: none, the listener speaks plain HTTP.
    pub(crate) tls: Option<Tls>,
    /// Whether each connection begins with a PROXY protocol header (version 1 or 2). Default: `false`.
    pub(crate) proxy_protocol: Option<bool>,
    /// Whether HTTP/2 is spoken: by ALPN with TLS, by prior knowledge without. Default: `true`.
    pub(crate) http2: Option<bool>,
    /// Whether every request is answered by a redirect to `https`; not for a listener with TLS. Default: `false`.
    pub(crate) redirect_to_https: Option<bool>,
    /// What the listener puts up with.
    pub(crate) limits: Option<Limits>,
}

/// The certificates of a listener.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    /// PEM files with chain and key, or tables that name both. Chosen by SNI; the first serves clients whose SNI
    /// matches none.
    #[schemars(required)]
    pub(crate) certificates: Option<Vec<Short<CertificateFiles, Certificate>>>,
    /// Asks clients for certificates of their own. Default: they are not asked.
    pub(crate) client_certificates: Option<ClientCertificates>,
}

/// The certificates that clients show.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientCertificates {
    /// A PEM file with the CA certificates that clients' certificates have to be issued under.
    #[schemars(required)]
    pub(crate) ca: Option<PathBuf>,
    /// Whether a client has to have one. Default: `require`.
    pub(crate) mode: Option<ClientCertificateMode>,
    /// Files with the revocation lists of these CAs, in PEM or DER. When there are any, each CA that issued a certificate of
    /// a client's chain needs one that is not out of date. Default: none, nothing is revoked.
    pub(crate) crl: Option<Vec<PathBuf>>,
}

/// Whether a client has to have a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClientCertificateMode {
    /// The handshake fails without one.
    Require,
    /// Clients without one are let in; what they get is up to the filter `mtls`.
    Request,
}

/// A certificate whose key is in a file of its own.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Certificate {
    /// The PEM file of the chain, leaf first.
    pub(crate) chain: PathBuf,
    /// The PEM file of the key. Default: the chain's file.
    pub(crate) key: Option<PathBuf>,
}

/// One PEM file with chain and key.
#[derive(Debug, Clone)]
pub(crate) struct CertificateFiles(pub(crate) PathBuf);

impl Text for CertificateFiles {
    const EXPECTING: &'static str = "a PEM file with chain and key such as `certs/shop.pem`";
    const PATTERN: &'static str = "^.+$";
}

text_value!(CertificateFiles);

impl std::str::FromStr for CertificateFiles {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text {
            "" => Err(ValueError::new(format!("expected {}", Self::EXPECTING))),
            path => Ok(Self(path.into())),
        }
    }
}

impl std::fmt::Display for CertificateFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.display().fmt(f)
    }
}

/// What a listener puts up with.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    /// From the first byte waited for to the end of the request head, also for TLS and PROXY protocol handshakes:
    /// `10ms` to `10m`. Default: `10s`.
    pub(crate) header_timeout: Option<Span>,
    /// Between the requests of a connection, also an HTTP/2 connection without streams: `10ms` to `1h`.
    /// Default: `60s`.
    pub(crate) idle_timeout: Option<Span>,
    /// Longest wait for the next bytes of a request body: `10ms` to `1h`. Default: `30s`.
    pub(crate) body_timeout: Option<Span>,
    /// A whole exchange, from the head to the last byte sent: `10ms` to `30d`. Default: no bound.
    pub(crate) total_timeout: Option<Span>,
    /// Least bytes a second of a request body, after ten seconds of grace; `0B` for any: up to `1GiB`.
    /// Default: `500B`.
    pub(crate) min_body_rate: Option<ByteSize>,
    /// Least bytes a second at which a client must read a response, after thirty seconds of grace; `0B` for any:
    /// up to `1GiB`. Default: `1KiB`.
    pub(crate) min_send_rate: Option<ByteSize>,
    /// The whole request head: `256B` to `1MiB`. Default: `32KiB`.
    pub(crate) max_header_bytes: Option<ByteSize>,
    /// Header fields of a request: 1 to 10000. Default: 100.
    pub(crate) max_headers: Option<i64>,
    /// The request target: `16B` to `max_header_bytes`. Default: `8KiB`.
    pub(crate) max_target_bytes: Option<ByteSize>,
    /// A request body: `0B` to `16TiB`. Default: `100MiB`.
    pub(crate) max_body: Option<ByteSize>,
    /// Connections in all: 1 to 1000000. Default: 20000.
    pub(crate) max_connections: Option<i64>,
    /// Connections of one client address: 1 to `max_connections`. Default: 256.
    pub(crate) max_connections_per_ip: Option<i64>,
    /// Requests of one connection before it is closed: 1 to 1000000000. Default: 10000.
    pub(crate) max_requests_per_connection: Option<i64>,
    /// HTTP/2 streams of a connection at a time: 1 to 10000. Default: 128.
    pub(crate) max_streams: Option<i64>,
}
