//! A connection's state between the transport and HTTP: what was read ahead, what is yet to be written, how far the present
//! request has come, and every deadline.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::mem::{self, MaybeUninit};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use pingora::protocols::Digest;
use rimward_config::ListenerLimits;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::connection::{Connection, digest};
use super::head::{Head, HeadLimits, parse_scanned};
use super::pace::{Alarm, Pace};
use super::refusal::Refusal;
use super::transport::Transport;
use crate::framing::{Guard, Scan};

/// Read at once, on the stack, so that a connection that waits holds no buffer.
const READ: usize = 8 * 1024;
/// Bytes of pipelined requests that are read ahead of their turn.
const AHEAD: usize = 16 * 1024;
/// Writes are gathered up to this many bytes, or until the engine flushes.
const GATHER: usize = 4 * 1024;
/// Time waited for a client's body before its rate matters.
const BODY_GRACE: Duration = Duration::from_secs(10);
/// Time waited for a client to read before its rate matters, and longest wait in which it reads nothing at all.
const SEND_GRACE: Duration = Duration::from_secs(30);
/// How long a connection that has not asked anything yet may still do so when its listener drains.
const LAST_CALL: Duration = Duration::from_millis(500);

/// A connection between the transport and HTTP.
pub(super) struct Wire {
    transport: Transport,
    connection: Arc<Connection>,
    digest: Option<Box<Digest>>,
    /// Read, but not yet asked for.
    input: BytesMut,
    /// Accepted, but not yet written.
    output: BytesMut,
    eof: bool,
    alarm: Alarm,
    reading: Pace,
    writing: Pace,
    scan: Scan,
    /// When the wait for the next head began, and when its first byte came.
    waiting: Option<Instant>,
    head_began: Option<Instant>,
    last_call: Option<Instant>,
    requests: u32,
    request: Request,
    response: Response,
    fault: Option<Refusal>,
    reader: Option<Waker>,
}

/// How far the present request has been handed over.
#[derive(Debug)]
enum Request {
    /// The head, and what comes behind it.
    Head(BytesMut, Guard),
    Body(Guard),
    /// All of it. What comes next belongs to the next one.
    Done,
    /// Bytes are no longer looked at: HTTP/2, or another protocol after a 101.
    Raw,
}

impl Request {
    /// How many of these bytes belong to the body.
    fn advance(&mut self, bytes: &[u8]) -> Result<usize, Refusal> {
        match self {
            Self::Body(guard) => Ok(guard.advance(bytes)?),
            Self::Head(..) | Self::Done | Self::Raw => Ok(0),
        }
    }
}

/// How far the response has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Response {
    /// Nothing but informational heads was written.
    Awaited { upgrade: bool },
    /// Its head was written.
    Begun,
}

/// Why there is no next head.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoHead {
    /// The client left, or has been idle for too long.
    Over,
    /// What it sent is not acceptable.
    Refused(Refusal),
}

impl Wire {
    /// For a connection whose first byte has been waited for since `waiting`.
    pub(super) fn new(
        transport: Transport,
        connection: Arc<Connection>,
        waiting: Instant,
    ) -> Box<Self> {
        let limits = &connection.settings.limits;
        Box::new(Self {
            reading: body_pace(limits),
            writing: send_pace(limits),
            transport,
            connection,
            digest: None,
            input: BytesMut::new(),
            output: BytesMut::new(),
            eof: false,
            alarm: Alarm::default(),
            scan: Scan::default(),
            waiting: Some(waiting),
            head_began: Some(waiting),
            last_call: None,
            requests: 0,
            request: Request::Done,
            response: Response::Awaited { upgrade: false },
            fault: None,
            reader: None,
        })
    }

    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// Settles on another protocol than first assumed.
    pub(super) fn speak(&mut self, connection: Arc<Connection>) {
        self.connection = connection;
    }

    /// What the engine is told of the connection; made once, for the first request.
    pub(super) fn digest(&mut self) -> &Digest {
        let fd = self.transport.fd();
        self.digest
            .get_or_insert_with(|| Box::new(digest(&self.connection, fd)))
    }

    /// The same, where it can't be made.
    pub(super) fn made_digest(&self) -> Option<&Digest> {
        self.digest.as_deref()
    }

    pub(super) fn fd(&self) -> i32 {
        self.transport.fd()
    }

    /// Requests whose head was read.
    pub(super) fn requests(&self) -> u32 {
        self.requests
    }

    fn limits(&self) -> &ListenerLimits {
        &self.connection.settings.limits
    }

