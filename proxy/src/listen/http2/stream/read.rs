//! What the client sends on a stream: the body, within its bounds, and the news that it gave up.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::Reason;
use http::header::CONTENT_LENGTH;
use pingora::ErrorType::{H2Error, ReadError};
use pingora::protocols::http::custom::server::Session;
use pingora::{Error, OrErr, Result};
use pingora_http::ResponseHeader;

use super::StreamSession;
use crate::listen::refusal::Refusal;

impl StreamSession {
    /// The next bytes of the body, within the bounds of that wait.
    pub(super) fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>>> {
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

    pub(super) async fn drain(&mut self) -> Result<()> {
        while self.read_body_bytes().await?.is_some() {}
        Ok(())
    }

    /// Resolves when the client ends the stream.
    pub(super) async fn reset(&mut self) -> Result<Reason> {
        poll_fn(|cx| match &mut self.send {
            Some(send) => send.poll_reset(cx),
            None => self.respond.poll_reset(cx),
        })
        .await
        .or_err(H2Error, "while waiting for the response")
    }
}
