//! Bodies of requests that filters ask for.

use super::*;
use crate::exchange::RequestBody;

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
