//! One stream as a session of the engine. The engine has one of its own for HTTP/2, which knows no bound for a body that
//! does not come or a response that is not read, drops informational responses, and clones requests into a form that its own
//! parser refuses; so streams go in by the door for custom protocols.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::Stream;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, Response};
use pingora::ErrorType::{self, ConnectionClosed, H2Error, ReadError, WriteError, WriteTimedout};
use pingora::protocols::http::HttpTask;
use pingora::protocols::http::body_buffer::FixedBuffer;
use pingora::protocols::http::custom::{CustomMessageWrite, server::Session};
use pingora::protocols::l4::socket::SocketAddr;
use pingora::protocols::{Digest, http::date::get_cached_date};
use pingora::{Error, OrErr, Result};
use pingora_http::{RequestHeader, ResponseHeader};

use crate::listen::connection::Connection;
use crate::listen::pace::{Alarm, Pace};
use crate::listen::refusal::{Page, Refusal};
use crate::listen::wire::{body_pace, send_pace};

/// How much of a body is kept for a second try, as the engine does for its own sessions.
const RETRY: usize = 64 * 1024;

/// One request and its response on a stream.
pub(super) struct StreamSession {
    request: RequestHeader,
    body: RecvStream,
    respond: SendResponse<Bytes>,
    send: Option<SendStream<Bytes>>,
    written: Option<Box<ResponseHeader>>,
    ended: bool,
    body_read: usize,
    body_sent: usize,
    max_body: u64,
    retry: Option<FixedBuffer>,
    digest: Arc<Digest>,
    alarm: Alarm,
    reading: Pace,
    writing: Pace,
    drain_timeout: Option<Duration>,
}

/// Answers a request that the engine never sees.
pub(super) fn refuse(mut respond: SendResponse<Bytes>, refusal: Refusal, page: Option<Page>) {
    let mut response = Response::new(());
    *response.status_mut() =
        http::StatusCode::from_u16(refusal.status).unwrap_or(http::StatusCode::BAD_REQUEST);
    let page = page.unwrap_or(Page {
        content_type: "text/plain; charset=utf-8",
        body: Bytes::from(format!("{}\n", refusal.reason)),
    });
    response.headers_mut().insert(
        CONTENT_TYPE,
        http::HeaderValue::from_static(page.content_type),
    );
    response
        .headers_mut()
        .insert(CONTENT_LENGTH, page.body.len().into());
    // The client may have reset the stream by now, which is as good an end.
    if let Ok(mut send) = respond.send_response(response, false) {
        drop(send.send_data(page.body, true));
    }
}

impl StreamSession {
    pub(super) fn new(
        request: RequestHeader,
        body: RecvStream,
        respond: SendResponse<Bytes>,
        connection: Arc<Connection>,
        digest: Arc<Digest>,
    ) -> Self {
        let limits = &connection.settings.limits;
        Self {
            request,
            body,
            respond,
            send: None,
            written: None,
            ended: false,
            body_read: 0,
            body_sent: 0,
            max_body: limits.max_body,
            retry: None,
            digest,
            alarm: Alarm::default(),
            reading: body_pace(limits),
            writing: send_pace(limits),
            drain_timeout: None,
        }
    }

    /// The next bytes of the body, within the bounds of that wait.
    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>>> {
        let Poll::Ready(data) = self.body.poll_data(cx) else {
            ready!(self.reading.poll_wait(cx, &mut self.alarm));
            return Poll::Ready(self.fail(Refusal::new(408, "request body came too slowly")));
        };
        let Some(data) = data
            .transpose()
            .or_err(ReadError, "while reading a request body")?
        else {
            return Poll::Ready(Ok(None));
        };
        self.reading.progress(data.len());
        self.body_read += data.len();
        if self.body_read as u64 > self.max_body {
            return Poll::Ready(self.fail(Refusal::new(413, "body is too large")));
        }
        // It fails when the stream is gone, which the next read tells.
        drop(self.body.flow_control().release_capacity(data.len()));
        if let Some(retry) = &mut self.retry {
            retry.write_to_buffer(&data);
        }
        Poll::Ready(Ok(Some(data)))
    }

