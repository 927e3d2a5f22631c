//! The order of the phases, and where they end.

use super::*;

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
