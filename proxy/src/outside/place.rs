//! Where an absolute URL is, and the way there.

use std::sync::{Arc, LazyLock};

use http::{HeaderValue, Request, Uri, header};
use rimward_filters::{AskError, ServerName};
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::origin::{server_name, system_client};

/// Where an absolute URL is.
pub(super) struct Place<'u> {
    pub(super) authority: &'u str,
    pub(super) host: &'u str,
    pub(super) port: u16,
    is_secure: bool,
    /// The name that the server's certificate is for.
    name: &'u str,
}

/// A connection, with or without TLS.
pub(super) enum Connected {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl<'u> Place<'u> {
    pub(super) fn of(uri: &'u Uri) -> Result<Self, AskError> {
        let wrong = || AskError::Request(format!("`{uri}` is not an absolute `https` URL"));
        let is_secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong()),
        };
        let authority = uri.authority().ok_or_else(wrong)?;
        if authority.as_str().contains('@') {
            return Err(wrong());
        }
        let host = authority.host();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Ok(Self {
            authority: authority.as_str(),
            host,
            name: host,
            port: authority
                .port_u16()
                .unwrap_or(if is_secure { 443 } else { 80 }),
            is_secure,
        })
    }

    /// Whose certificate is for this name, if there is one.
    pub(super) fn certified_as(self, name: Option<&'u ServerName>) -> Self {
        match name {
            Some(ServerName(name)) => Self { name, ..self },
            None => self,
        }
    }

    /// Tells the server whom the request is for.
    pub(super) fn name_host<B>(&self, request: &mut Request<B>) -> Result<(), AskError> {
        let host = HeaderValue::from_str(self.authority);
        let host =
            host.map_err(|_| AskError::Request(format!("`{}` is no host", self.authority)))?;
        request.headers_mut().insert(header::HOST, host);
        Ok(())
    }

    /// Shakes hands over a connection, if the URL wants that.
    pub(super) async fn secured(&self, stream: TcpStream) -> Result<Connected, AskError> {
        static CLIENT: LazyLock<Result<Arc<ClientConfig>, String>> = LazyLock::new(system_client);
        if !self.is_secure {
            return Ok(Connected::Plain(stream));
        }
        // The first time it reads files.
        let client = spawn_blocking(|| CLIENT.clone()).await;
        let client = client.map_err(|error| AskError::Connect(error.to_string()))?;
        let client = client.map_err(AskError::Connect)?;
        let name = server_name(self.name).map_err(AskError::Request)?;
        let stream = TlsConnector::from(client).connect(name, stream).await;
        let stream =
            stream.map_err(|error| AskError::Connect(format!("`{}`: {error}", self.authority)))?;
        Ok(Connected::Tls(Box::new(stream)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_tells_where_it_is() {
        for (url, expected) in [
            ("https://id.example/keys", Some(("id.example", 443, true))),
            ("http://id.example:8080/", Some(("id.example", 8080, false))),
            ("https://[2001:db8::1]/", Some(("2001:db8::1", 443, true))),
            ("ftp://id.example/", None),
            ("/keys", None),
            ("https://me@id.example/", None),
        ] {
            let uri: Uri = url.parse().unwrap();
            let place = Place::of(&uri).ok();
            let told = place.map(|place| (place.host, place.port, place.is_secure));
            assert_eq!(told, expected, "{url}");
        }
    }
}
