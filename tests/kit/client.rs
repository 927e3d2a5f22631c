//! Clients: one that has every byte of HTTP/1.1 in its hands, and one for HTTP/2.

mod h2;

use std::fmt;
use std::io;
use std::net::SocketAddr;

use rustls::HandshakeKind;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

pub use h2::H2Client;

use crate::patience::within;
use crate::tls::Authority;
use crate::wire::{Fields, Head, Length, ReadError, Stream, Wire};

/// A response that came whole.
#[derive(Clone)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The fields.
    pub headers: Fields,
    /// The whole body.
    pub body: Vec<u8>,
    /// The fields after the body.
    pub trailers: Fields,
    /// The statuses of the informational responses before it.
    pub informational: Vec<u16>,
}

/// Why no whole response came.
#[derive(Debug)]
pub enum Broken {
    /// The connection ended without a byte of a response.
    Closed,
    /// The connection ended in the middle of a response. So much of the body had come; nobody can take it for the whole.
    CutOff(Vec<u8>),
    /// What came is not HTTP.
    Malformed(String),
}

impl Response {
    /// A header's first value.
    pub fn header<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.headers.get(name)
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is not text")
    }

    /// `Cache-Status`, or nothing.
    pub fn cache_status(&self) -> &str {
        self.header("cache-status").unwrap_or("")
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = String::from_utf8_lossy(&self.body);
        let shown: String = body.chars().take(200).collect();
        write!(
            formatter,
            "{} {shown:?} ({} bytes), {:?}",
            self.status,
            self.body.len(),
            self.headers
        )
    }
}

impl From<ReadError> for Broken {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Closed => Self::Closed,
            ReadError::CutOff(body) => Self::CutOff(body),
            ReadError::Malformed(what) => Self::Malformed(what),
        }
    }
}

/// One HTTP/1.1 connection.
pub struct Client {
    wire: Wire,
    local: Option<SocketAddr>,
    certificate: Option<CertificateDer<'static>>,
    resumed: bool,
}

impl Client {
    /// Connects in the clear.
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = connected(address).await;
        let local = stream.local_addr().ok();
        Self {
            wire: Wire::new(stream),
            local,
            certificate: None,
            resumed: false,
        }
    }

    /// Speaks over a stream that is there already.
    pub fn over(stream: impl Stream) -> Self {
        Self {
            wire: Wire::new(stream),
            local: None,
            certificate: None,
            resumed: false,
        }
    }

    /// Connects over TLS, naming `host` in the SNI; an error when the handshake fails or the certificate isn't `host`'s.
    pub async fn tls(address: SocketAddr, authority: &Authority, host: &str) -> io::Result<Self> {
        let stream = connected(address).await;
        Self::tls_over(stream, authority, host).await
    }

    /// The same over a stream that is there already.
    pub async fn tls_over(
        stream: impl Stream,
        authority: &Authority,
        host: &str,
    ) -> io::Result<Self> {
        Self::shake_hands(stream, &authority.connector(&[b"http/1.1"]), host).await
    }

    /// Connects over TLS as a connector does.
    pub async fn tls_by(
        address: SocketAddr,
        connector: &TlsConnector,
        host: &str,
    ) -> io::Result<Self> {
        Self::shake_hands(connected(address).await, connector, host).await
    }

    async fn shake_hands(
        stream: impl Stream,
        connector: &TlsConnector,
        host: &str,
    ) -> io::Result<Self> {
        let name = ServerName::try_from(host.to_owned()).unwrap();
        let stream = within("a TLS handshake", connector.connect(name, stream)).await?;
        let session = stream.get_ref().1;
        let resumed = session.handshake_kind() == Some(HandshakeKind::Resumed);
        let certificate = session.peer_certificates().and_then(<[_]>::first).cloned();
        Ok(Self {
            wire: Wire::new(stream),
            local: None,
            certificate: certificate.map(CertificateDer::into_owned),
            resumed,
        })
    }

    /// Its own end of the connection.
    pub fn local_address(&self) -> SocketAddr {
        self.local
            .expect("only a client in the clear knows its address")
    }

    /// Whether its TLS session was begun by an earlier connection.
    pub fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// The certificate that it was shown.
    pub fn certificate(&self) -> &[u8] {
        self.certificate
            .as_ref()
            .expect("only a client over TLS saw a certificate")
    }

    /// Sends bytes as they are; what the edge refuses to take is no error here.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        drop(within("the edge to read", self.wire.send(bytes.as_ref())).await);
    }

    /// Says that nothing more will be sent.
    pub async fn finish(&mut self) {
        drop(self.wire.finish().await);
    }

    /// Asks `example.com` for `target`.
    pub async fn get(&mut self, target: &str) -> Response {
        self.request(&format!("GET {target}")).await
    }

    /// Sends a request and reads the response whole. `request` is a method and a target, then header fields, one a line,
    /// then, after an empty line, a body. `Host: example.com` and `Content-Length` are added when they are missing.
    pub async fn request(&mut self, request: &str) -> Response {
        self.try_request(request)
            .await
            .unwrap_or_else(|broken| panic!("`{request}` got no whole response: {broken:?}"))
    }

    /// The same where no whole response may come.
    pub async fn try_request(&mut self, request: &str) -> Result<Response, Broken> {
        let (method, bytes) = to_wire(request);
        self.send(bytes).await;
        self.read(&method).await
    }

    /// Reads the next response, to a request of this method.
    pub async fn read(&mut self, method: &str) -> Result<Response, Broken> {
        within("a response", self.read_patiently(method)).await
    }

    /// Reads only the head of a response and returns its status, so that the body can be read piece by piece.
    pub async fn read_head(&mut self) -> Result<(u16, Fields), Broken> {
        let head = within("the head of a response", self.wire.head())
            .await?
            .ok_or(Broken::Closed)?;
        Ok((status(&head)?, head.fields))
    }

    /// Whatever bytes come next; `None` at the end of the connection.
    pub async fn read_some(&mut self) -> Option<Vec<u8>> {
        within("more bytes", self.wire.some()).await
    }

    /// Reads until `text` has come.
    pub async fn read_until(&mut self, text: &str) {
        let mut read = String::new();
        while !read.contains(text) {
            let Some(bytes) = self.read_some().await else {
                panic!("`{text}` did not come, but {read:?}")
            };
            read.push_str(&String::from_utf8_lossy(&bytes));
        }
    }

    /// Waits for the edge to end the connection and returns what came before that.
    pub async fn rest(&mut self) -> Vec<u8> {
        let read = async {
            let mut rest = Vec::new();
            while let Some(bytes) = self.wire.some().await {
                rest.extend(bytes);
            }
            rest
        };
        within("the edge to close the connection", read).await
    }

    async fn read_patiently(&mut self, method: &str) -> Result<Response, Broken> {
        let mut informational = Vec::new();
        loop {
            let head = self.wire.head().await?.ok_or(Broken::Closed)?;
            let status = status(&head)?;
            if (100..200).contains(&status) && status != 101 {
                informational.push(status);
                continue;
            }
            let length = length(method, status, &head.fields)?;
            let (body, trailers) = self.wire.body(length).await?;
            return Ok(Response {
                status,
                headers: head.fields,
                body,
                trailers,
                informational,
            });
        }
    }
}

