//! Stores of keys and values: looked at and written from outside.

mod fault;
mod line;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use rimward_config::Span;
use rimward_kv::{Condition, Entry, KvError, Stats, Store, Write};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use super::query::Query;
use super::respond::{Reply, failed, json, not_allowed, reply, text};
use crate::stores::NamedStores;
use fault::KvFault;

pub use line::{KvLine, Ttl};

/// Where stores are found, below the admin address.
pub(super) const PREFIX: &str = "/kv/";

/// How many lines one request may bring, and how long it may be.
pub const MAX_LINES: usize = 1000;
const MAX_LINES_BYTES: usize = 8 << 20;
/// Keys of one answer, unless fewer or more are asked for, and at most.
const DEFAULT_MAX: usize = 100;
const MOST: usize = 1000;
/// What the values of one answer may have together, but for the first.
const MAX_VALUES_BYTES: usize = 4 << 20;
/// Longest wait for a write to be on the disk.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What is percent-encoded in a header field.
const IN_FIELD: &AsciiSet = &CONTROLS.add(b'%');

/// Answers a request below `/kv`.
pub(super) async fn respond(stores: &NamedStores, request: Request<Incoming>) -> Reply {
    let (parts, body) = request.into_parts();
    match answer(stores, &parts, body).await {
        Ok(reply) => reply,
        Err(fault) => text(fault.status(), format!("{fault}\n")),
    }
}

async fn answer(stores: &NamedStores, parts: &Parts, body: Incoming) -> Result<Reply, KvFault> {
    let path = parts.uri.path();
    let Some(rest) = path.strip_prefix(PREFIX).filter(|rest| !rest.is_empty()) else {
        return Ok(match parts.method {
            Method::GET => json(&list_stores(stores)),
            _ => not_allowed("GET"),
        });
    };
    let (name, key) = match rest.split_once('/') {
        Some((name, key)) if !key.is_empty() => (name, Some(decoded(key)?)),
        Some((name, _)) => (name, None),
        None => (rest, None),
    };
    let store = stores
        .get(name)
        .ok_or_else(|| KvFault::unknown(name, stores))?;
    match (&parts.method, key) {
        (&Method::GET, None) => list(store.clone(), parts.uri.query().unwrap_or_default()).await,
        (&Method::POST, None) => write_lines(store, body).await,
        (_, None) => Ok(not_allowed("GET, POST")),
        (&Method::GET, Some(key)) => get(store.clone(), key).await,
        (&Method::PUT, Some(key)) => put(store, &key, parts, body).await,
        (&Method::DELETE, Some(key)) => delete(store, &key).await,
        (_, Some(_)) => Ok(not_allowed("GET, PUT, DELETE")),
    }
}

fn decoded(text: &str) -> Result<String, KvFault> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded
        .map(Into::into)
        .map_err(|_| KvFault::Wrong("a key is UTF-8".to_owned()))
}

/// `GET /kv`: all stores.
fn list_stores(stores: &NamedStores) -> Value {
    stores
        .iter()
        .map(|(name, store)| tell(name, &store.stats()))
        .collect()
}

fn tell(name: &str, stats: &Stats) -> Value {
    json!({
        "name": name,
        "keys": stats.keys,
        "bytes": stats.bytes,
        "room": stats.room,
        "file": stats.file,
        "hits": stats.hits,
        "misses": stats.misses,
        "puts": stats.puts,
        "deletes": stats.deletes,
        "conflicts": stats.conflicts,
        "expired": stats.expired,
        "full": stats.full,
        "errors": stats.errors,
    })
}

/// `GET /kv/NAME`: keys, or with `values=true` all there is for them.
async fn list(store: Arc<Store>, query: &str) -> Result<Reply, KvFault> {
    let query = Query::parse(query, &["prefix", "cursor", "max", "values"]).map_err(|name| {
        KvFault::unknown_parameter(name, "`prefix`, `cursor`, `max` and `values`")
    })?;
    let max = match query.get("max") {
        None => DEFAULT_MAX,
        Some(text) => Some(text)
            .and_then(|text| text.parse().ok())
            .filter(|max| (1..=MOST).contains(max))
            .ok_or_else(|| {
                KvFault::Wrong(format!("`max` is a number from 1 to {MOST}, not `{text}`"))
            })?,
    };
    let with_values = match query.get("values") {
        None | Some("false") => false,
        Some("true") => true,
        Some(other) => {
            return Err(KvFault::Wrong(format!(
                "`values` is `true` or `false`, not `{other}`"
            )));
        }
    };
    let prefix = query.get("prefix").unwrap_or_default().to_owned();
    let cursor = query.get("cursor").map(str::to_owned);
    blocking(move || {
        let page = store.list(&prefix, cursor.as_deref(), max)?;
        match with_values {
            false => Ok(json(&json!({ "keys": page.keys, "cursor": page.cursor }))),
            true => entries(&store, page.keys, page.cursor),
        }
    })
    .await
}

/// What there is for keys, as far as it is not too much for one answer; the cursor is moved to where it ends.
fn entries(store: &Store, keys: Vec<String>, mut cursor: Option<String>) -> Result<Reply, KvFault> {
    let (mut lines, mut last, mut left) = (Vec::new(), None, MAX_VALUES_BYTES);
    for key in keys {
        let Some(entry) = store.get(&key)? else {
            continue;
        };
        if entry.value.len() > left && last.is_some() {
            cursor = last;
            break;
        }
        left = left.saturating_sub(entry.value.len());
        lines.push(json!(KvLine::new(key.clone(), &entry)));
        last = Some(key);
    }
    Ok(json(&json!({ "entries": lines, "cursor": cursor })))
}

