//! Sockets, and what happens to a connection between `accept` and its first request.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::BytesMut;
use futures_util::FutureExt;
use pingora::apps::HttpServerApp;
use socket2::{Domain, Protocol as IpProtocol, Socket as RawSocket, TcpKeepalive, Type};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_rustls::TlsAcceptor;

use super::connection::{Connection, ListenerSettings, Protocol};
use super::events::{Events, TurnedAway};
use super::gate::Gate;
use super::quota::{Place, Quota, Seat, Total};
use super::tls::hello::{self, Beginning, Hello};
use super::transport::{Socket, Transport};
use super::wire::Wire;
use super::{Service, http1, http2, proxy_protocol};

/// Connections that wait to be accepted; the system may allow fewer.
const BACKLOG: i32 = 4096;
/// More acceptors than this share an address without gain.
const MAX_ACCEPTORS: usize = 4;
/// Bytes that the system takes of a connection beyond what the client's window allows to send.
const UNSENT: u32 = 1024 * 1024;
/// How long accepting pauses when the system refuses more connections.
const PAUSE: Duration = Duration::from_millis(100);

/// An address that is listened on, until the configuration has it no more.
pub(super) struct Listening {
    /// As configured.
    pub(super) address: SocketAddr,
    /// As bound.
    pub(super) bound: SocketAddr,
    pub(super) settings: ArcSwap<ListenerSettings>,
    pub(super) gate: Arc<Gate>,
    quota: Arc<Quota>,
    total: Arc<Total>,
    stop: watch::Sender<bool>,
    acceptors: Mutex<Vec<JoinHandle<()>>>,
    told: Mutex<Option<Instant>>,
}

/// Binds an address with as many sockets as pay off; the kernel spreads connections over them.
///
/// Such sockets may be bound beside those of another process, which then gets a part of the connections: a second edge
/// started by mistake would go unnoticed. So the address has to be free first, unless it is `ours` already.
pub(super) fn bind(address: SocketAddr, ours: bool) -> io::Result<Vec<TcpListener>> {
    if !ours {
        let alone = raw_socket(address)?;
        alone.bind(&address.into())?;
    }
    let count = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(MAX_ACCEPTORS);
    let first = bind_one(address)?;
    let bound = first.local_addr()?;
    let mut sockets = vec![first];
    for _ in 1..count {
        sockets.push(bind_one(bound)?);
    }
    Ok(sockets)
}

/// One socket. What is set on it, the connections it accepts inherit, so that they need no calls of their own.
fn bind_one(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = raw_socket(address)?;
    socket.set_reuse_port(true)?;
    socket.set_tcp_nodelay(true)?;
    // What the client's window does not take yet waits with whoever can stop reading it, not in the system.
    socket.set_tcp_notsent_lowat(UNSENT)?;
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(60))
        .with_interval(Duration::from_secs(15));
    socket.set_tcp_keepalive(&keepalive.with_retries(4))?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(StdListener::from(socket))
}

