//! Functions that do what they may not: each ends alone.

use rimward_tests::{Binary, Broken, Edge, Files, miss};

use super::{edge, ended, listening, site, tried};

/// Asks for a path that a function fails at before it answers: the status of the edge's answer.
async fn fails(edge: &Edge, path: &str, outcome: &str) -> u16 {
    let response = edge.get(path).await;
    ended(edge, outcome).await;
    assert_eq!(edge.get("/hello").await, miss("hello"), "after {path}");
    response.status
}

/// Asks for a path that a function fails at within its body.
async fn breaks_off(edge: &Edge, path: &str, outcome: &str) {
    match edge.try_request(&format!("GET {path}")).await {
        Err(Broken::CutOff(body)) => {
            // What was under way when it ended need not have come.
            assert!(
                path.contains("flood") || b"half".starts_with(&body),
                "{path}: {body:?}"
            );
        }
        // It failed before anything of its response was sent.
        Ok(response) if response.status == 502 => {}
        other => panic!("{path} was not cut off: {other:?}"),
    }
    ended(edge, outcome).await;
    assert_eq!(edge.get("/hello").await, miss("hello"), "after {path}");
}

#[tokio::test]
async fn a_function_that_gives_up_is_an_origin_that_failed() {
    let edge = edge("").await;
    for (path, outcome) in [
        ("/trap", "trap"),
        ("/deep", "trap"),
        ("/resources", "trap"),
        ("/silent", "no_response"),
        ("/error", "error"),
    ] {
        assert_eq!(fails(&edge, path, outcome).await, 502, "{path}");
    }
    assert_eq!(
        edge.metric("rimward_function_instances{function=\"app\"}"),
        0.0
    );
}

#[tokio::test]
async fn a_body_that_is_not_finished_is_cut_off() {
    let edge =
        edge("limits = { wall = \"300ms\", response_body = \"64KiB\", cpu = \"50ms\" }").await;
    for (path, outcome) in [
        ("/trap-late", "trap"),
        ("/loop-late", "cpu"),
        ("/hang-late", "timeout"),
        ("/unfinished", "unfinished"),
        ("/short", "unfinished"),
        ("/flood?1024", "too_long"),
    ] {
        breaks_off(&edge, path, outcome).await;
    }
}

#[tokio::test]
async fn nothing_of_what_was_cut_off_is_stored() {
    let edge = Edge::start(&site(&tried(), "", "cache = { ttl = \"1h\" }")).await;
    for _ in 0..2 {
        edge.try_request("GET /trap-late").await.unwrap_err();
    }
    assert_eq!(
        edge.metric("rimward_function_runs_total{function=\"app\",outcome=\"trap\"}"),
        2.0
    );
}

#[tokio::test]
async fn a_function_that_never_ends_is_ended() {
    let edge = edge("limits = { cpu = \"50ms\", wall = \"100ms\" }").await;
    assert_eq!(fails(&edge, "/loop", "cpu").await, 504);
    assert_eq!(fails(&edge, "/hang", "timeout").await, 504);
}

#[tokio::test]
async fn waiting_is_not_counted_as_time_on_a_processor() {
    let edge = edge("limits = { cpu = \"50ms\" }").await;
    let response = edge.get("/slow?4,50").await;
    assert_eq!(response.text(), "part 0\npart 1\npart 2\npart 3\n");
}

#[tokio::test]
async fn memory_has_a_limit() {
    let edge = edge("limits = { memory = \"16MiB\" }").await;
    assert_eq!(fails(&edge, "/hog", "memory").await, 502);
}

#[tokio::test]
async fn what_goes_on_for_ever_after_its_response_is_ended() {
    let edge = edge("limits = { wall = \"100ms\" }").await;
    assert_eq!(edge.get("/afterwards?60000").await, miss("over"));
    ended(&edge, "timeout").await;
}

