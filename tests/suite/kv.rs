//! Stores of keys and values: what operators and clients see of them.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use rimward_tests::edge::site;
use rimward_tests::{Binary, Edge, Files, Origin, Response, fill};

const STORES: &str = r#"
    [admin]
    address = "127.0.0.1:0"
    [kv.links]
    path = "links.kv"
"#;

/// An edge with one store and a filter that sends clients where that says.
async fn edge_with_links(origin: &Origin) -> Edge {
    let words = format!("filters = [{{ use = \"redirects\", store = \"links\" }}]\n{STORES}");
    Edge::start(&site(origin, &words)).await
}

fn told(response: &Response) -> (u16, &str) {
    (response.status, response.text().trim_end())
}

#[tokio::test]
async fn clients_are_sent_where_a_store_says() {
    let origin = Origin::start().await;
    origin.always("/old", "cache-control: max-age=600", "page");
    let edge = edge_with_links(&origin).await;
    assert_eq!(told(&edge.get("/old").await), (200, "page"));
    assert_eq!(
        edge.ask_admin("PUT /kv/links/%2Fold\n\n/new").await.status,
        200
    );
    // Also where the page is in the cache.
    let sent = edge.get("/old?q=1").await;
    assert_eq!(
        (sent.status, sent.header("location")),
        (302, Some("/new?q=1"))
    );
    assert_eq!(
        edge.ask_admin("PUT /kv/links//old?metadata=301\n\nhttps://b.example/")
            .await
            .status,
        200
    );
    let sent = edge.get("/old").await;
    assert_eq!(
        (sent.status, sent.header("location")),
        (301, Some("https://b.example/"))
    );
    // What is no place does not keep clients from the page.
    assert_eq!(
        edge.ask_admin("PUT /kv/links//old\n\n//evil.example")
            .await
            .status,
        200
    );
    assert_eq!(told(&edge.get("/old").await), (200, "page"));
    assert_eq!(
        told(&edge.ask_admin("DELETE /kv/links//old").await),
        (200, "deleted")
    );
    assert_eq!(told(&edge.get("/old").await), (200, "page"));
    assert!(edge.metric("rimward_kv_hits_total{store=\"links\"}") >= 3.0);
    assert_eq!(
        edge.metric("rimward_kv_deletes_total{store=\"links\"}"),
        1.0
    );
    assert_eq!(
        edge.metric("rimward_filter_outcomes_total{outcome=\"redirected\"}"),
        2.0
    );
}

#[tokio::test]
async fn a_value_expires() {
    let edge = Edge::start(STORES).await;
    let put = edge
        .ask_admin("PUT /kv/links/a?ttl=10m&metadata=gr%C3%B6%C3%9Fe\n\n1")
        .await;
    let got = edge.ask_admin("GET /kv/links/a").await;
    assert_eq!(told(&got), (200, "1"));
    assert_eq!(got.header("etag"), put.header("etag"));
    assert_eq!(
        (got.header("kv-ttl"), got.header("kv-metadata")),
        (Some("600"), Some("gr%C3%B6%C3%9Fe"))
    );
    edge.pass_time(Duration::from_secs(599));
    assert_eq!(
        edge.ask_admin("GET /kv/links/a").await.header("kv-ttl"),
        Some("1")
    );
    edge.pass_time(Duration::from_secs(1));
    assert_eq!(
        told(&edge.ask_admin("GET /kv/links/a").await),
        (404, "there is no key `a`")
    );
    edge.metric_reaches("rimward_kv_expired_total{store=\"links\"}", 1.0)
        .await;
    assert_eq!(edge.metric("rimward_kv_keys{store=\"links\"}"), 0.0);
}

