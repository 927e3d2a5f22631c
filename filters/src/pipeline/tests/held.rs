//! Bodies that filters want whole.

use super::*;

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
