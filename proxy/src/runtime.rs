//! What lives as long as a configuration: routes, pipelines, origins, certificates' settings, the GeoIP databases.
//!
//! `Config` → [`Runtime::compile`] → swapped whole. A request takes one `Arc<Runtime>` at its start and never sees another.

mod error_pages;
mod geoip;
mod route;
mod shield;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::HeaderName;
use rimward_cache::policy::Rules;
use rimward_config::{
    CachePolicy, Config, FilterId, FilterSpec, HeuristicRule, OnErrorSpec, OriginId, Problem,
    Problems, SecretSource, SetCookieRule, ShieldId,
};
use rimward_filters::{Builder, Filter, FilterKind, OnError, Phase, Pipeline, Step, Surroundings};
use rimward_geoip::Databases;

use crate::compress::Compression;
use crate::metrics::{Metrics, RouteMeter};
use crate::origin::{Host, Origin, Origins};
use crate::outside::Beyond;
use crate::request::enter::Entrance;
use crate::stores::{NamedStores, Stores};

pub use error_pages::{ErrorPages, Page};
pub use route::{Asked, Hosts, Matched, Paths, locate};
pub use shield::{Shield, ShieldAdmin};

/// A configuration at work.
pub struct Runtime {
    /// Counts up with each compile; tells configurations apart in logs.
    pub generation: u64,
    /// What it was made from.
    pub config: Config,
    /// Sites by host.
    pub hosts: Hosts<Arc<Site>>,
    /// Where responses come from.
    pub origins: Origins,
    /// Edges that are asked before origins.
    pub shields: Vec<Arc<Shield>>,
    /// Where addresses are located.
    pub geoip: Option<Arc<Databases>>,
    /// Stores of keys and values.
    pub stores: NamedStores,
    /// Every filter by its name, in the order of the configuration.
    pub filters: Vec<(Arc<str>, Arc<dyn Filter>)>,
    /// Files that filters were built from.
    pub filter_files: Vec<PathBuf>,
    beyond: Arc<Beyond>,
}

/// A site at work.
pub struct Site {
    /// Its first host.
    pub name: Arc<str>,
    /// Its routes by path.
    pub paths: Paths<Arc<Route>>,
    /// The shields of its routes, each once.
    pub shields: Vec<Arc<Shield>>,
}

/// A route at work.
pub struct Route {
    /// The first host of its site.
    pub site: Arc<str>,
    /// Its path as written.
    pub name: Arc<str>,
    /// Its filters.
    pub pipeline: Pipeline,
    /// Where its responses come from.
    pub origin: Option<Arc<Origin>>,
    /// The same, as the configuration numbers it.
    pub origin_id: Option<OriginId>,
    /// Who is asked before the origin.
    pub shield: Option<Arc<Shield>>,
    /// How its responses are stored; `None` when they are not.
    pub cache: Option<CachePolicy>,
    /// The same, as the cache's policy wants it.
    pub rules: Arc<Rules>,
    /// How its responses are compressed; `None` when they are not.
    pub compression: Option<Compression>,
    /// The edge's own error responses.
    pub error_pages: Arc<ErrorPages>,
    /// Where its requests are counted.
    pub meter: RouteMeter,
    /// Whether its hits, and what its filters answer, leave by the fast lane.
    pub lane: bool,
    /// Whether heads may have to wait for their bodies.
    pub holds: bool,
    /// Whether parts of its bodies can be asked for: those of rewritten ones are not what the origin sends.
    pub ranges: bool,
}

static GENERATIONS: AtomicU64 = AtomicU64::new(0);

impl Runtime {
    /// Builds everything that a configuration names. Reads files, starts nothing, leaves `previous` as it is; state of
    /// origins that stay is carried over from there.
    ///
    /// # Errors
    /// With every filter, file, database and store that is wrong.
    pub fn compile(
        config: Config,
        metrics: &Metrics,
        stores: &Stores,
        previous: Option<&Self>,
    ) -> Result<Self, Problems> {
        Self::compile_with(config, &[], metrics, stores, previous)
    }

