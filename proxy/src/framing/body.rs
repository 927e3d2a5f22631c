//! Watches a body flow by and says where it ends. The engine gets the bytes as they came, so whatever is not exactly
//! RFC 9112 is refused here, at the first byte that is not.

use super::fields::is_token;
use super::{Flaw, FlawKind, Framing};

/// Extensions of one chunk, in bytes; nobody uses them.
const MAX_EXTENSION: u16 = 256;
/// The trailer section, in bytes.
const MAX_TRAILERS: u16 = 4096;
/// Hex digits of a chunk size: 2^60 is enough for everybody.
const MAX_DIGITS: u8 = 15;

/// The state of a body that is on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Guard {
    state: State,
    /// Bytes of content that may still come.
    allowed: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Done,
    Length(u64),
    Size { digits: u8, size: u64 },
    Extension { size: u64, len: u16 },
    SizeLf { size: u64 },
    Data(u64),
    DataCr,
    DataLf,
    Trailer(Trailer),
}

/// Where in the trailer section we are. `len` counts all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Trailer {
    len: u16,
    part: TrailerPart,
    name: Name,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TrailerPart {
    LineStart,
    Name,
    Value,
    LineLf,
    EndLf,
}

impl Guard {
    /// For a body with this framing that may have `max` bytes.
    pub(crate) fn new(framing: Framing, max: u64) -> Self {
        let state = match framing {
            Framing::None => State::Done,
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::Size { digits: 0, size: 0 },
        };
        Self {
            state,
            allowed: max,
        }
    }

    /// Whether the body has ended.
    pub(crate) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// How many of `bytes` belong to the body. Fewer than there are means that the body ends there.
    pub(crate) fn advance(&mut self, bytes: &[u8]) -> Result<usize, Flaw> {
        let mut rest = bytes;
        while let Some((&first, after)) = rest.split_first() {
            match &mut self.state {
                State::Done => break,
                State::Length(left) | State::Data(left) => {
                    let here =
                        usize::try_from(*left).map_or(rest.len(), |left| left.min(rest.len()));
                    *left -= here as u64;
                    rest = rest.get(here..).unwrap_or_default();
                    self.end_of_data();
                }
                _ => {
                    self.step(first)?;
                    rest = after;
                }
            }
        }
        Ok(bytes.len() - rest.len())
    }

    fn end_of_data(&mut self) {
        match self.state {
            State::Length(0) => self.state = State::Done,
            State::Data(0) => self.state = State::DataCr,
            _ => {}
        }
    }

    /// One byte of what is around the data of chunks.
    fn step(&mut self, byte: u8) -> Result<(), Flaw> {
        self.state = match (&mut self.state, byte) {
            (State::Size { digits, size }, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                if *digits == MAX_DIGITS {
                    return Err(Flaw::malformed("chunk size has too many digits"));
                }
                let value = char::from(byte).to_digit(16).map_or(0, u64::from);
                State::Size {
                    digits: *digits + 1,
                    size: *size << 4 | value,
                }
            }
            (State::Size { digits: 0, .. }, _) => {
                return Err(Flaw::malformed("chunk size is missing"));
            }
            (State::Size { size, .. }, b'\r') => State::SizeLf { size: *size },
            (State::Size { size, .. }, b';') => State::Extension {
                size: *size,
                len: 0,
            },
            (State::Size { .. }, _) => {
                return Err(Flaw::malformed("chunk size is not hexadecimal"));
            }
            (State::Extension { size, .. }, b'\r') => State::SizeLf { size: *size },
            (
                State::Extension {
                    len: MAX_EXTENSION, ..
                },
                _,
            ) => return Err(Flaw::malformed("chunk extensions are too long")),
            (State::Extension { size, len }, b'\t' | 0x20..=0x7e | 0x80..) => State::Extension {
                size: *size,
                len: *len + 1,
            },
            (State::Extension { .. }, _) => {
                return Err(Flaw::malformed("chunk extension has a control character"));
            }
            (State::SizeLf { size: 0 }, b'\n') => State::Trailer(Trailer::new()),
            (State::SizeLf { size }, b'\n') => {
                let size = *size;
                self.allowed = self
                    .allowed
                    .checked_sub(size)
                    .ok_or(Flaw::new(FlawKind::BodyTooLarge, "body is too large"))?;
                State::Data(size)
            }
            (State::SizeLf { .. }, _) => {
                return Err(Flaw::malformed("CR without LF behind a chunk size"));
            }
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::Size { digits: 0, size: 0 },
            (State::DataCr | State::DataLf, _) => {
                return Err(Flaw::malformed("chunk is longer than its size"));
            }
            (State::Trailer(trailer), _) => {
                if trailer.step(byte)? {
                    State::Done
                } else {
                    return Ok(());
                }
            }
            (State::Done | State::Length(_) | State::Data(_), _) => return Ok(()),
        };
        Ok(())
    }
}

impl Trailer {
    fn new() -> Self {
        Self {
            len: 0,
            part: TrailerPart::LineStart,
            name: Name::default(),
        }
    }

    /// One byte of the trailer section; true when it was the last.
    fn step(&mut self, byte: u8) -> Result<bool, Flaw> {
        self.len += 1;
        if self.len > MAX_TRAILERS {
            return Err(Flaw::new(
                FlawKind::FieldsTooLarge,
                "trailers are too large",
            ));
        }
        self.part = match (self.part, byte) {
            (TrailerPart::LineStart, b'\r') => TrailerPart::EndLf,
            (TrailerPart::EndLf, b'\n') => return Ok(true),
            (TrailerPart::LineStart, _) if is_token(byte) => {
                self.name = Name::default();
                self.name.push(byte);
                TrailerPart::Name
            }
            (TrailerPart::Name, _) if is_token(byte) => {
                self.name.push(byte);
                TrailerPart::Name
            }
            (TrailerPart::Name, b':') => {
                self.name.check()?;
                TrailerPart::Value
            }
            (TrailerPart::Value, b'\r') => TrailerPart::LineLf,
            (TrailerPart::Value, b'\t' | 0x20..=0x7e | 0x80..) => TrailerPart::Value,
            (TrailerPart::LineLf, b'\n') => TrailerPart::LineStart,
            _ => return Err(Flaw::malformed("trailer is not a header field")),
        };
        Ok(false)
    }
}

/// The beginning of a trailer's name, in lower case: enough to tell those that must not be trailers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Name {
    bytes: [u8; 20],
    len: usize,
}

impl Name {
    fn push(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(self.len) {
            *slot = byte.to_ascii_lowercase();
        }
        self.len += 1;
    }

    /// Fields that say how a message is framed, routed or allowed must be in the head (RFC 9110, section 6.5.1).
    fn check(&self) -> Result<(), Flaw> {
        const FORBIDDEN: [&str; 18] = [
            "authorization",
            "cache-control",
            "connection",
            "content-encoding",
            "content-length",
            "content-range",
            "content-type",
            "cookie",
            "expect",
            "forwarded",
            "host",
            "keep-alive",
            "range",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade",
            "via",
        ];
        let name = self.bytes.get(..self.len).unwrap_or_default();
        if FORBIDDEN
            .iter()
            .any(|forbidden| forbidden.as_bytes() == name)
            || name.starts_with(b"x-forwarded-")
        {
            return Err(Flaw::malformed("trailer belongs in the head"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
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
}
