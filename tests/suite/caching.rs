//! What is stored, for whom, and for how long.

use rimward_tests::{Broken, Edge, Origin, hit, miss, pass, revalidated, secs, stale};

#[tokio::test]
async fn a_fresh_object_is_served_without_asking_the_origin() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    origin.reply("/a", "cache-control: max-age=60", "v1");
    assert_eq!(edge.get("/a").await, miss("v1"));
    assert_eq!(edge.get("/a").await, hit("v1"));
    edge.pass_time(secs(30));
    let response = edge.get("/a").await;
    assert_eq!(response, hit("v1"));
    assert_eq!(response.header("age"), Some("30"));
}

#[tokio::test]
async fn an_expired_object_is_fetched_again() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    origin.reply("/a", "cache-control: max-age=60", "v1");
    assert_eq!(edge.get("/a").await, miss("v1"));
    edge.pass_time(secs(61));
    origin.reply("/a", "cache-control: max-age=60", "v2");
    assert_eq!(edge.get("/a").await, miss("v2"));
    assert_eq!(edge.get("/a").await, hit("v2"));
}

#[tokio::test]
async fn http2_clients_share_the_objects() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    origin.reply("/a", "cache-control: max-age=60", "v1");
    assert_eq!(edge.h2().await.get("/a").await, miss("v1"));
    assert_eq!(edge.h2().await.get("/a").await, hit("v1"));
    assert_eq!(edge.get("/a").await, hit("v1"));
}

#[tokio::test]
async fn the_age_that_an_object_brings_counts() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    origin.reply("/a", "cache-control: max-age=60\nage: 50", "v1");
    edge.get("/a").await;
    let response = edge.get("/a").await;
    assert_eq!(response, hit("v1"));
    assert_eq!(response.header("age"), Some("50"));
    edge.pass_time(secs(11));
    origin.reply("/a", "cache-control: max-age=60", "v2");
    assert_eq!(edge.get("/a").await, miss("v2"));
}

#[tokio::test]
async fn what_may_not_be_stored_is_passed_through() {
    let heads = [
        "cache-control: no-store",
        "cache-control: private",
        "",
        "cache-control: max-age=60\nset-cookie: session=1",
        "cache-control: max-age=60\nvary: *",
    ];
    for head in heads {
        let origin = Origin::start().await;
        let edge = Edge::site(&origin).await;
        origin.reply("/a", head, "v1");
        origin.reply("/a", head, "v2");
        assert_eq!(edge.get("/a").await.text(), "v1", "{head:?}");
        assert_eq!(edge.get("/a").await.text(), "v2", "{head:?} was stored");
    }
}

#[tokio::test]
async fn answers_to_authorized_requests_are_not_shared_unless_they_are_public() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    origin.reply("/private", "cache-control: max-age=60", "ann's");
    origin.reply("/private", "cache-control: max-age=60", "bob's");
    assert_eq!(
        edge.request("GET /private\nauthorization: Basic YTpi")
            .await
            .text(),
        "ann's"
    );
    assert_eq!(edge.get("/private").await.text(), "bob's");
    origin.reply("/public", "cache-control: max-age=60, public", "all's");
    edge.request("GET /public\nauthorization: Basic YTpi").await;
    assert_eq!(edge.get("/public").await, hit("all's"));
}

#[tokio::test]
async fn post_is_never_answered_from_the_cache() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    origin.reply("/a", "cache-control: max-age=60", "v1");
    edge.get("/a").await;
    origin.reply("/a", "cache-control: max-age=60", "posted");
    assert_eq!(edge.request("POST /a\n\nbody").await, pass("posted"));
    assert_eq!(origin.last().body, b"body");
}

#[tokio::test]
async fn head_is_answered_from_the_stored_object() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    origin.reply("/a", "cache-control: max-age=60", "body");
    edge.get("/a").await;
    let response = edge.request("HEAD /a").await;
    assert_eq!(
        (response.status, response.header("content-length")),
        (200, Some("4"))
    );
    assert!(response.body.is_empty());
}

