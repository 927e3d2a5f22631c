//! Tables of bodies, and a model for any other.

use proptest::prelude::*;

use super::*;

/// Feeds `bytes` at once: the length of the body and whether it is complete, or what is wrong.
fn feed(bytes: &[u8]) -> Result<(usize, bool), FlawKind> {
    let mut guard = Guard::new(Framing::Chunked, 1000);
    let used = guard.advance(bytes).map_err(|flaw| flaw.kind)?;
    Ok((used, guard.is_done()))
}

#[test]
fn chunks_are_followed_to_their_end() {
    let bodies: &[&[u8]] = &[
        b"0\r\n\r\n",
        b"5\r\nhello\r\n0\r\n\r\n",
        b"a\r\n0123456789\r\nA\r\n0123456789\r\n000\r\n\r\n",
        b"5;name=\"value\"; x\r\nhello\r\n0;y\r\n\r\n",
        b"2\r\n\r\n\r\n0\r\n\r\n",
        b"0\r\nX-Sum: 1\r\nEmpty:\r\nHigh: \xe9\r\n\r\n",
    ];
    for body in bodies {
        let followed = [body, &b"GET / HTTP/1.1\r\n"[..]].concat();
        assert_eq!(
            feed(&followed),
            Ok((body.len(), true)),
            "{}",
            body.escape_ascii()
        );
        assert_eq!(feed(&body[..body.len() - 1]), Ok((body.len() - 1, false)));
    }
}

#[test]
fn anything_else_is_refused() {
    use FlawKind::{BodyTooLarge, FieldsTooLarge, Malformed};
    let bodies: &[(FlawKind, &[u8])] = &[
        (Malformed, b"\r\n"),
        (Malformed, b"\r\nhello"),
        (Malformed, b" 5\r\n"),
        (Malformed, b"5 \r\n"),
        (Malformed, b"5\t\r\n"),
        (Malformed, b"5 ;a\r\n"),
        (Malformed, b"+5\r\n"),
        (Malformed, b"-5\r\n"),
        (Malformed, b"0x5\r\n"),
        (Malformed, b"5_0\r\n"),
        (Malformed, b"5g\r\n"),
        (Malformed, b"5\0\r\n"),
        (Malformed, b";a\r\n"),
        (Malformed, b"5\nhello"),
        (Malformed, b"5\rhello"),
        (Malformed, b"5\r\r\n"),
        (Malformed, b"5;a\nhello"),
        (Malformed, b"5;a\rb\r\n"),
        (Malformed, b"5;a\0\r\n"),
        (Malformed, b"5;a\x7f\r\n"),
        (Malformed, b"5\r\nhello\n0\r\n"),
        (Malformed, b"5\r\nhello0\r\n"),
        (Malformed, b"5\r\nhello\r0\r\n"),
        (Malformed, b"5\r\nhello!\r\n"),
        (Malformed, b"5\r\nhello\r\n\r\n"),
        (Malformed, b"0\r\n\n"),
        (Malformed, b"0\r\nX: y\n"),
        (Malformed, b"0\r\nX: y\rz"),
        (Malformed, b"0\r\nX y\r\n"),
        (Malformed, b"0\r\nX : y\r\n"),
        (Malformed, b"0\r\n X: y\r\n"),
        (Malformed, b"0\r\n: y\r\n"),
        (Malformed, b"0\r\nX: y\0"),
        (Malformed, b"0\r\nX: a\r\n b\r\n"),
        (Malformed, b"0\r\nContent-Length: 5\r\n"),
        (Malformed, b"0\r\nTRANSFER-ENCODING: chunked\r\n"),
        (Malformed, b"0\r\nhost: a\r\n"),
        (Malformed, b"0\r\nX-Forwarded-For: a\r\n"),
        (Malformed, b"0000000000000005\r\n"),
        (Malformed, b"ffffffffffffffff\r\n"),
        (BodyTooLarge, b"fffffffffffffff\r\n"),
        (BodyTooLarge, b"3e9\r\n"),
    ];
    for (kind, body) in bodies {
        assert_eq!(feed(body), Err(*kind), "{}", body.escape_ascii());
    }
    assert_eq!(
        feed(format!("5;{}\r\n", "a".repeat(257)).as_bytes()),
        Err(Malformed)
    );
    assert_eq!(
        feed(format!("0\r\n{}", "X: y\r\n".repeat(700)).as_bytes()),
        Err(FieldsTooLarge)
    );
}

#[test]
fn length_is_followed_to_its_end() {
    let mut guard = Guard::new(Framing::Length(5), 1000);
    assert_eq!(guard.advance(b"hel"), Ok(3));
    assert!(!guard.is_done());
    assert_eq!(guard.advance(b"loGET"), Ok(2));
    assert!(guard.is_done());
    assert_eq!(guard.advance(b"GET"), Ok(0));
}

/// The plainest encoder there is.
fn encode(chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut body = Vec::new();
    for chunk in chunks.iter().filter(|chunk| !chunk.is_empty()) {
        body.extend(format!("{:x}\r\n", chunk.len()).bytes());
        body.extend(chunk);
        body.extend(b"\r\n");
    }
    body.extend(b"0\r\n\r\n");
    body
}

/// The plainest decoder there is: the length of a well-formed body without extensions or trailers.
fn model(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let line = bytes[at..].windows(2).position(|pair| pair == b"\r\n")?;
        let digits = std::str::from_utf8(&bytes[at..at + line]).ok()?;
        if digits.is_empty()
            || digits.len() > 15
            || !digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        {
            return None;
        }
        let size = usize::from_str_radix(digits, 16).ok()?;
        at += line + 2;
        let end = at.checked_add(size)?;
        if bytes.get(end..end + 2)? != b"\r\n" {
            return None;
        }
        at = end + 2;
        if size == 0 {
            return Some(at);
        }
    }
}

proptest! {
    #[test]
    fn any_split_finds_the_same_end(
        chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..20), 0..6),
        cuts in proptest::collection::vec(1usize..7, 1..40),
    ) {
        let body = encode(&chunks);
        let bytes = [&body[..], b"GET / HTTP/1.1\r\n\r\n"].concat();
        let mut guard = Guard::new(Framing::Chunked, 1000);
        let mut used = 0;
        let mut cuts = cuts.into_iter().cycle();
        while !guard.is_done() {
            let end = (used + cuts.next().unwrap()).min(bytes.len());
            used += guard.advance(&bytes[used..end]).unwrap();
        }
        prop_assert_eq!(used, body.len());
    }

    #[test]
    fn agrees_with_the_model(bytes in "[0-3a\r\nx]{0,12}\r\n0\r\n\r\n") {
        let bytes = bytes.as_bytes();
        let ours = feed(bytes).ok().filter(|(_, done)| *done).map(|(used, _)| used);
        if let Some(end) = model(bytes) {
            prop_assert_eq!(ours, Some(end));
        } else if let Some(used) = ours {
            // Only trailers, which the model does not know, are more.
            prop_assert!(bytes[..used].windows(3).any(|three| three == b"0\r\n"));
        }
    }
}
