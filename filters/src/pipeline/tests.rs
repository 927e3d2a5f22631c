//! Pipelines of filters that write down what they are asked.

mod asked;
mod bodies;
mod held;
mod phases;

use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;

use super::*;
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
