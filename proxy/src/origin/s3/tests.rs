use std::time::{Duration, UNIX_EPOCH};

use http::StatusCode;
use rimward_config::Credentials;

use super::*;

/// Friday, 24 May 2013: the day of the examples in Amazon's manual.
fn then() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_369_353_600)
}

fn settings_of(bucket: &str) -> config::S3 {
    config::S3 {
        bucket: bucket.to_owned(),
        region: "us-east-1".to_owned(),
        path_style: false,
        prefix: String::new(),
        index: None,
        credentials: Credentials::Env,
        query: Vec::new(),
        writable: false,
        denied: 403,
    }
}

/// A bucket whose keys are those of the examples in Amazon's manual.
fn bucket_with(settings: config::S3, token: Option<&str>) -> S3 {
    let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    let keys = Keys::new(
        "AKIAIOSFODNN7EXAMPLE",
        secret,
        token.map(str::to_owned),
        None,
        "test",
    );
    S3 {
        base: Base::new(&settings),
        host: "examplebucket.s3.amazonaws.com".to_owned(),
        keys: Some(keys),
        settings,
    }
}

fn bucket(change: impl FnOnce(&mut config::S3)) -> S3 {
    let mut settings = settings_of("examplebucket");
    change(&mut settings);
    bucket_with(settings, None)
}

fn request(method: Method, target: &str, fields: &[(&'static str, &str)]) -> RequestHeader {
    let mut request = RequestHeader::build(method, target.as_bytes(), None).unwrap();
    for (name, value) in fields {
        request.append_header(*name, *value).unwrap();
    }
    request
}

fn field<'r>(request: &'r RequestHeader, name: &str) -> Option<&'r str> {
    request
        .headers
        .get(name)
        .map(|value| value.to_str().unwrap())
}

#[test]
fn an_object_is_asked_for_as_amazons_manual_does() {
    let mut request = request(
        Method::GET,
        "/test.txt",
        &[("range", "bytes=0-9"), ("via", "1.1 fra1")],
    );
    bucket(|_| ()).sign(&mut request, then()).unwrap();
    assert_eq!(
        field(&request, "host"),
        Some("examplebucket.s3.amazonaws.com")
    );
    assert_eq!(field(&request, "x-amz-date"), Some("20130524T000000Z"));
    assert_eq!(
        field(&request, "x-amz-content-sha256"),
        Some("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    );
    assert_eq!(
        field(&request, "authorization"),
        Some(
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
             SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, \
             Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        )
    );
}

#[test]
fn a_session_token_is_sent_and_signed() {
    let mut request = request(
        Method::GET,
        "/a",
        &[("x-amz-security-token", "the client's")],
    );
    let bucket = bucket_with(settings_of("examplebucket"), Some("token=="));
    bucket.sign(&mut request, then()).unwrap();
    assert_eq!(field(&request, "x-amz-security-token"), Some("token=="));
    let signed = "SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,";
    assert!(field(&request, "authorization").unwrap().contains(signed));
}

#[test]
fn signing_again_signs_anew() {
    let bucket = bucket(|_| ());
    let later = then() + Duration::from_secs(60);
    let mut once = request(Method::GET, "/a%20b", &[]);
    let mut twice = once.clone();
    bucket.sign(&mut twice, then()).unwrap();
    bucket.sign(&mut twice, later).unwrap();
    bucket.sign(&mut once, later).unwrap();
    assert_eq!(once.headers, twice.headers);
    assert_eq!(field(&once, "x-amz-date"), Some("20130524T000100Z"));
}

#[test]
fn what_is_the_clients_own_affair_does_not_reach_a_bucket() {
    let fields = [
        ("authorization", "Basic eDp5"),
        ("proxy-authorization", "Basic eDp5"),
        ("cookie", "a=b"),
        ("x-amz-acl", "public-read"),
        ("X-Amz-Copy-Source", "/other/secret"),
        ("x-goog-acl", "public-read"),
        ("if-none-match", "\"a\""),
        ("accept", "*/*"),
    ];
    let mut request = request(Method::GET, "/a?acl&versionId=1", &fields);
    let mut unsigned = bucket(|_| ());
    unsigned.keys = None;
    unsigned.sign(&mut request, then()).unwrap();
    let mut names: Vec<_> = request.headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "host", "if-none-match"]);
    assert_eq!(request.uri, "/a");
}

