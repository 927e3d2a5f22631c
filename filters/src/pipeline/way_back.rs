//! The way of a response back through the filters, which stops where one has to wait.

use bytes::{Bytes, BytesMut};
use pingora_http::ResponseHeader;

use super::replacing::{Described, describe, has_body};
use super::{Failure, Pipeline, Rewriters, Step, Stopwatch};
use crate::exchange::Exchange;
use crate::filter::{Body, BodyHolder, FilterError, Phase};

/// A response phase that is being run.
pub(super) struct WayBack<'p> {
    pipeline: &'p Pipeline,
    phase: Phase,
    /// The steps that are still to be run, the next one last.
    rest: &'p [usize],
    watch: Stopwatch,
    pub(super) rewriters: Rewriters,
}

/// A body that filters may wait for.
pub trait Arriving: Send {
    /// Why there is no more of it.
    type Lost: Send;

    /// The next piece; `None` at the end.
    fn next(&mut self) -> impl Future<Output = Result<Option<Bytes>, Self::Lost>> + Send;
}

/// Why a response that filters waited for can't be sent.
#[derive(Debug)]
pub enum Stopped<L> {
    /// A filter failed, and may not be skipped.
    Failed(Failure),
    /// The body can't be rewritten.
    Cut(FilterError),
    /// The body was lost.
    Lost(L),
}

impl<L> From<Failure> for Stopped<L> {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Where the way stops.
enum Stop<'p> {
    /// The step is to be asked again, by the phase that may wait.
    Late(Waiting<'p>),
    /// The step waits for the body.
    Held(Waiting<'p>, Box<dyn BodyHolder>),
}

/// A step that waits.
struct Waiting<'p> {
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
        let mut stop = self.go(exchange, head)?;
        while let Some(stopped) = stop {
            stop = match stopped {
                Stop::Late(late) => self.ask_again(late, exchange, head).await?,
                Stop::Held(held, holder) => {
                    // The body passes by.
                    self.hold(&held, holder, Gathered::default(), exchange, head)
                        .await?;
                    None
                }
            };
            if stop.is_none() {
                stop = self.go(exchange, head)?;
            }
        }
        Ok(self.rewriters)
    }

    /// The same where filters can wait for the body.
    pub(super) async fn walk_with<A: Arriving>(
        mut self,
        exchange: &mut Exchange,
        head: &mut ResponseHeader,
        body: &mut A,
    ) -> Result<Rewriters, Stopped<A::Lost>> {
        let mut stop = self.go(exchange, head)?;
        while let Some(stopped) = stop {
            stop = match stopped {
                Stop::Late(late) => self.ask_again(late, exchange, head).await?,
                Stop::Held(held, holder) => {
                    let gathered = gather(&mut self.rewriters, body, holder.most()).await?;
                    // That was not the filter's time.
                    self.watch.lap();
                    self.hold(&held, holder, gathered, exchange, head).await?;
                    None
                }
            };
            if stop.is_none() {
                stop = self.go(exchange, head)?;
            }
        }
        Ok(self.rewriters)
    }

    /// The same where nobody can wait: a step that has to is at fault.
    pub(super) fn walk_at_once(
        mut self,
        exchange: &mut Exchange,
        head: &mut ResponseHeader,
    ) -> Result<Rewriters, Failure> {
        while let Some(Stop::Late(Waiting { step, .. }) | Stop::Held(Waiting { step, .. }, _)) =
            self.go(exchange, head)?
        {
            let error = FilterError::new("it waits on the fast lane, where nobody can");
            step.fault(self.phase, error)?;
        }
        Ok(self.rewriters)
    }