#[tokio::test]
async fn the_admin_interface_answers_for_stores() {
    let edge = Edge::start(STORES).await;
    for (request, status, answer) in [
        ("PUT /kv/links/a/b\nif-none-match: *\n\n1", 200, "written"),
        (
            "PUT /kv/links/a/b\nif-none-match: *\n\n2",
            412,
            "the condition does not hold",
        ),
        ("PUT /kv/links/a/b\nif-match: \"1\"\n\n2", 200, "written"),
        (
            "PUT /kv/links/a/b\nif-match: \"1\"\n\n3",
            412,
            "the condition does not hold",
        ),
        (
            "PUT /kv/links/a/b\nif-match: 1\n\n3",
            400,
            "`If-Match` is the `ETag` of what was read",
        ),
        (
            "PUT /kv/links/a?ttl=soon\n\n3",
            400,
            "`ttl`: `soon` is not a duration",
        ),
        (
            "PUT /kv/links/a?tll=1s\n\n3",
            400,
            "there is no parameter `tll` but `ttl` and `metadata`",
        ),
        (
            "PUT /kv/links/%00\n\n3",
            400,
            "the key has a control character",
        ),
        ("PUT /kv/links/%ff\n\n3", 400, "a key is UTF-8"),
        ("GET /kv/links/a%2Fb", 200, "2"),
        ("GET /kv/links/c", 404, "there is no key `c`"),
        ("DELETE /kv/links/c", 404, "there is no key `c`"),
        (
            "GET /kv/link/c",
            404,
            "there is no store `link`: did you mean `links`?",
        ),
        (
            "GET /kv/links?max=0",
            400,
            "`max` is a number from 1 to 1000, not `0`",
        ),
        (
            "GET /kv/links?values=maybe",
            400,
            "`values` is `true` or `false`",
        ),
        ("POST /kv/links/c", 405, "GET, PUT, DELETE only"),
        ("DELETE /kv/links", 405, "GET, POST only"),
        ("POST /kv", 405, "GET only"),
        (
            "POST /kv/links\n\n{\"key\":\"l1\",\"value\":\"1\"}\n{\"key\":\"l2\",\"base64\":\"/w==\"}",
            200,
            "2 written",
        ),
        (
            "POST /kv/links\n\n{\"key\":\"\",\"value\":\"1\"}",
            400,
            "key ``: the key is empty",
        ),
        ("POST /kv/links\n\nx", 400, "line 1: expected value"),
    ] {
        let response = edge.ask_admin(request).await;
        assert_eq!(response.status, status, "{request}: {response:?}");
        assert!(
            response.text().starts_with(answer),
            "{request}: {}",
            response.text()
        );
    }
    let list: serde_json::Value =
        serde_json::from_str(edge.ask_admin("GET /kv/links?max=2").await.text()).unwrap();
    assert_eq!(
        list,
        serde_json::json!({ "keys": ["a/b", "l1"], "cursor": "l1" })
    );
    let rest = edge
        .ask_admin("GET /kv/links?cursor=l1&prefix=l&values=true")
        .await;
    let rest: serde_json::Value = serde_json::from_str(rest.text()).unwrap();
    assert_eq!(rest["cursor"], serde_json::Value::Null);
    assert_eq!(
        (&rest["entries"][0]["key"], &rest["entries"][0]["base64"]),
        (&"l2".into(), &"/w==".into())
    );
    let stores: serde_json::Value =
        serde_json::from_str(edge.ask_admin("GET /kv").await.text()).unwrap();
    assert_eq!(
        (&stores[0]["name"], &stores[0]["keys"]),
        (&"links".into(), &3.into())
    );
    let large = format!("PUT /kv/links/large\n\n{}", "x".repeat((1 << 20) + 1));
    assert_eq!(edge.ask_admin(&large).await.status, 413);
}

