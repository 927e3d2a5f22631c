//! Early refresh: the die, and where it is thrown at all.

use super::*;

/// Stored at [`NOW`], fresh for 100 seconds, by an origin that took `cost` seconds.
fn object(cost: u64) -> Terms {
    let mut terms = stored(&[("cache-control", "max-age=100")], &Rules::default());
    terms.cost = Duration::from_secs(cost);
    terms
}

#[test]
fn an_object_is_refreshed_in_the_last_tenth_of_its_lifetime_only() {
    for (seconds, is_thrown) in [
        (0, false),
        (89, false),
        (90, true),
        (99, true),
        (100, false),
        (200, false),
    ] {
        let mut thrown = false;
        let refreshes = refreshes_early(&object(1000), at(NOW + seconds), || {
            thrown = true;
            0.0
        });
        assert_eq!(
            (thrown, refreshes),
            (is_thrown, is_thrown),
            "after {seconds} s"
        );
    }
}

#[test]
fn it_is_the_likelier_the_nearer_the_end_and_the_dearer_the_fetch() {
    let refreshes =
        |cost, seconds, die: f64| refreshes_early(&object(cost), at(NOW + seconds), || die);
    // Ten seconds before the end: exp(-10 / 10), exp(-10 / 2), and never for what costs nothing.
    assert!(refreshes(5, 90, 0.36) && !refreshes(5, 90, 0.37));
    assert!(refreshes(1, 90, 0.006) && !refreshes(1, 90, 0.007));
    assert!(!refreshes(0, 99, 0.0));
    // One second before it: exp(-1 / 2).
    assert!(refreshes(1, 99, 0.60) && !refreshes(1, 99, 0.61));
}

#[test]
fn what_took_the_origin_longer_is_known_to_have() {
    let (asked, answered) = (at(NOW), at(NOW + 3));
    let response = response(200, &[("cache-control", "max-age=100")]);
    let received = Received {
        request: &request(&[]),
        response: &response,
        asked,
        now: answered,
    };
    let Decision::Store(terms) = store(&received, &Rules::default()) else {
        panic!("it is not stored")
    };
    assert_eq!(terms.cost, Duration::from_secs(3));
}
