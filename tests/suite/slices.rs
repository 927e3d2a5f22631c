//! Ranges of large objects: what they cost the origin, and what the client gets.

use rimward_tests::expect::From;
use rimward_tests::{Broken, Client, Edge, File, Gate, Origin, Received, Response, secs, within};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
/// A site whose slices are as small as may be.
const SMALL: &str = "cache = { slice = \"64KiB\" }";

/// The ranges that the origin was asked for; `-` for the whole.
fn asked(origin: &Origin) -> Vec<String> {
    let range = |request: Received| request.header("range").unwrap_or("-").to_owned();
    origin.requests().into_iter().map(range).collect()
}

fn slice(number: u64, size: u64) -> String {
    format!("bytes={}-{}", number * size, (number + 1) * size - 1)
}

async fn range(edge: &Edge, range: &str) -> Response {
    edge.request(&format!("GET /a\nrange: bytes={range}")).await
}

/// What comes out of the cache once all that is needed is stored: a client may have its bytes before the slice is whole.
async fn hit(edge: &Edge, asked_for: &str) -> Response {
    let stored = async {
        loop {
            let response = range(edge, asked_for).await;
            if From::of(response.cache_status()) == From::Hit {
                return response;
            }
        }
    };
    within("a hit", stored).await
}

#[track_caller]
fn assert_part(response: &Response, file: &File, part: std::ops::Range<u64>, total: u64) {
    let content_range = format!("bytes {}-{}/{total}", part.start, part.end - 1);
    assert_eq!(
        (response.status, response.header("content-range")),
        (206, Some(content_range.as_str())),
        "{response:?}"
    );
    let length = (part.end - part.start).to_string();
    assert_eq!(response.header("content-length"), Some(length.as_str()));
    assert!(
        response.body == file.bytes(part),
        "other bytes: {response:?}"
    );
}

async fn edge_with(words: &str, file: &File) -> (Origin, Edge) {
    let origin = Origin::start().await;
    let edge = Edge::site_with(&origin, words).await;
    origin.file("/a", file);
    (origin, edge)
}

#[tokio::test]
async fn a_seek_in_a_large_object_costs_the_slices_that_it_touches() {
    let file = File::new(GIB, "\"1\"");
    let (origin, edge) = edge_with("", &file).await;
    let at = 700 * MIB - 10;
    let response = range(&edge, &format!("{at}-{}", at + 19)).await;
    assert_part(&response, &file, at..at + 20, GIB);
    assert_eq!(response.header("etag"), Some("\"1\""));
    assert_eq!(asked(&origin), [slice(699, MIB), slice(700, MIB)]);
    let again = hit(&edge, &format!("{}-{}", at + 12, at + 15)).await;
    assert_part(&again, &file, at + 12..at + 16, GIB);
    assert_eq!(origin.requests().len(), 2);
}

#[tokio::test]
async fn every_kind_of_range_is_cut_out_of_its_slices() {
    let total = 1000 * KIB + 17;
    let file = File::new(total, "\"1\"");
    for (asked_for, part) in [
        ("0-0", 0..1),
        ("5-", 5..total),
        ("-20", total - 20..total),
        ("-99999999", 0..total),
        ("65535-65536", 65535..65537),
        ("65536-131071", 65536..131_072),
        ("1023990-99999999", 1_023_990..total),
        ("100-900000", 100..900_001),
    ] {
        let (_origin, edge) = edge_with(SMALL, &file).await;
        let response = range(&edge, asked_for).await;
        assert_part(&response, &file, part.clone(), total);
        assert_eq!(
            From::of(response.cache_status()),
            From::Miss,
            "{response:?}"
        );
        assert_part(&hit(&edge, asked_for).await, &file, part.clone(), total);
        let request = format!("GET /a\nrange: bytes={asked_for}");
        let over_h2 = edge.h2().await.request(&request).await;
        assert_part(&over_h2, &file, part, total);
    }
}

