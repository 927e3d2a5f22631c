//! What a behavior says of the cache, as the cache of a route.

use super::cloudformation::Template;
use super::notes::Notes;
use super::plan::{Cache, Query};
use super::yaml::Node;

/// The policies that AWS makes, by the numbers that it gives them.
const DISABLED: &str = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";
const OPTIMIZED: &str = "658327ea-f89d-4fab-a63d-7e88639e58f6";
const OPTIMIZED_UNCOMPRESSED: &str = "b2884449-e4de-46a7-ac36-70bc7f1ddd6d";
const BY_ORIGIN: &str = "83da9c7e-98b4-4e11-a168-04f0df8e2c65";
const BY_ORIGIN_AND_QUERY: &str = "4cc15a8a-d715-48a4-82b8-cc0b614638fe";
/// Request policies of AWS by which the origin gets the client's `Host`.
const ALL_VIEWER: [&str; 2] = [
    "216adef6-5c7f-47e4-b989-5492eafa07d3",
    "33f36d7e-f396-46d9-90e0-52428a34d9dc",
];
const DAY: u64 = 86_400;

/// The cache of a behavior.
pub(super) fn of_behavior(behavior: &Node, template: &Template<'_>, notes: &mut Notes) -> Cache {
    let mut cache = Cache::default();
    if let Some(policy) = behavior.get("CachePolicyId") {
        by_policy(policy, template, &mut cache, notes);
    } else {
        times(behavior, &mut cache);
        if let Some(forwarded) = behavior.get("ForwardedValues") {
            by_forwarded(forwarded, &mut cache, notes);
        }
    }
    cache
}

/// Whether the origin sees the host that the client asked for.
pub(super) fn forwards_host(behavior: &Node) -> bool {
    let headers = behavior.at(&["ForwardedValues", "Headers"]);
    let names = headers.map_or(&[][..], Node::list);
    let has_host = names
        .iter()
        .filter_map(Node::text)
        .any(|name| name == "*" || name.eq_ignore_ascii_case("host"));
    let policy = behavior.get("OriginRequestPolicyId").and_then(Node::text);
    has_host || policy.is_some_and(|policy| ALL_VIEWER.contains(&policy))
}

fn times(node: &Node, cache: &mut Cache) {
    let seconds = |key| node.get(key).and_then(Node::number);
    let (least, usual, most) = (seconds("MinTTL"), seconds("DefaultTTL"), seconds("MaxTTL"));
    match (least, usual, most) {
        (_, _, Some(0)) => cache.is_off = true,
        (Some(least), _, Some(most)) if least == most => cache.ttl = Some(least),
        (_, usual, _) => cache.default_ttl = usual.filter(|usual| *usual > 0),
    }
}

fn by_policy(policy: &Node, template: &Template<'_>, cache: &mut Cache, notes: &mut Notes) {
    let own = policy.get("Ref").and_then(Node::text);
    if let Some(name) = own
        && let Some(resource) = template
            .resources("AWS::CloudFront::CachePolicy")
            .find(|resource| resource.key == name)
    {
        if let Some(config) = resource.value.at(&["Properties", "CachePolicyConfig"]) {
            by_config(config, cache, notes);
        }
        return;
    }
    match template.text(policy).as_deref() {
        Ok(DISABLED) => cache.is_off = true,
        Ok(OPTIMIZED | OPTIMIZED_UNCOMPRESSED) => {
            cache.default_ttl = Some(DAY);
            cache.query = Query::None;
        }
        Ok(BY_ORIGIN) => cache.query = Query::None,
        Ok(BY_ORIGIN_AND_QUERY) => {}
        Ok(other) => notes.tell(
            policy.line,
            format!("the cache policy `{other}` is not in the file: say what it says in the route's `cache`"),
        ),
        Err(why) => notes.tell(policy.line, format!("the cache policy is left out: {why}")),
    }
}

/// The resource `AWS::CloudFront::CachePolicy`.
fn by_config(config: &Node, cache: &mut Cache, notes: &mut Notes) {
    times(config, cache);
    let Some(key) = config.get("ParametersInCacheKeyAndForwardedToOrigin") else {
        return;
    };
    let part = |part: &str, behavior: &str, names: &str| {
        let part = key.get(part);
        let behavior = part.and_then(|part| part.get(behavior)?.text());
        let names = part.and_then(|part| part.get(names)).map(texts);
        (
            behavior.unwrap_or("none").to_owned(),
            names.unwrap_or_default(),
        )
    };
    let (behavior, names) = part("QueryStringsConfig", "QueryStringBehavior", "QueryStrings");
    cache.query = match behavior.as_str() {
        "none" => Query::None,
        "whitelist" => Query::Only(names),
        "all" => Query::All,
        _ => {
            notes.tell(config.line, "all parameters tell objects apart: the filter `query` takes out those that should not");
            Query::All
        }
    };
    let (_, names) = part("HeadersConfig", "HeaderBehavior", "Headers");
    add_headers(names, cache);
    let (behavior, names) = part("CookiesConfig", "CookieBehavior", "Cookies");
    match behavior.as_str() {
        "whitelist" => cache.cookies = names,
        "none" => {}
        _ => tell_of_cookies(config.line, notes),
    }
}

fn by_forwarded(forwarded: &Node, cache: &mut Cache, notes: &mut Notes) {
    let keys = forwarded
        .get("QueryStringCacheKeys")
        .map(texts)
        .unwrap_or_default();
    cache.query = match forwarded.get("QueryString") {
        Some(all) if !all.is_true() => Query::None,
        None => Query::None,
        Some(_) if keys.is_empty() => Query::All,
        Some(_) => Query::Only(keys),
    };
    let headers = forwarded.get("Headers").map(texts).unwrap_or_default();
    if headers.iter().any(|name| name == "*") {
        cache.is_off = true;
    } else {
        add_headers(headers, cache);
    }
    match forwarded.at(&["Cookies", "Forward"]).and_then(Node::text) {
        Some("whitelist") => {
            let names = forwarded.at(&["Cookies", "WhitelistedNames"]);
            cache.cookies = names.map(texts).unwrap_or_default();
        }
        Some("all") => tell_of_cookies(forwarded.line, notes),
        _ => {}
    }
}

/// The host tells objects apart anyway.
fn add_headers(names: Vec<String>, cache: &mut Cache) {
    let names = names.into_iter().map(|name| name.to_ascii_lowercase());
    cache.headers = names.filter(|name| name != "host").collect();
}

fn tell_of_cookies(line: usize, notes: &mut Notes) {
    notes.tell(
        line,
        "all cookies told objects apart: here those do that `cache.key.cookie` names",
    );
}

/// The texts of a list.
pub(super) fn texts(node: &Node) -> Vec<String> {
    let texts = node.list().iter().filter_map(Node::text);
    texts.map(str::to_owned).collect()
}
