//! Filters of a running edge: looked at and changed through its admin interface.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::Step;
use super::ask::{ask, tell};

/// Shows filters, or changes one.
pub(super) fn answer(file: &Path, name: Option<&str>, changes: &[String]) -> Result<ExitCode> {
    match (name, changes) {
        (None, _) => tell(ask(file, Method::GET, "/filters", String::new())?),
        (Some(name), []) => show(file, name),
        (Some(name), changes) => change(file, name, &wanted(changes)?),
    }
}

/// Steers a migration, or tells how it stands.
pub(super) fn migrate(
    file: &Path,
    name: &str,
    step: Option<Step>,
    percent: Option<String>,
) -> Result<ExitCode> {
    match (step, percent) {
        (_, Some(percent)) => change(file, name, &json!({ "percent": number(&percent) })),
        (None | Some(Step::Status), None) => show(file, name),
        (Some(Step::Pause), None) => change(file, name, &json!({ "paused": true })),
        (Some(Step::Resume), None) => change(file, name, &json!({ "resumed": true })),
        (Some(Step::Abort), None) => change(file, name, &json!({ "percent": 0 })),
    }
}

fn show(file: &Path, name: &str) -> Result<ExitCode> {
    tell(ask(file, Method::GET, &target(name), String::new())?)
}

fn change(file: &Path, name: &str, wanted: &Value) -> Result<ExitCode> {
    tell(ask(file, Method::POST, &target(name), wanted.to_string())?)
}

fn target(name: &str) -> String {
    format!("/filters/{}", utf8_percent_encode(name, NON_ALPHANUMERIC))
}

/// `key=value` pairs as JSON; a value that is none by itself is text.
fn wanted(changes: &[String]) -> Result<Value> {
    let mut wanted = Map::new();
    for change in changes {
        let Some((key, value)) = change.split_once('=') else {
            bail!("`{change}` is no change such as `percent=50`");
        };
        wanted.insert(key.to_owned(), number(value));
    }
    Ok(Value::Object(wanted))
}

fn number(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_become_json() {
        let changes = ["percent=50", "on=true", "page=soon", "until=null"];
        let wanted = wanted(&changes.map(str::to_owned)).unwrap();
        assert_eq!(
            wanted,
            json!({ "percent": 50, "on": true, "page": "soon", "until": null })
        );
        assert!(super::wanted(&["percent".to_owned()]).is_err());
    }
}
