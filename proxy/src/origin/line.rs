//! A connection to a server as the engine sees it, with waits and memory bounded.
//!
//! The engine has one bound for every read and reads 64 KiB at a time, up to ten of which wait for a client that reads
//! slowly. So HTTP/1.1 goes over a stream of our own, which tells the wait for a response from waits within it and
//! hands out little at a time.
//!
//! The engine does not keep such streams for the next request, but it asks whether they could be kept: by a read of a
//! single byte, once a response is complete and both sides want to keep the connection. That is when the connection
//! goes back to our own pool. (Body and head are always read into larger buffers.)
//!
//! A response is judged before the engine gets it ([`Reply`]); one that is malformed ends in an error, and the
//! connection with it.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pingora::protocols::l4::virt::{VirtualSockOpt, VirtualSocket};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::dial::Told;
use super::pool::{Io, quiet};
use super::reply::{Asked, Reply};
use super::server::State;
use crate::framing::Flaw;

/// Bytes handed out by one read. The engine queues up to ten reads for a client that is slow.
const READ: usize = 4 * 1024;
/// The same once the client has shown that it is not slow: larger reads cost a third of the work.
const READ_MORE: usize = 16 * 1024;
/// The same while the body of the request is being sent, which the engine does in larger parts than these: it does one or
/// the other, and who answers as it reads would be read too slowly, until nothing goes on.
const READ_BESIDE: usize = 64 * 1024;
/// What shows it. A client that reads nothing can't get so far: buffers of the kernels on the way hold less.
const SHOWN: u64 = 4 * 1024 * 1024;

/// How long to wait for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Patience {
    pub(super) first_byte: Duration,
    pub(super) between_bytes: Duration,
}

/// A connection in use by one request.
pub(super) struct Line {
    io: Option<Box<dyn Io>>,
    /// Where the connection goes when it can be used again.
    home: Option<Arc<State>>,
    told: Arc<Told>,
    patience: Patience,
    reading: Wait,
    writing: Wait,
    asked: Asked,
    reply: Reply,
    /// Whether anything of the response that counts came since something was last sent.
    answered: bool,
    /// Bytes of this response that were handed out.
    handed_out: u64,
    reusable: bool,
}

impl Line {
    pub(super) fn new(
        io: Box<dyn Io>,
        home: Option<Arc<State>>,
        told: Arc<Told>,
        patience: Patience,
    ) -> Self {
        let reply = match told.is_of_bucket() {
            true => Reply::of_bucket(),
            false => Reply::new(),
        };
        Self {
            io: Some(io),
            home,
            told,
            patience,
            reading: Wait::default(),
            writing: Wait::default(),
            asked: Asked::default(),
            reply,
            answered: false,
            handed_out: 0,
            reusable: false,
        }
    }

