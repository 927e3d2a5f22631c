//! Requests of a function's own: whom it may ask, and how they are asked.

use std::sync::Arc;
use std::time::Duration;

use http::uri::Scheme;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::BodyExt;
use rimward_config::{Function, HostPattern, Origin, OriginId, OriginKind, ServerAddress, Servers};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use super::Hosted;
use crate::outside::{AskError, Destination, Stream, Waits};

const CDN_LOOP: HeaderName = HeaderName::from_static("cdn-loop");
/// What a guest may write into a body at once.
const CHUNK: usize = 64 << 10;

/// Whom a function may ask.
#[derive(Debug)]
pub(super) struct Reach {
    origins: Vec<Named>,
    hosts: Vec<HostPattern>,
}

/// An origin by one of its names.
#[derive(Debug)]
struct Named {
    /// In lower case.
    host: String,
    /// Of its servers; the name of an origin has none.
    port: Option<u16>,
    origin: OriginId,
}

impl Reach {
    pub(super) fn new(function: &Function, origins: &[Origin]) -> Self {
        let mut named = Vec::new();
        for id in &function.origins {
            let Some(origin) = origins.get(id.0) else {
                continue;
            };
            let mut name = |host: &str, port| {
                named.push(Named {
                    host: host.to_ascii_lowercase(),
                    port,
                    origin: *id,
                });
            };
            name(&origin.name, None);
            if let OriginKind::Servers(servers) = &origin.kind {
                names_of(servers, name);
            }
        }
        Self {
            origins: named,
            hosts: function.hosts.clone(),
        }
    }

    /// Where a request goes to; `None` if it may not.
    fn destination(&self, uri: &Uri) -> Option<Destination> {
        let is_secure = uri.scheme() == Some(&Scheme::HTTPS);
        let authority = uri.authority()?;
        if authority.as_str().contains('@') {
            return None;
        }
        let host = authority.host().to_ascii_lowercase();
        let port = authority.port_u16();
        let wanted = port.unwrap_or(if is_secure { 443 } else { 80 });
        let is_meant = |named: &&Named| {
            named.host == host
                && match named.port {
                    Some(port) => port == wanted,
                    None => port.is_none(),
                }
        };
        if let Some(named) = self.origins.iter().find(is_meant) {
            return Some(Destination::Origin {
                id: named.origin,
                // The name of an origin is no host that its servers know.
                keeps_host: named.port.is_some(),
            });
        }
        let is_granted = self.hosts.iter().any(|pattern| pattern.matches(&host));
        is_granted.then_some(Destination::Public)
    }
}

/// The hosts of an origin's servers, and the one that they see.
fn names_of(servers: &Servers, mut name: impl FnMut(&str, Option<u16>)) {
    for server in &servers.servers {
        match &server.address {
            ServerAddress::Ip(address) if address.is_ipv6() => {
                name(&format!("[{}]", address.ip()), Some(address.port()));
            }
            ServerAddress::Ip(address) => name(&address.ip().to_string(), Some(address.port())),
            ServerAddress::Name(host, port) => name(host, Some(*port)),
            ServerAddress::Srv(_) | ServerAddress::Unix(_) => {}
        }
    }
    let own = servers
        .host
        .as_deref()
        .and_then(|host| host.parse::<Uri>().ok());
    if let Some(own) = own.as_ref().and_then(Uri::authority) {
        let ports = own
            .port_u16()
            .map_or_else(|| vec![80, 443], |port| vec![port]);
        ports
            .into_iter()
            .for_each(|port| name(own.host(), Some(port)));
    }
}

/// Sends the requests of one run.
pub(super) struct Outgoing {
    hosted: Arc<Hosted>,
    /// Where the request that is answered came by, so that requests which go round are noticed (RFC 8586).
    came_by: Vec<HeaderValue>,
    /// How many were sent.
    sent: u32,
}

impl Outgoing {
    pub(super) fn new(hosted: &Arc<Hosted>, headers: &HeaderMap) -> Self {
        Self {
            hosted: hosted.clone(),
            came_by: headers.get_all(CDN_LOOP).iter().cloned().collect(),
            sent: 0,
        }
    }

    /// Where a request goes to, if it may be sent at all.
    fn admit(&mut self, uri: &Uri) -> Result<Destination, Error> {
        let Some(destination) = self.hosted.reach.destination(uri) else {
            self.hosted.account.denied();
            tracing::debug!(function = %self.hosted.identity.name, %uri, "a function may not ask this host");
            return Err(Error::HttpRequestDenied);
        };
        if self.sent >= self.hosted.settings.limits.subrequests {
            self.hosted.account.denied();
            let most = self.hosted.settings.limits.subrequests;
            let told = format!("it wants to send more than {most} requests (`limits.subrequests`)");
            self.hosted.troubles.warn(&self.hosted.identity, &told);
            return Err(Error::ConnectionLimitReached);
        }
        self.sent += 1;
        Ok(destination)
    }

