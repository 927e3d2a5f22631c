//! One configuration takes over from another.

use std::sync::Arc;

use rimward_tests::{Client, Edge, Files, Origin, edge::site, within};

/// Answers every request with `name`, in the body and in a header that another filter sets.
fn named(name: &str) -> String {
    format!(
        "[[site]]\nhosts = [\"*\"]\nfilters = [{{ use = \"headers\", response = {{ set = {{ x-name = \"{name}\" }} }} }}, {{ use = \"respond\", body = \"{name}\" }}]\n"
    )
}

#[tokio::test]
async fn a_new_configuration_takes_over_on_open_connections() {
    let edge = Edge::start(&named("one")).await;
    let mut client = edge.client().await;
    assert_eq!(client.get("/").await.text(), "one");
    edge.reload(&named("two")).await.unwrap();
    assert_eq!(client.get("/").await.text(), "two");
}

#[tokio::test]
async fn a_wrong_configuration_changes_nothing() {
    let edge = Edge::start(&named("one")).await;
    let problems = edge
        .reload("[[site]]\nhots = [\"*\"]\n")
        .await
        .unwrap_err()
        .to_string();
    assert!(
        problems.contains("hots") && problems.contains("hosts"),
        "{problems}"
    );
    assert_eq!(edge.get("/").await.text(), "one");
    let unbuildable = "[[site]]\nhosts = [\"*\"]\nfilters = [{ use = \"redirect\", to = \"/x\", status = 200 }]\n";
    let problems = edge.reload(unbuildable).await.unwrap_err().to_string();
    assert!(problems.contains("301, 302, 303, 307 or 308"), "{problems}");
    assert_eq!(edge.get("/").await.text(), "one");
}

#[tokio::test]
async fn reloads_are_counted_and_a_refused_one_shows() {
    let edge = Edge::start(&named("one")).await;
    edge.reload(&named("two")).await.unwrap();
    let broken = "[[site]]\nhosts = [\"*\"]\nfilters = [{ use = \"respond\", status = 9 }]\n";
    edge.reload(broken).await.unwrap_err();
    assert_eq!(edge.metric("rimward_reloads_total{result=\"ok\"}"), 1.0);
    assert_eq!(edge.metric("rimward_config_rejected"), 1.0);
    edge.reload(&named("three")).await.unwrap();
    assert_eq!(edge.metric("rimward_config_rejected"), 0.0);
}

#[tokio::test]
async fn no_request_fails_or_sees_two_configurations() {
    let edge = Edge::start(&named("zero")).await;
    let address = edge.address();
    let asking: Vec<_> = (0..4)
        .map(|_| {
            tokio::spawn(async move {
                let mut client = Client::connect(address).await;
                for _ in 0..200 {
                    let response = client.get("/").await;
                    assert_eq!(response.status, 200);
                    assert_eq!(
                        response.header("x-name"),
                        Some(response.text()),
                        "two configurations were mixed"
                    );
                }
            })
        })
        .collect();
    for number in 0..20 {
        edge.reload(&named(&format!("number-{number}")))
            .await
            .unwrap();
        assert!(edge.reload("nonsense").await.is_err());
    }
    for asking in asking {
        asking.await.unwrap();
    }
}

#[tokio::test]
async fn a_request_under_way_ends_with_the_configuration_it_began_with() {
    let origin = Origin::start().await;
    let header = "filters = [{ use = \"headers\", response = { set = { x-name = \"old\" } } }]";
    let edge = Edge::start(&site(&origin, header)).await;
    let gate = origin.hold("/a", "", "body");
    let mut client = edge.client().await;
    client.send("GET /a HTTP/1.1\r\nhost: x\r\n\r\n").await;
    gate.reached().await;
    edge.reload(&named("new")).await.unwrap();
    gate.open();
    let response = client.read("GET").await.unwrap();
    assert_eq!(
        (response.text(), response.header("x-name")),
        ("body", Some("old"))
    );
}

#[tokio::test]
async fn the_cache_outlives_a_reload() {
    let origin = Origin::start().await;
    let edge = Edge::site(&origin).await;
    origin.reply("/a", "cache-control: max-age=60", "v1");
    edge.get("/a").await;
    edge.reload(&site(&origin, "")).await.unwrap();
    assert_eq!(edge.get("/a").await, rimward_tests::hit("v1"));
}

#[tokio::test]
async fn listeners_come_and_go() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let first = free.local_addr().unwrap();
    drop(free);
    let keep = format!("[[listen]]\naddress = \"{first}\"\n");
    let listen = "[[listen]]\naddress = \"127.0.0.1:0\"\n";
    let edge = Edge::start(&format!("{keep}{}", named("one"))).await;
    edge.reload(&format!("{keep}{listen}{}", named("two")))
        .await
        .unwrap();
    let addresses = edge.addresses();
    assert_eq!((addresses.len(), addresses[0]), (2, first));
    assert_eq!(
        Client::connect(addresses[1]).await.get("/").await.text(),
        "two"
    );
    edge.reload(&format!("{keep}{}", named("three")))
        .await
        .unwrap();
    assert_eq!(edge.addresses(), [first]);
    assert_eq!(Client::connect(first).await.get("/").await.text(), "three");
    let gone = async { while tokio::net::TcpStream::connect(addresses[1]).await.is_ok() {} };
    within("the listener that went to refuse connections", gone).await;
}

#[tokio::test]
async fn an_address_that_is_taken_leaves_the_old_configuration() {
    let edge = Edge::start(&named("one")).await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let text = format!(
        "[[listen]]\naddress = \"{}\"\n{}",
        taken.local_addr().unwrap(),
        named("two")
    );
    let problems = edge.reload(&text).await.unwrap_err().to_string();
    assert!(
        problems.contains(&taken.local_addr().unwrap().to_string()),
        "{problems}"
    );
    assert_eq!(edge.get("/").await.text(), "one");
}

#[tokio::test]
async fn an_address_of_another_edge_is_taken_too() {
    let edge = Edge::start(&named("one")).await;
    let text = format!(
        "[[listen]]\naddress = \"{}\"\n{}",
        edge.address(),
        named("two")
    );
    let problems = Edge::try_start_in(Arc::new(Files::new()), &text)
        .await
        .err()
        .expect("two edges on one address would each get a part of the connections")
        .to_string();
    assert!(problems.contains("in use"), "{problems}");
}