#[test]
fn a_path_becomes_a_key() {
    let base = |path_style, prefix: &str| {
        Base::new(&config::S3 {
            path_style,
            prefix: prefix.into(),
            ..settings_of("my.bucket")
        })
    };
    let (plain, path_style) = (&base(false, ""), &base(true, ""));
    let (prefix, index) = (&base(true, "site/ü v2/"), Some("index.html"));
    for (base, index, asked, expected) in [
        (plain, None, "/a/b.txt", Some("/a/b.txt")),
        (plain, None, "/a%20b", Some("/a%20b")),
        (plain, None, "/a+b", Some("/a%2Bb")),
        (plain, None, "/a%2Bb", Some("/a%2Bb")),
        (plain, None, "/a//b", Some("/a//b")),
        (plain, None, "//b", Some("//b")),
        (plain, None, "/%C3%BC", Some("/%C3%BC")),
        (plain, None, "/a%2Fb", Some("/a/b")),
        (
            plain,
            None,
            "/a'(b)*!$&,;=:@",
            Some("/a%27%28b%29%2A%21%24%26%2C%3B%3D%3A%40"),
        ),
        (plain, None, "/a%3Facl", Some("/a%3Facl")),
        (plain, None, "/folder/", Some("/folder/")),
        (plain, None, "/", None),
        (path_style, None, "/", None),
        (path_style, None, "/a", Some("/my.bucket/a")),
        (path_style, index, "/", Some("/my.bucket/index.html")),
        (path_style, index, "/a/", Some("/my.bucket/a/index.html")),
        (path_style, index, "/a", Some("/my.bucket/a")),
        (prefix, None, "/a", Some("/my.bucket/site/%C3%BC%20v2/a")),
        (prefix, None, "/", None),
        (prefix, None, "/..%2Fa", None),
        (prefix, None, "/x%2F..%2F..%2Fa", None),
        (prefix, None, "/a/./b", None),
        (
            prefix,
            None,
            "/..a",
            Some("/my.bucket/site/%C3%BC%20v2/..a"),
        ),
    ] {
        let path = target::path(base, asked, index);
        assert_eq!(path.ok().as_deref(), expected, "{base:?} {asked}");
    }
}

#[test]
fn a_key_is_only_so_long() {
    let is_asked = |prefix: &str, length| {
        let base = Base::new(&config::S3 {
            prefix: prefix.into(),
            ..settings_of("my-bucket")
        });
        let path = target::path(&base, &format!("/{}", "a".repeat(length)), None);
        path.map_err(|unasked| unasked.status)
            .map(|path| path.len() - 1)
    };
    assert_eq!(is_asked("", 1024), Ok(1024));
    assert_eq!(is_asked("", 1025), Err(404));
    assert_eq!(is_asked("site/", 1019), Ok(1024));
    assert_eq!(is_asked("site/", 1020), Err(404));
}

#[test]
fn the_base_is_bucket_and_prefix() {
    let base = |path_style, prefix: &str| {
        let settings = config::S3 {
            path_style,
            prefix: prefix.into(),
            ..settings_of("my-bucket")
        };
        Base::new(&settings).path
    };
    assert_eq!(base(false, ""), "/");
    assert_eq!(base(true, ""), "/my-bucket/");
    assert_eq!(base(false, "site/ü v2/"), "/site/%C3%BC%20v2/");
    assert_eq!(base(true, "site/"), "/my-bucket/site/");
}

