//! One stream as a session of the engine. The engine has one of its own for HTTP/2, which knows no bound for a body that
//! does not come or a response that is not read, drops informational responses, and clones requests into a form that its own
//! parser refuses; so streams go in by the door for custom protocols.

mod read;
mod session;
mod write;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{RecvStream, SendStream};
use http::Response;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use pingora::protocols::Digest;
use pingora::protocols::http::body_buffer::FixedBuffer;
use pingora_http::{RequestHeader, ResponseHeader};

use crate::listen::connection::Connection;
use crate::listen::lane::StreamAnswer;
use crate::listen::pace::{Alarm, Pace};
use crate::listen::refusal::{Page, Refusal};
use crate::listen::wire::{body_pace, send_pace};

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
}

/// Answers a request from the fast lane. The frames wait in the connection until the client has room for them.
pub(super) fn answer(mut respond: SendResponse<Bytes>, answer: StreamAnswer) {
    let StreamAnswer { head, body } = answer;
    // The client may have reset the stream by now, which is as good an end.
    let Ok(mut send) = respond.send_response(head, body.is_empty()) else {
        return;
    };
    let last = body.len().saturating_sub(1);
    for (index, piece) in body.into_iter().enumerate() {
        if send.send_data(piece, index == last).is_err() {
            return;
        }
    }
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
