//! One running edge: what lives as long as the process, and how one configuration takes over from another.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use pingora::proxy::HttpProxy;
use pingora::server::configuration::ServerConf;
use rimward_cache::purge::JournalError;
use rimward_cache::{Bounds, Clock, DiskBounds};
use rimward_config::{CacheBounds, Config, Problem, Problems};
use rimward_filters::FilterKind;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use crate::admin::{Admin, Order, PurgeError};
use crate::cache::Cache;
use crate::compress::Encoders;
use crate::lane::Lane;
use crate::listen::{Listeners, Prepared};
use crate::log::AccessLog;
use crate::metrics::Metrics;
use crate::request::enter::Entrance;
use crate::request::{RequestPath, Revalidations};
use crate::runtime::Runtime;
use crate::stores::{self, Stores};

/// How long a configuration that takes over waits for the first look-up of its origins' names.
const FIRST_RESOLUTION: Duration = Duration::from_secs(3);

/// Longest wait for requests that still use a configuration that was replaced, before its memory is let go anyhow by
/// whoever ends last.
const RETIREMENT: Duration = Duration::from_secs(600);

/// Longest time that an edge takes at its end to write to disk what is only in memory, of its log and of its cache.
const FLUSH: Duration = Duration::from_secs(5);

/// What lives as long as the process and is seen by every request.
pub(crate) struct Process {
    pub(crate) runtime: ArcSwap<Runtime>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) access_log: ArcSwap<AccessLog>,
    pub(crate) cache: Cache,
    pub(crate) encoders: Encoders,
    pub(crate) revalidations: Arc<Revalidations>,
    pub(crate) faults: crate::log::FaultLog,
    stopping: AtomicBool,
}

/// What an edge is started with, beside its configuration.
#[derive(Debug, Clone)]
pub struct Options {
    /// What time it is for the cache; tests pass time with it.
    pub clock: Clock,
    /// Filters that configurations can name beside the compiled-in ones.
    pub filters: Arc<[FilterKind]>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            clock: Clock::new(),
            filters: Arc::default(),
        }
    }
}

/// One running edge.
pub struct Edge {
    process: Arc<Process>,
    proxy: Arc<HttpProxy<RequestPath>>,
    listeners: Listeners<HttpProxy<RequestPath>>,
    admin: Mutex<Option<Admin>>,
    stores: Arc<Stores>,
    /// Held while a configuration takes over, so that two never do at once.
    reloading: Mutex<()>,
    /// Filters of the embedder's own.
    filters: Arc<[FilterKind]>,
    /// Told of each configuration that took over.
    on_reload: Box<dyn Fn(&Config) + Send + Sync>,
}

impl Edge {
    /// Starts serving a configuration: binds its listeners and returns when they accept.
    ///
    /// # Errors
    /// With every listener, certificate, filter or file that is wrong; nothing runs then.
    pub async fn start(config: Config, options: Options) -> Result<Arc<Self>, Problems> {
        Self::start_with(config, options, Box::new(|_| ())).await
    }

    /// The same, with somebody who is told of each configuration that takes over.
    ///
    /// # Errors
    /// As for [`Edge::start`].
    pub async fn start_with(
        config: Config,
        options: Options,
        on_reload: Box<dyn Fn(&Config) + Send + Sync>,
    ) -> Result<Arc<Self>, Problems> {
        // An embedder may have chosen a provider already; then that one is used.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let metrics = Arc::new(Metrics::default());
        let stores = Arc::new(Stores::new(options.clock.clone()));
        let cache = Cache::new(
            bounds(&config.cache),
            config.cache.lock_timeout,
            options.clock,
        );
        let compiled = compile(
            config.clone(),
            metrics.clone(),
            stores.clone(),
            options.filters.clone(),
            None,
        )
        .await?;
        let process = Arc::new(Process {
            runtime: ArcSwap::new(compiled.runtime.clone()),
            access_log: ArcSwap::new(compiled.access_log.clone()),
            metrics: metrics.clone(),
            cache,
            encoders: Encoders::new(metrics.clone()),
            revalidations: Arc::default(),
            faults: crate::log::FaultLog::default(),
            stopping: AtomicBool::new(false),
        });
        let mut proxy = HttpProxy::new(
            RequestPath::new(process.clone()),
            Arc::new(engine_settings()),
        );
        proxy.handle_init_modules();
        let proxy = Arc::new(proxy);
        let listeners = Listeners::new(
            proxy.clone(),
            Arc::new(crate::metrics::Connections::new(metrics)),
            Arc::new(Lane::new(process.clone())),
        );
        let edge = Arc::new(Self {
            process,
            proxy,
            listeners,
            admin: Mutex::new(None),
            stores,
            filters: options.filters,
            reloading: Mutex::new(()),
            on_reload,
        });
        let prepared = edge.prepare_listeners(&compiled.runtime.config)?;
        edge.take_over(compiled, prepared).await?;
        Ok(edge)
    }