#[tokio::test]
async fn a_reload_leaves_a_store_open() {
    let edge = Edge::start(STORES).await;
    edge.ask_admin("PUT /kv/links/a\n\n1").await;
    let text = |path: &str, more: &str| {
        format!("[admin]\naddress = \"127.0.0.1:0\"\n[kv.renamed]\npath = \"{path}\"\n{more}")
    };
    // The same file by another name, with another bound, and one more store.
    let more = "max_value = \"3B\"\n[kv.other]\npath = \"other.kv\"";
    edge.reload(&text("./links.kv", more)).await.unwrap();
    assert_eq!(told(&edge.ask_admin("GET /kv/renamed/a").await), (200, "1"));
    assert_eq!(
        edge.ask_admin("PUT /kv/renamed/a\n\n1234").await.status,
        413
    );
    assert_eq!(edge.ask_admin("PUT /kv/other/b\n\n2").await.status, 200);
    assert_eq!(edge.ask_admin("GET /kv/links/a").await.status, 404);
    // A file that is no store: told, and what was there goes on.
    edge.files().write("broken.kv", "this is no store");
    let problems = edge
        .reload(&text("broken.kv", ""))
        .await
        .unwrap_err()
        .to_string();
    for part in [
        "kv.renamed.path",
        "the file is broken",
        "move it away to begin with an empty store",
    ] {
        assert!(problems.contains(part), "{problems}");
    }
    assert_eq!(told(&edge.ask_admin("GET /kv/other/b").await), (200, "2"));
    // One that is gone and comes back has what it had.
    edge.reload(&text("links.kv", "")).await.unwrap();
    edge.reload(&text("links.kv", "[kv.other]\npath = \"other.kv\""))
        .await
        .unwrap();
    assert_eq!(told(&edge.ask_admin("GET /kv/other/b").await), (200, "2"));
    let wrong = text(
        "links.kv",
        "[[site]]\nhosts = [\"*\"]\nfilters = [{ use = \"redirects\", store = \"link\" }]",
    );
    let problems = edge.reload(&wrong).await.unwrap_err().to_string();
    assert!(problems.contains("there is no store `link`"), "{problems}");
}

/// A running edge with a store, and the commands that ask it.
struct Running {
    files: Files,
    text: String,
    binary: Binary,
}

impl Running {
    async fn start() -> Self {
        let text = r#"
            [admin]
            address = "unix:{admin}"
            [log]
            access = false
            [[listen]]
            address = "127.0.0.1:0"
            [kv.links]
            path = "kv/links"
        "#;
        let files = Files::new();
        let text = fill(text, &[("admin", &files.path("admin.sock").display())]);
        let binary = Binary::run(&files, &text).await;
        Self {
            files,
            text,
            binary,
        }
    }

    /// The same edge, ended and started again.
    async fn again(self) -> Self {
        self.binary.terminate();
        let (status, output) = self.binary.exit().await;
        assert!(status.success(), "{output}");
        let binary = Binary::run(&self.files, &self.text).await;
        Self { binary, ..self }
    }

