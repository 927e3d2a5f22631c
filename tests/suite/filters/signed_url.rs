//! Who has a signed link gets in, from the cache too, and nobody else.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rimward_tests::{Binary, Edge, Files, Origin, edge::site, hit, miss};

const KEYS: &str = "k1 0123456789abcdef0123456789abcdef\n";

async fn with(files: Arc<Files>, origin: &Origin, settings: &str) -> Edge {
    let filter = format!("filters = [\"links\"]\n[filter.links]\nuse = \"signed_url\"\n{settings}");
    Edge::start_in(files, &site(origin, &filter)).await
}

fn own(files: &Files) -> String {
    files.write("links.keys", KEYS);
    "file = \"links.keys\"\ncookie = \"media\"".to_owned()
}

/// What `rimward sign` prints.
#[track_caller]
fn signs(words: &[&str]) -> String {
    let output = Binary::command(&[&["sign"], words].concat());
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .unwrap()
        .trim_end()
        .to_owned()
}

fn target(url: &str) -> &str {
    url.strip_prefix("http://example.com").unwrap()
}

#[tokio::test]
async fn a_link_of_the_command_lets_in_and_all_share_the_object() {
    let origin = Origin::start().await;
    let files = Arc::new(Files::new());
    let settings = own(&files);
    let edge = with(files.clone(), &origin, &settings).await;
    let keys = files.path("links.keys");
    let keys = keys.to_str().unwrap();
    let link = |more: &[&str]| {
        let url = "http://example.com/v/a.mp4?size=1";
        signs(&[&[url, "--key-file", keys], more].concat())
    };
    origin.reply("/v/a.mp4?size=1", "cache-control: max-age=60", "film");
    let (one, other) = (link(&[]), link(&["--expires", "1d", "--prefix", "/v/"]));
    assert_ne!(one, other);
    assert_eq!(edge.get(target(&one)).await, miss("film"));
    assert_eq!(edge.get(target(&other)).await, hit("film"));
    assert_eq!(origin.targets(), ["/v/a.mp4?size=1"]);
    let here = link(&["--ip", "127.0.0.0/8"]);
    assert_eq!(edge.get(target(&here)).await, hit("film"));
    let expired = link(&["--expires", "0s"]);
    let elsewhere = link(&["--ip", "192.0.2.1"]);
    let tampered = one.replace("size=1", "size=2");
    for wrong in [
        &*expired,
        &elsewhere,
        &tampered,
        "http://example.com/v/a.mp4?size=1",
    ] {
        let refused = edge.get(target(wrong)).await;
        assert_eq!(refused.status, 403, "{wrong}");
        assert!(!refused.text().contains("film"), "{wrong}");
    }
    assert_eq!(origin.requests().len(), 1);
}

#[tokio::test]
async fn a_cookie_serves_a_folder() {
    let origin = Origin::start().await;
    let files = Arc::new(Files::new());
    let settings = own(&files);
    let text = format!("[filter.links]\nuse = \"signed_url\"\nany_host = true\n{settings}\n");
    let whole = format!(
        "[[listen]]\naddress = \"127.0.0.1:0\"\n[origin.app]\nservers = [\"127.0.0.1:1\"]\n{text}\
         [[site]]\nhosts = [\"*\"]\norigin = \"app\"\nfilters = [\"links\"]\n"
    );
    files.write("pop.toml", &whole);
    let edge = with(
        files.clone(),
        &origin,
        &format!("any_host = true\n{settings}"),
    )
    .await;
    let pop = files.path("pop.toml");
    let cookie = signs(&[
        "https://other.example/v/list.m3u8",
        "--config",
        pop.to_str().unwrap(),
        "--filter",
        "links",
        "--prefix",
        "/v/",
        "--cookie",
    ]);
    origin.always("/v/list.m3u8", "cache-control: max-age=60", "list");
    origin.always("/v/1.ts", "cache-control: max-age=60", "piece");
    for (path, body) in [("/v/list.m3u8", "list"), ("/v/1.ts", "piece")] {
        let request = format!("GET {path}\ncookie: a=b; {cookie}");
        assert_eq!(edge.request(&request).await.text(), body);
        assert_eq!(origin.last().header("cookie"), Some("a=b"));
        assert_eq!(edge.request(&request).await, hit(body));
        assert_eq!(edge.get(path).await.status, 403);
    }
    let outside = format!("GET /w/1.ts\ncookie: {cookie}");
    assert_eq!(edge.request(&outside).await.status, 403);
}

