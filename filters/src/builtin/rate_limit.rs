//! Limits the rate of requests by a token bucket for each client, or whatever else is the key.

mod buckets;
mod key;
mod policy;
mod rate;

use std::num::NonZeroU32;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use ahash::{AHashMap, RandomState};
use http::header::{HeaderValue, RETRY_AFTER};
use pingora_http::ResponseHeader;
use rimward_config::Cidr;
use schemars::JsonSchema;
use serde::Deserialize;

use self::buckets::{Buckets, Outcome};
use self::key::Key;
use self::policy::Policy;
use self::rate::Rate;
use crate::exchange::Exchange;
use crate::filter::{
    Answer, Body, BuildError, Builder, Configured, Filter, FilterError, Flow, Phase, Phases,
};
use crate::ranges::Ranges;
use crate::settings::RefusalStatus;

/// Limits the rate of requests.
pub(crate) struct RateLimit {
    state: Arc<State>,
    key: Key,
    ipv6_prefix: u8,
    status: u16,
    policy: Option<Policy>,
    except: Ranges,
    clock: fn() -> Duration,
}

/// Settings of `rate_limit`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// How many requests of a key are let through in the long run: `100/s`, `10/min`, `1000/h` or `5000/d`.
    rate: Rate,
    /// How many may come at once, after which the rate holds; the number in `rate` unless set.
    burst: Option<NonZeroU32>,
    /// Whose requests are counted together: `"client_ip"`, `"host"`, `"path"`, `{ header = "x-api-key" }`,
    /// `{ cookie = "session" }` or `{ template = "{client_ip}{path}" }`. A client without the header or cookie is
    /// counted by its address. In a template `{client_ip}` is the whole address.
    #[serde(default)]
    key: Key,
    /// How many bits of an IPv6 address are a client: a household or a server has a /64 to choose addresses from.
    #[serde(default = "sixty_four")]
    #[schemars(range(min = 1, max = 128))]
    ipv6_prefix: u8,
    /// How many keys are remembered. When there are more, the one that has used least of its bucket is forgotten, which
    /// gives it a full one. A key takes 16 bytes.
    #[serde(default = "hundred_thousand")]
    #[schemars(range(min = 1))]
    max_keys: usize,
    /// The status of a refusal, from 400 to 599.
    #[serde(default = "too_many_requests")]
    status: RefusalStatus,
    /// Whether responses carry `RateLimit` and `RateLimit-Policy`; refusals have `Retry-After` in any case.
    #[serde(default = "yes")]
    fields: bool,
    /// Addresses and networks that are not limited.
    #[serde(default)]
    #[schemars(title = "list of networks")]
    except: Vec<Cidr>,
}

fn sixty_four() -> u8 {
    64
}

fn hundred_thousand() -> usize {
    100_000
}

fn too_many_requests() -> RefusalStatus {
    RefusalStatus::TOO_MANY_REQUESTS
}

fn yes() -> bool {
    true
}

impl Configured for RateLimit {
    const NAME: &'static str = "rate_limit";
    const SUMMARY: &'static str =
        "Limits the rate of requests of each client, or of whatever else is the key.";
    const EXAMPLE: &'static str = r#"use = "rate_limit"
rate = "100/min"
burst = 20
key = { header = "x-api-key" }
"#;
    type Settings = Settings;

    fn new(settings: Settings, builder: &Builder<'_>) -> Result<Self, BuildError> {
        if !(1..=128).contains(&settings.ipv6_prefix) {
            let message = format!(
                "`{}` is not the length of a prefix: 1 to 128",
                settings.ipv6_prefix
            );
            return Err(BuildError::at("ipv6_prefix", message));
        }
        if !(1..=MAX_KEYS).contains(&settings.max_keys) {
            let message = format!(
                "`{}` is out of bounds: 1 to {MAX_KEYS}, which take a gigabyte",
                settings.max_keys
            );
            return Err(BuildError::at("max_keys", message));
        }
        let burst = settings.burst.unwrap_or(settings.rate.count);
        let policy = settings
            .fields
            .then(|| Policy::new(builder.name, settings.rate, burst))
            .transpose()?;
        Ok(Self {
            state: State::of(builder.name, &settings, burst),
            key: settings.key,
            ipv6_prefix: settings.ipv6_prefix,
            status: settings.status.0,
            policy,
            except: settings.except.into_iter().map(|Cidr(net)| net).collect(),
            clock: uptime,
        })
    }
}

