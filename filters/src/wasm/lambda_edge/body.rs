//! Bodies as handlers see and write them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};

use super::event::Event;
use super::fault::Fault;
use crate::exchange::RequestBody;

/// A request's body in an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SeenBody {
    input_truncated: bool,
    action: &'static str,
    encoding: &'static str,
    data: String,
}

impl SeenBody {
    /// As much of a body as a handler may see. One that did not come is empty.
    pub(super) fn of(body: Option<&RequestBody>, event: Event) -> Self {
        let (bytes, is_whole) =
            body.map_or((&[][..], true), |body| (&body.bytes[..], body.is_whole));
        let seen = &bytes[..bytes.len().min(event.quota())];
        Self {
            input_truncated: !is_whole || seen.len() < bytes.len(),
            action: "read-only",
            encoding: "base64",
            data: STANDARD.encode(seen),
        }
    }
}

/// The body that a handler wrote in place of a request's, if it did.
pub(super) fn replaced(
    request: &Map<String, Value>,
    is_included: bool,
    event: Event,
) -> Result<Option<Bytes>, Fault> {
    let body = match request.get("body") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(body)) => body,
        Some(_) => return Err(Fault::invalid("`body` of the request is not an object")),
    };
    match body.get("action") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(action)) if action == "read-only" => return Ok(None),
        Some(Value::String(action)) if action == "replace" => {}
        Some(_) => {
            return Err(Fault::invalid(
                "`body.action` is neither `read-only` nor `replace`",
            ));
        }
    }
    if !is_included {
        return Err(Fault::invalid(
            "the handler replaced a body that it was not given: `include_body` has to be set, and the method must be one with a body",
        ));
    }
    let encoding = body.get("encoding").unwrap_or(&Value::Null);
    let encoding = Encoding::read(encoding, "body.encoding", Encoding::Base64)?;
    let bytes = encoding.decode(body.get("data"), "body.data")?;
    if bytes.len() > event.quota() {
        return Err(Fault::invalid(format!(
            "the body that replaces the request's has {} bytes: {} at most in {}",
            bytes.len(),
            event.quota(),
            event.name()
        )));
    }
    Ok(Some(bytes))
}

/// The body that a handler wrote for a response, if it did.
pub(super) fn written(response: &Map<String, Value>) -> Result<Option<(Bytes, Encoding)>, Fault> {
    let body = match response.get("body") {
        None | Some(Value::Null) => return Ok(None),
        body => body,
    };
    let encoding = response.get("bodyEncoding").unwrap_or(&Value::Null);
    let encoding = Encoding::read(encoding, "bodyEncoding", Encoding::Text)?;
    Ok(Some((encoding.decode(body, "body")?, encoding)))
}

/// How a body is written in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Text,
    Base64,
}

impl Encoding {
    fn read(value: &Value, key: &str, usual: Self) -> Result<Self, Fault> {
        match value {
            Value::Null => Ok(usual),
            Value::String(text) if text == "text" => Ok(Self::Text),
            Value::String(text) if text == "base64" => Ok(Self::Base64),
            _ => Err(Fault::invalid(format!(
                "`{key}` is neither `text` nor `base64`"
            ))),
        }
    }

    fn decode(self, value: Option<&Value>, key: &str) -> Result<Bytes, Fault> {
        let Some(Value::String(text)) = value else {
            return Err(Fault::invalid(format!("`{key}` is not text")));
        };
        match self {
            Self::Text => Ok(Bytes::from(text.clone())),
            Self::Base64 => STANDARD
                .decode(text)
                .map(Bytes::from)
                .map_err(|_| Fault::invalid(format!("`{key}` is not base64"))),
        }
    }
}
