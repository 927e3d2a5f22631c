//! One slice on its way, or a whole: a request of the edge's own, whose response comes piece by piece.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use pingora::protocols::http::HttpTask;
use pingora::protocols::http::subrequest::server::SubrequestHandle;
use pingora::proxy::subrequest::BodyMode;
use pingora::proxy::{Session, subrequest};
use pingora::{Error, ErrorType, OkOrErr, Result};
use pingora_http::ResponseHeader;
use rimward_cache::Slice;
use rimward_cache::slice::Version;

use super::outcome::Outcome;
use crate::cache::Caching;
use crate::request::context::Context;
use crate::request::copied::Copied;

/// A slice on its way. Dropped, nobody reads it any more; what is being stored of it still is.
pub(in crate::request) struct Fetch {
    /// The slice; of a whole, one as long as any can be.
    pub(super) slice: Slice,
    handle: SubrequestHandle,
    outcome: Arc<OnceLock<Outcome>>,
    ended: bool,
    /// Whether nothing of the client's body is to be handed over any more.
    is_fed: bool,
    /// A piece of it that waits until there is room.
    piece: Option<HttpTask>,
}

/// What the request for a slice carries.
#[derive(Clone)]
pub(in crate::request) struct Carried {
    copied: Arc<Copied>,
    slice: Option<Slice>,
    version: Option<Version>,
    outcome: Arc<OnceLock<Outcome>>,
}

impl Fetch {
    /// Asks for a slice, of this version if one is known.
    ///
    /// # Errors
    /// When the engine lets this request have none of its own.
    pub(super) fn start(
        session: &Session,
        copied: &Arc<Copied>,
        slice: Slice,
        version: Option<Version>,
    ) -> Result<Self> {
        Self::of(session, copied, slice, Some(slice), version)
    }

    /// Asks for the whole.
    ///
    /// # Errors
    /// As for [`Fetch::start`].
    pub(in crate::request) fn whole(session: &Session, copied: &Arc<Copied>) -> Result<Self> {
        Self::of(session, copied, Slice::at(0, u64::MAX), None, None)
    }

    fn of(
        session: &Session,
        copied: &Arc<Copied>,
        slice: Slice,
        asked: Option<Slice>,
        version: Option<Version>,
    ) -> Result<Self> {
        let spawner = session.subrequest_spawner.as_ref();
        let spawner = spawner.or_err(ErrorType::InternalError, "slices can't be asked for")?;
        let outcome = Arc::default();
        let carried = Carried {
            copied: copied.clone(),
            slice: asked,
            version,
            outcome: Arc::clone(&outcome),
        };
        let body = match copied.body {
            Some(_) => BodyMode::ExpectBody,
            None => BodyMode::NoBody,
        };
        let context = subrequest::Ctx::builder()
            .user_ctx(Box::new(carried))
            .body_mode(body)
            .build();
        let (request, handle) = spawner.create_subrequest(session.as_downstream(), context);
        tokio::spawn(request.run());
        Ok(Self {
            slice,
            handle,
            outcome,
            ended: false,
            is_fed: copied.body.is_none(),
            piece: None,
        })
    }

    /// The head of the response, and what became of the request until then.
    ///
    /// # Errors
    /// When there is none, or the client left.
    pub(super) async fn head(&mut self, session: &mut Session) -> Result<Box<ResponseHeader>> {
        loop {
            match self.task(session).await? {
                Some(HttpTask::Header(head, ended)) if !head.status.is_informational() => {
                    self.ended = ended;
                    return Ok(head);
                }
                Some(HttpTask::Failed(error)) => return Err(error),
                Some(_) => {}
                None => return Err(self.failure()),
            }
        }
    }

    /// What became of the request until the head of its response came, or it failed.
    pub(super) fn outcome(&self) -> Option<&Outcome> {
        self.outcome.get()
    }

    /// The next piece of the body; `None` at the end.
    ///
    /// # Errors
    /// When the body ends early, or the client left.
    pub(in crate::request) async fn read(
        &mut self,
        session: &mut Session,
    ) -> Result<Option<Bytes>> {
        while !self.ended {
            match self.task(session).await? {
                Some(HttpTask::Body(piece, ended)) => {
                    self.ended = ended;
                    if let Some(piece) = piece.filter(|piece| !piece.is_empty()) {
                        return Ok(Some(piece));
                    }
                }
                Some(HttpTask::Failed(error)) => return Err(error),
                Some(HttpTask::Done | HttpTask::Trailer(_)) => self.ended = true,
                Some(_) => {}
                None => return Err(self.failure()),
            }
        }
        Ok(None)
    }

    /// The next that comes of the response, unless the client leaves first. What comes of its body meanwhile is handed over.
    async fn task(&mut self, session: &mut Session) -> Result<Option<HttpTask>> {
        loop {
            tokio::select! {
                biased;
                task = self.handle.rx.recv() => return Ok(task),
                place = self.handle.tx.reserve(), if self.piece.is_some() => match (place, self.piece.take()) {
                    (Ok(place), Some(piece)) => place.send(piece),
                    // Nobody reads it any more.
                    _ => self.is_fed = true,
                },
                read = session.as_downstream_mut().read_body_or_idle(self.is_fed), if self.piece.is_none() => {
                    let piece = read.map_err(Error::into_down)?;
                    if self.is_fed {
                        // A client that has sent its request says nothing more but that it leaves.
                        let why = "client sent more than its request";
                        return Error::e_explain(ErrorType::ConnectionClosed, why).map_err(Error::into_down);
                    }
                    self.is_fed = piece.is_none() || session.as_downstream_mut().is_body_done();
                    self.piece = Some(HttpTask::Body(Some(piece.unwrap_or_default()), self.is_fed));
                }
            }
        }
    }

    fn failure(&mut self) -> Box<Error> {
        let told = self.handle.subreq_proxy_error.try_recv();
        told.unwrap_or_else(|_| {
            Error::explain(
                ErrorType::InternalError,
                "a slice ended before its last byte",
            )
        })
    }
}

impl Carried {
    /// What the request for a slice carries; `None` for any other.
    pub(in crate::request) fn of(session: &Session) -> Option<Self> {
        let carried = session.subrequest_ctx.as_ref()?.user_ctx()?;
        carried.downcast_ref::<Self>().cloned()
    }

    /// Puts the client's exchange into the request for a slice as it was after the request phase.
    pub(in crate::request) fn resume(self, session: &mut Session, ctx: &mut Context) {
        ctx.uncount();
        ctx.caching = Caching::of_slice(self.slice, self.version);
        ctx.tells = Some(self.outcome);
        // What is being stored goes on while the client reads slowly.
        session.as_downstream_mut().set_proxy_tasks_enabled(true);
        self.copied.resume(session, ctx);
    }
}
