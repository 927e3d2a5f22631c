//! Pictures that a guest has made.

use rimward_images::{Info, Kind, Limits, probe};
use rimward_tests::Response;

use super::World;

const GRANTED: &str = r#"
    grants = { images = true }
    limits = { cpu = "100ms", wall = "300ms" }
"#;

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    let pixels: Vec<u8> = (0..width * height * 3).map(|at| (at % 251) as u8).collect();
    writer.write_image_data(&pixels).unwrap();
    writer.finish().unwrap();
    bytes
}

fn info(response: &Response) -> Info {
    assert_eq!(response.status, 200, "{response:?}");
    probe(&response.body, &Limits::default()).unwrap()
}

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