    fn waits(&self, options: Option<RequestOptions>) -> Waits {
        let options = options.unwrap_or_default();
        let wall = self.hosted.settings.limits.wall;
        let wait = |given: Option<Duration>| given.map_or(wall, |given| given.min(wall));
        Waits {
            connect: wait(options.connect_timeout),
            first_byte: wait(options.first_byte_timeout),
            between_bytes: wait(options.between_bytes_timeout),
        }
    }
}

/// What is left of a response that was sent for: it needs no looking after.
type Rest = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl WasiHttpHooks for Outgoing {
    fn send_request(
        &mut self,
        mut request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Rest,
    ) -> Box<dyn Future<Output = Result<(Response<WasiBody>, Rest), Error>> + Send> {
        // Who speaks to somebody else's servers by their bytes could say anything.
        if *request.method() == Method::CONNECT {
            return Box::new(std::future::ready(Err(Error::HttpRequestMethodInvalid)));
        }
        let destination = match self.admit(request.uri()) {
            Ok(destination) => destination,
            Err(denied) => return Box::new(std::future::ready(Err(denied))),
        };
        let headers = request.headers_mut();
        headers.remove(CDN_LOOP);
        for value in &self.came_by {
            headers.append(CDN_LOOP, value.clone());
        }
        if matches!(
            destination,
            Destination::Origin {
                keeps_host: false,
                ..
            }
        ) {
            headers.remove(header::HOST);
        }
        let waits = self.waits(options);
        let outside = self.hosted.outside.clone();
        Box::new(async move {
            let request = request.map(|body| -> Stream { body.map_err(Into::into).boxed_unsync() });
            let response = outside.send(destination, request, waits).await;
            let response = response.map_err(in_wasi)?;
            let response = response.map(|body| {
                body.map_err(|error| Error::InternalError(Some(error.to_string())))
                    .boxed_unsync()
            });
            let rest: Rest = Box::new(std::future::ready(Ok(())));
            Ok((response, rest))
        })
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK
    }
}

/// The same in the words that a guest knows.
fn in_wasi(error: AskError) -> Error {
    match error {
        AskError::NotServing => Error::DestinationUnavailable,
        AskError::Request(what) => Error::InternalError(Some(what)),
        AskError::Connect(_) => Error::ConnectionRefused,
        AskError::Broken(_) => Error::ConnectionTerminated,
        AskError::Timeout(_) => Error::HttpResponseTimeout,
        AskError::TooLong(most) => Error::HttpResponseBodySize(u64::try_from(most).ok()),
        AskError::Unknown(_) => Error::DnsError {
            rcode: None,
            info_code: None,
        },
        AskError::Private(_) => Error::DestinationIpProhibited,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An origin with this table, beside a function that is granted it.
    fn reach(origin: &str, hosts: &[&str]) -> Reach {
        let text = format!(
            "[origin.Api]\n{origin}\n[origin.fn]\nfunction = \"f\"\n\
             grants = {{ origins = [\"Api\"], hosts = {hosts:?} }}\n[[listen]]\naddress = \"127.0.0.1:0\"\n"
        );
        let config = rimward_config::parse(&text, "pop.toml").unwrap();
        let function = config.origins.iter().find_map(|origin| match &origin.kind {
            OriginKind::Function(function) => Some(function.clone()),
            _ => None,
        });
        Reach::new(&function.unwrap(), &config.origins)
    }

    #[test]
    fn requests_go_where_they_are_granted_to() {
        let servers = "servers = [\"https://a.internal\", \"10.0.0.1:8080\", \"[2001:db8::1]\", \"unix:/run/x\"]\nhost = \"shop.example\"";
        let reach = reach(servers, &["*.partner.example", "one.example"]);
        let named = |keeps_host| {
            Some(Destination::Origin {
                id: OriginId(0),
                keeps_host,
            })
        };
        for (url, expected) in [
            ("http://api/prices", named(false)),
            ("https://API/prices", named(false)),
            ("http://api:8080/", None),
            ("https://a.internal/", named(true)),
            ("https://A.internal:443/", named(true)),
            ("http://a.internal/", None),
            ("http://10.0.0.1:8080/", named(true)),
            ("http://10.0.0.1/", None),
            ("http://[2001:db8::1]/", named(true)),
            ("https://shop.example/", named(true)),
            ("http://x.partner.example/", Some(Destination::Public)),
            (
                "http://x.y.partner.example:8080/",
                Some(Destination::Public),
            ),
            ("http://partner.example/", None),
            ("http://one.example/", Some(Destination::Public)),
            ("http://user@one.example/", None),
            ("http://two.example/", None),
            ("/prices", None),
        ] {
            assert_eq!(reach.destination(&url.parse().unwrap()), expected, "{url}");
        }
    }

    #[test]
    fn a_star_is_every_host() {
        let reach = reach("directory = \"site\"", &["*"]);
        let uri = "https://anybody.example/".parse().unwrap();
        assert_eq!(reach.destination(&uri), Some(Destination::Public));
    }
}
