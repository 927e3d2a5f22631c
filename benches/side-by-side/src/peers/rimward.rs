//! Rimward, without filters and with five that look at headers only.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use rustix::process::Signal;

use super::{Peer, Program};
use crate::cases::{Case, Need};
use crate::stage::Stage;

pub(super) const PLAIN: &str = "rimward";
pub(super) const FILTERED: &str = "rimward-filters";

/// The edge.
pub(super) struct Rimward {
    pub(super) filtered: bool,
}

impl Peer for Rimward {
    fn name(&self) -> &'static str {
        if self.filtered { FILTERED } else { PLAIN }
    }

    fn note(&self) -> &'static str {
        if self.filtered {
            "with five header-only filters"
        } else {
            "one worker thread"
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
        &[Cache, Conditional, Range, Tls, Http2, Reload, Filters]
    }

    fn takes(&self, case: &Case) -> bool {
        case.needs.contains(&Need::Filters) || !self.filtered
    }

    fn command(&self, program: &Path, stage: &Stage) -> Result<Command> {
        let file = stage.write("pop.toml", &settings(stage, self.filtered))?;
        let mut command = Command::new(program);
        command.arg("run").arg(file);
        Ok(command)
    }

    fn reload(&self) -> Option<Signal> {
        Some(Signal::HUP)
    }
}

fn settings(stage: &Stage, filtered: bool) -> String {
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
"#,
        chain = certificate.chain.display(),
        key = certificate.key.display(),
        filters = if filtered { FILTERS } else { "" },
    )
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
