//! Who gets which encoding, when it is made, and what it falls with.

use std::io::Read;

use rimward_tests::{Edge, H2Client, Origin, Response, hit, miss, secs};

const COMPRESS: &str = "compress = [\"zstd\", \"br\", \"gzip\"]";
const STORED: &str = "content-type: text/plain\ncache-control: max-age=60\netag: \"v1\"";
const PASSED: &str = "content-type: text/plain\ncache-control: no-store\netag: \"v1\"";

/// A body that is worth compressing.
fn text(word: &str) -> String {
    format!("{word} ").repeat(2000)
}

/// The body as whoever understands the `Content-Encoding` reads it.
fn decoded(response: &Response) -> String {
    let body = &*response.body;
    let mut text = String::new();
    let read = match response.header("content-encoding") {
        Some("zstd") => zstd::stream::read::Decoder::new(body)
            .unwrap()
            .read_to_string(&mut text),
        Some("br") => brotli::Decompressor::new(body, 4096).read_to_string(&mut text),
        Some("gzip") => flate2::read::GzDecoder::new(body).read_to_string(&mut text),
        other => panic!("in the encoding {other:?}: {response:?}"),
    };
    read.unwrap();
    text
}

fn of(encoding: &str) -> String {
    format!("GET /a\naccept-encoding: {encoding}")
}

/// Asks until the encoding is there. A body as large as those here is waited for by the edge itself, as long as the
/// machine is not too busy.
async fn encoded(edge: &Edge, request: &str) -> Response {
    rimward_tests::within("an encoded response", async {
        loop {
            let response = edge.request(request).await;
            if response.header("content-encoding").is_some() {
                return response;
            }
        }
    })
    .await
}

async fn serving(head: &str, body: &str) -> (Origin, Edge) {
    let origin = Origin::start().await;
    let edge = Edge::site_with(&origin, COMPRESS).await;
    origin.reply("/a", head, body);
    (origin, edge)
}

/// How often an encoding was made.
fn made(edge: &Edge) -> f64 {
    edge.metric("rimward_encodings_total")
}

#[tokio::test]
async fn the_first_client_does_not_wait_and_the_next_gets_the_encoding() {
    let (origin, edge) = serving(STORED, &text("a")).await;
    let first = edge.request(&of("br")).await;
    assert_eq!(first, miss(text("a")));
    assert_eq!(first.header("vary"), Some("Accept-Encoding"));
    let second = encoded(&edge, &of("br")).await;
    assert_eq!(decoded(&second), text("a"));
    assert_eq!(second.header("content-encoding"), Some("br"));
    assert_eq!(second.header("vary"), Some("Accept-Encoding"));
    assert_eq!(second.header("etag"), Some("W/\"v1\""));
    assert_eq!(second.header("accept-ranges"), None);
    assert_eq!(
        second.header("content-length"),
        Some(&*second.body.len().to_string())
    );
    assert!(second.cache_status().contains("hit; ttl="));
    assert!(second.body.len() < text("a").len() / 10);
    assert_eq!(origin.requests().len(), 1);
    assert_eq!(origin.last().header("accept-encoding"), Some("identity"));
}

#[tokio::test]
async fn each_client_gets_what_it_takes_of_one_object() {
    let (origin, edge) = serving(STORED, &text("a")).await;
    edge.get("/a").await;
    for (field, expected) in [
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, deflate, br", "br"),
        ("gzip", "gzip"),
        ("gzip;q=1, br;q=0.5", "gzip"),
        ("*", "zstd"),
        ("*;q=0.5, zstd;q=0", "br"),
    ] {
        let response = encoded(&edge, &of(field)).await;
        assert_eq!(
            response.header("content-encoding"),
            Some(expected),
            "{field}"
        );
        assert_eq!(decoded(&response), text("a"), "{field}");
    }
    for field in ["identity", "deflate", "gzip;q=0", "gzip;q=wrong", ""] {
        let response = edge.request(&of(field)).await;
        assert_eq!(response, hit(text("a")), "{field}");
        assert_eq!(response.header("content-encoding"), None, "{field}");
        assert_eq!(response.header("etag"), Some("\"v1\""), "{field}");
        assert_eq!(response.header("vary"), Some("Accept-Encoding"), "{field}");
    }
    assert_eq!(edge.get("/a").await, hit(text("a")));
    assert_eq!((origin.requests().len(), made(&edge)), (1, 3.0));
}

