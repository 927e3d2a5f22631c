//! Requests that a guest makes: to origins it was granted, to hosts it was granted, or through this edge itself.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, Request, Response};
use tokio::task::JoinHandle;
use wasmtime::component::Resource;

use super::{elsewhere, heads};
use crate::exchange::Client;
use crate::outside::{AskError, Bounds, Cut, Depth, Outside, ServerName};
use crate::wasm::abi::Error;
use crate::wasm::abi::rimward::filter::subrequest::{Host, HostPending, Incoming, Outgoing};
use crate::wasm::abi::rimward::filter::types::Origin;
use crate::wasm::state::State;

type Answer<T> = wasmtime::Result<Result<T, Error>>;

/// A request on its way. It ends when nobody waits for it any more.
#[allow(unreachable_pub, reason = "the bindings re-export it")]
pub struct Pending(Option<JoinHandle<Result<Incoming, Error>>>);

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(job) = &self.0 {
            job.abort();
        }
    }
}

impl Host for State {
    async fn send(&mut self, r: Outgoing) -> Answer<Incoming> {
        Ok(match self.prepare(r) {
            Ok(job) => job.run().await,
            Err(error) => Err(error),
        })
    }

    fn start(&mut self, r: Outgoing) -> Answer<Resource<Pending>> {
        let job = match self.prepare(r) {
            Ok(job) => job,
            Err(error) => return Ok(Err(error)),
        };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return Ok(Err(Error::NotAllowedInPhase));
        };
        let pending = self.table.push(Pending(Some(runtime.spawn(job.run()))));
        Ok(pending.map_err(|_| Error::Limit("too many handles".to_owned())))
    }
}

impl HostPending for State {
    async fn wait(&mut self, pending: Resource<Pending>) -> Answer<Incoming> {
        let pending = self.table.get_mut(&pending)?;
        let Some(job) = &mut pending.0 else {
            return Ok(Err(Error::Other("it was waited for already".to_owned())));
        };
        let ended = job.await;
        pending.0 = None;
        Ok(ended.unwrap_or_else(|error| Err(Error::Other(error.to_string()))))
    }

    fn drop(&mut self, pending: Resource<Pending>) -> wasmtime::Result<()> {
        self.table.delete(pending)?;
        Ok(())
    }
}

/// A request that may be made.
struct Job {
    outside: Arc<dyn Outside>,
    to: To,
    request: Request<Bytes>,
    bounds: Bounds,
}

enum To {
    Origin(rimward_config::OriginId),
    Url,
    Edge(Client, u8),
}

impl State {
    fn prepare(&mut self, outgoing: Outgoing) -> Result<Job, Error> {
        self.check_wait()?;
        let limits = self.version.limits;
        if self.spent.subrequests >= limits.subrequests {
            let most = limits.subrequests;
            return Err(Error::Limit(format!("`limits.subrequests` allows {most}")));
        }
        self.spent.subrequests += 1;
        let bounds = bounds(&outgoing, limits.wall, limits.body);
        let mut request = request(&outgoing, limits.body)?;
        let to = if outgoing.cached {
            self.through_edge(&outgoing.to, &mut request)?
        } else {
            self.beyond(&outgoing.to, &mut request)?
        };
        Ok(Job {
            outside: self.version.around.outside.clone(),
            to,
            request,
            bounds,
        })
    }

    fn through_edge(&self, to: &Origin, request: &mut Request<Bytes>) -> Result<To, Error> {
        let own = heads::first(&self.exchange.request.headers, "host").unwrap_or_default();
        // What was chosen in place of the origin is no host of this edge's.
        let elsewhere = self.exchange.chosen.elsewhere.as_ref();
        let host = match to {
            Origin::Custom(custom) if elsewhere.is_none_or(|host| host.host != custom.host) => {
                &custom.host
            }
            Origin::Custom(_) | Origin::Named(_) => &own,
        };
        if !request.headers().contains_key(http::header::HOST) {
            request
                .headers_mut()
                .insert(http::header::HOST, heads::value(host)?);
        }
        let depth = self
            .exchange
            .notes
            .get::<Depth>()
            .map_or(0, |depth| depth.0);
        Ok(To::Edge(
            self.exchange.client.clone(),
            depth.saturating_add(1),
        ))
    }

