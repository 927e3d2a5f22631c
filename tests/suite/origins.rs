//! Origins that are well, ill, or not there.

use rimward_tests::{Authority, Broken, Edge, Files, Origin, fill, miss};
use std::sync::Arc;

/// One site over two servers, with more keys for their origin.
fn two(one: &Origin, other: &Origin, words: &str) -> String {
    let text = "[origin.app]\nservers = [\"{one}\", \"{other}\"]\n{words}\n[[site]]\nhosts = [\"*\"]\norigin = \"app\"\ncache = false\n";
    fill(text, &[("one", one), ("other", other), ("words", &words)])
}

/// One site over one server.
fn one(origin: &Origin, words: &str) -> String {
    let text = "[origin.app]\nservers = [\"{origin}\"]\n{words}\n[[site]]\nhosts = [\"*\"]\norigin = \"app\"\n";
    fill(text, &[("origin", origin), ("words", &words)])
}

const NO_RETRIES: &str = "retries = { max = 0 }";

#[tokio::test]
async fn the_origin_sees_the_clients_request_and_who_it_was() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    origin.reply("/a?b=c", "", "ok");
    edge.request(
        "POST /a?b=c\nhost: Shop.example.com\nx-mine: 1\nx-forwarded-for: 192.0.2.1\n\nhello",
    )
    .await;
    let request = origin.last();
    assert_eq!(
        (&*request.method, &*request.target, &*request.body),
        ("POST", "/a?b=c", &b"hello"[..])
    );
    assert!(
        request
            .header("host")
            .unwrap()
            .eq_ignore_ascii_case("shop.example.com")
    );
    assert_eq!(request.header("x-mine"), Some("1"));
    assert_eq!(
        request.header("x-forwarded-for"),
        Some("127.0.0.1"),
        "a client nobody trusts can't name another"
    );
}

#[tokio::test]
async fn host_can_be_set_for_the_origin() {
    let origin = Origin::start().await;
    let edge = Edge::start(&one(&origin, "host = \"app.internal\"")).await;
    origin.reply("/a", "", "ok");
    edge.get("/a").await;
    assert_eq!(origin.last().header("host"), Some("app.internal"));
}

#[tokio::test]
async fn an_origin_that_is_down_is_a_502_with_our_page() {
    let mut origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    origin.stop().await;
    let response = edge.get("/a").await;
    assert_eq!(response.status, 502);
    assert!(response.text().contains("502"), "{response:?}");
    assert!(
        !response.text().contains(&origin.to_string()),
        "the page tells clients where the origin is"
    );
}

#[tokio::test]
async fn an_error_page_is_the_sites_own_when_it_has_one() {
    let mut origin = Origin::start().await;
    let files = Arc::new(Files::new());
    files.write("sorry.html", "<p>sorry</p>");
    let text = format!(
        "{}error_pages = {{ 502 = \"sorry.html\" }}\n",
        one(&origin, "")
    );
    let edge = Edge::start_in(files, &text).await;
    origin.stop().await;
    let response = edge.get("/a").await;
    assert_eq!((response.status, response.text()), (502, "<p>sorry</p>"));
    assert!(
        response
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("text/html"))
    );
}

#[tokio::test]
async fn an_origin_that_is_slow_is_a_504() {
    let origin = Origin::start().await;
    let edge = Edge::start(&one(
        &origin,
        "timeouts = { first_byte = \"50ms\" }\nretries = { max = 0 }",
    ))
    .await;
    let gate = origin.hold("/a", "", "too late");
    assert_eq!(edge.get("/a").await.status, 504);
    gate.open();
}

#[tokio::test]
async fn an_origin_that_stops_in_the_middle_is_cut_off_after_between_bytes() {
    let origin = Origin::start().await;
    let edge = Edge::start(&one(&origin, "timeouts = { between_bytes = \"50ms\" }")).await;
    let pieces = origin.trickle("/a", "content-length: 10");
    pieces.send("0123");
    let broken = edge
        .try_request("GET /a")
        .await
        .expect_err("the body is not whole");
    assert!(matches!(broken, Broken::CutOff(_)), "{broken:?}");
}

