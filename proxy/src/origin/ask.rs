//! Requests of the edge's own to a server: what filters want to know, and copies of what clients asked.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Request, Response, Uri, Version, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use pingora_http::RequestHeader;
use rimward_filters::{AskError, Bounds, Cut};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use super::pool::Io;
use super::retry::Failure;
use super::server::{Picked, Server, State};
use super::{Origin, Pick};
use crate::outside::Room;

impl Origin {
    /// Whether checks and its own answers speak for at least one server.
    pub fn is_usable(&self) -> bool {
        let now = tokio::time::Instant::now();
        let servers = self.servers();
        servers.all.iter().any(|server| server.usable(now))
    }

    /// Asks one server, once. How it went counts for or against it.
    ///
    /// # Errors
    /// When there is no whole response within the bounds.
    pub async fn ask(
        self: &Arc<Self>,
        mut request: Request<Bytes>,
        bounds: Bounds,
    ) -> Result<Response<Bytes>, AskError> {
        let picked = self.pick(&Pick::default());
        let picked = picked.map_err(|none| AskError::Connect(none.to_string()))?;
        self.name_host(&mut request, &picked.server)?;
        let request = self.signed(request)?;
        let asked = timeout(bounds.time, self.ask_server(&picked, request, bounds)).await;
        let response = asked.unwrap_or(Err(AskError::Timeout(bounds.time)));
        note(&picked, &response);
        response
    }

    pub(super) fn name_host<B>(
        &self,
        request: &mut Request<B>,
        server: &Server,
    ) -> Result<(), AskError> {
        let is_told = request.headers().contains_key(header::HOST);
        let own = match self.host() {
            Some(host) => host.to_owned(),
            None if is_told => return Ok(()),
            None => self.check_host(server),
        };
        let own = HeaderValue::try_from(own).map_err(|_| unsendable("`host`"))?;
        request.headers_mut().insert(header::HOST, own);
        Ok(())
    }

    /// A request to a bucket has to be signed.
    pub(super) fn signed<B>(&self, request: Request<B>) -> Result<Request<B>, AskError> {
        if self.s3().is_none() {
            return Ok(request);
        }
        let (head, body) = request.into_parts();
        let mut head = RequestHeader::from(head);
        let signed = self.sign(&mut head);
        signed.map_err(|unasked| AskError::Request(unasked.reason.to_string()))?;
        Ok(Request::from_parts(head.into(), body))
    }

    async fn ask_server(
        &self,
        picked: &Picked,
        request: Request<Bytes>,
        bounds: Bounds,
    ) -> Result<Response<Bytes>, AskError> {
        let server = &picked.server;
        let not_connected = |error: Box<pingora::Error>| AskError::Connect(error.to_string());
        if self.http2() {
            let (io, http2) = server.dial.open_http2().await.map_err(not_connected)?;
            if http2 {
                let is_tls = server.peer.is_tls();
                return over_http2(io, request, is_tls, bounds.body).await;
            }
            return over_http1(io, None, request, bounds.body).await;
        }
        let idle = server.state.pool.take(self.settings.idle_timeout);
        let io = match idle {
            Some(io) => io,
            None => server
                .dial
                .open(picked.told())
                .await
                .map_err(not_connected)?,
        };
        over_http1(io, Some(&server.state), request, bounds.body).await
    }
}

/// Counts for or against the server how it went.
fn note(picked: &Picked, response: &Result<Response<Bytes>, AskError>) {
    match response {
        Ok(response) => picked.answered(response.status().as_u16()),
        Err(AskError::Connect(_)) => picked.failed(Failure::Connect),
        Err(AskError::Broken(_)) => picked.failed(Failure::Reset),
        Err(AskError::Timeout(_)) => picked.failed(Failure::Timeout),
        // The server is not to blame.
        Err(_) => {}
    }
}

/// Sends a request over a connection of its own and reads the whole response.
///
/// # Errors
/// When there is no whole response of at most `most` bytes.
pub(crate) async fn ask_once(
    io: impl AsyncRead + AsyncWrite + Send + Sync + Unpin + 'static,
    request: Request<Bytes>,
    most: usize,
) -> Result<Response<Bytes>, AskError> {
    over_http1(Box::new(io), None, request, most).await
}

/// Sends a request over a connection and reads the whole response. A connection that can be used again goes `home`.
async fn over_http1(
    io: Box<dyn Io>,
    home: Option<&Arc<State>>,
    mut request: Request<Bytes>,
    most: usize,
) -> Result<Response<Bytes>, AskError> {
    *request.version_mut() = Version::HTTP_11;
    let room = Room::of(&request, most);
    let (mut sender, connection) = http1::handshake(TokioIo::new(io)).await.map_err(broken)?;
    let connection = tokio::spawn(connection.without_shutdown());
    let sent = sender.send_request(request.map(Full::new)).await;
    let response = match sent {
        Ok(response) => gather(response, room).await,
        Err(error) => Err(broken(error)),
    };
    drop(sender);
    match (&response, home) {
        (Ok(response), Some(home)) if response.extensions().get::<Cut>().is_none() => {
            // The connection ends its work as soon as nobody can send over it any more.
            let ended = timeout(Duration::from_secs(1), connection).await;
            if let Ok(Ok(Ok(parts))) = ended
                && parts.read_buf.is_empty()
            {
                home.pool.put(parts.io.into_inner());
            }
        }
        _ => connection.abort(),
    }
    response
}

async fn over_http2(
    io: Box<dyn Io>,
    mut request: Request<Bytes>,
    is_tls: bool,
    most: usize,
) -> Result<Response<Bytes>, AskError> {
    name_authority(&mut request, is_tls)?;
    let room = Room::of(&request, most);
    let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(io));
    let (mut sender, connection) = handshake.await.map_err(broken)?;
    let connection = tokio::spawn(connection);
    let sent = sender.send_request(request.map(Full::new)).await;
    let response = match sent {
        Ok(response) => gather(response, room).await,
        Err(error) => Err(broken(error)),
    };
    connection.abort();
    response
}

/// HTTP/2 has the host in the target (RFC 9113 §8.3.1).
pub(super) fn name_authority<B>(request: &mut Request<B>, is_tls: bool) -> Result<(), AskError> {
    let host = request.headers_mut().remove(header::HOST);
    let host = host.as_ref().and_then(|host| host.to_str().ok());
    let target = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    let uri = Uri::builder()
        .scheme(if is_tls { "https" } else { "http" })
        .authority(host.unwrap_or("localhost"))
        .path_and_query(target)
        .build();
    *request.uri_mut() = uri.map_err(|_| unsendable("the target"))?;
    *request.version_mut() = Version::HTTP_2;
    Ok(())
}

/// Reads a response to its end, or to that of the room.
async fn gather(response: Response<Incoming>, room: Room) -> Result<Response<Bytes>, AskError> {
    let (mut head, mut body) = response.into_parts();
    let mut gathered = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(broken)?.into_data() else {
            continue;
        };
        let left = room.most - gathered.len();
        if data.len() <= left {
            gathered.extend_from_slice(&data);
            continue;
        }
        if !room.cuts {
            return Err(AskError::TooLong(room.most));
        }
        gathered.extend_from_slice(&data[..left]);
        head.extensions.insert(Cut);
        break;
    }
    Ok(Response::from_parts(head, gathered.freeze()))
}

pub(super) fn broken(error: hyper::Error) -> AskError {
    AskError::Broken(error.to_string())
}

fn unsendable(what: &str) -> AskError {
    AskError::Request(format!("{what} can't be sent"))
}
