//! Edges that ask other edges before the origin.

use std::net::SocketAddr;
use std::sync::Arc;

use rimward_tests::{Authority, Edge, Files, H2Client, Origin, fill, hit, miss, revalidated, secs};

/// An edge in front of `{origin}` that believes other edges.
const TEXT: &str = r#"
    [pop]
    name = "{name}"
    trusted_proxies = ["127.0.0.0/8"]

    [admin]
    address = "127.0.0.1:0"

    [origin.app]
    servers = ["{origin}"]

    [[site]]
    hosts = ["*"]
    origin = "app"
"#;

/// Makes the site of [`TEXT`] ask shields first; `{words}` are more keys of the shield.
const SHIELD: &str = r#"
    shield = "mid"
    {site_words}

    [shield.mid]
    servers = [{servers}]
    {words}
"#;

/// The configuration of an edge that asks the origin.
fn last(name: &str, origin: &Origin) -> String {
    fill(TEXT, &[("name", &name), ("origin", origin)])
}

/// The configuration of an edge that asks these edges first.
fn before(shields: &[SocketAddr], name: &str, origin: &Origin, words: &str) -> String {
    before_with(shields, name, origin, words, "")
}

fn before_with(
    shields: &[SocketAddr],
    name: &str,
    origin: &Origin,
    words: &str,
    site_words: &str,
) -> String {
    let servers: Vec<String> = shields
        .iter()
        .map(|shield| format!("\"{shield}\""))
        .collect();
    let shield = fill(
        SHIELD,
        &[
            ("site_words", &site_words),
            ("servers", &servers.join(", ")),
            ("words", &words),
        ],
    );
    last(name, origin) + &shield
}

/// An edge before one shield.
async fn two_tiers(origin: &Origin, words: &str) -> (Edge, Edge) {
    let shield = Edge::start(&last("mid1", origin)).await;
    let edge = Edge::start(&before(&[shield.address()], "fra1", origin, words)).await;
    (shield, edge)
}

/// The key `purge` for the admin interface of an edge.
async fn purged_at(shield: &Edge) -> String {
    format!("purge = [{{ admin = \"{}\" }}]", shield.admin().await)
}

async fn purge(edge: &Edge, target: &str, soft: bool) -> (u16, String) {
    let order = format!("{{ \"url\": \"http://example.com{target}\", \"soft\": {soft} }}");
    let answer = edge.ask_admin(&format!("POST /purge\n\n{order}")).await;
    (answer.status, answer.text().to_owned())
}

#[tokio::test]
async fn misses_at_several_edges_are_one_request_to_the_origin() {
    let origin = Origin::start().await;
    let (shield, one) = two_tiers(&origin, "").await;
    let two = Edge::start(&before(&[shield.address()], "muc1", &origin, "")).await;
    let gate = origin.hold("/a", "cache-control: max-age=60", "v1");
    let opened = async {
        shield
            .metric_reaches("rimward_requests_in_flight", 2.0)
            .await;
        gate.open();
    };
    let (first, second, ()) = tokio::join!(one.get("/a"), two.get("/a"), opened);
    assert_eq!(first, miss("v1"));
    assert_eq!(second, miss("v1"));
    assert_eq!(origin.requests().len(), 1);
    assert_eq!(one.get("/a").await, hit("v1"));
    assert_eq!(
        one.metric("rimward_shield_requests_total{shield=\"mid\"}"),
        1.0
    );
}

