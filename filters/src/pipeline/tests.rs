//! Pipelines of filters that write down what they are asked.

use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::HeaderName;

use super::*;
use crate::exchange::RequestBody;
use crate::filter::{Body, BodyHolder, BodyRewriter, Phases};
use crate::testing::exchange;

/// What the filters of one test were asked, in order.
type Diary = Arc<Mutex<Vec<String>>>;

#[derive(Clone, Copy, PartialEq)]
enum Deed {
    Pass,
    Answer,
    AnswerLater,
    AnswerAtOrigin,
    /// Every phase says `Later`, and has nothing to do then.
    Late,
    Fail,
    Wrap,
    WrapUntold,
    Replace,
    /// The same, with a tag of its own.
    ReplaceTagged,
    ReplaceLater,
    /// Has bodies of up to eight bytes whole, and notes them.
    Hold,
    /// The same without having said that it might.
    HoldUntold,
    /// Puts `<…>` around such a body.
    HoldAndWrap,
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

    fn body(&self, phase: Phase, head: &mut ResponseHeader) -> Result<Body, FilterError> {
        self.note(phase)?;
        if self.deed == Deed::ReplaceTagged {
            head.insert_header("etag", "\"new\"").unwrap();
        }
        Ok(match self.deed {
            Deed::Wrap | Deed::WrapUntold => Body::Rewritten(Box::new(Wrap(self.name))),
            Deed::Replace | Deed::ReplaceTagged => Body::Replaced(self.name.into()),
            Deed::Late | Deed::ReplaceLater => Body::Later,
            Deed::Hold | Deed::HoldUntold | Deed::HoldAndWrap => Body::Held(Box::new(Hold {
                wraps: self.deed == Deed::HoldAndWrap,
                diary: self.diary.clone(),
            })),
            _ => Body::Untouched,
        })
    }

