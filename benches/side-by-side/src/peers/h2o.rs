//! H2O: one thread, passing through only, since it has no cache.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use rustix::process::geteuid;

use super::{Peer, Program};
use crate::cases::Need;
use crate::stage::Stage;

/// H2O of Debian.
pub(super) struct H2o;

impl Peer for H2o {
    fn name(&self) -> &'static str {
        "h2o"
    }

    fn note(&self) -> &'static str {
        "one thread; no cache"
    }

    fn program(&self) -> Program {
        Program::Debian {
            program: "h2o",
            package: "h2o",
        }
    }

    fn version(&self) -> &'static [&'static str] {
        &["-v"]
    }

    fn has(&self) -> &'static [Need] {
        &[Need::Tls, Need::Http2]
    }

    fn command(&self, program: &Path, stage: &Stage) -> Result<Command> {
        let Stage { plain, origin, .. } = stage;
        let user = if geteuid().is_root() {
            "user: root\n"
        } else {
            ""
        };
        let file = stage.write(
            "h2o.yaml",
            &format!(
                "{user}num-threads: 1\nerror-log: {home}/errors\nlisten: {{ host: 127.0.0.1, port: {plain} }}\n\
                 hosts:\n  default:\n    paths:\n      /:\n        proxy.reverse.url: http://127.0.0.1:{origin}/\n\
                 proxy.timeout.keepalive: 60000\n",
                home = stage.home()
            ),
        )?;
        let mut command = Command::new(program);
        command.args(["-m", "worker", "-c"]).arg(file);
        Ok(command)
    }
}
