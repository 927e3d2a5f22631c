//! The whole contract of a filter on one page.
//!
//! A filter is built once from the configuration and shared by all requests. What it must remember from one phase
//! of an exchange to the next goes into [`Exchange::notes`], never into the filter.
//!
//! A phase that has to wait, or to compute for long, says `Later` and is called again as `…_later`.

mod answer;
mod builder;
mod kind;
mod secret;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use pingora_http::{RequestHeader, ResponseHeader};

use crate::exchange::Exchange;
use crate::wasm::Versions;

pub use answer::Answer;
pub use builder::{BuildError, Builder};
pub use kind::{Build, FilterKind};
pub use secret::Secret;

/// One step of a route's pipeline.
///
/// Every phase does nothing unless a filter says otherwise. Conventions that the signatures can't tell:
///
/// * No phase may block: what waits goes into [`Filter::request_later`].
/// * No phase may panic, whatever the client or the origin sent.
/// * A header-only phase that has nothing to do for a request allocates nothing.
#[async_trait]
pub trait Filter: Send + Sync {
    /// The phases this filter has something to do in. The others are never called.
    fn phases(&self) -> Phases;

    /// The response phases in which it may return [`Body::Rewritten`]. Clients then get no ranges of the route's bodies.
    fn rewrites(&self) -> Phases {
        Phases::NONE
    }

    /// The response phases in which it says itself how a body that it [replaces](Body::Replaced) is encoded and by which tag and
    /// date it is known. In others the edge takes out what the head says of that.
    fn replaces(&self) -> Phases {
        Phases::NONE
    }

    /// Whether it may return [`Body::Held`] in the response phase. Clients then get no ranges of the route's bodies.
    fn holds(&self) -> bool {
        false
    }

    /// Whether it may run on the fast lane, where nobody can wait for a response: its [`Filter::response`] says neither
    /// [`Body::Later`] nor [`Body::Held`], and rewrites nothing. Its request phase may wait; what was done of that on the lane is not
    /// done again. Routes whose filters all may answer hits, and what filters answer, without the engine.
    fn runs_in_lane(&self) -> bool {
        false
    }

    /// The configuration that it is of serves from now on. May write files.
    fn opens(&self) {}

    /// Its versions, if it is code that can be deployed.
    fn versions(&self) -> Option<Arc<Versions>> {
        None
    }

    /// How it is, for an operator who looks at it while it runs; `None` when there is nothing to tell.
    fn status(&self) -> Option<serde_json::Value> {
        None
    }

    /// Changes it while it runs, as an operator wants it. What is changed outlives reloads, not the process.
    ///
    /// # Errors
    /// With what would have been right.
    fn change(&self, wanted: &serde_json::Value) -> Result<(), String> {
        let _ = wanted;
        Err("nothing of this filter can be changed while it runs".to_owned())
    }

    /// Whether it wants to know when an exchange is over.
    fn logs(&self) -> bool {
        false
    }

    /// An exchange is over, and can't be changed any more but for what the access log has of it.
    fn log(&self, exchange: &mut Exchange, summary: &Summary) {
        let _ = (exchange, summary);
    }

    /// Before the cache is looked up. May change the request or answer it.
    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        let _ = exchange;
        Ok(Flow::Continue)
    }

    /// The rest of [`Filter::request`] after it returned [`Flow::Later`] or [`Flow::WantsBody`].
    async fn request_later(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        let _ = exchange;
        Ok(Flow::Continue)
    }

    /// Before a request goes to the origin, which gets `request`; the client's own stays as it is. Runs once, however many
    /// servers are tried then. An answer takes the place of the origin's: it is stored by the same rules.
    fn origin_request(
        &self,
        exchange: &mut Exchange,
        request: &mut RequestHeader,
    ) -> Result<Flow, FilterError> {
        let _ = (exchange, request);
        Ok(Flow::Continue)
    }

    /// The rest of [`Filter::origin_request`] after it returned [`Flow::Later`] or [`Flow::WantsBody`].
    async fn origin_request_later(
        &self,
        exchange: &mut Exchange,
        request: &mut RequestHeader,
    ) -> Result<Flow, FilterError> {
        let _ = (exchange, request);
        Ok(Flow::Continue)
    }

    /// Before the origin's response is stored: what is changed here is stored.
    fn origin_response(
        &self,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        let _ = (exchange, response);
        Ok(Body::Untouched)
    }

    /// The rest of [`Filter::origin_response`] after it returned [`Body::Later`].
    async fn origin_response_later(
        &self,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        let _ = (exchange, response);
        Ok(Body::Untouched)
    }

    /// Before a response, from the cache or not, goes to the client: what is changed here is not stored.
    fn response(
        &self,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        let _ = (exchange, response);
        Ok(Body::Untouched)
    }

    /// The rest of [`Filter::response`] after it returned [`Body::Later`].
    async fn response_later(
        &self,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        let _ = (exchange, response);
        Ok(Body::Untouched)
    }
}

