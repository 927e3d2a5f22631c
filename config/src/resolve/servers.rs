//! `[origin.NAME]` with `servers`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::config::{
    Balance, HashKey, HealthCheck, OriginTimeouts, OriginTls, Outlier, Retries, RetryOn, Server,
    ServerAddress, Servers,
};
use crate::document;
use crate::value::{Percent, ServerUrl, Short, is_name, is_token};

use super::Scope;
use super::origin::{of_files, refuse};
use super::scope::{HOUR, SHORTEST, secs};

pub(super) fn servers(
    list: Vec<Short<ServerUrl, document::Server>>,
    written: document::Origin,
    scope: &mut Scope<'_>,
) -> Servers {
    refuse(
        &of_files(&written),
        "a `directory`, not to `servers`",
        scope,
    );
    let servers = server_list(list, scope);
    let any_tls = servers.iter().any(|server| server.tls);
    if written.tls.is_some() && !any_tls && !servers.is_empty() {
        scope.tell(
            "tls",
            "`tls` is given, but no server has TLS: write `https://` before those that have",
        );
    }
    if let Some(host) = &written.host
        && !is_authority(host)
    {
        scope.tell(
            "host",
            format!(
                "`{host}` is not a host: write one such as `app.internal` or `app.internal:8080`"
            ),
        );
    }
    settings(servers, written, scope)
}

/// How servers are used, whoever they are.
pub(super) fn settings(
    servers: Vec<Server>,
    written: document::Origin,
    scope: &mut Scope<'_>,
) -> Servers {
    Servers {
        balance: balance(written.balance, written.hash_by, scope),
        health: written
            .health
            .map(|health| self::health(health, &mut scope.key("health"))),
        outlier: written
            .outlier
            .map(|outlier| self::outlier(&outlier, &mut scope.key("outlier"))),
        slow_start: scope.span("slow_start", written.slow_start, secs(0)..=HOUR, secs(0)),
        timeouts: timeouts(
            &written.timeouts.unwrap_or_default(),
            &mut scope.key("timeouts"),
        ),
        retries: retries(
            written.retries.unwrap_or_default(),
            &mut scope.key("retries"),
        ),
        tls: tls(written.tls.unwrap_or_default(), &mut scope.key("tls")),
        http2: written.http2.unwrap_or(false),
        host: written.host,
        idle_timeout: scope.span(
            "idle_timeout",
            written.idle_timeout,
            SHORTEST..=HOUR,
            secs(60),
        ),
        max_requests: scope
            .within_if_any("max_requests", written.max_requests, 1..=1_000_000)
            .and_then(|most| usize::try_from(most).ok()),
        servers,
        s3: None,
    }
}

fn server_list(
    list: Vec<Short<ServerUrl, document::Server>>,
    scope: &mut Scope<'_>,
) -> Vec<Server> {
    if scope.is_empty("servers", &list) {
        scope.tell(
            "servers",
            "no server is given: name at least one, such as `10.0.0.11:8080`",
        );
    }
    let mut servers: Vec<Server> = Vec::with_capacity(list.len());
    for (index, written) in list.into_iter().enumerate() {
        let key = format!("servers[{index}]");
        let (url, weight) = match written {
            Short::Short(url) => (Some(url), None),
            Short::Full(server) => (
                scope.at(&key).required("address", server.address),
                server.weight,
            ),
        };
        let share = scope.count(&format!("{key}.weight"), weight, 1..=1000, 1);
        let Some(url) = url else { continue };
        let address = match url.address {
            ServerAddress::Unix(path) => ServerAddress::Unix(scope.source.folder().join(path)),
            ServerAddress::Srv(_) if weight.is_some() => {
                scope.tell(
                    &format!("{key}.weight"),
                    "an SRV record tells the weights: leave it out",
                );
                url.address
            }
            address => address,
        };
        if servers.iter().any(|server| server.address == address) {
            scope.tell(
                &key,
                "this server is given twice: write it once, with a weight",
            );
        }
        servers.push(Server {
            address,
            tls: url.tls,
            weight: share,
        });
    }
    servers
}

