//! The system's resolver: `/etc/hosts` first, then the name servers of `/etc/resolv.conf`.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, ResolveHosts};
use hickory_resolver::proto::rr::{RData, RecordType};
use tokio::sync::Mutex;

use super::resolve::{Found, Resolve, ResolveError, Target};

/// Asks DNS as the system's files say.
///
/// The files are read again after every failure, so that an edge that was started before its network can recover.
#[derive(Default)]
pub(super) struct Dns(Mutex<Option<Arc<TokioResolver>>>);

impl Dns {
    async fn resolver(&self) -> Result<Arc<TokioResolver>, ResolveError> {
        let mut kept = self.0.lock().await;
        if let Some(resolver) = &*kept {
            return Ok(resolver.clone());
        }
        let resolver = Arc::new(tokio::task::spawn_blocking(build).await.map_err(error)??);
        *kept = Some(resolver.clone());
        Ok(resolver)
    }

    async fn failed<T>(&self, message: impl std::fmt::Display) -> Result<T, ResolveError> {
        *self.0.lock().await = None;
        Err(error(message))
    }
}

fn build() -> Result<TokioResolver, ResolveError> {
    let mut builder = TokioResolver::builder_tokio().map_err(error)?;
    let options = builder.options_mut();
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    options.use_hosts_file = ResolveHosts::Always;
    // Names are looked up again when their TTL is over: a cache in between would only make answers older.
    options.cache_size = 0;
    builder.build().map_err(error)
}

fn error(message: impl std::fmt::Display) -> ResolveError {
    ResolveError(message.to_string())
}

fn ttl(valid_until: Instant) -> Duration {
    valid_until.saturating_duration_since(Instant::now())
}

#[async_trait]
impl Resolve for Dns {
    async fn addresses(&self, host: &str) -> Result<Found<IpAddr>, ResolveError> {
        match self.resolver().await?.lookup_ip(host).await {
            Ok(found) => Ok(Found {
                records: found.iter().collect(),
                ttl: ttl(found.valid_until()),
            }),
            Err(error) => self.failed(error).await,
        }
    }

    async fn service(&self, name: &str) -> Result<Found<Target>, ResolveError> {
        let found = match self.resolver().await?.lookup(name, RecordType::SRV).await {
            Ok(found) => found,
            Err(error) => return self.failed(error).await,
        };
        let records = found
            .answers()
            .iter()
            .filter_map(|record| match &record.data {
                // A target of "." says that the service is not there (RFC 2782).
                RData::SRV(srv) if !srv.target.is_root() => Some(Target {
                    priority: srv.priority,
                    weight: srv.weight,
                    port: srv.port,
                    host: srv.target.to_utf8(),
                }),
                _ => None,
            })
            .collect();
        Ok(Found {
            records,
            ttl: ttl(found.valid_until()),
        })
    }
}

impl std::fmt::Debug for Dns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dns")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn localhost_is_found_in_the_hosts_file() {
        let found = Dns::default().addresses("localhost").await.unwrap();
        assert!(!found.records.is_empty());
        assert!(found.records.iter().all(IpAddr::is_loopback), "{found:?}");
    }
}
