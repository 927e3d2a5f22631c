//! Reading objects: the record is judged, then it is made an object again.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;

use super::filed::Filed;
use super::index::{Entry, Place};
use super::record::{self, FRAME, Frame, Kind};
use super::writer::Order;
use super::{Shared, reading};
use crate::key::KeyRef;
use crate::object::{Body, Object, StoredHead, StoredTerms, Varying};
use crate::purge::{Generation, Verdict};
use crate::vary::{self, Vary};

/// An object as a record has it, with its body if that was read too.
pub(super) struct Loaded {
    pub(super) object: Object,
    pub(super) frame: Frame,
    pub(super) file: Arc<File>,
    pub(super) has_body: bool,
}

impl Shared {
    /// Reads a record, with its body if it is wanted.
    pub(super) async fn load(self: &Arc<Self>, entry: &Entry, with_body: bool) -> Option<Loaded> {
        let place = entry.place;
        let Some(stored) = self.stored(place.file) else {
            self.index.remove_at(entry.key, place);
            return None;
        };
        let file = self.handle(place.file).await?;
        let position = stored.position(&place)?;
        let body = if with_body { place.body as usize } else { 0 };
        match reading::read(&file, [place.head as usize, body], position).await {
            Ok([head, body]) => {
                let loaded = self.judge(&place, &head, body.into(), with_body, file);
                if loaded.is_err() {
                    self.read_failed(entry, &record::Damaged);
                }
                loaded.ok()
            }
            Err(error) => {
                self.read_failed(entry, &error);
                None
            }
        }
    }

    pub(super) fn judge(
        self: &Arc<Self>,
        place: &Place,
        bytes: &[u8],
        body: Bytes,
        with_body: bool,
        file: Arc<File>,
    ) -> Result<Loaded, record::Damaged> {
        let frame = Frame::read(bytes)?;
        frame.verify(bytes)?;
        let head = record::read(&bytes[FRAME..])?;
        let filed = head.filed.is_some();
        if !frame.lies_at(place) || filed != (frame.kind == Kind::Filed) {
            return Err(record::Damaged);
        }
        if with_body && !filed && record::sum([&*body]) != frame.body_sum {
            return Err(record::Damaged);
        }
        let body = match head.filed {
            Some(filed) => Body::filed(Filed::new(Arc::downgrade(self), place.file, filed)),
            None if with_body => Body::new(vec![body]),
            None => Body::unread(u64::from(frame.body)),
        };
        let varying = Varying {
            variance: head.selecting.as_deref().map(vary::variance_of),
            vary: Vary::of(&head.head.headers),
            selecting: head.selecting,
        }
        .boxed();
        let object = Object {
            key: head.key,
            varying,
            born: Generation::from_bits(head.born),
            labels: Box::default(),
            head: StoredHead::of(&head.head),
            body,
            terms: StoredTerms::of(head.terms),
            hits: AtomicU64::new(head.hits),
            written: AtomicBool::new(true),
            superseded: AtomicBool::new(false),
        };
        Ok(Loaded {
            object,
            frame,
            file,
            has_body: with_body || filed,
        })
    }

    /// Adds the body and the labels to an object that is the one asked for.
    pub(super) async fn complete(
        self: &Arc<Self>,
        entry: Entry,
        loaded: Loaded,
    ) -> Option<Arc<Object>> {
        let Loaded {
            mut object,
            frame,
            file,
            has_body,
        } = loaded;
        if !has_body {
            let position = u64::from(entry.place.offset) + u64::from(entry.place.head);
            let read = reading::read(&file, [0, frame.body as usize], position).await;
            let [_, body] = read
                .inspect_err(|error| self.read_failed(&entry, error))
                .ok()?;
            if record::sum([body.as_slice()]) != frame.body_sum {
                self.read_failed(&entry, &record::Damaged);
                return None;
            }
            object.body = Body::new(vec![body.into()]);
        }
        let key = KeyRef::from_parts(0, &object.key);
        let (labels, verdict) =
            self.purges
                .readmit(key, object.terms.surrogate_keys(), object.born);
        object.labels = labels;
        match verdict {
            Verdict::Untouched => {}
            Verdict::StaleSince(time) => object.expire_at(time),
            Verdict::Gone => {
                self.index.remove_at(entry.key, entry.place);
                return None;
            }
        }
        self.index.hit(entry.key, entry.place);
        self.counts.hits.fetch_add(1, Ordering::Relaxed);
        Some(Arc::new(object))
    }

    /// Reads the head of an object, on a thread that may wait.
    pub(super) fn head(self: &Arc<Self>, entry: &Entry) -> Option<Object> {
        let place = entry.place;
        let stored = self.stored(place.file)?;
        let file = stored
            .segment
            .clone()
            .or_else(|| self.open_object(place.file))?;
        let position = stored.position(&place)?;
        let [head, _] = reading::read_waiting(&file, [place.head as usize, 0], position).ok()?;
        let mut object = self
            .judge(&place, &head, Bytes::new(), false, file)
            .ok()?
            .object;
        object
            .hits
            .fetch_add(u64::from(entry.hits), Ordering::Relaxed);
        let key = KeyRef::from_parts(0, &object.key);
        match self
            .purges
            .readmit(key, object.terms.surrogate_keys(), object.born)
            .1
        {
            Verdict::Untouched => {}
            Verdict::StaleSince(time) => object.expire_at(time),
            Verdict::Gone => return None,
        }
        Some(object)
    }

    pub(super) fn read_failed(&self, entry: &Entry, why: &dyn std::fmt::Display) {
        self.index.remove_at(entry.key, entry.place);
        if self.counts.read_faults.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::error!(
                file = entry.place.file,
                "reading the cache's disk failed, the object is fetched anew: {why}"
            );
        } else {
            tracing::debug!(
                file = entry.place.file,
                "reading the cache's disk failed: {why}"
            );
        }
    }

    /// A file of a large object turned out to be damaged.
    pub(super) fn lose(&self, number: u32) {
        self.counts.read_faults.fetch_add(1, Ordering::Relaxed);
        tracing::error!(
            file = number,
            "a large object of the cache's disk is damaged and goes"
        );
        self.forget_file(number);
        self.order(Order::Lost(number));
    }
}
