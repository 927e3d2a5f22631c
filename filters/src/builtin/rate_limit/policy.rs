//! The `RateLimit` and `RateLimit-Policy` fields.

use std::num::NonZeroU32;

use http::header::{HeaderName, HeaderValue};
use pingora_http::ResponseHeader;

use super::buckets::Outcome;
use crate::filter::{BuildError, FilterError};
use crate::rate::Rate;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// How the limit is told to clients, as draft-ietf-httpapi-ratelimit-headers has it: a quota of `q` requests which is
/// whole again after `w` seconds; of it `r` remain, and after `t` seconds there is more.
pub(super) struct Policy {
    name: String,
    value: HeaderValue,
}

impl Policy {
    /// For a filter's name.
    pub(super) fn new(filter: &str, rate: Rate, burst: NonZeroU32) -> Result<Self, BuildError> {
        let name = structured_string(filter);
        let whole = rate.per.as_secs_f64() / f64::from(rate.count.get()) * f64::from(burst.get());
        let value = HeaderValue::from_str(&format!("{name};q={burst};w={}", whole.ceil().max(1.0)))
            .map_err(|_| {
                BuildError::at(
                    "",
                    format!("`{filter}` can't be told to clients: rename it"),
                )
            })?;
        Ok(Self { name, value })
    }

    /// Tells a client where it stands.
    pub(super) fn tell(
        &self,
        outcome: Outcome,
        head: &mut ResponseHeader,
    ) -> Result<(), FilterError> {
        let fails = |_| FilterError::new("`ratelimit` can't be added: there are too many headers");
        let limit = format!("{};r={};t={}", self.name, outcome.remaining, outcome.wait);
        head.append_header(RATE_LIMIT, limit).map_err(fails)?;
        head.append_header(RATE_LIMIT_POLICY, self.value.clone())
            .map_err(fails)?;
        Ok(())
    }
}

/// A string of RFC 9651, without what it can't hold.
fn structured_string(text: &str) -> String {
    let inner: String = text
        .chars()
        .filter(|c| c.is_ascii_graphic() || *c == ' ')
        .collect();
    format!("\"{}\"", inner.replace('\\', "\\\\").replace('"', "\\\""))
}
