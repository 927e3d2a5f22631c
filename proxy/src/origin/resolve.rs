//! Names to addresses, in the background and by TTL, so that no request ever waits for DNS.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rimward_config::ServerAddress;

use super::Origin;

/// The least and the most time from one look-up to the next, whatever the TTL says.
const TTL: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3600);
/// From a look-up that failed to the next; doubles while they fail.
const AGAIN: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(30);
/// Addresses of one name that are used; more than this is a mistake or an attack.
const MOST: usize = 256;

/// Something that looks names up.
#[async_trait]
pub trait Resolve: std::fmt::Debug + Send + Sync {
    /// The addresses of a host and how long they hold.
    async fn addresses(&self, host: &str) -> Result<Found<IpAddr>, ResolveError>;
    /// The targets of a service (SRV) and how long they hold.
    async fn service(&self, name: &str) -> Result<Found<Target>, ResolveError>;
}

/// What a look-up found.
#[derive(Debug, Clone)]
pub struct Found<T> {
    /// The records, in the order they came.
    pub records: Vec<T>,
    /// How long they hold.
    pub ttl: Duration,
}

/// A host that an SRV record names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Lower numbers are to be used before higher ones.
    pub priority: u16,
    /// The share among those of the same priority.
    pub weight: u16,
    /// The port.
    pub port: u16,
    /// The host's name.
    pub host: String,
}

/// Why a name could not be looked up.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct ResolveError(pub String);

/// An address and its share of the weight that its server has in the file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    pub(super) address: SocketAddr,
    pub(super) share: f64,
}

/// Looks one server's name up again and again and tells the origin what it found.
pub(super) async fn follow(
    origin: Arc<Origin>,
    index: usize,
    name: ServerAddress,
    resolver: Arc<dyn Resolve>,
) {
    let mut again = *AGAIN.start();
    loop {
        let wait = match look_up(&*resolver, &name).await {
            Ok(found) => {
                again = *AGAIN.start();
                origin.resolved(index, found.records);
                found.ttl.clamp(*TTL.start(), *TTL.end())
            }
            Err(error) => {
                origin.unresolved(index, &error);
                let wait = again;
                again = (again * 2).min(*AGAIN.end());
                wait
            }
        };
        tokio::time::sleep(wait).await;
    }
}

async fn look_up(
    resolver: &dyn Resolve,
    name: &ServerAddress,
) -> Result<Found<Place>, ResolveError> {
    let found = match name {
        ServerAddress::Name(host, port) => host_places(resolver, host, *port).await?,
        ServerAddress::Srv(service) => service_places(resolver, service).await?,
        ServerAddress::Ip(_) | ServerAddress::Unix(_) => {
            return Err(ResolveError("there is no name".into()));
        }
    };
    if found.records.is_empty() {
        return Err(ResolveError("the name has no address".into()));
    }
    Ok(found)
}

async fn host_places(
    resolver: &dyn Resolve,
    host: &str,
    port: u16,
) -> Result<Found<Place>, ResolveError> {
    let found = resolver.addresses(host).await?;
    let addresses = preferred(found.records);
    let share = 1.0 / addresses.len().max(1) as f64;
    let records = addresses
        .into_iter()
        .map(|ip| Place {
            address: SocketAddr::new(ip, port),
            share,
        })
        .collect();
    Ok(Found {
        records,
        ttl: found.ttl,
    })
}

/// The hosts of the best priority only: the others are for when those are gone from DNS.
async fn service_places(
    resolver: &dyn Resolve,
    service: &str,
) -> Result<Found<Place>, ResolveError> {
    let Found {
        records: mut targets,
        mut ttl,
    } = resolver.service(service).await?;
    let best = targets.iter().map(|target| target.priority).min();
    targets.retain(|target| Some(target.priority) == best);
    targets.truncate(MOST);
    let total: f64 = targets
        .iter()
        .map(|target| f64::from(target.weight.max(1)))
        .sum();
    let mut records = Vec::new();
    let mut failure = None;
    for target in targets {
        match host_places(resolver, &target.host, target.port).await {
            Ok(found) => {
                let share = f64::from(target.weight.max(1)) / total;
                ttl = ttl.min(found.ttl);
                records.extend(found.records.into_iter().map(|place| Place {
                    share: place.share * share,
                    ..place
                }));
            }
            // One host that can't be found must not take the others with it.
            Err(error) => failure = Some(error),
        }
    }
    records.truncate(MOST);
    match failure {
        Some(error) if records.is_empty() => Err(error),
        _ => Ok(Found { records, ttl }),
    }
}

