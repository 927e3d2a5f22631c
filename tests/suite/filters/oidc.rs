//! Signing in at an OpenID provider that the test plays.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD as BASE64};
use rimward_tests::{Edge, Files, Origin, Response, fill, hit, miss};
use serde_json::{Value, json};

const SITE: &str = r#"
    [origin.app]
    servers = ["{app}"]

    [filter.staff]
    use = "oidc"
    issuer = "{issuer}"
    client_id = "shop"
    client_secret_file = "client.secret"
    cookie_secret_file = "cookies.secret"
    headers = { x-user = "name" }
    public = ["/assets/*"]
    {settings}

    [[site]]
    hosts = ["*"]
    origin = "app"
    filters = ["staff"]
"#;

/// What tokens are signed with.
enum Key {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair),
}

impl Key {
    fn rsa() -> Self {
        Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    fn ecdsa() -> Self {
        Self::Ecdsa(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::Ecdsa(_) => "ES256",
        }
    }

    /// The public half (RFC 7517).
    fn public(&self) -> Value {
        match self {
            Self::Rsa(key) => {
                let public = key.public_key();
                let modulus = public.modulus().big_endian_without_leading_zero().to_vec();
                let exponent = public.exponent().big_endian_without_leading_zero().to_vec();
                json!({ "kty": "RSA", "n": BASE64.encode(modulus), "e": BASE64.encode(exponent) })
            }
            Self::Ecdsa(key) => {
                let (x, y) = key.public_key().as_ref()[1..].split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "x": BASE64.encode(x), "y": BASE64.encode(y) })
            }
        }
    }

    fn sign(&self, text: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, text, &mut signature)
                    .unwrap();
                signature
            }
            Self::Ecdsa(key) => key.sign(&random, text).unwrap().as_ref().to_vec(),
        }
    }

    fn token(&self, claims: &Value) -> String {
        let header = json!({ "alg": self.algorithm(), "kid": "test", "typ": "JWT" });
        let encoded = [&header, claims].map(|part| BASE64.encode(part.to_string()));
        let text = encoded.join(".");
        format!("{text}.{}", BASE64.encode(self.sign(text.as_bytes())))
    }
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// An edge, the application behind it and the provider beside it.
struct Stage {
    edge: Edge,
    app: Origin,
    provider: Origin,
    key: Key,
}

impl Stage {
    async fn set(settings: &str) -> Self {
        Self::with_key(settings, Key::ecdsa()).await
    }

    async fn with_key(settings: &str, key: Key) -> Self {
        let (app, provider) = (Origin::start().await, Origin::start().await);
        let issuer = format!("http://{}", provider.address());
        let about = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/keys"),
            "end_session_endpoint": format!("{issuer}/logout"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [key.algorithm()],
        });
        let json = "content-type: application/json";
        provider.always("/.well-known/openid-configuration", json, about.to_string());
        let mut public = key.public();
        public["kid"] = json!("test");
        public["use"] = json!("sig");
        provider.always("/keys", json, json!({ "keys": [public] }).to_string());
        let files = Arc::new(Files::new());
        files.write("client.secret", "hunter2\n");
        files.write("cookies.secret", "0123456789abcdef0123456789abcdef\n");
        let text = fill(
            SITE,
            &[
                ("app", &app.address()),
                ("issuer", &issuer),
                ("settings", &settings),
            ],
        );
        Self {
            edge: Edge::start_in(files, &text).await,
            app,
            provider,
            key,
        }
    }

    fn issuer(&self) -> String {
        format!("http://{}", self.provider.address())
    }

    /// What an ID token has to say.
    fn claims(&self, nonce: &str) -> Value {
        json!({
            "iss": self.issuer(),
            "aud": "shop",
            "sub": "7",
            "name": "ann",
            "nonce": nonce,
            "iat": now(),
            "exp": now() + 600,
        })
    }

    /// The provider will give out this token.
    fn give(&self, id_token: Option<&str>, more: Value) {
        let mut response =
            json!({ "access_token": "a", "token_type": "Bearer", "id_token": id_token });
        let more = more.as_object().unwrap().clone();
        response.as_object_mut().unwrap().extend(more);
        self.provider.reply(
            "/token",
            "content-type: application/json",
            response.to_string(),
        );
    }

    /// The provider will give out nothing.
    fn deny(&self) {
        let error = r#"{"error":"invalid_grant"}"#;
        self.provider
            .reply("/token", "400\ncontent-type: application/json", error);
    }

    /// Signs a browser in.
    async fn sign_in(&self, browser: &mut Browser, more: Value) -> Response {
        let asked = browser.open(&self.edge, "/start").await;
        let asked = Asked::read(&asked);
        self.give(Some(&self.key.token(&self.claims(&asked.nonce))), more);
        browser.open(&self.edge, &asked.back()).await
    }
}

