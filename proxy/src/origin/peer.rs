//! How a server is connected to, by us and by the engine.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use pingora::protocols::ALPN;
use pingora::upstreams::peer::HttpPeer;

use super::config;
use super::dial::{Dial, Target, Tls};
use super::line::Patience;
use super::server::Address;
use super::servers::Source;
use super::tls::no_name;

/// HTTP/2 streams of one connection to a server.
const STREAMS: usize = 100;
/// What a server may send on one stream before it is read: all that a slow client can pin.
const STREAM_WINDOW: u32 = 64 * 1024;
/// What a server may send on one connection before it is read.
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// How often a silent HTTP/2 connection is asked whether it is still there.
const PING: Duration = Duration::from_secs(30);

impl Source {
    /// How its connections are made.
    pub(super) fn dial(&self, address: &Address, settings: &config::Servers) -> Dial {
        let target = match (&self.inside, &self.tls) {
            (Some(inside), _) => Target::Inside(inside.clone()),
            (None, None) => Target::Socket(address.clone(), None),
            (None, Some((trust, name))) => Target::Socket(
                address.clone(),
                Some(Tls {
                    name: name.clone().unwrap_or_else(no_name),
                    http1: trust.http1.clone(),
                    http2: trust.http2.clone(),
                }),
            ),
        };
        Dial {
            target,
            connect: settings.timeouts.connect,
            patience: Patience {
                first_byte: settings.timeouts.first_byte,
                between_bytes: settings.timeouts.between_bytes,
            },
            idle_timeout: settings.idle_timeout,
        }
    }

    /// What the engine is told of it.
    ///
    /// HTTP/1.1 goes over connections of our own making, so the engine is not told of TLS; HTTP/2 is all the engine's.
    pub(super) fn peer(&self, address: &Address, settings: &config::Servers) -> HttpPeer {
        let engine_tls = self.tls.as_ref().filter(|_| settings.http2);
        let sni = engine_tls
            .and_then(|(_, name)| name.as_ref())
            .map(|name| name.to_str().into_owned());
        let unix = match address {
            Address::Unix(path) => path.to_str(),
            Address::Inet(_) | Address::Files | Address::Function => None,
        };
        let inet = match address {
            Address::Inet(address) => *address,
            Address::Unix(_) | Address::Files | Address::Function => {
                SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))
            }
        };
        let sni = sni.unwrap_or_default();
        let mut peer = unix
            .and_then(|path| HttpPeer::new_uds(path, engine_tls.is_some(), sni.clone()).ok())
            .unwrap_or_else(|| HttpPeer::new(inet, engine_tls.is_some(), sni));
        if settings.http2 {
            // The pool does not look at certificates and protocols, so they make a group of their own.
            peer.group_key = self.fingerprint().unwrap_or(1);
            let timeouts = &settings.timeouts;
            let options = &mut peer.options;
            options.alpn = if self.tls.is_some() {
                ALPN::H2H1
            } else {
                ALPN::H2
            };
            options.max_h2_streams = STREAMS;
            options.h2_stream_window_size = Some(STREAM_WINDOW);
            options.h2_connection_window_size = Some(CONNECTION_WINDOW);
            options.h2_ping_interval = Some(PING);
            options.connection_timeout = Some(timeouts.connect);
            options.total_connection_timeout = Some(timeouts.connect);
            // The engine has one bound for both; the longer one cuts nothing off that the file allows.
            options.read_timeout = Some(timeouts.first_byte.max(timeouts.between_bytes));
            options.write_timeout = Some(timeouts.between_bytes);
            options.idle_timeout = Some(settings.idle_timeout);
            if let Some((trust, _)) = engine_tls {
                options.verify_cert = trust.verify;
                options.verify_hostname = trust.verify;
                options.ca = trust.ca.clone();
            }
        } else {
            peer.options.alpn = ALPN::H1;
        }
        peer
    }
}
