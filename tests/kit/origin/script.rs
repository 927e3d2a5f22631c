//! What an origin was told to do, and what happened.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use tokio::sync::{mpsc, watch};

use super::file::File;
use crate::patience::within;
use crate::wire::Fields;

/// A request as the origin received it.
#[derive(Debug, Clone)]
pub struct Received {
    /// `GET`, `POST` …
    pub method: String,
    /// Path and query as they came.
    pub target: String,
    /// The fields; for HTTP/2 with `:authority` as `host`.
    pub headers: Fields,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Received {
    /// A header's first value.
    pub fn header<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.headers.get(name)
    }
}

/// Holds an answer back until the test opens it.
#[derive(Debug, Clone)]
pub struct Gate {
    open: watch::Sender<bool>,
    reached: watch::Sender<bool>,
}

impl Gate {
    pub(super) fn new() -> Self {
        Self {
            open: watch::Sender::new(false),
            reached: watch::Sender::new(false),
        }
    }

    /// Lets the answer go.
    pub fn open(&self) {
        self.open.send_replace(true);
    }

    /// Waits until the request stands before the gate.
    pub async fn reached(&self) {
        let mut reached = self.reached.subscribe();
        within(
            "a request before the gate",
            reached.wait_for(|reached| *reached),
        )
        .await
        .unwrap();
    }

    pub(super) async fn pass(&self) {
        self.reached.send_replace(true);
        let mut open = self.open.subscribe();
        // A closed channel is a test that ended: the answer then matters to nobody.
        drop(open.wait_for(|open| *open).await);
    }
}

/// The test's end of a body that is sent piece by piece. Dropping it cuts the body off.
#[derive(Debug)]
pub struct Trickle(mpsc::UnboundedSender<Piece>);

#[derive(Debug)]
pub(super) enum Piece {
    Bytes(Vec<u8>),
    End,
}

impl Trickle {
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<Piece>) {
        #[allow(
            clippy::disallowed_methods,
            reason = "a test sends a handful of pieces"
        )]
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    /// Sends the next piece.
    pub fn send(&self, bytes: impl AsRef<[u8]>) {
        self.0
            .send(Piece::Bytes(bytes.as_ref().to_vec()))
            .expect("the origin's connection is gone");
    }

    /// Ends the body as it should end.
    pub fn end(self) {
        self.0
            .send(Piece::End)
            .expect("the origin's connection is gone");
    }

    /// Cuts the body off.
    pub fn cut(self) {}
}

/// How one request is answered.
pub(super) enum Act {
    Reply(Reply),
    Held(Gate, Reply),
    Trickle(String, mpsc::UnboundedReceiver<Piece>),
    Raw(Vec<u8>),
    Echo,
}

/// A well-formed answer.
#[derive(Clone)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) fields: Fields,
    pub(super) body: Vec<u8>,
}

impl Reply {
    pub(super) fn new(head: &str, body: &[u8]) -> Self {
        let head = head.trim();
        let (first, rest) = head.split_once('\n').unwrap_or((head, ""));
        match first.trim().parse() {
            Ok(status) => Self {
                status,
                fields: Fields::parse(rest),
                body: body.to_vec(),
            },
            Err(_) => Self {
                status: 200,
                fields: Fields::parse(head),
                body: body.to_vec(),
            },
        }
    }

    pub(super) fn to_wire(&self, head_only: bool) -> Vec<u8> {
        let chunked = self.fields.has("transfer-encoding");
        let framed = chunked
            || self.fields.has("content-length")
            || self.status == 204
            || self.status == 304;
        let length = if framed {
            String::new()
        } else {
            format!("content-length: {}\r\n", self.body.len())
        };
        let mut wire = format!(
            "HTTP/1.1 {} Scripted\r\n{}{length}\r\n",
            self.status,
            self.fields.to_wire()
        )
        .into_bytes();
        if chunked && !head_only {
            wire.extend(chunk(&self.body));
            wire.extend(b"0\r\n\r\n");
        } else if !head_only {
            wire.extend(&self.body);
        }
        wire
    }
}

/// A piece of a chunked body; nothing for no bytes, since that would be the end.
pub(super) fn chunk(bytes: &[u8]) -> Vec<u8> {
    if bytes.is_empty() {
        return Vec::new();
    }
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

/// The script of one origin and its diary.
#[derive(Default)]
pub(super) struct Script {
    acts: Mutex<HashMap<String, VecDeque<Act>>>,
    always: Mutex<HashMap<String, Reply>>,
    files: Mutex<HashMap<String, File>>,
    requests: Mutex<Vec<Received>>,
    surprises: Mutex<Vec<String>>,
    received: watch::Sender<usize>,
    answered: watch::Sender<usize>,
    connections: watch::Sender<usize>,
    closing: watch::Sender<bool>,
}

impl Script {
    pub(super) fn once(&self, target: &str, act: Act) {
        self.acts
            .lock()
            .unwrap()
            .entry(target.to_owned())
            .or_default()
            .push_back(act);
    }

    pub(super) fn always(&self, target: &str, act: Act) {
        if let Act::Reply(reply) = act {
            self.always.lock().unwrap().insert(target.to_owned(), reply);
        }
    }

    pub(super) fn file(&self, target: &str, file: File) {
        self.files.lock().unwrap().insert(target.to_owned(), file);
    }

    /// Notes a request and finds what to do about it.
    pub(super) fn take(&self, request: Received) -> Act {
        let target = request.target.clone();
        let asked = format!("{} {target}", request.method);
        self.requests.lock().unwrap().push(request.clone());
        self.received.send_modify(|count| *count += 1);
        if let Some(act) = self
            .acts
            .lock()
            .unwrap()
            .get_mut(&target)
            .and_then(VecDeque::pop_front)
        {
            return act;
        }
        if let Some(reply) = self.always.lock().unwrap().get(&target) {
            return Act::Reply(reply.clone());
        }
        if let Some(file) = self.files.lock().unwrap().get(&target) {
            return Act::Reply(file.answer(&request));
        }
        if let Some(reply) = self.always.lock().unwrap().get("*") {
            return Act::Reply(reply.clone());
        }
        self.surprises.lock().unwrap().push(asked);
        Act::Reply(Reply::new(
            "500\ncache-control: no-store",
            b"not in the origin's script",
        ))
    }

    pub(super) fn done(&self) {
        self.answered.send_modify(|count| *count += 1);
    }

    pub(super) fn connected(&self) {
        self.connections.send_modify(|count| *count += 1);
    }

    pub(super) fn connections(&self) -> usize {
        *self.connections.borrow()
    }

    pub(super) fn close_connections(&self) {
        self.closing.send_replace(true);
    }

    pub(super) fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }

    pub(super) fn requests(&self) -> Vec<Received> {
        self.requests.lock().unwrap().clone()
    }

    pub(super) fn surprises(&self) -> Vec<String> {
        self.surprises.lock().unwrap().clone()
    }

    pub(super) async fn answered(&self, count: usize) {
        self.answered
            .subscribe()
            .wait_for(|answered| *answered >= count)
            .await
            .unwrap();
    }

    pub(super) async fn received(&self, count: usize) {
        self.received
            .subscribe()
            .wait_for(|received| *received >= count)
            .await
            .unwrap();
    }
}
