//! A body that is read before the engine reads it. The engine gets it all the same, or what was put in its place.

use std::io;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::ReadBuf;

use super::{Request, Wire};
use crate::framing::{Flaw, Guard};
use crate::listen::refusal::Refusal;

/// The largest chunk that the engine is handed.
const CHUNK: usize = 16 * 1024;

/// What was read of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ahead {
    /// The body, or its beginning.
    pub(crate) bytes: Bytes,
    /// Whether it is all there.
    pub(crate) is_whole: bool,
}

impl Ahead {
    /// A body that is all there.
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self {
            bytes,
            is_whole: true,
        }
    }

    /// So much of a body as is wanted.
    pub(crate) fn of(read: &Bytes, is_whole: bool, most: usize) -> Self {
        match is_whole && read.len() <= most {
            true => Self::whole(read.clone()),
            false => Self::beginning(read, most),
        }
    }

    /// The first `most` bytes of one that is longer.
    fn beginning(read: &[u8], most: usize) -> Self {
        let beginning = read.get(..most).unwrap_or(read);
        Self {
            bytes: Bytes::copy_from_slice(beginning),
            is_whole: false,
        }
    }
}

/// A chunked body whose beginning was read, and that is brought into chunks anew for the engine: what a client puts around its
/// chunks may be many times as long as they are, and is not kept.
#[derive(Debug)]
pub(super) struct Chunks {
    guard: Guard,
    /// Content that was not handed over.
    data: BytesMut,
    /// What is handed over before that.
    framed: Bytes,
    has_last: bool,
}

impl Chunks {
    fn new(guard: Guard) -> Self {
        Self {
            guard,
            data: BytesMut::new(),
            framed: Bytes::new(),
            has_last: false,
        }
    }

    /// Takes what belongs to the body.
    fn take(&mut self, input: &mut BytesMut) -> Result<(), Flaw> {
        let data = &mut self.data;
        let used = self
            .guard
            .advance_with(input, |content| data.extend_from_slice(content))?;
        input.advance(used);
        Ok(())
    }

    /// Makes the next piece for the engine of what is there.
    fn frame(&mut self) {
        if !self.framed.is_empty() {
            return;
        }
        if !self.data.is_empty() {
            let len = self.data.len().min(CHUNK);
            let mut framed = BytesMut::with_capacity(len + 16);
            framed.extend_from_slice(format!("{len:x}\r\n").as_bytes());
            framed.extend_from_slice(&self.data.split_to(len));
            framed.extend_from_slice(b"\r\n");
            self.framed = framed.freeze();
        } else if self.guard.is_done() && !self.has_last {
            self.has_last = true;
            self.framed = Bytes::from_static(b"0\r\n\r\n");
        }
    }

    fn is_handed_over(&self) -> bool {
        self.has_last && self.framed.is_empty()
    }
}

