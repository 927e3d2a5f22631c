//! The three examples do the same in each language. Those in JavaScript and Python are there if `sdk/build-dynamic.sh` has made them.

use std::path::PathBuf;
use std::sync::Arc;

use rimward_tests::guests::{built, built_guests};
use rimward_tests::{Edge, Files, Origin, edge::site, guest, hit};

/// A language that the examples are written in.
struct Language {
    name: &'static str,
    /// How a split stands in the store by which all clients get variant `b`.
    split: &'static str,
    /// What its filters need beside the settings of the example.
    settings: &'static str,
}

/// A machine that tests may be busy.
const LIMITS: &str = "limits = { cpu = \"500ms\", wall = \"5s\" }";

const SPLIT: &str = r#"{"salt":"1","variants":{"a":0,"b":100}}"#;

const LANGUAGES: [Language; 4] = [
    Language {
        name: "rust",
        split: SPLIT,
        settings: LIMITS,
    },
    Language {
        name: "c",
        split: "100",
        settings: LIMITS,
    },
    Language {
        name: "js",
        split: SPLIT,
        settings: LIMITS,
    },
    Language {
        name: "python",
        split: SPLIT,
        settings: "isolation = \"reuse\"\nlimits = { cpu = \"500ms\", wall = \"5s\", memory = \"64MiB\" }",
    },
];

impl Language {
    /// Those whose examples are there.
    fn all() -> impl Iterator<Item = &'static Self> {
        LANGUAGES
            .iter()
            .filter(|language| language.component("auth").exists())
    }

    fn component(&self, example: &str) -> PathBuf {
        let committed = || guest(&format!("{}-{example}", self.name));
        built(self.name, example).unwrap_or_else(committed)
    }

    /// The beginning of the filter's table.
    fn filter(&self, example: &str) -> String {
        format!("wasm = {:?}\n{}", self.component(example), self.settings)
    }

    /// An edge whose only site has the filter `example`, after `others`.
    async fn edge(
        &self,
        files: Arc<Files>,
        origin: &Origin,
        others: &str,
        example: &str,
    ) -> Result<Edge, String> {
        let words = format!(
            "filters = [{others}\"example\"]\n[filter.example]\n{example}\n[guests]\npath = {:?}",
            built_guests().join("code")
        );
        let edge = Edge::try_start_in(files, &site(origin, &words)).await;
        edge.map_err(|problems| problems.to_string())
    }
}

#[tokio::test]
async fn who_has_the_token_is_let_in_and_nobody_else() {
    for language in Language::all() {
        let name = language.name;
        let origin = Origin::start().await;
        let files = Arc::new(Files::new());
        files.write("token", "s3cret-0123456789abcdef0123456789");
        let filter = language.filter("auth");
        let example = format!(
            "{filter}\nconfig = {{ realm = \"shop\" }}\ngrants = {{ secrets = [\"api-token\"] }}\n\
             [secret.api-token]\nfile = \"token\""
        );
        let edge = language.edge(files, &origin, "", &example).await.unwrap();

        for authorization in ["", "\nauthorization: Bearer s3cret"] {
            let refused = edge.request(&format!("GET /a{authorization}")).await;
            assert_eq!(
                (refused.status, refused.text()),
                (401, "a token is needed\n"),
                "{name}"
            );
            assert_eq!(
                refused.header("www-authenticate"),
                Some("Bearer realm=\"shop\"")
            );
            assert_eq!(refused.header("cache-control"), Some("no-store"));
        }
        assert!(origin.requests().is_empty(), "{name}");

        origin.reply("/a", "", "the page");
        let let_in = edge
            .request("GET /a\nauthorization: bearer s3cret-0123456789abcdef0123456789")
            .await;
        assert_eq!((let_in.status, let_in.text()), (200, "the page"), "{name}");
        let request = origin.last();
        assert_eq!(request.header("x-authenticated"), Some("token"), "{name}");
        assert_eq!(request.header("authorization"), None, "{name}");
    }
}