    /// Asks a step again, by the phase that may wait.
    async fn ask_again(
        &mut self,
        Waiting { step, before }: Waiting<'p>,
        exchange: &mut Exchange,
        head: &mut ResponseHeader,
    ) -> Result<Option<Stop<'p>>, Failure> {
        let filter = &step.filter;
        let body = match self.phase {
            Phase::OriginResponse => filter.origin_response_later(exchange, head).await,
            _ => filter.response_later(exchange, head).await,
        };
        self.took(step, before, body, exchange, head)
    }

    /// Shows the body to a step that waited for it.
    async fn hold(
        &mut self,
        held: &Waiting<'p>,
        holder: Box<dyn BodyHolder>,
        Gathered { bytes, has_ended }: Gathered,
        exchange: &mut Exchange,
        head: &mut ResponseHeader,
    ) -> Result<(), Failure> {
        let step = held.step;
        let is_whole = has_ended && bytes.len() <= holder.most();
        let replaced = holder.whole(exchange, head, &bytes, is_whole).await;
        step.took(self.phase, self.watch.lap(), exchange);
        let fault = match (replaced, is_whole) {
            (Ok(Some(body)), true) => {
                describe(head, held.before.as_ref());
                self.rewriters.replace(body);
                return Ok(());
            }
            (Ok(Some(_)), false) => {
                Some(FilterError::new("it replaces a body that it has not whole"))
            }
            (Ok(None), _) => None,
            (Err(error), _) => Some(error),
        };
        match has_ended {
            true => self.rewriters.resume_with(bytes),
            false => self.rewriters.begin_with(bytes),
        }
        fault.map_or(Ok(()), |error| step.fault(self.phase, error))
    }

    /// Goes on until all steps were run or one has to wait.
    fn go(
        &mut self,
        exchange: &mut Exchange,
        head: &mut ResponseHeader,
    ) -> Result<Option<Stop<'p>>, Failure> {
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
                return Ok(Some(Stop::Late(Waiting { step, before })));
            }
            let stop = self.took(step, before, body, exchange, head)?;
            if stop.is_some() {
                return Ok(stop);
            }
        }
        Ok(None)
    }

    /// Counts a step, and notes what it wants to do with the body.
    fn took(
        &mut self,
        step: &'p Step,
        before: Option<Described>,
        body: Result<Body, FilterError>,
        exchange: &mut Exchange,
        head: &mut ResponseHeader,
    ) -> Result<Option<Stop<'p>>, Failure> {
        step.took(self.phase, self.watch.lap(), exchange);
        let taken = body.and_then(|body| self.take(step, before, body, head));
        taken.or_else(|error| step.fault(self.phase, error).map(|()| None))
    }

    fn take(
        &mut self,
        step: &'p Step,
        before: Option<Described>,
        body: Body,
        head: &mut ResponseHeader,
    ) -> Result<Option<Stop<'p>>, FilterError> {
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
                describe(head, before.as_ref());
                self.rewriters.replace(body);
            }
            Body::Held(_) if self.phase != Phase::Response || !step.filter.holds() => {
                return told("it waits for a body without having said that it might");
            }
            Body::Held(holder) if has_body(head.status) => {
                return Ok(Some(Stop::Held(Waiting { step, before }, holder)));
            }
            // There is none.
            Body::Replaced(_) | Body::Held(_) => {}
        }
        Ok(None)
    }
}

/// What came of a body while a step waited for it.
#[derive(Default)]
struct Gathered {
    bytes: Bytes,
    has_ended: bool,
}

/// Waits for a body, as it leaves `rewriters`: until it has ended, or there is more of it than `most` bytes.
async fn gather<A: Arriving>(
    rewriters: &mut Rewriters,
    body: &mut A,
    most: usize,
) -> Result<Gathered, Stopped<A::Lost>> {
    let mut gathered = BytesMut::new();
    let mut has_ended = false;
    while !has_ended && gathered.len() <= most {
        let piece = match rewriters.replaces() {
            // It is there.
            true => None,
            false => body.next().await.map_err(Stopped::Lost)?,
        };
        has_ended = piece.is_none();
        let passed = rewriters.pass(piece, has_ended).map_err(Stopped::Cut)?;
        gathered.extend_from_slice(&passed.unwrap_or_default());
    }
    Ok(Gathered {
        bytes: gathered.freeze(),
        has_ended,
    })
}