#[tokio::test]
async fn head_gets_no_body_whether_the_response_is_stored_or_not() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    // The origin is asked for the whole, since it might be stored.
    for (target, head) in [
        ("/a", "cache-control: no-store"),
        ("/b", "cache-control: max-age=60"),
    ] {
        origin.always(target, head, "body");
        let mut client = edge.h2().await;
        for _ in 0..2 {
            let response = client.request(&format!("HEAD {target}")).await;
            let length = response.header("content-length");
            assert_eq!((response.status, length), (200, Some("4")), "{target}");
            assert_eq!(edge.request(&format!("HEAD {target}")).await.status, 200);
        }
        assert_eq!(client.get(target).await.text(), "body");
    }
}

#[tokio::test]
async fn a_route_with_cache_off_is_a_pass() {
    let origin = Origin::start().await;
    let edge = Edge::site_with(&origin, "cache = false").await;
    origin.always("/a", "cache-control: max-age=60", "v1");
    assert_eq!(edge.get("/a").await, pass("v1"));
    assert_eq!(edge.get("/a").await, pass("v1"));
}

#[tokio::test]
async fn variants_are_told_apart_by_vary() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    let head = "cache-control: max-age=60\nvary: accept-language";
    for (language, body) in [("de", "hallo"), ("en", "hello")] {
        origin.reply("/a", head, body);
        assert_eq!(
            edge.request(&format!("GET /a\naccept-language: {language}"))
                .await,
            miss(body)
        );
    }
    for (language, body) in [("de", "hallo"), ("en", "hello")] {
        assert_eq!(
            edge.request(&format!("GET /a\naccept-language: {language}"))
                .await,
            hit(body)
        );
    }
}

#[tokio::test]
async fn a_stale_object_is_revalidated_with_its_validators() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    origin.reply("/a", "cache-control: max-age=10\netag: \"1\"", "v1");
    edge.get("/a").await;
    edge.pass_time(secs(11));
    origin.reply("/a", "304\ncache-control: max-age=10\netag: \"1\"", "");
    assert_eq!(edge.get("/a").await, revalidated("v1"));
    assert_eq!(origin.last().header("if-none-match"), Some("\"1\""));
    assert_eq!(edge.get("/a").await, hit("v1"));
}

#[tokio::test]
async fn clients_that_have_the_object_get_304() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    origin.reply("/a", "cache-control: max-age=60\netag: \"1\"", "v1");
    edge.get("/a").await;
    let response = edge.request("GET /a\nif-none-match: \"1\"").await;
    assert_eq!(
        (response.status, response.header("etag")),
        (304, Some("\"1\""))
    );
    assert_eq!(
        edge.request("GET /a\nif-none-match: \"2\"").await,
        hit("v1")
    );
}

#[tokio::test]
async fn ranges_come_out_of_a_stored_whole() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    origin.reply("/a", "cache-control: max-age=60\netag: \"1\"", "0123456789");
    edge.get("/a").await;
    for (range, content_range, body) in [
        ("bytes=2-4", "bytes 2-4/10", "234"),
        ("bytes=7-", "bytes 7-9/10", "789"),
        ("bytes=-2", "bytes 8-9/10", "89"),
        ("bytes=5-99", "bytes 5-9/10", "56789"),
    ] {
        let response = edge.request(&format!("GET /a\nrange: {range}")).await;
        assert_eq!(
            (
                response.status,
                response.header("content-range"),
                response.text()
            ),
            (206, Some(content_range), body)
        );
    }
    let beyond = edge.request("GET /a\nrange: bytes=10-").await;
    assert_eq!(
        (beyond.status, beyond.header("content-range")),
        (416, Some("bytes */10"))
    );
}

