//! Storing a response, piece by piece.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::header;
use pingora_http::ResponseHeader;

use super::{Store, spill};
use crate::fill::{Beginning, Fill, FillError, next_id};
use crate::key::KeyRef;
use crate::object::Body;
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
    /// The values that it is chosen by, as [`Vary::selecting`] gives them.
    pub selecting: Option<Arc<[u8]>>,
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
    place: Arc<InFills>,
    /// The largest body that may come in, given what the disk can do.
    limit: u64,
    is_poured: bool,
    ended: bool,
}

/// A fill's place among those on their way in, given up when neither its writer nor the disk needs it any more.
#[derive(Debug)]
pub(super) struct InFills {
    store: Store,
    fill: Arc<Fill>,
    held: AtomicU64,
}

impl Drop for InFills {
    fn drop(&mut self) {
        let held = self.held.load(Ordering::Relaxed);
        let key = key_of(&self.fill);
        self.store.0.fills.remove(key, self.fill.id, held);
    }
}

impl Filler {
    pub(super) fn begin(store: &Store, new: New<'_>) -> Option<Self> {
        let New {
            key,
            variance,
            selecting,
            head,
            terms,
            born,
        } = new;
        let fill = Arc::new(Fill::new(Beginning {
            id: next_id(),
            key: key.parts.into(),
            variance,
            selecting,
            vary: Vary::of(&head.headers),
            born,
            labels: store.0.purges.labels(key, &terms.surrogate_keys),
            head: head_to_store(head, &terms, None),
            terms,
        }));
        let declared = declared_length(&fill.head).unwrap_or_default();
        let limit = store.limit();
        if declared > limit {
            fill.give_up_storing(Reason::TooLarge);
        }
        if !store.0.fills.add(key, fill.clone()) {
            return None;
        }
        let place = Arc::new(InFills {
            store: store.clone(),
            fill: fill.clone(),
            held: AtomicU64::new(0),
        });
        let mut filler = Self {
            store: store.clone(),
            fill,
            place,
            limit,
            is_poured: false,
            ended: false,
        };
        filler.pour_if_large(declared);
        Some(filler)
    }

    /// The fill's number, to join it by.
    pub fn id(&self) -> u64 {
        self.fill.id
    }

    /// Waits until there is room for more: large responses must not be much faster than the disk they go to.
    pub async fn room(&self) {
        if self.is_poured {
            self.fill.keep_pace().await;
        }
    }

    /// Adds a piece. Crossing the largest size only ends the storing: those who read go on.
    pub fn write(&mut self, piece: Bytes) -> Result<(), FillError> {
        let length = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        let all = self.fill.len().saturating_add(length);
        if all > self.limit {
            self.fill.give_up_storing(Reason::TooLarge);
        }
        let written = self.fill.write(piece);
        let held = written.inspect_err(|error| self.fail(*error))?;
        self.pour_if_large(all);
        let before = self.place.held.swap(held, Ordering::Relaxed);
        if self.store.0.fills.account(before, held) > self.store.0.memory.capacity() {
            self.fill.give_up_storing(Reason::Busy);
        }
        Ok(())
    }

    fn pour_if_large(&mut self, length: u64) {
        if self.is_poured || self.fill.unstored().is_some() {
            return;
        }
        if let Some(disk) = self
            .store
            .disk()
            .filter(|disk| length > disk.small() && disk.is_up())
        {
            self.is_poured = true;
            self.fill.is_to_be_poured();
            spill::start(&self.store, &disk, &self.fill, &self.place);
        }
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
        if was_purged(&self.store, &self.fill) {
            self.fill.give_up_storing(Reason::Purged);
        }
        if let Some(body) = self.fill.body() {
            self.store_object(body);
        }
        self.ended = true;
        self.fill.complete();
        Ok(self.fill.unstored())
    }

    fn store_object(&self, body: Body) {
        let length = body.len();
        let object = Arc::new(spill::object(&self.fill, body, length, false));
        self.store.0.memory.insert(object.key(), object.clone());
        if let Some(disk) = self.store.disk() {
            disk.stored(object.key(), &object);
        }
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
    }
}

/// Whether a purge took what a fill brings.
pub(super) fn was_purged(store: &Store, fill: &Fill) -> bool {
    store.0.purges.took(key_of(fill), &fill.labels, fill.born)
}

fn key_of(fill: &Fill) -> KeyRef<'_> {
    KeyRef::from_parts(crate::key::hash(&fill.key), &fill.key)
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
