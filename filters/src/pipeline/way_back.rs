//! The way of a response back through the filters, which stops where one has to wait.

use pingora_http::ResponseHeader;

use super::replacing::{Described, describe, has_body};
use super::{Failure, Pipeline, Rewriters, Step, Stopwatch};
use crate::exchange::Exchange;
use crate::filter::{Body, FilterError, Phase};

/// A response phase that is being run.
pub(super) struct WayBack<'p> {
    pipeline: &'p Pipeline,
    phase: Phase,
    /// The steps that are still to be run, the next one last.
    rest: &'p [usize],
    watch: Stopwatch,
    pub(super) rewriters: Rewriters,
}

/// A step that has to wait.
pub(super) struct Late<'p> {
    step: &'p Step,
    before: Option<Described>,
}

impl<'p> WayBack<'p> {
    /// Through the first `depth` steps.
    pub(super) fn new(pipeline: &'p Pipeline, phase: Phase, depth: usize) -> Self {
        let indices = &pipeline.by_phase[phase as usize];
        let due = indices.partition_point(|&index| index < depth);
        let rest = indices.get(..due).unwrap_or_default();
        Self {
            pipeline,
            phase,
            rest,
            watch: Stopwatch::start(rest),
            rewriters: Rewriters::default(),
        }
    }

    /// Goes all the way.
    pub(super) async fn walk(
        mut self,
        exchange: &mut Exchange,
        head: &mut ResponseHeader,
    ) -> Result<Rewriters, Failure> {
        while let Some(Late { step, before }) = self.go(exchange, head)? {
            let body = match self.phase {
                Phase::OriginResponse => step.filter.origin_response_later(exchange, head).await,
                _ => step.filter.response_later(exchange, head).await,
            };
            self.took(step, before.as_ref(), body, exchange, head)?;
        }
        Ok(self.rewriters)
    }

    /// Goes on until all steps were run or one has to wait.
    pub(super) fn go(
        &mut self,
        exchange: &mut Exchange,
        head: &mut ResponseHeader,
    ) -> Result<Option<Late<'p>>, Failure> {
        while let Some((&index, rest)) = self.rest.split_last() {
            self.rest = rest;
            let step = &self.pipeline.steps[index];
            let describes = step.filter.replaces().contains(self.phase);
            let before = describes.then(|| Described::of(head));
            let body = match self.phase {
                Phase::OriginResponse => step.filter.origin_response(exchange, head),
                _ => step.filter.response(exchange, head),
            };
            if matches!(body, Ok(Body::Later)) {
                return Ok(Some(Late { step, before }));
            }
            self.took(step, before.as_ref(), body, exchange, head)?;
        }
        Ok(None)
    }

    /// Counts a step, and notes what it wants to do with the body.
    fn took(
        &mut self,
        step: &Step,
        before: Option<&Described>,
        body: Result<Body, FilterError>,
        exchange: &mut Exchange,
        head: &mut ResponseHeader,
    ) -> Result<(), Failure> {
        step.took(self.phase, self.watch.lap(), exchange);
        let taken = body.and_then(|body| self.take(step, before, body, head));
        taken.or_else(|error| step.fault(self.phase, error))
    }

    fn take(
        &mut self,
        step: &Step,
        before: Option<&Described>,
        body: Body,
        head: &mut ResponseHeader,
    ) -> Result<(), FilterError> {
        let told = |why: &str| Err(FilterError::new(why));
        match body {
            Body::Untouched | Body::Later => {}
            Body::Watched(watcher) => self.rewriters.watch(watcher),
            Body::Rewritten(rewriter) if step.filter.rewrites().contains(self.phase) => {
                self.rewriters.push(rewriter);
            }
            Body::Rewritten(_) => {
                return told("it rewrites a body without having said that it might");
            }
            Body::Replaced(body) if has_body(head.status) => {
                describe(head, before);
                self.rewriters.replace(body);
            }
            // There is none.
            Body::Replaced(_) => {}
            Body::Held(_) => {}
        }
        Ok(())
    }
}