    /// Whether the client speaks HTTP/2 without having negotiated it. Tells at the first byte that differs from the
    /// preface, so that no short request waits for more. A client that stops short is left to [`Self::poll_head`].
    pub(super) async fn is_preface(&mut self) -> bool {
        const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        loop {
            let agrees = self.input.iter().zip(PREFACE).all(|(a, b)| a == b);
            if !agrees || self.input.len() >= PREFACE.len() {
                return agrees;
            }
            if poll_fn(|cx| self.poll_more(cx)).await.is_err() {
                return false;
            }
        }
    }

    /// The next request's head and the bytes it was read from.
    pub(super) fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(Head, BytesMut), NoHead>> {
        let limits = head_limits(self.limits());
        let bounds = limits.bounds();
        loop {
            // One empty line before a request is forgiven (RFC 9112, section 2.2).
            if self.scan.is_fresh() && self.input.starts_with(b"\r\n") {
                self.input.advance(2);
                self.head_began.get_or_insert_with(Instant::now);
            }
            if !self.input.is_empty() {
                self.head_began.get_or_insert_with(Instant::now);
            }
            if !self.input.is_empty() && self.input.as_ref() != b"\r" {
                let end = self
                    .scan
                    .end(&self.input, &bounds)
                    .map_err(|flaw| NoHead::Refused(flaw.into()))?;
                if let Some(len) = end {
                    return Poll::Ready(self.take_head(len, &limits).map_err(NoHead::Refused));
                }
            }
            ready!(self.poll_more(cx))?;
        }
    }

    /// Cuts a complete head off the input.
    fn take_head(&mut self, len: usize, limits: &HeadLimits) -> Result<(Head, BytesMut), Refusal> {
        self.scan = Scan::default();
        self.waiting = None;
        self.head_began = None;
        let bytes = if len == self.input.len() {
            mem::take(&mut self.input)
        } else {
            self.input.split_to(len)
        };
        let head = parse_scanned(&bytes, limits)?;
        self.requests += 1;
        Ok((head, bytes))
    }

