//! Where responses come from, and which server is asked.
//!
//! An [`Origins`] lives as long as a configuration; what is known of a server that stays (its health, its ejections,
//! its requests in flight, its idle connections, what its name resolved to) is handed on from one to the next, so
//! that a reload forgets nothing.
//!
//! A server gets requests while checks and its own answers speak for it. When they speak for none of an origin's
//! servers, all get requests: what made them all look dead is then more likely with us or the checks, and an answer
//! from a doubtful server is better than none for certain.

mod ask;
mod balance;
mod dial;
mod directory;
mod dns;
mod function;
mod given;
mod health;
mod inside;
mod line;
mod outlier;
mod peer;
mod pool;
mod reply;
mod resolve;
mod retry;
mod s3;
mod send;
mod server;
mod servers;
mod tls;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use http::uri::PathAndQuery;
use http::{HeaderValue, Uri};
use pingora_http::RequestHeader;
use rimward_cache::Key;
use rimward_config::{
    self as config, Balance, Config, Fallback, HashKey, OriginId, OriginKind, Outlier,
    ServerAddress, ShieldId,
};
use rimward_filters::Exchange;
use tokio::task::JoinSet;
use tokio::time::Instant;

pub(crate) use ask::ask_once;
pub(crate) use function::Host;
pub(crate) use given::Given;
pub use resolve::{Found, Resolve, ResolveError, Target};
pub use retry::{FailedTry, Failure, RetryBudget};
pub use s3::{Refusal, S3, Unasked};
pub(crate) use send::send_once;
pub use server::{Address, Picked, ServerId, ServerStatus};

pub(crate) use tls::{server_name, system_client};

use balance::Servers;
use server::Server;
use servers::Source;

/// From one look through the idle connections to the next.
const SWEEP: Duration = Duration::from_secs(5);

/// Why an origin of a configuration can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{section} `{origin}`: {key}: {message}")]
pub struct OriginProblem {
    /// `origin` or `shield`.
    pub section: &'static str,
    /// The origin's name.
    pub origin: String,
    /// The key within the origin's table, such as `tls.ca`.
    pub key: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl OriginProblem {
    /// Where in the file it is.
    pub fn key(&self) -> String {
        format!("{}.{}.{}", self.section, self.origin, self.key)
    }
}

/// All origins of a configuration.
#[derive(Debug)]
pub struct Origins {
    origins: Vec<Arc<Origin>>,
    /// The edges of shields, which are used like an origin's servers.
    shields: Vec<Arc<Origin>>,
    /// Look-ups, checks and sweeps; they end when this is dropped.
    tasks: Mutex<JoinSet<()>>,
}

impl Origins {
    /// Reads certificates, opens directories and compiles functions; blocking, but nothing goes over the network.
    pub(crate) fn compile(
        config: &Config,
        host: Host<'_>,
        previous: Option<&Self>,
    ) -> Result<Self, Vec<OriginProblem>> {
        let mut problems = Vec::new();
        let mut compile = |origin: &config::Origin, shields: Option<Fallback>| {
            let before = previous.and_then(|previous| previous.named(&origin.name));
            Origin::compile(origin, shields, host, before)
                .map(Arc::new)
                .map_err(|found| problems.extend(found))
                .ok()
        };
        let origins = config.origins.iter();
        let origins = origins.filter_map(|origin| compile(origin, None));
        let origins = origins.collect();
        let shields = config.shields.iter();
        let shields = shields.filter_map(|shield| compile(&shield.edges, Some(shield.fallback)));
        let shields = shields.collect();
        if problems.is_empty() {
            Ok(Self {
                origins,
                shields,
                tasks: Mutex::default(),
            })
        } else {
            Err(problems)
        }
    }

    /// Starts look-ups of names and checks of servers. Needs a tokio runtime with time and IO.
    pub fn start(&self) {
        self.start_with(&(Arc::new(dns::Dns::default()) as Arc<dyn Resolve>));
    }

