//! Buckets as origins, of a real S3 server.

mod store;

use std::sync::Arc;

use rimward_tests::{Binary, Edge, Files, Origin, fill, hit, miss, revalidated, secs};
use store::{ID, SECRET, Store};

/// A file with keys, in the format of Amazon's tools.
fn keys(id: &str, secret: &str) -> String {
    format!("[edge]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n")
}

/// One site over the bucket of a store, with more keys for `s3`, for its origin and for the site.
fn site(store: &Store, s3: &str, origin: &str, site: &str) -> String {
    let text = "[origin.assets]\n{origin}\n[origin.assets.s3]\nbucket = \"assets\"\nendpoint = \"http://{store}\"\ncredentials = { file = \"keys\", profile = \"edge\" }\n{s3}\n[[site]]\nhosts = [\"*\"]\norigin = \"assets\"\n{site}\n";
    fill(
        text,
        &[
            ("store", store),
            ("s3", &s3),
            ("origin", &origin),
            ("site", &site),
        ],
    )
}

/// The right keys.
fn files() -> Arc<Files> {
    let files = Arc::new(Files::new());
    files.write("keys", keys(ID, SECRET));
    files
}

/// An edge over the bucket of a store, with more keys for `s3`.
async fn edge(store: &Store, s3: &str) -> Edge {
    Edge::start_in(
        files(),
        &site(store, s3, "", "cache = { default_ttl = \"1h\" }"),
    )
    .await
}

#[tokio::test]
async fn objects_are_served_and_cached() {
    let store = Store::start().await;
    store.put("a.txt", "object");
    let edge = edge(&store, "").await;
    assert_eq!(edge.get("/a.txt").await, miss("object"));
    assert_eq!(edge.get("/a.txt").await, hit("object"));
    assert_eq!(store.asked().len(), 1);
    assert_eq!(store.last().target, "/assets/a.txt");
}

#[tokio::test]
async fn keys_of_all_kinds_are_signed_right() {
    let store = Store::start().await;
    let edge = edge(&store, "").await;
    for (key, target) in [
        ("a b.txt", "/a%20b.txt"),
        ("a+b.txt", "/a+b.txt"),
        ("c+d.txt", "/c%2Bd.txt"),
        ("ü/日本.txt", "/%C3%BC/%E6%97%A5%E6%9C%AC.txt"),
        ("a'(b)*!$&,;=:@~-_.txt", "/a'(b)*!$&,;=:@~-_.txt"),
        ("100%.txt", "/100%25.txt"),
        ("what?.txt", "/what%3F.txt"),
        ("x/y/z.txt", "/x/y/z.txt"),
    ] {
        store.put(key, key);
        assert_eq!(edge.get(target).await, miss(key), "{target}");
    }
}

#[tokio::test]
async fn ranges_and_heads_are_signed_too() {
    let store = Store::start().await;
    store.put("a.txt", "0123456789");
    let edge = Edge::start_in(files(), &site(&store, "", "", "cache = false")).await;
    let part = edge.request("GET /a.txt\nrange: bytes=2-4").await;
    assert_eq!((part.status, part.text()), (206, "234"));
    assert_eq!(part.header("content-range"), Some("bytes 2-4/10"));
    let beyond = edge.request("GET /a.txt\nrange: bytes=20-").await;
    assert_eq!(beyond.status, 416);
    assert!(!beyond.text().contains("InvalidRange"), "{beyond:?}");
    let head = edge.request("HEAD /a.txt").await;
    assert_eq!(
        (head.status, head.header("content-length")),
        (200, Some("10"))
    );
    assert_eq!(edge.request("HEAD /b.txt").await.status, 404);
}

#[tokio::test]
async fn slices_are_fetched_from_a_bucket() {
    let store = Store::start().await;
    let content = "0123456789abcdef".repeat(16 * 1024);
    store.put("large", &content);
    let words = "cache = { default_ttl = \"1h\", slice = \"64KiB\" }";
    let edge = Edge::start_in(files(), &site(&store, "", "", words)).await;
    let part = edge.request("GET /large\nrange: bytes=65530-65545").await;
    assert_eq!((part.status, part.text()), (206, &content[65530..=65545]));
    assert!(
        store
            .asked()
            .iter()
            .all(|asked| asked.header("range").is_some())
    );
}

