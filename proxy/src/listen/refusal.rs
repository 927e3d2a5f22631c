//! What a request is refused with before anything acts on it.

use std::time::SystemTime;

use bytes::Bytes;
use http::StatusCode;

use crate::framing::{Flaw, FlawKind};

/// Why a request is refused, and with which status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{status}: {reason}")]
pub struct Refusal {
    /// The status of the response.
    pub status: u16,
    /// What was wrong, for the log and for the client.
    pub reason: &'static str,
}

impl Refusal {
    /// A refusal with any status.
    pub const fn new(status: u16, reason: &'static str) -> Self {
        Self { status, reason }
    }

    /// 400: the request is malformed or could be read in two ways.
    pub(super) const fn bad(reason: &'static str) -> Self {
        Self::new(400, reason)
    }

    /// The refusal behind an error of the engine, if the listener caused it by ending a request body.
    pub fn of(error: &pingora::Error) -> Option<Self> {
        let cause = error.cause.as_deref()?;
        let refusal = match cause.downcast_ref::<std::io::Error>() {
            Some(io) => io.get_ref()?.downcast_ref::<Self>(),
            None => cause.downcast_ref::<Self>(),
        };
        refusal.copied()
    }

    /// The same as an I/O error, so that it can pass through the engine.
    pub(super) fn into_io(self) -> std::io::Error {
        std::io::Error::other(self)
    }

    /// The name of the status as in the status line.
    fn phrase(self) -> &'static str {
        StatusCode::from_u16(self.status)
            .ok()
            .and_then(|status| status.canonical_reason())
            .unwrap_or("Refused")
    }

    /// A complete HTTP/1.1 response that ends the connection.
    pub(super) fn response(self, page: Option<Page>, with_body: bool) -> Vec<u8> {
        let page = page.unwrap_or_else(|| self.plain_page());
        let mut response = format!(
            "HTTP/1.1 {} {}\r\nDate: {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n",
            self.status,
            self.phrase(),
            httpdate::fmt_http_date(SystemTime::now()),
            page.content_type,
            page.body.len(),
        )
        .into_bytes();
        if with_body {
            response.extend_from_slice(&page.body);
        }
        response
    }

    /// The page for those who have none of their own.
    fn plain_page(self) -> Page {
        let body = format!("{} {}\n{}\n", self.status, self.phrase(), self.reason);
        Page {
            content_type: "text/plain; charset=utf-8",
            body: Bytes::from(body),
        }
    }
}

impl From<Flaw> for Refusal {
    fn from(flaw: Flaw) -> Self {
        let status = match flaw.kind {
            FlawKind::Malformed => 400,
            FlawKind::BodyTooLarge => 413,
            FlawKind::FirstLineTooLong => 414,
            FlawKind::FieldsTooLarge => 431,
            FlawKind::Unimplemented => 501,
        };
        Self::new(status, flaw.reason)
    }
}

/// The body of an error response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Its media type.
    pub content_type: &'static str,
    /// Its bytes.
    pub body: Bytes,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn response_is_complete_and_ends_the_connection() {
        let response = Refusal::bad("a bare LF ends a line").response(None, true);
        let text = String::from_utf8(response).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n"));
        assert!(head.contains("\r\nConnection: close"));
        assert!(head.contains(&format!("\r\nContent-Length: {}", body.len())));
        assert_eq!(body, "400 Bad Request\na bare LF ends a line\n");
    }

    #[test]
    fn response_to_head_has_no_body() {
        let page = Page {
            content_type: "text/html",
            body: Bytes::from_static(b"<p>no"),
        };
        let text = String::from_utf8(Refusal::new(414, "x").response(Some(page), false)).unwrap();
        assert!(text.contains("Content-Length: 5\r\n"));
        assert!(text.ends_with("\r\n\r\n"));
    }

    #[test]
    fn refusal_is_found_behind_an_error_of_the_engine() {
        let refusal = Refusal::new(408, "slow");
        let error =
            pingora::Error::because(pingora::ErrorType::ReadError, "body", refusal.into_io());
        assert_eq!(Refusal::of(&error), Some(refusal));
        assert_eq!(
            Refusal::of(&pingora::Error::new(pingora::ErrorType::ReadError)),
            None
        );
    }
}
