//! Pictures that are made of pictures, and what the cache has of them.

mod elsewhere;
mod redirects;
mod slices;

use std::sync::Arc;

use rimward_images::{Format, Kind};
use rimward_tests::{Binary, Client, Edge, Files, Origin, Response, fill, secs};
use tokio::task::JoinSet;

use crate::pictures::{info, png};

const SITE: &str = r#"
    [origin.app]
    servers = ["{origin}"]

    [[site]]
    hosts = ["example.com"]
    origin = "app"

      [[site.route]]
      path = "/cdn-cgi/image/*"
      filters = [{ use = "image", {image} }]

      [[site.route]]
      path = "/query/*"
      cache = { key = { query = "sorted" } }
      filters = [{ use = "image", query = true }]
"#;

async fn with(origin: &Origin, image: &str) -> Edge {
    let image = image.to_owned();
    Edge::start(&fill(SITE, &[("origin", origin), ("image", &image)])).await
}

async fn plain(origin: &Origin) -> Edge {
    with(origin, "presets = { icon = { width = 4 } }").await
}

fn told(response: &Response) -> &str {
    response.header("x-image").unwrap_or("nothing")
}

fn made(edge: &Edge, outcome: &str) -> f64 {
    edge.metric(&format!(
        "rimward_filter_outcomes_total{{outcome=\"{outcome}\"}}"
    ))
}

#[tokio::test]
async fn an_original_is_fetched_once_for_all_that_is_made_of_it() {
    let origin = Origin::start().await;
    let edge = plain(&origin).await;
    origin.reply(
        "/a.png",
        "cache-control: max-age=60\nlast-modified: Sat, 01 Nov 2025 00:00:00 GMT",
        png(80, 40),
    );
    let first = edge.get("/cdn-cgi/image/width=40,format=webp/a.png").await;
    assert_eq!(
        (info(&first).kind, info(&first).width, info(&first).height),
        (Kind::Webp, 40, 20)
    );
    assert_eq!(
        first.header("content-type"),
        Some(Format::Webp.media_type())
    );
    assert!(
        told(&first).starts_with("ok f=webp w=40 h=20"),
        "{}",
        told(&first)
    );
    assert!(
        first
            .header("server-timing")
            .is_some_and(|timing| timing.starts_with("image;dur="))
    );
    assert!(
        first
            .header("etag")
            .is_some_and(|tag| tag.starts_with("W/\""))
    );
    assert_eq!(
        first.header("last-modified"),
        Some("Sat, 01 Nov 2025 00:00:00 GMT")
    );
    // However it is written, it is the same.
    let second = edge.get("/cdn-cgi/image/f=webp,w=20,dpr=2/a.png").await;
    assert!(
        second.cache_status().contains("hit"),
        "{}",
        second.cache_status()
    );
    assert_eq!(
        (&second.body, second.header("server-timing")),
        (&first.body, None)
    );
    let other = edge.get("/cdn-cgi/image/icon/a.png").await;
    assert_eq!((info(&other).kind, info(&other).width), (Kind::Png, 4));
    assert_eq!(edge.get("/a.png").await.body, png(80, 40));
    assert_eq!((origin.requests().len(), made(&edge, "made")), (1, 2.0));
    // A client that has it is told so.
    let tag = first.header("etag").unwrap();
    let asked = format!("GET /cdn-cgi/image/width=40,format=webp/a.png\nif-none-match: {tag}");
    assert_eq!(edge.request(&asked).await.status, 304);
    let over_h2 = edge
        .h2()
        .await
        .request("GET /cdn-cgi/image/width=40,format=webp/a.png")
        .await;
    assert_eq!(over_h2.body, first.body);
}

#[tokio::test]
async fn a_picture_that_many_ask_for_is_made_once() {
    let origin = Origin::start().await;
    let edge = plain(&origin).await;
    let gate = origin.hold("/a.png", "cache-control: max-age=60", png(80, 40));
    let address = edge.address();
    let mut asking = JoinSet::new();
    for _ in 0..30 {
        asking.spawn(async move {
            let mut client = Client::connect(address).await;
            client.get("/cdn-cgi/image/w=10/a.png").await
        });
    }
    gate.reached().await;
    gate.open();
    let responses = asking.join_all().await;
    assert!(responses.iter().all(|response| info(response).width == 10));
    assert_eq!((origin.requests().len(), made(&edge, "made")), (1, 1.0));
}

