//! Cookies as the cache, the origin and clients see them.

use rimward_tests::{Edge, Origin, hit, miss};

#[tokio::test]
async fn cookies_that_make_no_difference_are_not_sent_on() {
    let origin = Origin::start().await;
    let words = r#"filters = [{ use = "cookies", keep = ["currency", "sid"], rename = { sid = "session" } }]
        cache = { key = { cookie = ["currency", "session"] } }"#;
    let edge = Edge::site_with(&origin, words).await;
    origin.reply("/a", "cache-control: max-age=60", "v1");
    assert_eq!(
        edge.request("GET /a\ncookie: _ga=1; currency=EUR; sid=7")
            .await,
        miss("v1")
    );
    assert_eq!(
        origin.last().header("cookie"),
        Some("currency=EUR; session=7")
    );
    assert_eq!(
        edge.request("GET /a\ncookie: sid=7; currency=EUR; _fbp=2")
            .await,
        hit("v1")
    );
    origin.reply("/a", "cache-control: max-age=60", "v2");
    assert_eq!(
        edge.request("GET /a\ncookie: currency=USD; sid=7").await,
        miss("v2")
    );
}

#[tokio::test]
async fn a_response_without_its_cookies_can_be_stored() {
    let origin = Origin::start().await;
    let filter = r#"{ use = "cookies", response = { drop = ["track*"], secure = true, same_site = "lax" } }"#;
    let edge = Edge::site_with(&origin, &format!("filters = [{filter}]")).await;
    origin.reply(
        "/a",
        "cache-control: max-age=60\nset-cookie: tracker=1",
        "v1",
    );
    let first = edge.get("/a").await;
    assert_eq!(first, miss("v1"));
    assert_eq!(first.header("set-cookie"), None);
    assert_eq!(edge.get("/a").await, hit("v1"));
    origin.reply(
        "/b",
        "cache-control: no-store\nset-cookie: sid=1; Path=/; SameSite=None",
        "v1",
    );
    assert_eq!(
        edge.get("/b").await.header("set-cookie"),
        Some("sid=1; Path=/; Secure; SameSite=Lax")
    );
}