#[tokio::test]
async fn age_and_cache_status_tell_of_both_tiers() {
    let origin = Origin::start().await;
    let (shield, edge) = two_tiers(&origin, "").await;
    origin.reply("/a", "cache-control: max-age=100\nage: 10", "v1");
    shield.get("/a").await;
    shield.pass_time(secs(20));
    let first = edge.get("/a").await;
    assert_eq!(
        first.cache_status(),
        "mid1; hit; ttl=70, fra1; fwd=uri-miss; fwd-status=200; stored; ttl=70"
    );
    assert_eq!(first.header("age"), Some("30"));
    edge.pass_time(secs(30));
    let second = edge.get("/a").await;
    assert_eq!(second, hit("v1"));
    assert_eq!(second.header("age"), Some("60"));
    assert_eq!(
        second.cache_status(),
        "mid1; hit; ttl=70, fra1; hit; ttl=40",
        "how the stored response was come by, and how this one was"
    );
    edge.pass_time(secs(41));
    shield.pass_time(secs(81));
    origin.reply("/a", "cache-control: max-age=100", "v2");
    assert_eq!(edge.get("/a").await, miss("v2"), "the shield's age counts");
}

#[tokio::test]
async fn the_shield_sees_what_the_client_asked_for() {
    let origin = Origin::start().await;
    let (_shield, edge) = two_tiers(&origin, "").await;
    origin.reply("/a", "", "ok");
    edge.request(
        "GET /a\nhost: shop.example.com\nx-forwarded-for: 192.0.2.7\nx-forwarded-proto: https\n\
         cache-control: max-age=5",
    )
    .await;
    let asked = origin.last();
    assert_eq!(asked.header("host"), Some("shop.example.com"));
    assert_eq!(asked.header("x-forwarded-proto"), Some("https"));
    assert_eq!(
        asked.header("x-forwarded-for"),
        Some("192.0.2.7, 127.0.0.1, 127.0.0.1")
    );
    assert_eq!(asked.header("cache-control"), Some("max-age=5"));
    assert_eq!(asked.header("via"), Some("1.1 fra1"));
}

#[tokio::test]
async fn what_a_stranger_wants_from_the_cache_alone_is_not_asked_of_the_shield() {
    let origin = Origin::start().await;
    let shield = Edge::start(&last("mid1", &origin)).await;
    let text = before(&[shield.address()], "fra1", &origin, "");
    let text = text.replace("trusted_proxies = [\"127.0.0.0/8\"]", "");
    let edge = Edge::start(&text).await;
    origin.reply("/a", "", "ok");
    let response = edge
        .request("GET /a\ncache-control: max-age=5, only-if-cached")
        .await;
    assert_eq!((response.status, response.text()), (200, "ok"));
    assert_eq!(origin.last().header("cache-control"), Some("max-age=5"));
}

#[tokio::test]
async fn every_edge_asks_the_same_shield_for_an_object() {
    let origin = Origin::start().await;
    let shields = [
        Edge::start(&last("mid1", &origin)).await,
        Edge::start(&last("mid2", &origin)).await,
    ];
    let addresses = [shields[0].address(), shields[1].address()];
    let one = Edge::start(&before(&addresses, "fra1", &origin, "")).await;
    let two = Edge::start(&before(&[addresses[1], addresses[0]], "muc1", &origin, "")).await;
    for number in 0..40 {
        let target = format!("/{number}");
        origin.reply(&target, "cache-control: max-age=60", "v1");
        assert_eq!(one.get(&target).await, miss("v1"));
        let second = two.get(&target).await;
        assert_eq!(second, miss("v1"));
        assert!(second.cache_status().contains("hit"), "{second:?}");
    }
    for shield in &shields {
        assert!(shield.metric("rimward_requests_total{cache=\"miss\"}") > 5.0);
    }
    assert_eq!(origin.requests().len(), 40);
}

#[tokio::test]
async fn an_unsafe_request_takes_the_way_of_the_object_that_it_invalidates() {
    let origin = Origin::start().await;
    let (_shield, edge) = two_tiers(&origin, "").await;
    origin.reply("/a", "cache-control: max-age=60", "v1");
    edge.get("/a").await;
    origin.reply("/a", "", "changed");
    edge.request("POST /a\n\nx").await;
    origin.reply("/a", "cache-control: max-age=60", "v2");
    assert_eq!(edge.get("/a").await, miss("v2"));
}

