//! Functions as origins. What `tried.wasm` does by its path is in `guests/functions/tried/src/lib.rs`.

mod asking;
mod failing;
mod reload;

use rimward_tests::{Edge, Origin, fill, hit, miss};

/// A component that does whatever a function may do well or badly.
fn tried() -> String {
    guest("tests/guests/functions/tried.wasm")
}

/// One that only greets.
fn hello() -> String {
    guest("examples/functions/hello.wasm")
}

fn guest(path: &str) -> String {
    format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"))
}

/// One site over the function `app`, with more keys for it, for the site, and tables after them.
fn site(function: &str, words: &str, site: &str) -> String {
    let text = "[origin.app]\nfunction = \"{function}\"\n{words}\n[[site]]\nhosts = [\"*\"]\norigin = \"app\"\n{site}\n";
    fill(
        text,
        &[("function", &function), ("words", &words), ("site", &site)],
    )
}

/// The same with a listener, for an edge that is a process of its own.
fn listening(text: &str) -> String {
    format!("{text}[[listen]]\naddress = \"127.0.0.1:0\"\n")
}

/// An edge over that function, with more keys for it.
async fn edge(words: &str) -> Edge {
    Edge::start(&site(&tried(), words, "")).await
}

/// Waits until a run of the function has ended so.
async fn ended(edge: &Edge, outcome: &str) {
    let runs = format!("rimward_function_runs_total{{function=\"app\",outcome=\"{outcome}\"}}");
    edge.metric_reaches(&runs, 1.0).await;
}

#[tokio::test]
async fn a_function_answers_as_an_origin_does() {
    let edge = edge("").await;
    assert_eq!(edge.get("/hello").await, miss("hello"));
    let seen = edge.request("GET /head?a=b\nx-mine: 1").await;
    let text = seen.text();
    assert!(
        text.starts_with("Method::Get http://example.com/head?a=b\n"),
        "{text}"
    );
    for line in [
        "x-mine: 1\n",
        "x-forwarded-for: 127.0.0.1\n",
        "x-forwarded-proto: http\n",
        "cdn-loop: rimward\n",
    ] {
        assert!(text.contains(line), "{text}");
    }
    assert_eq!(edge.get("/status?404").await.status, 404);
    ended(&edge, "ok").await;
    edge.metric_reaches("rimward_function_seconds_total{function=\"app\"}", 1e-6)
        .await;
}

#[tokio::test]
async fn what_it_answers_is_cached_as_it_says() {
    let edge = edge("").await;
    assert_eq!(edge.get("/cached").await, miss("kept"));
    assert_eq!(edge.get("/cached").await, hit("kept"));
    let range = edge.request("GET /cached\nrange: bytes=1-2").await;
    assert_eq!((range.status, range.text()), (206, "ep"));
    let head = edge.request("HEAD /cached").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(
        edge.metric("rimward_function_runs_total{function=\"app\"}"),
        1.0
    );
}

#[tokio::test]
async fn an_answer_to_head_is_read_in_vain() {
    let edge = Edge::start(&site(&tried(), "", "cache = false")).await;
    let head = edge.request("HEAD /flood?256").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    ended(&edge, "ok").await;
}

#[tokio::test]
async fn both_bodies_are_passed_on_as_they_come() {
    let edge = edge("").await;
    let mut client = edge.client().await;
    client
        .send("POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n4\r\none\n\r\n")
        .await;
    client.read_until("one\n").await;
    client.send("4\r\ntwo\n\r\n0\r\n\r\n").await;
    client.read_until("two\n\r\n0\r\n\r\n").await;
}

#[tokio::test]
async fn a_large_body_comes_back_whole() {
    let edge = edge("limits = { cpu = \"10s\" }").await;
    let body: String = (0..300_000)
        .map(|number| format!("{number:09}\n"))
        .collect();
    let response = edge.request(&format!("POST /echo\n\n{body}")).await;
    assert_eq!(response.status, 200);
    assert!(
        response.text() == body,
        "{} bytes came back",
        response.body.len()
    );
}

#[tokio::test]
async fn a_slow_body_is_waited_for() {
    let edge = edge("").await;
    let response = edge.get("/slow?4,20").await;
    assert_eq!(response.text(), "part 0\npart 1\npart 2\npart 3\n");
}

#[tokio::test]
async fn it_sees_the_environment_that_it_is_given() {
    let edge = edge("env = { B = \"2\", A = \"1\" }\nargs = [\"--verbose\"]").await;
    let seen = edge.get("/env").await;
    assert_eq!(
        seen.text(),
        "[(\"A\", \"1\"), (\"B\", \"2\")] [\"--verbose\"] None"
    );
}

#[tokio::test]
async fn each_request_has_an_instance_of_its_own() {
    let edge = edge("").await;
    let (one, two) = (edge.get("/random").await, edge.get("/random").await);
    assert_ne!(one.text(), two.text());
}

#[tokio::test]
async fn what_it_does_after_its_response_is_waited_for() {
    let edge = edge("").await;
    assert_eq!(edge.get("/afterwards?20").await, miss("over"));
    ended(&edge, "ok").await;
    edge.metric_reaches("rimward_function_instances{function=\"app\"}", 0.0)
        .await;
}

#[tokio::test]
async fn a_function_that_is_not_there_is_a_mistake_of_the_file() {
    let files = std::sync::Arc::new(rimward_tests::Files::new());
    files.write("module.wasm", b"\0asm\x01\0\0\0");
    for (function, expected) in [
        (
            "missing.wasm",
            "pop.toml:2:12: origin.app.function: cannot read `",
        ),
        (
            "module.wasm",
            "can't be used: the core module has no section `component-type`",
        ),
    ] {
        let text = site(function, "", "");
        let started = Edge::try_start_in(files.clone(), &text).await;
        let problems = started.err().unwrap().to_string();
        assert!(problems.contains(expected), "{problems}");
    }
}

#[tokio::test]
async fn the_example_greets() {
    let text = std::fs::read_to_string(guest("examples/function.toml")).unwrap();
    assert!(
        text.contains("127.0.0.1:8080"),
        "the manual names this address"
    );
    let text = text
        .replace("127.0.0.1:8080", "127.0.0.1:0")
        .replace("functions/hello.wasm", &hello());
    let edge = Edge::start(&text).await;
    assert_eq!(edge.get("/Ann").await, miss("Hello, Ann!\n"));
    assert_eq!(edge.get("/Ann").await, hit("Hello, Ann!\n"));
    assert_eq!(edge.request("POST /Ann").await.status, 405);
}

#[tokio::test]
async fn filters_and_routes_stand_before_it_as_before_any_origin() {
    let origin = Origin::start().await;
    let words = format!("[origin.other]\nservers = [\"{origin}\"]");
    let routes = "[[site.route]]\npath = \"/plain\"\norigin = \"other\"\n[[site.route]]\npath = \"/api/*\"\nfilters = [{ use = \"rewrite\", strip_prefix = \"/api\" }]";
    let edge = Edge::start(&site(&tried(), &words, routes)).await;
    origin.reply("/plain", "", "a server's");
    assert_eq!(edge.get("/plain").await, miss("a server's"));
    assert_eq!(edge.get("/api/hello").await, miss("hello"));
}
