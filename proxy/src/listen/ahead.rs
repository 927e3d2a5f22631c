//! A request's body as whoever decides about the request gets it: read before the engine reads it, which finds it as it was;
//! or another one put in its place.

use std::future::poll_fn;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use bytes::{Bytes, BytesMut};
use http::HeaderValue;
use http::header::{CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING};
use http::request::Parts;
use pingora::protocols::http::ServerSession;
use pingora::{Error, ErrorType, Result};
use pingora_http::{RequestHeader, ResponseHeader};

use super::edge_io::EdgeIo;
use super::wire::Ahead;

/// How a head says that a body follows. What filters change of it is put back: a body has the length that it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BodyFields {
    length: Option<HeaderValue>,
    coding: Option<HeaderValue>,
}

impl BodyFields {
    /// What a head says.
    pub(crate) fn of(head: &RequestHeader) -> Self {
        Self {
            length: head.headers.get(CONTENT_LENGTH).cloned(),
            coding: head.headers.get(TRANSFER_ENCODING).cloned(),
        }
    }

    /// Has a head say this.
    ///
    /// # Errors
    /// Never, but for a fault of the library.
    pub(crate) fn put_back(&self, head: &mut RequestHeader) -> Result<()> {
        if Self::of(head) == *self {
            return Ok(());
        }
        for (name, value) in [
            (CONTENT_LENGTH, &self.length),
            (TRANSFER_ENCODING, &self.coding),
        ] {
            match value {
                Some(value) => head.insert_header(name, value)?,
                None => drop(head.remove_header(&name)),
            }
        }
        Ok(())
    }
}

/// Reads a body until it is whole, or until there is more of it than `most`. The engine gets it as if nobody had read it; one
/// that was read whole, by its length.
///
/// # Errors
/// When the client does not send it within the bounds of its listener.
pub(crate) async fn read_ahead(session: &mut ServerSession, most: usize) -> Result<Ahead> {
    if let Some(io) = stream(session) {
        let mut is_waiting = is_waiting(session.req_header());
        let ahead = poll_fn(|cx| {
            let read = io.with(|wire| {
                if mem::take(&mut is_waiting) {
                    wire.invite();
                }
                wire.poll_ahead(cx, most)
            });
            read.unwrap_or_else(|gone| Poll::Ready(Err(gone)))
        });
        let ahead = ahead.await.map_err(|cause| {
            Error::because(ErrorType::ReadError, "reading a body ahead", cause).into_down()
        })?;
        let had_body = has_fields(session.req_header());
        return settle(session.req_header_mut(), ahead, had_body);
    }
    if session.is_custom() {
        return read_stream(session, most).await;
    }
    match session.is_body_empty() {
        true => Ok(Ahead::whole(Bytes::new())),
        false => read_kept(session, most).await,
    }
}

/// Reads the body that goes along with a request of the edge's own. The engine gets it from what is kept for a second try.
async fn read_kept(session: &mut ServerSession, most: usize) -> Result<Ahead> {
    session.enable_retry_buffering();
    let mut read = BytesMut::from(session.get_retry_buffer().unwrap_or_default());
    while read.len() <= most && !session.is_body_done() {
        match session.read_request_body().await? {
            Some(piece) => read.extend_from_slice(&piece),
            None => break,
        }
    }
    if session.retry_buffer_truncated() {
        return Error::e_explain(
            ErrorType::InternalError,
            "a filter wants more than 64 KiB of a body whose response is held or put together",
        );
    }
    let is_whole = session.is_body_done();
    Ok(Ahead::of(&read.freeze(), is_whole, most))
}

/// Puts another body in place of one that was read whole, or of none. Whether that is possible: not for requests that want to
/// speak another protocol, nor for those of the edge's own.
///
/// # Errors
/// Never, but for a fault of the library.
pub(crate) fn replace(session: &mut ServerSession, body: Bytes) -> Result<bool> {
    if let Some(io) = stream(session) {
        if !io.with(|wire| wire.give(body.clone())).unwrap_or(false) {
            return Ok(false);
        }
    } else if session.is_custom() {
        give(session.req_header_mut(), body.clone(), true)?;
    } else {
        return Ok(false);
    }
    frame(session.req_header_mut(), body.len())?;
    Ok(true)
}

/// Whether there is no body. The engine's own sessions would make up their mind if they were asked.
pub(crate) fn is_empty(session: &mut ServerSession) -> bool {
    match stream(session) {
        Some(io) => io
            .with(|wire| wire.body_length() == Some(0))
            .unwrap_or(true),
        None if session.is_custom() => session.is_body_empty(),
        None => true,
    }
}

