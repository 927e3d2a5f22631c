//! Everything from `accept` to a request in the hands of the engine: sockets that come and go with the configuration, PROXY
//! protocol, TLS, limits, deadlines, and the strictest reading of HTTP/1.1 and HTTP/2.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ipnet::IpNet;
use pingora::apps::HttpServerApp;
use rimward_config::{Listener, ListenerTls};
use tokio::net::TcpListener;
use tokio::time::timeout;

mod accept;
mod ahead;
mod authority;
mod connection;
mod date;
mod edge_io;
mod events;
mod gate;
pub mod head;
mod http1;
mod http2;
mod inner;
mod lane;
mod pace;
mod proxy_protocol;
mod quota;
mod refusal;
mod sessions;
mod tls;
mod transport;
mod wire;

use accept::{Listening, bind};
pub(crate) use ahead::{BodyFields, is_empty, read_ahead, replace};
pub(crate) use authority::check as check_authority;
pub use connection::{Connection, ListenerSettings, Protocol, TlsInfo, connection};
pub(crate) use date::keep as keep_date;
pub use edge_io::EdgeIo;
pub use events::{Events, TurnedAway};
pub(crate) use inner::{TooLong, session as inner_session};
pub use lane::{Answered, Lane, Notes, Outgoing, Plain, StreamAnswer, Streamed};
pub use refusal::{Page, Refusal};
pub use tls::CertificateError;
use tls::Tls;
pub use transport::Pipe;
use transport::Socket;

/// Why an address can't be listened on. Listeners and certificates are counted from 0 in the configuration's order.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The system refuses the address.
    #[error("can't listen on `{address}`: {error}")]
    Bind {
        /// Which listener.
        listener: usize,
        /// Its address.
        address: SocketAddr,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// TLS can't be set up, for want of randomness.
    #[error("can't set up TLS: {error}")]
    Tls {
        /// Which listener.
        listener: usize,
        /// What the library says.
        #[source]
        error: rustls::Error,
    },
    /// A certificate can't be used.
    #[error("{error}")]
    Certificate {
        /// Which listener.
        listener: usize,
        /// Which of its certificates.
        certificate: usize,
        /// What is wrong with it.
        #[source]
        error: CertificateError,
    },
    /// What clients' certificates are held to can't be used.
    #[error("{error}")]
    Clients {
        /// Which listener.
        listener: usize,
        /// The key below `client_certificates`.
        key: String,
        /// What is wrong with its file.
        #[source]
        error: CertificateError,
    },
}

impl ListenError {
    /// Where in the configuration the mistake is, such as `listen[0].tls.certificates[1]`.
    pub fn key(&self) -> String {
        match self {
            Self::Bind { listener, .. } => format!("listen[{listener}].address"),
            Self::Tls { listener, .. } => format!("listen[{listener}].tls"),
            Self::Certificate {
                listener,
                certificate,
                ..
            } => {
                format!("listen[{listener}].tls.certificates[{certificate}]")
            }
            Self::Clients { listener, key, .. } => {
                format!("listen[{listener}].tls.client_certificates.{key}")
            }
        }
    }
}

/// Loads the certificates of all listeners and lets them go again, without binding an address.
///
/// # Errors
/// With every certificate that can't be used.
pub fn check(listeners: &[Listener]) -> Result<(), Vec<ListenError>> {
    let load = |(index, listener)| settings(index, listener, None, &Arc::default()).err();
    let problems: Vec<_> = listeners
        .iter()
        .enumerate()
        .filter_map(load)
        .flatten()
        .collect();
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems)
    }
}

/// The edge's listeners, for the life of the process.
pub struct Listeners<A> {
    service: Service<A>,
    listening: Mutex<Present>,
}

/// Who is told of connections and serves their requests.
pub(crate) struct Service<A> {
    /// The engine.
    pub(crate) app: Arc<A>,
    /// Who counts and logs.
    pub(crate) events: Arc<dyn Events>,
    /// Who answers what need not go to the engine.
    pub(crate) lane: Arc<dyn Lane>,
}

