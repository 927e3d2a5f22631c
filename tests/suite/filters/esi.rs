//! Pages that are put together from fragments.

use rimward_tests::{Edge, Origin, hit, miss, secs};

const PAGE: &str = "cache-control: max-age=60\ncontent-type: text/html; charset=utf-8\nsurrogate-control: content=\"ESI/1.0\"";
const PART: &str = "cache-control: max-age=10\ncontent-type: text/html";

async fn with(origin: &Origin, settings: &str) -> Edge {
    Edge::site_with(
        origin,
        &format!("filters = [{{ use = \"esi\" {settings} }}]"),
    )
    .await
}

#[tokio::test]
async fn a_page_is_put_together_and_each_part_is_cached_by_itself() {
    let origin = Origin::start().await;
    let edge = with(&origin, "").await;
    let page = "<h1>a</h1><esi:include src=\"/cart?id=1\"/>|<esi:include src=\"news\"/><esi:remove>old</esi:remove>";
    origin.reply("/shop/", PAGE, page);
    origin.reply("/cart?id=1", PART, "cart");
    origin.reply("/shop/news", PART, "news 1");
    let first = edge.get("/shop/").await;
    assert_eq!(first, miss("<h1>a</h1>cart|news 1"));
    assert_eq!(first.header("surrogate-control"), None);
    assert_eq!(first.header("content-length"), Some("21"));
    assert_eq!(
        origin.requests()[0].header("surrogate-capability"),
        Some("rimward=\"ESI/1.0\"")
    );
    edge.pass_time(secs(11));
    origin.reply("/cart?id=1", PART, "cart 2");
    origin.reply("/shop/news", PART, "news 2");
    assert_eq!(edge.get("/shop/").await, hit("<h1>a</h1>cart 2|news 2"));
    assert_eq!(edge.get("/shop/").await, hit("<h1>a</h1>cart 2|news 2"));
    assert_eq!(origin.requests().len(), 5);
}

#[tokio::test]
async fn fragments_are_fetched_side_by_side_with_the_clients_fields() {
    let origin = Origin::start().await;
    let edge = with(&origin, "").await;
    origin.reply(
        "/",
        PAGE,
        "<esi:include src=\"/a\"/><esi:include src=\"/b\"/>",
    );
    let (a, b) = (origin.hold("/a", "", "A"), origin.hold("/b", "", "B"));
    let asked = edge.request("GET /\ncookie: user=ann\nrange: bytes=0-1");
    let opened = async {
        // The second is asked for before the first has come.
        a.reached().await;
        b.reached().await;
        a.open();
        b.open();
    };
    let (response, ()) = tokio::join!(asked, opened);
    assert_eq!((response.status, response.text()), (200, "AB"));
    for part in origin.requests().iter().skip(1) {
        assert_eq!(part.header("cookie"), Some("user=ann"));
        assert_eq!(
            (part.header("range"), part.header("accept-encoding")),
            (None, Some("identity"))
        );
    }
}

#[tokio::test]
async fn what_fails_is_replaced_or_fails_the_page() {
    let origin = Origin::start().await;
    let edge = with(&origin, "").await;
    origin.always("/gone", "404", "not here");
    origin.always("/alt", PART, "alt");
    for (target, page, expected) in [
        (
            "/1",
            "a<esi:include src=\"/gone\" alt=\"/alt\"/>",
            Some("aalt"),
        ),
        (
            "/2",
            "a<esi:include src=\"/gone\" onerror=\"continue\"/>b",
            Some("ab"),
        ),
        (
            "/3",
            "<esi:try><esi:attempt>x<esi:include src=\"/gone\"/></esi:attempt><esi:except>sorry</esi:except></esi:try>",
            Some("sorry"),
        ),
        ("/4", "a<esi:include src=\"/gone\"/>", None),
        (
            "/6",
            "a<esi:include src=\"ftp://elsewhere.example/\"/>",
            None,
        ),
        ("/7", "a<esi:choose/>", None),
    ] {
        origin.reply(target, PAGE, page);
        let response = edge.get(target).await;
        match expected {
            Some(text) => assert_eq!((response.status, response.text()), (200, text), "{page}"),
            None => assert_eq!(response.status, 502, "{page}"),
        }
    }
}

