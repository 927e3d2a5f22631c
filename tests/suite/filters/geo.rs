//! Where clients are: `[geoip]`, and the filters `geo` and `geo_headers`.

use std::sync::Arc;

use rimward_geoip::build::{self, Value, city, country, map, network};
use rimward_tests::{Authority, Client, Edge, Files, Origin, Received, Response, fill, hit, miss};

/// A client in Germany, one in California, one in Australia and one nobody knows.
const BERLIN: &str = "203.0.113.7";
const SAN_JOSE: &str = "198.51.100.7";
const SYDNEY: &str = "2001:db8::7";
const UNKNOWN: &str = "192.0.2.7";

const POP: &str = r#"
    [pop]
    trusted_proxies = ["127.0.0.0/8"]

    [geoip]
    database = "city.mmdb"
    asn_database = "asn.mmdb"
    anonymous_database = "anonymous.mmdb"
"#;

fn places() -> Vec<u8> {
    build::file(
        "GeoLite2-City",
        [
            (
                "203.0.113.0/24",
                city("DE", ("BE", "Land Berlin"), "Berlin", (52.5, 13.4)),
            ),
            (
                "198.51.100.0/24",
                city("US", ("CA", "California"), "San José", (37.3, -121.8)),
            ),
            (
                "2001:db8::/32",
                city("AU", ("NSW", "New South Wales"), "Sydney", (-33.9, 151.2)),
            ),
            ("127.0.0.0/8", country("CH")),
        ],
    )
}

fn files() -> Arc<Files> {
    let files = Arc::new(Files::new());
    files.write("city.mmdb", places());
    let systems = [("203.0.113.0/24", network(64_496, "Example Networks"))];
    files.write("asn.mmdb", build::file("GeoLite2-ASN", systems));
    let tor: Value = map([
        ("is_anonymous", true.into()),
        ("is_tor_exit_node", true.into()),
    ]);
    let hidden = build::file("GeoIP2-Anonymous-IP", [("203.0.113.66/32", tor)]);
    files.write("anonymous.mmdb", hidden);
    files
}

/// An edge with one site that has `words`, and `{NAME}` in it for each of these origins.
async fn edge(origins: &[(&str, &Origin)], words: &str) -> Edge {
    let mut text = POP.to_owned();
    for (name, origin) in origins {
        text += &format!("\n[origin.{name}]\nservers = [\"{origin}\"]\n");
        text += "health = { path = \"/healthz\", interval = \"20ms\", unhealthy_after = 1 }\n";
        origin.always("/healthz", "", "");
    }
    text += &format!(
        "\n[[site]]\nhosts = [\"*\"]\norigin = \"{}\"\n{words}\n",
        origins[0].0
    );
    Edge::start_in(files(), &text).await
}

/// What a client at `address` gets for `target`.
/// What the origin was asked for, whatever checks its health in between.
fn asked(origin: &Origin, target: &str) -> Received {
    let mut requests = origin.requests().into_iter().rev();
    requests.find(|request| request.target == target).unwrap()
}

async fn from(edge: &Edge, address: &str, target: &str) -> Response {
    edge.request(&format!("GET {target}\nx-forwarded-for: {address}"))
        .await
}

#[tokio::test]
async fn rules_refuse_and_choose_origins_whose_objects_stay_apart() {
    let (usual, european) = (Origin::start().await, Origin::start().await);
    let edge = edge(
        &[("usual", &usual), ("european", &european)],
        r#"filters = [{ use = "geo", rules = [
            { tor = true, respond = { status = 403, body = "not over Tor" } },
            { unknown = true, respond = { status = 451 } },
            { continent = ["EU"], origin = "european" },
            { region = ["US-CA"], request_headers = { x-privacy = "ccpa" } },
        ] }]"#,
    )
    .await;
    usual.reply("/a", "cache-control: max-age=60", "world");
    european.reply("/a", "cache-control: max-age=60", "europe");
    assert_eq!(from(&edge, SYDNEY, "/a").await, miss("world"));
    assert_eq!(from(&edge, BERLIN, "/a").await, miss("europe"));
    usual.reply("/a", "cache-control: max-age=60", "california");
    assert_eq!(from(&edge, SAN_JOSE, "/a").await, miss("california"));
    assert_eq!(usual.last().header("x-privacy"), Some("ccpa"));
    for _ in 0..2 {
        assert_eq!(from(&edge, SYDNEY, "/a").await, hit("world"));
        assert_eq!(from(&edge, BERLIN, "/a").await, hit("europe"));
        assert_eq!(from(&edge, "::ffff:203.0.113.9", "/a").await, hit("europe"));
        assert_eq!(from(&edge, SAN_JOSE, "/a").await, hit("california"));
    }
    assert_eq!(
        edge.get("/a").await,
        hit("europe"),
        "127.0.0.1 is in Switzerland"
    );
    let refused = from(&edge, UNKNOWN, "/a").await;
    assert_eq!(
        (refused.status, refused.header("cache-control")),
        (451, Some("no-store"))
    );
    assert!(!refused.text().is_empty(), "an error page");
    let refused = from(&edge, "203.0.113.66", "/a").await;
    assert_eq!((refused.status, refused.text()), (403, "not over Tor"));
    let answered = "rimward_filter_outcomes_total{outcome=\"answered\"}";
    assert_eq!(edge.metric(answered), 2.0);
}

