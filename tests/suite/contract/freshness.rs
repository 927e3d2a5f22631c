//! Rows of the contract: how old a response is, how long it is fresh, and what when it is stale.

use rimward_tests::{Edge, Origin, hit, miss, revalidated, secs};
use tokio::task::JoinSet;

use super::{BOTH, date};

/// RFC 9111 §4.2.3, §5.1 and §5.3.
#[tokio::test]
async fn row_a_freshness_counts_the_age_and_the_date_that_a_response_brings() {
    let (ahead, behind) = (date(60), date(-50));
    for (head, seconds) in [
        ("cache-control: max-age=60\nage: 50".to_owned(), 10),
        ("cache-control: max-age=60\nage: 50, 0".to_owned(), 10),
        ("cache-control: max-age=60\nage: 50\nage: 0".to_owned(), 10),
        ("cache-control: max-age=60\nage: -50".to_owned(), 60),
        ("cache-control: max-age=60\nage: 50.0".to_owned(), 60),
        (format!("cache-control: max-age=60\ndate: {behind}"), 10),
        (format!("expires: {ahead}\ndate: {behind}"), 60),
        (format!("expires: {ahead}\ndate: {behind}\nage: 90"), 20),
    ] {
        let origin = Origin::start().await;
        let edge = Edge::site(&origin).await;
        origin.reply("/a", &head, "v1");
        assert_eq!(edge.get("/a").await, miss("v1"));
        edge.pass_time(secs(seconds - 3));
        assert_eq!(edge.get("/a").await, hit("v1"), "{head}");
        edge.pass_time(secs(4));
        origin.reply("/a", &head, "v2");
        assert_eq!(edge.get("/a").await, miss("v2"), "{head}");
    }
}

/// RFC 9111 §5.1: also beyond what 31 bits hold.
#[tokio::test]
async fn row_a_an_age_that_is_very_large_is_very_old() {
    for age in ["2147483647", "2147483648", "99999999999999999999999"] {
        let origin = Origin::start().await;
        let edge = Edge::site(&origin).await;
        origin.always(
            "/a",
            &format!("cache-control: max-age=3600\nage: {age}"),
            "v1",
        );
        assert_eq!(edge.get("/a").await.text(), "v1");
        assert_eq!(edge.get("/a").await.text(), "v1");
        assert_eq!(origin.requests().len(), 2, "age {age} was taken for fresh");
    }
}

/// RFC 9111 §4 and §5.1.
#[tokio::test]
async fn row_b_the_age_of_a_hit_is_the_initial_age_and_the_residence() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    origin.reply("/a", "cache-control: max-age=600\nage: 30", "v1");
    edge.get("/a").await;
    edge.pass_time(secs(12));
    for speaks in BOTH {
        assert_eq!(speaks.get(&edge, "/a").await.header("age"), Some("42"));
    }
}

/// RFC 9111 §3.2 and §4.3.4.
#[tokio::test]
async fn row_f_a_304_renews_what_is_stored_but_what_it_says_of_the_body() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    origin.reply(
        "/a",
        "cache-control: max-age=1\netag: \"1\"\ncontent-type: text/plain\nx-a: 1\nx-b: 1",
        "body",
    );
    edge.get("/a").await;
    edge.pass_time(secs(2));
    let told = date(1);
    origin.reply(
        "/a",
        &format!("304\ncache-control: max-age=60\ndate: {told}\ncontent-type: text/html\ncontent-encoding: br\nx-a: 2\nsurrogate-key: k"),
        "",
    );
    assert_eq!(edge.get("/a").await, revalidated("body"));
    for speaks in BOTH {
        let response = speaks.get(&edge, "/a").await;
        assert_eq!(response, hit("body"));
        let fields = [
            "x-a",
            "x-b",
            "content-type",
            "content-length",
            "content-encoding",
            "date",
        ];
        let values = fields.map(|name| response.header(name));
        let expected = [
            Some("2"),
            Some("1"),
            Some("text/plain"),
            Some("4"),
            None,
            Some(&*told),
        ];
        assert_eq!(values, expected);
    }
}