/// Whether a text is a host with or without a port.
fn is_authority(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !text.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let is_bracketed = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let is_host = match is_bracketed {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => is_name(host) || host.parse::<Ipv4Addr>().is_ok(),
    };
    is_host && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

fn balance(
    written: Option<document::Balance>,
    hash_by: Option<document::HashBy>,
    scope: &mut Scope<'_>,
) -> Balance {
    if hash_by.is_some()
        && written != Some(document::Balance::Hash)
        && !scope.source.misses("balance")
    {
        scope.tell(
            "hash_by",
            "`hash_by` only means something with `balance = \"hash\"`: add that or leave it out",
        );
    }
    match written {
        None | Some(document::Balance::RoundRobin) => Balance::RoundRobin,
        Some(document::Balance::RandomTwo) => Balance::RandomTwo,
        Some(document::Balance::LeastRequests) => Balance::LeastRequests,
        Some(document::Balance::Hash) => Balance::Hash(match hash_by {
            None | Some(document::HashBy::Uri) => HashKey::Uri,
            Some(document::HashBy::Path) => HashKey::Path,
            Some(document::HashBy::ClientIp) => HashKey::ClientIp,
            Some(document::HashBy::Host) => HashKey::Host,
            Some(document::HashBy::Header(name)) => HashKey::Header(name.as_str().to_owned()),
            Some(document::HashBy::Cookie(name)) => {
                if !is_token(&name) {
                    scope.tell(
                        "hash_by.cookie",
                        format!(
                            "`{name}` is not the name of a cookie: letters, digits, `-` and `_`"
                        ),
                    );
                }
                HashKey::Cookie(name)
            }
        }),
    }
}

fn health(written: document::Health, scope: &mut Scope<'_>) -> HealthCheck {
    let path = scope
        .required("path", written.path)
        .unwrap_or_else(|| "/".to_owned());
    if !path.starts_with('/')
        || !path
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'#')
    {
        scope.tell(
            "path",
            format!("`{path}` is not a path to ask for: write one such as `/healthz`"),
        );
    }
    let interval = scope.within("interval", written.interval, SHORTEST..=HOUR, secs(5));
    HealthCheck {
        path,
        interval: interval.0,
        timeout: scope.span(
            "timeout",
            written.timeout,
            SHORTEST..=secs(600),
            interval.min(secs(2)),
        ),
        healthy_after: scope.count("healthy_after", written.healthy_after, 1..=100, 2),
        unhealthy_after: scope.count("unhealthy_after", written.unhealthy_after, 1..=100, 3),
    }
}

fn outlier(written: &document::Outlier, scope: &mut Scope<'_>) -> Outlier {
    Outlier {
        consecutive_errors: scope.count(
            "consecutive_errors",
            written.consecutive_errors,
            1..=1000,
            5,
        ),
        eject_for: scope.span("eject_for", written.eject_for, SHORTEST..=HOUR, secs(30)),
        max_ejected_percent: whole_percent(
            "max_ejected_percent",
            written.max_ejected_percent,
            50,
            scope,
        ),
    }
}

fn whole_percent(key: &str, written: Option<Percent>, default: u8, scope: &mut Scope<'_>) -> u8 {
    let Some(percent) = written else {
        return default;
    };
    percent.as_whole().unwrap_or_else(|| {
        scope.tell(
            key,
            format!("`{percent}` is not a whole percentage: write one from 0 to 100"),
        );
        default
    })
}

fn timeouts(written: &document::OriginTimeouts, scope: &mut Scope<'_>) -> OriginTimeouts {
    OriginTimeouts {
        connect: scope.span("connect", written.connect, SHORTEST..=secs(600), secs(2)),
        first_byte: scope.span("first_byte", written.first_byte, SHORTEST..=HOUR, secs(30)),
        between_bytes: scope.span(
            "between_bytes",
            written.between_bytes,
            SHORTEST..=HOUR,
            secs(30),
        ),
    }
}

fn retries(written: document::Retries, scope: &mut Scope<'_>) -> Retries {
    let on = match written.on {
        None => vec![RetryOn::Connect, RetryOn::Reset],
        Some(on) => on.into_iter().map(|on| on.0).collect(),
    };
    if scope.is_empty("on", &on) {
        scope.tell(
            "on",
            "nothing would be tried again: name failures, or write `max = 0`",
        );
    }
    if let Some((index, _)) = on
        .iter()
        .enumerate()
        .find(|(index, failure)| on[..*index].contains(failure))
    {
        scope.tell(
            &format!("on[{index}]"),
            "this failure is given twice: leave one out",
        );
    }
    Retries {
        max: scope.count("max", written.max, 0..=10, 2),
        on,
        budget_percent: whole_percent("budget_percent", written.budget_percent, 20, scope),
    }
}

fn tls(written: document::OriginTls, scope: &mut Scope<'_>) -> OriginTls {
    let verify = written.verify.unwrap_or(true);
    if let Some(name) = &written.server_name
        && !(is_name(name) || name.parse::<IpAddr>().is_ok())
    {
        scope.tell(
            "server_name",
            format!("`{name}` is not the name of a server: write one such as `app.internal`"),
        );
    }
    if !verify && written.ca.is_some() {
        scope.tell("ca", "`ca` means nothing when certificates are not checked: leave out `verify = false` or `ca`");
    }
    OriginTls {
        verify,
        server_name: written.server_name,
        ca: written.ca.map(|path| scope.path("ca", &path)),
    }
}