/// What an exchange was, told when it is over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// The status that the client got.
    pub status: u16,
    /// Bytes of the body that were sent.
    pub bytes_sent: u64,
    /// From the request's head to the last byte.
    pub duration: Duration,
    /// From asking the origin to its response's head, if it was asked.
    pub origin: Option<Duration>,
    /// Why it did not end well.
    pub error: Option<String>,
}

/// A point in an exchange where filters run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Every request, before the cache.
    Request,
    /// What goes to the origin.
    OriginRequest,
    /// What comes from the origin.
    OriginResponse,
    /// Every response.
    Response,
}

impl Phase {
    /// All four, in the order of an exchange.
    pub const ALL: [Self; 4] = [
        Self::Request,
        Self::OriginRequest,
        Self::OriginResponse,
        Self::Response,
    ];

    /// Its name in logs, metrics and the manual.
    pub fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::OriginRequest => "origin_request",
            Self::OriginResponse => "origin_response",
            Self::Response => "response",
        }
    }
}

/// A set of [`Phase`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Phases(u8);

impl Phases {
    /// No phase.
    pub const NONE: Self = Self(0);

    /// This set and one more phase.
    #[must_use]
    pub const fn and(self, phase: Phase) -> Self {
        Self(self.0 | 1 << phase as u8)
    }

    /// This set, and one more phase if `condition` holds.
    #[must_use]
    pub const fn and_if(self, condition: bool, phase: Phase) -> Self {
        if condition { self.and(phase) } else { self }
    }

    /// The set of one phase.
    pub const fn only(phase: Phase) -> Self {
        Self::NONE.and(phase)
    }

    /// Whether `phase` is in the set.
    pub const fn contains(self, phase: Phase) -> bool {
        self.0 & (1 << phase as u8) != 0
    }
}

/// How a request goes on after a filter.
#[derive(Debug)]
pub enum Flow {
    /// With the next filter.
    Continue,
    /// Not at all: this is the response. The filters before this one still see it in their response phase.
    Answer(Box<Answer>),
    /// With the same filter's phase that may wait.
    Later,
    /// As [`Flow::Later`], when the request's body has come, or more of it than this many bytes, at most 16 MiB: it is in
    /// [`Exchange::request_body`] then, and goes to the origin all the same. Where the response is held or put together, the
    /// origin request phase can have no more than 64 KiB.
    WantsBody(usize),
}

/// What a filter wants to do with the body of a response.
pub enum Body {
    /// Nothing, which costs nothing.
    Untouched,
    /// Rewrite it: the edge then drops `Content-Length`, strong validators and ranges of the response.
    Rewritten(Box<dyn BodyRewriter>),
    /// This body in its place, whatever the status. The edge sets its length and takes out what the head says of the body that is
    /// gone, but for what the filter said anew of the other one ([`Filter::replaces`]); who asked for a part gets the whole. It need
    /// not be among those that [`Filter::rewrites`] tells. Where there is no body, as in a 204 or a 304, none is replaced.
    Replaced(Bytes),
    /// Look at it as it passes, which changes nothing of the response.
    Watched(Box<dyn BodyWatcher>),
    /// Have it whole, while the head waits: for filters that [`Filter::holds`], in the response phase.
    Held(Box<dyn BodyHolder>),
    /// To be asked again by the same filter's phase that may wait.
    Later,
}

