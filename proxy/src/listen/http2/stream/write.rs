//! What the client is sent on a stream: heads, a body within its window and no slower than allowed, trailers.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::Reason;
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderName, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, Method, Response};
use pingora::ErrorType::{self, ConnectionClosed, H2Error, WriteError, WriteTimedout};
use pingora::protocols::http::HttpTask;
use pingora::protocols::http::date::get_cached_date;
use pingora::{Error, OrErr, Result};
use pingora_http::ResponseHeader;

use super::StreamSession;
use crate::listen::date;

impl StreamSession {
    pub(super) async fn send_task(&mut self, task: HttpTask) -> Result<bool> {
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

    /// Writes a head.
    pub(super) fn respond_with(&mut self, mut head: Box<ResponseHeader>, end: bool) -> Result<()> {
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
        if !date::put_back(&mut head)? {
            head.insert_header(http::header::DATE, get_cached_date())?;
        }
        // For a HEAD the engine may fetch the whole and write that, too.
        let end = end || self.request.method == Method::HEAD;
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

    pub(super) async fn send_body(&mut self, mut data: Bytes, end: bool) -> Result<()> {
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

    pub(super) fn send_piece(&mut self, piece: Bytes, end: bool) -> Result<()> {
        let Some(send) = &mut self.send else {
            return Error::e_explain(H2Error, "body before the response head");
        };
        send.send_data(piece, end)
            .or_err(WriteError, "while writing a response")?;
        self.ended |= end;
        Ok(())
    }

    pub(super) fn send_trailers(&mut self, trailers: HeaderMap) -> Result<()> {
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
}
