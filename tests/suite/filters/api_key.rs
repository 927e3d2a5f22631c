//! Who has a key gets in, from the cache too, and nobody else.

use rimward_tests::{Edge, Origin, hit, miss};

async fn with(origin: &Origin, settings: &str) -> Edge {
    let filter = format!(
        r#"filters = [{{ use = "api_key", keys = {{ shop = "0123456789abcdef", app = "fedcba9876543210" }}, {settings} }}]"#
    );
    Edge::site_with(origin, &filter).await
}

#[tokio::test]
async fn a_stored_response_is_for_those_with_a_key() {
    let origin = Origin::start().await;
    let edge = with(&origin, r#"from = [{ query = "key" }]"#).await;
    origin.reply("/a?page=1", "cache-control: max-age=60", "secret");
    assert_eq!(
        edge.get("/a?key=0123456789abcdef&page=1").await,
        miss("secret")
    );
    assert_eq!(
        edge.get("/a?page=1&key=fedcba9876543210").await,
        hit("secret"),
        "the key is no part of the cache key"
    );
    assert_eq!(edge.get("/a?page=1&key=wrong").await.status, 403);
    let refused = edge.get("/a?page=1").await;
    assert_eq!(
        (refused.status, refused.header("www-authenticate")),
        (401, Some("ApiKey realm=\"api\""))
    );
    assert_eq!(origin.requests().len(), 1);
    edge.metric_reaches("rimward_filter_runs_total{phase=\"request\"}", 4.0)
        .await;
}

#[tokio::test]
async fn owners_that_the_origin_knows_have_objects_of_their_own() {
    let origin = Origin::start().await;
    let edge = with(&origin, r#"name_header = "x-client""#).await;
    let ask = |key: &'static str| {
        let request = format!("GET /a\nx-api-key: {key}\nx-client: root\nx_client: root");
        let edge = &edge;
        async move { edge.request(&request).await }
    };
    for (key, owner) in [("0123456789abcdef", "shop"), ("fedcba9876543210", "app")] {
        origin.reply("/a", "cache-control: max-age=60", owner);
        assert_eq!(ask(key).await, miss(owner));
        let sent = origin.last();
        assert_eq!(sent.header("x-client"), Some(owner));
        assert_eq!(
            (sent.header("x-api-key"), sent.header("x_client")),
            (None, None)
        );
    }
    assert_eq!(ask("0123456789abcdef").await, hit("shop"));
    assert_eq!(ask("fedcba9876543210").await, hit("app"));
}
