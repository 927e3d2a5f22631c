//! `rimward kv`: the stores of a running edge, through its admin interface.

mod import;
mod source;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use clap::{Subcommand, ValueEnum};
use http::{Method, Request, Response, StatusCode, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rimward::admin::KvLine;
use rimward_config::Span;
use serde::Deserialize;

use super::ask::{Edge, tell};
use super::cache::{bytes, plain, table};
use super::tell::print;

/// What is done with a store.
#[derive(Debug, Subcommand)]
pub(super) enum Order {
    /// Print the value of a key as it is
    Get {
        /// The store
        store: String,
        /// The key
        key: String,
        /// Print a line of JSON with the metadata, the generation and the seconds left, too
        #[arg(long)]
        json: bool,
    },
    /// Write a value
    Put(Put),
    /// List the keys of a store, or all stores
    Ls {
        /// The store; without one, all stores
        store: Option<String>,
        /// Only keys that begin like this
        #[arg(long, default_value = "", requires = "store")]
        prefix: String,
        /// At most so many
        #[arg(long, requires = "store")]
        limit: Option<usize>,
    },
    /// Delete keys
    Rm {
        /// The store
        store: String,
        /// The keys
        #[arg(required = true)]
        keys: Vec<String>,
    },
    /// Write many values, from a file or a folder
    Import(import::Import),
    /// Print all entries, one a line of JSON, as `import` reads them
    Export {
        /// The store
        store: String,
        /// Only keys that begin like this
        #[arg(long, default_value = "")]
        prefix: String,
    },
}

/// What is written, and when.
#[derive(Debug, clap::Args)]
pub(super) struct Put {
    /// The store
    store: String,
    /// The key
    key: String,
    /// The value; without one, and without `--file`, it is read from standard input
    value: Option<String>,
    /// The file that has the value
    #[arg(long, conflicts_with = "value")]
    file: Option<PathBuf>,
    /// How long it lasts, such as 10m or 1d; without this, for ever
    #[arg(long)]
    ttl: Option<Span>,
    /// A text that is kept beside it
    #[arg(long)]
    metadata: Option<String>,
    /// Only if there is nothing for the key
    #[arg(long)]
    if_absent: bool,
    /// Only if what is there is of this generation
    #[arg(long, conflicts_with = "if_absent")]
    if_generation: Option<u64>,
}

/// The form of what is imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// `{"KEY": "VALUE", …}`, or a list of `{"key": …, "value": …}`, or that in `{"data": […]}`
    Json,
    /// A line of JSON for each entry, as `export` prints them
    Ndjson,
    /// `key,value`, then `ttl` and `metadata` where they are wanted
    Csv,
}

/// Does what was asked for at the edge that was started with `file`.
pub(super) fn run(file: &Path, order: Order) -> Result<ExitCode> {
    let edge = Edge::of(file)?;
    match order {
        Order::Get { store, key, json } => get(&edge, &store, key, json),
        Order::Put(order) => put(&edge, order),
        Order::Ls { store: None, .. } => stores(&edge),
        Order::Ls {
            store: Some(store),
            prefix,
            limit,
        } => keys(&edge, &store, &prefix, limit.unwrap_or(usize::MAX)),
        Order::Rm { store, keys } => remove(&edge, &store, &keys),
        Order::Import(order) => import::import(&edge, &order),
        Order::Export { store, prefix } => export(&edge, &store, &prefix),
    }
}

const UNREADABLE: &str = "the edge's answer can't be read; is it of another version?";

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn target(store: &str, key: &str) -> String {
    format!("/kv/{}/{}", encoded(store), encoded(key))
}

/// Sends a request; an answer that is none of success is told as an error.
fn ask(
    edge: &Edge,
    method: Method,
    target: &str,
    body: impl Into<Bytes>,
) -> Result<Response<Bytes>> {
    succeed(
        edge.exchange(
            Request::builder()
                .method(method)
                .uri(target)
                .body(body.into())?,
        )?,
    )
}

fn succeed(response: Response<Bytes>) -> Result<Response<Bytes>> {
    if response.status() != StatusCode::OK {
        bail!("{}", String::from_utf8_lossy(response.body()).trim_end());
    }
    Ok(response)
}

