//! Rimward: without filters, with five that look at headers only, and with one in JavaScript.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use rustix::process::Signal;

use super::{Peer, Program};
use crate::cases::{Case, Need};
use crate::stage::Stage;

pub(super) const PLAIN: &str = "rimward";
pub(super) const FILTERED: &str = "rimward-filters";

/// Where `sdk/build-dynamic.sh` puts the filter in JavaScript.
const CODE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../target/guests/js/answer.wasm"
);

/// The edge.
pub(super) enum Rimward {
    Plain,
    Filtered,
    /// With a heap of its own for each request, or without.
    Code {
        fresh: bool,
    },
}

impl Peer for Rimward {
    fn name(&self) -> &'static str {
        match self {
            Self::Plain => PLAIN,
            Self::Filtered => FILTERED,
            Self::Code { fresh: false } => "rimward-js",
            Self::Code { fresh: true } => "rimward-js-fresh",
        }
    }

    fn note(&self) -> &'static str {
        match self {
            Self::Plain => "one worker thread",
            Self::Filtered => "with five header-only filters",
            Self::Code { fresh: false } => "with one in JavaScript, whose heap is used again",
            Self::Code { fresh: true } => {
                "with one in JavaScript, each request on a heap of its own"
            }
        }
    }

    fn program(&self) -> Program {
        Program::Edge
    }

    fn version(&self) -> &'static [&'static str] {
        &["--version"]
    }

    fn has(&self) -> &'static [Need] {
        use Need::*;
        &[Cache, Conditional, Range, Tls, Http2, Reload, Filters, Code]
    }

    fn takes(&self, case: &Case) -> bool {
        match self {
            Self::Plain => true,
            Self::Filtered => case.needs.contains(&Need::Filters),
            Self::Code { .. } => case.needs.contains(&Need::Code),
        }
    }

    fn command(&self, program: &Path, stage: &Stage) -> Result<Command> {
        ensure!(
            !matches!(self, Self::Code { .. }) || Path::new(CODE).exists(),
            "`sdk/build-dynamic.sh` has not built the filter in JavaScript"
        );
        let file = stage.write("pop.toml", &settings(stage, self))?;
        let mut command = Command::new(program);
        command.arg("run").arg(file);
        Ok(command)
    }

    fn reload(&self) -> Option<Signal> {
        Some(Signal::HUP)
    }
}

fn settings(stage: &Stage, edge: &Rimward) -> String {
    let Stage {
        plain,
        tls,
        origin,
        certificate,
        ..
    } = stage;
    format!(
        r#"[pop]
threads = 1

[log]
access = false
level = "warn"

[[listen]]
address = "127.0.0.1:{plain}"
{LIMITS}

[[listen]]
address = "127.0.0.1:{tls}"
tls = {{ certificates = [{{ chain = "{chain}", key = "{key}" }}] }}
{LIMITS}

[cache]
memory = "1GiB"

[origin.app]
servers = ["127.0.0.1:{origin}"]

[[site]]
hosts = ["*"]
origin = "app"
filters = [{filters}]

  [[site.route]]
  path = "/pass/*"
  cache = false

  [[site.route]]
  path = "/made"
  filters = [{made}]
"#,
        chain = certificate.chain.display(),
        key = certificate.key.display(),
        filters = match edge {
            Rimward::Filtered => FILTERS,
            _ => "",
        },
        made = match edge {
            Rimward::Code { fresh } => code(*fresh),
            _ => format!(
                "{{ use = \"respond\", status = 200, body = \"{}\" }}",
                "a".repeat(1024)
            ),
        },
    )
}

fn code(fresh: bool) -> String {
    let isolation = match fresh {
        true => "",
        false => ", isolation = \"reuse\", reuse = 1000000",
    };
    format!("{{ wasm = {CODE:?}{isolation} }}")
}

/// As the peers have it: one client address may have all connections, and keep them.
const LIMITS: &str = r#"limits = { idle_timeout = "10m", max_connections_per_ip = 20000, max_requests_per_connection = 1000000000 }"#;

/// Each has something to look at in every request, and none refuses it.
const FILTERS: &str = r#"
  { use = "headers", request = { set = { x-client-ip = "{client_ip}" } }, response = { set = { x-content-type-options = "nosniff" } } },
  { use = "ip_access", deny = ["192.0.2.0/24", "198.51.100.0/24"] },
  { use = "request_limits", max_uri = "2KiB", max_headers = 50, methods = ["GET", "POST"] },
  { use = "cors", origins = ["https://app.example.com"] },
  { use = "rewrite", strip_prefix = "/shop", query = { remove = ["utm_*"] } },
"#;
