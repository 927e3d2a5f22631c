//! Apache Traffic Server: one event thread, a cache file in memory and the RAM cache above it.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::{Peer, Program};
use crate::cases::Need;
use crate::stage::Stage;

/// Apache Traffic Server of Debian.
pub(super) struct TrafficServer;

impl Peer for TrafficServer {
    fn name(&self) -> &'static str {
        "trafficserver"
    }

    fn note(&self) -> &'static str {
        "one event thread"
    }

    fn program(&self) -> Program {
        Program::Debian {
            program: "traffic_server",
            package: "trafficserver",
        }
    }

    fn version(&self) -> &'static [&'static str] {
        &["-V"]
    }

    fn has(&self) -> &'static [Need] {
        use Need::*;
        &[Cache, Conditional, Range, Tls, Http2]
    }

    fn command(&self, program: &Path, stage: &Stage) -> Result<Command> {
        for name in ["etc", "run", "log", "cache"] {
            fs::create_dir(stage.folder().join(name)).context("cannot make its folders")?;
        }
        let layout = stage.write("runroot.yaml", &layout(stage))?;
        stage.write("etc/records.config", &records(stage))?;
        stage.write(
            "etc/remap.config",
            &REMAP.replace("ORIGIN", &stage.origin.to_string()),
        )?;
        stage.write(
            "etc/storage.config",
            &format!("{}/cache 2G\n", stage.home()),
        )?;
        stage.write("etc/ip_allow.yaml", ALLOW)?;
        stage.write("etc/ssl_multicert.config", &certificate(stage))?;
        stage.write("etc/plugin.config", "")?;
        stage.write("etc/logging.yaml", "")?;
        let mut command = Command::new(program);
        command.arg(format!("--run-root={}", layout.display()));
        Ok(command)
    }
}

fn layout(stage: &Stage) -> String {
    let home = stage.home();
    format!(
        "prefix: {home}\nexec_prefix: /usr\nbindir: /usr/bin\nsbindir: /usr/sbin\nsysconfdir: {home}/etc\n\
         datadir: {home}/cache\nlibexecdir: /usr/lib/trafficserver/modules\nlocalstatedir: {home}/run\n\
         runtimedir: {home}/run\nlogdir: {home}/log\ncachedir: {home}/cache\n"
    )
}

fn certificate(stage: &Stage) -> String {
    let (chain, key) = (&stage.certificate.chain, &stage.certificate.key);
    format!(
        "dest_ip=* ssl_cert_name={} ssl_key_name={}\n",
        chain.display(),
        key.display()
    )
}

/// What is not to be stored is not looked up either; otherwise requests for it would wait for each other.
const REMAP: &str = "\
map /pass/ http://127.0.0.1:ORIGIN/pass/ @plugin=conf_remap.so @pparam=proxy.config.http.cache.http=0
map / http://127.0.0.1:ORIGIN/
";

const ALLOW: &str =
    "ip_allow:\n  - { apply: in, ip_addrs: 127.0.0.1, action: allow, methods: ALL }\n";

/// Objects of 10 MiB are let into the RAM cache too, and none has to be asked for twice to get there.
fn records(stage: &Stage) -> String {
    let Stage { plain, tls, .. } = stage;
    format!(
        r"CONFIG proxy.config.http.server_ports STRING {plain}:ipv4:ip-in=127.0.0.1 {tls}:ssl:ipv4:ip-in=127.0.0.1
CONFIG proxy.config.admin.user_id STRING #-1
CONFIG proxy.config.exec_thread.autoconfig INT 0
CONFIG proxy.config.exec_thread.limit INT 1
CONFIG proxy.config.exec_thread.affinity INT 0
CONFIG proxy.config.accept_threads INT 0
CONFIG proxy.config.task_threads INT 1
CONFIG proxy.config.log.logging_enabled INT 0
CONFIG proxy.config.diags.output.diag STRING E
CONFIG proxy.config.cache.ram_cache.size INT 1073741824
CONFIG proxy.config.cache.ram_cache_cutoff INT 16777216
CONFIG proxy.config.cache.ram_cache.use_seen_filter INT 0
CONFIG proxy.config.http.keep_alive_no_activity_timeout_in INT 600
CONFIG proxy.config.http.transaction_no_activity_timeout_in INT 600
CONFIG proxy.config.net.default_inactivity_timeout INT 600
CONFIG proxy.config.net.connections_throttle INT 16000
CONFIG proxy.config.net.max_connections_in INT 15000
CONFIG proxy.config.net.max_requests_in INT 0
CONFIG proxy.config.net.listen_backlog INT 4096
CONFIG proxy.config.http2.stream_priority_enabled INT 0
CONFIG proxy.config.ssl.session_cache INT 2
CONFIG proxy.config.ssl.server.cert.path STRING /
CONFIG proxy.config.ssl.server.private_key.path STRING /
"
    )
}