#[tokio::test]
async fn an_encoding_is_made_once_for_any_number_of_clients() {
    let (_origin, edge) = serving(STORED, &text("a")).await;
    edge.get("/a").await;
    let mut client = edge.h2().await;
    let mut waiting = Vec::new();
    for _ in 0..20 {
        waiting.push(client.start(&of("br")).await);
    }
    for response in waiting {
        let response = response.await.unwrap();
        assert!(response.body == text("a").as_bytes() || decoded(&response) == text("a"));
    }
    encoded(&edge, &of("br")).await;
    assert_eq!(made(&edge), 1.0);
    let read = edge.metric("rimward_encoding_read_bytes_total{encoding=\"br\"}");
    let written = edge.metric("rimward_encoding_written_bytes_total{encoding=\"br\"}");
    assert_eq!(read, text("a").len() as f64);
    assert!(written > 0.0 && written < read);
}

#[tokio::test]
async fn over_http2_it_is_the_same() {
    let (_origin, edge) = serving(STORED, &text("a")).await;
    edge.request(&of("zstd")).await;
    encoded(&edge, &of("zstd")).await;
    let response = edge.h2().await.request(&of("zstd")).await;
    assert_eq!(decoded(&response), text("a"));
    assert_eq!(
        response.header("content-length"),
        Some(&*response.body.len().to_string())
    );
}

#[tokio::test]
async fn who_takes_no_body_as_it_is_gets_it_encoded_at_once() {
    let (origin, edge) = serving(STORED, &text("a")).await;
    let first = edge.request(&of("gzip, identity;q=0")).await;
    assert_eq!(decoded(&first), text("a"));
    assert_eq!(first.header("content-length"), None);
    assert_eq!(edge.get("/a").await, hit(text("a")));
    edge.pass_time(secs(61));
    origin.reply("/a", "304\ncache-control: max-age=60", "");
    let renewed = edge.request(&of("br, identity;q=0")).await;
    assert_eq!(decoded(&renewed), text("a"));
}

#[tokio::test]
async fn purges_take_every_encoding() {
    let (origin, edge) = serving(STORED, &text("a")).await;
    edge.get("/a").await;
    for encoding in ["zstd", "br", "gzip"] {
        encoded(&edge, &of(encoding)).await;
    }
    edge.purge("http://example.com/a", false);
    origin.reply("/a", STORED, text("b"));
    assert_eq!(edge.request(&of("br")).await, miss(text("b")));
    for encoding in ["zstd", "br", "gzip"] {
        let response = encoded(&edge, &of(encoding)).await;
        assert_eq!(decoded(&response), text("b"), "{encoding}");
    }
    assert_eq!(made(&edge), 6.0);
}

#[tokio::test]
async fn a_renewed_object_keeps_its_encodings() {
    let (origin, edge) = serving(STORED, &text("a")).await;
    edge.get("/a").await;
    encoded(&edge, &of("br")).await;
    edge.pass_time(secs(61));
    origin.reply("/a", "304\ncache-control: max-age=60\nx-renewed: yes", "");
    let response = edge.request(&of("br")).await;
    assert_eq!(decoded(&response), text("a"));
    assert!(
        response
            .cache_status()
            .contains("fwd=stale; fwd-status=304")
    );
    assert_eq!(response.header("x-renewed"), Some("yes"));
    assert_eq!(origin.last().header("if-none-match"), Some("\"v1\""));
    let response = edge.request(&of("br")).await;
    assert_eq!(decoded(&response), text("a"));
    assert_eq!(response.header("x-renewed"), Some("yes"));
    assert_eq!(made(&edge), 1.0);
}

#[tokio::test]
async fn a_replaced_object_takes_its_encodings_with_it() {
    let (origin, edge) = serving(STORED, &text("a")).await;
    edge.get("/a").await;
    encoded(&edge, &of("br")).await;
    edge.pass_time(secs(61));
    // The same tag for another body: what an origin ought not to do, but does.
    origin.reply("/a", STORED, text("b"));
    assert_eq!(edge.request(&of("br")).await, miss(text("b")));
    assert_eq!(decoded(&encoded(&edge, &of("br")).await), text("b"));
    assert_eq!(made(&edge), 2.0);
}

