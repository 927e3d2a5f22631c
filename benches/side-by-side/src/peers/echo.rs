//! The bare echo of this binary: what reading a request and writing 1 KiB costs at least.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::{Peer, Program};
use crate::cases::{Case, Need};
use crate::stage::Stage;

/// The floor.
pub(super) struct Echo;

/// The one case that it knows the answer to.
const CASE: &str = "hit-1k";

impl Peer for Echo {
    fn name(&self) -> &'static str {
        "echo"
    }

    fn note(&self) -> &'static str {
        "one read and one write for each request, no HTTP"
    }

    fn program(&self) -> Program {
        Program::Myself
    }

    fn version(&self) -> &'static [&'static str] {
        &["--help"]
    }

    fn has(&self) -> &'static [Need] {
        &[Need::Cache]
    }

    fn takes(&self, case: &Case) -> bool {
        case.name == CASE
    }

    fn command(&self, program: &Path, stage: &Stage) -> Result<Command> {
        let mut command = Command::new(program);
        command.args(["echo", "--port", &stage.plain.to_string()]);
        Ok(command)
    }
}
