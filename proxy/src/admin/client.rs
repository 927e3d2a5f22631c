//! Asking a running edge: what `rimward reload` and `rimward purge` do.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rimward_config::AdminAddress;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// Longest wait for an answer; a reload of a large configuration takes its time.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The longest answer that is read, in bytes.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// A running edge's admin interface.
pub struct Client {
    address: AdminAddress,
    token: Option<String>,
    field: Option<(HeaderName, HeaderValue)>,
}

/// Why an edge could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody answers there.
    #[error("no edge answers at `{address}`: {reason}")]
    Unreachable {
        /// The admin address.
        address: String,
        /// What went wrong.
        reason: String,
    },
    /// The answer did not come in time.
    #[error("the edge did not answer within {} s", TIMEOUT.as_secs())]
    Timeout,
}

impl Client {
    /// The edge whose admin interface is at `address`.
    pub fn new(address: AdminAddress, token: Option<String>) -> Self {
        Self {
            address,
            token,
            field: None,
        }
    }

    /// The same, with a field that each request has.
    pub(super) fn with_header(self, name: HeaderName, value: HeaderValue) -> Self {
        Self {
            field: Some((name, value)),
            ..self
        }
    }

    /// The admin address as it is written in a file.
    pub fn address(&self) -> String {
        match &self.address {
            AdminAddress::Tcp(address) => address.to_string(),
            AdminAddress::Unix(path) => format!("unix:{}", path.display()),
        }
    }

    /// Sends one request and returns status and body of the answer.
    ///
    /// # Errors
    /// When nobody answers, or not in time.
    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> Result<(StatusCode, String), ClientError> {
        let body = body.into();
        let asked = tokio::time::timeout(TIMEOUT, self.connect_and_ask(method, path, body)).await;
        asked.map_err(|_| ClientError::Timeout)?
    }

    async fn connect_and_ask(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<(StatusCode, String), ClientError> {
        let request = self
            .request(method, path, body)
            .map_err(|error| self.unreachable(&error))?;
        match &self.address {
            AdminAddress::Tcp(address) => {
                let stream = TcpStream::connect(address)
                    .await
                    .map_err(|error| self.unreachable(&error))?;
                self.send(stream, request).await
            }
            AdminAddress::Unix(path) => {
                let stream = UnixStream::connect(path)
                    .await
                    .map_err(|error| self.unreachable(&error))?;
                self.send(stream, request).await
            }
        }
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Request<Full<Bytes>>, http::Error> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost");
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some((name, value)) = &self.field {
            request = request.header(name, value);
        }
        request.body(Full::new(body))
    }

    async fn send(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, String), ClientError> {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.unreachable(&error))?;
        let connection = tokio::spawn(connection);
        let response = sender
            .send_request(request)
            .await
            .map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MAX_ANSWER)
            .collect()
            .await;
        connection.abort();
        let body = body.map_err(|error| self.unreachable(&*error))?.to_bytes();
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }

    fn unreachable(&self, error: &dyn std::error::Error) -> ClientError {
        ClientError::Unreachable {
            address: self.address(),
            reason: error.to_string(),
        }
    }
}
