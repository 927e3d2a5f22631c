//! What an operator can see.

use std::sync::Arc;

use rimward_tests::{Edge, Files, Origin, edge::site, within};
use serde_json::Value;

/// Reads the first `count` lines of a log that is being written.
async fn lines(files: &Files, name: &str, count: usize) -> Vec<String> {
    let read = async {
        loop {
            let text = std::fs::read_to_string(files.path(name)).unwrap_or_default();
            if text.matches('\n').count() >= count {
                return text.lines().map(str::to_owned).collect();
            }
            tokio::task::yield_now().await;
        }
    };
    within(&format!("{count} lines in {name}"), read).await
}

/// An edge over `origin` that logs into a file.
async fn logging(origin: &Origin, format: &str) -> (Arc<Files>, Edge) {
    let files = Arc::new(Files::new());
    let log = format!("[log]\naccess = {{ to = \"access.log\", format = \"{format}\" }}\n");
    let edge = Edge::start_in(Arc::clone(&files), &format!("{log}{}", site(origin, ""))).await;
    (files, edge)
}

#[tokio::test]
async fn the_access_log_tells_each_exchange_in_json() {
    let origin = Origin::start().await;
    let (files, edge) = logging(&origin, "json").await;
    origin.reply("/a?b=c", "cache-control: max-age=60", "body");
    edge.request("GET /a?b=c\nuser-agent: test").await;
    edge.get("/a?b=c").await;
    let lines = lines(&files, "access.log", 2).await;
    let records: Vec<Value> = lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let first = &records[0];
    for (key, value) in [
        ("method", "GET"),
        ("host", "example.com"),
        ("target", "/a?b=c"),
        ("client", "127.0.0.1"),
        ("cache", "miss"),
        ("origin", "app"),
        ("user_agent", "test"),
        ("protocol", "HTTP/1.1"),
        ("termination", "--"),
    ] {
        assert_eq!(first[key], value, "{key} of {first}");
    }
    assert_eq!(
        (&first["status"], &first["sent_bytes"]),
        (&Value::from(200), &Value::from(4))
    );
    assert_eq!(records[1]["cache"], "hit");
    assert_ne!(records[0]["request_id"], records[1]["request_id"]);
}

#[tokio::test]
async fn the_access_log_speaks_the_combined_format_too() {
    let origin = Origin::start().await;
    let (files, edge) = logging(&origin, "combined").await;
    origin.reply("/a", "", "body");
    edge.request("GET /a\nreferer: http://ref.example/\nuser-agent: te\"st")
        .await;
    let line = lines(&files, "access.log", 1).await.remove(0);
    assert!(line.starts_with("127.0.0.1 - - ["), "{line}");
    assert!(
        line.contains("\"GET /a HTTP/1.1\" 200 4 \"http://ref.example/\""),
        "{line}"
    );
    assert!(
        !line.contains("te\"st"),
        "a quote of the client's ends a field: {line}"
    );
}

#[tokio::test]
async fn the_termination_code_tells_who_ended_it_and_when() {
    let origin = Origin::start().await;
    let (files, edge) = logging(&origin, "json").await;
    origin.raw("/garbage", "garbage");
    origin.raw("/garbage", "garbage");
    origin.raw("/garbage", "garbage");
    edge.get("/garbage").await;
    let pieces = origin.trickle("/cut", "content-length: 10");
    pieces.send("0123");
    let mut client = edge.client().await;
    client.send("GET /cut HTTP/1.1\r\nhost: x\r\n\r\n").await;
    client.read_head().await.unwrap();
    pieces.cut();
    client.rest().await;
    let lines = lines(&files, "access.log", 2).await;
    let records: Vec<Value> = lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(records[0]["termination"], "OH", "{}", records[0]);
    assert!(
        records[0]["error"]
            .as_str()
            .is_some_and(|error| !error.is_empty())
    );
    assert_eq!(records[1]["termination"], "OB", "{}", records[1]);
}

