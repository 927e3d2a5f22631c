//! A request as a handler sees it, and what it made of it.

use bytes::Bytes;
use http::{Method, Uri, header};
use pingora_http::RequestHeader;
use serde::Serialize;
use serde_json::{Map, Value};

use super::body::{self, SeenBody};
use super::event::Event;
use super::fault::Fault;
use super::headers::{Edit, Fields};
use super::origin::{Described, NewOrigin, Reach};
use crate::exchange::Exchange;
use crate::filter::FilterError;
use crate::target::{normal_path, push_query};

/// Characters of path and query, below this.
const MOST_TARGET: usize = 8192;

/// A request in an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SeenRequest {
    pub(super) client_ip: String,
    pub(super) method: String,
    pub(super) uri: String,
    pub(super) querystring: String,
    pub(super) headers: Fields,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<SeenBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) origin: Option<Described>,
}

impl SeenRequest {
    pub(super) fn of(exchange: &Exchange, head: &RequestHeader) -> Self {
        Self {
            client_ip: exchange.client.ip.to_string(),
            method: head.method.as_str().to_owned(),
            uri: head.uri.path().to_owned(),
            querystring: head.uri.query().unwrap_or("").to_owned(),
            headers: Fields::of_request(head),
            body: None,
            origin: None,
        }
    }
}

/// Whether a request of this method has a body that a handler may see.
pub(super) fn has_body(method: &Method) -> bool {
    !matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE | Method::CONNECT
    )
}

/// What a handler made of a request.
#[derive(Debug, Default)]
pub struct RequestChanges {
    target: Option<Uri>,
    headers: Vec<Edit>,
    body: Option<Bytes>,
    pub(super) origin: Option<NewOrigin>,
}

/// Reads the request that a handler returned.
///
/// # Errors
/// With the rule that it breaks.
pub(super) fn read(
    seen: &SeenRequest,
    returned: &Map<String, Value>,
    event: Event,
    reach: &Reach<'_>,
) -> Result<RequestChanges, Fault> {
    keeps(returned, "method", &seen.method)?;
    keeps(returned, "clientIp", &seen.client_ip)?;
    let headers = match returned.get("headers") {
        Some(headers) => Fields::read(headers)?,
        None => return Err(Fault::invalid("the returned request has no `headers`")),
    };
    let origin = match event {
        Event::OriginRequest => reach.chosen(seen.origin.as_ref(), returned, &headers)?,
        _ => None,
    };
    let edits = seen.headers.changes(&headers, event)?;
    edits.iter().try_for_each(is_host)?;
    Ok(RequestChanges {
        target: target(seen, returned, origin.as_ref())?,
        headers: edits,
        body: body::replaced(returned, seen.body.is_some(), event)?,
        origin,
    })
}

/// What may be left out, but not changed.
fn keeps(returned: &Map<String, Value>, key: &str, before: &str) -> Result<(), Fault> {
    match returned.get(key) {
        None => Ok(()),
        Some(Value::String(text)) if text == before => Ok(()),
        Some(_) => Err(Fault::invalid(format!(
            "the handler changed `{key}`, which is read-only"
        ))),
    }
}

/// `Host` tells who is meant: exactly one, and nothing else.
fn is_host(edit: &Edit) -> Result<(), Fault> {
    if edit.name != header::HOST {
        return Ok(());
    }
    let authority = edit
        .only()
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<http::uri::Authority>().ok());
    match authority {
        Some(authority) if !authority.as_str().contains('@') => Ok(()),
        _ => Err(Fault::invalid(
            "the header `host` is not one host such as `example.com`",
        )),
    }
}

/// The new target, `None` if it stays.
fn target(
    seen: &SeenRequest,
    returned: &Map<String, Value>,
    origin: Option<&NewOrigin>,
) -> Result<Option<Uri>, Fault> {
    let Some(Value::String(uri)) = returned.get("uri") else {
        return Err(Fault::invalid("the returned request has no `uri`"));
    };
    let querystring = match returned.get("querystring") {
        None | Some(Value::Null) => &seen.querystring,
        Some(Value::String(text)) => text,
        Some(_) => return Err(Fault::invalid("`querystring` is not text")),
    };
    let before = origin.map_or("", |origin| origin.path.as_str());
    if *uri == seen.uri && *querystring == seen.querystring && before.is_empty() {
        return Ok(None);
    }
    if uri.chars().count() + querystring.chars().count() + 1 >= MOST_TARGET {
        return Err(Fault::invalid(format!(
            "`uri` and `querystring` have {MOST_TARGET} characters or more"
        )));
    }
    let path = match *uri == seen.uri {
        true => uri.clone(),
        false => path(uri)?,
    };
    let mut target = format!("{before}{path}");
    if *querystring != seen.querystring {
        is_query(querystring)?;
    }
    if !querystring.is_empty() {
        target.push('?');
        push_query(querystring, &mut target);
    }
    target
        .parse()
        .map(Some)
        .map_err(|_| Fault::invalid("`uri` and `querystring` make no request target"))
}

fn path(uri: &str) -> Result<String, Fault> {
    if !uri.starts_with('/') {
        return Err(Fault::invalid("`uri` does not begin with `/`"));
    }
    if uri.contains('?') {
        return Err(Fault::invalid(
            "`uri` has a `?`: a query belongs in `querystring`",
        ));
    }
    normal_path(uri).map_err(|error| Fault::invalid(format!("`uri` is not a path: {error}")))
}

fn is_query(text: &str) -> Result<(), Fault> {
    let is_wrong = |letter: char| letter == ' ' || letter == '#' || letter.is_control();
    match text.contains(is_wrong) {
        true => Err(Fault::invalid(
            "`querystring` has a space, a control character or a `#`: write it percent-encoded",
        )),
        false => Ok(()),
    }
}

impl RequestChanges {
    /// Changes the request that the client sent.
    ///
    /// # Errors
    /// When there are too many header fields.
    pub fn apply(self, exchange: &mut Exchange) -> Result<(), FilterError> {
        if let Some(body) = self.body {
            exchange.replace_body(body);
        }
        change(&mut exchange.request, self.target, self.headers)
    }

    /// Changes the request that goes to the origin.
    ///
    /// # Errors
    /// As for [`RequestChanges::apply`].
    pub fn apply_to(
        self,
        exchange: &mut Exchange,
        request: &mut RequestHeader,
    ) -> Result<(), FilterError> {
        if let Some(body) = self.body {
            exchange.replace_body(body);
        }
        change(request, self.target, self.headers)?;
        if let Some(origin) = self.origin {
            for edit in origin.headers {
                edit.apply(request)?;
            }
        }
        Ok(())
    }
}

fn change(
    head: &mut RequestHeader,
    target: Option<Uri>,
    edits: Vec<Edit>,
) -> Result<(), FilterError> {
    if let Some(target) = target {
        head.set_uri(target);
    }
    edits.into_iter().try_for_each(|edit| edit.apply(head))
}
