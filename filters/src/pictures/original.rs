//! How originals are had: through the cache of this edge, or from another site.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, HOST, HeaderValue, VIA};
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use rimward_config::OriginId;
use tokio::time::timeout;

use super::answer::{Failure, X_IMAGE};
use super::deadline::Deadline;
use super::redirects::{self, Stray, Trail};
use super::sites::{Sites, Url};
use super::wanted::Source;
use crate::exchange::{Client, Exchange, Scheme};
use crate::outside::{AskError, Bounds, Depth, Destination, Outside, Stream, Waits};

/// What requests for originals say of themselves in `Via`, so that no picture is asked for as the original of itself.
const MARK: &str = "rimward-image";
/// What is read of pictures, so that an origin that negotiates gives no other.
const READ: &str = "image/webp,image/png,image/jpeg,image/gif,*/*;q=0.1";

/// Whether a request is one for an original, of this edge or of another.
pub(crate) fn is_for_original(exchange: &Exchange) -> bool {
    let lines = exchange.request.headers.get_all(VIA).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .any(|line| line.contains(MARK))
}

/// For whom originals are asked for, and until when. What tells clients from each other beside their address is left out, since everybody
/// gets what is made of them.
#[derive(Clone)]
pub(super) struct Asker {
    client: Client,
    depth: u8,
    host: HeaderValue,
    request_id: String,
    pub(super) deadline: Deadline,
}

impl Asker {
    pub(super) fn of(exchange: &Exchange, deadline: Deadline) -> Self {
        let depth = exchange.notes.get().copied().unwrap_or(Depth(0)).0;
        let host = exchange.request.headers.get(HOST).cloned();
        Self {
            client: exchange.client.clone(),
            depth: depth.saturating_add(1),
            host: host.unwrap_or(HeaderValue::from_static("")),
            request_id: exchange.request_id.clone(),
            deadline,
        }
    }

    fn own(&self) -> &str {
        self.host.to_str().unwrap_or_default()
    }

    fn scheme(&self) -> &'static str {
        match self.client.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }
}

/// Whom originals are had from.
pub(super) struct Originals {
    pub(super) outside: Arc<dyn Outside>,
    /// Where they may be.
    pub(super) sites: Arc<Sites>,
    /// Whether other sites may be at addresses of private networks.
    pub(super) may_be_private: bool,
    /// The origin that those of this site come from in place of this edge.
    pub(super) origin: Option<OriginId>,
    /// How many redirects are followed.
    pub(super) redirects: u8,
    /// Bytes that one may have.
    pub(super) most: usize,
}

/// What there is in place of an original, and what led to it.
pub(super) struct Had {
    pub(super) response: Response<Bytes>,
    pub(super) trail: Trail,
}

impl Originals {
    /// What there is where an original should be, or where that leads to.
    pub(super) async fn get(&self, asker: &Asker, source: &Source) -> Result<Had, Failure> {
        let mut trail = Trail::default();
        let mut source = source.clone();
        loop {
            let mut response = self.ask(asker, &source).await?;
            if self.redirects == 0 || !redirects::is_redirect(response.status()) {
                trail.end(&mut response);
                return Ok(Had { response, trail });
            }
            if trail.steps >= self.redirects {
                return Err(Failure::Stray(Stray::TooOften(self.redirects)));
            }
            source = self.next(asker, &source, &response)?;
            trail.step(&response, &source);
        }
    }

    /// The response to one request: through the cache, if it is not an origin's.
    async fn ask(&self, asker: &Asker, source: &Source) -> Result<Response<Bytes>, Failure> {
        let Asker {
            client,
            depth,
            deadline,
            ..
        } = asker;
        let wrong = |error| Failure::Asked(deadline.told(error));
        let bounds = Bounds {
            time: deadline.left(),
            body: self.most,
        };
        let request = here(asker, &source.target).map_err(wrong)?;
        if let Some(origin) = self.origin.filter(|_| source.elsewhere.is_none()) {
            let asked = self.outside.ask(origin, request, bounds).await;
            return asked.map_err(wrong);
        }
        let asked = self.outside.enter(client, *depth, request, bounds).await;
        let response = asked.map_err(wrong)?;
        // What another site says has none of that.
        let told = response.headers().get(X_IMAGE);
        let told = told.and_then(|told| told.to_str().ok());
        match told.filter(|told| source.elsewhere.is_some() && told.starts_with("err=")) {
            Some(told) => Err(Failure::Elsewhere {
                status: response.status(),
                told: told.to_owned(),
            }),
            None => Ok(response),
        }
    }

    /// Where a redirect from an original leads to.
    fn next(
        &self,
        asker: &Asker,
        from: &Source,
        redirect: &Response<Bytes>,
    ) -> Result<Source, Failure> {
        let url = match &from.elsewhere {
            Some(url) => Url::parse(url),
            None => Some(Url {
                scheme: asker.scheme(),
                authority: asker.own(),
                target: from.target.to_string(),
            }),
        };
        let url = url.ok_or(Failure::Stray(Stray::NoUrl))?;
        redirects::next(&self.sites, asker.own(), &url, redirect.headers()).map_err(Failure::Stray)
    }

    /// What another site has at this URL.
    pub(super) async fn fetch(
        &self,
        url: &str,
        time: Duration,
    ) -> Result<Response<Bytes>, AskError> {
        let to = match self.may_be_private {
            true => Destination::Listed,
            false => Destination::Public,
        };
        let bounds = Bounds {
            time,
            body: self.most,
        };
        let coming = fetch(self.outside.clone(), to, elsewhere(url)?, bounds);
        timeout(time, coming)
            .await
            .unwrap_or(Err(AskError::Timeout(time)))
    }
}

/// A response on its way.
type Coming = Pin<Box<dyn Future<Output = Result<Response<Bytes>, AskError>> + Send>>;

/// What another site has. In a box, since the compiler can't see of itself that it may be sent between threads.
fn fetch(
    outside: Arc<dyn Outside>,
    to: Destination,
    request: Request<Stream>,
    bounds: Bounds,
) -> Coming {
    let Bounds { time, body: most } = bounds;
    let waits = Waits {
        connect: time,
        first_byte: time,
        between_bytes: time,
    };
    Box::pin(async move {
        let response = outside.send(to, request, waits).await?;
        let (head, mut body) = response.into_parts();
        let mut bytes = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| AskError::Broken(error.to_string()))?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            if data.len() > most - bytes.len() {
                return Err(AskError::TooLong(most));
            }
            bytes.extend_from_slice(&data);
        }
        Ok(Response::from_parts(head, bytes.freeze()))
    })
}

/// A request for an original of the same site.
fn here(asker: &Asker, target: &str) -> Result<Request<Bytes>, AskError> {
    let request = Request::get(target)
        .header(HOST, asker.host.clone())
        .header("x-request-id", &asker.request_id);
    let request = marked(request).body(Bytes::new());
    request.map_err(|error| AskError::Request(error.to_string()))
}

/// A request for an original of another site.
fn elsewhere(url: &str) -> Result<Request<Stream>, AskError> {
    let nothing = Empty::new().map_err(|never| match never {});
    let request = marked(Request::get(url)).body(nothing.boxed_unsync());
    request.map_err(|error| AskError::Request(error.to_string()))
}

fn marked(request: http::request::Builder) -> http::request::Builder {
    request
        .header(VIA, format!("1.1 {MARK}"))
        .header(ACCEPT, READ)
}
