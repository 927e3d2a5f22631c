//! The cache under pingora, from a client's side: a scripted origin, an edge in this process, clients over pipes.

mod edge;

use std::time::Duration;

use rimward_cache::policy::Rules;
use rimward_cache::{Mode, Purge};

use edge::{Edge, Gate, ok};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test]
async fn a_fresh_object_is_a_hit_and_its_age_counts_what_it_came_with() {
    let edge = Edge::start().await;
    edge.origin
        .reply(ok("cache-control: max-age=60\r\nage: 7", "hello"));
    let miss = edge.get("/a").await;
    assert_eq!(
        (miss.status, miss.body(), miss.field("age")),
        (200, "hello", "7")
    );
    assert_eq!(
        miss.field("cache-status"),
        "test; fwd=uri-miss; fwd-status=200; stored; ttl=53"
    );
    edge.clock.pass(seconds(10));
    let hit = edge.get("/a").await;
    assert_eq!((hit.body(), hit.field("age")), ("hello", "17"));
    assert_eq!(hit.field("cache-status"), "test; hit; ttl=43");
    edge.clock.pass(seconds(50));
    edge.origin.reply(ok("cache-control: max-age=60", "again"));
    assert_eq!(edge.get("/a").await.body(), "again");
}

#[tokio::test]
async fn a_head_is_answered_from_what_a_get_would_store() {
    let edge = Edge::start().await;
    edge.origin.reply(ok("cache-control: max-age=60", "hello"));
    let head = edge.ask("HEAD", "/a", "").await;
    assert_eq!(
        (
            head.status,
            head.field("content-length"),
            head.raw.as_slice()
        ),
        (200, "5", b"".as_slice())
    );
    assert!(edge.origin.asked()[0].starts_with("GET /a "));
    assert_eq!(edge.get("/a").await.body(), "hello");
}

#[tokio::test]
async fn followers_stream_while_the_object_is_filled() {
    let edge = Edge::start().await;
    let gate = Gate::default();
    let head = "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ntransfer-encoding: chunked\r\n\r\n";
    edge.origin.reply(vec![
        head.into(),
        "3\r\none\r\n".into(),
        gate.clone().into(),
        "3\r\ntwo\r\n0\r\n\r\n".into(),
    ]);
    let mut leader = edge.send("GET", "/a", "");
    leader.read_until("one").await;
    let mut follower = edge.send("GET", "/a", "");
    follower.read_until("one").await;
    gate.open();
    let (leader, follower) = (leader.response().await, follower.response().await);
    assert_eq!((leader.body(), follower.body()), ("onetwo", "onetwo"));
    assert_eq!(
        follower.field("cache-status"),
        "test; fwd=uri-miss; collapsed; ttl=60"
    );
    assert_eq!(edge.origin.asked().len(), 1);
    let ranged = edge.ask("GET", "/a", "range: bytes=1-3\r\n").await;
    assert_eq!(
        (ranged.status, ranged.body(), ranged.field("content-range")),
        (206, "net", "bytes 1-3/6")
    );
}

#[tokio::test]
async fn a_failed_fill_is_an_error_for_followers_and_is_not_stored() {
    let edge = Edge::start().await;
    let gate = Gate::default();
    let head = "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ntransfer-encoding: chunked\r\n\r\n";
    edge.origin.reply(vec![
        head.into(),
        "3\r\none\r\n".into(),
        gate.clone().into(),
    ]);
    let mut leader = edge.send("GET", "/a", "");
    leader.read_until("one").await;
    let mut follower = edge.send("GET", "/a", "");
    follower.read_until("one").await;
    gate.open();
    assert!(!leader.response().await.whole);
    assert!(!follower.response().await.whole);
    edge.origin.reply(ok("cache-control: max-age=60", "whole"));
    assert_eq!(edge.get("/a").await.body(), "whole");
}

#[tokio::test]
async fn the_fill_goes_on_when_its_client_leaves() {
    let edge = Edge::start().await;
    let gate = Gate::default();
    let head = "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 6\r\n\r\n";
    edge.origin.reply(vec![
        head.into(),
        "one".into(),
        gate.clone().into(),
        "two".into(),
    ]);
    let mut leader = edge.send("GET", "/a", "");
    leader.read_until("one").await;
    drop(leader);
    let mut follower = edge.send("GET", "/a", "");
    follower.read_until("one").await;
    gate.open();
    assert_eq!(follower.response().await.body(), "onetwo");
    assert_eq!(edge.origin.asked().len(), 1);
}

