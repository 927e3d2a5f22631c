//! What the unit tests of filters share: an exchange, and a filter built from TOML.

use std::net::SocketAddr;
use std::path::Path;

use http::Uri;
use pingora_http::{RequestHeader, ResponseHeader};
use rimward_geoip::build::Value;
use rimward_geoip::{Databases, Kind};

use crate::chosen::Chosen;
use crate::exchange::{Client, Exchange, Found, Scheme};
use crate::filter::{Answer, BuildError, Builder, Configured, Filter, Flow};

/// A request of 203.0.113.7 for `host: example.com` (unless `headers` has another) over TLS.
pub(crate) fn exchange(method: &str, target: &str, headers: &[(&'static str, &str)]) -> Exchange {
    let mut request = RequestHeader::build(method, b"/", None).unwrap();
    request.set_uri(target.parse::<Uri>().unwrap());
    request.insert_header("host", "example.com").unwrap();
    for (name, value) in headers {
        request.remove_header(*name);
        request.append_header(*name, *value).unwrap();
    }
    let peer: SocketAddr = "203.0.113.7:40000".parse().unwrap();
    Exchange {
        request,
        client: Client {
            ip: peer.ip(),
            peer,
            scheme: Scheme::Https,
            country: Some(*b"DE"),
            certificate: None,
            tls: None,
            geoip: None,
        },
        site: "example.com".into(),
        route: "/".into(),
        params: Vec::new(),
        request_id: "0123456789abcdef".into(),
        notes: http::Extensions::new(),
        origin: None,
        chosen: Chosen::default(),
        found: Found::Unknown,
        request_watchers: Vec::new(),
        request_body: None,
        request_rewriters: Vec::new(),
        outcomes: Vec::new(),
        log: Vec::new(),
        filter_nanoseconds: 0,
    }
}

/// Databases with one network each.
pub(crate) fn databases(networks: &[(Kind, &str, Value)]) -> Databases {
    let folder = tempfile::tempdir().unwrap();
    let write = |(kind, network, value): &(Kind, &str, Value)| {
        let path = folder.path().join(kind.key());
        let file = rimward_geoip::build::file("Test", [(*network, value.clone())]);
        std::fs::write(&path, file).unwrap();
        (*kind, path)
    };
    let files: Vec<_> = networks.iter().map(write).collect();
    let files = files.iter().map(|(kind, path)| (*kind, path.as_path()));
    Databases::open(files, None).unwrap().databases
}

/// The same for another client.
pub(crate) fn exchange_from(ip: &str) -> Exchange {
    let mut exchange = exchange("GET", "/", &[]);
    exchange.client.ip = ip.parse().unwrap();
    exchange
}

/// Builds a filter from its settings, with files relative to `folder`.
pub(crate) fn build_in<F: Configured>(folder: &Path, settings: &str) -> Result<F, BuildError> {
    let table: toml::Table = settings.parse().unwrap();
    let settings = rimward_config::decode(&table)
        .map_err(|problems| BuildError::from(problems.into_iter().next().expect("a problem")))?;
    F::new(settings, &Builder::new(folder, "test"))
}

/// Builds a filter that needs no files.
pub(crate) fn build<F: Configured>(settings: &str) -> Result<F, BuildError> {
    build_in(Path::new("."), settings)
}

/// Asserts that a filter is refused with a message that holds `expected`.
#[track_caller]
pub(crate) fn refused<F: Configured>(settings: &str, expected: &str) {
    let error = build::<F>(settings)
        .err()
        .unwrap_or_else(|| panic!("was built: {settings}"));
    let told = format!("{}: {}", error.key, error.message);
    assert!(told.contains(expected), "`{told}` should hold `{expected}`");
}

/// What a filter answers in the request phase, `None` if it lets the request pass.
#[track_caller]
pub(crate) fn answer(filter: &impl Filter, exchange: &mut Exchange) -> Option<Answer> {
    match filter.request(exchange).unwrap() {
        Flow::Continue => None,
        Flow::Answer(answer) => Some(*answer),
        Flow::Later | Flow::WantsBody(_) => panic!("not at once"),
    }
}

/// The status of what a filter answers, 0 if it lets the request pass.
#[track_caller]
pub(crate) fn status(filter: &impl Filter, exchange: &mut Exchange) -> u16 {
    answer(filter, exchange).map_or(0, |answer| answer.head.status.as_u16())
}

/// All values of a response header.
pub(crate) fn values(head: &ResponseHeader, name: &str) -> Vec<String> {
    head.headers
        .get_all(name)
        .iter()
        .map(|value| value.to_str().unwrap().to_owned())
        .collect()
}
