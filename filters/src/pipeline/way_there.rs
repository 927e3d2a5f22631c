//! The way of a request through the filters, which can be gone in parts: on the fast lane as far as nobody has to wait, and from
//! there on elsewhere.

use super::{
    Failure, MAX_LATER, Pipeline, Source, Step, Stopwatch, Unfinished, Verdict, fetch, last_word,
};
use crate::exchange::Exchange;
use crate::filter::{Answer, FilterError, Flow, Phase};

/// A request phase that has come so far.
#[derive(Default)]
pub struct WayThere {
    /// How many of the steps that take part were run, or begun.
    begun: usize,
    /// What the last of them said that has to wait, and how long it took to say so.
    waits: Option<(Flow, u64)>,
    end: Option<End>,
}

/// How a request phase ended.
struct End {
    verdict: Result<Verdict, Failure>,
    /// The number of leading steps whose response phase is due.
    depth: usize,
}

/// How far a request phase has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// Every filter let the request pass.
    Through,
    /// A filter answered.
    Answered,
    /// A filter failed, and may not be skipped.
    Failed,
    /// To a filter that has to wait.
    Halfway,
}

impl WayThere {
    /// How far it has come.
    pub fn came(&self) -> Came {
        match self.end.as_ref().map(|end| &end.verdict) {
            None => Came::Halfway,
            Some(Ok(Verdict::Pass)) => Came::Through,
            Some(Ok(Verdict::Answered(_))) => Came::Answered,
            Some(Err(_)) => Came::Failed,
        }
    }

    /// Takes the answer, if it ended with one. The request is let pass then, as far as this tells.
    pub fn take_answer(&mut self) -> Option<Box<Answer>> {
        let end = self.end.as_mut()?;
        match std::mem::replace(&mut end.verdict, Ok(Verdict::Pass)) {
            Ok(Verdict::Answered(answer)) => Some(answer),
            other => {
                end.verdict = other;
                None
            }
        }
    }

    /// The number of leading steps whose response phase is due.
    pub fn depth(&self) -> usize {
        self.end.as_ref().map_or(0, |end| end.depth)
    }

    /// Ends it with the fault of a later phase, which is told where the request goes on.
    pub fn fail(&mut self, failure: Failure) {
        let (verdict, depth) = (Err(failure), self.depth());
        self.end = Some(End { verdict, depth });
    }

    /// Ends it with a fault of the filter that was run last: its answer can't be sent.
    pub fn fault(&mut self, pipeline: &Pipeline, error: FilterError) {
        let phase = Phase::Request;
        let last = pipeline.steps(phase).take(self.begun).last();
        self.fail(Failure {
            filter: last.map_or_else(|| "".into(), |step| step.name.clone()),
            phase,
            status: error.status(),
            error,
        });
    }

    /// Goes on until it ends or a filter has to wait.
    pub(super) fn go(&mut self, pipeline: &Pipeline, exchange: &mut Exchange) {
        let indices = &pipeline.by_phase[Phase::Request as usize];
        let rest = indices.get(self.begun..).unwrap_or_default();
        let mut watch = Stopwatch::start(rest);
        for &index in rest {
            self.begun += 1;
            let step = &pipeline.steps[index];
            let flow = step.filter.request(exchange);
            let nanoseconds = watch.lap();
            match flow {
                Ok(flow @ (Flow::Later | Flow::WantsBody(_))) => {
                    self.waits = Some((flow, nanoseconds));
                    return;
                }
                flow => self.ran(step, index, flow, nanoseconds, exchange),
            }
            if self.end.is_some() {
                return;
            }
        }
        self.end = Some(End {
            verdict: Ok(Verdict::Pass),
            depth: pipeline.steps.len(),
        });
    }

    /// Goes to the end.
    pub(super) async fn finish<S: Source>(
        mut self,
        pipeline: &Pipeline,
        exchange: &mut Exchange,
        body: &mut S,
    ) -> (Result<Verdict, Unfinished<S::Lost>>, usize) {
        loop {
            if let Some(End { verdict, depth }) = self.end {
                return (verdict.map_err(Unfinished::Failed), depth);
            }
            if let Some((flow, mut spent)) = self.waits.take() {
                let indices = &pipeline.by_phase[Phase::Request as usize];
                let index = indices[self.begun - 1];
                let step = &pipeline.steps[index];
                let mut watch = Stopwatch::start(&[index]);
                let mut flow = Ok(flow);
                for _ in 0..MAX_LATER {
                    match flow {
                        Ok(Flow::Later) => {}
                        Ok(Flow::WantsBody(most)) => {
                            spent = spent.saturating_add(watch.lap());
                            if let Err(lost) = fetch(body, exchange, most).await {
                                return (Err(Unfinished::Lost(lost)), index);
                            }
                            // That was not the filter's time.
                            watch.lap();
                        }
                        _ => break,
                    }
                    flow = step.filter.request_later(exchange).await;
                }
                spent = spent.saturating_add(watch.lap());
                self.ran(step, index, last_word(flow), spent, exchange);
            }
            if self.end.is_none() {
                self.go(pipeline, exchange);
            }
        }
    }

    /// Counts a step, and notes whether it is the last.
    fn ran(
        &mut self,
        step: &Step,
        index: usize,
        flow: Result<Flow, FilterError>,
        nanoseconds: u64,
        exchange: &mut Exchange,
    ) {
        step.took(Phase::Request, nanoseconds, exchange);
        let verdict = match flow {
            Ok(Flow::Continue | Flow::Later | Flow::WantsBody(_)) => return,
            Ok(Flow::Answer(answer)) => Ok(Verdict::Answered(answer)),
            Err(error) => match step.fault(Phase::Request, error) {
                Ok(()) => return,
                Err(failure) => Err(failure),
            },
        };
        self.end = Some(End {
            verdict,
            depth: index,
        });
    }
}
