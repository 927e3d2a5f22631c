//! Commands that a running edge answers: `rimward purge` and `rimward cache`.

use std::process::Output;

use rimward_tests::{Binary, Files, Origin, fill, hit, miss};

/// A running edge, and the commands that ask it.
struct Running {
    files: Files,
    binary: Binary,
}

impl Running {
    async fn start(origin: &Origin) -> Self {
        let text = r#"
            [admin]
            address = "unix:{admin}"
            [log]
            access = false
            [[listen]]
            address = "127.0.0.1:0"
            [origin.app]
            servers = ["{origin}"]
            [[site]]
            hosts = ["*.com"]
            origin = "app"
        "#;
        let files = Files::new();
        let admin = files.path("admin.sock");
        let text = fill(text, &[("origin", origin), ("admin", &admin.display())]);
        let binary = Binary::run(&files, &text).await;
        Self { files, binary }
    }

    fn command(&self, words: &[&str]) -> Output {
        let file = self.files.path("pop.toml");
        let config = ["--config", file.to_str().unwrap()];
        Binary::command(&[words, &config].concat())
    }

    /// What a command says that works.
    #[track_caller]
    fn says(&self, words: &[&str]) -> String {
        let output = self.command(words);
        assert!(
            output.status.success(),
            "{words:?}: {}",
            text(&output.stderr)
        );
        text(&output.stdout)
    }

