//! A stored response.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use pingora_http::ResponseHeader;

use crate::disk::{self, Filed};
use crate::fill::FillError;
use crate::key::KeyRef;
use crate::policy::Terms;
use crate::purge::{Generation, Labels};
use crate::vary::{Variance, Vary};

/// What an object weighs beyond its head and body: itself and its places in the tables.
const OVERHEAD: u64 = 400;

/// A stored response. It never changes but for its count of hits; what renews it puts another in its place.
#[derive(Debug)]
pub struct Object {
    /// Its key's framed parts.
    pub(crate) key: Arc<[u8]>,
    /// What distinguishes it from other variants under its key.
    pub(crate) variance: Option<Variance>,
    /// The values that the variance is a hash of, in the form that [`Vary::selecting`] gives them.
    pub(crate) selecting: Option<Arc<[u8]>>,
    /// The request fields it varies on.
    pub(crate) vary: Vary,
    /// The state of purges when its origin was asked.
    pub(crate) born: Generation,
    /// What it can be purged by.
    pub(crate) labels: Labels,
    /// The head as it is served, but for `Age`.
    pub head: ResponseHeader,
    /// The whole body.
    pub body: Body,
    /// On what terms it is stored.
    pub terms: Terms,
    /// How often it was served.
    pub(crate) hits: AtomicU64,
    /// Whether the disk tier has it, or will have it soon.
    pub(crate) written: AtomicBool,
    /// Whether another took its place.
    pub(crate) superseded: AtomicBool,
}

impl Object {
    /// Its key.
    pub fn key(&self) -> KeyRef<'_> {
        KeyRef::from_parts(crate::key::hash(&self.key), &self.key)
    }

    /// What distinguishes it from other variants under its key; `None` when it does not vary.
    pub fn variance(&self) -> Option<Variance> {
        self.variance
    }

    /// How often it was served.
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// What it weighs in memory, in bytes.
    pub fn weight(&self) -> u64 {
        let fields = self
            .head
            .headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len() + 64);
        let head: usize = fields.sum::<usize>() + self.key.len();
        OVERHEAD + u64::try_from(head).unwrap_or(u64::MAX) + self.body.weight()
    }

    /// Counts a hit; how many there were before.
    pub(crate) fn count_hit(&self) -> u64 {
        self.hits.fetch_add(1, Ordering::Relaxed)
    }

    /// What distinguishes it from other variants under its key, in a form that is the same in every process.
    pub(crate) fn variant_name(&self) -> u32 {
        disk::of_variant(self.selecting.as_deref())
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
    Memory { pieces: Pieces, len: u64 },
    Disk(Filed),
}

/// Most bodies are one piece, and then there is no list to go through.
#[derive(Debug, Clone)]
enum Pieces {
    One(Bytes),
    Many(Arc<[Bytes]>),
}

impl Body {
    /// A body of these pieces.
    pub fn new(pieces: Vec<Bytes>) -> Self {
        let len = pieces
            .iter()
            .map(|piece| u64::try_from(piece.len()).unwrap_or(u64::MAX))
            .sum();
        let pieces = match <[Bytes; 1]>::try_from(pieces) {
            Ok([piece]) => Pieces::One(piece),
            Err(pieces) if pieces.is_empty() => Pieces::One(Bytes::new()),
            Err(pieces) => Pieces::Many(pieces.into()),
        };
        Self(Place::Memory { pieces, len })
    }

    /// A body of which only the length was read.
    pub(crate) fn unread(len: u64) -> Self {
        let pieces = Pieces::One(Bytes::new());
        Self(Place::Memory { pieces, len })
    }

    /// A body that is a file.
    pub(crate) fn filed(file: Filed) -> Self {
        Self(Place::Disk(file))
    }

    /// The file that it is.
    pub(crate) fn as_filed(&self) -> Option<&Filed> {
        match &self.0 {
            Place::Disk(file) => Some(file),
            Place::Memory { .. } => None,
        }
    }

    /// The pieces in order, when they are in memory.
    pub fn pieces(&self) -> Option<&[Bytes]> {
        match &self.0 {
            Place::Memory { pieces, .. } => Some(match pieces {
                Pieces::One(piece) => std::slice::from_ref(piece),
                Pieces::Many(pieces) => pieces,
            }),
            Place::Disk(_) => None,
        }
    }

    /// The pieces in order, read from its file if it is one. Waits for the disk.
    ///
    /// # Errors
    /// When the file is gone or damaged.
    pub fn read(&self) -> Result<Vec<Bytes>, FillError> {
        match &self.0 {
            Place::Memory { pieces, .. } => Ok(match pieces {
                Pieces::One(piece) => vec![piece.clone()],
                Pieces::Many(pieces) => pieces.to_vec(),
            }),
            Place::Disk(file) => file.read(),
        }
    }

    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        match &self.0 {
            Place::Memory { len, .. } => *len,
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

    /// What it takes in memory, in bytes.
    fn weight(&self) -> u64 {
        match &self.0 {
            Place::Memory { len, .. } => *len,
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
