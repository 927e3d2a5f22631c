//! How filters ask others: servers of origins, URLs that the configuration names, and the edge itself.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use rimward_config::{Guests, Origin, OriginId, SecretSource};
use rimward_kv::Store;

use crate::exchange::Client;

/// Whom filters can ask. Handed to them while they are built; answers from the time on when the configuration serves.
/// What an implementation leaves out reaches nobody.
#[async_trait]
pub trait Outside: Send + Sync {
    /// Whether checks and its own answers speak for at least one server of an origin.
    fn is_usable(&self, origin: OriginId) -> bool {
        let _ = origin;
        true
    }

    /// Asks a server of an origin, past routes, cache and filters. The target is in origin form; `Host` is the origin's own
    /// `host`, or else what the request has, or else the server's name.
    ///
    /// # Errors
    /// When there is no whole response within the bounds.
    async fn ask(
        &self,
        origin: OriginId,
        request: Request<Bytes>,
        bounds: Bounds,
    ) -> Result<Response<Bytes>, AskError> {
        let _ = (origin, request, bounds);
        Err(AskError::NotServing)
    }

    /// Asks an absolute `http` or `https` URL, which has to come from the configuration or from whom that trusts. Follows
    /// no redirect.
    ///
    /// # Errors
    /// As for [`Outside::ask`].
    async fn fetch(
        &self,
        request: Request<Bytes>,
        bounds: Bounds,
    ) -> Result<Response<Bytes>, AskError> {
        let _ = (request, bounds);
        Err(AskError::NotServing)
    }

    /// Sends a request whose body is passed on as it comes, as that of the response is. The target is an absolute URL; `Host` is
    /// as for [`Outside::ask`].
    ///
    /// # Errors
    /// When no response begins.
    async fn send(
        &self,
        to: Destination,
        request: Request<Stream>,
        waits: Waits,
    ) -> Result<Response<Stream>, AskError> {
        let _ = (to, request, waits);
        Err(AskError::NotServing)
    }

    /// Asks this edge itself, as this client would, by a request whose `Host` names a site: through routes, filters and cache.
    /// `depth` is how many such requests it stands in, this one included.
    ///
    /// # Errors
    /// As for [`Outside::ask`], and when it stands in too many others.
    async fn enter(
        &self,
        client: &Client,
        depth: u8,
        request: Request<Bytes>,
        bounds: Bounds,
    ) -> Result<Response<Bytes>, AskError> {
        let _ = (client, depth, request, bounds);
        Err(AskError::NotServing)
    }
}

/// A note: how many requests of the edge's own this one stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Depth(pub u8);

/// What a question may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// From asking to the last byte.
    pub time: Duration,
    /// Bytes of the response's body.
    pub body: usize,
}

/// In the extensions of a request that is asked: a body of the response that is longer than the bounds is cut there, in place of an
/// error. In those of the response: that was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut;

/// A body that is passed on as it comes.
pub type Stream = UnsyncBoxBody<Bytes, Box<dyn Error + Send + Sync>>;

/// Whom a request is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// A server of an origin.
    Origin {
        /// Which.
        id: OriginId,
        /// Whether the request's `Host` is for its servers, if the origin has none of its own.
        keeps_host: bool,
    },
    /// The host of the URL, at a public address.
    Public,
    /// The host of the URL, which the configuration names: at a public address or one of a private network.
    Listed,
}

/// In the extensions of a request that is fetched over TLS: the name that the server is to have a certificate for, if that is not
/// the URL's host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerName(pub String);

/// How long to wait for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waits {
    /// A connection.
    pub connect: Duration,
    /// From the request sent to the head of the response.
    pub first_byte: Duration,
    /// For the next part of the response's body.
    pub between_bytes: Duration,
}

/// Why there is no answer. No text holds more than addresses and names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The configuration does not serve yet, or no longer.
    #[error("the configuration that wants to know does not serve")]
    NotServing,
    /// The request can't be sent as it is.
    #[error("the request can't be sent: {0}")]
    Request(String),
    /// No server can be asked, or connected to.
    #[error("no connection: {0}")]
    Connect(String),
    /// A name has no address.
    #[error("no address: {0}")]
    Unknown(String),
    /// A host that is to be a public one is not.
    #[error("`{0}` has no public address")]
    Private(String),
    /// The exchange ended too early, or broke the rules of HTTP.
    #[error("no whole response: {0}")]
    Broken(String),
    /// It took too long.
    #[error("no whole response within {0:?}")]
    Timeout(Duration),
    /// The body is too long.
    #[error("the response is longer than {0} bytes")]
    TooLong(usize),
}

/// Counts how often something happened.
pub trait Tally: Send + Sync {
    /// Once more.
    fn count(&self);
}

/// Where tallies come from.
pub trait Tallies: Send + Sync {
    /// The tally of an outcome of a filter: a short word in lower case.
    fn tally(&self, filter: &str, outcome: &str) -> Arc<dyn Tally>;

    /// The tally of calls of a guest that ended in one way.
    fn calls(&self, filter: &str, version: &str, phase: &str, outcome: &str) -> Arc<dyn Tally> {
        let _ = (filter, version, phase, outcome);
        Arc::new(Nowhere)
    }

    /// Counts something that a filter has a name of its own for.
    fn count(&self, filter: &str, name: &str, by: u64) {
        let _ = (filter, name, by);
    }

    /// Observes a value of something that a filter has a name of its own for.
    fn observe(&self, filter: &str, name: &str, value: f64) {
        let _ = (filter, name, value);
    }
}

/// What there is around a filter that is being built.
#[derive(Clone)]
pub struct Surroundings {
    /// The names of the origins; [`OriginId`] indexes it. `None` when they are not known: then every name is taken for one,
    /// and what is built can't serve.
    pub origins: Option<Vec<Arc<str>>>,
    /// What the configuration says of the origins, in the order of `origins`.
    pub known_origins: Arc<[Origin]>,
    /// Whether addresses are located; `None` when it is not known.
    pub has_geoip: Option<bool>,
    /// The name of the edge's POP.
    pub pop: Arc<str>,
    /// Where the secrets of `[secret.NAME]` come from, by name; `None` when they are not known: then every name is taken for
    /// one, and what is built can't serve.
    pub secrets: Option<BTreeMap<Arc<str>, SecretSource>>,
    /// What filters in WebAssembly may take, all together.
    pub guests: Guests,
    /// The stores of `[kv.NAME]`, by name; `None` when they are not known: then every name is one of an empty store.
    pub stores: Option<BTreeMap<Arc<str>, Arc<Store>>>,
    /// Whom filters can ask.
    pub outside: Arc<dyn Outside>,
    /// Where filters count.
    pub tallies: Arc<dyn Tallies>,
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings")
            .field("origins", &self.origins)
            .finish_non_exhaustive()
    }
}

/// Unknown origins, nobody to ask, nothing counted.
impl Default for Surroundings {
    fn default() -> Self {
        Self {
            origins: None,
            known_origins: [].into(),
            has_geoip: None,
            pop: "".into(),
            secrets: None,
            guests: Guests::default(),
            stores: None,
            outside: Arc::new(Nowhere),
            tallies: Arc::new(Nowhere),
        }
    }
}

struct Nowhere;

/// It has no origin to ask and reaches no URL.
impl Outside for Nowhere {}

impl Tallies for Nowhere {
    fn tally(&self, _: &str, _: &str) -> Arc<dyn Tally> {
        Arc::new(Self)
    }
}

impl Tally for Nowhere {
    fn count(&self) {}
}