#[tokio::test]
async fn a_stale_object_is_revalidated_by_its_tag() {
    let store = Store::start().await;
    store.put("a.txt", "object");
    let edge = edge(&store, "").await;
    edge.get("/a.txt").await;
    edge.pass_time(secs(7200));
    assert_eq!(edge.get("/a.txt").await, revalidated("object"));
    assert!(store.last().header("if-none-match").is_some());
}

#[tokio::test]
async fn what_is_missing_is_a_404_of_the_edges_own() {
    let store = Store::start().await;
    let edge = edge(&store, "").await;
    let missing = edge.get("/a.txt").await;
    assert_eq!(missing.status, 404);
    assert!(missing.text().contains("404 Not Found"), "{missing:?}");
    assert!(
        missing
            .header("content-type")
            .unwrap()
            .starts_with("text/html")
    );
    assert!(
        !missing.text().contains("NoSuchKey") && !missing.text().contains("<Code>"),
        "{missing:?}"
    );
    let again = edge.get("/a.txt").await;
    assert_eq!((again.status, again.text()), (404, missing.text()));
    assert!(again.cache_status().contains("hit"), "{again:?}");
    assert_eq!(store.asked().len(), 1);
}

#[tokio::test]
async fn an_error_page_of_the_site_stands_in_for_the_buckets() {
    let store = Store::start().await;
    let files = files();
    files.write("gone.html", "<p>gone</p>");
    let words = "error_pages = { 404 = \"gone.html\" }";
    let edge = Edge::start_in(files, &site(&store, "", "", words)).await;
    let missing = edge.get("/a.txt").await;
    assert_eq!((missing.status, missing.text()), (404, "<p>gone</p>"));
}

#[tokio::test]
async fn wrong_keys_are_refused_and_what_is_stored_stays() {
    let store = Store::start().await;
    store.put("a.txt", "object");
    store.put("b.txt", "object");
    let text = site(
        &store,
        "",
        "",
        "cache = { default_ttl = \"1m\", stale_if_error = \"1h\" }",
    );
    let edge = Edge::start_in(files(), &text).await;
    edge.get("/a.txt").await;
    for (id, secret) in [(ID, "another"), ("AKIAOTHER", SECRET)] {
        edge.files().write("keys", keys(id, secret));
        edge.reload(&text).await.unwrap();
        edge.pass_time(secs(120));
        let refused = edge.get("/b.txt").await;
        assert_eq!(refused.status, 502, "{id}");
        assert!(
            !refused.text().contains("assets") && !refused.text().contains("Signature"),
            "{refused:?}"
        );
        let kept = edge.get("/a.txt").await;
        assert_eq!((kept.status, kept.text()), (200, "object"), "{id}");
        assert!(kept.cache_status().contains("stale-if-error"), "{kept:?}");
    }
    edge.files().write("keys", keys(ID, SECRET));
    edge.reload(&text).await.unwrap();
    assert_eq!(edge.get("/b.txt").await, miss("object"));
}

#[tokio::test]
async fn the_log_tells_why_keys_are_refused_and_new_ones_are_read_when_they_come() {
    let store = Store::start().await;
    store.put("a.txt", "object");
    let files = files();
    files.write("keys", keys(ID, "another-secret"));
    let listen = "[[listen]]\naddress = \"127.0.0.1:0\"\n[log]\naccess = false\n";
    let mut edge = Binary::run(&files, &format!("{}{listen}", site(&store, "", "", ""))).await;
    assert_eq!(edge.get("/a.txt").await.status, 502);
    let told = edge.says("SignatureDoesNotMatch").await;
    assert!(
        told.contains("the secret key does not belong to the access key"),
        "{told}"
    );
    files.replace("keys", keys(ID, SECRET));
    edge.says("configuration reloaded").await;
    assert_eq!(edge.get("/a.txt").await, miss("object"));
    let output = edge.output();
    assert!(
        !output.contains("another-secret")
            && !output.contains(SECRET)
            && !output.contains("Signature="),
        "{output}"
    );
}