#[tokio::test]
async fn another_shield_takes_over_for_one_that_is_down_until_it_is_back() {
    let origin = Origin::start().await;
    let mid1 = Edge::start(&last("mid1", &origin)).await;
    let mid2 = Edge::start(&last("mid2", &origin)).await;
    let addresses = [mid1.address(), mid2.address()];
    let outlier = "outlier = { consecutive_errors = 1, eject_for = \"10ms\" }";
    let site = "cache = false";
    let edge = Edge::start(&before_with(&addresses, "fra1", &origin, outlier, site)).await;
    let asked = |response: &str| response.split(';').next().unwrap_or_default().to_owned();
    let targets: Vec<String> = (0..20).map(|number| format!("/{number}")).collect();
    let mut chosen = Vec::new();
    for target in &targets {
        origin.always(target, "", "ok");
        chosen.push(asked(edge.get(target).await.cache_status()));
    }
    assert!(chosen.contains(&"mid1".to_owned()) && chosen.contains(&"mid2".to_owned()));

    mid1.shutdown(secs(0)).await;
    for target in &targets {
        assert_eq!(asked(edge.get(target).await.cache_status()), "mid2");
    }

    let listen = format!("[[listen]]\naddress = \"{}\"\n", addresses[0]);
    let _back = Edge::start(&(listen + &last("mid1", &origin))).await;
    for (target, chosen) in targets.iter().zip(&chosen) {
        let back = async {
            while asked(edge.get(target).await.cache_status()) != *chosen {
                tokio::task::yield_now().await;
            }
        };
        rimward_tests::within("the shield to be asked again", back).await;
    }
    assert_eq!(
        edge.metric("rimward_shield_fallbacks_total{shield=\"mid\"}"),
        0.0
    );
}

#[tokio::test]
async fn the_origin_is_asked_when_every_shield_is_down() {
    let origin = Origin::start().await;
    for (words, status) in [
        ("", 200),
        ("retries = { max = 0 }", 200),
        ("fallback = \"origin\"", 200),
        ("fallback = \"fail\"\nretries = { max = 0 }", 502),
    ] {
        let (shield, edge) = two_tiers(&origin, words).await;
        shield.shutdown(secs(0)).await;
        origin.always("/a", "cache-control: max-age=60", "v1");
        let response = edge.request("POST /a\n\nbody").await;
        assert_eq!(response.status, status, "{words}: {response:?}");
        assert_eq!(edge.get("/a").await.status, status, "{words}");
        let fallbacks = if status == 200 { 2.0 } else { 0.0 };
        assert_eq!(
            edge.metric("rimward_shield_fallbacks_total"),
            fallbacks,
            "{words}"
        );
    }
}

#[tokio::test]
async fn filters_see_a_request_to_the_origin_where_that_is_asked() {
    let origin = Origin::start().await;
    origin.always("/a", "", "v1");
    let filter = "filters = [{ use = \"scripted\", origin_request = { set = { x-a = \"1\" } } }]";
    let shield = Edge::start(&last("mid1", &origin)).await;
    let text = before_with(&[shield.address()], "fra1", &origin, "", filter);
    let edge = Edge::start(&text).await;
    let runs = "rimward_filter_outcomes_total{outcome=\"origin_request\"}";
    assert_eq!(edge.get("/a").await.status, 200);
    assert_eq!(origin.last().header("x-a"), None);
    assert_eq!(edge.metric(runs), 0.0);
    shield.shutdown(secs(0)).await;
    assert_eq!(edge.get("/a").await.status, 200);
    assert_eq!(origin.last().header("x-a"), Some("1"));
    assert_eq!(edge.metric(runs), 1.0);
}

#[tokio::test]
async fn a_shield_that_is_known_to_be_down_is_not_even_tried() {
    let origin = Origin::start().await;
    let outlier = "outlier = { consecutive_errors = 1, eject_for = \"1h\" }";
    let (shield, edge) = two_tiers(&origin, outlier).await;
    shield.shutdown(secs(0)).await;
    for target in ["/a", "/b", "/c"] {
        origin.reply(target, "", "ok");
        assert_eq!(edge.get(target).await, miss("ok"));
    }
    assert_eq!(edge.metric("rimward_shield_requests_total"), 1.0);
    assert_eq!(edge.metric("rimward_shield_fallbacks_total"), 3.0);
}