#[tokio::test]
async fn clients_are_sent_to_their_subsite_once_and_may_choose_another() {
    let origin = Origin::start().await;
    let edge = edge(
        &[("app", &origin)],
        r#"filters = [{ use = "geo", override_cookie = "locale", rules = [
            { country = ["DE", "AT"], name = "de", redirect = { to = "/de{path}" } },
            { country = ["US"], name = "us", redirect = { to = "https://us.example.com{path}", status = 307 } },
        ] }]"#,
    )
    .await;
    origin.always("*", "cache-control: max-age=60", "page");
    let sent = from(&edge, BERLIN, "/shoes?size=42").await;
    assert_eq!(
        (sent.status, sent.header("location")),
        (302, Some("/de/shoes?size=42"))
    );
    assert_eq!(from(&edge, BERLIN, "/de/shoes?size=42").await.status, 200);
    let sent = from(&edge, SAN_JOSE, "/shoes").await;
    assert_eq!(
        (sent.status, sent.header("location")),
        (307, Some("https://us.example.com/shoes"))
    );
    assert_eq!(
        from(&edge, SAN_JOSE, "/de/shoes").await.status,
        200,
        "who is at a subsite wants to be there"
    );
    assert_eq!(from(&edge, SYDNEY, "/shoes").await.status, 200);
    for (cookie, location) in [
        ("locale=us", Some("https://us.example.com/shoes")),
        ("locale=AT", Some("/de/shoes")),
        ("locale=AU", None),
    ] {
        let request = format!("GET /shoes\nx-forwarded-for: {BERLIN}\ncookie: {cookie}");
        assert_eq!(
            edge.request(&request).await.header("location"),
            location,
            "{cookie}"
        );
    }
}

#[tokio::test]
async fn the_nearest_origin_is_asked_and_shares_the_cache() {
    let (frankfurt, new_york) = (Origin::start().await, Origin::start().await);
    let nearest = r#"filters = [{ use = "geo", nearest = [
        { origin = "frankfurt", at = [50.1, 8.7] },
        { origin = "new-york", at = [40.7, -74.0] },
    ] }]"#;
    let origins = [("frankfurt", &frankfurt), ("new-york", &new_york)];
    let edge = edge(&origins, nearest).await;
    for (origin, name) in [(&frankfurt, "frankfurt"), (&new_york, "new york")] {
        origin.always("/live", "cache-control: no-store", name);
    }
    new_york.reply("/a", "cache-control: max-age=60", "the same");
    assert_eq!(from(&edge, SAN_JOSE, "/a").await, miss("the same"));
    assert_eq!(from(&edge, BERLIN, "/a").await, hit("the same"));
    for (address, name) in [
        (BERLIN, "frankfurt"),
        (SAN_JOSE, "new york"),
        (UNKNOWN, "frankfurt"),
    ] {
        assert_eq!(
            from(&edge, address, "/live").await.text(),
            name,
            "{address}"
        );
    }
    new_york.always("/healthz", "503", "");
    let moved = async { while from(&edge, SAN_JOSE, "/live").await.text() != "frankfurt" {} };
    rimward_tests::within("the other origin to be asked", moved).await;
}