#[tokio::test]
async fn a_stale_object_is_served_while_revalidating() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    origin.reply(
        "/a",
        "cache-control: max-age=1, stale-while-revalidate=60",
        "v1",
    );
    assert_eq!(edge.get("/a").await, miss("v1"));
    edge.pass_time(secs(3));
    origin.reply("/a", "cache-control: max-age=60", "v2");
    assert_eq!(edge.get("/a").await, stale("v1"));
    origin.answered(2).await;
    edge.eventually("/a", hit("v2")).await;
}

#[tokio::test]
async fn a_stale_object_is_served_while_revalidating_to_http2_clients() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    origin.reply(
        "/a",
        "cache-control: max-age=1, stale-while-revalidate=60",
        "v1",
    );
    let mut client = edge.h2().await;
    assert_eq!(client.get("/a").await, miss("v1"));
    edge.pass_time(secs(3));
    origin.reply("/a", "cache-control: max-age=60", "v2");
    assert_eq!(client.get("/a").await, stale("v1"));
    origin.answered(2).await;
    edge.eventually("/a", hit("v2")).await;
}

#[tokio::test]
async fn a_stale_object_is_served_when_the_origin_fails_and_it_allows_that() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    origin.reply("/a", "cache-control: max-age=1, stale-if-error=60", "v1");
    edge.get("/a").await;
    edge.pass_time(secs(3));
    origin.reply("/a", "503", "down");
    assert_eq!(edge.get("/a").await.text(), "v1");
    edge.pass_time(secs(100));
    origin.reply("/a", "503", "down");
    assert_eq!(edge.get("/a").await.status, 503);
}

#[tokio::test]
async fn ttl_of_the_configuration_wins_and_default_ttl_helps_out() {
    let origin = Origin::start().await;
    let words = r#"
        [[site.route]]
        path = "/ttl/*"
        cache = { ttl = "100s" }
        [[site.route]]
        path = "/default/*"
        cache = { default_ttl = "100s" }
    "#;
    let edge = Edge::site_with(&origin, words).await;
    for (path, head) in [
        ("/ttl/a", "cache-control: max-age=1"),
        ("/default/a", "content-type: text/plain"),
    ] {
        origin.reply(path, head, "v1");
        assert_eq!(edge.get(path).await, miss("v1"));
        edge.pass_time(secs(50));
        assert_eq!(edge.get(path).await, hit("v1"));
    }
}

#[tokio::test]
async fn the_cache_key_holds_what_the_route_names() {
    let origin = Origin::start().await;
    let words =
        r#"cache = { key = { query = ["page"], header = ["x-tenant"], cookie = ["currency"] } }"#;
    let edge = Edge::site_with(&origin, words).await;
    let head = "cache-control: max-age=60";
    origin.reply("/a?page=1&utm=x", head, "one");
    assert_eq!(edge.request("GET /a?page=1&utm=x").await, miss("one"));
    assert_eq!(edge.request("GET /a?utm=y&page=1").await, hit("one"));
    origin.reply("/a?page=2", head, "two");
    assert_eq!(edge.request("GET /a?page=2").await, miss("two"));
    origin.reply("/a?page=1", head, "tenant");
    assert_eq!(
        edge.request("GET /a?page=1\nx-tenant: t").await,
        miss("tenant")
    );
    origin.reply("/a?page=1", head, "euro");
    assert_eq!(
        edge.request("GET /a?page=1\ncookie: a=b; currency=EUR")
            .await,
        miss("euro")
    );
    assert_eq!(
        edge.request("GET /a?page=1\ncookie: currency=EUR; c=d")
            .await,
        hit("euro")
    );
}

#[tokio::test]
async fn a_cookie_is_taken_out_when_the_route_says_so() {
    let origin = Origin::start().await;
    let edge = Edge::site_with(&origin, "cache = { strip_set_cookie = true }").await;
    origin.reply(
        "/a",
        "cache-control: max-age=60\nset-cookie: session=1",
        "v1",
    );
    edge.get("/a").await;
    let response = edge.get("/a").await;
    assert_eq!(response, hit("v1"));
    assert_eq!(response.header("set-cookie"), None);
}