#[test]
fn only_parameters_that_are_named_are_passed_on() {
    let passed = [
        "versionId".to_owned(),
        "response-content-disposition".to_owned(),
    ];
    for (asked, expected) in [
        ("acl", ""),
        ("versionId=a%2Fb", "?versionId=a%2Fb"),
        ("uploads&versionId=1&list-type=2", "?versionId=1"),
        (
            "response-content-disposition=attachment;+a&versionId",
            "?response-content-disposition=attachment%3B%20a&versionId=",
        ),
        ("versionid=1&Versionid=2", ""),
        ("version%49d=1", ""),
        ("", ""),
    ] {
        assert_eq!(target::query(Some(asked), &passed), expected, "{asked}");
        assert_eq!(target::query(Some(asked), &[]), "", "{asked}");
    }
    assert_eq!(target::query(None, &passed), "");
}

#[test]
fn a_bucket_is_read_unless_it_is_writable() {
    let status = |writable, method: &Method| {
        bucket(|s3| s3.writable = writable)
            .takes(method)
            .err()
            .map(|unasked| unasked.status)
    };
    for method in [Method::GET, Method::HEAD] {
        assert_eq!(
            (status(false, &method), status(true, &method)),
            (None, None)
        );
    }
    for method in [Method::PUT, Method::DELETE] {
        assert_eq!(
            (status(false, &method), status(true, &method)),
            (Some(405), None)
        );
    }
    for method in [
        Method::POST,
        Method::OPTIONS,
        Method::PATCH,
        Method::TRACE,
        Method::CONNECT,
    ] {
        assert_eq!(
            (status(false, &method), status(true, &method)),
            (Some(405), Some(405))
        );
    }
}

#[test]
fn what_is_written_is_not_hashed() {
    let mut put = request(
        Method::PUT,
        "/a?uploads",
        &[("content-length", "5"), ("x-amz-acl", "public-read")],
    );
    bucket(|s3| {
        s3.writable = true;
        s3.query = vec!["versionId".into()];
    })
    .sign(&mut put, then())
    .unwrap();
    assert_eq!(
        field(&put, "x-amz-content-sha256"),
        Some("UNSIGNED-PAYLOAD")
    );
    assert_eq!(
        (field(&put, "x-amz-acl"), put.uri.to_string().as_str()),
        (None, "/a")
    );
}

#[test]
fn the_code_of_an_error_is_read_from_its_body() {
    for (body, expected) in [
        (
            "<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code><Key>a</Key></Error>",
            Some("NoSuchKey"),
        ),
        (
            "HTTP/1.1 403 x\r\n\r\n8c\r\n<Error><Code>AccessDenied</Code>",
            Some("AccessDenied"),
        ),
        ("<Error><Code></Code>", None),
        ("<Error><Code>a b</Code>", None),
        ("<Error><Code>NoSuchKey", None),
        ("", None),
    ] {
        assert_eq!(code(body.as_bytes()), expected, "{body}");
    }
    assert_eq!(
        code(format!("<Code>{}</Code>", "a".repeat(65)).as_bytes()),
        None
    );
}

/// Status for the client, whether the origin has failed, and whether the operator is told.
fn becomes(denied: u16, reads: bool, status: u16, code: Option<&str>) -> Option<(u16, bool, bool)> {
    let status = StatusCode::from_u16(status).unwrap();
    let refusal =
        bucket(|s3| s3.denied = denied).refusal(reads, status, &HeaderMap::new(), code)?;
    Some((refusal.status, refusal.failed, refusal.fault.is_some()))
}

