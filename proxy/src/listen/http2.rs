//! The life of an HTTP/2 connection: frames are the `h2` crate's, every wait and every bound is ours, and each stream that is
//! acceptable becomes a session of the engine.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use h2::RecvStream;
use h2::server::{Builder, Connection as Frames, SendResponse};
use http::Request;
use pingora::apps::HttpServerApp;
use pingora::protocols::Digest;
use pingora::protocols::http::ServerSession;
use pingora::protocols::http::v2::server::default_h2_options;
use pingora_http::RequestHeader;
use rimward_config::ListenerLimits;
use tokio::time::{Instant, timeout_at};

use super::Service;
use super::connection::Connection;
use super::edge_io::{EdgeIo, Home};
use super::http1::within;
use super::lane::{Notes, Streamed};
use super::pace::Alarm;
use super::wire::{Unsent, Wire};

mod head;
mod stream;

use head::check_h2_head;
use stream::StreamSession;

/// What a client may send of one body, and of all, before the request path has read it.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 512 * 1024;
/// What of one response waits in frames for the client.
const SEND_BUFFER: usize = 32 * 1024;
/// Requests that are answered together.
const TOGETHER: usize = 32;
/// Malformed requests of a connection before it is ended.
const MAX_MALFORMED: u32 = 32;
/// How long the client may take to say good-bye.
const FAREWELL: Duration = Duration::from_secs(1);

type Incoming = (Request<RecvStream>, SendResponse<Bytes>);

/// Serves a connection to its end; the number of requests.
pub(super) async fn serve<A>(service: &Service<A>, mut wire: Box<Wire>, deadline: Instant) -> u32
where
    A: HttpServerApp + Send + Sync + 'static,
{
    let connection = wire.connection().clone();
    let digest = Arc::new(wire.digest().clone());
    let unsent = wire.be_framed();
    let io = EdgeIo::lend(wire, &Arc::new(Home::default()));
    // What the handshake needs goes with it; the connection itself stays in one place.
    let handshake = Box::pin(options(&connection.settings.limits).handshake(io));
    let Ok(Ok(mut frames)) = timeout_at(deadline, handshake).await else {
        return 0;
    };
    let mut streams = Streams::new(connection, digest, unsent);
    streams.serve(service, &mut frames).await;
    streams.requests
}

fn options(limits: &ListenerLimits) -> Builder {
    let mut options = default_h2_options();
    options
        .max_concurrent_streams(limits.max_streams)
        .max_header_list_size(u32::try_from(limits.max_header_bytes).unwrap_or(u32::MAX))
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buffer_size(SEND_BUFFER);
    options
}

/// The requests of a connection.
struct Streams {
    connection: Arc<Connection>,
    digest: Arc<Digest>,
    unsent: Unsent,
    active: Arc<Active>,
    requests: u32,
    malformed: u32,
    alarm: Alarm,
    idle_since: Option<Instant>,
    leaving: bool,
}

impl Streams {
    fn new(connection: Arc<Connection>, digest: Arc<Digest>, unsent: Unsent) -> Self {
        Self {
            connection,
            digest,
            unsent,
            active: Arc::default(),
            requests: 0,
            malformed: 0,
            alarm: Alarm::default(),
            idle_since: None,
            leaving: false,
        }
    }

    async fn serve<A>(&mut self, service: &Service<A>, frames: &mut Frames<EdgeIo, Bytes>)
    where
        A: HttpServerApp + Send + Sync + 'static,
    {
        loop {
            match poll_fn(|cx| self.poll_incoming(cx, frames)).await {
                Event::Requests(requests) => {
                    for (request, respond) in requests {
                        self.requests += 1;
                        self.start(service, request, respond);
                    }
                    if self.malformed >= MAX_MALFORMED {
                        frames.abrupt_shutdown(h2::Reason::ENHANCE_YOUR_CALM);
                    }
                }
                Event::Idle if self.leaving => return,
                Event::Idle => {
                    self.leaving = true;
                    frames.graceful_shutdown();
                }
                Event::Over => return,
            }
        }
    }

