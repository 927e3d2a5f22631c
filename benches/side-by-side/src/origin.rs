//! The origin that all ask: nginx with three files, of which the smallest stands for every other path.

use std::cell::Cell;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use crate::client::Client;
use crate::install;
use crate::peers::nginx;
use crate::server::{Seat, Server};
use crate::stage::{Stage, Theatre};

/// The origin while it runs.
pub(crate) struct Origin {
    /// How often its count was looked at, each of which is a request too.
    looks: Cell<u64>,
    _server: Server,
    stage: Stage,
}

impl Origin {
    /// Writes the files and starts it.
    pub(crate) fn start(theatre: &Theatre, seat: Seat) -> Result<Self> {
        let stage = theatre.stage("origin", 0)?;
        for (name, size) in [("1k", 1 << 10), ("100k", 100 << 10), ("10m", 10 << 20)] {
            fs::write(stage.folder().join(name), vec![b'x'; size])
                .with_context(|| format!("cannot write the file `{name}`"))?;
        }
        let settings = stage.write("nginx.conf", &settings(&stage))?;
        let program = install::find("nginx").context("the origin is nginx, which is missing")?;
        let mut command = Command::new(program);
        command
            .arg("-c")
            .arg(settings)
            .arg("-p")
            .arg(stage.folder());
        let server = Server::start("the origin", &command, &stage, seat)?;
        Ok(Self {
            looks: Cell::new(0),
            _server: server,
            stage,
        })
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.stage.plain
    }

    /// How many requests it saw so far.
    pub(crate) fn requests(&self) -> Result<u64> {
        self.looks.set(self.looks.get() + 1);
        let status = Client::connect(self.stage.plain)?.get("/status", &[])?;
        let text = String::from_utf8_lossy(&status.body).into_owned();
        let requests = requests(&text).with_context(|| format!("`{text}` is no status"))?;
        Ok(requests.saturating_sub(self.looks.get()))
    }
}

/// The third figure of the line behind `server accepts handled requests`.
fn requests(status: &str) -> Option<u64> {
    status
        .lines()
        .nth(2)?
        .split_ascii_whitespace()
        .nth(2)?
        .parse()
        .ok()
}

fn settings(stage: &Stage) -> String {
    let (home, port) = (stage.home(), stage.plain);
    format!(
        r#"{main}
http {{
    access_log off;
    {temporary}
    sendfile on;
    tcp_nopush on;
    keepalive_timeout 300s;
    keepalive_requests 1000000000;
    open_file_cache max=100;
    default_type text/plain;
    server {{
        listen 127.0.0.1:{port};
        root {home};
        location / {{ add_header Cache-Control max-age=3600; try_files $uri /1k =404; }}
        location /pass/ {{ add_header Cache-Control no-store; try_files /1k =404; }}
        location = /status {{ stub_status; }}
    }}
}}
"#,
        main = nginx::main(stage),
        temporary = nginx::temporary(stage),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_tells_requests() {
        let status =
            "Active connections: 1 \nserver accepts handled requests\n 16 16 31070 \nReading: 0\n";
        assert_eq!(requests(status), Some(31_070));
        assert_eq!(requests(""), None);
    }
}
