//! The origins of the configuration as events have them.

use std::sync::Arc;
use std::time::Duration;

use rimward_config::{Credentials, Origin, OriginId, OriginKind, Server, ServerAddress, Servers};

use super::described::{Custom, Described, Protocol, S3, WITH_IDENTITY, WITHOUT_IDENTITY};
use crate::chosen::OriginChoice;
use crate::wasm::lambda_edge::headers::Fields;

/// The origins of the configuration, by [`OriginId`].
#[derive(Debug, Default)]
pub(in super::super) struct KnownOrigins(Vec<Known>);

#[derive(Debug)]
struct Known {
    name: Arc<str>,
    described: Described,
    /// Where its servers are: a name in lower case, a port, and whether TLS is spoken.
    places: Vec<(String, u16, bool)>,
    /// The names under which it is known as a bucket.
    buckets: Vec<String>,
    choice: Arc<OriginChoice>,
}

impl KnownOrigins {
    pub(in super::super) fn of(origins: &[Origin]) -> Self {
        let known = |(index, origin): (usize, &Origin)| Known {
            name: origin.name.as_str().into(),
            described: described(origin),
            places: places(origin),
            buckets: buckets(origin),
            choice: Arc::new(OriginChoice {
                origin: OriginId(index),
                // Which origin answers makes no difference for the cache: the key was made before.
                key: None,
                fallback: None,
                observer: None,
            }),
        };
        Self(origins.iter().enumerate().map(known).collect())
    }

    pub(super) fn name(&self, id: OriginId) -> &str {
        self.0.get(id.0).map_or("", |known| &known.name)
    }

    pub(super) fn get(&self, id: OriginId) -> Option<(&Described, &Arc<OriginChoice>)> {
        let known = self.0.get(id.0)?;
        Some((&known.described, &known.choice))
    }

    /// How a handler sees an origin.
    pub(in super::super) fn described(&self, id: OriginId) -> Option<&Described> {
        self.get(id).map(|(described, _)| described)
    }

    /// The origin that has such a server: the current one if it does, else the first.
    pub(super) fn find(&self, wanted: &Described, current: Option<OriginId>) -> Option<OriginId> {
        let all = (0..self.0.len()).map(OriginId);
        current
            .into_iter()
            .chain(all)
            .find(|id| self.0.get(id.0).is_some_and(|known| known.is(wanted)))
    }
}

impl Known {
    fn is(&self, wanted: &Described) -> bool {
        let domain = wanted.domain().to_ascii_lowercase();
        match wanted {
            Described::Custom(custom) => {
                let tls = custom.protocol == Protocol::Https;
                self.places.contains(&(domain, custom.port, tls))
            }
            Described::S3(_) => {
                self.buckets.contains(&domain) || self.places.contains(&(domain, 443, true))
            }
        }
    }
}

fn described(origin: &Origin) -> Described {
    let OriginKind::Servers(servers) = &origin.kind else {
        return custom(origin.name.clone(), 80, false, None);
    };
    if let Some(s3) = &servers.s3 {
        let is_anonymous = s3.credentials == Credentials::Anonymous;
        let prefix = s3.prefix.trim_end_matches('/');
        return Described::S3(S3 {
            domain_name: servers.host.clone().unwrap_or_default(),
            path: match prefix {
                "" => String::new(),
                prefix => format!("/{prefix}"),
            },
            region: s3.region.clone(),
            auth_method: if is_anonymous {
                WITHOUT_IDENTITY
            } else {
                WITH_IDENTITY
            },
            custom_headers: Fields::default(),
        });
    }
    match servers.servers.first() {
        Some(server) => {
            let (name, port) = address(server);
            custom(name, port, server.tls, Some(servers))
        }
        None => custom(origin.name.clone(), 80, false, Some(servers)),
    }
}

fn custom(domain_name: String, port: u16, tls: bool, servers: Option<&Servers>) -> Described {
    let seconds = |time: Option<Duration>, usual| time.map_or(usual, |time| time.as_secs());
    let idle = seconds(servers.map(|servers| servers.idle_timeout), 5);
    let read = seconds(servers.map(|servers| servers.timeouts.first_byte), 30);
    Described::Custom(Custom {
        domain_name,
        port,
        protocol: if tls { Protocol::Https } else { Protocol::Http },
        path: String::new(),
        keepalive_timeout: idle.clamp(1, 120),
        read_timeout: read.clamp(4, 60),
        ssl_protocols: vec!["TLSv1.2".to_owned()],
        custom_headers: Fields::default(),
    })
}

fn address(server: &Server) -> (String, u16) {
    let usual = if server.tls { 443 } else { 80 };
    match &server.address {
        ServerAddress::Ip(address) => (address.ip().to_string(), address.port()),
        ServerAddress::Name(name, port) => (name.to_ascii_lowercase(), *port),
        ServerAddress::Srv(name) => (name.clone(), usual),
        ServerAddress::Unix(_) => ("localhost".to_owned(), usual),
    }
}

fn places(origin: &Origin) -> Vec<(String, u16, bool)> {
    let OriginKind::Servers(servers) = &origin.kind else {
        return Vec::new();
    };
    if servers.s3.is_some() {
        return Vec::new();
    }
    let place = |server: &Server| match &server.address {
        ServerAddress::Name(name, port) => Some((name.to_ascii_lowercase(), *port, server.tls)),
        _ => None,
    };
    servers.servers.iter().filter_map(place).collect()
}

/// Amazon has several names for one bucket.
fn buckets(origin: &Origin) -> Vec<String> {
    let OriginKind::Servers(servers) = &origin.kind else {
        return Vec::new();
    };
    let Some(s3) = &servers.s3 else {
        return Vec::new();
    };
    let is_amazon = servers.servers.iter().any(|server| {
        matches!(&server.address, ServerAddress::Name(name, _) if name.ends_with(".amazonaws.com"))
    });
    let mut names: Vec<String> = servers.host.iter().cloned().collect();
    if is_amazon {
        let (bucket, region) = (&s3.bucket, &s3.region);
        names.extend([
            format!("{bucket}.s3.amazonaws.com"),
            format!("{bucket}.s3.{region}.amazonaws.com"),
            format!("{bucket}.s3-{region}.amazonaws.com"),
        ]);
    }
    names
}
