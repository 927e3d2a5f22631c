//! A connection's state between the transport and HTTP: what was read ahead, what is yet to be written, how far the present
//! request has come, and every deadline.

mod ahead;
mod next_head;
mod read;
mod send;
mod write;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::Waker;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use pingora::protocols::Digest;
use rimward_config::ListenerLimits;
use tokio::time::Instant;

use super::connection::{Connection, digest};
use super::head::Head;
use super::pace::{Alarm, Pace};
use super::refusal::Refusal;
use super::transport::Transport;
use crate::framing::{Guard, Scan};

pub(crate) use ahead::Ahead;
pub(super) use next_head::NoHead;

use ahead::Chunks;

/// Time waited for a client's body before its rate matters.
const BODY_GRACE: Duration = Duration::from_secs(10);
/// Time waited for a client to read before its rate matters, and longest wait in which it reads nothing at all.
const SEND_GRACE: Duration = Duration::from_secs(30);

/// A connection between the transport and HTTP.
pub(super) struct Wire {
    transport: Transport,
    connection: Arc<Connection>,
    digest: Option<Box<Digest>>,
    /// Read, but not yet asked for.
    input: BytesMut,
    /// Accepted, but not yet written.
    output: BytesMut,
    eof: bool,
    alarm: Alarm,
    reading: Pace,
    writing: Pace,
    scan: Scan,
    /// When the wait for the next head began, and when it was waited for the rest of one.
    waiting: Option<Instant>,
    head_began: Option<Instant>,
    last_call: Option<Instant>,
    requests: u32,
    request: Request,
    response: Response,
    /// When a flush waits for the next read that has to wait: whether there is anything to flush.
    gathers: Option<Unsent>,
    fault: Option<Refusal>,
    reader: Option<Waker>,
}

/// Whether frames wait for the next read. Who polls the connection reads until they do not.
pub(super) type Unsent = Arc<AtomicBool>;

/// How far the present request has been handed over.
#[derive(Debug)]
enum Request {
    /// The head, and what comes behind it.
    Head(BytesMut, Guard),
    Body(Guard),
    /// A body that was read before the engine reads it, or what was put in its place.
    Given(Bytes),
    /// The same for one that comes in chunks and was longer than whoever read it wanted.
    Chunks(Chunks),
    /// All of it. What comes next belongs to the next one.
    Done,
    /// Bytes are no longer looked at: HTTP/2, or another protocol after a 101.
    Raw,
}

impl Request {
    /// How many of these bytes belong to the body.
    fn advance(&mut self, bytes: &[u8]) -> Result<usize, Refusal> {
        match self {
            Self::Body(guard) => Ok(guard.advance(bytes)?),
            Self::Head(..) | Self::Given(_) | Self::Chunks(_) | Self::Done | Self::Raw => Ok(0),
        }
    }
}

/// How far the response has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Response {
    /// Nothing but informational heads was written.
    Awaited { upgrade: bool },
    /// Its head was written.
    Begun,
}

impl Wire {
    /// For a connection whose first byte has been waited for since `waiting`.
    pub(super) fn new(
        transport: Transport,
        connection: Arc<Connection>,
        waiting: Instant,
    ) -> Box<Self> {
        let limits = &connection.settings.limits;
        Box::new(Self {
            reading: body_pace(limits),
            writing: send_pace(limits),
            transport,
            connection,
            digest: None,
            input: BytesMut::new(),
            output: BytesMut::new(),
            eof: false,
            alarm: Alarm::default(),
            scan: Scan::default(),
            waiting: Some(waiting),
            head_began: Some(waiting),
            last_call: None,
            requests: 0,
            request: Request::Done,
            response: Response::Awaited { upgrade: false },
            gathers: None,
            fault: None,
            reader: None,
        })
    }

    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// Settles on another protocol than first assumed.
    pub(super) fn speak(&mut self, connection: Arc<Connection>) {
        self.connection = connection;
    }

    /// What the engine is told of the connection; made once, for the first request.
    pub(super) fn digest(&mut self) -> &Digest {
        let fd = self.transport.fd();
        self.digest
            .get_or_insert_with(|| Box::new(digest(&self.connection, fd)))
    }

    /// The same, where it can't be made.
    pub(super) fn made_digest(&self) -> Option<&Digest> {
        self.digest.as_deref()
    }

    pub(super) fn fd(&self) -> i32 {
        self.transport.fd()
    }

    /// Requests whose head was read.
    pub(super) fn requests(&self) -> u32 {
        self.requests
    }

    fn limits(&self) -> &ListenerLimits {
        &self.connection.settings.limits
    }

    /// Prepares for handing over a request: `bytes` is its head as the engine shall see it.
    pub(super) fn begin(&mut self, head: &Head, bytes: BytesMut) {
        let guard = Guard::new(head.framing, self.limits().max_body);
        self.request = Request::Head(bytes, guard);
        self.response = Response::Awaited {
            upgrade: head.upgrade,
        };
        self.reading.restart();
        self.writing.restart();
    }

    /// From now on bytes are frames of HTTP/2. They are gathered until the client is waited for, however often those who
    /// write them flush: so the answers to what came together leave together. What comes back is whether there are frames
    /// that nobody has tried to send.
    pub(super) fn be_framed(&mut self) -> Unsent {
        self.be_raw();
        self.gathers.get_or_insert_default().clone()
    }

    /// From now on bytes are not looked at.
    fn be_raw(&mut self) {
        self.request = Request::Raw;
        self.response = Response::Begun;
    }

    /// Whether another request can follow the present one.
    pub(super) fn is_reusable(&self) -> bool {
        matches!(self.request, Request::Done)
            && self.response == Response::Begun
            && self.fault.is_none()
    }

    /// Gives back what only a request needs.
    pub(super) fn rest(&mut self) {
        self.output = BytesMut::new();
        self.reader = None;
        if self.input.is_empty() {
            self.input = BytesMut::new();
        }
    }

    /// The refusal that ended the request body, if that happened.
    pub(super) fn fault(&self) -> Option<Refusal> {
        self.fault
    }

    /// Whether the client has seen nothing of a response yet.
    pub(super) fn is_unanswered(&self) -> bool {
        matches!(self.response, Response::Awaited { .. })
    }
}

/// The floor under the rate at which a client reads.
pub(super) fn send_pace(limits: &ListenerLimits) -> Pace {
    Pace::new(limits.min_send_rate, SEND_GRACE, Some(SEND_GRACE))
}

/// The floor under the rate at which a client sends a body.
pub(super) fn body_pace(limits: &ListenerLimits) -> Pace {
    Pace::new(limits.min_body_rate, BODY_GRACE, Some(limits.body_timeout))
}