/// One family's addresses: IPv4 if the host has any that this machine has a route to, or else IPv6.
///
/// Both would mean that every other try fails where one of them does not work, as with `localhost` often enough.
fn preferred(mut addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    // The unspecified address is this machine, which a name of somebody else's must not lead to; the others are no one's.
    addresses.retain(|ip| {
        let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
        !(ip.is_unspecified() || ip.is_multicast() || broadcast)
    });
    addresses.sort();
    addresses.dedup();
    let (v4, v6): (Vec<_>, Vec<_>) = addresses.into_iter().partition(IpAddr::is_ipv4);
    let reachable = |addresses: &[IpAddr]| addresses.first().is_some_and(|ip| route_to(*ip));
    let mut chosen = if v4.is_empty() || (!reachable(&v4) && reachable(&v6)) {
        v6
    } else {
        v4
    };
    chosen.truncate(MOST);
    chosen
}

/// Whether the kernel knows a way; nothing is sent.
fn route_to(ip: IpAddr) -> bool {
    let any: IpAddr = if ip.is_ipv4() {
        Ipv4Addr::UNSPECIFIED.into()
    } else {
        Ipv6Addr::UNSPECIFIED.into()
    };
    UdpSocket::bind((any, 0))
        .and_then(|socket| socket.connect((ip, 53)))
        .is_ok()
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::HashMap;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Answers as the test wrote.
    #[derive(Debug, Default)]
    pub(crate) struct Script {
        hosts: Mutex<HashMap<String, (Vec<IpAddr>, u64)>>,
        services: Mutex<HashMap<String, Vec<Target>>>,
        pub(crate) asked: AtomicUsize,
    }

    impl Script {
        pub(crate) fn host(&self, name: &str, addresses: &[&str], ttl: u64) {
            let addresses = addresses
                .iter()
                .map(|address| address.parse().unwrap())
                .collect();
            self.hosts
                .lock()
                .unwrap()
                .insert(name.into(), (addresses, ttl));
        }

        pub(crate) fn forget(&self, name: &str) {
            self.hosts.lock().unwrap().remove(name);
        }
    }

    #[async_trait]
    impl Resolve for Script {
        async fn addresses(&self, host: &str) -> Result<Found<IpAddr>, ResolveError> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let hosts = self.hosts.lock().unwrap();
            let (records, ttl) = hosts
                .get(host)
                .cloned()
                .ok_or_else(|| ResolveError("no such name".into()))?;
            Ok(Found {
                records,
                ttl: Duration::from_secs(ttl),
            })
        }

        async fn service(&self, name: &str) -> Result<Found<Target>, ResolveError> {
            let services = self.services.lock().unwrap();
            let records = services
                .get(name)
                .cloned()
                .ok_or_else(|| ResolveError("no such service".into()))?;
            Ok(Found {
                records,
                ttl: Duration::from_secs(60),
            })
        }
    }

    fn target(priority: u16, weight: u16, host: &str) -> Target {
        Target {
            priority,
            weight,
            port: 8080,
            host: host.into(),
        }
    }

    #[tokio::test]
    async fn the_addresses_of_a_name_share_its_weight() {
        let script = Script::default();
        script.host("a", &["127.0.0.2", "127.0.0.1", "127.0.0.2", "::1"], 60);
        let found = look_up(&script, &ServerAddress::Name("a".into(), 80))
            .await
            .unwrap();
        let expected: Vec<_> = ["127.0.0.1:80", "127.0.0.2:80"]
            .map(|address| Place {
                address: address.parse().unwrap(),
                share: 0.5,
            })
            .into();
        assert_eq!(found.records, expected);
    }

    #[tokio::test]
    async fn a_service_is_its_best_priority_by_weight() {
        let script = Script::default();
        script.host("a", &["127.0.0.1"], 5);
        script.host("b", &["127.0.0.2", "127.0.0.3"], 60);
        script.services.lock().unwrap().insert(
            "_http._tcp.x".into(),
            vec![
                target(20, 9, "a"),
                target(10, 1, "a"),
                target(10, 3, "b"),
                target(10, 4, "gone"),
            ],
        );
        let found = look_up(&script, &ServerAddress::Srv("_http._tcp.x".into()))
            .await
            .unwrap();
        let shares: Vec<_> = found
            .records
            .iter()
            .map(|place| (place.address.to_string(), place.share))
            .collect();
        assert_eq!(
            shares,
            [
                ("127.0.0.1:8080".into(), 0.125),
                ("127.0.0.2:8080".into(), 0.1875),
                ("127.0.0.3:8080".into(), 0.1875),
            ]
        );
        assert_eq!(found.ttl, Duration::from_secs(5));
    }

    #[tokio::test]
    async fn a_name_without_addresses_is_an_error() {
        let script = Script::default();
        script.host("a", &["0.0.0.0", "::", "224.0.0.1", "255.255.255.255"], 60);
        assert!(
            look_up(&script, &ServerAddress::Name("a".into(), 80))
                .await
                .is_err()
        );
        assert!(
            look_up(&script, &ServerAddress::Name("b".into(), 80))
                .await
                .is_err()
        );
    }
}
