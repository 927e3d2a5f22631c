//! `rimward run`: the process, its threads, its signals and its own log.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use rimward::{Edge, Options, reload};
use rimward_config::{Config, LogFormat};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt, registry};

use super::tell::complain;

/// Serves until a signal ends it.
pub(super) fn run(file: &Path) -> Result<ExitCode> {
    let before = reload::look(file);
    let config = match rimward::load(file) {
        Ok(config) => config,
        Err(problems) => return Ok(complain(&problems)),
    };
    let set_level = start_log(&config)?;
    raise_descriptor_limit(&config);
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = config.pop.threads {
        runtime.worker_threads(threads);
    }
    let runtime = runtime
        .enable_all()
        .thread_name("worker")
        .build()
        .context("worker threads can't be started")?;
    let code = runtime.block_on(serve(config, file.to_owned(), before, set_level))?;
    // Files that are being read for a client that is gone need not be waited for.
    runtime.shutdown_background();
    Ok(code)
}

async fn serve(
    config: Config,
    file: PathBuf,
    before: reload::Before,
    set_level: SetLevel,
) -> Result<ExitCode> {
    let mut hangup = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let on_reload = Box::new(move |config: &Config| set_level(config));
    let edge = match Edge::start_with(config, Options::default(), on_reload).await {
        Ok(edge) => edge,
        Err(problems) => return Ok(complain(&problems)),
    };
    announce(&edge).await;
    let watcher = tokio::spawn(reload::watch(edge.clone(), file.clone(), before));
    loop {
        tokio::select! {
            _ = hangup.recv() => reload::report(edge.reload_file(file.clone()).await, &file),
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        }
    }
    watcher.abort();
    let bound = edge.config().pop.shutdown_timeout;
    tracing::info!(bound_s = bound.as_secs_f64(), "stopping");
    let cut = edge.shutdown(bound).await;
    if cut > 0 {
        tracing::warn!(cut, "exchanges did not end in time and were cut");
    }
    Ok(ExitCode::SUCCESS)
}

async fn announce(edge: &Arc<Edge>) {
    for address in edge.addresses() {
        tracing::info!(%address, "listening");
    }
    if let Some(address) = edge.admin_address().await {
        tracing::info!(%address, "admin interface");
    }
}

/// Takes as many file descriptors as the system gives without asking: the usual soft limit of 1,024 is for programs that
/// still use `select`.
fn raise_descriptor_limit(config: &Config) {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open files can't be raised");
    }
    let most: usize = config
        .listeners
        .iter()
        .map(|listener| listener.limits.max_connections)
        .sum();
    // A connection to an origin for each of a client's, and some for files and listeners.
    let wanted = 2 * most as u64 + 256;
    if let Some(limit) = limit.current.filter(|limit| *limit < wanted) {
        tracing::warn!(
            limit,
            wanted,
            "fewer open files are allowed than max_connections may need"
        );
    }
}

/// Changes what is logged from now on.
type SetLevel = Box<dyn Fn(&Config) + Send + Sync>;

fn start_log(config: &Config) -> Result<SetLevel> {
    let (filter, handle) = tracing_subscriber::reload::Layer::new(level(config)?);
    let lines = match config.log.format {
        LogFormat::Text => fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(false)
            .boxed(),
        LogFormat::Json => fmt::layer()
            .with_writer(std::io::stderr)
            .json()
            .flatten_event(true)
            .boxed(),
    };
    registry().with(filter).with(lines).init();
    Ok(Box::new(move |config| {
        let changed = level(config).and_then(|level| Ok(handle.reload(level)?));
        if let Err(error) = changed {
            tracing::warn!(%error, "log level stays as it is");
        }
    }))
}

/// The engine's own lines tell again what the access log tells, for each request; only those asked for are written.
fn level(config: &Config) -> Result<EnvFilter> {
    let quiet = "pingora_proxy=off,pingora_core=off,pingora_cache=error,pingora_pool=off";
    EnvFilter::try_new(format!("{quiet},{}", config.log.level)).with_context(|| {
        format!(
            "`{}` is not a log level such as `info` or `rimward=debug,info`",
            config.log.level
        )
    })
}