/// Keeps cookies as browsers do.
#[derive(Clone, Default)]
struct Browser(BTreeMap<String, String>);

impl Browser {
    async fn open(&mut self, edge: &Edge, target: &str) -> Response {
        self.request(edge, &format!("GET {target}\naccept: text/html"))
            .await
    }

    async fn request(&mut self, edge: &Edge, request: &str) -> Response {
        let cookies: Vec<_> = self
            .0
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = match cookies.is_empty() {
            true => request.to_owned(),
            false => format!("{request}\ncookie: {}", cookies.join("; ")),
        };
        let response = edge.request(&request).await;
        for cookie in response.headers.all("set-cookie") {
            assert!(
                cookie.contains("; Path=/;") && cookie.ends_with("; HttpOnly; SameSite=Lax"),
                "{cookie}"
            );
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            match cookie.contains("Max-Age=0;") {
                true => self.0.remove(name),
                false => self.0.insert(name.to_owned(), value.to_owned()),
            };
        }
        response
    }
}

/// What the provider is asked for by way of the browser.
struct Asked {
    url: String,
    state: String,
    nonce: String,
    challenge: String,
}

impl Asked {
    fn read(response: &Response) -> Self {
        assert_eq!(response.status, 302, "{response:?}");
        assert_eq!(response.header("cache-control"), Some("no-store"));
        let url = response.header("location").unwrap().to_owned();
        let parameter = |name: &str| {
            let (_, query) = url.split_once('?').unwrap();
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let (_, value) = pairs.find(|(key, _)| *key == name).unwrap();
            value.to_owned()
        };
        Self {
            state: parameter("state"),
            nonce: parameter("nonce"),
            challenge: parameter("code_challenge"),
            url,
        }
    }

    /// Where the provider sends the browser.
    fn back(&self) -> String {
        format!("/oidc/callback?code=c0de&state={}", self.state)
    }
}

#[tokio::test]
async fn a_user_signs_in_and_is_known_from_then_on() {
    for key in [Key::rsa(), Key::ecdsa()] {
        let stage = Stage::with_key("parameters = { prompt = \"login\" }", key).await;
        let mut browser = Browser::default();
        let asked = Asked::read(&browser.open(&stage.edge, "/page?x=1").await);
        let authorize = format!("{}/authorize?", stage.issuer());
        assert!(asked.url.starts_with(&authorize), "{}", asked.url);
        for part in [
            "response_type=code",
            "client_id=shop",
            "redirect_uri=http%3A%2F%2Fexample.com%2Foidc%2Fcallback",
            "scope=openid+profile+email",
            "code_challenge_method=S256",
            "prompt=login",
        ] {
            assert!(asked.url.contains(part), "{} has no {part}", asked.url);
        }
        let token = stage.key.token(&stage.claims(&asked.nonce));
        stage.give(Some(&token), json!({}));
        let back = browser.open(&stage.edge, &asked.back()).await;
        assert_eq!(
            (back.status, back.header("location")),
            (303, Some("http://example.com/page?x=1"))
        );
        assert_eq!(browser.0.keys().collect::<Vec<_>>(), ["rimward_session"]);

        let exchanged = stage.provider.last();
        let secret = format!("Basic {}", STANDARD.encode("shop:hunter2"));
        assert_eq!(exchanged.header("authorization"), Some(&*secret));
        let body = String::from_utf8(exchanged.body).unwrap();
        assert!(
            body.contains("grant_type=authorization_code") && body.contains("code=c0de"),
            "{body}"
        );
        let (_, verifier) = body.split_once("code_verifier=").unwrap();
        let verifier = verifier.split('&').next().unwrap();
        let challenge = BASE64.encode(digest(&SHA256, verifier.as_bytes()));
        assert_eq!(challenge, asked.challenge);

        browser.0.insert("own".to_owned(), "1".to_owned());
        stage.app.reply("/page?x=1", "", "hello");
        let request = "GET /page?x=1\nx-user: root";
        assert_eq!(browser.request(&stage.edge, request).await.text(), "hello");
        let seen = stage.app.last();
        assert_eq!(
            (seen.header("x-user"), seen.header("cookie")),
            (Some("ann"), Some("own=1"))
        );
    }
}

