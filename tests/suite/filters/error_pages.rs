//! Pages in the place of errors.

use std::sync::Arc;

use rimward_tests::{Edge, Files, Origin, Response, site};

/// An edge over `origin` with a page of its own for two statuses and these filters behind it.
async fn with(origin: &Origin, filters: &str, words: &str) -> Edge {
    let files = Arc::new(Files::new());
    files.write("404.html", "<p>not here: {status} {path}</p>");
    files.write("sorry.html", "<p>sorry</p>");
    files.write("site.html", "<p>the site's</p>");
    let words = format!(
        r#"filters = [
            {{ use = "error_pages", pages = [
                {{ status = [404], file = "404.html", variables = true }},
                {{ status = ["5xx"], file = "sorry.html" }},
            ] }},
            {filters}
        ]
        error_pages = {{ 502 = "site.html", 403 = "site.html" }}
        {words}"#
    );
    Edge::start_in(files, &site(origin, &words)).await
}

#[track_caller]
fn is(response: &Response, status: u16, body: &str) {
    assert_eq!((response.status, response.text()), (status, body));
    let length = response.header("content-length");
    let is_framed = length.is_none_or(|length| length == body.len().to_string());
    assert!(is_framed, "{response:?}");
    assert_eq!(
        response.header("content-type"),
        Some("text/html; charset=utf-8")
    );
}

#[tokio::test]
async fn errors_of_the_origin_get_the_page() {
    let origin = Origin::start().await;
    let edge = with(&origin, "", "").await;
    origin.reply("/ok", "", "ok");
    assert_eq!(edge.get("/ok").await.text(), "ok");
    origin.reply("/a&b", "404\ncontent-type: text/plain\nx-a: 1", "none");
    let response = edge.get("/a&b").await;
    is(&response, 404, "<p>not here: 404 /a&amp;b</p>");
    assert_eq!(response.header("x-a"), Some("1"));
    origin.reply("/empty", "503\nretry-after: 7", "");
    let response = edge.get("/empty").await;
    is(&response, 503, "<p>sorry</p>");
    assert_eq!(response.header("retry-after"), Some("7"));
    let mut client = edge.client().await;
    for _ in 0..2 {
        origin.reply("/empty", "503", "");
        is(&client.get("/empty").await, 503, "<p>sorry</p>");
    }
    origin.reply("/empty", "503", "");
    is(&edge.h2().await.get("/empty").await, 503, "<p>sorry</p>");
    let pieces = origin.trickle("/pieces", "500");
    pieces.send("oh");
    pieces.send(" no");
    pieces.end();
    is(&edge.get("/pieces").await, 500, "<p>sorry</p>");
    origin.reply("/gzip", "500\ncontent-encoding: gzip", "\x1f\x08");
    let response = edge.get("/gzip").await;
    is(&response, 500, "<p>sorry</p>");
    assert_eq!(response.header("content-encoding"), None);
}

#[tokio::test]
async fn a_stored_error_gets_the_page_each_time() {
    let origin = Origin::start().await;
    for words in ["", "compress = true"] {
        let edge = with(&origin, "", words).await;
        let target = format!("/a?{}", words.len());
        let long = "none ".repeat(1000);
        origin.reply(
            &target,
            "404\ncontent-type: text/html\ncache-control: max-age=60\netag: \"1\"",
            long,
        );
        for _ in 0..3 {
            is(&edge.get(&target).await, 404, "<p>not here: 404 /a</p>");
            let encoded = edge
                .request(&format!("GET {target}\naccept-encoding: gzip"))
                .await;
            assert_eq!(encoded.status, 404);
            match encoded.header("content-encoding") {
                Some(encoding) => assert!(encoding == "gzip" && encoded.body[..2] == [0x1f, 0x8b]),
                None => assert_eq!(encoded.text(), "<p>not here: 404 /a</p>"),
            }
            let head = edge.request(&format!("HEAD {target}")).await;
            assert_eq!((head.status, head.header("etag")), (404, None));
        }
        assert_eq!(edge.metric("rimward_requests_total{cache=\"hit\"}"), 8.0);
    }
}

#[tokio::test]
async fn what_is_right_keeps_its_ranges_and_the_fast_lane() {
    let origin = Origin::start().await;
    let edge = with(&origin, "", "").await;
    origin.reply("/a", "cache-control: max-age=60\netag: \"1\"", "0123456789");
    edge.get("/a").await;
    let part = edge.request("GET /a\nrange: bytes=2-3").await;
    assert_eq!((part.status, part.text()), (206, "23"));
    assert_eq!(edge.get("/a").await.header("etag"), Some("\"1\""));
}

#[tokio::test]
async fn the_edges_own_errors_and_refusals_get_the_page() {
    let mut origin = Origin::start().await;
    let edge = with(
        &origin,
        r#"{ use = "ip_access", deny = ["127.0.0.1"], status = 404 }"#,
        "",
    )
    .await;
    let refused = edge.get("/a").await;
    is(&refused, 404, "<p>not here: 404 /a</p>");
    let head = edge.request("HEAD /a").await;
    assert_eq!(
        head.header("content-length"),
        refused.header("content-length")
    );
    let edge = with(
        &origin,
        r#"{ use = "ip_access", deny = ["127.0.0.1"] }"#,
        "",
    )
    .await;
    is(&edge.get("/a").await, 403, "<p>the site's</p>");
    let edge = with(&origin, "", "").await;
    origin.stop().await;
    is(&edge.get("/a").await, 502, "<p>sorry</p>");
    let head = edge.request("HEAD /a").await;
    assert_eq!(
        (head.status, head.header("content-length")),
        (502, Some("12"))
    );
    is(&edge.h2().await.get("/a").await, 502, "<p>sorry</p>");
}

#[tokio::test]
async fn a_page_may_have_another_status() {
    let origin = Origin::start().await;
    let files = Arc::new(Files::new());
    files.write("index.html", "<p>app</p>");
    let words = r#"filters = [{ use = "error_pages", pages = [{ status = [404], file = "index.html", as_status = 200 }] }]"#;
    let edge = Edge::start_in(files, &site(&origin, words)).await;
    origin.reply("/some/view", "404\ncache-control: max-age=60", "none");
    for request in ["GET /some/view", "GET /some/view\nrange: bytes=0-1"] {
        is(&edge.request(request).await, 200, "<p>app</p>");
    }
}

#[tokio::test]
async fn a_page_of_an_origin_is_there_while_that_is_down() {
    let (origin, mut pages) = (Origin::start().await, Origin::start().await);
    let words = format!(
        r#"filters = [{{ use = "error_pages", pages = [{{ status = ["5xx"], origin = "pages", path = "/sorry" }}] }}]

        [origin.pages]
        servers = ["{}"]"#,
        pages.address()
    );
    pages.always(
        "/sorry",
        "content-type: text/html; charset=utf-8\ncache-control: max-age=600",
        "<p>from afar</p>",
    );
    let edge = Edge::start(&site(&origin, &words)).await;
    origin.always("/a", "500", "broken");
    // The first error has the page asked for, which comes a moment later.
    let fetched = async {
        while edge.get("/a").await.text() != "<p>from afar</p>" {
            tokio::task::yield_now().await;
        }
    };
    rimward_tests::within("the page is fetched", fetched).await;
    pages.stop().await;
    is(&edge.get("/a").await, 500, "<p>from afar</p>");
}
