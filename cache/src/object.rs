//! A stored response.

mod head;
pub(crate) mod terms;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use pingora_http::ResponseHeader;

use crate::disk::{self, Filed};
use crate::fill::FillError;
use crate::key::KeyRef;
use crate::policy::Terms;
use crate::purge::{Generation, Labels};
use crate::vary::{Variance, Vary};
pub use head::Line;
pub(crate) use head::StoredHead;
pub(crate) use terms::StoredTerms;

/// What an object weighs beyond its key, head and body, as measured by the bench `bytes_per_object`: itself, its places in
/// the tables, the label of its URL, and what the allocator rounds up.
const OVERHEAD: u64 = 600;

/// What each piece of a body weighs beyond its bytes.
const PIECE: u64 = 64;

/// A stored response. It never changes but for its count of hits; what renews it puts another in its place.
#[derive(Debug)]
pub struct Object {
    /// Its key's framed parts.
    pub(crate) key: Arc<[u8]>,
    /// What tells it from other variants under its key; most have none.
    pub(crate) varying: Option<Box<Varying>>,
    /// The state of purges when its origin was asked.
    pub(crate) born: Generation,
    /// What it can be purged by.
    pub(crate) labels: Labels,
    /// The head as it is served, but for `Age`.
    pub(crate) head: StoredHead,
    /// The whole body.
    pub body: Body,
    /// On what terms it is stored.
    pub(crate) terms: StoredTerms,
    /// How often it was served.
    pub(crate) hits: AtomicU64,
    /// Whether the disk tier has it, or will have it soon.
    pub(crate) written: AtomicBool,
    /// Whether another took its place.
    pub(crate) superseded: AtomicBool,
}

/// What tells a variant from others under its key.
#[derive(Debug, Clone)]
pub(crate) struct Varying {
    pub(crate) variance: Option<Variance>,
    /// The values that the variance is a hash of, in the form that [`Vary::selecting`] gives them.
    pub(crate) selecting: Option<Arc<[u8]>>,
    /// The request fields it varies on.
    pub(crate) vary: Vary,
}

impl Varying {
    /// The same where it takes no room when there is nothing in it.
    pub(crate) fn boxed(self) -> Option<Box<Self>> {
        let varies = self.variance.is_some() || !self.vary.names().is_empty();
        varies.then(|| Box::new(self))
    }

    fn weight(&self) -> usize {
        let names = size_of_val(self.vary.names());
        size_of::<Self>() + names + self.selecting.as_deref().map_or(0, <[u8]>::len)
    }
}

impl Object {
    /// Its key.
    pub fn key(&self) -> KeyRef<'_> {
        KeyRef::from_parts(crate::key::hash(&self.key), &self.key)
    }

    /// What distinguishes it from other variants under its key; `None` when it does not vary.
    pub fn variance(&self) -> Option<Variance> {
        self.varying.as_ref()?.variance
    }

    /// The values that the variance is a hash of.
    pub(crate) fn selecting(&self) -> Option<&[u8]> {
        self.varying.as_ref()?.selecting.as_deref()
    }

    /// The request fields it varies on, if any.
    pub(crate) fn vary(&self) -> Option<&Vary> {
        self.varying.as_ref().map(|varying| &varying.vary)
    }

    /// Whether it is the variant that a request with these fields asks for.
    pub(crate) fn answers(&self, request: &HeaderMap) -> bool {
        let wanted = self.vary().and_then(|vary| vary.variance(request));
        self.variance() == wanted
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.head.status()
    }

    /// The phrase beside its status.
    pub fn reason(&self) -> Option<&str> {
        self.head.reason()
    }

    /// The fields of its head but for `Age`: names, in the case in which they are sent, and values.
    pub fn fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.head.fields()
    }

    /// The same with the lines that they are sent as over HTTP/1.1.
    pub fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.head.lines()
    }

    /// The head as it is served, but for `Age`.
    pub fn head(&self) -> ResponseHeader {
        self.head.unpack()
    }

    /// The same without the case of its names, which [`Object::fields`] has, and room for so many fields more: quicker to
    /// make.
    pub fn head_without_case(&self, room: usize) -> ResponseHeader {
        self.head.unpack_names(room)
    }

    /// On what terms it is stored.
    pub fn terms(&self) -> Terms {
        self.terms.unpack()
    }

    /// How often it was served.
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// What it weighs in memory, in bytes.
    pub fn weight(&self) -> u64 {
        let varying = self.varying.as_deref().map_or(0, Varying::weight);
        let own = u64::try_from(self.key.len() + varying).unwrap_or(u64::MAX);
        OVERHEAD + own + self.head.weight() + self.terms.weight() + self.body.weight()
    }

    /// Makes it stale from this time on, if it was not before.
    pub(crate) fn expire_at(&mut self, time: SystemTime) {
        let mut terms = self.terms();
        terms.expire_at(time);
        self.terms = StoredTerms::of(terms);
    }

    /// Counts a hit; how many there were before.
    pub(crate) fn count_hit(&self) -> u64 {
        self.hits.fetch_add(1, Ordering::Relaxed)
    }

    /// What distinguishes it from other variants under its key, in a form that is the same in every process.
    pub(crate) fn variant_name(&self) -> u32 {
        disk::of_variant(self.selecting())
    }

    pub(crate) fn is_written(&self) -> bool {
        self.written.load(Ordering::Relaxed)
    }

    pub(crate) fn set_written(&self, written: bool) {
        self.written.store(written, Ordering::Relaxed);
    }

    pub(crate) fn is_superseded(&self) -> bool {
        self.superseded.load(Ordering::Relaxed)
    }

    pub(crate) fn supersede(&self) {
        self.superseded.store(true, Ordering::Relaxed);
    }
}

