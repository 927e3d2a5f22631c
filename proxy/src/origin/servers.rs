//! From what the file says of an origin's servers to servers that can be asked.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rimward_config::{
    self as config, Balance, Directory, OriginTimeouts, OriginTls, Retries, ServerAddress,
};
use tokio::sync::watch;

use super::Origin;
use super::balance::{self, Servers};
use super::directory::Files;
use super::function::{self, Host};
use super::inside::Inside;
use super::resolve::{Place, ResolveError};
use super::server::{Address, Server, State};
use super::tls::Trust;

/// A key below the origin's table and what is wrong with it.
pub(super) type KeyProblem = (String, String);

/// A server as written, and the places its name stands for.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) written: config::Server,
    name: Arc<str>,
    /// With TLS: what to trust and whom to expect.
    pub(super) tls: Option<(Arc<Trust>, Option<rustls::pki_types::ServerName<'static>>)>,
    pub(super) inside: Option<Inside>,
    places: Mutex<Vec<Place>>,
    /// Whether the name was looked up at least once.
    asked: watch::Sender<bool>,
    /// Whether the last look-up failed.
    failing: AtomicBool,
}

/// The servers of an origin, all mistakes at once.
pub(super) fn sources(settings: &config::Servers) -> Result<Vec<Source>, Vec<KeyProblem>> {
    let trust = if settings.servers.iter().any(|server| server.tls) {
        match Trust::new(&settings.tls) {
            Ok(trust) => Some(Arc::new(trust)),
            Err(error) => return Err(vec![(format!("tls.{}", error.key), error.message)]),
        }
    } else {
        None
    };
    let mut sources = Vec::with_capacity(settings.servers.len());
    let mut problems = Vec::new();
    for (index, server) in settings.servers.iter().enumerate() {
        match Source::new(server, trust.as_ref().filter(|_| server.tls)) {
            Ok(source) => sources.push(source),
            Err((key, message)) => {
                let place =
                    key.map_or_else(|| format!("servers[{index}]"), |key| format!("tls.{key}"));
                problems.push((place, message));
            }
        }
    }
    if problems.is_empty() {
        Ok(sources)
    } else {
        Err(problems)
    }
}

/// The one source of a directory, and the settings it has like any other.
pub(super) fn directory(
    directory: &Directory,
) -> (config::Servers, Result<Vec<Source>, Vec<KeyProblem>>) {
    let root = directory.root.display();
    let files = Files::open(directory).map_err(|error| {
        let message = format!("cannot open the folder `{root}`: {error}");
        vec![("directory".to_owned(), message)]
    });
    let minute = Duration::from_secs(60);
    let source = files.map(|files| {
        let name = root.to_string().into();
        vec![Source::inside(name, Inside::Files(Arc::new(files)))]
    });
    (within_process(minute, None), source)
}

/// The one source of a function, and the settings it has like any other.
pub(super) fn function(
    name: &str,
    function: &config::Function,
    host: Host<'_>,
) -> (config::Servers, Result<Vec<Source>, Vec<KeyProblem>>) {
    /// The function ends itself when it takes too long, and tells so.
    const GRACE: Duration = Duration::from_secs(5);
    let loaded = function::load(name, function, host).map_err(|problem| vec![problem]);
    let source = loaded.map(|loaded| {
        let name = function.file.display().to_string().into();
        vec![Source::inside(name, Inside::Function(loaded))]
    });
    let most = usize::try_from(function.limits.concurrency).ok();
    (within_process(function.limits.wall + GRACE, most), source)
}

/// How what answers within the process is used.
fn within_process(patience: Duration, max_requests: Option<usize>) -> config::Servers {
    config::Servers {
        servers: vec![nowhere()],
        balance: Balance::RoundRobin,
        health: None,
        outlier: None,
        slow_start: Duration::ZERO,
        timeouts: OriginTimeouts {
            connect: patience,
            first_byte: patience,
            between_bytes: patience,
        },
        retries: Retries {
            max: 0,
            on: Vec::new(),
            budget_percent: 0,
        },
        tls: OriginTls {
            verify: true,
            server_name: None,
            ca: None,
        },
        http2: false,
        host: None,
        idle_timeout: Duration::ZERO,
        max_requests,
        s3: None,
    }
}

