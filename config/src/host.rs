//! Hosts that a site is for.

use std::fmt;
use std::str::FromStr;

use crate::value::{Text, ValueError, text_value};

/// A host, or a set of hosts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HostPattern {
    /// One host, in lower case.
    Exact(String),
    /// `*.example.com`: every host below `example.com`, however deep, but not itself. Holds `example.com`.
    Wildcard(String),
    /// `*`: every host that no other site is for.
    Default,
}

impl HostPattern {
    /// Whether a host is one of these. The host is in lower case and has no port.
    pub fn matches(&self, host: &str) -> bool {
        match self {
            Self::Exact(name) => host == name,
            Self::Wildcard(parent) => host
                .strip_suffix(parent.as_str())
                .is_some_and(|below| below.len() > 1 && below.ends_with('.')),
            Self::Default => true,
        }
    }
}

impl Text for HostPattern {
    const EXPECTING: &'static str = "a host such as `example.com`, `*.example.com` or `*`";
    const PATTERN: &'static str =
        "^(\\*|(\\*\\.)?[0-9A-Za-z_-]+(\\.[0-9A-Za-z_-]+)*|\\[[0-9A-Fa-f:.]+\\])$";
}

text_value!(HostPattern);

impl FromStr for HostPattern {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text.strip_prefix("*.") {
            _ if text == "*" => Ok(Self::Default),
            Some(parent) => host(text, parent).map(Self::Wildcard),
            None => host(text, text).map(Self::Exact),
        }
    }
}

/// The host `name`, a part of `text`, in lower case.
fn host(text: &str, name: &str) -> Result<String, ValueError> {
    let is_bracketed = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    if let Some(address) =
        is_bracketed.and_then(|address| address.parse::<std::net::Ipv6Addr>().ok())
    {
        return Ok(format!("[{address}]"));
    }
    let is_host = name.len() <= 253 && name.split('.').all(crate::value::is_label);
    if is_host {
        return Ok(name.to_ascii_lowercase());
    }
    Err(ValueError::new(format!(
        "`{text}` is not a host: {}",
        what_would_be_right(name)
    )))
}

fn what_would_be_right(name: &str) -> String {
    if let Some((_, rest)) = name.split_once("://") {
        return format!(
            "leave out the scheme and write `{}`",
            rest.trim_end_matches('/')
        );
    }
    if name.parse::<std::net::Ipv6Addr>().is_ok() {
        return format!("an IPv6 address needs brackets: write `[{name}]`");
    }
    if let Some((host, _)) = name.split_once('/') {
        return format!("it has a slash; write `{host}` and give the path to a route");
    }
    if let Some((host, _)) = name.rsplit_once(':') {
        return format!(
            "leave out the port and write `{host}`; a site is served on every listener"
        );
    }
    if name.contains('*') {
        return "`*` stands alone or is the whole first label, as in `*.example.com`".to_owned();
    }
    if let Some(host) = name.strip_suffix('.') {
        return format!("leave out the dot at the end and write `{host}`");
    }
    if !name.is_ascii() {
        return "write its ASCII form, which begins with `xn--`".to_owned();
    }
    "expected one such as `example.com`, `*.example.com` or `*`".to_owned()
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => f.write_str(name),
            Self::Wildcard(parent) => write!(f, "*.{parent}"),
            Self::Default => f.write_str("*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read() {
        for (text, host) in [
            ("Example.COM", HostPattern::Exact("example.com".into())),
            ("my_app", HostPattern::Exact("my_app".into())),
            ("127.0.0.1", HostPattern::Exact("127.0.0.1".into())),
            ("[::1]", HostPattern::Exact("[::1]".into())),
            ("*.Example.com", HostPattern::Wildcard("example.com".into())),
            ("*", HostPattern::Default),
        ] {
            assert_eq!(text.parse(), Ok(host), "{text}");
        }
    }

    #[test]
    fn what_is_no_host_is_told() {
        for (text, right) in [
            ("", "expected one such as `example.com`"),
            ("*x.com", "`*` stands alone or is the whole first label"),
            ("a.*.b", "`*` stands alone or is the whole first label"),
            ("*.*.com", "`*` stands alone or is the whole first label"),
            ("https://a.com/", "leave out the scheme and write `a.com`"),
            ("a.com:8080", "leave out the port and write `a.com`"),
            ("a.com/x", "it has a slash; write `a.com`"),
            ("a.com.", "leave out the dot at the end and write `a.com`"),
            ("::1", "an IPv6 address needs brackets: write `[::1]`"),
            ("a..com", "expected one such as `example.com`"),
            ("-a.com", "expected one such as `example.com`"),
            ("a b", "expected one such as `example.com`"),
            (
                "müller.de",
                "write its ASCII form, which begins with `xn--`",
            ),
        ] {
            let error = text.parse::<HostPattern>().unwrap_err().to_string();
            assert!(error.contains(right), "{text}: {error}");
        }
    }

    #[test]
    fn a_wildcard_is_for_hosts_below_it_at_any_depth() {
        let wildcard: HostPattern = "*.example.com".parse().unwrap();
        for (host, is_one) in [
            ("a.example.com", true),
            ("a.b.example.com", true),
            ("example.com", false),
            (".example.com", false),
            ("badexample.com", false),
            ("a.example.org", false),
        ] {
            assert_eq!(wildcard.matches(host), is_one, "{host}");
        }
    }
}
