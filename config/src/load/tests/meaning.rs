//! How the words of sites and routes come together, and where problems found later are placed.

use std::time::Duration;

use super::meaning;
use crate::config::*;

const ORIGINS: &str = "[origin.a]\ndirectory = \"a\"\n[origin.b]\ndirectory = \"b\"\n[geoip]\ndatabase = \"x.mmdb\"\n";

fn routes(site: &str) -> Vec<Route> {
    meaning(&format!("{ORIGINS}[[site]]\nhost = \"a.com\"\n{site}"))
        .sites
        .remove(0)
        .routes
}

#[test]
fn a_routes_own_word_wins() {
    let routes = routes(
        "origin = \"a\"\ncache = { ttl = \"1h\", stale_if_error = \"1d\", key = { header = [\"Accept\"] } }\n\
        [[site.route]]\npath = \"/b\"\norigin = \"b\"\ncache = { ttl = \"1m\", key = { cookie = [\"c\"] } }\n\
        [[site.route]]\npath = \"/c\"\ncache = false\n\
        [[site.route]]\npath = \"/d\"\ncache = true\n",
    );
    let origins: Vec<_> = routes.iter().map(|route| route.origin).collect();
    assert_eq!(
        origins,
        [
            Some(OriginId(1)),
            Some(OriginId(0)),
            Some(OriginId(0)),
            Some(OriginId(0))
        ]
    );
    let [b, c, d, rest] = [0, 1, 2, 3].map(|index| routes[index].cache.clone());
    let b = b.unwrap();
    assert_eq!(b.ttl, Some(Duration::from_secs(60)));
    assert_eq!(b.stale_if_error, Some(Duration::from_secs(86_400)));
    assert_eq!(
        (b.key.header, b.key.cookie),
        (vec!["accept".to_owned()], vec!["c".to_owned()])
    );
    assert_eq!(c, None);
    assert_eq!(
        (d.clone(), d.unwrap().ttl),
        (rest, Some(Duration::from_secs(3600)))
    );
}

#[test]
fn a_route_has_its_own_word_on_compression() {
    let routes = routes(
        "origin = \"a\"\ncompress = { encodings = [\"gzip\"], min_size = \"2KiB\" }\n\
        [[site.route]]\npath = \"/b\"\ncompress = [\"br\", \"zstd\"]\n\
        [[site.route]]\npath = \"/c\"\ncompress = false\n\
        [[site.route]]\npath = \"/d\"\ncompress = []\n\
        [[site.route]]\npath = \"/e\"\ncompress = { types = [\"text/css\"] }\n\
        [[site.route]]\npath = \"/f\"\ncompress = true\n",
    );
    let told = |route: &Route| {
        let compression = route.compression.as_ref()?;
        Some((
            compression.encodings.clone(),
            compression.min_size,
            compression.types.len(),
        ))
    };
    let told: Vec<_> = routes.iter().map(told).collect();
    let all = 16;
    assert_eq!(
        told,
        [
            Some((vec![Encoding::Br, Encoding::Zstd], 2048, all)),
            None,
            None,
            Some((vec![Encoding::Gzip], 2048, 1)),
            Some((vec![Encoding::Gzip], 2048, all)),
            Some((vec![Encoding::Gzip], 2048, all)),
        ]
    );
}

#[test]
fn a_route_can_switch_its_sites_cache_on() {
    let routes = routes(
        "origin = \"a\"\ncache = false\n[[site.route]]\npath = \"/b\"\ncache = true\n\
        [[site.route]]\npath = \"/c\"\ncache = { ttl = \"1m\" }\n",
    );
    assert!(routes[0].cache.is_some() && routes[1].cache.is_some() && routes[2].cache.is_none());
}