#[tokio::test]
async fn a_stale_object_is_served_encoded_as_well() {
    let head = "content-type: text/plain\ncache-control: max-age=1, stale-while-revalidate=60";
    let (origin, edge) = serving(head, &text("a")).await;
    edge.get("/a").await;
    encoded(&edge, &of("gzip")).await;
    edge.pass_time(secs(3));
    origin.reply("/a", head, text("b"));
    let response = edge.request(&of("gzip")).await;
    assert_eq!(decoded(&response), text("a"));
    assert!(response.cache_status().contains("ttl=-2"));
    origin.answered(2).await;
    edge.eventually("/a", hit(text("b"))).await;
    assert_eq!(decoded(&encoded(&edge, &of("gzip")).await), text("b"));
}

#[tokio::test]
async fn an_encoding_is_served_when_the_origin_is_down() {
    let (mut origin, edge) = serving(STORED, &text("a")).await;
    edge.get("/a").await;
    encoded(&edge, &of("gzip")).await;
    edge.pass_time(secs(65));
    origin.stop().await;
    let response = edge.request(&of("gzip")).await;
    assert_eq!(decoded(&response), text("a"));
    assert!(response.cache_status().contains("detail=stale-if-error"));
}

#[tokio::test]
async fn head_tells_what_get_would() {
    let (_origin, edge) = serving(STORED, &text("a")).await;
    edge.get("/a").await;
    let get = encoded(&edge, &of("br")).await;
    let head = edge.request("HEAD /a\naccept-encoding: br").await;
    for name in [
        "content-encoding",
        "content-length",
        "etag",
        "vary",
        "content-type",
    ] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
    assert!(head.body.is_empty());
}

#[tokio::test]
async fn head_of_what_passes_tells_what_get_would() {
    let (origin, edge) = serving(PASSED, &text("a")).await;
    let get = edge.request(&of("br")).await;
    origin.reply("/a", PASSED, text("a"));
    let head = edge.request("HEAD /a\naccept-encoding: br").await;
    for name in ["content-encoding", "content-length", "etag", "vary"] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
    assert_eq!(head.header("content-encoding"), Some("br"));
}

#[tokio::test]
async fn a_tag_of_any_encoding_is_known_again() {
    let (_origin, edge) = serving(STORED, &text("a")).await;
    edge.get("/a").await;
    encoded(&edge, &of("br")).await;
    for (tag, answered) in [("\"v1\"", "\"v1\""), ("W/\"v1\"", "W/\"v1\"")] {
        for encoding in ["br", "identity"] {
            let response = edge
                .request(&format!("{}\nif-none-match: \"v0\", {tag}", of(encoding)))
                .await;
            assert_eq!(response.status, 304, "{tag} {encoding}");
            assert_eq!(response.header("etag"), Some(answered), "{encoding}");
            assert_eq!(response.header("vary"), Some("Accept-Encoding"));
            assert_eq!(response.header("content-encoding"), None);
        }
    }
    let response = edge
        .request(&format!("{}\nif-none-match: \"v2\"", of("br")))
        .await;
    assert_eq!(decoded(&response), text("a"));
}

#[tokio::test]
async fn ranges_are_of_the_body_as_it_is() {
    let (_origin, edge) = serving(STORED, &text("a")).await;
    edge.get("/a").await;
    encoded(&edge, &of("br")).await;
    let part = edge
        .request(&format!("{}\nrange: bytes=0-3", of("br")))
        .await;
    assert_eq!((part.status, part.text()), (206, "a a "));
    assert_eq!(part.header("content-encoding"), None);
    assert_eq!(part.header("etag"), Some("\"v1\""));
    assert_eq!(part.header("content-range"), Some("bytes 0-3/4000"));
    assert_eq!(part.header("vary"), Some("Accept-Encoding"));
}

#[tokio::test]
async fn what_is_no_whole_response_varies_too() {
    for (condition, status) in [("range: bytes=0-3", 206), ("if-none-match: \"v1\"", 304)] {
        let (_origin, edge) = serving(STORED, &text("a")).await;
        for _ in 0..2 {
            let response = edge.request(&format!("{}\n{condition}", of("br"))).await;
            assert_eq!(response.status, status);
            assert_eq!(response.header("vary"), Some("Accept-Encoding"), "{status}");
        }
    }
}

