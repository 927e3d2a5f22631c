//! Bodies on their way into a function and out of it, as they come.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use rimward_config::FunctionLimits;
use tokio::time::{Instant, Sleep, sleep_until};
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;
use wasmtime_wasi_http::{Error, WasiBody};

use super::leash::Leash;
use super::run::Outcome;

/// The body of a request, on its way to the guest.
pub(super) struct Incoming<B> {
    body: Pin<Box<B>>,
    reading: Arc<Reading>,
}

/// How far the guest has come with reading the request: its time for a response begins anew with each part that it got, and
/// does not pass while it waits for the client.
pub(super) struct Reading(Mutex<Wait>);

#[derive(Clone, Copy)]
enum Wait {
    /// The guest has had what was there since then.
    Guest(Instant),
    /// The guest has asked for more than is there.
    Client,
}

impl<B> Incoming<B>
where
    B: Body<Data = Bytes> + Send + 'static,
{
    /// The same request, and how far its body was read.
    pub(super) fn watch(request: Request<B>) -> (Request<WasiBody>, Arc<Reading>) {
        let reading = Arc::new(Reading(Mutex::new(Wait::Guest(Instant::now()))));
        let watched = request.map(|body| {
            let body = Self {
                body: Box::pin(body),
                reading: reading.clone(),
            };
            body.boxed_unsync()
        });
        (watched, reading)
    }
}

impl<B: Body<Data = Bytes>> Body for Incoming<B> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.get_mut();
        let polled = this.body.as_mut().poll_frame(context);
        this.reading.set(match polled {
            Poll::Pending => Wait::Client,
            Poll::Ready(_) => Wait::Guest(Instant::now()),
        });
        polled.map_err(|_| Error::ConnectionTerminated)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Reading {
    /// When a guest that does nothing from now on has taken `limit`.
    pub(super) fn deadline(&self, limit: Duration) -> Instant {
        let wait = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match wait {
            Wait::Guest(since) => since + limit,
            Wait::Client => Instant::now() + limit,
        }
    }

    fn set(&self, wait: Wait) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = wait;
    }
}

/// The body of a function's response, as the guest makes it. Dropped before its end, it ends the guest.
pub struct FunctionBody {
    body: HyperOutgoingBody,
    /// Until all was read.
    leash: Option<Leash>,
    /// Bytes that may still come.
    left: u64,
    /// Bytes that are still to come, where the head tells.
    missing: Option<u64>,
    /// Whether it matters that it is whole.
    is_wanted: bool,
    patience: Patience,
}

/// Why a body is not whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The guest failed, or gave it up.
    #[error("the function broke off its response")]
    Broken,
    /// It is longer than it may be.
    #[error("the function's response is too long")]
    TooLong,
    /// The next part did not come in time.
    #[error("the function took too long")]
    Timeout,
}

impl FunctionBody {
    pub(super) fn new(
        body: HyperOutgoingBody,
        leash: Leash,
        length: Option<u64>,
        limits: &FunctionLimits,
    ) -> Self {
        let mut body = Self {
            body,
            leash: Some(leash),
            left: limits.response_body,
            missing: length,
            is_wanted: true,
            patience: Patience::new(limits.wall),
        };
        // Nobody reads a body that is known to be empty.
        if length == Some(0) || body.is_end_stream() {
            body.release();
        }
        body
    }

    /// Reads it beside, and gives an empty one in its place.
    pub(super) fn read_in_vain(mut self) -> Self {
        let limit = self.patience.limit;
        self.is_wanted = false;
        tokio::spawn(async move { while let Some(Ok(_)) = self.frame().await {} });
        let nothing = http_body_util::Empty::new().map_err(|never| match never {});
        Self {
            body: nothing.boxed_unsync(),
            leash: None,
            left: 0,
            missing: None,
            is_wanted: false,
            patience: Patience::new(limit),
        }
    }

    fn release(&mut self) {
        if let Some(leash) = self.leash.take() {
            leash.release();
        }
    }

    fn cut(&mut self, outcome: Outcome, error: BodyError) -> BodyError {
        if let Some(leash) = self.leash.take() {
            leash.cut(outcome);
        }
        error
    }

    fn take(&mut self, frame: &Frame<Bytes>) -> Result<(), BodyError> {
        let length = frame.data_ref().map_or(0, Bytes::len) as u64;
        match self.left.checked_sub(length) {
            Some(left) => self.left = left,
            None => return Err(self.cut(Outcome::TooLong, BodyError::TooLong)),
        }
        if let Some(missing) = &mut self.missing {
            *missing = missing.saturating_sub(length);
            if *missing == 0 {
                self.release();
            }
        }
        Ok(())
    }
}

impl Body for FunctionBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let Poll::Ready(next) = Pin::new(&mut this.body).poll_frame(context) else {
            ready!(this.patience.poll(context));
            return Poll::Ready(Some(Err(this.cut(Outcome::Timeout, BodyError::Timeout))));
        };
        this.patience.over();
        Poll::Ready(match next {
            Some(Ok(frame)) => Some(this.take(&frame).map(|()| frame)),
            Some(Err(_)) if !this.is_wanted => {
                this.release();
                None
            }
            Some(Err(_)) => Some(Err(this.cut(Outcome::Unfinished, BodyError::Broken))),
            None if this.leash.as_ref().is_some_and(Leash::guest_failed) => {
                this.leash = None;
                Some(Err(BodyError::Broken))
            }
            None => {
                this.release();
                None
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Bounds each wait for the next part.
struct Patience {
    limit: Duration,
    since: Option<Instant>,
    /// Kept from wait to wait, and moved only when it fires early.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    fn new(limit: Duration) -> Self {
        Self {
            limit,
            since: None,
            sleep: None,
        }
    }

    fn over(&mut self) {
        self.since = None;
    }

    /// Ready when the wait has lasted too long.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let deadline = *self.since.get_or_insert_with(Instant::now) + self.limit;
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        loop {
            ready!(sleep.as_mut().poll(context));
            if sleep.deadline() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
    }
}
