//! Refuses requests that are larger or other than a route takes.

use std::num::NonZeroU32;

use http::Method as HttpMethod;
use http::header::{ACCEPT, ALLOW, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, TRANSFER_ENCODING};
use pingora_http::RequestHeader;
use rimward_config::ByteSize;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::exchange::Exchange;
use crate::filter::{
    Answer, BuildError, Builder, Configured, Filter, FilterError, Flow, Phase, Phases,
};
use crate::settings::Method;

/// The most bytes that the request's body may have, left in [`Exchange::notes`] for the request path, which counts
/// what comes and refuses more with 413.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MaxBody(pub u64);

/// Refuses requests that are larger or other than a route takes.
pub(crate) struct RequestLimits {
    max_body: Option<u64>,
    max_uri: Option<usize>,
    max_headers: Option<usize>,
    max_query_params: Option<usize>,
    methods: Option<(Vec<HttpMethod>, HeaderValue)>,
    content_types: Option<(Vec<MediaRange>, HeaderValue)>,
}

/// Settings of `request_limits`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The most bytes of a body, also of one that comes in chunks: 413 for more.
    #[schemars(title = "size")]
    max_body: Option<ByteSize>,
    /// The most bytes of path and query: 414 for more.
    #[schemars(title = "size")]
    max_uri: Option<ByteSize>,
    /// The most header fields: 431 for more.
    max_headers: Option<NonZeroU32>,
    /// The most parameters in the query: 414 for more.
    max_query_params: Option<u32>,
    /// The methods that are taken: 405 for others. HEAD goes with GET.
    methods: Option<Vec<Method>>,
    /// The media types of bodies that are taken, such as `application/json` or `image/*`: 415 for others and for none.
    content_types: Option<Vec<MediaRange>>,
}

/// `type/subtype` or `type/*`, in lower case and without parameters.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct MediaRange(String);

impl TryFrom<String> for MediaRange {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_token = |part: &str| part.parse::<rimward_config::HeaderName>().is_ok();
        match text.split_once('/') {
            Some((kind, subtype)) if kind != "*" && is_token(kind) && is_token(subtype) => {
                Ok(Self(text.to_ascii_lowercase()))
            }
            _ => Err(format!(
                "`{text}` is not a media type: `application/json` or `image/*`, without parameters"
            )),
        }
    }
}

impl JsonSchema for MediaRange {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "MediaRange".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "title": "media type" })
    }
}

impl Configured for RequestLimits {
    const NAME: &'static str = "request_limits";
    const SUMMARY: &'static str = "Refuses requests that are larger or other than a route takes.";
    const EXAMPLE: &'static str = r#"use = "request_limits"
max_body = "1MiB"
max_uri = "2KiB"
max_query_params = 20
methods = ["GET", "POST"]
content_types = ["application/json", "image/*"]
"#;
    type Settings = Settings;

    fn new(settings: Settings, _: &Builder<'_>) -> Result<Self, BuildError> {
        let Settings {
            max_body,
            max_uri,
            max_headers,
            max_query_params,
            methods,
            content_types,
        } = settings;
        let limits = Self {
            max_body: max_body.map(|ByteSize(bytes)| bytes),
            max_uri: max_uri.map(|ByteSize(bytes)| usize::try_from(bytes).unwrap_or(usize::MAX)),
            max_headers: max_headers.map(|count| count.get() as usize),
            max_query_params: max_query_params.map(|count| count as usize),
            methods: methods.map(taken_methods).transpose()?,
            content_types: content_types.map(taken_types).transpose()?,
        };
        if limits.phases() == Phases::NONE {
            return Err(BuildError::at(
                "",
                "nothing is limited: give `max_body`, `methods` or another limit",
            ));
        }
        Ok(limits)
    }
}

fn taken_methods(methods: Vec<Method>) -> Result<(Vec<HttpMethod>, HeaderValue), BuildError> {
    let mut methods: Vec<HttpMethod> = methods.into_iter().map(|Method(method)| method).collect();
    if methods.contains(&HttpMethod::GET) && !methods.contains(&HttpMethod::HEAD) {
        methods.push(HttpMethod::HEAD);
    }
    let names: Vec<&str> = methods.iter().map(HttpMethod::as_str).collect();
    let allow = list_value("methods", &names, "a method such as `GET`")?;
    Ok((methods, allow))
}

