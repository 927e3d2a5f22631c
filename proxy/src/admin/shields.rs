//! Purges on their way to shields: they are done there first, or what is purged here would come back from there.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::Value;

use super::client::Client;
use crate::edge::Process;
use crate::request::hops;
use crate::runtime::{Runtime, Shield, ShieldAdmin};

/// How long an edge of a shield may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The members of an order that name one site, by a URL or a host.
const PLACES: [&str; 6] = ["url", "urls", "prefix", "prefixes", "host", "hosts"];
/// The most of an edge's answer that is told on, in bytes.
const MOST_TOLD: usize = 1000;

/// An edge of a shield where a purge was not done.
#[derive(Debug, thiserror::Error)]
#[error("shield `{shield}`, {edge}: {reason}")]
pub(super) struct NotPurged {
    shield: String,
    edge: String,
    reason: String,
}

/// Sends an order, as it came, to the shields that it concerns, and returns where it was not carried out. An order that
/// came through this edge before is not sent on.
pub(super) async fn purge_first(
    process: &Process,
    came_with: &HeaderMap,
    order: &Bytes,
) -> Vec<NotPurged> {
    let runtime = process.runtime.load_full();
    let pop = &runtime.config.pop.name;
    if hops(came_with, pop) > 0 {
        return Vec::new();
    }
    let through = through(came_with, pop);
    let shields = concerned(&runtime, order);
    let edges = shields
        .iter()
        .flat_map(|shield| shield.admins.iter().map(move |admin| (shield, admin)));
    let asked = edges.map(|(shield, admin)| purge_at(shield, admin, through.clone(), order));
    let failed: Vec<NotPurged> = join_all(asked).await.into_iter().flatten().collect();
    for error in &failed {
        tracing::warn!(%error, "a purge was not done at a shield");
    }
    failed
}

/// What is said of a purge that was done here only.
pub(super) fn report(failed: &[NotPurged]) -> String {
    let list: String = failed.iter().map(|error| format!("\n  {error}")).collect();
    format!("purged here, but not everywhere, so that it may come back:{list}\n")
}

/// `CDN-Loop` for the next edge.
fn through(came_with: &HeaderMap, pop: &str) -> Option<HeaderValue> {
    let before = came_with.get_all("cdn-loop").iter();
    let members = before
        .map(HeaderValue::as_bytes)
        .chain([pop.as_bytes()])
        .collect::<Vec<_>>();
    HeaderValue::from_bytes(&members.join(&b", "[..])).ok()
}

/// The shields of the sites that an order names; all of them when it names none, as one by surrogate key.
fn concerned(runtime: &Runtime, order: &Bytes) -> Vec<Arc<Shield>> {
    let order: Value = serde_json::from_slice(order).unwrap_or_default();
    let named: Vec<&Value> = PLACES.iter().filter_map(|place| order.get(place)).collect();
    if named.is_empty() {
        return runtime.shields.clone();
    }
    let texts = named.into_iter().flat_map(|value| match value {
        Value::Array(values) => values.iter().collect(),
        one => vec![one],
    });
    let sites = texts.filter_map(|text| runtime.hosts.find(host(text.as_str()?)));
    let mut shields: Vec<Arc<Shield>> = Vec::new();
    for shield in sites.flat_map(|site| &site.shields) {
        if !shields.iter().any(|known| Arc::ptr_eq(known, shield)) {
            shields.push(shield.clone());
        }
    }
    shields
}

/// The host of a URL, with or without scheme, port and path.
fn host(place: &str) -> &str {
    let rest = place.split_once("://").map_or(place, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or(rest);
    let authority = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    match authority.rsplit_once(':') {
        Some((host, _)) if !authority.ends_with(']') => host,
        _ => authority,
    }
}

async fn purge_at(
    shield: &Shield,
    admin: &ShieldAdmin,
    through: Option<HeaderValue>,
    order: &Bytes,
) -> Option<NotPurged> {
    let client = Client::new(admin.address.clone(), admin.token.clone());
    let edge = client.address();
    let client = match through {
        Some(through) => client.with_header(header::HeaderName::from_static("cdn-loop"), through),
        None => client,
    };
    let order = String::from_utf8_lossy(order).into_owned();
    let asked = client.ask(Method::POST, "/purge", order);
    let reason = match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok((status, _))) if status.is_success() => return None,
        Ok(Ok((status, mut answer))) => {
            answer.truncate(answer.floor_char_boundary(MOST_TOLD));
            format!("it answered {status}: {}", answer.trim())
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("it did not answer within {} s", PATIENCE.as_secs()),
    };
    Some(NotPurged {
        shield: shield.edges.name().to_owned(),
        edge,
        reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_a_place_is_found_however_it_is_written() {
        for (place, expected) in [
            ("https://www.example.com/a?b=c:d", "www.example.com"),
            ("http://www.example.com:8080/a", "www.example.com"),
            ("http://www.example.com?a", "www.example.com"),
            ("www.example.com", "www.example.com"),
            ("https://[::1]:80/", "[::1]"),
            ("https://[::1]/", "[::1]"),
            ("", ""),
        ] {
            assert_eq!(host(place), expected, "{place}");
        }
    }

    #[test]
    fn an_order_tells_all_the_edges_that_it_came_through() {
        let mut came_with = HeaderMap::new();
        assert_eq!(through(&came_with, "fra1").unwrap(), "fra1");
        came_with.append("cdn-loop", HeaderValue::from_static("muc1"));
        came_with.append("cdn-loop", HeaderValue::from_static("ber1"));
        assert_eq!(through(&came_with, "fra1").unwrap(), "muc1, ber1, fra1");
    }
}
