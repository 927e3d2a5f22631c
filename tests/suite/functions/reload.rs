//! A function's file changes.

use std::sync::Arc;

use rimward_tests::{Binary, Edge, Files, PATIENCE, miss};

use super::{hello, listening, site, tried};

#[tokio::test]
async fn a_new_file_takes_over_and_a_broken_one_does_not() {
    let files = Arc::new(Files::new());
    let (first, second) = (
        std::fs::read(hello()).unwrap(),
        std::fs::read(tried()).unwrap(),
    );
    files.write("app.wasm", &first);
    let text = site("app.wasm", "", "cache = false");
    let edge = Edge::start_in(files.clone(), &text).await;
    let greeting = edge.get("/hello").await;
    assert!(greeting.text().starts_with("Hello"), "{greeting:?}");
    files.replace("app.wasm", &second[..second.len() / 2]);
    let problems = edge.reload(&text).await.unwrap_err().to_string();
    assert!(
        problems.contains("origin.app.function: ") && problems.contains("can't be used"),
        "{problems}"
    );
    assert_eq!(edge.get("/hello").await.text(), greeting.text());
    files.replace("app.wasm", &second);
    edge.reload(&text).await.unwrap();
    assert_eq!(edge.get("/hello").await.text(), "hello");
}

#[tokio::test]
async fn requests_under_way_end_with_the_function_that_they_began_with() {
    let files = Arc::new(Files::new());
    files.write("app.wasm", std::fs::read(tried()).unwrap());
    let text = site("app.wasm", "", "cache = false");
    let edge = Edge::start_in(files.clone(), &text).await;
    let mut client = edge.client().await;
    client
        .send("POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n4\r\none\n\r\n")
        .await;
    client.read_until("one\n").await;
    files.replace("app.wasm", std::fs::read(hello()).unwrap());
    edge.reload(&text).await.unwrap();
    assert!(edge.get("/").await.text().starts_with("Hello"));
    client.send("4\r\ntwo\n\r\n0\r\n\r\n").await;
    client.read_until("two\n\r\n0\r\n\r\n").await;
}

#[tokio::test]
async fn a_function_is_shared_by_what_it_is_made_of() {
    let text = site(&tried(), "", "");
    let edge = Edge::start(&text).await;
    // Compiled once: a reload that had to compile it again would take much longer than all of these.
    for _ in 0..20 {
        edge.reload(&text).await.unwrap();
    }
    assert_eq!(edge.get("/hello").await, miss("hello"));
}

#[tokio::test]
async fn the_file_is_watched() {
    let files = Files::new();
    files.write("app.wasm", std::fs::read(hello()).unwrap());
    let mut binary = Binary::run(&files, &listening(&site("app.wasm", "", "cache = false"))).await;
    assert!(binary.get("/hello").await.text().starts_with("Hello"));
    files.replace("app.wasm", "no function at all");
    binary.says("configuration rejected").await;
    files.replace("app.wasm", std::fs::read(tried()).unwrap());
    binary.says("configuration reloaded").await;
    let answered = async {
        while binary.get("/hello").await.text() != "hello" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, answered).await.unwrap();
}
