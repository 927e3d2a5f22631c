//! Queries as the cache and the origin see them.

use rimward_tests::{Edge, Origin, hit, miss};

#[tokio::test]
async fn what_makes_no_difference_makes_no_object() {
    let origin = Origin::start().await;
    let filter = r#"{ use = "query", presets = ["tracking"], drop = ["debug*"], sort = true }"#;
    let edge = Edge::site_with(&origin, &format!("filters = [{filter}]")).await;
    origin.reply("/a?page=2&size=xl", "cache-control: max-age=60", "v1");
    assert_eq!(
        edge.get("/a?size=xl&utm_source=x&page=2&fbclid=y").await,
        miss("v1")
    );
    for target in [
        "/a?page=2&size=xl",
        "/a?debug_all&size=xl&page=2",
        "/a?gclid=1&page=2&&size=xl",
    ] {
        assert_eq!(edge.get(target).await, hit("v1"), "{target}");
    }
    origin.reply("/a", "cache-control: max-age=60", "plain");
    assert_eq!(edge.get("/a?utm_medium=mail").await, miss("plain"));
    assert_eq!(edge.get("/a").await, hit("plain"));
}
