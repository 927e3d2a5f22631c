//! What the edge makes of what filters do in each phase, whatever the filter.

use rimward_tests::{Edge, File, Origin, fill, hit, miss, secs};

/// An edge over `origin` whose only site has these filters, each `{ use = "scripted", … }` with these settings.
async fn with(origin: &Origin, filters: &[&str]) -> Edge {
    Edge::site_with(origin, &words(filters)).await
}

fn words(filters: &[&str]) -> String {
    let filters = filters.iter();
    let filters = filters.map(|settings| format!("{{ use = \"scripted\", {settings} }}"));
    let filters: Vec<_> = filters.collect();
    format!("filters = [{}]", filters.join(", "))
}

/// How often a phase was run.
fn runs(edge: &Edge, phase: &str) -> f64 {
    edge.metric(&format!(
        "rimward_filter_outcomes_total{{outcome=\"{phase}\"}}"
    ))
}

#[tokio::test]
async fn every_phase_may_wait() {
    let origin = Origin::start().await;
    let edge = with(
        &origin,
        &["request = { later = true, set = { x-a = \"1\" } }, \
           origin_request = { later = true, set = { x-b = \"1\" } }, \
           origin_response = { later = true, set = { x-c = \"1\" } }, \
           response = { later = true, set = { x-d = \"1\" } }"],
    )
    .await;
    origin.reply("/a", "cache-control: max-age=60", "v1");
    let first = edge.get("/a").await;
    assert_eq!(first, miss("v1"));
    let asked = origin.last();
    assert_eq!(
        (asked.header("x-a"), asked.header("x-b")),
        (Some("1"), Some("1"))
    );
    let second = edge.get("/a").await;
    assert_eq!(second, hit("v1"));
    let over_h2 = edge.h2().await.request("GET /a").await;
    for response in [first, second, over_h2] {
        let told = (response.header("x-c"), response.header("x-d"));
        assert_eq!(told, (Some("1"), Some("1")));
    }
}

#[tokio::test]
async fn a_fault_in_a_phase_that_waits_ends_the_exchange() {
    for phase in ["request", "origin_request", "origin_response", "response"] {
        let origin = Origin::start().await;
        origin.always("/a", "", "v1");
        let edge = with(
            &origin,
            &[&format!("{phase} = {{ later = true, fail = \"as told\" }}")],
        )
        .await;
        assert_eq!(edge.get("/a").await.status, 500, "{phase}");
    }
}

#[tokio::test]
async fn a_fault_on_a_stored_response_has_its_status_and_its_page() {
    for (later, lane) in [(false, true), (false, false), (true, true)] {
        let origin = Origin::start().await;
        let fail = format!("on_error = 503, response = {{ later = {later}, fail = \"as told\" }}");
        let text = format!(
            "[pop]\nfast_lane = {lane}\n{}",
            rimward_tests::site(&origin, &words(&[&fail]))
        );
        let edge = Edge::start(&text).await;
        origin.reply("/a", "cache-control: max-age=60", "v1");
        let mut client = edge.client().await;
        let mut h2 = edge.h2().await;
        // The first that is answered is a miss.
        client.try_request("GET /a").await.ok();
        for response in [
            edge.get("/a").await,
            h2.request("GET /a").await,
            edge.request("HEAD /a").await,
        ] {
            assert_eq!(response.status, 503, "later: {later}, lane: {lane}");
            assert_eq!(response.header("retry-after"), Some("5"));
        }
        assert!(edge.get("/a").await.text().contains("503"));
        assert_eq!(origin.requests().len(), 1);
    }
}

#[tokio::test]
async fn filters_see_a_request_to_the_origin_once_however_often_it_is_tried() {
    let origin = Origin::start().await;
    let edge = with(
        &origin,
        &["origin_request = { set = { x-a = \"1\", host = \"b.example\" }, path = \"/b\" }"],
    )
    .await;
    origin.hang_up("/b");
    origin.reply("/b", "cache-control: max-age=60", "v1");
    assert_eq!(edge.get("/a").await, miss("v1"));
    assert_eq!(runs(&edge, "origin_request"), 1.0);
    let tries = origin.requests();
    assert_eq!(tries.len(), 2);
    for asked in tries {
        assert_eq!(asked.header("x-a"), Some("1"));
        assert_eq!(asked.header("host"), Some("b.example"));
    }
    assert_eq!(
        edge.get("/a").await,
        hit("v1"),
        "the client's own target is the key"
    );
}

