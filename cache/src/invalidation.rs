//! What an unsafe request makes stale (RFC 9111 §4.4).

use http::header::{self, HeaderName};
use http::uri::PathAndQuery;
use http::{Method, StatusCode, Uri};
use pingora_http::{RequestHeader, ResponseHeader};

/// The paths with queries, all on the request's own origin, whose objects a response to `request` invalidates: the
/// target's, and those that `Location` and `Content-Location` name. None when the method is safe or the request failed.
pub fn invalidated(
    request: &RequestHeader,
    response: &ResponseHeader,
    scheme: &str,
    host: &str,
) -> Vec<PathAndQuery> {
    if is_safe(&request.method) || !succeeded(response.status) {
        return Vec::new();
    }
    let target = request.uri.path_and_query().cloned();
    let named = [header::LOCATION, header::CONTENT_LOCATION]
        .iter()
        .filter_map(|name| same_origin(request, response, name, scheme, host));
    let mut paths: Vec<PathAndQuery> = target.into_iter().chain(named).collect();
    paths.dedup();
    paths
}

/// Whether a response says that it is what a GET of the request's target would get (RFC 9110 §8.7).
pub fn is_the_targets(
    request: &RequestHeader,
    response: &ResponseHeader,
    scheme: &str,
    host: &str,
) -> bool {
    let named = same_origin(request, response, &header::CONTENT_LOCATION, scheme, host);
    named.is_some() && named.as_ref() == request.uri.path_and_query()
}

/// Methods that change nothing (RFC 9110 §9.2.1). One that is not known might change anything.
fn is_safe(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE | Method::CONNECT
    ) || matches!(method.as_str(), "QUERY" | "PROPFIND" | "REPORT" | "SEARCH")
}

fn succeeded(status: StatusCode) -> bool {
    status.is_success() || status.is_redirection()
}

/// What a field names, when that is on the same origin: nobody may invalidate what is somebody else's.
fn same_origin(
    request: &RequestHeader,
    response: &ResponseHeader,
    name: &HeaderName,
    scheme: &str,
    host: &str,
) -> Option<PathAndQuery> {
    let reference = response.headers.get(name)?.to_str().ok()?;
    let reference = reference.split('#').next()?;
    if !reference.starts_with('/') && !reference.contains("://") {
        return resolve(request.uri.path(), reference);
    }
    let uri: Uri = match reference.strip_prefix("//") {
        Some(rest) => format!("{scheme}://{rest}").parse().ok()?,
        None => reference.parse().ok()?,
    };
    let same_scheme = uri
        .scheme_str()
        .is_none_or(|named| named.eq_ignore_ascii_case(scheme));
    let same_host = uri
        .host()
        .is_none_or(|named| named.eq_ignore_ascii_case(host));
    (same_scheme && same_host)
        .then(|| uri.path_and_query().cloned())
        .flatten()
}

/// A relative reference without dots (RFC 3986 §5.2.3): it stands beside the target's last segment.
fn resolve(target: &str, reference: &str) -> Option<PathAndQuery> {
    if reference.is_empty() || reference.starts_with('.') || reference.contains("/.") {
        return None;
    }
    if reference.starts_with('?') {
        return format!("{target}{reference}").parse().ok();
    }
    let folder = target.rfind('/').map_or("/", |slash| &target[..=slash]);
    format!("{folder}{reference}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(method: &str, status: u16, fields: &[(&'static str, &'static str)]) -> Vec<String> {
        let request = RequestHeader::build(method, b"/dir/a?b", None).unwrap();
        let mut response = ResponseHeader::build(status, None).unwrap();
        for (name, value) in fields {
            response.append_header(*name, *value).unwrap();
        }
        invalidated(&request, &response, "https", "www.example")
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn successful_unsafe_requests_invalidate_their_target() {
        for method in ["POST", "PUT", "DELETE", "PATCH", "FROBNICATE"] {
            assert_eq!(paths(method, 200, &[]), ["/dir/a?b"], "{method}");
            assert_eq!(paths(method, 303, &[]), ["/dir/a?b"], "{method}");
            assert!(paths(method, 404, &[]).is_empty(), "{method}");
            assert!(paths(method, 500, &[]).is_empty(), "{method}");
        }
        for method in ["GET", "HEAD", "OPTIONS", "TRACE"] {
            assert!(paths(method, 200, &[]).is_empty(), "{method}");
        }
    }

    #[test]
    fn what_the_response_names_on_the_same_origin_goes_too() {
        for (location, expected) in [
            ("/c", Some("/c")),
            ("https://WWW.example/c?d", Some("/c?d")),
            ("//www.example/c", Some("/c")),
            ("c", Some("/dir/c")),
            ("?c", Some("/dir/a?c")),
            ("/c#part", Some("/c")),
            ("https://other.example/c", None),
            ("http://www.example/c", None),
            ("//other.example/c", None),
            ("../c", None),
        ] {
            for field in ["location", "content-location"] {
                let expected: Vec<&str> = ["/dir/a?b"].into_iter().chain(expected).collect();
                assert_eq!(
                    paths("POST", 201, &[(field, location)]),
                    expected,
                    "{location}"
                );
            }
        }
    }
}
