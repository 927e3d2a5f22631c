//! Asks an origin of its own whether a request may pass, as nginx's `auth_request`, Traefik's ForwardAuth and Caddy's
//! `forward_auth` do.
//!
//! What was decided may be remembered by a key. A decision that is known is followed at once, so that hits stay in the fast
//! lane; the auth origin is asked in [`Filter::request_later`].

mod asking;
mod decision;
mod flights;
mod memory;
mod settings;

use std::sync::Arc;

use async_trait::async_trait;
use http::header::SET_COOKIE;
use http::{HeaderName, HeaderValue};
use pingora_http::ResponseHeader;

use self::asking::Asking;
use self::decision::{Decision, Fields, Verdict};
use self::memory::Memory;
use self::settings::{Fail, Settings};
use crate::apart::key_of;
use crate::exchange::Exchange;
use crate::filter::{
    Answer, Body, BuildError, Builder, Configured, Filter, FilterError, Flow, Phase, Phases,
};
use crate::outside::Tally;

/// Asks an origin whether a request may pass.
pub(crate) struct ForwardAuth {
    name: Arc<str>,
    asking: Asking,
    memory: Option<Memory>,
    to_origin: Box<[HeaderName]>,
    to_client: Box<[HeaderName]>,
    share_cache: bool,
    fail: Fail,
    tallies: Tallied,
}

struct Tallied {
    allowed: Arc<dyn Tally>,
    refused: Arc<dyn Tally>,
    failed: Arc<dyn Tally>,
}

impl Configured for ForwardAuth {
    const NAME: &'static str = "forward_auth";
    const SUMMARY: &'static str = "Asks an origin whether a request may pass.";
    const EXAMPLE: &'static str = r#"use = "forward_auth"
origin = "auth"
path = "/verify"
to_origin = ["x-auth-user", "x-auth-groups"]
to_client = ["set-cookie"]
cache = { key = ["host", { cookie = "session" }], ttl = "30s" }
"#;
    type Settings = Settings;

    fn new(settings: Settings, builder: &Builder<'_>) -> Result<Self, BuildError> {
        let asking = Asking::new(&settings, builder)?;
        let memory = Memory::of(settings.cache.as_ref(), &asking)?;
        Ok(Self {
            name: builder.name.into(),
            asking,
            memory,
            to_origin: settings::copied("to_origin", settings.to_origin)?,
            to_client: settings::copied("to_client", settings.to_client)?,
            share_cache: settings.share_cache,
            fail: settings.fail,
            tallies: Tallied {
                allowed: builder.tally("allowed"),
                refused: builder.tally("refused"),
                failed: builder.tally("failed"),
            },
        })
    }
}

#[async_trait]
impl Filter for ForwardAuth {
    fn phases(&self) -> Phases {
        Phases::only(Phase::Request).and_if(!self.to_client.is_empty(), Phase::Response)
    }

    fn runs_in_lane(&self) -> bool {
        true
    }

    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        if self.asking.comes_from(&self.name, exchange) {
            return Ok(Answer::refuse(508)?.flow());
        }
        let Some(memory) = &self.memory else {
            return Ok(Flow::Later);
        };
        match memory.recall(&memory.digest(exchange)) {
            Some(decision) => self.follow(&decision, exchange),
            None => Ok(Flow::Later),
        }
    }

    async fn request_later(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        let decision = match &self.memory {
            Some(memory) => self.decide_once(memory, exchange).await,
            None => self.decide(exchange).await,
        };
        match decision {
            Ok(decision) => self.follow(&decision, exchange),
            Err(error) => self.without(error, exchange),
        }
    }

    fn response(
        &self,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        let told = exchange.notes.get::<Followed>();
        let decision = told.and_then(|followed| followed.of(&self.name));
        if let Some(decision) = decision {
            for (name, value) in &decision.to_client {
                put(response, name, value)?;
            }
        }
        Ok(Body::Untouched)
    }
}