#[tokio::test]
async fn a_304_renews_the_whole_head() {
    let edge = Edge::start().await;
    edge.origin.reply(ok(
        "cache-control: max-age=5\r\netag: \"v1\"\r\nx-kept: 1\r\nx-new: old",
        "hello",
    ));
    edge.get("/a").await;
    edge.clock.pass(seconds(6));
    let fields = "cache-control: max-age=60\r\netag: \"v1\"\r\nx-new: new\r\nlast-modified: today\r\ncontent-type: text/x";
    edge.origin.reply(vec![
        format!("HTTP/1.1 304 Not Modified\r\n{fields}\r\n\r\n").into(),
    ]);
    let renewed = edge.get("/a").await;
    assert_eq!(
        (renewed.status, renewed.body(), renewed.field("x-new")),
        (200, "hello", "new")
    );
    assert_eq!(
        renewed.field("cache-status"),
        "test; fwd=stale; fwd-status=304; stored; ttl=60"
    );
    assert!(
        edge.origin.asked()[1]
            .to_lowercase()
            .contains("if-none-match: \"v1\"")
    );
    edge.clock.pass(seconds(30));
    let hit = edge.get("/a").await;
    let fields = [
        "x-new",
        "x-kept",
        "last-modified",
        "content-length",
        "content-type",
    ]
    .map(|name| hit.field(name));
    assert_eq!(
        (hit.body(), fields),
        ("hello", ["new", "1", "today", "5", ""])
    );
    assert!(hit.field("age").parse::<u64>().unwrap() <= 31);
}

#[tokio::test]
async fn a_stale_object_is_served_while_it_is_renewed_beside() {
    let edge = Edge::start().await;
    edge.origin.reply(ok(
        "cache-control: s-maxage=1, stale-while-revalidate=60",
        "v1",
    ));
    edge.get("/a").await;
    edge.clock.pass(seconds(3));
    edge.origin.reply(ok("cache-control: max-age=60", "v2"));
    let stale = edge.get("/a").await;
    assert_eq!((stale.body(), stale.field("age")), ("v1", "3"));
    assert_eq!(
        stale.field("cache-status"),
        "test; hit; ttl=-2; detail=stale-while-revalidate"
    );
    edge.origin.answered(2).await;
    assert_eq!(edge.eventually("/a", "v2").await.body(), "v2");
}

#[tokio::test]
async fn a_stale_object_is_served_when_the_origin_fails() {
    let edge = Edge::start().await;
    edge.origin.reply(ok("cache-control: max-age=1", "v1"));
    edge.get("/a").await;
    edge.clock.pass(seconds(3));
    edge.origin.reply(vec!["".into()]);
    let stale = edge.get("/a").await;
    assert_eq!((stale.status, stale.body()), (200, "v1"));
    assert!(
        stale.field("cache-status").contains("fwd=stale"),
        "{}",
        stale.field("cache-status")
    );
    // Nobody allowed it for an error that the origin answers.
    edge.origin.reply(vec![
        "HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n".into(),
    ]);
    assert_eq!(edge.get("/a").await.status, 503);
    edge.clock.pass(seconds(60));
    edge.origin.reply(vec!["".into()]);
    assert_eq!(edge.get("/a").await.status, 502);
}

#[tokio::test]
async fn parts_and_conditions_are_answered_from_a_stored_whole() {
    let edge = Edge::start().await;
    edge.origin.reply(ok(
        "cache-control: max-age=60\r\netag: \"a\"\r\ncontent-type: text/plain",
        "0123456789",
    ));
    let first = edge.ask("GET", "/a", "range: bytes=2-3\r\n").await;
    assert_eq!((first.status, first.body()), (206, "23"));
    let ask = |fields: &'static str| edge.ask("GET", "/a", fields);
    assert_eq!(ask("range: bytes=-2\r\n").await.body(), "89");
    assert_eq!(ask("range: bytes=20-\r\n").await.status, 416);
    assert_eq!(
        ask("range: bytes=0-1\r\nif-range: \"b\"\r\n").await.body(),
        "0123456789"
    );
    assert_eq!(
        ask("range: bytes=0-1\r\nif-range: W/\"a\"\r\n")
            .await
            .status,
        200
    );
    let parts = ask("range: bytes=0-1,4-5\r\n").await;
    assert!(
        parts.whole && parts.status == 206 && parts.body().contains("\r\n\r\n01\r\n--"),
        "{}",
        parts.body()
    );
    assert_eq!(parts.field("content-length"), parts.raw.len().to_string());
    let not_modified = ask("if-none-match: W/\"a\"\r\n").await;
    assert_eq!((not_modified.status, not_modified.body()), (304, ""));
    assert_eq!(edge.origin.asked().len(), 1);
    assert!(!edge.origin.asked()[0].to_lowercase().contains("range"));
}

