//! A body, or a piece of it.

use crate::host::body;

/// The body, or the next piece of it. The bytes stay in the edge until they are read.
#[derive(Debug)]
pub struct Body(());

impl Body {
    pub(crate) fn current() -> Self {
        Self(())
    }

    /// How many bytes it has.
    #[allow(
        clippy::len_without_is_empty,
        reason = "of a piece, `is_last` is the question"
    )]
    pub fn len(&self) -> usize {
        body::len() as usize
    }

    /// Where it starts in the whole body.
    pub fn offset(&self) -> u64 {
        body::offset()
    }

    /// Whether nothing comes after it. The last piece may be empty.
    pub fn is_last(&self) -> bool {
        body::is_last()
    }

    /// Up to `most` bytes from `start` on.
    pub fn read(&self, start: usize, most: usize) -> Vec<u8> {
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        u32::try_from(start).map_or_else(|_| Vec::new(), |start| body::read(start, most))
    }

    /// All of it.
    pub fn bytes(&self) -> Vec<u8> {
        body::read(0, body::len())
    }
}