    /// Ends the body, with a response if there is none yet.
    fn fail<T>(&mut self, refusal: Refusal) -> Result<T> {
        if self.written.is_none() {
            let mut response = ResponseHeader::build(refusal.status, Some(2))?;
            response.insert_header(CONTENT_LENGTH, 0)?;
            self.respond_with(Box::new(response), true)?;
        }
        Err(Error::because(ReadError, "request body was ended", refusal.into_io()).into_down())
    }

    /// Writes a head.
    fn respond_with(&mut self, mut head: Box<ResponseHeader>, end: bool) -> Result<()> {
        if self.ended
            || self
                .written
                .as_ref()
                .is_some_and(|written| !written.status.is_informational())
        {
            return Ok(());
        }
        for name in [TRANSFER_ENCODING, CONNECTION, UPGRADE] {
            head.remove_header(&name);
        }
        head.remove_header(&HeaderName::from_static("keep-alive"));
        head.remove_header(&HeaderName::from_static("proxy-connection"));
        if head.status.is_informational() {
            return self.inform(&head);
        }
        head.insert_header(http::header::DATE, get_cached_date())?;
        let response = Response::from_parts(head.as_owned_parts(), ());
        let send = self
            .respond
            .send_response(response, end)
            .or_err(WriteError, "while writing a response head")?;
        self.send = Some(send);
        self.written = Some(head);
        self.ended |= end;
        Ok(())
    }

    /// Passes `103 Early Hints` and the like. A 101 means nothing in HTTP/2.
    fn inform(&mut self, head: &ResponseHeader) -> Result<()> {
        if head.status == 101 {
            return Error::e_explain(H2Error, "101 Switching Protocols in HTTP/2");
        }
        let mut response = Response::from_parts(head.as_owned_parts(), ());
        response.headers_mut().remove(CONTENT_LENGTH);
        self.respond
            .send_informational(response)
            .or_err(WriteError, "while writing an informational response")
    }

    /// Room for bytes in the client's window, within the bounds of that wait.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize>> {
        let Some(send) = &mut self.send else {
            return Poll::Ready(Error::e_explain(H2Error, "body before the response head"));
        };
        match send.poll_capacity(cx) {
            Poll::Ready(Some(Ok(room))) => Poll::Ready(Ok(room)),
            Poll::Ready(Some(Err(error))) => Poll::Ready(Error::e_because(
                WriteError,
                "while writing a response",
                error,
            )),
            Poll::Ready(None) => Poll::Ready(Error::e_explain(
                ConnectionClosed,
                "stream was closed while writing",
            )),
            Poll::Pending => {
                ready!(self.writing.poll_wait(cx, &mut self.alarm));
                send.send_reset(Reason::CANCEL);
                self.ended = true;
                Poll::Ready(Error::e_explain(
                    WriteTimedout,
                    "client reads the response too slowly",
                ))
            }
        }
    }

    async fn send_body(&mut self, mut data: Bytes, end: bool) -> Result<()> {
        if self.ended {
            return Ok(());
        }
        while !data.is_empty() {
            if let Some(send) = &mut self.send {
                send.reserve_capacity(data.len());
            }
            let room = poll_fn(|cx| self.poll_room(cx)).await?;
            let piece = data.split_to(room.min(data.len()));
            if !piece.is_empty() {
                self.writing.progress(piece.len());
                self.body_sent += piece.len();
                self.send_piece(piece, end && data.is_empty())?;
            }
        }
        if end && !self.ended {
            self.send_piece(Bytes::new(), true)
        } else {
            Ok(())
        }
    }

    fn send_piece(&mut self, piece: Bytes, end: bool) -> Result<()> {
        let Some(send) = &mut self.send else {
            return Error::e_explain(H2Error, "body before the response head");
        };
        send.send_data(piece, end)
            .or_err(WriteError, "while writing a response")?;
        self.ended |= end;
        Ok(())
    }

    async fn send_task(&mut self, task: HttpTask) -> Result<bool> {
        match task {
            HttpTask::Header(head, end) => self.respond_with(head, end).map(|()| end),
            HttpTask::Body(data, end) => {
                let data = data.unwrap_or_default();
                // An empty piece must not end the stream: trailers may follow.
                if !data.is_empty() {
                    self.send_body(data, end).await?;
                }
                Ok(end)
            }
            HttpTask::UpgradedBody(..) => {
                Error::e_explain(ErrorType::InternalError, "upgraded body in HTTP/2")
            }
            HttpTask::Trailer(Some(trailers)) => self.send_trailers(*trailers).map(|()| true),
            HttpTask::Trailer(None) | HttpTask::Done => Ok(true),
            HttpTask::Failed(error) => Err(error),
        }
    }

    fn send_trailers(&mut self, trailers: HeaderMap) -> Result<()> {
        if self.ended {
            return Ok(());
        }
        let Some(send) = &mut self.send else {
            return Error::e_explain(H2Error, "trailers before the response head");
        };
        send.send_trailers(trailers)
            .or_err(WriteError, "while writing trailers")?;
        self.ended = true;
        Ok(())
    }

    /// Resolves when the client ends the stream.
    async fn reset(&mut self) -> Result<Reason> {
        poll_fn(|cx| match &mut self.send {
            Some(send) => send.poll_reset(cx),
            None => self.respond.poll_reset(cx),
        })
        .await
        .or_err(H2Error, "while waiting for the response")
    }

    async fn drain(&mut self) -> Result<()> {
        while self.read_body_bytes().await?.is_some() {}
        Ok(())
    }
}