#[tokio::test]
async fn what_is_asked_for_in_parts_and_comes_whole_is_not_encoded() {
    for status in ["200", "404"] {
        let body = text("a");
        let (_origin, edge) = serving(&format!("{status}\n{STORED}"), &body).await;
        let whole = edge
            .request(&format!("{}\nrange: bytes=0-", of("br")))
            .await;
        assert_eq!(whole.header("content-encoding"), None, "{status}");
        assert_eq!(whole.text(), body, "{status}");
    }
}

#[tokio::test]
async fn parts_of_two_encodings_are_never_joined() {
    let head = format!(
        "{STORED}\nlast-modified: Sun, 06 Nov 1994 08:49:37 GMT\ndate: Mon, 07 Nov 2094 08:49:37 GMT"
    );
    let (_origin, edge) = serving(&head, &text("a")).await;
    edge.get("/a").await;
    let whole = encoded(&edge, &of("br")).await;
    for condition in [
        whole.header("etag").unwrap(),
        whole.header("last-modified").unwrap(),
        "\"v0\"",
    ] {
        let request = format!("{}\nrange: bytes=0-3\nif-range: {condition}", of("br"));
        let response = edge.request(&request).await;
        assert_eq!(response.status, 200, "{condition}");
        assert_eq!(decoded(&response), text("a"), "{condition}");
    }
    let request = format!("{}\nrange: bytes=0-3\nif-range: \"v1\"", of("br"));
    assert_eq!(edge.request(&request).await.text(), "a a ");
}

#[tokio::test]
async fn slices_are_not_joined_with_another_encoding() {
    let dates = "last-modified: Sun, 06 Nov 1994 08:49:37 GMT\ndate: Mon, 07 Nov 2094 08:49:37 GMT";
    // What a slice is asked for comes whole, or as a part that is all of it.
    for head in [
        format!("{STORED}\n{dates}"),
        format!("206\n{STORED}\n{dates}\ncontent-range: bytes 0-3999/4000"),
    ] {
        let (origin, edge) = serving(&head, &text("a")).await;
        origin.reply("/a", &format!("{STORED}\n{dates}"), text("a"));
        let condition = "if-range: Sun, 06 Nov 1994 08:49:37 GMT";
        let request = format!("{}\nrange: bytes=1000-\n{condition}", of("br"));
        let response = edge.request(&request).await;
        assert_eq!(
            (response.status, response.text()),
            (200, &*text("a")),
            "{head}"
        );
    }
}

#[tokio::test]
async fn no_part_is_asked_of_the_origin_that_could_be_another_encodings() {
    let (origin, edge) = serving(PASSED, &text("a")).await;
    let range = "range: bytes=0-3\nif-range: ";
    for (condition, is_asked) in [
        ("Sun, 06 Nov 1994 08:49:37 GMT", false),
        ("W/\"v1\"", false),
        ("\"v1\"", true),
    ] {
        origin.always("/a", PASSED, text("a"));
        edge.request(&format!("{}\n{range}{condition}", of("br")))
            .await;
        // The first request is one that may be stored, of which no part is ever asked for.
        edge.request(&format!("{}\n{range}{condition}", of("br")))
            .await;
        assert_eq!(
            origin.last().header("range").is_some(),
            is_asked,
            "{condition}"
        );
    }
}

#[tokio::test]
async fn what_would_not_gain_by_it_is_left_alone() {
    let long = text("a");
    for (head, body) in [
        ("content-type: image/png", &*long),
        ("content-type: text/plain", "short"),
        (
            "content-type: text/plain\ncache-control: no-transform",
            &*long,
        ),
        ("x-type: none", &*long),
        ("204\ncontent-type: text/plain", ""),
    ] {
        let head = format!("{head}\ncache-control: max-age=60");
        let (_origin, edge) = serving(&head, body).await;
        for _ in 0..2 {
            let response = edge.request(&of("br")).await;
            assert_eq!(response.body, body.as_bytes(), "{head}");
            assert_eq!(response.header("content-encoding"), None, "{head}");
            assert_eq!(response.header("vary"), None, "{head}");
        }
        assert_eq!(made(&edge), 0.0, "{head}");
    }
}

