//! What watchers and rewriters see of a body, in one try and in several.

use std::sync::{Arc, Mutex};

use rimward_filters::{BodyWatcher, Chosen, Client, FilterError, Found, Scheme};

use super::*;

/// What was seen, in order.
type Diary = Arc<Mutex<String>>;

struct Scribe(Diary);

impl BodyWatcher for Scribe {
    fn chunk(&mut self, bytes: &Bytes) {
        let text = String::from_utf8_lossy(bytes).into_owned();
        self.0.lock().unwrap().push_str(&text);
    }

    fn end(&mut self) {
        self.0.lock().unwrap().push('.');
    }
}

/// Keeps every second byte back until the end.
struct Halves(Vec<u8>);

impl BodyRewriter for Halves {
    fn chunk(&mut self, bytes: Bytes) -> Result<Bytes, FilterError> {
        if bytes.starts_with(b"!") {
            return Err(FilterError::new("as told"));
        }
        let kept = bytes.iter().skip(1).step_by(2);
        self.0.extend(kept);
        Ok(bytes.iter().step_by(2).copied().collect())
    }

    fn end(&mut self) -> Result<Bytes, FilterError> {
        Ok(mem::take(&mut self.0).into())
    }
}

fn exchange(diary: &Diary, rewriters: usize) -> Exchange {
    let rewriter = || -> Box<dyn BodyRewriter> { Box::new(Halves(Vec::new())) };
    Exchange {
        request: RequestHeader::build("POST", b"/", None).unwrap(),
        client: Client {
            ip: [192, 0, 2, 1].into(),
            peer: ([192, 0, 2, 1], 1234).into(),
            scheme: Scheme::Https,
            country: None,
            certificate: None,
            tls: None,
            geoip: None,
        },
        site: "a".into(),
        route: "/".into(),
        params: Vec::new(),
        request_id: String::new(),
        notes: http::Extensions::new(),
        origin: None,
        found: Found::Unknown,
        chosen: Chosen::default(),
        request_watchers: vec![Box::new(Scribe(diary.clone()))],
        request_body: None,
        request_rewriters: (0..rewriters).map(|_| rewriter()).collect(),
        outcomes: Vec::new(),
        log: Vec::new(),
        filter_nanoseconds: 0,
    }
}

/// Sends pieces on, and tells what the origin gets.
fn send(
    passing: &mut Passing,
    exchange: &mut Exchange,
    pieces: &[(&'static str, bool)],
) -> Result<String> {
    let mut got = String::new();
    for (piece, end) in pieces {
        let mut body = (!piece.is_empty()).then(|| Bytes::from(*piece));
        passing.pass(Some(exchange), 10, &mut body, *end)?;
        assert!(*end || body.is_some(), "nothing would be taken for the end");
        got += std::str::from_utf8(&body.unwrap_or_default()).unwrap();
    }
    Ok(got)
}

#[test]
fn what_is_sent_again_is_watched_once() {
    let diary = Diary::default();
    let (mut passing, mut exchange) = (Passing::default(), exchange(&diary, 0));
    let first = send(
        &mut passing,
        &mut exchange,
        &[("abc", false), ("de", false)],
    );
    assert_eq!(first.unwrap(), "abcde");
    for pieces in [
        &[("abcde", false), ("fg", false)][..],
        &[("ab", false), ("cdefgh", true)],
        &[("abcdefgh", true)],
    ] {
        passing.begins_anew();
        send(&mut passing, &mut exchange, pieces).unwrap();
    }
    assert_eq!(*diary.lock().unwrap(), "abcdefgh.");
}

#[test]
fn what_is_sent_again_does_not_count_again() {
    let diary = Diary::default();
    let (mut passing, mut exchange) = (Passing::default(), exchange(&diary, 0));
    for _ in 0..3 {
        passing.begins_anew();
        send(&mut passing, &mut exchange, &[("0123456789", true)]).unwrap();
    }
    let error = send(&mut passing, &mut exchange, &[("x", true)]).unwrap_err();
    assert_eq!(*error.etype(), pingora::ErrorType::HTTPStatus(413));
}

#[test]
fn a_body_passes_all_rewriters_and_watchers_see_what_came() {
    for (pieces, one, two) in [
        (&[("abcdef", true)][..], "acebdf", "aedcbf"),
        (&[("abc", false), ("", true)], "acb", "abc"),
        (&[("a", false), ("b", false), ("c", true)], "abc", "abc"),
        (&[("", true)], "", ""),
    ] {
        for (rewriters, expected) in [(1, one), (2, two)] {
            let diary = Diary::default();
            let mut exchange = exchange(&diary, rewriters);
            let got = send(&mut Passing::default(), &mut exchange, pieces).unwrap();
            assert_eq!(got, expected, "{pieces:?} {rewriters}");
            let came: String = pieces.iter().map(|(piece, _)| *piece).collect();
            assert_eq!(*diary.lock().unwrap(), format!("{came}."));
        }
    }
}

#[test]
fn a_rewriter_that_fails_ends_the_request() {
    let diary = Diary::default();
    let mut exchange = exchange(&diary, 1);
    let sent = send(
        &mut Passing::default(),
        &mut exchange,
        &[("ab", false), ("!", true)],
    );
    assert_eq!(
        *sent.unwrap_err().etype(),
        pingora::ErrorType::HTTPStatus(500)
    );
}

#[test]
fn what_rewriters_have_taken_is_not_sent_again() {
    let diary = Diary::default();
    let (mut passing, mut exchange) = (Passing::default(), exchange(&diary, 1));
    send(&mut passing, &mut exchange, &[("ab", false)]).unwrap();
    assert!(passing.is_taken);
    passing.begins_anew();
    let again = send(&mut passing, &mut exchange, &[("ab", false)]);
    assert_eq!(
        *again.unwrap_err().etype(),
        pingora::ErrorType::HTTPStatus(502)
    );
}