    fn beyond(&self, to: &Origin, request: &mut Request<Bytes>) -> Result<To, Error> {
        let custom = match to {
            Origin::Named(name) => return Ok(To::Origin(self.version.choice(name)?.origin)),
            Origin::Custom(custom) => custom,
        };
        let granted = elsewhere::granted(&self.version, custom.clone())?;
        let target = request.uri().path_and_query();
        let target = target.map_or("/", |target| target.as_str());
        let url = format!("{}{target}", granted.base());
        *request.uri_mut() = url
            .parse()
            .map_err(|_| Error::Invalid(format!("`{url}` is no URL")))?;
        if let Some(name) = granted.sni {
            request.extensions_mut().insert(ServerName(name));
        }
        for (name, value) in granted.fields {
            request.headers_mut().append(name, value);
        }
        Ok(To::Url)
    }
}

fn bounds(outgoing: &Outgoing, wall: Duration, body: usize) -> Bounds {
    let time = match outgoing.timeout_ms {
        0 => wall,
        wanted => Duration::from_millis(u64::from(wanted)).min(wall),
    };
    let body = match usize::try_from(outgoing.max_body) {
        Ok(0) | Err(_) => body,
        Ok(wanted) => wanted.min(body),
    };
    Bounds { time, body }
}

/// Whether the guest wants the beginning of a longer body: one that is longer than its filter may have is an error.
fn is_cut(outgoing: &Outgoing, most: usize) -> bool {
    usize::try_from(outgoing.max_body).is_ok_and(|wanted| 0 < wanted && wanted <= most)
}

/// The request as it is sent; `most` bytes of a body are what its filter may have.
fn request(outgoing: &Outgoing, most: usize) -> Result<Request<Bytes>, Error> {
    let method = http::Method::from_bytes(outgoing.method.as_bytes());
    let method = method.map_err(|_| Error::Invalid("the method is none".to_owned()))?;
    if !outgoing.uri.starts_with('/') {
        let wrong = format!("`{}` does not begin with `/`", outgoing.uri.escape_debug());
        return Err(Error::Invalid(wrong));
    }
    let mut request = Request::builder().method(method).uri(&outgoing.uri);
    if is_cut(outgoing, most) {
        request = request.extension(Cut);
    }
    let mut request = request
        .body(Bytes::from(outgoing.body.clone()))
        .map_err(|error| Error::Invalid(error.to_string()))?;
    put(&mut request, &outgoing.headers)?;
    Ok(request)
}

fn put(request: &mut Request<Bytes>, fields: &[(String, String)]) -> Result<(), Error> {
    for (name, value) in fields {
        let name: HeaderName = heads::name(name)?;
        request.headers_mut().append(name, heads::value(value)?);
    }
    Ok(())
}

impl Job {
    async fn run(self) -> Result<Incoming, Error> {
        let Self {
            outside,
            to,
            request,
            bounds,
        } = self;
        let answered = match to {
            To::Origin(origin) => outside.ask(origin, request, bounds).await,
            To::Url => outside.fetch(request, bounds).await,
            To::Edge(client, depth) => outside.enter(&client, depth, request, bounds).await,
        };
        answered.map(told).map_err(fault)
    }
}

fn told(response: Response<Bytes>) -> Incoming {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let fields = response.headers().iter();
    let truncated = response.extensions().get::<Cut>().is_some();
    Incoming {
        status: response.status().as_u16(),
        headers: fields
            .map(|(name, value)| (name.as_str().to_owned(), text(value)))
            .collect(),
        body: response.into_body().into(),
        truncated,
    }
}

fn fault(error: AskError) -> Error {
    let told = error.to_string();
    match error {
        AskError::Request(_) => Error::Invalid(told),
        AskError::Timeout(_) => Error::Timeout,
        AskError::TooLong(_) => Error::Limit(told),
        AskError::NotServing
        | AskError::Connect(_)
        | AskError::Unknown(_)
        | AskError::Private(_)
        | AskError::Broken(_) => Error::Unavailable(told),
    }
}