const MAX_KEYS: usize = 64_000_000;
impl Filter for RateLimit {
    fn phases(&self) -> Phases {
        Phases::only(Phase::Request).and_if(self.policy.is_some(), Phase::Response)
    }

    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        if self.except.contains(exchange.client.ip) {
            return Ok(Flow::Continue);
        }
        let key = self
            .key
            .hash(exchange, self.ipv6_prefix, &self.state.hasher);
        let outcome = self.state.buckets.take(key, (self.clock)());
        if outcome.is_let_through {
            if self.policy.is_some() {
                exchange
                    .notes
                    .get_or_insert_default::<Outcomes>()
                    .0
                    .push((Arc::as_ptr(&self.state).addr(), outcome));
            }
            return Ok(Flow::Continue);
        }
        let mut answer =
            Answer::refuse(self.status)?.header(RETRY_AFTER, HeaderValue::from(outcome.wait))?;
        if let Some(policy) = &self.policy {
            policy.tell(outcome, &mut answer.head)?;
        }
        Ok(answer.flow())
    }

    fn response(
        &self,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        let outcome = exchange
            .notes
            .get::<Outcomes>()
            .and_then(|outcomes| outcomes.of(&self.state));
        if let (Some(policy), Some(outcome)) = (&self.policy, outcome) {
            policy.tell(outcome, response)?;
        }
        Ok(Body::Untouched)
    }
}

/// What the limits of a route said to a request, each by the address of its state.
#[derive(Debug, Clone, Default)]
struct Outcomes(Vec<(usize, Outcome)>);

impl Outcomes {
    fn of(&self, state: &Arc<State>) -> Option<Outcome> {
        let address = Arc::as_ptr(state).addr();
        self.0
            .iter()
            .find_map(|(of, outcome)| (*of == address).then_some(*outcome))
    }
}

/// What outlives a reload: filters of the same name and settings share it.
struct State {
    buckets: Buckets,
    hasher: RandomState,
}

impl State {
    fn of(name: &str, settings: &Settings, burst: NonZeroU32) -> Arc<Self> {
        static STATES: LazyLock<Mutex<AHashMap<String, Weak<State>>>> =
            LazyLock::new(Mutex::default);
        let mut states = STATES.lock().unwrap_or_else(PoisonError::into_inner);
        states.retain(|_, state| state.strong_count() > 0);
        let Settings {
            rate,
            key,
            ipv6_prefix,
            max_keys,
            ..
        } = settings;
        let identity = format!("{name:?} {rate:?} {burst} {key:?} {ipv6_prefix} {max_keys}");
        if let Some(state) = states.get(&identity).and_then(Weak::upgrade) {
            return state;
        }
        let buckets = Buckets::new(rate.per / rate.count.get(), burst, *max_keys);
        let state = Arc::new(Self {
            buckets,
            hasher: RandomState::new(),
        });
        states.insert(identity, Arc::downgrade(&state));
        state
    }
}