#[tokio::test]
async fn who_did_not_begin_to_sign_in_does_not_come_back() {
    let stage = Stage::set("").await;
    let (mut ann, mut eve) = (Browser::default(), Browser::default());
    let anns = Asked::read(&ann.open(&stage.edge, "/").await);
    let eves = Asked::read(&eve.open(&stage.edge, "/").await);
    for target in [
        eves.back(),
        "/oidc/callback".to_owned(),
        "/oidc/callback?code=c0de".to_owned(),
        "/oidc/callback?code=c0de&state=x".to_owned(),
    ] {
        assert_eq!(ann.open(&stage.edge, &target).await.status, 403, "{target}");
    }
    // The state of one with the cookie of the other, under the name that it should have.
    let stolen = eve.0.values().next().unwrap().clone();
    let name = ann.0.keys().next().unwrap().clone();
    let own = ann.0.insert(name.clone(), stolen).unwrap();
    assert_eq!(ann.open(&stage.edge, &anns.back()).await.status, 403);
    ann.0.insert(name, own);
    let other = format!("{}&iss=https%3A%2F%2Fother.example", anns.back());
    assert_eq!(ann.open(&stage.edge, &other).await.status, 403);
    assert!(stage.app.requests().is_empty());
}

#[tokio::test]
async fn nobody_comes_back_twice() {
    let stage = Stage::set("").await;
    let mut browser = Browser::default();
    let asked = Asked::read(&browser.open(&stage.edge, "/").await);
    let mut copy = browser.clone();
    stage.give(
        Some(&stage.key.token(&stage.claims(&asked.nonce))),
        json!({}),
    );
    assert_eq!(browser.open(&stage.edge, &asked.back()).await.status, 303);
    let exchanged = stage.provider.requests().len();
    assert_eq!(copy.open(&stage.edge, &asked.back()).await.status, 403);
    assert_eq!(stage.provider.requests().len(), exchanged);
}

#[tokio::test]
async fn a_provider_that_says_no_is_believed() {
    let stage = Stage::set("").await;
    let mut browser = Browser::default();
    let asked = Asked::read(&browser.open(&stage.edge, "/").await);
    let denied = format!("/oidc/callback?error=access_denied&state={}", asked.state);
    assert_eq!(browser.open(&stage.edge, &denied).await.status, 403);
    let asked = Asked::read(&browser.open(&stage.edge, "/").await);
    stage.deny();
    assert_eq!(browser.open(&stage.edge, &asked.back()).await.status, 403);
}

