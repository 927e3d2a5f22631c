//! Plugins: made, built and tested by who writes them; those of a running edge listed, deployed, rolled back and followed through
//! its admin interface.

mod build;
pub(super) mod dev;
mod folders;
mod new;
mod project;
mod sdk;
mod test;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use clap::Subcommand;
use http::{Method, Request};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::Running;
use super::ask::{Edge, ask, tell};
use super::tell::print;

/// How often it is looked for new messages.
const EACH: Duration = Duration::from_millis(500);

/// What is done with plugins.
#[derive(Debug, Subcommand)]
pub(super) enum Plugin {
    /// Make a project of a filter in Rust, JavaScript, Python or C
    New(new::Order),
    /// Build the component of a filter, by the tools of its language
    Build(build::Order),
    /// Test a filter against the requests of its `tests.toml`, with the limits that it has in production
    Test(test::Order),
    /// List the plugins of a running edge with their versions, or the versions of one
    Ls {
        /// Its name in the configuration; without one, all plugins
        name: Option<String>,
        #[command(flatten)]
        edge: Running,
    },
    /// Let a component take over, for all clients or for part of them
    Deploy {
        /// The plugin's name in the configuration
        name: String,
        /// The component, as `rimward plugin build` makes it
        component: PathBuf,
        /// The share of clients that get it, from 0 to 100, until `promote` or `rollback`
        #[arg(long)]
        percent: Option<f64>,
        #[command(flatten)]
        edge: Running,
    },
    /// Bring the version before back at once
    Rollback {
        /// The plugin's name in the configuration
        name: String,
        /// Another version than the one before, by the beginning of its digest
        #[arg(long)]
        to: Option<String>,
        #[command(flatten)]
        edge: Running,
    },
    /// Give all clients the version that part of them have
    Promote {
        /// The plugin's name in the configuration
        name: String,
        #[command(flatten)]
        edge: Running,
    },
    /// Show what a plugin, or a function, has logged lately
    Logs {
        /// The name of the plugin, or of the function's origin, in the configuration
        name: String,
        /// Go on with what it logs from now on
        #[arg(short, long)]
        follow: bool,
        #[command(flatten)]
        edge: Running,
    },
}

/// Does it.
pub(super) fn answer(order: Plugin) -> Result<ExitCode> {
    match order {
        Plugin::New(order) => new::run(&order),
        Plugin::Build(order) => build::run(&order),
        Plugin::Test(order) => test::run(&order),
        Plugin::Ls { name: None, edge } => {
            tell(ask(&edge.config, Method::GET, "/plugins", String::new())?)
        }
        Plugin::Ls {
            name: Some(name),
            edge,
        } => tell(ask(
            &edge.config,
            Method::GET,
            &target(&name, ""),
            String::new(),
        )?),
        Plugin::Deploy {
            name,
            component,
            percent,
            edge,
        } => {
            let content = std::fs::read(&component)
                .with_context(|| format!("component `{}`", component.display()))?;
            let query = percent.map_or_else(String::new, |percent| format!("?percent={percent}"));
            change(
                &edge.config,
                &target(&name, &format!("/deploy{query}")),
                content.into(),
            )
        }
        Plugin::Rollback { name, to, edge } => {
            let query = to.map_or_else(String::new, |to| {
                format!("?to={}", utf8_percent_encode(&to, NON_ALPHANUMERIC))
            });
            change(
                &edge.config,
                &target(&name, &format!("/rollback{query}")),
                Bytes::new(),
            )
        }
        Plugin::Promote { name, edge } => {
            change(&edge.config, &target(&name, "/promote"), Bytes::new())
        }
        Plugin::Logs { name, follow, edge } => logs(&edge.config, &name, follow),
    }
}

fn target(name: &str, rest: &str) -> String {
    format!(
        "/plugins/{}{rest}",
        utf8_percent_encode(name, NON_ALPHANUMERIC)
    )
}

fn change(file: &Path, target: &str, content: Bytes) -> Result<ExitCode> {
    let answer = Edge::of(file)?.exchange(Request::post(target).body(content)?)?;
    let (head, body) = answer.into_parts();
    tell((head.status, String::from_utf8_lossy(&body).into_owned()))
}

fn logs(file: &Path, name: &str, follow: bool) -> Result<ExitCode> {
    let mut since = 0;
    loop {
        let target = target(name, &format!("/logs?since={since}"));
        let (status, answer) = ask(file, Method::GET, &target, String::new())?;
        if !status.is_success() {
            return tell((status, answer));
        }
        let told: Value = serde_json::from_str(&answer)?;
        since = told["next"].as_u64().unwrap_or(since);
        for message in told["messages"].as_array().into_iter().flatten() {
            print(&line(message))?;
        }
        if !follow {
            return Ok(ExitCode::SUCCESS);
        }
        std::thread::park_timeout(EACH);
    }
}

/// One message in a line.
fn line(message: &Value) -> String {
    let text = |key: &str| message[key].as_str().unwrap_or_default();
    format!(
        "{} {:5} {} {} {}\n",
        text("time"),
        text("level"),
        text("version"),
        text("request_id"),
        text("text")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_a_line() {
        let message = serde_json::json!({
            "time": "now", "level": "warn", "version": "abc", "request_id": "1", "text": "hello",
        });
        assert_eq!(line(&message), "now warn  abc 1 hello\n");
        assert_eq!(target("a/b", "/promote"), "/plugins/a%2Fb/promote");
    }
}
