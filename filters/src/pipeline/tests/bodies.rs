//! Bodies that are rewritten or replaced as they pass.

use http::header::HeaderName;

use super::*;

#[tokio::test]
async fn a_filter_that_did_not_say_it_rewrites_may_not() {
    let mut bench = bench(&[("a", Deed::WrapUntold, STOP)]);
    let failure = bench.response(1).await.err().unwrap();
    assert!(
        failure.to_string().contains("without having said"),
        "{failure}"
    );
    assert!(!bench.pipeline.rewrites(Phase::Response));
}

#[tokio::test]
async fn a_body_is_replaced_where_there_is_one() {
    for (status, replaced) in [
        (200, true),
        (204, false),
        (304, false),
        (404, true),
        (599, true),
    ] {
        let mut bench = bench(&[("a", Deed::Wrap, STOP), ("c", Deed::Replace, STOP)]);
        let mut head = ResponseHeader::build(status, None).unwrap();
        let mut rewriters = bench.answer(2, &mut head).await.unwrap();
        assert!(rewriters.rewrites());
        assert_eq!(rewriters.replaces(), replaced, "{status}");
        if replaced {
            let body = rewriters.take_replacement().unwrap();
            assert_eq!(body.as_deref(), Some(&b"caA"[..]), "{status}");
            assert!(rewriters.is_empty());
        }
    }
}

#[tokio::test]
async fn what_comes_in_place_of_a_body_waits_for_its_end() {
    let mut bench = bench(&[("a", Deed::Wrap, STOP), ("c", Deed::ReplaceLater, STOP)]);
    let mut rewriters = bench.response(2).await.unwrap();
    assert_eq!(rewriters.pass(Some("old".into()), false).unwrap(), None);
    let passed = rewriters.pass(Some("er".into()), true).unwrap();
    assert_eq!(passed.as_deref(), Some(&b"caA"[..]));
    // Who rewrites what is gone has nothing to do any more.
    let mut bench = self::bench(&[("a", Deed::Replace, STOP), ("c", Deed::Wrap, STOP)]);
    let mut rewriters = bench.response(2).await.unwrap();
    let body = rewriters.take_replacement().unwrap();
    assert_eq!(body.as_deref(), Some(&b"a"[..]));
}

#[tokio::test]
async fn a_head_says_nothing_of_the_body_that_is_gone() {
    const FIELDS: [(&str, &str); 9] = [
        ("accept-ranges", "bytes"),
        ("content-encoding", "gzip"),
        ("content-length", "3"),
        ("content-md5", "x"),
        ("content-range", "bytes 0-2/9"),
        ("content-type", "text/plain"),
        ("etag", "\"old\""),
        ("last-modified", "Sat, 28 Nov 2026 00:00:00 GMT"),
        ("transfer-encoding", "chunked"),
    ];
    for (deed, status, expected) in [
        (Deed::Replace, 200, "content-type: text/plain"),
        (Deed::Replace, 206, "content-type: text/plain"),
        (
            Deed::ReplaceTagged,
            200,
            "content-type: text/plain, etag: \"new\"",
        ),
    ] {
        let mut head = ResponseHeader::build(status, None).unwrap();
        for (name, value) in FIELDS {
            let name = HeaderName::from_static(name);
            head.insert_header(name, value).unwrap();
        }
        let mut bench = bench(&[("a", deed, STOP)]);
        bench.answer(1, &mut head).await.unwrap();
        let told = head.headers.iter();
        let told = told.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
        let mut told: Vec<_> = told.collect();
        told.sort();
        assert_eq!(told.join(", "), expected, "{status}");
        assert_eq!(head.status, 200);
    }
    let mut parts = ResponseHeader::build(206, None).unwrap();
    let kind = "multipart/byteranges; boundary=x";
    parts.insert_header("content-type", kind).unwrap();
    let mut bench = bench(&[("a", Deed::Replace, STOP)]);
    bench.answer(1, &mut parts).await.unwrap();
    assert!(parts.headers.is_empty());
}

#[tokio::test]
async fn bodies_pass_the_rewriters_in_the_order_of_the_response_phase() {
    let mut bench = bench(&[
        ("a", Deed::Wrap, STOP),
        ("b", Deed::Pass, STOP),
        ("c", Deed::Wrap, STOP),
    ]);
    let mut rewriters = bench.response(3).await.unwrap();
    assert!(!rewriters.is_empty());
    let cases: [(Option<&'static str>, bool, Option<&str>); 4] = [
        (Some("1"), false, Some("1ca")),
        (None, false, None),
        (Some("2"), true, Some("2cCaA")),
        (None, true, Some("CaA")),
    ];
    for (bytes, end, expected) in cases {
        let passed = rewriters.pass(bytes.map(Bytes::from), end).unwrap();
        assert_eq!(
            passed.as_deref(),
            expected.map(str::as_bytes),
            "{bytes:?} {end}"
        );
    }
    assert!(rewriters.pass(Some("poison".into()), false).is_err());
}

#[test]
fn a_body_without_rewriters_passes_untouched() {
    let mut rewriters = Rewriters::default();
    let bytes = Bytes::from("as it is");
    let passed = rewriters.pass(Some(bytes.clone()), true).unwrap().unwrap();
    assert_eq!(passed.as_ptr(), bytes.as_ptr());
}
