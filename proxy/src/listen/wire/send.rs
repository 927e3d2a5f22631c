//! Answers of the fast lane on their way out: small ones are gathered, large bodies are sent from where they lie.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};

use super::write::MOST_SLICES;
use super::{Request, Response, Wire};
use crate::listen::connection::Connection;
use crate::listen::lane::{Notes, Outgoing};

/// Answers to pipelined requests are gathered up to this many bytes.
const GATHERED: usize = 64 * 1024;

impl Wire {
    /// Lets somebody else than the engine answer the present request by appending to what is yet to be written.
    pub(in crate::listen) fn answer<T>(
        &mut self,
        answer: impl FnOnce(&Arc<Connection>, &mut BytesMut) -> Result<T, Notes>,
    ) -> Result<T, Notes> {
        let answered = answer(&self.connection, &mut self.output)?;
        self.request = Request::Done;
        self.response = Response::Begun;
        self.writing.restart();
        Ok(answered)
    }

    /// Writes what was gathered when it is much; else that has time until the next request is waited for.
    pub(in crate::listen) async fn keep_small(&mut self) -> io::Result<()> {
        match self.output.len() > GATHERED {
            true => poll_fn(|cx| self.poll_flush(cx)).await,
            false => Ok(()),
        }
    }

    /// Writes what was gathered and a body behind it.
    pub(in crate::listen) async fn send(&mut self, body: &mut dyn Outgoing) -> io::Result<()> {
        let mut rest = Rest::default();
        poll_fn(|cx| self.poll_send(cx, body, &mut rest)).await?;
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        body: &mut dyn Outgoing,
        rest: &mut Rest,
    ) -> Poll<io::Result<()>> {
        loop {
            let next = rest.slices(body.pieces());
            if next.iter().all(|slice| slice.is_empty()) {
                return Poll::Ready(Ok(()));
            }
            let written = ready!(self.poll_write_through(cx, &next))?;
            rest.advance(body.pieces(), written);
            body.sent(written);
        }
    }
}

/// What of a body is yet to be sent.
#[derive(Default)]
struct Rest {
    piece: usize,
    offset: usize,
}

impl Rest {
    fn slices<'b>(&self, pieces: &'b [Bytes]) -> [IoSlice<'b>; MOST_SLICES] {
        std::array::from_fn(|index| {
            let piece = pieces.get(self.piece + index);
            let skip = if index == 0 { self.offset } else { 0 };
            IoSlice::new(
                piece
                    .and_then(|piece| piece.get(skip..))
                    .unwrap_or_default(),
            )
        })
    }

    fn advance(&mut self, pieces: &[Bytes], mut written: usize) {
        while let Some(piece) = pieces.get(self.piece) {
            let left = piece.len() - self.offset;
            if written < left {
                self.offset += written;
                return;
            }
            written -= left;
            (self.piece, self.offset) = (self.piece + 1, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_follows_what_was_written() {
        let pieces = ["abc", "", "de", "f"].map(Bytes::from);
        let left = |rest: &Rest| {
            let slices = rest.slices(&pieces);
            slices
                .iter()
                .flat_map(|slice| slice.to_vec())
                .collect::<Vec<u8>>()
        };
        let mut rest = Rest::default();
        for (written, expected) in [(0, "abcdef"), (2, "cdef"), (1, "def"), (2, "f"), (1, "")] {
            rest.advance(&pieces, written);
            assert_eq!(left(&rest), expected.as_bytes());
        }
    }
}
