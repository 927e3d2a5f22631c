//! Storing a response, piece by piece.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bytes::Bytes;
use http::header;
use pingora_http::ResponseHeader;

use super::Store;
use crate::fill::{Beginning, Fill, FillError, next_id};
use crate::key::KeyRef;
use crate::object::Object;
use crate::policy::{Reason, Terms};
use crate::purge::Generation;
use crate::vary::{Variance, Vary};

/// A response to store.
#[derive(Debug)]
pub struct New<'a> {
    /// What it is found by.
    pub key: KeyRef<'a>,
    /// What distinguishes it from other variants.
    pub variance: Option<Variance>,
    /// The head as the origin sent it; what is not to be stored is taken out.
    pub head: ResponseHeader,
    /// On what terms it is stored.
    pub terms: Terms,
    /// The state of purges when the origin was asked.
    pub born: Generation,
}

/// Writes a response into the store. Dropped before [`Filler::finish`], it has failed, and its readers are told.
#[derive(Debug)]
pub struct Filler {
    store: Store,
    fill: Arc<Fill>,
    held: u64,
    ended: bool,
}

impl Filler {
    pub(super) fn begin(store: &Store, new: New<'_>) -> Option<Self> {
        let New {
            key,
            variance,
            head,
            terms,
            born,
        } = new;
        let fill = Arc::new(Fill::new(Beginning {
            id: next_id(),
            key: key.parts.into(),
            variance,
            vary: Vary::of(&head.headers),
            born,
            labels: store.0.purges.labels(key, &terms.surrogate_keys),
            head: head_to_store(head, &terms, None),
            terms,
        }));
        let declared = declared_length(&fill.head);
        if declared.is_some_and(|length| length > store.max_object()) {
            fill.give_up_storing(Reason::TooLarge);
        }
        let added = store.0.fills.add(key, fill.clone());
        added.then(|| Self {
            store: store.clone(),
            fill,
            held: 0,
            ended: false,
        })
    }

    /// The fill's number, to join it by.
    pub fn id(&self) -> u64 {
        self.fill.id
    }

    /// Adds a piece. Crossing the largest size only ends the storing: those who read go on.
    pub fn write(&mut self, piece: Bytes) -> Result<(), FillError> {
        let length = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        if self.fill.len().saturating_add(length) > self.store.max_object() {
            self.fill.give_up_storing(Reason::TooLarge);
        }
        let written = self.fill.write(piece);
        let held = written.inspect_err(|error| self.fail(*error))?;
        let all = self.store.0.fills.account(self.held, held);
        self.held = held;
        if all > self.store.0.memory.capacity() {
            self.fill.give_up_storing(Reason::Busy);
        }
        Ok(())
    }

    /// Why the response will not be stored, if that is known.
    pub fn unstored(&self) -> Option<Reason> {
        self.fill.unstored()
    }

    /// Ends the response; it is stored unless something stood against it, which is then the answer.
    pub fn finish(mut self) -> Result<Option<Reason>, FillError> {
        let length = self.fill.len();
        if declared_length(&self.fill.head)
            .is_some_and(|declared| declared != length && may_have_body(&self.fill.head))
        {
            self.fail(FillError::WrongLength);
            return Err(FillError::WrongLength);
        }
        if self.was_purged() {
            self.fill.give_up_storing(Reason::Purged);
        }
        if let Some(body) = self.fill.body() {
            self.store_object(body);
        }
        self.ended = true;
        self.fill.complete();
        Ok(self.fill.unstored())
    }

    fn store_object(&self, body: crate::object::Body) {
        let fill = &self.fill;
        let object = Object {
            key: fill.key.clone(),
            variance: fill.variance,
            vary: fill.vary.clone(),
            born: fill.born,
            labels: fill.labels.clone(),
            head: head_to_store(fill.head.clone(), &fill.terms, Some(body.len())),
            body,
            terms: fill.terms.clone(),
            hits: AtomicU64::new(0),
        };
        self.store.0.memory.insert(self.key(), Arc::new(object));
    }

    fn was_purged(&self) -> bool {
        let purges = &self.store.0.purges;
        purges.took(self.key(), &self.fill.labels, self.fill.born)
    }

    fn key(&self) -> KeyRef<'_> {
        KeyRef::from_parts(crate::key::hash(&self.fill.key), &self.fill.key)
    }

    fn fail(&mut self, error: FillError) {
        self.ended = true;
        self.fill.fail(error);
    }
}

impl Drop for Filler {
    fn drop(&mut self) {
        if !self.ended {
            self.fail(FillError::Abandoned);
        }
        self.store
            .0
            .fills
            .remove(self.key(), self.fill.id, self.held);
    }
}

/// The head without what is not to be stored, and with the length once that is known.
pub(super) fn head_to_store(
    mut head: ResponseHeader,
    terms: &Terms,
    length: Option<u64>,
) -> ResponseHeader {
    crate::head::strip_hop_by_hop(&mut head);
    // The age so far is in the terms.
    head.remove_header(&header::AGE);
    for name in terms.withheld.iter() {
        head.remove_header(name);
    }
    if let Some(length) = length
        && may_have_body(&head)
    {
        // The only error is a map that is full, and then the body is sent in chunks.
        drop(head.insert_header(header::CONTENT_LENGTH, length));
    }
    head
}

fn may_have_body(head: &ResponseHeader) -> bool {
    !matches!(head.status.as_u16(), 204 | 205 | 304)
}

fn declared_length(head: &ResponseHeader) -> Option<u64> {
    head.headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}