async fn connected(address: SocketAddr) -> TcpStream {
    let stream = within("a connection", TcpStream::connect(address)).await;
    let stream = stream.unwrap_or_else(|error| panic!("no connection to {address}: {error}"));
    stream.set_nodelay(true).unwrap();
    stream
}

fn status(head: &Head) -> Result<u16, Broken> {
    let words: Vec<&str> = head.start.splitn(3, ' ').collect();
    match words.as_slice() {
        ["HTTP/1.1", status, ..] => status
            .parse()
            .map_err(|_| Broken::Malformed(head.start.clone())),
        _ => Err(Broken::Malformed(head.start.clone())),
    }
}

fn length(method: &str, status: u16, fields: &Fields) -> Result<Length, Broken> {
    if method == "HEAD" || status == 204 || status == 304 || status == 101 {
        return Ok(Length::Exactly(0));
    }
    Ok(fields.length()?.unwrap_or(Length::ToEnd))
}

/// The method of a request and its bytes on the wire.
pub fn to_wire(request: &str) -> (String, Vec<u8>) {
    let Asked {
        method,
        target,
        mut fields,
        body,
    } = Asked::parse(request);
    if !fields.has("host") {
        fields
            .0
            .insert(0, ("host".to_owned(), "example.com".to_owned()));
    }
    if !body.is_empty() && !fields.has("content-length") && !fields.has("transfer-encoding") {
        fields
            .0
            .push(("content-length".to_owned(), body.len().to_string()));
    }
    let wire = format!(
        "{method} {target} HTTP/1.1\r\n{}\r\n{body}",
        fields.to_wire()
    )
    .into_bytes();
    (method, wire)
}

/// A request as tests write it.
struct Asked {
    method: String,
    target: String,
    fields: Fields,
    body: String,
}

impl Asked {
    fn parse(request: &str) -> Self {
        let (head, body) = request.split_once("\n\n").unwrap_or((request, ""));
        let (start, fields) = head.split_once('\n').unwrap_or((head, ""));
        let (method, target) = start
            .trim()
            .split_once(' ')
            .expect("a request begins with a method and a target");
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            fields: Fields::parse(fields),
            body: body.to_owned(),
        }
    }
}
