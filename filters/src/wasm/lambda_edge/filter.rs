//! The filter that calls a handler.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pingora_http::{RequestHeader, ResponseHeader};

use super::event::Event;
use super::fault::Fault;
use super::handler::Handler;
use super::invocation::{Forwarded, Invocation, Outcome, current};
use super::origin::{Described, NewOrigin, Place, To};
use super::request::{RequestChanges, SeenRequest};
use super::viewer::Viewer;
use crate::elsewhere::Elsewhere;
use crate::exchange::Exchange;
use crate::filter::{Answer, Body, Filter, FilterError, Flow, Phases};

/// From connecting to the last byte of a host that is granted, beside what the handler allows for the first.
const TO_END: Duration = Duration::from_secs(30);

/// Runs a handler.
#[async_trait]
pub trait Guest: Send + Sync {
    /// Calls the handler with an event and gives what it returned; both are JSON.
    ///
    /// # Errors
    /// When it threw an exception, took too long, or can't be called.
    async fn call(&self, exchange: &mut Exchange, event: String) -> Result<String, Fault>;

    /// How it is, for an operator who looks at it while it runs.
    fn status(&self) -> Option<serde_json::Value> {
        None
    }
}

/// A filter that is a handler of Lambda@Edge.
pub struct LambdaEdge {
    handler: Handler,
    guest: Arc<dyn Guest>,
}

/// Left when a handler of `viewer-request` answered, for those of `viewer-response`.
#[derive(Debug, Clone, Copy)]
struct Answered;

/// Left when a handler of `origin-request` answered, for those of `origin-response`.
#[derive(Debug, Clone, Copy)]
struct Generated;

impl LambdaEdge {
    /// The filter that calls `guest` as `handler` says.
    pub fn new(handler: Handler, guest: Arc<dyn Guest>) -> Self {
        Self { handler, guest }
    }

    async fn call(
        &self,
        exchange: &mut Exchange,
        invocation: &Invocation,
    ) -> Result<Outcome, FilterError> {
        let returned = self.guest.call(exchange, invocation.event()).await;
        let outcome = returned.and_then(|returned| invocation.outcome(&self.handler, &returned));
        if let Err(fault) = &outcome {
            exchange.outcomes.push(self.handler.tally(fault));
        }
        Ok(outcome?)
    }

    fn begins(&self, exchange: &Exchange) -> Flow {
        match self.handler.wants_body(exchange) {
            Some(most) => Flow::WantsBody(most),
            None => Flow::Later,
        }
    }

    /// CloudFront's own headers.
    fn viewer(&self, exchange: &Exchange) -> Viewer {
        Viewer::of(&self.handler.viewer_headers, exchange)
    }

    fn answer(&self, exchange: &mut Exchange, answer: Answer) -> Flow {
        exchange.outcomes.push(self.handler.answered.clone());
        answer.flow()
    }

    async fn comes_in(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        if self.handler.geo_in_viewer_request {
            self.viewer(exchange).tell(&mut exchange.request)?;
        }
        let invocation = Invocation::viewer_request(&self.handler, exchange);
        match self.call(exchange, &invocation).await? {
            Outcome::Answer(answer) => {
                exchange.notes.insert(Answered);
                Ok(self.answer(exchange, answer))
            }
            Outcome::Request(changes) => {
                changes.apply(exchange)?;
                self.viewer(exchange).tell(&mut exchange.request)?;
                Ok(Flow::Continue)
            }
            Outcome::Response(_) => Ok(Flow::Continue),
        }
    }

    async fn goes_to_origin(
        &self,
        exchange: &mut Exchange,
        request: &mut RequestHeader,
    ) -> Result<Flow, FilterError> {
        self.viewer(exchange).tell(request)?;
        let invocation = Invocation::origin_request(&self.handler, exchange, request);
        match self.call(exchange, &invocation).await? {
            Outcome::Answer(answer) => {
                exchange.notes.insert(Generated);
                Ok(self.answer(exchange, answer))
            }
            Outcome::Request(changes) => {
                self.send(exchange, request, changes)?;
                Ok(Flow::Continue)
            }
            Outcome::Response(_) => Ok(Flow::Continue),
        }
    }