impl<A> Clone for Service<A> {
    fn clone(&self) -> Self {
        Self {
            app: self.app.clone(),
            events: self.events.clone(),
            lane: self.lane.clone(),
        }
    }
}

/// Who listens now, in the configuration's order, and who is on the way out.
#[derive(Default)]
struct Present {
    here: Vec<Arc<Listening>>,
    leaving: Vec<Arc<Listening>>,
}

/// Listeners that are ready to take over: sockets bound, certificates loaded. Dropping it changes nothing.
pub struct Prepared(Vec<Next>);

struct Next {
    settings: ListenerSettings,
    from: From,
}

enum From {
    /// It listens already.
    Kept(Arc<Listening>),
    Bound(SocketAddr, Vec<TcpListener>),
}

impl<A> Listeners<A>
where
    A: HttpServerApp + Send + Sync + 'static,
{
    /// No listeners yet; requests will go to `app`, unless `lane` answers them.
    pub fn new(app: Arc<A>, events: Arc<dyn Events>, lane: Arc<dyn Lane>) -> Self {
        Self {
            service: Service { app, events, lane },
            listening: Mutex::default(),
        }
    }

    /// Binds the addresses that are new and loads all certificates, without touching what runs. All problems at once.
    ///
    /// `trusted` are the peers whose PROXY header is believed; when there are none, everybody's is, since a listener with
    /// PROXY protocol that believed nobody would be of no use.
    ///
    /// Must be called in a tokio runtime with IO.
    pub fn prepare(
        &self,
        listeners: &[Listener],
        trusted: &[IpNet],
    ) -> Result<Prepared, Vec<ListenError>> {
        let trusted: Arc<[IpNet]> = trusted.into();
        let mut free = self.present().here.clone();
        let ports: Vec<u16> = free.iter().map(|kept| kept.bound.port()).collect();
        let mut next = Vec::with_capacity(listeners.len());
        let mut problems = Vec::new();
        for (index, listener) in listeners.iter().enumerate() {
            let kept = free
                .iter()
                .position(|kept| kept.address == listener.address)
                .map(|at| free.remove(at));
            // What overlaps with an address of ours may be bound beside it until that one is given up.
            let ours = ports.contains(&listener.address.port());
            match prepare_one(index, listener, kept, ours, &trusted) {
                Ok(one) => next.push(one),
                Err(more) => problems.extend(more),
            }
        }
        if problems.is_empty() {
            Ok(Prepared(next))
        } else {
            Err(problems)
        }
    }

    /// Lets prepared listeners take over: new ones start, kept ones change their settings in place, gone ones stop. Whoever
    /// is connected stays so, with the settings of its arrival; a gone listener's connections end when they are idle.
    pub fn commit(&self, prepared: Prepared) {
        let mut present = self.present();
        let mut gone = std::mem::take(&mut present.here);
        for Next { settings, from } in prepared.0 {
            let listening = match from {
                From::Kept(listening) => {
                    gone.retain(|other| !Arc::ptr_eq(other, &listening));
                    listening.settings.store(Arc::new(settings));
                    listening
                }
                From::Bound(bound, sockets) => {
                    let listening = Listening::new(bound, settings);
                    listening.start(sockets, &self.service);
                    listening
                }
            };
            present.here.push(listening);
        }
        gone.iter().for_each(|listening| listening.stop());
        present
            .leaving
            .retain(|listening| listening.gate.open() > 0);
        present.leaving.extend(gone);
    }

    /// The addresses as bound, in the configuration's order.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.present()
            .here
            .iter()
            .map(|listening| listening.bound)
            .collect()
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        let present = self.present();
        present
            .here
            .iter()
            .chain(&present.leaving)
            .map(|listening| listening.gate.open())
            .sum()
    }

    /// Stops accepting, closes idle connections at once and gives the others `bound` to finish; how many were cut then.
    pub async fn shutdown(&self, bound: Duration) -> usize {
        let all: Vec<_> = {
            let mut present = self.present();
            let here = std::mem::take(&mut present.here);
            here.into_iter()
                .chain(std::mem::take(&mut present.leaving))
                .collect()
        };
        all.iter().for_each(|listening| listening.stop());
        let finish = async {
            for listening in &all {
                listening.stopped().await;
                listening.gate.empty().await;
            }
        };
        let cut = match timeout(bound, finish).await {
            Ok(()) => 0,
            Err(_) => all.iter().map(|listening| listening.gate.open()).sum(),
        };
        all.iter().for_each(|listening| listening.gate.cut());
        cut
    }

    /// Serves one connection over any stream, as if `listener` had accepted it from `peer`. It ends with the connection, or
    /// when it is dropped; a shutdown does not wait for it.
    pub async fn serve_stream(
        &self,
        io: impl Pipe,
        peer: SocketAddr,
        listener: &Listener,
        trusted: &[IpNet],
    ) -> Result<(), Vec<ListenError>> {
        let settings = settings(0, listener, None, &trusted.into())?;
        let listening = Listening::new(listener.address, settings);
        if let Some(serving) =
            listening.serve(Socket::pipe(io), peer, listener.address, &self.service)
        {
            serving.await;
        }
        Ok(())
    }

    fn present(&self) -> MutexGuard<'_, Present> {
        self.listening
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn prepare_one(
    index: usize,
    listener: &Listener,
    kept: Option<Arc<Listening>>,
    ours: bool,
    trusted: &Arc<[IpNet]>,
) -> Result<Next, Vec<ListenError>> {
    let old = kept.as_ref().map(|kept| kept.settings.load_full());
    let settings = settings(index, listener, old.as_deref(), trusted);
    let from = match kept {
        Some(kept) => Ok(From::Kept(kept)),
        None => bind(listener.address, ours)
            .and_then(|sockets| Ok(From::Bound(first_address(&sockets)?, sockets)))
            .map_err(|error| ListenError::Bind {
                listener: index,
                address: listener.address,
                error,
            }),
    };
    match (settings, from) {
        (Ok(settings), Ok(from)) => Ok(Next { settings, from }),
        (settings, from) => Err(settings
            .err()
            .into_iter()
            .flatten()
            .chain(from.err())
            .collect()),
    }
}

