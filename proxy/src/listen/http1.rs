//! The life of an HTTP/1.x connection: a head is read and judged here, the request is lent to the engine, and the connection
//! comes back for the next.

use std::future::{Future, poll_fn};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use pingora::apps::{HttpPersistentSettings, HttpServerApp, ReusedHttpStream};
use pingora::protocols::http::ServerSession;
use pingora::server::ShutdownWatch;
use tokio::time::{Instant, timeout, timeout_at};

use super::edge_io::{EdgeIo, Home};
use super::events::Events;
use super::head::Head;
use super::lane::{Answered, Lane, Notes, Outgoing, Plain};
use super::refusal::Refusal;
use super::wire::{NoHead, Wire};

/// How long a client may take to read a last response and to stop sending.
const LINGER: Duration = Duration::from_secs(3);
/// How much of what it still sends is read and forgotten.
const LINGER_BYTES: usize = 8 * 1024 * 1024;

/// Serves a connection to its end; the number of requests.
pub(super) async fn serve<A>(
    app: &Arc<A>,
    wire: Box<Wire>,
    events: &dyn Events,
    lane: &dyn Lane,
) -> u32
where
    A: HttpServerApp + Send + Sync + 'static,
{
    let home = Arc::new(Home::default());
    let shutdown = wire.connection().gate.watch();
    let mut carried = None;
    let mut wire = wire;
    loop {
        let (head, bytes) = match poll_fn(|cx| wire.poll_head(cx)).await {
            Ok(head) => head,
            Err(NoHead::Over) => return end(wire).await,
            Err(NoHead::Refused(refusal)) => return refuse(wire, refusal, false, events).await,
        };
        match overtake(lane, &mut wire, &head, &bytes).await {
            Overtaken::Not(notes) => wire.connection().carry(notes),
            Overtaken::Answered => {
                // Who sends thousands of requests at once has no more than its turn.
                tokio::task::coop::consume_budget().await;
                continue;
            }
            Overtaken::Last => return end(wire).await,
            Overtaken::Broken => return wire.requests(),
        }
        // What was answered already does not wait for the engine.
        if poll_fn(|cx| wire.poll_flush(cx)).await.is_err() {
            return wire.requests();
        }
        let is_head = bytes.starts_with(b"HEAD ");
        let mut request = Lent {
            carried: carried.take(),
            shutdown: &shutdown,
            home: &home,
        };
        let reused = request.serve(app, wire, head, bytes).await;
        match home.take() {
            Some(back) => wire = back,
            // The engine keeps it: nothing can be done for it any more.
            None => return 0,
        }
        match wire.fault().filter(|_| wire.is_unanswered()) {
            Some(refusal) => return refuse(wire, refusal, is_head, events).await,
            None if let Some(refusal) = wire.fault() => {
                events.refused(wire.connection(), refusal);
                return end(wire).await;
            }
            None => {}
        }
        match reused {
            Some(settings) if wire.is_reusable() => carried = settings,
            _ => return end(wire).await,
        }
        // The engine has flushed, as a rule.
        if poll_fn(|cx| wire.poll_flush(cx)).await.is_err() {
            return wire.requests();
        }
    }
}

/// What became of a request in the fast lane.
enum Overtaken {
    /// It has to go to the engine.
    Not(Notes),
    Answered,
    /// It was answered, and the connection ends.
    Last,
    /// It could not be answered to the end.
    Broken,
}

/// Answers a plain request in the fast lane, if that can. What was gathered leaves when the next request is waited for.
async fn overtake(lane: &dyn Lane, wire: &mut Wire, head: &Head, bytes: &BytesMut) -> Overtaken {
    if !head.is_plain || !head.http11 {
        return Overtaken::Not(Notes::default());
    }
    let is_last = is_last(head, wire);
    let answered = wire.answer(|connection, output| {
        let plain = Plain {
            connection,
            head,
            bytes,
            is_last,
            began: std::time::Instant::now(),
        };
        lane.answer(&plain, output)
    });
    let sent = match answered {
        Err(notes) => return Overtaken::Not(notes),
        Ok(Answered::Whole) => wire.keep_small().await.is_ok(),
        Ok(Answered::Body(body)) => Box::pin(send(wire, body)).await,
    };
    match (sent, is_last) {
        (true, false) => Overtaken::Answered,
        (true, true) => Overtaken::Last,
        (false, _) => Overtaken::Broken,
    }
}

/// Sends a body from where it lies; whether all of it was sent.
async fn send(wire: &mut Wire, mut body: Box<dyn Outgoing>) -> bool {
    let bound = wire.connection().settings.limits.total_timeout;
    let sent = within(bound, wire.send(&mut *body)).await;
    matches!(sent, Some(Ok(())))
}

