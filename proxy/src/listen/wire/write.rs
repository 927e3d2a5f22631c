//! Writing for the engine: small pieces leave together, status lines are looked at, and slow readers have a bound.

use std::io::{self, IoSlice};
use std::mem;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use tokio::io::AsyncWrite;

use super::{Request, Response, Wire};
use crate::listen::date;

/// Writes are gathered up to this many bytes, or until the engine flushes.
const GATHER: usize = 4 * 1024;
/// Frames of HTTP/2 are gathered up to what a record of TLS holds.
const FRAMES: usize = 16 * 1024;
/// How many slices are written at once, beside what was gathered.
pub(super) const MOST_SLICES: usize = 7;

impl Wire {
    /// Writes for the engine: small pieces are gathered, so that head and body leave together.
    pub(in crate::listen) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let total: usize = bufs.iter().map(|buf| buf.len()).sum();
        let first = bufs
            .iter()
            .find(|buf| !buf.is_empty())
            .map(|buf| &**buf)
            .unwrap_or_default();
        let is_head = self.note_status(first)?;
        if let Some(unsent) = &self.gathers
            && self.output.len() + total <= FRAMES
        {
            unsent.store(true, Ordering::Relaxed);
            for buf in bufs {
                self.output.extend_from_slice(buf);
            }
            return Poll::Ready(Ok(total));
        }
        if matches!(self.request, Request::Raw) && self.output.is_empty() && !is_head {
            return self.poll_transport(cx, bufs);
        }
        if is_head && self.response == Response::Begun {
            let (head, behind) = bufs.split_at(bufs.len().min(1));
            for buf in head {
                date::write_with(buf, &mut self.output);
            }
            for buf in behind {
                self.output.extend_from_slice(buf);
            }
            return Poll::Ready(Ok(total));
        }
        if is_head || self.output.len() + total <= GATHER {
            for buf in bufs {
                self.output.extend_from_slice(buf);
            }
            return Poll::Ready(Ok(total));
        }
        self.poll_write_through(cx, bufs)
    }

    /// Looks at the status line when one is due. The engine writes each head in one piece.
    fn note_status(&mut self, bytes: &[u8]) -> io::Result<bool> {
        let Response::Awaited { upgrade } = self.response else {
            return Ok(false);
        };
        match bytes.get(9..12) {
            Some(b"101") if upgrade => {
                self.be_raw();
                if let Some(reader) = self.reader.take() {
                    reader.wake();
                }
            }
            Some(b"101") => {
                return Err(io::Error::other(
                    "101 Switching Protocols that the client did not ask for",
                ));
            }
            Some([b'1', ..]) => {}
            _ => self.response = Response::Begun,
        }
        Ok(true)
    }

    /// Writes what was gathered and `bufs` behind it.
    pub(super) fn poll_write_through(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            let output = mem::take(&mut self.output);
            let mut all = [IoSlice::new(&output); MOST_SLICES + 1];
            let used = bufs.len().min(MOST_SLICES);
            for (slot, buf) in all.iter_mut().skip(1).zip(bufs) {
                *slot = *buf;
            }
            let written = self.poll_transport(cx, all.get(..=used).unwrap_or_default());
            self.output = output;
            let written = ready!(written)?;
            if written == 0 && !(self.output.is_empty() && all_empty(bufs)) {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            if let Some(beyond) = written.checked_sub(self.output.len()) {
                self.output.clear();
                if beyond > 0 || all_empty(bufs) {
                    return Poll::Ready(Ok(beyond));
                }
            } else {
                self.output.advance(written);
            }
        }
    }

    /// Writes to the transport within the bounds of that wait.
    fn poll_transport(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.note_attempt();
        let transport = Pin::new(&mut self.transport);
        let written = match bufs {
            // The system is a little quicker with one.
            [only] => transport.poll_write(cx, only),
            _ => transport.poll_write_vectored(cx, bufs),
        };
        match written {
            Poll::Ready(Ok(written)) => {
                self.writing.progress(written);
                Poll::Ready(Ok(written))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                ready!(self.writing.poll_wait(cx, &mut self.alarm));
                Poll::Ready(Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "client reads the response too slowly",
                )))
            }
        }
    }

    /// Frames have no one to wait for any more: either they leave now, or the transport wakes us up when it has room.
    fn note_attempt(&self) {
        if let Some(unsent) = &self.gathers {
            unsent.store(false, Ordering::Relaxed);
        }
    }

    /// Writes all that was gathered, unless that has time.
    pub(in crate::listen) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.gathers {
            Some(_) => Poll::Ready(Ok(())),
            None => self.poll_write_out(cx),
        }
    }

    /// Writes all that was gathered.
    pub(super) fn poll_write_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.note_attempt();
        while !self.output.is_empty() {
            if ready!(self.poll_write_through(cx, &[]))? == 0 && self.output.is_empty() {
                break;
            }
        }
        match Pin::new(&mut self.transport).poll_flush(cx) {
            Poll::Pending => {
                // With TLS this is where a client that does not read is noticed.
                ready!(self.writing.poll_wait(cx, &mut self.alarm));
                Poll::Ready(Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "client reads the response too slowly",
                )))
            }
            flushed => flushed,
        }
    }

    /// Ends our side of the conversation.
    pub(in crate::listen) fn poll_shutdown(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_write_out(cx))?;
        Pin::new(&mut self.transport).poll_shutdown(cx)
    }

    /// Adds to what is yet to be written.
    pub(in crate::listen) fn append(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
        self.response = Response::Begun;
    }
}

fn all_empty(bufs: &[IoSlice<'_>]) -> bool {
    bufs.iter().all(|buf| buf.is_empty())
}
