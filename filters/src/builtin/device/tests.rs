//! What clients are taken for, and how that is told.

use super::*;
use crate::testing::{build, exchange, refused, status, values};

const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1";
const TABLET: &str = "Mozilla/5.0 (Android 13; Tablet; rv:133.0) Gecko/133.0 Firefox/133.0";
const TV: &str = "Roku/DVP-12.0 (12.0.0.4182-88)";
const GOOGLE_PHONE: &str = "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.6778.69 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";

fn seen(filter: &Device, user_agent: &str) -> Exchange {
    let fields = [
        ("user-agent", user_agent),
        ("cloudfront-is-ios-viewer", "true"),
        ("x-device", "mine"),
    ];
    let mut exchange = exchange("GET", "/", &fields);
    assert_eq!(status(filter, &mut exchange), 0);
    exchange
}

#[test]
fn kinds_are_told_and_told_apart() {
    for (settings, user_agent, expected) in [
        ("", IPHONE, "mobile"),
        ("", TABLET, "tablet"),
        ("", TV, "tv"),
        ("", GOOGLE_PHONE, "bot"),
        ("systems = true", IPHONE, "mobile-ios"),
        ("systems = true", TABLET, "tablet-android"),
        ("systems = true", TV, "tv"),
        ("kinds = ['desktop', 'mobile']", GOOGLE_PHONE, "mobile"),
        ("kinds = ['desktop', 'mobile']", TABLET, "desktop"),
        ("kinds = ['desktop']", TV, "desktop"),
    ] {
        let filter: Device = build(&format!("header = 'x-device'\n{settings}")).unwrap();
        let exchange = seen(&filter, user_agent);
        assert_eq!(
            exchange.header("x-device"),
            Some(expected),
            "{settings} {user_agent}"
        );
        assert_eq!(&*exchange.chosen.key_parts[0].value, expected);
    }
    let filter: Device = build("header = 'x-device'\nkey = false").unwrap();
    assert!(seen(&filter, IPHONE).chosen.key_parts.is_empty());
}

#[test]
fn origins_that_know_cloudfront_are_told_in_its_words() {
    for (settings, user_agent, expected) in [
        ("", IPHONE, ["false", "true", "false", "false", "", ""]),
        (
            "",
            GOOGLE_PHONE,
            ["true", "false", "false", "false", "", ""],
        ),
        (
            "systems = true",
            IPHONE,
            ["false", "true", "false", "false", "true", "false"],
        ),
        (
            "systems = true",
            TABLET,
            ["false", "false", "true", "false", "false", "true"],
        ),
        (
            "systems = true",
            TV,
            ["false", "false", "false", "true", "false", "false"],
        ),
    ] {
        let filter: Device = build(&format!("preset = 'cloudfront'\n{settings}")).unwrap();
        let exchange = seen(&filter, user_agent);
        let told = ["desktop", "mobile", "tablet", "smarttv", "ios", "android"].map(|kind| {
            exchange
                .header(&format!("cloudfront-is-{kind}-viewer"))
                .unwrap_or("")
        });
        assert_eq!(told, expected, "{settings} {user_agent}");
    }
}

#[test]
fn responses_tell_what_they_go_by() {
    let filter: Device = build("vary = true\naccept_ch = true").unwrap();
    let mut head = ResponseHeader::build(200, None).unwrap();
    head.insert_header("vary", "user-agent").unwrap();
    filter.response(&mut seen(&filter, TV), &mut head).unwrap();
    let vary = [
        "user-agent",
        "Sec-CH-UA-Mobile",
        "Sec-CH-UA-Platform",
        "Sec-CH-UA-Form-Factors",
    ];
    assert_eq!(values(&head, "vary"), vary);
    assert_eq!(values(&head, "accept-ch"), [vary[1..].join(", ")]);
    assert_eq!(
        build::<Device>("").unwrap().phases(),
        Phases::only(Phase::Request)
    );
}

#[test]
fn mistakes_are_told() {
    for (settings, expected) in [
        (
            "kinds = ['mobile']",
            "kinds: `desktop` has to be among them",
        ),
        ("kinds = ['phone']", "`phone` is not one of"),
        ("key = false", "nobody is told the kind"),
        ("preset = 'akamai'", "`akamai` is not one of"),
        (
            "header = 'content-length'",
            "header: `content-length` delimits",
        ),
    ] {
        refused::<Device>(settings, expected);
    }
}
