//! A filter that does what its settings say in each phase, for tests of what the edge makes of filters.
//!
//! ```toml
//! { use = "scripted", origin_request = { later = true, set = { x-tag = "1" }, answer = { body = "made here" } } }
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::HeaderName;
use pingora::http::{RequestHeader, ResponseHeader};
use rimward_filters::{
    Answer, Body, BodyHolder, BuildError, Builder, Configured, Exchange, Filter, FilterError, Flow,
    OriginChoice, Phase, Phases, Tally,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// Does what it is told.
pub struct Scripted {
    deeds: [Option<Deeds>; 4],
    choice: Option<Arc<OriginChoice>>,
    describes: bool,
    lane: bool,
    /// Counts the runs of each phase, under the phase's name.
    runs: [Arc<dyn Tally>; 4],
}

/// What it is told.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    request: Option<Deeds>,
    origin_request: Option<Deeds>,
    origin_response: Option<Deeds>,
    response: Option<Deeds>,
    /// Whether it says itself how the bodies are that it puts in place of others.
    describes: bool,
    /// Whether it runs on the fast lane.
    lane: bool,
}

/// What it does in one phase.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Deeds {
    /// Whether it waits first.
    later: bool,
    /// Fails with this reason.
    fail: Option<String>,
    /// Fields of the head.
    set: BTreeMap<String, String>,
    /// Another status of a response.
    status: Option<u16>,
    /// Another path of a request.
    path: Option<String>,
    /// The origin that is asked.
    origin: Option<String>,
    /// An answer to a request.
    answer: Option<Reply>,
    /// A refusal.
    refuse: Option<u16>,
    /// A body in place of a response's.
    replace: Option<String>,
    /// Has a body of up to so many bytes whole, tells its length in `x-held`, and puts brackets around it.
    hold: Option<usize>,
}

/// An answer.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Reply {
    status: Option<u16>,
    set: BTreeMap<String, String>,
    body: String,
}

impl Configured for Scripted {
    const NAME: &'static str = "scripted";
    const SUMMARY: &'static str = "Does what it is told.";
    const EXAMPLE: &'static str = "use = \"scripted\"\n";
    type Settings = Settings;

    fn new(settings: Settings, builder: &Builder<'_>) -> Result<Self, BuildError> {
        let Settings {
            request,
            origin_request,
            origin_response,
            response,
            describes,
            lane,
        } = settings;
        let deeds = [request, origin_request, origin_response, response];
        let origin = deeds
            .iter()
            .flatten()
            .find_map(|deeds| deeds.origin.as_ref());
        let choice = origin.map(|origin| builder.choice("origin", origin));
        Ok(Self {
            choice: choice.transpose()?,
            describes,
            lane,
            runs: Phase::ALL.map(|phase| builder.tally(phase.name())),
            deeds,
        })
    }
}

#[async_trait]
impl Filter for Scripted {
    fn phases(&self) -> Phases {
        let due = |phase: &Phase| self.deeds[*phase as usize].is_some();
        let phases = Phase::ALL.into_iter().filter(due);
        phases.fold(Phases::NONE, Phases::and)
    }

    fn runs_in_lane(&self) -> bool {
        self.lane
    }

    fn holds(&self) -> bool {
        let deeds = self.deeds[Phase::Response as usize].as_ref();
        deeds.is_some_and(|deeds| deeds.hold.is_some())
    }