#[tokio::test]
async fn what_an_edge_says_of_its_origin_is_passed_on_and_not_held_against_it() {
    let origin = Origin::start().await;
    let outlier = "outlier = { consecutive_errors = 1, eject_for = \"1h\" }";
    let (_shield, edge) = two_tiers(&origin, outlier).await;
    for _ in 0..3 {
        origin.reply("/a", "503", "closed");
        assert_eq!(edge.get("/a").await.status, 503);
    }
    assert_eq!(edge.metric("rimward_shield_requests_total"), 3.0);
    assert_eq!(edge.metric("rimward_shield_fallbacks_total"), 0.0);
}

#[tokio::test]
async fn edges_that_shield_each_other_end_at_the_origin() {
    let origin = Origin::start().await;
    let one = Edge::start(&last("fra1", &origin)).await;
    let two = Edge::start(&before(&[one.address()], "muc1", &origin, "")).await;
    one.reload(&before(&[two.address()], "fra1", &origin, ""))
        .await
        .unwrap();
    origin.reply("/a", "cache-control: max-age=60", "v1");
    let response = one.get("/a").await;
    assert_eq!(response, miss("v1"));
    assert_eq!(origin.last().header("cdn-loop"), Some("fra1"));
    assert_eq!(origin.requests().len(), 1);
    assert_eq!(one.get("/a").await, hit("v1"));
    assert_eq!(two.get("/a").await, hit("v1"));
}

#[tokio::test]
async fn a_loop_that_no_origin_ends_is_refused() {
    let origin = Origin::start().await;
    let one = Edge::start(&last("fra1", &origin)).await;
    let itself = last("fra1", &origin).replace(&origin.to_string(), &one.address().to_string());
    one.reload(&itself).await.unwrap();
    assert_eq!(one.get("/a").await.status, 508);
    assert!(origin.requests().is_empty());
}

#[tokio::test]
async fn three_tiers_are_one_behind_the_other() {
    let origin = Origin::start().await;
    let (_last, mid) = two_tiers(&origin, "").await;
    let edge = Edge::start(&before(&[mid.address()], "ber1", &origin, "")).await;
    origin.reply("/a", "cache-control: max-age=60", "v1");
    let response = edge.get("/a").await;
    let members: Vec<&str> = response
        .cache_status()
        .split(", ")
        .map(|member| member.split(';').next().unwrap())
        .collect();
    assert_eq!(members, ["mid1", "fra1", "ber1"]);
    assert_eq!(mid.get("/a").await, hit("v1"));
}

#[tokio::test]
async fn filters_that_face_the_origin_run_where_it_is_asked() {
    let origin = Origin::start().await;
    let filters = r#"filters = [{ use = "headers", origin_request = { append = { "x-asked" = "1" } }, origin_response = { append = { "x-told" = "1" } } }]"#;
    let shield = Edge::start(&(last("mid1", &origin) + filters)).await;
    let text = before_with(&[shield.address()], "fra1", &origin, "", filters);
    let edge = Edge::start(&text).await;
    origin.reply("/a", "cache-control: max-age=60", "v1");
    let count = |fields: String, name: &str| fields.matches(name).count();
    let response = edge.get("/a").await;
    assert_eq!(count(format!("{:?}", response.headers), "x-told"), 1);
    assert_eq!(count(format!("{:?}", origin.last().headers), "x-asked"), 1);
    shield.shutdown(secs(0)).await;
    origin.reply("/b", "cache-control: max-age=60", "v1");
    let response = edge.get("/b").await;
    assert_eq!(count(format!("{:?}", response.headers), "x-told"), 1);
    assert_eq!(count(format!("{:?}", origin.last().headers), "x-asked"), 1);
}