#[test]
fn each_error_has_its_meaning() {
    for (status, code, expected) in [
        (200, None, None),
        (206, None, None),
        (304, None, None),
        (404, Some("NoSuchKey"), Some((404, false, false))),
        (404, None, Some((404, false, false))),
        (404, Some("NoSuchBucket"), Some((502, true, true))),
        (403, Some("AccessDenied"), Some((403, false, true))),
        (403, None, Some((403, false, true))),
        (403, Some("InvalidAccessKeyId"), Some((502, true, true))),
        (403, Some("SignatureDoesNotMatch"), Some((502, true, true))),
        (403, Some("RequestTimeTooSkewed"), Some((502, true, true))),
        (400, Some("ExpiredToken"), Some((502, true, true))),
        (
            400,
            Some("AuthorizationHeaderMalformed"),
            Some((502, true, true)),
        ),
        (400, None, Some((502, true, true))),
        (401, None, Some((502, true, true))),
        (301, Some("PermanentRedirect"), Some((502, true, true))),
        (307, None, Some((502, true, true))),
        (412, None, Some((412, false, false))),
        (416, Some("InvalidRange"), Some((416, false, false))),
        (503, Some("SlowDown"), Some((503, false, true))),
        (500, None, Some((500, false, true))),
    ] {
        assert_eq!(
            becomes(403, true, status, code),
            expected,
            "{status} {code:?}"
        );
    }
    assert_eq!(
        becomes(404, true, 403, Some("AccessDenied")),
        Some((404, false, false))
    );
    assert_eq!(
        becomes(404, true, 403, Some("InvalidAccessKeyId")),
        Some((502, true, true))
    );
    assert_eq!(
        becomes(403, false, 400, Some("BadDigest")),
        Some((400, false, false))
    );
    let versions = bucket(|s3| s3.query = vec!["versionId".into()]);
    let (bad, none) = (StatusCode::BAD_REQUEST, HeaderMap::new());
    let odd = versions.refusal(true, bad, &none, Some("InvalidArgument"));
    assert_eq!(odd.map(|refusal| refusal.status), Some(400));
    assert_eq!(
        becomes(403, false, 400, Some("ExpiredToken")),
        Some((502, true, true))
    );
}

#[test]
fn the_operator_is_told_what_would_be_right() {
    let told = |status: u16, code, fields: &[(&'static str, &str)]| {
        let fields = fields.iter().map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_str(value).unwrap(),
            )
        });
        let status = StatusCode::from_u16(status).unwrap();
        let refusal = bucket(|_| ()).refusal(true, status, &fields.collect(), code);
        refusal.unwrap().fault.unwrap()
    };
    assert_eq!(
        told(403, Some("InvalidAccessKeyId"), &[]),
        "the bucket `examplebucket` answered 403 InvalidAccessKeyId: the access key is not known there: give the bucket's own keys"
    );
    assert_eq!(
        told(
            301,
            Some("PermanentRedirect"),
            &[("x-amz-bucket-region", "eu-west-1")]
        ),
        "the bucket `examplebucket` answered 301 PermanentRedirect: the bucket is elsewhere: correct `s3.region` or `s3.endpoint`; it is in the region `eu-west-1`"
    );
    let skewed = told(
        403,
        Some("RequestTimeTooSkewed"),
        &[("date", "Fri, 24 May 2013 00:00:00 GMT")],
    );
    assert!(
        skewed.contains("keep it by NTP; its clock and ours are "),
        "{skewed}"
    );
    let odd = told(
        503,
        None,
        &[
            ("x-amz-bucket-region", "a`b"),
            ("date", &httpdate::fmt_http_date(SystemTime::now())),
        ],
    );
    assert_eq!(
        odd,
        "the bucket `examplebucket` answered 503: it is asked more than it allows"
    );
}

#[test]
fn keys_are_not_shown() {
    let bucket = bucket_with(settings_of("examplebucket"), Some("token=="));
    let mut signed = request(Method::GET, "/a", &[]);
    bucket.sign(&mut signed, then()).unwrap();
    for shown in [format!("{bucket:?}"), format!("{:?}", signed.headers)] {
        for secret in ["AKIA", "wJalr", "token==", "Signature="] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
