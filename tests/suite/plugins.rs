//! Plugins as those work on them who write them: `rimward plugin new`, `build`, `test`, and `rimward dev`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rimward_tests::guests::built;
use rimward_tests::{Binary, Client, Files, guest};

/// Runs a command in a folder, whose tools lie in a cache of its own.
fn run(folder: &Path, words: &[&str]) -> Output {
    command(folder, words).output().unwrap()
}

fn command(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(Binary::path());
    command
        .args(words)
        .current_dir(folder)
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .stdin(Stdio::null());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What a command says that works.
#[track_caller]
fn says(folder: &Path, words: &[&str]) -> String {
    let output = run(folder, words);
    assert!(
        output.status.success(),
        "{words:?}: {}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    text(&output.stdout)
}

fn sdk() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk")
}

#[test]
fn a_project_has_all_that_it_needs() {
    let files = Files::new();
    let folder = files.path("");
    for (lang, wanted) in [
        (
            "rust",
            &[
                "Cargo.toml",
                "src/lib.rs",
                "tests.toml",
                "rimward-filter/Cargo.toml",
                "rimward-filter/src/lib.rs",
                "rimward-filter/macros/Cargo.toml",
                "rimward-filter/wit/filter.wit",
            ][..],
        ),
        (
            "js",
            &[
                "filter.js",
                "package.json",
                "tests.toml",
                "types/rimward.d.ts",
                "types/globals.d.ts",
            ],
        ),
        ("python", &["filter.py", "tests.toml", "README.md"]),
        (
            "c",
            &[
                "filter.c",
                "tests.toml",
                "rimward/include/rimward.h",
                "rimward/src/host.c",
            ],
        ),
    ] {
        let name = format!("my-{lang}");
        let told = says(&folder, &["plugin", "new", "--lang", lang, &name]);
        assert!(told.contains(&format!("cd {name}")), "{told}");
        for file in wanted {
            assert!(folder.join(&name).join(file).is_file(), "{lang}: {file}");
        }
        let tests = fs::read_to_string(folder.join(&name).join("tests.toml")).unwrap();
        assert!(tests.contains(&format!("x-{name}")) && !tests.contains("{{"));

        let again = run(&folder, &["plugin", "new", "--lang", lang, &name]);
        assert_eq!(again.status.code(), Some(1));
        assert!(text(&again.stderr).contains("is there already"));
    }
    let odd = run(&folder, &["plugin", "new", "--lang", "c", "../a"]);
    assert!(text(&odd.stderr).contains("is not a name such as `price-list`"));
}

#[test]
fn the_examples_do_what_their_tests_say() {
    let files = Files::new();
    for lang in ["rust", "c", "js", "python"] {
        for example in ["auth", "ab-kv", "rewriter"] {
            let committed = guest(&format!("{lang}-{example}"));
            let component = built(lang, example).unwrap_or(committed);
            if !component.exists() {
                continue;
            }
            let folder = sdk().join(lang).join("examples").join(example);
            let tests = fs::read_to_string(folder.join("tests.toml")).unwrap();
            // The engines of languages are slow in an edge that is built for tests.
            let roomy = format!("filter = {{ limits = {{ cpu = \"500ms\" }} }}\n{tests}");
            files.write(&format!("{lang}-{example}/tests.toml"), &roomy);
            let folder = files.path(&format!("{lang}-{example}"));
            let component = component.to_str().unwrap();
            let told = says(&folder, &["plugin", "test", "--component", component]);
            assert!(told.ends_with(" passed, 0 failed\n"), "{told}");
        }
    }
}

const WRONG: &str = r#"
    [[test]]
    name = "who has none is let in"
    request = { uri = "/", client_ip = "192.0.2.7" }
    secrets = { api-token = "s3cret" }
    origin = { body = "the page" }
    expect = { response = { status = 200, body = "the page" } }

    [[test]]
    name = "who has none is told something else"
    secrets = { api-token = "s3cret" }
    [test.expect]
    answer = { status = 403, headers = { www-authenticate = [], x-more = "1" }, body = "no\n" }
    log = ["was refused", "was refused again"]
    fields = { auth = "unknown" }

    [[test]]
    name = "the header is another"
    request = { headers = { authorization = "Bearer s3cret" } }
    secrets = { api-token = "s3cret" }
    expect = { request = { uri = "/a", headers = { x-authenticated = "no" } }, error = "it fails" }

    [[test]]
    name = "without a secret nobody is let in"
    expect = { error = "api-token" }

    [[test]]
    name = "who has it is let in"
    request = { headers = { authorization = "Bearer s3cret" } }
    secrets = { api-token = "s3cret" }
"#;

#[test]
fn tests_that_fail_say_what_came_instead() {
    let files = Files::new();
    files.write("tests.toml", WRONG);
    let component = guest("rust-auth");
    let order = ["plugin", "test", "--component", component.to_str().unwrap()];
    let output = run(&files.path(""), &order);
    let told = text(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(1),
        "{told}{}",
        text(&output.stderr)
    );
    for line in [
        "test who has none is let in ... FAILED\n    answer\n        expected none\n             got 401 \"a token is needed\\n\"",
        "    answer.status\n        expected 403\n             got 401\n",
        "    answer.headers.www-authenticate\n        expected none\n             got \"Bearer realm=\\\"edge\\\"\"\n",
        "    answer.headers.x-more\n        expected \"1\"\n             got none\n",
        "    answer.body\n        expected ",
        "    fields.auth\n        expected \"unknown\"\n             got \"missing\"\n",
        "    log\n        expected a line with \"was refused again\"\n",
        "    request.uri\n        expected \"/a\"\n             got \"/\"\n",
        "    request.headers.x-authenticated\n        expected \"no\"\n             got \"token\"\n",
        "    error\n        expected \"it fails\" in it\n             got none\n",
        "    its log\n        WARN  192.0.2.1 was refused",
        "test who has it is let in ... ok\n",
    ] {
        assert!(told.contains(line), "{line}\n---\n{told}");
    }
    assert!(told.ends_with(" failed\n"), "{told}");
}

#[test]
fn what_can_not_be_tested_is_told() {
    let files = Files::new();
    let folder = files.path("");
    let fails = |words: &[&str], expected: &str| {
        let output = run(&folder, words);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains(expected), "{told}");
    };
    fails(&["plugin", "test"], "tests.toml` has no tests");
    files.write("tests.toml", "[[test]]\nname = \"a\"\nexpected = {}");
    fails(&["plugin", "test"], "unknown field `expected`");
    files.write("tests.toml", "[[test]]\nname = \"a\"");
    fails(&["plugin", "test"], "has no filter");
    files.write("filter.c", "");
    fails(
        &["plugin", "test", "--no-build"],
        "`rimward plugin build` makes it",
    );
    fails(
        &["plugin", "build", "tests.toml"],
        "Cargo.toml, or a file in JavaScript",
    );
}

