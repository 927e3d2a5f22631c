//! Sites that are closed for a while.

use std::fs;
use std::sync::Arc;

use rimward_tests::{Edge, Files, Origin, edge::site, hit, miss, within};

/// Asks until the status is the one that is expected.
async fn becomes(edge: &Edge, status: u16) {
    let asked = async { while edge.get("/a").await.status != status {} };
    within(&format!("status {status}"), asked).await;
}

#[tokio::test]
async fn a_flag_file_closes_a_site_with_all_that_is_stored() {
    let origin = Origin::start().await;
    let files = Arc::new(Files::new());
    files.write("down.html", "<h1>Back soon</h1>");
    let words = r#"filters = ["works"]
        [filter.works]
        use = "maintenance"
        flag_file = "closed"
        file = "down.html"
        retry_after = "10m"
        bypass = { cookie = "preview", secret = "open-sesame" }"#;
    let edge = Edge::start_in(files.clone(), &site(&origin, words)).await;
    origin.reply("/a", "cache-control: max-age=600", "open");
    assert_eq!(edge.get("/a").await, miss("open"));
    files.write("closed", "");
    becomes(&edge, 503).await;
    let closed = edge.get("/a").await;
    assert_eq!(
        (closed.status, closed.text(), closed.header("retry-after")),
        (503, "<h1>Back soon</h1>", Some("600"))
    );
    assert_eq!(closed.header("cache-control"), Some("no-store"));
    assert_eq!(
        edge.request("GET /a\ncookie: preview=open-sesame").await,
        hit("open")
    );
    assert_eq!(
        edge.request("GET /a\ncookie: preview=open-barley")
            .await
            .status,
        503
    );
    assert!(
        edge.metric("rimward_filter_outcomes_total{filter=\"works\",outcome=\"turned_away\"}")
            >= 2.0
    );
    fs::remove_file(files.path("closed")).unwrap();
    becomes(&edge, 200).await;
    assert_eq!(edge.get("/a").await, hit("open"));
}

#[tokio::test]
async fn a_schedule_closes_a_site_with_its_error_page() {
    let origin = Origin::start().await;
    let filter =
        r#"{ use = "maintenance", from = 2001-01-01T00:00:00Z, until = 2999-01-01T00:00:00Z }"#;
    let edge = Edge::site_with(&origin, &format!("filters = [{filter}]")).await;
    let closed = edge.get("/a").await;
    assert_eq!(closed.status, 503);
    assert!(
        closed
            .header("retry-after")
            .is_some_and(|wait| wait.parse::<u64>().is_ok_and(|wait| wait > 86_400))
    );
    let over = filter.replace("2999", "2002");
    let edge = Edge::site_with(&origin, &format!("filters = [{over}]")).await;
    origin.reply("/a", "", "open");
    assert_eq!(edge.get("/a").await.text(), "open");
}

#[tokio::test]
async fn an_operator_closes_and_opens_a_site() {
    let origin = Origin::start().await;
    let words = r#"filters = ["closed"]

        [filter.closed]
        use = "maintenance"

        [admin]
        address = "127.0.0.1:0""#;
    let edge = Edge::site_with(&origin, words).await;
    origin.always("/a", "", "open");
    assert_eq!(edge.get("/a").await.text(), "open");
    for (wanted, status) in [(r#"{"on": true}"#, 503), (r#"{"on": false}"#, 200)] {
        let length = wanted.len();
        let order = format!("POST /filters/closed\ncontent-length: {length}\n\n{wanted}");
        assert_eq!(edge.ask_admin(&order).await.status, 200);
        becomes(&edge, status).await;
    }
}