#[tokio::test]
async fn the_end_of_an_object_costs_one_slice_to_learn_its_length() {
    let file = File::new(GIB, "\"1\"");
    let (origin, edge) = edge_with("", &file).await;
    assert_part(&range(&edge, "-10").await, &file, GIB - 10..GIB, GIB);
    assert_eq!(asked(&origin), [slice(0, MIB), slice(1023, MIB)]);
}

#[tokio::test]
async fn several_ranges_come_in_parts_and_cost_each_slice_once() {
    let file = File::new(GIB, "\"1\"");
    let (origin, edge) = edge_with("", &file).await;
    let at = 500 * MIB;
    let response = range(&edge, &format!("{at}-{},3-4,8-9", at + 1)).await;
    let kind = response.header("content-type").unwrap().to_owned();
    let boundary = kind
        .strip_prefix("multipart/byteranges; boundary=")
        .unwrap();
    let mut expected = Vec::new();
    for part in [3..5, 8..10, at..at + 2] {
        let (first, last) = (part.start, part.end - 1);
        let head = format!(
            "\r\n--{boundary}\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes {first}-{last}/{GIB}\r\n\r\n"
        );
        expected.extend(head.into_bytes());
        expected.extend(file.bytes(part));
    }
    expected.extend(format!("\r\n--{boundary}--\r\n").into_bytes());
    assert_eq!((response.status, &response.body), (206, &expected));
    assert_eq!(asked(&origin), [slice(0, MIB), slice(500, MIB)]);
}

#[tokio::test]
async fn a_range_beyond_the_end_is_refused_with_the_length() {
    let file = File::new(100 * KIB, "\"1\"");
    let (origin, edge) = edge_with(SMALL, &file).await;
    for beyond in ["102400-", "9999999-99999999"] {
        let response = range(&edge, beyond).await;
        assert_eq!(
            (response.status, response.header("content-range")),
            (416, Some("bytes */102400"))
        );
    }
    assert_eq!(asked(&origin), [slice(1, 64 * KIB), slice(152, 64 * KIB)]);
    // It says nothing against storing the rest.
    hit(&edge, "0-1").await;
}