#[async_trait]
impl Session for StreamSession {
    fn req_header(&self) -> &RequestHeader {
        &self.request
    }

    fn req_header_mut(&mut self) -> &mut RequestHeader {
        &mut self.request
    }

    async fn read_body_bytes(&mut self) -> Result<Option<Bytes>> {
        poll_fn(|cx| self.poll_body(cx)).await
    }

    async fn drain_request_body(&mut self) -> Result<()> {
        if self.is_body_done() {
            return Ok(());
        }
        match self.drain_timeout {
            Some(bound) => tokio::time::timeout(bound, self.drain())
                .await
                .unwrap_or_else(|_| {
                    Error::e_explain(ErrorType::ReadTimedout, "draining the body took too long")
                }),
            None => self.drain().await,
        }
    }

    async fn write_response_header(&mut self, resp: Box<ResponseHeader>, end: bool) -> Result<()> {
        self.respond_with(resp, end)
    }

    async fn write_response_header_ref(&mut self, resp: &ResponseHeader, end: bool) -> Result<()> {
        self.respond_with(Box::new(resp.clone()), end)
    }

    async fn write_body(&mut self, data: Bytes, end: bool) -> Result<()> {
        self.send_body(data, end).await.map_err(Error::into_down)
    }

    async fn write_trailers(&mut self, trailers: HeaderMap) -> Result<()> {
        self.send_trailers(trailers)
    }

    async fn response_duplex_vec(&mut self, tasks: Vec<HttpTask>) -> Result<bool> {
        let mut end = false;
        for task in tasks {
            let failed = matches!(task, HttpTask::Failed(_));
            let sent = self.send_task(task).await;
            end |= if failed {
                sent?
            } else {
                sent.map_err(Error::into_down)?
            };
        }
        if end {
            self.finish().await?;
        }
        Ok(end)
    }

    /// Nothing: waits for the client have the listener's bounds.
    fn set_read_timeout(&mut self, _timeout: Option<Duration>) {}

    fn get_read_timeout(&self) -> Option<Duration> {
        None
    }

    /// Nothing, as above.
    fn set_write_timeout(&mut self, _timeout: Option<Duration>) {}

