//! Languages as clients, the cache and the origin see them.

use rimward_tests::{Edge, Origin, hit, miss};

async fn with(origin: &Origin, more: &str) -> Edge {
    let filter = format!(r#"{{ use = "language", languages = ["en", "de"], {more} }}"#);
    Edge::site_with(origin, &format!("filters = [{filter}]")).await
}

#[tokio::test]
async fn each_language_has_its_own_object() {
    let origin = Origin::start().await;
    let edge = with(&origin, r#"header = "accept-language", cookie = "lang""#).await;
    origin.reply(
        "/a",
        "cache-control: max-age=60\nvary: accept-language",
        "Hallo",
    );
    let first = edge
        .request("GET /a\naccept-language: de-AT, de;q=0.9, en;q=0.8")
        .await;
    assert_eq!(first, miss("Hallo"));
    let vary: Vec<&str> = first.headers.all("vary").collect();
    assert!(vary.contains(&"Cookie"), "{vary:?}");
    assert_eq!(origin.last().header("accept-language"), Some("de"));
    assert_eq!(
        edge.request("GET /a\naccept-language: de-CH").await,
        hit("Hallo")
    );
    assert_eq!(
        edge.request("GET /a\naccept-language: en\ncookie: lang=de")
            .await,
        hit("Hallo")
    );
    origin.reply(
        "/a",
        "cache-control: max-age=60\nvary: accept-language",
        "Hello",
    );
    assert_eq!(
        edge.request("GET /a\naccept-language: fr").await,
        miss("Hello")
    );
    assert_eq!(edge.get("/a").await, hit("Hello"));
}

#[tokio::test]
async fn clients_are_sent_to_their_language_and_left_there() {
    let origin = Origin::start().await;
    let edge = with(&origin, "redirect = {}").await;
    let sent = edge.request("GET /a?b=c\naccept-language: de").await;
    assert_eq!(
        (sent.status, sent.header("location")),
        (302, Some("/de/a?b=c"))
    );
    assert_eq!(sent.header("vary"), Some("Accept-Language"));
    origin.reply("/de/a?b=c", "cache-control: max-age=60", "Hallo");
    assert_eq!(
        edge.request("GET /de/a?b=c\naccept-language: en").await,
        miss("Hallo")
    );
}

#[tokio::test]
async fn the_origin_is_asked_for_the_path_of_the_language() {
    let origin = Origin::start().await;
    let edge = with(&origin, "prefix = true").await;
    origin.reply("/de/a", "cache-control: max-age=60", "Hallo");
    assert_eq!(
        edge.request("GET /a\naccept-language: de").await,
        miss("Hallo")
    );
    assert_eq!(edge.get("/de/a").await, hit("Hallo"));
}
