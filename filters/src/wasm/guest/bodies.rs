//! Bodies that a guest sees: piece by piece, or whole while the head waits.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use pingora_http::ResponseHeader;

use super::super::abi::{ChunkVerdict, Hook, Verdict};
use super::super::instance::{Fault, Head, Instance};
use super::super::state::{Chunk, no_response, vacant};
use super::super::version::Ending;
use super::failing::report;
use super::live::Live;
use super::{Guest, Loaded};
use crate::exchange::{Exchange, RequestBody};
use crate::filter::{BodyHolder, BodyRewriter, FilterError, Summary};

/// A guest's view on one body as it passes.
struct View {
    guest: usize,
    loaded: Arc<Loaded>,
    live: Live,
    hook: Hook,
    /// What the guest sees of the exchange: it is elsewhere while bodies pass.
    exchange: Exchange,
    response: ResponseHeader,
}

impl View {
    fn new(
        guest: &Guest,
        hook: Hook,
        exchange: &mut Exchange,
        response: Option<&ResponseHeader>,
    ) -> Self {
        Self {
            guest: guest.id,
            loaded: guest.pick(exchange),
            live: Live::of(exchange),
            hook,
            exchange: snapshot(exchange),
            response: response.cloned().unwrap_or_else(no_response),
        }
    }

    /// Shows the guest a piece.
    fn show(&mut self, chunk: Chunk) -> Result<ChunkVerdict, FilterError> {
        let version = &self.loaded.version;
        let instance = match self.live.take_of(self.guest) {
            Some(instance) => Ok(instance),
            None if version.waits => Err(Fault {
                ending: Ending::Trap,
                reason: "the instance that wanted the body is gone".to_owned(),
            }),
            None => self.loaded.instance(),
        };
        let called = instance.and_then(|mut instance| {
            instance.state().chunk = chunk;
            instance.state().is_held = false;
            let mut head = Head::Response(&mut self.response);
            let told = instance.body(self.hook, &mut self.exchange, &mut head);
            instance.state().chunk = Chunk::default();
            Ok((instance, told?))
        });
        match called {
            Ok((instance, told)) => {
                self.live.put_of(self.guest, instance);
                version.counters.count(
                    self.hook,
                    if told.is_ok() {
                        Ending::Ok
                    } else {
                        Ending::Error
                    },
                );
                told.map_err(|reason| FilterError::new(format!("it says: {reason}")))
            }
            Err(fault) => {
                report(version, self.hook, &self.exchange, &fault);
                version.health.ended(fault.ending);
                Err(fault.into())
            }
        }
    }

    fn most(&self) -> usize {
        self.loaded.version.limits.body
    }
}

/// What a guest may know of an exchange while it is elsewhere.
fn snapshot(exchange: &Exchange) -> Exchange {
    Exchange {
        request: exchange.request.clone(),
        client: exchange.client.clone(),
        site: exchange.site.clone(),
        route: exchange.route.clone(),
        params: exchange.params.clone(),
        request_id: exchange.request_id.clone(),
        notes: exchange.notes.clone(),
        origin: exchange.origin,
        found: exchange.found,
        ..vacant()
    }
}

/// A body that a guest sees in pieces.
pub(super) struct Chunked {
    view: View,
    /// What the guest wants to see again, with more.
    held: BytesMut,
    offset: u64,
}

impl Chunked {
    pub(super) fn new(
        guest: &Guest,
        hook: Hook,
        exchange: &mut Exchange,
        response: Option<&ResponseHeader>,
    ) -> Self {
        Self {
            view: View::new(guest, hook, exchange, response),
            held: BytesMut::new(),
            offset: 0,
        }
    }

    fn show(&mut self, bytes: Bytes, is_last: bool) -> Result<Bytes, FilterError> {
        let bytes = match self.held.is_empty() {
            true => bytes,
            false => {
                self.held.extend_from_slice(&bytes);
                std::mem::take(&mut self.held).freeze()
            }
        };
        let chunk = Chunk {
            bytes: bytes.clone(),
            offset: self.offset,
            is_last,
        };
        let verdict = self.view.show(chunk)?;
        let len = bytes.len();
        let passed = match verdict {
            ChunkVerdict::Hold if !is_last => {
                let most = self.view.most();
                if len > most {
                    let wrong = format!(
                        "it holds back more than the {most} bytes of `limits.response_body`"
                    );
                    return Err(FilterError::new(wrong));
                }
                self.held = BytesMut::from(&bytes[..]);
                return Ok(Bytes::new());
            }
            ChunkVerdict::Pass | ChunkVerdict::Hold => bytes,
            ChunkVerdict::Replace(other) => other.into(),
            ChunkVerdict::Drop => Bytes::new(),
        };
        self.offset += len as u64;
        Ok(passed)
    }
}

