//! Filters that can be looked at and changed while they run.

use std::sync::Arc;

use percent_encoding::percent_decode_str;
use rimward_filters::Filter;
use serde_json::{Value, json};

use crate::runtime::Runtime;

/// Where one filter is found, below the admin address.
pub(super) const PREFIX: &str = "/filters/";

/// Why a filter can't be looked at or changed.
#[derive(Debug, thiserror::Error)]
pub(super) enum FilterFault {
    /// No filter has this name.
    #[error("there is no filter `{0}`")]
    Unknown(String),
    /// It can't be changed like that.
    #[error("{0}")]
    Wrong(String),
}

/// All filters, with the status of those that have one.
pub(super) fn list(runtime: &Runtime) -> Value {
    let specs = runtime.config.filters.iter().zip(&runtime.filters);
    let told = specs.map(|(spec, (name, filter))| tell(name, &spec.kind, &**filter));
    Value::Array(told.collect())
}

/// One filter, by the end of its path.
pub(super) fn show(runtime: &Runtime, path: &str) -> Result<Value, FilterFault> {
    let (name, kind, filter) = find(runtime, path)?;
    Ok(tell(&name, kind, &**filter))
}

/// Changes one filter, and shows it as it is then.
pub(super) fn change(runtime: &Runtime, path: &str, body: &[u8]) -> Result<Value, FilterFault> {
    let (name, kind, filter) = find(runtime, path)?;
    let wanted: Value = serde_json::from_slice(body)
        .map_err(|error| FilterFault::Wrong(format!("the body is not JSON: {error}")))?;
    filter.change(&wanted).map_err(FilterFault::Wrong)?;
    Ok(tell(&name, kind, &**filter))
}

fn find<'r>(
    runtime: &'r Runtime,
    path: &str,
) -> Result<(String, &'r str, &'r Arc<dyn Filter>), FilterFault> {
    let name = path.strip_prefix(PREFIX).unwrap_or(path);
    let name = percent_decode_str(name).decode_utf8_lossy().into_owned();
    let mut specs = runtime.config.filters.iter().zip(&runtime.filters);
    let found = specs.find(|(_, (other, _))| **other == *name);
    match found {
        Some((spec, (_, filter))) => Ok((name, &spec.kind, filter)),
        None => Err(FilterFault::Unknown(name)),
    }
}

fn tell(name: &str, kind: &str, filter: &dyn Filter) -> Value {
    let mut told = json!({ "name": name, "use": kind });
    if let Some(status) = filter.status() {
        told["status"] = status;
    }
    told
}