#[tokio::test]
async fn one_of_many_equal_requests_reaches_the_origin() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    let gate = origin.hold("/a", "cache-control: max-age=60", "v1");
    let address = edge.address();
    let asked: Vec<_> = (0..10)
        .map(|_| {
            tokio::spawn(async move {
                rimward_tests::Client::connect(address)
                    .await
                    .get("/a")
                    .await
            })
        })
        .collect();
    gate.reached().await;
    gate.open();
    for answer in asked {
        assert_eq!(answer.await.unwrap().text(), "v1");
    }
    assert_eq!(origin.targets(), ["/a"]);
}

#[tokio::test]
async fn followers_read_along_while_an_object_is_being_filled() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    let pieces = origin.trickle("/a", "cache-control: max-age=60");
    let mut leader = edge.client().await;
    leader
        .send("GET /a HTTP/1.1\r\nhost: example.com\r\n\r\n")
        .await;
    pieces.send("first,");
    assert_eq!(leader.read_head().await.unwrap().0, 200);
    let mut follower = edge.client().await;
    follower
        .send("GET /a HTTP/1.1\r\nhost: example.com\r\nconnection: close\r\n\r\n")
        .await;
    assert_eq!(follower.read_head().await.unwrap().0, 200);
    follower.read_until("first,").await;
    pieces.send("last");
    pieces.end();
    let rest = String::from_utf8(follower.rest().await).unwrap();
    assert!(
        rest.contains("last") && rest.ends_with("0\r\n\r\n"),
        "{rest:?}"
    );
    assert_eq!(edge.get("/a").await, hit("first,last"));
    assert_eq!(origin.targets(), ["/a"]);
}

#[tokio::test]
async fn a_fill_goes_on_when_its_client_leaves() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    let pieces = origin.trickle("/a", "cache-control: max-age=60");
    let mut leader = edge.client().await;
    leader
        .send("GET /a HTTP/1.1\r\nhost: example.com\r\n\r\n")
        .await;
    pieces.send("first,");
    leader.read_head().await.unwrap();
    drop(leader);
    pieces.send("last");
    pieces.end();
    origin.answered(1).await;
    edge.eventually("/a", hit("first,last")).await;
    assert_eq!(origin.targets(), ["/a"]);
}

#[tokio::test]
async fn followers_of_a_fill_that_fails_never_get_a_body_that_looks_whole() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    let pieces = origin.trickle("/a", "cache-control: max-age=60");
    let mut leader = edge.client().await;
    leader
        .send("GET /a HTTP/1.1\r\nhost: example.com\r\n\r\n")
        .await;
    pieces.send("first,");
    leader.read_head().await.unwrap();
    let mut follower = edge.client().await;
    follower
        .send("GET /a HTTP/1.1\r\nhost: example.com\r\n\r\n")
        .await;
    follower.read_head().await.unwrap();
    pieces.cut();
    for mut client in [leader, follower] {
        let rest = String::from_utf8(client.rest().await).unwrap();
        assert!(!rest.ends_with("0\r\n\r\n"), "{rest:?}");
    }
    origin.reply("/a", "cache-control: max-age=60", "whole");
    assert_eq!(edge.get("/a").await, miss("whole"));
}

#[tokio::test]
async fn a_cut_off_response_is_never_stored() {
    let origin = Origin::start().await;
    let edge = Edge::site_with(&origin, "").await;
    let pieces = origin.trickle("/a", "cache-control: max-age=60\ncontent-length: 10");
    pieces.send("0123");
    let mut client = edge.client().await;
    client
        .send("GET /a HTTP/1.1\r\nhost: example.com\r\n\r\n")
        .await;
    client.read_head().await.unwrap();
    pieces.cut();
    assert!(client.rest().await.len() < 10);
    origin.reply("/a", "cache-control: max-age=60", "0123456789");
    assert_eq!(edge.get("/a").await, miss("0123456789"));
}

