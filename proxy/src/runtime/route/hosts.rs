//! Sites by host.

use ahash::AHashMap;
use rimward_config::HostPattern;

/// Sites by host: exact name, then longest wildcard, then default.
pub struct Hosts<S> {
    exact: AHashMap<Box<str>, S>,
    wildcard: AHashMap<Box<str>, S>,
    default: Option<S>,
}

impl<S> Default for Hosts<S> {
    fn default() -> Self {
        Self {
            exact: AHashMap::new(),
            wildcard: AHashMap::new(),
            default: None,
        }
    }
}

impl<S> Hosts<S> {
    /// Adds a site under one of its hosts.
    pub fn insert(&mut self, pattern: &HostPattern, site: S) {
        match pattern {
            HostPattern::Exact(name) => drop(self.exact.insert(name.as_str().into(), site)),
            HostPattern::Wildcard(suffix) => {
                drop(self.wildcard.insert(suffix.as_str().into(), site))
            }
            HostPattern::Default => self.default = Some(site),
        }
    }

    /// The site of a host without port, in any case.
    pub fn find(&self, host: &str) -> Option<&S> {
        let host = host.strip_suffix('.').unwrap_or(host);
        if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return self.find_lower(&host.to_ascii_lowercase());
        }
        self.find_lower(host)
    }

    fn find_lower(&self, host: &str) -> Option<&S> {
        if let Some(site) = self.exact.get(host) {
            return Some(site);
        }
        if !self.wildcard.is_empty() {
            let parents = std::iter::successors(parent(host), |name| parent(name));
            if let Some(site) = parents.filter_map(|name| self.wildcard.get(name)).next() {
                return Some(site);
            }
        }
        self.default.as_ref()
    }
}

fn parent(host: &str) -> Option<&str> {
    host.split_once('.').map(|(_, parent)| parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exact_host_wins_then_the_longest_wildcard_then_the_default() {
        let mut hosts = Hosts::default();
        for pattern in [
            "example.com",
            "*.example.com",
            "*.a.example.com",
            "x.a.example.com",
        ] {
            hosts.insert(&pattern.parse().unwrap(), pattern);
        }
        assert_eq!(hosts.find("other.org"), None);
        hosts.insert(&HostPattern::Default, "*");
        for (host, site) in [
            ("example.com", "example.com"),
            ("EXAMPLE.com.", "example.com"),
            ("b.example.com", "*.example.com"),
            ("c.b.example.com", "*.example.com"),
            ("a.example.com", "*.example.com"),
            ("b.a.example.com", "*.a.example.com"),
            ("x.a.example.com", "x.a.example.com"),
            ("other.org", "*"),
            ("", "*"),
        ] {
            assert_eq!(hosts.find(host), Some(&site), "{host}");
        }
    }
}
