//! Sites that are made of distributions.

use std::collections::BTreeSet;

use super::distribution::{Behavior, Distribution};
use super::notes::Notes;
use super::paths;
use super::places::Place;
use super::plan::{Event, FilterKind, Plan, Route, Site};

/// Makes sites of distributions.
pub(super) fn plan(distributions: Vec<Distribution>, plan: &mut Plan, notes: &mut Notes) {
    let mut taken = BTreeSet::new();
    for distribution in distributions {
        site(distribution, &mut taken, plan, notes);
    }
}

fn site(
    distribution: Distribution,
    taken: &mut BTreeSet<String>,
    plan: &mut Plan,
    notes: &mut Notes,
) {
    let mut site = Site {
        about: distribution.name.clone(),
        hosts: hosts(&distribution, taken, notes),
        routes: Vec::new(),
    };
    for behavior in &distribution.behaviors {
        let route = route(behavior, &distribution, plan, notes);
        if behavior.pattern.is_none() {
            root(&distribution, &route, behavior, plan, &mut site);
        }
        for path in paths_of(behavior, notes) {
            let is_taken = site.routes.iter().any(|other| other.path == path);
            match is_taken {
                true => notes.tell(
                    behavior.line,
                    format!(
                        "the route `{path}` is there already: what this one says of it is left out"
                    ),
                ),
                false => site.routes.push(Route {
                    path,
                    ..route.clone()
                }),
            }
        }
    }
    if distribution.is_elsewhere {
        notes.tell(
            None,
            format!(
                "the distribution `{}` is not in the file: give its site `hosts` and an `origin`",
                distribution.name
            ),
        );
    }
    plan.sites.push(site);
}

/// The hosts, each for one site only; without any, all that no other site is for.
fn hosts(
    distribution: &Distribution,
    taken: &mut BTreeSet<String>,
    notes: &mut Notes,
) -> Vec<String> {
    let mut hosts: Vec<String> = Vec::new();
    for host in &distribution.hosts {
        let host = host.to_ascii_lowercase();
        if host.parse::<rimward_config::HostPattern>().is_ok() && taken.insert(host.clone()) {
            hosts.push(host);
        } else {
            notes.tell(
                None,
                format!(
                    "the host `{host}` of `{}` is left out: it is no host, or is another site's",
                    distribution.name
                ),
            );
        }
    }
    if !hosts.is_empty() {
        return hosts;
    }
    let everything = "*".to_owned();
    if taken.insert(everything.clone()) {
        if !distribution.is_elsewhere {
            notes.tell(
                None,
                format!(
                    "`{}` has no aliases: its site is for every host",
                    distribution.name
                ),
            );
        }
        return vec![everything];
    }
    let label: String = distribution
        .name
        .to_ascii_lowercase()
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '-'
            }
        })
        .take(60)
        .collect();
    let made_up = format!("{}.invalid", label.trim_matches('-'));
    taken.insert(made_up.clone());
    notes.tell(
        None,
        format!("`{}` has no aliases, and a site for every host is there: write its hosts in place of `{made_up}`", distribution.name),
    );
    vec![made_up]
}

fn paths_of(behavior: &Behavior, notes: &mut Notes) -> Vec<String> {
    let Some(pattern) = &behavior.pattern else {
        return vec!["/*".to_owned()];
    };
    match paths::of_pattern(pattern) {
        Ok(paths) => {
            if let Some(differs) = paths.differs {
                notes.tell(
                    behavior.line,
                    format!("the pattern `{pattern}` is not quite the same as a route: {differs}"),
                );
            }
            paths.paths
        }
        Err(why) => {
            notes.tell(
                behavior.line,
                format!("the pattern `{pattern}` is left out with its origin and functions: {why}"),
            );
            Vec::new()
        }
    }
}

fn route(
    behavior: &Behavior,
    distribution: &Distribution,
    plan: &mut Plan,
    notes: &mut Notes,
) -> Route {
    let mut route = Route {
        cache: behavior.cache.clone(),
        is_compressed: behavior.is_compressed,
        ..Route::default()
    };
    if let Some(methods) = &behavior.methods {
        let kind = FilterKind::Methods(methods.clone());
        let name = format!("only-{}", methods.join("-").to_ascii_lowercase());
        route.filters.push(plan.filter(&name, kind));
    }
    // Those of responses first: a filter that answers skips those behind it.
    let named = |wanted: Event| {
        let handlers = behavior.handlers.iter();
        let handlers = handlers.filter(move |(event, _)| *event == wanted);
        handlers.map(|(_, name)| name.clone())
    };
    route.filters.extend(named(Event::ViewerResponse));
    route.filters.extend(named(Event::OriginResponse));
    route.filters.extend(named(Event::ViewerRequest));
    if let Some(place) = place_of(behavior, distribution, notes) {
        // Behind handlers of viewer requests, which see the path as the client sent it.
        let (origin, filters) = place.plan(behavior.is_host_forwarded, plan);
        tell_of_path(place, behavior, notes);
        route.origin = Some(origin);
        route.filters.extend(filters);
    }
    route.filters.extend(named(Event::OriginRequest));
    route
}

fn tell_of_path(place: &Place, behavior: &Behavior, notes: &mut Notes) {
    let is_seen = behavior
        .handlers
        .iter()
        .any(|(event, _)| !event.is_viewer());
    if let Some(path) = place.path.as_deref().filter(|_| is_seen) {
        notes.tell(
            behavior.line,
            format!("handlers of origin events see `{path}` before the path, which CloudFront puts there after them"),
        );
    }
}

fn place_of<'d>(
    behavior: &Behavior,
    distribution: &'d Distribution,
    notes: &mut Notes,
) -> Option<&'d Place> {
    let id = behavior.place.as_deref();
    let place = match id {
        Some(id) => distribution.places.iter().find(|place| place.id == id),
        // There is one for all.
        None => distribution.places.first(),
    };
    if place.is_none() && !distribution.is_elsewhere {
        let which = id.map_or_else(String::new, |id| format!(" `{id}`"));
        notes.tell(
            behavior.line,
            format!("the origin{which} of the behavior is not known: give its route one"),
        );
    }
    place
}

/// `DefaultRootObject`: the root alone is answered by another path.
fn root(
    distribution: &Distribution,
    route: &Route,
    behavior: &Behavior,
    plan: &mut Plan,
    site: &mut Site,
) {
    let Some(object) = &distribution.root else {
        return;
    };
    let path = format!("/{}", object.trim_start_matches('/'));
    let filter = plan.filter("root", FilterKind::Root(path));
    let mut route = Route {
        path: "/".to_owned(),
        ..route.clone()
    };
    let handlers = behavior.handlers.iter();
    let before = handlers
        .filter(|(event, _)| *event != Event::OriginRequest)
        .count();
    let before = before + usize::from(behavior.methods.is_some());
    route
        .filters
        .insert(before.min(route.filters.len()), filter);
    site.routes.push(route);
}