#[tokio::test]
async fn only_a_right_token_signs_in() {
    let stage = Stage::set("").await;
    let wrong = |change: fn(&mut Value)| {
        move |stage: &Stage, nonce: &str| {
            let mut claims = stage.claims(nonce);
            change(&mut claims);
            stage.key.token(&claims)
        }
    };
    type Make<'m> = Box<dyn Fn(&Stage, &str) -> String + 'm>;
    let tokens: [(&str, Make<'_>); 8] = [
        (
            "nonce",
            Box::new(wrong(|claims| claims["nonce"] = json!("other"))),
        ),
        (
            "no nonce",
            Box::new(wrong(|claims| claims["nonce"] = Value::Null)),
        ),
        (
            "audience",
            Box::new(wrong(|claims| claims["aud"] = json!("other"))),
        ),
        (
            "audiences",
            Box::new(wrong(|claims| claims["aud"] = json!(["shop", "other"]))),
        ),
        (
            "issuer",
            Box::new(wrong(|claims| {
                claims["iss"] = json!("https://other.example")
            })),
        ),
        (
            "expired",
            Box::new(wrong(|claims| claims["exp"] = json!(now() - 61))),
        ),
        (
            "key",
            Box::new(|stage, nonce| Key::ecdsa().token(&stage.claims(nonce))),
        ),
        (
            "none",
            Box::new(|stage, nonce| {
                let header = json!({ "alg": "none" });
                let parts =
                    [&header, &stage.claims(nonce)].map(|part| BASE64.encode(part.to_string()));
                format!("{}.", parts.join("."))
            }),
        ),
    ];
    for (what, make) in tokens {
        let mut browser = Browser::default();
        let asked = Asked::read(&browser.open(&stage.edge, "/").await);
        stage.give(Some(&make(&stage, &asked.nonce)), json!({}));
        let back = browser.open(&stage.edge, &asked.back()).await;
        assert!(matches!(back.status, 403 | 500), "{what}: {back:?}");
        assert_eq!(browser.open(&stage.edge, "/").await.status, 302, "{what}");
    }
    let mut browser = Browser::default();
    let asked = Asked::read(&browser.open(&stage.edge, "/").await);
    stage.give(None, json!({}));
    assert_eq!(browser.open(&stage.edge, &asked.back()).await.status, 500);
}

#[tokio::test]
async fn a_session_that_ran_out_is_renewed_beside_the_request() {
    let stage = Stage::set("").await;
    let mut browser = Browser::default();
    let more = json!({ "expires_in": 0, "refresh_token": "r1" });
    assert_eq!(stage.sign_in(&mut browser, more).await.status, 303);
    let old = browser.clone();
    let mut claims = stage.claims("");
    claims["name"] = json!("anne");
    let more = json!({ "expires_in": 300, "refresh_token": "r2" });
    stage.give(Some(&stage.key.token(&claims)), more);
    stage.app.always("/a", "cache-control: max-age=60", "in");
    let renewed = browser
        .request(&stage.edge, "POST /a\ncontent-length: 0")
        .await;
    assert_eq!(
        (renewed.status, renewed.header("cache-control")),
        (200, Some("no-store"))
    );
    assert_eq!(stage.app.last().header("x-user"), Some("anne"));
    let body = String::from_utf8(stage.provider.last().body).unwrap();
    assert!(
        body.contains("grant_type=refresh_token") && body.contains("refresh_token=r1"),
        "{body}"
    );
    let asked = stage.provider.requests().len();
    // The new session is fresh, and the page's other requests with the old one share what came of it.
    assert_eq!(browser.open(&stage.edge, "/a").await.status, 200);
    assert_eq!(old.clone().open(&stage.edge, "/a").await.status, 200);
    assert_eq!(stage.provider.requests().len(), asked);
}

#[tokio::test]
async fn a_session_that_is_not_renewed_is_over() {
    let stage = Stage::set("").await;
    for subject in [None, Some("8")] {
        let mut browser = Browser::default();
        let token = format!("r{subject:?}");
        let more = json!({ "expires_in": 0, "refresh_token": token });
        stage.sign_in(&mut browser, more).await;
        match subject {
            None => stage.deny(),
            Some(subject) => {
                let mut claims = stage.claims("");
                claims["sub"] = json!(subject);
                stage.give(Some(&stage.key.token(&claims)), json!({}));
            }
        }
        assert_eq!(browser.open(&stage.edge, "/a").await.status, 302);
        assert_eq!(browser.request(&stage.edge, "POST /a").await.status, 401);
    }
}

#[tokio::test]
async fn signing_out_forgets_here_and_there() {
    let stage = Stage::set("after_logout = \"/bye\"").await;
    let mut browser = Browser::default();
    stage.sign_in(&mut browser, json!({})).await;
    let out = browser.open(&stage.edge, "/oidc/logout").await;
    let expected = format!(
        "{}/logout?client_id=shop&post_logout_redirect_uri=http%3A%2F%2Fexample.com%2Fbye",
        stage.issuer()
    );
    assert_eq!(
        (out.status, out.header("location")),
        (303, Some(&*expected))
    );
    assert!(browser.0.is_empty(), "{:?}", browser.0);
    assert_eq!(browser.open(&stage.edge, "/").await.status, 302);
}

#[tokio::test]
async fn a_cookie_that_was_changed_is_none() {
    let stage = Stage::set("").await;
    let mut browser = Browser::default();
    stage.sign_in(&mut browser, json!({})).await;
    let session = browser.0["rimward_session"].clone();
    let mut changed = session.into_bytes();
    let last = changed.len() - 20;
    changed[last] = if changed[last] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).unwrap();
    browser.0.insert("rimward_session".to_owned(), changed);
    assert_eq!(browser.open(&stage.edge, "/").await.status, 302);
}

