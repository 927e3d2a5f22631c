//! Redirects in place of originals.

use rimward_tests::{Origin, secs};

use super::{made, plain, told, with};
use crate::pictures::{info, png};

#[tokio::test]
async fn a_redirect_is_followed_and_the_picture_is_fresh_no_longer_than_it() {
    let origin = Origin::start().await;
    let edge = plain(&origin).await;
    origin.reply(
        "/a.png",
        "302\nlocation: b.png\ncache-control: max-age=10",
        "",
    );
    origin.reply("/b.png", "cache-control: public, max-age=600", png(80, 40));
    let first = edge.get("/cdn-cgi/image/w=20/a.png").await;
    assert_eq!((info(&first).width, info(&first).height), (20, 10));
    assert_eq!(first.header("cache-control"), Some("public, max-age=10"));
    let again = edge.get("/cdn-cgi/image/w=20/a.png").await;
    assert!(
        again.cache_status().contains("hit"),
        "{}",
        again.cache_status()
    );
    assert_eq!(origin.targets(), ["/a.png", "/b.png"]);
    // It is asked for again, and what it leads to is not; nor is the picture made again.
    edge.pass_time(secs(11));
    origin.reply(
        "/a.png",
        "302\nlocation: /b.png\ncache-control: max-age=10",
        "",
    );
    let third = edge.get("/cdn-cgi/image/w=20/a.png").await;
    assert_eq!(third.body, first.body);
    assert_eq!(origin.targets(), ["/a.png", "/b.png", "/a.png"]);
    assert_eq!((made(&edge, "made"), made(&edge, "unchanged")), (1.0, 1.0));
    // When it leads elsewhere, there is another picture.
    edge.pass_time(secs(11));
    origin.reply("/a.png", "301\nlocation: /c.png", "");
    origin.reply("/c.png", "cache-control: max-age=600", png(40, 40));
    let other = edge.get("/cdn-cgi/image/w=20/a.png").await;
    assert_eq!((info(&other).width, info(&other).height), (20, 20));
    // One for good holds for as long as what it leads to.
    assert_eq!(other.header("cache-control"), Some("max-age=600"));
}

#[tokio::test]
async fn a_temporary_redirect_that_says_nothing_holds_for_a_minute() {
    let origin = Origin::start().await;
    let edge = plain(&origin).await;
    origin.always("/a.png", "307\nlocation: /b.png", "");
    // What says nothing either is fresh for as long as the route has it.
    origin.always(
        "/b.png",
        "last-modified: Sat, 01 Nov 2025 00:00:00 GMT",
        png(16, 16),
    );
    for (passes, cache) in [
        (0, "fwd=uri-miss"),
        (59, "hit"),
        (2, "fwd=stale"),
        (58, "hit"),
    ] {
        edge.pass_time(secs(passes));
        let response = edge.get("/cdn-cgi/image/w=8/a.png").await;
        assert_eq!(info(&response).width, 8);
        assert!(
            response.cache_status().contains(cache),
            "{cache}: {}",
            response.cache_status()
        );
    }
    assert_eq!(origin.targets(), ["/a.png", "/b.png", "/a.png"]);
}