/// Stands for the server that there is not.
fn nowhere() -> config::Server {
    config::Server {
        address: ServerAddress::Ip(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))),
        tls: false,
        weight: 1,
    }
}

impl Source {
    fn new(
        server: &config::Server,
        trust: Option<&Arc<Trust>>,
    ) -> Result<Self, (Option<&'static str>, String)> {
        let host = match &server.address {
            ServerAddress::Ip(address) => Some(address.ip().to_string()),
            ServerAddress::Name(host, _) => Some(host.clone()),
            // The domain that was asked for: what DNS answers may be forged (RFC 9525, section 6.1).
            ServerAddress::Srv(service) => Some(domain(service).to_owned()),
            ServerAddress::Unix(path) => {
                let fits = std::os::unix::net::SocketAddr::from_pathname(path);
                if path.to_str().is_none() || fits.is_err() {
                    let shown = path.display();
                    return Err((
                        None,
                        format!("`{shown}` cannot be a Unix socket: at most 107 bytes of UTF-8"),
                    ));
                }
                None
            }
        };
        let tls = match trust {
            Some(trust) => {
                let name = trust
                    .name_for(host.as_deref())
                    .map_err(|error| (Some(error.key), error.message))?;
                Some((trust.clone(), name))
            }
            None => None,
        };
        let resolved = !matches!(
            server.address,
            ServerAddress::Name(..) | ServerAddress::Srv(_)
        );
        Ok(Self {
            written: server.clone(),
            name: written(server).into(),
            tls,
            inside: None,
            places: Mutex::default(),
            asked: watch::Sender::new(resolved),
            failing: AtomicBool::new(false),
        })
    }

    /// What answers within the process.
    fn inside(name: Arc<str>, inside: Inside) -> Self {
        Self {
            written: nowhere(),
            name,
            tls: None,
            inside: Some(inside),
            places: Mutex::default(),
            asked: watch::Sender::new(true),
            failing: AtomicBool::new(false),
        }
    }

    /// Takes over what the same name resolved to before a reload.
    pub(super) fn remember(&mut self, before: &[Self]) {
        let same = before
            .iter()
            .find(|source| source.written.address == self.written.address);
        if let Some(places) = same.map(Self::places).filter(|places| !places.is_empty()) {
            self.places = Mutex::new(places);
            self.asked = watch::Sender::new(true);
        }
    }

    fn places(&self) -> Vec<Place> {
        self.places
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Where it is now, each with its weight.
    fn addresses(&self) -> Vec<(Address, f64)> {
        let weight = f64::from(self.written.weight);
        if let Some(inside) = &self.inside {
            return vec![(inside.address(), weight)];
        }
        match &self.written.address {
            ServerAddress::Ip(address) => vec![(Address::Inet(*address), weight)],
            ServerAddress::Unix(path) => vec![(Address::Unix(path.clone()), weight)],
            ServerAddress::Name(..) | ServerAddress::Srv(_) => {
                let place = |place: Place| (Address::Inet(place.address), place.share * weight);
                self.places().into_iter().map(place).collect()
            }
        }
    }

    pub(super) fn fingerprint(&self) -> Option<u64> {
        self.tls
            .as_ref()
            .map(|(trust, _)| trust.fingerprint ^ balance::hash(self.name.as_bytes()))
    }
}

/// A server as the file has it.
fn written(server: &config::Server) -> String {
    let scheme = if server.tls { "https" } else { "http" };
    match &server.address {
        ServerAddress::Ip(address) => format!("{scheme}://{address}"),
        ServerAddress::Name(host, port) => match (server.tls, port) {
            (true, 443) | (false, 80) => format!("{scheme}://{host}"),
            _ => format!("{scheme}://{host}:{port}"),
        },
        ServerAddress::Srv(service) => format!("srv+{scheme}://{service}"),
        ServerAddress::Unix(path) => format!("unix:{}", path.display()),
    }
}

/// The domain of a service: `_https._tcp.example.com` is one of `example.com`.
fn domain(service: &str) -> &str {
    let mut rest = service;
    while let Some((label, after)) = rest.split_once('.') {
        if !label.starts_with('_') {
            break;
        }
        rest = after;
    }
    rest
}

impl Origin {
    /// Notes where a name is found now.
    pub(super) fn resolved(&self, index: usize, places: Vec<Place>) {
        let Some(source) = self.sources.get(index) else {
            return;
        };
        let changed = {
            let mut now = source.places.lock().unwrap_or_else(PoisonError::into_inner);
            let changed = *now != places;
            *now = places;
            changed
        };
        if changed {
            let addresses: Vec<_> = source
                .addresses()
                .iter()
                .map(|(address, _)| address.to_string())
                .collect();
            tracing::debug!(origin = self.name(), server = %source.name, ?addresses, "a name was resolved");
            self.replace(None);
        }
        if source.failing.swap(false, Ordering::Relaxed) {
            tracing::info!(origin = self.name(), server = %source.name, "a name can be resolved again");
        }
        source.asked.send_replace(true);
    }

