//! Rows of the contract: what of a response reaches the client, and what a request changes.

use rimward_tests::{Client, Edge, Origin, hit, miss, secs};

use super::{BOTH, date};

/// RFC 9110 §6.6.1.
#[tokio::test]
async fn row_c_the_origins_date_reaches_the_client() {
    let told = date(-5);
    for speaks in BOTH {
        let origin = Origin::start().await;
        let edge = Edge::site(&origin).await;
        for (target, head) in [
            (
                "/stored",
                format!("cache-control: max-age=60\ndate: {told}"),
            ),
            ("/passed", format!("cache-control: no-store\ndate: {told}")),
            (
                "/chunked",
                format!("cache-control: no-store\ntransfer-encoding: chunked\ndate: {told}"),
            ),
            (
                "/empty",
                format!("204\ncache-control: no-store\ndate: {told}"),
            ),
        ] {
            origin.always(target, &head, if target == "/empty" { "" } else { "v1" });
            for _ in 0..2 {
                let response = speaks.get(&edge, target).await;
                let dates: Vec<_> = response.headers.all("date").collect();
                assert_eq!(dates, [&*told], "{speaks:?} {target}");
                assert!(!response.headers.has("rimward-kept-date"));
            }
        }
        assert_eq!(origin.requests().len(), 7, "/stored was not stored");
    }
}

/// RFC 9110 §6.6.1: a response without a date gets that of its arrival, and keeps it.
#[tokio::test]
async fn row_c_a_response_without_a_date_has_that_of_its_arrival() {
    for head in [
        "cache-control: max-age=600",
        "cache-control: max-age=600\ndate: foo",
    ] {
        for speaks in BOTH {
            let origin = Origin::start().await;
            let edge = Edge::site(&origin).await;
            origin.reply("/a", head, "v1");
            edge.pass_time(secs(3600));
            let arrived = speaks.get(&edge, "/a").await;
            let arrived = arrived.header("date").unwrap().to_owned();
            assert!(
                [date(3600), date(3599), date(3598)].contains(&arrived),
                "{arrived}"
            );
            edge.pass_time(secs(100));
            let found = speaks.get(&edge, "/a").await;
            assert_eq!(found, hit("v1"));
            assert_eq!(found.header("date"), Some(&*arrived));
        }
    }
}

/// Each response brings its own date along, and those of the edge's own have the present time.
#[tokio::test]
async fn row_c_pipelined_responses_keep_their_own_dates() {
    let origin = Origin::start().await;
    let edge = Edge::site_with(
        &origin,
        "[[site.route]]\npath = \"/own\"\nfilters = [{ use = \"respond\", status = 200, body = \"own\" }]",
    )
    .await;
    let (one, two) = (date(-1000), date(-2000));
    origin.reply(
        "/1",
        &format!("cache-control: max-age=9999\ndate: {one}\nrimward-kept-date: {two}"),
        "1",
    );
    origin.reply("/2", &format!("cache-control: no-store\ndate: {two}"), "2");
    let mut client = Client::connect(edge.address()).await;
    let targets = ["/1", "/own", "/2", "/1"];
    let requests: Vec<String> = targets
        .iter()
        .map(|target| format!("GET {target} HTTP/1.1\r\nhost: example.com\r\n\r\n"))
        .collect();
    client.send(requests.concat()).await;
    let mut dates = Vec::new();
    for _ in targets {
        let response = client.read("GET").await.unwrap();
        dates.push(response.header("date").unwrap().to_owned());
    }
    assert_eq!([&dates[0], &dates[2], &dates[3]], [&one, &two, &one]);
    assert!(
        [date(0), date(-1), date(-2)].contains(&dates[1]),
        "{}",
        dates[1]
    );
}

