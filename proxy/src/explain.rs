//! What would happen to a request, told without sending anything.

use std::fmt::{self, Write};
use std::net::IpAddr;

use http::{HeaderMap, Method, Uri};
use pingora_http::RequestHeader;
use rimward_cache::Key;
use rimward_config::{
    ByteSize, CachePolicy, Config, Credentials, Fallback, HeuristicRule, OriginKind, Problems,
    QueryRule, S3, Server, ServerAddress, Servers, SetCookieRule,
};
use rimward_filters::Phase;

use crate::metrics::Metrics;
use crate::request::key::{Parts, key};
use crate::runtime::{Asked, Matched, Route, Runtime, Shield, locate};
use crate::stores::Stores;

/// A request that is only thought of.
#[derive(Debug)]
pub struct Question {
    /// Its method.
    pub method: Method,
    /// Its absolute URL.
    pub url: Uri,
    /// Its header fields beside `Host`.
    pub headers: HeaderMap,
    /// Who asks.
    pub from: IpAddr,
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// The configuration can't run.
    #[error("{0}")]
    Config(Problems),
    /// The URL is not absolute.
    #[error("`{0}` is not an absolute URL such as `https://www.example.com/path`")]
    NotAbsolute(Uri),
    /// The path would be refused.
    #[error("the request would be refused with 400: {0}")]
    BadPath(String),
    /// The header fields would be refused.
    #[error("the request would be refused with 400: a field can't be sent: {0}")]
    BadField(String),
}

/// Tells which site, route, filters, cache key, policy and origin a request would meet.
///
/// # Errors
/// When the configuration can't run or the request could not be sent.
pub fn explain(config: Config, question: &Question) -> Result<String, ExplainError> {
    let runtime = Runtime::compile(config, &Metrics::default(), &Stores::detached(), None)
        .map_err(ExplainError::Config)?;
    let uri = &question.url;
    let (Some(_), Some(host)) = (uri.scheme(), uri.host()) else {
        return Err(ExplainError::NotAbsolute(uri.clone()));
    };
    let path = rimward_config::normalise_path(uri.path())
        .map_err(|bad| ExplainError::BadPath(bad.to_string()))?;
    let country = locate(runtime.geoip.as_deref(), question.from);
    let mut told = Table::default();
    told.row("request", format!("{} {uri}", question.method));
    if path != uri.path() {
        told.row("path", format!("{path} (normalised)"));
    }
    told.row(
        "client",
        format!("{}, {}", question.from, place(&runtime, question.from)),
    );
    let Some(site) = runtime.hosts.find(host) else {
        told.row(
            "site",
            format!(
                "none has the host `{host}`: answered with {:?}",
                runtime.config.unknown_host
            ),
        );
        return Ok(told.text);
    };
    told.row("site", &site.name);
    let asked = Asked {
        method: &question.method,
        headers: &|| &question.headers,
        query: uri.query(),
        country: &|| country,
    };
    match site.paths.find(&path, &asked) {
        None => told.row("route", "none takes the request: answered with 404"),
        Some(matched) => {
            let request = request(question, &path)
                .map_err(|error| ExplainError::BadField(error.to_string()))?;
            tell_route(&mut told, &runtime, &matched, question, &request, country);
        }
    }
    Ok(told.text)
}

/// Where an address is, as far as that is known.
fn place(runtime: &Runtime, address: IpAddr) -> String {
    let location = runtime
        .geoip
        .as_ref()
        .map(|databases| databases.location(address));
    let location = location.unwrap_or_default();
    let mut told = format!("country {}", location.country().unwrap_or("unknown"));
    let region = location.region_name.or(location.region);
    let parts = [
        region.map(|region| format!(", region {region}")),
        location.city.map(|city| format!(", city {city}")),
        location.asn.map(|asn| format!(", AS {asn}")),
        location
            .anonymity
            .anonymous
            .then(|| ", anonymous".to_owned()),
    ];
    told.extend(parts.into_iter().flatten());
    told
}

fn request(question: &Question, path: &str) -> pingora::Result<RequestHeader> {
    let target = match question.url.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut request = RequestHeader::build(question.method.clone(), target.as_bytes(), None)?;
    request.insert_header(
        "host",
        question
            .url
            .authority()
            .map_or("", |authority| authority.as_str()),
    )?;
    for (name, value) in &question.headers {
        request.append_header(name.clone(), value.clone())?;
    }
    Ok(request)
}

