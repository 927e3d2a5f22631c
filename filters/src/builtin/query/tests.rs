//! Tables of queries and the form they get.

use proptest::prelude::*;

use super::*;
use crate::testing::{build, exchange, refused, status};

#[track_caller]
fn check(settings: &str, target: &str, expected: &str) {
    let filter: Query = build(settings).unwrap();
    let mut exchange = exchange("GET", target, &[]);
    assert_eq!(status(&filter, &mut exchange), 0);
    assert_eq!(exchange.request.uri, expected, "{settings} on {target}");
}

#[test]
fn queries_get_one_form() {
    for (settings, target, expected) in [
        (
            "presets = ['tracking']",
            "/?utm_source=x&a=1&gclid=2&fbclid=3&_ga=4&mc_eid=5",
            "/?a=1",
        ),
        ("presets = ['tracking']", "/a?%75tm_source=x&yclid", "/a"),
        ("presets = ['tracking']", "/a?gclid2=x", "/a?gclid2=x"),
        ("drop = ['b*']", "/?a&b=1&bc=2&c=3&", "/?a&c=3"),
        (
            "keep = ['a', 'filter_*']",
            "/?b=1&filter_size=2&a=3&c",
            "/?filter_size=2&a=3",
        ),
        (
            "keep = ['a*']\ndrop = ['ab']",
            "/?a=1&ab=2&ac=3",
            "/?a=1&ac=3",
        ),
        ("keep = []", "/?a=1", "/"),
        ("sort = true", "/?b=1&a=2&b=0&A=3", "/?A=3&a=2&b=1&b=0"),
        ("sort = true", "/?a=1&b=2", "/?a=1&b=2"),
        ("drop_empty = true", "/?a=&b&c=1&=d", "/?c=1&=d"),
        ("duplicates = 'first'", "/?a=1&b=2&%61=3", "/?a=1&b=2"),
        ("duplicates = 'last'", "/?a=1&b=2&a=3", "/?b=2&a=3"),
        ("duplicates = 'last'", "/?a=1&b=2", "/?a=1&b=2"),
        ("max = 2", "/?a&b&c", "/?a&b"),
        ("max = 0", "/?a&b&c", "/"),
        ("sort = true", "/", "/"),
        ("sort = true\nmax = 1", "/?b&a", "/?a"),
        ("sort = true", "/?", "/"),
        ("sort = true", "*", "*"),
    ] {
        check(settings, target, expected);
    }
}

#[test]
fn many_duplicates_are_found_quickly() {
    let many: Vec<String> = (0..5_000)
        .map(|number| format!("p{}", number % 2_500))
        .collect();
    let once = many[..2_500].join("&");
    check(
        "duplicates = 'first'",
        &format!("/?{}", many.join("&")),
        &format!("/?{once}"),
    );
}

#[test]
fn mistakes_are_told() {
    for (settings, expected) in [
        ("", "nothing is changed: give `keep`"),
        ("presets = ['seo']", "`seo` is not one of"),
        (
            "keep = ['a']\ndrop = ['a']",
            "keep: `a` is in `drop` as well",
        ),
        ("duplicates = 'some'", "`some` is not one of"),
    ] {
        refused::<Query>(settings, expected);
    }
}

proptest! {
    #[test]
    fn a_query_in_its_form_stays_as_it_is(query in "([a-c%]{0,2}(=[a-b+]{0,2})?&?){0,20}") {
        for settings in ["sort = true", "duplicates = 'first'", "duplicates = 'last'\ndrop_empty = true", "max = 3\ndrop = ['a*']"] {
            let filter: Query = build(settings).unwrap();
            let changed = filter.change(&query);
            prop_assert_eq!(filter.change(&changed), changed.clone());
            let is_long = changed.split('&').count() > Query::FEW;
            prop_assert!(changed.is_empty() || is_long || filter.leaves(&changed), "{changed}");
            prop_assert!(!filter.leaves(&query) || changed == query, "{query}");
        }
    }
}