    /// Waits for more input of a head, within all bounds of that wait.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), NoHead>> {
        if self.eof {
            return Poll::Ready(Err(NoHead::Over));
        }
        match self.poll_fill(cx) {
            Poll::Ready(Ok(0) | Err(_)) => Poll::Ready(Err(NoHead::Over)),
            Poll::Ready(Ok(_)) => {
                self.head_began.get_or_insert_with(Instant::now);
                Poll::Ready(Ok(()))
            }
            Poll::Pending => self.poll_deadline(cx),
        }
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), NoHead>> {
        let now = Instant::now;
        let mut deadline = match self.head_began {
            Some(began) => began + self.limits().header_timeout,
            None => *self.waiting.get_or_insert_with(now) + self.limits().idle_timeout,
        };
        if self.connection.is_draining() && self.input.is_empty() {
            if self.requests > 0 {
                return Poll::Ready(Err(NoHead::Over));
            }
            deadline = deadline.min(*self.last_call.get_or_insert_with(|| now() + LAST_CALL));
        }
        ready!(self.alarm.poll(cx, deadline));
        let silent = self.input.is_empty();
        let slow = Refusal::new(408, "request head did not come in time");
        Poll::Ready(Err(if silent {
            NoHead::Over
        } else {
            NoHead::Refused(slow)
        }))
    }

    /// Prepares for handing over a request: `bytes` is its head as the engine shall see it.
    pub(super) fn begin(&mut self, head: &Head, bytes: BytesMut) {
        let guard = Guard::new(head.framing, self.limits().max_body);
        self.request = Request::Head(bytes, guard);
        self.response = Response::Awaited {
            upgrade: head.upgrade,
        };
        self.reading.restart();
        self.writing.restart();
    }

    /// From now on bytes are not looked at.
    pub(super) fn be_raw(&mut self) {
        self.request = Request::Raw;
        self.response = Response::Begun;
    }

    /// Whether another request can follow the present one.
    pub(super) fn is_reusable(&self) -> bool {
        matches!(self.request, Request::Done)
            && self.response == Response::Begun
            && self.fault.is_none()
    }

    /// Gives back what only a request needs.
    pub(super) fn rest(&mut self) {
        self.output = BytesMut::new();
        self.reader = None;
        if self.input.is_empty() {
            self.input = BytesMut::new();
        }
    }

    /// The refusal that ended the request body, if that happened.
    pub(super) fn fault(&self) -> Option<Refusal> {
        self.fault
    }

    /// Whether the client has seen nothing of a response yet.
    pub(super) fn is_unanswered(&self) -> bool {
        matches!(self.response, Response::Awaited { .. })
    }

    /// Reads more input. `Ok(0)` is the end.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut space = [const { MaybeUninit::<u8>::uninit() }; READ];
        let mut buf = ReadBuf::uninit(&mut space);
        ready!(Pin::new(&mut self.transport).poll_read(cx, &mut buf))?;
        let read = buf.filled();
        self.eof |= read.is_empty();
        self.input.extend_from_slice(read);
        Poll::Ready(Ok(read.len()))
    }

    /// Reads for the engine: never a byte beyond its request.
    pub(super) fn poll_read(
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
            Request::Done => self.poll_idle(cx),
            Request::Raw => self.poll_raw(cx, buf),
        };
        // Whoever waits for the client has nothing more to write for now: what was gathered must not wait with it.
        if read.is_pending()
            && let Poll::Ready(Err(error)) = self.poll_flush(cx)
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

    fn fail(&mut self, refusal: Refusal) -> io::Error {
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

    /// Writes for the engine: small pieces are gathered, so that head and body leave together.
    pub(super) fn poll_write(
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
        if matches!(self.request, Request::Raw) && self.output.is_empty() && !is_head {
            return self.poll_transport(cx, bufs);
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
    fn poll_write_through(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            let output = mem::take(&mut self.output);
            let [first, second, third] =
                [0, 1, 2].map(|index| bufs.get(index).map(|buf| &**buf).unwrap_or_default());
            let all = [&output, first, second, third].map(IoSlice::new);
            let written = self.poll_transport(cx, &all);
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
        match Pin::new(&mut self.transport).poll_write_vectored(cx, bufs) {
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

    /// Writes all that was gathered.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
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
    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_flush(cx))?;
        Pin::new(&mut self.transport).poll_shutdown(cx)
    }

    /// Adds to what is yet to be written.
    pub(super) fn append(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
        self.response = Response::Begun;
    }

    /// Whether closing now would destroy the response: the kernel answers unread bytes with a reset.
    pub(super) fn has_unread(&self) -> bool {
        let all_read =
            matches!(self.request, Request::Done | Request::Raw) && self.input.is_empty();
        !self.eof && !all_read
    }

    /// Reads and forgets. `Ok(0)` is the end.
    pub(super) fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.input = BytesMut::new();
        let mut space = [const { MaybeUninit::<u8>::uninit() }; READ];
        let mut buf = ReadBuf::uninit(&mut space);
        ready!(Pin::new(self.transport.socket()).poll_read(cx, &mut buf))?;
        Poll::Ready(Ok(buf.filled().len()))
    }
}

/// The floor under the rate at which a client reads.
pub(super) fn send_pace(limits: &ListenerLimits) -> Pace {
    Pace::new(limits.min_send_rate, SEND_GRACE, Some(SEND_GRACE))
}

/// The floor under the rate at which a client sends a body.
pub(super) fn body_pace(limits: &ListenerLimits) -> Pace {
    Pace::new(limits.min_body_rate, BODY_GRACE, Some(limits.body_timeout))
}

fn all_empty(bufs: &[IoSlice<'_>]) -> bool {
    bufs.iter().all(|buf| buf.is_empty())
}

/// The engine holds no more than 256 fields.
const MOST_FIELDS: usize = 256;

fn head_limits(limits: &ListenerLimits) -> HeadLimits {
    HeadLimits {
        bytes: limits.max_header_bytes,
        fields: limits.max_headers.min(MOST_FIELDS),
        target: limits.max_target_bytes,
        body: limits.max_body,
    }
}

/// The head as the engine shall see it: an absolute target in origin form, with a `Host` in any case.
pub(super) fn in_origin_form(head: &Head, bytes: BytesMut) -> BytesMut {
    let part = |range: &std::ops::Range<usize>| bytes.get(range.clone()).unwrap_or_default();
    let Some(authority) = &head.authority else {
        return bytes;
    };
    let path = part(&head.path);
    let method = part(&head.method);
    let mut rewritten = BytesMut::with_capacity(bytes.len() + 16);
    rewritten.extend_from_slice(method);
    rewritten.extend_from_slice(match path.first() {
        Some(b'/') => b" ",
        None if method == b"OPTIONS" => b" *",
        _ => b" /",
    });
    rewritten.extend_from_slice(path);
    rewritten.extend_from_slice(if head.http11 {
        b" HTTP/1.1\r\n"
    } else {
        b" HTTP/1.0\r\n"
    });
    if head.host.is_none() {
        rewritten.extend_from_slice(b"Host: ");
        rewritten.extend_from_slice(part(authority));
        rewritten.extend_from_slice(b"\r\n");
    }
    rewritten.extend_from_slice(bytes.get(head.fields..).unwrap_or_default());
    rewritten
}
