//! Waiting for the next request: its head is scanned as it comes, within the bounds of that wait.

use std::future::poll_fn;
use std::mem;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use rimward_config::ListenerLimits;
use tokio::time::Instant;

use super::Wire;
use crate::framing::Scan;
use crate::listen::head::{Head, HeadLimits, parse_scanned};
use crate::listen::refusal::Refusal;

/// How long a connection that has not asked anything yet may still do so when its listener drains.
const LAST_CALL: Duration = Duration::from_millis(500);
/// The engine holds no more than 256 fields.
const MOST_FIELDS: usize = 256;

/// Why there is no next head.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::listen) enum NoHead {
    /// The client left, or has been idle for too long.
    Over,
    /// What it sent is not acceptable.
    Refused(Refusal),
}

impl Wire {
    /// Whether the client speaks HTTP/2 without having negotiated it. Tells at the first byte that differs from the
    /// preface, so that no short request waits for more. A client that stops short is left to [`Self::poll_head`].
    pub(in crate::listen) async fn is_preface(&mut self) -> bool {
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
    pub(in crate::listen) fn poll_head(
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
        // Nobody waits for more of a client that still waits for answers.
        if !self.output.is_empty() && ready!(self.poll_flush(cx)).is_err() {
            return Poll::Ready(Err(NoHead::Over));
        }
        if self.eof {
            return Poll::Ready(Err(NoHead::Over));
        }
        match self.poll_fill(cx) {
            Poll::Ready(Ok(0) | Err(_)) => Poll::Ready(Err(NoHead::Over)),
            Poll::Ready(Ok(_)) => Poll::Ready(Ok(())),
            Poll::Pending => {
                self.rest();
                self.poll_deadline(cx)
            }
        }
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), NoHead>> {
        let now = Instant::now;
        // A head that comes in one piece is never waited for, and then the clock need not be read.
        let has_begun = self.head_began.is_some() || !self.input.is_empty();
        let mut deadline = match has_begun {
            true => *self.head_began.get_or_insert_with(now) + self.limits().header_timeout,
            false => *self.waiting.get_or_insert_with(now) + self.limits().idle_timeout,
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
}

fn head_limits(limits: &ListenerLimits) -> HeadLimits {
    HeadLimits {
        bytes: limits.max_header_bytes,
        fields: limits.max_headers.min(MOST_FIELDS),
        target: limits.max_target_bytes,
        body: limits.max_body,
    }
}