fn raw_socket(address: SocketAddr) -> io::Result<RawSocket> {
    let domain = Domain::for_address(address);
    let socket = RawSocket::new(domain, Type::STREAM, Some(IpProtocol::TCP))?;
    if address.is_ipv6() {
        // As in the configuration, `[::]` leaves IPv4 to `0.0.0.0`.
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    Ok(socket)
}

impl Listening {
    pub(super) fn new(bound: SocketAddr, settings: ListenerSettings) -> Arc<Self> {
        Arc::new(Self {
            address: settings.address,
            bound,
            settings: ArcSwap::from_pointee(settings),
            gate: Gate::new(),
            quota: Quota::new(),
            total: Arc::default(),
            stop: watch::Sender::new(false),
            acceptors: Mutex::default(),
            told: Mutex::default(),
        })
    }

    /// Starts to accept.
    pub(super) fn start<A>(self: &Arc<Self>, sockets: Vec<TcpListener>, service: &Service<A>)
    where
        A: HttpServerApp + Send + Sync + 'static,
    {
        let start = |socket| tokio::spawn(self.clone().accept(socket, service.clone()));
        let tasks = sockets.into_iter().map(start).collect();
        *self
            .acceptors
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = tasks;
    }

    /// Accepts no more, and lets connections go when they are idle.
    pub(super) fn stop(&self) {
        self.stop.send_replace(true);
        self.gate.drain();
    }

    /// Resolves when the sockets are closed.
    pub(super) async fn stopped(&self) {
        let tasks = std::mem::take(
            &mut *self
                .acceptors
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        for task in tasks {
            // An acceptor that panicked has stopped as well.
            drop(task.await);
        }
    }

    async fn accept<A>(self: Arc<Self>, socket: TcpListener, service: Service<A>)
    where
        A: HttpServerApp + Send + Sync + 'static,
    {
        let mut stop = self.stop.subscribe();
        loop {
            let accepted = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                accepted = socket.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => self.greet(stream, peer, &service),
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    self.tell(&error, &*service.events);
                    sleep(PAUSE).await;
                }
            }
        }
        // Those that wait already were promised to be served.
        while let Some(Ok((stream, peer))) = socket.accept().now_or_never() {
            self.greet(stream, peer, &service);
        }
    }

    /// Tells of a failure, once a second at most.
    fn tell(&self, error: &io::Error, events: &dyn Events) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|told| told.elapsed() >= Duration::from_secs(1)) {
            *told = Some(Instant::now());
            events.accept_failed(self.bound, error);
        }
    }

    /// Lets a connection in, or turns it away at once.
    fn greet<A>(self: &Arc<Self>, stream: TcpStream, peer: SocketAddr, service: &Service<A>)
    where
        A: HttpServerApp + Send + Sync + 'static,
    {
        let local = stream.local_addr().unwrap_or(self.bound);
        if let Some(serving) = self.serve(Socket::tcp(stream), peer, local, service) {
            tokio::spawn(serving);
        }
    }

    /// The life of a connection, if it may have one.
    pub(super) fn serve<A>(
        self: &Arc<Self>,
        socket: Socket,
        peer: SocketAddr,
        local: SocketAddr,
        service: &Service<A>,
    ) -> Option<impl Future<Output = ()> + Send + use<A>>
    where
        A: HttpServerApp + Send + Sync + 'static,
    {
        let settings = self.settings.load_full();
        let Some(seat) = self.total.take(settings.limits.max_connections) else {
            let why = TurnedAway::Connections;
            service.events.turned_away(self.bound, peer, why);
            return None;
        };
        let mut arrival = Arrival {
            listening: self.clone(),
            settings,
            peer,
            local,
            tcp_peer: peer,
            seat,
            place: None,
        };
        // Behind a proxy the client is known only when the header was read.
        if !arrival.settings.proxy_protocol && !arrival.take_place(&*service.events) {
            return None;
        }
        Some(self.gate.run(arrival.live(socket, service.clone())))
    }
}

/// Errors of `accept` that belong to a connection which is gone already.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | Interrupted
    )
}

/// A connection that was let in.
struct Arrival {
    listening: Arc<Listening>,
    settings: Arc<ListenerSettings>,
    peer: SocketAddr,
    local: SocketAddr,
    tcp_peer: SocketAddr,
    #[expect(dead_code, reason = "held for its drop")]
    seat: Seat,
    place: Option<Place>,
}

impl Arrival {
    /// Counts the connection for the client's address; false when that has too many.
    fn take_place(&mut self, events: &dyn Events) -> bool {
        self.place = self
            .listening
            .quota
            .take(self.peer.ip(), self.settings.limits.max_connections_per_ip);
        if self.place.is_none() {
            events.turned_away(
                self.listening.bound,
                self.peer,
                TurnedAway::ConnectionsOfAddress,
            );
        }
        self.place.is_some()
    }