/// `GET /kv/NAME/KEY`: the value, with what else there is in header fields.
async fn get(store: Arc<Store>, key: String) -> Result<Reply, KvFault> {
    blocking(move || match store.get(&key)? {
        Some(entry) => Ok(with_fields(entry)),
        None => Err(KvFault::Absent(key)),
    })
    .await
}

fn with_fields(entry: Entry) -> Reply {
    let mut response = reply(StatusCode::OK, "application/octet-stream", entry.value);
    let mut field = |name, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    };
    field(header::ETAG, format!("\"{}\"", entry.generation));
    if let Some(ttl) = entry.ttl {
        field(line::TTL, line::seconds(ttl).to_string());
    }
    if let Some(metadata) = &entry.metadata {
        field(
            line::METADATA,
            utf8_percent_encode(metadata, IN_FIELD).to_string(),
        );
    }
    response
}

/// `PUT /kv/NAME/KEY`: the body is the value.
async fn put(store: &Store, key: &str, parts: &Parts, body: Incoming) -> Result<Reply, KvFault> {
    let query = Query::parse(parts.uri.query().unwrap_or_default(), &["ttl", "metadata"])
        .map_err(|name| KvFault::unknown_parameter(name, "`ttl` and `metadata`"))?;
    let ttl = query
        .get("ttl")
        .map(|text| text.parse::<Span>().map(|span| span.0));
    let write = Write {
        condition: condition(&parts.headers)?,
        ttl: ttl
            .transpose()
            .map_err(|error| KvFault::Wrong(format!("`ttl`: {error}")))?,
        metadata: query.get("metadata").map(str::to_owned),
    };
    let value = whole(body, store.max_value()).await?;
    let generation = in_time(store.put(key, value, write)).await?;
    let mut response = text(StatusCode::OK, "written\n");
    if let Ok(etag) = HeaderValue::from_str(&format!("\"{generation}\"")) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    Ok(response)
}

/// `If-None-Match: *` and `If-Match: "GENERATION"`.
fn condition(headers: &HeaderMap) -> Result<Condition, KvFault> {
    let field = |name| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap_or_default())
    };
    match (field(header::IF_NONE_MATCH), field(header::IF_MATCH)) {
        (None, None) => Ok(Condition::Always),
        (Some("*"), None) => Ok(Condition::Absent),
        (None, Some(etag)) => etag
            .strip_prefix('"')
            .and_then(|etag| etag.strip_suffix('"')?.parse().ok())
            .map(Condition::Generation)
            .ok_or_else(|| {
                KvFault::Wrong(
                    "`If-Match` is the `ETag` of what was read, such as `\"42\"`".to_owned(),
                )
            }),
        (Some(_), None) => Err(KvFault::Wrong(
            "`If-None-Match` is `*`: written if there is nothing".to_owned(),
        )),
        (Some(_), Some(_)) => Err(KvFault::Wrong(
            "`If-Match` and `If-None-Match` can't both hold".to_owned(),
        )),
    }
}

/// `DELETE /kv/NAME/KEY`.
async fn delete(store: &Store, key: &str) -> Result<Reply, KvFault> {
    match in_time(store.delete(key)).await? {
        true => Ok(text(StatusCode::OK, "deleted\n")),
        false => Err(KvFault::Absent(key.to_owned())),
    }
}

/// `POST /kv/NAME`: many entries, one a line, which are written together.
async fn write_lines(store: &Store, body: Incoming) -> Result<Reply, KvFault> {
    let body = whole(body, MAX_LINES_BYTES).await?;
    let lines = KvLine::parse_all(&body).map_err(KvFault::Wrong)?;
    if lines.len() > MAX_LINES {
        return Err(KvFault::Wrong(format!(
            "more than {MAX_LINES} lines at once"
        )));
    }
    let count = lines.len();
    let writes = lines.into_iter().map(|line| async move {
        let key = line.key.clone();
        let (value, write) = line.into_write().map_err(KvFault::Wrong)?;
        store
            .put(&key, value, write)
            .await
            .map_err(|error| KvFault::OfKey(key, error))
    });
    let written = tokio::time::timeout(TIMEOUT, join_all(writes)).await;
    for result in written.map_err(|_| KvFault::Timeout)? {
        result?;
    }
    Ok(text(StatusCode::OK, format!("{count} written\n")))
}

async fn in_time<T>(write: impl Future<Output = Result<T, KvError>>) -> Result<T, KvFault> {
    let written = tokio::time::timeout(TIMEOUT, write).await;
    Ok(written.map_err(|_| KvFault::Timeout)??)
}

async fn whole(body: Incoming, most: usize) -> Result<Bytes, KvFault> {
    let body = Limited::new(body, most).collect().await;
    body.map(|body| body.to_bytes())
        .map_err(|_| KvFault::TooLong(most))
}

/// What may have to read the disk is nothing for a worker.
async fn blocking(
    read: impl FnOnce() -> Result<Reply, KvFault> + Send + 'static,
) -> Result<Reply, KvFault> {
    spawn_blocking(read)
        .await
        .unwrap_or_else(|error| Ok(failed(&error)))
}
