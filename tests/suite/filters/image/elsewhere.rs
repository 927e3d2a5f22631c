//! Originals of other sites.

use rimward_tests::{Edge, Origin};

use super::{made, told, with};
use crate::pictures::{info, png};

/// An edge that may ask `other` for pictures.
async fn edge(origin: &Origin, other: &Origin, more: &str) -> Edge {
    let sources = format!("sources = [\"http://{}\"], {more}", other.address());
    with(origin, &sources).await
}

#[tokio::test]
async fn originals_of_other_sites_are_fetched_once_and_purged_by_their_url() {
    let (origin, other) = (Origin::start().await, Origin::start().await);
    let edge = edge(&origin, &other, "private_sources = true").await;
    let url = format!("http://{}/a.png?v=1", other.address());
    other.reply("/a.png?v=1", "cache-control: max-age=60", png(16, 8));
    let first = edge.get(&format!("/cdn-cgi/image/w=8/{url}")).await;
    assert_eq!((info(&first).width, info(&first).height), (8, 4));
    assert_eq!(first.header("cache-control"), Some("max-age=60"));
    let asked = other.last();
    assert_eq!(asked.header("host"), Some(&*other.address().to_string()));
    assert_eq!(asked.header("via"), Some("1.1 rimward-image"));
    assert_eq!(asked.header("cookie"), None);
    assert_eq!(
        info(&edge.get(&format!("/cdn-cgi/image/w=4/{url}")).await).width,
        4
    );
    assert_eq!((other.requests().len(), made(&edge, "made")), (1, 2.0));

    edge.purge_order(&format!("{{\"surrogate_key\": \"{url}\"}}"));
    other.reply("/a.png?v=1", "cache-control: max-age=60", png(16, 16));
    let anew = edge.get(&format!("/cdn-cgi/image/w=8/{url}")).await;
    assert_eq!(info(&anew).height, 8);
    // The path that leads to it is for the edge alone.
    let response = edge.get(&format!("/cdn-cgi/image/original/{url}")).await;
    assert_eq!(response.status, 400);
    assert!(origin.requests().is_empty());
}

#[tokio::test]
async fn sources_are_at_public_addresses_unless_private_ones_are_let_in() {
    let (origin, other) = (Origin::start().await, Origin::start().await);
    let edge = edge(&origin, &other, "widths = []").await;
    let url = format!("http://{}/a.png", other.address());
    let response = edge.get(&format!("/cdn-cgi/image/w=8/{url}")).await;
    assert_eq!(
        (response.status, told(&response)),
        (403, "err=9406 `127.0.0.1` has no public address")
    );
    // A redirect leads there no more than an address does.
    origin.reply("/a.png", &format!("302\nlocation: {url}"), "");
    let response = edge.get("/cdn-cgi/image/w=8/a.png").await;
    assert_eq!(
        (response.status, told(&response)),
        (403, "err=9406 `127.0.0.1` has no public address")
    );
    assert_eq!((other.requests().len(), other.connections()), (0, 0));
}

#[tokio::test]
async fn redirects_lead_to_sources_and_from_them() {
    let (origin, other) = (Origin::start().await, Origin::start().await);
    let edge = edge(&origin, &other, "private_sources = true").await;
    let there = other.address();
    origin.reply(
        "/a.png",
        &format!("302\nlocation: http://{there}/x/b.png\ncache-control: max-age=9"),
        "",
    );
    other.reply(
        "/x/b.png",
        "301\nlocation: ../c.png\ncache-control: max-age=7",
        "",
    );
    other.reply(
        "/c.png",
        "302\nlocation: https://example.com/d.png\ncache-control: max-age=8",
        "",
    );
    origin.reply("/d.png", "cache-control: max-age=600", png(16, 8));
    let response = edge.get("/cdn-cgi/image/w=8/a.png").await;
    assert_eq!(info(&response).height, 4);
    assert_eq!(response.header("cache-control"), Some("max-age=7"));
    assert_eq!(other.targets(), ["/x/b.png", "/c.png"]);
    assert_eq!(origin.targets(), ["/a.png", "/d.png"]);
    edge.purge_order(&format!("{{\"surrogate_key\": \"http://{there}/c.png\"}}"));
    // What that URL has itself has gone with it.
    let home = "302\nlocation: https://example.com/d.png\ncache-control: max-age=8";
    other.reply("/c.png", home, "");
    let again = edge.get("/cdn-cgi/image/w=8/a.png").await;
    assert!(
        !again.cache_status().contains("hit"),
        "{}",
        again.cache_status()
    );

    // Not to others, though a source says so.
    let stray = format!("/cdn-cgi/image/w=8/http://{there}/e.png");
    other.reply("/e.png", "302\nlocation: http://127.0.0.1:1/", "");
    let response = edge.get(&stray).await;
    assert_eq!(
        (response.status, told(&response)),
        (
            307,
            "err=9420 the origin redirects to `127.0.0.1:1`, whose pictures may not be asked for"
        )
    );
    assert_eq!(
        response.header("location"),
        Some(&*format!("http://{there}/e.png"))
    );
}

#[tokio::test]
async fn what_another_site_has_in_place_of_a_picture_is_told() {
    let (origin, other) = (Origin::start().await, Origin::start().await);
    let edge = edge(
        &origin,
        &other,
        "private_sources = true, max_source = \"10KiB\"",
    )
    .await;
    let there = other.address();
    let ask = |name: &str| format!("/cdn-cgi/image/w=8/http://{there}/{name}");
    other.reply("/gone.png", "404\nx-image: err=1", "gone");
    let response = edge.get(&ask("gone.png")).await;
    assert_eq!((response.status, response.text()), (404, "gone"));
    assert_eq!(told(&response), "err=9404 the origin says 404");
    other.reply("/large.png", "", vec![0; 20_000]);
    let response = edge.get(&ask("large.png")).await;
    assert_eq!(
        (response.status, told(&response)),
        (307, "err=9402 the response is longer than 10240 bytes")
    );
    assert_eq!(
        response.header("location"),
        Some(&*format!("http://{there}/large.png"))
    );
}
