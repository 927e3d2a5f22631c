//! Bodies of requests that filters want to have, or rewrite.

use rimward_tests::client::to_wire;
use rimward_tests::{Edge, Origin, fill, hit, miss, tools};

/// One site in front of an origin, with these filters.
async fn with(origin: &Origin, filters: &str) -> Edge {
    Edge::site_with(origin, &format!("filters = [{filters}]")).await
}

/// The same where the origin speaks HTTP/2.
async fn over_h2(origin: &Origin, filters: &str) -> Edge {
    const SITE: &str = r#"
        [origin.app]
        servers = ["{origin}"]
        http2 = true

        [[site]]
        hosts = ["*"]
        origin = "app"
        filters = [{filters}]
    "#;
    Edge::start(&fill(SITE, &[("origin", origin), ("filters", &filters)])).await
}

/// So many bytes, none of which is where another one is.
fn long(length: usize) -> String {
    let words = (0..).map(|number| format!("{number:08x} "));
    let mut text: String = words.take(length / 9 + 1).collect();
    text.truncate(length);
    text
}

fn by_length(body: &str) -> String {
    format!("PUT /a\ncontent-length: {}\n\n{body}", body.len())
}

fn in_chunks(body: &str) -> String {
    let pieces: Vec<&[u8]> = body.as_bytes().chunks(5000).collect();
    let chunks = pieces.iter().map(|piece| {
        let text = std::str::from_utf8(piece).unwrap();
        format!("{:x}\r\n{text}\r\n", piece.len())
    });
    let chunks: String = chunks.collect();
    format!("PUT /a\ntransfer-encoding: chunked\n\n{chunks}0\r\n\r\n")
}

