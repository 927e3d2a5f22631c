//! Asking a running edge: what `rimward reload`, `rimward purge` and others do.

use std::time::Duration;

use bytes::Bytes;
use http::header::InvalidHeaderValue;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rimward_config::AdminAddress;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// Longest wait for an answer; a reload of a large configuration takes its time.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The longest answer that is read, in bytes: the largest value that a store may have.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

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
        body: String,
    ) -> Result<(StatusCode, String), ClientError> {
        let request = Request::builder().method(method).uri(path);
        let request = request
            .body(Bytes::from(body))
            .map_err(|error| self.unreachable(&error))?;
        let (head, body) = self.exchange(request).await?.into_parts();
        Ok((head.status, String::from_utf8_lossy(&body).into_owned()))
    }

    /// Sends one request, whose target is in origin form, and returns the answer.
    ///
    /// # Errors
    /// When nobody answers, or not in time.
    pub async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ClientError> {
        let asked = tokio::time::timeout(TIMEOUT, self.connect_and_send(request)).await;
        asked.map_err(|_| ClientError::Timeout)?
    }

    async fn connect_and_send(
        &self,
        mut request: Request<Bytes>,
    ) -> Result<Response<Bytes>, ClientError> {
        self.add_fields(request.headers_mut())
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

    fn add_fields(&self, fields: &mut HeaderMap) -> Result<(), InvalidHeaderValue> {
        fields.insert(header::HOST, HeaderValue::from_static("localhost"));
        if let Some(token) = &self.token {
            fields.insert(
                header::AUTHORIZATION,
                HeaderValue::try_from(format!("Bearer {token}"))?,
            );
        }
        if let Some((name, value)) = &self.field {
            fields.insert(name.clone(), value.clone());
        }
        Ok(())
    }

    async fn send(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, ClientError> {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.unreachable(&error))?;
        let connection = tokio::spawn(connection);
        let response = sender
            .send_request(request.map(Full::new))
            .await
            .map_err(|error| self.unreachable(&error))?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await;
        connection.abort();
        let body = body.map_err(|error| self.unreachable(&*error))?.to_bytes();
        Ok(Response::from_parts(head, body))
    }

    fn unreachable(&self, error: &dyn std::error::Error) -> ClientError {
        ClientError::Unreachable {
            address: self.address(),
            reason: error.to_string(),
        }
    }
}