#[test]
fn a_build_says_which_tools_are_missing() {
    let files = Files::new();
    let folder = files.path("");
    for (lang, expected) in [
        ("js", "Node.js 20 or later"),
        ("python", "Python 3 with `venv`"),
        ("c", "`apt-get install clang lld wasi-libc"),
    ] {
        says(&folder, &["plugin", "new", "--lang", lang, lang]);
        let mut build = command(&folder, &["plugin", "build", lang]);
        let output = build.env("PATH", folder.join("cache")).output().unwrap();
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{lang}: {told}");
        assert!(told.contains(expected), "{lang}: {told}");
    }
}

/// Whether filters in C can be built here.
fn builds_c(folder: &Path) -> bool {
    says(folder, &["plugin", "new", "--lang", "c", "hello"]);
    let built = run(&folder.join("hello"), &["plugin", "build"]);
    if !built.status.success() {
        let told = text(&built.stderr);
        assert!(told.contains("apt-get install clang"), "{told}");
        eprintln!("skipped: there is no compiler for filters in C");
        return false;
    }
    let told = text(&built.stdout);
    assert!(told.starts_with("hello.wasm: "), "{told}");
    assert!(told.ends_with(" KiB; request, response\n"), "{told}");
    true
}

#[tokio::test]
async fn a_new_project_is_built_tested_and_served() {
    let files = Files::new();
    let folder = files.path("");
    if !builds_c(&folder) {
        return;
    }
    let project = folder.join("hello");
    let told = says(&project, &["plugin", "test"]);
    assert!(told.ends_with("\n2 passed, 0 failed\n"), "{told}");

    let mut dev = command(&project, &["dev", "--port", "0"]);
    let mut dev = Binary::start(&mut dev, 1).await;
    assert_eq!(dev.get("/hello?name=Ada").await.text(), "hello Ada\n");
    assert_eq!(dev.get("/").await.status, 200);
    dev.says("GET / was answered with 200").await;

    let source = project.join("filter.c");
    let code = fs::read_to_string(&source).unwrap();
    fs::write(&source, "what is this?").unwrap();
    dev.says("the version before serves on").await;
    assert_eq!(dev.get("/hello").await.text(), "hello world\n");
    fs::write(&source, code.replace("\"hello \"", "\"good morning \"")).unwrap();
    dev.says("configuration reloaded").await;
    let mut client = Client::connect(dev.address()).await;
    assert_eq!(client.get("/hello").await.text(), "good morning world\n");
    drop(client);

    dev.interrupt();
    let (status, output) = dev.exit().await;
    assert!(status.success(), "{output}");
}