    /// [`Self::start`] with another resolver than the system's.
    pub fn start_with(&self, resolver: &Arc<dyn Resolve>) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        for origin in self.all() {
            for (index, name) in origin.names() {
                tasks.spawn(resolve::follow(
                    origin.clone(),
                    index,
                    name,
                    resolver.clone(),
                ));
            }
            if let Some(check) = &origin.settings.health {
                tasks.spawn(health::watch(origin.clone(), check.clone()));
            }
        }
        let origins: Vec<_> = self.all().cloned().collect();
        tasks.spawn(async move {
            loop {
                tokio::time::sleep(SWEEP).await;
                origins.iter().for_each(|origin| origin.sweep());
            }
        });
    }

    /// Waits until every name was looked up once, whatever came of it, but no longer than `bound`.
    pub async fn ready(&self, bound: Duration) {
        let all = async {
            for origin in self.all() {
                origin.asked().await;
            }
        };
        if tokio::time::timeout(bound, all).await.is_err() {
            tracing::warn!(
                seconds = bound.as_secs_f64(),
                "not every origin's name could be looked up in time"
            );
        }
    }

    /// The origin that a route names. The id must be of the configuration that this was compiled from.
    pub fn get(&self, id: OriginId) -> &Arc<Origin> {
        &self.origins[id.0]
    }

    /// The edges of a shield, of the same configuration.
    pub fn shield(&self, id: ShieldId) -> &Arc<Origin> {
        &self.shields[id.0]
    }

    /// The origin or shield of this name.
    pub fn named(&self, name: &str) -> Option<&Arc<Origin>> {
        self.all().find(|origin| origin.name() == name)
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Origin>> {
        self.origins.iter().chain(&self.shields)
    }

    /// Every server as it is now.
    pub fn status(&self) -> Vec<ServerStatus> {
        let now = Instant::now();
        self.all()
            .flat_map(|origin| {
                let slow_start = origin.settings.slow_start;
                let servers = origin.servers();
                servers
                    .all
                    .iter()
                    .map(|server| server.status(&origin.name, slow_start, now))
                    .collect::<Vec<_>>()
            })
            .collect()
    }
}

/// What a server is picked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pick<'a> {
    /// What consistent hashing goes by ([`Origin::hash_key`]).
    pub hash: Option<u64>,
    /// The servers that this request was sent to before, in order; they are asked again only when no other is left.
    pub tried: &'a [ServerId],
}

/// Why no server could be picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoServer {
    /// The name of none of the servers has been resolved yet.
    #[error("no server of the origin has an address yet")]
    Unresolved,
    /// Every server has as many requests as it may.
    #[error(
        "every server of the origin has as many requests as `max_requests`, or `limits.concurrency` of a function, allows"
    )]
    Busy,
    /// Every server is down, busy or was asked already.
    #[error("no server of the origin is left to ask")]
    NoneLeft,
}

/// Where responses come from: servers that speak HTTP, a directory or a function.
#[derive(Debug)]
pub struct Origin {
    name: Arc<str>,
    settings: config::Servers,
    sources: Vec<Source>,
    /// How requests become ones for a bucket, where it is one.
    s3: Option<S3>,
    servers: ArcSwap<Servers>,
    /// Whether somebody else can be asked instead: a server that checks and answers speak against is not asked then, and
    /// none is asked twice.
    spare: bool,
    budget: RetryBudget,
    /// Held while servers are replaced, so that no two look-ups undo each other's work.
    replacing: Mutex<()>,
}