#[tokio::test]
async fn who_purges_an_original_purges_all_that_was_made_of_it() {
    let origin = Origin::start().await;
    let edge = plain(&origin).await;
    let paths = [
        "/cdn-cgi/image/w=10/query/a.png?v=1",
        "/query/a.png?w=20&v=1",
    ];
    for purge in [
        r#"{"url": "http://example.com/query/a.png?v=1"}"#,
        r#"{"surrogate_key": "cats"}"#,
        r#"{"prefix": "example.com/query/"}"#,
        r#"{"surrogate_key": "/query/a.png?v=1"}"#,
    ] {
        origin.reply(
            "/query/a.png?v=1",
            "cache-control: max-age=60\nsurrogate-key: cats",
            png(80, 40),
        );
        for path in paths {
            assert_eq!(
                info(&edge.get(path).await).height * 2,
                info(&edge.get(path).await).width
            );
        }
        edge.purge_order(purge);
        if purge.contains("/query/a.png?v=1\"}") && purge.contains("surrogate") {
            // That is a label of what was made, not of the original.
            edge.purge("http://example.com/query/a.png?v=1", false);
        }
        origin.reply("/query/a.png?v=1", "cache-control: max-age=60", png(40, 40));
        for path in paths {
            let response = edge.get(path).await;
            assert_eq!(
                info(&response).width,
                info(&response).height,
                "{purge} {path}"
            );
        }
        edge.purge_order(r#"{"all": true}"#);
    }
}

#[tokio::test]
async fn clients_get_the_format_that_they_take() {
    let origin = Origin::start().await;
    let edge = plain(&origin).await;
    origin.reply("/a.png", "cache-control: max-age=60", png(16, 16));
    for (accept, expected) in [
        ("image/avif,image/webp,*/*;q=0.8", "image/avif"),
        ("image/webp,*/*;q=0.8", "image/webp"),
        ("image/webp", "image/webp"),
        ("*/*", "image/png"),
    ] {
        let response = edge
            .request(&format!(
                "GET /cdn-cgi/image/format=auto/a.png\naccept: {accept}"
            ))
            .await;
        assert_eq!(
            (response.header("content-type"), response.header("vary")),
            (Some(expected), Some("Accept")),
            "{accept}"
        );
    }
    assert_eq!(made(&edge, "made"), 3.0);
    let fixed = edge.get("/cdn-cgi/image/format=png/a.png").await;
    assert_eq!(fixed.header("vary"), None);
}

#[tokio::test]
async fn a_picture_whose_original_did_not_change_is_not_made_again() {
    let origin = Origin::start().await;
    let edge = plain(&origin).await;
    origin.reply(
        "/a.png",
        "cache-control: max-age=10\netag: \"a\"",
        png(16, 16),
    );
    let first = edge.get("/cdn-cgi/image/w=8/a.png").await;
    edge.pass_time(secs(20));
    origin.raw(
        "/a.png",
        "HTTP/1.1 304 Not Modified\r\ncache-control: max-age=10\r\netag: \"a\"\r\n\r\n",
    );
    let second = edge.get("/cdn-cgi/image/w=8/a.png").await;
    assert_eq!((&second.body, second.status), (&first.body, 200));
    assert_eq!((made(&edge, "made"), made(&edge, "unchanged")), (1.0, 1.0));
    assert!(
        edge.get("/cdn-cgi/image/w=8/a.png")
            .await
            .cache_status()
            .contains("hit")
    );
}

#[tokio::test]
async fn a_picture_is_made_again_when_what_is_drawn_over_it_changed() {
    let origin = Origin::start().await;
    let edge = with(&origin, "defaults = { draw = [{ url = \"/logo.png\" }] }").await;
    origin.reply("/a.png", "cache-control: max-age=1000", png(16, 16));
    origin.reply("/logo.png", "cache-control: max-age=10", png(2, 2));
    let first = edge.get("/cdn-cgi/image/w=8/a.png").await;
    assert_eq!(first.status, 200);
    let old = first.header("etag").unwrap();

    origin.reply("/a.png", "cache-control: max-age=1000", png(16, 16));
    origin.reply("/logo.png", "cache-control: max-age=1000", png(4, 4));
    edge.pass_time(secs(2000));
    let again = format!("GET /cdn-cgi/image/w=8/a.png\nif-none-match: {old}");
    let second = edge.request(&again).await;
    assert_eq!(second.status, 200);
    assert_ne!(second.header("etag"), Some(old));
    assert_eq!((made(&edge, "made"), made(&edge, "unchanged")), (2.0, 0.0));
}

#[tokio::test]
async fn what_is_no_picture_is_served_as_it_is_and_remembered_for_a_minute() {
    let origin = Origin::start().await;
    let edge = plain(&origin).await;
    let head = "cache-control: max-age=3600\ncontent-type: image/jpeg";
    origin.reply("/a.jpg", head, "<html>");
    for cache in ["miss", "hit"] {
        let response = edge.get("/cdn-cgi/image/w=8/a.jpg").await;
        assert_eq!((response.status, response.text()), (200, "<html>"));
        assert!(
            told(&response).starts_with("err=9412 "),
            "{}",
            told(&response)
        );
        assert_eq!(response.header("cache-control"), Some("max-age=60"));
        assert!(
            response.cache_status().contains(cache),
            "{}",
            response.cache_status()
        );
    }
    edge.pass_time(secs(61));
    assert!(
        !edge
            .get("/cdn-cgi/image/w=8/a.jpg")
            .await
            .cache_status()
            .contains("hit")
    );
    origin.raw(
        "/none.jpg",
        "HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\nnone",
    );
    let response = edge.get("/cdn-cgi/image/w=8/none.jpg").await;
    assert_eq!((response.status, response.text()), (404, "none"));
    assert_eq!(told(&response), "err=9404 the origin says 404");
}

#[tokio::test]
async fn failures_are_what_the_route_says() {
    let origin = Origin::start().await;
    let edge = with(&origin, "failing = \"error\", max_source = \"10KiB\"").await;
    origin.always("/a.jpg", "cache-control: max-age=3600", "<html>");
    let response = edge.get("/cdn-cgi/image/w=8/a.jpg").await;
    assert_eq!(
        (response.status, told(&response).get(..8)),
        (415, Some("err=9412"))
    );
    let response = edge.get("/cdn-cgi/image/w=8,onerror=redirect/a.jpg").await;
    assert_eq!(
        (response.status, response.header("location")),
        (307, Some("/a.jpg"))
    );
    origin.always("/large.png", "", vec![0; 20_000]);
    let response = edge.get("/cdn-cgi/image/w=8/large.png").await;
    assert_eq!(
        (response.status, told(&response).get(..8)),
        (413, Some("err=9402"))
    );
}

#[tokio::test]
async fn a_picture_is_no_original_of_another() {
    let origin = Origin::start().await;
    let edge = plain(&origin).await;
    let response = edge.get("/cdn-cgi/image/w=8/cdn-cgi/image/w=9/a.png").await;
    assert_eq!(
        (response.status, told(&response)),
        (400, "err=9408 the origin says 400")
    );
    let response = edge.get("/cdn-cgi/image/widht=8/a.png").await;
    assert_eq!(
        (response.status, response.text()),
        (400, "`widht` is not an option; did you mean `width`?\n")
    );
    assert_eq!(origin.requests().len(), 0);
}

#[tokio::test]
async fn parts_and_heads_of_pictures_can_be_asked_for() {
    let origin = Origin::start().await;
    let edge = plain(&origin).await;
    origin.reply("/a.png", "cache-control: max-age=60", png(64, 64));
    let head = edge.request("HEAD /cdn-cgi/image/w=32/a.png").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    let whole = edge.get("/cdn-cgi/image/w=32/a.png").await;
    assert_eq!(
        head.header("content-length"),
        Some(&*whole.body.len().to_string())
    );
    let part = edge
        .request("GET /cdn-cgi/image/w=32/a.png\nrange: bytes=0-7")
        .await;
    assert_eq!((part.status, &*part.body), (206, &whole.body[..8]));
}

#[tokio::test]
async fn signed_links_are_checked_before() {
    let origin = Origin::start().await;
    let files = Arc::new(Files::new());
    files.write("links.keys", "k1 0123456789abcdef0123456789abcdef\n");
    let signed = SITE.replace(
        "[{ use = \"image\", {image}",
        "[{ use = \"signed_url\", file = \"links.keys\" }, { use = \"image\"",
    );
    let edge = Edge::start_in(files.clone(), &fill(&signed, &[("origin", &origin)])).await;
    origin.reply("/a.png", "cache-control: max-age=60", png(16, 8));
    let keys = files.path("links.keys");
    let link = |url: &str| {
        let signed = Binary::command(&["sign", url, "--key-file", keys.to_str().unwrap()]);
        let link = String::from_utf8(signed.stdout).unwrap();
        link.trim_end()
            .strip_prefix("http://example.com")
            .unwrap()
            .to_owned()
    };
    let link = link("http://example.com/cdn-cgi/image/width=8,format=webp/a.png");
    assert_eq!(info(&edge.get(&link).await).width, 8);
    let larger = link.replace("width=8", "width=9");
    for other in [&*larger, "/cdn-cgi/image/width=8,format=webp/a.png"] {
        assert_eq!(edge.get(other).await.status, 403, "{other}");
    }
    assert_eq!(made(&edge, "made"), 1.0);
}
