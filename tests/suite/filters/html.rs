//! Pages that are rewritten by selectors.

use rimward_tests::{Edge, Origin, hit, miss};

const PAGE: &str = "cache-control: max-age=60\ncontent-type: text/html\netag: \"1\"";

const RULES: &str = r#"rules = [
    { select = "a[href^='http://old.example']", swap = { href = { from = "http://old.example", to = "https://{host}" } } },
    { select = "head", append = { html = "<script src=/a.js></script>" } },
    { select = ".ad", remove = true },
]"#;

const BEFORE: &str =
    "<head></head><a href=\"http://old.example/x\">y</a><p class=ad>buy</p><!-- end -->";
const AFTER: &str =
    "<head><script src=/a.js></script></head><a href=\"https://example.com/x\">y</a><!-- end -->";

async fn with(origin: &Origin, settings: &str) -> Edge {
    let words = format!("filters = [{{ use = \"html\", {settings} }}]");
    Edge::site_with(origin, &words).await
}

#[tokio::test]
async fn a_page_is_stored_as_it_was_rewritten() {
    let origin = Origin::start().await;
    let edge = with(&origin, RULES).await;
    origin.reply("/a", PAGE, BEFORE);
    assert_eq!(edge.get("/a").await, miss(AFTER));
    let again = edge.get("/a").await;
    assert_eq!(again, hit(AFTER));
    assert_eq!(again.header("etag"), Some("W/\"1\""));
    let head = edge.request("HEAD /a").await;
    let length = AFTER.len().to_string();
    assert_eq!(
        (head.status, head.header("content-length")),
        (200, Some(&*length))
    );
    assert_eq!(
        edge.request("GET /a\nif-none-match: W/\"1\"").await.status,
        304
    );
}

#[tokio::test]
async fn a_page_may_be_cut_within_a_tag() {
    let origin = Origin::start().await;
    let edge = with(&origin, RULES).await;
    let pieces = origin.trickle("/a", PAGE);
    let sent = async {
        origin.asked(1).await;
        for piece in BEFORE.as_bytes().chunks(5) {
            pieces.send(piece);
            tokio::task::yield_now().await;
        }
        pieces.end();
    };
    let (got, ()) = tokio::join!(edge.get("/a"), sent);
    assert_eq!(got, miss(AFTER));
    assert_eq!(edge.get("/a").await, hit(AFTER));
}

#[tokio::test]
async fn what_is_no_page_or_is_encoded_is_left_alone() {
    let origin = Origin::start().await;
    let edge = with(&origin, RULES).await;
    origin.reply("/text", "content-type: text/plain\netag: \"1\"", BEFORE);
    let text = edge.get("/text").await;
    assert_eq!((text.text(), text.header("etag")), (BEFORE, Some("\"1\"")));
    origin.reply("/gzip", &format!("{PAGE}\ncontent-encoding: gzip"), BEFORE);
    let encoded = edge.request("GET /gzip\naccept-encoding: gzip").await;
    assert_eq!(encoded, miss(BEFORE));
    assert_eq!(encoded.header("content-encoding"), Some("gzip"));
    assert_eq!(origin.last().header("accept-encoding"), Some("identity"));
}

#[tokio::test]
async fn a_page_that_takes_too_much_memory_is_cut_off_and_not_stored() {
    let origin = Origin::start().await;
    let settings = format!("max_memory = \"16KiB\", {RULES}");
    let edge = with(&origin, &settings).await;
    let page = format!("<p>{}<a href={}>", "x".repeat(100_000), "y".repeat(100_000));
    for _ in 0..2 {
        origin.reply("/a", PAGE, &page);
        match edge.try_request("GET /a").await {
            Ok(refused) => assert_eq!(refused.status, 500),
            Err(broken) => drop(broken),
        }
    }
    assert_eq!(origin.requests().len(), 2, "it is asked for again");
}

#[tokio::test]
async fn each_client_has_its_own_page_when_it_is_not_stored() {
    let origin = Origin::start().await;
    let rules = r#"phase = "response", rules = [{ select = '#name', inner = "{header.x-name}" }]"#;
    let edge = with(&origin, rules).await;
    origin.reply("/a", PAGE, "<b id=name></b>");
    let first = edge.request("GET /a\nx-name: ann").await;
    assert_eq!(first, miss("<b id=name>ann</b>"));
    let second = edge.request("GET /a\nx-name: <bob>").await;
    assert_eq!(second, hit("<b id=name>&lt;bob&gt;</b>"));
}

#[tokio::test]
async fn a_variant_of_an_experiment_has_its_own_page() {
    let origin = Origin::start().await;
    let named = r#"filters = ["colours", { use = "html", phase = "response", rules = [{ select = "p", when = { variant = "colours=red" }, set = { class = "red" } }] }]

        [filter.colours]
        use = "ab"
        sticky = { header = "x-user" }
        force = { header = "x-force" }
        variants = [{ name = "plain", weight = 1 }, { name = "red", weight = 1 }]"#;
    let edge = Edge::site_with(&origin, named).await;
    origin.always("/", "content-type: text/html", "<p>a</p>");
    for (variant, expected) in [("plain", "<p>a</p>"), ("red", "<p class=\"red\">a</p>")] {
        let response = edge
            .request(&format!("GET /\nx-user: ann\nx-force: {variant}"))
            .await;
        assert_eq!(response.text(), expected);
    }
}