/// The listener's own stream, which an HTTP/1.1 session of the engine reads.
fn stream(session: &ServerSession) -> Option<&EdgeIo> {
    (**session.stream()?).as_any().downcast_ref()
}

/// Reads the body of a stream of HTTP/2, or of a request of the edge's own that has one.
async fn read_stream(session: &mut ServerSession, most: usize) -> Result<Ahead> {
    if let Some(ahead) = read_before(session.req_header(), most) {
        return Ok(ahead);
    }
    if is_waiting(session.req_header()) && !session.is_body_done() {
        let go_on = ResponseHeader::build_no_case(100, Some(0))?;
        session.write_response_header(Box::new(go_on)).await?;
    }
    let had_body = has_fields(session.req_header()) || !session.is_body_empty();
    let mut read = BytesMut::new();
    let mut is_whole = session.is_body_done();
    while !is_whole && read.len() <= most {
        match session.read_request_body().await? {
            Some(piece) => read.extend_from_slice(&piece),
            None => is_whole = true,
        }
        // The last piece may be followed by the news that it was the last.
        is_whole |= session.is_body_done();
    }
    let read = read.freeze();
    let ahead = Ahead::of(&read, is_whole, most);
    give(session.req_header_mut(), read, is_whole)?;
    settle(session.req_header_mut(), ahead, had_body)
}

/// What was read before, if that is enough.
fn read_before(head: &RequestHeader, most: usize) -> Option<Ahead> {
    let piece = Given::of(head)?;
    let is_enough = piece.is_whole || piece.left.len() > most;
    is_enough.then(|| Ahead::of(&piece.left, piece.is_whole, most))
}

/// Has the head say what the engine finds.
fn settle(head: &mut RequestHeader, ahead: Ahead, had_body: bool) -> Result<Ahead> {
    if had_body {
        // Nobody waits for it any more.
        head.remove_header(&EXPECT);
        if ahead.is_whole {
            frame(head, ahead.bytes.len())?;
        }
    }
    Ok(ahead)
}

fn frame(head: &mut RequestHeader, length: usize) -> Result<()> {
    head.remove_header(&TRANSFER_ENCODING);
    head.insert_header(CONTENT_LENGTH, length)
}

fn has_fields(head: &RequestHeader) -> bool {
    head.headers.contains_key(CONTENT_LENGTH) || head.headers.contains_key(TRANSFER_ENCODING)
}

/// Whether a client waits before it sends its body (RFC 9110, section 10.1.1).
fn is_waiting(head: &RequestHeader) -> bool {
    let expected = head.headers.get(EXPECT);
    head.version != http::Version::HTTP_10
        && expected.is_some_and(|word| word.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// The beginning of a body, or all of it, that was read before the engine reads it. Sessions that are not the engine's own find
/// it in the head of their request, the one thing of them that can be reached.
#[derive(Debug, Clone)]
pub(super) struct Given(Arc<Mutex<Piece>>);

#[derive(Debug)]
struct Piece {
    /// What was not handed over.
    left: Bytes,
    /// How long it was.
    length: usize,
    /// Whether nothing comes behind it.
    is_whole: bool,
}

/// What is handed over at once.
const AT_ONCE: usize = 64 * 1024;

impl Given {
    fn of(head: &RequestHeader) -> Option<MutexGuard<'_, Piece>> {
        let given: &Self = head.extensions.get()?;
        Some(given.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The next bytes of it.
    pub(super) fn next(head: &RequestHeader) -> Option<Bytes> {
        let left = &mut Self::of(head)?.left;
        let len = left.len().min(AT_ONCE);
        (len > 0).then(|| left.split_to(len))
    }

    /// Whether the body is done, as far as this tells.
    pub(super) fn is_done(head: &RequestHeader) -> Option<bool> {
        let piece = Self::of(head)?;
        match piece.left.is_empty() {
            false => Some(false),
            true => piece.is_whole.then_some(true),
        }
    }

    /// Whether there is none, as far as this tells.
    pub(super) fn is_empty(head: &RequestHeader) -> Option<bool> {
        let piece = Self::of(head)?;
        (piece.is_whole || piece.length > 0).then_some(piece.length == 0)
    }
}

/// Puts a body, or its beginning, where a session that is not the engine's own finds it.
pub(super) fn give(head: &mut RequestHeader, bytes: Bytes, is_whole: bool) -> Result<()> {
    let piece = Piece {
        length: bytes.len(),
        left: bytes,
        is_whole,
    };
    if let Some(mut given) = Given::of(head) {
        *given = piece;
        return Ok(());
    }
    let mut parts: Parts = mem::replace(head, RequestHeader::build("GET", b"/", Some(0))?).into();
    parts.extensions.insert(Given(Arc::new(Mutex::new(piece))));
    *head = parts.into();
    Ok(())
}
