//! Bodies of requests that guests see.

use super::World;

fn put(body: &str, script: &str) -> String {
    format!(
        "PUT /a\nx-do: {script}\ncontent-length: {}\n\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn a_body_is_had_whole_while_the_head_waits() {
    for phase in ["request", "origin-request"] {
        let world = World::new().await;
        world.app.always("/a", "", "ok");
        let script = format!(
            "{phase} request.want-body buffered 100; request-body request.set x-seen yes; request-body upper"
        );
        for body in ["", "some text"] {
            let response = world.edge.request(&put(body, &script)).await;
            assert_eq!(response.text(), "ok", "{phase} {body}");
            let asked = world.app.last();
            assert_eq!(asked.body, body.to_uppercase().as_bytes(), "{phase}");
            assert_eq!(asked.header("x-seen"), Some("yes"), "{phase}");
            // The probe has responses held back, so that what it makes before the origin has no length.
            if phase == "request" && !body.is_empty() {
                let length = body.len().to_string();
                assert_eq!(asked.header("content-length"), Some(&*length));
            }
        }
        let stream = format!("PUT /a\nx-do: {script}\n\nsome text");
        assert_eq!(world.edge.h2().await.request(&stream).await.text(), "ok");
        assert_eq!(world.app.last().body, b"SOME TEXT");
    }
}

#[tokio::test]
async fn a_longer_body_is_shown_as_far_as_it_was_wanted() {
    let world = World::new().await;
    world.app.always("/a", "", "ok");
    let script =
        "request request.want-body buffered 4; request-body body.read; request-body body.is-last";
    let response = world.edge.request(&put("some text", script)).await;
    let told: Vec<_> = response.headers.all("x-did").collect();
    assert!(told[1].ends_with(": some"), "{told:?}");
    assert!(told[2].ends_with("false"), "{told:?}");
    assert_eq!(world.app.last().body, b"some text");
    // It can't be replaced then.
    let script = "request request.want-body buffered 4; request-body upper";
    let response = world.edge.request(&put("some text", script)).await;
    assert_eq!(response.status, 500);
    assert_eq!(world.app.requests().len(), 1);
}

#[tokio::test]
async fn a_body_is_shown_piece_by_piece_on_its_way() {
    for phase in ["request", "origin-request"] {
        let world = World::new().await;
        world.app.always("/a", "", "ok");
        for (verdict, expected) in [
            ("upper", "SOME TEXT"),
            ("pass", "some text"),
            ("hold", "some text"),
            ("drop", ""),
        ] {
            let script = format!("{phase} request.want-body chunks; request-body {verdict}");
            let response = world.edge.request(&put("some text", &script)).await;
            assert_eq!(response.text(), "ok", "{phase} {verdict}");
            let got = String::from_utf8(world.app.last().body).unwrap();
            assert_eq!(got, expected, "{phase} {verdict}");
        }
    }
}

#[tokio::test]
async fn a_guest_that_fails_over_a_body_leaves_the_origin_without_half_of_it() {
    let world = World::new().await;
    for want in ["buffered 100", "chunks"] {
        for what in ["fail no", "panic x", "spin"] {
            let script = format!("request request.want-body {want}; request-body {what}");
            let response = world.edge.request(&put("some text", &script)).await;
            assert_eq!(response.status, 500, "{want} {what}");
        }
    }
    assert_eq!(world.app.requests().len(), 0);
}

#[tokio::test]
async fn no_more_is_had_than_its_limit_allows() {
    let world = World::new().await;
    world.app.always("/", "", "ok");
    let told = world
        .told("/", "request request.want-body buffered 2000000")
        .await;
    assert!(told[0].contains("limit"), "{told:?}");
}