#[tokio::test]
async fn answers_that_are_not_http_are_a_502() {
    let answers = [
        "",
        "garbage",
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nspace : x\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxy",
        "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    ];
    for answer in answers {
        let origin = Origin::start().await;
        let edge = Edge::start(&one(&origin, NO_RETRIES)).await;
        origin.raw("/a", answer);
        let status = edge
            .try_request("GET /a")
            .await
            .map(|response| response.status);
        assert!(matches!(status, Ok(502)), "{answer:?}: {status:?}");
        origin.reply("/a", "cache-control: max-age=60", "v1");
        assert_eq!(
            edge.get("/a").await,
            miss("v1"),
            "something of {answer:?} was stored"
        );
    }
}

#[tokio::test]
async fn an_odd_chunk_cuts_the_body_off_and_nothing_of_it_is_stored() {
    for chunks in ["5 \r\nhello\r\n", "5\r\nhello\n", "5;a\nhello\r\n"] {
        let origin = Origin::start().await;
        let edge = Edge::start(&one(&origin, NO_RETRIES)).await;
        let head = "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ntransfer-encoding: chunked";
        origin.raw("/a", format!("{head}\r\n\r\n2\r\nok\r\n{chunks}0\r\n\r\n"));
        let whole = edge
            .try_request("GET /a")
            .await
            .is_ok_and(|response| response.status == 200);
        assert!(!whole, "{chunks:?}");
        origin.reply("/a", "cache-control: max-age=60", "v1");
        assert_eq!(
            edge.get("/a").await,
            miss("v1"),
            "something of {chunks:?} was stored"
        );
    }
}

#[tokio::test]
async fn a_head_that_is_too_large_is_a_502() {
    let origin = Origin::start().await;
    let edge = Edge::start(&one(&origin, NO_RETRIES)).await;
    origin.raw(
        "/a",
        format!(
            "HTTP/1.1 200 OK\r\nx: {}\r\ncontent-length: 0\r\n\r\n",
            "x".repeat(2 << 20)
        ),
    );
    assert_eq!(edge.get("/a").await.status, 502);
}

#[tokio::test]
async fn what_an_origin_sends_beyond_its_length_reaches_nobody() {
    let origin = Origin::start().await;
    let edge = Edge::start(&one(&origin, "")).await;
    let surplus = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";
    origin.raw("/a", surplus);
    origin.reply("/b", "", "good");
    let mut client = edge.client().await;
    assert_eq!(client.get("/a").await.text(), "ok");
    assert_eq!(client.get("/b").await.text(), "good");
}

#[tokio::test]
async fn a_body_that_is_cut_off_looks_cut_off() {
    let origin = Origin::start().await;
    let edge = Edge::start(&one(&origin, NO_RETRIES)).await;
    for head in ["content-length: 10", ""] {
        let pieces = origin.trickle("/a", head);
        pieces.send("0123");
        let mut client = edge.client().await;
        client.send("GET /a HTTP/1.1\r\nhost: x\r\n\r\n").await;
        client.read_head().await.unwrap();
        pieces.cut();
        let rest = String::from_utf8(client.rest().await).unwrap();
        assert!(
            rest.len() < 10 && !rest.ends_with("0\r\n\r\n"),
            "{head:?}: {rest:?}"
        );
    }
}

#[tokio::test]
async fn a_safe_request_is_tried_again_elsewhere_and_an_unsafe_one_is_not() {
    let (ill, well) = (Origin::start().await, Origin::start().await);
    let edge = Edge::start(&two(&ill, &well, "balance = \"round_robin\"")).await;
    for _ in 0..10 {
        ill.hang_up("/a");
    }
    well.always("/a", "", "well");
    for _ in 0..6 {
        assert_eq!(edge.get("/a").await.text(), "well");
    }
    let tried = ill.requests().len();
    assert!(tried > 0, "the other server was never tried");
    let statuses = [
        edge.request("POST /a\n\nbody").await.status,
        edge.request("POST /a\n\nbody").await.status,
    ];
    assert!(statuses.contains(&502), "{statuses:?}");
}

#[tokio::test]
async fn a_server_that_refuses_connections_costs_nothing_but_a_try() {
    let (mut down, well) = (Origin::start().await, Origin::start().await);
    let edge = Edge::start(&two(&down, &well, "")).await;
    down.stop().await;
    well.always("/a", "", "well");
    for method in ["GET", "POST", "GET", "POST"] {
        assert_eq!(
            edge.request(&format!("{method} /a")).await.text(),
            "well",
            "nothing was sent, so {method} is tried again"
        );
    }
}

#[tokio::test]
async fn statuses_are_tried_again_when_that_is_asked_for() {
    let (ill, well) = (Origin::start().await, Origin::start().await);
    let edge = Edge::start(&two(
        &ill,
        &well,
        "retries = { on = [\"connect\", \"reset\", \"503\"] }",
    ))
    .await;
    ill.always("/a", "503", "ill");
    well.always("/a", "", "well");
    for _ in 0..4 {
        assert_eq!(edge.get("/a").await.text(), "well");
    }
    assert!(edge.metric("rimward_origin_retries_total") >= 1.0);
}

#[tokio::test]
async fn round_robin_takes_turns_by_weight() {
    let (light, heavy) = (Origin::start().await, Origin::start().await);
    let text = "[origin.app]\nservers = [\"{light}\", { address = \"{heavy}\", weight = 3 }]\n[[site]]\nhosts = [\"*\"]\norigin = \"app\"\ncache = false\n";
    let edge = Edge::start(&fill(text, &[("light", &light), ("heavy", &heavy)])).await;
    light.always("/a", "", "light");
    heavy.always("/a", "", "heavy");
    for _ in 0..8 {
        edge.get("/a").await;
    }
    assert_eq!((light.requests().len(), heavy.requests().len()), (2, 6));
}

#[tokio::test]
async fn hashing_sends_the_same_key_to_the_same_server() {
    let (one, other) = (Origin::start().await, Origin::start().await);
    let edge = Edge::start(&two(&one, &other, "balance = \"hash\"\nhash_by = \"path\"")).await;
    let mut both = [false, false];
    for number in 0..20 {
        let path = format!("/{number}");
        one.always(&path, "", "one");
        other.always(&path, "", "other");
        let first = edge.get(&path).await;
        assert_eq!(edge.get(&path).await.text(), first.text(), "{path}");
        both[usize::from(first.text() == "one")] = true;
    }
    assert_eq!(both, [true, true], "one server got all keys");
}

#[tokio::test]
async fn health_checks_take_a_server_out() {
    let (ill, well) = (Origin::start().await, Origin::start().await);
    ill.always("/healthz", "500", "");
    well.always("/healthz", "", "");
    well.always("/a", "", "well");
    let health = "health = { path = \"/healthz\", interval = \"20ms\", unhealthy_after = 2 }";
    let edge = Edge::start(&two(&ill, &well, health)).await;
    ill.asked(4).await;
    for _ in 0..6 {
        assert_eq!(edge.get("/a").await.text(), "well");
    }
    assert!(ill.targets().iter().all(|target| target == "/healthz"));
}

#[tokio::test]
async fn a_server_that_keeps_failing_is_ejected() {
    let (ill, well) = (Origin::start().await, Origin::start().await);
    let outlier = "outlier = { consecutive_errors = 2, eject_for = \"1h\" }\nretries = { max = 0 }";
    let edge = Edge::start(&two(&ill, &well, outlier)).await;
    ill.always("/a", "500", "ill");
    well.always("/a", "", "well");
    for _ in 0..20 {
        edge.get("/a").await;
    }
    assert_eq!(ill.requests().len(), 2);
}

#[tokio::test]
async fn tls_to_the_origin_is_verified_unless_that_is_switched_off() {
    let authority = Authority::new();
    let files = Arc::new(Files::new());
    files.write("ca.pem", authority.pem());
    let origin = Origin::tls(&authority, "localhost").await;
    origin.always("/a", "", "secret");
    for (tls, status) in [
        (
            "tls = { ca = \"ca.pem\", server_name = \"localhost\" }",
            200,
        ),
        (
            "tls = { ca = \"ca.pem\", server_name = \"other.example\" }",
            502,
        ),
        ("tls = { server_name = \"localhost\" }", 502),
        ("tls = { server_name = \"localhost\", verify = false }", 200),
    ] {
        let text = "[origin.app]\nservers = [\"https://{origin}\"]\n{tls}\n[[site]]\nhosts = [\"*\"]\norigin = \"app\"\ncache = false\n";
        let edge = Edge::start_in(
            Arc::clone(&files),
            &fill(text, &[("origin", &origin), ("tls", &tls)]),
        )
        .await;
        assert_eq!(edge.get("/a").await.status, status, "{tls}");
    }
}

#[tokio::test]
async fn names_are_resolved() {
    let origin = Origin::start().await;
    let text = one(&origin, "").replace("127.0.0.1", "localhost");
    let edge = Edge::start(&text).await;
    origin.reply("/a", "", "ok");
    assert_eq!(edge.get("/a").await.text(), "ok");
}

#[tokio::test]
async fn an_origin_can_speak_http2_with_trailers() {
    let origin = Origin::http2().await;
    let edge = Edge::start(&one(&origin, "http2 = true")).await;
    origin.reply(
        "/grpc",
        "content-type: application/grpc\ntrailer-grpc-status: 0",
        "message",
    );
    let response = edge
        .h2()
        .await
        .request("POST /grpc\ncontent-type: application/grpc\nte: trailers\n\nmessage")
        .await;
    assert_eq!((response.status, response.text()), (200, "message"));
    assert_eq!(response.trailers.get("grpc-status"), Some("0"));
    let received = origin.last();
    assert_eq!(received.body, b"message");
    assert_eq!(received.header("te"), Some("trailers"));
}

#[tokio::test]
async fn a_websocket_goes_through() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    origin.echo("/socket");
    let mut client = edge.client().await;
    let key = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13";
    client.send(format!("GET /socket HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n{key}\r\n\r\n")).await;
    assert_eq!(client.read_head().await.unwrap().0, 101);
    client.send("ping").await;
    assert_eq!(client.read_some().await.as_deref(), Some(&b"ping"[..]));
}

