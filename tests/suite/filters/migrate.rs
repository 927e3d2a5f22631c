//! Traffic that moves from one origin to another.

use std::fmt::Display;
use std::time::Duration;

use rimward_tests::{Binary, Edge, Files, Origin, fill, hit, miss, revalidated};
use serde_json::Value;

const TWO: &str = r#"
    [[listen]]
    address = "127.0.0.1:0"

    [admin]
    address = "127.0.0.1:0"

    [origin.old]
    servers = ["{old}"]

    [origin.new]
    servers = ["{new}"]
    retries = { max = 0 }

    [filter.move]
    use = "migrate"
    from = "old"
    to = "new"
    {settings}

    [[site]]
    hosts = ["*"]
    origin = "old"
    filters = ["move"]
"#;

fn text(old: &Origin, new: &Origin, settings: &str) -> String {
    fill(
        TWO,
        &[
            ("old", &old.address() as &dyn Display),
            ("new", &new.address()),
            ("settings", &settings),
        ],
    )
}

async fn two() -> (Origin, Origin) {
    (Origin::start().await, Origin::start().await)
}

async fn change(edge: &Edge, wanted: &str) -> Value {
    let length = wanted.len();
    let request = format!("POST /filters/move\ncontent-length: {length}\n\n{wanted}");
    let response = edge.ask_admin(&request).await;
    assert_eq!(response.status, 200, "{}", response.text());
    serde_json::from_str(response.text()).unwrap()
}

async fn status(edge: &Edge) -> Value {
    let response = edge.ask_admin("GET /filters/move").await;
    let told: Value = serde_json::from_str(response.text()).unwrap();
    told["status"].clone()
}

