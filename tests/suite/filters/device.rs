//! Devices as the origin and the cache see them.

use rimward_tests::{Edge, Origin, hit, miss};

const PHONE: &str = "user-agent: Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1";
const OTHER_PHONE: &str =
    "user-agent: Mozilla/5.0 (Android 14; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0";
const DESKTOP: &str =
    "user-agent: Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0";

#[tokio::test]
async fn each_kind_has_its_own_object() {
    let origin = Origin::start().await;
    let filter = r#"{ use = "device", header = "x-device", preset = "cloudfront", vary = true }"#;
    let edge = Edge::site_with(&origin, &format!("filters = [{filter}]")).await;
    origin.reply("/a", "cache-control: max-age=60", "small");
    let first = edge
        .request(&format!("GET /a\nx-device: desktop\n{PHONE}"))
        .await;
    assert_eq!(first, miss("small"));
    assert!(
        first
            .headers
            .all("vary")
            .any(|value| value.contains("User-Agent"))
    );
    let asked = origin.last();
    assert_eq!(asked.header("x-device"), Some("mobile"));
    assert_eq!(asked.header("cloudfront-is-mobile-viewer"), Some("true"));
    assert_eq!(asked.header("cloudfront-is-desktop-viewer"), Some("false"));
    assert_eq!(
        edge.request(&format!("GET /a\n{OTHER_PHONE}")).await,
        hit("small")
    );
    origin.reply("/a", "cache-control: max-age=60", "large");
    assert_eq!(
        edge.request(&format!("GET /a\n{DESKTOP}")).await,
        miss("large")
    );
    assert_eq!(
        edge.request(&format!("GET /a\n{PHONE}")).await,
        hit("small")
    );
}
