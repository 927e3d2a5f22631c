//! HTTP/2 by prior knowledge.

use h2::client::{self, SendRequest};
use http::{Request, StatusCode};

use super::*;

type Sender = SendRequest<Bytes>;

/// A client that has shaken hands; its frames move until it is dropped.
async fn connect(rig: &Rig, listener: &Listener) -> (Sender, tokio::task::JoinHandle<u64>) {
    let stream = rig.connect(listener).0;
    let (sender, frames) = client::handshake(stream).await.unwrap();
    let began = Instant::now();
    let ended = tokio::spawn(async move {
        drop(frames.await);
        began.elapsed().as_secs()
    });
    (sender.ready().await.unwrap(), ended)
}

fn request(method: &str, path: &str) -> Request<()> {
    Request::builder()
        .method(method)
        .uri(format!("http://a{path}"))
        .body(())
        .unwrap()
}

async fn get(sender: &mut Sender, path: &str) -> (StatusCode, String) {
    let (response, _) = sender.send_request(request("GET", path), true).unwrap();
    let response = response.await.unwrap();
    let status = response.status();
    let mut body = response.into_body();
    let mut all = Vec::new();
    while let Some(data) = body.data().await {
        let data = data.unwrap();
        body.flow_control().release_capacity(data.len()).unwrap();
        all.extend_from_slice(&data);
    }
    (status, String::from_utf8(all).unwrap())
}

#[tokio::test(start_paused = true)]
async fn requests_share_a_connection() {
    let rig = Rig::new();
    let (mut sender, _) = connect(&rig, &listener()).await;
    assert_eq!(
        get(&mut sender, "/x?y").await,
        (StatusCode::OK, "GET /x?y a".into())
    );
    assert_eq!(get(&mut sender, "/who").await.1, peer().to_string());
    let (slow, _) = sender.send_request(request("GET", "/gate"), true).unwrap();
    assert_eq!(get(&mut sender, "/large").await.1.len(), 4 * 1024 * 1024);
    rig.app.gate.add_permits(1);
    assert_eq!(slow.await.unwrap().status(), 200);
}

#[tokio::test(start_paused = true)]
async fn bodies_reach_the_app() {
    let rig = Rig::new();
    let (mut sender, _) = connect(&rig, &listener()).await;
    let (response, mut send) = sender
        .send_request(request("POST", "/echo"), false)
        .unwrap();
    send.send_data(Bytes::from("hello"), false).unwrap();
    send.send_data(Bytes::from(" world"), true).unwrap();
    let mut body = response.await.unwrap().into_body();
    assert_eq!(body.data().await.unwrap().unwrap(), "hello world");
}