fn first_address(sockets: &[TcpListener]) -> io::Result<SocketAddr> {
    sockets.first().map_or_else(
        || Err(io::ErrorKind::AddrNotAvailable.into()),
        TcpListener::local_addr,
    )
}

/// The settings of a listener; session tickets go on from those it had.
fn settings(
    index: usize,
    listener: &Listener,
    old: Option<&ListenerSettings>,
    trusted: &Arc<[IpNet]>,
) -> Result<ListenerSettings, Vec<ListenError>> {
    let before = old.and_then(|old| old.tls.as_ref());
    let tls = listener
        .tls
        .as_ref()
        .map(|tls| tls_config(index, tls, listener.http2, before))
        .transpose()?;
    Ok(ListenerSettings {
        address: listener.address,
        limits: listener.limits.clone(),
        redirect_to_https: listener.redirect_to_https,
        http2: listener.http2,
        proxy_protocol: listener.proxy_protocol,
        trusted: trusted.clone(),
        tls,
    })
}

fn tls_config(
    listener: usize,
    tls: &ListenerTls,
    http2: bool,
    before: Option<&Tls>,
) -> Result<Tls, Vec<ListenError>> {
    let bad = |(certificate, error)| ListenError::Certificate {
        listener,
        certificate,
        error,
    };
    let bad_clients = |(key, error): tls::Wrong| ListenError::Clients {
        listener,
        key,
        error,
    };
    let certificates = tls::Certificates::load(&tls.certificates);
    let clients = tls.clients.as_ref().map(tls::Clients::load).transpose();
    match (certificates, clients) {
        (Ok(certificates), Ok(clients)) => Tls::new(certificates, clients, http2, before)
            .map_err(|error| vec![ListenError::Tls { listener, error }]),
        (certificates, clients) => {
            let certificates = certificates.err().into_iter().flatten().map(bad);
            let clients = clients.err().into_iter().flatten().map(bad_clients);
            Err(certificates.chain(clients).collect())
        }
    }
}

#[cfg(test)]
mod tests;