    fn replaces(&self) -> Phases {
        Phases::NONE
            .and_if(self.describes, Phase::OriginResponse)
            .and_if(self.describes, Phase::Response)
    }

    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        match self.begin(Phase::Request) {
            Some(deeds) => self.on_request(deeds, exchange, None),
            None => Ok(Flow::Later),
        }
    }

    async fn request_later(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        self.on_request(self.waited(Phase::Request).await, exchange, None)
    }

    fn origin_request(
        &self,
        exchange: &mut Exchange,
        request: &mut RequestHeader,
    ) -> Result<Flow, FilterError> {
        match self.begin(Phase::OriginRequest) {
            Some(deeds) => self.on_request(deeds, exchange, Some(request)),
            None => Ok(Flow::Later),
        }
    }

    async fn origin_request_later(
        &self,
        exchange: &mut Exchange,
        request: &mut RequestHeader,
    ) -> Result<Flow, FilterError> {
        let deeds = self.waited(Phase::OriginRequest).await;
        self.on_request(deeds, exchange, Some(request))
    }

    fn origin_response(
        &self,
        _: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        match self.begin(Phase::OriginResponse) {
            Some(deeds) => on_response(deeds, response),
            None => Ok(Body::Later),
        }
    }

    async fn origin_response_later(
        &self,
        _: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        on_response(self.waited(Phase::OriginResponse).await, response)
    }

    fn response(
        &self,
        _: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        match self.begin(Phase::Response) {
            Some(deeds) => on_response(deeds, response),
            None => Ok(Body::Later),
        }
    }

    async fn response_later(
        &self,
        _: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        on_response(self.waited(Phase::Response).await, response)
    }
}

impl Scripted {
    fn deeds(&self, phase: Phase) -> &Deeds {
        self.deeds[phase as usize].as_ref().unwrap()
    }

    /// What is to be done at once; `None` when it has to wait.
    fn begin(&self, phase: Phase) -> Option<&Deeds> {
        self.runs[phase as usize].count();
        Some(self.deeds(phase)).filter(|deeds| !deeds.later)
    }

    async fn waited(&self, phase: Phase) -> &Deeds {
        tokio::task::yield_now().await;
        self.deeds(phase)
    }

    /// On the request that goes to the origin, or else on the client's.
    fn on_request(
        &self,
        deeds: &Deeds,
        exchange: &mut Exchange,
        origins: Option<&mut RequestHeader>,
    ) -> Result<Flow, FilterError> {
        if let Some(reason) = &deeds.fail {
            return Err(FilterError::new(reason));
        }
        if deeds.origin.is_some() {
            exchange.chosen.origin = self.choice.clone();
        }
        let request = origins.unwrap_or(&mut exchange.request);
        for (name, value) in &deeds.set {
            request.insert_header(field(name), value).unwrap();
        }
        if let Some(path) = &deeds.path {
            request.set_uri(path.parse().unwrap());
        }
        if let Some(status) = deeds.refuse {
            return Ok(Answer::refuse(status)?.flow());
        }
        let Some(reply) = &deeds.answer else {
            return Ok(Flow::Continue);
        };
        let mut answer = Answer::new(reply.status.unwrap_or(200))?;
        for (name, value) in &reply.set {
            answer = answer.header(field(name), value.as_str())?;
        }
        Ok(answer.with_body(reply.body.clone()).flow())
    }
}

fn on_response(deeds: &Deeds, response: &mut ResponseHeader) -> Result<Body, FilterError> {
    if let Some(reason) = &deeds.fail {
        return Err(FilterError::new(reason));
    }
    for (name, value) in &deeds.set {
        response.insert_header(field(name), value).unwrap();
    }
    if let Some(status) = deeds.status {
        response.set_status(status).unwrap();
    }
    if let Some(most) = deeds.hold {
        return Ok(Body::Held(Box::new(Brackets { most })));
    }
    let replaced = deeds.replace.clone().map(Bytes::from);
    Ok(replaced.map_or(Body::Untouched, Body::Replaced))
}

/// Puts brackets around a body, and tells in the head how long it was.
struct Brackets {
    most: usize,
}

#[async_trait]
impl BodyHolder for Brackets {
    fn most(&self) -> usize {
        self.most
    }

    async fn whole(
        self: Box<Self>,
        _: &mut Exchange,
        head: &mut ResponseHeader,
        body: &Bytes,
        is_whole: bool,
    ) -> Result<Option<Bytes>, FilterError> {
        head.insert_header("x-held", body.len()).unwrap();
        let brackets = || [b"[", &body[..], b"]"].concat().into();
        Ok(is_whole.then(brackets))
    }
}

fn field(name: &str) -> HeaderName {
    name.parse().unwrap()
}