/// A whole body: in memory, in pieces that all readers share, or a file of the disk tier.
#[derive(Debug, Clone)]
pub struct Body(Place);

#[derive(Debug, Clone)]
enum Place {
    /// In memory, and in one piece, as most are.
    One(Bytes),
    /// In memory, and how long they are in all.
    Many(Arc<[Bytes]>, u64),
    /// Only its length was read.
    Unread(u64),
    Disk(Box<Filed>),
}

impl Body {
    /// A body of these pieces.
    pub fn new(pieces: Vec<Bytes>) -> Self {
        Self(match <[Bytes; 1]>::try_from(pieces) {
            Ok([piece]) => Place::One(piece),
            Err(pieces) if pieces.is_empty() => Place::One(Bytes::new()),
            Err(pieces) => {
                let len = pieces.iter().map(length).sum();
                Place::Many(pieces.into(), len)
            }
        })
    }

    /// A body of which only the length was read.
    pub(crate) fn unread(len: u64) -> Self {
        Self(Place::Unread(len))
    }

    /// A body that is a file.
    pub(crate) fn filed(file: Filed) -> Self {
        Self(Place::Disk(Box::new(file)))
    }

    /// The file that it is.
    pub(crate) fn as_filed(&self) -> Option<&Filed> {
        match &self.0 {
            Place::Disk(file) => Some(file),
            _ => None,
        }
    }

    /// The pieces in order, when they are in memory.
    pub fn pieces(&self) -> Option<&[Bytes]> {
        match &self.0 {
            Place::One(piece) => Some(std::slice::from_ref(piece)),
            Place::Many(pieces, _) => Some(pieces),
            Place::Unread(_) => Some(&[]),
            Place::Disk(_) => None,
        }
    }

    /// The pieces in order, read from its file if it is one. Waits for the disk.
    ///
    /// # Errors
    /// When the file is gone or damaged.
    pub fn read(&self) -> Result<Vec<Bytes>, FillError> {
        match &self.0 {
            Place::One(piece) => Ok(vec![piece.clone()]),
            Place::Many(pieces, _) => Ok(pieces.to_vec()),
            Place::Unread(_) => Err(FillError::Disk),
            Place::Disk(file) => file.read(),
        }
    }

    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        match &self.0 {
            Place::One(piece) => length(piece),
            Place::Many(_, len) | Place::Unread(len) => *len,
            Place::Disk(file) => file.len(),
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it can still be read: a file may have been put out.
    pub(crate) fn is_there(&self) -> bool {
        self.as_filed().is_none_or(Filed::is_there)
    }

    /// Whether all of it is in memory.
    pub(crate) fn is_in_memory(&self) -> bool {
        matches!(self.0, Place::One(_) | Place::Many(..))
    }

    /// What it takes in memory, in bytes.
    fn weight(&self) -> u64 {
        match &self.0 {
            Place::One(piece) => length(piece),
            Place::Many(pieces, len) => *len + pieces.iter().map(|_| PIECE).sum::<u64>(),
            Place::Unread(_) => 0,
            Place::Disk(file) => file.weight(),
        }
    }

    /// What follows after `position`, as far as its piece goes; `None` at the end, and when it is not in memory.
    pub fn from(&self, position: u64) -> Option<Bytes> {
        let mut skip = usize::try_from(position).ok()?;
        for piece in self.pieces()? {
            if skip < piece.len() {
                return Some(piece.slice(skip..));
            }
            skip -= piece.len();
        }
        None
    }
}

fn length(piece: &Bytes) -> u64 {
    u64::try_from(piece.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_read_from_anywhere() {
        let body = Body::new(["ab", "", "cde"].map(Bytes::from).to_vec());
        assert_eq!(body.len(), 5);
        for (position, rest) in [
            (0, Some("ab")),
            (1, Some("b")),
            (2, Some("cde")),
            (4, Some("e")),
            (5, None),
            (9, None),
        ] {
            assert_eq!(body.from(position), rest.map(Bytes::from), "{position}");
        }
        assert!(Body::new(vec![]).is_empty());
        assert_eq!(Body::new(vec![]).from(0), None);
    }
}