/// RFC 9111 §4.4.
#[tokio::test]
async fn row_g_an_unsafe_request_that_succeeds_invalidates_what_it_may_have_changed() {
    for speaks in BOTH {
        for (request, answer, is_invalidated) in [
            ("POST /a", "200", true),
            ("PUT /a", "201", true),
            ("DELETE /a", "204", true),
            ("PATCH /a", "303\nlocation: /b", true),
            ("M-SEARCH /a", "200", true),
            ("POST /other", "201\nlocation: /a", true),
            (
                "POST /other",
                "200\ncontent-location: http://example.com/a",
                true,
            ),
            ("POST /other", "201\nlocation: http://example.org/a", false),
            ("POST /a", "500", false),
            ("DELETE /a", "404", false),
            ("OPTIONS /a", "200", false),
        ] {
            let origin = Origin::start().await;
            let edge = Edge::site(&origin).await;
            origin.reply("/a", "cache-control: max-age=60", "v1");
            edge.get("/a").await;
            let target = request.split_once(' ').unwrap().1;
            origin.reply(target, answer, "");
            speaks.ask(&edge, request).await;
            if is_invalidated {
                origin.reply("/a", "cache-control: max-age=60", "v2");
                edge.eventually("/a", miss("v2")).await;
            } else {
                assert_eq!(edge.get("/a").await, hit("v1"), "{request}: {answer}");
            }
        }
    }
}

/// RFC 9110 §7.6.1, RFC 9111 §3.1.
#[tokio::test]
async fn row_i_hop_by_hop_fields_are_neither_stored_nor_sent() {
    let head = "cache-control: max-age=60\nconnection: x-hop, x-other\nx-hop: 1\nx-other: 1\nkeep-alive: timeout=5\n\
        proxy-authenticate: Basic\nproxy-authentication-info: a\nproxy-authorization: b\nproxy-connection: keep-alive\n\
        te: trailers\ntrailer: x-t\nx-stays: 1";
    for speaks in BOTH {
        let origin = Origin::start().await;
        let edge = Edge::site(&origin).await;
        origin.reply("/a", head, "v1");
        for _ in 0..2 {
            let response = speaks.get(&edge, "/a").await;
            assert_eq!(response.header("x-stays"), Some("1"));
            for name in [
                "x-hop",
                "x-other",
                "keep-alive",
                "proxy-authenticate",
                "proxy-authentication-info",
                "proxy-authorization",
                "proxy-connection",
                "te",
                "trailer",
                "upgrade",
            ] {
                assert_eq!(response.header(name), None, "{name}");
            }
        }
    }
}

/// RFC 9112 §6.3: a coding that nobody knows ends with the connection, and is not passed on.
#[tokio::test]
async fn row_i_a_transfer_coding_of_the_origins_own_ends_with_the_hop() {
    for speaks in BOTH {
        let origin = Origin::start().await;
        let edge = Edge::site(&origin).await;
        origin.raw(
            "/a",
            "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ntransfer-encoding: identity\r\n\r\nv1",
        );
        assert_eq!(speaks.get(&edge, "/a").await, miss("v1"));
        let found = speaks.get(&edge, "/a").await;
        assert_eq!(found, hit("v1"));
        assert_ne!(found.header("transfer-encoding"), Some("identity"));
    }
}

/// RFC 9110 §15.2, RFC 8297: also in one packet with a response that is stored.
#[tokio::test]
async fn row_j_informational_responses_are_passed_on_and_not_stored() {
    let finals = "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 2\r\n\r\nv1";
    let early = "HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\nx-early: 1\r\n\r\n";
    for speaks in BOTH {
        for (heads, statuses) in [
            (early.to_owned(), vec![103]),
            ("HTTP/1.1 102 Processing\r\n\r\n".to_owned(), vec![102]),
            (
                format!("HTTP/1.1 102 Processing\r\n\r\n{early}{early}"),
                vec![102, 103, 103],
            ),
        ] {
            let origin = Origin::start().await;
            let edge = Edge::site(&origin).await;
            origin.raw("/a", format!("{heads}{finals}"));
            let response = speaks.get(&edge, "/a").await;
            assert_eq!(response.informational, statuses, "{speaks:?}");
            assert_eq!(response.header("x-early"), None);
            assert_eq!(response, miss("v1"));
            let found = speaks.get(&edge, "/a").await;
            assert!(found.informational.is_empty() && found.header("x-early").is_none());
            assert_eq!(found, hit("v1"));
        }
    }
}

/// RFC 9110 §15.2.
#[tokio::test]
async fn row_j_clients_of_http_1_0_get_no_informational_response() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    origin.raw(
        "/a",
        "HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nv1",
    );
    let mut client = edge.client().await;
    client
        .send("GET /a HTTP/1.0\r\nhost: example.com\r\n\r\n")
        .await;
    let response = client.read("GET").await.unwrap();
    assert_eq!(response.text(), "v1");
    assert!(response.informational.is_empty());
}