impl Origin {
    /// `shields` tells what happens when the servers, edges of a shield, can't be asked; `None` for an origin.
    fn compile(
        origin: &config::Origin,
        shields: Option<Fallback>,
        host: Host<'_>,
        before: Option<&Arc<Self>>,
    ) -> Result<Self, Vec<OriginProblem>> {
        let (settings, sources) = match &origin.kind {
            OriginKind::Servers(settings) => ((**settings).clone(), servers::sources(settings)),
            OriginKind::Directory(directory) => servers::directory(directory),
            OriginKind::Function(function) => servers::function(&origin.name, function, host),
        };
        let problem = |(key, message)| OriginProblem {
            section: if shields.is_some() {
                "shield"
            } else {
                "origin"
            },
            origin: origin.name.clone(),
            key,
            message,
        };
        let bucket = settings.host.as_deref().unwrap_or_default();
        let s3 = settings.s3.as_ref().map(|s3| S3::compile(s3, bucket));
        let s3 = s3.transpose().map_err(|found| vec![problem(found)])?;
        let mut sources =
            sources.map_err(|found| found.into_iter().map(problem).collect::<Vec<_>>())?;
        if let Some(before) = before {
            sources
                .iter_mut()
                .for_each(|source| source.remember(&before.sources));
        }
        let compiled = Self {
            name: origin.name.as_str().into(),
            budget: RetryBudget::new(settings.retries.budget_percent),
            settings,
            sources,
            s3,
            servers: ArcSwap::from_pointee(Servers::default()),
            spare: shields == Some(Fallback::Origin),
            replacing: Mutex::default(),
        };
        compiled.replace(before.map(|before| before.servers()).as_deref());
        Ok(compiled)
    }

    /// Its name in the file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The `Host` that its servers see; `None` passes the client's on.
    pub fn host(&self) -> Option<&str> {
        self.settings.host.as_deref()
    }

    /// What is different where it is a bucket.
    pub fn s3(&self) -> Option<&S3> {
        self.s3.as_ref()
    }

    /// Makes a request one that the origin takes, if that takes more than sending it: for a bucket, the path becomes the key
    /// of an object, and the head is signed. It is the last thing to change a head, and is due once for that of each try.
    ///
    /// # Errors
    /// When the origin has no such request, with the status of the answer.
    pub fn sign(&self, request: &mut RequestHeader) -> Result<(), Unasked> {
        match &self.s3 {
            Some(s3) => s3.sign(request, SystemTime::now()),
            None => Ok(()),
        }
    }

    /// Picks a server; a first try counts towards the retry budget.
    pub fn pick(self: &Arc<Self>, what: &Pick<'_>) -> Result<Picked, NoServer> {
        /// Tries to get a place at a server that filled up while it was being chosen.
        const RACES: usize = 16;

        if what.tried.is_empty() {
            self.budget.request();
        }
        let servers = self.servers();
        if servers.all.is_empty() {
            return Err(NoServer::Unresolved);
        }
        let now = Instant::now();
        let most = self.settings.max_requests;
        let all = !self.spare && !servers.all.iter().any(|server| server.usable(now));
        let random = &mut rand::rng();
        for again in [false, true] {
            if again && self.spare {
                return Err(NoServer::NoneLeft);
            }
            let share = |server: &Server| {
                let fits = (all || server.usable(now))
                    && (again || !what.tried.contains(&server.id()))
                    && most.is_none_or(|most| server.in_flight() < most);
                if fits {
                    server.share(self.settings.slow_start, now)
                } else {
                    0.0
                }
            };
            for _ in 0..RACES {
                let Some(server) = servers.choose(&self.settings.balance, what.hash, share, random)
                else {
                    break;
                };
                if server.enter(most) {
                    let before = what.tried.iter().filter(|id| **id == server.id()).count();
                    let pause = retry::pause(u32::try_from(before).unwrap_or(u32::MAX));
                    return Ok(Picked::new(
                        self.clone(),
                        server.clone(),
                        pause,
                        !what.tried.is_empty(),
                    ));
                }
            }
        }
        Err(NoServer::Busy)
    }

    /// What consistent hashing goes by for an object: the same on every edge.
    pub fn hash_of(key: &Key) -> u64 {
        balance::hash(key.parts())
    }

    /// The same for a request whose route is not cached.
    pub fn hash_of_target(host: Option<&HeaderValue>, uri: &Uri) -> u64 {
        let host = host.map_or(&b""[..], HeaderValue::as_bytes);
        let target = uri.path_and_query().map_or("", PathAndQuery::as_str);
        balance::hash(&[host, target.as_bytes()].concat())
    }