#[tokio::test]
async fn programs_are_told_and_public_paths_are_open() {
    let stage = Stage::set("").await;
    for request in [
        "GET /api",
        "POST /",
        "GET /\nsec-fetch-mode: cors\naccept: text/html",
    ] {
        assert_eq!(stage.edge.request(request).await.status, 401, "{request}");
    }
    stage.app.reply("/assets/a.css", "", "open");
    assert_eq!(stage.edge.get("/assets/a.css").await.text(), "open");
    assert!(stage.provider.requests().is_empty());
}

#[tokio::test]
async fn what_is_stored_is_for_the_user_that_it_was_made_for() {
    let stage = Stage::set("").await;
    let mut ann = Browser::default();
    stage.sign_in(&mut ann, json!({})).await;
    let mut bob = Browser::default();
    let asked = Asked::read(&bob.open(&stage.edge, "/").await);
    let mut claims = stage.claims(&asked.nonce);
    claims["name"] = json!("bob");
    stage.give(Some(&stage.key.token(&claims)), json!({}));
    bob.open(&stage.edge, &asked.back()).await;
    for (browser, name) in [(&mut ann, "ann"), (&mut bob, "bob")] {
        stage.app.reply("/me", "cache-control: max-age=60", name);
        assert_eq!(browser.open(&stage.edge, "/me").await, miss(name));
        assert_eq!(browser.open(&stage.edge, "/me").await, hit(name));
    }
    assert_eq!(stage.edge.get("/me").await.status, 401);
}

#[tokio::test]
async fn a_user_without_the_claim_stays_outside() {
    let stage = Stage::set("require = { groups = \"admin\" }").await;
    let mut browser = Browser::default();
    assert_eq!(stage.sign_in(&mut browser, json!({})).await.status, 303);
    assert_eq!(browser.open(&stage.edge, "/").await.status, 403);
}

#[tokio::test]
async fn no_page_leads_to_another_host() {
    let stage = Stage::set("").await;
    for target in ["//evil.example/", "/%5Cevil.example", "/.evil.example"] {
        let mut browser = Browser::default();
        let response = browser.open(&stage.edge, target).await;
        if response.status != 302 {
            // The edge takes no such target at all, or takes it for another.
            assert!(matches!(response.status, 308 | 400), "{response:?}");
            continue;
        }
        let asked = Asked::read(&response);
        stage.give(
            Some(&stage.key.token(&stage.claims(&asked.nonce))),
            json!({}),
        );
        let back = browser.open(&stage.edge, &asked.back()).await;
        let location = back.header("location").unwrap();
        assert!(location.starts_with("http://example.com/"), "{location}");
    }
}

#[tokio::test]
async fn who_is_signed_in_stays_so_while_the_provider_is_gone() {
    let mut stage = Stage::set("").await;
    let mut browser = Browser::default();
    stage.sign_in(&mut browser, json!({})).await;
    stage.provider.stop().await;
    stage.app.always("/", "", "in");
    assert_eq!(browser.open(&stage.edge, "/").await.text(), "in");
    // What is known of the provider holds on.
    assert_eq!(Browser::default().open(&stage.edge, "/").await.status, 302);
    let stage = {
        let mut other = Stage::set("on_error = 503").await;
        other.provider.stop().await;
        other
    };
    assert_eq!(Browser::default().open(&stage.edge, "/").await.status, 503);
}
