//! Limits the rate of requests by a token bucket for each client, or whatever else is the key.

mod buckets;
mod key;
mod policy;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use ahash::RandomState;
use http::header::{HeaderValue, RETRY_AFTER};
use pingora_http::ResponseHeader;
use rimward_config::Cidr;
use schemars::JsonSchema;
use serde::Deserialize;

use self::buckets::{Buckets, Outcome};
use self::key::Key;
use self::policy::Policy;
use crate::exchange::Exchange;
use crate::filter::{
    Answer, Body, BuildError, Builder, Configured, Filter, FilterError, Flow, Phase, Phases,
};
use crate::lasting::{Lasting, uptime};
use crate::ranges::Ranges;
use crate::rate::Rate;
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

    fn runs_in_lane(&self) -> bool {
        true
    }

    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        if self.except.contains(exchange.client.ip) {
            return Ok(Flow::Continue);
        }
        let key = self
            .key
            .hash(exchange, self.ipv6_prefix, &self.state.hasher);
        let outcomes = exchange.notes.get_or_insert_default::<Outcomes>();
        if outcomes.of(&self.state).is_some() {
            // It was let through before, and is counted once.
            return Ok(Flow::Continue);
        }
        let outcome = self.state.buckets.take(key, (self.clock)());
        if outcome.is_let_through {
            outcomes.0.push((Arc::as_ptr(&self.state).addr(), outcome));
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
        static STATES: Lasting<String, State> = Lasting::new();
        let Settings {
            rate,
            key,
            ipv6_prefix,
            max_keys,
            ..
        } = settings;
        let identity = format!("{name:?} {rate:?} {burst} {key:?} {ipv6_prefix} {max_keys}");
        STATES.of(identity, || Self {
            buckets: Buckets::new(rate.per / rate.count.get(), burst, *max_keys),
            hasher: RandomState::new(),
        })
    }
}

#[cfg(test)]
mod tests;
