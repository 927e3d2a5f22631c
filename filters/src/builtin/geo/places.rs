//! Places on the web: a host, a folder, or both.

use std::borrow::Cow;

use crate::exchange::Exchange;
use crate::target::push_query;

/// Where a redirect leads, without the client's own path.
pub(super) struct Place<'d> {
    host: Option<&'d str>,
    path: Cow<'d, str>,
}

impl<'d> Place<'d> {
    /// The place of a destination such as `https://de.example.com` or `/de`; `None` when it is everywhere.
    pub(super) fn of(destination: &'d str) -> Option<Self> {
        let end = destination.find(['?', '#']).unwrap_or(destination.len());
        let destination = &destination[..end];
        let (host, path) = match destination.split_once("://") {
            Some((_, rest)) => {
                let slash = rest.find('/').unwrap_or(rest.len());
                (Some(without_port(&rest[..slash])), &rest[slash..])
            }
            None => (None, destination),
        };
        let path = path.trim_end_matches('/');
        if host.is_none() && path.is_empty() {
            return None;
        }
        let path = match path.is_ascii() {
            true => Cow::Borrowed(path),
            false => {
                let mut encoded = String::new();
                push_query(path, &mut encoded);
                Cow::Owned(encoded)
            }
        };
        Some(Self { host, path })
    }

    /// Whether a request is for something there, by whichever scheme.
    pub(super) fn holds(&self, exchange: &Exchange) -> bool {
        self.host
            .is_none_or(|host| host.eq_ignore_ascii_case(exchange.host()))
            && is_below(exchange.path(), &self.path)
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, _)) if !host.ends_with(']') => name,
        _ => host,
    }
}

/// Whether a path is a folder or in it.
pub(super) fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::exchange;

    #[test]
    fn a_place_is_a_host_or_a_folder_or_both() {
        let exchange = exchange("GET", "/de/a", &[]);
        for (destination, expected) in [
            ("/de", Some(true)),
            ("/de/?a=/fr", Some(true)),
            ("/d", Some(false)),
            ("/de/a/b", Some(false)),
            ("https://example.com", Some(true)),
            ("http://EXAMPLE.com:8080/", Some(true)),
            ("https://example.com/de/", Some(true)),
            ("https://example.com/fr", Some(false)),
            ("https://de.example.com", Some(false)),
            ("https://[::1]", Some(false)),
            ("/", None),
            ("", None),
        ] {
            let holds = Place::of(destination).map(|place| place.holds(&exchange));
            assert_eq!(holds, expected, "{destination}");
        }
    }
}