#[tokio::test]
async fn errors_that_are_stored_are_encoded() {
    let (_origin, edge) = serving(&format!("404\n{STORED}"), &text("a")).await;
    edge.request(&of("br")).await;
    let response = encoded(&edge, &of("br")).await;
    assert_eq!((response.status, decoded(&response)), (404, text("a")));
}

#[tokio::test]
async fn what_the_origin_encoded_is_passed_on_as_it_is() {
    let head = format!("{STORED}\ncontent-encoding: gzip\nvary: accept-language");
    let (origin, edge) = serving(&head, "the origin's own").await;
    for _ in 0..2 {
        let response = edge.request(&of("br")).await;
        assert_eq!(response.body, b"the origin's own");
        assert_eq!(response.header("content-encoding"), Some("gzip"));
        assert_eq!(response.header("etag"), Some("\"v1\""));
        assert_eq!(response.header("vary"), Some("accept-language"));
    }
    origin.reply("/a", &head, "auf Deutsch");
    let german = format!("{}\naccept-language: de", of("br"));
    assert_eq!(edge.request(&german).await.text(), "auf Deutsch");
}

#[tokio::test]
async fn an_origin_that_varies_on_the_encoding_has_one_object() {
    let (origin, edge) = serving(&format!("{STORED}\nvary: accept-encoding"), &text("a")).await;
    edge.request(&of("gzip, br")).await;
    for encoding in ["br", "gzip"] {
        let response = encoded(&edge, &of(encoding)).await;
        assert_eq!(decoded(&response), text("a"));
        assert_eq!(response.header("vary"), Some("accept-encoding"));
    }
    assert_eq!(edge.get("/a").await, hit(text("a")));
    assert_eq!(origin.requests().len(), 1);
}

#[tokio::test]
async fn variants_are_encoded_each_by_itself() {
    let head = format!("{STORED}\nvary: accept-language");
    let (origin, edge) = serving(&head, &text("hallo")).await;
    let asked = |language: &str| format!("{}\naccept-language: {language}", of("br"));
    edge.request(&asked("de")).await;
    origin.reply("/a", &head, text("hello"));
    edge.request(&asked("en")).await;
    for _ in 0..2 {
        for (language, word) in [("de", "hallo"), ("en", "hello")] {
            let response = encoded(&edge, &asked(language)).await;
            assert_eq!(decoded(&response), text(word));
        }
    }
    assert_eq!(made(&edge), 2.0);
}

#[tokio::test]
async fn what_passes_is_encoded_on_its_way() {
    for (words, head) in [
        (COMPRESS.to_owned(), PASSED),
        (format!("{COMPRESS}\ncache = false"), STORED),
    ] {
        let origin = Origin::start().await;
        let edge = Edge::site_with(&origin, &words).await;
        origin.always("/a", head, text("a"));
        for encoding in ["zstd", "br", "gzip"] {
            let response = edge.request(&of(encoding)).await;
            assert_eq!(response.header("content-encoding"), Some(encoding));
            assert_eq!(response.header("content-length"), None);
            assert_eq!(response.header("etag"), Some("W/\"v1\""));
            assert_eq!(response.header("vary"), Some("Accept-Encoding"));
            assert_eq!(decoded(&response), text("a"));
            let response = edge.h2().await.request(&of(encoding)).await;
            assert_eq!(decoded(&response), text("a"));
        }
        let response = edge.get("/a").await;
        assert_eq!(response.text(), text("a"));
        assert_eq!(response.header("vary"), Some("Accept-Encoding"));
        assert_eq!(made(&edge), 0.0);
    }
}

#[tokio::test]
async fn an_origin_that_speaks_http2_is_compressed_as_well() {
    let origin = Origin::http2().await;
    let text_of_site = format!(
        "[origin.app]\nservers = [\"{origin}\"]\nhttp2 = true\n\
        [[site]]\nhosts = [\"*\"]\norigin = \"app\"\n{COMPRESS}\n"
    );
    let edge = Edge::start(&text_of_site).await;
    origin.always("/a", PASSED, text("a"));
    for encoding in ["zstd", "br", "gzip"] {
        assert_eq!(decoded(&edge.request(&of(encoding)).await), text("a"));
    }
}

