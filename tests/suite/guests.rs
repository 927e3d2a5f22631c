//! Filters in WebAssembly through the edge. The probe of `tests/guests` does what the header `x-do` says.

mod bodies;
mod deploys;
mod examples;
mod images;
mod lambda_edge;
mod others;
mod reload;

use std::net::SocketAddr;

use rimward_tests::{Edge, Origin, fill, guest, hit, miss};

const ONE: &str = r#"
    [admin]
    address = "127.0.0.1:0"

    [origin.app]
    servers = ["{origin}"]

    [origin.other]
    servers = ["{other}"]

    [secret.key]
    file = "key"

    [kv.counts]
    path = "counts.kv"

    [filter.probe]
    wasm = "{wasm}"
    {settings}

    [[site]]
    hosts = ["*"]
    origin = "app"
    filters = ["probe"]
"#;

/// What the probe is granted, and how far it may go.
const SETTINGS: &str = r#"
    config = { currency = "EUR" }
    grants = { kv = ["counts"], secrets = ["key"], origins = ["app", "other"] }
    limits = { cpu = "100ms", wall = "300ms", memory = "8MiB", subrequests = 2 }
"#;

struct World {
    edge: Edge,
    app: Origin,
    other: Origin,
}

impl World {
    async fn new() -> Self {
        Self::with(SETTINGS).await
    }

    async fn with(settings: &str) -> Self {
        Self::with_other(|_| settings.to_owned()).await
    }

    /// With settings that know where the other server is.
    async fn with_other(settings: impl FnOnce(SocketAddr) -> String) -> Self {
        let (app, other) = (Origin::start().await, Origin::start().await);
        let files = std::sync::Arc::new(rimward_tests::Files::new());
        files.write("key", "0123456789abcdef\n");
        let settings = settings(other.address());
        let text = fill(
            ONE,
            &[
                ("origin", &app.address()),
                ("other", &other.address()),
                ("wasm", &guest("probe").display()),
                ("settings", &settings),
            ],
        );
        let edge = Edge::start_in(files, &text).await;
        Self { edge, app, other }
    }

