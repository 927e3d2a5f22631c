//! Pictures that a guest has made.

use rimward_images::Kind;

use super::World;
use crate::pictures::{info, png};

const GRANTED: &str = r#"
    grants = { images = true }
    limits = { cpu = "100ms", wall = "300ms" }
"#;

fn ask(script: &str) -> String {
    format!("GET /a.png\nx-do: {script}")
}

async fn world() -> World {
    let world = World::with(GRANTED).await;
    world.app.reply(
        "/a.png",
        "cache-control: max-age=60\netag: \"a\"",
        png(80, 40),
    );
    world
}

#[tokio::test]
async fn a_picture_that_a_request_wants_is_stored_under_its_original() {
    let world = world().await;
    let small = ask("request images.apply 20 webp");
    for found in ["miss", "hit"] {
        let response = world.edge.request(&small).await;
        let picture = info(&response);
        let told = (picture.kind, picture.width, picture.height);
        assert_eq!(told, (Kind::Webp, 20, 10), "{found}");
        assert_eq!(response.header("content-type"), Some("image/webp"));
        assert!(response.header("x-image").unwrap().starts_with("ok f=webp"));
    }
    // Of other sizes the original is there already, and it can be had itself.
    let other = info(&world.edge.request(&ask("request images.apply 8")).await);
    assert_eq!((other.kind, other.width), (Kind::Png, 8));
    assert_eq!(info(&world.edge.get("/a.png").await).width, 80);
    assert_eq!(world.app.requests().len(), 1);
}

#[tokio::test]
async fn what_decided_on_a_picture_is_told() {
    let world = world().await;
    for phase in ["request", "response"] {
        for (accept, kind) in [("image/webp", Kind::Webp), ("*/*", Kind::Png)] {
            let script = ask(&format!("{phase} images.apply 20 auto"));
            let asked = format!("{script}\naccept: {accept}");
            let response = world.edge.request(&asked).await;
            assert_eq!(info(&response).kind, kind, "{phase} {accept}");
            assert_eq!(response.header("vary"), Some("Accept"), "{phase} {accept}");
            let timing = response.headers.all("server-timing");
            let took = timing.filter(|told| told.starts_with("image;dur=")).count();
            assert_eq!(took, 1, "{phase} {accept}");
        }
    }
}

#[tokio::test]
async fn a_head_is_that_of_the_picture() {
    for phase in ["request", "response"] {
        let world = world().await;
        let get = ask(&format!("{phase} images.apply 20 webp"));
        let head = world.edge.request(&get.replace("GET", "HEAD")).await;
        assert_eq!((head.status, head.body.len()), (200, 0), "{phase}");
        let get = world.edge.request(&get).await;
        assert_eq!(info(&get).width, 20, "{phase}");
        for name in ["content-length", "content-type", "etag"] {
            assert_eq!(head.header(name), get.header(name), "{phase} {name}");
        }
    }
}

#[tokio::test]
async fn an_original_that_is_too_large_passes_as_it_is() {
    let world = World::with(GRANTED).await;
    let large = vec![b'x'; (20 << 20) + 1];
    world
        .app
        .always("/a.png", "cache-control: max-age=60", &*large);
    for phase in ["request", "response"] {
        let script = format!("{phase} images.apply 20");
        let response = world.edge.request(&ask(&script)).await;
        assert_eq!((response.status, response.body.len()), (200, large.len()));
        let told = response.header("x-image").unwrap();
        assert!(told.starts_with("err=9402"), "{phase} {told}");
    }
}

#[tokio::test]
async fn a_body_and_a_picture_of_it_are_not_both_to_be_had() {
    for script in [
        "response response.want-body buffered 100; response images.apply 20",
        "origin-response images.apply 20; response response.want-body buffered 100",
    ] {
        let world = world().await;
        assert_eq!(
            world.edge.request(&ask(script)).await.status,
            500,
            "{script}"
        );
    }
}

#[tokio::test]
async fn a_client_that_says_it_is_the_edge_gets_the_picture_all_the_same() {
    let world = world().await;
    let asked = format!("{}\nvia: 1.1 rimward-image", ask("request images.apply 20"));
    assert_eq!(info(&world.edge.request(&asked).await).width, 20);
}

#[tokio::test]
async fn a_picture_is_made_of_a_response_on_its_way_to_the_client() {
    let world = world().await;
    for round in ["miss", "hit"] {
        let response = world
            .edge
            .request(&ask("response images.apply 20 webp"))
            .await;
        assert_eq!(
            (info(&response).kind, info(&response).width),
            (Kind::Webp, 20),
            "{round}"
        );
        assert_eq!(response.header("content-type"), Some("image/webp"));
        assert_eq!(response.header("etag"), None);
        let length = response.body.len().to_string();
        assert_eq!(response.header("content-length"), Some(&*length));
    }
    assert_eq!(info(&world.edge.get("/a.png").await).width, 80);
    assert_eq!(world.app.requests().len(), 1);
}

#[tokio::test]
async fn a_picture_that_is_wanted_of_what_the_origin_says_is_what_all_get() {
    let world = world().await;
    let first = world
        .edge
        .request(&ask("origin-response images.apply 20"))
        .await;
    assert_eq!(info(&first).width, 20);
    let later = world.edge.get("/a.png").await;
    assert_eq!(info(&later).width, 20);
    assert!(
        later
            .headers
            .all("x-rimward-picture-probe")
            .next()
            .is_none()
    );
    assert_eq!(world.app.requests().len(), 1);
}

#[tokio::test]
async fn an_origin_does_not_say_what_a_guest_wants() {
    let world = World::with(GRANTED).await;
    let fields = "cache-control: max-age=60\nx-rimward-picture-probe: width=20";
    world.app.reply("/a.png", fields, png(80, 40));
    let response = world.edge.get("/a.png").await;
    assert_eq!(info(&response).width, 80);
    assert_eq!(response.header("x-rimward-picture-probe"), None);
}

#[tokio::test]
async fn what_is_no_picture_passes_and_the_head_says_why() {
    for phase in ["request", "origin-response", "response"] {
        let world = World::with(GRANTED).await;
        world
            .app
            .always("/a.png", "cache-control: max-age=60", "text");
        let script = format!("{phase} images.apply 20");
        let response = world.edge.request(&ask(&script)).await;
        assert_eq!(response.text(), "text", "{phase}");
        let told = response.header("x-image").unwrap();
        assert!(told.starts_with("err=9412"), "{phase} {told}");
    }
}

#[tokio::test]
async fn pictures_have_to_be_granted_and_are_no_matter_of_other_phases() {
    let world = World::new().await;
    world.app.always("/a.png", "", png(80, 40));
    let response = world.edge.request(&ask("request images.apply 20")).await;
    assert!(response.header("x-did").unwrap().contains("denied"));
    assert_eq!(info(&response).width, 80);
    for (script, expected) in [
        ("request images.apply 0", "invalid"),
        ("origin-request images.apply 20", "not-allowed-in-phase"),
    ] {
        let world = self::world().await;
        let response = world.edge.request(&ask(script)).await;
        assert_eq!(info(&response).width, 80, "{script}");
        let told: Vec<_> = response.headers.all("x-did").collect();
        let sent = world.app.last();
        let told = format!("{told:?} {:?}", sent.header("x-did"));
        assert!(told.contains(expected), "{script} {told}");
    }
}