#[tokio::test]
async fn a_stream_is_not_held_back() {
    for encoding in ["zstd", "br", "gzip"] {
        let origin = Origin::start().await;
        let edge = Edge::site_with(&origin, COMPRESS).await;
        let head = "content-type: text/event-stream\ncache-control: no-store";
        let trickle = origin.trickle("/a", head);
        let mut client = edge.client().await;
        let request = format!("GET /a HTTP/1.1\r\nhost: a\r\naccept-encoding: {encoding}\r\n\r\n");
        client.send(request).await;
        trickle.send("data: 1\n\n");
        let (status, fields) = client.read_head().await.unwrap();
        assert_eq!(
            (status, fields.get("content-encoding")),
            (200, Some(encoding))
        );
        let first = client.read_some().await.unwrap();
        assert!(!first.is_empty(), "{encoding}");
        trickle.end();
        assert!(client.read_some().await.is_some(), "{encoding}");
    }
}

#[tokio::test]
async fn a_304_for_what_passes_names_the_tag_that_the_client_has() {
    let (origin, edge) = serving(PASSED, &text("a")).await;
    let response = edge.request(&of("br")).await;
    let tag = response.header("etag").unwrap();
    origin.reply("/a", "304\netag: \"v1\"", "");
    let response = edge
        .request(&format!("{}\nif-none-match: {tag}", of("br")))
        .await;
    assert_eq!((response.status, response.header("etag")), (304, Some(tag)));
    assert_eq!(origin.last().header("if-none-match"), Some(tag));
}

#[tokio::test]
async fn a_routes_own_word_wins() {
    let origin = Origin::start().await;
    let words = format!(
        "{COMPRESS}\n[[site.route]]\npath = \"/plain/*\"\ncompress = false\n\
        [[site.route]]\npath = \"/json/*\"\ncompress = {{ encodings = [\"gzip\"], min_size = \"4B\", types = [\"application/json\"] }}"
    );
    let edge = Edge::site_with(&origin, &words).await;
    origin.always("/plain/a", PASSED, text("a"));
    let response = edge.request("GET /plain/a\naccept-encoding: br").await;
    assert_eq!(
        (response.text(), response.header("vary")),
        (&*text("a"), None)
    );
    assert_eq!(origin.last().header("accept-encoding"), Some("br"));
    let json = "content-type: application/json\ncache-control: no-store";
    origin.always("/json/a", json, "[1, 2, 3]");
    let response = edge.request("GET /json/a\naccept-encoding: br, gzip").await;
    assert_eq!(response.header("content-encoding"), Some("gzip"));
    assert_eq!(decoded(&response), "[1, 2, 3]");
    origin.always("/json/b", PASSED, text("a"));
    let response = edge.request("GET /json/b\naccept-encoding: gzip").await;
    assert_eq!(response.header("content-encoding"), None);
}

#[tokio::test]
async fn without_a_word_nothing_is_compressed() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    origin.reply("/a", STORED, text("a"));
    assert_eq!(edge.request(&of("br")).await, miss(text("a")));
    let response = edge.request(&of("br")).await;
    assert_eq!(response, hit(text("a")));
    assert_eq!(response.header("vary"), None);
    assert_eq!(origin.last().header("accept-encoding"), Some("br"));
}

#[tokio::test]
async fn clients_that_share_an_object_on_its_way_get_it_as_it_is() {
    let origin = Origin::start().await;
    let edge = Edge::site_with(&origin, COMPRESS).await;
    let trickle = origin.trickle("/a", STORED);
    let mut clients: Vec<H2Client> = Vec::new();
    let mut waiting = Vec::new();
    for _ in 0..3 {
        let mut client = edge.h2().await;
        waiting.push(client.start(&of("br")).await);
        clients.push(client);
    }
    origin.asked(1).await;
    trickle.send(text("a"));
    trickle.end();
    for response in waiting {
        let response = response.await.unwrap();
        let body = match response.header("content-encoding") {
            None => response.text().to_owned(),
            Some(_) => decoded(&response),
        };
        assert_eq!(body, text("a"));
    }
    assert_eq!(decoded(&encoded(&edge, &of("br")).await), text("a"));
    assert_eq!((origin.requests().len(), made(&edge)), (1, 1.0));
}