#[tokio::test]
async fn a_revalidation_is_seen_with_its_conditions() {
    let origin = Origin::start().await;
    let edge = with(&origin, &["origin_request = { set = { x-a = \"1\" } }"]).await;
    origin.reply("/a", "cache-control: max-age=10\netag: \"1\"", "v1");
    assert_eq!(edge.get("/a").await, miss("v1"));
    edge.pass_time(secs(11));
    origin.reply("/a", "304\ncache-control: max-age=10\netag: \"1\"", "");
    assert_eq!(edge.get("/a").await.text(), "v1");
    let asked = origin.last();
    let told = (asked.header("if-none-match"), asked.header("x-a"));
    assert_eq!(told, (Some("\"1\""), Some("1")));
}

#[tokio::test]
async fn the_origin_may_be_chosen_when_it_is_about_to_be_asked() {
    let (own, other) = (Origin::start().await, Origin::start().await);
    let text = fill(
        "[origin.other]\nservers = [\"{other}\"]\nhost = \"other.example\"\n",
        &[("other", &other)],
    );
    let choose = "origin_request = { origin = \"other\", later = true }";
    let edge = Edge::site_with(&own, &format!("{}\n{text}", words(&[choose]))).await;
    other.reply("/a", "cache-control: max-age=60", "v1");
    assert_eq!(edge.get("/a").await, miss("v1"));
    assert_eq!(other.last().header("host"), Some("other.example"));
    assert_eq!(edge.get("/a").await, hit("v1"));
    // Its name is no part of the key.
    edge.purge("http://example.com/a", false);
    other.reply("/a", "cache-control: max-age=60", "v2");
    assert_eq!(edge.get("/a").await, miss("v2"));
    assert!(own.requests().is_empty());
}

#[tokio::test]
async fn an_answer_in_place_of_the_origins_is_stored_like_that() {
    let answer = "answer = { body = \"made here\", set = { cache-control = \"max-age=60\", etag = \"\\\"1\\\"\" } }";
    for later in [false, true] {
        let origin = Origin::start().await;
        let edge = with(
            &origin,
            &[
                "origin_response = { set = { x-before = \"1\" } }, response = { set = { x-out = \"1\" } }",
                &format!("origin_request = {{ later = {later}, {answer} }}, origin_response = {{ set = {{ x-own = \"1\" }} }}"),
                "origin_request = { set = { x = \"1\" } }, origin_response = { set = { x-behind = \"1\" } }, response = { set = { x-in = \"1\" } }",
            ],
        )
        .await;
        let first = edge.get("/a").await;
        assert_eq!(first, miss("made here"));
        assert_eq!(first.header("content-length"), Some("9"));
        for name in ["x-before", "x-out", "x-in"] {
            assert_eq!(first.header(name), Some("1"), "{name}");
        }
        for name in ["x-own", "x-behind"] {
            assert_eq!(first.header(name), None, "{name}");
        }
        let second = edge.get("/a").await;
        assert_eq!(second, hit("made here"));
        assert_eq!(second.header("x-before"), Some("1"));
        let part = edge.request("GET /a\nrange: bytes=0-3").await;
        assert_eq!((part.status, part.text()), (206, "made"));
        let same = edge.request("GET /a\nif-none-match: \"1\"").await;
        assert_eq!(same.status, 304);
        let head = edge.request("HEAD /a").await;
        assert_eq!(head.header("content-length"), Some("9"));
        assert_eq!(runs(&edge, "origin_request"), 1.0);
        assert!(origin.requests().is_empty());
    }
}

#[tokio::test]
async fn an_answer_needs_neither_an_origin_nor_a_cache() {
    for cache in ["", "cache = false"] {
        let filter = words(&["origin_request = { answer = { body = \"made here\" } }"]);
        let edge = Edge::start(&format!("[[site]]\nhosts = [\"*\"]\n{cache}\n{filter}\n")).await;
        let mut client = edge.client().await;
        for _ in 0..2 {
            let response = client.get("/a").await;
            assert_eq!((response.status, response.text()), (200, "made here"));
        }
        let head = client.request("HEAD /a").await;
        assert_eq!(head.header("content-length"), Some("9"));
        let posted = client.request("POST /a\n\nbody").await;
        assert_eq!((posted.status, posted.text()), (200, "made here"));
        let over_h2 = edge.h2().await.request("GET /a").await;
        assert_eq!((over_h2.status, over_h2.text()), (200, "made here"));
    }
}

