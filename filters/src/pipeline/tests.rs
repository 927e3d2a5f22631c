//! Pipelines of filters that write down what they are asked.

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
    Replace,
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
        Ok(match self.deed {
            Deed::Wrap | Deed::WrapUntold => Body::Rewritten(Box::new(Wrap(self.name))),
            Deed::Replace => Body::Replaced(self.name.into()),
            _ => Body::Untouched,
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

    fn origin_request(&self, _: &mut Exchange, _: &mut RequestHeader) -> Result<Flow, FilterError> {
        self.note(Phase::OriginRequest).map(|()| Flow::Continue)
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
fn the_body_of_an_error_alone_may_be_replaced() {
    for (status, expected) in [
        (200, None),
        (399, None),
        (400, Some("caA")),
        (599, Some("caA")),
    ] {
        let mut bench = bench(&[("a", Deed::Wrap, STOP), ("c", Deed::Replace, STOP)]);
        let mut head = ResponseHeader::build(status, None).unwrap();
        let told = bench.pipeline.response(2, &mut bench.exchange, &mut head);
        let Ok(mut rewriters) = told else {
            assert_eq!(expected, None, "{status}");
            continue;
        };
        assert!(rewriters.rewrites());
        assert_eq!(rewriters.pass(Some("old".into()), false).unwrap(), None);
        let passed = rewriters.pass(Some("er".into()), true).unwrap();
        assert_eq!(passed.as_deref(), expected.map(str::as_bytes), "{status}");
    }
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
