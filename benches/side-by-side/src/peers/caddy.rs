//! Caddy: one processor for Go, passing through only, since Debian's has no cache.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::{Peer, Program};
use crate::cases::Need;
use crate::stage::Stage;

/// Caddy of Debian.
pub(super) struct Caddy;

impl Peer for Caddy {
    fn name(&self) -> &'static str {
        "caddy"
    }

    fn note(&self) -> &'static str {
        "GOMAXPROCS=1; no cache"
    }

    fn program(&self) -> Program {
        Program::Debian {
            program: "caddy",
            package: "caddy",
        }
    }

    fn version(&self) -> &'static [&'static str] {
        &["version"]
    }

    fn has(&self) -> &'static [Need] {
        &[Need::Tls, Need::Http2]
    }

    fn command(&self, program: &Path, stage: &Stage) -> Result<Command> {
        let Stage { plain, origin, .. } = stage;
        let file = stage.write(
            "Caddyfile",
            &format!(
                "{{\n\tadmin off\n\tauto_https off\n}}\n\
                 http://:{plain} {{\n\tbind 127.0.0.1\n\treverse_proxy 127.0.0.1:{origin} {{\n\
                 \t\ttransport http {{\n\t\t\tkeepalive 60s\n\t\t\tkeepalive_idle_conns_per_host 128\n\t\t}}\n\t}}\n}}\n"
            ),
        )?;
        let mut command = Command::new(program);
        command
            .args(["run", "--adapter", "caddyfile", "--config"])
            .arg(file);
        command
            .env("GOMAXPROCS", "1")
            .env("HOME", stage.folder())
            .env("XDG_DATA_HOME", stage.folder());
        Ok(command)
    }
}