#[tokio::test]
async fn a_body_that_was_wanted_reaches_the_origin_as_it_was() {
    for phase in ["request", "origin_request"] {
        for wants in [0, 100, 300_000] {
            let filter = format!("{{ use = \"uploads\", phase = \"{phase}\", wants = {wants} }}");
            let (one, two) = (Origin::start().await, Origin::http2().await);
            for (origin, edge) in [
                (&one, with(&one, &filter).await),
                (&two, over_h2(&two, &filter).await),
            ] {
                origin.always("/a", "", "ok");
                let mut client = edge.client().await;
                let mut h2 = edge.h2().await;
                for length in [0, 1, 100, 101, 65_536, 70_000, 400_000] {
                    let body = long(length);
                    let told = match length <= wants {
                        true => format!("{length} whole"),
                        false => format!("{wants} begun"),
                    };
                    for (way, response) in [
                        ("length", client.request(&by_length(&body)).await),
                        ("chunks", client.request(&in_chunks(&body)).await),
                        ("stream", h2.request(&format!("PUT /a\n\n{body}")).await),
                    ] {
                        assert_eq!(response.text(), "ok", "{phase} {wants} {length} {way}");
                        let _ = way;
                    }
                    for asked in origin.requests().iter().rev().take(3) {
                        assert_eq!(asked.body, body.as_bytes(), "{phase} {wants} {length}");
                        assert_eq!(asked.header("x-body"), Some(&*told));
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn a_request_without_a_body_has_an_empty_one() {
    let origin = Origin::start().await;
    let edge = with(&origin, "{ use = \"uploads\", wants = 9 }").await;
    origin.reply("/a", "cache-control: max-age=60", "ok");
    assert_eq!(edge.get("/a").await, miss("ok"));
    let asked = origin.last();
    assert_eq!(asked.header("x-body"), Some("0 whole"));
    assert_eq!(asked.header("content-length"), None);
    assert_eq!(edge.get("/a").await, hit("ok"));
    assert_eq!(edge.h2().await.get("/a").await, hit("ok"));
}

#[tokio::test]
async fn an_answer_leaves_the_connection_at_the_next_request() {
    let origin = Origin::start().await;
    let edge = with(
        &origin,
        "{ use = \"uploads\", wants = 100, answers = true }",
    )
    .await;
    let hidden = "GET /hidden HTTP/1.1\r\nhost: example.com\r\n\r\n";
    let mut client = edge.client().await;
    for request in [by_length(hidden), in_chunks(hidden)] {
        for _ in 0..2 {
            let told = client.request(&request).await;
            assert_eq!(told.text(), format!("{} whole", hidden.len()));
        }
    }
    // What is longer than wanted is not read to its end.
    for request in [by_length(&hidden.repeat(9)), in_chunks(&hidden.repeat(9))] {
        let mut client = edge.client().await;
        assert_eq!(client.request(&request).await.text(), "100 begun");
        assert_eq!(client.rest().await, b"");
    }
    let mut h2 = edge.h2().await;
    for times in [1, 9, 1] {
        let request = format!("PUT /a\n\n{}", hidden.repeat(times));
        assert_eq!(h2.request(&request).await.status, 200);
    }
    assert_eq!(origin.targets(), [""; 0]);
}

#[tokio::test]
async fn a_client_that_waits_is_told_to_go_on_where_its_body_is_wanted() {
    let origin = Origin::start().await;
    let edge = with(&origin, "{ use = \"uploads\", wants = 3 }").await;
    origin.always("/a", "", "ok");
    let mut client = edge.client().await;
    for body in ["abc", "abcdef"] {
        let (_, head) = to_wire(&format!(
            "POST /a\nexpect: 100-continue\ncontent-length: {}\n\n",
            body.len()
        ));
        client.send(head).await;
        client.read_until("100 Continue\r\n\r\n").await;
        client.send(body).await;
        let response = client.read("POST").await.unwrap();
        assert_eq!((response.text(), &*response.informational), ("ok", &[][..]));
        let asked = origin.last();
        assert_eq!(
            (asked.header("expect"), &*asked.body),
            (None, body.as_bytes())
        );
    }
}

#[tokio::test]
async fn a_body_that_can_be_kept_is_sent_again() {
    let origin = Origin::start().await;
    for (filter, sent, expected) in [
        ("{ use = \"uploads\", wants = 100000 }", 60_000, 200),
        ("{ use = \"uploads\", wants = 100 }", 60_000, 200),
        ("{ use = \"uploads\", wants = 100000 }", 70_000, 502),
        // What was rewritten while it was there whole is a body like any other.
        (
            "{ use = \"uploads\", wants = 100000, rewrite = \"append\" }",
            60_000,
            200,
        ),
        // What was rewritten as it passed is gone.
        ("{ use = \"uploads\", rewrite = \"append\" }", 60_000, 502),
    ] {
        let edge = with(&origin, filter).await;
        // An idle connection that fails when it is used again.
        origin.reply("/first", "", "ok");
        edge.get("/first").await;
        origin.hang_up("/a");
        if expected == 200 {
            origin.reply("/a", "", "ok");
        }
        let body = long(sent);
        let response = edge.request(&by_length(&body)).await;
        assert_eq!(response.status, expected, "{filter} {sent}");
        if expected == 200 {
            let asked = String::from_utf8(origin.last().body).unwrap();
            assert_eq!(asked.strip_suffix('!').unwrap_or(&asked), body);
        }
    }
}

#[tokio::test]
async fn a_body_is_rewritten_on_its_way_to_the_origin() {
    for (wants, phase) in [
        ("", "request"),
        ("wants = 1000000, ", "request"),
        ("", "origin_request"),
        ("wants = 1000000, ", "origin_request"),
    ] {
        for (rewrite, of) in [
            ("upper", str::to_uppercase as fn(&str) -> String),
            ("append", |body| format!("{body}!")),
            ("drop", |_| String::new()),
        ] {
            let filter = format!(
                "{{ use = \"uploads\", {wants}phase = \"{phase}\", rewrite = \"{rewrite}\" }}"
            );
            let (one, two) = (Origin::start().await, Origin::http2().await);
            for (origin, edge) in [
                (&one, with(&one, &filter).await),
                (&two, over_h2(&two, &filter).await),
            ] {
                origin.always("/a", "", "ok");
                let mut client = edge.client().await;
                let mut h2 = edge.h2().await;
                for body in ["", "x", &long(100_000)] {
                    for (way, response) in [
                        ("length", client.request(&by_length(body)).await),
                        ("chunks", client.request(&in_chunks(body)).await),
                        ("stream", h2.request(&format!("PUT /a\n\n{body}")).await),
                    ] {
                        assert_eq!(response.text(), "ok", "{filter} {way}");
                    }
                    for asked in origin.requests().iter().rev().take(3) {
                        let got = String::from_utf8_lossy(&asked.body);
                        assert_eq!(got, of(body), "{filter} {}", body.len());
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn a_request_without_a_body_can_be_given_one() {
    for phase in ["request", "origin_request"] {
        let filter = format!("{{ use = \"uploads\", phase = \"{phase}\", rewrite = \"append\" }}");
        let (one, two) = (Origin::start().await, Origin::http2().await);
        for (origin, edge) in [
            (&one, with(&one, &filter).await),
            (&two, over_h2(&two, &filter).await),
        ] {
            origin.always("/a", "cache-control: no-store", "ok");
            let mut client = edge.client().await;
            for _ in 0..2 {
                assert_eq!(client.get("/a").await.text(), "ok");
            }
            assert_eq!(edge.h2().await.get("/a").await.text(), "ok");
            let asked = origin.requests();
            assert_eq!(asked.len(), 3);
            assert!(asked.iter().all(|asked| asked.body == b"!"));
        }
    }
}

#[tokio::test]
async fn rewriters_that_follow_each_other_get_what_the_one_before_made() {
    let origin = Origin::start().await;
    let edge = with(
        &origin,
        "{ use = \"uploads\", rewrite = \"append\" }, { use = \"uploads\", rewrite = \"upper\" }, \
         { use = \"uploads\", wants = 9, phase = \"origin_request\", rewrite = \"append\" }",
    )
    .await;
    origin.always("/a", "", "ok");
    for (request, expected) in [
        (by_length("ab"), "AB!!"),
        (in_chunks("ab"), "AB!!"),
        (by_length("0123456789"), "0123456789!!"),
        ("GET /a".to_owned(), "!!"),
    ] {
        assert_eq!(edge.request(&request).await.text(), "ok");
        assert_eq!(String::from_utf8(origin.last().body).unwrap(), expected);
    }
}

#[tokio::test]
async fn half_a_body_is_never_taken_for_a_whole_one() {
    let (one, two) = (Origin::start().await, Origin::http2().await);
    let filter = "{ use = \"uploads\", rewrite = \"fail\" }";
    for (origin, edge) in [
        (&one, with(&one, filter).await),
        (&two, over_h2(&two, filter).await),
    ] {
        for request in [
            by_length("abc"),
            in_chunks("abc"),
            by_length(&long(100_000)),
        ] {
            assert_eq!(edge.request(&request).await.status, 500);
        }
        assert_eq!(edge.h2().await.request("PUT /a\n\nabc").await.status, 500);
        assert_eq!(origin.requests().len(), 0, "no whole request came");
    }
}

#[tokio::test]
async fn a_filter_can_t_lie_about_a_body() {
    for phase in ["request", "origin_request"] {
        let (one, two) = (Origin::start().await, Origin::http2().await);
        for length in ["3", "30", "0"] {
            let filter =
                format!("{{ use = \"uploads\", phase = \"{phase}\", length = \"{length}\" }}");
            for (origin, edge) in [
                (&one, with(&one, &filter).await),
                (&two, over_h2(&two, &filter).await),
            ] {
                origin.always("/a", "", "ok");
                for request in [by_length("0123456789"), in_chunks("0123456789")] {
                    let mut client = edge.client().await;
                    for _ in 0..2 {
                        assert_eq!(client.request(&request).await.text(), "ok");
                        assert_eq!(origin.last().body, b"0123456789");
                    }
                }
                let request = "PUT /a\n\n0123456789";
                assert_eq!(edge.h2().await.request(request).await.text(), "ok");
                assert_eq!(origin.last().body, b"0123456789");
                assert_eq!(edge.get("/a").await.text(), "ok");
                assert_eq!(origin.last().body, b"");
            }
        }
    }
}

#[tokio::test]
async fn a_wanted_body_is_no_longer_than_allowed() {
    let origin = Origin::start().await;
    let limited = "{ use = \"request_limits\", max_body = \"10B\" }";
    let wanting = "{ use = \"uploads\", wants = 20 }";
    origin.always("/a", "", "ok");
    for filters in [
        format!("{limited}, {wanting}"),
        format!("{wanting}, {limited}"),
    ] {
        let edge = with(&origin, &filters).await;
        for (length, expected) in [(10, 200), (11, 413), (30, 413)] {
            for request in [by_length(&long(length)), in_chunks(&long(length))] {
                let status = edge.request(&request).await.status;
                assert_eq!(status, expected, "{filters} {length}");
            }
            let request = format!("PUT /a\n\n{}", long(length));
            let status = edge.h2().await.request(&request).await.status;
            assert_eq!(status, expected, "{filters} {length}");
        }
    }
    assert!(origin.requests().iter().all(|asked| asked.body.len() == 10));
}

#[tokio::test]
async fn who_looks_at_bodies_sees_what_the_client_sent() {
    const TWO: &str = r#"
        [origin.own]
        servers = ["{own}"]

        [origin.other]
        servers = ["{other}"]

        [[site]]
        hosts = ["*"]
        origin = "own"
        filters = [{ use = "mirror", origin = "other", methods = ["PUT"] }, { use = "uploads", {settings} }]
    "#;
    for settings in [
        "phase = \"origin_request\", rewrite = \"upper\"",
        "phase = \"origin_request\", wants = 99, rewrite = \"upper\"",
        "wants = 99",
    ] {
        let (own, other) = (Origin::start().await, Origin::start().await);
        let addresses = [own.address().to_string(), other.address().to_string()];
        let settings = settings.to_owned();
        let edge = Edge::start(&fill(
            TWO,
            &[
                ("own", &addresses[0]),
                ("other", &addresses[1]),
                ("settings", &settings),
            ],
        ))
        .await;
        other.always("/a", "", "ok");
        own.reply("/a", "", "ok");
        assert_eq!(edge.request(&by_length("abc")).await.text(), "ok");
        own.reply("/a", "", "ok");
        assert_eq!(edge.h2().await.request("PUT /a\n\nabc").await.text(), "ok");
        other.answered(2).await;
        assert!(other.requests().iter().all(|asked| asked.body == b"abc"));
    }
}

#[tokio::test]
async fn bodies_go_along_where_responses_are_held() {
    let holds = "{ use = \"scripted\", response = { hold = 100 } }";
    for (settings, expected) in [
        ("wants = 99", "abc"),
        ("wants = 2", "abc"),
        ("rewrite = \"append\"", "abc!"),
        ("wants = 99, rewrite = \"append\"", "abc!"),
        ("phase = \"origin_request\", wants = 99", "abc"),
        (
            "phase = \"origin_request\", wants = 99, rewrite = \"append\"",
            "abc!",
        ),
        ("phase = \"origin_request\", rewrite = \"append\"", "abc!"),
    ] {
        let origin = Origin::start().await;
        let filters = format!("{{ use = \"uploads\", {settings} }}, {holds}");
        let edge = with(&origin, &filters).await;
        origin.always("/a", "", "ok");
        for request in [by_length("abc"), in_chunks("abc")] {
            let response = edge.request(&request).await;
            assert_eq!(response.text(), "[ok]", "{settings}");
            let got = String::from_utf8(origin.last().body).unwrap();
            assert_eq!(got, expected, "{settings}");
        }
        let response = edge.h2().await.request("PUT /a\n\nabc").await;
        assert_eq!(response.text(), "[ok]", "{settings}");
        assert_eq!(origin.last().body, expected.as_bytes(), "{settings}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_uploads_what_filters_want() {
    let Some(curl) = tools::need("curl") else {
        return;
    };
    let origin = Origin::start().await;
    let edge = with(
        &origin,
        "{ use = \"uploads\", wants = 1000, rewrite = \"append\" }",
    )
    .await;
    origin.always("/a", "", "ok");
    let files = edge.files();
    for length in [3, 1000, 1001, 200_000] {
        let body = long(length);
        let file = files.write("body", &body);
        let data = format!("@{}", file.display());
        let url = format!("http://{}/a", edge.address());
        for ways in [
            &[][..],
            &["-H", "Transfer-Encoding: chunked"],
            &["-H", "Expect: 100-continue", "--expect100-timeout", "20"],
            &["--http2-prior-knowledge"],
        ] {
            let mut arguments = vec!["-sS", "--max-time", "20", "--data-binary", &data];
            arguments.extend(ways);
            arguments.push(&url);
            let (curl, arguments) = (curl.clone(), arguments.clone());
            let output = tokio::task::block_in_place(|| tools::run(&curl, &arguments));
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let why = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!((said.as_str(), why.as_str()), ("ok", ""), "{ways:?}");
            assert!(
                origin.last().body == format!("{body}!").as_bytes(),
                "{ways:?}"
            );
        }
    }
}
