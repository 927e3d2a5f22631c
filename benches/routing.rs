//! Hosts and paths by the thousand, to find one among.

use http::{HeaderMap, Method};
use rimward::runtime::{Asked, Hosts, Paths};
use rimward_config::Conditions;

/// The hosts `host-N.example.com`.
///
/// # Panics
/// Never, but for a fault of the bench.
pub fn hosts(count: usize) -> Hosts<usize> {
    let mut hosts = Hosts::default();
    for number in 0..count {
        let pattern = format!("host-{number}.example.com");
        hosts.insert(&pattern.parse().expect("a host"), number);
    }
    hosts
}

/// The paths `/section-M/page-N/{id}`, a hundred sections in all.
///
/// # Panics
/// Never, but for a fault of the bench.
pub fn paths(count: usize) -> Paths<usize> {
    let mut paths = Paths::default();
    for number in 0..count {
        let pattern = format!("/section-{}/page-{number}/{{id}}", number % 100);
        let pattern = pattern.parse().expect("a path");
        paths.insert(&pattern, &Conditions::default(), number);
    }
    paths
}

/// The route that a plain GET of a path takes.
pub fn find(paths: &Paths<usize>, path: &str) -> Option<usize> {
    let headers = HeaderMap::new();
    let asked = Asked {
        method: &Method::GET,
        headers: &|| &headers,
        query: None,
        country: &|| None,
    };
    paths.find(path, &asked).map(|matched| *matched.route)
}
