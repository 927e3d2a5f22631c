//! HAProxy: one thread, its cache in shared memory, connections to the origin reused.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use rustix::process::Signal;

use super::{Peer, Program};
use crate::cases::Need;
use crate::stage::Stage;

/// HAProxy of Debian.
pub(super) struct Haproxy;

impl Peer for Haproxy {
    fn name(&self) -> &'static str {
        "haproxy"
    }

    fn note(&self) -> &'static str {
        "one thread below a master; its cache answers no ranges"
    }

    fn program(&self) -> Program {
        Program::Debian {
            program: "haproxy",
            package: "haproxy",
        }
    }

    fn version(&self) -> &'static [&'static str] {
        &["-v"]
    }

    fn has(&self) -> &'static [Need] {
        use Need::*;
        &[Cache, Conditional, Tls, Http2, Reload]
    }

    fn command(&self, program: &Path, stage: &Stage) -> Result<Command> {
        let file = stage.write("haproxy.cfg", &settings(stage))?;
        let mut command = Command::new(program);
        command.arg("-W").arg("-f").arg(file);
        Ok(command)
    }

    fn reload(&self) -> Option<Signal> {
        Some(Signal::USR2)
    }
}

/// Without strict limits, because it reckons with two descriptors for each connection, of which hits need one.
fn settings(stage: &Stage) -> String {
    let Stage {
        plain,
        tls,
        origin,
        certificate,
        ..
    } = stage;
    format!(
        r"global
    nbthread 1
    maxconn 16000
    no strict-limits

defaults
    mode http
    option http-keep-alive
    http-reuse always
    timeout connect 5s
    timeout client 600s
    timeout server 60s
    timeout http-keep-alive 600s

cache objects
    total-max-size 1024
    max-object-size 20000000
    max-age 3600

frontend edge
    maxconn 16000
    bind 127.0.0.1:{plain}
    bind 127.0.0.1:{tls} ssl crt {both} alpn h2,http/1.1
    acl passed path_beg /pass/
    http-request cache-use objects unless passed
    http-response cache-store objects
    default_backend app

backend app
    server origin 127.0.0.1:{origin}
",
        both = certificate.both.display(),
    )
}
