//! The filters of a route in order, and how they are run: request phases forwards, response phases backwards.

mod replacing;
mod rewriters;
mod source;
mod way_back;
mod way_there;

use std::sync::Arc;
use std::time::Instant;

use pingora_http::{RequestHeader, ResponseHeader};

use crate::exchange::Exchange;
use crate::filter::{Answer, Filter, FilterError, Flow, Phase, Summary};

pub use rewriters::Rewriters;
pub use source::{NoBody, Source, Unfinished};
use source::{fetch, last_word};
use way_back::WayBack;
pub use way_back::{Arriving, Stopped};
pub use way_there::{Came, WayThere};

/// How often a filter may say `Later` in one phase.
const MAX_LATER: usize = 4;

/// What happens to an exchange when a filter fails in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// It goes on as if the filter were not there.
    Skip,
    /// It ends with an error: 500, or 503 for what is not to be had for now.
    Fail,
    /// It ends with this status.
    Status(u16),
}

/// A filter in its place.
#[derive(Clone)]
pub struct Step {
    /// Its name in the configuration.
    pub name: Arc<str>,
    /// The filter.
    pub filter: Arc<dyn Filter>,
    /// What its faults lead to.
    pub on_error: OnError,
    /// Where its time and faults are counted.
    pub meter: Arc<dyn Meter>,
}

/// Where a step's time and faults are counted.
pub trait Meter: Send + Sync {
    /// A phase took this many nanoseconds.
    fn took(&self, phase: Phase, nanoseconds: u64);
    /// A phase failed.
    fn failed(&self, phase: Phase);
}

/// A filter failed, and its `on_error` says the exchange can't go on.
#[derive(Debug, thiserror::Error)]
#[error("filter `{filter}` failed in phase {}: {error}", phase.name())]
pub struct Failure {
    /// The filter's name.
    pub filter: Arc<str>,
    /// Where.
    pub phase: Phase,
    /// The status that the client gets.
    pub status: u16,
    /// Why.
    pub error: FilterError,
}

/// How the request phase ended.
pub enum Verdict {
    /// Every filter let the request pass.
    Pass,
    /// A filter answered; only the filters before it see the response.
    Answered(Box<Answer>),
}

/// The filters of a route in order.
#[derive(Clone, Default)]
pub struct Pipeline {
    steps: Vec<Step>,
    by_phase: [Vec<usize>; 4],
    /// Those that want to know when an exchange is over.
    logging: Vec<usize>,
}

impl Pipeline {
    /// A pipeline of these steps.
    pub fn new(steps: Vec<Step>) -> Self {
        let by_phase = Phase::ALL.map(|phase| {
            let takes_part = |index: &usize| steps[*index].filter.phases().contains(phase);
            (0..steps.len()).filter(takes_part).collect()
        });
        let logging = (0..steps.len())
            .filter(|index| steps[*index].filter.logs())
            .collect();
        Self {
            steps,
            by_phase,
            logging,
        }
    }

    /// The steps that take part in `phase`, in configuration order.
    pub fn steps(&self, phase: Phase) -> impl Iterator<Item = &Step> {
        self.by_phase[phase as usize]
            .iter()
            .map(|&index| &self.steps[index])
    }

    /// How many steps there are.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether a body may be rewritten in `phase`: then no part of it can be asked for.
    pub fn rewrites(&self, phase: Phase) -> bool {
        self.steps
            .iter()
            .any(|step| step.filter.rewrites().contains(phase))
    }

    /// Whether a filter may want to have a body whole while the head waits.
    pub fn holds(&self) -> bool {
        self.steps(Phase::Response).any(|step| step.filter.holds())
    }

    /// Whether it may run on the fast lane: see [`Filter::runs_in_lane`].
    pub fn runs_in_lane(&self) -> bool {
        let phases = [Phase::Request, Phase::Response];
        let mut steps = phases.iter().flat_map(|phase| self.steps(*phase));
        steps.all(|step| step.filter.runs_in_lane())
            && !self.rewrites(Phase::Response)
            && !self.holds()
    }

    /// Whether any step takes part in `phase`.
    pub fn takes_part(&self, phase: Phase) -> bool {
        !self.by_phase[phase as usize].is_empty()
    }

    /// Tells whoever wants to know that an exchange is over.
    pub fn over(&self, exchange: &mut Exchange, summary: impl FnOnce() -> Summary) {
        if self.logging.is_empty() {
            return;
        }
        let summary = summary();
        for &index in &self.logging {
            self.steps[index].filter.log(exchange, &summary);
        }
    }

    /// Begins the request phase: runs it until it ends or a filter has to wait.
    pub fn begin_request(&self, exchange: &mut Exchange) -> WayThere {
        let mut way = WayThere::default();
        way.go(self, exchange);
        way
    }

    /// Runs the rest of a request phase. Returns how it ended and the number of leading steps whose response phase is due.
    ///
    /// # Errors
    /// When a filter fails and may not be skipped, or the body is lost that one waits for; the same number of steps is due as
    /// if that had answered.
    pub async fn finish_request<S: Source>(
        &self,
        way: WayThere,
        exchange: &mut Exchange,
        body: &mut S,
    ) -> (Result<Verdict, Unfinished<S::Lost>>, usize) {
        way.finish(self, exchange, body).await
    }

