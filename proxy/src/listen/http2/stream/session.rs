//! What the engine asks of a session, answered for a stream.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::Stream;
use h2::Reason;
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use pingora::ErrorType::{self, H2Error};
use pingora::protocols::Digest;
use pingora::protocols::http::HttpTask;
use pingora::protocols::http::body_buffer::FixedBuffer;
use pingora::protocols::http::custom::{CustomMessageWrite, server::Session};
use pingora::protocols::l4::socket::SocketAddr;
use pingora::{Error, Result};
use pingora_http::{RequestHeader, ResponseHeader};

use super::StreamSession;
use crate::listen::ahead::Given;
use crate::listen::sessions;

#[async_trait]
impl Session for StreamSession {
    fn req_header(&self) -> &RequestHeader {
        &self.request
    }

    fn req_header_mut(&mut self) -> &mut RequestHeader {
        &mut self.request
    }

    async fn read_body_bytes(&mut self) -> Result<Option<Bytes>> {
        let piece = match Given::next(&self.request) {
            Some(piece) => Some(piece),
            None if self.is_body_done() => None,
            None => poll_fn(|cx| self.poll_body(cx)).await?,
        };
        if let (Some(retry), Some(piece)) = (&mut self.retry, &piece) {
            retry.write_to_buffer(piece);
        }
        Ok(piece)
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
        sessions::summary(&self.request)
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
        let done = Given::is_done(&self.request);
        done.unwrap_or_else(|| self.is_body_empty() || self.body.is_end_stream())
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
        let empty = Given::is_empty(&self.request);
        empty.unwrap_or_else(|| self.body_read == 0 && (self.body.is_end_stream() || none()))
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
