//! A request that did not come by a listener: its body is there, and its response is gathered for whoever made it.

use std::future::pending;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::Stream;
use http::header::{CONNECTION, CONTENT_LENGTH, DATE, HeaderName, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, Method, Response, StatusCode};
use pingora::ErrorType::{ConnectionClosed, InternalError, WriteError};
use pingora::protocols::Digest;
use pingora::protocols::http::body_buffer::FixedBuffer;
use pingora::protocols::http::custom::{CustomMessageWrite, server::Session};
use pingora::protocols::http::date::get_cached_date;
use pingora::protocols::http::{HttpTask, ServerSession};
use pingora::protocols::l4::socket::SocketAddr;
use pingora::{Error, Result};
use pingora_http::{RequestHeader, ResponseHeader};
use rimward_filters::Cut;
use tokio::sync::oneshot::{Receiver, Sender, channel};

use super::ahead::{Given, give};
use super::{date, sessions};
use crate::outside::Room;

/// The whole response, or the news that its body is longer than wanted. Whoever waits hears nothing when it is broken off.
pub(crate) type Gathered = std::result::Result<Response<Bytes>, TooLong>;

/// The body of a response is longer than wanted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// A session for a request with this body, whose response may have a body for which there is room.
///
/// # Errors
/// Never, but for a fault of the library.
pub(crate) fn session(
    mut request: RequestHeader,
    body: Bytes,
    room: Room,
) -> Result<(ServerSession, Receiver<Gathered>)> {
    give(&mut request, body, true)?;
    let (sender, receiver) = channel();
    let session = InnerSession {
        request,
        retry: None,
        body_read: 0,
        written: None,
        body: Vec::new(),
        body_sent: 0,
        room,
        gathered: Some(sender),
    };
    Ok((ServerSession::new_custom(Box::new(session)), receiver))
}

struct InnerSession {
    request: RequestHeader,
    retry: Option<FixedBuffer>,
    body_read: usize,
    written: Option<Box<ResponseHeader>>,
    body: Vec<Bytes>,
    body_sent: usize,
    room: Room,
    /// `None` once the response has ended.
    gathered: Option<Sender<Gathered>>,
}

impl InnerSession {
    fn respond_with(&mut self, mut head: Box<ResponseHeader>, end: bool) -> Result<()> {
        if self.gathered.is_none() || self.written.is_some() {
            return Ok(());
        }
        self.check_waiting()?;
        if head.status == StatusCode::SWITCHING_PROTOCOLS {
            return Error::e_explain(InternalError, "101 Switching Protocols for a filter");
        }
        if head.status.is_informational() {
            return Ok(());
        }
        for name in [TRANSFER_ENCODING, CONNECTION, UPGRADE] {
            head.remove_header(&name);
        }
        head.remove_header(&HeaderName::from_static("keep-alive"));
        head.remove_header(&HeaderName::from_static("proxy-connection"));
        if !date::put_back(&mut head)? {
            head.insert_header(DATE, get_cached_date())?;
        }
        self.written = Some(head);
        if !self.room.cuts && self.length().is_some_and(|length| length > self.room.most) {
            return self.too_long();
        }
        if end {
            self.end();
        }
        Ok(())
    }

    fn add(&mut self, data: Bytes) -> Result<()> {
        // For a HEAD the engine may fetch the whole and write that, too.
        if self.gathered.is_none() || data.is_empty() || self.request.method == Method::HEAD {
            return Ok(());
        }
        self.check_waiting()?;
        let left = self.room.most - self.body_sent;
        if data.len() > left {
            self.body.push(data.slice(..left));
            return self.too_long();
        }
        self.body_sent += data.len();
        self.body.push(data);
        Ok(())
    }

    fn check_waiting(&self) -> Result<()> {
        match &self.gathered {
            Some(gathered) if gathered.is_closed() => given_up(),
            _ => Ok(()),
        }
    }

    /// Ends what is longer than there is room for: its beginning is all that is wanted, or nothing of it.
    fn too_long(&mut self) -> Result<()> {
        let beginning = self.room.cuts.then(|| self.response()).flatten();
        if let Some(gathered) = self.gathered.take() {
            let told = beginning.ok_or(TooLong).map(|mut response| {
                response.extensions_mut().insert(Cut);
                response
            });
            // Who no longer listens need not be told.
            drop(gathered.send(told));
        }
        self.body = Vec::new();
        Error::e_explain(WriteError, "the response is longer than wanted")
    }

    /// The length that the head tells of the body that follows.
    fn length(&self) -> Option<usize> {
        let head = self.written.as_ref()?;
        let is_bodiless = matches!(
            head.status,
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
        );
        let length = head.headers.get(CONTENT_LENGTH)?;
        let has_body = !is_bodiless && self.request.method != Method::HEAD;
        has_body.then_some(length.to_str().ok()?.parse().ok()?)
    }

    /// Hands the response over, if all of it is there.
    fn end(&mut self) {
        let (Some(response), Some(gathered)) = (self.response(), self.gathered.take()) else {
            return;
        };
        if self.length().is_none_or(|length| length == self.body_sent) {
            drop(gathered.send(Ok(response)));
        }
    }

    /// What there is of the response.
    fn response(&self) -> Option<Response<Bytes>> {
        let head = self.written.as_ref()?.as_owned_parts();
        let body = match self.body.as_slice() {
            [only] => only.clone(),
            pieces => pieces.concat().into(),
        };
        Some(Response::from_parts(head, body))
    }
}

/// What the engine takes for a client that hung up.
fn given_up<T>() -> Result<T> {
    let why = "whoever made the request does not wait any more";
    Error::e_explain(ConnectionClosed, why).map_err(Error::into_down)
}

