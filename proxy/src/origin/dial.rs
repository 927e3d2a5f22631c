//! Connecting to a server: TCP or a Unix socket, TLS, or what answers within the process.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use pingora::connectors::L4Connect;
use pingora::protocols::l4::socket::SocketAddr as EngineAddress;
use pingora::protocols::l4::stream::Stream;
use pingora::protocols::l4::virt::VirtualSocketStream;
use pingora::{Error, ErrorType};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use super::inside::Inside;
use super::line::{Line, Patience};
use super::pool::Io;
use super::s3;
use super::server::{Address, State};

/// How a server is connected to.
#[derive(Debug)]
pub(super) struct Dial {
    pub(super) target: Target,
    /// TCP and TLS handshakes, together.
    pub(super) connect: Duration,
    pub(super) patience: Patience,
    pub(super) idle_timeout: Duration,
}

/// What a connection goes to.
#[derive(Debug)]
pub(super) enum Target {
    /// A socket, with TLS or without.
    Socket(Address, Option<Tls>),
    /// What answers within the process.
    Inside(Inside),
}

/// TLS towards one server.
#[derive(Debug)]
pub(super) struct Tls {
    pub(super) name: ServerName<'static>,
    pub(super) http1: Arc<ClientConfig>,
    pub(super) http2: Arc<ClientConfig>,
}

impl Dial {
    /// The connector of one request.
    pub(super) fn ask(self: &Arc<Self>, state: &Arc<State>, told: &Arc<Told>) -> Ask {
        Ask {
            dial: self.clone(),
            state: state.clone(),
            told: told.clone(),
        }
    }

    /// A new connection that speaks HTTP/1.1, for the request that `told` is of.
    pub(super) async fn open(&self, told: &Arc<Told>) -> pingora::Result<Box<dyn Io>> {
        self.in_time(async {
            match &self.target {
                Target::Inside(inside) => Ok(inside.connect(told)),
                Target::Socket(address, None) => socket(address).await,
                Target::Socket(address, Some(tls)) => {
                    let stream = handshake(tls, &tls.http1, socket(address).await?).await?;
                    Ok(Box::new(stream) as Box<dyn Io>)
                }
            }
        })
        .await
    }

    /// A new connection that speaks HTTP/2 if the server likes it; tells whether it does.
    pub(super) async fn open_http2(&self) -> pingora::Result<(Box<dyn Io>, bool)> {
        self.in_time(async {
            match &self.target {
                // It has no setting that leads here.
                Target::Inside(_) => {
                    Error::e_explain(ErrorType::ConnectError, "no HTTP/2 within the process")
                }
                Target::Socket(address, None) => Ok((socket(address).await?, true)),
                Target::Socket(address, Some(tls)) => {
                    let stream = handshake(tls, &tls.http2, socket(address).await?).await?;
                    let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                    Ok((Box::new(stream) as Box<dyn Io>, http2))
                }
            }
        })
        .await
    }

    async fn in_time<T>(
        &self,
        connecting: impl Future<Output = pingora::Result<T>>,
    ) -> pingora::Result<T> {
        tokio::time::timeout(self.connect, connecting)
            .await
            .unwrap_or_else(|_| {
                Error::e_explain(
                    ErrorType::ConnectTimedout,
                    format!("no connection within {:?}", self.connect),
                )
            })
    }
}

async fn socket(address: &Address) -> pingora::Result<Box<dyn Io>> {
    let io: io::Result<Box<dyn Io>> = match address {
        Address::Inet(address) => TcpStream::connect(address).await.and_then(|stream| {
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn Io>)
        }),
        Address::Unix(path) => UnixStream::connect(path)
            .await
            .map(|stream| Box::new(stream) as Box<dyn Io>),
        Address::Files | Address::Function => Err(io::ErrorKind::Unsupported.into()),
    };
    io.map_err(|error| {
        let kind = match error.kind() {
            io::ErrorKind::ConnectionRefused => ErrorType::ConnectRefused,
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                ErrorType::ConnectNoRoute
            }
            io::ErrorKind::TimedOut => ErrorType::ConnectTimedout,
            _ => ErrorType::ConnectError,
        };
        Error::because(kind, format!("connecting to {address}"), error)
    })
}

async fn handshake(
    tls: &Tls,
    config: &Arc<ClientConfig>,
    io: Box<dyn Io>,
) -> pingora::Result<tokio_rustls::client::TlsStream<Box<dyn Io>>> {
    TlsConnector::from(config.clone())
        .connect(tls.name.clone(), io)
        .await
        .map_err(|error| {
            let context = format!("TLS handshake with {}", tls.name.to_str());
            Error::because(ErrorType::TLSHandshakeFailure, context, error)
        })
}

/// What a connection tells the request that uses it.
#[derive(Debug)]
pub(super) struct Told {
    /// Idle connections are left alone, since one of them has just failed this request.
    fresh: bool,
    /// Whether the body of the request is not all sent yet, so that no answer can be asked for.
    sending: AtomicBool,
    reused: AtomicBool,
    timed_out: AtomicBool,
    /// Of a bucket: the code of the error that it answered with.
    code: Option<OnceLock<String>>,
}

impl Told {
    pub(super) fn new(fresh: bool) -> Self {
        let no = || AtomicBool::new(false);
        Self {
            fresh,
            sending: no(),
            reused: no(),
            timed_out: no(),
            code: None,
        }
    }

    /// The same for a connection to a bucket.
    pub(super) fn of_bucket(fresh: bool) -> Self {
        Self {
            code: Some(OnceLock::new()),
            ..Self::new(fresh)
        }
    }

    pub(super) fn is_of_bucket(&self) -> bool {
        self.code.is_some()
    }

    /// A bucket answered with this error.
    pub(super) fn error(&self, answer: &[u8]) {
        if let (Some(place), Some(code)) = (&self.code, s3::code(answer)) {
            place.get_or_init(|| code.to_owned());
        }
    }

    /// The code of the error that a bucket answered with.
    pub(super) fn code(&self) -> Option<&str> {
        Some(self.code.as_ref()?.get()?.as_str())
    }

    pub(super) fn sending(&self, sending: bool) {
        self.sending.store(sending, Ordering::Relaxed);
    }

    pub(super) fn is_sending(&self) -> bool {
        self.sending.load(Ordering::Relaxed)
    }

    pub(super) fn reused(&self) -> bool {
        self.reused.load(Ordering::Relaxed)
    }

    pub(super) fn timed_out(&self) -> bool {
        self.timed_out.load(Ordering::Relaxed)
    }

    pub(super) fn time_out(&self) {
        self.timed_out.store(true, Ordering::Relaxed);
    }
}

/// Connects one request to its server, over an idle connection if there is one.
#[derive(Debug)]
pub(super) struct Ask {
    dial: Arc<Dial>,
    state: Arc<State>,
    told: Arc<Told>,
}

#[async_trait]
impl L4Connect for Ask {
    async fn connect(&self, _address: &EngineAddress) -> pingora::Result<Stream> {
        let idle = if self.told.fresh {
            None
        } else {
            self.state.pool.take(self.dial.idle_timeout)
        };
        self.told.reused.store(idle.is_some(), Ordering::Relaxed);
        let io = match idle {
            Some(io) => io,
            None => self.dial.open(&self.told).await?,
        };
        // What is within the process answers each request on a pipe of its own, which costs less than keeping one.
        let home = matches!(self.dial.target, Target::Socket(..)).then(|| self.state.clone());
        let line = Line::new(io, home, self.told.clone(), self.dial.patience);
        Ok(Stream::from(VirtualSocketStream::new(Box::new(line))))
    }
}
