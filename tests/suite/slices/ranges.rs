//! Which slices a range costs, and what it is cut out of.

use std::sync::Arc;
use std::time::SystemTime;

use rimward_tests::expect::From;
use rimward_tests::{Edge, File, Files, Origin, secs};

use super::*;

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
async fn an_object_too_large_to_be_stored_is_stored_in_slices() {
    let file = File::new(2 * MIB, "\"1\"");
    let words = format!("{SMALL}\n[cache]\nmax_object = \"1MiB\"");
    let (origin, edge) = edge_with(&words, &file).await;
    let whole = edge.get("/a").await;
    assert!(whole.status == 200 && whole.body == file.bytes(0..2 * MIB));
    assert_part(
        &range(&edge, "70000-70009").await,
        &file,
        70000..70010,
        2 * MIB,
    );
    assert_part(
        &hit(&edge, "70000-70009").await,
        &file,
        70000..70010,
        2 * MIB,
    );
    assert_eq!(asked(&origin), ["-".to_owned(), slice(1, 64 * KIB)]);
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
async fn a_connection_goes_on_after_a_response_made_of_slices() {
    let file = File::new(200 * KIB, "\"1\"");
    let (_origin, edge) = edge_with(SMALL, &file).await;
    let mut client = edge.client().await;
    for _ in 0..3 {
        let response = client.request("GET /a\nrange: bytes=60000-69999").await;
        assert_part(&response, &file, 60000..70000, 200 * KIB);
        let beyond = client.request("GET /a\nrange: bytes=204800-").await;
        assert_eq!(beyond.status, 416);
    }
    let request = "GET /a HTTP/1.1\r\nhost: example.com\r\nrange: bytes=0-199999\r\n\r\n";
    client.send(request.repeat(2)).await;
    for _ in 0..2 {
        let response = client.read("GET").await.unwrap();
        assert_part(&response, &file, 0..200_000, 200 * KIB);
    }
}

#[tokio::test]
async fn files_of_a_directory_have_slices() {
    let files = Arc::new(Files::new());
    let content: Vec<u8> = (0..200 * KIB)
        .map(|position| (position % 251) as u8)
        .collect();
    let path = files.write("www/a", &content);
    let file = std::fs::File::options().append(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - secs(3600)).unwrap();
    let config = format!(
        "[origin.app]\ndirectory = \"www\"\n[[site]]\nhosts = [\"*\"]\norigin = \"app\"\n{}",
        "cache = { slice = \"64KiB\", default_ttl = \"1m\" }"
    );
    let edge = Edge::start_in(files, &config).await;
    let response = range(&edge, "70000-140000").await;
    assert_eq!(
        (response.status, response.body.as_slice()),
        (206, &content[70000..=140_000])
    );
    assert!(
        response.cache_status().contains("fwd=partial"),
        "{response:?}"
    );
    assert_eq!(hit(&edge, "70000-140000").await.body, response.body);
}
