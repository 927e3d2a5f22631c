//! Settings of `migrate`.

use std::sync::Arc;
use std::time::Duration;

use rimward_config::{ByteSize, OriginId, Percent, Span};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::guard::Limits;
use super::schedule::{Point, Schedule, share};
use super::state::State;
use super::sticky::StickyBy;
use crate::chosen::{Failures, Fallback};
use crate::filter::{BuildError, Builder};
use crate::settings::FieldName;

/// Settings of `migrate`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The origin that the traffic comes from.
    pub(super) from: String,
    /// The origin that it moves to.
    pub(super) to: String,
    /// The share that goes to the new origin, in steps of a hundredth of a percent. Not beside `ramp`.
    pub(super) percent: Option<Percent>,
    /// A share that changes with time: points with `at` and `percent`, from early to late. Before the first nothing moves.
    pub(super) ramp: Option<Vec<Point>>,
    /// Whether the share grows evenly from one point of the ramp to the next, instead of in steps.
    #[serde(default)]
    pub(super) smooth: bool,
    /// What a client keeps its origin by: `"client_ip"` (of IPv6 its /64), `"path"`, by which all clients see one version of a
    /// page, `{ header = "x-user" }`, or `{ cookie = "move" }`, a cookie of the edge's own. While the share grows, nobody who
    /// has moved moves back.
    #[serde(default)]
    pub(super) sticky: StickyBy,
    /// How long a client keeps the cookie.
    #[serde(default = "thirty_days")]
    #[schemars(title = "duration")]
    pub(super) cookie_ttl: Span,
    /// When the old origin is asked after the new one, so that clients see no failure of it. A request with a body can as
    /// long as the body is small.
    pub(super) fallback: Option<FallbackSettings>,
    /// A share of the requests to either origin that the other one gets too, to compare their answers.
    pub(super) shadow: Option<ShadowSettings>,
    /// When traffic goes back to the old origin by itself.
    pub(super) abort_when: Option<AbortSettings>,
    /// Whether objects of both origins may stand for each other in the cache. Without, each origin has its own.
    #[serde(default)]
    pub(super) share_cache: bool,
}

/// When the old origin is asked after the new one.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FallbackSettings {
    /// Which failures count: statuses from 400 to 599, `"connect"`, `"reset"` and `"timeout"`.
    #[serde(default = "usual_failures")]
    on: Vec<FailureName>,
    /// Another origin to ask than the old one.
    to: Option<String>,
    /// How long answers of the fallback may be stored in the place of the new origin's. Unless set they are not stored, so that
    /// the new origin is asked each time.
    #[serde(default)]
    #[schemars(title = "duration")]
    ttl: Span,
}

/// A failure: a status or a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "toml::Value")]
pub(super) enum FailureName {
    Status(u16),
    Connect,
    Reset,
    Timeout,
}

impl TryFrom<toml::Value> for FailureName {
    type Error = String;

    fn try_from(value: toml::Value) -> Result<Self, String> {
        let status = value
            .as_integer()
            .and_then(|status| u16::try_from(status).ok());
        match (status, value.as_str()) {
            (Some(status @ 400..=599), _) => Ok(Self::Status(status)),
            (_, Some("connect")) => Ok(Self::Connect),
            (_, Some("reset")) => Ok(Self::Reset),
            (_, Some("timeout")) => Ok(Self::Timeout),
            _ => Err(format!(
                "`{value}` is no failure: a status from 400 to 599, `connect`, `reset` or `timeout`"
            )),
        }
    }
}

impl JsonSchema for FailureName {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Failure".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "failure",
            "anyOf": [
                { "type": "integer", "minimum": 400, "maximum": 599 },
                { "type": "string", "enum": ["connect", "reset", "timeout"] },
            ],
        })
    }
}

/// Requests that both origins get.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ShadowSettings {
    /// The share of the requests that go to an origin. Only GET requests without a condition or a range take part.
    pub(super) percent: Percent,
    /// What is compared: `"status"`, `"body_hash"`, and headers as `"header:content-type"`.
    #[serde(default = "status_and_body")]
    pub(super) compare: Vec<Compared>,
    /// The longest body that is compared.
    #[serde(default = "one_mebibyte")]
    #[schemars(title = "size")]
    pub(super) max_body: ByteSize,
    /// How many may be on their way at once; further ones are left out.
    #[serde(default = "thirty_two")]
    #[schemars(range(min = 1, max = 1024))]
    pub(super) at_once: usize,
    /// How long an answer is waited for.
    #[serde(default = "ten_seconds")]
    #[schemars(title = "duration")]
    pub(super) timeout: Span,
}

/// Something of two answers that is compared.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) enum Compared {
    Status,
    BodyHash,
    Header(FieldName),
}

impl TryFrom<String> for Compared {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match (text.as_str(), text.strip_prefix("header:")) {
            ("status", _) => Ok(Self::Status),
            ("body_hash", _) => Ok(Self::BodyHash),
            (_, Some(name)) => FieldName::try_from(name.to_owned()).map(Self::Header),
            _ => Err(format!(
                "`{text}` can't be compared: `status`, `body_hash` or a header such as `header:content-type`"
            )),
        }
    }
}

impl JsonSchema for Compared {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Compared".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "title": "comparison", "pattern": "^(status|body_hash|header:.+)$" })
    }
}