    /// The same with kinds of filters beside the compiled-in ones.
    ///
    /// # Errors
    /// As for [`Runtime::compile`].
    pub fn compile_with(
        config: Config,
        kinds: &[FilterKind],
        metrics: &Metrics,
        stores: &Stores,
        previous: Option<&Self>,
    ) -> Result<Self, Problems> {
        let mut problems = Vec::new();
        let mut filter_files = Vec::new();
        let origins = config.origins.iter();
        let beyond = Arc::new(Beyond::default());
        let stores = stores.of(&config, &mut problems);
        let around = Surroundings {
            origins: Some(origins.map(|origin| origin.name.as_str().into()).collect()),
            known_origins: config.origins.clone().into(),
            outside: beyond.clone(),
            tallies: metrics.tallies(),
            has_geoip: Some(config.geoip.is_some()),
            pop: config.pop.name.as_str().into(),
            secrets: Some(secrets(&config)),
            guests: config.guests.clone(),
            stores: Some(stores.clone()),
        };
        let filters = build_filters(&config, kinds, &around, &mut filter_files, &mut problems);
        let located_before = previous.and_then(|previous| previous.geoip.as_deref());
        let geoip = geoip::open(&config, metrics, located_before, &mut problems);
        let host = Host {
            around: &around,
            metrics,
        };
        let origins = Origins::compile(&config, host, previous.map(|previous| &previous.origins));
        let origins = origins.map_err(|errors| {
            problems.extend(
                errors
                    .into_iter()
                    .map(|error| config.problem(&error.key(), error.message)),
            );
        });
        let (Ok(origins), true) = (origins, problems.is_empty()) else {
            return Err(Problems(problems));
        };
        let shields = build_shields(&config, &origins, metrics, &mut problems);
        if !problems.is_empty() {
            return Err(Problems(problems));
        }
        let behind = Behind {
            origins: &origins,
            shields: &shields,
        };
        let hosts = build_sites(&config, &filters, behind, metrics, &mut problems);
        if !problems.is_empty() {
            return Err(Problems(problems));
        }
        let generation = GENERATIONS.fetch_add(1, Ordering::Relaxed) + 1;
        Ok(Self {
            generation,
            filters: all_filters(&config, filters),
            config,
            hosts,
            origins,
            shields,
            geoip,
            stores,
            filter_files,
            beyond,
        })
    }

    /// Lets filters ask others from now on.
    pub fn open(self: &Arc<Self>) {
        self.beyond.opens(self);
        self.filters.iter().for_each(|(_, filter)| filter.opens());
    }

    /// Lets filters make requests to the edge itself from now on.
    pub(crate) fn admit(&self, entrance: Entrance) {
        self.beyond.admits(entrance);
    }
}

/// Every mistake in the settings of a filter.
pub(crate) fn check_filter(spec: &FilterSpec) -> Vec<Problem> {
    let mut problems = Vec::new();
    let unknown = Surroundings::default();
    build_filter(spec, &[], &unknown, &mut Vec::new(), &mut problems);
    problems
}

/// Where each secret comes from, by its name.
fn secrets(config: &Config) -> BTreeMap<Arc<str>, SecretSource> {
    let secrets = config.secrets.iter();
    secrets
        .map(|secret| (secret.name.as_str().into(), secret.source.clone()))
        .collect()
}

/// A filter that was built, and what its faults lead to.
type Built = (Arc<dyn Filter>, OnError);

fn build_filters(
    config: &Config,
    kinds: &[FilterKind],
    around: &Surroundings,
    files: &mut Vec<PathBuf>,
    problems: &mut Vec<Problem>,
) -> Vec<Option<Built>> {
    config
        .filters
        .iter()
        .map(|spec| build_filter(spec, kinds, around, files, problems))
        .collect()
}

fn build_filter(
    spec: &FilterSpec,
    kinds: &[FilterKind],
    around: &Surroundings,
    files: &mut Vec<PathBuf>,
    problems: &mut Vec<Problem>,
) -> Option<Built> {
    let own = kinds.iter().find(|kind| kind.name == spec.kind);
    let Some(kind) = own.or_else(|| rimward_filters::builtin::find(&spec.kind)) else {
        problems.push(unknown_filter(spec));
        return None;
    };
    let builder = Builder::new(spec.folder(), &spec.name).within(around.clone());
    let filter = (kind.build)(&spec.settings, &builder).map_err(|errors| {
        problems.extend(errors.into_iter().map(|error| spec.place(error.into())));
    });
    files.extend(builder.into_files());
    let on_error = match spec.on_error {
        Some(OnErrorSpec::Skip) => OnError::Skip,
        Some(OnErrorSpec::Fail) => OnError::Fail,
        Some(OnErrorSpec::Status(status)) => OnError::Status(status),
        None if kind.safe_to_skip => OnError::Skip,
        None => OnError::Fail,
    };
    Some((filter.ok()?, on_error))
}

fn all_filters(config: &Config, built: Vec<Option<Built>>) -> Vec<(Arc<str>, Arc<dyn Filter>)> {
    let specs = config.filters.iter().zip(built);
    let filters = specs.filter_map(|(spec, built)| Some((spec.name.as_str().into(), built?.0)));
    filters.collect()
}

fn unknown_filter(spec: &FilterSpec) -> Problem {
    let names = rimward_filters::builtin::KINDS.iter().map(|kind| kind.name);
    spec.problem("use", format!("there is no filter `{}`", spec.kind))
        .suggest(&spec.kind, names)
}