impl BodyRewriter for Chunked {
    fn chunk(&mut self, bytes: Bytes) -> Result<Bytes, FilterError> {
        self.show(bytes, false)
    }

    fn end(&mut self) -> Result<Bytes, FilterError> {
        self.show(Bytes::new(), true)
    }
}

/// Two rewriters, one behind the other.
pub(super) struct Chain<A, B>(pub(super) A, pub(super) B);

impl<A: BodyRewriter, B: BodyRewriter> BodyRewriter for Chain<A, B> {
    fn chunk(&mut self, bytes: Bytes) -> Result<Bytes, FilterError> {
        let bytes = self.0.chunk(bytes)?;
        match bytes.is_empty() {
            true => Ok(bytes),
            false => self.1.chunk(bytes),
        }
    }

    fn end(&mut self) -> Result<Bytes, FilterError> {
        let last = self.0.end()?;
        let mut out = BytesMut::new();
        if !last.is_empty() {
            out.extend_from_slice(&self.1.chunk(last)?);
        }
        out.extend_from_slice(&self.1.end()?);
        Ok(out.freeze())
    }
}

/// A body on its way to the store that a guest wants to have whole. Its head has gone ahead.
pub(super) struct Collecting {
    view: View,
    most: usize,
    held: BytesMut,
    /// Whether the guest has seen it.
    is_shown: bool,
}

impl Collecting {
    pub(super) fn new(
        guest: &Guest,
        hook: Hook,
        exchange: &mut Exchange,
        response: &ResponseHeader,
        most: usize,
    ) -> Self {
        Self {
            view: View::new(guest, hook, exchange, Some(response)),
            most,
            held: BytesMut::new(),
            is_shown: false,
        }
    }

    fn show(&mut self, is_whole: bool) -> Result<Bytes, FilterError> {
        self.is_shown = true;
        let bytes = std::mem::take(&mut self.held).freeze();
        let chunk = Chunk {
            bytes: bytes.clone(),
            offset: 0,
            is_last: is_whole,
        };
        let verdict = self.view.show(chunk)?;
        Ok(replaced(verdict, is_whole)?.unwrap_or(bytes))
    }
}

impl BodyRewriter for Collecting {
    fn chunk(&mut self, bytes: Bytes) -> Result<Bytes, FilterError> {
        if self.is_shown {
            return Ok(bytes);
        }
        self.held.extend_from_slice(&bytes);
        match self.held.len() > self.most {
            true => self.show(false),
            false => Ok(Bytes::new()),
        }
    }

    fn end(&mut self) -> Result<Bytes, FilterError> {
        match self.is_shown {
            true => Ok(Bytes::new()),
            false => self.show(true),
        }
    }
}

/// What a guest makes of a whole body, or of the beginning of one; `None` leaves it as it is.
fn replaced(verdict: ChunkVerdict, is_whole: bool) -> Result<Option<Bytes>, FilterError> {
    let bytes = match verdict {
        ChunkVerdict::Pass | ChunkVerdict::Hold => return Ok(None),
        ChunkVerdict::Replace(bytes) => bytes.into(),
        ChunkVerdict::Drop => Bytes::new(),
    };
    match is_whole {
        true => Ok(Some(bytes)),
        false => Err(FilterError::new(
            "it replaces a body that is longer than it wanted to have, and so was not shown whole",
        )),
    }
}

/// A body on its way to the client that a guest wants to have whole, with its head.
pub(super) struct Holding {
    guest: usize,
    loaded: Arc<Loaded>,
    most: usize,
}

impl Holding {
    pub(super) fn new(guest: &Guest, exchange: &Exchange, most: usize) -> Self {
        Self {
            guest: guest.id,
            loaded: guest.pick(exchange),
            most,
        }
    }
}

#[async_trait]
impl BodyHolder for Holding {
    fn most(&self) -> usize {
        self.most
    }