/// The time since the first call.
fn uptime() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::path::Path;

    use super::*;
    use crate::testing::{answer, build, exchange, exchange_from, refused, status, values};

    thread_local! {
        static NOW: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    }

    fn pass(seconds: u64) {
        NOW.set(NOW.get() + Duration::from_secs(seconds));
    }

    /// A filter with a state of its own: tests run at the same time.
    fn named(name: &str, settings: &str) -> RateLimit {
        let settings = rimward_config::decode(&settings.parse().unwrap()).unwrap();
        let filter = RateLimit::new(settings, &Builder::new(Path::new("."), name)).unwrap();
        RateLimit {
            clock: || NOW.get(),
            ..filter
        }
    }

    /// How many requests in a row are let through, of at most ten.
    fn let_through(filter: &RateLimit, make: impl Fn() -> Exchange) -> usize {
        (0..10)
            .take_while(|_| status(filter, &mut make()) == 0)
            .count()
    }

    #[test]
    fn a_burst_is_let_through_and_then_the_rate() {
        let filter = named("burst", "rate = \"1/min\"\nburst = 3");
        let client = || exchange_from("192.0.2.1");
        assert_eq!(let_through(&filter, client), 3);
        pass(59);
        assert_eq!(let_through(&filter, client), 0);
        pass(1);
        assert_eq!(let_through(&filter, client), 1);
        pass(86_400);
        assert_eq!(let_through(&filter, client), 3);
    }

    #[test]
    fn keys_are_counted_apart() {
        let from = |ip: &'static str| move || exchange_from(ip);
        let by_ip = named("ip", "rate = \"2/h\"");
        assert_eq!(let_through(&by_ip, from("192.0.2.1")), 2);
        assert_eq!(let_through(&by_ip, from("::ffff:192.0.2.1")), 0);
        assert_eq!(let_through(&by_ip, from("192.0.2.2")), 2);
        assert_eq!(let_through(&by_ip, from("2001:db8::1")), 2);
        assert_eq!(let_through(&by_ip, from("2001:db8::ffff:1")), 0);
        assert_eq!(let_through(&by_ip, from("2001:db8:0:1::1")), 2);
        let exact = named("exact", "rate = \"2/h\"\nipv6_prefix = 128");
        assert_eq!(let_through(&exact, from("2001:db8::1")), 2);
        assert_eq!(let_through(&exact, from("2001:db8::2")), 2);

        for (key, first, second) in [
            (
                r#""host""#,
                ("/", "host", "a.example"),
                ("/", "host", "b.example"),
            ),
            (r#""path""#, ("/a", "x", ""), ("/b", "x", "")),
            (
                r#"{ header = "X-Key" }"#,
                ("/", "x-key", "a"),
                ("/", "x-key", "b"),
            ),
            (
                r#"{ cookie = "s" }"#,
                ("/", "cookie", "s=a"),
                ("/", "cookie", "s=b"),
            ),
            (
                r#"{ template = "{method}{path}" }"#,
                ("/a", "x", ""),
                ("/b", "x", ""),
            ),
        ] {
            let filter = named("keys", &format!("rate = \"2/h\"\nkey = {key}"));
            let make = |(target, name, value)| move || exchange("GET", target, &[(name, value)]);
            assert_eq!(let_through(&filter, make(first)), 2, "{key}");
            assert_eq!(let_through(&filter, make(first)), 0, "{key}");
            assert_eq!(let_through(&filter, make(second)), 2, "{key}");
        }
        let by_host = named("case", "rate = \"2/h\"\nkey = \"host\"");
        assert_eq!(
            let_through(&by_host, || exchange("GET", "/", &[("host", "a.example")])),
            2
        );
        assert_eq!(
            let_through(&by_host, || exchange(
                "GET",
                "/",
                &[("host", "A.Example:80")]
            )),
            0
        );
    }

    #[test]
    fn a_client_without_the_header_is_counted_by_its_address() {
        let filter = named("absent", "rate = \"2/h\"\nkey = { header = \"x-key\" }");
        assert_eq!(let_through(&filter, || exchange_from("192.0.2.1")), 2);
        assert_eq!(let_through(&filter, || exchange_from("192.0.2.2")), 2);
        assert_eq!(let_through(&filter, || exchange_from("192.0.2.1")), 0);
    }

    #[test]
    fn the_limit_is_told() {
        let filter = named("api \"v1\"", "rate = \"2/min\"\nstatus = 420");
        let mut exchange = exchange_from("192.0.2.1");
        assert_eq!(status(&filter, &mut exchange), 0);
        let mut head = ResponseHeader::build(200, None).unwrap();
        filter.response(&mut exchange, &mut head).unwrap();
        assert_eq!(values(&head, "ratelimit"), [r#""api \"v1\"";r=1;t=30"#]);
        assert_eq!(
            values(&head, "ratelimit-policy"),
            [r#""api \"v1\"";q=2;w=60"#]
        );
        assert_eq!(status(&filter, &mut exchange_from("192.0.2.1")), 0);
        pass(10);
        let refusal = answer(&filter, &mut exchange_from("192.0.2.1")).unwrap();
        assert_eq!(refusal.head.status.as_u16(), 420);
        assert_eq!(
            values(&refusal.head, "ratelimit"),
            [r#""api \"v1\"";r=0;t=20"#]
        );
        assert_eq!(values(&refusal.head, "retry-after"), ["20"]);
    }

    #[test]
    fn two_limits_tell_each_its_own() {
        let (one, two) = (
            named("one", "rate = \"2/min\""),
            named("two", "rate = \"9/min\""),
        );
        let mut exchange = exchange_from("192.0.2.1");
        let mut head = ResponseHeader::build(200, None).unwrap();
        for filter in [&one, &two] {
            assert_eq!(status(filter, &mut exchange), 0);
        }
        for filter in [&two, &one] {
            filter.response(&mut exchange, &mut head).unwrap();
        }
        assert_eq!(
            values(&head, "ratelimit"),
            [r#""two";r=8;t=7"#, r#""one";r=1;t=30"#]
        );
    }

    #[test]
    fn a_reload_with_the_same_settings_forgets_nothing() {
        let (settings, client) = ("rate = \"2/h\"", || exchange_from("192.0.2.1"));
        let old = named("reload", settings);
        assert_eq!(let_through(&old, client), 2);
        let new = named("reload", settings);
        drop(old);
        assert_eq!(let_through(&new, client), 0);
        assert_eq!(let_through(&named("reload", "rate = \"3/h\""), client), 3);
        assert_eq!(let_through(&named("other", settings), client), 2);
    }

    #[test]
    fn fields_and_limits_can_be_left_out() {
        let filter = named(
            "silent",
            "rate = \"1/h\"\nfields = false\nexcept = [\"192.0.2.0/24\"]",
        );
        assert!(!filter.phases().contains(Phase::Response));
        assert_eq!(let_through(&filter, || exchange_from("192.0.2.1")), 10);
        assert_eq!(let_through(&filter, || exchange_from("198.51.100.1")), 1);
        let refusal = answer(&filter, &mut exchange_from("198.51.100.1")).unwrap();
        assert_eq!(values(&refusal.head, "ratelimit"), [""; 0]);
        assert_eq!(values(&refusal.head, "retry-after"), ["3600"]);
    }

    #[test]
    fn mistakes_are_told() {
        for (settings, expected) in [
            ("", "`rate` is missing"),
            (
                "rate = \"100\"",
                "rate: `100` is not a rate: `100/s`, `10/min`",
            ),
            ("rate = \"0/s\"", "`0/s` is not a rate"),
            ("rate = \"1/m\"", "`1/m` is not a rate"),
            ("rate = \"2000000/s\"", "`2000000/s` is too high a rate"),
            (
                "rate = \"1/s\"\nipv6_prefix = 129",
                "ipv6_prefix: `129` is not the length of a prefix: 1 to 128",
            ),
            (
                "rate = \"1/s\"\nmax_keys = 999999999",
                "max_keys: `999999999` is out of bounds",
            ),
            ("rate = \"1/s\"\nkey = \"ip\"", "key: `ip` is not one of"),
            (
                "rate = \"1/s\"\nkey = { header = \"a b\" }",
                "`a b` is not a header name",
            ),
        ] {
            refused::<RateLimit>(settings, expected);
        }
        build::<RateLimit>("rate = \"1 / s\"").unwrap();
    }
}