#[tokio::test]
async fn an_answer_may_have_no_body_or_refuse() {
    let origin = Origin::start().await;
    for (deed, status, text) in [
        ("answer = { status = 204 }", 204, ""),
        ("answer = { status = 404, body = \"gone\" }", 404, "gone"),
        ("answer = { status = 304 }", 304, ""),
        ("answer = {}", 200, ""),
    ] {
        let edge = with(&origin, &[&format!("origin_request = {{ {deed} }}")]).await;
        let response = edge.get("/a").await;
        assert_eq!((response.status, response.text()), (status, text), "{deed}");
    }
    let edge = with(&origin, &["origin_request = { refuse = 403 }"]).await;
    let refused = edge.get("/a").await;
    assert_eq!(refused.status, 403);
    assert_eq!(refused.header("cache-control"), Some("no-store"));
    assert!(refused.text().contains("403"), "{refused:?}");
}

#[tokio::test]
async fn what_takes_the_place_of_an_origins_body_is_stored() {
    for (head, body) in [
        (
            "cache-control: max-age=60\netag: \"1\"\ncontent-encoding: gzip",
            "old body",
        ),
        ("cache-control: max-age=60\ncontent-length: 0", ""),
        ("404\ncache-control: max-age=60", "old body"),
        (
            "cache-control: max-age=60\ntransfer-encoding: chunked",
            "old body",
        ),
    ] {
        for later in [false, true] {
            let origin = Origin::start().await;
            let replace = format!(
                "origin_response = {{ later = {later}, status = 200, replace = \"new one\" }}"
            );
            let edge = with(&origin, &[&replace]).await;
            origin.reply("/a", head, body);
            let first = edge.get("/a").await;
            assert_eq!(first, miss("new one"), "{head}");
            assert_eq!(first.header("content-length"), Some("7"), "{head}");
            for name in ["etag", "content-encoding"] {
                assert_eq!(first.header(name), None, "{head}");
            }
            assert_eq!(edge.get("/a").await, hit("new one"), "{head}");
            let part = edge.request("GET /a\nrange: bytes=4-6").await;
            assert_eq!((part.status, part.text()), (206, "one"), "{head}");
            assert_eq!(origin.requests().len(), 1);
        }
    }
}

#[tokio::test]
async fn a_body_is_replaced_over_http2_and_where_nothing_is_stored() {
    let origin = Origin::http2().await;
    let text = fill(
        "[origin.app]\nservers = [\"{origin}\"]\nhttp2 = true\n[[site]]\nhosts = [\"*\"]\norigin = \"app\"\n{words}",
        &[
            ("origin", &origin),
            (
                "words",
                &words(&["origin_response = { replace = \"new one\" }"]),
            ),
        ],
    );
    let edge = Edge::start(&text).await;
    for (head, body) in [
        ("cache-control: no-store", "old"),
        ("cache-control: no-store", ""),
    ] {
        origin.reply("/a", head, body);
        let response = edge.h2().await.request("GET /a").await;
        assert_eq!((response.status, response.text()), (200, "new one"));
    }
    origin.reply("/a", "", "old");
    let posted = edge.request("POST /a\n\nbody").await;
    assert_eq!((posted.status, posted.text()), (200, "new one"));
    origin.reply("/a", "cache-control: no-store", "old");
    let head = edge.request("HEAD /a").await;
    assert_eq!(head.header("content-length"), Some("7"));
}

#[tokio::test]
async fn a_body_is_replaced_on_its_way_to_the_client() {
    for later in [false, true] {
        let origin = Origin::start().await;
        let replace = format!("response = {{ later = {later}, replace = \"new one\" }}");
        let edge = with(&origin, &[&replace]).await;
        origin.reply(
            "/a",
            "cache-control: max-age=60\netag: \"1\"",
            "the old body",
        );
        let mut client = edge.client().await;
        assert_eq!(client.get("/a").await, miss("new one"));
        let second = client.get("/a").await;
        assert_eq!(second, hit("new one"));
        for name in ["etag", "accept-ranges", "transfer-encoding"] {
            assert_eq!(second.header(name), None, "{name}");
        }
        assert_eq!(second.header("content-length"), Some("7"));
        // Who asks for a part gets the whole.
        for range in ["0-3", "2-3,5-6"] {
            let part = client
                .request(&format!("GET /a\nrange: bytes={range}"))
                .await;
            assert_eq!((part.status, part.text()), (200, "new one"));
            assert_eq!(part.header("content-range"), None);
        }
        let head = client.request("HEAD /a").await;
        assert_eq!(head.header("content-length"), Some("7"));
        let same = client.request("GET /a\nif-none-match: \"1\"").await;
        assert_eq!(same.status, 304);
        let mut h2 = edge.h2().await;
        for range in ["", "\nrange: bytes=0-3"] {
            let over_h2 = h2.request(&format!("GET /a{range}")).await;
            assert_eq!((over_h2.status, over_h2.text()), (200, "new one"));
        }
        origin.reply("/b", "cache-control: no-store\ncontent-length: 0", "");
        assert_eq!(client.get("/b").await.text(), "new one");
        origin.reply("/c", "206\ncontent-range: bytes 0-2/9", "old");
        let part = client.request("POST /c\nrange: bytes=0-2\n\nx").await;
        assert_eq!((part.status, part.text()), (200, "new one"));
        assert_eq!(origin.requests().len(), 3);
    }
}