/// A table of two columns.
#[derive(Default)]
struct Table {
    text: String,
}

impl Table {
    fn row(&mut self, name: &str, value: impl fmt::Display) {
        // Writing to a string can't fail.
        writeln!(self.text, "{name:<16}{value}").ok();
    }
}

fn tell_route(
    told: &mut Table,
    runtime: &Runtime,
    matched: &Matched<'_, '_, std::sync::Arc<Route>>,
    question: &Question,
    request: &RequestHeader,
    country: Option<[u8; 2]>,
) {
    let route = matched.route;
    told.row("route", &route.name);
    for (name, value) in matched.names.iter().zip(&matched.values) {
        told.row("", format!("{{{name}}} = {value}"));
    }
    for phase in Phase::ALL {
        let mut names: Vec<&str> = route
            .pipeline
            .steps(phase)
            .map(|step| &*step.name)
            .collect();
        if matches!(phase, Phase::OriginResponse | Phase::Response) {
            names.reverse();
        }
        told.row(
            phase.name(),
            if names.is_empty() {
                "-".into()
            } else {
                names.join(", ")
            },
        );
    }
    let scheme = question.url.scheme_str().unwrap_or("http");
    let asked_for = matches!(question.method, Method::GET | Method::HEAD);
    let mut found_by = None;
    match &route.cache {
        None => told.row("cache", "pass: the route is not cached"),
        Some(_) if !asked_for => told.row(
            "cache",
            "pass: only GET and HEAD are answered from the cache",
        ),
        Some(policy) => {
            let country = country.map(|code| String::from_utf8_lossy(&code).into_owned());
            let parts = Parts {
                scheme,
                host: question
                    .url
                    .authority()
                    .map_or("", |authority| authority.as_str()),
                path: request.uri.path(),
                query: request.uri.query(),
                headers: &|| &request.headers,
                country: country.as_deref(),
                chosen: None,
                origin: None,
            };
            let key = key(&policy.key, &parts);
            told.row("cache key", &key);
            tell_policy(told, policy);
            told.row("  fast lane", fast_lane(runtime, route));
            found_by = Some(key);
        }
    }
    if let Some(compression) = &route.compression {
        told.row("compress", compression);
    }
    if let Some(shield) = &route.shield {
        tell_shield(told, runtime, shield, found_by.as_ref());
    }
    tell_origin(told, runtime, route);
}

/// Whether hits of a route take the fast lane, or why not.
fn fast_lane(runtime: &Runtime, route: &Route) -> &'static str {
    match route.lane {
        true => "for plain hits",
        false if !runtime.config.pop.fast_lane => "off",
        false => "not with these filters",
    }
}

fn tell_policy(told: &mut Table, policy: &CachePolicy) {
    let seconds = |span: Option<std::time::Duration>, default: &str| {
        span.map_or_else(
            || default.to_owned(),
            |span| format!("{} s", span.as_secs_f64()),
        )
    };
    let query = match &policy.key.query {
        QueryRule::All => "as it came".to_owned(),
        QueryRule::Sorted => "ordered".to_owned(),
        QueryRule::Only(names) => format!("only {}", names.join(", ")),
        QueryRule::Ignore => "left out".to_owned(),
    };
    told.row("  query", query);
    told.row("  lifetime", seconds(policy.ttl, "as the origin says"));
    let guessed = match policy.heuristics {
        HeuristicRule::Always => "heuristic, or not stored",
        HeuristicRule::WithoutQuery => "heuristic without a query, or not stored",
        HeuristicRule::Never => "not stored",
    };
    told.row("  by default", seconds(policy.default_ttl, guessed));
    told.row("  targets", targets(policy));
    told.row(
        "  stale while",
        format!(
            "revalidating: {}",
            seconds(policy.stale_while_revalidate, "as the origin says")
        ),
    );
    told.row(
        "  stale if",
        format!(
            "the origin fails: {}",
            seconds(policy.stale_if_error, "as the origin says")
        ),
    );
    let beside = match policy.stale_beside_s_maxage {
        true => "the origin's stale windows count",
        false => "the origin's stale windows do not count",
    };
    told.row(
        "  stale if",
        format!(
            "the origin can't be reached: {} s",
            policy.stale_if_unreachable.as_secs_f64()
        ),
    );
    told.row("  s-maxage", beside);
    told.row(
        "  refresh",
        match policy.early_refresh {
            true => "early, if many ask",
            false => "when stale",
        },
    );
    told.row(
        "  requests",
        match policy.request_directives {
            true => "their cache directives are honoured",
            false => "their cache directives are ignored",
        },
    );
    told.row(
        "  set-cookie",
        match policy.set_cookie {
            SetCookieRule::Pass => "not stored",
            SetCookieRule::Strip => "stored without the cookie",
            SetCookieRule::Store => "stored with the cookie",
        },
    );
    match policy.slice {
        Some(size) => told.row("  ranges", format!("in slices of {}", ByteSize(size))),
        None => told.row("  ranges", "out of the whole object"),
    }
    if !policy.surrogate_keys.is_empty() {
        told.row("  surrogate keys", policy.surrogate_keys.join(", "));
    }
}