    /// What one says that does not, and its exit code.
    #[track_caller]
    fn complains(&self, words: &[&str]) -> (Option<i32>, String) {
        let output = self.command(words);
        assert!(
            output.stdout.is_empty(),
            "{words:?}: {}",
            text(&output.stdout)
        );
        (output.status.code(), text(&output.stderr))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn purge_takes_each_kind_of_target() {
    let origin = Origin::start().await;
    let head = "cache-control: max-age=60\nsurrogate-key: img";
    origin.always("/a", head, "v1");
    let edge = Running::start(&origin).await;
    for (words, told) in [
        (
            &["http://example.com/a"][..],
            "purged: `http://example.com/a`\n",
        ),
        (
            &["--prefix", "example.com/"],
            "purged: all that begins with `example.com/`\n",
        ),
        (
            &["--host", "example.com"],
            "purged: all of host `example.com`\n",
        ),
        (&["--key", "img"], "purged: all with surrogate key `img`\n"),
        (
            &["--key", "x", "img"],
            "purged: all with surrogate key `x` or `img`\n",
        ),
        (
            &["--key", "x", "--key", "img"],
            "purged: all with surrogate key `x` or `img`\n",
        ),
        (&["--all"], "purged: everything\n"),
        (&["--all", "--soft"], "made stale: everything\n"),
    ] {
        edge.binary.get("/a").await;
        assert_eq!(edge.binary.get("/a").await, hit("v1"), "{words:?}");
        assert_eq!(edge.says(&[&["purge"], words].concat()), told);
        assert_eq!(edge.binary.get("/a").await, miss("v1"), "{words:?}");
    }
}

#[tokio::test]
async fn a_purge_that_makes_no_sense_is_refused() {
    let origin = Origin::start().await;
    let edge = Running::start(&origin).await;
    for (words, code, mistake) in [
        (&["purge"][..], 2, "required"),
        (&["purge", "--all", "--host", "a"], 2, "cannot be used with"),
        (
            &["purge", "http://a.com/", "--key", "x"],
            2,
            "cannot be used with",
        ),
        (&["purge", "/a"], 1, "is not an absolute URL such as"),
        (&["purge", "--host", "a/b"], 1, "is not a host such as"),
        (
            &["purge", "--prefix", "a.net/"],
            1,
            "no site has the host `a.net`",
        ),
        (
            &["cache", "ls", "--limit", "0"],
            1,
            "a number from 1 to 10000",
        ),
        (
            &["cache", "ls", "a", "--key", "x"],
            2,
            "cannot be used with",
        ),
        (
            &["cache", "show", "/a"],
            1,
            "is not an absolute URL such as",
        ),
    ] {
        let (status, said) = edge.complains(words);
        assert_eq!(status, Some(code), "{words:?}: {said}");
        assert!(said.contains(mistake), "{words:?}: {said}");
    }
    let alone = Files::new();
    alone.write("pop.toml", "[admin]\naddress = \"unix:nobody.sock\"\n");
    let file = alone.path("pop.toml");
    let output = Binary::command(&["purge", "--all", "-c", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("no edge answers at"));
}

#[tokio::test]
async fn cache_tells_what_is_stored_and_why() {
    let origin = Origin::start().await;
    let head = "cache-control: max-age=3600, stale-while-revalidate=30\nvary: x-group\nsurrogate-key: img news";
    origin.always("/dir/a?b=1", head, "body");
    origin.always("/c", "cache-control: max-age=60", "");
    let edge = Running::start(&origin).await;
    assert_eq!(
        edge.says(&["cache", "ls"]),
        "AGE  FRESH FOR  TIER  HITS  SIZE  STATUS  KEY\nnothing is stored there\n"
    );
    for target in ["/dir/a?b=1", "/dir/a?b=1", "/c"] {
        edge.binary.get(target).await;
    }

    let all = edge.says(&["cache", "ls"]);
    assert_eq!(all.lines().count(), 3, "{all}");
    let line = all.lines().find(|line| line.contains("/dir/a")).unwrap();
    let cells: Vec<&str> = line.split_whitespace().skip(2).collect();
    assert_eq!(
        cells,
        [
            "memory",
            "1",
            "4",
            "B",
            "200",
            "http://example.com/dir/a?b=1"
        ]
    );
    for (words, lines) in [
        (&["example.com/dir/"][..], 2),
        (&["https://example.com/"], 2),
        (&["--key", "img"], 2),
        (&["--key", "none"], 2),
        (&["--limit", "1"], 3),
    ] {
        let listed = edge.says(&[&["cache", "ls"], words].concat());
        assert_eq!(listed.lines().count(), lines, "{words:?}: {listed}");
    }
    let more = edge.says(&["cache", "ls", "--limit", "1"]);
    assert!(
        more.ends_with("and more than these 1: raise --limit or narrow the prefix\n"),
        "{more}"
    );

    let shown = edge.says(&["cache", "show", "http://example.com/dir/a?b=1"]);
    for part in [
        "http://example.com/dir/a?b=1\n",
        "in memory",
        "by max-age",
        "for 30s while revalidating",
        "vary            x-group: ",
        "surrogate keys  img, news",
        "    cache-control: max-age=3600, stale-while-revalidate=30",
    ] {
        assert!(shown.contains(part), "no `{part}` in:\n{shown}");
    }
    let nothing = edge.says(&["cache", "show", "http://example.com/dir/a"]);
    assert_eq!(nothing, "nothing is stored for that URL\n");

    let stats = edge.says(&["cache", "stats"]);
    assert!(
        stats.lines().nth(1).unwrap().starts_with("memory  2 "),
        "{stats}"
    );

    let json: serde_json::Value =
        serde_json::from_str(&edge.says(&["cache", "ls", "--json", "--key", "news"])).unwrap();
    let object = &json["objects"][0];
    assert_eq!(
        (&json["more"], &object["hits"], &object["size"]),
        (&false.into(), &1.into(), &4.into())
    );
    let json = edge.says(&["cache", "--json", "show", "http://example.com/dir/a?b=1"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        json["objects"][0]["surrogate_keys"],
        serde_json::json!(["img", "news"])
    );
    let json: serde_json::Value =
        serde_json::from_str(&edge.says(&["cache", "stats", "--json"])).unwrap();
    assert_eq!(json["tiers"][0]["tier"], "memory");
    assert!(json["tiers"][0]["capacity"].as_u64() > Some(0));
}
