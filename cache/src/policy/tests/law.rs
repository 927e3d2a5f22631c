//! The law of RFC 9111 once more, as plain sums over what a sender meant: no cache decision may go beyond it.
//!
//! Cases are made as meanings (an age, a lifetime, a flag), written down as senders write them, and decided; the law reads the
//! meanings and never the text, so that a fault of a parser shows as well as one of the rules.

use proptest::prelude::*;

use super::*;

/// What a sender means.
#[derive(Debug, Clone)]
struct Case {
    status: u16,
    max_age: Option<u64>,
    s_maxage: Option<u64>,
    while_revalidating: Option<u64>,
    if_error: Option<u64>,
    flags: Vec<&'static str>,
    /// Seconds before the arrival.
    date: Option<u64>,
    age: Option<u64>,
    /// Seconds after the date.
    expires: Option<u64>,
    /// Seconds before the date.
    modified: Option<u64>,
    authorized: bool,
    varies_on_anything: bool,
    /// How the field is written.
    style: usize,
    /// How long the origin took.
    delay: u64,
    /// Seconds after the arrival at which it is asked for.
    asked_for: u64,
    wants: Wants,
}

/// What a client means.
#[derive(Debug, Clone, Default)]
struct Wants {
    no_cache: bool,
    no_store: bool,
    max_age: Option<u64>,
    min_fresh: Option<u64>,
    max_stale: Option<u64>,
}

impl Case {
    fn has(&self, flag: &str) -> bool {
        self.flags.contains(&flag)
    }

    /// §4.2.3.
    fn initial_age(&self) -> u64 {
        self.date
            .unwrap_or(0)
            .max(self.age.unwrap_or(0) + self.delay)
    }

    fn age(&self) -> u64 {
        self.initial_age() + self.asked_for
    }

    /// §4.2.1 and §4.2.2.
    fn lifetime(&self) -> u64 {
        let guess = self
            .modified
            .filter(|_| matches!(self.status, 200 | 404) || self.has("public"))
            .map(|ago| ago.div_ceil(10).min(86_400));
        let said = self.s_maxage.or(self.max_age).or(self.expires);
        if self.has("no-cache") {
            return 0;
        }
        said.or(guess).unwrap_or(0)
    }

    /// §3, §3.5, §4.1, §5.2.2.
    fn may_be_stored(&self) -> bool {
        let is_open = self.has("public") || self.has("must-revalidate") || self.s_maxage.is_some();
        let is_silenced =
            self.has("no-store") && !(self.has("must-understand") && self.status != 599);
        let is_understood = !self.has("must-understand") || self.status != 599;
        !matches!(self.status, 206 | 304)
            && !is_silenced
            && is_understood
            && !self.has("private")
            && !self.varies_on_anything
            && !self.wants.no_store
            && (!self.authorized || is_open)
    }

    /// §4.2, as far as the response goes; a second for times that are not whole.
    fn is_fresh(&self, least: u64) -> bool {
        self.age() + least < self.lifetime() + 1
    }

    /// §4.2.4 and §5.2.2: stale serving that the origin has forbidden.
    fn is_never_stale(&self) -> bool {
        self.has("must-revalidate") || self.has("proxy-revalidate") || self.has("no-cache")
    }

    /// How long it may have been stale for.
    fn is_within(&self, window: u64) -> bool {
        !self.is_never_stale() && self.age() <= self.lifetime() + window + 1
    }

    fn written(&self) -> ResponseHeader {
        let seconds = [("max-age", self.max_age), ("s-maxage", self.s_maxage)]
            .into_iter()
            .chain([
                ("stale-while-revalidate", self.while_revalidating),
                ("stale-if-error", self.if_error),
            ]);
        let seconds = seconds.filter_map(|(name, value)| Some(format!("{name}={}", value?)));
        let members = seconds.chain(self.flags.iter().map(|flag| (*flag).to_owned()));
        let members: Vec<String> = members.map(|member| self.styled(&member)).collect();
        let mut fields = Vec::new();
        match self.style % 3 {
            0 => fields.push(("cache-control", members.join(", "))),
            1 => fields.push(("cache-control", members.join(" ,,"))),
            _ => fields.extend(members.into_iter().map(|member| ("cache-control", member))),
        }
        let sent = NOW - self.date.unwrap_or(0);
        fields.extend(self.date.map(|_| ("date", http_date(sent))));
        fields.extend(self.age.map(|age| ("age", age.to_string())));
        fields.extend(
            self.expires
                .map(|ahead| ("expires", http_date(sent + ahead))),
        );
        fields.extend(
            self.modified
                .map(|ago| ("last-modified", http_date(sent - ago))),
        );
        if self.varies_on_anything {
            fields.push(("vary", "accept, *".to_owned()));
        }
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| (*name, &**value))
            .collect();
        response(self.status, &fields)
    }

    fn styled(&self, member: &str) -> String {
        match self.style / 3 % 4 {
            0 => member.to_owned(),
            1 => member.to_ascii_uppercase(),
            2 => match member.split_once('=') {
                Some((name, value)) => format!("{name}=\"{value}\""),
                None => member.to_owned(),
            },
            _ => format!("x=\"max-age=99999999, public\", {member}"),
        }
    }

    fn asked(&self) -> RequestHeader {
        let wants = &self.wants;
        let seconds = [
            ("max-age", wants.max_age),
            ("min-fresh", wants.min_fresh),
            ("max-stale", wants.max_stale),
        ];
        let seconds = seconds
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", value?)));
        let flags = [("no-cache", wants.no_cache), ("no-store", wants.no_store)];
        let flags = flags
            .into_iter()
            .filter(|(_, is_wanted)| *is_wanted)
            .map(|(name, _)| name.to_owned());
        let value = seconds.chain(flags).collect::<Vec<_>>().join(", ");
        let mut fields = vec![("cache-control", &*value)];
        if self.authorized {
            fields.push(("authorization", "Basic YTpi"));
        }
        request(&fields)
    }
}

