//! The end of a head.

use super::fields::is_token;
use super::{Flaw, FlawKind};

/// The bounds of a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// The request or status line, in bytes.
    pub(crate) first_line: usize,
    /// All of it, in bytes.
    pub(crate) bytes: usize,
    /// Field lines.
    pub(crate) fields: usize,
}

/// Looks for the end of a head while its bytes come in. It sees each byte once.
#[derive(Debug, Default, Clone)]
pub(crate) struct Scan {
    seen: usize,
    line: usize,
    lines: usize,
}

impl Scan {
    /// Whether it has seen nothing yet.
    pub(crate) fn is_fresh(&self) -> bool {
        self.seen == 0
    }

    /// The length of the head, once it is complete. `bytes` is what came so far, from its first byte on.
    pub(crate) fn end(&mut self, bytes: &[u8], bounds: &Bounds) -> Result<Option<usize>, Flaw> {
        if bytes.first().is_some_and(|first| !is_token(*first)) {
            return Err(Flaw::malformed("head does not begin with a letter"));
        }
        while let Some(next) = bytes
            .get(self.seen..)
            .and_then(|new| memchr::memchr(b'\n', new))
        {
            let lf = self.seen + next;
            if lf == 0 || bytes.get(lf - 1) != Some(&b'\r') {
                return Err(Flaw::malformed("a bare LF ends a line"));
            }
            self.check(lf + 1, bounds)?;
            let empty = lf - 1 == self.line;
            (self.seen, self.line, self.lines) = (lf + 1, lf + 1, self.lines + 1);
            if empty {
                return Ok(Some(self.seen));
            }
        }
        self.seen = bytes.len();
        self.check(self.seen, bounds)?;
        Ok(None)
    }

    /// Whether the head may go on up to `len` within the line that it is at.
    fn check(&self, len: usize, bounds: &Bounds) -> Result<(), Flaw> {
        let first_line = if self.lines == 0 { len } else { 0 };
        if first_line > bounds.first_line {
            return Err(Flaw::new(
                FlawKind::FirstLineTooLong,
                "first line is too long",
            ));
        }
        if len > bounds.bytes {
            return Err(Flaw::new(FlawKind::FieldsTooLarge, "head is too large"));
        }
        // The first line and the empty line are none.
        if self.lines > bounds.fields.saturating_add(1) {
            return Err(Flaw::new(
                FlawKind::FieldsTooLarge,
                "too many header fields",
            ));
        }
        Ok(())
    }
}