#[tokio::test]
async fn keys_that_are_not_there_are_told_before_anything_starts() {
    let store = Store::start().await;
    let files = Arc::new(Files::new());
    for (content, expected) in [
        (None, "keys` can't be read: No such file"),
        (Some("[default]\n"), "keys`: there is no section `[edge]`"),
        (
            Some("[edge]\naws_access_key_id = A\n"),
            "keys`: the section `[edge]` has no `aws_secret_access_key`",
        ),
    ] {
        if let Some(content) = content {
            files.write("keys", content);
        }
        let started = Edge::try_start_in(files.clone(), &site(&store, "", "", "")).await;
        let told = started.err().expect("there are no keys").to_string();
        assert!(
            told.contains("origin.assets.s3.credentials.file") && told.contains(expected),
            "{told}"
        );
    }
}

#[tokio::test]
async fn what_is_denied_is_told_or_is_missing() {
    let store = Store::start().await;
    for (words, status) in [("", 403), ("denied = 404", 404)] {
        let edge = edge(&store, words).await;
        store.fails(403, "AccessDenied");
        let denied = edge.get("/a.txt").await;
        assert_eq!(denied.status, status);
        assert!(!denied.text().contains("AccessDenied"), "{denied:?}");
        assert_eq!(denied.header("x-amz-bucket-region"), None);
    }
}

#[tokio::test]
async fn what_only_an_operator_can_mend_is_a_502() {
    let store = Store::start().await;
    store.put("a.txt", "object");
    let edge = edge(&store, "denied = 404").await;
    for (status, code) in [
        (404, "NoSuchBucket"),
        (301, "PermanentRedirect"),
        (307, "TemporaryRedirect"),
        (400, "AuthorizationHeaderMalformed"),
        (400, "ExpiredToken"),
        (403, "RequestTimeTooSkewed"),
        (403, "InvalidAccessKeyId"),
    ] {
        store.fails(status, code);
        let failed = edge.get("/a.txt").await;
        assert_eq!(failed.status, 502, "{code}");
        assert!(!failed.text().contains(code), "{failed:?}");
    }
    assert_eq!(edge.get("/a.txt").await, miss("object"));
}

#[tokio::test]
async fn a_busy_bucket_is_a_503_of_the_edges_own() {
    let store = Store::start().await;
    let edge = edge(&store, "").await;
    store.fails(503, "SlowDown");
    let busy = edge.get("/a.txt").await;
    assert_eq!(busy.status, 503);
    assert!(
        busy.text().contains("503") && !busy.text().contains("SlowDown"),
        "{busy:?}"
    );
}

#[tokio::test]
async fn a_retry_is_signed_again() {
    let store = Store::start().await;
    store.put("a.txt", "object");
    let retries = "retries = { on = [\"connect\", \"reset\", \"503\"] }";
    let edge = Edge::start_in(
        files(),
        &site(&store, "index = \"index.html\"", retries, ""),
    )
    .await;
    store.fails(503, "SlowDown");
    assert_eq!(edge.get("/a.txt").await, miss("object"));
    let asked = store.asked();
    assert_eq!(asked.len(), 2);
    for asked in asked {
        assert_eq!(asked.target, "/assets/a.txt");
        assert!(
            asked
                .header("authorization")
                .unwrap()
                .contains(&format!("Credential={ID}/"))
        );
        assert_eq!(asked.headers.get_all("x-amz-date").iter().count(), 1);
    }
}

#[tokio::test]
async fn anonymous_requests_are_not_signed() {
    let store = Store::public().await;
    store.put("a.txt", "object");
    let text = site(&store, "", "", "")
        .replace("{ file = \"keys\", profile = \"edge\" }", "\"anonymous\"");
    let edge = Edge::start(&text).await;
    let authorization = "authorization: AWS4-HMAC-SHA256 the client's own";
    let response = edge
        .request(&format!("GET /a.txt\n{authorization}\nx-amz-date: 1"))
        .await;
    assert_eq!((response.status, response.text()), (200, "object"));
    let asked = store.last();
    assert_eq!(
        (asked.header("authorization"), asked.header("x-amz-date")),
        (None, None)
    );
    let closed = Store::start().await;
    let edge = Edge::start(&text.replace(&store.to_string(), &closed.to_string())).await;
    assert_eq!(edge.get("/a.txt").await.status, 403);
}