    async fn whole(
        self: Box<Self>,
        exchange: &mut Exchange,
        head: &mut ResponseHeader,
        body: &Bytes,
        is_whole: bool,
    ) -> Result<Option<Bytes>, FilterError> {
        let version = &self.loaded.version;
        let Some(instance) = Live::take(exchange, self.guest) else {
            return Err(FilterError::new(
                "the instance that wanted the body is gone",
            ));
        };
        let (instance, told) = held(instance, Hook::ResponseBody, body, is_whole, |instance| {
            instance.body(Hook::ResponseBody, exchange, &mut Head::Response(head))
        });
        match told {
            Ok(told) => {
                version.counters.count(Hook::ResponseBody, Ending::Ok);
                Live::put(exchange, self.guest, instance, version, Hook::ResponseBody);
                let verdict =
                    told.map_err(|reason| FilterError::new(format!("it says: {reason}")))?;
                replaced(verdict, is_whole)
            }
            Err(fault) => {
                report(version, Hook::ResponseBody, exchange, &fault);
                version.health.ended(fault.ending);
                Err(fault.into())
            }
        }
    }
}

type Shown = Result<Result<ChunkVerdict, String>, Fault>;

fn held(
    mut instance: Instance,
    hook: Hook,
    body: &Bytes,
    is_whole: bool,
    call: impl FnOnce(&mut Instance) -> Shown,
) -> (Instance, Shown) {
    let state = instance.state();
    state.hook = hook;
    state.is_held = true;
    state.chunk = Chunk {
        bytes: body.clone(),
        offset: 0,
        is_last: is_whole,
    };
    let told = call(&mut instance);
    instance.state().is_held = false;
    instance.state().chunk = Chunk::default();
    (instance, told)
}

impl Guest {
    /// Shows the guest the body of the request that it wanted to have; `None` when it did not.
    pub(super) async fn request_body(
        &self,
        exchange: &mut Exchange,
        head: &mut Head<'_>,
    ) -> Result<Option<Verdict>, FilterError> {
        let Some(body) = exchange.request_body.clone() else {
            return Ok(None);
        };
        let Some(mut instance) = Live::take(exchange, self.id) else {
            return Ok(None);
        };
        let wants = instance.state().wants.take();
        if wants.is_none() {
            Live::of(exchange).put_of(self.id, instance);
            return Ok(None);
        }
        let loaded = self.pick(exchange);
        let RequestBody { bytes, is_whole } = body;
        instance.state().is_held = true;
        instance.state().chunk = Chunk {
            bytes,
            offset: 0,
            is_last: is_whole,
        };
        let told = match loaded.version.waits {
            true => {
                instance
                    .body_waiting(Hook::RequestBody, exchange, head)
                    .await
            }
            false => instance.body(Hook::RequestBody, exchange, head),
        };
        let told =
            told.map_err(|fault| self.failed(&loaded, Hook::RequestBody, exchange, fault))?;
        instance.state().is_held = false;
        instance.state().chunk = Chunk::default();
        loaded.version.counters.count(Hook::RequestBody, Ending::Ok);
        Live::put(
            exchange,
            self.id,
            instance,
            &loaded.version,
            Hook::RequestBody,
        );
        let verdict = told.map_err(|reason| FilterError::new(format!("it says: {reason}")))?;
        if let Some(bytes) = replaced(verdict, is_whole)? {
            exchange.replace_body(bytes);
        }
        Ok(Some(Verdict::Next))
    }

    /// Tells the guest that an exchange is over.
    pub(super) fn over(&self, exchange: &mut Exchange, summary: &Summary) {
        let loaded = self.pick(exchange);
        let version = &loaded.version;
        if !version.hooks.has(Hook::Log) {
            return;
        }
        let instance = match Live::take(exchange, self.id) {
            Some(instance) => Ok(instance),
            // One that waits is not made where nobody does.
            None if version.waits => return,
            None => loaded.instance(),
        };
        let called = instance.and_then(|mut instance| {
            let summary = super::super::abi::Summary::of(summary, exchange.found);
            instance.log(exchange, summary)?;
            Ok(instance)
        });
        match called {
            Ok(instance) => {
                version.counters.count(Hook::Log, Ending::Ok);
                instance.retire();
            }
            Err(fault) => {
                report(version, Hook::Log, exchange, &fault);
                version.health.ended(fault.ending);
                tracing::warn!(filter = %version.name, version = %version.id, reason = fault.reason, "a guest failed when all was over");
            }
        }
    }
}