#[async_trait]
impl Session for InnerSession {
    fn req_header(&self) -> &RequestHeader {
        &self.request
    }

    fn req_header_mut(&mut self) -> &mut RequestHeader {
        &mut self.request
    }

    async fn read_body_bytes(&mut self) -> Result<Option<Bytes>> {
        let piece = Given::next(&self.request);
        if let Some(piece) = &piece {
            self.body_read += piece.len();
            if let Some(retry) = &mut self.retry {
                retry.write_to_buffer(piece);
            }
        }
        Ok(piece)
    }

    async fn drain_request_body(&mut self) -> Result<()> {
        Ok(())
    }

    async fn write_response_header(&mut self, resp: Box<ResponseHeader>, end: bool) -> Result<()> {
        self.respond_with(resp, end)
    }

    async fn write_response_header_ref(&mut self, resp: &ResponseHeader, end: bool) -> Result<()> {
        self.respond_with(Box::new(resp.clone()), end)
    }

    async fn write_body(&mut self, data: Bytes, end: bool) -> Result<()> {
        self.add(data)?;
        if end {
            self.end();
        }
        Ok(())
    }

    /// Who made the request gets none.
    async fn write_trailers(&mut self, _trailers: HeaderMap) -> Result<()> {
        self.end();
        Ok(())
    }

    async fn response_duplex_vec(&mut self, tasks: Vec<HttpTask>) -> Result<bool> {
        let mut has_ended = false;
        for task in tasks {
            has_ended |= match task {
                HttpTask::Header(head, end) => self.respond_with(head, end).map(|()| end)?,
                HttpTask::Body(data, end) => self.add(data.unwrap_or_default()).map(|()| end)?,
                HttpTask::Trailer(_) | HttpTask::Done => true,
                HttpTask::UpgradedBody(..) => {
                    return Error::e_explain(InternalError, "upgraded body for a filter");
                }
                HttpTask::Failed(error) => return Err(error),
            };
        }
        if has_ended {
            self.end();
        }
        Ok(has_ended)
    }

    /// Nothing: the whole exchange has a bound.
    fn set_read_timeout(&mut self, _timeout: Option<Duration>) {}

    fn get_read_timeout(&self) -> Option<Duration> {
        None
    }

    /// Nothing, as above.
    fn set_write_timeout(&mut self, _timeout: Option<Duration>) {}

    fn get_write_timeout(&self) -> Option<Duration> {
        None
    }

    /// Nothing: there is nobody to wait for.
    fn set_total_drain_timeout(&mut self, _timeout: Option<Duration>) {}

    fn get_total_drain_timeout(&self) -> Option<Duration> {
        None
    }

    fn request_summary(&self) -> String {
        sessions::summary(&self.request)
    }

    fn response_written(&self) -> Option<&ResponseHeader> {
        self.written.as_deref()
    }

    async fn shutdown(&mut self, _code: u32, _ctx: &str) {
        self.gathered = None;
    }

    fn is_body_done(&mut self) -> bool {
        Given::is_done(&self.request).unwrap_or(true)
    }

    async fn finish(&mut self) -> Result<()> {
        if self.written.is_some() {
            self.end();
        }
        Ok(())
    }

    fn is_body_empty(&mut self) -> bool {
        Given::is_empty(&self.request).unwrap_or(true)
    }

    /// Who made the request gives up by not waiting any more.
    async fn read_body_or_idle(&mut self, no_body_expected: bool) -> Result<Option<Bytes>> {
        if !no_body_expected && !self.is_body_done() {
            return self.read_body_bytes().await;
        }
        match &mut self.gathered {
            Some(gathered) => {
                gathered.closed().await;
                given_up()
            }
            None => pending().await,
        }
    }

    fn body_bytes_sent(&self) -> usize {
        self.body_sent
    }

    fn body_bytes_read(&self) -> usize {
        self.body_read
    }

    fn digest(&self) -> Option<&Digest> {
        None
    }

    fn digest_mut(&mut self) -> Option<&mut Digest> {
        None
    }

    fn client_addr(&self) -> Option<&SocketAddr> {
        None
    }

    fn server_addr(&self) -> Option<&SocketAddr> {
        None
    }

    fn pseudo_raw_h1_request_header(&self) -> Bytes {
        sessions::raw_head(&self.request)
    }

    fn enable_retry_buffering(&mut self) {
        self.retry
            .get_or_insert_with(|| FixedBuffer::new(sessions::RETRY));
    }

    fn retry_buffer_truncated(&self) -> bool {
        self.retry.as_ref().is_some_and(FixedBuffer::is_truncated)
    }

    fn get_retry_buffer(&self) -> Option<Bytes> {
        let retry = self.retry.as_ref();
        retry
            .filter(|retry| !retry.is_truncated())
            .and_then(FixedBuffer::get_buffer)
    }

    async fn finish_custom(&mut self) -> Result<()> {
        Ok(())
    }

    fn take_custom_message_reader(
        &mut self,
    ) -> Option<Box<dyn Stream<Item = Result<Bytes>> + Unpin + Send + Sync + 'static>> {
        None
    }

    fn restore_custom_message_reader(
        &mut self,
        _reader: Box<dyn Stream<Item = Result<Bytes>> + Unpin + Send + Sync + 'static>,
    ) -> Result<()> {
        Ok(())
    }

    fn take_custom_message_writer(&mut self) -> Option<Box<dyn CustomMessageWrite>> {
        None
    }

    fn restore_custom_message_writer(
        &mut self,
        _writer: Box<dyn CustomMessageWrite>,
    ) -> Result<()> {
        Ok(())
    }
}
