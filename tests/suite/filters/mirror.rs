//! Copies of requests to another origin.

use rimward_tests::{Edge, Origin, fill, hit, miss};

const TWO: &str = r#"
    [origin.own]
    servers = ["{own}"]

    [origin.other]
    servers = ["{other}"]

    [filter.mirror]
    use = "mirror"
    origin = "other"
    {settings}

    [[site]]
    hosts = ["*"]
    origin = "own"
    filters = ["mirror"]
"#;

async fn with(settings: &str) -> (Edge, Origin, Origin) {
    let (own, other) = (Origin::start().await, Origin::start().await);
    let addresses = [own.address().to_string(), other.address().to_string()];
    let text = fill(
        TWO,
        &[
            ("own", &addresses[0]),
            ("other", &addresses[1]),
            ("settings", &settings.to_owned()),
        ],
    );
    (Edge::start(&text).await, own, other)
}

#[tokio::test]
async fn what_goes_to_the_origin_goes_to_the_other_too() {
    let (edge, own, other) = with("").await;
    own.reply("/a?b=c", "cache-control: max-age=60", "own");
    let gate = other.hold("/a?b=c", "", "other");
    // The other one has not answered yet.
    assert_eq!(edge.request("GET /a?b=c\nx-user: ann").await, miss("own"));
    gate.reached().await;
    gate.open();
    assert_eq!(edge.get("/a?b=c").await, hit("own"));
    other.answered(1).await;
    let copy = other.last();
    assert_eq!(
        (copy.method.as_str(), copy.target.as_str()),
        ("GET", "/a?b=c")
    );
    assert_eq!(copy.header("x-user"), Some("ann"));
    assert_eq!(other.requests().len(), 1, "a hit goes to nobody");
}

#[tokio::test]
async fn hits_are_copied_if_told() {
    let (edge, own, other) = with("phase = \"request\"").await;
    own.reply("/a", "cache-control: max-age=60", "own");
    other.always("/a", "", "other");
    assert_eq!(edge.get("/a").await, miss("own"));
    assert_eq!(edge.get("/a").await, hit("own"));
    other.answered(2).await;
}

#[tokio::test]
async fn bodies_are_copied_up_to_a_length() {
    let (edge, own, other) = with("methods = [\"POST\"]\n    max_body = \"5B\"").await;
    own.always("/a", "", "own");
    other.always("/a", "", "other");
    for (length, body) in [(6, "123456"), (5, "12345")] {
        let request = format!("POST /a\ncontent-length: {length}\n\n{body}");
        assert_eq!(edge.request(&request).await.text(), "own");
    }
    other.answered(1).await;
    assert_eq!(other.last().body, b"12345");
    edge.metric_reaches(
        r#"rimward_filter_outcomes_total{filter="mirror",outcome="left out"}"#,
        1.0,
    )
    .await;
}

#[tokio::test]
async fn an_origin_that_is_gone_disturbs_nobody() {
    let (edge, own, mut other) = with("").await;
    other.stop().await;
    own.reply("/a", "", "own");
    assert_eq!(edge.get("/a").await.text(), "own");
    edge.metric_reaches(
        r#"rimward_filter_outcomes_total{filter="mirror",outcome="failed"}"#,
        1.0,
    )
    .await;
}
