//! Links and cookies that were made for CloudFront, by others.

use super::vectors::{ANYWHERE, EC, POLICY, RSA, VECTORS, Vector};
use super::*;

fn cloudfront(more: &str) -> SignedUrl {
    let folder = tempfile::tempdir().unwrap();
    for (name, key) in [("rsa", RSA), ("ec", EC)] {
        std::fs::write(folder.path().join(name), key).unwrap();
    }
    let settings = format!("cloudfront = {{ keys = {{ RSA = \"rsa\", EC = \"ec\" }}, {more} }}");
    timed(build_in(folder.path(), &settings).unwrap())
}

fn parameters(vector: &Vector, is_custom: bool) -> String {
    let hash = match vector.hash {
        "" => String::new(),
        hash => format!("&Hash-Algorithm={hash}"),
    };
    let (key, canned, custom) = (vector.key, vector.canned, vector.custom);
    match is_custom {
        false => format!("Expires=1800000600&Signature={canned}&Key-Pair-Id={key}{hash}"),
        true => format!("Policy={POLICY}&Signature={custom}&Key-Pair-Id={key}{hash}"),
    }
}

/// The same as cookies.
fn as_cookies(parameters: &str) -> String {
    let cookies: Vec<String> = parameters
        .split('&')
        .map(|pair| format!("CloudFront-{pair}"))
        .collect();
    cookies.join("; ")
}

fn canned(vector: &Vector) -> String {
    format!(
        "https://example.com/private/a.jpg?size=large&{}",
        parameters(vector, false)
    )
}

#[test]
fn urls_and_cookies_of_both_policies_let_in() {
    let filter = cloudfront("");
    for vector in &VECTORS {
        for is_custom in [false, true] {
            let parameters = parameters(vector, is_custom);
            // Twice: what was verified is remembered.
            for _ in 0..2 {
                let mut url = asks(&format!(
                    "https://example.com/private/a.jpg?size=large&{parameters}"
                ));
                assert_eq!(outcome(&filter, &mut url), "", "{parameters}");
                assert_eq!(url.request.uri.to_string(), "/private/a.jpg?size=large");
                let line = format!("a=b; {}", as_cookies(&parameters));
                let mut cookie = exchange("GET", "/private/a.jpg?size=large", &[("cookie", &line)]);
                assert_eq!(outcome(&filter, &mut cookie), "", "{line}");
                assert_eq!(cookie.header("cookie"), Some("a=b"));
            }
        }
    }
}

#[test]
fn a_canned_policy_is_for_one_url_and_time() {
    let filter = cloudfront("");
    for vector in &VECTORS {
        let url = canned(vector);
        for (from, to, expected) in [
            ("a.jpg", "b.jpg", "invalid"),
            ("size=large", "size=small", "invalid"),
            ("size=large&", "", "invalid"),
            ("size=large", "size=large&more", "invalid"),
            ("example.com", "example.org", "invalid"),
            ("1800000600", "1800000601", "invalid"),
            ("1800000600", "+1800000600", "invalid"),
            ("1800000600", "99999999999999999999", "invalid"),
            ("Key-Pair-Id=", "Key-Pair-Id=x", "invalid"),
            ("Signature=", "Signature=A", "invalid"),
            ("Signature=", "Signature=!&x=", "invalid"),
            ("Expires=", "Expires=1&Expires=", "invalid"),
            ("Expires=", "Policy=e30_&Expires=", "invalid"),
            ("Expires=", "xxpires=", "invalid"),
            (
                "&Key-Pair-Id=",
                "&Hash-Algorithm=SHA512&Key-Pair-Id=",
                "invalid",
            ),
            ("", "", ""),
        ] {
            let changed = url.replace(from, to);
            assert_eq!(outcome(&filter, &mut asks(&changed)), expected, "{changed}");
        }
        let mut clear = asks(&url);
        clear.client.scheme = crate::exchange::Scheme::Http;
        assert_eq!(outcome(&filter, &mut clear), "invalid");
        CLOCK.set(NOW + 600);
        assert_eq!(outcome(&filter, &mut asks(&url)), "expired");
        CLOCK.set(NOW);
    }
    assert_eq!(
        outcome(&filter, &mut asks("https://example.com/private/a.jpg")),
        "missing"
    );
}

#[test]
fn a_signature_is_for_its_key_and_hash() {
    let filter = cloudfront("");
    let [rsa1, rsa256, ec1, ec256] = &VECTORS;
    for (hash, signature, key) in [
        ("", rsa256.canned, "RSA"),
        ("&Hash-Algorithm=SHA256", rsa1.canned, "RSA"),
        ("", ec256.canned, "EC"),
        ("&Hash-Algorithm=SHA256", ec1.canned, "EC"),
        ("", rsa1.canned, "EC"),
        ("", ec1.canned, "RSA"),
        ("", rsa1.custom, "RSA"),
    ] {
        let url = format!(
            "https://example.com/private/a.jpg?size=large&Expires=1800000600&Signature={signature}&Key-Pair-Id={key}{hash}"
        );
        assert_eq!(outcome(&filter, &mut asks(&url)), "invalid", "{url}");
    }
}

