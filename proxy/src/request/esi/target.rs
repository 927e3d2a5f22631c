//! Where a fragment is: what a reference on a page means (RFC 3986 §5).

use std::fmt;

use http::{Uri, header};
use pingora_http::RequestHeader;

/// Where a fragment is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) host: String,
    /// In origin form; dot segments are the edge's to resolve, as those of any request.
    pub(super) path_and_query: String,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.host, self.path_and_query)
    }
}

impl Target {
    /// What `reference` means on a page; `None` when it is nothing that an edge has.
    pub(super) fn of(reference: &str, page: &RequestHeader) -> Option<Self> {
        let reference = reference.trim();
        let reference = reference.split('#').next()?;
        let own = page.headers.get(header::HOST)?.to_str().ok()?;
        let (host, path_and_query) = match reference.split_once("://") {
            Some(("http" | "https", rest)) => split(rest),
            Some((scheme, _)) if is_scheme(scheme) => return None,
            _ => match reference.strip_prefix("//") {
                Some(rest) => split(rest),
                None => (own.to_owned(), joined(reference, &page.uri)?),
            },
        };
        let is_known = !host.is_empty() && !host.contains('@');
        is_known.then_some(Self {
            host,
            path_and_query,
        })
    }
}

fn is_scheme(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// The host and what stands behind it.
fn split(rest: &str) -> (String, String) {
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    let slash = if path.starts_with('/') { "" } else { "/" };
    (host.to_owned(), format!("{slash}{path}"))
}

/// A reference without a host, as it stands on a page of this path.
fn joined(reference: &str, page: &Uri) -> Option<String> {
    let path = page.path();
    match reference.chars().next() {
        None => None,
        Some('/') => Some(reference.to_owned()),
        Some('?') => Some(format!("{path}{reference}")),
        Some(_) => {
            let folder = path.rfind('/').map_or("/", |slash| &path[..=slash]);
            Some(format!("{folder}{reference}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_read_as_on_its_page() {
        let mut page = RequestHeader::build("GET", b"/shop/list?page=2", None).unwrap();
        page.insert_header("host", "a.example:8080").unwrap();
        let own = "a.example:8080";
        for (reference, expected) in [
            ("/cart", Some((own, "/cart"))),
            ("cart?x=1", Some((own, "/shop/cart?x=1"))),
            ("../cart#top", Some((own, "/shop/../cart"))),
            ("?page=3", Some((own, "/shop/list?page=3"))),
            ("//b.example/cart", Some(("b.example", "/cart"))),
            ("https://b.example", Some(("b.example", "/"))),
            ("http://b.example:81?x", Some(("b.example:81", "/?x"))),
            ("ftp://b.example/", None),
            ("http://me@b.example/", None),
            ("http:///cart", None),
            ("", None),
            ("#top", None),
        ] {
            let found = Target::of(reference, &page);
            let found = found
                .as_ref()
                .map(|target| (&*target.host, &*target.path_and_query));
            assert_eq!(found, expected, "{reference}");
        }
    }
}
