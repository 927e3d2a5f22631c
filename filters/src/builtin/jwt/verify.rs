//! What is demanded of a token.

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header};
use serde_json::{Map, Value};

use super::keys::Key;
use super::refusal::Refusal;
use super::require::Requirement;
use super::sources::Sources;
use crate::claims::Claims;

/// What is demanded of a token, beside a signature.
pub(super) struct Demands {
    pub(super) issuers: Vec<String>,
    pub(super) audiences: Vec<String>,
    /// Seconds.
    pub(super) leeway: u64,
    pub(super) require_exp: bool,
    pub(super) required: Vec<Requirement>,
}

/// What a right token says.
pub(super) struct Verdict {
    pub(super) claims: Claims,
    /// The second from which on it is right no more.
    pub(super) until: u64,
}

/// No token that a browser or a library sends is longer.
const MAX_LENGTH: usize = 16 << 10;

impl Demands {
    /// Verifies the signature first, so that nothing of a forged token is looked at.
    pub(super) fn verify(
        &self,
        token: &str,
        sources: &Sources,
        now: u64,
    ) -> Result<Verdict, Refusal> {
        if token.len() > MAX_LENGTH {
            return Err(Refusal::Malformed);
        }
        // An algorithm that is not known, and that is `none` too, makes this no header.
        let header = decode_header(token).map_err(|_| Refusal::Malformed)?;
        let tried = sources.try_each(header.kid.as_deref(), header.alg, |key| {
            claims(token, &header, key)
        });
        let claims = match tried {
            Some(found) => found.ok_or_else(|| unsigned(&header, sources))??,
            None => return Err(Refusal::NoKey),
        };
        let until = self.times(&claims, now)?;
        self.parties(&claims)?;
        let claims = Claims(claims.into());
        match self.required.iter().all(|demand| demand.holds(&claims)) {
            true => Ok(Verdict { claims, until }),
            false => Err(Refusal::Insufficient),
        }
    }

    /// When it is right no more, if it is right by now.
    fn times(&self, claims: &Map<String, Value>, now: u64) -> Result<u64, Refusal> {
        if let Some(from) = seconds(claims, "nbf")?
            && from > now.saturating_add(self.leeway)
        {
            return Err(Refusal::Early);
        }
        match seconds(claims, "exp")? {
            None if self.require_exp => Err(Refusal::Times),
            None => Ok(u64::MAX),
            Some(until) => {
                let until = until.saturating_add(self.leeway);
                if now < until {
                    Ok(until)
                } else {
                    Err(Refusal::Expired)
                }
            }
        }
    }

    fn parties(&self, claims: &Map<String, Value>) -> Result<(), Refusal> {
        let is_in = |list: &[String], value: &Value| {
            let text = value.as_str();
            text.is_some_and(|text| list.iter().any(|item| item == text))
        };
        let issuer = claims.get("iss");
        if !self.issuers.is_empty() && !issuer.is_some_and(|value| is_in(&self.issuers, value)) {
            return Err(Refusal::Issuer);
        }
        let audiences = match claims.get("aud") {
            Some(Value::Array(list)) => list.as_slice(),
            Some(one) => std::slice::from_ref(one),
            None => &[],
        };
        let is_for_us = audiences.iter().any(|value| is_in(&self.audiences, value));
        match self.audiences.is_empty() || is_for_us {
            true => Ok(()),
            false => Err(Refusal::Audience),
        }
    }
}

/// A key may have been replaced by one of another `kid`, which a token without one can't tell.
fn unsigned(header: &Header, sources: &Sources) -> Refusal {
    match header.kid.is_none() && sources.may_learn() {
        true => Refusal::NoKey,
        false => Refusal::Signature,
    }
}

/// The claims if `key` signed them; `None` when it did not.
fn claims(token: &str, header: &Header, key: &Key) -> Option<Result<Map<String, Value>, Refusal>> {
    match decode(token, &key.decoding, &signature_alone(header.alg)) {
        Ok(data) => Some(Ok(data.claims)),
        Err(error) if matches!(error.kind(), ErrorKind::InvalidSignature) => None,
        Err(_) => Some(Err(Refusal::Malformed)),
    }
}

/// Times and parties are looked at here, by our own clock.
fn signature_alone(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}

/// A time in seconds, which may have a fraction.
fn seconds(claims: &Map<String, Value>, name: &str) -> Result<Option<u64>, Refusal> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => {
            let seconds = value.as_f64().filter(|seconds| *seconds >= 0.0);
            seconds
                .map(|seconds| Some(whole(seconds)))
                .ok_or(Refusal::Times)
        }
    }
}

/// Rounded down: a float that is too large becomes the largest number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and what is negative was refused"
)]
fn whole(seconds: f64) -> u64 {
    seconds as u64
}
