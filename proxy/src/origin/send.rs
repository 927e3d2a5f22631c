//! Requests of the edge's own whose bodies are passed on as they come, both ways.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, Version, header};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::{self, Parts};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rimward_filters::{AskError, Stream, Waits};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::ask::{broken, name_authority};
use super::line::Wait;
use super::pool::Io;
use super::retry::Failure;
use super::server::{Picked, State};
use super::{Origin, Pick};

/// How long a request without a length is waited for to say that it has no body.
const SETTLING: Duration = Duration::from_millis(20);
/// How long a connection has to end its work after a response.
const HOMING: Duration = Duration::from_secs(1);

impl Origin {
    /// Sends a request to one server, once. How it went counts for or against the server, which is busy until the response
    /// was read.
    ///
    /// # Errors
    /// When no response begins within the bounds.
    pub async fn send(
        self: &Arc<Self>,
        mut request: Request<Stream>,
        waits: Waits,
    ) -> Result<Response<Stream>, AskError> {
        let picked = self.pick(&Pick::default());
        let picked = picked.map_err(|none| AskError::Connect(none.to_string()))?;
        self.name_host(&mut request, &picked.server)?;
        let waits = self.shorter(waits);
        let request = self.signed(settle(request).await)?;
        let sent = self.send_to(&picked, request, waits).await;
        match &sent {
            Ok((response, _)) => picked.answered(response.status().as_u16()),
            Err(AskError::Connect(_)) => picked.failed(Failure::Connect),
            Err(AskError::Timeout(_)) => picked.failed(Failure::Timeout),
            Err(AskError::Broken(_)) => picked.failed(Failure::Reset),
            // The server is not to blame.
            Err(_) => {}
        }
        let (response, connection) = sent?;
        Ok(passing(response, connection, Some(picked), waits))
    }

    /// The bounds of the request, or the origin's where they are narrower.
    fn shorter(&self, waits: Waits) -> Waits {
        let own = &self.settings.timeouts;
        Waits {
            connect: waits.connect.min(own.connect),
            first_byte: waits.first_byte.min(own.first_byte),
            between_bytes: waits.between_bytes.min(own.between_bytes),
        }
    }

    async fn send_to(
        &self,
        picked: &Picked,
        request: Request<Stream>,
        waits: Waits,
    ) -> Result<(Response<Incoming>, Connection), AskError> {
        let server = &picked.server;
        let idle = match self.http2() {
            true => None,
            false => server.state.pool.take(self.settings.idle_timeout),
        };
        let connecting = async {
            match idle {
                Some(io) => Ok((io, false)),
                None if self.http2() => server.dial.open_http2().await,
                None => Ok((server.dial.open(picked.told()).await?, false)),
            }
        };
        let connected = timeout(waits.connect, connecting).await;
        let connected = connected.map_err(|_| AskError::Timeout(waits.connect))?;
        let (io, http2) = connected.map_err(|error| AskError::Connect(error.to_string()))?;
        if http2 {
            return over_http2(io, request, server.peer.is_tls(), waits.first_byte).await;
        }
        let home = (!self.http2()).then(|| server.state.clone());
        over_http1(io, home, request, waits.first_byte).await
    }
}

/// Sends a request over a connection of its own.
///
/// # Errors
/// When no response begins within the bounds.
pub(crate) async fn send_once(
    io: impl AsyncRead + AsyncWrite + Send + Sync + Unpin + 'static,
    request: Request<Stream>,
    waits: Waits,
) -> Result<Response<Stream>, AskError> {
    let request = settle(request).await;
    let (response, connection) = over_http1(Box::new(io), None, request, waits.first_byte).await?;
    Ok(passing(response, connection, None, waits))
}

/// Whoever asks for something often opens a body only to end it at once: it is none then, rather than one of no bytes whose
/// length is not known, which some servers refuse.
async fn settle(request: Request<Stream>) -> Request<Stream> {
    let is_usual = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    if !is_usual
        || request.headers().contains_key(header::CONTENT_LENGTH)
        || request.body().is_end_stream()
    {
        return request;
    }
    let (head, mut body) = request.into_parts();
    let first = match timeout(SETTLING, body.frame()).await {
        Ok(None) => return Request::from_parts(head, empty()),
        Ok(Some(first)) => Some(first),
        Err(_) => None,
    };
    Request::from_parts(head, Begun { first, rest: body }.boxed_unsync())
}

