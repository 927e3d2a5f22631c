//! Text in bodies that is replaced as they pass.

use rimward_tests::{Edge, Origin, hit, miss, revalidated, secs};

const RULES: &str = r#"rules = [
    { literal = "http://old.example", replace = "https://{host}" },
    { regex = "v([0-9]+)", replace = "version $1" },
]"#;

const PAGE: &str = "cache-control: max-age=60\ncontent-type: text/html\netag: \"1\"";

async fn with(origin: &Origin, settings: &str) -> Edge {
    let words = format!("filters = [{{ use = \"body_replace\", {settings} {RULES} }}]");
    Edge::site_with(origin, &words).await
}

#[tokio::test]
async fn what_is_replaced_is_stored() {
    let origin = Origin::start().await;
    let edge = with(&origin, "").await;
    origin.reply("/a", PAGE, "<a href=http://old.example/x>v1</a>");
    let expected = "<a href=https://example.com/x>version 1</a>";
    let first = edge.get("/a").await;
    assert_eq!(first, miss(expected));
    assert_eq!(edge.get("/a").await, hit(expected));
    assert_eq!(
        first.header("etag"),
        Some("W/\"1\""),
        "the tag names other bytes than the origin's"
    );
    let ranged = edge.request("GET /a\nrange: bytes=0-3").await;
    assert_eq!(ranged, hit(expected));
    let head = edge.request("HEAD /a").await;
    let length = expected.len().to_string();
    assert_eq!(
        (head.status, head.header("content-length")),
        (200, Some(&*length))
    );
    let not_modified = edge.request("GET /a\nif-none-match: W/\"1\"").await;
    assert_eq!(
        (not_modified.status, not_modified.header("etag")),
        (304, Some("W/\"1\""))
    );
}

#[tokio::test]
async fn what_the_origin_renews_stays_rewritten() {
    let origin = Origin::start().await;
    let edge = with(&origin, "").await;
    origin.reply("/a", PAGE, "v1");
    edge.get("/a").await;
    edge.pass_time(secs(61));
    origin.reply("/a", "304\ncache-control: max-age=60\netag: \"1\"", "");
    let renewed = edge.get("/a").await;
    assert_eq!(renewed, revalidated("version 1"));
    assert_eq!(origin.last().header("if-none-match"), Some("W/\"1\""));
    assert_eq!(renewed.header("etag"), Some("W/\"1\""));
    assert_eq!(edge.get("/a").await.header("etag"), Some("W/\"1\""));
}

#[tokio::test]
async fn bodies_may_be_cut_anywhere() {
    let origin = Origin::start().await;
    let edge = with(&origin, "").await;
    let pieces = origin.trickle("/a", PAGE);
    let sent = async {
        origin.asked(1).await;
        for piece in [
            "<a href=ht",
            "tp:",
            "//old.exam",
            "ple/>v",
            "1",
            "2</a>htt",
            "p",
        ] {
            pieces.send(piece);
            tokio::task::yield_now().await;
        }
        pieces.end();
    };
    let (got, ()) = tokio::join!(edge.get("/a"), sent);
    let expected = "<a href=https://example.com/>version 12</a>http";
    assert_eq!(got, miss(expected));
    assert_eq!(edge.get("/a").await, hit(expected));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_cut_off_and_not_stored() {
    let origin = Origin::start().await;
    let edge = with(&origin, "").await;
    let pieces = origin.trickle("/a", PAGE);
    pieces.send(format!("v1{}", " ".repeat(100_000)));
    let mut client = edge.client().await;
    client
        .send("GET /a HTTP/1.1\r\nhost: example.com\r\n\r\n")
        .await;
    client.read_until("version 1").await;
    pieces.cut();
    let rest = client.rest().await;
    assert!(!rest.ends_with(b"0\r\n\r\n"), "it seems whole");
    origin.reply("/a", PAGE, "v2");
    assert_eq!(edge.get("/a").await, miss("version 2"));
}

#[tokio::test]
async fn each_client_has_its_own_when_nothing_of_it_is_stored() {
    let origin = Origin::start().await;
    let filter = r#"filters = [{ use = "body_replace", phase = "response",
        rules = [{ literal = "@", replace = "{header.x-name}" }] }]"#;
    let edge = Edge::site_with(&origin, filter).await;
    origin.reply("/a", PAGE, "<p>@</p>");
    let first = edge.request("GET /a\nx-name: ann").await;
    assert_eq!(first, miss("<p>ann</p>"));
    let second = edge.request("GET /a\nx-name: <b>").await;
    assert_eq!(second, hit("<p>&lt;b&gt;</p>"));
    let not_modified = edge
        .request("GET /a\nx-name: c\nif-none-match: W/\"1\"")
        .await;
    assert_eq!(
        (not_modified.status, not_modified.header("etag")),
        (304, Some("W/\"1\""))
    );
    let head = edge.request("HEAD /a\nx-name: ann").await;
    assert_eq!((head.status, head.header("content-length")), (200, None));
}

#[tokio::test]
async fn origins_are_asked_for_bodies_as_they_are() {
    let origin = Origin::start().await;
    let edge = with(&origin, "").await;
    origin.reply("/a", &format!("{PAGE}\nvary: accept-encoding"), "v1");
    let first = edge.request("GET /a\naccept-encoding: gzip").await;
    assert_eq!(first, miss("version 1"));
    assert_eq!(origin.last().header("accept-encoding"), Some("identity"));
    let second = edge.request("GET /a\naccept-encoding: br").await;
    assert_eq!(second, hit("version 1"), "there is one variant");
    let encoded = format!("{PAGE}\ncontent-encoding: gzip");
    origin.reply("/b", &encoded, "\x1f\x08 v1");
    let untouched = edge.request("GET /b\naccept-encoding: gzip").await;
    assert_eq!(untouched, miss("\x1f\x08 v1"));
    assert_eq!(
        (
            untouched.header("etag"),
            untouched.header("content-encoding")
        ),
        (Some("\"1\""), Some("gzip"))
    );
}

#[tokio::test]
async fn what_is_rewritten_can_be_compressed() {
    let origin = Origin::start().await;
    for phase in ["origin_response", "response"] {
        let words = format!(
            "compress = {{ encodings = [\"gzip\"] }}\nfilters = [{{ use = \"body_replace\", phase = \"{phase}\", {RULES} }}]"
        );
        let edge = Edge::site_with(&origin, &words).await;
        let target = format!("/{phase}");
        origin.reply(&target, PAGE, "v1 ".repeat(2000));
        assert_eq!(edge.get(&target).await, miss("version 1 ".repeat(2000)));
        let encoded = edge
            .request(&format!("GET {target}\naccept-encoding: gzip"))
            .await;
        assert_eq!(encoded.header("content-encoding"), Some("gzip"), "{phase}");
        assert!(encoded.body.len() < 1000, "{phase}");
        assert_eq!(edge.get(&target).await, hit("version 1 ".repeat(2000)));
    }
}