/// Whether the connection ends with the answer to this request.
fn is_last(head: &Head, wire: &Wire) -> bool {
    let connection = wire.connection();
    !head.keep_alive
        || wire.requests() >= connection.settings.limits.max_requests_per_connection
        || connection.is_draining()
}

/// What a request is served with.
struct Lent<'a> {
    carried: Option<HttpPersistentSettings>,
    shutdown: &'a ShutdownWatch,
    home: &'a Arc<Home>,
}

impl Lent<'_> {
    /// Lends the connection to the engine for one request. What comes back is whether, and with what, another may follow.
    async fn serve<A>(
        &mut self,
        app: &Arc<A>,
        mut wire: Box<Wire>,
        head: Head,
        bytes: BytesMut,
    ) -> Option<Option<HttpPersistentSettings>>
    where
        A: HttpServerApp + Send + Sync + 'static,
    {
        let connection = wire.connection().clone();
        let limits = &connection.settings.limits;
        let is_last = is_last(&head, &wire);
        let bytes = in_origin_form(&head, bytes);
        wire.begin(&head, bytes);
        let mut session = ServerSession::new_http1(Box::new(EdgeIo::lend(wire, self.home)));
        if let Some(settings) = self.carried.take() {
            settings.apply_to_session(&mut session);
        }
        // RFC 9110 §15.2: who speaks HTTP/1.0 knows none.
        session.set_ignore_info_resp(!head.http11);
        session.set_keepalive(Some(0));
        session.set_keepalive_reuses_remaining(is_last.then_some(0));
        // Every wait for the client has its bound in our own stream.
        session.set_read_timeout(None);
        session.set_write_timeout(None);
        let served = app.process_new_http(session, self.shutdown);
        within(limits.total_timeout, served)
            .await
            .flatten()
            .map(take_settings)
    }
}

/// The head as the engine shall see it: an absolute target in origin form, with a `Host` in any case.
fn in_origin_form(head: &Head, bytes: BytesMut) -> BytesMut {
    let part = |range: &Range<usize>| bytes.get(range.clone()).unwrap_or_default();
    let Some(authority) = &head.authority else {
        return bytes;
    };
    let path = part(&head.path);
    let method = part(&head.method);
    let mut rewritten = BytesMut::with_capacity(bytes.len() + 16);
    rewritten.extend_from_slice(method);
    rewritten.extend_from_slice(match path.first() {
        Some(b'/') => b" ",
        None if method == b"OPTIONS" => b" *",
        _ => b" /",
    });
    rewritten.extend_from_slice(path);
    rewritten.extend_from_slice(if head.http11 {
        b" HTTP/1.1\r\n"
    } else {
        b" HTTP/1.0\r\n"
    });
    if head.host.is_none() {
        rewritten.extend_from_slice(b"Host: ");
        rewritten.extend_from_slice(part(authority));
        rewritten.extend_from_slice(b"\r\n");
    }
    rewritten.extend_from_slice(bytes.get(head.fields..).unwrap_or_default());
    rewritten
}

/// Drops the stream, whereby it goes home, and keeps what the engine wants to remember.
fn take_settings(reused: ReusedHttpStream) -> Option<HttpPersistentSettings> {
    reused.consume().1
}

/// What the future gives, if it does so in time.
pub(super) async fn within<T>(
    bound: Option<Duration>,
    future: impl Future<Output = T>,
) -> Option<T> {
    match bound {
        Some(bound) => timeout(bound, future).await.ok(),
        None => Some(future.await),
    }
}

/// Answers a request that the engine never saw, or whose body it could not have, and ends the connection.
async fn refuse(mut wire: Box<Wire>, refusal: Refusal, is_head: bool, events: &dyn Events) -> u32 {
    let page = events.page(wire.connection(), refusal);
    events.refused(wire.connection(), refusal);
    wire.append(&refusal.response(page, !is_head));
    linger(&mut wire, true).await;
    wire.requests()
}

/// Ends a connection after its last response.
async fn end(mut wire: Box<Wire>) -> u32 {
    let unread = wire.has_unread();
    linger(&mut wire, unread).await;
    wire.requests()
}

/// Says good-bye, then reads on for a while: closing with unread bytes would make the kernel send a reset, which can
/// overtake the response.
async fn linger(wire: &mut Wire, unread: bool) {
    let deadline = Instant::now() + LINGER;
    let said = timeout_at(deadline, poll_fn(|cx| wire.poll_shutdown(cx))).await;
    if !unread || !matches!(said, Ok(Ok(()))) {
        return;
    }
    let mut left = LINGER_BYTES;
    while left > 0 {
        match timeout_at(deadline, poll_fn(|cx| wire.poll_discard(cx))).await {
            Ok(Ok(read)) if read > 0 => left = left.saturating_sub(read),
            _ => return,
        }
    }
}