#[tokio::test]
async fn a_route_can_do_without_the_shield_of_its_site() {
    let origin = Origin::start().await;
    let shield = Edge::start(&last("mid1", &origin)).await;
    let text = before(&[shield.address()], "fra1", &origin, "");
    let routes = "shield = \"mid\"\n[[site.route]]\npath = \"/direct\"\nshield = false\n";
    let edge = Edge::start(&text.replace("shield = \"mid\"\n", routes)).await;
    origin.always("/direct", "", "ok");
    origin.always("/a", "", "ok");
    let direct = edge.get("/direct").await;
    assert!(!direct.cache_status().contains("mid1"), "{direct:?}");
    let through = edge.get("/a").await;
    assert!(through.cache_status().contains("mid1"), "{through:?}");
}

#[tokio::test]
async fn a_purge_reaches_the_shield_before_the_edge() {
    let origin = Origin::start().await;
    let shield = Edge::start(&last("mid1", &origin)).await;
    let words = purged_at(&shield).await;
    let edge = Edge::start(&before(&[shield.address()], "fra1", &origin, &words)).await;
    origin.reply("/a", "cache-control: max-age=60", "v1");
    assert_eq!(edge.get("/a").await, miss("v1"));
    assert_eq!(purge(&edge, "/a", false).await.0, 200);
    origin.reply("/a", "cache-control: max-age=60", "v2");
    assert_eq!(edge.get("/a").await, miss("v2"));
}

#[tokio::test]
async fn a_soft_purge_makes_the_object_stale_at_both() {
    let origin = Origin::start().await;
    let shield = Edge::start(&last("mid1", &origin)).await;
    let words = purged_at(&shield).await;
    let edge = Edge::start(&before(&[shield.address()], "fra1", &origin, &words)).await;
    let head = "cache-control: max-age=60\netag: \"1\"";
    origin.reply("/a", head, "v1");
    edge.get("/a").await;
    assert_eq!(purge(&edge, "/a", true).await.0, 200);
    origin.reply("/a", &format!("304\n{head}"), "");
    assert_eq!(edge.get("/a").await, revalidated("v1"));
    assert_eq!(origin.requests().len(), 2);
    assert_eq!(edge.get("/a").await, hit("v1"));
}

#[tokio::test]
async fn a_purge_that_a_shield_did_not_get_says_so_and_is_done_here() {
    let origin = Origin::start().await;
    let shield = Edge::start(&last("mid1", &origin)).await;
    let words = "purge = [{ admin = \"127.0.0.1:1\" }]";
    let edge = Edge::start(&before(&[shield.address()], "fra1", &origin, words)).await;
    origin.reply("/a", "cache-control: max-age=60", "v1");
    edge.get("/a").await;
    let (status, said) = purge(&edge, "/a", false).await;
    assert_eq!(status, 502);
    assert!(said.contains("shield `mid`, 127.0.0.1:1"), "{said}");
    let again = edge.get("/a").await;
    assert_eq!(again, miss("v1"), "purged here, and still at the shield");
}

#[tokio::test]
async fn edges_that_shield_each_other_purge_each_other_once() {
    let origin = Origin::start().await;
    let one = Edge::start(&last("fra1", &origin)).await;
    let words = purged_at(&one).await;
    let two = Edge::start(&before(&[one.address()], "muc1", &origin, &words)).await;
    let words = purged_at(&two).await;
    one.reload(&before(&[two.address()], "fra1", &origin, &words))
        .await
        .unwrap();
    for edge in [&one, &two] {
        assert_eq!(purge(edge, "/a", false).await.0, 200);
    }
}

