//! Where originals may be: on the site that is asked, and on others that the configuration names.

use crate::exchange::Exchange;
use crate::filter::BuildError;
use crate::outside::Depth;

use super::wanted::{Original, Source};

/// What stands in place of options before the URL of an original of another site. Nobody but this edge may ask so.
const ORIGINAL: &str = "original/";

/// The sites whose pictures may be asked for beside that which is asked.
#[derive(Debug, Default)]
pub(crate) struct Sites {
    /// How paths of this site begin by which this edge asks itself for originals of others; they can't be had without.
    path: Box<str>,
    /// As [`site`] writes them.
    others: Vec<Box<str>>,
}

/// An absolute `http` or `https` URL, in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Url<'a> {
    pub(crate) scheme: &'static str,
    pub(crate) authority: &'a str,
    /// The path with its query.
    pub(crate) target: String,
}

impl Sites {
    /// # Errors
    /// When one of them is no site such as `https://images.example.org`, or there is no path to ask for them by.
    pub(crate) fn new(path: &str, others: &[String]) -> Result<Self, BuildError> {
        if path.is_empty() && !others.is_empty() {
            let message = "this edge asks itself for them by a `path`: give one";
            return Err(BuildError::at("sources", message));
        }
        let others = others.iter().enumerate().map(|(at, written)| {
            let known = known(written);
            known.ok_or_else(|| {
                let message =
                    format!("`{written}` is not a site such as `https://images.example.org`");
                BuildError::at(format!("sources[{at}]"), message)
            })
        });
        Ok(Self {
            path: path.into(),
            others: others.collect::<Result<_, _>>()?,
        })
    }

    /// The original at a URL, if it may be asked for where the request has `own` for its host.
    pub(crate) fn find(&self, own: &str, url: &Url<'_>) -> Option<Source> {
        let Url {
            scheme,
            authority,
            target,
        } = url;
        let wanted = site(scheme, authority);
        if wanted == site(scheme, own) {
            return Some(Source::here(target));
        }
        let is_known = self.others.iter().any(|other| **other == *wanted);
        is_known.then(|| self.elsewhere(&format!("{wanted}{target}")))
    }

    /// An original of another site, for which there is a path on this one that leads to it.
    pub(crate) fn elsewhere(&self, url: &str) -> Source {
        Source {
            target: format!("{}{ORIGINAL}{url}", self.path).into(),
            elsewhere: Some(url.into()),
        }
    }

    /// Whether a URL is of one of the other sites, written as they are.
    pub(crate) fn have(&self, url: &str) -> bool {
        let rest = |other: &str| {
            url.strip_prefix(other)
                .is_some_and(|rest| rest.starts_with('/'))
        };
        self.others.iter().any(|other| rest(other))
    }

    /// What a request of this edge itself for an original of another site means.
    pub(crate) fn original(&self, exchange: &Exchange) -> Option<Original> {
        let depth = exchange.notes.get::<Depth>();
        if depth.is_none_or(|depth| depth.0 == 0) || self.path.is_empty() {
            return None;
        }
        let target = exchange.request.uri.path_and_query()?.as_str();
        let url = target.strip_prefix(&*self.path)?.strip_prefix(ORIGINAL)?;
        self.have(url).then(|| Original(url.into()))
    }
}

/// A site as all are compared: in small letters, without the port that its scheme has anyway.
fn site(scheme: &str, authority: &str) -> String {
    let usual = if scheme == "https" { ":443" } else { ":80" };
    let authority = authority.strip_suffix(usual).unwrap_or(authority);
    format!("{scheme}://{}", authority.to_ascii_lowercase())
}

/// A site that is written as a URL without a path.
fn known(written: &str) -> Option<Box<str>> {
    let text = written.to_ascii_lowercase();
    let text = text.strip_suffix('/').unwrap_or(&text);
    let (scheme, host) = text.split_once("://")?;
    let authority = host.parse::<http::uri::Authority>().ok()?;
    let is_site = matches!(scheme, "http" | "https")
        && authority.as_str() == host
        && !host.contains(['@', '*']);
    is_site.then(|| site(scheme, host).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sites(others: &[&str]) -> Sites {
        let others: Vec<String> = others.iter().map(|other| (*other).to_owned()).collect();
        Sites::new("/i/", &others).unwrap()
    }

    #[test]
    fn originals_are_of_the_site_itself_or_of_one_that_is_named() {
        let sites = sites(&[
            "https://Images.example.org/",
            "http://old.example.org:80",
            "https://cdn.example.org:8443",
        ]);
        for (scheme, authority, expected) in [
            ("https", "example.com", Some("/a?b")),
            ("http", "EXAMPLE.com:80", Some("/a?b")),
            ("http", "example.com:8080", None),
            (
                "https",
                "images.example.org",
                Some("/i/original/https://images.example.org/a?b"),
            ),
            (
                "https",
                "IMAGES.example.org:443",
                Some("/i/original/https://images.example.org/a?b"),
            ),
            (
                "http",
                "old.example.org",
                Some("/i/original/http://old.example.org/a?b"),
            ),
            (
                "https",
                "cdn.example.org:8443",
                Some("/i/original/https://cdn.example.org:8443/a?b"),
            ),
            ("https", "cdn.example.org", None),
            ("http", "images.example.org", None),
            ("https", "images.example.org.evil.example", None),
            ("https", "images.example.org@127.0.0.1", None),
        ] {
            let url = Url {
                scheme,
                authority,
                target: "/a?b".to_owned(),
            };
            let found = sites.find("example.com", &url);
            let found = found.as_ref().map(|source| &*source.target);
            assert_eq!(found, expected, "{scheme}://{authority}");
        }
    }

    #[test]
    fn a_site_has_a_scheme_and_a_host_and_no_more() {
        for (written, expected) in [
            (
                "https://images.example.org",
                Some("https://images.example.org"),
            ),
            (
                "HTTP://images.example.org:80/",
                Some("http://images.example.org"),
            ),
            (
                "https://[2001:db8::1]:8443",
                Some("https://[2001:db8::1]:8443"),
            ),
            ("images.example.org", None),
            ("ftp://images.example.org", None),
            ("https://images.example.org/a", None),
            ("https://me@images.example.org", None),
            ("https://*.example.org", None),
        ] {
            assert_eq!(known(written).as_deref(), expected, "{written}");
        }
    }
}
