//! Watches one response of a server flow by, by the rules that requests are held to. The engine repairs what is odd and
//! guesses what is missing; here it is refused before the engine sees any of it: a head as a whole, a chunked body at the
//! first byte that is wrong.

mod asked;
mod head;
mod withheld;

use bytes::{Bytes, BytesMut};

use crate::framing::{Bounds, Flaw, FlawKind, Framing, Guard, Scan};
pub(super) use asked::Asked;
use head::Head;
use withheld::Withheld;

/// The bounds of one head; the engine has room for as many fields.
const BOUNDS: Bounds = Bounds {
    first_line: 8 * 1024,
    bytes: 64 * 1024,
    fields: 256,
};
/// Informational heads before the one that counts.
const MAX_INFORMATIONAL: u8 = 16;
/// How often the engine is sent away after an informational head. It polls its two halves, for the server and for the
/// client, in turns: after two rounds the one for the client has passed the head on. Given the next head before that,
/// it would take both together, and drop the first when the second's body comes by way of the cache.
const PAUSES: u8 = 2;

/// How far a response has come.
#[derive(Debug)]
pub(super) struct Reply {
    state: State,
    /// What was read and not handed out: the beginning of a head that is not complete.
    held: BytesMut,
    /// What was held until it was complete, and found good.
    good: Bytes,
    /// The error of a bucket, until it is whole.
    withheld: Withheld,
    informational: u8,
    /// Rounds that the engine still has to go before it gets more.
    pauses: u8,
    /// Whether what is held was not looked at yet.
    unjudged: bool,
    /// Whether the connection may serve another request when the response is over.
    keep_alive: bool,
    /// Whether something came behind the end.
    surplus: bool,
}

#[derive(Debug)]
enum State {
    /// A head is awaited, or not complete.
    Head(Scan),
    Body(Guard),
    /// What comes is not looked at: a body that ends with the connection, or another protocol.
    Rest,
    Done,
}

impl Reply {
    pub(super) fn new() -> Self {
        Self {
            state: State::Head(Scan::default()),
            held: BytesMut::new(),
            good: Bytes::new(),
            withheld: Withheld::Nothing,
            informational: 0,
            pauses: 0,
            unjudged: false,
            keep_alive: false,
            surplus: false,
        }
    }

    /// The reply of a bucket: an error is handed out when it is whole, and with it what its body has to say.
    pub(super) fn of_bucket() -> Self {
        Self {
            withheld: Withheld::Watching,
            ..Self::new()
        }
    }

    /// Judges what was read: how many of these bytes may be handed out now. Those of a bucket's error are kept until it is
    /// whole, which is when `whole` gets to see it.
    pub(super) fn take_or_keep(
        &mut self,
        bytes: &[u8],
        asked: &Asked,
        whole: impl FnOnce(&[u8]),
    ) -> Result<usize, Flaw> {
        let good = self.take(bytes, asked)?;
        if !self.withheld.is_error() {
            return Ok(good);
        }
        let before = std::mem::take(&mut self.good);
        let ended = matches!(self.state, State::Done);
        let early = self.withheld.keep(&before, false);
        let now = bytes.get(..good).unwrap_or_default();
        match early {
            // Too long to wait for: what is left flows by from here on.
            Some(kept) => self.good = [&kept[..], now].concat().into(),
            None => self.good = self.withheld.keep(now, ended).unwrap_or_default(),
        }
        if !self.good.is_empty() {
            whole(&self.good);
        }
        Ok(0)
    }

    /// Judges what was read: how many of these bytes may be handed out now. Of the others, those of a head that is not
    /// complete are kept, and come with [`Self::pop`] when it is; what lies behind the end of the response is dropped.
    pub(super) fn take(&mut self, bytes: &[u8], asked: &Asked) -> Result<usize, Flaw> {
        self.unjudged = false;
        if self.held.is_empty() {
            let good = self.advance(bytes, asked)?;
            if matches!(self.state, State::Head(_)) {
                self.held
                    .extend_from_slice(bytes.get(good..).unwrap_or_default());
            }
            return Ok(good);
        }
        let mut held = std::mem::take(&mut self.held);
        held.extend_from_slice(bytes);
        let good = self.advance(&held, asked)?;
        self.good = held.split_to(good).freeze();
        if matches!(self.state, State::Head(_)) {
            self.held = held;
        }
        Ok(0)
    }

