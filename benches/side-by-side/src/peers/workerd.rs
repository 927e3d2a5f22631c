//! workerd, the runtime of Cloudflare Workers, as npm ships it.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::{Peer, Program};
use crate::cases::Need;
use crate::stage::Stage;

/// The runtime.
pub(super) struct Workerd;

/// Its package has the program of each kind of machine in another.
const PROGRAM: &str = match cfg!(target_arch = "aarch64") {
    true => "@cloudflare/workerd-linux-arm64/bin/workerd",
    false => "@cloudflare/workerd-linux-64/bin/workerd",
};

const SCRIPT: &str = r#"const body = "a".repeat(1024);
export default { fetch: () => new Response(body, { headers: { "content-type": "text/plain" } }) };
"#;

impl Peer for Workerd {
    fn name(&self) -> &'static str {
        "workerd"
    }

    fn note(&self) -> &'static str {
        "a heap that all requests share"
    }

    fn program(&self) -> Program {
        Program::Npm {
            program: PROGRAM,
            package: "workerd",
        }
    }

    fn version(&self) -> &'static [&'static str] {
        &["--version"]
    }

    fn has(&self) -> &'static [Need] {
        &[Need::Code]
    }

    fn command(&self, program: &Path, stage: &Stage) -> Result<Command> {
        stage.write("made.js", SCRIPT)?;
        let file = stage.write("workerd.capnp", &settings(stage.plain))?;
        let mut command = Command::new(program);
        command.arg("serve").arg(file);
        Ok(command)
    }
}

fn settings(port: u16) -> String {
    format!(
        r#"using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(name = "made", worker = .made)],
  sockets = [(name = "http", address = "127.0.0.1:{port}", http = (), service = "made")],
);

const made :Workerd.Worker = (
  modules = [(name = "made.js", esModule = embed "made.js")],
  compatibilityDate = "2024-09-01",
);
"#
    )
}
