//! Lets in who has a signed token (JSON Web Tokens, RFC 7519, as bearer tokens, RFC 6750).
//!
//! A token that was verified is remembered, so that the signature is checked once. What has to wait for keys waits in
//! `request_later`.

mod keys;
mod known;
mod refusal;
mod remote;
mod require;
mod settings;
mod sources;
mod verify;

use std::sync::Arc;

use async_trait::async_trait;
use http::header::HeaderName;

use self::known::{Admission, Known};
use self::refusal::{Refusal, Refusals};
use self::settings::Settings;
use self::sources::Sources;
use self::verify::{Demands, Verdict};
use crate::credentials::{Places, Unclear, remove_claimed};
use crate::exchange::Exchange;
use crate::filter::{BuildError, Builder, Configured, Filter, FilterError, Flow, Phase, Phases};

/// Lets in who has a signed token.
pub(crate) struct Jwt {
    sources: Sources,
    demands: Demands,
    refusals: Refusals,
    known: Known,
    from: Places,
    is_optional: bool,
    forward: bool,
    shared: bool,
    /// The headers that tell the origin of claims, each with the path of its claim.
    headers: Vec<(HeaderName, String)>,
    header_names: Vec<HeaderName>,
    name: Arc<str>,
    clock: fn() -> u64,
}

impl Configured for Jwt {
    const NAME: &'static str = "jwt";
    const SUMMARY: &'static str =
        "Lets in who has a signed token (JWT), and tells the origin what the token says.";
    const EXAMPLE: &'static str = r#"use = "jwt"
keys = [{ url = "https://id.example.com/.well-known/jwks.json" }]
issuer = "https://id.example.com/"
audience = "shop"
require = [{ claim = "scope", contains = "read" }, { claim = "realm_access.roles", contains = "customer" }]
headers = { x-user = "sub", x-roles = "realm_access.roles" }
"#;
    type Settings = Settings;

    fn new(settings: Settings, builder: &Builder<'_>) -> Result<Self, BuildError> {
        let sources = Sources::new(settings.keys, builder)?;
        let headers: Vec<(HeaderName, String)> = settings
            .headers
            .into_iter()
            .map(|(name, path)| (name.0, path))
            .collect();
        for (name, _) in &headers {
            crate::settings::refuse_framing(name)
                .map_err(|message| BuildError::at(format!("headers.{name}"), message))?;
        }
        Ok(Self {
            sources,
            demands: Demands {
                issuers: settings.issuer.0,
                audiences: settings.audience.0,
                leeway: settings.leeway.0.as_secs(),
                require_exp: settings.require_exp,
                required: settings.require,
            },
            refusals: Refusals::new(&settings.realm, builder)?,
            known: Known::new(),
            from: settings.from,
            is_optional: settings.optional,
            forward: settings.forward,
            shared: settings.shared,
            header_names: headers.iter().map(|(name, _)| name.clone()).collect(),
            headers,
            name: builder.name.into(),
            clock: jsonwebtoken::get_current_timestamp,
        })
    }
}

#[async_trait]
impl Filter for Jwt {
    fn phases(&self) -> Phases {
        Phases::only(Phase::Request)
    }

    fn runs_in_lane(&self) -> bool {
        true
    }

    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        remove_claimed(exchange, &self.header_names);
        let found = self.from.find(exchange);
        match found.map(|found| found.map(|found| (found.place, self.judge(&found.value)))) {
            Ok(Some((place, Ok(admission)))) => self.admit(exchange, &admission, place),
            Ok(Some((_, Err(Refusal::NoKey)))) if self.sources.may_help() => Ok(Flow::Later),
            Ok(Some((_, Err(refusal)))) => self.refusals.answer(refusal, exchange),
            Ok(None) if self.is_optional => Ok(Flow::Continue),
            Ok(None) => self.refusals.answer(Refusal::Missing, exchange),
            Err(Unclear) => self.refusals.answer(Refusal::Unclear, exchange),
        }
    }

    async fn request_later(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        self.sources.learn().await;
        let found = self.from.find(exchange).ok().flatten();
        let Some((place, judged)) = found.map(|found| (found.place, self.judge(&found.value)))
        else {
            return self.refusals.answer(Refusal::Missing, exchange);
        };
        match judged {
            Ok(admission) => self.admit(exchange, &admission, place),
            Err(Refusal::NoKey) if !self.sources.are_there() => {
                self.refusals.count(Refusal::NoKey, exchange);
                let reason = "the keys that tokens are verified with could not be fetched";
                Err(FilterError::unavailable(reason))
            }
            Err(refusal) => self.refusals.answer(refusal, exchange),
        }
    }
}

impl Jwt {
    /// What a token admits to.
    fn judge(&self, token: &str) -> Result<Arc<Admission>, Refusal> {
        let (now, generation) = ((self.clock)(), self.sources.generation());
        let digest = self.known.digest(token);
        if let Some(admission) = self.known.get(&digest, now, generation) {
            return Ok(admission);
        }
        self.sources.tend();
        let Verdict { claims, until } = self.demands.verify(token, &self.sources, now)?;
        let mut headers = Vec::with_capacity(self.headers.len());
        for (name, path) in &self.headers {
            headers.extend(claims.header_value(path).map(|value| (name.clone(), value)));
        }
        let admission = Arc::new(Admission {
            token_part: Admission::token_part(token),
            claims_part: Admission::claims_part(&headers),
            headers,
            claims,
            until,
            generation,
        });
        self.known.remember(digest, admission.clone());
        Ok(admission)
    }

    fn admit(
        &self,
        exchange: &mut Exchange,
        admission: &Admission,
        place: usize,
    ) -> Result<Flow, FilterError> {
        self.from.strip(exchange, self.forward.then_some(place))?;
        for (name, value) in &admission.headers {
            let fails = |_| {
                FilterError::new(format!(
                    "`{name}` can't be added: there are too many headers"
                ))
            };
            exchange
                .request
                .insert_header(name, value.clone())
                .map_err(fails)?;
        }
        if !self.shared {
            if self.forward && !self.from.is_authorization(place) {
                let part = admission.token_part.clone();
                exchange.chosen.distinguish(&self.name, part);
            } else if !self.headers.is_empty() {
                let part = admission.claims_part.clone();
                exchange.chosen.distinguish(&self.name, part);
            }
        }
        if let Some(subject) = admission.claims.subject() {
            exchange.log.push(("user".into(), subject.to_owned()));
        }
        exchange.notes.insert(admission.claims.clone());
        Ok(Flow::Continue)
    }
}

#[cfg(test)]
mod tests;