#[tokio::test]
async fn a_prefix_comes_before_the_path_and_an_index_behind_it() {
    let store = Store::start().await;
    store.put("site/v2/index.html", "home");
    store.put("site/v2/docs/index.html", "docs");
    store.put("secret.txt", "secret");
    let edge = edge(&store, "prefix = \"/site/v2/\"\nindex = \"index.html\"").await;
    assert_eq!(edge.get("/").await, miss("home"));
    assert_eq!(edge.get("/docs/").await, miss("docs"));
    assert_eq!(edge.get("/about").await.status, 404);
    assert_eq!(edge.get("/secret.txt").await.status, 404);
    let before = store.asked().len();
    for target in [
        "/..%2F..%2Fsecret.txt",
        "/x%2F..%2F..%2Fsecret.txt",
        "/../../secret.txt",
    ] {
        let status = edge.get(target).await.status;
        assert!([400, 404].contains(&status), "{target}: {status}");
    }
    assert!(
        store.asked()[before..]
            .iter()
            .all(|asked| asked.target.starts_with("/assets/site/v2/"))
    );
}

#[tokio::test]
async fn nobody_lists_a_bucket_or_gives_it_commands() {
    let store = Store::start().await;
    store.put("a.txt", "object");
    let edge = edge(&store, "").await;
    assert_eq!(edge.get("/").await.status, 404);
    assert_eq!(edge.get("/?list-type=2").await.status, 404);
    assert!(store.asked().is_empty(), "{:?}", store.asked());
    for query in [
        "acl",
        "uploads",
        "list-type=2",
        "versionId=1",
        "X-Amz-Signature=1",
        "tagging",
    ] {
        let response = edge.get(&format!("/a.txt?{query}")).await;
        assert_eq!(
            (response.status, response.text()),
            (200, "object"),
            "{query}"
        );
        assert_eq!(store.last().target, "/assets/a.txt");
    }
    let fields =
        "authorization: Basic eDp5\ncookie: a=b\nx-amz-acl: public-read\nx-amz-security-token: t";
    edge.request(&format!("GET /a.txt?new\n{fields}")).await;
    let asked = store.last();
    for name in ["cookie", "x-amz-acl", "x-amz-security-token"] {
        assert_eq!(asked.header(name), None, "{name}");
    }
    assert!(
        asked
            .header("authorization")
            .unwrap()
            .starts_with("AWS4-HMAC-SHA256 ")
    );
    assert_eq!(asked.header("x-forwarded-for"), Some("127.0.0.1"));
}

#[tokio::test]
async fn parameters_that_are_named_reach_the_bucket() {
    let store = Store::start().await;
    store.put("a.txt", "object");
    let edge = edge(&store, "query = [\"response-content-disposition\"]").await;
    let target = "/a.txt?acl&response-content-disposition=attachment%3B+filename%3D%22b.txt%22";
    assert_eq!(edge.get(target).await.status, 200);
    let passed =
        "/assets/a.txt?response-content-disposition=attachment%3B%20filename%3D%22b.txt%22";
    assert_eq!(store.last().target, passed);
}

#[tokio::test]
async fn a_bucket_is_only_read_unless_it_is_writable() {
    let store = Store::start().await;
    store.put("a.txt", "object");
    let closed = edge(&store, "").await;
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        let refused = closed.request(&format!("{method} /a.txt")).await;
        assert_eq!(
            (refused.status, refused.header("allow")),
            (405, Some("GET, HEAD")),
            "{method}"
        );
    }
    assert!(store.asked().is_empty(), "{:?}", store.asked());
    let open = edge(&store, "writable = true").await;
    let put = open.request("PUT /new.txt?acl\nx-amz-acl: public-read\ncontent-type: text/plain\ncache-control: max-age=60\n\nwritten").await;
    assert_eq!(put.status, 200, "{put:?}");
    assert_eq!(
        store.last().header("x-amz-content-sha256"),
        Some("UNSIGNED-PAYLOAD")
    );
    let read = open.get("/new.txt").await;
    assert_eq!(read, miss("written"));
    assert_eq!(read.header("content-type"), Some("text/plain"));
    assert_eq!(open.request("DELETE /new.txt").await.status, 204);
    assert!(!store.has("new.txt"));
    let refused = open.request("POST /a.txt\n\nx").await;
    assert_eq!(
        (refused.status, refused.header("allow")),
        (405, Some("GET, HEAD, PUT, DELETE"))
    );
}