fn empty() -> Stream {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// A body whose first part was taken already.
struct Begun {
    first: Option<Result<Frame<Bytes>, <Stream as Body>::Error>>,
    rest: Stream,
}

impl Body for Begun {
    type Data = Bytes;
    type Error = <Stream as Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(first)),
            None => Pin::new(&mut self.rest).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.rest.is_end_stream()
    }
}

/// What carries a response. Dropped before that was read, it ends.
struct Connection(Option<Carrying>);

/// What is left of a connection over HTTP/1.1 when it is no longer spoken over.
type Left = hyper::Result<Parts<TokioIo<Box<dyn Io>>>>;

enum Carrying {
    /// It can be used again by whoever this is, if it is anybody.
    Http1(JoinHandle<Left>, Option<Arc<State>>),
    Http2(JoinHandle<hyper::Result<()>>),
}

impl Connection {
    /// The response was read: the connection can have another one.
    fn ended(mut self) {
        let (connection, home) = match self.0.take() {
            Some(Carrying::Http1(connection, Some(home))) => (connection, home),
            other => {
                self.0 = other;
                return;
            }
        };
        tokio::spawn(async move {
            let ended = timeout(HOMING, connection).await;
            if let Ok(Ok(Ok(parts))) = ended
                && parts.read_buf.is_empty()
            {
                home.pool.put(parts.io.into_inner());
            }
        });
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        match self.0.take() {
            Some(Carrying::Http1(connection, _)) => connection.abort(),
            Some(Carrying::Http2(connection)) => connection.abort(),
            None => {}
        }
    }
}

async fn over_http1(
    io: Box<dyn Io>,
    home: Option<Arc<State>>,
    mut request: Request<Stream>,
    first_byte: Duration,
) -> Result<(Response<Incoming>, Connection), AskError> {
    *request.version_mut() = Version::HTTP_11;
    let (mut sender, connection) = http1::handshake(TokioIo::new(io)).await.map_err(broken)?;
    let connection = Connection(Some(Carrying::Http1(
        tokio::spawn(connection.without_shutdown()),
        home,
    )));
    begun(connection, sender.send_request(request), first_byte).await
}

async fn over_http2(
    io: Box<dyn Io>,
    mut request: Request<Stream>,
    is_tls: bool,
    first_byte: Duration,
) -> Result<(Response<Incoming>, Connection), AskError> {
    name_authority(&mut request, is_tls)?;
    let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(io));
    let (mut sender, connection) = handshake.await.map_err(broken)?;
    let connection = Connection(Some(Carrying::Http2(tokio::spawn(connection))));
    begun(connection, sender.send_request(request), first_byte).await
}

/// Waits for the head of the response.
async fn begun(
    connection: Connection,
    sending: impl Future<Output = hyper::Result<Response<Incoming>>>,
    first_byte: Duration,
) -> Result<(Response<Incoming>, Connection), AskError> {
    let response = timeout(first_byte, sending).await;
    let response = response.map_err(|_| AskError::Timeout(first_byte))?;
    Ok((response.map_err(broken)?, connection))
}

/// The response, whose body is read from the connection as somebody reads it.
fn passing(
    response: Response<Incoming>,
    connection: Connection,
    picked: Option<Picked>,
    waits: Waits,
) -> Response<Stream> {
    response.map(|body| {
        let mut passing = Passing {
            body,
            connection: Some(connection),
            picked,
            wait: Wait::default(),
            limit: waits.between_bytes,
        };
        if passing.body.is_end_stream() {
            passing.ended();
        }
        passing.boxed_unsync()
    })
}

struct Passing {
    body: Incoming,
    connection: Option<Connection>,
    /// A place at the server, until all was read.
    picked: Option<Picked>,
    wait: Wait,
    limit: Duration,
}

impl Passing {
    fn ended(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.ended();
        }
        self.picked = None;
    }

    fn failed(&mut self, failure: Failure) {
        self.connection = None;
        if let Some(picked) = self.picked.take() {
            picked.failed(failure);
        }
    }
}

impl Body for Passing {
    type Data = Bytes;
    type Error = <Stream as Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        let Poll::Ready(next) = Pin::new(&mut this.body).poll_frame(context) else {
            ready!(this.wait.poll(context, this.limit));
            this.failed(Failure::Timeout);
            let error = AskError::Timeout(this.limit);
            return Poll::Ready(Some(Err(error.into())));
        };
        this.wait.over();
        Poll::Ready(match next {
            Some(Ok(frame)) => {
                if this.body.is_end_stream() {
                    this.ended();
                }
                Some(Ok(frame))
            }
            Some(Err(error)) => {
                this.failed(Failure::Reset);
                Some(Err(error.into()))
            }
            None => {
                this.ended();
                None
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
