//! Who is at the other end: what the request path may know of a connection.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use http::Extensions;
use ipnet::IpNet;
use pingora::protocols::http::ServerSession;
use pingora::protocols::l4::socket::SocketAddr as EngineAddr;
use pingora::protocols::raw_connect::ProxyDigest;
use pingora::protocols::tls::SslDigest;
use pingora::protocols::{Digest, SocketDigest};
use pingora_http::{RequestHeader, ResponseHeader};
use rimward_config::ListenerLimits;
use rimward_filters::{ClientCertificate, Handshake};

use super::gate::Gate;
use super::lane::Notes;
use super::tls::Tls;

/// A connection of a client, as the request path sees it.
#[derive(Debug)]
pub struct Connection {
    /// Who sends the requests: the address of the PROXY header if it was believed, else `tcp_peer`.
    pub peer: SocketAddr,
    /// Who holds the other end of the TCP connection.
    pub tcp_peer: SocketAddr,
    /// The address the client came in by, according to the PROXY header if it was believed.
    pub local: SocketAddr,
    /// What was agreed on, if the connection is secured by TLS.
    pub tls: Option<TlsInfo>,
    /// The version of HTTP that is spoken.
    pub protocol: Protocol,
    /// The listener's settings when the connection was accepted.
    pub settings: Arc<ListenerSettings>,
    pub(super) gate: Arc<Gate>,
    /// What was done for the request that the engine has now, when they come one after the other.
    pub(super) carried: Mutex<Notes>,
}

impl Connection {
    /// Whether the connection ends after the requests in flight: the listener is gone or the edge shuts down. A response
    /// that is yet to be written should carry `Connection: close`.
    pub fn is_draining(&self) -> bool {
        self.gate.is_draining()
    }

    /// Sends notes along with the request that goes to the engine next.
    pub(super) fn carry(&self, notes: Notes) {
        *self.carried.lock().unwrap_or_else(PoisonError::into_inner) = notes;
    }

    /// What was done for this request before the engine had it.
    pub(crate) fn notes_of(&self, request: &RequestHeader) -> Extensions {
        if let Some(Notes(notes)) = request.extensions.get::<Notes>() {
            return notes.clone();
        }
        std::mem::take(&mut *self.carried.lock().unwrap_or_else(PoisonError::into_inner)).0
    }

    /// Whether a request for this host has no business here: its connection was made for a name with another certificate
    /// (RFC 9110 §15.5.20).
    pub fn is_misdirected(&self, host: &str) -> bool {
        let name = self
            .handshake()
            .and_then(|handshake| handshake.sni.as_deref());
        match (&self.settings.tls, name) {
            (Some(tls), Some(name)) => !name.eq_ignore_ascii_case(host) && !tls.shares(name, host),
            _ => false,
        }
    }

    /// The valid certificate that the client showed.
    pub(crate) fn client_certificate(&self) -> Option<&Arc<ClientCertificate>> {
        self.tls.as_ref()?.certificate.as_ref()
    }

    /// What the connection is secured by, if it is.
    pub(crate) fn handshake(&self) -> Option<&Arc<Handshake>> {
        self.tls.as_ref().map(|tls| &tls.handshake)
    }

    /// Whether requests come over TLS.
    pub fn is_secure(&self) -> bool {
        self.tls.is_some()
    }
}

/// What a TLS handshake agreed on.
#[derive(Debug, Clone)]
pub struct TlsInfo {
    /// How the connection is secured.
    pub handshake: Arc<Handshake>,
    /// The certificate that the client showed, which is valid.
    pub certificate: Option<Arc<ClientCertificate>>,
}

/// A version of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP/1.0 and HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
}

/// A listener's settings, the same for all connections it accepts until a reload changes them.
#[derive(Debug)]
pub struct ListenerSettings {
    /// The address as configured.
    pub address: SocketAddr,
    /// The bounds.
    pub limits: ListenerLimits,
    /// Whether every request is answered by a redirect to `https`.
    pub redirect_to_https: bool,
    /// Whether HTTP/2 is spoken.
    pub http2: bool,
    /// Whether each connection begins with a PROXY header.
    pub proxy_protocol: bool,
    /// Whose PROXY header is believed; everybody's when empty.
    pub(super) trusted: Arc<[IpNet]>,
    pub(super) tls: Option<Tls>,
}

impl ListenerSettings {
    /// Whether a PROXY header of this peer is believed.
    pub(super) fn trusts(&self, peer: SocketAddr) -> bool {
        let ip = peer.ip().to_canonical();
        self.trusted.is_empty() || self.trusted.iter().any(|net| net.contains(&ip))
    }
}

/// The connection a session of the engine runs on; `None` for sessions that no listener made.
pub fn connection(session: &ServerSession) -> Option<&Arc<Connection>> {
    let proxy = session.digest()?.proxy_digest.as_ref()?;
    proxy.user_data.as_ref()?.downcast_ref()
}

/// What the engine is told of a connection, with our own record hidden in it.
pub(super) fn digest(connection: &Arc<Connection>, fd: i32) -> Digest {
    Digest {
        ssl_digest: connection.tls.as_ref().map(|tls| {
            Arc::new(SslDigest::new(
                tls.handshake.cipher,
                tls.handshake.version,
                None,
                None,
                Vec::new(),
            ))
        }),
        timing_digest: Vec::new(),
        proxy_digest: carrier(connection),
        socket_digest: Some(Arc::new(socket_digest(connection, fd))),
    }
}

/// The engine's record of a CONNECT proxy: the one place of a digest where something of ours can travel.
fn carrier(connection: &Arc<Connection>) -> Option<Arc<ProxyDigest>> {
    let response = ResponseHeader::build_no_case(200, Some(0)).ok()?;
    Some(Arc::new(ProxyDigest::new(
        Box::new(response),
        Some(Box::new(connection.clone())),
    )))
}

/// The addresses, filled in so that the engine never asks the socket.
fn socket_digest(connection: &Connection, fd: i32) -> SocketDigest {
    let mut digest = SocketDigest::from_raw_fd(fd);
    digest.peer_addr = Some(EngineAddr::Inet(connection.peer)).into();
    digest.local_addr = Some(EngineAddr::Inet(connection.local)).into();
    digest.original_dst = None.into();
    digest
}
