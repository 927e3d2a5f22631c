//! Reading for the engine: a request and never a byte beyond it, and its body no slower than allowed.

use std::io;
use std::mem::{self, MaybeUninit};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, ReadBuf};

use super::{Request, Wire};
use crate::listen::refusal::Refusal;

/// Read at once, on the stack, so that a connection that waits holds no buffer.
const READ: usize = 8 * 1024;
/// Bytes of pipelined requests that are read ahead of their turn.
const AHEAD: usize = 16 * 1024;

impl Wire {
    /// Reads for the engine: never a byte beyond its request.
    pub(in crate::listen) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let read = match &mut self.request {
            Request::Head(head, _) => {
                let len = head.len().min(buf.remaining());
                buf.put_slice(&head.split_to(len));
                self.end_of_part();
                Poll::Ready(Ok(()))
            }
            Request::Body(_) => self.poll_body(cx, buf),
            Request::Given(_) => {
                self.read_given(buf);
                Poll::Ready(Ok(()))
            }
            Request::Chunks(_) => self.poll_chunks(cx, buf),
            Request::Done => self.poll_idle(cx),
            Request::Raw => self.poll_raw(cx, buf),
        };
        // Whoever waits for the client has nothing more to write for now: what was gathered must not wait with it.
        if read.is_pending()
            && let Poll::Ready(Err(error)) = self.poll_write_out(cx)
        {
            return Poll::Ready(Err(error));
        }
        read
    }

    /// Goes on to the next part of the request when the present one is over.
    fn end_of_part(&mut self) {
        self.request = match mem::replace(&mut self.request, Request::Done) {
            Request::Head(head, guard) if head.is_empty() => Request::Body(guard),
            other => other,
        };
        if matches!(&self.request, Request::Body(guard) if guard.is_done()) {
            self.request = Request::Done;
        }
    }

    fn poll_body(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if let Some(fault) = self.fault {
            return Poll::Ready(Err(fault.into_io()));
        }
        if self.input.is_empty() {
            return self.poll_body_from_transport(cx, buf);
        }
        let len = self.input.len().min(buf.remaining());
        let used = self
            .request
            .advance(self.input.get(..len).unwrap_or_default())
            .map_err(|refusal| self.fail(refusal))?;
        buf.put_slice(self.input.get(..used).unwrap_or_default());
        self.input.advance(used);
        self.reading.progress(used);
        self.end_of_part();
        Poll::Ready(Ok(()))
    }

    /// Reads straight into the engine's buffer; what is beyond the body goes to the input.
    fn poll_body_from_transport(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        match Pin::new(&mut self.transport).poll_read(cx, buf) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => {
                ready!(self.reading.poll_wait(cx, &mut self.alarm));
                return Poll::Ready(Err(
                    self.fail(Refusal::new(408, "request body came too slowly"))
                ));
            }
        }
        let read = buf.filled().get(before..).unwrap_or_default();
        if read.is_empty() {
            self.eof = true;
            return Poll::Ready(Ok(()));
        }
        self.reading.progress(read.len());
        let used = self
            .request
            .advance(read)
            .map_err(|refusal| self.fail(refusal))?;
        self.input
            .extend_from_slice(read.get(used..).unwrap_or_default());
        buf.set_filled(before + used);
        self.end_of_part();
        Poll::Ready(Ok(()))
    }

    pub(super) fn fail(&mut self, refusal: Refusal) -> io::Error {
        self.fault = Some(refusal);
        refusal.into_io()
    }

    /// The request is over: nothing is handed over but the news that the client left. A client that has sent another
    /// request ahead and closed its side waits for the answers.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.reader = Some(cx.waker().clone());
        while self.input.len() < AHEAD && !self.eof {
            ready!(self.poll_fill(cx))?;
        }
        if self.eof && self.input.is_empty() {
            Poll::Ready(Ok(()))
        } else {
            Poll::Pending
        }
    }

    fn poll_raw(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.input.is_empty() {
            return Pin::new(&mut self.transport).poll_read(cx, buf);
        }
        let len = self.input.len().min(buf.remaining());
        buf.put_slice(&self.input.split_to(len));
        if self.input.is_empty() {
            self.input = BytesMut::new();
        }
        Poll::Ready(Ok(()))
    }

    /// Reads more input. `Ok(0)` is the end.
    pub(super) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut space = [const { MaybeUninit::<u8>::uninit() }; READ];
        let mut buf = ReadBuf::uninit(&mut space);
        ready!(Pin::new(&mut self.transport).poll_read(cx, &mut buf))?;
        let read = buf.filled();
        self.eof |= read.is_empty();
        self.input.extend_from_slice(read);
        Poll::Ready(Ok(read.len()))
    }

    /// Whether closing now would destroy the response: the kernel answers unread bytes with a reset.
    pub(in crate::listen) fn has_unread(&self) -> bool {
        let is_read = matches!(
            self.request,
            Request::Given(_) | Request::Done | Request::Raw
        );
        let all_read = is_read && self.input.is_empty();
        !self.eof && !all_read
    }

    /// Reads and forgets. `Ok(0)` is the end.
    pub(in crate::listen) fn poll_discard(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        self.input = BytesMut::new();
        let mut space = [const { MaybeUninit::<u8>::uninit() }; READ];
        let mut buf = ReadBuf::uninit(&mut space);
        ready!(Pin::new(self.transport.socket()).poll_read(cx, &mut buf))?;
        Poll::Ready(Ok(buf.filled().len()))
    }
}