#[tokio::test]
async fn an_uncacheable_answer_releases_all_who_wait() {
    let edge = Edge::start().await;
    let gate = Gate::default();
    let passed = ok("cache-control: no-store", "own");
    edge.origin
        .reply([vec![gate.clone().into()], passed.clone()].concat());
    let leader = edge.send("GET", "/a", "");
    edge.origin.asked_for(1).await;
    let waiting: Vec<_> = (0..5).map(|_| edge.send("GET", "/a", "")).collect();
    for _ in 0..5 {
        edge.origin.reply(passed.clone());
    }
    gate.open();
    let released = leader.response().await;
    assert_eq!(
        (released.body(), released.field("cache-status")),
        ("own", "test; fwd=uri-miss; fwd-status=200; detail=no-store")
    );
    for client in waiting {
        assert_eq!(client.response().await.body(), "own");
    }
    assert_eq!(edge.origin.asked().len(), 6);
    // What can be stored after all is stored at once.
    edge.origin.reply(ok("cache-control: max-age=60", "shared"));
    assert_eq!(edge.get("/a").await.body(), "shared");
    assert_eq!(edge.get("/a").await.body(), "shared");
    assert_eq!(edge.origin.asked().len(), 7);
}

#[tokio::test]
async fn many_clients_are_one_request_to_the_origin() {
    let edge = Edge::start().await;
    let gate = Gate::default();
    edge.origin.reply(
        [
            vec![gate.clone().into()],
            ok("cache-control: max-age=60", "shared"),
        ]
        .concat(),
    );
    let leader = edge.send("GET", "/a", "");
    edge.origin.asked_for(1).await;
    let waiting: Vec<_> = (0..20).map(|_| edge.send("GET", "/a", "")).collect();
    gate.open();
    assert_eq!(leader.response().await.body(), "shared");
    for client in waiting {
        assert_eq!(client.response().await.body(), "shared");
    }
    assert_eq!(edge.origin.asked().len(), 1);
}

#[tokio::test]
async fn a_purge_takes_all_variants_and_wins_against_a_fill() {
    let edge = Edge::start().await;
    for language in ["de", "en"] {
        edge.origin.reply(ok(
            "cache-control: max-age=60\r\nvary: accept-language",
            language,
        ));
        let asked = format!("accept-language: {language}\r\n");
        let miss = edge.ask("GET", "/a", &asked).await;
        let why = if language == "de" {
            "uri-miss"
        } else {
            "vary-miss"
        };
        let status = format!("test; fwd={why}; fwd-status=200; stored; ttl=60");
        assert_eq!(
            (miss.body(), miss.field("cache-status")),
            (language, &*status)
        );
        let hit = edge.ask("GET", "/a", &asked).await;
        assert_eq!(
            (hit.body(), hit.field("cache-status")),
            (language, "test; hit; ttl=60")
        );
    }
    edge.cache
        .objects()
        .purge(&Purge::Url(edge.key("/a").as_ref()), Mode::Hard);
    let gate = Gate::default();
    edge.origin.reply(
        [
            vec![gate.clone().into()],
            ok("cache-control: max-age=60", "old"),
        ]
        .concat(),
    );
    let client = edge.send("GET", "/a", "accept-language: de\r\n");
    edge.origin.asked_for(3).await;
    edge.cache
        .objects()
        .purge(&Purge::Host("a.example"), Mode::Hard);
    gate.open();
    assert_eq!(client.response().await.body(), "old");
    edge.origin.reply(ok("cache-control: max-age=60", "new"));
    assert_eq!(edge.get("/a").await.body(), "new");
}

#[tokio::test]
async fn a_soft_purge_makes_stale() {
    let edge = Edge::start().await;
    edge.origin.reply(ok(
        "cache-control: max-age=60, stale-while-revalidate=60\r\nsurrogate-key: news",
        "v1",
    ));
    edge.get("/a").await;
    edge.cache
        .objects()
        .purge(&Purge::SurrogateKey("news"), Mode::Soft);
    edge.origin.reply(ok("cache-control: max-age=60", "v2"));
    assert_eq!(edge.get("/a").await.body(), "v1");
    assert_eq!(edge.eventually("/a", "v2").await.body(), "v2");
}

#[tokio::test]
async fn what_grows_too_large_reaches_its_client_whole() {
    let edge = Edge::start().await;
    let body = "x".repeat(3 << 20);
    let chunked = format!(
        "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    for asked in 1..=2 {
        edge.origin.reply(vec![chunked.clone().into()]);
        let response = edge.get("/a").await;
        assert!(response.whole && response.body() == body);
        assert_eq!(edge.origin.asked().len(), asked);
    }
    edge.origin.reply(ok("cache-control: max-age=60", &body));
    let declared = edge.get("/b").await;
    assert!(declared.whole && declared.field("cache-status").ends_with("detail=too-large"));
}