impl Wire {
    /// Reads the body. Ready when it is whole, or when there is more of it than `most`.
    pub(in crate::listen) fn poll_ahead(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
    ) -> Poll<io::Result<Ahead>> {
        loop {
            if let Some(ahead) = self.ahead(most)? {
                return Poll::Ready(Ok(ahead));
            }
            match self.poll_more_body(cx) {
                Poll::Ready(Ok(0)) => {
                    let gone = io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        "client left before the end of its body",
                    );
                    return Poll::Ready(Err(gone));
                }
                Poll::Ready(read) => read?,
                Poll::Pending => {
                    // It may wait for what was gathered, such as a `100 Continue`.
                    return match self.poll_write_out(cx) {
                        Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                        _ => Poll::Pending,
                    };
                }
            };
        }
    }

    /// What there is of the body, if that is enough.
    fn ahead(&mut self, most: usize) -> io::Result<Option<Ahead>> {
        if let Some(fault) = self.fault {
            return Err(fault.into_io());
        }
        match &mut self.request {
            Request::Body(guard) => {
                let Some(length) = guard.length() else {
                    let guard = guard.clone();
                    self.request = Request::Chunks(Chunks::new(guard));
                    return self.ahead(most);
                };
                match usize::try_from(length)
                    .ok()
                    .filter(|length| *length <= most)
                {
                    Some(length) if self.input.len() >= length => {
                        let bytes = self.input.split_to(length).freeze();
                        self.put(bytes.clone());
                        Ok(Some(Ahead::whole(bytes)))
                    }
                    Some(_) => Ok(None),
                    None => {
                        Ok((self.input.len() > most).then(|| Ahead::beginning(&self.input, most)))
                    }
                }
            }
            Request::Chunks(chunks) => {
                let taken = chunks.take(&mut self.input);
                if let Err(flaw) = taken {
                    return Err(self.fail(flaw.into()));
                }
                if chunks.data.len() > most {
                    return Ok(Some(Ahead::beginning(&chunks.data, most)));
                }
                if chunks.guard.is_done() {
                    let bytes = chunks.data.split().freeze();
                    self.put(bytes.clone());
                    return Ok(Some(Ahead::whole(bytes)));
                }
                Ok(None)
            }
            Request::Given(bytes) => Ok(Some(Ahead::of(bytes, true, most))),
            Request::Head(..) | Request::Done | Request::Raw => {
                Ok(Some(Ahead::whole(Bytes::new())))
            }
        }
    }

    /// Has the engine given this body by its length, in place of one that is there whole or of none. Whether that is possible.
    pub(in crate::listen) fn give(&mut self, body: Bytes) -> bool {
        let is_possible = matches!(self.request, Request::Given(_) | Request::Done)
            && matches!(self.response, super::Response::Awaited { upgrade: false });
        if is_possible {
            self.put(body);
        }
        is_possible
    }

    fn put(&mut self, body: Bytes) {
        self.request = match body.is_empty() {
            true => Request::Done,
            false => Request::Given(body),
        };
    }

    /// Tells a client that waits for it to send its body.
    pub(in crate::listen) fn invite(&mut self) {
        if self.input.is_empty() && self.is_unanswered() && matches!(self.request, Request::Body(_))
        {
            self.output
                .extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
    }

    /// How the engine finds the end of the body: its length; `None` when it comes in chunks.
    pub(in crate::listen) fn body_length(&self) -> Option<u64> {
        match &self.request {
            Request::Head(_, guard) | Request::Body(guard) if guard.is_done() => Some(0),
            Request::Head(_, guard) | Request::Body(guard) => guard.length(),
            Request::Chunks(_) => None,
            Request::Given(bytes) => Some(bytes.len() as u64),
            Request::Done | Request::Raw => Some(0),
        }
    }

    /// Hands a body over that was read whole.
    pub(super) fn read_given(&mut self, buf: &mut ReadBuf<'_>) {
        if let Request::Given(bytes) = &mut self.request {
            let len = bytes.len().min(buf.remaining());
            buf.put_slice(&bytes.split_to(len));
            if bytes.is_empty() {
                self.request = Request::Done;
            }
        }
    }

    /// Hands a chunked body over whose beginning was read.
    pub(super) fn poll_chunks(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if let Some(fault) = self.fault {
                return Poll::Ready(Err(fault.into_io()));
            }
            let Request::Chunks(chunks) = &mut self.request else {
                return Poll::Ready(Ok(()));
            };
            let taken = chunks.take(&mut self.input);
            if let Err(flaw) = taken {
                return Poll::Ready(Err(self.fail(flaw.into())));
            }
            chunks.frame();
            if !chunks.framed.is_empty() {
                let len = chunks.framed.len().min(buf.remaining());
                buf.put_slice(&chunks.framed.split_to(len));
                if chunks.is_handed_over() {
                    self.request = Request::Done;
                }
                return Poll::Ready(Ok(()));
            }
            if ready!(self.poll_more_body(cx))? == 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Reads more of a body into the input, no slower than allowed. `Ok(0)` is the end.
    fn poll_more_body(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        match self.poll_fill(cx) {
            Poll::Ready(read) => {
                if let Ok(read) = &read {
                    self.reading.progress(*read);
                }
                Poll::Ready(read)
            }
            Poll::Pending => {
                ready!(self.reading.poll_wait(cx, &mut self.alarm));
                Poll::Ready(Err(
                    self.fail(Refusal::new(408, "request body came too slowly"))
                ))
            }
        }
    }
}