fn get(edge: &Edge, store: &str, key: String, json: bool) -> Result<ExitCode> {
    let response = ask(edge, Method::GET, &target(store, &key), "")?;
    if json {
        print(&format!(
            "{}\n",
            serde_json::to_string(&KvLine::from_answer(key, &response))?
        ))?;
    } else {
        std::io::stdout().lock().write_all(response.body())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn put(edge: &Edge, order: Put) -> Result<ExitCode> {
    let value = match (order.value, &order.file) {
        (Some(value), _) => value.into_bytes(),
        (None, Some(file)) => {
            std::fs::read(file).with_context(|| format!("`{}`", file.display()))?
        }
        (None, None) => {
            let mut value = Vec::new();
            std::io::stdin().lock().read_to_end(&mut value)?;
            value
        }
    };
    let ttl = order.ttl.map(|ttl| ("ttl", ttl.to_string()));
    let metadata = order.metadata.map(|metadata| ("metadata", metadata));
    let query: Vec<String> = [ttl, metadata]
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("{name}={}", encoded(&value)))
        .collect();
    let target = format!("{}?{}", target(&order.store, &order.key), query.join("&"));
    let mut request = Request::builder().method(Method::PUT).uri(target);
    if order.if_absent {
        request = request.header(header::IF_NONE_MATCH, "*");
    }
    if let Some(generation) = order.if_generation {
        request = request.header(header::IF_MATCH, format!("\"{generation}\""));
    }
    succeed(edge.exchange(request.body(value.into())?)?)?;
    Ok(ExitCode::SUCCESS)
}

fn remove(edge: &Edge, store: &str, keys: &[String]) -> Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    for key in keys {
        let request = Request::builder()
            .method(Method::DELETE)
            .uri(target(store, key));
        let response = edge.exchange(request.body(Bytes::new())?)?;
        if response.status() != StatusCode::OK {
            code = tell((
                response.status(),
                String::from_utf8_lossy(response.body()).into_owned(),
            ))?;
        }
    }
    Ok(code)
}

#[derive(Deserialize)]
struct StoreStatus {
    name: String,
    keys: u64,
    bytes: u64,
    room: u64,
    file: u64,
    hits: u64,
    misses: u64,
    puts: u64,
}

fn stores(edge: &Edge) -> Result<ExitCode> {
    let answer = ask(edge, Method::GET, "/kv", "")?;
    let stores: Vec<StoreStatus> = serde_json::from_slice(answer.body()).context(UNREADABLE)?;
    let rows = stores.iter().map(|store| {
        let numbers = [store.hits, store.misses, store.puts].map(|number| number.to_string());
        let [hits, misses, puts] = numbers;
        let sizes = [store.bytes, store.room, store.file].map(bytes);
        let [size, room, file] = sizes;
        [
            store.keys.to_string(),
            size,
            room,
            file,
            hits,
            misses,
            puts,
            store.name.clone(),
        ]
    });
    let head = [
        "KEYS", "SIZE", "ROOM", "FILE", "HITS", "MISSES", "PUTS", "STORE",
    ];
    print(&table(head.map(str::to_owned), rows))?;
    Ok(ExitCode::SUCCESS)
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    keys: Vec<String>,
    #[serde(default)]
    entries: Vec<KvLine>,
    cursor: Option<String>,
}

/// The pages of a store, each asked for when it is wanted.
fn pages<'e>(
    edge: &'e Edge,
    store: &str,
    prefix: &str,
    more: &str,
) -> impl Iterator<Item = Result<Page>> + use<'e> {
    let start = format!("/kv/{}?prefix={}{more}", encoded(store), encoded(prefix));
    let mut next = Some(start.clone());
    std::iter::from_fn(move || {
        let target = next.take()?;
        let page = ask(edge, Method::GET, &target, "")
            .and_then(|answer| serde_json::from_slice::<Page>(answer.body()).context(UNREADABLE));
        let cursor = page.as_ref().ok().and_then(|page| page.cursor.as_deref());
        next = cursor.map(|cursor| format!("{start}&cursor={}", encoded(cursor)));
        Some(page)
    })
}

fn keys(edge: &Edge, store: &str, prefix: &str, mut limit: usize) -> Result<ExitCode> {
    let max = limit.clamp(1, 1000);
    for page in pages(edge, store, prefix, &format!("&max={max}")) {
        let keys = page?.keys;
        let shown = keys.len().min(limit);
        print(&plain(
            &keys[..shown]
                .iter()
                .map(|key| format!("{key}\n"))
                .collect::<String>(),
        ))?;
        limit -= shown;
        if limit == 0 {
            break;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn export(edge: &Edge, store: &str, prefix: &str) -> Result<ExitCode> {
    for page in pages(edge, store, prefix, "&max=1000&values=true") {
        for line in page?.entries {
            print(&format!("{}\n", serde_json::to_string(&line)?))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
