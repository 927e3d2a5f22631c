//! What a response depends on of its request, seen while the request is written.

/// The head of a request as it passes, of which little matters: only the beginning of each line is looked at.
#[derive(Debug, Default)]
pub(in crate::origin) struct Asked {
    part: Part,
    line: [u8; 8],
    /// Bytes of the present line, of which the first ones are kept.
    len: usize,
    head: bool,
    upgrade: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Part {
    #[default]
    RequestLine,
    Fields,
    Body,
}

impl Asked {
    /// These bytes were written.
    pub(in crate::origin) fn wrote(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.part == Part::Body {
                return;
            }
            for (slot, byte) in self.line.iter_mut().skip(self.len).zip(piece) {
                *slot = byte.to_ascii_lowercase();
            }
            self.len = self.len.saturating_add(piece.len());
            if piece.ends_with(b"\n") {
                self.end_of_line();
            }
        }
    }

    fn end_of_line(&mut self) {
        match self.part {
            Part::RequestLine => {
                self.head = self.line.starts_with(b"head ");
                self.part = Part::Fields;
            }
            Part::Fields if self.len <= 2 => self.part = Part::Body,
            Part::Fields => self.upgrade |= self.line == *b"upgrade:",
            Part::Body => {}
        }
        self.line = [0; 8];
        self.len = 0;
    }

    /// Whether the response has no body whatever it says.
    pub(in crate::origin) fn for_head(&self) -> bool {
        self.head
    }

    /// Whether the request allows the server to switch protocols.
    pub(in crate::origin) fn for_upgrade(&self) -> bool {
        self.upgrade
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_is_seen_however_it_is_written() {
        let requests = [
            ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", (false, false)),
            ("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", (true, false)),
            ("HEADER / HTTP/1.1\r\nHost: x\r\n\r\n", (false, false)),
            (
                "GET / HTTP/1.1\r\nHost: x\r\nupgrade: websocket\r\n\r\n",
                (false, true),
            ),
            (
                "GET /upgrade: HTTP/1.1\r\nUpgrade: websocket\r\nX: y\r\n\r\n",
                (false, true),
            ),
            (
                "GET / HTTP/1.1\r\nUpgrade-Insecure-Requests: 1\r\nX-Upgrade: a\r\n\r\n",
                (false, false),
            ),
            (
                "POST / HTTP/1.1\r\nContent-Length: 14\r\n\r\nUpgrade: no\r\n\r\nHEAD ",
                (false, false),
            ),
        ];
        for (request, expected) in requests {
            for size in 1..=request.len() {
                let mut asked = Asked::default();
                for piece in request.as_bytes().chunks(size) {
                    asked.wrote(piece);
                }
                assert_eq!(
                    (asked.for_head(), asked.for_upgrade()),
                    expected,
                    "{request:?} in pieces of {size}"
                );
            }
        }
    }
}
