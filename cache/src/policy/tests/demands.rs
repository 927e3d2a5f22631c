//! What requests demand: RFC 9111 §5.2.1.

use super::*;

fn demands(lines: &[&str]) -> Demands {
    let fields: Vec<_> = lines.iter().map(|line| ("cache-control", *line)).collect();
    Demands::of(&request(&fields))
}

/// §5.2.1 and §1.2.2: of what is said twice, and of what is no number, the stricter reading counts.
#[test]
fn what_is_asked_is_read_strictly() {
    let nothing = Demands::default();
    for (lines, expected) in [
        (vec![], nothing.clone()),
        (vec!["nothing-to-see-here"], nothing.clone()),
        (
            vec!["max-age=5"],
            Demands {
                max_age: Some(5),
                ..nothing.clone()
            },
        ),
        (
            vec!["MAX-AGE=\"5\""],
            Demands {
                max_age: Some(5),
                ..nothing.clone()
            },
        ),
        (
            vec!["max-age=9, max-age=5"],
            Demands {
                max_age: Some(5),
                ..nothing.clone()
            },
        ),
        (
            vec!["max-age=9", "max-age=50"],
            Demands {
                max_age: Some(9),
                ..nothing.clone()
            },
        ),
        (
            vec!["max-age=x"],
            Demands {
                max_age: Some(0),
                ..nothing.clone()
            },
        ),
        (
            vec!["max-age"],
            Demands {
                max_age: Some(0),
                ..nothing.clone()
            },
        ),
        (
            vec!["min-fresh=5, min-fresh=9"],
            Demands {
                min_fresh: Some(9),
                ..nothing.clone()
            },
        ),
        (
            vec!["min-fresh=x"],
            Demands {
                min_fresh: Some(1 << 31),
                ..nothing.clone()
            },
        ),
        (
            vec!["min-fresh=99999999999999999999"],
            Demands {
                min_fresh: Some(1 << 31),
                ..nothing.clone()
            },
        ),
        (
            vec!["max-stale"],
            Demands {
                max_stale: Some(1 << 31),
                ..nothing.clone()
            },
        ),
        (
            vec!["max-stale=5"],
            Demands {
                max_stale: Some(5),
                ..nothing.clone()
            },
        ),
        (
            vec!["max-stale=x"],
            Demands {
                max_stale: Some(0),
                ..nothing.clone()
            },
        ),
        (
            vec!["max-stale, max-stale=5"],
            Demands {
                max_stale: Some(5),
                ..nothing.clone()
            },
        ),
        (
            vec!["no-cache, no-store"],
            Demands {
                no_cache: true,
                no_store: true,
                ..nothing.clone()
            },
        ),
        (
            vec!["only-if-cached"],
            Demands {
                only_if_cached: true,
                ..nothing.clone()
            },
        ),
        (vec!["a=\"no-cache, max-age=1\""], nothing.clone()),
    ] {
        assert_eq!(demands(&lines), expected, "{lines:?}");
    }
}

/// §5.2.1.1 to §5.2.1.4.
#[test]
fn an_object_is_served_if_it_is_what_the_request_demands() {
    use Serve::{Fresh, Revalidate, Stale, WhileRevalidating};
    let plain = "max-age=100, stale-while-revalidate=50";
    for (said, asked, seconds, expected) in [
        (plain, "", 10, Fresh),
        (plain, "no-cache", 10, Revalidate),
        (plain, "max-age=10", 10, Fresh),
        (plain, "max-age=10", 11, Revalidate),
        (plain, "min-fresh=90", 10, Fresh),
        (plain, "min-fresh=90", 11, Revalidate),
        (plain, "", 110, WhileRevalidating),
        (plain, "max-age=1000", 110, Revalidate),
        (plain, "min-fresh=0", 110, Revalidate),
        (plain, "no-cache", 110, Revalidate),
        (plain, "max-stale=10", 110, Stale),
        (plain, "max-stale=9", 110, WhileRevalidating),
        (plain, "max-stale=9", 160, Revalidate),
        (plain, "max-stale", 5000, Stale),
        (plain, "max-stale, max-age=5", 110, Revalidate),
        (plain, "max-stale, max-age=500", 110, Stale),
        (plain, "max-stale, min-fresh=1", 110, Revalidate),
        (plain, "max-stale, no-cache", 110, Revalidate),
        ("max-age=100, must-revalidate", "max-stale", 110, Revalidate),
        ("s-maxage=100", "max-stale", 110, Revalidate),
        (
            "max-age=100, proxy-revalidate",
            "max-stale",
            110,
            Revalidate,
        ),
    ] {
        let terms = stored(&[("cache-control", said), ("etag", "a")], &Rules::default());
        let served = demands(&[asked]).serve(&terms, at(NOW + seconds));
        assert_eq!(served, expected, "{said} | {asked} | {seconds}");
    }
}

/// §5.2.1.5, where the route listens.
#[test]
fn what_a_client_wants_not_to_be_stored_is_not() {
    let asked = request(&[("cache-control", "no-store")]);
    let response = response(200, &[("cache-control", "max-age=60")]);
    let listening = Rules {
        request_directives: true,
        ..Rules::default()
    };
    assert_eq!(
        decide(&asked, &response, &listening),
        Decision::Pass(Reason::AskedNotTo)
    );
    assert!(matches!(
        decide(&asked, &response, &Rules::default()),
        Decision::Store(_)
    ));
}

proptest::proptest! {
    #[test]
    fn anything_can_be_read(line in "[ -~]*") {
        demands(&[&line]);
    }
}
