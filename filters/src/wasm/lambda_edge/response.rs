//! A response as a handler sees it, what it made of it, and one of its own.

use bytes::Bytes;
use http::header::{self, HeaderName};
use pingora_http::ResponseHeader;
use serde::Serialize;
use serde_json::{Map, Value};

use super::body::{self, Encoding};
use super::event::Event;
use super::fault::Fault;
use super::headers::{Edit, Fields};
use crate::filter::{Answer, Body, FilterError};

/// A response in an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SeenResponse {
    status: String,
    status_description: String,
    headers: Fields,
}

impl SeenResponse {
    pub(super) fn of(head: &ResponseHeader) -> Self {
        Self {
            status: head.status.as_str().to_owned(),
            status_description: head.get_reason_phrase().unwrap_or("").to_owned(),
            headers: Fields::of_response(head),
        }
    }
}

/// What a handler made of a response.
#[derive(Debug, Default)]
pub struct ResponseChanges {
    status: Option<u16>,
    description: Option<String>,
    headers: Vec<Edit>,
    /// Which fields no longer tell the truth about the body, when there is another.
    untrue: Vec<HeaderName>,
    body: Option<Bytes>,
}

/// Reads the response that a handler made of one.
///
/// # Errors
/// With the rule that it breaks.
pub(super) fn read(
    seen: &SeenResponse,
    returned: &Map<String, Value>,
    event: Event,
) -> Result<ResponseChanges, Fault> {
    let Parts {
        status,
        description,
        headers,
        body,
    } = Parts::read(returned)?;
    let status = Some(status).filter(|status| status.to_string() != seen.status);
    if status.is_some() && event == Event::ViewerResponse {
        return Err(Fault::invalid(
            "the handler changed `status`, which is read-only in viewer-response",
        ));
    }
    let changes = ResponseChanges {
        description: description.filter(|text| *text != seen.status_description),
        headers: seen.headers.changes(&headers, event)?,
        untrue: untrue(body.as_ref().map(|(_, encoding)| *encoding)),
        body: body.map(|(bytes, _)| bytes),
        status,
    };
    let told = changes.status.map(|status| status.to_string());
    changes.fits(told.as_deref().unwrap_or(&seen.status), event)?;
    Ok(changes)
}

/// Reads a response that a handler made in place of going on.
///
/// # Errors
/// With the rule that it breaks.
pub(super) fn generated(returned: &Map<String, Value>, event: Event) -> Result<Answer, Fault> {
    let Parts {
        status,
        description,
        headers,
        body,
    } = Parts::read(returned)?;
    let edits = Fields::default().changes(&headers, event)?;
    let body = body.map(|(bytes, _)| bytes).unwrap_or_default();
    if status == 204 && !body.is_empty() {
        return Err(no_content());
    }
    small_enough(&edits, &body, event)?;
    let wrong = |error: FilterError| Fault::invalid(error.to_string());
    let mut answer = Answer::new(status).map_err(wrong)?;
    if let Some(description) = description {
        describe(&mut answer.head, &description).map_err(wrong)?;
    }
    for edit in edits {
        edit.apply(&mut answer.head).map_err(wrong)?;
    }
    Ok(answer.with_body(body))
}

/// What every response has that a handler writes.
struct Parts {
    status: u16,
    description: Option<String>,
    headers: Fields,
    body: Option<(Bytes, Encoding)>,
}

impl Parts {
    fn read(returned: &Map<String, Value>) -> Result<Self, Fault> {
        Ok(Self {
            status: status(returned)?,
            description: description(returned)?,
            headers: match returned.get("headers") {
                None | Some(Value::Null) => Fields::default(),
                Some(headers) => Fields::read(headers)?,
            },
            body: body::written(returned)?,
        })
    }
}

/// Its status: a text, or a number, which the handlers of the AWS guide write as well.
fn status(returned: &Map<String, Value>) -> Result<u16, Fault> {
    let wrong =
        || Fault::invalid("`status` is not a text of three digits from `\"200\"` to `\"599\"`");
    let status = match returned.get("status") {
        Some(Value::String(text)) if text.len() == 3 => text.parse().map_err(|_| wrong())?,
        Some(Value::Number(number)) => number
            .as_u64()
            .and_then(|number| u16::try_from(number).ok())
            .ok_or_else(wrong)?,
        None => return Err(Fault::invalid("the returned response has no `status`")),
        Some(_) => return Err(wrong()),
    };
    match status {
        200..=599 => Ok(status),
        _ => Err(wrong()),
    }
}

fn description(returned: &Map<String, Value>) -> Result<Option<String>, Fault> {
    let text = match returned.get("statusDescription") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text,
        Some(_) => return Err(Fault::invalid("`statusDescription` is not text")),
    };
    let is_plain = text.len() <= 512 && text.chars().all(|letter| matches!(letter, ' '..='~'));
    match is_plain {
        true => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
        false => Err(Fault::invalid(
            "`statusDescription` is not a line of at most 512 printable ASCII characters",
        )),
    }
}

/// What a text that is new can't be: what tells of the body's bytes before it. Whoever writes base64 knows the bytes, and may
/// have compressed them.
fn untrue(encoding: Option<Encoding>) -> Vec<HeaderName> {
    let of_any = [header::ETAG, header::CONTENT_RANGE, header::ACCEPT_RANGES];
    match encoding {
        None => Vec::new(),
        Some(Encoding::Base64) => of_any.into(),
        Some(Encoding::Text) => of_any
            .into_iter()
            .chain([header::CONTENT_ENCODING])
            .collect(),
    }
}

fn no_content() -> Fault {
    Fault::invalid("a response of status 204 has a `body`")
}

fn small_enough(edits: &[Edit], body: &Bytes, event: Event) -> Result<(), Fault> {
    let size = edits.iter().map(Edit::size).sum::<usize>() + body.len();
    match size <= event.quota() {
        true => Ok(()),
        false => Err(Fault::invalid(format!(
            "the response that the handler made has {size} bytes: {} at most in {}",
            event.quota(),
            event.name()
        ))),
    }
}

fn describe(head: &mut ResponseHeader, description: &str) -> Result<(), FilterError> {
    head.set_reason_phrase(Some(description))
        .map_err(|error| FilterError::new(error.to_string()))
}

impl ResponseChanges {
    fn fits(&self, status: &str, event: Event) -> Result<(), Fault> {
        let Some(body) = &self.body else {
            return Ok(());
        };
        match status {
            "204" if !body.is_empty() => return Err(no_content()),
            "206" => {
                return Err(Fault::invalid(
                    "the handler replaced the body of a part (206): only a whole one can be replaced",
                ));
            }
            _ => {}
        }
        small_enough(&self.headers, body, event)
    }

    /// Changes the response.
    ///
    /// # Errors
    /// When there are too many header fields.
    pub fn apply(self, head: &mut ResponseHeader) -> Result<Body, FilterError> {
        if let Some(status) = self.status {
            head.set_status(status)
                .map_err(|error| FilterError::new(error.to_string()))?;
            // The one before is that of another status.
            head.set_reason_phrase(None)
                .map_err(|error| FilterError::new(error.to_string()))?;
        }
        if let Some(description) = &self.description {
            describe(head, description)?;
        }
        let set: Vec<HeaderName> = self.headers.iter().map(|edit| edit.name.clone()).collect();
        for edit in self.headers {
            edit.apply(head)?;
        }
        for name in self.untrue.iter().filter(|name| !set.contains(name)) {
            head.remove_header(name);
        }
        Ok(match self.body {
            Some(body) if head.status != 304 => Body::Replaced(body),
            _ => Body::Untouched,
        })
    }
}
