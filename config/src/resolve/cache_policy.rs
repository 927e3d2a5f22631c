//! How a site's and a route's words on the cache come together.

use std::collections::HashSet;
use std::time::Duration;

use crate::config::{CachePolicy, HeuristicRule, KeyRules, QueryRule, SetCookieRule};
use crate::document::{self, CacheKey, Heuristics, QueryKey, QueryWord, SliceSize};
use crate::value::{ByteSize, HeaderName, Switch, is_token};

use super::Scope;

const STALE_IF_UNREACHABLE: Duration = Duration::from_secs(60);
const TARGETS: [&str; 3] = [
    "rimward-cache-control",
    "cdn-cache-control",
    "surrogate-control",
];
const SLICE: ByteSize = ByteSize(1 << 20);
const LEAST_SLICE: ByteSize = ByteSize(64 << 10);
const LARGEST_SLICE: ByteSize = ByteSize(64 << 20);

/// What a site says for its routes, or a route in the end: `None` is not cached.
pub(crate) type Written = Option<document::CachePolicy>;

/// The site's word, which is also the default of its routes.
pub(crate) fn of_site(
    written: Option<Switch<document::CachePolicy>>,
    has_geoip: bool,
    scope: &mut Scope<'_>,
) -> Written {
    of_route(
        written,
        &Some(document::CachePolicy::default()),
        has_geoip,
        scope,
    )
}

/// The route's word over the site's: each key of its own wins.
pub(crate) fn of_route(
    written: Option<Switch<document::CachePolicy>>,
    site: &Written,
    has_geoip: bool,
    scope: &mut Scope<'_>,
) -> Written {
    match written {
        None => site.clone(),
        Some(Switch::Off) => None,
        Some(Switch::On) => Some(site.clone().unwrap_or_default()),
        Some(Switch::With(own)) => {
            check(&own, has_geoip, &mut scope.key("cache"));
            Some(over(own, site.clone().unwrap_or_default()))
        }
    }
}

fn over(own: document::CachePolicy, site: document::CachePolicy) -> document::CachePolicy {
    let (own_key, site_key) = (own.key.unwrap_or_default(), site.key.unwrap_or_default());
    document::CachePolicy {
        ttl: own.ttl.or(site.ttl),
        default_ttl: own.default_ttl.or(site.default_ttl),
        key: Some(CacheKey {
            query: own_key.query.or(site_key.query),
            header: own_key.header.or(site_key.header),
            cookie: own_key.cookie.or(site_key.cookie),
            country: own_key.country.or(site_key.country),
        }),
        stale_while_revalidate: own.stale_while_revalidate.or(site.stale_while_revalidate),
        stale_if_error: own.stale_if_error.or(site.stale_if_error),
        stale_if_unreachable: own.stale_if_unreachable.or(site.stale_if_unreachable),
        stale_beside_s_maxage: own.stale_beside_s_maxage.or(site.stale_beside_s_maxage),
        heuristics: own.heuristics.or(site.heuristics),
        // What is passed on is chosen among the targets, and goes with them.
        pass_targets: own
            .pass_targets
            .or_else(|| site.pass_targets.filter(|_| own.targets.is_none())),
        targets: own.targets.or(site.targets),
        request_directives: own.request_directives.or(site.request_directives),
        early_refresh: own.early_refresh.or(site.early_refresh),
        surrogate_keys: own.surrogate_keys.or(site.surrogate_keys),
        // Who turns one of the two on turns the other off.
        store_set_cookie: own.store_set_cookie.or_else(|| {
            site.store_set_cookie
                .filter(|_| own.strip_set_cookie != Some(true))
        }),
        strip_set_cookie: own.strip_set_cookie.or_else(|| {
            site.strip_set_cookie
                .filter(|_| own.store_set_cookie != Some(true))
        }),
        slice: own.slice.or(site.slice),
    }
}

fn check(policy: &document::CachePolicy, has_geoip: bool, scope: &mut Scope<'_>) {
    for (index, label) in policy.surrogate_keys.iter().flatten().enumerate() {
        if label.is_empty()
            || label.len() > 256
            || !label.bytes().all(|byte| byte.is_ascii_graphic())
        {
            scope.tell(
                &format!("surrogate_keys[{index}]"),
                format!("`{label}` can't be a surrogate key: at most 256 visible ASCII characters without spaces"),
            );
        }
    }
    if (policy.strip_set_cookie, policy.store_set_cookie) == (Some(true), Some(true)) {
        scope.tell(
            "store_set_cookie",
            "a cookie is either stored or stripped: leave `strip_set_cookie` or `store_set_cookie` out",
        );
    }
    check_targets(policy, scope);
    if let Some(SliceSize::Of(size)) = policy.slice {
        scope.within_if_any("slice", Some(size), LEAST_SLICE..=LARGEST_SLICE);
    }
    let Some(key) = &policy.key else { return };
    for (index, name) in key.cookie.iter().flatten().enumerate() {
        if !is_token(name) {
            scope.tell(
                &format!("key.cookie[{index}]"),
                format!("`{name}` is not the name of a cookie: letters, digits, `-` and `_`"),
            );
        }
    }
    if let Some(QueryKey::Only(names)) = &key.query {
        if scope.key("key").is_empty("query", names) {
            scope.tell(
                "key.query",
                "the list is empty: write `\"none\"` to leave the query out of the key",
            );
        }
        twice("key.query", names, scope);
    }
    let headers: Vec<&str> = key
        .header
        .iter()
        .flatten()
        .map(|name| name.as_str())
        .collect();
    twice("key.header", &headers, scope);
    twice(
        "key.cookie",
        key.cookie.as_deref().unwrap_or_default(),
        scope,
    );
    if key.country == Some(true) && !has_geoip {
        scope.tell(
            "key.country",
            "countries are not known without a `database` in `[geoip]`: name one or leave `country` out",
        );
    }
}

