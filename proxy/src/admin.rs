//! The admin interface: health, metrics, what is stored, reload and purge, on loopback or a Unix socket, elsewhere only with a token.

mod access;
mod client;
mod filters;
mod kv;
mod objects;
mod plugins;
mod purge;
mod query;
mod render;
mod respond;
mod shields;

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rimward_config::{Admin as Settings, AdminAddress};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::edge::Edge;
use access::Access;

pub use client::{Client, ClientError};
pub use kv::{KvLine, MAX_LINES, Ttl};
pub(crate) use purge::purge;
pub use purge::{Order, PurgeError, Target};
pub(crate) use render::render_metrics;

/// Connections served at once.
const MOST: usize = 64;
/// A request's head has to come within this time.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// The admin interface at work; ends when it is dropped.
pub struct Admin {
    configured: AdminAddress,
    bound: Option<SocketAddr>,
    access: Arc<ArcSwap<Access>>,
    acceptor: JoinHandle<()>,
}

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Admin {
    /// Binds the address.
    ///
    /// # Errors
    /// When the token can't be read or is too short, or the address can't be bound.
    pub fn start(settings: &Settings, edge: &Arc<Edge>) -> io::Result<Self> {
        let access = Arc::new(ArcSwap::from_pointee(Access::new(settings)?));
        let (listener, bound) = bind(&settings.address)?;
        let acceptor = tokio::spawn(accept(listener, access.clone(), Arc::downgrade(edge)));
        Ok(Self {
            configured: settings.address.clone(),
            bound,
            access,
            acceptor,
        })
    }

    /// Whether the settings are for the address that it has.
    pub fn serves(&self, settings: &Settings) -> bool {
        self.configured == settings.address
    }

    /// Takes over another token.
    ///
    /// # Errors
    /// When it can't be read or is too short; the one before stays then.
    pub fn renew(&self, settings: &Settings) -> io::Result<()> {
        self.access.store(Arc::new(Access::new(settings)?));
        Ok(())
    }

    /// The TCP address as it is bound.
    pub fn address(&self) -> Option<SocketAddr> {
        self.bound
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

fn bind(address: &AdminAddress) -> io::Result<(Listener, Option<SocketAddr>)> {
    match address {
        AdminAddress::Tcp(address) => {
            let listener = std::net::TcpListener::bind(address)?;
            listener.set_nonblocking(true)?;
            let listener = TcpListener::from_std(listener)?;
            let bound = listener.local_addr()?;
            Ok((Listener::Tcp(listener), Some(bound)))
        }
        AdminAddress::Unix(path) => {
            remove_socket(path)?;
            let listener = UnixListener::bind(path)?;
            fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
            Ok((Listener::Unix(listener), None))
        }
    }
}

/// Removes the socket that an edge before this one left, and nothing that is not a socket.
fn remove_socket(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.file_type().is_socket() => fs::remove_file(path),
        Ok(_) => Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            format!("`{}` is not a socket", path.display()),
        )),
        Err(_) => Ok(()),
    }
}

async fn accept(listener: Listener, access: Arc<ArcSwap<Access>>, edge: Weak<Edge>) {
    let places = Arc::new(Semaphore::new(MOST));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        let accepted: io::Result<Box<dyn Io>> = match &listener {
            Listener::Tcp(listener) => listener
                .accept()
                .await
                .map(|(stream, _)| Box::new(stream) as Box<dyn Io>),
            Listener::Unix(listener) => listener
                .accept()
                .await
                .map(|(stream, _)| Box::new(stream) as Box<dyn Io>),
        };
        let Ok(stream) = accepted else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (access, edge) = (access.clone(), edge.clone());
        tokio::spawn(async move {
            serve(stream, &access, &edge).await;
            drop(place);
        });
    }
}

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

async fn serve(stream: Box<dyn Io>, access: &ArcSwap<Access>, edge: &Weak<Edge>) {
    let service = service_fn(|request| respond::respond(request, access, edge));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "admin connection ended");
    }
}