/// When traffic goes back to the old origin by itself.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AbortSettings {
    /// The share of tries at the new origin that may fail: no answer, or a status from 500 to 599.
    error_rate_above: Option<Percent>,
    /// What 95 of 100 tries have to be faster than, from asking to the head of the answer.
    #[schemars(title = "duration")]
    latency_above: Option<Span>,
    /// How far it is looked back.
    #[serde(default = "one_minute")]
    #[schemars(title = "duration")]
    over: Span,
    /// Fewer tries than this within that time say nothing.
    #[serde(default = "fifty")]
    #[schemars(range(min = 1))]
    min_requests: u32,
    /// After what time a tenth of the traffic comes back, to see how the new origin does. When it stays under half of the
    /// bounds for as long as it is looked back, the rest follows; else it goes away again, for twice as long. Unless set,
    /// traffic stays away until an operator gives it back.
    #[schemars(title = "duration")]
    retry_after: Option<Span>,
}

fn thirty_days() -> Span {
    Span(Duration::from_secs(30 * 86_400))
}

fn ten_seconds() -> Span {
    Span(Duration::from_secs(10))
}

fn one_minute() -> Span {
    Span(Duration::from_secs(60))
}

fn one_mebibyte() -> ByteSize {
    ByteSize(1 << 20)
}

fn thirty_two() -> usize {
    32
}

fn fifty() -> u32 {
    50
}

fn usual_failures() -> Vec<FailureName> {
    use FailureName::{Connect, Status, Timeout};
    vec![Status(502), Status(503), Status(504), Connect, Timeout]
}

fn status_and_body() -> Vec<Compared> {
    vec![Compared::Status, Compared::BodyHash]
}

impl Settings {
    /// The old origin and the new one.
    ///
    /// # Errors
    /// When there is no such origin, or it is the same.
    pub(super) fn origins(
        &self,
        builder: &Builder<'_>,
    ) -> Result<(OriginId, OriginId), BuildError> {
        if self.from == self.to {
            let message = format!(
                "`{}` is where the traffic comes from: name another origin",
                self.to
            );
            return Err(BuildError::at("to", message));
        }
        Ok((
            builder.origin("from", &self.from)?,
            builder.origin("to", &self.to)?,
        ))
    }

    /// The share over time.
    ///
    /// # Errors
    /// When there is none, or two of them, or a ramp has no order.
    pub(super) fn schedule(&self) -> Result<Schedule, BuildError> {
        match (self.percent, &self.ramp) {
            (Some(percent), None) if !self.smooth => Ok(Schedule::Fixed(share(percent))),
            (Some(_), None) => Err(BuildError::at("smooth", "only a `ramp` can be smooth")),
            (None, Some(points)) => Schedule::ramp(points, self.smooth)
                .map_err(|(key, message)| BuildError::at(key, message)),
            (Some(_), Some(_)) => Err(BuildError::at(
                "percent",
                "the share is told by `percent` or by `ramp`, not by both",
            )),
            (None, None) => Err(BuildError::at(
                "percent",
                "the share is missing: set `percent`, or a `ramp`",
            )),
        }
    }

    /// Who is asked when the new origin fails.
    ///
    /// # Errors
    /// When there is no such origin.
    pub(super) fn fallback(
        &self,
        builder: &Builder<'_>,
        from: OriginId,
        state: &Arc<State>,
    ) -> Result<Option<Fallback>, BuildError> {
        let Some(settings) = &self.fallback else {
            return Ok(None);
        };
        let origin = match &settings.to {
            Some(name) if *name == self.to => {
                let message = format!("`{name}` is the origin that has failed: name another one");
                return Err(BuildError::at("fallback.to", message));
            }
            Some(name) => builder.origin("fallback.to", name)?,
            None => from,
        };
        Ok(Some(Fallback {
            origin,
            on: failures(&settings.on),
            stored_for: settings.ttl.0,
            tally: Some(state.fallbacks(builder.tally("fallback"))),
        }))
    }

    /// When the new origin does badly.
    ///
    /// # Errors
    /// When a bound is missing or can't be one.
    pub(super) fn limits(&self) -> Result<Option<Limits>, BuildError> {
        let Some(abort) = &self.abort_when else {
            return Ok(None);
        };
        if abort.error_rate_above.is_none() && abort.latency_above.is_none() {
            return Err(BuildError::at(
                "abort_when",
                "a bound is missing: `error_rate_above` or `latency_above`",
            ));
        }
        if abort.over.0 < Duration::from_secs(1) {
            return Err(BuildError::at(
                "abort_when.over",
                "it has to be at least `1s`",
            ));
        }
        if abort.min_requests == 0 {
            return Err(BuildError::at(
                "abort_when.min_requests",
                "it has to be at least 1",
            ));
        }
        Ok(Some(Limits {
            errors: abort.error_rate_above.map(Percent::fraction),
            latency: abort.latency_above.map(|span| span.0),
            over: abort.over.0,
            min_requests: abort.min_requests,
            retry_after: abort.retry_after.map(|span| span.0),
        }))
    }
}

fn failures(names: &[FailureName]) -> Failures {
    let statuses = names.iter().filter_map(|name| match name {
        FailureName::Status(status) => Some(*status),
        _ => None,
    });
    Failures {
        statuses: statuses.collect(),
        connect: names.contains(&FailureName::Connect),
        reset: names.contains(&FailureName::Reset),
        timeout: names.contains(&FailureName::Timeout),
    }
}
