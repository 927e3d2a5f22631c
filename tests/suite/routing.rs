//! Which site and which route a request goes to.

use rimward_tests::{Client, Edge};

/// A site whose answer names it.
fn site(hosts: &str, body: &str) -> String {
    format!("[[site]]\nhosts = [{hosts}]\nfilters = [{{ use = \"respond\", body = \"{body}\" }}]\n")
}

fn route(conditions: &str, body: &str) -> String {
    format!(
        "[[site.route]]\n{conditions}\nfilters = [{{ use = \"respond\", body = \"{body}\" }}]\n"
    )
}

async fn check(edge: &Edge, table: &[(&str, &str)]) {
    for (request, body) in table {
        assert_eq!(edge.request(request).await.text(), *body, "{request}");
    }
}

#[tokio::test]
async fn hosts_match_exactly_then_by_the_longest_wildcard_then_by_default() {
    let text = [
        site(r#""www.example.com""#, "exact"),
        site(r#""*.example.com""#, "wildcard"),
        site(r#""*.eu.example.com""#, "longer"),
        site(r#""*""#, "default"),
    ];
    let edge = Edge::start(&text.concat()).await;
    let table = [
        ("GET /\nhost: www.example.com", "exact"),
        ("GET /\nhost: WWW.Example.Com:8080", "exact"),
        ("GET /\nhost: a.example.com", "wildcard"),
        ("GET /\nhost: a.b.example.com", "wildcard"),
        ("GET /\nhost: a.eu.example.com", "longer"),
        ("GET /\nhost: example.com", "default"),
        ("GET /\nhost: 127.0.0.1", "default"),
    ];
    check(&edge, &table).await;
}

#[tokio::test]
async fn an_unknown_host_gets_421_or_404_as_configured() {
    let known = site(r#""known.example""#, "known");
    for (pop, status) in [
        ("", 421),
        ("[pop]\nunknown_host = 404\n", 404),
        ("[pop]\nunknown_host = 421\n", 421),
    ] {
        let edge = Edge::start(&format!("{pop}{known}")).await;
        assert_eq!(
            edge.request("GET /\nhost: unknown.example").await.status,
            status
        );
        assert_eq!(edge.request("GET /\nhost: known.example").await.status, 200);
    }
}

#[tokio::test]
async fn the_most_specific_path_wins() {
    let text = [
        site(r#""*""#, "site"),
        route("path = \"/a\"", "exact"),
        route("path = \"/a/*\"", "prefix"),
        route("path = \"/a/b/*\"", "longer prefix"),
        route("path = \"/user/{id}\"", "parameter"),
        route("path = \"/user/me\"", "text before parameter"),
    ];
    // The site's own filter would answer first, so this site has none.
    let edge = Edge::start(
        &text
            .concat()
            .replacen(
                "filters = [{ use = \"respond\", body = \"site\" }]\n",
                "",
                1,
            )
            .replace(
                "[[site]]",
                "[origin.none]\nservers = [\"127.0.0.1:1\"]\n[[site]]\norigin = \"none\"",
            ),
    )
    .await;
    let table = [
        ("GET /a", "exact"),
        ("GET /a?x=1", "exact"),
        ("GET /a/x", "prefix"),
        ("GET /a/b/c", "longer prefix"),
        ("GET /user/7", "parameter"),
        ("GET /user/me", "text before parameter"),
    ];
    check(&edge, &table).await;
    assert_eq!(edge.get("/user/7/more").await.status, 502);
}

#[tokio::test]
async fn routes_are_told_apart_by_method_header_and_query() {
    let text = [
        "[origin.none]\nservers = [\"127.0.0.1:1\"]\n[[site]]\nhosts = [\"*\"]\norigin = \"none\"\n".to_owned(),
        route("path = \"/a\"\nmethods = [\"POST\"]", "method"),
        route("path = \"/a\"\nheader = { x-beta = \"yes\" }", "header"),
        route("path = \"/a\"\nheader = { x-any = true }", "any header"),
        route("path = \"/a\"\nquery = { v = \"2\" }", "query"),
        route("path = \"/a\"", "plain"),
    ];
    let edge = Edge::start(&text.concat()).await;
    let table = [
        ("POST /a", "method"),
        ("GET /a\nx-beta: yes", "header"),
        ("GET /a\nx-beta: no", "plain"),
        ("GET /a\nx-any: thing", "any header"),
        ("GET /a?v=2", "query"),
        ("GET /a?v=3", "plain"),
        ("GET /a", "plain"),
    ];
    check(&edge, &table).await;
}

#[tokio::test]
async fn no_spelling_of_a_path_gets_around_its_route() {
    let text = [
        "[origin.none]\nservers = [\"127.0.0.1:1\"]\n[[site]]\nhosts = [\"*\"]\norigin = \"none\"\n".to_owned(),
        route("path = \"/admin/*\"", "guarded"),
    ];
    let edge = Edge::start(&text.concat()).await;
    for target in [
        "/admin/x",
        "/%61dmin/x",
        "/b/../admin/x",
        "/./admin/x",
        "/b/%2e%2e/admin/x",
        "/admin/b/../x",
    ] {
        assert_eq!(edge.get(target).await.text(), "guarded", "{target}");
    }
    for target in ["/admin%00/x", "/\\admin/x", "/%5cadmin/x"] {
        let mut client = Client::connect(edge.address()).await;
        assert_eq!(client.get(target).await.status, 400, "{target}");
    }
}

#[tokio::test]
async fn an_absolute_target_is_routed_by_its_own_host() {
    let edge =
        Edge::start(&[site(r#""a.example""#, "a"), site(r#""b.example""#, "b")].concat()).await;
    assert_eq!(
        edge.request("GET http://b.example/x\nhost: b.example")
            .await
            .text(),
        "b"
    );
    assert_eq!(
        edge.request("GET http://b.example/x\nhost: a.example")
            .await
            .status,
        400
    );
}