/// What an operator says about a route's responses, in the policy's words.
fn rules(policy: &CachePolicy) -> Rules {
    Rules {
        ttl: policy.ttl,
        default_ttl: policy.default_ttl,
        stale_while_revalidate: policy.stale_while_revalidate,
        stale_if_error: policy.stale_if_error,
        stale_if_unreachable: policy.stale_if_unreachable,
        stale_beside_s_maxage: policy.stale_beside_s_maxage,
        heuristics: policy.heuristics != HeuristicRule::Never,
        heuristics_with_query: policy.heuristics == HeuristicRule::Always,
        strip_set_cookie: policy.set_cookie == SetCookieRule::Strip,
        store_set_cookie: policy.set_cookie == SetCookieRule::Store,
        surrogate_keys: policy.surrogate_keys.clone(),
        targets: header_names(policy.targets.iter()),
        kept_back: header_names(
            policy
                .targets
                .iter()
                .filter(|target| !policy.pass_targets.contains(target)),
        ),
        request_directives: policy.request_directives,
        early_refresh: policy.early_refresh,
    }
}

fn build_shields(
    config: &Config,
    origins: &Origins,
    metrics: &Metrics,
    problems: &mut Vec<Problem>,
) -> Vec<Arc<Shield>> {
    let mut shields = Vec::with_capacity(config.shields.len());
    for (index, written) in config.shields.iter().enumerate() {
        let edges = origins.shield(ShieldId(index)).clone();
        match Shield::compile(written, edges, config, metrics) {
            Ok(shield) => shields.push(Arc::new(shield)),
            Err(found) => problems.extend(found),
        }
    }
    shields
}

/// Who stands behind the routes.
#[derive(Clone, Copy)]
struct Behind<'a> {
    origins: &'a Origins,
    shields: &'a [Arc<Shield>],
}

fn header_names<'n>(names: impl Iterator<Item = &'n String>) -> Vec<HeaderName> {
    // The configuration holds none that is not one.
    names
        .filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok())
        .collect()
}

fn build_sites(
    config: &Config,
    filters: &[Option<Built>],
    behind: Behind<'_>,
    metrics: &Metrics,
    problems: &mut Vec<Problem>,
) -> Hosts<Arc<Site>> {
    let mut hosts = Hosts::default();
    let steps = |ids: &[FilterId]| -> Vec<Step> {
        let step = |id: &FilterId| -> Option<Step> {
            let (filter, on_error) = filters[id.0].clone()?;
            let name: Arc<str> = config.filters[id.0].name.as_str().into();
            let meter = metrics.filter(&name);
            Some(Step {
                name,
                filter,
                on_error,
                meter,
            })
        };
        ids.iter().filter_map(step).collect()
    };
    for (index, site) in config.sites.iter().enumerate() {
        let name: Arc<str> = site
            .hosts
            .first()
            .map_or_else(|| "*".to_owned(), ToString::to_string)
            .into();
        let error_pages = match ErrorPages::read(&site.error_pages) {
            Ok(pages) => Arc::new(pages),
            Err((status, error)) => {
                problems
                    .push(config.problem(&format!("site[{index}].error_pages.{status}"), error));
                continue;
            }
        };
        let mut paths = Paths::default();
        for route in &site.routes {
            let pipeline = Pipeline::new(steps(&route.filters));
            let compiled = Route {
                site: name.clone(),
                name: route.name.as_str().into(),
                lane: config.pop.fast_lane
                    && (route.cache.is_some() || pipeline.takes_part(Phase::Request))
                    && pipeline.runs_in_lane(),
                holds: pipeline.holds(),
                ranges: !pipeline.rewrites(Phase::OriginResponse)
                    && !pipeline.rewrites(Phase::Response)
                    && !pipeline.holds(),
                pipeline,
                origin: route.origin.map(|id| behind.origins.get(id).clone()),
                origin_id: route.origin,
                shield: route.shield.map(|id| behind.shields[id.0].clone()),
                rules: Arc::new(route.cache.as_ref().map(rules).unwrap_or_default()),
                cache: route.cache.clone(),
                compression: route.compression.as_ref().map(Compression::new),
                error_pages: error_pages.clone(),
                meter: metrics.route(&name, &route.name),
            };
            paths.insert(&route.path, &route.when, Arc::new(compiled));
        }
        let used: BTreeSet<usize> = site
            .routes
            .iter()
            .filter_map(|route| route.shield.map(|id| id.0))
            .collect();
        let site_at_work = Arc::new(Site {
            name,
            paths,
            shields: used
                .into_iter()
                .map(|index| behind.shields[index].clone())
                .collect(),
        });
        for host in &site.hosts {
            hosts.insert(host, site_at_work.clone());
        }
    }
    hosts
}
