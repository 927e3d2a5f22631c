//! Why a token lets nobody in, and how the client is told (RFC 6750 §3).

use std::sync::Arc;

use http::header::{HeaderValue, WWW_AUTHENTICATE};

use crate::credentials::quoted;
use crate::exchange::Exchange;
use crate::filter::{Answer, BuildError, Builder, FilterError, Flow};
use crate::outside::Tally;

/// Why a token lets nobody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is none.
    Missing,
    /// There are several.
    Unclear,
    /// It is no token, or not one that is taken here.
    Malformed,
    /// No key that is known signs such tokens.
    NoKey,
    /// Nobody whom we know signed it.
    Signature,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    Early,
    /// It does not say when it expires, or in no right way.
    Times,
    /// Somebody else issued it.
    Issuer,
    /// It is for somebody else.
    Audience,
    /// Its claims do not suffice.
    Insufficient,
}

impl Refusal {
    const ALL: [Self; 11] = [
        Self::Missing,
        Self::Unclear,
        Self::Malformed,
        Self::NoKey,
        Self::Signature,
        Self::Expired,
        Self::Early,
        Self::Times,
        Self::Issuer,
        Self::Audience,
        Self::Insufficient,
    ];

    /// Status, error code, description, and what is counted.
    fn told(self) -> (u16, &'static str, &'static str, &'static str) {
        let invalid = |description, outcome| (401, "invalid_token", description, outcome);
        match self {
            Self::Missing => (401, "", "", "missing"),
            Self::Unclear => (
                400,
                "invalid_request",
                "there is more than one token",
                "invalid",
            ),
            Self::Malformed => invalid("this is not a token that is taken here", "invalid"),
            Self::NoKey => invalid("the key that signed the token is not known", "no_key"),
            Self::Signature => invalid("the signature is wrong", "invalid"),
            Self::Expired => invalid("the token has expired", "expired"),
            Self::Early => invalid("the token is not valid yet", "early"),
            Self::Times => invalid("the token does not tell when it is valid", "invalid"),
            Self::Issuer => invalid("the issuer is not trusted here", "invalid"),
            Self::Audience => invalid("the token is for another audience", "invalid"),
            Self::Insufficient => {
                let description = "the claims of the token do not suffice";
                (403, "insufficient_scope", description, "insufficient")
            }
        }
    }
}

/// The answers to refused requests, made beforehand.
pub(super) struct Refusals(Vec<(u16, HeaderValue, Arc<dyn Tally>)>);

impl Refusals {
    pub(super) fn new(realm: &str, builder: &Builder<'_>) -> Result<Self, BuildError> {
        let answer = |refusal: Refusal| {
            let (status, error, description, outcome) = refusal.told();
            let mut challenge = format!("Bearer realm={}", quoted(realm));
            if !error.is_empty() {
                challenge += &format!(", error=\"{error}\", error_description=\"{description}\"");
            }
            let value = HeaderValue::from_str(&challenge)
                .map_err(|_| BuildError::at("realm", "control characters can't be in a header"))?;
            Ok((status, value, builder.tally(outcome)))
        };
        Refusal::ALL
            .map(answer)
            .into_iter()
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Counts a refusal.
    pub(super) fn count(&self, refusal: Refusal, exchange: &mut Exchange) {
        if let Some((_, _, tally)) = self.0.get(refusal as usize) {
            exchange.outcomes.push(tally.clone());
        }
    }

    /// Tells the client.
    pub(super) fn answer(
        &self,
        refusal: Refusal,
        exchange: &mut Exchange,
    ) -> Result<Flow, FilterError> {
        self.count(refusal, exchange);
        let (status, challenge, _) = self
            .0
            .get(refusal as usize)
            .ok_or_else(|| FilterError::new("there is no answer to this refusal"))?;
        Ok(Answer::refuse(*status)?
            .header(WWW_AUTHENTICATE, challenge.clone())?
            .flow())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answers_are_in_the_order_of_the_refusals() {
        for (index, refusal) in Refusal::ALL.into_iter().enumerate() {
            assert_eq!(refusal as usize, index);
        }
    }
}
