//! The filters that every site may want.

use std::sync::Arc;

use rimward_tests::{Edge, Files, Origin, edge::site, hit, miss};

/// An edge over `origin` whose only site has these filters.
async fn with(origin: &Origin, filters: &str) -> Edge {
    Edge::site_with(origin, &format!("filters = [{filters}]")).await
}

#[tokio::test]
async fn headers_change_in_every_phase() {
    let origin = Origin::start().await;
    let edge = with(
        &origin,
        r#"{ use = "headers",
             request = { set = { x-client = "{client_ip}" }, remove = ["x-internal-*"] },
             origin_request = { set = { x-to-origin = "yes" } },
             origin_response = { set = { x-stored = "{request_id}" } },
             response = { set = { x-id = "{request_id}" }, append = { vary = "x-test" }, remove = ["server"] } }"#,
    )
    .await;
    origin.reply(
        "/a",
        "cache-control: max-age=60\nserver: secret\nvary: accept",
        "v1",
    );
    let first = edge.request("GET /a\nx-internal-role: admin").await;
    let request = origin.last();
    assert_eq!(request.header("x-client"), Some("127.0.0.1"));
    assert_eq!(
        (
            request.header("x-internal-role"),
            request.header("x-to-origin")
        ),
        (None, Some("yes"))
    );
    assert_eq!(first.header("server"), None);
    assert!(
        first
            .headers
            .all("vary")
            .any(|value| value.contains("x-test"))
    );
    let second = edge.get("/a").await;
    assert_eq!(second, hit("v1"));
    assert_eq!(
        second.header("x-stored"),
        first.header("x-stored"),
        "what origin_response changes is stored"
    );
    assert_ne!(
        second.header("x-id"),
        first.header("x-id"),
        "what response changes is not"
    );
}

#[tokio::test]
async fn redirect_sends_clients_elsewhere_with_their_path_and_query() {
    let origin = Origin::start().await;
    let edge = with(
        &origin,
        r#"{ use = "redirect", to = "https://new.example{path}", status = 308 }"#,
    )
    .await;
    let response = edge.get("/a/b?c=d").await;
    assert_eq!(
        (response.status, response.header("location")),
        (308, Some("https://new.example/a/b?c=d"))
    );
}

#[tokio::test]
async fn rewrite_changes_what_the_cache_and_the_origin_see() {
    let origin = Origin::start().await;
    let filter = r#"{ use = "rewrite", strip_prefix = "/shop", regex = { match = "^/item-([0-9]+)$", replace = "/items/$1" }, query = { remove = ["utm_*"] } }"#;
    let edge = with(&origin, filter).await;
    origin.reply("/items/7?page=1", "cache-control: max-age=60", "v1");
    assert_eq!(
        edge.get("/shop/item-7?utm_source=x&page=1").await,
        miss("v1")
    );
    assert_eq!(
        edge.get("/shop/item-7?page=1&utm_medium=y").await,
        hit("v1")
    );
}

#[tokio::test]
async fn respond_answers_with_a_maintenance_page_and_lets_some_through() {
    let origin = Origin::start().await;
    let filter = r#"{ use = "respond", status = 503, body = "<p>soon</p>", content_type = "text/html", retry_after = "10m" }"#;
    let response = with(&origin, filter).await.get("/a").await;
    assert_eq!(
        (
            response.status,
            response.text(),
            response.header("retry-after")
        ),
        (503, "<p>soon</p>", Some("600"))
    );
    let excepted = filter.replace("status = 503", "status = 503, except = [\"127.0.0.0/8\"]");
    origin.reply("/a", "", "open");
    assert_eq!(
        with(&origin, &excepted).await.get("/a").await.text(),
        "open"
    );
}

#[tokio::test]
async fn basic_auth_lets_in_who_is_in_the_file() {
    let origin = Origin::start().await;
    let files = Arc::new(Files::new());
    files.write(
        "users",
        "ann:$2b$04$eWz7yxO1rSAczP8H0igWj.lIhZ76LUq8MPLIWiucc7tauIM2TCyNa\n",
    );
    let text = site(
        &origin,
        r#"filters = [{ use = "basic_auth", users = "users", realm = "staging" }]"#,
    );
    let edge = Edge::start_in(files, &text).await;
    let refused = edge.get("/a").await;
    assert_eq!(refused.status, 401);
    assert!(
        refused
            .header("www-authenticate")
            .is_some_and(|challenge| challenge.starts_with("Basic realm=\"staging\""))
    );
    // ann:wrong
    assert_eq!(
        edge.request("GET /a\nauthorization: Basic YW5uOndyb25n")
            .await
            .status,
        401
    );
    origin.reply("/a", "", "in");
    // ann:open sesame
    assert_eq!(
        edge.request("GET /a\nauthorization: Basic YW5uOm9wZW4gc2VzYW1l")
            .await
            .text(),
        "in"
    );
    assert_eq!(
        origin.last().header("authorization"),
        None,
        "the origin is not told the password"
    );
}

#[tokio::test]
async fn basic_auth_guards_what_is_stored_too() {
    let origin = Origin::start().await;
    let files = Arc::new(Files::new());
    files.write(
        "users",
        "ann:$2b$04$eWz7yxO1rSAczP8H0igWj.lIhZ76LUq8MPLIWiucc7tauIM2TCyNa\n",
    );
    let text = site(
        &origin,
        r#"filters = [{ use = "basic_auth", users = "users" }]"#,
    );
    let edge = Edge::start_in(files, &text).await;
    origin.reply("/a", "cache-control: max-age=60", "secret");
    edge.request("GET /a\nauthorization: Basic YW5uOm9wZW4gc2VzYW1l")
        .await;
    assert_eq!(edge.get("/a").await.status, 401);
}

