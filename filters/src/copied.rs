//! Copies of requests, for whoever asks another origin the same.

use bytes::Bytes;
use http::{Request, header};
use pingora_http::RequestHeader;

/// A request of its own with the same method, target and fields, but for what is about a connection or frames a body.
pub(crate) fn copied(request: &RequestHeader) -> Option<Request<Bytes>> {
    let mut copy = Request::new(Bytes::new());
    *copy.method_mut() = request.method.clone();
    *copy.uri_mut() = request.uri.path_and_query()?.as_str().parse().ok()?;
    *copy.headers_mut() = request.headers.clone();
    for name in [
        header::CONNECTION,
        header::TE,
        header::UPGRADE,
        header::EXPECT,
        header::TRANSFER_ENCODING,
        header::CONTENT_LENGTH,
    ] {
        copy.headers_mut().remove(name);
    }
    Some(copy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_asks_the_same_and_frames_itself() {
        let mut request = RequestHeader::build("POST", b"/a?b", None).unwrap();
        for (name, value) in [
            ("host", "a.example"),
            ("content-length", "3"),
            ("expect", "100-continue"),
        ] {
            request.insert_header(name, value).unwrap();
        }
        let copy = copied(&request).unwrap();
        assert_eq!(
            (copy.method().as_str(), copy.uri().to_string()),
            ("POST", "/a?b".to_owned())
        );
        let names: Vec<_> = copy.headers().keys().map(|name| name.as_str()).collect();
        assert_eq!(names, ["host"]);
    }
}
