//! The engine's side towards origins.

use std::hash::BuildHasher;

use pingora::protocols::ALPN;
use pingora::upstreams::peer::HttpPeer;
use rimward_tests::{Authority, Origin};

use super::probe::Probe;

#[tokio::test]
async fn fields_named_by_connection_are_not_passed_on() {
    let origin = Origin::start().await;
    origin.reply("/a", "", "v1");
    let mut client = Probe::of(&origin).start().connect();
    client
        .request("GET /a\nconnection: x-hop\nx-hop: 1\nkeep-alive: 5\nx-end: 1")
        .await;
    let request = origin.last();
    assert_eq!(
        (
            request.header("x-hop"),
            request.header("keep-alive"),
            request.header("x-end")
        ),
        (None, None, Some("1"))
    );
}

#[tokio::test]
async fn an_origin_connection_is_used_again() {
    let origin = Origin::start().await;
    origin.always("/a", "", "v1");
    let mut client = Probe::of(&origin).start().connect();
    client.get("/a").await;
    client.get("/a").await;
    assert_eq!(origin.connections(), 1);
}

#[tokio::test]
async fn certificates_are_verified_and_need_a_name_unless_that_is_switched_off() {
    let origin = Origin::tls(&Authority::new(), "origin.example").await;
    origin.reply("/a", "", "v1");
    for (sni, verify, status) in [
        ("origin.example", true, 502),
        ("", true, 502),
        ("origin.example", false, 200),
    ] {
        let probe = Probe {
            sni: Some(sni.to_owned()),
            verify,
            ..Probe::of(&origin)
        };
        let response = probe.start().connect().get("/a").await;
        assert_eq!(
            response.status, status,
            "server name `{sni}`, verification {verify}"
        );
    }
}

/// The edge gives peers that differ in these a group key of their own.
#[test]
fn the_pool_does_not_tell_peers_apart_by_protocol() {
    let state = std::hash::RandomState::new();
    let hash = |peer: &HttpPeer| state.hash_one(peer);
    let one = HttpPeer::new("127.0.0.1:1", true, "x".to_owned());
    let mut other = HttpPeer::new("127.0.0.1:1", true, "x".to_owned());
    other.options.alpn = ALPN::H2;
    assert_eq!(hash(&one), hash(&other));
    other.group_key = 1;
    assert_ne!(hash(&one), hash(&other));
}

#[tokio::test]
async fn a_request_that_is_not_idempotent_is_not_sent_again() {
    let origin = Origin::start().await;
    origin.always("/warm", "", "");
    let proxy = Probe::of(&origin).start();
    let mut client = proxy.connect();
    client.get("/warm").await;
    origin.hang_up("/a");
    assert_eq!(client.request("POST /a\n\nbody").await.status, 502);
    assert_eq!(origin.targets(), ["/warm", "/a"]);
}

/// The edge refuses it.
#[tokio::test]
async fn a_101_that_nobody_asked_for_is_passed_on() {
    let origin = Origin::start().await;
    origin.echo("/a");
    let mut client = Probe::of(&origin).start().connect();
    client.send("GET /a HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(
        client
            .read_head()
            .await
            .map(|(status, _)| status)
            .unwrap_or_default(),
        101
    );
}

#[tokio::test]
async fn an_upgrade_passes_bytes_both_ways_after_the_101() {
    let origin = Origin::start().await;
    origin.echo("/a");
    let mut client = Probe::of(&origin).start().connect();
    client
        .send("GET /a HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
        .await;
    assert_eq!(client.read_head().await.unwrap().0, 101);
    client.send("ping").await;
    assert_eq!(client.read_some().await.as_deref(), Some(&b"ping"[..]));
}