#[tokio::test]
async fn edges_speak_http2_with_each_other() {
    let origin = Origin::start().await;
    let files = Arc::new(Files::new());
    let authority = Authority::new();
    for (file, name) in [("mid.pem", "mid.pop"), ("site.pem", "example.com")] {
        let pem = authority.issue(&[name]);
        files.write(file, format!("{}{}", pem.chain, pem.key));
    }
    files.write("ca.pem", authority.pem());
    let listen = "[log]\naccess = \"access.log\"\n[[listen]]\naddress = \"127.0.0.1:0\"\ntls = { certificates = [\"mid.pem\", \"site.pem\"] }\n";
    let text = listen.to_owned() + &last("mid1", &origin);
    let shield = Edge::start_in(Arc::clone(&files), &text).await;
    let words = "http2 = true\ntls = { server_name = \"mid.pop\", ca = \"ca.pem\" }";
    let text = before(&[shield.address()], "fra1", &origin, words);
    let text = text.replace(
        &format!("\"{}\"", shield.address()),
        &format!("\"https://{}\"", shield.address()),
    );
    let edge = Edge::start_in(Arc::clone(&files), &text).await;
    origin.reply("/a", "cache-control: max-age=60", "v1");
    let mut client = H2Client::connect(edge.address()).await;
    let response = client.get("/a").await;
    assert_eq!(response, miss("v1"), "{response:?}");
    assert_eq!(
        shield.metric("rimward_requests_total{cache=\"miss\"}"),
        1.0,
        "a host of another certificate than the connection's"
    );
    let logged = async {
        loop {
            let log = std::fs::read_to_string(files.path("access.log")).unwrap_or_default();
            if log.contains('\n') {
                return log;
            }
            tokio::task::yield_now().await;
        }
    };
    let log = rimward_tests::within("a line in the log", logged).await;
    assert!(log.contains("\"protocol\":\"HTTP/2\""), "{log}");
    assert!(log.contains("\"host\":\"example.com\""), "{log}");
}

#[tokio::test]
async fn the_examples_are_a_pair() {
    let origin = Origin::start().await;
    let example = |name: &str, ports: &[(&str, String)]| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/");
        let text = std::fs::read_to_string(format!("{folder}{name}")).unwrap();
        ports.iter().fold(text, |text, (port, actual)| {
            let written = format!("127.0.0.1:{port}");
            assert!(text.contains(&written), "{name} has no port {port}");
            text.replace(&written, actual)
        })
    };
    let (free, origin_at) = ("127.0.0.1:0".to_owned(), ("8000", origin.to_string()));
    let ports = [("8081", free.clone()), ("9901", free.clone()), origin_at];
    let shield = Edge::start(&example("shield.toml", &ports)).await;
    let [_, _, origin_at] = ports;
    let edge = Edge::start(&example(
        "shielded.toml",
        &[
            ("8080", free.clone()),
            ("9900", free),
            ("8081", shield.address().to_string()),
            ("9901", shield.admin().await.to_string()),
            origin_at,
        ],
    ))
    .await;
    for version in ["v1", "v2"] {
        origin.reply("/a", "cache-control: max-age=60", version);
        assert_eq!(edge.get("/a").await, miss(version));
        assert_eq!(shield.get("/a").await, hit(version));
        assert_eq!(purge(&edge, "/a", false).await.0, 200);
    }
}

#[test]
fn explain_tells_the_shield_that_would_be_asked() {
    let text = r#"
        [[listen]]
        address = "127.0.0.1:80"
        [origin.app]
        servers = ["10.0.0.1"]
        [shield.mid]
        servers = ["10.1.0.1", "10.1.0.2"]
        [[site]]
        host = "example.com"
        origin = "app"
        shield = "mid"
    "#;
    let told = |url: &str| {
        let question = rimward::explain::Question {
            method: http::Method::GET,
            url: url.parse().unwrap(),
            headers: http::HeaderMap::new(),
            from: [192, 0, 2, 1].into(),
        };
        let config = rimward_config::parse(text, "pop.toml").unwrap();
        rimward::explain::explain(config, &question).unwrap()
    };
    let chosen: Vec<bool> = (0..20)
        .map(|number| {
            let told = told(&format!("https://example.com/{number}"));
            let shield = told
                .lines()
                .find(|line| line.starts_with("shield"))
                .unwrap();
            assert!(shield.contains("mid: ") && shield.contains("or else the origin"));
            shield.contains("mid: http://10.1.0.1:80, of ")
        })
        .collect();
    assert!(chosen.contains(&true) && chosen.contains(&false));
}