    /// Reads a little of what may be handed out. `Ok(0)` is the end.
    fn poll_some(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<usize>> {
        let most = match self.handed_out {
            _ if self.told.is_sending() => READ_BESIDE,
            ..SHOWN => READ,
            _ => READ_MORE,
        };
        let room = buffer.remaining().min(most);
        if room == 0 {
            return Poll::Ready(Ok(0));
        }
        loop {
            let kept = self.reply.pop(room);
            if !kept.is_empty() {
                buffer.put_slice(&kept);
                return Poll::Ready(Ok(self.hand_out(kept.len())));
            }
            if self.reply.pause() {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if self.reply.has_unjudged() {
                let told = &self.told;
                let good = self
                    .reply
                    .take_or_keep(&[], &self.asked, |error| told.error(error));
                good.map_err(|flaw| self.refuse(flaw))?;
                self.answered = !self.reply.is_awaited();
                continue;
            }
            let Some(io) = &mut self.io else {
                return Poll::Ready(Ok(0));
            };
            let mut part = ReadBuf::new(buffer.initialize_unfilled_to(room));
            ready!(Pin::new(io).poll_read(cx, &mut part))?;
            let read = part.filled();
            let told = &self.told;
            if read.is_empty() {
                let ended = self.reply.end(|error| told.error(error));
                ended.map_err(|flaw| self.refuse(flaw))?;
                let kept = self.reply.pop(room);
                buffer.put_slice(&kept);
                return Poll::Ready(Ok(self.hand_out(kept.len())));
            }
            self.reading.over();
            let good = self
                .reply
                .take_or_keep(read, &self.asked, |error| told.error(error));
            let good = good.map_err(|flaw| self.refuse(flaw))?;
            self.answered = !self.reply.is_awaited();
            if good > 0 {
                buffer.advance(good);
                return Poll::Ready(Ok(self.hand_out(good)));
            }
        }
    }

    fn hand_out(&mut self, bytes: usize) -> usize {
        self.handed_out += bytes as u64;
        bytes
    }

    /// Nothing of this server is read any more, and nothing is sent to it.
    fn refuse(&mut self, flaw: Flaw) -> io::Error {
        self.io = None;
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("response is malformed: {flaw}"),
        )
    }

    /// The response is over: all that can be asked yet is whether the connection can be used again. It ends here for
    /// the engine in any case, which drops it and so brings it home.
    fn end(&mut self, asked_whether_reusable: bool) {
        self.reusable = asked_whether_reusable
            && self.reply.is_reusable()
            && !self.told.is_sending()
            && self.io.as_mut().is_some_and(quiet);
    }

    fn timed_out(&self) -> io::Error {
        self.told.time_out();
        io::Error::from(io::ErrorKind::TimedOut)
    }

    fn poll_written<T>(
        &mut self,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut Box<dyn Io>>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let Some(io) = &mut self.io else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        match write(Pin::new(io), cx) {
            Poll::Ready(result) => {
                self.writing.over();
                Poll::Ready(result)
            }
            Poll::Pending => {
                ready!(self.writing.poll(cx, self.patience.between_bytes));
                Poll::Ready(Err(self.timed_out()))
            }
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.reply.is_over() {
            this.end(buffer.remaining() == 1);
            return Poll::Ready(Ok(()));
        }
        match this.poll_some(cx, buffer) {
            Poll::Ready(result) => {
                this.reading.over();
                Poll::Ready(result.map(|_| ()))
            }
            // How long the client may take to send its body is not for the server to answer for.
            Poll::Pending if this.told.is_sending() && !this.answered => Poll::Pending,
            Poll::Pending => {
                let limit = if this.answered {
                    this.patience.between_bytes
                } else {
                    this.patience.first_byte
                };
                ready!(this.reading.poll(cx, limit));
                Poll::Ready(Err(this.timed_out()))
            }
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        // The wait for an answer begins when the last of the request was sent.
        this.answered = false;
        this.reading.over();
        let written = ready!(this.poll_written(cx, |io, cx| io.poll_write(cx, bytes)))?;
        this.asked.wrote(bytes.get(..written).unwrap_or_default());
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.answered = false;
        this.reading.over();
        let written = ready!(this.poll_written(cx, |io, cx| io.poll_write_vectored(cx, parts)))?;
        let mut left = written;
        for part in parts {
            let here = part.len().min(left);
            this.asked.wrote(part.get(..here).unwrap_or_default());
            left -= here;
        }
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.as_ref().is_some_and(|io| io.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_written(cx, |io, cx| io.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.home = None;
        this.poll_written(cx, |io, cx| io.poll_shutdown(cx))
    }
}

impl VirtualSocket for Line {
    /// Nothing to do: what is wanted of a socket was set when it was connected.
    fn set_socket_option(&self, _option: VirtualSockOpt) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if let (true, Some(io), Some(home)) = (self.reusable, self.io.take(), &self.home) {
            home.pool.put(io);
        }
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line")
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

/// One wait for the other side.
#[derive(Default)]
pub(super) struct Wait {
    since: Option<Instant>,
    /// Kept from wait to wait and moved only when it fires early, since moving a timer costs more than a short read.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Wait {
    pub(super) fn over(&mut self) {
        self.since = None;
    }

    /// Ready when the wait has lasted `limit`.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, limit: Duration) -> Poll<()> {
        let now = Instant::now();
        let since = *self.since.get_or_insert(now);
        // A wait too long to be told in time has no end.
        let Some(deadline) = since.checked_add(limit) else {
            return Poll::Pending;
        };
        if now >= deadline {
            return Poll::Ready(());
        }
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        while sleep.as_mut().poll(cx).is_ready() {
            if sleep.deadline() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}