    async fn live<A>(mut self, socket: Socket, service: Service<A>)
    where
        A: HttpServerApp + Send + Sync + 'static,
    {
        let events = &*service.events;
        let began = Instant::now();
        let deadline = began + self.settings.limits.header_timeout;
        // What is needed for a moment only is boxed, so that it costs nothing while the connection is idle.
        let wire = match Box::pin(timeout_at(deadline, self.open(socket, began, events))).await {
            Ok(Ok(Some(wire))) => wire,
            Ok(Ok(None)) => return,
            Ok(Err(error)) => {
                return events.handshake_failed(self.listening.bound, self.peer, &error);
            }
            Err(_) => {
                return events.handshake_failed(
                    self.listening.bound,
                    self.peer,
                    &io::ErrorKind::TimedOut.into(),
                );
            }
        };
        let connection = wire.connection().clone();
        events.opened(&connection);
        let requests = match connection.protocol {
            Protocol::Http2 => Box::pin(http2::serve(&service, wire, deadline)).await,
            Protocol::Http1 => http1::serve(&service.app, wire, events, &*service.lane).await,
        };
        events.closed(&connection, requests);
    }

    /// PROXY header, TLS and the choice of protocol. `None` when the client has too many connections or left.
    async fn open(
        &mut self,
        mut socket: Socket,
        began: Instant,
        events: &dyn Events,
    ) -> io::Result<Option<Box<Wire>>> {
        if self.settings.proxy_protocol {
            self.read_proxy_header(&mut socket).await?;
            if !self.take_place(events) {
                return Ok(None);
            }
        }
        let Some(tls) = self.settings.tls.as_ref() else {
            let mut wire = Wire::new(
                Transport::Plain(socket),
                self.connection(None, Protocol::Http1),
                began,
            );
            let is_h2 = self.settings.http2 && wire.is_preface().await;
            if is_h2 {
                wire.speak(self.connection(None, Protocol::Http2));
            }
            return Ok(Some(wire));
        };
        let hello = read_hello(&mut socket).await?;
        let acceptor = TlsAcceptor::from(tls.config.clone());
        let stream = acceptor.accept(socket).await?;
        let fingerprint = hello.map(|hello| hello.fingerprint());
        let info = tls.info(stream.get_ref().1, fingerprint)?;
        let protocol = if info.handshake.alpn == Some("h2") {
            Protocol::Http2
        } else {
            Protocol::Http1
        };
        let connection = self.connection(Some(info), protocol);
        Ok(Some(Wire::new(
            Transport::Tls(Box::new(stream)),
            connection,
            began,
        )))
    }

    fn connection(
        &self,
        tls: Option<super::connection::TlsInfo>,
        protocol: Protocol,
    ) -> Arc<Connection> {
        Arc::new(Connection {
            peer: self.peer,
            tcp_peer: self.tcp_peer,
            local: self.local,
            tls,
            protocol,
            settings: self.settings.clone(),
            gate: self.listening.gate.clone(),
            carried: Mutex::default(),
        })
    }

    /// Reads the PROXY header and believes it if its sender may be believed. From anybody else it is read and forgotten.
    async fn read_proxy_header(&mut self, socket: &mut Socket) -> io::Result<()> {
        let mut bytes = BytesMut::new();
        let header = loop {
            if socket.read_buf(&mut bytes).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(header) = proxy_protocol::parse(&bytes).map_err(io::Error::other)? {
                break header;
            }
        };
        socket.put_back(bytes.split_off(header.len));
        if let Some((from, to)) = header
            .addresses
            .filter(|_| self.settings.trusts(self.tcp_peer))
        {
            (self.peer, self.local) = (from, to);
        }
        Ok(())
    }
}

/// Reads what the client offers, and leaves it for the handshake.
async fn read_hello(socket: &mut Socket) -> io::Result<Option<Hello>> {
    /// Most are shorter, but for keys that quantum computers don't break.
    const USUAL: usize = 2 << 10;
    let mut bytes = BytesMut::with_capacity(USUAL);
    let hello = loop {
        let is_over = socket.read_buf(&mut bytes).await? == 0;
        match hello::look(&bytes) {
            Beginning::Whole(hello) => break Some(hello),
            Beginning::Part if !is_over => {}
            Beginning::Part | Beginning::Other => break None,
        }
    };
    socket.put_back(bytes);
    Ok(hello)
}
