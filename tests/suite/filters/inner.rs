//! Requests that filters make to the edge itself.

use rimward_tests::{Edge, Origin, fill};

/// A site whose `/asks` is answered by what the edge says to a request like this.
const SITE: &str = r#"
    [origin.app]
    servers = ["{origin}"]

    [[site]]
    hosts = ["example.com"]
    origin = "app"

      [[site.route]]
      path = "/asks"
      filters = [{ use = "inner", {asks} }]

      [[site.route]]
      path = "/wants"
      filters = [{ use = "uploads", wants = 99, rewrite = "append" }]

      [[site.route]]
      path = "/relays"
      filters = [{ use = "inner", path = "/asks" }]
"#;

async fn with(origin: &Origin, asks: &str) -> Edge {
    let asks = asks.to_owned();
    Edge::start(&fill(SITE, &[("origin", origin), ("asks", &asks)])).await
}

#[tokio::test]
async fn the_edge_answers_as_it_would_a_client() {
    let origin = Origin::start().await;
    let edge = with(&origin, "path = \"/page?x=1\"").await;
    origin.reply(
        "/page?x=1",
        "cache-control: max-age=60\ncontent-type: text/plain",
        "page",
    );
    for cache in ["fwd=uri-miss", "hit"] {
        let response = edge.get("/asks").await;
        assert_eq!((response.status, response.text()), (200, "page"));
        assert_eq!(response.header("x-type"), Some("text/plain"));
        let told = response.header("x-cache").unwrap_or("");
        assert!(told.contains(cache), "{told}");
    }
    assert_eq!(edge.h2().await.get("/asks").await.text(), "page");
    assert_eq!(edge.get("/page?x=1").await.text(), "page");
    let asked = origin.requests();
    assert_eq!(asked.len(), 1);
    // Not what the filter says of the client.
    assert_eq!(asked[0].header("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(asked[0].header("host"), Some("example.com"));
}

#[tokio::test]
async fn such_requests_count_as_what_they_are() {
    let origin = Origin::start().await;
    let edge = with(&origin, "path = \"/page\"").await;
    origin.reply("/page", "cache-control: max-age=60", "page");
    for _ in 0..3 {
        edge.get("/asks").await;
    }
    let inner = |cache: &str| {
        edge.metric(&format!(
            "rimward_inner_requests_total{{route=\"/*\",cache=\"{cache}\"}}"
        ))
    };
    assert_eq!((inner("miss"), inner("hit")), (1.0, 2.0));
    let clients =
        |route: &str| edge.metric(&format!("rimward_requests_total{{route=\"{route}\"}}"));
    assert_eq!((clients("/asks"), clients("/*")), (3.0, 0.0));
    edge.metric_reaches("rimward_requests_in_flight", 0.0).await;
}

#[tokio::test]
async fn bodies_go_along_and_may_be_wanted() {
    let origin = Origin::start().await;
    origin.always("/plain", "", "ok");
    origin.always("/wants", "", "ok");
    for (path, expected) in [("/plain", "abc"), ("/wants", "abc!")] {
        let asks = format!("method = \"POST\", path = \"{path}\", body = \"abc\"");
        let edge = with(&origin, &asks).await;
        assert_eq!(edge.get("/asks").await.text(), "ok");
        assert_eq!(origin.last().body, expected.as_bytes());
    }
}

#[tokio::test]
async fn a_head_has_no_body() {
    let origin = Origin::start().await;
    let edge = with(&origin, "method = \"HEAD\", path = \"/page\"").await;
    origin.reply("/page", "cache-control: max-age=60", "page");
    for _ in 0..2 {
        let response = edge.get("/asks").await;
        assert_eq!((response.status, response.text()), (200, ""));
    }
}

#[tokio::test]
async fn requests_stand_in_so_many_others_and_no_more() {
    let origin = Origin::start().await;
    origin.always("/page", "", "page");
    // The second level asks, and so on.
    let edge = with(&origin, "path = \"/page\"").await;
    assert_eq!(edge.get("/relays").await.text(), "page");
    let edge = with(&origin, "path = \"/asks\"").await;
    let response = edge.get("/asks").await;
    assert_eq!(response.status, 500);
    assert!(
        response.text().contains("3 deep, and no more"),
        "{}",
        response.text()
    );
}

#[tokio::test]
async fn a_host_that_no_site_has_is_refused_as_for_a_client() {
    let origin = Origin::start().await;
    let edge = with(&origin, "host = \"elsewhere.example\"").await;
    assert_eq!(edge.get("/asks").await.status, 421);
    let edge = with(&origin, "host = \"\"").await;
    let response = edge.get("/asks").await;
    assert!(response.text().contains("its host is none"));
}

#[tokio::test]
async fn what_takes_too_long_is_too_late() {
    let origin = Origin::start().await;
    let edge = with(&origin, "path = \"/page\", time = 50").await;
    let gate = origin.hold("/page", "", "page");
    let response = edge.get("/asks").await;
    assert!(response.text().contains("within 50ms"), "{response:?}");
    gate.open();
}

#[tokio::test]
async fn what_is_too_long_is_told_apart() {
    for head in [
        "",
        "transfer-encoding: chunked",
        "cache-control: max-age=60",
    ] {
        let origin = Origin::start().await;
        let edge = with(&origin, "path = \"/page\", most = 3").await;
        let body = match head.starts_with('t') {
            true => "4\r\npage\r\n0\r\n\r\n",
            false => "page",
        };
        origin.always("/page", head, body);
        for _ in 0..2 {
            let response = edge.get("/asks").await;
            assert!(
                response.text().contains("longer than 3 bytes"),
                "{response:?}"
            );
        }
    }
}

#[tokio::test]
async fn half_a_response_is_none() {
    let origin = Origin::start().await;
    let edge = with(&origin, "path = \"/page\"").await;
    origin.hang_up_after("/page", "", "0123456789", 5);
    let response = edge.get("/asks").await;
    assert_eq!(response.status, 500);
    assert!(
        response.text().contains("no whole response"),
        "{response:?}"
    );
    origin.reply("/page", "", "page");
    assert_eq!(edge.get("/asks").await.text(), "page");
    // An origin that says nothing at all is an error with a page.
    origin.hang_up("/page");
    origin.hang_up("/page");
    origin.hang_up("/page");
    assert_eq!(edge.get("/asks").await.status, 502);
}

#[tokio::test]
async fn a_configuration_that_was_replaced_still_asks_itself() {
    let origin = Origin::start().await;
    let edge = with(&origin, "path = \"/page\"").await;
    let gate = origin.hold("/page", "", "old");
    let address = edge.address();
    let asking = tokio::spawn(async move {
        let mut client = rimward_tests::Client::connect(address).await;
        client.get("/asks").await
    });
    gate.reached().await;
    let text = fill(SITE, &[("origin", &origin), ("asks", &"path = \"/new\"")]);
    edge.reload(&text).await.unwrap();
    origin.reply("/new", "", "new");
    assert_eq!(edge.get("/asks").await.text(), "new");
    gate.open();
    assert_eq!(asking.await.unwrap().text(), "old");
}
