//! Who has a right token gets in, from the cache too, and nobody else.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rimward_tests::{Edge, Origin, hit, miss};

async fn with(origin: &Origin, settings: &str) -> Edge {
    let filter = format!(
        r#"filters = [{{ use = "jwt", keys = [{{ secret = "0123456789abcdef0123456789abcdef" }}], audience = "shop", {settings} }}]"#
    );
    Edge::site_with(origin, &filter).await
}

/// HS256 by that secret, until the year 2100.
const ANN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbm4iLCJleHAiOjQxMDI0NDQ4MDAsImF1ZCI6InNob3AifQ.q-xbCn2Q8eBshacaURLgvQQnIq1BiOQuuVLXGYoS-XY";
const BOB: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJib2IiLCJleHAiOjQxMDI0NDQ4MDAsImF1ZCI6InNob3AifQ.qZAezOPy-woM66ZfhYBSa3vsFO4R_TWBwEauPahUGnA";
/// Until 2020.
const EXPIRED: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbm4iLCJleHAiOjE2MDAwMDAwMDAsImF1ZCI6InNob3AifQ.4VcpXYMKUD-q82Hio4otspg_YF7ZnA7DidufYlAWSMQ";
/// For another audience.
const FOREIGN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbm4iLCJleHAiOjQxMDI0NDQ4MDAsImF1ZCI6ImFwcCJ9.w4VQG3dx-c0IFglaqFfvS8ft7AQ_9AJo9mUe4J63k7E";
/// `{"alg":"none"}` and the claims of Ann.
const UNSIGNED: &str =
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4iLCJleHAiOjQxMDI0NDQ4MDAsImF1ZCI6InNob3AifQ.";

fn bearer(token: &str) -> String {
    format!("GET /a\nauthorization: Bearer {token}\nx-user: root")
}

#[tokio::test]
async fn a_stored_response_is_for_those_with_a_token() {
    let origin = Origin::start().await;
    let edge = with(&origin, "").await;
    origin.reply("/a", "cache-control: max-age=60", "secret");
    assert_eq!(edge.request(&bearer(ANN)).await, miss("secret"));
    assert_eq!(origin.last().header("authorization"), None);
    assert_eq!(edge.request(&bearer(BOB)).await, hit("secret"));
    let (claims, signature) = (&ANN[..ANN.len() - 43], &BOB[BOB.len() - 43..]);
    let forged = format!("{claims}{signature}");
    for token in [EXPIRED, FOREIGN, UNSIGNED, &forged, "x", ""] {
        let refused = edge.request(&bearer(token)).await;
        assert_eq!(refused.status, 401, "{token}");
        assert!(!refused.text().contains("secret"), "{token}");
        assert!(
            refused
                .header("www-authenticate")
                .is_some_and(|challenge| challenge.starts_with("Bearer realm=\"api\"")),
            "{token}"
        );
    }
    assert_eq!(edge.get("/a").await.status, 401);
    assert_eq!(origin.requests().len(), 1);
}

#[tokio::test]
async fn the_origin_is_told_the_claims_and_each_user_has_objects_of_his_own() {
    let origin = Origin::start().await;
    let edge = with(&origin, r#"headers = { x-user = "sub" }, optional = true"#).await;
    for (token, user) in [(ANN, "ann"), (BOB, "bob")] {
        origin.reply("/a", "cache-control: max-age=60", user);
        assert_eq!(edge.request(&bearer(token)).await, miss(user));
        assert_eq!(origin.last().header("x-user"), Some(user));
    }
    origin.reply("/a", "cache-control: max-age=60", "nobody");
    let anonymous = "GET /a\nx-user: root\nx_user: root";
    assert_eq!(edge.request(anonymous).await, miss("nobody"));
    let sent = origin.last();
    assert_eq!((sent.header("x-user"), sent.header("x_user")), (None, None));
    assert_eq!(edge.request(&bearer(ANN)).await, hit("ann"));
    assert_eq!(edge.request(&bearer(BOB)).await, hit("bob"));
    assert_eq!(edge.request(anonymous).await, hit("nobody"));
    assert_eq!(edge.request(&bearer(EXPIRED)).await.status, 401);
}

#[tokio::test]
async fn a_token_in_the_url_is_no_part_of_the_cache_key() {
    let origin = Origin::start().await;
    let edge = with(
        &origin,
        r#"from = [{ query = "token" }, { cookie = "token" }]"#,
    )
    .await;
    origin.reply("/a?page=1", "cache-control: max-age=60", "v1");
    let first = edge.get(&format!("/a?token={ANN}&page=1")).await;
    assert_eq!(first, miss("v1"));
    assert_eq!(edge.get(&format!("/a?page=1&token={BOB}")).await, hit("v1"));
    let cookie = format!("GET /a?page=1\ncookie: token={BOB}");
    assert_eq!(edge.request(&cookie).await, hit("v1"));
    assert_eq!(
        edge.get(&format!("/a?page=1&token={EXPIRED}")).await.status,
        401
    );
}

#[tokio::test]
async fn keys_come_from_a_url() {
    let (origin, issuer) = (Origin::start().await, Origin::start().await);
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
    let jwks = format!(
        r#"{{"keys":[{{"kty":"EC","crv":"P-256","kid":"one","x":"{}","y":"{}"}}]}}"#,
        encode(x),
        encode(y)
    );
    issuer.reply("/jwks", "cache-control: max-age=600", jwks);
    let token = |kid: &str| {
        let head = format!(r#"{{"alg":"ES256","kid":"{kid}"}}"#);
        let claims = r#"{"sub":"ann","exp":4102444800}"#;
        let message = format!("{}.{}", encode(head.as_bytes()), encode(claims.as_bytes()));
        let signature = pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", encode(signature.as_ref()))
    };
    let filter = format!(
        r#"filters = [{{ use = "jwt", keys = [{{ url = "http://{}/jwks" }}] }}]"#,
        issuer.address()
    );
    let edge = Edge::site_with(&origin, &filter).await;
    assert!(issuer.requests().is_empty(), "nobody has sent a token yet");
    origin.always("/a", "", "in");
    let (one, other) = (token("one"), token("other"));
    for _ in 0..3 {
        assert_eq!(edge.request(&bearer(&one)).await.text(), "in");
        assert_eq!(edge.request(&bearer(&other)).await.status, 401);
    }
    assert_eq!(issuer.requests().len(), 1);
}

#[tokio::test]
async fn without_keys_nobody_is_let_in() {
    let (origin, mut issuer) = (Origin::start().await, Origin::start().await);
    let address = issuer.address();
    issuer.stop().await;
    let filter = format!(r#"use = "jwt", keys = [{{ url = "http://{address}/jwks" }}]"#);
    let edge = Edge::site_with(&origin, &format!("filters = [{{ {filter} }}]")).await;
    assert_eq!(edge.request(&bearer(ANN)).await.status, 503);
    let told = format!("filters = [{{ {filter}, on_error = 502 }}]");
    let edge = Edge::site_with(&origin, &told).await;
    assert_eq!(edge.request(&bearer(ANN)).await.status, 502);
}
