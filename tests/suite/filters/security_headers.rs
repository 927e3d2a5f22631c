//! Headers that tell browsers what a page may do, and the nonces of its scripts.

use rimward_tests::{Edge, Origin, Response, hit, miss};

const PAGE: &str = "cache-control: max-age=60\ncontent-type: text/html\netag: \"1\"\nserver: x/1";

async fn with(origin: &Origin, settings: &str) -> Edge {
    let words = format!("filters = [{{ use = \"security_headers\", {settings} }}]");
    Edge::site_with(origin, &words).await
}

#[tokio::test]
async fn each_response_has_the_headers() {
    let origin = Origin::start().await;
    let edge = with(&origin, r#"set = { x-frame-options = "DENY" }"#).await;
    origin.reply("/a", PAGE, "page");
    let first = edge.get("/a").await;
    assert_eq!(first, miss("page"));
    let second = edge.get("/a").await;
    assert_eq!(second, hit("page"));
    let not_modified = edge.request("GET /a\nif-none-match: \"1\"").await;
    assert_eq!(not_modified.status, 304);
    for response in [first, second, not_modified] {
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(response.header("x-frame-options"), Some("DENY"));
        assert_eq!(response.header("server"), None);
        // The client spoke in the clear.
        assert_eq!(response.header("strict-transport-security"), None);
        assert_eq!(
            response.header("etag"),
            Some("\"1\""),
            "the body is the origin's"
        );
    }
    let part = edge.request("GET /a\nrange: bytes=0-1").await;
    assert_eq!((part.status, part.text()), (206, "pa"));
}

/// The nonce of a response's policy, after the body was seen to have the same.
fn nonce(response: &Response) -> String {
    let policy = response.header("content-security-policy").unwrap();
    let nonce = policy
        .trim_start_matches("script-src 'nonce-")
        .trim_end_matches('\'');
    let expected = format!("<script nonce=\"{nonce}\">1</script>");
    assert_eq!(response.text(), expected);
    nonce.to_owned()
}

#[tokio::test]
async fn each_page_has_a_nonce_of_its_own_which_is_not_stored() {
    let origin = Origin::start().await;
    let edge = with(&origin, r#"csp = "script-src 'nonce-{nonce}'""#).await;
    origin.reply("/a", PAGE, "<script>1</script>");
    let mut nonces = Vec::new();
    for _ in 0..3 {
        nonces.push(nonce(&edge.request("GET /a\naccept-encoding: gzip").await));
    }
    nonces.sort_unstable();
    nonces.dedup();
    assert_eq!(nonces.len(), 3);
    assert_eq!(origin.requests().len(), 1, "the page itself is stored");
    assert_eq!(origin.last().header("accept-encoding"), Some("identity"));
    let not_modified = edge.request("GET /a\nif-none-match: W/\"1\"").await;
    assert_eq!(not_modified.status, 304);
    assert_eq!(not_modified.header("content-security-policy"), None);
    let head = edge.request("HEAD /a").await;
    assert_eq!((head.status, head.header("content-length")), (200, None));
}

#[tokio::test]
async fn a_page_that_is_encoded_has_the_policy_alone() {
    let origin = Origin::start().await;
    let edge = with(&origin, r#"csp = "script-src 'nonce-{nonce}'""#).await;
    origin.reply("/a", &format!("{PAGE}\ncontent-encoding: gzip"), "<script>");
    let response = edge.get("/a").await;
    assert_eq!(response.text(), "<script>");
    assert!(response.header("content-security-policy").is_some());
}