    /// What the steps told.
    async fn told(&self, target: &str, script: &str) -> Vec<String> {
        let response = self
            .edge
            .request(&format!("GET {target}\nx-do: {script}"))
            .await;
        response.headers.all("x-did").map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn a_guest_takes_part_in_every_phase() {
    let world = World::new().await;
    world.app.always("/a", "cache-control: max-age=60", "body");
    let script = "request request.set x-in 1; origin-request request.set x-out 2; \
                  origin-response response.set x-stored 3; response response.set x-sent 4";
    let response = world.edge.request(&format!("GET /a\nx-do: {script}")).await;
    assert_eq!(response.text(), "body");
    assert_eq!(
        (response.header("x-stored"), response.header("x-sent")),
        (Some("3"), Some("4"))
    );
    let asked = world.app.last();
    assert_eq!(
        (asked.header("x-in"), asked.header("x-out")),
        (Some("1"), Some("2"))
    );
    // A hit has what was stored, and its own last phase.
    let hit = world
        .edge
        .request("GET /a\nx-do: response response.cache-result")
        .await;
    assert_eq!(
        (hit.header("x-stored"), hit.header("x-sent")),
        (Some("3"), None)
    );
    assert!(
        hit.header("x-did")
            .is_some_and(|told| told.ends_with("Hit")),
        "{hit:?}"
    );
}

#[tokio::test]
async fn a_guest_answers_before_the_cache_or_in_place_of_the_origin() {
    let world = World::new().await;
    let answer = world
        .edge
        .request("GET /a\nx-do: request answer 403 no x-why=because")
        .await;
    assert_eq!(
        (answer.status, answer.text(), answer.header("x-why")),
        (403, "no", Some("because"))
    );
    let script = "GET /b\nx-do: origin-request answer 200 made ttl=60";
    assert_eq!(world.edge.request(script).await, miss("made"));
    assert_eq!(world.edge.get("/b").await, hit("made"));
    assert_eq!(world.app.requests().len(), 0);
}

#[tokio::test]
async fn a_guest_chooses_origins_and_tells_responses_apart() {
    let world = World::new().await;
    world.app.always("/a", "cache-control: max-age=60", "app");
    world
        .other
        .always("/a", "cache-control: max-age=60", "other");
    let to_other =
        "GET /a\nx-do: request request.set-origin other; request request.cache-key-part group b";
    assert_eq!(world.edge.request(to_other).await, miss("other"));
    assert_eq!(world.edge.get("/a").await, miss("app"));
    assert_eq!(world.edge.request(to_other).await, hit("other"));
    let told = world
        .told(
            "/a",
            "request request.set-origin none; request request.chosen-origin",
        )
        .await;
    assert!(told[0].contains("denied"), "{told:?}");
    assert!(told[1].contains("app"), "{told:?}");
}

#[tokio::test]
async fn a_guest_says_how_a_response_is_stored() {
    let world = World::new().await;
    for path in ["/for", "/never", "/pass"] {
        world.app.always(path, "cache-control: max-age=60", path);
    }
    world.app.always("/untold", "", "untold");
    let get = async |path: &str, script: &str| {
        world
            .edge
            .request(&format!("GET {path}\nx-do: {script}"))
            .await
    };
    get(
        "/untold",
        "origin-response response.cache-for 60 0 0; origin-response response.surrogate-keys k1 k2",
    )
    .await;
    assert_eq!(world.edge.get("/untold").await, hit("untold"));
    get("/never", "origin-response response.cache-never").await;
    assert_eq!(world.edge.get("/never").await.text(), "/never");
    assert_eq!(
        world
            .app
            .targets()
            .iter()
            .filter(|target| *target == "/never")
            .count(),
        2
    );
    get("/pass", "request request.cache-bypass").await;
    get("/pass", "request request.cache-bypass").await;
    assert_eq!(
        world
            .app
            .targets()
            .iter()
            .filter(|target| *target == "/pass")
            .count(),
        2
    );
}

#[tokio::test]
async fn a_guest_keeps_things_in_stores_that_it_was_granted() {
    let world = World::new().await;
    world.app.always("/", "", "");
    let told = world
        .told(
            "/",
            "request kv.put counts a 1 metadata=m; request kv.get-text counts a; request kv.increment counts n 5; \
             request kv.increment counts n 2; request kv.put counts a 2 add; request kv.list counts a; \
             request kv.delete counts a; request kv.get-text counts a; request kv.get-text secret a",
        )
        .await;
    let ends = ["", "1", "5", "7", "", "", "true", "none", ""];
    for (told, end) in told.iter().zip(ends) {
        assert!(told.ends_with(end), "{told}");
    }
    assert!(told[4].contains('!'), "it was there: {told:?}");
    assert!(told[8].contains("no-such"), "{told:?}");
    let later = world.told("/", "request kv.get-text counts n").await;
    assert!(later[0].ends_with('7'), "{later:?}");
}

#[tokio::test]
async fn a_guest_signs_with_secrets_and_asks_others() {
    let world = World::new().await;
    world.app.always("/", "", "");
    world.other.always("/x?y", "x-from: other", "asked");
    let told = world
        .told(
            "/",
            "request secrets.get key; request secrets.get none; request crypto.sign hs256 key text",
        )
        .await;
    assert!(told[0].ends_with("0123456789abcdef"), "{told:?}");
    assert!(told[1].contains("no-such"), "{told:?}");
    // HMAC-SHA256 of "text" with that key, as `openssl dgst -sha256 -hmac` tells it.
    assert!(told[2].len() > 64, "{told:?}");
    let told = world
        .told("/", "request subrequest.send other GET /x?y; request subrequest.send none GET /; request subrequest.send other GET /x?y")
        .await;
    assert!(
        told[0].contains("200") && told[0].contains("asked"),
        "{told:?}"
    );
    assert!(told[1].contains("denied"), "{told:?}");
    assert!(told[2].contains("limit"), "{told:?}");
}

#[tokio::test]
async fn a_body_passes_a_guest_on_its_way() {
    let world = World::new().await;
    world.app.always(
        "/a",
        "cache-control: max-age=60\ncontent-type: text/plain",
        "body",
    );
    let script =
        "GET /a\nx-do: origin-response response.want-body chunks; origin-response-body upper";
    assert_eq!(world.edge.request(script).await.text(), "BODY");
    assert_eq!(world.edge.get("/a").await, hit("BODY"));
    let script = "GET /a\nx-do: response replace-body other";
    assert_eq!(world.edge.request(script).await.text(), "other");
}

#[tokio::test]
async fn a_page_is_rewritten_by_the_host_for_a_guest() {
    let world = World::new().await;
    world.app.always(
        "/a",
        "content-type: text/html",
        "<a href=\"x\">old</a><p>p</p>",
    );
    let script = "GET /a\nx-do: response html.set-attribute a rel nofollow; response html.remove p";
    assert_eq!(
        world.edge.request(script).await.text(),
        "<a href=\"x\" rel=\"nofollow\">old</a>"
    );
}

#[tokio::test]
async fn what_goes_too_far_fails_one_request_by_the_word_of_on_error() {
    for (on_error, expected) in [
        ("", 500),
        ("on_error = \"skip\"", 200),
        ("on_error = 503", 503),
    ] {
        let world = World::with(&format!("{SETTINGS}\n{on_error}")).await;
        world.app.always("/", "", "body");
        for abuse in ["panic", "grow", "recurse"] {
            let response = world
                .edge
                .request(&format!("GET /\nx-do: request {abuse}"))
                .await;
            assert_eq!(response.status, expected, "{on_error} {abuse}");
        }
        assert_eq!(world.edge.get("/").await.text(), "body");
    }
}

#[tokio::test]
async fn what_a_guest_counts_and_logs_is_there() {
    let world = World::new().await;
    world.app.always("/", "", "body");
    world
        .told(
            "/",
            "request metrics.count orders 3; request metrics.observe size 2",
        )
        .await;
    let counted = r#"rimward_guest_count_total{filter="probe",name="orders"}"#;
    world.edge.metric_reaches(counted, 3.0).await;
    let observed = r#"rimward_guest_value_sum_total{filter="probe",name="size"}"#;
    world.edge.metric_reaches(observed, 2.0).await;
}

#[tokio::test]
async fn an_endless_loop_ends_at_its_limit_and_is_counted() {
    let world = World::new().await;
    world.app.always("/", "", "body");
    assert_eq!(
        world.edge.request("GET /\nx-do: request spin").await.status,
        500
    );
    let counted = r#"rimward_guest_calls_total{filter="probe",outcome="cpu",phase="request"}"#;
    world.edge.metric_reaches(counted, 1.0).await;
    assert_eq!(world.edge.get("/").await.text(), "body");
}