    /// Runs the request phase of a request without a body.
    ///
    /// # Errors
    /// When a filter fails and may not be skipped.
    pub async fn request(&self, exchange: &mut Exchange) -> (Result<Verdict, Failure>, usize) {
        let way = self.begin_request(exchange);
        let (ended, depth) = self.finish_request(way, exchange, &mut NoBody).await;
        (ended.map_err(Unfinished::into_failure), depth)
    }

    /// Runs the origin request phase on the head that goes to the origin. Returns how it ended and the number of leading
    /// steps whose origin response phase is due.
    ///
    /// # Errors
    /// When a filter fails and may not be skipped, or the body is lost that one waits for.
    pub async fn origin_request<S: Source>(
        &self,
        exchange: &mut Exchange,
        request: &mut RequestHeader,
        body: &mut S,
    ) -> Result<(Verdict, usize), Unfinished<S::Lost>> {
        const PHASE: Phase = Phase::OriginRequest;
        let indices = &self.by_phase[PHASE as usize];
        let mut watch = Stopwatch::start(indices);
        for &index in indices {
            let step = &self.steps[index];
            let mut spent = 0_u64;
            let mut flow = step.filter.origin_request(exchange, request);
            for _ in 0..MAX_LATER {
                match flow {
                    Ok(Flow::Later) => {}
                    Ok(Flow::WantsBody(most)) => {
                        spent = spent.saturating_add(watch.lap());
                        let fetched = fetch(body, exchange, most).await;
                        fetched.map_err(Unfinished::Lost)?;
                        // That was not the filter's time.
                        watch.lap();
                    }
                    _ => break,
                }
                flow = step.filter.origin_request_later(exchange, request).await;
            }
            spent = spent.saturating_add(watch.lap());
            step.took(PHASE, spent, exchange);
            match last_word(flow) {
                Ok(Flow::Continue | Flow::Later | Flow::WantsBody(_)) => {}
                Ok(Flow::Answer(answer)) => return Ok((Verdict::Answered(answer), index)),
                Err(error) => step.fault(PHASE, error)?,
            }
        }
        Ok((Verdict::Pass, self.steps.len()))
    }

    /// Runs the origin response phase of the first `depth` steps, last filter first.
    ///
    /// # Errors
    /// When a filter fails and may not be skipped.
    pub async fn origin_response(
        &self,
        depth: usize,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Rewriters, Failure> {
        let way = WayBack::new(self, Phase::OriginResponse, depth);
        way.walk(exchange, response).await
    }

    /// Runs the response phase of the first `depth` steps, last filter first.
    ///
    /// # Errors
    /// When a filter fails and may not be skipped.
    pub async fn response(
        &self,
        depth: usize,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Rewriters, Failure> {
        let way = WayBack::new(self, Phase::Response, depth);
        way.walk(exchange, response).await
    }

    /// The same where filters can wait for the body.
    ///
    /// # Errors
    /// As for [`Pipeline::response`], and when the body is lost that a filter waits for.
    pub async fn response_with<A: Arriving>(
        &self,
        depth: usize,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
        body: &mut A,
    ) -> Result<Rewriters, Stopped<A::Lost>> {
        let way = WayBack::new(self, Phase::Response, depth);
        way.walk_with(exchange, response, body).await
    }

    /// The same on the fast lane, where nobody can wait: a filter that has to is at fault.
    ///
    /// # Errors
    /// As for [`Pipeline::response`].
    pub fn response_at_once(
        &self,
        depth: usize,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Rewriters, Failure> {
        let way = WayBack::new(self, Phase::Response, depth);
        way.walk_at_once(exchange, response)
    }
}

impl Step {
    fn took(&self, phase: Phase, nanoseconds: u64, exchange: &mut Exchange) {
        self.meter.took(phase, nanoseconds);
        exchange.filter_nanoseconds = exchange.filter_nanoseconds.saturating_add(nanoseconds);
    }

    fn fault(&self, phase: Phase, error: FilterError) -> Result<(), Failure> {
        self.meter.failed(phase);
        let status = match self.on_error {
            OnError::Skip => {
                tracing::warn!(filter = %self.name, phase = phase.name(), %error, "filter failed and was skipped");
                return Ok(());
            }
            OnError::Fail => error.status(),
            OnError::Status(status) => status,
        };
        Err(Failure {
            filter: self.name.clone(),
            phase,
            status,
            error,
        })
    }
}

/// Reads the clock once between two steps, and not at all when there is no step.
struct Stopwatch(Option<Instant>);

impl Stopwatch {
    fn start(steps: &[usize]) -> Self {
        Self((!steps.is_empty()).then(Instant::now))
    }

    fn lap(&mut self) -> u64 {
        let now = Instant::now();
        let before = self.0.replace(now).unwrap_or(now);
        u64::try_from(now.duration_since(before).as_nanos()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests;