#[tokio::test]
async fn a_filter_says_itself_what_its_body_is() {
    let origin = Origin::start().await;
    let own =
        "describes = true, response = { replace = \"new one\", set = { etag = \"\\\"new\\\"\" } }";
    let edge = with(&origin, &[own]).await;
    origin.reply(
        "/a",
        "etag: \"1\"\nlast-modified: Sat, 28 Nov 2026 00:00:00 GMT",
        "old",
    );
    let response = edge.get("/a").await;
    assert_eq!(response.header("etag"), Some("\"new\""));
    assert_eq!(response.header("last-modified"), None);
}

#[tokio::test]
async fn what_is_put_in_place_of_a_body_is_compressed() {
    let origin = Origin::start().await;
    let body = "new ".repeat(1000);
    let replace = format!("response = {{ replace = \"{body}\" }}");
    let words = format!("{}\ncompress = [\"gzip\"]", words(&[&replace]));
    let edge = Edge::site_with(&origin, &words).await;
    origin.reply(
        "/a",
        "cache-control: max-age=60\ncontent-type: text/plain",
        "old",
    );
    for _ in 0..2 {
        let response = edge.request("GET /a\naccept-encoding: gzip").await;
        assert_eq!(response.header("content-encoding"), Some("gzip"));
        assert!(response.body.len() < 200);
    }
    assert_eq!(edge.get("/a").await, hit(&body));
}

#[tokio::test]
async fn a_page_takes_the_place_of_an_error_beside_slices() {
    let origin = Origin::start().await;
    let replace = "response = { status = 404, replace = \"no such thing\" }";
    let words = format!("{}\ncache = {{ slice = \"64KiB\" }}", words(&[replace]));
    let edge = Edge::site_with(&origin, &words).await;
    origin.file("/a", &File::new(1 << 20, "\"1\""));
    let response = edge.request("GET /a\nrange: bytes=0-9").await;
    assert_eq!((response.status, response.text()), (404, "no such thing"));
}

#[tokio::test]
async fn a_head_waits_for_a_body_that_a_filter_wants_whole() {
    for later in [false, true] {
        let origin = Origin::start().await;
        let hold = format!("response = {{ later = {later}, hold = 10 }}");
        let outer = "response = { set = { x-out = \"1\" } }";
        let edge = with(&origin, &[outer, &hold]).await;
        let fields = "cache-control: max-age=60\netag: \"1\"";
        origin.reply("/a", fields, "v1");
        let mut client = edge.client().await;
        assert_eq!(client.get("/a").await, miss("[v1]"));
        let second = client.get("/a").await;
        assert_eq!(second, hit("[v1]"));
        for (name, value) in [
            ("x-held", Some("2")),
            ("x-out", Some("1")),
            ("content-length", Some("4")),
            ("etag", None),
            ("accept-ranges", None),
            ("age", Some("0")),
        ] {
            assert_eq!(second.header(name), value, "{name}");
        }
        let part = client.request("GET /a\nrange: bytes=0-0").await;
        assert_eq!((part.status, part.text()), (200, "[v1]"));
        let head = client.request("HEAD /a").await;
        assert_eq!(
            (head.header("content-length"), head.header("x-held")),
            (Some("4"), Some("2"))
        );
        let same = client.request("GET /a\nif-none-match: \"1\"").await;
        assert_eq!((same.status, same.header("x-held")), (304, None));
        let over_h2 = edge.h2().await.request("GET /a").await;
        assert_eq!((over_h2.status, over_h2.text()), (200, "[v1]"));
        assert_eq!(origin.requests().len(), 1);

        // What is too long passes on with what was changed until then.
        let long = "x".repeat(100_000);
        origin.reply("/long", fields, &long);
        for _ in 0..2 {
            let response = client.get("/long").await;
            assert_eq!(response.text(), long);
            assert_eq!(response.header("etag"), Some("\"1\""));
            let held: usize = response.header("x-held").unwrap().parse().unwrap();
            assert!(held > 10, "{held}");
        }
        origin.reply("/chunked", "transfer-encoding: chunked", "v1");
        assert_eq!(client.get("/chunked").await.text(), "[v1]");
        origin.reply("/none", "204", "");
        assert_eq!(client.get("/none").await.status, 204);
        origin.reply("/missing", "404", "no");
        let missing = client.get("/missing").await;
        assert_eq!((missing.status, missing.text()), (404, "[no]"));
    }
}

