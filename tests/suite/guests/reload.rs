//! Guests that change while the edge runs.

use rimward_tests::{Edge, Files, Origin, fill, guest};

const ONE: &str = r#"
    [origin.app]
    servers = ["{origin}"]

    [filter.stamp]
    wasm = "{wasm}"
    {settings}

    [[site]]
    hosts = ["*"]
    origin = "app"
    cache = false
    filters = ["stamp"]
"#;

async fn world(files: Files, settings: &str) -> (Edge, Origin, String) {
    let origin = Origin::start().await;
    origin.always("/", "", "body");
    let values: &[(&str, &dyn std::fmt::Display)] = &[
        ("origin", &origin.address()),
        ("wasm", &"stamp.wasm"),
        ("settings", &settings),
    ];
    let text = fill(ONE, values);
    let edge = Edge::start_in(std::sync::Arc::new(files), &text).await;
    (edge, origin, text)
}

fn files() -> Files {
    let files = Files::new();
    files.write("stamp.wasm", std::fs::read(guest("stamp-one")).unwrap());
    files
}

async fn stamp(edge: &Edge) -> String {
    edge.get("/")
        .await
        .header("x-stamp")
        .unwrap_or("none")
        .to_owned()
}

#[tokio::test]
async fn another_file_takes_over_and_a_broken_one_does_not() {
    let (edge, _origin, text) = world(files(), "").await;
    let first = stamp(&edge).await;
    edge.files()
        .replace("stamp.wasm", std::fs::read(guest("stamp-two")).unwrap());
    edge.reload(&text).await.unwrap();
    let second = stamp(&edge).await;
    assert_ne!(first, second);
    edge.files().replace("stamp.wasm", "broken");
    let told = edge.reload(&text).await.unwrap_err().to_string();
    assert!(told.contains("not a component that can be run"), "{told}");
    assert_eq!(stamp(&edge).await, second);
}

#[tokio::test]
async fn of_a_folder_the_greatest_version_is_taken() {
    let files = Files::new();
    files.write(
        "stamp.wasm/1.9.0.wasm",
        std::fs::read(guest("stamp-one")).unwrap(),
    );
    let (edge, _origin, text) = world(files, "").await;
    let first = stamp(&edge).await;
    edge.files().write(
        "stamp.wasm/1.10.0.wasm",
        std::fs::read(guest("stamp-two")).unwrap(),
    );
    edge.reload(&text).await.unwrap();
    assert_ne!(stamp(&edge).await, first);
}

#[tokio::test]
async fn a_rollout_gives_all_or_none_the_other_version() {
    let files = files();
    files.write("next.wasm", std::fs::read(guest("stamp-two")).unwrap());
    let rollout =
        |percent: u32| format!("rollout = {{ wasm = \"next.wasm\", percent = {percent} }}");
    let (edge, origin, _) = world(files, &rollout(0)).await;
    let first = stamp(&edge).await;
    let values: &[(&str, &dyn std::fmt::Display)] = &[
        ("origin", &origin.address()),
        ("wasm", &"stamp.wasm"),
        ("settings", &rollout(100)),
    ];
    edge.reload(&fill(ONE, values)).await.unwrap();
    assert_ne!(stamp(&edge).await, first);
}