    /// Whether the engine is sent away once more, to pass on the informational head that it has.
    pub(super) fn pause(&mut self) -> bool {
        let pauses = self.pauses > 0;
        self.pauses = self.pauses.saturating_sub(1);
        pauses
    }

    /// Whether there is something to judge without reading more: what came together with an informational head.
    pub(super) fn has_unjudged(&self) -> bool {
        self.unjudged
    }

    /// Up to `most` bytes that were kept and may be handed out by now.
    pub(super) fn pop(&mut self, most: usize) -> Bytes {
        let popped = self.good.split_to(most.min(self.good.len()));
        if self.good.is_empty() {
            self.good = Bytes::new();
        }
        popped
    }

    /// The connection has ended; whether that is within a body is for the engine to judge. `whole` gets to see an error
    /// that was kept until now.
    pub(super) fn end(&mut self, whole: impl FnOnce(&[u8])) -> Result<(), Flaw> {
        if !self.held.is_empty() {
            return Err(Flaw::malformed("connection ended within the head"));
        }
        if let Some(kept) = self.withheld.release() {
            whole(&kept);
            self.good = kept;
        }
        Ok(())
    }

    /// Whether the next byte, if any, is the first one of a head.
    pub(super) fn is_awaited(&self) -> bool {
        matches!(self.state, State::Head(_)) && self.held.is_empty()
    }

    /// Whether all of the response was judged and handed out.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Done) && self.good.is_empty() && !self.withheld.is_error()
    }

    /// Whether the connection can serve another request, as far as the response is concerned.
    pub(super) fn is_reusable(&self) -> bool {
        self.is_over() && self.keep_alive && !self.surplus
    }

    /// Goes through `bytes`, which begin where the last good ones ended; how many of them are good.
    fn advance(&mut self, bytes: &[u8], asked: &Asked) -> Result<usize, Flaw> {
        let mut at = 0;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            match &mut self.state {
                State::Head(scan) => {
                    let Some(len) = scan.end(rest, &BOUNDS)? else {
                        head::check_start(rest)?;
                        return Ok(at);
                    };
                    let head = Head::parse(rest.get(..len).unwrap_or_default())?;
                    self.state = self.behind(&head, asked)?;
                    at += len;
                    if matches!(self.state, State::Head(_)) {
                        self.pauses = PAUSES;
                        self.unjudged = at < bytes.len();
                        return Ok(at);
                    }
                }
                State::Body(guard) => {
                    at += guard.advance(rest)?;
                    if !guard.is_done() {
                        return Ok(at);
                    }
                    self.state = State::Done;
                }
                State::Rest => return Ok(bytes.len()),
                State::Done => {
                    self.surplus |= !rest.is_empty();
                    return Ok(at);
                }
            }
        }
    }

    /// What comes behind a head (RFC 9112, section 6.3).
    fn behind(&mut self, head: &Head, asked: &Asked) -> Result<State, Flaw> {
        const NO_BODY: Flaw = Flaw::malformed("a body where the status allows none");
        let has_body = head.framing.is_some_and(Framing::has_body);
        self.keep_alive = head.keep_alive;
        self.withheld.head(head.status);
        match head.status {
            100..=199 if !head.http11 => Err(Flaw::malformed("informational head of HTTP/1.0")),
            100..=199 | 204 if has_body => Err(NO_BODY),
            101 if asked.for_upgrade() => {
                self.keep_alive = false;
                Ok(State::Rest)
            }
            101 => Err(Flaw::malformed("101 that was not asked for")),
            100..=199 => self.another_head(),
            204 | 304 => Ok(State::Done),
            _ if asked.for_head() => Ok(State::Done),
            _ => match head.framing {
                Some(Framing::None) => Ok(State::Done),
                Some(framing) => Ok(State::Body(Guard::new(framing, u64::MAX))),
                None => {
                    self.keep_alive = false;
                    Ok(State::Rest)
                }
            },
        }
    }

    fn another_head(&mut self) -> Result<State, Flaw> {
        self.informational += 1;
        if self.informational > MAX_INFORMATIONAL {
            return Err(Flaw::new(
                FlawKind::FieldsTooLarge,
                "too many informational heads",
            ));
        }
        Ok(State::Head(Scan::default()))
    }
}

#[cfg(test)]
mod tests;