#[tokio::test]
async fn origins_are_told_where_clients_are_without_storing_it_apart() {
    let origin = Origin::start().await;
    let edge = edge(
        &[("app", &origin)],
        r#"filters = [
            { use = "geo_headers", presets = ["cloudfront", "cloudflare"], headers = { x-system = "asn" } },
            { use = "headers", request = { set = { x-place = "{city}, {region} ({continent})" } } },
        ]"#,
    )
    .await;
    origin.reply("/a", "cache-control: max-age=60", "page");
    let spoofed = "x-system: 1\ncloudfront-viewer-country: US\ncf-ipcountry: US\ncloudfront-viewer-metro-code: 807";
    let request = format!("GET /a\nx-forwarded-for: {BERLIN}\n{spoofed}");
    assert_eq!(edge.request(&request).await, miss("page"));
    let received = asked(&origin, "/a");
    for (name, value) in [
        ("cloudfront-viewer-country", Some("DE")),
        ("cloudfront-viewer-country-name", Some("Germany")),
        ("cloudfront-viewer-city", Some("Berlin")),
        ("cloudfront-viewer-address", Some("203.0.113.7:0")),
        ("cloudfront-viewer-metro-code", None),
        ("cf-ipcountry", Some("DE")),
        ("cf-region-code", Some("BE")),
        ("x-system", Some("64496")),
        ("x-place", Some("Berlin, BE (EU)")),
    ] {
        assert_eq!(received.header(name), value, "{name}");
    }
    assert_eq!(from(&edge, SYDNEY, "/a").await, hit("page"));
    origin.reply("/b", "cache-control: no-store", "page");
    assert_eq!(from(&edge, UNKNOWN, "/b").await, miss("page"));
    let received = asked(&origin, "/b");
    assert_eq!(received.header("cf-ipcountry"), Some("XX"));
    assert_eq!(received.header("cloudfront-viewer-country"), None);
}

#[tokio::test]
async fn origins_are_told_what_a_tls_client_offers() {
    let (origin, authority, files) = (Origin::start().await, Authority::new(), files());
    let pem = authority.issue(&["a.example"]);
    files.write("a.pem", format!("{}{}", pem.chain, pem.key));
    let text = format!(
        "{POP}\n[[listen]]\naddress = \"127.0.0.1:0\"\ntls = {{ certificates = [\"a.pem\"] }}\n\
         [origin.app]\nservers = [\"{origin}\"]\n[[site]]\nhosts = [\"*\"]\norigin = \"app\"\n\
         filters = [{{ use = \"geo_headers\", presets = [\"cloudfront\"] }}]\n"
    );
    let edge = Edge::start_in(files, &text).await;
    let request = "GET /a\nhost: a.example\ncloudfront-viewer-ja4-fingerprint: mine";
    let mut seen = Vec::new();
    for _ in 0..2 {
        origin.reply("/a", "cache-control: no-store", "page");
        let client = Client::tls(edge.address(), &authority, "a.example").await;
        assert_eq!(client.unwrap().request(request).await.text(), "page");
        seen.push(origin.last());
    }
    let told = |received: &Received, name: &str| received.header(name).unwrap().to_owned();
    let ja4 = told(&seen[0], "cloudfront-viewer-ja4-fingerprint");
    assert!(ja4.starts_with("t13d") && ja4.len() == 36, "{ja4}");
    assert_eq!(told(&seen[1], "cloudfront-viewer-ja4-fingerprint"), ja4);
    assert_eq!(
        told(&seen[0], "cloudfront-viewer-ja3-fingerprint").len(),
        32
    );
}

#[tokio::test]
async fn a_broken_database_is_an_error_at_the_start_and_kept_out_later() {
    const SITE: &str = "[geoip]\ndatabase = \"{file}\"\n[[site]]\nhosts = [\"*\"]\n\
        filters = [{ use = \"respond\", template = \"{country}\" }]\n";
    let text = |file: &str| fill(SITE, &[("file", &file)]);
    let home = |code: &str| build::file("Test-Country", [("127.0.0.0/8", country(code))]);
    let files = Arc::new(Files::new());
    let whole = home("DE");
    files.write("a.mmdb", &whole[..whole.len() - 20]);
    let refused = Edge::try_start_in(files.clone(), &text("a.mmdb")).await;
    let told = refused.err().unwrap().to_string();
    assert!(
        told.contains("geoip.database") && told.contains("can't be used as an MMDB file"),
        "{told}"
    );

    files.write("a.mmdb", &whole);
    let edge = Edge::start_in(files.clone(), &text("a.mmdb")).await;
    assert_eq!(edge.get("/").await.text(), "DE");
    let stale = "rimward_geoip_stale{database=\"database\"}";
    assert_eq!(edge.metric(stale), 0.0);
    files.write("a.mmdb", &whole[..whole.len() - 20]);
    edge.reload(&text("a.mmdb")).await.unwrap();
    assert_eq!(
        (edge.get("/").await.text(), edge.metric(stale)),
        ("DE", 1.0)
    );
    files.replace("a.mmdb", home("FR"));
    edge.reload(&text("a.mmdb")).await.unwrap();
    assert_eq!(
        (edge.get("/").await.text(), edge.metric(stale)),
        ("FR", 0.0)
    );
    files.write("b.mmdb", "not a database");
    edge.reload(&text("b.mmdb")).await.unwrap_err();
    assert_eq!(edge.get("/").await.text(), "FR");
}