fn tell_shield(told: &mut Table, runtime: &Runtime, shield: &Shield, key: Option<&Key>) {
    let name = shield.edges.name();
    let written = runtime.config.shields.iter();
    let written = written
        .map(|shield| &shield.edges)
        .find(|edges| edges.name == name);
    let edges = match written.map(|edges| &edges.kind) {
        Some(OriginKind::Servers(servers)) => servers.servers.iter().map(server).collect(),
        _ => Vec::new(),
    };
    let place = match key.and_then(|key| shield.edges.first_for(key)) {
        Some(edge) if edges.len() > 1 => format!("{edge}, of {}", edges.join(", ")),
        _ => edges.join(", "),
    };
    let otherwise = match shield.fallback {
        Fallback::Origin => "or else the origin",
        Fallback::Fail => "or else 503",
    };
    told.row("shield", format!("{name}: {place}; {otherwise}"));
}

/// The headers that come before `Cache-Control`, and which of them clients get.
fn targets(policy: &CachePolicy) -> String {
    let told = |target: &String| match policy.pass_targets.contains(target) {
        true => format!("{target} (passed on)"),
        false => target.clone(),
    };
    match policy.targets.as_slice() {
        [] => "none".to_owned(),
        targets => targets.iter().map(told).collect::<Vec<_>>().join(", "),
    }
}

fn tell_origin(told: &mut Table, runtime: &Runtime, route: &Route) {
    let Some(origin) = &route.origin else {
        told.row("origin", "none: a filter has to answer");
        return;
    };
    let written = runtime
        .config
        .origins
        .iter()
        .find(|written| written.name == origin.name());
    let place = match written.map(|written| &written.kind) {
        Some(OriginKind::Directory(directory)) => format!("files in {}", directory.root.display()),
        Some(OriginKind::Function(function)) => format!("function {}", function.file.display()),
        Some(OriginKind::Servers(servers)) if let Some(s3) = &servers.s3 => bucket(s3, servers),
        Some(OriginKind::Servers(servers)) => {
            let list: Vec<String> = servers.servers.iter().map(server).collect();
            format!("{} ({:?})", list.join(", "), servers.balance)
        }
        None => String::new(),
    };
    told.row("origin", format!("{}: {place}", origin.name()));
}

/// Whose requests reach a bucket, but not by which keys.
fn bucket(s3: &S3, servers: &Servers) -> String {
    let place: Vec<String> = servers.servers.iter().map(server).collect();
    let keys = match &s3.credentials {
        Credentials::Anonymous => "unsigned".to_owned(),
        Credentials::Env => format!("signed for {} by the environment's keys", s3.region),
        Credentials::File { path, profile } => {
            format!(
                "signed for {} by `{profile}` of {}",
                s3.region,
                path.display()
            )
        }
    };
    let below = match s3.prefix.as_str() {
        "" => String::new(),
        prefix => format!(", below {prefix}"),
    };
    format!(
        "bucket {} at {}{below} ({keys})",
        s3.bucket,
        place.join(", ")
    )
}

fn server(server: &Server) -> String {
    let scheme = if server.tls { "https" } else { "http" };
    let address = match &server.address {
        ServerAddress::Ip(address) => format!("{scheme}://{address}"),
        ServerAddress::Name(name, port) => format!("{scheme}://{name}:{port}"),
        ServerAddress::Srv(name) => format!("srv+{scheme}://{name}"),
        ServerAddress::Unix(path) => format!("unix:{}", path.display()),
    };
    if server.weight == 1 {
        address
    } else {
        format!("{address} weight {}", server.weight)
    }
}
