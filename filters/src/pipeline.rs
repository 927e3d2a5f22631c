//! The filters of a route in order, and how they are run: request phases forwards, response phases backwards.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use pingora_http::{RequestHeader, ResponseHeader};

use crate::exchange::Exchange;
use crate::filter::{Answer, Body, BodyRewriter, Filter, FilterError, Flow, Phase};

/// What happens to an exchange when a filter fails in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// It goes on as if the filter were not there.
    Skip,
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
}

impl Pipeline {
    /// A pipeline of these steps.
    pub fn new(steps: Vec<Step>) -> Self {
        let by_phase = Phase::ALL.map(|phase| {
            let takes_part = |index: &usize| steps[*index].filter.phases().contains(phase);
            (0..steps.len()).filter(takes_part).collect()
        });
        Self { steps, by_phase }
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

    /// Runs the request phase. Returns how it ended and the number of leading steps whose response phase is due.
    ///
    /// # Errors
    /// When a filter fails and may not be skipped; the same number of steps is due as if it had answered.
    pub async fn request(&self, exchange: &mut Exchange) -> (Result<Verdict, Failure>, usize) {
        let indices = &self.by_phase[Phase::Request as usize];
        let mut watch = Stopwatch::start(indices);
        for &index in indices {
            let step = &self.steps[index];
            let mut flow = step.filter.request(exchange);
            if matches!(flow, Ok(Flow::Later)) {
                flow = step.filter.request_later(exchange).await;
            }
            step.took(Phase::Request, watch.lap(), exchange);
            match flow {
                Ok(Flow::Continue | Flow::Later) => {}
                Ok(Flow::Answer(answer)) => return (Ok(Verdict::Answered(answer)), index),
                Err(error) => {
                    if let Err(failure) = step.fault(Phase::Request, error) {
                        return (Err(failure), index);
                    }
                }
            }
        }
        (Ok(Verdict::Pass), self.steps.len())
    }

    /// Runs the origin request phase on the head that goes to the origin.
    ///
    /// # Errors
    /// When a filter fails and may not be skipped.
    pub fn origin_request(
        &self,
        exchange: &mut Exchange,
        request: &mut RequestHeader,
    ) -> Result<(), Failure> {
        let indices = &self.by_phase[Phase::OriginRequest as usize];
        let mut watch = Stopwatch::start(indices);
        for &index in indices {
            let step = &self.steps[index];
            let result = step.filter.origin_request(exchange, request);
            step.took(Phase::OriginRequest, watch.lap(), exchange);
            result.or_else(|error| step.fault(Phase::OriginRequest, error))?;
        }
        Ok(())
    }

    /// Runs the origin response phase, last filter first.
    ///
    /// # Errors
    /// When a filter fails and may not be skipped.
    pub fn origin_response(
        &self,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Rewriters, Failure> {
        self.respond(Phase::OriginResponse, usize::MAX, exchange, response)
    }

    /// Runs the response phase of the first `depth` steps, last filter first.
    ///
    /// # Errors
    /// When a filter fails and may not be skipped.
    pub fn response(
        &self,
        depth: usize,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Rewriters, Failure> {
        self.respond(Phase::Response, depth, exchange, response)
    }

    fn respond(
        &self,
        phase: Phase,
        depth: usize,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Rewriters, Failure> {
        let mut rewriters = Rewriters::default();
        let indices = &self.by_phase[phase as usize];
        let mut watch = Stopwatch::start(indices);
        for &index in indices.iter().rev().filter(|&&index| index < depth) {
            let step = &self.steps[index];
            let result = match phase {
                Phase::OriginResponse => step.filter.origin_response(exchange, response),
                _ => step.filter.response(exchange, response),
            };
            step.took(phase, watch.lap(), exchange);
            match result {
                Ok(Body::Untouched) => {}
                Ok(Body::Rewritten(rewriter)) if step.filter.rewrites().contains(phase) => {
                    rewriters.list.push(rewriter);
                }
                Ok(Body::Rewritten(_)) => {
                    let error =
                        FilterError::new("it rewrites a body without having said that it might");
                    step.fault(phase, error)?;
                }
                Err(error) => step.fault(phase, error)?,
            }
        }
        Ok(rewriters)
    }
}

impl Step {
    fn took(&self, phase: Phase, nanoseconds: u64, exchange: &mut Exchange) {
        self.meter.took(phase, nanoseconds);
        exchange.filter_nanoseconds = exchange.filter_nanoseconds.saturating_add(nanoseconds);
    }

    fn fault(&self, phase: Phase, error: FilterError) -> Result<(), Failure> {
        self.meter.failed(phase);
        match self.on_error {
            OnError::Skip => {
                tracing::warn!(filter = %self.name, phase = phase.name(), %error, "filter failed and was skipped");
                Ok(())
            }
            OnError::Status(status) => Err(Failure {
                filter: self.name.clone(),
                phase,
                status,
                error,
            }),
        }
    }
}

/// The body rewriters of one response, in the order in which bytes pass them.
#[derive(Default)]
pub struct Rewriters {
    list: Vec<Box<dyn BodyRewriter>>,
}

impl Rewriters {
    /// Whether the body passes untouched.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Passes the next bytes, and the end if it is reached, through all of them.
    ///
    /// # Errors
    /// When one of them can't go on: the body must be cut off.
    pub fn pass(&mut self, bytes: Option<Bytes>, end: bool) -> Result<Option<Bytes>, FilterError> {
        let mut bytes = bytes.unwrap_or_default();
        for rewriter in &mut self.list {
            if !bytes.is_empty() {
                bytes = rewriter.chunk(bytes)?;
            }
            if end {
                bytes = join(bytes, rewriter.end()?);
            }
        }
        Ok((!bytes.is_empty()).then_some(bytes))
    }
}

fn join(head: Bytes, tail: Bytes) -> Bytes {
    match (head.is_empty(), tail.is_empty()) {
        (_, true) => head,
        (true, false) => tail,
        (false, false) => [head, tail].concat().into(),
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
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::filter::Phases;
    use crate::testing::exchange;

    /// What the filters of one test were asked, in order.
    type Diary = Arc<Mutex<Vec<String>>>;

    #[derive(Clone, Copy, PartialEq)]
    enum Deed {
        Pass,
        Answer,
        AnswerLater,
        Fail,
        Wrap,
        WrapUntold,
    }

    struct Scribe {
        name: &'static str,
        deed: Deed,
        diary: Diary,
    }

    impl Scribe {
        fn note(&self, phase: Phase) -> Result<(), FilterError> {
            self.diary
                .lock()
                .unwrap()
                .push(format!("{} {}", self.name, phase.name()));
            if self.deed == Deed::Fail {
                Err(FilterError::new("as told"))
            } else {
                Ok(())
            }
        }

        fn body(&self, phase: Phase) -> Result<Body, FilterError> {
            self.note(phase)?;
            Ok(if matches!(self.deed, Deed::Wrap | Deed::WrapUntold) {
                Body::Rewritten(Box::new(Wrap(self.name)))
            } else {
                Body::Untouched
            })
        }
    }

    #[async_trait::async_trait]
    impl Filter for Scribe {
        fn phases(&self) -> Phases {
            Phase::ALL.into_iter().fold(Phases::NONE, Phases::and)
        }

        fn rewrites(&self) -> Phases {
            Phases::NONE.and_if(self.deed == Deed::Wrap, Phase::Response)
        }

        fn request(&self, _: &mut Exchange) -> Result<Flow, FilterError> {
            self.note(Phase::Request)?;
            Ok(match self.deed {
                Deed::Answer => Answer::new(204)?.flow(),
                Deed::AnswerLater => Flow::Later,
                _ => Flow::Continue,
            })
        }

        async fn request_later(&self, _: &mut Exchange) -> Result<Flow, FilterError> {
            Ok(Answer::new(403)?.flow())
        }

        fn origin_request(
            &self,
            _: &mut Exchange,
            _: &mut RequestHeader,
        ) -> Result<(), FilterError> {
            self.note(Phase::OriginRequest)
        }

        fn origin_response(
            &self,
            _: &mut Exchange,
            _: &mut ResponseHeader,
        ) -> Result<Body, FilterError> {
            self.body(Phase::OriginResponse)
        }

        fn response(&self, _: &mut Exchange, _: &mut ResponseHeader) -> Result<Body, FilterError> {
            self.body(Phase::Response)
        }
    }

    /// Puts its name behind every chunk and, in capitals, behind the body.
    struct Wrap(&'static str);

    impl BodyRewriter for Wrap {
        fn chunk(&mut self, bytes: Bytes) -> Result<Bytes, FilterError> {
            if bytes.as_ref() == b"poison" {
                return Err(FilterError::new("poisoned"));
            }
            Ok([&bytes[..], self.0.as_bytes()].concat().into())
        }

        fn end(&mut self) -> Result<Bytes, FilterError> {
            Ok(self.0.to_uppercase().into())
        }
    }

    #[derive(Default)]
    struct Counter(Mutex<Vec<Phase>>);

    impl Meter for Counter {
        fn took(&self, _: Phase, _: u64) {}
        fn failed(&self, phase: Phase) {
            self.0.lock().unwrap().push(phase);
        }
    }

    struct Bench {
        pipeline: Pipeline,
        diary: Diary,
        faults: Arc<Counter>,
        exchange: Exchange,
    }

    fn bench(filters: &[(&'static str, Deed, OnError)]) -> Bench {
        let (diary, faults) = (Diary::default(), Arc::new(Counter::default()));
        let steps = filters.iter().map(|&(name, deed, on_error)| Step {
            name: name.into(),
            filter: Arc::new(Scribe {
                name,
                deed,
                diary: diary.clone(),
            }),
            on_error,
            meter: faults.clone(),
        });
        Bench {
            pipeline: Pipeline::new(steps.collect()),
            diary,
            faults,
            exchange: exchange("GET", "/", &[]),
        }
    }

    impl Bench {
        async fn request(&mut self) -> (Result<Verdict, Failure>, usize) {
            self.pipeline.request(&mut self.exchange).await
        }

        fn response(&mut self, depth: usize) -> Result<Rewriters, Failure> {
            let mut head = ResponseHeader::build(200, None).unwrap();
            self.pipeline.response(depth, &mut self.exchange, &mut head)
        }

        fn told(&self) -> String {
            std::mem::take(&mut *self.diary.lock().unwrap()).join(", ")
        }
    }

    const STOP: OnError = OnError::Status(500);

    #[tokio::test]
    async fn request_phases_run_forwards_and_response_phases_backwards() {
        let mut bench = bench(&[("a", Deed::Pass, STOP), ("b", Deed::Pass, STOP)]);
        let (verdict, depth) = bench.request().await;
        assert!(matches!(verdict, Ok(Verdict::Pass)));
        let mut origin_request = bench.exchange.request.clone();
        bench
            .pipeline
            .origin_request(&mut bench.exchange, &mut origin_request)
            .unwrap();
        let mut response = ResponseHeader::build(200, None).unwrap();
        bench
            .pipeline
            .origin_response(&mut bench.exchange, &mut response)
            .unwrap();
        bench.response(depth).unwrap();
        assert_eq!(
            bench.told(),
            "a request, b request, a origin_request, b origin_request, b origin_response, a origin_response, \
             b response, a response"
        );
    }

    #[tokio::test]
    async fn an_answer_is_seen_by_the_filters_before_it_alone() {
        for (deed, status) in [(Deed::Answer, 204), (Deed::AnswerLater, 403)] {
            let mut bench = bench(&[
                ("a", Deed::Pass, STOP),
                ("b", deed, STOP),
                ("c", Deed::Pass, STOP),
            ]);
            let (verdict, depth) = bench.request().await;
            let Ok(Verdict::Answered(answer)) = verdict else {
                panic!("not answered")
            };
            assert_eq!(answer.head.status.as_u16(), status);
            bench.response(depth).unwrap();
            assert_eq!(bench.told(), "a request, b request, a response");
        }
    }

    #[tokio::test]
    async fn a_fault_ends_the_exchange_or_is_skipped_as_told() {
        let mut stopped = bench(&[
            ("a", Deed::Pass, STOP),
            ("b", Deed::Fail, OnError::Status(502)),
        ]);
        let (verdict, depth) = stopped.request().await;
        let failure = verdict.err().unwrap();
        assert_eq!((failure.status, depth), (502, 1));
        assert_eq!(
            failure.to_string(),
            "filter `b` failed in phase request: as told"
        );
        assert_eq!(*stopped.faults.0.lock().unwrap(), [Phase::Request]);

        let mut skipped = bench(&[("a", Deed::Fail, OnError::Skip), ("b", Deed::Pass, STOP)]);
        let (verdict, depth) = skipped.request().await;
        assert!(matches!(verdict, Ok(Verdict::Pass)));
        skipped.response(depth).unwrap();
        assert_eq!(
            skipped.told(),
            "a request, b request, b response, a response"
        );
        assert_eq!(
            *skipped.faults.0.lock().unwrap(),
            [Phase::Request, Phase::Response]
        );
    }

    #[test]
    fn a_filter_that_did_not_say_it_rewrites_may_not() {
        let mut bench = bench(&[("a", Deed::WrapUntold, STOP)]);
        let failure = bench.response(1).err().unwrap();
        assert!(
            failure.to_string().contains("without having said"),
            "{failure}"
        );
        assert!(!bench.pipeline.rewrites(Phase::Response));
    }

    #[test]
    fn bodies_pass_the_rewriters_in_the_order_of_the_response_phase() {
        let mut bench = bench(&[
            ("a", Deed::Wrap, STOP),
            ("b", Deed::Pass, STOP),
            ("c", Deed::Wrap, STOP),
        ]);
        let mut rewriters = bench.response(3).unwrap();
        assert!(!rewriters.is_empty());
        let cases: [(Option<&'static str>, bool, Option<&str>); 4] = [
            (Some("1"), false, Some("1ca")),
            (None, false, None),
            (Some("2"), true, Some("2cCaA")),
            (None, true, Some("CaA")),
        ];
        for (bytes, end, expected) in cases {
            let passed = rewriters.pass(bytes.map(Bytes::from), end).unwrap();
            assert_eq!(
                passed.as_deref(),
                expected.map(str::as_bytes),
                "{bytes:?} {end}"
            );
        }
        assert!(rewriters.pass(Some("poison".into()), false).is_err());
    }

    #[test]
    fn a_body_without_rewriters_passes_untouched() {
        let mut rewriters = Rewriters::default();
        let bytes = Bytes::from("as it is");
        let passed = rewriters.pass(Some(bytes.clone()), true).unwrap().unwrap();
        assert_eq!(passed.as_ptr(), bytes.as_ptr());
    }
}
