//! Users who wait for their turn.

use rimward_tests::{Edge, Origin, Response, edge::site, hit, miss};
use serde_json::Value;

const ROOM: &str = "filters = [\"room\"]\n    [admin]\n    address = \"127.0.0.1:0\"\n    [filter.room]\n    use = \"waiting_room\"\n    name_of_it\n";

/// An edge with a room that no other test has.
async fn with(origin: &Origin, name: &str, settings: &str) -> Edge {
    Edge::start(&text(origin, name, settings)).await
}

fn text(origin: &Origin, name: &str, settings: &str) -> String {
    let words = ROOM.replace("\"room\"", &format!("\"{name}\""));
    let words = words.replace("filter.room", &format!("filter.{name}"));
    site(origin, &words.replace("name_of_it", settings))
}

/// The cookie that a response sets, as a request sends it.
fn cookie(response: &Response) -> String {
    let cookie = response.header("set-cookie").expect("a cookie");
    assert!(cookie.ends_with("; HttpOnly; SameSite=Lax"), "{cookie}");
    cookie.split(';').next().unwrap().to_owned()
}

async fn get(edge: &Edge, cookie: &str) -> Response {
    edge.request(&format!("GET /a\ncookie: own=1; {cookie}"))
        .await
}

async fn change(edge: &Edge, name: &str, wanted: &str) -> Value {
    let length = wanted.len();
    let request = format!("POST /filters/{name}\ncontent-length: {length}\n\n{wanted}");
    let response = edge.ask_admin(&request).await;
    assert_eq!(response.status, 200, "{}", response.text());
    serde_json::from_str(response.text()).unwrap()
}

#[tokio::test]
async fn who_finds_no_place_waits_until_there_is_one() {
    let origin = Origin::start().await;
    let edge = with(&origin, "one", "sessions = 1").await;
    origin.always("/a", "cache-control: max-age=60", "in");
    let first = edge.get("/a").await;
    assert_eq!(first, miss("in"));
    let first = cookie(&first);
    let page = edge.get("/a").await;
    assert_eq!(
        (
            page.status,
            page.header("retry-after"),
            page.header("refresh")
        ),
        (503, Some("10"), Some("10"))
    );
    assert!(
        page.text().contains("number <strong>1</strong>"),
        "{}",
        page.text()
    );
    let second = cookie(&page);
    assert_eq!(get(&edge, &second).await.status, 503);

    let again = get(&edge, &first).await;
    assert_eq!(again, hit("in"));
    let first = cookie(&again);
    let last = get(&edge, &first).await;
    assert_eq!((last.text(), last.header("set-cookie")), ("in", None));

    change(&edge, "one", r#"{"sessions": 2}"#).await;
    let come_in = get(&edge, &second).await;
    assert_eq!(
        come_in,
        hit("in"),
        "the cookies are no part of the cache key"
    );
    let told = edge.ask_admin("GET /filters/one").await;
    let told: Value = serde_json::from_str(told.text()).unwrap();
    assert_eq!(
        (&told["status"]["admitted"], &told["status"]["waiting"]),
        (&2.into(), &0.into())
    );
    for (outcome, count) in [("admitted", 2.0), ("told to wait", 2.0)] {
        let metric =
            format!(r#"rimward_filter_outcomes_total{{filter="one",outcome="{outcome}"}}"#);
        edge.metric_reaches(&metric, count).await;
        assert_eq!(edge.metric(&metric), count, "{outcome}");
    }
}

#[tokio::test]
async fn the_origin_does_not_see_the_cookie() {
    let origin = Origin::start().await;
    let edge = with(&origin, "unseen", "sessions = 1").await;
    origin.always("/a", "", "in");
    let first = cookie(&edge.get("/a").await);
    get(&edge, &first).await;
    assert_eq!(origin.last().header("cookie"), Some("own=1"));
}

#[tokio::test]
async fn a_reload_sends_nobody_away() {
    let origin = Origin::start().await;
    let edge = with(&origin, "kept", "sessions = 1").await;
    origin.always("/a", "", "in");
    let first = cookie(&edge.get("/a").await);
    let second = cookie(&edge.get("/a").await);
    let reloaded = text(&origin, "kept", "sessions = 1\n    status = 429");
    edge.reload(&reloaded).await.unwrap();
    assert_eq!(get(&edge, &first).await.text(), "in");
    assert_eq!(get(&edge, &second).await.status, 429);
    change(&edge, "kept", r#"{"mode": "open"}"#).await;
    assert_eq!(edge.get("/a").await.text(), "in");
}

#[tokio::test]
async fn a_page_of_ones_own_is_shown() {
    let origin = Origin::start().await;
    let edge = with(&origin, "paged", "sessions = 1").await;
    edge.files().write(
        "wait.html",
        "<style>p { color: red }</style><p>{position} of {waiting}</p>",
    );
    let own = text(
        &origin,
        "paged",
        "sessions = 1\n    page = \"wait.html\"\n    status = 200",
    );
    edge.reload(&own).await.unwrap();
    origin.always("/a", "", "in");
    edge.get("/a").await;
    let page = edge.get("/a").await;
    assert_eq!(
        (page.status, page.text()),
        (200, "<style>p { color: red }</style><p>1 of 1</p>")
    );
    assert_eq!(page.header("cache-control"), Some("no-store"));
}
