//! Tables of responses and what becomes of them, each with the section that says so.

mod demands;
mod early;
mod law;

use super::*;

const NOW: u64 = 1_790_000_000;

fn now() -> SystemTime {
    at(NOW)
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn http_date(seconds: u64) -> String {
    httpdate::fmt_http_date(at(seconds))
}

fn request(fields: &[(&'static str, &str)]) -> RequestHeader {
    let mut request = RequestHeader::build("GET", b"/", None).unwrap();
    for (name, value) in fields {
        request.append_header(*name, *value).unwrap();
    }
    request
}

fn response(status: u16, fields: &[(&'static str, &str)]) -> ResponseHeader {
    let mut response = ResponseHeader::build(status, None).unwrap();
    for (name, value) in fields {
        response.append_header(*name, *value).unwrap();
    }
    response
}

fn decide(request: &RequestHeader, response: &ResponseHeader, rules: &Rules) -> Decision {
    store(
        &Received {
            request,
            response,
            asked: now(),
            now: now(),
        },
        rules,
    )
}

#[track_caller]
fn stored(fields: &[(&'static str, &str)], rules: &Rules) -> Terms {
    match decide(&request(&[]), &response(200, fields), rules) {
        Decision::Store(terms) => *terms,
        Decision::Pass(reason) => panic!("{fields:?} is not stored: {reason}"),
    }
}

#[track_caller]
fn ttl(fields: &[(&'static str, &str)]) -> Option<i64> {
    match decide(&request(&[]), &response(200, fields), &Rules::default()) {
        Decision::Store(terms) => Some(terms.ttl(now())),
        Decision::Pass(_) => None,
    }
}

/// RFC 9111 §4.2.1, §5.2.2.1, §5.2.2.10, §5.3.
#[test]
fn lifetimes() {
    let date = http_date(NOW);
    let hour_ahead = http_date(NOW + 3600);
    for (fields, expected) in [
        (vec![], None),
        (vec![("cache-control", "max-age=60")], Some(60)),
        (vec![("cache-control", "max-age=60, s-maxage=30")], Some(30)),
        (
            vec![("cache-control", "max-age=60"), ("expires", &*hour_ahead)],
            Some(60),
        ),
        (
            vec![("expires", &*hour_ahead), ("date", &*date)],
            Some(3600),
        ),
        (
            vec![("expires", &*hour_ahead), ("date", &*hour_ahead)],
            None,
        ),
        (vec![("expires", &*hour_ahead), ("expires", "0")], None),
        (vec![("expires", "0")], None),
        (vec![("cache-control", "public")], None),
        (
            vec![("cache-control", "max-age=99999999999999")],
            Some(1 << 31),
        ),
    ] {
        assert_eq!(ttl(&fields), expected, "{fields:?}");
    }
}

/// RFC 9111 §4.2.3 and §5.1: row A of the contract.
#[test]
fn the_age_that_a_response_comes_with_counts() {
    let minute_ago = http_date(NOW - 60);
    for (fields, age) in [
        (vec![("age", "7")], 7),
        (vec![("age", "7, 9")], 7),
        (vec![("age", "7"), ("age", "9")], 7),
        (vec![("age", "-7")], 0),
        (vec![("age", "7.5")], 0),
        (vec![("age", "abc")], 0),
        (vec![("age", "0007")], 7),
        (vec![("age", "99999999999999999999999")], 1 << 31),
        (vec![("date", &*minute_ago)], 60),
        (vec![("date", &*minute_ago), ("age", "90")], 90),
        (vec![("date", "nonsense"), ("age", "5")], 5),
    ] {
        let fields: Vec<_> = fields
            .into_iter()
            .chain([("cache-control", "max-age=3000000000"), ("etag", "a")])
            .collect();
        let terms = stored(&fields, &Rules::default());
        assert_eq!(terms.age(now()), Duration::from_secs(age), "{fields:?}");
        assert_eq!(
            terms.ttl(now()),
            (1 << 31) - i64::try_from(age).unwrap(),
            "{fields:?}"
        );
    }
}

/// RFC 9111 §4.2.3: the time that the answer took counts.
#[test]
fn the_response_delay_counts() {
    let (request, response) = (
        request(&[]),
        response(200, &[("cache-control", "max-age=60"), ("age", "5")]),
    );
    let received = Received {
        request: &request,
        response: &response,
        asked: at(NOW - 3),
        now: now(),
    };
    let Decision::Store(terms) = store(&received, &Rules::default()) else {
        panic!("not stored")
    };
    assert_eq!(terms.ttl(now()), 52);
}

/// RFC 9111 §3, §3.5, §4.1, §5.2.2.
#[test]
fn what_is_not_stored_and_why() {
    let fresh = ("cache-control", "max-age=60");
    for (status, fields, reason) in [
        (
            200,
            vec![("cache-control", "no-store, max-age=60")],
            Reason::NoStore,
        ),
        (
            200,
            vec![("cache-control", "private, max-age=60")],
            Reason::Private,
        ),
        (
            200,
            vec![("cache-control", "no-cache, max-age=60")],
            Reason::NoCache,
        ),
        (200, vec![fresh, ("set-cookie", "a=b")], Reason::SetCookie),
        (200, vec![fresh, ("vary", "*")], Reason::Vary),
        (
            200,
            vec![fresh, ("vary", "accept"), ("vary", "a, *")],
            Reason::Vary,
        ),
        (206, vec![fresh], Reason::Status),
        (304, vec![fresh], Reason::Status),
        (103, vec![fresh], Reason::Status),
        (
            299,
            vec![("cache-control", "no-store, must-understand, max-age=60")],
            Reason::NotUnderstood,
        ),
        (
            200,
            vec![("cache-control", "max-age=0, must-revalidate")],
            Reason::Expired,
        ),
        (200, vec![fresh, ("age", "61")], Reason::Expired),
        (
            500,
            vec![("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT")],
            Reason::NoFreshness,
        ),
        (200, vec![], Reason::NoFreshness),
    ] {
        let rules = Rules::default();
        let decision = decide(&request(&[]), &response(status, &fields), &rules);
        assert_eq!(decision, Decision::Pass(reason), "{status} {fields:?}");
    }
    let post = RequestHeader::build("POST", b"/", None).unwrap();
    assert_eq!(
        decide(&post, &response(200, &[fresh]), &Rules::default()),
        Decision::Pass(Reason::Method)
    );
}

#[test]
fn what_is_stored_against_appearances() {
    for (status, fields) in [
        (599, vec![("cache-control", "max-age=60")]),
        (302, vec![("cache-control", "max-age=60")]),
        (
            200,
            vec![("cache-control", "no-store, must-understand, max-age=60")],
        ),
        (200, vec![("cache-control", "no-cache"), ("etag", "\"a\"")]),
        (200, vec![("cache-control", "max-age=0"), ("etag", "\"a\"")]),
        (
            200,
            vec![
                ("cache-control", "max-age=60, private=\"set-cookie\""),
                ("set-cookie", "a=b"),
            ],
        ),
        (
            200,
            vec![("cache-control", "max-age=0, stale-while-revalidate=60")],
        ),
    ] {
        let decision = decide(&request(&[]), &response(status, &fields), &Rules::default());
        assert!(
            matches!(decision, Decision::Store(_)),
            "{status} {fields:?}: {decision:?}"
        );
    }
}

/// RFC 9111 §3.5.
#[test]
fn authorized_responses_are_stored_only_when_they_are_open_to_all() {
    for (cache_control, expected) in [
        ("max-age=60", false),
        ("max-age=60, public", true),
        ("max-age=60, must-revalidate", true),
        ("s-maxage=60", true),
    ] {
        let request = request(&[("authorization", "Basic YTpi")]);
        let response = response(200, &[("cache-control", cache_control)]);
        let is_stored = matches!(
            decide(&request, &response, &Rules::default()),
            Decision::Store(_)
        );
        assert_eq!(is_stored, expected, "{cache_control}");
    }
}

/// RFC 9111 §4.2.2: row L.
#[test]
fn heuristics() {
    let (date, week_ago, year_ago) = (
        http_date(NOW),
        http_date(NOW - 604_800),
        http_date(NOW - 31_536_000),
    );
    let guess = |status, last_modified: &str, cache_control: &str, rules: &Rules| {
        let fields = [
            ("date", &*date),
            ("last-modified", last_modified),
            ("cache-control", cache_control),
        ];
        match decide(&request(&[]), &response(status, &fields), rules) {
            Decision::Store(terms) => Some(terms.ttl(now())),
            Decision::Pass(_) => None,
        }
    };
    let rules = Rules::default();
    assert_eq!(guess(200, &week_ago, "", &rules), Some(60_480));
    assert_eq!(guess(404, &year_ago, "", &rules), Some(86_400));
    assert_eq!(guess(500, &week_ago, "", &rules), None);
    assert_eq!(guess(500, &week_ago, "public", &rules), Some(60_480));
    assert_eq!(
        guess(
            200,
            &week_ago,
            "",
            &Rules {
                heuristics: false,
                ..Rules::default()
            }
        ),
        None
    );
    let default_ttl = Rules {
        default_ttl: Some(Duration::from_secs(9)),
        ..Rules::default()
    };
    assert_eq!(guess(200, &week_ago, "", &default_ttl), Some(9));
}

/// RFC 9213 §2.2: row K.
#[test]
fn targeted_fields_replace_cache_control_and_expires() {
    let ahead = http_date(NOW + 3600);
    let plain = ("cache-control", "no-store");
    for (fields, expected) in [
        (vec![plain, ("cdn-cache-control", "max-age=60")], Some(60)),
        (
            vec![
                plain,
                ("cdn-cache-control", "max-age=60"),
                ("rimward-cache-control", "max-age=5"),
            ],
            Some(5),
        ),
        (
            vec![
                ("cache-control", "max-age=60"),
                ("cdn-cache-control", "no-store"),
            ],
            None,
        ),
        (
            vec![
                ("cache-control", "max-age=60"),
                ("cdn-cache-control", "no-store &"),
            ],
            Some(60),
        ),
        (
            vec![("expires", &*ahead), ("cdn-cache-control", "public")],
            None,
        ),
        (vec![plain, ("surrogate-control", "max-age=7")], Some(7)),
    ] {
        assert_eq!(ttl(&fields), expected, "{fields:?}");
    }
}

#[test]
fn the_operators_word_on_lifetimes() {
    let rules = Rules {
        ttl: Some(Duration::from_secs(600)),
        ..Rules::default()
    };
    let of = |status, fields: &[(&'static str, &str)]| match decide(
        &request(&[]),
        &response(status, fields),
        &rules,
    ) {
        Decision::Store(terms) => Some(terms.ttl(now())),
        Decision::Pass(_) => None,
    };
    assert_eq!(of(200, &[]), Some(600));
    assert_eq!(
        of(200, &[("cache-control", "max-age=5"), ("age", "3")]),
        Some(600)
    );
    assert_eq!(of(500, &[]), None);
    assert_eq!(of(200, &[("cache-control", "no-store")]), None);
    assert_eq!(
        of(200, &[("cache-control", "no-cache"), ("etag", "a")]),
        Some(0)
    );
}

/// RFC 9111 §4.2.4, RFC 5861: row H.
#[test]
fn stale_windows() {
    let seconds = |terms: &Terms| {
        [
            terms.stale_while_revalidate,
            terms.stale_if_error,
            terms.stale_if_unreachable,
        ]
        .map(|window| window.as_secs())
    };
    for (cache_control, expected) in [
        ("max-age=9", [0, 0, 60]),
        (
            "max-age=9, stale-while-revalidate=5, stale-if-error=7",
            [5, 7, 7],
        ),
        ("max-age=9, stale-if-error=0", [0, 0, 0]),
        ("s-maxage=9", [0, 0, 0]),
        (
            "s-maxage=9, stale-while-revalidate=5, stale-if-error=7",
            [5, 7, 7],
        ),
        (
            "max-age=9, must-revalidate, stale-while-revalidate=5",
            [0, 0, 0],
        ),
        ("max-age=9, proxy-revalidate, stale-if-error=5", [0, 0, 0]),
    ] {
        let terms = stored(&[("cache-control", cache_control)], &Rules::default());
        assert_eq!(seconds(&terms), expected, "{cache_control}");
    }
    let strict = Rules {
        stale_beside_s_maxage: false,
        ..Rules::default()
    };
    let terms = stored(
        &[("cache-control", "s-maxage=9, stale-while-revalidate=5")],
        &strict,
    );
    assert_eq!(seconds(&terms), [0, 0, 0]);
    let operators = Rules {
        stale_while_revalidate: Some(Duration::from_secs(1)),
        stale_if_error: Some(Duration::from_secs(2)),
        ..Rules::default()
    };
    assert_eq!(
        seconds(&stored(&[("cache-control", "s-maxage=9")], &operators)),
        [1, 2, 2]
    );
}

#[test]
fn serving() {
    let terms = stored(
        &[(
            "cache-control",
            "max-age=10, stale-while-revalidate=5, stale-if-error=20",
        )],
        &Rules::default(),
    );
    let after = |seconds| serve(&terms, at(NOW + seconds));
    assert_eq!(after(9), Serve::Fresh);
    assert_eq!(after(10), Serve::WhileRevalidating);
    assert_eq!(after(15), Serve::WhileRevalidating);
    assert_eq!(after(16), Serve::Revalidate);
    let failed = |status, seconds| serve_on(Failure::Status(status), &terms, at(NOW + seconds));
    assert!(failed(StatusCode::BAD_GATEWAY, 30));
    assert!(!failed(StatusCode::BAD_GATEWAY, 31));
    assert!(!failed(StatusCode::NOT_IMPLEMENTED, 20));
    assert!(serve_on(Failure::Unreachable, &terms, at(NOW + 30)));
}

#[test]
fn labels_come_from_the_route_and_from_the_origin() {
    let rules = Rules {
        surrogate_keys: vec!["img".to_owned()],
        ..Rules::default()
    };
    let fields = [
        ("cache-control", "max-age=1"),
        ("surrogate-key", "a  b"),
        ("cache-tag", "c d, e,"),
    ];
    let keys: Vec<String> = stored(&fields, &rules)
        .surrogate_keys
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(keys, ["img", "a", "b", "c d", "e"]);
}

mod never_beyond_rfc_9111 {
    use proptest::prelude::*;

    use super::*;

    fn seconds() -> impl Strategy<Value = u64> {
        prop_oneof![0..5_u64, 0..100_000_u64, Just(1 << 31), any::<u64>()]
    }

    fn directive() -> impl Strategy<Value = String> {
        prop_oneof![
            seconds().prop_map(|given| format!("max-age={given}")),
            seconds().prop_map(|given| format!("s-maxage=\"{given}\"")),
            "(public|private|no-store|no-cache|must-revalidate|must-understand|immutable)",
            "(private|no-cache)=\"[a-z-]{1,8}\"",
            "[ -~]{0,12}",
        ]
    }

    proptest! {
        /// §4.2: fresh only while the age is below a lifetime that the origin gave or that may be guessed.
        #[test]
        fn a_response_is_fresh_only_within_a_lifetime_that_somebody_gave(
            cache_control in proptest::collection::vec(directive(), 0..5),
            expires in proptest::option::of(0..200_000_u64),
            modified in proptest::option::of(0..2_000_000_u64),
            age in proptest::option::of(seconds()),
            status in proptest::sample::select(vec![200_u16, 206, 301, 302, 304, 404, 500, 599]),
            date in 0..100_u64,
        ) {
            let cache_control = cache_control.join(", ");
            let sent = NOW - date;
            let mut fields = vec![("cache-control", cache_control.clone()), ("date", http_date(sent))];
            fields.extend(expires.map(|ahead| ("expires", http_date(NOW + ahead))));
            fields.extend(modified.map(|ago| ("last-modified", http_date(sent - ago))));
            fields.extend(age.map(|age| ("age", age.to_string())));
            let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, &**value)).collect();
            let Decision::Store(terms) = decide(&request(&[]), &response(status, &fields), &Rules::default()) else {
                return Ok(());
            };
            prop_assert!(!matches!(status, 206 | 304));
            let directives = Directives::of(&response(status, &fields));
            prop_assert!(!directives.no_store || directives.must_understand);
            prop_assert!(directives.private != Fields::All);
            let expires = expires.map(|ahead| NOW + ahead - sent);
            // A guess of some tenths of a second more still ends within the same second.
            let guess = modified.map(|ago| ago.div_ceil(10).min(86_400));
            let lifetime = directives.s_maxage.or(directives.max_age).or(expires).or(guess);
            let lifetime = if directives.no_cache == Fields::All { 0 } else { lifetime.unwrap_or(0) };
            let age = age.unwrap_or(0).min(1 << 31).max(date);
            let allowed = i64::try_from(lifetime).unwrap() - i64::try_from(age).unwrap();
            prop_assert!(terms.ttl(now()) <= allowed, "{} > {allowed}", terms.ttl(now()));
        }
    }
}

/// RFC 9110 §15.3.7: a 206 says of itself what the 200 would have said of the whole.
#[test]
fn a_slice_is_stored_by_the_rules_of_the_whole_and_no_other_part_is() {
    let decide_slice = |fields: &[(&'static str, &str)], slice| {
        let received = Received {
            request: &request(&[]),
            response: &response(206, fields),
            asked: now(),
            now: now(),
        };
        store_slice(&received, &Rules::default(), slice)
    };
    let (first, second) = (Slice::at(0, 10), Slice::at(10, 10));
    let fresh = ("cache-control", "max-age=60");
    let part = [("content-range", "bytes 0-9/25"), ("etag", "\"a\"")];
    let Decision::Store(terms) = decide_slice(&[part[0], part[1], fresh], first) else {
        panic!("not stored")
    };
    assert_eq!(terms.ttl(now()), 60);
    for (fields, slice, reason) in [
        (&[part[0], part[1], fresh][..], second, Reason::Status),
        (&[part[0], fresh], first, Reason::Status),
        (
            &[part[0], part[1], ("cache-control", "no-store")],
            first,
            Reason::NoStore,
        ),
        (&[part[0], part[1]], first, Reason::NoFreshness),
    ] {
        let decision = decide_slice(fields, slice);
        assert_eq!(decision, Decision::Pass(reason), "{fields:?}");
    }
}
