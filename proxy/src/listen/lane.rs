//! The fast lane as a listener sees it: whoever can answer a plain request at once, before the engine hears of it.

use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use http::{Extensions, Response};
use pingora_http::RequestHeader;

use super::connection::Connection;
use super::head::Head;

/// Answers requests before the engine sees them. What was done for those that it does not answer travels on with them.
pub trait Lane: Send + Sync + 'static {
    /// Answers a plain HTTP/1.1 request by appending its response to `output`.
    ///
    /// # Errors
    /// When the engine has to.
    fn answer(&self, _request: &Plain<'_>, _output: &mut BytesMut) -> Result<Answered, Notes> {
        Err(Notes::default())
    }

    /// The same for HTTP/2, for a request without a body.
    ///
    /// # Errors
    /// As above.
    fn answer_stream(&self, _request: &Streamed<'_>) -> Result<StreamAnswer, Notes> {
        Err(Notes::default())
    }
}

/// What was done for a request that the lane could not answer.
#[derive(Debug, Clone, Default)]
pub struct Notes(pub Extensions);

/// A request of HTTP/1.1 whose head is [plain](Head::is_plain).
pub struct Plain<'a> {
    /// The connection it came in by.
    pub connection: &'a Arc<Connection>,
    /// Its head.
    pub head: &'a Head,
    /// The bytes that the head was read from.
    pub bytes: &'a [u8],
    /// Whether the connection ends with the response.
    pub is_last: bool,
    /// When the head was complete.
    pub began: Instant,
}

/// What is there of a response.
pub enum Answered {
    /// All of it was appended.
    Whole,
    /// Its head was appended; this follows.
    Body(Box<dyn Outgoing>),
}

/// A request of HTTP/2 without a body.
pub struct Streamed<'a> {
    /// The connection it came in by.
    pub connection: &'a Arc<Connection>,
    /// Its head.
    pub head: &'a RequestHeader,
    /// When it was there.
    pub began: Instant,
}

/// A response on a stream, small enough to wait in the connection's frames.
pub struct StreamAnswer {
    /// Its head.
    pub head: Response<()>,
    /// Its body.
    pub body: Vec<Bytes>,
}

/// A body that is sent from where it lies. It is dropped when no more of it is sent.
pub trait Outgoing: Send {
    /// Its pieces in order.
    fn pieces(&self) -> &[Bytes];

    /// So many bytes more were handed to the transport.
    fn sent(&mut self, bytes: usize);
}

/// Nobody answers: everything goes to the engine.
impl Lane for () {}