    /// Lets another configuration take over: compiled aside, swapped whole, or not at all.
    ///
    /// # Errors
    /// With everything that is wrong; the configuration before goes on then.
    pub async fn reload(self: &Arc<Self>, config: Config) -> Result<(), Problems> {
        let _one_at_a_time = self.reloading.lock().await;
        let result = self.try_reload(config).await;
        let generation = result
            .is_ok()
            .then(|| self.process.runtime.load().generation);
        self.process.metrics.reloaded(generation);
        result
    }

    /// Reads a configuration file and lets it take over.
    ///
    /// # Errors
    /// As for [`Edge::reload`], and with every mistake in the file.
    pub async fn reload_file(self: &Arc<Self>, file: PathBuf) -> Result<(), Problems> {
        match load(file).await {
            Ok(config) => self.reload(config).await,
            Err(problems) => {
                self.process.metrics.reloaded(None);
                Err(problems)
            }
        }
    }

    async fn try_reload(self: &Arc<Self>, config: Config) -> Result<(), Problems> {
        let previous = self.process.runtime.load_full();
        let compiled = compile(
            config,
            self.process.metrics.clone(),
            self.stores.clone(),
            self.filters.clone(),
            Some(previous),
        )
        .await?;
        let prepared = self.prepare_listeners(&compiled.runtime.config)?;
        self.take_over(compiled, prepared).await
    }

    fn prepare_listeners(&self, config: &Config) -> Result<Prepared, Problems> {
        self.listeners
            .prepare(&config.listeners, &config.pop.trusted_proxies)
            .map_err(|errors| {
                Problems(
                    errors
                        .into_iter()
                        .map(|error| config.problem(&error.key(), error.to_string()))
                        .collect(),
                )
            })
    }

    async fn take_over(
        self: &Arc<Self>,
        compiled: Compiled,
        prepared: Prepared,
    ) -> Result<(), Problems> {
        let Compiled {
            runtime,
            access_log,
        } = compiled;
        self.set_admin(&runtime.config).await?;
        runtime.admit(Entrance::new(&self.proxy));
        runtime.origins.start();
        runtime.origins.ready(FIRST_RESOLUTION).await;
        stores::adopt(&runtime.config, &runtime.stores);
        let config = runtime.config.clone();
        let retired = self.process.runtime.swap(runtime);
        self.process.access_log.store(access_log);
        self.process
            .cache
            .resize(bounds(&config.cache), config.cache.lock_timeout);
        self.listeners.commit(prepared);
        (self.on_reload)(&config);
        tokio::spawn(retire(retired));
        Ok(())
    }

    async fn set_admin(self: &Arc<Self>, config: &Config) -> Result<(), Problems> {
        let mut admin = self.admin.lock().await;
        let wrong = |error: std::io::Error| {
            Problems(vec![config.problem("admin.address", error.to_string())])
        };
        match (&mut *admin, &config.admin) {
            (running, None) => *running = None,
            (Some(running), Some(settings)) if running.serves(settings) => {
                running.renew(settings).map_err(wrong)?
            }
            (running, Some(settings)) => {
                *running = Some(Admin::start(settings, self).map_err(wrong)?)
            }
        }
        Ok(())
    }

