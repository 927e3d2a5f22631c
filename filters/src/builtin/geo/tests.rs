//! Rules, what they do, and what they must not be led to do.

use rimward_config::OriginId;
use rimward_geoip::Kind;
use rimward_geoip::build::{city, map, network};

use super::*;
use crate::outside::{AskError, Bounds, Outside, Surroundings};
use crate::testing::{answer, build, databases, exchange, refused, status, values};

/// A request of a client in Berlin (203.0.113.7), by a VPN of AS 64496.
fn berlin(target: &str, headers: &[(&'static str, &str)]) -> Exchange {
    let mut exchange = exchange("GET", target, headers);
    let place = city("DE", ("BE", "Land Berlin"), "Berlin", (52.5, 13.4));
    let vpn = map([("is_anonymous_vpn", true.into())]);
    exchange.client.geoip = Some(Arc::new(databases(&[
        (Kind::Places, "203.0.113.0/24", place),
        (Kind::Networks, "203.0.113.0/24", network(64_496, "Example")),
        (Kind::Anonymous, "203.0.113.0/24", vpn),
    ])));
    exchange
}

/// A request of a client of whom nothing is known.
fn nowhere(target: &str) -> Exchange {
    let mut exchange = exchange("GET", target, &[]);
    exchange.client.country = None;
    exchange
}

#[test]
fn conditions_hold_or_do_not() {
    for (condition, holds) in [
        ("country = ['DE', 'FR']", true),
        ("country = ['de']", true),
        ("country = ['FR']", false),
        ("not_country = ['FR']", true),
        ("not_country = ['DE']", false),
        ("continent = ['EU']", true),
        ("not_continent = ['EU', 'NA']", false),
        ("region = ['US-CA', 'DE-BE']", true),
        ("region = ['AT-BE']", false),
        ("not_region = ['DE-BY']", true),
        ("city = ['berlin']", true),
        ("not_city = ['Berlin']", false),
        ("postal_code = ['1']", false),
        ("not_postal_code = ['1']", true),
        ("metro_code = [807]", false),
        ("not_metro_code = [807]", true),
        ("asn = [1, 64496]", true),
        ("not_asn = [64496]", false),
        ("time_zone = ['Europe/*']", false),
        ("is_eu = true", true),
        ("is_eu = false", false),
        ("vpn = true, anonymous = true", true),
        ("vpn = true, tor = true", false),
        (
            "tor = false, hosting = false, proxy = false, residential_proxy = false",
            true,
        ),
        ("unknown = true", false),
        ("unknown = false", true),
    ] {
        let settings = format!("rules = [{{ {condition}, respond = {{ status = 451 }} }}]");
        let filter: Geo = build(&settings).unwrap();
        let expected = if holds { 451 } else { 0 };
        assert_eq!(
            status(&filter, &mut berlin("/", &[])),
            expected,
            "{condition}"
        );
    }
}

#[test]
fn places_in_the_united_states_have_more_to_them() {
    let mut place = city("US", ("CA", "California"), "San Jose", (37.3, -121.8));
    if let rimward_geoip::build::Value::Map(pairs) = &mut place {
        pairs.push(("postal_code".to_owned(), "95141".into()));
        pairs.push(("metro_code".to_owned(), 807.into()));
        pairs.push(("time_zone".to_owned(), "America/Los_Angeles".into()));
    }
    let mut exchange = exchange("GET", "/", &[]);
    exchange.client.geoip = Some(Arc::new(databases(&[(
        Kind::Places,
        "203.0.113.0/24",
        place,
    )])));
    for (condition, holds) in [
        ("region = ['us-ca']", true),
        ("postal_code = ['100', '951']", true),
        ("metro_code = [807]", true),
        ("time_zone = ['America/*']", true),
        ("time_zone = ['America/New_York']", false),
        ("is_eu = false", true),
    ] {
        let settings = format!("rules = [{{ {condition}, respond = {{ status = 451 }} }}]");
        let filter: Geo = build(&settings).unwrap();
        let expected = if holds { 451 } else { 0 };
        assert_eq!(status(&filter, &mut exchange), expected, "{condition}");
    }
}

#[test]
fn the_first_rule_that_takes_a_client_holds() {
    let filter: Geo = build(
        "rules = [{ country = ['DE'], vpn = false, respond = { status = 451 } }, { country = ['DE'] }, \
         { unknown = true, respond = { status = 403, body = 'who?' } }, { respond = { status = 404 } }]",
    )
    .unwrap();
    assert_eq!(status(&filter, &mut berlin("/", &[])), 0);
    let unknown = answer(&filter, &mut nowhere("/")).unwrap();
    assert_eq!(
        (unknown.head.status.as_u16(), &*unknown.body),
        (403, &b"who?"[..])
    );
    assert_eq!(
        values(&unknown.head, "cache-control"),
        ["private, no-store"]
    );
    assert!(!unknown.refusal);
    let mut french = exchange("GET", "/", &[]);
    french.client.country = Some(*b"FR");
    let refused = answer(&filter, &mut french).unwrap();
    assert!(refused.refusal && refused.head.status.as_u16() == 404);
}

const SUBSITES: &str = "override_cookie = 'locale'\nrules = [\
    { country = ['KP'], respond = { status = 451 } }, \
    { name = 'de', country = ['DE', 'AT'], redirect = { to = '/de{path}' } }, \
    { name = 'fr', country = ['FR'], redirect = { to = 'https://fr.example.com{path}' } }]";

#[test]
fn clients_are_sent_to_their_subsite_unless_they_are_at_one() {
    let filter: Geo = build(SUBSITES).unwrap();
    for (target, host, cookie, location) in [
        ("/a?b=c", "example.com", "", Some("/de/a?b=c")),
        ("/de/a", "example.com", "", None),
        ("/de", "example.com", "", None),
        ("/design", "example.com", "", Some("/de/design")),
        ("/a", "fr.example.com", "", None),
        (
            "/a",
            "example.com",
            "locale=FR",
            Some("https://fr.example.com/a"),
        ),
        ("/a", "example.com", "locale=at", Some("/de/a")),
        ("/a", "example.com", "locale=SE", None),
        ("/a", "example.com", "locale=nonsense", Some("/de/a")),
        (
            "/a",
            "example.com",
            "locale=\"fr\"",
            Some("https://fr.example.com/a"),
        ),
    ] {
        let mut exchange = exchange("GET", target, &[("host", host), ("cookie", cookie)]);
        let sent = answer(&filter, &mut exchange);
        let sent = sent.map(|answer| values(&answer.head, "location").remove(0));
        assert_eq!(sent.as_deref(), location, "{target} {host} {cookie}");
    }
}

#[test]
fn no_cookie_leads_past_a_rule_that_answers() {
    let allowed_alone: Geo =
        build("override_cookie = 'c'\nrules = [{ name = 'x', country = ['DE'] }, { respond = { status = 451 } }]").unwrap();
    let blocked: Geo = build(SUBSITES).unwrap();
    for cookie in ["c=DE", "c=x", "locale=de", "locale=FR"] {
        let mut exchange = exchange("GET", "/", &[("cookie", cookie)]);
        exchange.client.country = Some(*b"KP");
        assert_eq!(status(&allowed_alone, &mut exchange), 451, "{cookie}");
        assert_eq!(status(&blocked, &mut exchange), 451, "{cookie}");
    }
}

#[test]
fn origins_paths_and_headers_are_chosen_and_told_apart() {
    let filter: Geo = build(
        "rules = [{ country = ['DE'], origin = 'eu', path_prefix = '/de/', request_headers = { x-lang = 'de' } }, \
         { country = ['FR'], path_prefix = '/fr', request_headers = { x-city = '{city}' } }, \
         { request_headers = { x-any = '1' }, same_content = true }]",
    )
    .unwrap();
    let mut exchange = berlin("/a?b", &[("x-lang", "evil"), ("x-city", "evil")]);
    assert_eq!(status(&filter, &mut exchange), 0);
    assert_eq!(exchange.request.uri, "/de/a?b");
    assert_eq!(
        (exchange.header("x-lang"), exchange.header("x-city")),
        (Some("de"), None)
    );
    let origin = exchange.chosen.origin.as_ref().unwrap();
    assert_eq!(origin.key.as_deref(), Some("eu"));
    let part = &exchange.chosen.key_parts[0];
    assert_eq!((&*part.filter, &*part.value), ("test", "x-lang:de\n"));
    for path in ["/de/a", "/fr/a"] {
        let mut exchange = berlin(path, &[]);
        assert_eq!(status(&filter, &mut exchange), 0);
        assert_eq!(exchange.path(), path);
    }
    let mut french = nowhere("/a");
    french.client.country = Some(*b"FR");
    assert_eq!(status(&filter, &mut french), 0);
    assert_eq!(&*french.chosen.key_parts[0].value, "x-city:\n");
    let mut unknown = nowhere("/a");
    assert_eq!(status(&filter, &mut unknown), 0);
    assert_eq!(unknown.header("x-any"), Some("1"));
    assert!(unknown.chosen.key_parts.is_empty() && unknown.chosen.origin.is_none());
}

/// Everybody is well but one.
struct AllBut(usize);

#[async_trait::async_trait]
impl Outside for AllBut {
    fn is_usable(&self, origin: OriginId) -> bool {
        origin.0 != self.0
    }

    async fn ask(
        &self,
        _: OriginId,
        _: http::Request<bytes::Bytes>,
        _: Bounds,
    ) -> Result<http::Response<bytes::Bytes>, AskError> {
        Err(AskError::NotServing)
    }

    async fn fetch(
        &self,
        _: http::Request<bytes::Bytes>,
        _: Bounds,
    ) -> Result<http::Response<bytes::Bytes>, AskError> {
        Err(AskError::NotServing)
    }
}

const POPS: &str = "nearest = [{ origin = 'fra', at = [50.1, 8.7] }, { origin = 'nyc', at = [40.7, -74.0] }, \
    { origin = 'syd', at = [-33.9, 151.2] }]";

/// The index and the key of the origin that a client gets.
fn nearest(
    settings: &str,
    sick: usize,
    exchange: &mut Exchange,
) -> Option<(usize, Option<String>)> {
    let around = Surroundings {
        origins: Some(["fra", "nyc", "syd", "far"].map(Into::into).into()),
        outside: Arc::new(AllBut(sick)),
        ..Surroundings::default()
    };
    let settings: toml::Table = settings.parse().unwrap();
    let builder = Builder::new(std::path::Path::new("."), "test").within(around);
    let filter = Geo::new(rimward_config::decode(&settings).unwrap(), &builder).unwrap();
    assert_eq!(status(&filter, exchange), 0);
    let chosen = exchange.chosen.origin.as_ref()?;
    Some((chosen.origin.0, chosen.key.as_deref().map(str::to_owned)))
}

#[test]
fn the_nearest_healthy_origin_is_asked() {
    let none = usize::MAX;
    assert_eq!(nearest(POPS, none, &mut berlin("/", &[])), Some((0, None)));
    assert_eq!(nearest(POPS, 0, &mut berlin("/", &[])), Some((1, None)));
    assert_eq!(nearest(POPS, none, &mut nowhere("/")), None);
    let told_apart = format!("rules = [{{ {POPS}, origin = 'far', same_content = false }}]");
    let named = |index, name: &str| Some((index, Some(name.to_owned())));
    assert_eq!(
        nearest(&told_apart, none, &mut berlin("/", &[])),
        named(0, "fra")
    );
    assert_eq!(
        nearest(&told_apart, none, &mut nowhere("/")),
        named(3, "far")
    );
    for (at, expected) in [
        ((-41.3, 174.8), 2),
        ((19.4, -99.1), 1),
        ((1.0, -179.9), 2),
        ((64.0, -22.0), 0),
    ] {
        let mut exchange = exchange("GET", "/", &[]);
        let place = city("XK", ("1", "Somewhere"), "Somewhere", at);
        exchange.client.geoip = Some(Arc::new(databases(&[(
            Kind::Places,
            "203.0.113.0/24",
            place,
        )])));
        assert_eq!(
            nearest(POPS, none, &mut exchange),
            Some((expected, None)),
            "{at:?}"
        );
    }
}

#[test]
fn mistakes_are_told() {
    for (settings, expected) in [
        ("", "nothing is decided: give `rules` or `nearest`"),
        (
            "rules = [{ country = ['Germany'] }]",
            "is not a country's code",
        ),
        (
            "rules = [{}, { country = ['UK'] }]",
            "rules[1].country[0]: no country has the code `UK`: that of the United Kingdom is `GB`",
        ),
        (
            "rules = [{ country = ['XX'] }]",
            "no country has the code `XX`",
        ),
        (
            "rules = [{ country = [] }]",
            "rules[0].country: the list is empty",
        ),
        ("rules = [{ continent = ['Europe'] }]", "Europe"),
        (
            "rules = [{ region = ['California'] }]",
            "`California` is not a region: expected a country's code",
        ),
        (
            "rules = [{ time_zone = ['CET '] }]",
            "`CET ` is not a time zone",
        ),
        (
            "rules = [{ city = [''] }]",
            "rules[0].city[0]: an empty text",
        ),
        (
            "rules = [{ name = 'a b' }]",
            "rules[0].name: `a b` can't be the value of a cookie",
        ),
        (
            "rules = [{ country = ['DE'], name = 'a' }, { name = 'A' }]",
            "rules[1].name: another rule before is named `A`",
        ),
        (
            "rules = [{}, { country = ['DE'] }]",
            "rules[1]: no client comes so far: `rules[0]` has no condition",
        ),
        (
            "rules = [{}]\nnearest = [{ origin = 'a', at = [0, 0] }]",
            "nearest: no client comes so far",
        ),
        (
            "rules = [{ respond = { status = 99 } }]",
            "`99` is not a status",
        ),
        (
            "rules = [{ respond = { status = 204, body = 'a' } }]",
            "rules[0].respond.status: `204` has no body",
        ),
        (
            "rules = [{ respond = {}, origin = 'a' }]",
            "rules[0].respond: a rule that answers does nothing else",
        ),
        (
            "rules = [{ redirect = { to = 'de' } }]",
            "rules[0].redirect.to: a redirect goes to a URL",
        ),
        (
            "rules = [{ redirect = { to = '{path}?de' } }]",
            "rules[0].redirect.to: clients would be sent around in circles",
        ),
        (
            "rules = [{ redirect = { to = '/?de' } }]",
            "sent around in circles",
        ),
        (
            "rules = [{ path_prefix = 'de' }]",
            "rules[0].path_prefix: `de` is not a path",
        ),
        (
            "rules = [{ path_prefix = '/' }]",
            "rules[0].path_prefix: an empty prefix changes nothing",
        ),
        (
            "rules = [{ request_headers = { host = 'a' } }]",
            "rules[0].request_headers.host: the filter `rewrite`",
        ),
        (
            "rules = [{ request_headers = { te = 'a' } }]",
            "`te` is about one connection",
        ),
        (
            "nearest = [{ origin = 'a', at = [91, 0] }]",
            "nearest[0].at: `[91, 0]` is no place",
        ),
        (
            "override_cookie = 'a b'\nrules = [{}]",
            "override_cookie: `a b` is not the name of a cookie",
        ),
    ] {
        refused::<Geo>(settings, expected);
    }
    let around = Surroundings {
        origins: Some(vec!["fra".into()]),
        ..Surroundings::default()
    };
    let rules = |settings: &str, around: Surroundings| {
        let builder = Builder::new(std::path::Path::new("."), "test").within(around);
        let settings: toml::Table = settings.parse().unwrap();
        Geo::new(rimward_config::decode(&settings).unwrap(), &builder)
            .err()
            .unwrap()
    };
    let unknown = rules("rules = [{ origin = 'far' }]", around.clone());
    assert_eq!(
        (&*unknown.key, &*unknown.message),
        ("rules[0].origin", "there is no origin `far`")
    );
    let blind = Surroundings {
        has_geoip: Some(false),
        ..around
    };
    let told = rules("rules = [{ country = ['DE'] }]", blind).message;
    assert!(told.contains("without a section `[geoip]`"), "{told}");
}
