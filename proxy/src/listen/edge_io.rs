//! The stream that the engine is lent for the time of one request. Whatever the engine does with it, returns it or drops it,
//! the connection comes home to the loop that lent it.

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use async_trait::async_trait;
use pingora::protocols::raw_connect::ProxyDigest;
use pingora::protocols::tls::SslDigest;
use pingora::protocols::{
    Digest, GetProxyDigest, GetSocketDigest, GetTimingDigest, Peek, Shutdown, SocketDigest, Ssl,
    TimingDigest, UniqueID, UniqueIDType,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::wire::Wire;

/// Where a connection comes back to.
#[derive(Default)]
pub(super) struct Home(Mutex<Option<Box<Wire>>>);

impl Home {
    /// The connection, if nobody holds it.
    pub(super) fn take(&self) -> Option<Box<Wire>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A connection on loan.
pub struct EdgeIo {
    /// There until it is dropped. The engine has no way to lend it out for writing, so that whoever reads a body ahead locks it.
    wire: Mutex<Option<Box<Wire>>>,
    home: Arc<Home>,
}

impl EdgeIo {
    /// Lends a connection.
    pub(super) fn lend(mut wire: Box<Wire>, home: &Arc<Home>) -> Self {
        wire.digest();
        Self {
            wire: Mutex::new(Some(wire)),
            home: home.clone(),
        }
    }

    fn wire(&mut self) -> io::Result<&mut Wire> {
        self.wire
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .as_deref_mut()
            .ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// What `look` makes of the connection.
    pub(super) fn with<T>(&self, look: impl FnOnce(&mut Wire) -> T) -> io::Result<T> {
        let mut wire = self.wire.lock().unwrap_or_else(PoisonError::into_inner);
        let wire = wire.as_deref_mut();
        wire.map(look)
            .ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    fn digest<T>(&self, part: impl FnOnce(&Digest) -> Option<T>) -> Option<T> {
        self.with(|wire| part(wire.made_digest()?)).ok().flatten()
    }
}

impl Drop for EdgeIo {
    fn drop(&mut self) {
        *self.home.0.lock().unwrap_or_else(PoisonError::into_inner) = self
            .wire
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }
}

impl fmt::Debug for EdgeIo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let peer = self.with(|wire| wire.connection().peer).ok();
        f.debug_struct("EdgeIo")
            .field("peer", &peer)
            .finish_non_exhaustive()
    }
}

impl AsyncRead for EdgeIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.wire()?.poll_read(cx, buf)
    }
}

impl AsyncWrite for EdgeIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.wire()?.poll_write(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.wire()?.poll_write(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire()?.poll_shutdown(cx)
    }
}

#[async_trait]
impl Shutdown for EdgeIo {
    /// Nothing: the connection is closed with care when it is home.
    async fn shutdown(&mut self) {}
}

impl UniqueID for EdgeIo {
    fn id(&self) -> UniqueIDType {
        self.with(|wire| wire.fd()).unwrap_or(-1)
    }
}

impl Ssl for EdgeIo {
    fn get_ssl_digest(&self) -> Option<Arc<SslDigest>> {
        self.digest(|digest| digest.ssl_digest.clone())
    }
}

impl GetTimingDigest for EdgeIo {
    fn get_timing_digest(&self) -> Vec<Option<TimingDigest>> {
        Vec::new()
    }
}

impl GetProxyDigest for EdgeIo {
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        self.digest(|digest| digest.proxy_digest.clone())
    }
}

impl GetSocketDigest for EdgeIo {
    fn get_socket_digest(&self) -> Option<Arc<SocketDigest>> {
        self.digest(|digest| digest.socket_digest.clone())
    }
}

impl Peek for EdgeIo {}