    /// The addresses of the listeners as they are bound, in the configuration's order.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.addresses()
    }

    /// The TCP address of the admin interface as it is bound.
    pub async fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.lock().await.as_ref().and_then(Admin::address)
    }

    /// The files that the configuration depends on.
    pub fn files(&self) -> Vec<PathBuf> {
        crate::reload::files(&self.process.runtime.load())
    }

    /// The configuration that serves now.
    pub fn config(&self) -> Config {
        self.process.runtime.load().config.clone()
    }

    /// Everything the edge counts, in the Prometheus text form.
    pub fn metrics(&self) -> String {
        crate::admin::render_metrics(&self.process)
    }

    /// Removes objects, or makes them stale. It is seen by every lookup when this returns; what comes back says why it
    /// would not hold over a restart. May write to the disk, so it is nothing for a worker.
    ///
    /// # Errors
    /// When it can't be one of our objects that is meant: a URL that is not absolute, or of a host that no site has.
    pub fn purge(&self, order: &Order) -> Result<Option<JournalError>, PurgeError> {
        crate::admin::purge(&self.process, order)
    }

    /// Whether the edge takes requests.
    pub fn is_ready(&self) -> bool {
        !self.process.stopping.load(Ordering::Relaxed)
    }

    /// Stops: no connection is accepted any more, requests in flight may end within `bound`. Returns how many were cut.
    pub async fn shutdown(&self, bound: Duration) -> usize {
        use pingora::apps::HttpServerApp;
        self.process.stopping.store(true, Ordering::Relaxed);
        let cut = self.listeners.shutdown(bound).await;
        self.proxy.http_cleanup().await;
        let store = self.process.cache.objects();
        let log = self.process.access_log.load_full();
        let write = move || {
            log.flush(FLUSH);
            store.close(FLUSH)
        };
        // What fails here was logged, and only makes the next start colder.
        drop(spawn_blocking(write).await);
        *self.admin.lock().await = None;
        cut
    }

    pub(crate) fn process(&self) -> &Arc<Process> {
        &self.process
    }
}

/// A configuration that is ready to take over.
struct Compiled {
    runtime: Arc<Runtime>,
    access_log: Arc<AccessLog>,
}

/// Compiles off the workers: files are read and ten thousand routes built there.
async fn compile(
    config: Config,
    metrics: Arc<Metrics>,
    stores: Arc<Stores>,
    filters: Arc<[FilterKind]>,
    previous: Option<Arc<Runtime>>,
) -> Result<Compiled, Problems> {
    let compiled = spawn_blocking(move || {
        let runtime =
            Runtime::compile_with(config, &filters, &metrics, &stores, previous.as_deref())?;
        let access_log = AccessLog::open(
            runtime.config.log.access.as_ref(),
            metrics.log_dropped.clone(),
        )
        .map_err(|error| {
            Problems(vec![
                runtime.config.problem("log.access.to", error.to_string()),
            ])
        })?;
        let runtime = Arc::new(runtime);
        runtime.open();
        Ok(Compiled {
            runtime,
            access_log: Arc::new(access_log),
        })
    });
    compiled.await.unwrap_or_else(|error| Err(internal(&error)))
}

async fn load(file: PathBuf) -> Result<Config, Problems> {
    let loaded = spawn_blocking(move || crate::load(&file)).await;
    loaded.unwrap_or_else(|error| Err(internal(&error)))
}

fn internal(error: &tokio::task::JoinError) -> Problems {
    Problems(vec![Problem::new(
        "",
        format!("the configuration could not be compiled: {error}"),
    )])
}

/// Waits until no request uses a configuration any more, so that no worker has to take ten thousand routes apart.
async fn retire(retired: Arc<Runtime>) {
    let mut waited = Duration::ZERO;
    let pause = Duration::from_secs(1);
    while Arc::strong_count(&retired) > 1 && waited < RETIREMENT {
        tokio::time::sleep(pause).await;
        waited += pause;
    }
    drop(spawn_blocking(move || drop(retired)).await);
}

fn bounds(cache: &CacheBounds) -> Bounds {
    let disk = cache.disk.as_ref().map(|disk| DiskBounds {
        path: disk.path.clone(),
        size: disk.size,
    });
    Bounds {
        memory: cache.memory,
        max_object: cache.max_object,
        disk,
    }
}

fn engine_settings() -> ServerConf {
    ServerConf {
        max_retries: 16,
        upstream_keepalive_pool_size: 1024,
        ..ServerConf::default()
    }
}

/// The folder that a configuration file stands in.
pub(crate) fn folder(file: &Path) -> &Path {
    file.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."))
}