#[tokio::test(start_paused = true)]
async fn heads_that_are_ambiguous_are_refused() {
    let rig = Rig::new();
    let (mut sender, _) = connect(&rig, &listener()).await;
    for (status, request) in [
        (400, Request::get("http://a;b/").body(()).unwrap()),
        (
            400,
            Request::get("http://a/")
                .header("host", "b")
                .body(())
                .unwrap(),
        ),
        (
            413,
            Request::post("http://a/")
                .header("content-length", "1048577")
                .body(())
                .unwrap(),
        ),
        (
            414,
            Request::get(format!("http://a/{}", "a".repeat(9000)))
                .body(())
                .unwrap(),
        ),
    ] {
        let (response, _) = sender.send_request(request, status != 413).unwrap();
        assert_eq!(response.await.unwrap().status(), status);
    }
    assert_eq!(rig.told.count("refused"), 4);
    assert_eq!(get(&mut sender, "/").await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn many_malformed_requests_end_the_connection() {
    let rig = Rig::new();
    let (mut sender, ended) = connect(&rig, &listener()).await;
    for _ in 0..32 {
        let Ok((response, _)) =
            sender.send_request(Request::get("http://a;b/").body(()).unwrap(), true)
        else {
            break;
        };
        if response.await.is_err() {
            break;
        }
    }
    assert_eq!(ended.await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn idle_connections_end() {
    let rig = Rig::new();
    let (mut sender, ended) = connect(&rig, &listener()).await;
    assert_eq!(get(&mut sender, "/").await.0, 200);
    assert_eq!(ended.await.unwrap(), 60);

    let (sender, ended) = connect(&rig, &listener()).await;
    assert_eq!(ended.await.unwrap(), 60);
    drop(sender);
}

#[tokio::test(start_paused = true)]
async fn half_a_head_and_pings_do_not_keep_a_connection() {
    let rig = Rig::new();
    let mut raw = rig.connect(&listener());
    raw.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .await
        .send([0, 0, 0, 4, 0, 0, 0, 0, 0])
        .await;
    // HEADERS of stream 1 without END_HEADERS.
    raw.send([0, 0, 1, 1, 1, 0, 0, 0, 1, 0x82]).await;
    let (mut read, _write) = tokio::io::split(raw.0);
    let began = Instant::now();
    let mut all = Vec::new();
    read.read_to_end(&mut all).await.unwrap();
    assert!(
        (60..=62).contains(&began.elapsed().as_secs()),
        "{:?}",
        began.elapsed()
    );

    let mut raw = rig.connect(&listener());
    raw.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .await
        .send([0, 0, 0, 4, 0, 0, 0, 0, 0])
        .await;
    let (mut read, mut write) = tokio::io::split(raw.0);
    let pings = tokio::spawn(async move {
        while write
            .write_all(&[0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8])
            .await
            .is_ok()
        {
            sleep(secs(5)).await;
        }
    });
    let began = Instant::now();
    read.read_to_end(&mut all).await.unwrap();
    assert!(
        (60..=62).contains(&began.elapsed().as_secs()),
        "{:?}",
        began.elapsed()
    );
    pings.abort();
}

#[tokio::test(start_paused = true)]
async fn half_a_handshake_is_cut() {
    let rig = Rig::new();
    let (seconds, _) = rig
        .connect(&listener())
        .send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r")
        .await
        .ends_after()
        .await;
    assert_eq!(seconds, 10);
}

#[tokio::test(start_paused = true)]
async fn bodies_that_stall_are_answered_with_408() {
    let rig = Rig::new();
    let (mut sender, _) = connect(&rig, &listener()).await;
    let (response, mut send) = sender
        .send_request(request("POST", "/echo"), false)
        .unwrap();
    send.send_data(Bytes::from("hello"), false).unwrap();
    let began = Instant::now();
    assert_eq!(response.await.unwrap().status(), 408);
    assert_eq!(began.elapsed().as_secs(), 10);
    assert_eq!(get(&mut sender, "/").await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn bodies_beyond_the_bound_are_answered_with_413() {
    let rig = Rig::new();
    let mut bounded = listener();
    bounded.limits.max_body = 10;
    let (mut sender, _) = connect(&rig, &bounded).await;
    let (response, mut send) = sender
        .send_request(request("POST", "/echo"), false)
        .unwrap();
    send.send_data(Bytes::from("hello hello"), false).unwrap();
    assert_eq!(response.await.unwrap().status(), 413);
}

#[tokio::test(start_paused = true)]
async fn readers_that_never_open_their_window_are_cut() {
    let rig = Rig::new();
    let (mut sender, _) = connect(&rig, &listener()).await;
    let (response, _) = sender.send_request(request("GET", "/large"), true).unwrap();
    let mut body = response.await.unwrap().into_body();
    let began = Instant::now();
    let mut read = 0;
    let error = loop {
        match body.data().await {
            Some(Ok(data)) => read += data.len(),
            other => break other,
        }
    };
    assert!(error.unwrap().unwrap_err().is_reset());
    assert!(read < 70_000, "{read}");
    assert_eq!(began.elapsed().as_secs(), 30);
    // The window of the connection is used up as well, so that only a head can pass.
    let (response, _) = sender.send_request(request("GET", "/"), true).unwrap();
    assert_eq!(response.await.unwrap().status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_connection_has_a_bound_of_requests() {
    let rig = Rig::new();
    let mut bounded = listener();
    bounded.limits.max_requests_per_connection = 3;
    let (mut sender, ended) = connect(&rig, &bounded).await;
    for _ in 0..3 {
        assert_eq!(get(&mut sender, "/").await.0, 200);
    }
    assert!(ended.await.unwrap() <= 2);
}

#[tokio::test(start_paused = true)]
async fn http2_can_be_switched_off() {
    let rig = Rig::new();
    let mut old = listener();
    old.http2 = false;
    let rest = rig
        .connect(&old)
        .send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .await
        .rest()
        .await;
    assert!(rest.starts_with("HTTP/1.1 505 "), "{rest}");
}
