//! The three examples do the same in Rust and in C.

use std::sync::Arc;

use rimward_tests::{Edge, Files, Origin, edge::site, guest, hit};

/// The languages, each with how a split stands in the store: all clients get variant `b`.
const LANGUAGES: [(&str, &str); 2] = [
    ("rust", r#"{"salt":"1","variants":{"a":0,"b":100}}"#),
    ("c", "100"),
];

/// A machine that tests may be busy.
const LIMITS: &str = "limits = { cpu = \"2s\", wall = \"10s\" }";

/// An edge whose only site has the filter `example`, after `others`.
async fn with(files: Arc<Files>, origin: &Origin, others: &str, example: &str) -> Edge {
    let words = format!("filters = [{others}\"example\"]\n[filter.example]\n{LIMITS}\n{example}");
    Edge::start_in(files, &site(origin, &words)).await
}

#[tokio::test]
async fn who_has_the_token_is_let_in_and_nobody_else() {
    for (language, _) in LANGUAGES {
        let origin = Origin::start().await;
        let files = Arc::new(Files::new());
        files.write("token", "s3cret-0123456789abcdef0123456789");
        let wasm = guest(&format!("{language}-auth"));
        let example = format!(
            "wasm = {wasm:?}\nconfig = {{ realm = \"shop\" }}\ngrants = {{ secrets = [\"api-token\"] }}\n\
             [secret.api-token]\nfile = \"token\""
        );
        let edge = with(files, &origin, "", &example).await;

        for authorization in ["", "\nauthorization: Bearer s3cret"] {
            let refused = edge.request(&format!("GET /a{authorization}")).await;
            assert_eq!(
                (refused.status, refused.text()),
                (401, "a token is needed\n"),
                "{language}"
            );
            assert_eq!(
                refused.header("www-authenticate"),
                Some("Bearer realm=\"shop\"")
            );
            assert_eq!(refused.header("cache-control"), Some("no-store"));
        }
        assert!(origin.requests().is_empty(), "{language}");

        origin.reply("/a", "", "the page");
        let let_in = edge
            .request("GET /a\nauthorization: bearer s3cret-0123456789abcdef0123456789")
            .await;
        assert_eq!(
            (let_in.status, let_in.text()),
            (200, "the page"),
            "{language}"
        );
        let request = origin.last();
        assert_eq!(
            request.header("x-authenticated"),
            Some("token"),
            "{language}"
        );
        assert_eq!(request.header("authorization"), None, "{language}");
    }
}

#[tokio::test]
async fn clients_keep_their_variant_and_the_cache_keeps_both_apart() {
    for (language, split) in LANGUAGES {
        let origin = Origin::start().await;
        let wasm = guest(&format!("{language}-ab-kv"));
        let example = format!(
            "wasm = {wasm:?}\nconfig = {{ experiment = \"checkout\" }}\ngrants = {{ kv = [\"experiments\"] }}\n\
             [kv.experiments]\npath = \"experiments.kv\"\nmax_size = \"1MiB\"\n\
             [filter.probe]\n{LIMITS}\nwasm = {:?}\ngrants = {{ kv = [\"experiments\"] }}",
            guest("probe")
        );
        let edge = with(Arc::new(Files::new()), &origin, "\"probe\", ", &example).await;
        for variant in ["none", "a", "b"] {
            origin.reply("/page", "cache-control: max-age=60", variant);
        }

        let without = edge.get("/page").await;
        assert_eq!(
            (without.text(), without.header("set-cookie")),
            ("none", None),
            "{language}"
        );
        let put = format!(
            "GET /put\nx-do: request kv.put experiments checkout {split}; request answer 204"
        );
        assert_eq!(edge.request(&put).await.status, 204, "{language}");

        let kept = edge.request("GET /page\ncookie: ab-checkout=a").await;
        assert_eq!(
            (kept.text(), kept.header("set-cookie")),
            ("a", None),
            "{language}"
        );
        assert_eq!(
            origin.last().header("x-variant-checkout"),
            Some("a"),
            "{language}"
        );

        let drawn = edge.get("/page").await;
        let cookie = "ab-checkout=b; Path=/; Max-Age=604800; Secure; SameSite=Lax";
        assert_eq!(
            (drawn.text(), drawn.header("set-cookie")),
            ("b", Some(cookie)),
            "{language}"
        );
        assert_eq!(
            origin.last().header("x-variant-checkout"),
            Some("b"),
            "{language}"
        );

        assert_eq!(
            edge.request("GET /page\ncookie: ab-checkout=a").await,
            hit("a"),
            "{language}"
        );
        assert_eq!(
            edge.request("GET /page\ncookie: ab-checkout=b").await,
            hit("b"),
            "{language}"
        );
    }
}

#[tokio::test]
async fn pages_are_rewritten_before_they_are_stored() {
    for (language, _) in LANGUAGES {
        let origin = Origin::start().await;
        let wasm = guest(&format!("{language}-rewriter"));
        let example = format!(
            "wasm = {wasm:?}\nconfig = {{ from = \"http://old.example.com\", to = \"https://www.example.com\" }}"
        );
        let edge = with(Arc::new(Files::new()), &origin, "", &example).await;
        let old =
            "<a href=\"http://old.example.com/ä\">1</a><a href=\"http://old.example.com\">2</a>";
        let new =
            "<a href=\"https://www.example.com/ä\">1</a><a href=\"https://www.example.com\">2</a>";
        let head = "cache-control: max-age=60\nx-powered-by: magic\ncontent-type: ";
        origin.reply("/page", &format!("{head}text/html; charset=utf-8"), old);
        origin.reply("/text", &format!("{head}text/plain"), old);

        let first = edge.get("/page").await;
        assert_eq!(first.text(), new, "{language}");
        assert_eq!(first.header("x-powered-by"), None, "{language}");
        assert_eq!(
            first.header("x-content-type-options"),
            Some("nosniff"),
            "{language}"
        );
        assert_eq!(edge.get("/page").await, hit(new), "{language}");
        assert_eq!(edge.get("/text").await.text(), old, "{language}");
    }
}

#[tokio::test]
async fn settings_that_are_missing_refuse_the_filter() {
    for (language, _) in LANGUAGES {
        let origin = Origin::start().await;
        let words = format!(
            "filters = [\"example\"]\n[filter.example]\nwasm = {:?}",
            guest(&format!("{language}-rewriter"))
        );
        let files = Arc::new(Files::new());
        let Err(problems) = Edge::try_start_in(files, &site(&origin, &words)).await else {
            panic!("{language}: the edge started without settings");
        };
        assert!(
            problems.to_string().contains("`from`"),
            "{language}: {problems}"
        );
    }
}