#[tokio::test]
async fn what_was_made_for_cloudfront_lets_in() {
    let origin = Origin::start().await;
    let files = Arc::new(Files::new());
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let der = pair.public_key().as_der().unwrap();
    let pem = STANDARD.encode(der.as_ref());
    files.write(
        "cf.pem",
        format!("-----BEGIN PUBLIC KEY-----\n{pem}\n-----END PUBLIC KEY-----\n"),
    );
    let settings = "cloudfront = { keys = { K1 = \"cf.pem\" } }";
    let edge = with(files, &origin, settings).await;
    let encode = |bytes: &[u8]| {
        let text = STANDARD.encode(bytes);
        text.replace('+', "-").replace('=', "_").replace('/', "~")
    };
    let sign = |policy: &str| {
        let signature = pair.sign(&SystemRandom::new(), policy.as_bytes()).unwrap();
        encode(signature.as_ref())
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let until = (now + Duration::from_secs(600)).as_secs();
    let policy = |resource: &str| {
        format!(
            r#"{{"Statement":[{{"Resource":"{resource}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{until}}}}}}}]}}"#
        )
    };
    let tail = "Key-Pair-Id=K1&Hash-Algorithm=SHA256";
    let canned = sign(&policy("http://example.com/a?b=c"));
    let custom = policy("http://example.com/*");
    let signature = sign(&custom);
    let custom = encode(custom.as_bytes());
    origin.reply("/a?b=c", "cache-control: max-age=60", "film");
    let by_canned = format!("/a?b=c&Expires={until}&Signature={canned}&{tail}");
    let by_custom = format!("/a?b=c&Policy={custom}&Signature={signature}&{tail}");
    assert_eq!(edge.get(&by_canned).await, miss("film"));
    assert_eq!(edge.get(&by_custom).await, hit("film"));
    let cookies = format!(
        "CloudFront-Policy={custom}; CloudFront-Signature={signature}; CloudFront-Key-Pair-Id=K1; CloudFront-Hash-Algorithm=SHA256"
    );
    let by_cookies = format!("GET /a?b=c\ncookie: {cookies}");
    assert_eq!(edge.request(&by_cookies).await, hit("film"));
    assert_eq!(origin.targets(), ["/a?b=c"]);
    for wrong in [
        "/a?b=c".to_owned(),
        by_canned.replace(&until.to_string(), &(until + 1).to_string()),
        by_custom.replace("SHA256", "SHA1"),
        by_custom.replace("K1", "K2"),
    ] {
        assert_eq!(edge.get(&wrong).await.status, 403, "{wrong}");
    }
}

#[test]
fn what_can_not_be_signed_is_told() {
    let files = Files::new();
    own(&files);
    files.write("short.keys", "k1 short\n");
    files.write(
        "pop.toml",
        "[filter.other]\nuse = \"cors\"\norigins = [\"*\"]\n",
    );
    let path = |name: &str| files.path(name).to_str().unwrap().to_owned();
    let (keys, short, pop) = (path("links.keys"), path("short.keys"), path("pop.toml"));
    for (words, code, expected) in [
        (&["http://example.com/a"][..], 2, "required"),
        (
            &[
                "http://example.com/a",
                "--key-file",
                &keys,
                "--config",
                &pop,
            ],
            2,
            "cannot be used with",
        ),
        (
            &["http://example.com/a", "--filter", "links"],
            2,
            "--config",
        ),
        (
            &["/a", "--key-file", &keys],
            1,
            "`/a` is not an absolute URL",
        ),
        (
            &[
                "http://example.com/a",
                "--key-file",
                &keys,
                "--expires",
                "1x",
            ],
            2,
            "1x",
        ),
        (
            &[
                "http://example.com/a",
                "--key-file",
                &keys,
                "--prefix",
                "/b/",
            ],
            1,
            "`/a` is not below `/b/`",
        ),
        (
            &["http://example.com/a", "--key-file", &keys, "--key", "k2"],
            1,
            "there is no key `k2`: k1",
        ),
        (
            &["http://example.com/a", "--key-file", &keys, "--cookie"],
            1,
            "the filter takes no cookie",
        ),
        (
            &["http://example.com/a", "--key-file", &short],
            1,
            "a secret has at least 32 characters",
        ),
        (
            &["http://example.com/a", "--key-file", "absent"],
            1,
            "can't be read",
        ),
    ] {
        let output = Binary::command(&[&["sign"], words].concat());
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{words:?}: {told}");
        assert!(told.contains(expected), "{words:?}: {told}");
        assert!(output.stdout.is_empty());
    }
}
