//! One request and its response on their way through: what filters see of it.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pingora_http::RequestHeader;
use rimward_config::OriginId;
use rimward_geoip::{Databases, Location};

use crate::certificate::ClientCertificate;
use crate::chosen::Chosen;
use crate::filter::{BodyRewriter, BodyWatcher, FilterError};
use crate::outside::Tally;

/// One request and its response on their way through.
///
/// The request path keeps it from the first filter to the access log. It is a plain record: filters read and change
/// what they need.
pub struct Exchange {
    /// The request as the client sent it and as filters of the request phase changed it. Its URI is in origin form and
    /// its path normalised; `Host` is always there, also for HTTP/2.
    pub request: RequestHeader,
    /// Who asks.
    pub client: Client,
    /// The first host of the site that was found.
    pub site: Arc<str>,
    /// The path pattern of the route that was taken, as written.
    pub route: Arc<str>,
    /// What the pattern's parameters matched, decoded, in order of the path.
    pub params: Vec<(Arc<str>, String)>,
    /// The request's identity in logs: 128 random bits in hex, or what a trusted proxy sent in `X-Request-Id`.
    pub request_id: String,
    /// What filters leave for later phases, one of each type.
    pub notes: http::Extensions,
    /// The route's own origin. Filters may have chosen another.
    pub origin: Option<OriginId>,
    /// What the cache had, once it was looked up.
    pub found: Found,
    /// What filters decided on: another origin, parts of the cache key.
    pub chosen: Chosen,
    /// Who looks at the request's body as it passes on its way to the origin: at what the client sent, or at what filters of an
    /// earlier phase made of it while it was there whole. Nothing is shown twice, however often it is sent.
    pub request_watchers: Vec<Box<dyn BodyWatcher>>,
    /// The request's body, or its beginning, once a filter wanted to have it.
    pub request_body: Option<RequestBody>,
    /// What rewrites the request's body on its way to the origin, in this order. A body that a filter wanted and got whole is
    /// rewritten before a server is chosen; any other as it passes, and then it has no length and is not sent again when a
    /// server fails. A request without a body gets one if something comes of nothing.
    pub request_rewriters: Vec<Box<dyn BodyRewriter>>,
    /// What is counted once the exchange ends, so that a phase which is run again counts nothing twice.
    pub outcomes: Vec<Arc<dyn Tally>>,
    /// Fields that a filter wants in the access log.
    pub log: Vec<(Cow<'static, str>, String)>,
    /// Nanoseconds spent in filters so far; the pipeline counts them.
    pub filter_nanoseconds: u64,
}

/// What the cache had for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Found {
    /// It was not asked yet.
    #[default]
    Unknown,
    /// A fresh object.
    Hit,
    /// A stale object, which was served.
    Stale,
    /// Nothing.
    Miss,
    /// A stale object, which the origin said still holds.
    Revalidated,
    /// It is not asked, by decision.
    Pass,
    /// Nothing, and what came may not be stored.
    Uncacheable,
}

/// A note of filters: the cache is neither asked nor filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass;

/// A note of filters of the origin response phase: how the response is stored, whatever it says itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Storing {
    /// How long it is fresh.
    pub ttl: Option<Duration>,
    /// How long it is fresh at most, unless a `ttl` says how long.
    pub at_most: Option<Duration>,
    /// How long it is served stale while it is revalidated.
    pub stale_while_revalidate: Option<Duration>,
    /// How long it is served stale when the origin fails.
    pub stale_if_error: Option<Duration>,
    /// Its surrogate keys, beside those that it has.
    pub surrogate_keys: Vec<String>,
    /// Whether it is not stored at all.
    pub never: bool,
}

/// The body of a request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestBody {
    /// The body, or its beginning.
    pub bytes: Bytes,
    /// Whether it is all there.
    pub is_whole: bool,
}

/// Who asks, after trusted proxies were believed.
#[derive(Debug, Clone)]
pub struct Client {
    /// The client's address.
    pub ip: IpAddr,
    /// Who holds the other end of the connection: the client or the last proxy.
    pub peer: SocketAddr,
    /// How the client speaks to us or to the trusted proxy before us.
    pub scheme: Scheme,
    /// The client's ISO 3166 country code, if it is known.
    pub country: Option<[u8; 2]>,
    /// The valid certificate that the other end of the connection showed, if the listener asks for one.
    pub certificate: Option<Arc<ClientCertificate>>,
    /// What that connection is secured by, if it is.
    pub tls: Option<Arc<Handshake>>,
    /// Where the rest is looked up when somebody wants to know it.
    pub geoip: Option<Arc<Databases>>,
}

