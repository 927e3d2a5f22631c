//! A client for HTTP/2.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use h2::client::SendRequest;
use http::{HeaderMap, Request};
use rustls::pki_types::ServerName;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use super::{Asked, Broken, Response, connected};
use crate::patience::within;
use crate::tls::Authority;
use crate::wire::{Fields, Stream};

/// One HTTP/2 connection.
pub struct H2Client {
    requests: SendRequest<Bytes>,
    connection: JoinHandle<Result<(), h2::Error>>,
    scheme: &'static str,
}

impl H2Client {
    /// Connects in the clear, with prior knowledge.
    pub async fn connect(address: SocketAddr) -> Self {
        Self::over(connected(address).await).await
    }

    /// Connects over TLS, naming `host` in the SNI and offering `h2`.
    pub async fn tls(address: SocketAddr, authority: &Authority, host: &str) -> io::Result<Self> {
        let connector = authority.connector(&[b"h2", b"http/1.1"]);
        Self::tls_by(address, &connector, host).await
    }

    /// Connects over TLS as a connector does.
    pub async fn tls_by(
        address: SocketAddr,
        connector: &TlsConnector,
        host: &str,
    ) -> io::Result<Self> {
        let name = ServerName::try_from(host.to_owned()).unwrap();
        let stream = connected(address).await;
        let stream = within("a TLS handshake", connector.connect(name, stream)).await?;
        assert_eq!(
            stream.get_ref().1.alpn_protocol(),
            Some(&b"h2"[..]),
            "the edge did not choose HTTP/2"
        );
        Ok(Self::speak(stream, "https").await)
    }

    /// Speaks over a stream that is there already.
    pub async fn over(stream: impl Stream) -> Self {
        Self::speak(stream, "http").await
    }

    async fn speak(stream: impl Stream, scheme: &'static str) -> Self {
        let (requests, connection) = within("an HTTP/2 handshake", h2::client::handshake(stream))
            .await
            .unwrap();
        Self {
            requests,
            connection: tokio::spawn(connection),
            scheme,
        }
    }

    /// Asks `example.com` for `target`.
    pub async fn get(&mut self, target: &str) -> Response {
        self.request(&format!("GET {target}")).await
    }

    /// Sends a request, written as for [`super::Client::request`], and reads the response whole.
    pub async fn request(&mut self, request: &str) -> Response {
        self.try_request(request)
            .await
            .unwrap_or_else(|broken| panic!("`{request}` got no whole response: {broken:?}"))
    }

    /// The same where no whole response may come.
    pub async fn try_request(&mut self, request: &str) -> Result<Response, Broken> {
        let response = self.start(request).await;
        within("a response", response)
            .await
            .map_err(|(error, body)| match (error.is_reset(), body.is_empty()) {
                (true, true) => Broken::Malformed(error.to_string()),
                (_, true) => Broken::Closed,
                (_, false) => Broken::CutOff(body),
            })
    }

    /// Sends a request at once and returns a future of the response, so that several can be under way.
    pub async fn start(
        &mut self,
        request: &str,
    ) -> impl Future<Output = Result<Response, (h2::Error, Vec<u8>)>> + Send + 'static {
        let sent = self.send(request).await;
        async move { receive(sent.map_err(|error| (error, Vec::new()))?).await }
    }

    async fn send(&mut self, request: &str) -> Result<h2::client::ResponseFuture, h2::Error> {
        let asked = Asked::parse(request);
        let host = asked.fields.get("host").unwrap_or("example.com");
        let mut head = Request::builder()
            .method(&*asked.method)
            .uri(format!("{}://{host}{}", self.scheme, asked.target));
        for (name, value) in asked.fields.0.iter().filter(|(name, _)| name != "host") {
            head = head.header(name, value);
        }
        let ended = asked.body.is_empty();
        let mut requests = within("room for a stream", self.requests.clone().ready()).await?;
        let (response, mut body) = requests.send_request(head.body(()).unwrap(), ended)?;
        if !ended {
            body.send_data(Bytes::from(asked.body), true)?;
        }
        Ok(response)
    }

    /// Waits for the edge to end the connection, and returns how it did.
    pub async fn ended(self) -> Result<(), h2::Error> {
        let Self {
            requests,
            connection,
            ..
        } = self;
        let ended = within("the edge to close the connection", connection)
            .await
            .unwrap();
        drop(requests);
        ended
    }
}

async fn receive(
    mut response: h2::client::ResponseFuture,
) -> Result<Response, (h2::Error, Vec<u8>)> {
    let mut informational = Vec::new();
    while let Some(head) = poll_fn(|cx| response.poll_informational(cx)).await {
        let head = head.map_err(|error| (error, Vec::new()))?;
        informational.push(head.status().as_u16());
    }
    let (head, mut stream) = response
        .await
        .map_err(|error| (error, Vec::new()))?
        .into_parts();
    let mut body = Vec::new();
    while let Some(bytes) = stream.data().await {
        match bytes {
            Ok(bytes) => {
                // Windows of a stream that ended meanwhile are nobody's loss.
                drop(stream.flow_control().release_capacity(bytes.len()));
                body.extend(bytes);
            }
            Err(error) => return Err((error, body)),
        }
    }
    let trailers = match stream.trailers().await {
        Ok(trailers) => fields(&trailers.unwrap_or_default()),
        Err(error) => return Err((error, body)),
    };
    let (status, headers) = (head.status.as_u16(), fields(&head.headers));
    Ok(Response {
        status,
        headers,
        body,
        trailers,
        informational,
    })
}

fn fields(headers: &HeaderMap) -> Fields {
    let pairs = headers.iter().map(|(name, value)| {
        (
            name.to_string(),
            String::from_utf8_lossy(value.as_bytes()).into_owned(),
        )
    });
    Fields(pairs.collect())
}