#[tokio::test]
async fn an_object_that_grows_too_large_is_passed_through_whole() {
    let origin = Origin::start().await;
    let text = format!(
        "{}\n[cache]\nmemory = \"1MiB\"\nmax_object = \"1KiB\"",
        rimward_tests::edge::site(&origin, "")
    );
    let edge = Edge::start(&text).await;
    let large = "x".repeat(100_000);
    origin.always("/length", "cache-control: max-age=60", &large);
    origin.always(
        "/chunked",
        "cache-control: max-age=60\ntransfer-encoding: chunked",
        &large,
    );
    for path in ["/length", "/chunked"] {
        for _ in 0..2 {
            let body = edge
                .try_request(&format!("GET {path}"))
                .await
                .map(|response| response.body.len());
            assert!(matches!(body, Ok(100_000)), "{path}: {body:?}");
        }
    }
    assert_eq!(origin.requests().len(), 4);
}

#[tokio::test]
async fn a_purged_object_is_gone_with_all_its_variants() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    let head = "cache-control: max-age=60\nvary: accept-language";
    for language in ["de", "en"] {
        origin.reply("/a", head, "v1");
        edge.request(&format!("GET /a\naccept-language: {language}"))
            .await;
    }
    edge.purge("http://example.com/a", false);
    for language in ["de", "en"] {
        origin.reply("/a", head, "v2");
        assert_eq!(
            edge.request(&format!("GET /a\naccept-language: {language}"))
                .await,
            miss("v2")
        );
    }
}

#[tokio::test]
async fn a_softly_purged_object_is_stale() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    origin.reply("/a", "cache-control: max-age=60\netag: \"1\"", "v1");
    edge.get("/a").await;
    edge.purge("http://example.com/a", true);
    origin.reply("/a", "304\ncache-control: max-age=60\netag: \"1\"", "");
    assert_eq!(edge.get("/a").await, revalidated("v1"));
}

#[tokio::test]
async fn hosts_and_schemes_do_not_share_objects() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    origin.reply("/a", "cache-control: max-age=60", "one");
    origin.reply("/a", "cache-control: max-age=60", "two");
    assert_eq!(edge.request("GET /a\nhost: one.example").await, miss("one"));
    assert_eq!(edge.request("GET /a\nhost: two.example").await, miss("two"));
    assert_eq!(edge.request("GET /a\nhost: ONE.example").await, hit("one"));
}

#[tokio::test]
async fn a_body_on_a_get_is_not_taken_for_a_request() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    origin.always("/a", "cache-control: max-age=60", "v1");
    edge.get("/a").await;
    let mut client = edge.client().await;
    let smuggling = "GET /a\n\nGET /smuggled HTTP/1.1\r\nhost: example.com\r\n\r\n";
    assert_eq!(client.request(smuggling).await.text(), "v1");
    match client.try_request("GET /a").await {
        Ok(response) => assert_eq!(response, hit("v1")),
        Err(broken) => assert!(matches!(broken, Broken::Closed), "{broken:?}"),
    }
    assert!(origin.targets().iter().all(|target| target == "/a"));
}

#[tokio::test]
async fn hop_by_hop_fields_are_neither_stored_nor_sent() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    origin.reply(
        "/a",
        "cache-control: max-age=60\nconnection: x-hop\nx-hop: 1\nproxy-authenticate: x\nx-end: 1",
        "v1",
    );
    for _ in 0..2 {
        let response = edge.get("/a").await;
        assert_eq!(
            (
                response.header("x-hop"),
                response.header("proxy-authenticate")
            ),
            (None, None)
        );
        assert_eq!(response.header("x-end"), Some("1"));
    }
}