impl ForwardAuth {
    /// Asks, unless somebody asks the same: then its answer is waited for.
    async fn decide_once(
        &self,
        memory: &Memory,
        exchange: &Exchange,
    ) -> Result<Arc<Decision>, FilterError> {
        let digest = memory.digest(exchange);
        let flight = memory.flights.join(digest);
        let mut own = None;
        let slot = &mut own;
        let ask = move || async move {
            if let Some(known) = memory.recall(&digest) {
                return Ok(Some(known));
            }
            let decision = self
                .decide(exchange)
                .await
                .map_err(|error| error.to_string())?;
            let is_for_all = memory.remember(digest, &decision);
            *slot = Some(decision.clone());
            Ok(is_for_all.then_some(decision))
        };
        let shared = flight.cell.get_or_init(ask).await.clone();
        match (own, shared.map_err(FilterError::new)?) {
            (Some(decision), _) | (None, Some(decision)) => Ok(decision),
            // What the other one was told is for nobody else.
            (None, None) => self.decide(exchange).await,
        }
    }

    async fn decide(&self, exchange: &Exchange) -> Result<Arc<Decision>, FilterError> {
        let response = self.asking.ask(&self.name, exchange).await?;
        let decision = Decision::of(response, &self.to_origin, &self.to_client)?;
        Ok(Arc::new(decision))
    }

    fn follow(
        &self,
        decision: &Arc<Decision>,
        exchange: &mut Exchange,
    ) -> Result<Flow, FilterError> {
        match &decision.verdict {
            Verdict::Refused(answer) => {
                exchange.outcomes.push(self.tallies.refused.clone());
                Ok(Flow::Answer(answer.clone()))
            }
            Verdict::Allowed { to_origin, key } => {
                exchange.outcomes.push(self.tallies.allowed.clone());
                self.tell_origin(to_origin, key, exchange)?;
                if !decision.to_client.is_empty() {
                    let followed = exchange.notes.get_or_insert_default::<Followed>();
                    followed.note(&self.name, decision);
                }
                Ok(Flow::Continue)
            }
        }
    }

    /// What a request goes on with when nobody decided.
    fn without(&self, error: FilterError, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        exchange.outcomes.push(self.tallies.failed.clone());
        match self.fail {
            Fail::Closed => Err(error),
            Fail::Open => {
                tracing::warn!(filter = %self.name, %error, "a request passes though nobody said that it may");
                self.tell_origin(&Fields::new(), &key_of(&[]), exchange)?;
                Ok(Flow::Continue)
            }
        }
    }

    /// Puts the fields into the request. What the client sent under these names is taken out in any case.
    fn tell_origin(
        &self,
        fields: &Fields,
        key: &Arc<str>,
        exchange: &mut Exchange,
    ) -> Result<(), FilterError> {
        for name in &self.to_origin {
            exchange.request.remove_header(name);
        }
        for (name, value) in fields {
            let appended = exchange.request.append_header(name, value.clone());
            appended.map_err(|error| FilterError::new(format!("`{name}`: {error}")))?;
        }
        if !self.share_cache && !self.to_origin.is_empty() {
            exchange.chosen.distinguish(&self.name, key.clone());
        }
        Ok(())
    }
}

/// Cookies stand beside others; any other field has one value.
fn put(
    response: &mut ResponseHeader,
    name: &HeaderName,
    value: &HeaderValue,
) -> Result<(), FilterError> {
    let put = match *name == SET_COOKIE {
        true => response.append_header(name, value.clone()).map(drop),
        false => response.insert_header(name, value.clone()),
    };
    put.map_err(|error| FilterError::new(format!("`{name}`: {error}")))
}

/// Notes the decisions whose fields the client gets, each by the filter's name.
#[derive(Clone, Default)]
struct Followed(Vec<(Arc<str>, Arc<Decision>)>);

impl Followed {
    fn of(&self, filter: &Arc<str>) -> Option<&Arc<Decision>> {
        let mut found = self.0.iter().filter(|(name, _)| name == filter);
        found.next().map(|(_, decision)| decision)
    }

    fn note(&mut self, filter: &Arc<str>, decision: &Arc<Decision>) {
        self.0.retain(|(name, _)| name != filter);
        self.0.push((filter.clone(), decision.clone()));
    }
}

#[cfg(test)]
mod tests;