#[tokio::test]
async fn ip_access_goes_by_the_address() {
    let origin = Origin::start().await;
    origin.always("/a", "", "in");
    for (filter, status) in [
        (r#"{ use = "ip_access", allow = ["127.0.0.0/8"] }"#, 200),
        (r#"{ use = "ip_access", allow = ["192.0.2.0/24"] }"#, 403),
        (r#"{ use = "ip_access", deny = ["127.0.0.1"] }"#, 403),
        (
            r#"{ use = "ip_access", deny = ["127.0.0.1"], status = 404 }"#,
            404,
        ),
    ] {
        assert_eq!(
            with(&origin, filter).await.get("/a").await.status,
            status,
            "{filter}"
        );
    }
}

#[tokio::test]
async fn rate_limit_refuses_what_is_too_much_and_says_when_to_come_back() {
    let origin = Origin::start().await;
    origin.always("/a", "", "in");
    let edge = with(
        &origin,
        r#"{ use = "rate_limit", rate = "1/h", burst = 2, key = { header = "x-api-key" } }"#,
    )
    .await;
    for _ in 0..2 {
        let response = edge.request("GET /a\nx-api-key: one").await;
        assert_eq!(response.status, 200);
        assert!(
            response.header("ratelimit").is_some() && response.header("ratelimit-policy").is_some(),
            "{response:?}"
        );
    }
    let refused = edge.request("GET /a\nx-api-key: one").await;
    assert_eq!(refused.status, 429);
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=3600).contains(&wait), "{wait}");
    assert_eq!(edge.request("GET /a\nx-api-key: two").await.status, 200);
}

#[tokio::test]
async fn cors_answers_preflights_and_marks_answers() {
    let origin = Origin::start().await;
    let edge = with(
        &origin,
        r#"{ use = "cors", origins = ["https://app.example"], methods = ["GET", "PUT"] }"#,
    )
    .await;
    let preflight = "OPTIONS /a\norigin: https://app.example\naccess-control-request-method: PUT";
    let response = edge.request(preflight).await;
    assert!(matches!(response.status, 200 | 204), "{response:?}");
    assert_eq!(
        response.header("access-control-allow-origin"),
        Some("https://app.example")
    );
    assert!(
        response
            .header("access-control-allow-methods")
            .is_some_and(|methods| methods.contains("PUT"))
    );
    origin.reply("/a", "cache-control: max-age=60", "v1");
    let response = edge.request("GET /a\norigin: https://app.example").await;
    assert_eq!(
        response.header("access-control-allow-origin"),
        Some("https://app.example")
    );
    let other = edge.request("GET /a\norigin: https://evil.example").await;
    assert_eq!(
        (other.status, other.header("access-control-allow-origin")),
        (200, None)
    );
}

#[tokio::test]
async fn request_limits_are_tighter_than_the_listeners() {
    let origin = Origin::start().await;
    let edge = with(&origin, r#"{ use = "request_limits", max_body = "4B" }"#).await;
    assert_eq!(edge.request("POST /a\n\n12345").await.status, 413);
    let mut client = edge.client().await;
    client.send("POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n\r\n").await;
    assert_eq!(client.read("POST").await.unwrap().status, 413);
    origin.reply("/a", "", "ok");
    assert_eq!(edge.request("POST /a\n\n1234").await.text(), "ok");
}

#[tokio::test]
async fn filters_are_an_onion() {
    let origin = Origin::start().await;
    let edge = with(
        &origin,
        r#"{ use = "headers", request = { append = { x-order = "outer" } }, response = { append = { x-order = "outer" } } },
           { use = "headers", request = { append = { x-order = "inner" } }, response = { append = { x-order = "inner" } } }"#,
    )
    .await;
    origin.reply("/a", "", "ok");
    let response = edge.get("/a").await;
    let order: Vec<String> = origin
        .last()
        .headers
        .all("x-order")
        .map(str::to_owned)
        .collect();
    assert_eq!(order.join(", "), "outer, inner");
    assert_eq!(
        response
            .headers
            .all("x-order")
            .collect::<Vec<_>>()
            .join(", "),
        "inner, outer"
    );
}

#[tokio::test]
async fn filters_before_the_one_that_answers_see_its_response_and_those_after_it_do_not() {
    let origin = Origin::start().await;
    let edge = with(
        &origin,
        r#"{ use = "headers", response = { set = { x-before = "yes" } } },
           { use = "respond", body = "answered" },
           { use = "headers", response = { set = { x-after = "yes" } } }"#,
    )
    .await;
    let response = edge.get("/a").await;
    assert_eq!(
        (
            response.text(),
            response.header("x-before"),
            response.header("x-after")
        ),
        ("answered", Some("yes"), None)
    );
}

#[tokio::test]
async fn a_filters_time_is_counted_and_can_be_shown() {
    let origin = Origin::start().await;
    let words = r#"filters = [{ use = "headers", response = { set = { x = "y" } } }]"#;
    let edge = Edge::start(&format!(
        "[pop]\nserver_timing = true\n{}",
        site(&origin, words)
    ))
    .await;
    origin.reply("/a", "", "ok");
    assert!(edge.get("/a").await.header("server-timing").is_some());
    edge.metric_reaches("rimward_filter_runs_total{phase=\"response\"}", 1.0)
        .await;
}