    /// The server that is asked for an object while all are well, as far as addresses are known.
    pub fn first_for(&self, key: &Key) -> Option<String> {
        let servers = self.servers();
        let all_known = self.names().is_empty();
        let share = |server: &Server| server.weight;
        let chosen = servers.choose(
            &self.settings.balance,
            Some(Self::hash_of(key)),
            share,
            &mut rand::rng(),
        );
        chosen
            .filter(|_| all_known)
            .map(|server| server.label.to_string())
    }

    /// What consistent hashing goes by; `None` when the balance is another or the request has no such thing.
    pub fn hash_key(&self, exchange: &Exchange) -> Option<u64> {
        let Balance::Hash(key) = &self.settings.balance else {
            return None;
        };
        match key {
            HashKey::Uri => {
                let target = exchange.request.uri.path_and_query()?;
                Some(balance::hash(target.as_str().as_bytes()))
            }
            HashKey::Path => Some(balance::hash(exchange.path().as_bytes())),
            HashKey::ClientIp => Some(match exchange.client.ip {
                std::net::IpAddr::V4(ip) => balance::hash(&ip.octets()),
                std::net::IpAddr::V6(ip) => balance::hash(&ip.octets()),
            }),
            HashKey::Host => Some(balance::hash(
                exchange.host().to_ascii_lowercase().as_bytes(),
            )),
            HashKey::Header(name) => exchange
                .header(name)
                .map(|value| balance::hash(value.as_bytes())),
            HashKey::Cookie(name) => exchange
                .cookie(name)
                .map(|value| balance::hash(value.as_bytes())),
            // Of shields, whose requests bring the hash of their key.
            HashKey::CacheKey => None,
        }
    }

    /// Whether a failed request is to be tried again; a yes is counted.
    pub fn should_retry(&self, request: &FailedTry<'_>) -> bool {
        retry::wanted(&self.settings.retries, request) && self.budget.allow()
    }

    /// Whether a failed request may be sent elsewhere: its failure is one that is tried again, however often it was. What
    /// goes elsewhere adds nothing to the load here.
    pub fn may_go_elsewhere(&self, request: &FailedTry<'_>) -> bool {
        retry::may_repeat(&self.settings.retries, request)
    }

    fn servers(&self) -> Arc<Servers> {
        self.servers.load_full()
    }

    fn outlier(&self) -> Option<&Outlier> {
        self.settings.outlier.as_ref()
    }

    fn may_eject(&self, rule: &Outlier, now: Instant) -> bool {
        let servers = self.servers();
        let ejected = servers
            .all
            .iter()
            .filter(|server| server.state.record.ejected(now))
            .count();
        // Who can be asked instead is like one server more.
        outlier::may_eject(rule, servers.all.len() + usize::from(self.spare), ejected)
    }

    /// Whether its servers are asked over HTTP/2.
    pub fn http2(&self) -> bool {
        self.settings.http2
    }

    /// The `Host` of a health check.
    fn check_host(&self, server: &Server) -> String {
        // A Unix socket has no name of its own.
        let named = || {
            server
                .name
                .split_once("://")
                .map_or("localhost", |(_, rest)| rest)
        };
        self.settings
            .host
            .as_deref()
            .unwrap_or_else(named)
            .to_owned()
    }

    fn sweep(&self) {
        let servers = self.servers();
        servers
            .all
            .iter()
            .for_each(|server| server.state.pool.sweep(self.settings.idle_timeout));
    }

    /// The servers whose names have to be looked up.
    fn names(&self) -> Vec<(usize, ServerAddress)> {
        let named = |source: &Source| match source.written.address {
            ServerAddress::Name(..) | ServerAddress::Srv(_) => Some(source.written.address.clone()),
            ServerAddress::Ip(_) | ServerAddress::Unix(_) => None,
        };
        self.sources
            .iter()
            .enumerate()
            .filter_map(|(index, source)| Some((index, named(source)?)))
            .collect()
    }
}

#[cfg(test)]
mod tests;