    /// The next request, or the end. Polling this is what moves all frames of the connection.
    fn poll_incoming(
        &mut self,
        cx: &mut Context<'_>,
        frames: &mut Frames<EdgeIo, Bytes>,
    ) -> Poll<Event> {
        let limit = self.connection.settings.limits.max_requests_per_connection;
        if !self.leaving && (self.connection.is_draining() || self.requests >= limit) {
            self.leaving = true;
            self.idle_since = None;
            frames.graceful_shutdown();
        }
        let mut requests = Vec::new();
        loop {
            match accept_all(cx, frames, &mut requests) {
                Poll::Ready(()) => return Poll::Ready(Event::Over),
                Poll::Pending if !requests.is_empty() => {
                    return Poll::Ready(Event::Requests(requests));
                }
                Poll::Pending => {}
            }
            // Frames are written after the client was waited for: they leave when it is waited for again.
            if !self.unsent.load(Ordering::Relaxed) {
                break;
            }
        }
        self.active.waker.register(cx.waker());
        if self.active.count.load(Ordering::Acquire) > 0 {
            self.idle_since = None;
            return Poll::Pending;
        }
        let bound = if self.leaving {
            FAREWELL
        } else {
            self.connection.settings.limits.idle_timeout
        };
        let deadline = *self.idle_since.get_or_insert_with(Instant::now) + bound;
        self.alarm.poll(cx, deadline).map(|()| {
            self.idle_since = None;
            Event::Idle
        })
    }

    /// Hands a request to the engine, or refuses it.
    fn start<A>(
        &mut self,
        service: &Service<A>,
        request: Request<RecvStream>,
        respond: SendResponse<Bytes>,
    ) where
        A: HttpServerApp + Send + Sync + 'static,
    {
        let limits = &self.connection.settings.limits;
        let (parts, body) = request.into_parts();
        let mut header = RequestHeader::from(parts);
        if let Err(refusal) = check_h2_head(&header, limits) {
            self.malformed += u32::from(refusal.status == 400);
            service.events.refused(&self.connection, refusal);
            let page = service.events.page(&self.connection, refusal);
            stream::refuse(respond, refusal, page);
            return;
        }
        if body.is_end_stream() {
            let request = Streamed {
                connection: &self.connection,
                head: &header,
                began: std::time::Instant::now(),
            };
            match service.lane.answer_stream(&request) {
                Ok(answer) => return stream::answer(respond, answer),
                Err(Notes(notes)) if notes.is_empty() => {}
                Err(notes) => header = with_notes(header, notes),
            }
        }
        let session = StreamSession::new(
            header,
            body,
            respond,
            self.connection.clone(),
            self.digest.clone(),
        );
        let busy = Busy::new(self.active.clone());
        let (app, connection) = (service.app.clone(), self.connection.clone());
        tokio::spawn(async move {
            let shutdown = connection.gate.watch();
            let session = ServerSession::new_custom(Box::new(session));
            let served = within(
                connection.settings.limits.total_timeout,
                app.process_new_http(session, &shutdown),
            );
            tokio::select! {
                _ = served => {}
                () = connection.gate.until_cut() => {}
            }
            drop(busy);
        });
    }
}

/// The head of a request with notes that travel along.
fn with_notes(header: RequestHeader, notes: Notes) -> RequestHeader {
    let mut parts = http::request::Parts::from(header);
    parts.extensions.insert(notes);
    parts.into()
}

/// Takes all requests that are there. Ready when the connection is over.
fn accept_all(
    cx: &mut Context<'_>,
    frames: &mut Frames<EdgeIo, Bytes>,
    requests: &mut Vec<Incoming>,
) -> Poll<()> {
    while requests.len() < TOGETHER {
        match ready!(frames.poll_accept(cx)) {
            Some(Ok(incoming)) => requests.push(incoming),
            // Those that are there are served first; the end will be told again.
            Some(Err(_)) | None if requests.is_empty() => return Poll::Ready(()),
            Some(Err(_)) | None => return Poll::Pending,
        }
    }
    Poll::Pending
}

/// What happens next on a connection.
enum Event {
    Requests(Vec<Incoming>),
    /// There was no stream for too long.
    Idle,
    Over,
}

/// How many requests are being served.
#[derive(Default)]
struct Active {
    count: AtomicUsize,
    /// Woken up when the last one ends, so that idleness begins then.
    waker: AtomicWaker,
}

/// One of them.
struct Busy(Arc<Active>);

impl Busy {
    fn new(active: Arc<Active>) -> Self {
        active.count.fetch_add(1, Ordering::AcqRel);
        Self(active)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.waker.wake();
        }
    }
}