#[tokio::test]
async fn cookies_are_not_stored_and_fields_that_are_private_reach_one_client_only() {
    let edge = Edge::start().await;
    for _ in 0..2 {
        edge.origin
            .reply(ok("cache-control: max-age=60\r\nset-cookie: a=b", "own"));
        assert_eq!(edge.get("/a").await.field("set-cookie"), "a=b");
    }
    edge.origin.reply(ok(
        "cache-control: max-age=60, private=\"x-own\"\r\nx-own: 1\r\nkeep-alive: timeout=5",
        "shared",
    ));
    assert_eq!(edge.get("/b").await.field("x-own"), "1");
    let hit = edge.get("/b").await;
    assert_eq!(
        (hit.body(), hit.field("x-own"), hit.field("keep-alive")),
        ("shared", "", "")
    );
    let edge = Edge::with(Rules {
        strip_set_cookie: true,
        ..Rules::default()
    })
    .await;
    edge.origin
        .reply(ok("cache-control: max-age=60\r\nset-cookie: a=b", "shared"));
    for _ in 0..2 {
        assert_eq!(edge.get("/a").await.field("set-cookie"), "");
    }
}

#[tokio::test]
async fn who_waited_for_a_request_that_failed_asks_again() {
    let edge = Edge::start().await;
    let gate = Gate::default();
    edge.origin.reply(vec![gate.clone().into()]);
    let leader = edge.send("GET", "/a", "");
    edge.origin.asked_for(1).await;
    let waiting = [(); 3].map(|()| edge.send("GET", "/a", ""));
    edge.origin.reply(ok("cache-control: max-age=60", "shared"));
    gate.open();
    assert_eq!(leader.response().await.status, 502);
    for client in waiting {
        assert_eq!(client.response().await.body(), "shared");
    }
    assert_eq!(edge.origin.asked().len(), 2);
}

#[tokio::test]
async fn a_206_is_never_stored() {
    let edge = Edge::start().await;
    let part = "HTTP/1.1 206 Partial Content\r\ncache-control: max-age=60\r\ncontent-range: bytes 0-1/10\r\ncontent-length: 2\r\n\r\n01";
    for asked in 1..=2 {
        edge.origin.reply(vec![part.into()]);
        assert_eq!(
            edge.get("/a").await.field("cache-status"),
            "test; fwd=uri-miss; fwd-status=206; detail=status"
        );
        assert_eq!(edge.origin.asked().len(), asked);
    }
}

#[tokio::test]
async fn an_object_that_has_to_be_validated_is_validated_by_each() {
    let edge = Edge::start().await;
    edge.origin
        .reply(ok("cache-control: no-cache\r\netag: \"a\"", "body"));
    edge.get("/a").await;
    let gate = Gate::default();
    let not_modified =
        "HTTP/1.1 304 Not Modified\r\ncache-control: no-cache\r\netag: \"a\"\r\n\r\n";
    for _ in 0..3 {
        edge.origin
            .reply(vec![gate.clone().into(), not_modified.into()]);
    }
    let clients = [(); 3].map(|()| edge.send("GET", "/a", ""));
    // All at once: nobody waits for another's answer.
    edge.origin.asked_for(4).await;
    gate.open();
    for client in clients {
        assert_eq!(client.response().await.body(), "body");
    }
}

#[tokio::test]
async fn a_successful_unsafe_request_invalidates_its_target() {
    let edge = Edge::start().await;
    edge.origin.reply(ok("cache-control: max-age=60", "v1"));
    edge.get("/a").await;
    for (status, body) in [("404 Not Found", "v1"), ("204 No Content", "v2")] {
        edge.origin.reply(vec![
            format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").into(),
        ]);
        let posted = edge.ask("POST", "/a", "content-length: 0\r\n").await;
        assert!(
            posted.field("cache-status").starts_with("test; fwd=method"),
            "{posted:?}"
        );
        if body == "v2" {
            edge.origin.reply(ok("cache-control: max-age=60", "v2"));
        }
        assert_eq!(edge.get("/a").await.body(), body);
    }
}

#[tokio::test]
async fn a_body_that_ends_with_its_connection_is_stored_with_its_length() {
    let edge = Edge::start().await;
    edge.origin.reply(vec![
        "HTTP/1.0 200 OK\r\ncache-control: max-age=60\r\n\r\nhello".into(),
    ]);
    let miss = edge.get("/a").await;
    assert!(miss.whole && miss.body() == "hello");
    let hit = edge.get("/a").await;
    assert_eq!((hit.body(), hit.field("content-length")), ("hello", "5"));
}

#[tokio::test]
async fn a_response_shorter_than_it_says_is_an_error_and_not_stored() {
    let edge = Edge::start().await;
    edge.origin.reply(vec![
        "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 9\r\n\r\nhello".into(),
    ]);
    // As long as nothing was sent on, there is a better answer than half of one.
    let cut = edge.get("/a").await;
    assert!(cut.status == 502 || !cut.whole);
    edge.origin.reply(ok("cache-control: max-age=60", "whole"));
    assert_eq!(edge.get("/a").await.body(), "whole");
}