fn taken_types(types: Vec<MediaRange>) -> Result<(Vec<MediaRange>, HeaderValue), BuildError> {
    let names: Vec<&str> = types.iter().map(|MediaRange(name)| name.as_str()).collect();
    let accept = list_value(
        "content_types",
        &names,
        "a media type such as `application/json`",
    )?;
    Ok((types, accept))
}

fn list_value(key: &str, names: &[&str], one: &str) -> Result<HeaderValue, BuildError> {
    match HeaderValue::from_str(&names.join(", ")) {
        Ok(value) if !names.is_empty() => Ok(value),
        _ => Err(BuildError::at(
            key,
            format!("nothing would be taken: name {one}"),
        )),
    }
}

impl Filter for RequestLimits {
    fn phases(&self) -> Phases {
        let is_any = self.max_body.is_some()
            || self.max_uri.is_some()
            || self.max_headers.is_some()
            || self.max_query_params.is_some()
            || self.methods.is_some()
            || self.content_types.is_some();
        Phases::NONE.and_if(is_any, Phase::Request)
    }

    fn runs_in_lane(&self) -> bool {
        true
    }

    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        let request = &exchange.request;
        if let Some((methods, allow)) = &self.methods
            && !methods.contains(&request.method)
        {
            return Ok(Answer::refuse(405)?.header(ALLOW, allow.clone())?.flow());
        }
        if self.is_too_long(exchange) {
            return Ok(Answer::refuse(414)?.flow());
        }
        if self
            .max_headers
            .is_some_and(|max| request.headers.len() > max)
        {
            return Ok(Answer::refuse(431)?.flow());
        }
        if let Some((types, accept)) = &self.content_types
            && !is_taken(types, request)
        {
            return Ok(Answer::refuse(415)?.header(ACCEPT, accept.clone())?.flow());
        }
        if let Some(max) = self.max_body {
            if content_length(request).is_some_and(|length| length > max) {
                return Ok(Answer::refuse(413)?.flow());
            }
            // The least of several limits holds.
            let max = exchange
                .notes
                .get::<MaxBody>()
                .map_or(max, |MaxBody(other)| max.min(*other));
            exchange.notes.insert(MaxBody(max));
        }
        Ok(Flow::Continue)
    }
}

impl RequestLimits {
    fn is_too_long(&self, exchange: &Exchange) -> bool {
        let length = || {
            exchange
                .request
                .uri
                .path_and_query()
                .map_or(0, |target| target.as_str().len())
        };
        let parameters = || {
            exchange.query().map_or(0, |query| {
                query.split('&').filter(|pair| !pair.is_empty()).count()
            })
        };
        self.max_uri.is_some_and(|max| length() > max)
            || self.max_query_params.is_some_and(|max| parameters() > max)
    }
}

/// A length that is no number is as good as too long: the strict parser before us lets none through.
fn content_length(request: &RequestHeader) -> Option<u64> {
    let value = request.headers.get(CONTENT_LENGTH)?;
    Some(
        value
            .to_str()
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(u64::MAX),
    )
}

/// Whether the request has no body, or one of a type that is taken.
fn is_taken(types: &[MediaRange], request: &RequestHeader) -> bool {
    let mut values = request.headers.get_all(CONTENT_TYPE).iter();
    match (values.next(), values.next()) {
        (None, _) => !has_body(request),
        (Some(value), None) => {
            let text = value.to_str().unwrap_or("").to_ascii_lowercase();
            let media_type = text.split(';').next().unwrap_or("").trim();
            types.iter().any(|range| range.contains(media_type))
        }
        (Some(_), Some(_)) => false,
    }
}

fn has_body(request: &RequestHeader) -> bool {
    // HTTP/2 needs no header for a body: it is supposed where the method has one as a rule.
    let is_usual = || {
        request.version == http::Version::HTTP_2
            && matches!(
                request.method,
                HttpMethod::POST | HttpMethod::PUT | HttpMethod::PATCH
            )
    };
    match content_length(request) {
        Some(length) => length > 0,
        None => request.headers.contains_key(TRANSFER_ENCODING) || is_usual(),
    }
}

impl MediaRange {
    fn contains(&self, media_type: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(kind) => media_type.starts_with(kind) && media_type.len() > kind.len(),
            None => media_type == self.0,
        }
    }
}

#[cfg(test)]
mod tests;