    fn command(&self, words: &[&str], input: &[u8]) -> Output {
        let file = self.files.path("pop.toml");
        let mut child = Command::new(Binary::path())
            .arg("kv")
            .args(words)
            .arg("--config")
            .arg(file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that does not read ends before all is written.
        drop(child.stdin.take().unwrap().write_all(input));
        child.wait_with_output().unwrap()
    }

    /// What a command says that works.
    #[track_caller]
    fn says(&self, words: &[&str]) -> String {
        let output = self.command(words, b"from standard input");
        assert!(
            output.status.success(),
            "{words:?}: {}",
            text(&output.stderr)
        );
        text(&output.stdout)
    }

    /// What one says that does not.
    #[track_caller]
    fn complains(&self, words: &[&str]) -> String {
        let output = self.command(words, b"");
        assert_eq!(
            output.status.code(),
            Some(1),
            "{words:?}: {}",
            text(&output.stdout)
        );
        text(&output.stderr)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn commands_read_and_write_a_store_that_outlives_the_edge() {
    let edge = Running::start().await;
    edge.says(&["put", "links", "a", "1"]);
    edge.says(&["put", "links", "b/c", "--ttl", "1h", "--metadata", "größe"]);
    let file = edge.files.write("value", [0xff, 0x00]);
    edge.says(&["put", "links", "binary", "--file", file.to_str().unwrap()]);
    assert_eq!(edge.says(&["get", "links", "b/c"]), "from standard input");
    assert_eq!(
        edge.command(&["get", "links", "binary"], b"").stdout,
        [0xff, 0x00]
    );
    assert_eq!(edge.says(&["ls", "links"]), "a\nb/c\nbinary\n");
    assert_eq!(
        edge.says(&["ls", "links", "--prefix", "b", "--limit", "1"]),
        "b/c\n"
    );
    let stores = edge.says(&["ls"]);
    assert!(
        stores.starts_with("KEYS  SIZE") && stores.contains("links"),
        "{stores}"
    );
    assert!(
        edge.complains(&["put", "links", "a", "2", "--if-absent"])
            .contains("the condition does not hold")
    );
    edge.says(&["put", "links", "a", "2", "--if-generation", "1"]);
    let edge = edge.again().await;
    assert_eq!(
        edge.says(&["get", "links", "a", "--json"]),
        "{\"key\":\"a\",\"value\":\"2\",\"generation\":4}\n"
    );
    let noted: serde_json::Value =
        serde_json::from_str(&edge.says(&["get", "links", "b/c", "--json"])).unwrap();
    assert_eq!(noted["metadata"], "größe");
    assert!(
        (3500..=3600).contains(&noted["ttl"].as_u64().unwrap()),
        "{noted}"
    );
    edge.says(&["rm", "links", "a", "b/c"]);
    assert_eq!(
        edge.complains(&["rm", "links", "a"]),
        "there is no key `a`\n"
    );
    assert!(
        edge.complains(&["get", "links", "a"])
            .contains("there is no key `a`")
    );
    assert!(
        edge.complains(&["get", "link", "a"])
            .contains("there is no store `link`: did you mean `links`?")
    );
}

#[tokio::test]
async fn many_entries_are_imported_and_exported() {
    let edge = Running::start().await;
    let path =
        |name: &str, content: &str| edge.files.write(name, content).to_str().unwrap().to_owned();
    let rows: String = (0..2500)
        .map(|number| format!("/old/{number},/new/{number}\n"))
        .collect();
    assert_eq!(
        edge.says(&["import", "links", &path("links.csv", &rows)]),
        "2500 written\n"
    );
    assert_eq!(edge.says(&["get", "links", "/old/2499"]), "/new/2499");
    assert_eq!(edge.says(&["ls", "links"]).lines().count(), 2500);
    let json = path(
        "links.json",
        r#"{"data": [{"key": "x", "value": "1"}, {"key": "y", "value": "2"}]}"#,
    );
    assert_eq!(
        edge.says(&["import", "links", &json, "--prefix", "json/"]),
        "2 written\n"
    );
    let large = "é".repeat(300_000);
    path("pages/large", &large);
    path("pages/more/b", "b");
    let folder = edge.files.path("pages");
    assert_eq!(
        edge.says(&[
            "import",
            "links",
            folder.to_str().unwrap(),
            "--prefix",
            "pages/"
        ]),
        "2 written\n"
    );
    assert_eq!(edge.says(&["get", "links", "pages/large"]), large);
    let all = edge.says(&["export", "links"]);
    assert_eq!(all.lines().count(), 2504);
    assert!(
        all.contains("{\"key\":\"json/y\",\"value\":\"2\",\"generation\":"),
        "{}",
        all.lines().next().unwrap()
    );
    let some = edge.says(&["export", "links", "--prefix", "pages/"]);
    let edge = edge.again().await;
    let copied = edge.command(
        &[
            "import", "links", "-", "--format", "ndjson", "--prefix", "copy/",
        ],
        some.as_bytes(),
    );
    assert_eq!(
        text(&copied.stdout),
        "2 written\n",
        "{}",
        text(&copied.stderr)
    );
    assert_eq!(edge.says(&["get", "links", "copy/pages/large"]), large);
    let bad = edge.files.write("bad.csv", "a,1\n,2\n");
    let told = edge.complains(&["import", "links", bad.to_str().unwrap()]);
    assert!(
        told.contains("the key is empty") && told.contains("0 written before that"),
        "{told}"
    );
    assert!(
        edge.complains(&["import", "links", folder.join("large").to_str().unwrap()])
            .contains("say the form of")
    );
}

#[tokio::test]
async fn a_file_belongs_to_one_edge() {
    let edge = Running::start().await;
    let pop = edge.files.path("pop.toml");
    let checked = Binary::command(&["check", pop.to_str().unwrap()]);
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    let other = edge
        .files
        .write("other.toml", edge.text.replace("admin.sock", "other.sock"));
    let refused = Binary::command(&["run", other.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1));
    let told = text(&refused.stderr);
    assert!(
        told.contains("kv.links.path") && told.contains("in use by another process"),
        "{told}"
    );
    edge.says(&["put", "links", "a", "1"]);
}
