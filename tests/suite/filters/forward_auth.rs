//! Requests that another origin decides on.

use std::fmt::Display;

use rimward_tests::{Edge, Origin, fill, hit, miss};

const TWO: &str = r#"
    [origin.app]
    servers = ["{app}"]

    [origin.auth]
    servers = ["{auth}"]

    [filter.gate]
    use = "forward_auth"
    origin = "auth"
    path = "/verify"
    {settings}

    [[site]]
    hosts = ["*"]
    origin = "app"
    filters = ["gate"]
"#;

fn text(app: &dyn Display, auth: &dyn Display, settings: &str) -> String {
    fill(
        TWO,
        &[("app", app), ("auth", auth), ("settings", &settings)],
    )
}

async fn with(settings: &str) -> (Edge, Origin, Origin) {
    let (app, auth) = (Origin::start().await, Origin::start().await);
    let text = text(&app.address(), &auth.address(), settings);
    (Edge::start(&text).await, app, auth)
}

#[tokio::test]
async fn who_may_pass_is_told_to_the_origin_and_the_client() {
    let (edge, app, auth) =
        with("to_origin = [\"x-user\"]\n    to_client = [\"set-cookie\"]").await;
    auth.reply("/verify", "x-user: ann\nset-cookie: seen=1", "ignored");
    app.reply("/a?b=c", "", "hello");
    let response = edge
        .request("POST /a?b=c\ncookie: s=1\nx-user: root\ncontent-length: 4\n\nbody")
        .await;
    assert_eq!((response.status, response.text()), (200, "hello"));
    assert_eq!(response.header("set-cookie"), Some("seen=1"));
    assert_eq!(app.last().header("x-user"), Some("ann"));
    assert_eq!(app.last().body, b"body");
    let asked = auth.last();
    assert_eq!((asked.method.as_str(), asked.body.len()), ("GET", 0));
    for (name, value) in [
        ("cookie", "s=1"),
        ("x-forwarded-method", "POST"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", "example.com"),
        ("x-forwarded-uri", "/a?b=c"),
        ("x-forwarded-for", "127.0.0.1"),
    ] {
        assert_eq!(asked.header(name), Some(value), "{name}");
    }
    assert_eq!(asked.header("x-user"), None);
}

#[tokio::test]
async fn a_refusal_is_the_auth_origins_own() {
    let (edge, app, auth) = with("").await;
    auth.reply(
        "/verify",
        "302\nlocation: https://id.example/\nset-cookie: state=1",
        "",
    );
    let response = edge.get("/a").await;
    assert_eq!(
        (response.status, response.header("location")),
        (302, Some("https://id.example/"))
    );
    assert_eq!(response.header("set-cookie"), Some("state=1"));
    auth.reply(
        "/verify",
        "401\nwww-authenticate: Bearer\ncontent-type: text/plain",
        "who are you",
    );
    let response = edge.get("/a").await;
    assert_eq!((response.status, response.text()), (401, "who are you"));
    assert_eq!(response.header("www-authenticate"), Some("Bearer"));
    assert!(app.requests().is_empty());
}

#[tokio::test]
async fn what_is_stored_is_served_only_to_those_who_may_pass() {
    let (edge, app, auth) = with("").await;
    app.reply("/a", "cache-control: max-age=60", "stored");
    for _ in 0..2 {
        auth.reply("/verify", "", "");
    }
    assert_eq!(edge.get("/a").await, miss("stored"));
    assert_eq!(edge.get("/a").await, hit("stored"));
    auth.reply("/verify", "403", "");
    assert_eq!(edge.get("/a").await.status, 403);
}

#[tokio::test]
async fn users_do_not_get_each_others_responses() {
    let (edge, app, auth) = with("to_origin = [\"x-user\"]").await;
    for user in ["ann", "bob"] {
        auth.reply("/verify", &format!("x-user: {user}"), "");
        app.reply("/me", "cache-control: max-age=60", user);
        assert_eq!(edge.get("/me").await, miss(user));
    }
    auth.reply("/verify", "x-user: ann", "");
    assert_eq!(edge.get("/me").await, hit("ann"));
}

#[tokio::test]
async fn a_decision_is_remembered_by_its_key() {
    let (edge, app, auth) = with("cache = { key = [{ cookie = \"s\" }] }").await;
    app.always("/a", "cache-control: max-age=60", "in");
    auth.reply("/verify", "", "");
    assert_eq!(edge.request("GET /a\ncookie: s=1").await, miss("in"));
    assert_eq!(edge.request("GET /a\ncookie: s=1").await, hit("in"));
    auth.reply("/verify", "403", "no");
    assert_eq!(edge.request("GET /a\ncookie: s=2").await.status, 403);
    assert_eq!(edge.request("GET /a\ncookie: s=2").await.status, 403);
    assert_eq!(auth.requests().len(), 2);
    for (outcome, count) in [("allowed", 2.0), ("refused", 2.0)] {
        let metric =
            format!(r#"rimward_filter_outcomes_total{{filter="gate",outcome="{outcome}"}}"#);
        edge.metric_reaches(&metric, count).await;
    }
}

#[tokio::test]
async fn an_auth_origin_that_is_gone_closes_or_opens() {
    for (settings, expected) in [("", 500), ("on_error = 503", 503), ("fail = \"open\"", 200)] {
        let (edge, app, mut auth) = with(settings).await;
        auth.stop().await;
        app.always("/a", "", "in");
        assert_eq!(edge.get("/a").await.status, expected, "{settings}");
    }
}

#[tokio::test]
async fn an_auth_origin_that_is_the_edge_itself_is_no_loop() {
    let (edge, app, _auth) = with("").await;
    let looped = text(&app.address(), &edge.address(), "");
    edge.reload(&looped).await.unwrap();
    assert_eq!(edge.get("/a").await.status, 500);
}