    fn get_write_timeout(&self) -> Option<Duration> {
        None
    }

    fn set_total_drain_timeout(&mut self, timeout: Option<Duration>) {
        self.drain_timeout = timeout;
    }

    fn get_total_drain_timeout(&self) -> Option<Duration> {
        self.drain_timeout
    }

    fn request_summary(&self) -> String {
        let host = self
            .request
            .headers
            .get(HOST)
            .map_or(&b""[..], |host| host.as_bytes());
        let path = String::from_utf8_lossy(self.request.raw_path());
        format!(
            "{} {path}, Host: {}",
            self.request.method,
            String::from_utf8_lossy(host)
        )
    }

    fn response_written(&self) -> Option<&ResponseHeader> {
        self.written.as_deref()
    }

    async fn shutdown(&mut self, _code: u32, _ctx: &str) {
        if !self.ended {
            self.respond.send_reset(Reason::INTERNAL_ERROR);
            self.ended = true;
        }
    }

    fn is_body_done(&mut self) -> bool {
        self.is_body_empty() || self.body.is_end_stream()
    }

    /// Called twice by the engine, and by us.
    async fn finish(&mut self) -> Result<()> {
        if self.ended || self.send.is_none() {
            return Ok(());
        }
        self.send_piece(Bytes::new(), true)
            .map_err(Error::into_down)
    }

    fn is_body_empty(&mut self) -> bool {
        let none = || {
            self.request
                .headers
                .get(CONTENT_LENGTH)
                .is_some_and(|length| length.as_bytes() == b"0")
        };
        self.body_read == 0 && (self.body.is_end_stream() || none())
    }

    async fn read_body_or_idle(&mut self, no_body_expected: bool) -> Result<Option<Bytes>> {
        if !no_body_expected && !self.is_body_done() {
            return self.read_body_bytes().await;
        }
        let reason = self.reset().await?;
        Error::e_explain(H2Error, format!("client ended the stream: {reason}"))
    }

    fn body_bytes_sent(&self) -> usize {
        self.body_sent
    }

    fn body_bytes_read(&self) -> usize {
        self.body_read
    }

    fn digest(&self) -> Option<&Digest> {
        Some(&self.digest)
    }

    fn digest_mut(&mut self) -> Option<&mut Digest> {
        Arc::get_mut(&mut self.digest)
    }

    fn client_addr(&self) -> Option<&SocketAddr> {
        self.digest.socket_digest.as_ref()?.peer_addr()
    }

    fn server_addr(&self) -> Option<&SocketAddr> {
        self.digest.socket_digest.as_ref()?.local_addr()
    }

    /// What a request of our own in the background is made from: always HTTP/1.1, whatever version the head carries.
    fn pseudo_raw_h1_request_header(&self) -> Bytes {
        let mut raw = Vec::with_capacity(512);
        raw.extend_from_slice(self.request.method.as_str().as_bytes());
        raw.push(b' ');
        raw.extend_from_slice(self.request.raw_path());
        raw.extend_from_slice(b" HTTP/1.1\r\n");
        if let Some(authority) = self
            .request
            .uri
            .authority()
            .filter(|_| !self.request.headers.contains_key(HOST))
        {
            raw.extend_from_slice(format!("host: {authority}\r\n").as_bytes());
        }
        for (name, value) in &self.request.headers {
            raw.extend_from_slice(name.as_str().as_bytes());
            raw.extend_from_slice(b": ");
            raw.extend_from_slice(value.as_bytes());
            raw.extend_from_slice(b"\r\n");
        }
        raw.extend_from_slice(b"\r\n");
        raw.into()
    }

    fn enable_retry_buffering(&mut self) {
        self.retry.get_or_insert_with(|| FixedBuffer::new(RETRY));
    }

    fn retry_buffer_truncated(&self) -> bool {
        self.retry.as_ref().is_some_and(FixedBuffer::is_truncated)
    }

    fn get_retry_buffer(&self) -> Option<Bytes> {
        self.retry
            .as_ref()
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
