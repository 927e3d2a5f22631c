//! Slices for many clients, for slow ones, and for those that leave.

use rimward_tests::{Client, Edge, File, Gate, Origin, Response, within};

use super::*;

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
