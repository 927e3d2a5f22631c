//! What is put together and what is not: versions, freshness, failures.

use rimward_tests::expect::From;
use rimward_tests::{Broken, Edge, File, Origin, secs};

use super::*;

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
async fn an_object_whose_version_changes_all_the_time_is_fetched_whole() {
    let files = ["\"1\"", "\"2\""].map(|tag| File::new(200 * KIB, tag));
    let (origin, edge) = edge_with(SMALL, &files[0]).await;
    for _ in 0..2 {
        // Each slice comes from a server with a version of its own.
        for (number, file) in [(0, &files[0]), (1, &files[1])] {
            let part = number * 64 * KIB..(number + 1) * 64 * KIB;
            let head = format!(
                "206\ncache-control: max-age=60\netag: \"{}\"\ncontent-range: bytes {}-{}/{}",
                number + 1,
                part.start,
                part.end - 1,
                200 * KIB
            );
            origin.reply("/a", &head, file.bytes(part));
        }
        let cut = edge.try_request("GET /a\nrange: bytes=0-99999").await;
        assert!(matches!(cut, Err(Broken::CutOff(_))), "{cut:?}");
    }
    let response = range(&edge, "0-99999").await;
    assert_part(&response, &files[0], 0..100_000, 200 * KIB);
    assert_eq!(asked(&origin).last().map(String::as_str), Some("-"));
}
