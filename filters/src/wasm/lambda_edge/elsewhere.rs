//! Requests that a handler sends to a host that no origin of the configuration stands for.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, header};
use pingora_http::RequestHeader;

use super::origin::Place;
use super::request::has_body;
use crate::exchange::RequestBody;
use crate::filter::{Answer, FilterError};
use crate::outside::{AskError, Bounds, Outside};

/// From connecting to the last byte, beside what the handler allows for the first.
const TO_END: Duration = Duration::from_secs(30);

/// Asks a host and has its response stored and sent as that of an origin.
///
/// # Errors
/// With 502 when there is no whole response, with 504 when it takes too long.
pub(super) async fn ask(
    outside: &dyn Outside,
    place: &Place,
    head: &RequestHeader,
    body: Option<&RequestBody>,
    most: usize,
) -> Result<Answer, FilterError> {
    let request = request(place, head, body)?;
    let bounds = Bounds {
        time: place.timeout + TO_END,
        body: most,
    };
    let failed = |error: AskError| {
        let status = match error {
            AskError::Timeout(_) => 504,
            _ => 502,
        };
        FilterError::with_status(status, format!("`{}`: {error}", place.host))
    };
    let response = outside.fetch(request, bounds).await.map_err(failed)?;
    let (head, body) = response.into_parts();
    let mut answer = Answer::new(head.status.as_u16())
        .map_err(|error| FilterError::with_status(502, format!("`{}`: {error}", place.host)))?;
    for (name, value) in &head.headers {
        if !is_of_one_hop(&head.headers, name) {
            answer
                .head
                .append_header(name, value)
                .map_err(|_| FilterError::with_status(502, format!("`{name}` can't be added")))?;
        }
    }
    Ok(answer.with_body(body))
}

fn request(
    place: &Place,
    head: &RequestHeader,
    body: Option<&RequestBody>,
) -> Result<Request<Bytes>, FilterError> {
    let body = match body {
        Some(body) if !body.is_whole => {
            let message = "the body is longer than what can be sent to a host that is no origin";
            return Err(FilterError::with_status(413, message));
        }
        Some(body) if has_body(&head.method) => body.bytes.clone(),
        _ => Bytes::new(),
    };
    let scheme = if place.tls { "https" } else { "http" };
    let usual = if place.tls { 443 } else { 80 };
    let port = match place.port {
        port if port == usual => String::new(),
        port => format!(":{port}"),
    };
    let target = head
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let mut request = Request::builder()
        .method(head.method.clone())
        .uri(format!("{scheme}://{}{port}{target}", place.host))
        .body(body)
        .map_err(|error| FilterError::with_status(502, format!("`{}`: {error}", place.host)))?;
    for (name, value) in &head.headers {
        if *name != header::HOST && !is_of_one_hop(&head.headers, name) {
            let added = request.headers_mut().try_append(name, value.clone());
            added.map_err(|_| FilterError::new("there are too many headers"))?;
        }
    }
    Ok(request)
}

/// RFC 9110, section 7.6.1, and what delimits a body.
fn is_of_one_hop(head: &HeaderMap, name: &header::HeaderName) -> bool {
    let is_named = || {
        let members = head.get_all(header::CONNECTION).iter();
        members
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|member| member.trim().eq_ignore_ascii_case(name.as_str()))
    };
    matches!(
        name.as_str(),
        "connection"
            | "content-length"
            | "http2-settings"
            | "keep-alive"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    ) || is_named()
}