    /// Notes that a name could not be looked up; what it was found at before stays.
    pub(super) fn unresolved(&self, index: usize, error: &ResolveError) {
        let Some(source) = self.sources.get(index) else {
            return;
        };
        if !source.failing.swap(true, Ordering::Relaxed) {
            let kept = source.places().len();
            tracing::warn!(origin = self.name(), server = %source.name, %error, kept, "a name cannot be resolved");
        }
        source.asked.send_replace(true);
    }

    /// Waits until every name was looked up once.
    pub(super) async fn asked(&self) {
        for source in &self.sources {
            // The sender is in `self`, so waiting can't fail.
            if source
                .asked
                .subscribe()
                .wait_for(|asked| *asked)
                .await
                .is_err()
            {
                return;
            }
        }
    }

    /// Puts servers together anew, each with what is known of it from `before` or else from the present ones.
    pub(super) fn replace(&self, before: Option<&Servers>) {
        let _alone = self
            .replacing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let present = self.servers();
        let before = before.unwrap_or(&present);
        let mut all: Vec<Server> = Vec::new();
        for source in &self.sources {
            for (address, weight) in source.addresses() {
                // Two names may lead to one address; it is one server all the same.
                let fingerprint = source.fingerprint();
                match all
                    .iter_mut()
                    .find(|server| server.is(&address, fingerprint))
                {
                    Some(server) => server.weight += weight,
                    None => all.push(self.server(source, address, weight, before)),
                }
            }
        }
        self.servers.store(Arc::new(Servers::new(
            all.into_iter().map(Arc::new).collect(),
        )));
    }

    fn server(&self, source: &Source, address: Address, weight: f64, before: &Servers) -> Server {
        let fingerprint = source.fingerprint();
        let known = before
            .all
            .iter()
            .find(|server| server.is(&address, fingerprint));
        let state = match known {
            Some(server) => server.state.clone(),
            None => Arc::new(State::new(!before.all.is_empty())),
        };
        let shown = address.to_string();
        let label = if source.name.ends_with(&shown) || source.inside.is_some() {
            source.name.clone()
        } else {
            format!("{} ({shown})", source.name).into()
        };
        Server {
            name: source.name.clone(),
            label,
            weight,
            hash: balance::hash(shown.as_bytes()),
            dial: Arc::new(source.dial(&address, &self.settings)),
            peer: source.peer(&address, &self.settings),
            fingerprint,
            checked: self.settings.health.is_some(),
            state,
            address,
        }
    }
}

impl Server {
    /// Whether it is the one at this address with this TLS.
    fn is(&self, address: &Address, fingerprint: Option<u64>) -> bool {
        self.address == *address && self.fingerprint == fingerprint
    }
}
