//! The rules of HTTP/1.1 heads for those of HTTP/2.

use http::Method;
use http::header::{
    CONNECTION, CONTENT_LENGTH, HOST, HeaderName, HeaderValue, TE, TRANSFER_ENCODING, UPGRADE,
};
use pingora_http::RequestHeader;
use rimward_config::ListenerLimits;

use crate::framing::{check_value, content_length};
use crate::listen::authority;
use crate::listen::head::check_target_bytes;
use crate::listen::refusal::Refusal;

/// Refuses an HTTP/2 request head that could be read in two ways, or that is beyond the bounds. What the framing layer has
/// refused already (pseudo-headers out of place, names in upper case) is not looked at again.
pub(super) fn check_h2_head(
    request: &RequestHeader,
    limits: &ListenerLimits,
) -> Result<(), Refusal> {
    if request.method == Method::CONNECT {
        return Err(Refusal::new(405, "CONNECT is for proxies"));
    }
    check_authority(request)?;
    check_path(request, limits)?;
    check_sizes(request, limits)?;
    check_fields(request, limits)
}

fn check_authority(request: &RequestHeader) -> Result<(), Refusal> {
    if !matches!(request.uri.scheme_str(), Some("http" | "https")) {
        return Err(Refusal::bad("`:scheme` is neither http nor https"));
    }
    let named = request
        .uri
        .authority()
        .map(|authority| authority.as_str().as_bytes());
    let mut hosts = request.headers.get_all(HOST).iter();
    let (host, second) = (hosts.next().map(HeaderValue::as_bytes), hosts.next());
    if second.is_some() {
        return Err(Refusal::bad("several Host fields"));
    }
    let authority = named
        .or(host)
        .ok_or(Refusal::bad("neither `:authority` nor Host"))?;
    authority::check(authority)?;
    match host {
        Some(host) if !host.eq_ignore_ascii_case(authority) => {
            Err(Refusal::bad("Host differs from `:authority`"))
        }
        _ => Ok(()),
    }
}

fn check_path(request: &RequestHeader, limits: &ListenerLimits) -> Result<(), Refusal> {
    let path = request.raw_path();
    if path.len() > limits.max_target_bytes {
        return Err(Refusal::new(414, "request target is too long"));
    }
    check_target_bytes(path)?;
    match path {
        b"*" if request.method == Method::OPTIONS => Ok(()),
        [b'/', ..] => Ok(()),
        _ => Err(Refusal::bad("`:path` does not begin with `/`")),
    }
}

/// The size of a list as RFC 9113 (section 6.5.2) counts it, and each cookie crumb as a field.
fn check_sizes(request: &RequestHeader, limits: &ListenerLimits) -> Result<(), Refusal> {
    if request.headers.len() > limits.max_headers {
        return Err(Refusal::new(431, "too many header fields"));
    }
    let fields: usize = request
        .headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 32)
        .sum();
    if fields + request.raw_path().len() > limits.max_header_bytes {
        return Err(Refusal::new(431, "head is too large"));
    }
    Ok(())
}

fn check_fields(request: &RequestHeader, limits: &ListenerLimits) -> Result<(), Refusal> {
    const HOP: [HeaderName; 3] = [CONNECTION, TRANSFER_ENCODING, UPGRADE];
    let is_hop = |name: &HeaderName| {
        HOP.contains(name) || matches!(name.as_str(), "keep-alive" | "proxy-connection")
    };
    for (name, value) in &request.headers {
        check_value(value.as_bytes())?;
        if is_hop(name) {
            return Err(Refusal::bad("field of HTTP/1.1 connections in HTTP/2"));
        }
        if matches!(name.as_str(), "content_length" | "transfer_encoding") {
            return Err(Refusal::bad("field name looks like a framing field"));
        }
        if name == TE && !value.as_bytes().eq_ignore_ascii_case(b"trailers") {
            return Err(Refusal::bad("TE is not `trailers`"));
        }
    }
    let mut lengths = request.headers.get_all(CONTENT_LENGTH).iter();
    match (lengths.next(), lengths.next()) {
        (Some(_), Some(_)) => Err(Refusal::bad("several Content-Length fields")),
        (Some(length), None) => {
            content_length(length.as_bytes(), limits.max_body)?;
            Ok(())
        }
        (None, _) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use http::{Uri, Version};

    use super::*;
    use crate::listen::tests::limits;

    fn request(method: &str, uri: &str, fields: &[(&str, &str)]) -> RequestHeader {
        let mut builder = http::Request::builder()
            .method(method)
            .uri(uri.parse::<Uri>().unwrap())
            .version(Version::HTTP_2);
        for (name, value) in fields {
            builder = builder.header(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        builder.body(()).unwrap().into_parts().0.into()
    }

    fn status(method: &str, uri: &str, fields: &[(&str, &str)]) -> u16 {
        check_h2_head(&request(method, uri, fields), &limits())
            .map_or_else(|refusal| refusal.status, |()| 200)
    }

    #[test]
    fn heads_are_judged_as_those_of_http_1() {
        let long = format!("https://a/{}", "a".repeat(9000));
        let crumbs = vec![("cookie", "a=b"); 200];
        type Case<'a> = (u16, &'a str, &'a str, &'a [(&'a str, &'a str)]);
        let cases: &[Case<'_>] = &[
            (200, "GET", "https://a/b?c", &[]),
            (
                200,
                "GET",
                "http://a:80/",
                &[("host", "A:80"), ("te", "trailers")],
            ),
            (200, "OPTIONS", "https://a/*", &[]),
            (200, "POST", "https://a/", &[("content-length", "5")]),
            (400, "GET", "/", &[("host", "a")]),
            (400, "GET", "ftp://a/", &[]),
            (400, "GET", "https://a/", &[("host", "b")]),
            (400, "GET", "https://a/", &[("host", "a"), ("host", "a")]),
            (400, "GET", "https://a;b/", &[]),
            (400, "GET", "https://u@a/", &[]),
            (400, "GET", "https://a/", &[("connection", "close")]),
            (
                400,
                "GET",
                "https://a/",
                &[("transfer-encoding", "chunked")],
            ),
            (400, "GET", "https://a/", &[("te", "gzip")]),
            (
                400,
                "POST",
                "https://a/",
                &[("content-length", "5"), ("content-length", "5")],
            ),
            (400, "POST", "https://a/", &[("content-length", "+5")]),
            (405, "CONNECT", "https://a/", &[]),
            (
                413,
                "POST",
                "https://a/",
                &[("content-length", "9999999999")],
            ),
            (414, "GET", &long, &[]),
            (431, "GET", "https://a/", &crumbs),
        ];
        for (wanted, method, uri, fields) in cases {
            let fields: &[_] = fields;
            assert_eq!(
                status(method, uri, fields),
                *wanted,
                "{method} {} {fields:?}",
                &uri[..uri.len().min(40)]
            );
        }
    }
}
