//! Client connections.

use std::sync::Arc;

use pingora::modules::http::compression::ResponseCompression;
use pingora::proxy::{HttpProxy, http_proxy};
use pingora::server::configuration::ServerConf;
use rimward_tests::{Client, H2Client, Origin, within};
use tokio::io::DuplexStream;

use super::probe::Probe;

#[tokio::test]
async fn a_proxy_serves_over_a_pipe_in_memory() {
    let origin = Origin::start().await;
    origin.reply("/a", "", "v1");
    let response = Probe::of(&origin).start().connect().get("/a").await;
    assert_eq!((response.status, response.text()), (200, "v1"));
    assert_eq!(origin.last().header("via"), Some("probe"));
}

/// So the edge must set a bound itself for each request.
#[tokio::test]
async fn keep_alive_is_unbounded_from_the_moment_a_head_is_parsed() {
    let origin = Origin::start().await;
    origin.always("/a", "", "v1");
    let probe = Probe::of(&origin);
    let keepalives = Arc::clone(&probe.keepalives);
    let mut client = probe.start().connect();
    client.get("/a").await;
    client.get("/a").await;
    assert_eq!(
        *keepalives.lock().unwrap(),
        [Some(0), Some(0)],
        "0 stands for no bound"
    );
}

#[tokio::test]
async fn a_response_written_in_request_filter_leaves_the_connection_usable() {
    let origin = Origin::start().await;
    origin.reply("/a", "", "v1");
    let proxy = Probe {
        direct: true,
        ..Probe::of(&origin)
    }
    .start();
    let mut client = proxy.connect();
    assert_eq!(client.get("/direct").await.text(), "direct");
    assert_eq!(client.get("/a").await.text(), "v1");
}

#[tokio::test]
async fn a_body_that_was_not_read_is_never_taken_for_a_request() {
    let origin = Origin::start().await;
    let mut client = Probe {
        direct: true,
        ..Probe::of(&origin)
    }
    .start()
    .connect();
    let body = "GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n";
    assert_eq!(
        client
            .request(&format!("GET /direct\n\n{body}"))
            .await
            .text(),
        "direct"
    );
    assert_eq!(client.rest().await, b"");
}

#[tokio::test]
async fn a_served_connection_comes_back_as_the_stream_it_was() {
    let origin = Origin::start().await;
    origin.reply("/a", "", "v1");
    let proxy = Probe::of(&origin).start();
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let asked = tokio::spawn(async move { Client::over(ours).get("/a").await });
    let reused = within("the engine", proxy.serve_one(theirs))
        .await
        .expect("the connection can be used again");
    let (stream, settings) = reused.consume();
    assert!(stream.into_any().downcast::<DuplexStream>().is_ok());
    assert!(settings.is_some());
    assert_eq!(asked.await.unwrap().status, 200);
}

/// So doing it again after `http_proxy` would be one time too many.
#[tokio::test]
async fn http_proxy_initialises_the_modules_and_new_does_not() {
    let origin = Origin::start().await;
    let conf = Arc::new(ServerConf::default());
    let has_modules = |proxy: HttpProxy<Probe>| {
        proxy
            .downstream_modules
            .build_ctx()
            .get::<ResponseCompression>()
            .is_some()
    };
    assert!(has_modules(http_proxy(&conf, Probe::of(&origin))));
    assert!(!has_modules(HttpProxy::new(Probe::of(&origin), conf)));
}

#[tokio::test]
async fn connect_is_refused_with_405() {
    let origin = Origin::start().await;
    let response = Probe::of(&origin)
        .start()
        .connect()
        .request("CONNECT example.com:443")
        .await;
    assert_eq!(response.status, 405);
}

/// The reason why the edge reads every head with a parser of its own.
#[tokio::test]
async fn ambiguous_heads_reach_the_origin_when_nothing_stands_before_the_engine() {
    let heads = [
        "GET /a b HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET /a HTTP/1.1\r\n\r\n",
        "GET /a HTTP/1.1\r\nhost: a b\r\n\r\n",
        "GET /a HTTP/1.1\r\nhost: a/b\r\n\r\n",
        "GET /a HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\ncontent-length: 0\r\n\r\n",
    ];
    for head in heads {
        let origin = Origin::start().await;
        origin.always("/a", "", "v1");
        origin.always("/a%20b", "", "v1");
        let mut client = Probe::of(&origin).start().connect();
        client.send(head).await;
        let status = client
            .read("GET")
            .await
            .map(|response| response.status)
            .unwrap_or_default();
        assert_eq!(status, 200, "{head:?} is refused by now");
    }
}

#[tokio::test]
async fn an_http2_request_has_no_host_until_it_is_given_one() {
    let origin = Origin::start().await;
    origin.reply("/a", "", "v1");
    let proxy = Probe {
        normalise_h2: true,
        ..Probe::of(&origin)
    }
    .start_h2();
    let mut client = H2Client::over(proxy.pipe()).await;
    assert_eq!(client.get("/a").await.text(), "v1");
    assert_eq!(origin.last().header("host"), Some("example.com"));
}

/// Slices of one response are requests of the edge's own.
#[tokio::test]
async fn a_request_of_our_own_is_answered_piece_by_piece_or_with_its_error() {
    let origin = Origin::start().await;
    let mut probe = Probe::of(&origin);
    probe.repeats = true;
    let proxy = probe.start();
    origin.reply("/a", "206\ncontent-range: bytes 0-1/9", "v1");
    assert_eq!(proxy.connect().get("/a").await.text(), "206, v1, Done");
    origin.hang_up_after("/a", "content-length: 9", "v1", 2);
    let told = proxy.connect().get("/a").await;
    assert!(
        told.text().starts_with("200, v1, ") && !told.text().contains("Done"),
        "{told:?}"
    );
    assert!(told.text().contains("Upstream"), "{told:?}");
}
