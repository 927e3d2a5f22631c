//! Rows of the contract: what is stored, and whom it answers.

use rimward_tests::{Edge, Origin, hit, miss};

use super::{BOTH, date};

/// RFC 9111 §4.1.
#[tokio::test]
async fn row_d_what_varies_on_anything_is_never_reused() {
    for vary in [
        "vary: *",
        "vary: *, *",
        "vary: , *",
        "vary: foo, *",
        "vary: foo\nvary: *",
    ] {
        let origin = Origin::start().await;
        let edge = Edge::site(&origin).await;
        origin.always("/a", &format!("cache-control: max-age=60\n{vary}"), "v1");
        edge.get("/a").await;
        edge.get("/a").await;
        assert_eq!(origin.requests().len(), 2, "{vary}");
    }
}

/// RFC 9111 §4.1, RFC 9110 §12.5.4.
#[tokio::test]
async fn row_e_variants_are_found_by_what_values_mean() {
    for (vary, stored_by, asked_by) in [
        ("accept-language", "en, de", "de, en"),
        ("accept-language", "en, de", "eN, De"),
        ("accept-language", "en, de", " en ,   de"),
        ("accept-encoding", "gzip, br", "BR,gzip;q=1.0"),
        ("foo", "1,2", "1, 2"),
        ("foo", "1, 2", "1\nfoo: 2"),
        (
            "accept-language\ncontent-language: de",
            "en, de",
            "fr;q=0.5, de;q=1.0",
        ),
    ] {
        let origin = Origin::start().await;
        let edge = Edge::site(&origin).await;
        let name = vary.lines().next().unwrap();
        origin.reply(
            "/a",
            &format!("cache-control: max-age=60\nvary: {vary}"),
            "v1",
        );
        edge.request(&format!("GET /a\n{name}: {stored_by}")).await;
        for speaks in BOTH {
            let response = speaks
                .ask(&edge, &format!("GET /a\n{name}: {asked_by}"))
                .await;
            assert_eq!(response, hit("v1"), "{stored_by} | {asked_by}");
        }
    }
}

/// A language answers those who prefer it, and nobody else.
#[tokio::test]
async fn row_e_who_prefers_another_language_is_not_answered_by_this_one() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    for (language, accepted) in [("de", "de, en;q=0.5"), ("en", "en, de;q=0.5")] {
        let head = format!(
            "cache-control: max-age=60\nvary: accept-language\ncontent-language: {language}"
        );
        origin.reply("/a", &head, language);
        let response = edge
            .request(&format!("GET /a\naccept-language: {accepted}"))
            .await;
        assert_eq!(response, miss(language));
    }
    for (language, accepted) in [("de", "fr;q=0.1, de"), ("en", "en")] {
        let response = edge
            .request(&format!("GET /a\naccept-language: {accepted}"))
            .await;
        assert_eq!(response, hit(language));
    }
}

/// RFC 9213.
#[tokio::test]
async fn row_k_targeted_fields_take_the_place_of_cache_control() {
    let own =
        "cache = { targets = [\"shop-cache-control\"], pass_targets = [\"shop-cache-control\"] }";
    for (words, head, is_stored) in [
        (
            "",
            "cache-control: no-store\ncdn-cache-control: max-age=60",
            true,
        ),
        (
            "",
            "cache-control: max-age=60\ncdn-cache-control: no-store",
            false,
        ),
        (
            "",
            "cache-control: max-age=60\ncdn-cache-control: max-age=60, &",
            true,
        ),
        (
            "",
            "cache-control: no-store\ncdn-cache-control: max-age=\"60\"",
            false,
        ),
        (
            "",
            "cdn-cache-control: no-store\nrimward-cache-control: max-age=60",
            true,
        ),
        (
            "",
            "surrogate-control: max-age=60\ncdn-cache-control: no-store",
            false,
        ),
        (
            "",
            "cache-control: no-store\nsurrogate-control: max-age=60",
            true,
        ),
        (
            own,
            "cache-control: no-store\nshop-cache-control: max-age=60",
            true,
        ),
        (
            own,
            "cache-control: no-store\ncdn-cache-control: max-age=60",
            false,
        ),
    ] {
        let origin = Origin::start().await;
        let edge = Edge::site_with(&origin, words).await;
        origin.always("/a", head, "v1");
        edge.get("/a").await;
        edge.get("/a").await;
        assert_eq!(
            origin.requests().len(),
            if is_stored { 1 } else { 2 },
            "{words} {head}"
        );
    }
}

