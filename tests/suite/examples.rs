//! Every example runs.

use std::path::{Path, PathBuf};

fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    files
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect()
}

#[test]
fn every_example_loads() {
    let examples = examples();
    assert!(
        examples
            .iter()
            .any(|path| path.ends_with("quickstart.toml")),
        "{examples:?}"
    );
    for path in examples {
        rimward_config::load(&path)
            .unwrap_or_else(|problems| panic!("{}:\n{problems}", path.display()));
    }
}

/// The text of the file, with ports that are free.
fn quickstart() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let text = std::fs::read_to_string(folder.join("quickstart.toml")).unwrap();
    assert!(
        text.contains("127.0.0.1:8080") && text.contains("127.0.0.1:9900"),
        "the manual names these addresses"
    );
    let site = format!(
        "directory = \"{}\"",
        folder.join("site").canonicalize().unwrap().display()
    );
    let page = folder.join("site/404.html").display().to_string();
    text.replace("127.0.0.1:8080", "127.0.0.1:0")
        .replace("127.0.0.1:9900", "127.0.0.1:0")
        .replace("directory = \"site\"", &site)
        .replace("site/404.html", &page)
}

#[tokio::test]
async fn the_quickstart_serves_and_caches_its_site() {
    let edge = rimward_tests::Edge::start(&quickstart()).await;
    let first = edge.request("GET /\nhost: localhost:8080").await;
    assert_eq!(first.status, 200);
    assert!(first.text().contains("<title>"), "{first:?}");
    assert_eq!(first.header("x-content-type-options"), Some("nosniff"));
    let second = edge.request("GET /\nhost: localhost:8080").await;
    assert_eq!(second, rimward_tests::hit(first.text()));
    for path in ["/style.css", "/edge.svg", "/404.html"] {
        assert_eq!(
            edge.request(&format!("GET {path}\nhost: localhost"))
                .await
                .status,
            200,
            "{path}"
        );
    }
    let picture = "GET /cdn-cgi/image/width=480,format=auto/meadow.jpg\nhost: localhost\naccept: image/webp";
    let picture = edge.request(picture).await;
    assert_eq!(
        (picture.status, picture.header("content-type")),
        (200, Some("image/webp"))
    );
    let moved = edge.request("GET /home\nhost: localhost").await;
    assert_eq!((moved.status, moved.header("location")), (308, Some("/")));
}

#[test]
fn the_readme_shows_the_commands_that_work_and_a_configuration_that_loads() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    for command in [
        "cargo run --release -- run examples/quickstart.toml",
        "cargo test --workspace",
    ] {
        assert!(readme.contains(command), "README.md lacks `{command}`");
    }
    let shown = readme
        .split("```toml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .unwrap();
    rimward_config::parse(shown, root.join("examples/readme.toml"))
        .unwrap_or_else(|problems| panic!("{problems}"));
}
