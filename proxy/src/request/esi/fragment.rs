//! A fragment on its way: a request of the edge's own, which begins anew with what is known of the client.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::{Method, StatusCode, Uri, header};
use pingora::Result;
use pingora::protocols::http::HttpTask;
use pingora::protocols::http::subrequest::server::SubrequestHandle;
use pingora::proxy::{PreparedSubrequest, Session, subrequest};
use pingora_http::RequestHeader;
use rimward_filters::{Client, Depth};

use super::super::begin;
use super::super::context::Context;
use super::super::slices::OWN_FIELDS;
use super::target::Target;
use crate::edge::Process;
use crate::runtime::Runtime;

/// What the request for a fragment carries.
#[derive(Clone)]
pub(in crate::request) struct Fragment {
    runtime: Arc<Runtime>,
    client: Client,
    trusted_peer: bool,
    request_id: String,
    request: RequestHeader,
    /// How deep it stands in pages.
    depth: u8,
    /// How deep the page stands in requests of filters.
    inner: Option<Depth>,
}

/// A request for a fragment that was not sent yet.
pub(super) struct Job {
    target: Target,
    request: PreparedSubrequest,
    handle: SubrequestHandle,
}

/// Why a fragment can't be had.
#[derive(Debug, thiserror::Error)]
#[error("fragment `{target}`: {why}")]
pub(super) struct Failed {
    target: String,
    why: String,
}

impl Fragment {
    /// What the request for a fragment carries; `None` for any other.
    pub(in crate::request) fn of(session: &Session) -> Option<Self> {
        let carried = session.subrequest_ctx.as_ref()?.user_ctx()?;
        carried.downcast_ref::<Self>().cloned()
    }

    /// Begins the exchange of the fragment.
    ///
    /// # Errors
    /// With the status that refuses it.
    pub(in crate::request) fn begin(
        self,
        process: &Process,
        session: &mut Session,
        ctx: &mut Context,
    ) -> Result<()> {
        ctx.uncount();
        ctx.is_fragment = true;
        ctx.esi_depth = self.depth;
        ctx.runtime = self.runtime;
        *session.req_header_mut() = self.request;
        session.as_downstream_mut().set_proxy_tasks_enabled(true);
        let who = begin::Who {
            client: self.client,
            trusted: self.trusted_peer,
            request_id: self.request_id,
        };
        begin::enter_by_host(process, session, ctx, who)?;
        if let (Some(exchange), Some(depth)) = (&mut ctx.exchange, self.inner) {
            exchange.notes.insert(depth);
        }
        Ok(())
    }
}

impl Job {
    /// Makes the request for what `reference` names on the page that the session is for.
    pub(super) fn new(session: &Session, ctx: &Context, reference: &str) -> Result<Self, Failed> {
        let failed = |why: &str| Failed {
            target: reference.to_owned(),
            why: why.to_owned(),
        };
        let page = session.req_header();
        let target = Target::of(reference, page).ok_or_else(|| failed("it is no http URL"))?;
        let spawner = session.subrequest_spawner.as_ref();
        let spawner = spawner.ok_or_else(|| failed("the engine takes no further request"))?;
        let exchange = ctx.exchange.as_ref();
        let exchange = exchange.ok_or_else(|| failed("the page has no exchange"))?;
        let request = head(page, &target).ok_or_else(|| failed("its target can't be asked for"))?;
        let carried = Fragment {
            runtime: ctx.runtime.clone(),
            client: exchange.client.clone(),
            trusted_peer: ctx.trusted_peer,
            request_id: exchange.request_id.clone(),
            request,
            depth: ctx.esi_depth + 1,
            inner: exchange.notes.get().copied(),
        };
        let context = subrequest::Ctx::builder()
            .user_ctx(Box::new(carried))
            .build();
        let (request, handle) = spawner.create_subrequest(session.as_downstream(), context);
        Ok(Self {
            target,
            request,
            handle,
        })
    }

    /// Sends the request and reads the whole response.
    pub(super) async fn run(self, most: usize) -> Result<Bytes, Failed> {
        let running = tokio::spawn(self.request.run());
        let body = body(self.handle, most).await;
        if body.is_err() {
            running.abort();
        }
        body.map_err(|why| Failed {
            target: self.target.to_string(),
            why,
        })
    }

    /// That it took too long.
    pub(super) fn late(target: String) -> Failed {
        Failed {
            target,
            why: "no whole response in time".to_owned(),
        }
    }

    /// What it asks for.
    pub(super) fn target(&self) -> String {
        self.target.to_string()
    }
}

/// The head of the request: the client's fields, but for those that are about the page alone.
fn head(page: &RequestHeader, target: &Target) -> Option<RequestHeader> {
    let mut head = page.clone();
    head.set_method(Method::GET);
    let uri: Uri = target.path_and_query.parse().ok()?;
    head.set_uri(uri);
    head.insert_header(header::HOST, target.host.as_str())
        .ok()?;
    for name in &OWN_FIELDS {
        head.remove_header(name);
    }
    // It is put into text.
    head.insert_header(header::ACCEPT_ENCODING, "identity")
        .ok()?;
    Some(head)
}

async fn body(mut handle: SubrequestHandle, most: usize) -> Result<Bytes, String> {
    let mut body = BytesMut::new();
    let mut is_begun = false;
    loop {
        let (piece, ended) = match handle.rx.recv().await {
            Some(HttpTask::Header(head, _)) if head.status.is_informational() => continue,
            Some(HttpTask::Header(head, ended)) => {
                is_begun = true;
                if head.status != StatusCode::OK {
                    return Err(format!("status {}", head.status.as_u16()));
                }
                if head.headers.contains_key(header::CONTENT_ENCODING) {
                    return Err("it is encoded, though it was asked for as it is".to_owned());
                }
                (None, ended)
            }
            Some(HttpTask::Body(piece, ended)) => (piece, ended),
            Some(HttpTask::Done) if is_begun => (None, true),
            Some(HttpTask::Failed(error)) => return Err(error.to_string()),
            Some(_) => continue,
            None => return Err("it ended before its last byte".to_owned()),
        };
        if let Some(piece) = piece {
            if body.len() + piece.len() > most {
                return Err(format!("longer than {most} bytes"));
            }
            body.extend_from_slice(&piece);
        }
        if ended {
            return Ok(body.freeze());
        }
    }
}