#[tokio::test]
async fn a_request_with_a_body_waits_the_same() {
    let origin = Origin::start().await;
    let edge = with(&origin, &["response = { hold = 10 }"]).await;
    let long = "x".repeat(200_000);
    for body in ["body", &long] {
        origin.always("/a", "", "v1");
        let mut client = edge.client().await;
        for request in [
            format!("POST /a\n\n{body}"),
            format!(
                "PUT /a\ntransfer-encoding: chunked\n\n{:x}\r\n{body}\r\n0\r\n\r\n",
                body.len()
            ),
        ] {
            let response = client.request(&request).await;
            assert_eq!((response.status, response.text()), (200, "[v1]"));
            assert_eq!(origin.last().body, body.as_bytes());
        }
        let over_h2 = edge.h2().await.request(&format!("POST /a\n\n{body}")).await;
        assert_eq!((over_h2.status, over_h2.text()), (200, "[v1]"));
        assert_eq!(origin.last().body, body.as_bytes());
    }
}

#[tokio::test]
async fn the_edges_own_answers_and_errors_are_held_too() {
    let mut origin = Origin::start().await;
    let answer = "request = { answer = { body = \"own\" } }";
    let edge = with(&origin, &["response = { hold = 10 }", answer]).await;
    let response = edge.get("/a").await;
    assert_eq!(
        (response.text(), response.header("x-held")),
        ("[own]", Some("3"))
    );

    let edge = with(&origin, &["response = { hold = 10000 }"]).await;
    origin.stop().await;
    let failed = edge.get("/a").await;
    assert_eq!(failed.status, 502);
    assert!(failed.text().starts_with("[<"), "{failed:?}");
}

#[tokio::test]
async fn what_waited_is_compressed_behind_the_filters() {
    let origin = Origin::start().await;
    let words = format!(
        "{}\ncompress = [\"gzip\"]",
        words(&["response = { hold = 100 }"])
    );
    let edge = Edge::site_with(&origin, &words).await;
    for length in [50, 5000] {
        let target = format!("/{length}");
        let body = "a".repeat(length);
        let fields = "cache-control: max-age=60\ncontent-type: text/plain";
        origin.reply(&target, fields, &body);
        for _ in 0..2 {
            let request = format!("GET {target}\naccept-encoding: gzip");
            let response = edge.request(&request).await;
            let encoding = (length > 1000).then_some("gzip");
            assert_eq!(response.header("content-encoding"), encoding, "{length}");
            assert!(response.body.len() < 100);
        }
    }
}

/// Requests one after the other over one connection, and over HTTP/2.
async fn over_both(edge: &Edge, requests: &[&str]) -> Vec<rimward_tests::Response> {
    let (mut h1, mut h2) = (edge.client().await, edge.h2().await);
    let mut responses = Vec::new();
    for request in requests {
        responses.push(h1.request(request).await);
        responses.push(h2.request(request).await);
    }
    responses
}