/// RFC 9213 §3.1: what is for this cache alone ends here.
#[tokio::test]
async fn row_k_targeted_fields_are_passed_on_as_the_route_says() {
    let head = "cache-control: max-age=60\nrimward-cache-control: max-age=60\nsurrogate-control: max-age=60\ncdn-cache-control: max-age=60";
    let fields = [
        "rimward-cache-control",
        "surrogate-control",
        "cdn-cache-control",
    ];
    for (words, passed) in [
        ("", [false, false, true]),
        ("cache = { pass_targets = [] }", [false, false, false]),
        (
            "cache = { targets = [\"surrogate-control\"] }",
            [true, false, true],
        ),
        (
            "cache = { pass_targets = [\"surrogate-control\"] }",
            [false, true, false],
        ),
    ] {
        let origin = Origin::start().await;
        let edge = Edge::site_with(&origin, words).await;
        origin.reply("/a", head, "v1");
        for speaks in BOTH {
            let response = speaks.get(&edge, "/a").await;
            assert_eq!(
                fields.map(|name| response.headers.has(name)),
                passed,
                "{words}"
            );
        }
    }
}

/// RFC 9111 §3, §3.3, §4.3.2 and §5.2.2.3.
#[tokio::test]
async fn row_n_a_known_status_is_understood_and_a_part_is_no_whole() {
    for (request, head, is_stored) in [
        (
            "GET /a",
            "200\ncache-control: max-age=60, no-store, must-understand",
            true,
        ),
        (
            "GET /a",
            "599\ncache-control: max-age=60, no-store, must-understand",
            false,
        ),
        ("GET /a", "599\ncache-control: max-age=60", true),
        (
            "GET /a",
            "304\ncache-control: max-age=60\netag: \"a\"",
            false,
        ),
        (
            "GET /a",
            "206\ncache-control: max-age=60\ncontent-range: bytes 0-1/9",
            false,
        ),
    ] {
        let origin = Origin::start().await;
        let edge = Edge::site(&origin).await;
        origin.always("/a", head, if head.starts_with("304") { "" } else { "v1" });
        edge.request(request).await;
        edge.request(request).await;
        assert_eq!(
            origin.requests().len(),
            if is_stored { 1 } else { 2 },
            "{head}"
        );
    }
}

/// RFC 9111 §4.3.2: a response without `Last-Modified` is as old as its `Date`.
#[tokio::test]
async fn row_n_if_modified_since_is_answered_by_the_date() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    origin.reply(
        "/a",
        &format!("cache-control: max-age=600\ndate: {}", date(-100)),
        "v1",
    );
    edge.get("/a").await;
    for speaks in BOTH {
        for (since, status) in [(date(-50), 304), (date(-150), 200)] {
            let request = format!("GET /a\nif-modified-since: {since}");
            assert_eq!(speaks.ask(&edge, &request).await.status, status);
        }
    }
}

/// A purge wins against what an origin was asked for before it, whatever the method.
#[tokio::test]
async fn a_response_to_post_that_a_purge_overtakes_is_not_stored() {
    for order in [r#"{"all": true}"#, r#"{"surrogate_key": "news"}"#] {
        let origin = Origin::start().await;
        let edge = Edge::site(&origin).await;
        let head = "cache-control: max-age=60\ncontent-location: /a\nsurrogate-key: news";
        let gate = origin.hold("/a", head, "posted");
        let purged = async {
            gate.reached().await;
            edge.purge_order(order);
            gate.open();
        };
        let (response, ()) = tokio::join!(edge.request("POST /a\n\nbody"), purged);
        assert_eq!(response.text(), "posted");
        origin.reply("/a", "cache-control: max-age=60", "new");
        assert_eq!(edge.get("/a").await, miss("new"), "{order}");
    }
}

/// RFC 9110 §9.3.3: with a lifetime, and a `Content-Location` that is the target.
#[tokio::test]
async fn a_response_to_post_that_is_the_targets_own_is_stored_for_get() {
    for speaks in BOTH {
        for (head, is_stored) in [
            ("cache-control: max-age=60\ncontent-location: /a", true),
            (
                "cache-control: max-age=60\ncontent-location: http://example.com/a",
                true,
            ),
            ("cache-control: max-age=60\ncontent-location: /b", false),
            ("cache-control: max-age=60", false),
            (
                "cache-control: max-age=60, private\ncontent-location: /a",
                false,
            ),
            (
                "content-location: /a\nlast-modified: Sun, 06 Nov 1994 08:49:37 GMT",
                false,
            ),
            (
                "201\ncache-control: max-age=60\ncontent-location: /a",
                false,
            ),
        ] {
            let origin = Origin::start().await;
            let edge = Edge::site(&origin).await;
            origin.reply("/a", "cache-control: max-age=60", "old");
            edge.get("/a").await;
            origin.reply("/a", head, "posted");
            let response = speaks.ask(&edge, "POST /a\n\nbody").await;
            assert_eq!(response.text(), "posted");
            if is_stored {
                edge.eventually("/a", hit("posted")).await;
            } else {
                origin.reply("/a", "cache-control: max-age=60", "new");
                edge.eventually("/a", miss("new")).await;
            }
        }
    }
}
