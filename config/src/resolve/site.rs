//! `[[site]]` and `[[site.route]]`.

use std::collections::{BTreeMap, HashMap};

use crate::config::{Conditions, Fallback, FilterId, OriginId, Route, Shield, ShieldId, Site};
use crate::document::{self, Wanted};
use crate::host::HostPattern;
use crate::load::Loaded;
use crate::path::PathPattern;
use crate::problem::Problem;
use crate::source::Source;

use super::cache_policy::{self, twice};
use super::{Filters, Names, Scope, compress, reach, shield};

pub(crate) fn sites(
    files: &mut [Loaded],
    origins: &Names,
    shields: (&Names, &[Shield]),
    filters: &mut Filters,
    has_geoip: bool,
    problems: &mut Vec<Problem>,
) -> (Vec<Site>, Vec<Source>) {
    let mut sites = Vec::new();
    let mut places = Vec::new();
    let mut owners: HashMap<HostPattern, Source> = HashMap::new();
    for file in files {
        for (index, written) in std::mem::take(&mut file.document.site)
            .into_iter()
            .enumerate()
        {
            let source = file.source.key("site").index(index);
            places.push(source.clone());
            let mut scope = Scope::new(source, problems);
            let mut resolver = Resolver {
                origins,
                shields,
                filters,
                has_geoip,
            };
            sites.push(resolver.site(written, &mut owners, &mut scope));
        }
    }
    (sites, places)
}

/// What the parts of a site are resolved with.
struct Resolver<'a> {
    origins: &'a Names,
    shields: (&'a Names, &'a [Shield]),
    filters: &'a mut Filters,
    has_geoip: bool,
}

/// What a site says for its routes.
struct Inherited {
    owner: String,
    origin: Option<OriginId>,
    /// Whether an origin is named, be it one that isn't there.
    has_origin: bool,
    shield: Option<ShieldId>,
    /// Whether the shield needs no origin behind it.
    shield_answers: bool,
    filters: Vec<FilterId>,
    has_filters: bool,
    cache: cache_policy::Written,
    compression: compress::Written,
}

impl Resolver<'_> {
    fn site(
        &mut self,
        written: document::Site,
        owners: &mut HashMap<HostPattern, Source>,
        scope: &mut Scope<'_>,
    ) -> Site {
        let hosts = hosts(written.hosts, written.host, owners, scope);
        let owner = hosts
            .first()
            .map_or_else(|| scope.source.place(), ToString::to_string);
        let has_filters = written
            .filters
            .as_ref()
            .is_some_and(|filters| !filters.is_empty())
            || scope.source.misses("filters");
        let shield = shield::used(written.shield.as_ref(), None, self.shields.0, scope);
        let site = Inherited {
            origin: self.origin(written.origin.as_deref(), scope),
            has_origin: written.origin.is_some() || scope.source.misses("origin"),
            shield,
            shield_answers: self.answers(shield),
            filters: self
                .filters
                .used(written.filters.unwrap_or_default(), &owner, scope),
            has_filters,
            cache: cache_policy::of_site(written.cache, self.has_geoip, scope),
            compression: compress::of(written.compress, &None, scope),
            owner,
        };
        let error_pages = written.error_pages.unwrap_or_default();
        let error_pages = error_pages
            .into_iter()
            .map(|(status, path)| {
                (
                    status.0,
                    scope.path(&format!("error_pages.{status}"), &path),
                )
            })
            .collect::<BTreeMap<_, _>>();
        let has_routes = !written.route.is_empty() || scope.source.misses("route");
        if !has_routes && !site.has_origin && !site.has_filters && !site.shield_answers {
            let message = "nothing answers this site: it has no origin, no filter and no route";
            scope.tell_with_help("", message, "add `origin = \"…\"`");
        }
        let mut routes = Vec::with_capacity(written.route.len() + 1);
        for (index, route) in written.route.into_iter().enumerate() {
            let source = scope.source.key("route").index(index);
            let route = self.route(
                route,
                &site,
                &mut Scope::new(source.clone(), scope.problems),
            );
            routes.extend(route.map(|route| (route, source)));
        }
        reach::check(&routes, scope.problems);
        let routes = with_last(routes.into_iter().map(|(route, _)| route).collect(), &site);
        Site {
            hosts,
            routes,
            error_pages,
        }
    }

    fn route(
        &mut self,
        written: document::Route,
        site: &Inherited,
        scope: &mut Scope<'_>,
    ) -> Option<Route> {
        let path = scope.required("path", written.path);
        let called = path
            .as_ref()
            .map_or_else(|| "this route".to_owned(), |path| format!("`{path}`"));
        let shield = shield::used(written.shield.as_ref(), site.shield, self.shields.0, scope);
        let has_origin = site.has_origin
            || written.origin.is_some()
            || scope.source.misses("origin")
            || self.answers(shield);
        let has_filters = site.has_filters
            || written
                .filters
                .as_ref()
                .is_some_and(|filters| !filters.is_empty())
            || scope.source.misses("filters");
        if !has_origin && !has_filters {
            scope.tell_with_help(
                "",
                format!("nothing answers {called}: neither the route nor its site has an origin or a filter"),
                "add `origin = \"…\"` to the route or to its site",
            );
        }
        let own_origin = self.origin(written.origin.as_deref(), scope);
        let owner = format!(
            "{}{}",
            site.owner,
            path.as_ref().map_or("", PathPattern::as_str)
        );
        let own_filters = self
            .filters
            .used(written.filters.unwrap_or_default(), &owner, scope);
        let cache = cache_policy::of_route(written.cache, &site.cache, self.has_geoip, scope);
        let compression = compress::of(written.compress, &site.compression, scope);
        if let Some(again) = own_filters
            .iter()
            .position(|filter| site.filters.contains(filter))
        {
            scope.tell(
                &format!("filters[{again}]"),
                "the site has this filter already: leave one out",
            );
        }
        let when = self.conditions(
            written.methods,
            written.header,
            written.query,
            written.country,
            scope,
        );
        let path = path?;
        Some(Route {
            name: path.to_string(),
            when,
            path,
            origin: own_origin.or(site.origin),
            shield,
            filters: site.filters.iter().copied().chain(own_filters).collect(),
            cache: cache.as_ref().map(cache_policy::policy),
            compression: compression.as_ref().map(compress::compression),
        })
    }

    fn origin(&self, name: Option<&str>, scope: &mut Scope<'_>) -> Option<OriginId> {
        name.and_then(|name| self.origins.find(name, "origin", scope))
            .map(OriginId)
    }

    /// Whether a shield never needs the origin.
    fn answers(&self, shield: Option<ShieldId>) -> bool {
        let shield = shield.and_then(|id| self.shields.1.get(id.0));
        shield.is_some_and(|shield| shield.fallback == Fallback::Fail)
    }

    fn conditions(
        &self,
        methods: Option<Vec<crate::value::Method>>,
        header: Option<BTreeMap<crate::value::HeaderName, Wanted>>,
        query: Option<BTreeMap<String, Wanted>>,
        country: Option<Vec<crate::value::Country>>,
        scope: &mut Scope<'_>,
    ) -> Conditions {
        let methods = words(
            "methods",
            methods,
            |method| method.as_str().to_owned(),
            scope,
        );
        let is_given = country.is_some();
        let countries = words(
            "country",
            country,
            |country| country.as_str().to_owned(),
            scope,
        );
        if is_given && !self.has_geoip {
            scope.tell("country", "countries are not known without a `database` in `[geoip]`: name one or leave `country` out");
        }
        let value = |wanted| match wanted {
            Wanted::Any => None,
            Wanted::Value(value) => Some(value),
        };
        Conditions {
            methods,
            headers: header
                .into_iter()
                .flatten()
                .map(|(name, wanted)| (name.as_str().to_owned(), value(wanted)))
                .collect(),
            query: query
                .into_iter()
                .flatten()
                .map(|(name, wanted)| (name, value(wanted)))
                .collect(),
            countries,
        }
    }
}