#[test]
fn the_last_route_is_only_added_where_it_has_something_to_say() {
    let paths = |site: &str| {
        routes(site)
            .iter()
            .map(|route| route.path.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        paths("origin = \"a\"\n[[site.route]]\npath = \"/*\"\ncache = false"),
        ["/*"]
    );
    assert_eq!(
        paths("origin = \"a\"\n[[site.route]]\npath = \"/*\"\nmethods = [\"PUT\"]"),
        ["/*", "/*"]
    );
    assert_eq!(
        paths("filters = [{ use = \"respond\" }]\n[[site.route]]\npath = \"/b\""),
        ["/b", "/*"]
    );
    assert_eq!(
        paths("[[site.route]]\npath = \"/b\"\norigin = \"b\""),
        ["/b"]
    );
}

#[test]
fn conditions_are_normalised() {
    let routes = routes(
        "origin = \"a\"\n[[site.route]]\npath = \"/\"\nmethods = [\"GET\"]\nheader = { X-A = true, x-b = \"1\" }\n\
        query = { q = true }\ncountry = [\"de\"]\n",
    );
    let when = Conditions {
        methods: vec!["GET".into()],
        headers: vec![("x-a".into(), None), ("x-b".into(), Some("1".into()))],
        query: vec![("q".into(), None)],
        countries: vec!["DE".into()],
    };
    assert_eq!(routes[0].when, when);
}

#[test]
fn routes_of_the_same_paths_may_have_other_conditions() {
    let routes = routes(
        "origin = \"a\"\n[[site.route]]\npath = \"/a\"\n[[site.route]]\npath = \"/a\"\nmethods = [\"GET\"]\n\
        [[site.route]]\npath = \"/a\"\nmethods = [\"GET\"]\nheader = { x = \"1\" }\n\
        [[site.route]]\npath = \"/a\"\nheader = { x = true }\n",
    );
    assert_eq!(routes.len(), 5);
}

#[test]
fn filters_in_place_have_names_of_their_own() {
    let config = meaning(
        "[[site]]\nhosts = [\"a.com\", \"b.com\"]\nfilters = [{ use = \"headers\", on_error = 503, a = 1 }, { use = \"headers\" }]\n\
        [[site.route]]\npath = \"/x\"\nfilters = [{ use = \"respond\" }]\n",
    );
    let names: Vec<&str> = config
        .filters
        .iter()
        .map(|filter| filter.name.as_str())
        .collect();
    assert_eq!(
        names,
        ["a.com:headers", "a.com:headers:2", "a.com/x:respond"]
    );
    let first = &config.filters[0];
    assert_eq!(
        (first.kind.as_str(), first.on_error),
        ("headers", Some(crate::OnErrorSpec::Status(503)))
    );
    assert_eq!(first.settings.to_string(), "a = 1\n");
    assert_eq!(
        config.sites[0].routes[0].filters,
        [FilterId(0), FilterId(1), FilterId(2)]
    );
}

#[test]
fn listeners_on_either_family_or_chosen_by_the_system_do_not_clash() {
    for addresses in [
        ["0.0.0.0:80", "[::]:80"],
        ["127.0.0.1:80", "127.0.0.2:80"],
        ["127.0.0.1:0", "127.0.0.1:0"],
    ] {
        let text = addresses
            .map(|address| format!("[[listen]]\naddress = \"{address}\"\n"))
            .concat();
        assert_eq!(meaning(&text).listeners.len(), 3);
    }
}

#[test]
fn problems_of_a_filter_are_placed_in_its_table() {
    let config = meaning(
        "[filter.a]\nuse = \"geo\"\nrules = [\n  { country = \"DE\" },\n  { set = { \"x.y\" = 1 } },\n]\n\
        [[site]]\nhost = \"a.com\"\nfilters = [\"a\", { use = \"headers\", colour = 3 }]\n",
    );
    let place = |filter: usize, key: &str| {
        let problem = config.filters[filter].problem(key, "wrong");
        let location = problem.location.clone().unwrap();
        let width = location.width;
        (
            problem.key,
            location.line,
            location
                .source
                .chars()
                .skip(location.column - 1)
                .take(width)
                .collect::<String>(),
        )
    };
    let told = |key: &str, line: usize, text: &str| (key.to_owned(), line, text.to_owned());
    assert_eq!(place(0, "use"), told("filter.a.use", 4, "\"geo\""));
    assert_eq!(
        place(0, "rules[0].country"),
        told("filter.a.rules[0].country", 6, "\"DE\"")
    );
    assert_eq!(
        place(0, "rules[1].set.\"x.y\""),
        told("filter.a.rules[1].set.\"x.y\"", 7, "1")
    );
    assert_eq!(
        place(0, "rules[1].missing"),
        told("filter.a.rules[1].missing", 7, "{ set = { \"x.y\" = 1 } }")
    );
    assert_eq!(place(0, ""), told("filter.a", 3, "[filter.a]"));
    assert_eq!(
        place(1, "colour"),
        told("site[0].filters[1].colour", 11, "3")
    );
}

#[test]
fn what_decode_says_of_settings_is_placed_with_its_help() {
    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only its mistakes are looked at")]
    struct Settings {
        colour: String,
        wait: crate::Span,
        #[serde(default)]
        rules: Vec<Rule>,
    }
    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only its mistakes are looked at")]
    struct Rule {
        status: crate::StatusCode,
    }
    let config = meaning(
        "[filter.a]\nuse = \"x\"\ncolor = \"red\"\nwait = 5\nrules = [{ status = 200 }, { status = 700 }, {}]\n",
    );
    let filter = &config.filters[0];
    let problems = crate::decode::<Settings>(&filter.settings).unwrap_err();
    let told: Vec<String> = problems
        .into_iter()
        .map(|problem| filter.place(problem).to_string())
        .collect();
    assert_eq!(
        told,
        [
            "pop.toml:5:1: filter.a.color: unknown key `color`\n  |\n5 | color = \"red\"\n  | ^^^^^\n  = help: did you mean `colour`?",
            "pop.toml:7:39: filter.a.rules[1].status: `700` is not a status from 100 to 599 such as `404`\n  |\n\
            7 | rules = [{ status = 200 }, { status = 700 }, {}]\n  |                                       ^^^",
            "pop.toml:7:46: filter.a.rules[2]: the key `status` is missing\n  |\n\
            7 | rules = [{ status = 200 }, { status = 700 }, {}]\n  |                                              ^^",
            "pop.toml:6:8: filter.a.wait: expected a duration such as `10s` or `1h30m`, found the integer 5\n  |\n\
            6 | wait = 5\n  |        ^",
        ]
    );
}

#[test]
fn problems_found_later_are_placed() {
    let config = meaning(&format!(
        "{ORIGINS}[[site]]\nhost = \"a.com\"\norigin = \"a\"\nerror_pages = {{ 502 = \"x\" }}\n"
    ));
    for (key, line) in [
        ("geoip.database", 8),
        ("origin.b.directory", 6),
        ("origin.b.tls.ca", 5),
        ("listen[0].address", 2),
        ("site[0].error_pages.502", 12),
        ("site[0].error_pages.503", 12),
    ] {
        let problem = config.problem(key, "missing");
        assert_eq!(
            (
                problem.key.as_str(),
                problem.location.map(|location| location.line)
            ),
            (key, Some(line))
        );
    }
    assert_eq!(config.problem("nowhere", "missing").location, None);
}