#[tokio::test]
async fn a_directory_is_an_origin() {
    let files = Arc::new(Files::new());
    files.write("site/index.html", "<p>home</p>");
    files.write("site/style.css", "p { color: teal }");
    files.write("site/sub/index.html", "<p>sub</p>");
    files.write("secret.txt", "secret");
    std::os::unix::fs::symlink("../secret.txt", files.path("site/link.txt")).unwrap();
    let text = "[origin.assets]\ndirectory = \"site\"\ncache_control = \"max-age=60\"\n[[site]]\nhosts = [\"*\"]\norigin = \"assets\"\n";
    let edge = Edge::start_in(files, text).await;
    let home = edge.get("/").await;
    assert_eq!((home.status, home.text()), (200, "<p>home</p>"));
    assert!(
        home.header("content-type")
            .unwrap()
            .starts_with("text/html")
    );
    assert_eq!(home.header("cache-control"), Some("max-age=60"));
    assert_eq!(edge.get("/sub/").await.text(), "<p>sub</p>");
    let style = edge.get("/style.css").await;
    assert!(
        style
            .header("content-type")
            .unwrap()
            .starts_with("text/css")
    );
    let etag = style.header("etag").unwrap();
    assert_eq!(
        edge.request(&format!("GET /style.css\nif-none-match: {etag}"))
            .await
            .status,
        304
    );
    let part = edge.request("GET /style.css\nrange: bytes=0-0").await;
    assert_eq!((part.status, part.text()), (206, "p"));
    for path in [
        "/none",
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/link.txt",
        "/sub/..%2f..%2fsecret.txt",
    ] {
        let response = edge.get(path).await;
        assert!(
            matches!(response.status, 400 | 403 | 404),
            "{path}: {response:?}"
        );
    }
    assert_eq!(edge.request("POST /style.css\n\nx").await.status, 405);
}
