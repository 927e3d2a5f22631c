//! nginx: one worker, `proxy_cache` in files that are in memory, connections to the origin kept.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use rustix::process::{Signal, geteuid};

use super::{Peer, Program};
use crate::cases::Need;
use crate::stage::Stage;

/// nginx of Debian.
pub(super) struct Nginx;

impl Peer for Nginx {
    fn name(&self) -> &'static str {
        "nginx"
    }

    fn note(&self) -> &'static str {
        "one worker; its objects are files in memory, and no part of its RSS"
    }

    fn program(&self) -> Program {
        Program::Debian {
            program: "nginx",
            package: "nginx-light",
        }
    }

    fn version(&self) -> &'static [&'static str] {
        &["-v"]
    }

    fn has(&self) -> &'static [Need] {
        use Need::*;
        &[Cache, Conditional, Range, Tls, Http2, Reload]
    }

    fn command(&self, program: &Path, stage: &Stage) -> Result<Command> {
        let file = stage.write("nginx.conf", &settings(stage))?;
        let mut command = Command::new(program);
        command.arg("-c").arg(file).arg("-p").arg(stage.folder());
        Ok(command)
    }

    fn reload(&self) -> Option<Signal> {
        Some(Signal::HUP)
    }
}

/// What stands before `http`.
pub(crate) fn main(stage: &Stage) -> String {
    let home = stage.home();
    // Workers of root would be `nobody`, who may not read the folder.
    let user = if geteuid().is_root() {
        "user root;"
    } else {
        ""
    };
    format!(
        r#"daemon off;
worker_processes 1;
{user}
pid {home}/pid;
error_log {home}/errors crit;
events {{ worker_connections 16384; }}"#
    )
}

/// Folders that would be in `/var/lib` otherwise.
pub(crate) fn temporary(stage: &Stage) -> String {
    ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {}/{kind};", stage.home()))
        .join("\n    ")
}

fn settings(stage: &Stage) -> String {
    let Stage {
        plain,
        tls,
        origin,
        certificate,
        ..
    } = stage;
    format!(
        r#"{main}
http {{
    access_log off;
    {temporary}
    sendfile on;
    keepalive_timeout 600s;
    keepalive_requests 1000000000;
    open_file_cache max=8000 inactive=600s;
    open_file_cache_valid 600s;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache shared:tls:16m;
    ssl_certificate {chain};
    ssl_certificate_key {key};
    proxy_cache_path {home}/cache levels=1:2 keys_zone=objects:128m max_size=4g inactive=1h use_temp_path=off;
    upstream app {{
        server 127.0.0.1:{origin};
        keepalive 64;
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{plain} backlog=4096;
        listen 127.0.0.1:{tls} ssl http2 backlog=4096;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        location / {{
            proxy_pass http://app;
            proxy_cache objects;
            proxy_cache_lock on;
        }}
        location /pass/ {{ proxy_pass http://app; }}
    }}
}}
"#,
        main = main(stage),
        temporary = temporary(stage),
        home = stage.home(),
        chain = certificate.chain.display(),
        key = certificate.key.display(),
    )
}