#[tokio::test]
async fn a_bucket_can_stand_before_the_host() {
    let store = Store::start().await;
    store.put("a.txt", "object");
    let named = format!("localhost:{}", store.port());
    let text = site(&store, "path_style = false", "", "").replace(&store.to_string(), &named);
    let edge = Edge::start_in(files(), &text).await;
    assert_eq!(edge.get("/a.txt").await, miss("object"));
    let asked = store.last();
    assert_eq!(
        (asked.target.as_str(), asked.header("host")),
        ("/a.txt", Some(format!("assets.{named}").as_str()))
    );
}

#[tokio::test]
async fn checks_of_a_bucket_ask_for_an_object_and_are_signed() {
    let store = Store::start().await;
    store.put("health.txt", "well");
    let health = "health = { path = \"/health.txt\", interval = \"20ms\", healthy_after = 1, unhealthy_after = 1 }";
    let edge = Edge::start_in(files(), &site(&store, "", health, "")).await;
    rimward_tests::within("a check", async {
        while store.asked().len() < 3 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let asked = store.last();
    assert_eq!(
        (asked.method.as_str(), asked.target.as_str()),
        ("GET", "/assets/health.txt")
    );
    assert!(asked.header("authorization").is_some());
    assert_eq!(
        edge.metric("rimward_origin_healthy{origin=\"assets\"}"),
        1.0,
        "{}",
        edge.metrics()
    );
}

#[tokio::test]
async fn a_bucket_can_speak_http2() {
    let origin = Origin::http2().await;
    origin.reply("/assets/a.txt", "", "object");
    origin.reply(
        "/assets/b.txt",
        "404\ncontent-type: application/xml",
        "<Code>NoSuchKey</Code>",
    );
    let text = "[origin.assets]\nhttp2 = true\n[origin.assets.s3]\nbucket = \"assets\"\nendpoint = \"http://{origin}\"\ncredentials = { file = \"keys\", profile = \"edge\" }\n[[site]]\nhosts = [\"*\"]\norigin = \"assets\"\n";
    let edge = Edge::start_in(files(), &fill(text, &[("origin", &origin)])).await;
    assert_eq!(edge.get("/a.txt").await.text(), "object");
    let asked = origin.last();
    let signed = "SignedHeaders=host;x-amz-content-sha256;x-amz-date,";
    assert!(
        asked.header("authorization").unwrap().contains(signed),
        "{asked:?}"
    );
    let missing = edge.get("/b.txt").await;
    assert_eq!(missing.status, 404);
    assert!(missing.text().contains("404 Not Found"), "{missing:?}");
}

#[test]
fn explain_tells_the_bucket_and_not_the_keys() {
    let files = files();
    let listen = "[[listen]]\naddress = \"127.0.0.1:0\"\n";
    let text = "[origin.assets.s3]\nbucket = \"my-assets\"\nregion = \"eu-central-1\"\nprefix = \"site\"\ncredentials = { file = \"keys\", profile = \"edge\" }\n[[site]]\nhosts = [\"*\"]\norigin = \"assets\"\n";
    let file = files.write("pop.toml", format!("{listen}{text}"));
    let file = file.to_str().unwrap();
    let told = Binary::command(&["explain", "GET", "http://example.com/a", "--config", file]);
    let told = String::from_utf8(told.stdout).unwrap();
    let expected = "assets: bucket my-assets at https://my-assets.s3.eu-central-1.amazonaws.com:443, below site/ (signed for eu-central-1 by `edge` of ";
    assert!(told.contains(expected), "{told}");
    assert!(!told.contains(ID) && !told.contains(SECRET), "{told}");
}