fn check_targets(policy: &document::CachePolicy, scope: &mut Scope<'_>) {
    let names = |list: &Option<Vec<HeaderName>>| -> Vec<String> {
        let list = list.iter().flatten();
        list.map(|name| name.as_str().to_owned()).collect()
    };
    let (targets, passed) = (names(&policy.targets), names(&policy.pass_targets));
    twice("targets", &targets, scope);
    twice("pass_targets", &passed, scope);
    for (index, name) in targets.iter().enumerate() {
        if matches!(name.as_str(), "cache-control" | "expires" | "pragma") {
            scope.tell(
                &format!("targets[{index}]"),
                format!("`{name}` is for every cache: a targeted header is one such as `cdn-cache-control`"),
            );
        }
    }
    let Some(known) = policy.targets.as_ref().map(|_| targets) else {
        return;
    };
    for (index, name) in passed
        .iter()
        .enumerate()
        .filter(|(_, name)| !known.contains(name))
    {
        scope.tell(
            &format!("pass_targets[{index}]"),
            format!("`{name}` is not one of `targets`, and so is passed on anyhow: leave it out"),
        );
    }
}

/// Tells of names that are in a list twice.
pub(crate) fn twice<T: AsRef<str>>(key: &str, names: &[T], scope: &mut Scope<'_>) {
    let mut seen = HashSet::new();
    for (index, name) in names.iter().map(AsRef::as_ref).enumerate() {
        if !seen.insert(name) {
            scope.tell(
                &format!("{key}[{index}]"),
                format!("`{name}` is given twice: leave one out"),
            );
        }
    }
}

/// The policy with every default.
pub(crate) fn policy(written: &document::CachePolicy) -> CachePolicy {
    let key = written.key.clone().unwrap_or_default();
    let names = |list: &Option<Vec<HeaderName>>, default: &[&str]| match list {
        Some(list) => list.iter().map(|name| name.as_str().to_owned()).collect(),
        None => default.iter().map(|name| (*name).to_owned()).collect(),
    };
    CachePolicy {
        ttl: written.ttl.map(|span| span.0),
        default_ttl: written.default_ttl.map(|span| span.0),
        key: KeyRules {
            query: match key.query {
                None | Some(QueryKey::Word(QueryWord::All)) => QueryRule::All,
                Some(QueryKey::Word(QueryWord::Sorted)) => QueryRule::Sorted,
                Some(QueryKey::Word(QueryWord::None)) => QueryRule::Ignore,
                Some(QueryKey::Only(names)) => QueryRule::Only(names),
            },
            header: key
                .header
                .unwrap_or_default()
                .iter()
                .map(|name| name.as_str().to_owned())
                .collect(),
            cookie: key.cookie.unwrap_or_default(),
            country: key.country.unwrap_or(false),
        },
        stale_while_revalidate: written.stale_while_revalidate.map(|span| span.0),
        stale_if_error: written.stale_if_error.map(|span| span.0),
        stale_if_unreachable: written
            .stale_if_unreachable
            .map_or(STALE_IF_UNREACHABLE, |span| span.0),
        stale_beside_s_maxage: written.stale_beside_s_maxage.unwrap_or(true),
        heuristics: match written.heuristics {
            Some(Heuristics::Never) => HeuristicRule::Never,
            Some(Heuristics::WithoutQuery) => HeuristicRule::WithoutQuery,
            Some(Heuristics::Always) | None => HeuristicRule::Always,
        },
        targets: names(&written.targets, &TARGETS),
        pass_targets: names(&written.pass_targets, &["cdn-cache-control"]),
        request_directives: written.request_directives.unwrap_or(false),
        early_refresh: written.early_refresh.unwrap_or(true),
        surrogate_keys: written.surrogate_keys.clone().unwrap_or_default(),
        set_cookie: match (written.strip_set_cookie, written.store_set_cookie) {
            (Some(true), _) => SetCookieRule::Strip,
            (_, Some(true)) => SetCookieRule::Store,
            _ => SetCookieRule::Pass,
        },
        slice: match written.slice {
            None | Some(SliceSize::On) => Some(SLICE.0),
            Some(SliceSize::Off) => None,
            Some(SliceSize::Of(size)) => Some(size.0),
        },
    }
}
