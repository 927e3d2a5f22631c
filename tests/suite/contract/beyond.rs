//! What the contract asks beyond the rows: stale serving, early refresh, requests' directives, cookies, `Cache-Status`.

use rimward_tests::{Edge, Origin, hit, miss, secs, site, stale};

use super::{BOTH, Speaks};

const DIRECTIVES: &str = "cache = { request_directives = true }";

/// RFC 5861, and RFC 9111 §5.2.2.10, which forbids it.
#[tokio::test]
async fn stale_windows_beside_s_maxage_count_unless_the_route_says_otherwise() {
    let head = "cache-control: s-maxage=1, stale-while-revalidate=60, stale-if-error=60";
    for speaks in BOTH {
        let origin = Origin::start().await;
        let edge = Edge::site(&origin).await;
        origin.reply("/a", head, "v1");
        speaks.get(&edge, "/a").await;
        edge.pass_time(secs(3));
        origin.reply("/a", "cache-control: max-age=60", "v2");
        assert_eq!(speaks.get(&edge, "/a").await, stale("v1"), "{speaks:?}");
        origin.answered(2).await;
        edge.eventually("/a", hit("v2")).await;
    }
    let mut origin = Origin::start().await;
    let edge = Edge::site_with(&origin, "cache = { stale_beside_s_maxage = false }").await;
    origin.reply("/a", head, "v1");
    edge.get("/a").await;
    edge.pass_time(secs(3));
    origin.reply("/a", head, "v2");
    assert_eq!(edge.get("/a").await, miss("v2"));
    edge.pass_time(secs(3));
    origin.stop().await;
    assert_eq!(edge.get("/a").await.status, 502);
}

/// A client that keeps its connection is not surprised by the engine, which closes it once a server has failed.
#[tokio::test]
async fn a_connection_that_ends_after_a_failed_server_says_so() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    origin.reply("/a", "cache-control: max-age=1", "v1");
    edge.get("/a").await;
    edge.pass_time(secs(2));
    for target in ["/a", "/b"] {
        for _ in 0..3 {
            origin.hang_up(target);
        }
        let mut client = edge.client().await;
        let response = client.get(target).await;
        assert_eq!(response.header("connection"), Some("close"), "{target}");
        assert!(client.rest().await.is_empty());
    }
}

/// Objects whose origin takes long are renewed by a hit in the last tenth of their lifetime; nobody waits.
#[tokio::test]
async fn an_object_that_many_ask_for_is_renewed_before_it_is_stale() {
    for speaks in BOTH {
        for (words, is_renewed) in [("", true), ("cache = { early_refresh = false }", false)] {
            let origin = Origin::start().await;
            let edge = Edge::site_with(&origin, words).await;
            // It took its origin 1000 seconds, and is good for 1000 more.
            let gate = origin.hold("/a", "cache-control: max-age=2000\netag: \"1\"", "v1");
            let taking = async {
                gate.reached().await;
                edge.pass_time(secs(1000));
                gate.open();
            };
            let (first, ()) = tokio::join!(edge.get("/a"), taking);
            assert_eq!(first, miss("v1"));
            edge.pass_time(secs(890));
            for _ in 0..20 {
                assert_eq!(speaks.get(&edge, "/a").await, hit("v1"));
            }
            assert_eq!(origin.requests().len(), 1, "it was renewed too early");
            edge.pass_time(secs(105));
            if is_renewed {
                origin.reply("/a", "cache-control: max-age=2000", "v2");
            }
            // A hit renews it with a chance of exp(-5 / 2000), so that twenty never fail to.
            for _ in 0..20 {
                let response = speaks.get(&edge, "/a").await;
                assert!(response == hit("v1") || is_renewed && response == hit("v2"));
            }
            if is_renewed {
                origin.answered(2).await;
                assert_eq!(origin.last().header("if-none-match"), Some("\"1\""));
                edge.eventually("/a", hit("v2")).await;
            }
            assert_eq!(origin.requests().len(), if is_renewed { 2 } else { 1 });
        }
    }
}

/// RFC 9111 §5.2.1, where the route listens.
#[tokio::test]
async fn requests_are_served_what_their_directives_take() {
    for speaks in BOTH {
        for (asked, is_taken) in [
            ("no-cache", false),
            ("max-age=5", false),
            ("max-age=10", true),
            ("min-fresh=60", false),
            ("min-fresh=40", true),
            ("no-store", true),
            ("only-if-cached", true),
        ] {
            let origin = Origin::start().await;
            let edge = Edge::site_with(&origin, DIRECTIVES).await;
            origin.reply("/a", "cache-control: max-age=60\netag: \"1\"", "v1");
            edge.get("/a").await;
            edge.pass_time(secs(8));
            if !is_taken {
                origin.reply("/a", "304\ncache-control: max-age=60", "");
            }
            let response = speaks
                .ask(&edge, &format!("GET /a\ncache-control: {asked}"))
                .await;
            assert_eq!(response.text(), "v1", "{asked}");
            let told = response.cache_status().to_owned();
            assert_eq!(told.contains("; hit"), is_taken, "{asked}: {told}");
            if !is_taken {
                assert!(
                    told.contains("fwd=request; fwd-status=304; stored"),
                    "{asked}: {told}"
                );
                assert_eq!(origin.last().header("if-none-match"), Some("\"1\""));
                let renewed = edge.get("/a").await;
                assert_eq!((renewed.header("age"), renewed.text()), (Some("0"), "v1"));
            }
        }
    }
}

