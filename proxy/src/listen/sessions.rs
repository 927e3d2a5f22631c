//! What sessions that are not the engine's own have in common.

use bytes::Bytes;
use http::header::HOST;
use pingora_http::RequestHeader;

/// How much of a body is kept for a second try, as the engine does for its own sessions.
pub(super) const RETRY: usize = 64 * 1024;

/// The request in a line.
pub(super) fn summary(request: &RequestHeader) -> String {
    let host = request.headers.get(HOST);
    let host = host.map_or(&b""[..], |host| host.as_bytes());
    let path = String::from_utf8_lossy(request.raw_path());
    format!(
        "{} {path}, Host: {}",
        request.method,
        String::from_utf8_lossy(host)
    )
}

/// What a request of our own in the background is made from: always HTTP/1.1, whatever version the head carries.
pub(super) fn raw_head(request: &RequestHeader) -> Bytes {
    let mut raw = Vec::with_capacity(512);
    raw.extend_from_slice(request.method.as_str().as_bytes());
    raw.push(b' ');
    raw.extend_from_slice(request.raw_path());
    raw.extend_from_slice(b" HTTP/1.1\r\n");
    let authority = request.uri.authority();
    if let Some(authority) = authority.filter(|_| !request.headers.contains_key(HOST)) {
        raw.extend_from_slice(format!("host: {authority}\r\n").as_bytes());
    }
    for (name, value) in &request.headers {
        raw.extend_from_slice(name.as_str().as_bytes());
        raw.extend_from_slice(b": ");
        raw.extend_from_slice(value.as_bytes());
        raw.extend_from_slice(b"\r\n");
    }
    raw.extend_from_slice(b"\r\n");
    raw.into()
}