fn some_seconds() -> impl Strategy<Value = u64> {
    prop_oneof![0..5_u64, 0..200_u64, 0..100_000_u64]
}

fn maybe() -> impl Strategy<Value = Option<u64>> {
    proptest::option::of(some_seconds())
}

fn wants() -> impl Strategy<Value = Wants> {
    let rarely = || proptest::bool::weighted(0.1);
    let sometimes = || proptest::option::weighted(0.2, some_seconds());
    (rarely(), rarely(), sometimes(), sometimes(), sometimes()).prop_map(
        |(no_cache, no_store, max_age, min_fresh, max_stale)| Wants {
            no_cache,
            no_store,
            max_age,
            min_fresh,
            max_stale,
        },
    )
}

fn case() -> impl Strategy<Value = Case> {
    const FLAGS: [&str; 8] = [
        "public",
        "private",
        "no-store",
        "no-cache",
        "must-revalidate",
        "proxy-revalidate",
        "must-understand",
        "immutable",
    ];
    let said = (maybe(), maybe(), maybe(), maybe());
    let flags = proptest::sample::subsequence(FLAGS.to_vec(), 0..3);
    let times = (proptest::option::of(0..300_u64), maybe(), maybe(), maybe());
    let rest = (
        proptest::bool::weighted(0.2),
        proptest::bool::weighted(0.1),
        0..12_usize,
        0..3_u64,
        some_seconds(),
        wants(),
    );
    let status = proptest::sample::select(vec![200, 200, 200, 206, 304, 302, 404, 500, 599]);
    (status, said, flags, times, rest).prop_map(|(status, said, flags, times, rest)| Case {
        status,
        max_age: said.0,
        s_maxage: said.1,
        while_revalidating: said.2,
        if_error: said.3,
        flags,
        date: times.0,
        age: times.1,
        expires: times.2,
        modified: times.3,
        authorized: rest.0,
        varies_on_anything: rest.1,
        style: rest.2,
        delay: rest.3,
        asked_for: rest.4,
        wants: rest.5,
    })
}

fn rules() -> Rules {
    Rules {
        request_directives: true,
        ..Rules::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    /// §3: nothing is stored that may not be. §4: nothing is served that may not be, neither fresh nor stale, and not to
    /// a client that does not want it (§5.2.1).
    #[test]
    fn no_decision_goes_beyond_the_law(case in case()) {
        let (asked, response) = (case.asked(), case.written());
        let received = Received {
            request: &asked,
            response: &response,
            asked: at(NOW - case.delay),
            now: now(),
        };
        let Decision::Store(terms) = store(&received, &rules()) else {
            return Ok(());
        };
        prop_assert!(case.may_be_stored());
        let then = at(NOW + case.asked_for);
        prop_assert!(terms.age(then) >= Duration::from_secs(case.age()));

        match serve(&terms, then) {
            Serve::Fresh => prop_assert!(case.is_fresh(0)),
            Serve::WhileRevalidating => prop_assert!(case.is_within(case.while_revalidating.unwrap_or(0))),
            Serve::Stale => prop_assert!(false, "nobody takes it stale"),
            Serve::Revalidate => {}
        }
        let unasked = if case.s_maxage.is_some() { 0 } else { 60 };
        if serve_on(Failure::Unreachable, &terms, then) {
            prop_assert!(case.is_within(case.if_error.unwrap_or(unasked)));
        }
        if serve_on(Failure::Status(StatusCode::BAD_GATEWAY), &terms, then) {
            prop_assert!(case.is_within(case.if_error.unwrap_or(0)));
        }

        let wants = &case.wants;
        let is_young = wants.max_age.is_none_or(|most| case.age() <= most);
        match Demands::of(&asked).serve(&terms, then) {
            Serve::Revalidate => {}
            _ if wants.no_cache || !is_young => prop_assert!(false, "the client does not want it"),
            Serve::Fresh => prop_assert!(case.is_fresh(wants.min_fresh.unwrap_or(0))),
            Serve::WhileRevalidating => {
                prop_assert!(case.is_within(case.while_revalidating.unwrap_or(0)));
                prop_assert!(wants.max_age.is_none() && wants.min_fresh.is_none());
            }
            Serve::Stale => {
                prop_assert!(wants.min_fresh.is_none() && case.s_maxage.is_none());
                prop_assert!(wants.max_stale.is_some_and(|most| case.is_within(most)));
            }
        }
    }
}
