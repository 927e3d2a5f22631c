//! Moves traffic from one origin to another, a share at a time.
//!
//! A request falls into one of ten thousand buckets by what is sticky. Those below the share go to the new origin. The share
//! comes from the settings, from the operator while the edge runs, and from the guard, which takes it away when the new
//! origin does badly.

mod guard;
mod schedule;
mod settings;
mod shadow;
mod state;
mod sticky;

use std::sync::Arc;

use pingora_http::{RequestHeader, ResponseHeader};
use serde_json::Value;

use self::settings::Settings;
use self::shadow::Shadow;
use self::state::State;
use self::sticky::{Assigned, Sticky};
use crate::chosen::OriginChoice;
use crate::exchange::Exchange;
use crate::filter::{
    Body, BuildError, Builder, Configured, Filter, FilterError, Flow, Phase, Phases,
};
use crate::outside::Tally;

/// Moves traffic from one origin to another.
pub(crate) struct Migrate {
    name: Arc<str>,
    sticky: Sticky,
    state: Arc<State>,
    from: Side,
    to: Side,
    shadow: Option<Shadow>,
}

/// One of the two origins.
struct Side {
    name: Arc<str>,
    choice: Arc<OriginChoice>,
    tally: Arc<dyn Tally>,
}

impl Configured for Migrate {
    const NAME: &'static str = "migrate";
    const SUMMARY: &'static str = "Moves traffic from one origin to another, a share at a time.";
    const EXAMPLE: &'static str = r#"use = "migrate"
from = "shop"
to = "shop-v2"
percent = 25
sticky = "client_ip"
fallback = { on = [404, 502, 503, 504, "connect"] }
shadow = { percent = 1, compare = ["status", "body_hash"] }
abort_when = { error_rate_above = "2%", over = "1m" }
"#;
    type Settings = Settings;

    fn new(settings: Settings, builder: &Builder<'_>) -> Result<Self, BuildError> {
        let state = State::of(builder.name, &settings)?;
        let (from, to) = settings.origins(builder)?;
        let key = |name: &Arc<str>| (!settings.share_cache).then(|| name.clone());
        let side = |name: &str, origin, fallback| {
            let name: Arc<str> = name.into();
            Side {
                choice: Arc::new(OriginChoice {
                    origin,
                    key: key(&name),
                    fallback,
                    observer: Some(state.observer(origin == to)),
                }),
                tally: builder.tally(&format!("to {name}")),
                name,
            }
        };
        let fallback = settings.fallback(builder, from, &state)?;
        Ok(Self {
            name: builder.name.into(),
            from: side(&settings.from, from, None),
            to: side(&settings.to, to, fallback),
            shadow: settings
                .shadow
                .map(|shadow| Shadow::new(shadow, [from, to], &state, builder))
                .transpose()?,
            sticky: settings.sticky.compile(builder.name, settings.cookie_ttl.0),
            state,
        })
    }
}

impl Filter for Migrate {
    fn phases(&self) -> Phases {
        Phases::only(Phase::Request)
            .and_if(self.shadow.is_some(), Phase::OriginRequest)
            .and_if(self.shadow.is_some(), Phase::OriginResponse)
            .and_if(self.sticky.sets_cookie(), Phase::Response)
    }

    fn runs_in_lane(&self) -> bool {
        true
    }

    fn status(&self) -> Option<Value> {
        let mut status = self.state.status();
        status["from"] = Value::from(&*self.from.name);
        status["to"] = Value::from(&*self.to.name);
        Some(status)
    }

    fn change(&self, wanted: &Value) -> Result<(), String> {
        self.state.change(&self.name, wanted)
    }

    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        let bucket = self.sticky.bucket(exchange);
        let side = match bucket < self.state.share() {
            true => &self.to,
            false => &self.from,
        };
        exchange.chosen.origin = Some(side.choice.clone());
        exchange.outcomes.push(side.tally.clone());
        Ok(Flow::Continue)
    }

    fn origin_request(
        &self,
        exchange: &mut Exchange,
        request: &mut RequestHeader,
    ) -> Result<Flow, FilterError> {
        if let Some(shadow) = &self.shadow {
            shadow.begin(exchange, request);
        }
        Ok(Flow::Continue)
    }

    fn origin_response(
        &self,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        let watcher = self
            .shadow
            .as_ref()
            .and_then(|_| Shadow::answered(exchange, response));
        Ok(watcher.map_or(Body::Untouched, Body::Watched))
    }

    fn response(
        &self,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        if let Some(assigned) = exchange.notes.get::<Assigned>() {
            self.sticky.tell(assigned, exchange, response)?;
        }
        Ok(Body::Untouched)
    }
}

#[cfg(test)]
mod tests;
