//! Whom guests ask beside the origin: hosts that no origin stands for, and the edge itself.

use rimward_tests::{hit, miss};

use super::World;

/// A world whose guest may ask the other server as a host.
async fn world() -> World {
    World::with_other(|other| {
        format!(
            "grants = {{ hosts = [\"127.0.0.1:{}\"] }}\nlimits = {{ subrequests = 4, response_body = \"1KiB\" }}",
            other.port()
        )
    })
    .await
}

#[tokio::test]
async fn a_granted_host_is_asked_in_place_of_the_origin() {
    let world = world().await;
    world
        .other
        .always("/v1/a?b", "cache-control: max-age=60", "elsewhere");
    world.app.always("/a?b", "cache-control: max-age=60", "app");
    let to = format!("http://{}/v1", world.other.address());
    for phase in ["request", "origin-request"] {
        let world = self::world().await;
        world
            .other
            .always("/v1/a?b", "cache-control: max-age=60", "elsewhere");
        world.app.always("/a?b", "cache-control: max-age=60", "app");
        let to = format!("http://{}/v1", world.other.address());
        let script = format!(
            "GET /a?b\nx-do: {phase} request.set-origin {to}; origin-response response.set x-seen yes"
        );
        let response = world.edge.request(&script).await;
        assert_eq!(response, miss("elsewhere"), "{phase}");
        assert_eq!(response.header("x-seen"), Some("yes"), "{phase}");
        let asked = world.other.last();
        assert_eq!(asked.header("x-custom"), Some("yes"));
        assert_eq!(
            asked.header("host"),
            Some(&*world.other.address().to_string())
        );
        assert_eq!(world.edge.request(&script).await, hit("elsewhere"));
        assert_eq!(world.other.requests().len(), 1);
    }
    // What was stored of it is not what the origin would have said.
    let script = format!("GET /a?b\nx-do: request request.set-origin {to}");
    assert_eq!(world.edge.request(&script).await, miss("elsewhere"));
    assert_eq!(world.edge.get("/a?b").await, miss("app"));
}

#[tokio::test]
async fn a_granted_host_gets_the_body_as_the_guest_made_it() {
    let world = world().await;
    world.other.always("/a", "", "thanks");
    let to = format!("http://{}", world.other.address());
    for (want, expected) in [("", "text"), ("buffered 100", "TEXT"), ("chunks", "TEXT")] {
        let want = match want {
            "" => String::new(),
            want => format!("; origin-request request.want-body {want}; request-body upper"),
        };
        let script = format!("x-do: origin-request request.set-origin {to}{want}");
        for request in [
            format!("POST /a\n{script}\n\ntext"),
            format!("POST /a\n{script}\ntransfer-encoding: chunked\n\n4\r\ntext\r\n0\r\n\r\n"),
        ] {
            assert_eq!(world.edge.request(&request).await.text(), "thanks");
            let got = String::from_utf8(world.other.last().body).unwrap();
            assert_eq!(got, expected, "{want}");
        }
    }
    let long = "x".repeat(2000);
    let request = format!("POST /a\nx-do: origin-request request.set-origin {to}\n\n{long}");
    assert_eq!(world.edge.request(&request).await.status, 413);
}

#[tokio::test]
async fn other_hosts_are_denied_and_silent_ones_are_bad_gateways() {
    let mut world = world().await;
    world.app.always("/", "", "app");
    let told = world
        .told(
            "/",
            "request request.set-origin https://example.org; request request.set-origin http://127.0.0.1:1; request request.chosen-origin",
        )
        .await;
    assert!(told[0].contains("denied"), "{told:?}");
    assert!(told[1].contains("denied"), "{told:?}");
    assert!(told[2].contains("app"), "{told:?}");
    let to = format!("http://{}", world.other.address());
    let told = world
        .told(
            "/",
            &format!("request request.set-origin {to}/v1/; request request.chosen-origin; request request.set-origin {to}/../x; request answer 200"),
        )
        .await;
    assert!(told[1].contains("/v1\""), "{told:?}");
    assert!(told[2].contains("invalid"), "{told:?}");
    world.other.stop().await;
    let request = format!("GET /\nx-do: request request.set-origin {to}");
    assert_eq!(world.edge.request(&request).await.status, 502);
}

#[tokio::test]
async fn a_guest_asks_through_the_edge_itself() {
    let world = world().await;
    world.app.always("/", "", "");
    world.app.always("/page", "x-from: app", "page");
    let script = "request subrequest.send http://example.com POST /page text cached; \
                  request subrequest.send http://none.example POST /page text cached x-mine:1";
    let told = world.told("/", script).await;
    assert!(
        told.iter().all(|told| told.ends_with("200 page")),
        "{told:?}"
    );
    let asked: Vec<_> = world.app.requests();
    let inner: Vec<_> = asked
        .iter()
        .filter(|asked| asked.method == "POST")
        .collect();
    assert_eq!(inner.len(), 2);
    assert!(inner.iter().all(|asked| asked.body == b"text"));
    assert_eq!(inner[0].header("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(inner[1].header("x-mine"), Some("1"));
}

#[tokio::test]
async fn who_asks_for_the_beginning_of_a_body_is_told_that_there_is_more() {
    let world = world().await;
    let there = format!("http://{}", world.other.address());
    world.app.always("/", "", "");
    let long = "x".repeat(2000);
    for (path, body) in [("/page", "page"), ("/long", &*long)] {
        world.other.always(path, "", body);
        world.app.always(path, "cache-control: max-age=60", body);
    }
    for (options, expected) in [
        ("/page - max=2", "200 truncated pa"),
        ("/page - max=4", "200 page"),
        ("/page - max=0", "200 page"),
        ("/long - max=3", "200 truncated xxx"),
        ("/long - max=2000", "limit"),
        ("/long - max=0", "limit"),
    ] {
        for (to, cached) in [(&*there, ""), ("http://example.com", " cached")] {
            let script = format!("request subrequest.send {to} GET {options}{cached}");
            let told = world.told("/", &script).await;
            assert!(told[0].contains(expected), "{script}: {told:?}");
        }
    }
}

#[tokio::test]
async fn nobody_waits_for_the_rest_of_a_body_that_was_cut() {
    let world = world().await;
    let there = format!("http://{}", world.other.address());
    world.app.always("/", "", "");
    for (origin, to, cached) in [
        (&world.other, &*there, ""),
        (&world.app, "http://example.com", " cached"),
    ] {
        let body = origin.trickle("/endless", "cache-control: max-age=60");
        body.send("page");
        let script = format!("request subrequest.send {to} GET /endless - max=2{cached}");
        let told = world.told("/", &script).await;
        assert!(told[0].contains("200 truncated pa"), "{script}: {told:?}");
    }
}

#[tokio::test]
async fn a_guest_that_asks_itself_comes_to_an_end() {
    let settings =
        "config = { do = \"request subrequest.send http://example.com GET / - cached\" }";
    let world = World::with(settings).await;
    world.app.always("/", "", "app");
    assert_eq!(world.edge.get("/").await.text(), "app");
    assert_eq!(world.app.requests().len(), 4, "one and three in each other");
}
