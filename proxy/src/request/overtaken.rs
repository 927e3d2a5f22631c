//! A request that the fast lane has begun and leaves to the engine: what filters did for it is not done again.

use std::sync::{Arc, Mutex, PoisonError};

use http::header;
use pingora::Result;
use pingora::proxy::Session;
use rimward_cache::encoding::Accepted;
use rimward_filters::{Exchange, WayThere};

use super::begin::forget_ranges_of_rewritten_bodies;
use super::context::Context;
use super::outgoing::Edits;
use crate::listen::BodyFields;
use crate::runtime::{Route, Runtime};

/// What the lane did for a request.
pub(crate) struct Overtaken {
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) route: Arc<Route>,
    /// Whether the other end of the connection is a trusted proxy.
    pub(crate) trusted_peer: bool,
    /// As filters left it.
    pub(crate) exchange: Box<Exchange>,
    /// What they changed in the request.
    pub(crate) edits: Edits,
    /// How far the request phase has come.
    pub(crate) way: WayThere,
    /// Which encoding the client takes, once that was found out.
    pub(crate) accepted: Option<Accepted>,
}

/// An [`Overtaken`] as it travels along with its request, which takes it once.
#[derive(Clone)]
pub(crate) struct Travelling(Arc<Mutex<Option<Box<Overtaken>>>>);

impl Travelling {
    pub(crate) fn new(overtaken: Overtaken) -> Self {
        Self(Arc::new(Mutex::new(Some(Box::new(overtaken)))))
    }

    pub(crate) fn take(&self) -> Option<Box<Overtaken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Overtaken {
    /// Goes on where the lane was. The head in the session has its one form already.
    ///
    /// # Errors
    /// When the head can't be changed as filters did.
    pub(super) fn resume(self, session: &mut Session, ctx: &mut Context) -> Result<()> {
        ctx.host = session.req_header().headers.get(header::HOST).cloned();
        let fields = BodyFields::of(session.req_header());
        self.edits.apply(session.req_header_mut())?;
        fields.put_back(session.req_header_mut())?;
        forget_ranges_of_rewritten_bodies(session, &self.route);
        ctx.trusted_peer = self.trusted_peer;
        ctx.depth = self.route.pipeline.len();
        if let Some(accepted) = self.accepted {
            ctx.compressing.agreed(accepted);
        }
        ctx.runtime = self.runtime;
        ctx.route = Some(self.route);
        ctx.exchange = Some(self.exchange);
        ctx.way = Some(self.way);
        Ok(())
    }
}