/// What a TLS handshake with a client, or a proxy before it, agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handshake {
    /// `TLSv1.2` or `TLSv1.3`.
    pub version: &'static str,
    /// The cipher suite by its IANA name.
    pub cipher: &'static str,
    /// The server name the client asked for, in lower case.
    pub sni: Option<Box<str>>,
    /// The protocol that ALPN chose.
    pub alpn: Option<&'static str>,
    /// What the client's offer looks like, if it was seen.
    pub fingerprint: Option<Fingerprint>,
}

/// Digests of what a client offers in its ClientHello: they tell one software from another, whatever it says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    /// JA3, by the order of what is offered: 32 hexadecimal digits.
    pub ja3: Box<str>,
    /// JA4, whatever the order is.
    pub ja4: Box<str>,
}

impl Client {
    /// What it offered in its TLS handshake, in short.
    pub fn fingerprint(&self) -> Option<&Fingerprint> {
        self.tls.as_ref()?.fingerprint.as_ref()
    }

    /// The country as text.
    pub fn country(&self) -> Option<&str> {
        self.country
            .as_ref()
            .and_then(|code| std::str::from_utf8(code).ok())
    }

    /// All that is known of the client's address. Looked up each time, which takes less than a microsecond.
    pub fn location(&self) -> Location<'_> {
        match (&self.geoip, self.country) {
            (Some(databases), _) => databases.location(self.ip),
            (None, Some(country)) => Location::of_country(country),
            (None, None) => Location::default(),
        }
    }
}

/// `http` or `https`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// As it stands in a URI.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// What can be left in [`Exchange::notes`].
pub trait Note: Clone + Send + Sync + 'static {}
impl<T: Clone + Send + Sync + 'static> Note for T {}

impl Exchange {
    /// The host asked for, without a port, as sent.
    pub fn host(&self) -> &str {
        let host = self.header("host").unwrap_or("");
        match host.rfind(':') {
            Some(colon) if !host.ends_with(']') => &host[..colon],
            _ => host,
        }
    }

    /// The normalised path.
    pub fn path(&self) -> &str {
        self.request.uri.path()
    }

    /// The query without its question mark.
    pub fn query(&self) -> Option<&str> {
        self.request.uri.query()
    }

    /// The first value of a request header, if it is visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.request
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    }

    /// A cookie's value as sent; the first of several.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.request
            .headers
            .get_all(http::header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find_map(|(key, value)| (key == name).then_some(value))
    }

    /// A query parameter's value as sent (not decoded); the first of several.
    pub fn query_param(&self, name: &str) -> Option<&str> {
        self.query()?.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (key == name).then_some(value)
        })
    }

    /// Has this sent as the request's body in place of the one that came. Who looks at it later sees what is sent.
    pub(crate) fn replace_body(&mut self, bytes: Bytes) {
        let replacement = Replacement(bytes.clone());
        self.request_rewriters.push(Box::new(replacement));
        self.request_body = Some(RequestBody {
            bytes,
            is_whole: true,
        });
    }

    /// What a path parameter matched.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params
            .iter()
            .find_map(|(key, value)| (**key == *name).then_some(value.as_str()))
    }
}

/// Another body, which is passed on when the one that it replaces has ended.
struct Replacement(Bytes);

impl BodyRewriter for Replacement {
    fn chunk(&mut self, _: Bytes) -> Result<Bytes, FilterError> {
        Ok(Bytes::new())
    }

    fn end(&mut self) -> Result<Bytes, FilterError> {
        Ok(std::mem::take(&mut self.0))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::exchange;

    #[test]
    fn a_host_has_no_port() {
        for (field, host) in [
            ("example.com", "example.com"),
            ("Example.com:8080", "Example.com"),
            ("[2001:db8::1]", "[2001:db8::1]"),
            ("[2001:db8::1]:8080", "[2001:db8::1]"),
            ("", ""),
        ] {
            assert_eq!(exchange("GET", "/", &[("host", field)]).host(), host);
        }
    }

    #[test]
    fn cookies_and_parameters_are_found_by_name() {
        let mut exchange = exchange("GET", "/?a=1&a=2&b&c=x=y", &[("cookie", "a=1; b=x=y;c")]);
        exchange
            .request
            .append_header("cookie", "d=\"4\"; a=5")
            .unwrap();
        for (name, value) in [
            ("a", Some("1")),
            ("b", Some("x=y")),
            ("c", None),
            ("d", Some("\"4\"")),
            ("A", None),
        ] {
            assert_eq!(exchange.cookie(name), value, "cookie {name}");
        }
        for (name, value) in [
            ("a", Some("1")),
            ("b", Some("")),
            ("c", Some("x=y")),
            ("d", None),
        ] {
            assert_eq!(exchange.query_param(name), value, "parameter {name}");
        }
    }
}