/// RFC 9111 §5.2.1.2, §5.2.1.5 and §5.2.1.7.
#[tokio::test]
async fn requests_take_what_is_stale_want_nothing_stored_or_nothing_fetched() {
    for speaks in BOTH {
        let origin = Origin::start().await;
        let edge = Edge::site_with(&origin, DIRECTIVES).await;
        origin.reply("/a", "cache-control: max-age=1", "v1");
        edge.get("/a").await;
        edge.pass_time(secs(10));
        let response = speaks
            .ask(&edge, "GET /a\ncache-control: max-stale=20")
            .await;
        assert_eq!(response, stale("v1"));
        assert!(response.cache_status().contains("detail=max-stale"));

        origin.reply("/b", "cache-control: max-age=60", "v1");
        let response = speaks.ask(&edge, "GET /b\ncache-control: no-store").await;
        assert!(response.cache_status().contains("detail=request-no-store"));
        origin.reply("/b", "cache-control: max-age=60", "v2");
        assert_eq!(edge.get("/b").await, miss("v2"));

        for target in ["/a", "/c"] {
            let response = speaks
                .ask(
                    &edge,
                    &format!("GET {target}\ncache-control: only-if-cached"),
                )
                .await;
            assert_eq!(response.status, 504, "{target}");
            let closes = response.header("connection") == Some("close");
            assert_eq!(closes, speaks == Speaks::Http1);
        }
        assert_eq!(origin.requests().len(), 3);
    }
}

/// CDNs ignore them: any client could make an origin answer each of its requests.
#[tokio::test]
async fn requests_directives_are_ignored_by_default_except_only_if_cached_from_trusted_proxies() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    origin.reply("/a", "cache-control: max-age=60", "v1");
    origin.reply("/b", "cache-control: max-age=60", "v1");
    edge.get("/a").await;
    for asked in [
        "no-cache",
        "no-store",
        "max-age=0",
        "min-fresh=999",
        "only-if-cached",
    ] {
        let response = edge
            .request(&format!("GET /a\ncache-control: {asked}\npragma: no-cache"))
            .await;
        assert_eq!(response, hit("v1"), "{asked}");
    }
    assert_eq!(
        edge.request("GET /b\ncache-control: only-if-cached").await,
        miss("v1")
    );

    let trusting = format!(
        "[pop]\ntrusted_proxies = [\"127.0.0.0/8\"]\n{}",
        site(&origin, "")
    );
    let edge = Edge::start(&trusting).await;
    for speaks in BOTH {
        let response = speaks
            .ask(&edge, "GET /c\ncache-control: only-if-cached")
            .await;
        assert_eq!(response.status, 504);
    }
    origin.reply("/c", "cache-control: max-age=60", "v1");
    assert_eq!(
        edge.request("GET /c\ncache-control: no-cache").await,
        miss("v1")
    );
    for asked in ["only-if-cached", "no-cache"] {
        assert_eq!(
            edge.request(&format!("GET /c\ncache-control: {asked}"))
                .await,
            hit("v1")
        );
    }
}

#[tokio::test]
async fn a_response_with_a_cookie_is_stored_as_the_route_says() {
    let strip = "cache = { strip_set_cookie = true }";
    let store = "cache = { store_set_cookie = true }";
    for (words, is_stored, cookies) in [
        ("", false, [Some("a=b"), Some("a=b")]),
        (strip, true, [None, None]),
        (store, true, [Some("a=b"), Some("a=b")]),
    ] {
        for speaks in BOTH {
            let origin = Origin::start().await;
            let edge = Edge::site_with(&origin, words).await;
            origin.always("/a", "cache-control: max-age=60\nset-cookie: a=b", "v1");
            let first = speaks.get(&edge, "/a").await;
            let second = speaks.get(&edge, "/a").await;
            assert_eq!(
                [first.header("set-cookie"), second.header("set-cookie")],
                cookies,
                "{words}"
            );
            assert_eq!(
                origin.requests().len(),
                if is_stored { 1 } else { 2 },
                "{words}"
            );
            assert_eq!(
                first.cache_status().contains("detail=set-cookie"),
                !is_stored
            );
        }
    }
}

/// RFC 9211.
#[tokio::test]
async fn cache_status_tells_what_happened() {
    for speaks in BOTH {
        let origin = Origin::start().await;
        let edge = Edge::site(&origin).await;
        origin.reply("/a", "cache-control: max-age=60\netag: \"1\"", "v1");
        origin.reply("/b", "cache-control: no-store", "v1");
        origin.reply("/v", "cache-control: max-age=60\nvary: foo", "v1");
        origin.reply("/v", "cache-control: max-age=60\nvary: foo", "v2");
        let told = async |request: &str| {
            let response = speaks.ask(&edge, request).await;
            response.cache_status().to_owned()
        };
        assert_eq!(
            told("GET /a").await,
            "rimward; fwd=uri-miss; fwd-status=200; stored; ttl=60"
        );
        edge.pass_time(secs(18));
        assert!(["rimward; hit; ttl=42", "rimward; hit; ttl=41"].contains(&&*told("GET /a").await));
        assert_eq!(
            told("GET /b").await,
            "rimward; fwd=uri-miss; fwd-status=200; detail=no-store"
        );
        told("GET /v\nfoo: 1").await;
        let other = told("GET /v\nfoo: 2").await;
        assert!(
            other.starts_with("rimward; fwd=vary-miss; fwd-status=200; stored"),
            "{other}"
        );
        edge.pass_time(secs(60));
        origin.reply("/a", "304\ncache-control: max-age=60", "");
        assert_eq!(
            told("GET /a").await,
            "rimward; fwd=stale; fwd-status=304; stored; ttl=60"
        );
        origin.reply("/p", "", "v1");
        assert_eq!(told("POST /p").await, "rimward; fwd=method; fwd-status=200");
    }
}
