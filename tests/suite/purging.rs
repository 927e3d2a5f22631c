//! Purging: what each kind takes, when it is seen, and that it wins against what is on its way.

use rimward_tests::edge::site;
use rimward_tests::{Edge, Origin, hit, miss, revalidated};

const ADMIN: &str = "[admin]\naddress = \"127.0.0.1:0\"\n";

/// Orders that concern `http://example.com/dir/a` with the surrogate key `img`, and whether they concern the whole host.
const ORDERS: [(&str, bool); 8] = [
    (r#""url": "http://example.com/dir/a""#, false),
    (r#""prefix": "https://EXAMPLE.com/dir/""#, false),
    (r#""prefix": "example.com/d""#, false),
    (r#""prefix": "example.com""#, true),
    (r#""host": "Example.com""#, true),
    (r#""surrogate_key": "img""#, false),
    (r#""surrogate_keys": ["none", "img"]"#, false),
    (r#""all": true"#, true),
];

/// Orders that concern something else.
const OTHERS: [&str; 6] = [
    r#""url": "http://example.com/dir/""#,
    r#""url": "https://example.com/dir/a""#,
    r#""prefix": "http://example.com/dir/a/""#,
    r#""prefix": "http://www.example.com/""#,
    r#""host": "www.example.com""#,
    r#""surrogate_key": "im""#,
];

fn order(target: &str, soft: bool) -> String {
    format!("{{{target}, \"soft\": {soft}}}")
}

const HEAD: &str = "cache-control: max-age=60\nsurrogate-key: news img\netag: \"1\"";

#[tokio::test]
async fn each_kind_of_purge_takes_what_it_names_at_once() {
    for (target, whole_host) in ORDERS {
        let origin = Origin::start().await;
        let edge = Edge::site(&origin).await;
        origin.always("/other", "cache-control: max-age=60", "other");
        edge.get("/other").await;
        origin.reply("/dir/a", HEAD, "v1");
        edge.get("/dir/a").await;
        for other in OTHERS {
            edge.purge_order(&order(other, false));
        }
        assert_eq!(edge.get("/dir/a").await, hit("v1"), "before {target}");

        edge.purge_order(&order(target, true));
        origin.reply("/dir/a", "304\ncache-control: max-age=60", "");
        assert_eq!(edge.get("/dir/a").await, revalidated("v1"), "{target}");
        assert_eq!(edge.get("/dir/a").await, hit("v1"), "{target}");

        edge.purge_order(&order(target, false));
        origin.reply("/dir/a", HEAD, "v2");
        assert_eq!(edge.get("/dir/a").await, miss("v2"), "{target}");
        assert_eq!(edge.get("/dir/a").await, hit("v2"), "{target}");
        let other = edge.get("/other").await;
        let expected = if whole_host {
            miss("other")
        } else {
            hit("other")
        };
        assert_eq!(other, expected, "{target}");
    }
}

#[tokio::test]
async fn a_soft_purge_leaves_something_to_serve_when_the_origin_is_down() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    origin.reply(
        "/dir/a",
        &format!("{HEAD}\ncache-control: stale-if-error=60"),
        "v1",
    );
    edge.get("/dir/a").await;
    edge.purge_order(r#"{"host": "example.com", "soft": true}"#);
    origin.always("/dir/a", "503", "down");
    let response = edge.get("/dir/a").await;
    assert_eq!((response.status, response.text()), (200, "v1"));
}

/// Over HTTP/1.1, with a second request that comes after the purge and before the origin answers the first.
#[tokio::test]
async fn a_purge_wins_against_a_fetch_over_http1() {
    for (target, _) in ORDERS {
        for soft in [false, true] {
            let origin = Origin::start().await;
            let edge = Edge::site(&origin).await;
            let gate = origin.hold("/dir/a", HEAD, "old");
            origin.reply("/dir/a", HEAD, "new");
            let mut first = edge.client().await;
            let request = "GET /dir/a HTTP/1.1\r\nhost: example.com\r\n\r\n";
            first.send(request).await;
            gate.reached().await;
            edge.purge_order(&order(target, soft));
            let mut second = edge.client().await;
            second.send(request).await;
            gate.open();
            assert_eq!(first.read("GET").await.unwrap(), miss("old"), "{target}");
            let second = second.read("GET").await.unwrap();
            assert_eq!(second.text(), "new", "{target} {soft}");
            assert_eq!(edge.get("/dir/a").await, hit("new"), "{target} {soft}");
        }
    }
}

/// Over HTTP/2, with the purge while the body is on its way and others read along.
#[tokio::test]
async fn a_purge_wins_against_a_body_over_http2() {
    for (target, _) in ORDERS {
        for soft in [false, true] {
            let origin = Origin::start().await;
            let edge = Edge::site(&origin).await;
            let trickle = origin.trickle("/dir/a", &format!("{HEAD}\ncontent-length: 3"));
            let mut client = edge.h2().await;
            let leader = client.start("GET /dir/a").await;
            origin.asked(1).await;
            trickle.send("o");
            let follower = client.start("GET /dir/a").await;
            edge.metric_reaches("rimward_cache_fills", 1.0).await;
            edge.purge_order(&order(target, soft));
            origin.reply("/dir/a", HEAD, "new");
            assert_eq!(edge.get("/dir/a").await, miss("new"), "{target} {soft}");
            trickle.send("ld");
            trickle.end();
            assert_eq!(leader.await.ok().unwrap().text(), "old", "{target}");
            let follower = follower.await.ok().unwrap();
            assert!(["old", "new"].contains(&follower.text()), "{follower:?}");
            assert_eq!(client.get("/dir/a").await, hit("new"), "{target} {soft}");
        }
    }
}

#[tokio::test]
async fn a_purge_takes_all_variants_and_all_keys_over_http1_and_http2() {
    for (target, _) in ORDERS {
        for soft in [false, true] {
            let origin = Origin::start().await;
            let key = r#"cache = { key = { header = ["accept-language"], cookie = ["c"] } }"#;
            let edge = Edge::site_with(&origin, key).await;
            let requests = [
                "GET /dir/a\naccept-language: de\nx: 1",
                "GET /dir/a\naccept-language: de\nx: 2",
                "GET /dir/a\naccept-language: en\nx: 1",
                "GET /dir/a\ncookie: c=1\nx: 1",
            ];
            let mut client = edge.h2().await;
            let head = "cache-control: max-age=60\nvary: x\nsurrogate-key: img";
            for request in requests {
                origin.reply("/dir/a", head, "v1");
                assert_eq!(edge.request(request).await, miss("v1"));
                assert_eq!(client.request(request).await, hit("v1"));
            }
            edge.purge_order(&order(target, soft));
            for (number, request) in requests.iter().enumerate() {
                origin.reply("/dir/a", head, "v2");
                let response = if number % 2 == 0 {
                    client.request(request).await
                } else {
                    edge.request(request).await
                };
                assert_eq!(response, miss("v2"), "{target} {soft} {request}");
            }
        }
    }
}

#[tokio::test]
async fn a_url_is_purged_whatever_its_route_makes_of_the_query() {
    let origin = Origin::start().await;
    let routes = r#"
        [[site.route]]
        path = "/none"
        cache = { key = { query = "none" } }
        [[site.route]]
        path = "/named"
        cache = { key = { query = ["page"] } }
    "#;
    let edge = Edge::site_with(&origin, routes).await;
    for (target, url) in [
        ("/none?a=1", "http://example.com/none"),
        ("/named?x=1&page=2", "http://example.com/named?page=2&y=3"),
        ("/all?b=1", "http://example.com:80/./all?b=1"),
    ] {
        origin.always(target, "cache-control: max-age=60", "body");
        edge.get(target).await;
        assert_eq!(edge.get(target).await, hit("body"), "{target}");
        edge.purge(url, false);
        assert_eq!(edge.get(target).await, miss("body"), "{target}");
    }
}

#[tokio::test]
async fn a_wrong_order_is_told_what_would_be_right() {
    let origin = Origin::start().await;
    let text = site(&origin, "").replace("\"*\"", "\"*.example.com\", \"example.org\"");
    let edge = Edge::start(&format!("{ADMIN}{text}")).await;
    for (order, mistake) in [
        ("", "EOF while parsing"),
        ("{}", "nothing to purge is named: exactly one of \"url\","),
        (
            r#"{"url": "http://www.example.com/", "all": true}"#,
            "2 things",
        ),
        (
            r#"{"urls": []}"#,
            "unknown field `urls`, expected one of `url`",
        ),
        (r#"{"url": "/a"}"#, "`/a` is not an absolute URL such as"),
        (
            r#"{"url": "http://example.org/%zz"}"#,
            "`%` is not followed",
        ),
        (
            r#"{"url": "http://example.com/"}"#,
            "no site has the host `example.com`",
        ),
        (
            r#"{"prefix": "http://example.net/"}"#,
            "no site has the host `example.net`",
        ),
        (r#"{"prefix": "example.org/a*"}"#, "ends with `*`"),
        (
            r#"{"prefix": "example.org/a?b"}"#,
            "is not a prefix such as",
        ),
        (r#"{"prefix": "/a"}"#, "is not a prefix such as"),
        (
            r#"{"host": "https://example.org"}"#,
            "is not a host such as",
        ),
        (r#"{"surrogate_key": "a b "}"#, "is not a surrogate key"),
        (r#"{"surrogate_keys": []}"#, "is empty"),
    ] {
        let response = edge.ask_admin(&format!("POST /purge\n\n{order}")).await;
        assert_eq!(response.status, 400, "{order}");
        assert!(
            response.text().contains(mistake),
            "{order}: {}",
            response.text()
        );
    }
    for (order, told) in [
        (
            r#"{"url": "http://a.b.example.com/"}"#,
            "purged: `http://a.b.example.com/`\n",
        ),
        (
            r#"{"prefix": "example.org/a/"}"#,
            "purged: all that begins with `example.org/a/`\n",
        ),
        (
            r#"{"host": "gone.example"}"#,
            "purged: all of host `gone.example`\n",
        ),
        (
            r#"{"surrogate_keys": ["a", "b"], "soft": true}"#,
            "made stale: all with surrogate key `a` or `b`\n",
        ),
        (r#"{"all": true}"#, "purged: everything\n"),
    ] {
        let response = edge.ask_admin(&format!("POST /purge\n\n{order}")).await;
        assert_eq!((response.status, response.text()), (200, told), "{order}");
    }
    let purges = |labels: &str| edge.metric(&format!("rimward_purges_total{{{labels}}}"));
    assert_eq!(purges(r#"kind="surrogate_key",mode="soft""#), 2.0);
    assert_eq!(purges(r#"mode="hard""#), 4.0);
    assert_eq!(edge.metric("rimward_purge_journal_failures_total"), 0.0);
}

#[tokio::test]
async fn cache_status_tells_the_key_to_who_wants_it() {
    let origin = Origin::start().await;
    origin.always("/a?b", "cache-control: max-age=60", "body");
    let words = r#"cache = { key = { cookie = ["c"] } }"#;
    let silent = Edge::site_with(&origin, words).await;
    let telling = format!("[pop]\ncache_status_key = true\n{}", site(&origin, words));
    let telling = Edge::start(&telling).await;
    let key = r#"key="http://example.com/a?b [cookie c: 1]""#;
    for request in ["GET /a?b\ncookie: c=1"; 2] {
        assert!(
            !silent
                .request(request)
                .await
                .cache_status()
                .contains("key=")
        );
        let told = telling.request(request).await;
        assert!(told.cache_status().contains(key), "{told:?}");
    }
}