/// A condition's words; none at all would never hold.
fn words<T>(
    key: &str,
    written: Option<Vec<T>>,
    as_text: impl Fn(&T) -> String,
    scope: &mut Scope<'_>,
) -> Vec<String> {
    let Some(written) = written else {
        return Vec::new();
    };
    if scope.is_empty(key, &written) {
        scope.tell(
            key,
            format!(
                "the list is empty, so the route would never be taken: leave `{key}` out for any"
            ),
        );
    }
    let words: Vec<String> = written.iter().map(as_text).collect();
    twice(key, &words, scope);
    words
}

fn hosts(
    many: Option<Vec<HostPattern>>,
    one: Option<HostPattern>,
    owners: &mut HashMap<HostPattern, Source>,
    scope: &mut Scope<'_>,
) -> Vec<HostPattern> {
    let (key, hosts) = match (many, one) {
        (Some(many), None) => ("hosts", many),
        (None, Some(one)) => ("host", vec![one]),
        (Some(many), Some(_)) => {
            scope.tell(
                "host",
                "a site has `hosts` or `host`, not both: write all of them into `hosts`",
            );
            ("hosts", many)
        }
        (None, None) => {
            if !scope.source.misses("hosts") && !scope.source.misses("host") {
                scope.tell_with_help(
                    "",
                    "the site has no hosts",
                    "add `hosts = [\"example.com\"]`, or `hosts = [\"*\"]` for every host",
                );
            }
            return Vec::new();
        }
    };
    if scope.is_empty(key, &hosts) {
        scope.tell_with_help(
            key,
            "the site has no hosts",
            "name one such as `example.com`, or `*` for every host",
        );
    }
    for (index, host) in hosts.iter().enumerate() {
        let key = if key == "host" {
            key.to_owned()
        } else {
            format!("hosts[{index}]")
        };
        match owners.get(host) {
            None => {
                owners.insert(host.clone(), scope.source.clone());
            }
            Some(owner)
                if hosts[..index].contains(host) && owner.place() == scope.source.place() =>
            {
                scope.tell(&key, format!("`{host}` is given twice: leave one out"));
            }
            Some(owner) => {
                let message = format!(
                    "`{host}` belongs to another site already, at {}",
                    owner.place()
                );
                scope.tell(&key, message);
            }
        }
    }
    hosts
}

/// The routes, ending with one for every path that no other is for, with the site's own words.
///
/// A site that has neither an origin nor a filter of its own, nor a shield that needs none, has nothing to say for them.
fn with_last(mut routes: Vec<Route>, site: &Inherited) -> Vec<Route> {
    if !site.has_origin && !site.has_filters && !site.shield_answers {
        return routes;
    }
    let every = PathPattern::every();
    let has_last = routes
        .iter()
        .any(|route| route.path.is_same(&every) && route.when == Conditions::default());
    if !has_last {
        routes.push(Route {
            name: every.to_string(),
            path: every,
            when: Conditions::default(),
            origin: site.origin,
            shield: site.shield,
            filters: site.filters.clone(),
            cache: site.cache.as_ref().map(cache_policy::policy),
            compression: site.compression.as_ref().map(compress::compression),
        });
    }
    routes
}
