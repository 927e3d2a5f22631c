//! Varnish: one thread pool, objects on its heap, nothing written to its log in memory for a request.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::{Peer, Program};
use crate::cases::Need;
use crate::stage::Stage;

/// Varnish of Debian.
pub(super) struct Varnish;

impl Peer for Varnish {
    fn name(&self) -> &'static str {
        "varnish"
    }

    fn note(&self) -> &'static str {
        "one thread pool, a thread for each busy connection; no TLS"
    }

    fn program(&self) -> Program {
        Program::Debian {
            program: "varnishd",
            package: "varnish",
        }
    }

    fn version(&self) -> &'static [&'static str] {
        &["-V"]
    }

    fn has(&self) -> &'static [Need] {
        use Need::*;
        &[Cache, Conditional, Range]
    }

    fn command(&self, program: &Path, stage: &Stage) -> Result<Command> {
        let vcl = format!(
            "vcl 4.1;\nbackend origin {{ .host = \"127.0.0.1\"; .port = \"{}\"; }}\n\
             sub vcl_recv {{ if (req.url ~ \"^/pass/\") {{ return (pass); }} }}\n",
            stage.origin
        );
        let vcl = stage.write("edge.vcl", &vcl)?;
        let mut command = Command::new(program);
        command.args(["-F", "-j", "none", "-T", "none"]);
        command.args(["-a", &format!("127.0.0.1:{}", stage.plain)]);
        command
            .arg("-n")
            .arg(stage.folder().join("varnish"))
            .arg("-f")
            .arg(vcl);
        command.args(["-s", "malloc,1g"]);
        for parameter in PARAMETERS {
            command.args(["-p", parameter]);
        }
        command.args([
            "-p",
            &format!("vsl_mask={}", SILENT.map(|tag| format!("-{tag}")).join(",")),
        ]);
        Ok(command)
    }
}

const PARAMETERS: [&str; 5] = [
    "thread_pools=1",
    "thread_pool_min=100",
    "thread_pool_max=2000",
    "timeout_idle=600",
    "listen_depth=4096",
];

/// All that a request would write: its access log is off.
const SILENT: [&str; 38] = [
    "Begin",
    "End",
    "Link",
    "SessOpen",
    "SessClose",
    "ReqStart",
    "ReqMethod",
    "ReqURL",
    "ReqProtocol",
    "ReqHeader",
    "ReqUnset",
    "ReqAcct",
    "RespProtocol",
    "RespStatus",
    "RespReason",
    "RespHeader",
    "RespUnset",
    "BereqMethod",
    "BereqURL",
    "BereqProtocol",
    "BereqHeader",
    "BereqUnset",
    "BereqAcct",
    "BerespProtocol",
    "BerespStatus",
    "BerespReason",
    "BerespHeader",
    "BerespUnset",
    "BackendOpen",
    "BackendReuse",
    "BackendClose",
    "VCL_call",
    "VCL_return",
    "Timestamp",
    "Hit",
    "TTL",
    "Storage",
    "Length",
];
