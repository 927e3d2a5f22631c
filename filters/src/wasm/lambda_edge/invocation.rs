//! One call of a handler: the event that it gets, and what comes of what it returns.

use std::sync::Arc;

use pingora_http::{RequestHeader, ResponseHeader};
use rimward_config::OriginId;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::body::SeenBody;
use super::event::Event;
use super::fault::Fault;
use super::handler::Handler;
use super::request::{self, RequestChanges, SeenRequest};
use super::response::{self, ResponseChanges, SeenResponse};
use crate::exchange::Exchange;
use crate::filter::Answer;

/// Bytes that a handler may return: a body of 1 MiB in base64, and all that can stand beside it.
const MOST_RETURNED: usize = 4 << 20;

/// One call of a handler: what it is told, which is also what its answer is compared with.
#[derive(Debug, Serialize)]
pub struct Invocation {
    #[serde(skip)]
    event: Event,
    /// Where a request would go.
    #[serde(skip)]
    current: Option<OriginId>,
    config: Config,
    #[serde(serialize_with = "shared")]
    request: Arc<SeenRequest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<SeenResponse>,
}

/// What comes of a call.
#[derive(Debug)]
pub enum Outcome {
    /// The request goes on, changed.
    Request(RequestChanges),
    /// The request is answered.
    Answer(Answer),
    /// The response goes on, changed.
    Response(ResponseChanges),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    distribution_domain_name: String,
    distribution_id: String,
    event_type: &'static str,
    request_id: String,
}

/// The request that went to the origin, as a handler of `origin-response` sees it.
#[derive(Debug, Clone)]
pub(super) struct Forwarded(pub(super) Arc<SeenRequest>);

#[derive(Serialize)]
struct Whole<'i> {
    #[serde(rename = "Records")]
    records: [Record<'i>; 1],
}

#[derive(Serialize)]
struct Record<'i> {
    cf: &'i Invocation,
}

fn shared<S: Serializer>(request: &Arc<SeenRequest>, serializer: S) -> Result<S::Ok, S::Error> {
    SeenRequest::serialize(request, serializer)
}

impl Invocation {
    /// Before the cache is looked up.
    pub fn viewer_request(handler: &Handler, exchange: &Exchange) -> Self {
        let request = seen(handler, exchange, &exchange.request);
        Self::new(handler, exchange, Arc::new(request), None)
    }

    /// Before `head` goes to the origin.
    pub fn origin_request(handler: &Handler, exchange: &Exchange, head: &RequestHeader) -> Self {
        let mut request = seen(handler, exchange, head);
        request.origin = current(exchange)
            .and_then(|id| handler.known.described(id))
            .cloned();
        Self::new(handler, exchange, Arc::new(request), None)
    }

    /// Before what the origin answered is stored.
    pub fn origin_response(handler: &Handler, exchange: &Exchange, head: &ResponseHeader) -> Self {
        let request = match exchange.notes.get::<Forwarded>() {
            Some(Forwarded(request)) => request.clone(),
            None => Arc::new(SeenRequest::of(exchange, &exchange.request)),
        };
        Self::new(handler, exchange, request, Some(SeenResponse::of(head)))
    }

    /// Before a response goes to the client.
    pub fn viewer_response(handler: &Handler, exchange: &Exchange, head: &ResponseHeader) -> Self {
        let request = Arc::new(SeenRequest::of(exchange, &exchange.request));
        Self::new(handler, exchange, request, Some(SeenResponse::of(head)))
    }

    fn new(
        handler: &Handler,
        exchange: &Exchange,
        request: Arc<SeenRequest>,
        response: Option<SeenResponse>,
    ) -> Self {
        let site = || exchange.site.to_string();
        let domain = handler.distribution_domain_name.clone();
        Self {
            event: handler.event,
            current: current(exchange),
            config: Config {
                distribution_domain_name: domain.unwrap_or_else(site),
                distribution_id: handler.distribution_id.clone().unwrap_or_else(site),
                event_type: handler.event.name(),
                request_id: exchange.request_id.clone(),
            },
            request,
            response,
        }
    }

    /// The event, as JSON.
    pub fn event(&self) -> String {
        let whole = Whole {
            records: [Record { cf: self }],
        };
        // It holds texts, numbers and lists alone, which are always JSON.
        serde_json::to_string(&whole).unwrap_or_default()
    }

    /// What comes of what the handler returned, which is JSON.
    ///
    /// # Errors
    /// With the rule that it breaks.
    pub fn outcome(&self, handler: &Handler, returned: &str) -> Result<Outcome, Fault> {
        let returned = object(returned)?;
        let is_response = returned.contains_key("status");
        match (&self.response, is_response) {
            (Some(seen), _) => response::read(seen, &returned, self.event).map(Outcome::Response),
            (None, true) => response::generated(&returned, self.event).map(Outcome::Answer),
            (None, false) => {
                let reach = handler.reach(self.current);
                request::read(&self.request, &returned, self.event, &reach).map(Outcome::Request)
            }
        }
    }
}

fn object(returned: &str) -> Result<Map<String, Value>, Fault> {
    if returned.len() > MOST_RETURNED {
        return Err(Fault::invalid(format!(
            "the handler returned more than {MOST_RETURNED} bytes"
        )));
    }
    match serde_json::from_str(returned) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(Value::Null) => Err(Fault::invalid(
            "the handler returned nothing: it has to return the request or a response",
        )),
        Ok(_) => Err(Fault::invalid(
            "the handler returned neither a request nor a response, but something that is no object",
        )),
        Err(error) => Err(Fault::invalid(format!(
            "what the handler returned is not JSON: {error}"
        ))),
    }
}

fn seen(handler: &Handler, exchange: &Exchange, head: &RequestHeader) -> SeenRequest {
    let mut request = SeenRequest::of(exchange, head);
    if handler.sees_body(exchange) {
        request.body = Some(SeenBody::of(exchange.request_body.as_ref(), handler.event));
    }
    request
}

/// The origin that the request goes to.
pub(super) fn current(exchange: &Exchange) -> Option<OriginId> {
    let Some(choice) = &exchange.chosen.origin else {
        return exchange.origin;
    };
    match &choice.fallback {
        Some(fallback) if exchange.chosen.fell_back => Some(fallback.origin),
        _ => Some(choice.origin),
    }
}