#[tokio::test]
async fn every_response_has_a_cache_status_with_the_edges_name() {
    let origin = Origin::start().await;
    let edge = Edge::start(&format!("[pop]\nname = \"fra1\"\n{}", site(&origin, ""))).await;
    origin.reply("/a", "cache-control: max-age=60", "v1");
    origin.reply("/p", "", "posted");
    let requests = ["GET /a", "GET /a", "POST /p\n\nx", "HEAD /a"];
    for request in requests {
        let response = edge.request(request).await;
        assert!(
            response.cache_status().starts_with("fra1;"),
            "{request}: {response:?}"
        );
    }
}

#[tokio::test]
async fn requests_are_counted_by_route_and_cache_result() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    origin.reply("/a", "cache-control: max-age=60", "v1");
    for _ in 0..3 {
        edge.get("/a").await;
    }
    edge.metric_reaches("rimward_requests_total{cache=\"hit\"}", 2.0)
        .await;
    edge.metric_reaches("rimward_requests_total{cache=\"miss\"}", 1.0)
        .await;
    edge.metric_reaches("rimward_responses_total{status=\"2xx\"}", 3.0)
        .await;
    edge.metric_reaches("rimward_request_duration_seconds_count", 3.0)
        .await;
}

#[tokio::test]
async fn the_admin_interface_tells_health_and_metrics() {
    let origin = Origin::start().await;
    let edge = Edge::start(&format!(
        "[admin]\naddress = \"127.0.0.1:0\"\n{}",
        site(&origin, "")
    ))
    .await;
    assert_eq!(edge.ask_admin("GET /healthz").await.status, 200);
    assert_eq!(edge.ask_admin("GET /readyz").await.status, 200);
    let metrics = edge.ask_admin("GET /metrics").await;
    assert_eq!(metrics.status, 200);
    assert!(
        metrics.text().contains("# TYPE rimward_responses counter"),
        "{metrics:?}"
    );
    assert_eq!(edge.ask_admin("GET /none").await.status, 404);
}

#[tokio::test]
async fn the_admin_interface_purges_and_does_so_only_by_post() {
    let origin = Origin::start().await;
    let edge = Edge::start(&format!(
        "[admin]\naddress = \"127.0.0.1:0\"\n{}",
        site(&origin, "")
    ))
    .await;
    origin.always("/a", "cache-control: max-age=60", "v1");
    edge.get("/a").await;
    assert_eq!(edge.ask_admin("GET /purge").await.status, 405);
    let purged = edge
        .ask_admin("POST /purge\n\n{ \"url\": \"http://example.com/a\" }")
        .await;
    assert_eq!(purged.status, 200, "{purged:?}");
    assert_eq!(edge.get("/a").await, rimward_tests::miss("v1"));
}

#[tokio::test]
async fn the_admin_interface_refuses_web_pages_and_asks_for_its_token() {
    let origin = Origin::start().await;
    let files = Arc::new(Files::new());
    files.write("token", "0123456789abcdef0123456789abcdef\n");
    let text = format!("[admin]\naddress = \"127.0.0.1:0\"\n{}", site(&origin, ""));
    let edge = Edge::start_in(Arc::clone(&files), &text).await;
    let page = edge
        .ask_admin("POST /reload\norigin: http://evil.example")
        .await;
    assert_eq!(page.status, 403);
    let guarded = text.replace("127.0.0.1:0\"", "127.0.0.1:0\"\ntoken_file = \"token\"");
    let edge = Edge::start_in(files, &guarded).await;
    assert_eq!(edge.ask_admin("GET /metrics").await.status, 401);
    let with_token = "GET /metrics\nauthorization: Bearer 0123456789abcdef0123456789abcdef";
    assert_eq!(edge.ask_admin(with_token).await.status, 200);
}

#[tokio::test]
async fn a_request_id_is_made_up_or_taken_from_a_trusted_proxy() {
    let origin = Origin::start().await;
    let filters = r#"filters = [{ use = "respond", template = "{request_id}" }]"#;
    let wary = Edge::start(&site(&origin, filters)).await;
    let id = wary.request("GET /\nx-request-id: mine").await;
    assert_eq!(id.text().len(), 32, "{id:?}");
    let trusting = format!(
        "[pop]\ntrusted_proxies = [\"127.0.0.0/8\"]\n{}",
        site(&origin, filters)
    );
    let edge = Edge::start(&trusting).await;
    assert_eq!(
        edge.request("GET /\nx-request-id: from-a-proxy")
            .await
            .text(),
        "from-a-proxy"
    );
}