#[test]
fn a_custom_policy_says_where_when_and_for_whom() {
    let filter = cloudfront("");
    let query = parameters(&VECTORS[0], true);
    let ask = |base: &str| asks(&format!("{base}?{query}"));
    for (base, ip, seconds, expected) in [
        ("https://example.com/private/b/c.ts", "203.0.113.9", NOW, ""),
        (
            "https://example.com/private/",
            "::ffff:203.0.113.9",
            NOW,
            "",
        ),
        (
            "https://example.com/public/a.jpg",
            "203.0.113.9",
            NOW,
            "elsewhere",
        ),
        (
            "https://example.org/private/a.jpg",
            "203.0.113.9",
            NOW,
            "elsewhere",
        ),
        (
            "https://example.com/private/a.jpg",
            "203.0.114.9",
            NOW,
            "elsewhere",
        ),
        (
            "https://example.com/private/a.jpg",
            "2001:db8::1",
            NOW,
            "elsewhere",
        ),
        (
            "https://example.com/private/a.jpg",
            "203.0.113.9",
            1_799_999_000,
            "elsewhere",
        ),
        (
            "https://example.com/private/a.jpg",
            "203.0.113.9",
            1_799_999_001,
            "",
        ),
        (
            "https://example.com/private/a.jpg",
            "203.0.113.9",
            NOW + 600,
            "expired",
        ),
    ] {
        CLOCK.set(seconds);
        let mut exchange = ask(base);
        exchange.client.ip = ip.parse().unwrap();
        assert_eq!(
            outcome(&filter, &mut exchange),
            expected,
            "{base} {ip} {seconds}"
        );
    }
    CLOCK.set(NOW);
    let mut clear = ask("https://example.com/private/a");
    clear.client.scheme = crate::exchange::Scheme::Http;
    assert_eq!(outcome(&filter, &mut clear), "", "http*");
    let other = query.replace(POLICY, ANYWHERE.0);
    assert_eq!(
        outcome(
            &filter,
            &mut asks(&format!("https://example.com/private/a?{other}"))
        ),
        "invalid"
    );
    let (policy, signature) = ANYWHERE;
    let url =
        format!("https://any.example/x?Policy={policy}&Signature={signature}&Key-Pair-Id=RSA");
    assert_eq!(outcome(&filter, &mut asks(&url)), "");
}

#[test]
fn a_wrong_url_is_not_made_good_by_cookies() {
    let filter = cloudfront("");
    let line = as_cookies(&parameters(&VECTORS[0], false));
    for (target, expected) in [
        ("/private/a.jpg?size=large", ""),
        ("/private/a.jpg?size=large&Expires=1800000600", "invalid"),
        ("/private/a.jpg?size=large&Hash-Algorithm=SHA1", "invalid"),
    ] {
        let mut exchange = exchange("GET", target, &[("cookie", &line)]);
        assert_eq!(outcome(&filter, &mut exchange), expected, "{target}");
    }
}

#[test]
fn links_for_another_host_go_on_working() {
    let moved = |url: String| url.replace("//example.com", "//www.example.org");
    let url = moved(canned(&VECTORS[0]));
    assert_eq!(outcome(&cloudfront(""), &mut asks(&url)), "invalid");
    let filter = cloudfront("hosts = [\"example.com\"]");
    assert_eq!(outcome(&filter, &mut asks(&url)), "");
    let custom = format!(
        "https://www.example.org/private/x?{}",
        parameters(&VECTORS[2], true)
    );
    assert_eq!(outcome(&filter, &mut asks(&custom)), "");
    refused::<SignedUrl>(
        "cloudfront = { keys = { K1 = \"absent\" }, hosts = [\"https://a\"] }",
        "can't be read",
    );
}

#[test]
fn both_kinds_live_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rsa"), RSA).unwrap();
    let settings = format!("{SECRETS}cloudfront = {{ keys = {{ RSA = \"rsa\" }} }}");
    let filter: SignedUrl = timed(build_in(folder.path(), &settings).unwrap());
    assert_eq!(outcome(&filter, &mut asks(&canned(&VECTORS[0]))), "");
    let ours = signed("https://example.com/a", &for_ten_minutes());
    assert_eq!(outcome(&filter, &mut asks(&ours.url)), "");
    let wrong = ours.url.replace("rw-key=k1", "rw-key=k2");
    let cookies = format!(
        "{}; {}",
        ours.cookie.unwrap(),
        as_cookies(&parameters(&VECTORS[0], true))
    );
    let mut wrong = asks(&wrong);
    wrong.request.insert_header("cookie", &cookies).unwrap();
    assert_eq!(outcome(&filter, &mut wrong), "invalid");
}