#[tokio::test]
async fn what_filters_answer_leaves_by_the_fast_lane() {
    let origin = Origin::start().await;
    let large = "x".repeat(100_000);
    for cache in ["", "cache = false"] {
        for (deed, status, text) in [
            (
                "answer = { body = \"made here\" }".to_owned(),
                200,
                "made here",
            ),
            ("answer = { status = 204 }".to_owned(), 204, ""),
            (format!("answer = {{ body = \"{large}\" }}"), 200, &large),
        ] {
            let filters = words(&[
                "request = { set = { x-in = \"1\" } }, response = { set = { x-out = \"1\" } }",
                &format!("lane = true, request = {{ {deed} }}"),
            ]);
            let filters = filters.replacen("scripted\",", "scripted\", lane = true,", 1);
            let mut told = Vec::new();
            for lane in [true, false] {
                let text = format!(
                    "[pop]\nfast_lane = {lane}\n{}",
                    rimward_tests::site(&origin, &format!("{cache}\n{filters}"))
                );
                let edge = Edge::start(&text).await;
                let responses = over_both(&edge, &["GET /a", "HEAD /a", "GET /a"]).await;
                let taken = edge.metric("rimward_fast_lane_total");
                assert_eq!(taken, if lane { 6.0 } else { 0.0 }, "{deed:.40}");
                assert_eq!(edge.metric("rimward_responses_total"), 6.0);
                assert_eq!(runs(&edge, "request"), 12.0);
                told.push(responses);
            }
            for (lane, engine) in told[0].iter().zip(&told[1]) {
                assert_eq!((lane.status, &lane.body), (engine.status, &engine.body));
                let fields = |response: &rimward_tests::Response| {
                    let mut fields: Vec<String> = response
                        .headers
                        .0
                        .iter()
                        .filter(|(name, _)| !name.eq_ignore_ascii_case("date"))
                        .map(|(name, value)| format!("{name}: {value}").to_ascii_lowercase())
                        .collect();
                    fields.sort();
                    fields
                };
                assert_eq!(fields(lane), fields(engine), "{deed:.40}");
            }
            assert_eq!((told[0][0].status, told[0][0].text()), (status, text));
        }
    }
}

#[tokio::test]
async fn what_the_fast_lane_began_is_not_done_again() {
    let origin = Origin::start().await;
    origin.always("/b", "cache-control: no-store", "v1");
    for deeds in [
        "set = { x-a = \"1\" }, path = \"/b\"",
        "later = true, set = { x-a = \"1\" }, path = \"/b\"",
    ] {
        let filter = format!("lane = true, request = {{ {deeds} }}");
        let edge = with(&origin, &[&filter]).await;
        for response in over_both(&edge, &["GET /a\nx-case: 1", "HEAD /a", "GET /a?b"]).await {
            assert_eq!(response.status, 200);
        }
        assert_eq!(runs(&edge, "request"), 6.0, "{deeds}");
        assert_eq!(
            edge.metric("rimward_filter_runs_total{phase=\"request\"}"),
            6.0
        );
        for asked in origin.requests() {
            assert_eq!(asked.header("x-a"), Some("1"));
            assert_eq!(asked.header("host"), Some("example.com"));
        }
    }
    // A refusal, and a fault, of a filter behind one that was run.
    for (deed, status) in [("refuse = 403", 403), ("fail = \"as told\"", 500)] {
        let first = "lane = true, request = { set = { x-a = \"1\" } }, response = { set = { x-out = \"1\" } }";
        let second = format!("lane = true, request = {{ {deed} }}");
        let edge = with(&origin, &[first, &second]).await;
        for response in over_both(&edge, &["GET /a"]).await {
            assert_eq!(
                (response.status, response.header("x-out")),
                (status, Some("1"))
            );
            assert!(response.text().contains(&status.to_string()));
        }
        assert_eq!(runs(&edge, "request"), 4.0);
    }
}

#[tokio::test]
async fn a_body_is_replaced_in_the_fast_lane() {
    let origin = Origin::start().await;
    let body = "new ".repeat(1000);
    let filter = format!("lane = true, response = {{ replace = \"{body}\" }}");
    let words = format!("{}\ncompress = [\"gzip\"]", words(&[&filter]));
    let text = format!(
        "[pop]\nfast_lane = true\n{}",
        rimward_tests::site(&origin, &words)
    );
    let edge = Edge::start(&text).await;
    origin.reply(
        "/a",
        "cache-control: max-age=60\ncontent-type: text/plain",
        "old",
    );
    assert_eq!(edge.get("/a").await, miss(&body));
    for response in over_both(&edge, &["GET /a"]).await {
        assert_eq!(response, hit(&body));
        assert_eq!(response.header("content-length"), Some("4000"));
    }
    for response in over_both(&edge, &["GET /a\naccept-encoding: gzip"]).await {
        assert_eq!(response.header("content-encoding"), Some("gzip"));
        assert!(response.body.len() < 200);
    }
    for response in over_both(&edge, &["HEAD /a"]).await {
        assert_eq!(response.header("content-length"), Some("4000"));
    }
    let taken = edge.metric("rimward_fast_lane_total");
    assert!(taken >= 4.0, "{taken}");
}