#[tokio::test]
async fn fragments_may_have_fragments_down_to_a_depth() {
    let origin = Origin::start().await;
    let edge = with(&origin, ", max_depth = 2").await;
    origin.always("/", PAGE, "0<esi:include src=\"/1\"/>");
    origin.always("/1", PAGE, "1<esi:include src=\"/2\"/>");
    origin.reply("/2", PAGE, "2");
    assert_eq!(edge.get("/").await.text(), "012");
    origin.always("/loop", PAGE, "l<esi:include src=\"/loop\"/>");
    assert_eq!(edge.get("/loop").await.status, 502);
}

#[tokio::test]
async fn what_is_not_announced_or_too_much_is_not_put_together() {
    let origin = Origin::start().await;
    let edge = with(&origin, ", max_includes = 1, max_size = \"100B\"").await;
    let markup = "<esi:include src=\"/a\"/>";
    origin.reply(
        "/plain",
        "content-type: text/html\ncache-control: max-age=60\netag: \"1\"",
        markup,
    );
    assert_eq!(edge.get("/plain").await.text(), markup);
    let again = edge.request("GET /plain\nif-none-match: \"1\"").await;
    assert_eq!(again.status, 304);
    origin.reply(
        "/json",
        "content-type: application/json\nsurrogate-control: content=\"ESI/1.0\"",
        markup,
    );
    assert_eq!(edge.get("/json").await.text(), markup);
    origin.reply("/two", PAGE, markup.repeat(2));
    assert_eq!(edge.get("/two").await.status, 502);
    origin.reply("/long", PAGE, "x".repeat(101));
    assert_eq!(edge.get("/long").await.status, 502);
    let all = with(&origin, ", announced = false").await;
    origin.reply("/a", PART, "A");
    origin.reply("/plain", "content-type: text/html", markup);
    assert_eq!(all.get("/plain").await.text(), "A");
}

#[tokio::test]
async fn a_head_tells_what_a_get_would_have() {
    let origin = Origin::start().await;
    let edge = with(&origin, "").await;
    origin.reply("/", PAGE, "<esi:include src=\"/a\"/>!");
    origin.reply("/a", PART, "four");
    let head = edge.request("HEAD /").await;
    assert_eq!(
        (head.header("content-length"), head.text()),
        (Some("5"), "")
    );
    assert_eq!(edge.get("/").await, hit("four!"));
}

#[tokio::test]
async fn it_is_told_of_as_one_exchange() {
    let origin = Origin::start().await;
    let edge = with(&origin, "").await;
    origin.reply("/", PAGE, "<esi:include src=\"/a\"/>");
    origin.reply("/a", PART, "A");
    assert_eq!(edge.get("/").await.text(), "A");
    edge.metric_reaches("rimward_requests_total", 1.0).await;
    edge.metric_reaches("rimward_requests_in_flight", 0.0).await;
}

#[tokio::test]
async fn a_page_is_encoded_as_it_is_sent() {
    let origin = Origin::start().await;
    let words = "filters = [{ use = \"esi\" }]\ncompress = [\"gzip\"]";
    let edge = Edge::site_with(&origin, words).await;
    let part = "part ".repeat(1000);
    origin.reply("/", PAGE, "<esi:include src=\"/part\"/>");
    origin.reply("/part", PART, &part);
    origin.reply("/plain", "content-type: text/plain", &part);
    for target in ["/", "/plain"] {
        let response = edge
            .request(&format!("GET {target}\naccept-encoding: gzip"))
            .await;
        assert_eq!(
            response.header("content-encoding"),
            Some("gzip"),
            "{target}"
        );
        let mut text = String::new();
        let mut decoder = flate2::read::GzDecoder::new(&response.body[..]);
        std::io::Read::read_to_string(&mut decoder, &mut text).unwrap();
        assert_eq!(text, part, "{target}");
    }
}