#[tokio::test]
async fn the_share_is_changed_while_it_runs_and_objects_do_not_mix() {
    let (old, new) = two().await;
    let edge = Edge::start(&text(&old, &new, "percent = 0")).await;
    old.reply("/a", "cache-control: max-age=60", "old");
    new.reply("/a", "cache-control: max-age=60", "new");
    assert_eq!(edge.get("/a").await, miss("old"));
    assert_eq!(
        change(&edge, r#"{"percent": 100}"#).await["status"]["percent"],
        100.0
    );
    assert_eq!(edge.get("/a").await, miss("new"));
    assert_eq!(edge.get("/a").await, hit("new"));
    change(&edge, r#"{"resumed": true}"#).await;
    assert_eq!(edge.get("/a").await, hit("old"));
    edge.metric_reaches(
        r#"rimward_filter_outcomes_total{filter="move",outcome="to new"}"#,
        2.0,
    )
    .await;
}

#[tokio::test]
async fn what_an_operator_set_outlives_a_reload_that_does_not_concern_it() {
    let (old, new) = two().await;
    // Edges of one process share a migration of the same settings, so these are of no other test.
    let settings = "percent = 0\n    fallback = { on = [418] }";
    let edge = Edge::start(&text(&old, &new, settings)).await;
    change(&edge, r#"{"percent": 100}"#).await;
    new.reply("/a", "", "new");
    let other = text(&old, &new, settings) + "error_pages = {}\n";
    edge.reload(&other).await.unwrap();
    assert_eq!(edge.get("/a").await.text(), "new");
    let other = text(&old, &new, &format!("{settings}\n    share_cache = true"));
    edge.reload(&other).await.unwrap();
    old.reply("/a", "", "old");
    assert_eq!(edge.get("/a").await.text(), "old");
}

#[tokio::test]
async fn objects_of_both_may_stand_for_each_other() {
    let (old, new) = two().await;
    let edge = Edge::start(&text(&old, &new, "percent = 0\nshare_cache = true")).await;
    old.reply("/a", "cache-control: max-age=60", "either");
    assert_eq!(edge.get("/a").await, miss("either"));
    change(&edge, r#"{"percent": 100}"#).await;
    assert_eq!(edge.get("/a").await, hit("either"));
}

#[tokio::test]
async fn the_old_origin_answers_where_the_new_one_fails() {
    let (old, new) = two().await;
    let settings = r#"percent = 100
    fallback = { on = [404, 503, "connect", "reset"] }"#;
    let edge = Edge::start(&text(&old, &new, settings)).await;
    new.always("/missing", "404", "not here");
    old.always("/missing", "cache-control: max-age=60", "still here");
    let first = edge.get("/missing").await;
    assert_eq!((first.status, first.text()), (200, "still here"));
    assert!(
        first.cache_status().contains("detail=fallback"),
        "{}",
        first.cache_status()
    );
    // It is not the new origin's, so that is asked again.
    assert_eq!(edge.get("/missing").await.text(), "still here");
    assert_eq!((new.requests().len(), old.requests().len()), (2, 2));

    new.hang_up("/dead");
    old.reply("/dead", "", "alive");
    assert_eq!(edge.get("/dead").await.text(), "alive");

    new.always("/other", "410", "gone");
    assert_eq!(
        edge.get("/other").await.status,
        410,
        "what is not named is passed on"
    );
    edge.metric_reaches(
        r#"rimward_filter_outcomes_total{filter="move",outcome="fallback"}"#,
        3.0,
    )
    .await;
    assert_eq!(status(&edge).await["fallbacks"], 3);
}

#[tokio::test]
async fn what_is_missing_in_a_new_bucket_comes_from_the_old_origin() {
    let (old, new) = two().await;
    let settings = "percent = 100\n    fallback = { on = [404] }";
    let text = text(&old, &new, settings).replace(
        &format!("servers = [\"{}\"]\n    retries = {{ max = 0 }}", new.address()),
        &format!(
            "s3 = {{ bucket = \"new\", region = \"eu-west-1\", endpoint = \"http://{}\", credentials = \"anonymous\", denied = 404 }}",
            new.address()
        ),
    );
    let edge = Edge::start(&text).await;
    let denied = "<Error><Code>AccessDenied</Code></Error>";
    new.reply("/new/a", "403\ncontent-type: application/xml", denied);
    old.reply("/a", "", "old");
    assert_eq!(edge.get("/a").await.text(), "old");
}

#[tokio::test]
async fn a_small_body_is_sent_again_to_the_old_origin() {
    let (old, new) = two().await;
    let settings = "percent = 100\n    fallback = { on = [503] }";
    let edge = Edge::start(&text(&old, &new, settings)).await;
    new.reply("/order", "503", "");
    old.reply("/order", "", "thanks");
    let response = edge
        .request("POST /order\ncontent-length: 5\n\nshoes")
        .await;
    assert_eq!(response.text(), "thanks");
    assert_eq!(old.last().body, b"shoes");
}

#[tokio::test]
async fn answers_of_the_fallback_are_stored_for_as_long_as_told() {
    let (old, new) = two().await;
    let settings = "percent = 100\n    fallback = { on = [404], ttl = \"10s\" }";
    let edge = Edge::start(&text(&old, &new, settings)).await;
    new.reply("/a", "404", "");
    old.reply("/a", "cache-control: max-age=600", "old");
    assert_eq!(edge.get("/a").await, miss("old"));
    assert_eq!(edge.get("/a").await, hit("old"));
    edge.pass_time(Duration::from_secs(11));
    new.reply("/a", "cache-control: max-age=600", "new");
    assert_eq!(edge.get("/a").await.text(), "new");
}

#[tokio::test]
async fn what_is_stored_of_the_new_origin_outlasts_a_fallback() {
    let (old, new) = two().await;
    let settings = "percent = 100\n    fallback = { on = [503] }";
    let edge = Edge::start(&text(&old, &new, settings)).await;
    new.reply("/a", "cache-control: max-age=10\netag: \"1\"", "new");
    assert_eq!(edge.get("/a").await, miss("new"));
    edge.pass_time(Duration::from_secs(100));
    new.reply("/a", "503", "");
    old.reply("/a", "cache-control: max-age=10", "old");
    assert_eq!(edge.get("/a").await.text(), "old");
    new.reply("/a", "304\ncache-control: max-age=10", "");
    assert_eq!(edge.get("/a").await, revalidated("new"));
}

#[tokio::test]
async fn a_new_origin_that_cannot_be_reached_is_replaced() {
    let (old, mut new) = two().await;
    let settings = "percent = 100\n    fallback = { on = [\"connect\"] }";
    let edge = Edge::start(&text(&old, &new, settings)).await;
    new.stop().await;
    old.reply("/a", "", "old");
    assert_eq!(edge.get("/a").await.text(), "old");
}

#[tokio::test]
async fn a_new_origin_that_does_badly_loses_its_traffic() {
    let (old, new) = two().await;
    let settings = r#"percent = 100
    abort_when = { error_rate_above = "20%", over = "1m", min_requests = 5 }"#;
    let edge = Edge::start(&text(&old, &new, settings)).await;
    new.always("/a", "500", "bad");
    old.always("/a", "", "good");
    for _ in 0..5 {
        assert_eq!(edge.get("/a").await.status, 500);
    }
    assert_eq!(edge.get("/a").await.text(), "good");
    assert_eq!(status(&edge).await["state"], "aborted");
    change(&edge, r#"{"resumed": true}"#).await;
    assert_eq!(edge.get("/a").await.status, 500);
}

#[tokio::test]
async fn both_are_compared_without_the_client_waiting() {
    let (old, new) = two().await;
    let settings = r#"percent = 0
    shadow = { percent = 100, compare = ["status", "body_hash", "header:content-type"] }"#;
    let edge = Edge::start(&text(&old, &new, settings)).await;
    old.always("/same", "content-type: text/plain", "same");
    new.always("/same", "content-type: text/plain", "same");
    assert_eq!(edge.get("/same").await.text(), "same");
    old.always("/page?q=1", "content-type: text/plain", "one");
    let gate = new.hold("/page?q=1", "content-type: text/html", "another");
    // The client has its answer while the new origin still thinks.
    assert_eq!(edge.get("/page?q=1").await.text(), "one");
    gate.open();
    let shadow = rimward_tests::within("both are compared", async {
        loop {
            let shadow = status(&edge).await["shadow"].clone();
            if shadow["same"] == 1 && shadow["different"] == 1 {
                return shadow;
            }
            tokio::task::yield_now().await;
        }
    });
    let shadow = shadow.await;
    let told = shadow["recent_differences"].to_string();
    assert!(
        told.contains("/page") && told.contains("body_hash") && told.contains("content-type"),
        "{told}"
    );
}

#[tokio::test]
async fn a_command_steers_it() {
    let (old, new) = two().await;
    let files = Files::new();
    let socket = files.path("admin.sock");
    let admin = format!("[admin]\n    address = \"unix:{}\"", socket.display());
    let text = text(&old, &new, "percent = 10");
    let text = text.replace("[admin]\n    address = \"127.0.0.1:0\"", &admin);
    let edge = Binary::run(&files, &text).await;
    let file = files.path("pop.toml");
    let file = file.to_str().unwrap();
    let percent = |arguments: &[&str]| -> f64 {
        let output = Binary::command(&[&["migrate", "move", "-c", file], arguments].concat());
        assert!(output.status.success(), "{output:?}");
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        told["status"]["percent"].as_f64().unwrap()
    };
    for (arguments, expected) in [
        (&[][..], 10.0),
        (&["--percent", "50"], 50.0),
        (&["pause"], 50.0),
        (&["status"], 50.0),
        (&["abort"], 0.0),
        (&["resume"], 10.0),
    ] {
        assert_eq!(percent(arguments), expected, "{arguments:?}");
    }
    let wrong = Binary::command(&["migrate", "move", "--percent", "500", "-c", file]);
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("0 to 100"));
    let unknown = Binary::command(&["migrate", "moves", "-c", file]);
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("there is no filter `moves`"));
    drop(edge);
}