#[tokio::test]
async fn if_range_is_compared_strongly() {
    let file = File::new(200 * KIB, "\"1\"");
    for (condition, status) in [("\"1\"", 206), ("\"2\"", 200), ("W/\"1\"", 200)] {
        let (_origin, edge) = edge_with(SMALL, &file).await;
        for _ in 0..2 {
            let request = format!("GET /a\nrange: bytes=70000-70009\nif-range: {condition}");
            let response = edge.request(&request).await;
            assert_eq!(response.status, status, "{condition}");
            let part = if status == 206 {
                70000..70010
            } else {
                0..200 * KIB
            };
            assert!(
                response.body == file.bytes(part),
                "{condition}: {response:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_client_that_has_the_object_gets_304_for_a_range_too() {
    let file = File::new(200 * KIB, "\"1\"");
    let (_origin, edge) = edge_with(SMALL, &file).await;
    let response = edge
        .request("GET /a\nrange: bytes=0-9\nif-none-match: \"1\"")
        .await;
    assert_eq!(
        (response.status, response.header("etag")),
        (304, Some("\"1\""))
    );
    assert!(response.body.is_empty() && response.header("content-range").is_none());
}

#[tokio::test]
async fn an_origin_without_ranges_gives_the_whole_which_is_stored() {
    let file = File::new(200 * KIB, "\"1\"").without_ranges();
    let (origin, edge) = edge_with(SMALL, &file).await;
    assert_part(
        &range(&edge, "70000-70009").await,
        &file,
        70000..70010,
        200 * KIB,
    );
    let response = hit(&edge, "150000-150009").await;
    assert_part(&response, &file, 150_000..150_010, 200 * KIB);
    let whole = edge.get("/a").await;
    assert!(whole.status == 200 && whole.body == file.bytes(0..200 * KIB));
    assert_eq!(origin.requests().len(), 1);
}

#[tokio::test]
async fn an_object_no_longer_than_a_slice_is_stored_whole() {
    let file = File::new(1000, "\"1\"");
    let (origin, edge) = edge_with("", &file).await;
    assert_part(&range(&edge, "10-19").await, &file, 10..20, 1000);
    let whole = edge.get("/a").await;
    assert!(
        whole.status == 200 && whole.body == file.bytes(0..1000),
        "{whole:?}"
    );
    assert_eq!(whole.header("content-range"), None);
    assert_eq!(From::of(whole.cache_status()), From::Hit);
    assert_part(&range(&edge, "-5").await, &file, 995..1000, 1000);
    assert_eq!(asked(&origin), [slice(0, MIB)]);
}

#[tokio::test]
async fn ranges_come_out_of_a_whole_that_is_stored() {
    let file = File::new(200 * KIB, "\"1\"");
    let (origin, edge) = edge_with(SMALL, &file).await;
    edge.get("/a").await;
    assert_part(
        &range(&edge, "70000-70009").await,
        &file,
        70000..70010,
        200 * KIB,
    );
    assert_eq!(asked(&origin), ["-"]);
}

#[tokio::test]
async fn only_a_get_is_sliced() {
    let file = File::new(200 * KIB, "\"1\"");
    let (origin, edge) = edge_with(SMALL, &file).await;
    let head = edge.request("HEAD /a\nrange: bytes=0-9").await;
    assert_eq!((head.body.len(), asked(&origin)), (0, vec!["-".to_owned()]));
}

#[tokio::test]
async fn slices_can_be_switched_off() {
    let file = File::new(200 * KIB, "\"1\"");
    let (origin, edge) = edge_with("cache = { slice = false }", &file).await;
    assert_part(
        &range(&edge, "70000-70009").await,
        &file,
        70000..70010,
        200 * KIB,
    );
    assert_eq!(asked(&origin), ["-"]);
}

#[tokio::test]
async fn what_has_no_strong_validator_is_fetched_whole() {
    let file = File::new(200 * KIB, "W/\"1\"");
    let (origin, edge) = edge_with(SMALL, &file).await;
    for _ in 0..2 {
        assert_part(
            &range(&edge, "70000-140000").await,
            &file,
            70000..140_001,
            200 * KIB,
        );
    }
    assert_eq!(asked(&origin), [slice(1, 64 * KIB), "-".to_owned()]);
}

#[tokio::test]
async fn a_part_that_was_not_asked_for_is_neither_stored_nor_sent() {
    for content_range in [
        "bytes 0-9/204800",
        "bytes 65536-131071/*",
        "bytes 65537-131072/204800",
    ] {
        let file = File::new(200 * KIB, "\"1\"");
        let (origin, edge) = edge_with(SMALL, &file).await;
        let head =
            format!("206\ncache-control: max-age=60\netag: \"1\"\ncontent-range: {content_range}");
        origin.reply("/a", &head, "wrong");
        for _ in 0..2 {
            assert_part(
                &range(&edge, "70000-70009").await,
                &file,
                70000..70010,
                200 * KIB,
            );
        }
        assert_eq!(
            asked(&origin),
            [slice(1, 64 * KIB), "-".to_owned()],
            "{content_range}"
        );
    }
}

#[tokio::test]
async fn what_may_not_be_stored_is_passed_on_in_the_clients_own_ranges() {
    let file = File::new(GIB, "\"1\"").head("cache-control: no-store");
    let (origin, edge) = edge_with("", &file).await;
    for _ in 0..2 {
        assert_part(&range(&edge, "10-19").await, &file, 10..20, GIB);
    }
    assert_eq!(asked(&origin), [slice(0, MIB), "bytes=10-19".to_owned()]);
}

#[tokio::test]
async fn other_answers_are_passed_on_and_stored_for_the_whole() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    origin.reply("/a", "404\ncache-control: max-age=60", "none");
    for _ in 0..2 {
        let response = range(&edge, "10-19").await;
        assert_eq!((response.status, response.text()), (404, "none"));
        assert_eq!(response.header("content-range"), None);
    }
    assert_eq!(edge.get("/a").await.status, 404);
    assert_eq!(origin.requests().len(), 1);
}

#[tokio::test]
async fn an_object_that_is_replaced_before_the_response_begins_is_sent_anew() {
    let (old, new) = (File::new(200 * KIB, "\"1\""), File::new(200 * KIB, "\"2\""));
    let (origin, edge) = edge_with(SMALL, &old).await;
    range(&edge, "0-9").await;
    origin.file("/a", &new);
    // The length is learnt from a slice of the old version, and the end is of the new one.
    assert_part(
        &range(&edge, "-10").await,
        &new,
        200 * KIB - 10..200 * KIB,
        200 * KIB,
    );
    assert_part(&range(&edge, "0-9").await, &new, 0..10, 200 * KIB);
    let slices = [0, 3, 0].map(|number| slice(number, 64 * KIB));
    assert_eq!(
        asked(&origin),
        [&slices[..], &[slice(3, 64 * KIB)]].concat()[..asked(&origin).len()]
    );
}

#[tokio::test]
async fn an_object_that_is_replaced_while_it_is_sent_is_cut_off_and_its_slices_go() {
    let (old, new) = (File::new(200 * KIB, "\"1\""), File::new(300 * KIB, "\"2\""));
    let (origin, edge) = edge_with(SMALL, &old).await;
    range(&edge, "0-9").await;
    origin.file("/a", &new);
    let cut = edge.try_request("GET /a\nrange: bytes=0-99999").await;
    let Err(Broken::CutOff(body)) = cut else {
        panic!("not cut off: {cut:?}")
    };
    assert!(body == old.bytes(0..64 * KIB), "{} bytes", body.len());
    let whole = edge
        .h2()
        .await
        .try_request("GET /a\nrange: bytes=0-99999")
        .await;
    assert_part(&whole.unwrap(), &new, 0..100_000, 300 * KIB);
}

#[tokio::test]
async fn a_stored_slice_of_an_older_version_is_fetched_again() {
    let (old, new) = (File::new(200 * KIB, "\"1\""), File::new(200 * KIB, "\"2\""));
    let (origin, edge) = edge_with(SMALL, &old).await;
    range(&edge, "70000-70009").await;
    origin.file("/a", &new);
    assert_part(&range(&edge, "0-99999").await, &new, 0..100_000, 200 * KIB);
    let slices = [1, 0, 1].map(|number| slice(number, 64 * KIB));
    assert_eq!(asked(&origin), slices);
}

#[tokio::test]
async fn one_of_many_equal_requests_for_a_slice_reaches_the_origin() {
    let file = File::new(200 * KIB, "\"1\"");
    let (origin, edge) = edge_with(SMALL, &file).await;
    let gate = held(&origin, &file, 64 * KIB..128 * KIB, 200 * KIB);
    let responses = together(&edge, "70000-70009", &gate).await;
    for response in &responses {
        assert_part(response, &file, 70000..70010, 200 * KIB);
    }
    let collapsed = responses
        .iter()
        .filter(|response| response.cache_status().contains("collapsed"));
    assert_eq!((origin.requests().len(), collapsed.count()), (1, 4));
}

#[tokio::test]
async fn who_waits_for_a_slice_that_is_the_whole_gets_it_as_well() {
    for has_ranges in [true, false] {
        let file = File::new(1000, "\"1\"");
        let (origin, edge) = edge_with("", &file).await;
        let gate = match has_ranges {
            true => held(&origin, &file, 0..1000, 1000),
            false => {
                let head = "cache-control: max-age=60\netag: \"1\"";
                origin.hold("/a", head, file.bytes(0..1000))
            }
        };
        let responses = together(&edge, "10-19", &gate).await;
        for response in &responses {
            assert_part(response, &file, 10..20, 1000);
        }
        assert_eq!(origin.requests().len(), 1);
    }
}

/// What five clients get that ask for the same range at once.
async fn together(edge: &Edge, range: &str, gate: &Gate) -> Vec<Response> {
    let address = edge.address();
    let request = format!("GET /a\nrange: bytes={range}");
    let ask =
        |request: String| async move { Client::connect(address).await.request(&request).await };
    let asked: Vec<_> = (0..5).map(|_| tokio::spawn(ask(request.clone()))).collect();
    gate.reached().await;
    gate.open();
    let mut responses = Vec::new();
    for response in asked {
        responses.push(response.await.unwrap());
    }
    responses
}

fn held(origin: &Origin, file: &File, part: std::ops::Range<u64>, total: u64) -> Gate {
    let head = format!(
        "206\ncache-control: max-age=60\netag: \"1\"\ncontent-range: bytes {}-{}/{total}",
        part.start,
        part.end - 1
    );
    origin.hold("/a", &head, file.bytes(part))
}

#[tokio::test]
async fn a_stale_slice_is_revalidated() {
    let file = File::new(200 * KIB, "\"1\"");
    let (origin, edge) = edge_with(SMALL, &file).await;
    range(&edge, "70000-70009").await;
    edge.pass_time(secs(61));
    let response = range(&edge, "70000-70009").await;
    assert_part(&response, &file, 70000..70010, 200 * KIB);
    assert_eq!(
        From::of(response.cache_status()),
        From::Revalidated,
        "{response:?}"
    );
    assert_eq!(origin.last().header("if-none-match"), Some("\"1\""));
    assert_eq!(
        From::of(range(&edge, "70000-70009").await.cache_status()),
        From::Hit
    );
    let new = File::new(200 * KIB, "\"2\"");
    origin.file("/a", &new);
    edge.pass_time(secs(61));
    assert_part(
        &range(&edge, "70000-70009").await,
        &new,
        70000..70010,
        200 * KIB,
    );
    assert_eq!(
        asked(&origin),
        [1, 1, 1].map(|number| slice(number, 64 * KIB))
    );
}

#[tokio::test]
async fn a_stale_slice_is_served_while_it_is_revalidated() {
    let file =
        File::new(200 * KIB, "\"1\"").head("cache-control: max-age=60, stale-while-revalidate=60");
    let (origin, edge) = edge_with(SMALL, &file).await;
    range(&edge, "70000-70009").await;
    edge.pass_time(secs(61));
    let response = range(&edge, "70000-70009").await;
    assert_eq!(
        From::of(response.cache_status()),
        From::Stale,
        "{response:?}"
    );
    origin.answered(2).await;
    assert_eq!(asked(&origin), [1, 1].map(|number| slice(number, 64 * KIB)));
}

#[tokio::test]
async fn a_purge_of_the_url_takes_all_slices() {
    let file = File::new(200 * KIB, "\"1\"");
    let (origin, edge) = edge_with(SMALL, &file).await;
    for count in [2, 4] {
        assert_part(&range(&edge, "0-99999").await, &file, 0..100_000, 200 * KIB);
        assert_eq!(origin.requests().len(), count);
        edge.purge("http://example.com/a", false);
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_has_two_slices_fetched_for_it() {
    let file = File::new(GIB, "\"1\"");
    let (origin, edge) = edge_with("", &file).await;
    origin.always("/b", "cache-control: no-store", "b");
    let mut client = edge.h2().await;
    // Nobody reads, so that no more is sent than fits the window of the stream.
    let response = client.start("GET /a\nrange: bytes=0-").await;
    origin.answered(2).await;
    for _ in 0..50 {
        edge.get("/b").await;
    }
    let slices = |origin: &Origin| {
        origin
            .targets()
            .iter()
            .filter(|target| *target == "/a")
            .count()
    };
    assert_eq!(slices(&origin), 2);
    // Nor does it hold up those who do read.
    let other = range(&edge, &format!("{}-{}", MIB, 2 * MIB - 1)).await;
    assert_part(&other, &file, MIB..2 * MIB, GIB);
    assert_eq!(slices(&origin), 2);
    drop(response);
    drop(client);
    for _ in 0..50 {
        edge.get("/b").await;
    }
    assert_eq!(slices(&origin), 2);
}

#[tokio::test]
async fn a_client_that_leaves_has_no_more_slices_fetched_for_it() {
    let file = File::new(200 * KIB, "\"1\"");
    let (origin, edge) = edge_with(SMALL, &file).await;
    held(&origin, &file, 0..64 * KIB, 200 * KIB).open();
    let gate = held(&origin, &file, 64 * KIB..128 * KIB, 200 * KIB);
    let mut client = edge.client().await;
    client
        .send("GET /a HTTP/1.1\r\nhost: example.com\r\nrange: bytes=0-\r\n\r\n")
        .await;
    client.read_head().await.unwrap();
    gate.reached().await;
    drop(client);
    let is_left = async {
        while edge.metric("rimward_requests_total") < 1.0 {
            tokio::task::yield_now().await;
        }
    };
    within("the edge to see that the client left", is_left).await;
    gate.open();
    // What was under way is stored all the same.
    assert_part(
        &hit(&edge, "65536-65537").await,
        &file,
        65536..65538,
        200 * KIB,
    );
    assert_eq!(asked(&origin), [0, 1].map(|number| slice(number, 64 * KIB)));
}

#[tokio::test]
async fn slices_come_from_an_origin_over_http2_as_well() {
    let origin = Origin::http2().await;
    let file = File::new(200 * KIB, "\"1\"");
    origin.file("/a", &file);
    let config = format!(
        "[origin.app]\nservers = [\"{origin}\"]\nhttp2 = true\n[[site]]\nhosts = [\"*\"]\norigin = \"app\"\n{SMALL}"
    );
    let edge = Edge::start(&config).await;
    assert_part(
        &range(&edge, "70000-140000").await,
        &file,
        70000..140_001,
        200 * KIB,
    );
    assert_part(
        &hit(&edge, "70000-140000").await,
        &file,
        70000..140_001,
        200 * KIB,
    );
    assert_eq!(asked(&origin), [1, 2].map(|number| slice(number, 64 * KIB)));
}

#[tokio::test]
async fn an_origin_that_fails_in_the_middle_cuts_the_response() {
    let file = File::new(200 * KIB, "\"1\"");
    let (origin, edge) = edge_with(SMALL, &file).await;
    range(&edge, "0-9").await;
    let head = "206\ncache-control: max-age=60\netag: \"1\"\ncontent-range: bytes 65536-131071/204800\ncontent-length: 65536";
    origin.hang_up_after("/a", head, "0123456789", 5);
    let cut = edge.try_request("GET /a\nrange: bytes=0-99999").await;
    assert!(
        matches!(&cut, Err(Broken::CutOff(body)) if body.starts_with(&file.bytes(0..64 * KIB))),
        "{cut:?}"
    );
    assert_part(&range(&edge, "0-99999").await, &file, 0..100_000, 200 * KIB);
}

#[tokio::test]
async fn an_origin_that_fails_at_first_is_an_error_page() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    for _ in 0..4 {
        origin.hang_up("/a");
    }
    let response = range(&edge, "0-9").await;
    assert_eq!(response.status, 502);
    assert!(
        response.cache_status().contains("detail=origin-failed"),
        "{response:?}"
    );
}

#[tokio::test]
async fn slices_are_one_exchange_to_filters_log_and_metrics() {
    let words = format!(
        "{SMALL}\nfilters = [\n{{ use = \"headers\", request = {{ append = {{ x-asked = \"1\" }} }}, response = {{ append = {{ x-sent = \"1\" }} }} }}]"
    );
    let file = File::new(200 * KIB, "\"1\"");
    let (origin, edge) = edge_with(&words, &file).await;
    let response = range(&edge, "0-199999").await;
    assert_part(&response, &file, 0..200_000, 200 * KIB);
    let all = |fields: &rimward_tests::wire::Fields, name: &str| {
        fields.0.iter().filter(|(key, _)| key == name).count()
    };
    assert_eq!(all(&response.headers, "x-sent"), 1);
    let requests = origin.requests();
    assert!(
        requests
            .iter()
            .all(|request| all(&request.headers, "x-asked") == 1)
    );
    assert_eq!(requests.len(), 4);
    assert_eq!(edge.metric("rimward_requests_total"), 1.0);
    assert_eq!(edge.metric("rimward_requests_total{cache=\"miss\"}"), 1.0);
}
