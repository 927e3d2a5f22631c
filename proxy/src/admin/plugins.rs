//! Filters in WebAssembly and their versions: what there is, and another one in its place. A version takes over as a reload does:
//! whole, or not at all.

use std::sync::Arc;

use hyper::body::Bytes;
use percent_encoding::percent_decode_str;
use rimward_config::OriginKind;
use rimward_filters::wasm::versions::{Index, Source, VersionError};
use rimward_filters::wasm::{Versions, logs};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::edge::Edge;

/// Where plugins are at the admin address.
pub(super) const PREFIX: &str = "/plugins/";
/// The largest component that can be deployed, in bytes.
pub(super) const MAX_COMPONENT: usize = 64 << 20;

/// Why a plugin is not changed.
#[derive(Debug, thiserror::Error)]
pub(super) enum PluginFault {
    /// No filter in WebAssembly has this name.
    #[error("there is no filter `{0}` in WebAssembly")]
    Unknown(String),
    /// What is wanted is not to be had.
    #[error("{0}")]
    Version(#[from] VersionError),
    /// What is asked for makes no sense.
    #[error("{0}")]
    Wrong(String),
    /// The version did not take over.
    #[error("it does not take over, the version before goes on:\n{0}")]
    Refused(String),
}

/// All plugins with their versions.
pub(super) fn list(edge: &Edge) -> Value {
    let runtime = edge.process().runtime.load();
    let filters = runtime.filters.iter();
    let told = filters.filter_map(|(name, filter)| {
        let versions = filter.versions()?;
        Some(tell(name, &versions.index(), filter.status()))
    });
    Value::Array(told.collect())
}

/// Shows one, by the end of its path.
pub(super) fn show(edge: &Edge, name: &str) -> Result<Value, PluginFault> {
    let runtime = edge.process().runtime.load();
    let found = runtime.filters.iter().find(|(other, _)| **other == *name);
    let (name, filter) = found.ok_or_else(|| PluginFault::Unknown(name.to_owned()))?;
    let versions = filter
        .versions()
        .ok_or_else(|| PluginFault::Unknown((**name).to_owned()))?;
    Ok(tell(name, &versions.index(), filter.status()))
}

fn tell(name: &str, index: &Index, status: Option<Value>) -> Value {
    let mut told = json!(index);
    told["name"] = name.into();
    told["running"] = status.unwrap_or_default();
    told
}

/// The messages of a plugin, or of a function, from a number on.
pub(super) fn messages(edge: &Edge, name: &str, query: &str) -> Result<Value, PluginFault> {
    if !is_function(edge, name) {
        show(edge, name)?;
    }
    let since = parameter(query, "since").map_or(Ok(0), |since| {
        since
            .parse()
            .map_err(|_| PluginFault::Wrong(format!("`{since}` is no number of a message")))
    })?;
    let (messages, next) = logs::since(name, since);
    let messages: Vec<Value> = messages
        .iter()
        .map(|message| {
            json!({
                "time": httpdate::fmt_http_date(message.time),
                "level": message.level.as_str().to_ascii_lowercase(),
                "version": message.version,
                "request_id": message.request_id,
                "text": message.text,
            })
        })
        .collect();
    Ok(json!({ "messages": messages, "next": next }))
}

/// Whether an origin of this name is a function.
fn is_function(edge: &Edge, name: &str) -> bool {
    let runtime = edge.process().runtime.load();
    let mut origins = runtime.config.origins.iter();
    origins.any(|origin| *origin.name == *name && matches!(origin.kind, OriginKind::Function(_)))
}

/// Does what is asked of a plugin: `deploy`, `rollback` or `promote`.
pub(super) async fn act(
    edge: &Arc<Edge>,
    name: &str,
    action: &str,
    query: &str,
    body: Bytes,
) -> Result<Value, PluginFault> {
    let versions = versions(edge, name)?;
    let percent = parameter(query, "percent");
    let percent = percent.map(|percent| {
        let number = percent
            .parse::<f64>()
            .ok()
            .filter(|number| (0.0..=100.0).contains(number));
        number
            .ok_or_else(|| PluginFault::Wrong(format!("`{percent}` is not a number from 0 to 100")))
    });
    let percent = percent.transpose()?;
    let (action, to) = (action.to_owned(), parameter(query, "to"));
    let changed = versions.clone();
    let before = spawn_blocking(move || match action.as_str() {
        "deploy" => {
            let sha256 = changed.keep(&body, Source::Deployed)?;
            Ok(changed.deploy(&sha256, percent)?)
        }
        "rollback" => Ok(changed.roll_back(to.as_deref())?),
        "promote" => Ok(changed.promote()?),
        other => Err(PluginFault::Wrong(format!(
            "there is deploy, rollback and promote, and no `{other}`"
        ))),
    });
    let before = before
        .await
        .map_err(|error| PluginFault::Wrong(error.to_string()))??;
    if let Err(problems) = edge.reload(edge.config()).await {
        // Written again, since somebody may look at it before the next change.
        drop(spawn_blocking(move || versions.restore(before)).await);
        return Err(PluginFault::Refused(problems.to_string()));
    }
    show(edge, name)
}

fn versions(edge: &Edge, name: &str) -> Result<Arc<Versions>, PluginFault> {
    let runtime = edge.process().runtime.load();
    let found = runtime.filters.iter().find(|(other, _)| **other == *name);
    let versions = found.and_then(|(_, filter)| filter.versions());
    versions.ok_or_else(|| PluginFault::Unknown(name.to_owned()))
}

/// The name and the action of a path.
pub(super) fn parts(path: &str) -> (String, String) {
    let rest = path.strip_prefix(PREFIX).unwrap_or(path);
    let (name, action) = rest.split_once('/').unwrap_or((rest, ""));
    let name = percent_decode_str(name).decode_utf8_lossy().into_owned();
    (name, action.to_owned())
}

fn parameter(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let value = pairs.into_iter().find(|(key, _)| *key == name)?.1;
    Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_a_name_and_an_action() {
        for (path, expected) in [
            ("/plugins/prices", ("prices", "")),
            ("/plugins/prices/deploy", ("prices", "deploy")),
            ("/plugins/a%2Fb/logs", ("a/b", "logs")),
        ] {
            let (name, action) = parts(path);
            assert_eq!((&*name, &*action), expected, "{path}");
        }
        assert_eq!(parameter("a=1&percent=5", "percent").as_deref(), Some("5"));
        assert_eq!(parameter("a=1", "percent"), None);
    }
}
