//! Experiments as clients, the cache and the origin see them.

use std::collections::BTreeMap;
use std::sync::Arc;

use rimward_tests::{Edge, Files, Origin, edge::site, hit, miss};

const CHROME: &str = "user-agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36";

/// An edge whose only site has the experiment `checkout`.
async fn with(origin: &Origin, experiment: &str) -> Edge {
    let words = format!("filters = [\"checkout\"]\n[filter.checkout]\nuse = \"ab\"\n{experiment}");
    Edge::site_with(origin, &words).await
}

#[tokio::test]
async fn a_new_client_gets_a_cookie_and_stays_with_its_variant() {
    let origin = Origin::start().await;
    origin.always("/a", "cache-control: max-age=60", "control");
    origin.always("/b/a", "cache-control: max-age=60", "fast lane");
    let edge = with(
        &origin,
        r#"sticky = { cookie = "exp", ttl = "30d" }
           variants = [{ name = "control", weight = 1 }, { name = "fast-lane", weight = 1, path_prefix = "/b" }]
           header = "x-experiment""#,
    )
    .await;
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for _ in 0..40 {
        let first = edge.request(&format!("GET /a\n{CHROME}")).await;
        let cookie = first.header("set-cookie").expect("a cookie").to_owned();
        assert!(
            cookie.contains("; Max-Age=2592000; HttpOnly; SameSite=Lax"),
            "{cookie}"
        );
        assert!(
            first
                .headers
                .all("cache-control")
                .any(|value| value.contains("private"))
        );
        let (identity, _) = cookie.split_once(';').unwrap();
        let again = edge
            .request(&format!("GET /a\n{CHROME}\ncookie: {identity}"))
            .await;
        assert_eq!(
            again,
            hit(&first.body),
            "the variant is the same and in the cache"
        );
        assert_eq!(again.header("set-cookie"), None);
        let told = again
            .header("x-experiment")
            .expect("the variant")
            .to_owned();
        let body = seen
            .entry(told)
            .or_insert_with(|| again.text().to_owned())
            .clone();
        assert_eq!(again.text(), body);
    }
    let expected = [
        ("checkout=control", "control"),
        ("checkout=fast-lane", "fast lane"),
    ];
    assert!(
        seen.iter()
            .map(|(told, body)| (&**told, &**body))
            .eq(expected),
        "{seen:?}"
    );
    assert_eq!(origin.requests().len(), 2, "each variant is asked for once");
    assert!(
        origin
            .last()
            .header("cookie")
            .is_some_and(|cookie| cookie.starts_with("exp=")),
        "the origin sees the identity from the first request on"
    );
    let counted = |outcome: &str| {
        edge.metric(&format!(
            "rimward_filter_outcomes_total{{filter=\"checkout\",outcome=\"{outcome}\"}}"
        ))
    };
    edge.metric_reaches("rimward_filter_outcomes_total{filter=\"checkout\"}", 80.0)
        .await;
    assert_eq!(
        counted("control") + counted("fast-lane"),
        80.0,
        "{}",
        edge.metrics()
    );
}

#[tokio::test]
async fn objects_of_variants_do_not_mix_and_the_control_shares_with_who_takes_no_part() {
    let origin = Origin::start().await;
    let edge = with(
        &origin,
        r#"sticky = { header = "x-user" }
           variants = [
             { name = "control", weight = 1 },
             { name = "fast-lane", weight = 1, set = { request_header = { x-variant = "fast-lane" } } },
           ]
           force = { query = "ab" }"#,
    )
    .await;
    origin.reply("/a", "cache-control: max-age=60", "plain");
    assert_eq!(
        edge.request(&format!("GET /a\nx-variant: fast-lane\n{CHROME}"))
            .await,
        miss("plain")
    );
    assert_eq!(
        origin.last().header("x-variant"),
        None,
        "no client tells its variant itself"
    );
    assert_eq!(
        edge.request(&format!("GET /a?ab=control\n{CHROME}")).await,
        hit("plain")
    );
    origin.reply("/a", "cache-control: max-age=60", "fast");
    assert_eq!(
        edge.request(&format!("GET /a?ab=fast-lane\n{CHROME}"))
            .await,
        miss("fast")
    );
    assert_eq!(origin.last().header("x-variant"), Some("fast-lane"));
    assert_eq!(
        edge.request(&format!("GET /a?ab=fast-lane\n{CHROME}"))
            .await,
        hit("fast")
    );
    assert_eq!(
        edge.request("GET /a\nuser-agent: Googlebot/2.1\nx-user: ann")
            .await,
        hit("plain")
    );
}

#[tokio::test]
async fn a_variant_is_another_origin() {
    let (old, new) = (Origin::start().await, Origin::start().await);
    let experiment = format!(
        r#"sticky = "client_ip"
           variants = [{{ name = "new", weight = 1, origin = "new" }}]
           [origin.new]
           servers = ["{new}"]"#
    );
    let edge = with(&old, &experiment).await;
    new.reply("/a", "cache-control: max-age=60", "from the new one");
    assert_eq!(
        edge.request(&format!("GET /a\n{CHROME}")).await,
        miss("from the new one")
    );
    old.reply("/a", "cache-control: max-age=60", "from the old one");
    assert_eq!(
        edge.request("GET /a\nuser-agent: curl/8.0").await,
        miss("from the old one")
    );
    assert_eq!(
        edge.request(&format!("GET /a\n{CHROME}")).await,
        hit("from the new one")
    );
}

#[tokio::test]
async fn the_access_log_tells_all_variants_of_a_request() {
    let origin = Origin::start().await;
    origin.always("/a", "", "ok");
    let files = Arc::new(Files::new());
    let words = r#"filters = ["one", "two"]
        [filter.one]
        use = "ab"
        sticky = "client_ip"
        variants = [{ name = "a", weight = 1 }]
        [filter.two]
        use = "ab"
        sticky = "client_ip"
        variants = [{ name = "b", weight = 1 }]
        [log]
        access = { to = "access.log", format = "json" }"#;
    let edge = Edge::start_in(files.clone(), &site(&origin, words)).await;
    edge.request(&format!("GET /a\n{CHROME}")).await;
    edge.shutdown(std::time::Duration::from_secs(5)).await;
    let log = std::fs::read_to_string(files.path("access.log")).unwrap();
    assert!(log.contains("one=a, two=b"), "{log}");
}
