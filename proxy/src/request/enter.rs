//! Requests that filters make to this edge itself: as a client would, with what is known of the client they are made for.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use http::header::{self, HeaderName};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, Version};
use pingora::Result;
use pingora::apps::HttpServerApp;
use pingora::proxy::{HttpProxy, Session};
use pingora::server::ShutdownWatch;
use pingora_http::RequestHeader;
use rimward_filters::{AskError, Client, Cut, Depth};
use tokio::sync::watch;

use super::RequestPath;
use super::begin;
use super::context::Context;
use crate::edge::Process;
use crate::listen::{self, TooLong};
use crate::outside::Room;
use crate::runtime::Runtime;

/// How many such requests may stand in each other.
const MOST_DEEP: u8 = 3;

/// Fields that concern one connection, or say who a client is: these are known better here.
const LEFT_OUT: [HeaderName; 14] = [
    header::CONNECTION,
    header::EXPECT,
    header::FORWARDED,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
];

/// Where requests enter that no listener took.
pub(crate) struct Entrance {
    proxy: Weak<HttpProxy<RequestPath>>,
    shutdown: ShutdownWatch,
}

/// A request of a filter, and for whom it is made.
pub(crate) struct Errand<'a> {
    pub(crate) client: &'a Client,
    pub(crate) depth: u8,
    pub(crate) request: Request<Bytes>,
    /// How many bytes the response's body may have.
    pub(crate) most: usize,
}

/// What is known of a request that entered here.
#[derive(Clone)]
pub(super) struct Entered {
    runtime: Arc<Runtime>,
    client: Client,
    depth: u8,
}

impl Entrance {
    /// The entrance of an edge.
    pub(crate) fn new(proxy: &Arc<HttpProxy<RequestPath>>) -> Self {
        Self {
            proxy: Arc::downgrade(proxy),
            // Who made a request ends it.
            shutdown: watch::channel(false).1,
        }
    }

    /// Leads a request through the edge.
    ///
    /// # Errors
    /// When it can't be sent as it is, or there is no whole response.
    pub(crate) async fn enter(
        &self,
        runtime: Arc<Runtime>,
        errand: Errand<'_>,
    ) -> Result<Response<Bytes>, AskError> {
        if errand.depth > MOST_DEEP {
            let why = format!(
                "requests of filters may stand in each other {MOST_DEEP} deep, and no more"
            );
            return Err(AskError::Request(why));
        }
        let proxy = self.proxy.upgrade().ok_or(AskError::NotServing)?;
        let entered = Entered {
            runtime,
            client: errand.client.clone(),
            depth: errand.depth,
        };
        let room = Room::of(&errand.request, errand.most);
        let (parts, body) = errand.request.into_parts();
        let head = head(parts, body.len(), entered)?;
        let broken = |error: Box<pingora::Error>| AskError::Broken(error.to_string());
        let (session, gathered) = listen::inner_session(head, body, room).map_err(broken)?;
        let shutdown = self.shutdown.clone();
        // It ends as for a client that hangs up when nobody waits for it any more: what holds others up is let go in order.
        let served = tokio::spawn(async move {
            proxy.process_new_http(session, &shutdown).await;
        });
        match gathered.await {
            Ok(Ok(response)) => {
                // It is counted, and what is stored of it stays. The rest of what was cut may come for long, and nobody waits for it.
                if response.extensions().get::<Cut>().is_none() {
                    drop(served.await);
                }
                Ok(response)
            }
            Ok(Err(TooLong)) => Err(AskError::TooLong(errand.most)),
            Err(_) => Err(AskError::Broken("it was broken off".to_owned())),
        }
    }
}

/// The head as the engine gets it: in origin form, with a `Host` and the length of the body.
fn head(mut parts: Parts, length: usize, entered: Entered) -> Result<RequestHeader, AskError> {
    let wrong = |why: &str| AskError::Request(why.to_owned());
    if parts.method == Method::CONNECT {
        return Err(wrong("CONNECT is for proxies"));
    }
    let uri = std::mem::take(&mut parts.uri);
    if let Some(authority) = uri.authority() {
        let host = HeaderValue::from_str(authority.as_str());
        let host = host.map_err(|_| wrong("its host is none"))?;
        parts.headers.insert(header::HOST, host);
    }
    let mut hosts = parts.headers.get_all(header::HOST).iter();
    let host = hosts.next().filter(|_| hosts.next().is_none());
    let host = host.ok_or_else(|| wrong("it needs one `Host`"))?;
    listen::check_authority(host.as_bytes()).map_err(|_| wrong("its host is none"))?;
    let target = uri.path_and_query();
    let target = target.filter(|target| target.as_str().starts_with('/'));
    let target = target.ok_or_else(|| wrong("its target does not begin with `/`"))?;
    parts.uri = Uri::from(target.clone());
    parts.version = Version::HTTP_11;
    leave_out(&mut parts.headers);
    let may_have_none = !matches!(parts.method, Method::POST | Method::PUT | Method::PATCH);
    match length {
        0 if may_have_none => drop(parts.headers.remove(header::CONTENT_LENGTH)),
        length => drop(parts.headers.insert(header::CONTENT_LENGTH, length.into())),
    }
    parts.extensions.clear();
    parts.extensions.insert(entered);
    Ok(parts.into())
}

fn leave_out(fields: &mut HeaderMap) {
    let lines = fields.get_all(header::CONNECTION).iter();
    let named = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok());
    let named: Vec<HeaderName> = named.filter(|name| name != header::HOST).collect();
    for name in LEFT_OUT.iter().chain(&named) {
        fields.remove(name);
    }
}

impl Entered {
    /// What is known of a request that entered here; `None` for any other.
    pub(super) fn of(session: &Session) -> Option<Self> {
        session.req_header().extensions.get().cloned()
    }

    /// Begins its exchange.
    ///
    /// # Errors
    /// With the status that refuses it.
    pub(super) fn begin(
        self,
        process: &Process,
        session: &mut Session,
        ctx: &mut Context,
    ) -> Result<()> {
        ctx.uncount();
        ctx.is_inner = true;
        ctx.runtime = self.runtime;
        let who = begin::Who {
            client: self.client,
            trusted: false,
            // A filter may say which request it makes this one for.
            request_id: begin::request_id(&session.req_header().headers, true),
        };
        begin::enter_by_host(process, session, ctx, who)?;
        if let Some(exchange) = &mut ctx.exchange {
            exchange.notes.insert(Depth(self.depth));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