#[tokio::test]
async fn a_picture_is_purged_by_all_that_led_to_it() {
    let origin = Origin::start().await;
    let edge = plain(&origin).await;
    let redirect = "308\ncache-control: max-age=600\nsurrogate-key: moved\nlocation: ";
    for purge in [
        r#"{"url": "http://example.com/a.png"}"#,
        r#"{"surrogate_key": "moved"}"#,
        r#"{"surrogate_key": "/b.png"}"#,
        r#"{"surrogate_key": "cats"}"#,
    ] {
        let head = "cache-control: max-age=600\nsurrogate-key: cats";
        origin.reply("/a.png", &format!("{redirect}/b.png"), "");
        origin.reply("/b.png", head, png(16, 8));
        let path = "/cdn-cgi/image/w=8/a.png";
        assert_eq!(info(&edge.get(path).await).height, 4);
        assert!(edge.get(path).await.cache_status().contains("hit"));
        edge.purge_order(purge);
        for url in ["a.png", "b.png"] {
            edge.purge(&format!("http://example.com/{url}"), false);
        }
        origin.reply("/a.png", &format!("{redirect}/c.png"), "");
        origin.reply("/c.png", "cache-control: max-age=600", png(16, 16));
        assert_eq!(info(&edge.get(path).await).height, 8, "{purge}");
        edge.purge_order(r#"{"all": true}"#);
    }
}

#[tokio::test]
async fn what_is_not_followed_is_told_and_the_client_may_try() {
    let origin = Origin::start().await;
    let edge = plain(&origin).await;
    for (location, expected) in [
        (
            "https://other.example/a.png",
            "err=9420 the origin redirects to `other.example`, whose pictures may not be asked for",
        ),
        (
            "http://169.254.169.254/latest/",
            "err=9420 the origin redirects to `169.254.169.254`, whose pictures may not be asked for",
        ),
        (
            "ftp://example.com/a.png",
            "err=9420 the origin redirects to what is no `http` or `https` URL",
        ),
    ] {
        origin.reply("/a.png", &format!("302\nlocation: {location}"), "");
        let response = edge.get("/cdn-cgi/image/w=8/a.png").await;
        assert_eq!((response.status, told(&response)), (307, expected));
        assert_eq!(response.header("location"), Some("/a.png"));
        edge.purge_order(r#"{"all": true}"#);
    }
    let strict = with(&origin, "failing = \"error\", redirects = 2").await;
    origin.reply("/a.png", "302\nlocation: https://other.example/", "");
    let response = strict.get("/cdn-cgi/image/w=8/a.png").await;
    assert_eq!((response.status, response.header("location")), (502, None));
    assert!(told(&response).starts_with("err=9420 "));
}

#[tokio::test]
async fn a_loop_ends() {
    let origin = Origin::start().await;
    origin.always("/a.png", "302\nlocation: /b.png", "");
    origin.always("/b.png", "302\nlocation: https://example.com/a.png", "");
    for (image, asked, expected) in [
        (
            "redirects = 3",
            4,
            "err=9421 the origin redirects more often than 3 times",
        ),
        (
            "redirects = 1",
            2,
            "err=9421 the origin redirects more often than 1 times",
        ),
    ] {
        let before = origin.requests().len();
        let edge = with(&origin, image).await;
        for _ in 0..2 {
            let response = edge.get("/cdn-cgi/image/w=8/a.png").await;
            assert_eq!((response.status, told(&response)), (307, expected));
        }
        assert_eq!(
            origin.requests().len() - before,
            asked,
            "remembered for a minute"
        );
    }
    let edge = with(&origin, "redirects = 0").await;
    let response = edge.get("/cdn-cgi/image/w=8/a.png").await;
    assert_eq!(
        (response.status, told(&response)),
        (302, "err=9420 the origin says 302")
    );
    assert_eq!(response.header("location"), Some("/b.png"));
}

#[tokio::test]
async fn a_redirect_to_a_picture_is_none_to_an_original() {
    let origin = Origin::start().await;
    let edge = plain(&origin).await;
    origin.reply("/a.png", "302\nlocation: /cdn-cgi/image/w=9/b.png", "");
    let response = edge.get("/cdn-cgi/image/w=8/a.png").await;
    assert_eq!(
        (response.status, told(&response)),
        (400, "err=9408 the origin says 400")
    );
}

#[tokio::test]
async fn nobody_is_sent_to_another_site_by_a_path() {
    let origin = Origin::start().await;
    let edge = plain(&origin).await;
    origin.always("//evil.example/a.png", "", "<html>");
    let response = edge
        .get("/cdn-cgi/image/w=8,onerror=redirect//evil.example/a.png")
        .await;
    assert_eq!(
        (response.status, response.header("location")),
        (307, Some("/.//evil.example/a.png"))
    );
}
