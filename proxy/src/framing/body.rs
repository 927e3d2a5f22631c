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

    /// How many bytes are to come, if that is known from the head.
    pub(crate) fn length(&self) -> Option<u64> {
        match self.state {
            State::Length(length) => Some(length),
            _ => None,
        }
    }

    /// How many of `bytes` belong to the body. Fewer than there are means that the body ends there.
    pub(crate) fn advance(&mut self, bytes: &[u8]) -> Result<usize, Flaw> {
        self.advance_with(bytes, |_| {})
    }

    /// The same, with somebody who takes the content.
    pub(crate) fn advance_with(
        &mut self,
        bytes: &[u8],
        mut content: impl FnMut(&[u8]),
    ) -> Result<usize, Flaw> {
        let mut rest = bytes;
        while let Some((&first, after)) = rest.split_first() {
            match &mut self.state {
                State::Done => break,
                State::Length(left) | State::Data(left) => {
                    let here =
                        usize::try_from(*left).map_or(rest.len(), |left| left.min(rest.len()));
                    *left -= here as u64;
                    let (data, behind) = rest.split_at(here);
                    content(data);
                    rest = behind;
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
mod tests;