#[tokio::test]
async fn clients_keep_their_variant_and_the_cache_keeps_both_apart() {
    for language in Language::all() {
        let (name, split) = (language.name, language.split);
        let origin = Origin::start().await;
        let filter = language.filter("ab-kv");
        let example = format!(
            "{filter}\nconfig = {{ experiment = \"checkout\" }}\ngrants = {{ kv = [\"experiments\"] }}\n\
             [kv.experiments]\npath = \"experiments.kv\"\nmax_size = \"1MiB\"\n\
             [filter.probe]\n{LIMITS}\nwasm = {:?}\ngrants = {{ kv = [\"experiments\"] }}",
            guest("probe")
        );
        let files = Arc::new(Files::new());
        let edge = language
            .edge(files, &origin, "\"probe\", ", &example)
            .await
            .unwrap();
        for variant in ["none", "a", "b"] {
            origin.reply("/page", "cache-control: max-age=60", variant);
        }

        let without = edge.get("/page").await;
        assert_eq!(
            (without.text(), without.header("set-cookie")),
            ("none", None),
            "{name}"
        );
        let put = format!(
            "GET /put\nx-do: request kv.put experiments checkout {split}; request answer 204"
        );
        assert_eq!(edge.request(&put).await.status, 204, "{name}");

        let kept = edge.request("GET /page\ncookie: ab-checkout=a").await;
        assert_eq!(
            (kept.text(), kept.header("set-cookie")),
            ("a", None),
            "{name}"
        );
        assert_eq!(
            origin.last().header("x-variant-checkout"),
            Some("a"),
            "{name}"
        );

        let drawn = edge.get("/page").await;
        let cookie = "ab-checkout=b; Path=/; Max-Age=604800; Secure; SameSite=Lax";
        assert_eq!(
            (drawn.text(), drawn.header("set-cookie")),
            ("b", Some(cookie)),
            "{name}"
        );
        assert_eq!(
            origin.last().header("x-variant-checkout"),
            Some("b"),
            "{name}"
        );

        assert_eq!(
            edge.request("GET /page\ncookie: ab-checkout=a").await,
            hit("a"),
            "{name}"
        );
        assert_eq!(
            edge.request("GET /page\ncookie: ab-checkout=b").await,
            hit("b"),
            "{name}"
        );
    }
}

#[tokio::test]
async fn pages_are_rewritten_before_they_are_stored() {
    for language in Language::all() {
        let name = language.name;
        let origin = Origin::start().await;
        let filter = language.filter("rewriter");
        let example = format!(
            "{filter}\nconfig = {{ from = \"http://old.example.com\", to = \"https://www.example.com\" }}"
        );
        let files = Arc::new(Files::new());
        let edge = language.edge(files, &origin, "", &example).await.unwrap();
        let old =
            "<a href=\"http://old.example.com/ä\">1</a><a href=\"http://old.example.com\">2</a>";
        let new =
            "<a href=\"https://www.example.com/ä\">1</a><a href=\"https://www.example.com\">2</a>";
        let head = "cache-control: max-age=60\nx-powered-by: magic\ncontent-type: ";
        origin.reply("/page", &format!("{head}text/html; charset=utf-8"), old);
        origin.reply("/text", &format!("{head}text/plain"), old);

        let first = edge.get("/page").await;
        assert_eq!(first.text(), new, "{name}");
        assert_eq!(first.header("x-powered-by"), None, "{name}");
        assert_eq!(
            first.header("x-content-type-options"),
            Some("nosniff"),
            "{name}"
        );
        assert_eq!(edge.get("/page").await, hit(new), "{name}");
        assert_eq!(edge.get("/text").await.text(), old, "{name}");
    }
}

#[tokio::test]
async fn settings_that_are_missing_refuse_the_filter() {
    for language in Language::all() {
        let name = language.name;
        let origin = Origin::start().await;
        let files = Arc::new(Files::new());
        let filter = language.filter("rewriter");
        let Err(problems) = language.edge(files, &origin, "", &filter).await else {
            panic!("{name}: the edge started without settings");
        };
        assert!(problems.contains("`from`"), "{name}: {problems}");
    }
}