#[tokio::test]
async fn a_client_that_leaves_takes_the_function_with_it() {
    let edge = Edge::start(&site(&tried(), "", "cache = false")).await;
    for path in ["/hang", "/hang-late", "/slow?1000,10", "/echo"] {
        let before = edge.metric("rimward_function_runs_total{function=\"app\",outcome=\"left\"}");
        let mut client = edge.client().await;
        let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\n");
        match path {
            "/hang" => {
                client.send(head + "\r\n").await;
                edge.metric_reaches("rimward_function_instances{function=\"app\"}", 1.0)
                    .await;
            }
            "/echo" => {
                let body = "transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n";
                client.send(head.replace("GET", "POST") + body).await;
                client.read_until("half").await;
            }
            _ => {
                client.send(head + "\r\n").await;
                client.read_until("\r\n\r\n").await;
            }
        }
        drop(client);
        let left = "rimward_function_runs_total{function=\"app\"}";
        edge.metric_reaches(left, before + 1.0).await;
    }
    assert_eq!(
        edge.metric("rimward_function_instances{function=\"app\"}"),
        0.0
    );
}

#[tokio::test]
async fn more_requests_than_it_may_answer_are_refused() {
    let edge = Edge::start(&site(
        &tried(),
        "limits = { concurrency = 1 }",
        "cache = false",
    ))
    .await;
    let mut client = edge.client().await;
    client
        .send("GET /hang-late HTTP/1.1\r\nhost: x\r\n\r\n")
        .await;
    client.read_until("half").await;
    assert_eq!(edge.get("/hello").await.status, 503);
    drop(client);
    edge.eventually("/hello", rimward_tests::pass("hello"))
        .await;
}

#[tokio::test]
async fn what_it_writes_is_in_the_log() {
    let files = Files::new();
    let mut binary = Binary::run(
        &files,
        &listening(&site(&tried(), "limits = { log = \"1KiB\" }", "")),
    )
    .await;
    assert_eq!(binary.get("/log?100").await.status, 200);
    let said = binary.says("one line, in two parts").await;
    assert!(said.contains("app"), "{said}");
    binary.says("something is odd").await;
    binary
        .says("the function logs more than it may (`limits.log`)")
        .await;
    assert_eq!(binary.get("/trap").await.status, 502);
    let said = binary.says("a function failed: ").await;
    assert!(
        said.contains("unreachable") && said.contains("trap"),
        "{said}"
    );
    assert!(!binary.output().contains("line 0099"));
}

#[tokio::test]
async fn what_it_writes_is_asked_for_by_its_name() {
    let text = site(&tried(), "", "[admin]\naddress = \"127.0.0.1:0\"");
    let text = text
        .replace("\"app\"", "\"told\"")
        .replace(".app]", ".told]");
    let edge = Edge::start(&text).await;
    assert_eq!(edge.get("/log?1").await.status, 200);
    let runs = "rimward_function_runs_total{function=\"told\",outcome=\"ok\"}";
    edge.metric_reaches(runs, 1.0).await;
    assert_eq!(edge.get("/trap").await.status, 502);
    let told = edge.ask_admin("GET /plugins/told/logs?since=0").await;
    let told: serde_json::Value = serde_json::from_slice(&told.body).unwrap();
    let messages = told["messages"].as_array().unwrap();
    for (message, (level, text)) in messages.iter().zip([
        ("info", "one line, in two parts"),
        ("info", "and the next"),
        ("warn", "something is odd"),
        ("info", "line 0000"),
        ("info", "without an end"),
        ("error", "failed: "),
    ]) {
        assert!(
            message["text"].as_str().unwrap().starts_with(text),
            "{message}"
        );
        assert_eq!(message["level"], level);
        assert_eq!(message["version"].as_str().unwrap().len(), 12, "{message}");
    }
    assert_eq!(messages.len(), 6, "{messages:?}");
    let other = edge.ask_admin("GET /plugins/nobody/logs").await;
    assert_eq!(other.status, 404);
}
