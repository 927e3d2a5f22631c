//! What becomes of a head whose body is replaced: it must say nothing of the body that is gone.

use http::StatusCode;
use http::header::{
    ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderName,
    HeaderValue, LAST_MODIFIED, TRAILER, TRANSFER_ENCODING,
};
use pingora_http::ResponseHeader;

/// Fields that are the edge's to make, or that name bytes which are gone.
const GONE: [HeaderName; 9] = [
    CONTENT_LENGTH,
    TRANSFER_ENCODING,
    TRAILER,
    CONTENT_RANGE,
    ACCEPT_RANGES,
    HeaderName::from_static("digest"),
    HeaderName::from_static("repr-digest"),
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("content-md5"),
];

/// Fields that a filter may set anew for its body.
const DESCRIBING: [HeaderName; 3] = [CONTENT_ENCODING, ETAG, LAST_MODIFIED];

/// What a head said of its body before a filter that may describe another one saw it.
pub(super) struct Described([Option<HeaderValue>; 3]);

impl Described {
    pub(super) fn of(head: &ResponseHeader) -> Self {
        Self(DESCRIBING.map(|name| head.headers.get(name).cloned()))
    }
}

/// Whether a response with this status has a body that can be replaced.
pub(super) fn has_body(status: StatusCode) -> bool {
    !status.is_informational()
        && !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

/// Takes out what the head says of the body that is gone, but for what the filter said of the new one: what is not as it was
/// `before`. A part becomes a whole.
pub(super) fn describe(head: &mut ResponseHeader, before: Option<&Described>) {
    for name in &GONE {
        head.remove_header(name);
    }
    for (index, name) in DESCRIBING.iter().enumerate() {
        let was = before.map(|before| before.0[index].as_ref());
        let is_new = was.is_some_and(|was| head.headers.get(name) != was);
        if !is_new {
            head.remove_header(name);
        }
    }
    if head.status == StatusCode::PARTIAL_CONTENT {
        make_whole(head);
    }
}

fn make_whole(head: &mut ResponseHeader) {
    // What a client did not get a part of, it gets all of (RFC 9110 §14.2).
    if head.set_status(StatusCode::OK).is_ok() && head.set_reason_phrase(None).is_err() {
        debug_assert!(false, "no phrase is always one");
    }
    let kind = head.headers.get(CONTENT_TYPE);
    if kind.is_some_and(|kind| kind.as_bytes().starts_with(b"multipart/byteranges")) {
        head.remove_header(&CONTENT_TYPE);
    }
}
