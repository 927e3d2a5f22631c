//! What is stored, as JSON.
//!
//! Heads are shown whole: an object is what any client may get, and cookies are never stored.

use chrono::{DateTime, SecondsFormat, Utc};
use rimward_cache::clock::Bridge;
use rimward_cache::store::{Choice, Listed, Listing, Shown};
use serde_json::{Value, json};

use super::purge::{PurgeError, keys};
use super::query::Query;
use crate::edge::Process;

/// Objects of one answer, unless fewer or more are asked for, and at most.
const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 10_000;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ObjectsError {
    /// It asks for something that there is not.
    #[error("there is no parameter `{0}` but {1}; a URL in the query has its `&` written as `%26`")]
    Unknown(String, &'static str),
    /// It asks for too much or for nothing.
    #[error("`limit` is a number from 1 to {MAX_LIMIT}, not `{0}`")]
    BadLimit(String),
    /// Both can't be asked for at once.
    #[error("`prefix` and `key` are not to be given together")]
    PrefixAndKey,
    /// It does not say for which URL.
    #[error("`url` is missing, such as `/cache/object?url=https://www.example.com/path`")]
    NoUrl,
    /// The URL is not one that could be asked for.
    #[error(transparent)]
    Url(#[from] PurgeError),
}

/// `GET /cache/objects`: a list.
pub(super) fn list(process: &Process, query: &str) -> Result<Value, ObjectsError> {
    let query = parameters(
        query,
        &["prefix", "key", "limit"],
        "`prefix`, `key` and `limit`",
    )?;
    let prefix = query.get("prefix").map(with_lower_host);
    let choice = match (&prefix, query.get("key")) {
        (Some(_), Some(_)) => return Err(ObjectsError::PrefixAndKey),
        (_, Some(key)) => Choice::SurrogateKey(key),
        (prefix, None) => Choice::Prefix(prefix.as_deref().unwrap_or_default()),
    };
    let limit = limit(query.get("limit"))?;
    let Listing { objects, more } = process.cache.objects().list(choice, limit);
    let objects: Vec<Value> = objects.iter().map(listed).collect();
    Ok(json!({ "objects": objects, "more": more }))
}

/// `GET /cache/object`: everything about all objects of a URL.
pub(super) fn show(process: &Process, query: &str) -> Result<Value, ObjectsError> {
    let query = parameters(query, &["url", "limit"], "`url` and `limit`")?;
    let url = query.get("url").ok_or(ObjectsError::NoUrl)?;
    let limit = limit(query.get("limit"))?;
    let keys = keys(process, url)?;
    let store = process.cache.objects();
    let Listing { objects, more } = store.show(Choice::Urls(&keys), limit);
    let bridge = store.clock().bridge();
    let objects: Vec<Value> = objects
        .iter()
        .map(|object| shown(object, &bridge))
        .collect();
    Ok(json!({ "objects": objects, "more": more }))
}

/// `GET /cache/stats`.
pub(super) fn stats(process: &Process) -> Value {
    let store = process.cache.objects();
    let tiers = store.tiers().into_iter().map(|tier| {
        json!({
            "tier": tier.tier.as_str(),
            "keys": tier.keys,
            "bytes": tier.bytes,
            "capacity": tier.capacity,
            "hits": tier.hits,
            "misses": tier.misses,
            "evictions": tier.evictions,
        })
    });
    let stats = store.stats();
    json!({
        "tiers": tiers.collect::<Vec<_>>(),
        "fills": { "responses": stats.fills, "bytes": stats.fill_bytes },
        "purge_journal_failures": stats.purge_journal_failures,
    })
}

fn listed(object: &Listed) -> Value {
    json!({
        "key": object.key,
        "tier": object.tier.as_str(),
        "status": object.status,
        "age": object.age,
        "ttl": object.ttl,
        "size": object.size,
        "hits": object.hits,
        "variant": object.variance.map(|variance| format!("{variance:032x}")),
    })
}

fn shown(object: &Shown, bridge: &Bridge) -> Value {
    let mut told = listed(&object.listed);
    let terms = &object.terms;
    let time = |time| {
        let time = DateTime::<Utc>::from(bridge.to_system(time));
        time.to_rfc3339_opts(SecondsFormat::Secs, true)
    };
    let fields = object.head.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        json!([name.as_str(), value])
    });
    let names = |names: &[http::HeaderName]| -> Vec<String> {
        names.iter().map(|name| name.as_str().to_owned()).collect()
    };
    let more = json!({
        "stored": time(terms.stored),
        "fresh_until": time(terms.fresh_until),
        "basis": terms.basis.as_str(),
        "stale_while_revalidate": terms.stale_while_revalidate.as_secs(),
        "stale_if_error": terms.stale_if_error.as_secs(),
        "stale_if_unreachable": terms.stale_if_unreachable.as_secs(),
        "surrogate_keys": *terms.surrogate_keys,
        "vary": names(&object.vary),
        "withheld": names(&terms.withheld),
        "fields": fields.collect::<Vec<_>>(),
    });
    if let (Value::Object(told), Value::Object(more)) = (&mut told, more) {
        told.extend(more);
    }
    told
}

fn limit(text: Option<&str>) -> Result<usize, ObjectsError> {
    let Some(text) = text else {
        return Ok(DEFAULT_LIMIT);
    };
    let number = text.parse().ok();
    number
        .filter(|number| (1..=MAX_LIMIT).contains(number))
        .ok_or_else(|| ObjectsError::BadLimit(text.to_owned()))
}

/// Hosts are in lower case in keys.
fn with_lower_host(prefix: &str) -> String {
    let host = prefix.find("://").map_or(0, |index| index + 3);
    let path = prefix[host..]
        .find('/')
        .map_or(prefix.len(), |index| host + index);
    let (host, path) = prefix.split_at(path);
    format!("{}{path}", host.to_ascii_lowercase())
}

/// The parameters of a query.
fn parameters<'q>(
    query: &'q str,
    known: &[&str],
    known_readable: &'static str,
) -> Result<Query<'q>, ObjectsError> {
    Query::parse(query, known)
        .map_err(|name| ObjectsError::Unknown(name.to_owned(), known_readable))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_a_prefix_is_taken_without_regard_to_case() {
        for (prefix, expected) in [
            ("HTTPS://A.example/Path", "https://a.example/Path"),
            ("A.example/Path", "a.example/Path"),
            ("A.example", "a.example"),
            ("", ""),
            ("/Path", "/Path"),
        ] {
            assert_eq!(with_lower_host(prefix), expected);
        }
    }

    #[test]
    fn parameters_are_decoded_and_unknown_ones_are_told() {
        let parse = |query| parameters(query, &["url", "limit"], "`url` and `limit`");
        let query = parse("url=https%3A%2F%2Fa%2Fb%3Fx%3D1%26y&limit=").unwrap();
        assert_eq!(
            (query.get("url"), query.get("limit")),
            (Some("https://a/b?x=1&y"), None)
        );
        let error = parse("url=https://a/b?x=1&y=2").err().unwrap();
        assert!(
            error
                .to_string()
                .starts_with("there is no parameter `y` but `url` and `limit`")
        );
        assert!(limit(Some("0")).is_err() && limit(Some("10001")).is_err());
        assert_eq!(limit(Some("10000")).unwrap(), 10_000);
    }
}