/// Takes a whole body, and the head that was held back for it. Lives as long as that response.
#[async_trait]
pub trait BodyHolder: Send + Sync {
    /// How many bytes it waits for at most.
    fn most(&self) -> usize;

    /// Takes the body, and returns what is sent in its place; `None` sends what came. When there is more of it than
    /// [`BodyHolder::most`], `is_whole` is false, `body` its beginning, and it can't be replaced.
    ///
    /// # Errors
    /// When the response can't be sent.
    async fn whole(
        self: Box<Self>,
        exchange: &mut Exchange,
        head: &mut ResponseHeader,
        body: &Bytes,
        is_whole: bool,
    ) -> Result<Option<Bytes>, FilterError>;
}

/// Looks at one body as it passes. Lives as long as that response; dropped before [`BodyWatcher::end`], the body was cut off.
pub trait BodyWatcher: Send + Sync {
    /// The next bytes.
    fn chunk(&mut self, bytes: &Bytes);

    /// The last bytes have passed.
    fn end(&mut self);
}

/// Rewrites one body as it passes. Lives as long as that response.
pub trait BodyRewriter: Send + Sync {
    /// Takes the next bytes and returns what can be passed on by now.
    ///
    /// # Errors
    /// When the body can't be rewritten: the response is cut off, and nothing of it is stored.
    fn chunk(&mut self, bytes: Bytes) -> Result<Bytes, FilterError>;

    /// Returns what is left after the last bytes.
    ///
    /// # Errors
    /// As for [`BodyRewriter::chunk`].
    fn end(&mut self) -> Result<Bytes, FilterError> {
        Ok(Bytes::new())
    }
}

/// A filter could not do its work for this exchange; what happens then is the filter's `on_error`.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct FilterError {
    reason: String,
    /// What the client gets of it unless `on_error` says otherwise.
    status: u16,
}

impl FilterError {
    /// An error for the log: lower case, no full stop, values in backticks, no secrets.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            status: 500,
        }
    }

    /// The same where what the filter needs is not to be had for now: unless `on_error` says otherwise, the client gets 503.
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::with_status(503, reason)
    }

    /// The same where the client gets another status than 500 unless `on_error` says otherwise: one from 500 to 599.
    pub fn with_status(status: u16, reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            status,
        }
    }

    /// The status that tells a client of it.
    pub fn status(&self) -> u16 {
        self.status
    }
}

/// A filter that can be named in a configuration by `use = "NAME"`.
pub trait Configured: Filter + Sized + 'static {
    /// Its name.
    const NAME: &'static str;
    /// What it does, in a sentence.
    const SUMMARY: &'static str;
    /// A piece of configuration that works as it stands; the manual shows it and a test builds it.
    const EXAMPLE: &'static str;
    /// The default of `on_error`: whether a fault of this filter may be skipped.
    const SAFE_TO_SKIP: bool = false;
    /// Its settings. Each field's doc comment is the manual; `deny_unknown_fields` is required.
    type Settings: serde::de::DeserializeOwned + schemars::JsonSchema;

    /// Builds the filter.
    ///
    /// # Errors
    /// With the settings' key and what would have been right.
    fn new(settings: Self::Settings, builder: &Builder<'_>) -> Result<Self, BuildError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_to_be_had_for_now_is_told_apart() {
        assert_eq!(FilterError::new("broken").status(), 500);
        assert_eq!(FilterError::unavailable("no keys yet").status(), 503);
        assert_eq!(FilterError::with_status(502, "not JSON").status(), 502);
    }

    #[test]
    fn a_set_of_phases_holds_what_was_put_in() {
        let phases = Phases::only(Phase::Request)
            .and_if(true, Phase::Response)
            .and_if(false, Phase::OriginRequest);
        let held = Phase::ALL.map(|phase| phases.contains(phase));
        assert_eq!(held, [true, false, false, true]);
    }
}