    fn late(&self, phase: Phase) -> Result<Body, FilterError> {
        self.diary
            .lock()
            .unwrap()
            .push(format!("{} later {}", self.name, phase.name()));
        Ok(match self.deed {
            Deed::ReplaceLater => Body::Replaced(self.name.into()),
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

    fn holds(&self) -> bool {
        matches!(self.deed, Deed::Hold | Deed::HoldAndWrap)
    }

    fn replaces(&self) -> Phases {
        Phases::NONE.and_if(self.deed == Deed::ReplaceTagged, Phase::Response)
    }

    fn request(&self, _: &mut Exchange) -> Result<Flow, FilterError> {
        self.note(Phase::Request)?;
        Ok(match self.deed {
            Deed::Answer => Answer::new(204)?.flow(),
            Deed::AnswerLater | Deed::Late => Flow::Later,
            _ => Flow::Continue,
        })
    }

    async fn request_later(&self, _: &mut Exchange) -> Result<Flow, FilterError> {
        match self.deed {
            Deed::AnswerLater => Ok(Answer::new(403)?.flow()),
            _ => self.late(Phase::Request).map(|_| Flow::Continue),
        }
    }

    fn origin_request(&self, _: &mut Exchange, _: &mut RequestHeader) -> Result<Flow, FilterError> {
        self.note(Phase::OriginRequest)?;
        Ok(match self.deed {
            Deed::AnswerAtOrigin => Answer::new(410)?.flow(),
            Deed::Late => Flow::Later,
            _ => Flow::Continue,
        })
    }

    async fn origin_request_later(
        &self,
        _: &mut Exchange,
        _: &mut RequestHeader,
    ) -> Result<Flow, FilterError> {
        self.late(Phase::OriginRequest).map(|_| Flow::Continue)
    }

    fn origin_response(
        &self,
        _: &mut Exchange,
        head: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        self.body(Phase::OriginResponse, head)
    }

    async fn origin_response_later(
        &self,
        _: &mut Exchange,
        _: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        self.late(Phase::OriginResponse)
    }

    fn response(&self, _: &mut Exchange, head: &mut ResponseHeader) -> Result<Body, FilterError> {
        self.body(Phase::Response, head)
    }

    async fn response_later(
        &self,
        _: &mut Exchange,
        _: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        self.late(Phase::Response)
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

struct Hold {
    wraps: bool,
    diary: Diary,
}

#[async_trait]
impl BodyHolder for Hold {
    fn most(&self) -> usize {
        8
    }

    async fn whole(
        self: Box<Self>,
        _: &mut Exchange,
        head: &mut ResponseHeader,
        body: &Bytes,
        is_whole: bool,
    ) -> Result<Option<Bytes>, FilterError> {
        let body = std::str::from_utf8(body).unwrap();
        let told = format!("{body} {is_whole}");
        self.diary.lock().unwrap().push(told);
        head.insert_header("x-seen", body.len()).unwrap();
        Ok((self.wraps && is_whole).then(|| format!("<{body}>").into()))
    }
}

/// A body in pieces.
struct Pieces(Vec<&'static str>);

impl Arriving for Pieces {
    type Lost = &'static str;

    async fn next(&mut self) -> Result<Option<Bytes>, &'static str> {
        match (!self.0.is_empty()).then(|| self.0.remove(0)) {
            Some("lost") => Err("as told"),
            piece => Ok(piece.map(Bytes::from)),
        }
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

    async fn origin_request(&mut self) -> Result<(Verdict, usize), Failure> {
        let mut request = self.exchange.request.clone();
        let exchange = &mut self.exchange;
        let ended = self
            .pipeline
            .origin_request(exchange, &mut request, &mut NoBody)
            .await;
        ended.map_err(Unfinished::into_failure)
    }

    async fn origin_response(&mut self, depth: usize) -> Result<Rewriters, Failure> {
        let mut head = ResponseHeader::build(200, None).unwrap();
        let exchange = &mut self.exchange;
        self.pipeline
            .origin_response(depth, exchange, &mut head)
            .await
    }

    async fn response(&mut self, depth: usize) -> Result<Rewriters, Failure> {
        let mut head = ResponseHeader::build(200, None).unwrap();
        self.answer(depth, &mut head).await
    }

    async fn answer(
        &mut self,
        depth: usize,
        head: &mut ResponseHeader,
    ) -> Result<Rewriters, Failure> {
        let exchange = &mut self.exchange;
        self.pipeline.response(depth, exchange, head).await
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
    let (verdict, origin_depth) = bench.origin_request().await.unwrap();
    assert!(matches!(verdict, Verdict::Pass));
    bench.origin_response(origin_depth).await.unwrap();
    bench.response(depth).await.unwrap();
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
        bench.response(depth).await.unwrap();
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
    skipped.response(depth).await.unwrap();
    assert_eq!(
        skipped.told(),
        "a request, b request, b response, a response"
    );
    assert_eq!(
        *skipped.faults.0.lock().unwrap(),
        [Phase::Request, Phase::Response]
    );
}

#[tokio::test]
async fn an_answer_in_place_of_the_origins_is_seen_by_the_filters_before_it_alone() {
    let mut bench = bench(&[
        ("a", Deed::Pass, STOP),
        ("b", Deed::AnswerAtOrigin, STOP),
        ("c", Deed::Pass, STOP),
    ]);
    let (verdict, depth) = bench.origin_request().await.unwrap();
    assert!(matches!(verdict, Verdict::Answered(answer) if answer.head.status == 410));
    bench.origin_response(depth).await.unwrap();
    assert_eq!(
        bench.told(),
        "a origin_request, b origin_request, a origin_response"
    );
}

#[tokio::test]
async fn a_phase_that_has_to_wait_is_asked_again() {
    let mut bench = bench(&[
        ("a", Deed::Pass, STOP),
        ("b", Deed::Late, STOP),
        ("c", Deed::Pass, STOP),
    ]);
    bench.request().await.0.unwrap();
    assert_eq!(
        bench.told(),
        "a request, b request, b later request, c request"
    );
    bench.origin_request().await.unwrap();
    assert_eq!(
        bench.told(),
        "a origin_request, b origin_request, b later origin_request, c origin_request"
    );
    bench.origin_response(3).await.unwrap();
    assert_eq!(
        bench.told(),
        "c origin_response, b origin_response, b later origin_response, a origin_response"
    );
    bench.response(3).await.unwrap();
    assert_eq!(
        bench.told(),
        "c response, b response, b later response, a response"
    );
    // On the fast lane nobody can.
    let mut head = ResponseHeader::build(200, None).unwrap();
    let exchange = &mut bench.exchange;
    let failure = bench.pipeline.response_at_once(3, exchange, &mut head);
    assert!(failure.is_err_and(|failure| failure.to_string().contains("fast lane")));
    assert_eq!(bench.told(), "c response, b response");
    let exchange = &mut bench.exchange;
    let rewriters = bench.pipeline.response_at_once(1, exchange, &mut head);
    assert!(rewriters.is_ok_and(|rewriters| rewriters.is_empty()));
}

#[tokio::test]
async fn a_request_phase_goes_on_where_it_was_left() {
    let mut bench = bench(&[
        ("a", Deed::Pass, STOP),
        ("b", Deed::Late, STOP),
        ("c", Deed::Answer, STOP),
        ("d", Deed::Pass, STOP),
    ]);
    let way = bench.pipeline.begin_request(&mut bench.exchange);
    assert_eq!(way.came(), Came::Halfway);
    assert_eq!(bench.told(), "a request, b request");
    let exchange = &mut bench.exchange;
    let (verdict, depth) = bench
        .pipeline
        .finish_request(way, exchange, &mut NoBody)
        .await;
    assert!(matches!(verdict, Ok(Verdict::Answered(_))));
    assert_eq!(depth, 2);
    assert_eq!(bench.told(), "b later request, c request");
}

#[tokio::test]
async fn an_answer_is_taken_or_told_of() {
    let mut bench = bench(&[("a", Deed::Pass, STOP), ("b", Deed::Answer, STOP)]);
    let mut way = bench.pipeline.begin_request(&mut bench.exchange);
    assert_eq!((way.came(), way.depth()), (Came::Answered, 1));
    assert!(way.take_answer().is_some());
    assert!(way.take_answer().is_none());
    way.fault(&bench.pipeline, FilterError::new("too long"));
    assert_eq!((way.came(), way.depth()), (Came::Failed, 1));
    let (verdict, _) = bench
        .pipeline
        .finish_request(way, &mut bench.exchange, &mut NoBody)
        .await;
    let failure = verdict.err().unwrap().into_failure();
    assert_eq!((&*failure.filter, failure.status), ("b", 500));
}

#[tokio::test]
async fn a_filter_that_did_not_say_it_rewrites_may_not() {
    let mut bench = bench(&[("a", Deed::WrapUntold, STOP)]);
    let failure = bench.response(1).await.err().unwrap();
    assert!(
        failure.to_string().contains("without having said"),
        "{failure}"
    );
    assert!(!bench.pipeline.rewrites(Phase::Response));
}

#[tokio::test]
async fn a_body_is_replaced_where_there_is_one() {
    for (status, replaced) in [
        (200, true),
        (204, false),
        (304, false),
        (404, true),
        (599, true),
    ] {
        let mut bench = bench(&[("a", Deed::Wrap, STOP), ("c", Deed::Replace, STOP)]);
        let mut head = ResponseHeader::build(status, None).unwrap();
        let mut rewriters = bench.answer(2, &mut head).await.unwrap();
        assert!(rewriters.rewrites());
        assert_eq!(rewriters.replaces(), replaced, "{status}");
        if replaced {
            let body = rewriters.take_replacement().unwrap();
            assert_eq!(body.as_deref(), Some(&b"caA"[..]), "{status}");
            assert!(rewriters.is_empty());
        }
    }
}

#[tokio::test]
async fn what_comes_in_place_of_a_body_waits_for_its_end() {
    let mut bench = bench(&[("a", Deed::Wrap, STOP), ("c", Deed::ReplaceLater, STOP)]);
    let mut rewriters = bench.response(2).await.unwrap();
    assert_eq!(rewriters.pass(Some("old".into()), false).unwrap(), None);
    let passed = rewriters.pass(Some("er".into()), true).unwrap();
    assert_eq!(passed.as_deref(), Some(&b"caA"[..]));
    // Who rewrites what is gone has nothing to do any more.
    let mut bench = self::bench(&[("a", Deed::Replace, STOP), ("c", Deed::Wrap, STOP)]);
    let mut rewriters = bench.response(2).await.unwrap();
    let body = rewriters.take_replacement().unwrap();
    assert_eq!(body.as_deref(), Some(&b"a"[..]));
}

#[tokio::test]
async fn a_head_says_nothing_of_the_body_that_is_gone() {
    const FIELDS: [(&str, &str); 9] = [
        ("accept-ranges", "bytes"),
        ("content-encoding", "gzip"),
        ("content-length", "3"),
        ("content-md5", "x"),
        ("content-range", "bytes 0-2/9"),
        ("content-type", "text/plain"),
        ("etag", "\"old\""),
        ("last-modified", "Sat, 28 Nov 2026 00:00:00 GMT"),
        ("transfer-encoding", "chunked"),
    ];
    for (deed, status, expected) in [
        (Deed::Replace, 200, "content-type: text/plain"),
        (Deed::Replace, 206, "content-type: text/plain"),
        (
            Deed::ReplaceTagged,
            200,
            "content-type: text/plain, etag: \"new\"",
        ),
    ] {
        let mut head = ResponseHeader::build(status, None).unwrap();
        for (name, value) in FIELDS {
            let name = HeaderName::from_static(name);
            head.insert_header(name, value).unwrap();
        }
        let mut bench = bench(&[("a", deed, STOP)]);
        bench.answer(1, &mut head).await.unwrap();
        let told = head.headers.iter();
        let told = told.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
        let mut told: Vec<_> = told.collect();
        told.sort();
        assert_eq!(told.join(", "), expected, "{status}");
        assert_eq!(head.status, 200);
    }
    let mut parts = ResponseHeader::build(206, None).unwrap();
    let kind = "multipart/byteranges; boundary=x";
    parts.insert_header("content-type", kind).unwrap();
    let mut bench = bench(&[("a", Deed::Replace, STOP)]);
    bench.answer(1, &mut parts).await.unwrap();
    assert!(parts.headers.is_empty());
}

#[tokio::test]
async fn bodies_pass_the_rewriters_in_the_order_of_the_response_phase() {
    let mut bench = bench(&[
        ("a", Deed::Wrap, STOP),
        ("b", Deed::Pass, STOP),
        ("c", Deed::Wrap, STOP),
    ]);
    let mut rewriters = bench.response(3).await.unwrap();
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

#[tokio::test]
async fn a_head_waits_for_the_body_that_a_filter_wants_whole() {
    type Case = (
        &'static [Deed],
        &'static [&'static str],
        &'static str,
        &'static str,
    );
    // What was seen, and what is sent.
    let cases: [Case; 8] = [
        (&[Deed::Hold], &["ab", "cd"], "abcd true", "abcd"),
        (&[Deed::HoldAndWrap], &["ab", "cd"], "abcd true", "<abcd>"),
        (&[Deed::HoldAndWrap], &[], " true", "<>"),
        (
            &[Deed::HoldAndWrap],
            &["12345678"],
            "12345678 true",
            "<12345678>",
        ),
        (
            &[Deed::HoldAndWrap],
            &["1234567", "89", "x"],
            "123456789 false",
            "123456789x",
        ),
        // Those behind it rewrote the body, those before it rewrite what it leaves.
        (
            &[Deed::HoldAndWrap, Deed::Wrap],
            &["x"],
            "xbB true",
            "<xbB>",
        ),
        (&[Deed::Wrap, Deed::HoldAndWrap], &["x"], "x true", "<x>aA"),
        (
            &[Deed::HoldAndWrap, Deed::Replace],
            &["old"],
            "b true",
            "<b>",
        ),
    ];
    for (deeds, pieces, seen, sent) in cases {
        let filters = ["a", "b"].into_iter().zip(deeds);
        let filters: Vec<_> = filters.map(|(name, deed)| (name, *deed, STOP)).collect();
        let mut bench = bench(&filters);
        let mut head = ResponseHeader::build(200, None).unwrap();
        let mut body = Pieces(pieces.to_vec());
        let exchange = &mut bench.exchange;
        let rewriters = bench
            .pipeline
            .response_with(2, exchange, &mut head, &mut body);
        let mut rewriters = rewriters.await.unwrap_or_else(|_| panic!("{seen}"));
        let told = bench.told();
        assert!(told.contains(seen), "{told}");
        let mut left = String::new();
        loop {
            let piece = body.next().await.unwrap();
            let is_end = piece.is_none();
            let passed = rewriters.pass(piece, is_end).unwrap();
            left.push_str(std::str::from_utf8(&passed.unwrap_or_default()).unwrap());
            if is_end {
                break;
            }
        }
        assert_eq!(left, sent);
        assert!(head.headers.contains_key("x-seen"));
    }
}

#[tokio::test]
async fn who_can_not_have_a_body_is_told() {
    let mut by = bench(&[("a", Deed::HoldAndWrap, STOP)]);
    let rewriters = by.response(1).await.unwrap();
    assert!(rewriters.is_empty());
    assert_eq!(by.told(), "a response,  false", "the body passes by");

    let mut bodiless = bench(&[("a", Deed::Hold, STOP)]);
    let mut head = ResponseHeader::build(304, None).unwrap();
    assert!(bodiless.answer(1, &mut head).await.unwrap().is_empty());
    assert_eq!(bodiless.told(), "a response");

    let mut untold = bench(&[("a", Deed::HoldUntold, STOP)]);
    let failure = untold.response(1).await.err().unwrap();
    assert!(failure.to_string().contains("without having said"));
    assert!(!untold.pipeline.holds());

    let mut lost = bench(&[("a", Deed::Hold, STOP)]);
    assert!(lost.pipeline.holds());
    let mut head = ResponseHeader::build(200, None).unwrap();
    let mut body = Pieces(vec!["a", "lost"]);
    let exchange = &mut lost.exchange;
    let stopped = lost
        .pipeline
        .response_with(1, exchange, &mut head, &mut body);
    assert!(matches!(stopped.await, Err(Stopped::Lost("as told"))));
}

/// Has so much of a body, counts how often it is asked, and loses it when it is asked for more than a hundred bytes.
struct Tank {
    body: Vec<u8>,
    asked: usize,
}

impl Source for Tank {
    type Lost = &'static str;

    async fn read(&mut self, _: &mut Exchange, most: usize) -> Result<RequestBody, &'static str> {
        self.asked += 1;
        match most {
            0..=100 => Ok(RequestBody {
                bytes: self.body.iter().take(most).copied().collect(),
                is_whole: self.body.len() <= most,
            }),
            _ => Err("gone"),
        }
    }
}

/// Wants so many bytes, in two bites if it is greedy; then answers with what it has.
struct Hungry {
    most: usize,
    is_greedy: bool,
}

#[async_trait::async_trait]
impl Filter for Hungry {
    fn phases(&self) -> Phases {
        Phases::only(Phase::Request).and(Phase::OriginRequest)
    }

    fn request(&self, _: &mut Exchange) -> Result<Flow, FilterError> {
        Ok(Flow::WantsBody(self.most))
    }

    async fn request_later(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        let body = exchange.request_body.as_ref().unwrap();
        if self.is_greedy && !body.is_whole {
            return Ok(Flow::WantsBody(body.bytes.len() * 2));
        }
        let status = if body.is_whole { 200 } else { 413 };
        Ok(Answer::new(status)?.with_body(body.bytes.clone()).flow())
    }

    fn origin_request(&self, _: &mut Exchange, _: &mut RequestHeader) -> Result<Flow, FilterError> {
        Ok(Flow::WantsBody(self.most))
    }

    async fn origin_request_later(
        &self,
        exchange: &mut Exchange,
        _: &mut RequestHeader,
    ) -> Result<Flow, FilterError> {
        self.request_later(exchange).await
    }
}

/// Both request phases with a hungry filter before a body: what was answered, or why not, and how often the body was asked for.
async fn fed(most: usize, is_greedy: bool, body: &[u8]) -> Vec<(String, usize)> {
    let step = Step {
        name: "hungry".into(),
        filter: Arc::new(Hungry { most, is_greedy }),
        on_error: STOP,
        meter: Arc::new(Counter::default()),
    };
    let pipeline = Pipeline::new(vec![step]);
    let tank = || Tank {
        body: body.to_vec(),
        asked: 0,
    };
    let said = |verdict: Result<Verdict, Unfinished<&'static str>>| match verdict {
        Ok(Verdict::Answered(answer)) => {
            let text = String::from_utf8(answer.body.to_vec()).unwrap();
            format!("{} {text}", answer.head.status.as_u16())
        }
        Ok(Verdict::Pass) => "passed".to_owned(),
        Err(Unfinished::Failed(failure)) => failure.to_string(),
        Err(Unfinished::Lost(why)) => why.to_owned(),
    };
    let (mut first, mut second) = (tank(), tank());
    let mut one = exchange("POST", "/", &[]);
    let way = pipeline.begin_request(&mut one);
    let (verdict, _) = pipeline.finish_request(way, &mut one, &mut first).await;
    let mut other = exchange("POST", "/", &[]);
    let mut head = other.request.clone();
    let ended = pipeline.origin_request(&mut other, &mut head, &mut second);
    let ended = ended.await.map(|(verdict, _)| verdict);
    vec![(said(verdict), first.asked), (said(ended), second.asked)]
}

#[tokio::test]
async fn a_filter_gets_the_body_that_it_wants() {
    for (most, is_greedy, body, expected, asked) in [
        (10, false, "", "200 ", 1),
        (10, false, "hello", "200 hello", 1),
        (5, false, "hello", "200 hello", 1),
        (4, false, "hello", "413 hell", 1),
        (2, true, "hello", "200 hello", 3),
        (1, true, "hello hello", "`hungry` failed", 4),
        (101, false, "hello", "gone", 1),
    ] {
        for (said, times) in fed(most, is_greedy, body.as_bytes()).await {
            assert!(said.contains(expected), "{most} {body}: {said}");
            assert_eq!(times, asked, "{most} {body}");
        }
    }
}

#[tokio::test]
async fn what_is_there_is_not_read_again() {
    let mut bench = bench(&[]);
    let mut tank = Tank {
        body: b"hello".to_vec(),
        asked: 0,
    };
    for (most, asked) in [(3, 1), (2, 1), (3, 1), (4, 2), (5, 3), (50, 3)] {
        fetch(&mut tank, &mut bench.exchange, most).await.unwrap();
        assert_eq!(tank.asked, asked, "{most}");
    }
    assert!(bench.exchange.request_body.unwrap().is_whole);
}