/// RFC 9111 §4.2.3: a 304 without a date is as young as its arrival, whatever the stored response said of itself.
#[tokio::test]
async fn row_f_a_304_without_a_date_is_as_young_as_its_arrival() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    origin.reply(
        "/a",
        &format!("cache-control: max-age=10\netag: \"1\"\ndate: {}", date(0)),
        "v1",
    );
    edge.get("/a").await;
    edge.pass_time(secs(100));
    origin.reply("/a", "304\ncache-control: max-age=10", "");
    assert_eq!(edge.get("/a").await, revalidated("v1"));
    edge.pass_time(secs(8));
    let response = edge.get("/a").await;
    assert_eq!(response.header("age"), Some("8"));
    assert_eq!(response, hit("v1"));
}

/// RFC 9111 §4.2.4: by default for a minute, and as long as an operator says.
#[tokio::test]
async fn row_h_a_stale_object_is_served_when_the_origin_cannot_be_reached() {
    let ten_minutes = "cache = { stale_if_unreachable = \"10m\" }";
    let never = "cache = { stale_if_unreachable = \"0s\" }";
    // Each takes as long as the edge tries to reach the origin, so they go side by side.
    let mut cases = JoinSet::new();
    for speaks in BOTH {
        for (words, said, seconds, is_served) in [
            ("", "max-age=1", 50, true),
            ("", "max-age=1", 63, false),
            ("", "max-age=1, must-revalidate", 2, false),
            ("", "max-age=1, proxy-revalidate", 2, false),
            ("", "s-maxage=1", 2, false),
            (ten_minutes, "max-age=1", 590, true),
            (never, "max-age=1", 2, false),
        ] {
            cases.spawn(async move {
                let mut origin = Origin::start().await;
                let edge = Edge::site_with(&origin, words).await;
                origin.reply("/a", &format!("cache-control: {said}"), "v1");
                edge.get("/a").await;
                edge.pass_time(secs(seconds));
                origin.stop().await;
                let response = speaks.get(&edge, "/a").await;
                if is_served {
                    assert_eq!(response.text(), "v1", "{said} {words}");
                    let told = response.cache_status();
                    assert!(
                        told.contains("fwd=stale; ") && told.ends_with("detail=stale-if-error")
                    );
                } else {
                    assert_eq!(response.status, 502, "{said} {words}");
                }
            });
        }
    }
    cases.join_all().await;
}

/// RFC 9111 §4.2.2.
#[tokio::test]
async fn row_l_a_lifetime_is_guessed_where_the_route_lets_it() {
    let modified = date(-1000);
    let never = "cache = { heuristics = false }";
    let without_query = "cache = { heuristics = \"no-query\" }";
    for (words, target, head, is_stored) in [
        ("", "/a", "200", true),
        ("", "/a?b", "200", true),
        ("", "/a", "404", true),
        ("", "/a", "403", false),
        ("", "/a", "599\ncache-control: public", true),
        (never, "/a", "200", false),
        (without_query, "/a", "200", true),
        (without_query, "/a?b", "200", false),
    ] {
        let origin = Origin::start().await;
        let edge = Edge::site_with(&origin, words).await;
        origin.always(target, &format!("{head}\nlast-modified: {modified}"), "v1");
        edge.get(target).await;
        edge.pass_time(secs(90));
        edge.get(target).await;
        assert_eq!(
            origin.requests().len(),
            if is_stored { 1 } else { 2 },
            "{words} {target} {head}"
        );
    }
}

/// RFC 9110 §5.6.7.
#[tokio::test]
async fn row_m_dates_are_read_in_all_their_forms() {
    for (expires, is_date) in [
        ("Thu, 18 Aug 2050 02:01:18 GMT", true),
        ("THU, 18 AUG 2050 02:01:18 gMT", true),
        ("Mon, 18 Aug 2050 02:01:18 GMT", true),
        ("Thursday, 18-Aug-50 02:01:18 GMT", true),
        ("Thu Aug  8 02:01:18 2050", true),
        ("Thu, 18 Aug 2050 02:01:18 UTC", false),
        ("Thu, 18 Aug 50 02:01:18 GMT", false),
        ("Thu 18 Aug 2050 02:01:18 GMT", false),
        ("0", false),
    ] {
        let origin = Origin::start().await;
        let edge = Edge::site(&origin).await;
        origin.always("/a", &format!("expires: {expires}"), "v1");
        edge.get("/a").await;
        edge.get("/a").await;
        assert_eq!(
            origin.requests().len(),
            if is_date { 1 } else { 2 },
            "{expires}"
        );
    }
}