    /// Sends a request where the handler wants it.
    fn send(
        &self,
        exchange: &mut Exchange,
        request: &mut RequestHeader,
        mut changes: RequestChanges,
    ) -> Result<(), FilterError> {
        let to = changes
            .origin
            .as_mut()
            .map_or(To::Current, NewOrigin::take_to);
        changes.apply_to(exchange, request)?;
        match to {
            To::Current => self.note(exchange, request),
            To::Named(choice) => {
                exchange.chosen.to(choice);
                self.note(exchange, request);
            }
            To::Host(place, described) => {
                exchange.chosen.elsewhere = Some(Arc::new(self.elsewhere(place)));
                note_going_to(exchange, request, Some(described));
            }
        }
        Ok(())
    }

    fn elsewhere(&self, place: Place) -> Elsewhere {
        Elsewhere {
            host: place.host,
            port: place.port,
            tls: place.tls,
            sni: None,
            // The handler's own path and headers are in the head by now.
            prefix: String::new(),
            fields: Vec::new(),
            time: place.timeout + TO_END,
            most: self.handler.response_body,
        }
    }

    fn note(&self, exchange: &mut Exchange, request: &RequestHeader) {
        let described = self.described(exchange).cloned();
        note_going_to(exchange, request, described);
    }

    fn described(&self, exchange: &Exchange) -> Option<&Described> {
        self.handler.known.described(current(exchange)?)
    }

    /// Whether a response is one that `viewer-response` is for.
    fn is_due(&self, exchange: &Exchange, response: &ResponseHeader) -> bool {
        let is_left_out =
            response.status.as_u16() >= 400 || exchange.notes.get::<Answered>().is_some();
        !(self.handler.strict && is_left_out)
    }

    async fn respond(
        &self,
        exchange: &mut Exchange,
        invocation: Invocation,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        match self.call(exchange, &invocation).await? {
            Outcome::Response(changes) => changes.apply(response),
            Outcome::Request(_) | Outcome::Answer(_) => Ok(Body::Untouched),
        }
    }
}

/// Leaves what goes to the origin for handlers of `origin-response`.
fn note_going_to(exchange: &mut Exchange, request: &RequestHeader, to: Option<Described>) {
    let mut seen = SeenRequest::of(exchange, request);
    seen.origin = to;
    exchange.notes.insert(Forwarded(Arc::new(seen)));
}

#[async_trait]
impl Filter for LambdaEdge {
    fn phases(&self) -> Phases {
        self.handler.event.phases()
    }

    fn status(&self) -> Option<serde_json::Value> {
        self.guest.status()
    }

    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        Ok(self.begins(exchange))
    }

    async fn request_later(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        self.comes_in(exchange).await
    }

    fn origin_request(
        &self,
        exchange: &mut Exchange,
        request: &mut RequestHeader,
    ) -> Result<Flow, FilterError> {
        match self.handler.event {
            Event::OriginRequest => Ok(self.begins(exchange)),
            _ => {
                self.note(exchange, request);
                Ok(Flow::Continue)
            }
        }
    }

    async fn origin_request_later(
        &self,
        exchange: &mut Exchange,
        request: &mut RequestHeader,
    ) -> Result<Flow, FilterError> {
        self.goes_to_origin(exchange, request).await
    }

    fn origin_response(
        &self,
        exchange: &mut Exchange,
        _: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        let is_left_out = exchange.notes.get::<Generated>().is_some();
        match self.handler.strict && is_left_out {
            true => Ok(Body::Untouched),
            false => Ok(Body::Later),
        }
    }

    async fn origin_response_later(
        &self,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        let invocation = Invocation::origin_response(&self.handler, exchange, response);
        self.respond(exchange, invocation, response).await
    }

    fn response(
        &self,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        match self.is_due(exchange, response) {
            true => Ok(Body::Later),
            false => Ok(Body::Untouched),
        }
    }

    async fn response_later(
        &self,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        let invocation = Invocation::viewer_response(&self.handler, exchange, response);
        self.respond(exchange, invocation, response).await
    }
}
