//! A response that is there already, read by the engine as if a server sent it: so it is stored, cut into ranges and passed on
//! like any other.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use bytes::{Buf, Bytes, BytesMut};
use http::{StatusCode, header};
use pingora::connectors::L4Connect;
use pingora::protocols::ALPN;
use pingora::protocols::l4::socket::SocketAddr as EngineAddress;
use pingora::protocols::l4::stream::Stream;
use pingora::protocols::l4::virt::{VirtualSockOpt, VirtualSocket, VirtualSocketStream};
use pingora::upstreams::peer::HttpPeer;
use pingora::{Error, ErrorType, Result};
use pingora_http::ResponseHeader;
use rimward_cache::head::strip_hop_by_hop;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::reply::Asked;

/// A response that is there already.
#[derive(Clone)]
pub(crate) struct Given {
    head: Bytes,
    body: Bytes,
}

impl Given {
    /// A response with this head, but for its length, and this body.
    ///
    /// # Errors
    /// When the head can't be written.
    pub(crate) fn new(mut head: ResponseHeader, body: Bytes) -> Result<Self> {
        let has_body = !matches!(
            head.status,
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
        );
        strip_hop_by_hop(&mut head);
        if has_body {
            head.insert_header(header::CONTENT_LENGTH, body.len())?;
        } else {
            head.remove_header(&header::CONTENT_LENGTH);
        }
        Ok(Self {
            head: written(&head)?,
            body: if has_body { body } else { Bytes::new() },
        })
    }

    /// What the engine connects to.
    pub(crate) fn peer(&self) -> Box<HttpPeer> {
        let nowhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let mut peer = HttpPeer::new(nowhere, false, String::new());
        peer.options.alpn = ALPN::H1;
        peer.options.custom_l4 = Some(Arc::new(self.clone()));
        Box::new(peer)
    }
}

fn written(head: &ResponseHeader) -> Result<Bytes> {
    let mut bytes = BytesMut::with_capacity(512);
    bytes.extend_from_slice(b"HTTP/1.1 ");
    bytes.extend_from_slice(head.status.as_str().as_bytes());
    bytes.extend_from_slice(b" ");
    bytes.extend_from_slice(head.get_reason_phrase().unwrap_or_default().as_bytes());
    bytes.extend_from_slice(b"\r\n");
    head.header_to_h1_wire(&mut bytes);
    bytes.extend_from_slice(b"\r\n");
    // The engine has room for as much as a server may send.
    const MOST: usize = 64 * 1024;
    match bytes.len() {
        ..=MOST => Ok(bytes.freeze()),
        _ => Error::e_explain(
            ErrorType::InternalError,
            "the head of a response that a filter gave is longer than 64 KiB",
        ),
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Given").finish_non_exhaustive()
    }
}

#[async_trait]
impl L4Connect for Given {
    async fn connect(&self, _: &EngineAddress) -> Result<Stream> {
        let Self { head, body } = self.clone();
        let telling = Telling {
            head,
            body,
            asked: Asked::default(),
        };
        Ok(Stream::from(VirtualSocketStream::new(Box::new(telling))))
    }
}

/// The other end of a connection, which says one thing whatever is asked.
#[derive(Debug)]
struct Telling {
    head: Bytes,
    body: Bytes,
    asked: Asked,
}

impl AsyncRead for Telling {
    /// The engine reads when it has asked. It ends with the response, so that nobody keeps the connection.
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let is_head = self.asked.for_head();
        let Self { head, body, .. } = &mut *self;
        let rest = match head.is_empty() {
            false => head,
            true if is_head => return Poll::Ready(Ok(())),
            true => body,
        };
        let now = rest.len().min(buffer.remaining());
        buffer.put_slice(rest.get(..now).unwrap_or_default());
        rest.advance(now);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Telling {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.asked.wrote(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl VirtualSocket for Telling {
    /// There is no socket.
    fn set_socket_option(&self, _: VirtualSockOpt) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn told(status: u16, body: &'static str, request: &str) -> String {
        let mut head = ResponseHeader::build(status, None).unwrap();
        head.insert_header("content-length", "99").unwrap();
        head.insert_header("transfer-encoding", "chunked").unwrap();
        let given = Given::new(head, body.into()).unwrap();
        let mut stream = Telling {
            head: given.head,
            body: given.body,
            asked: Asked::default(),
        };
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut told = String::new();
        stream.read_to_string(&mut told).await.unwrap();
        told.to_ascii_lowercase()
    }

    #[tokio::test]
    async fn a_response_is_told_as_a_server_would() {
        const GET: &str = "GET / HTTP/1.1\r\n\r\n";
        const HEAD: &str = "HEAD / HTTP/1.1\r\n\r\n";
        for (status, body, request, expected) in [
            (
                200,
                "abc",
                GET,
                "http/1.1 200 ok\r\ncontent-length: 3\r\n\r\nabc",
            ),
            (
                200,
                "abc",
                HEAD,
                "http/1.1 200 ok\r\ncontent-length: 3\r\n\r\n",
            ),
            (
                404,
                "",
                GET,
                "http/1.1 404 not found\r\ncontent-length: 0\r\n\r\n",
            ),
            (204, "abc", GET, "http/1.1 204 no content\r\n\r\n"),
            (304, "abc", GET, "http/1.1 304 not modified\r\n\r\n"),
        ] {
            assert_eq!(told(status, body, request).await, expected, "{status}");
        }
    }
}
