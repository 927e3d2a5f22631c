//! The bytes of a body that grows, and that are dropped from the front when it is too large to be kept.
//!
//! A piece of a network buffer keeps the whole buffer alive. So small pieces are copied, and once some hundred KiB have
//! come together they are folded into one allocation of exactly their size: each byte is copied once or twice, and what
//! a body holds is what it weighs.

use bytes::{Bytes, BytesMut};

/// Pieces below this are copied, since they would keep much more alive than they are.
const COPIED_BELOW: usize = 8 << 10;
/// Bodies up to this are one piece when stored, and larger ones are pieces of about this size.
const FOLDED: u64 = 256 << 10;
/// Loose pieces are folded when there are more than this, however small they are.
const MAX_LOOSE: usize = 512;

/// A body that grows.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// Each with the position of its first byte.
    pieces: Vec<(u64, Bytes)>,
    /// The first piece that has not been folded.
    loose: usize,
    start: u64,
    end: u64,
}

impl Pieces {
    pub(super) fn push(&mut self, piece: Bytes) {
        if piece.is_empty() {
            return;
        }
        let length = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        let piece = if piece.len() < COPIED_BELOW {
            Bytes::copy_from_slice(&piece)
        } else {
            piece
        };
        self.pieces.push((self.end, piece));
        self.end += length;
        if self.loose_bytes() >= FOLDED || self.pieces.len() - self.loose > MAX_LOOSE {
            self.fold();
        }
    }

    /// What follows after `position`, as far as its piece goes.
    pub(super) fn from(&self, position: u64) -> Option<Bytes> {
        let after = self.pieces.partition_point(|(start, _)| *start <= position);
        let (start, piece) = self.pieces.get(after.checked_sub(1)?)?;
        let skip = usize::try_from(position - start).ok()?;
        (skip < piece.len()).then(|| piece.slice(skip..))
    }

    /// The `length` bytes after `position`, as far as they are held.
    pub(super) fn range(&self, mut position: u64, length: u64) -> Vec<Bytes> {
        let end = position + length;
        let mut pieces = Vec::new();
        while position < end
            && let Some(mut piece) = self.from(position)
        {
            piece.truncate(usize::try_from(end - position).unwrap_or(usize::MAX));
            position += u64::try_from(piece.len()).unwrap_or(u64::MAX);
            pieces.push(piece);
        }
        pieces
    }

    /// Drops the pieces that end before `position`.
    pub(super) fn drop_before(&mut self, position: u64) {
        let ends_before = |(start, piece): &(u64, Bytes)| {
            start + u64::try_from(piece.len()).unwrap_or(0) <= position
        };
        let dropped = self
            .pieces
            .iter()
            .take_while(|piece| ends_before(piece))
            .count();
        self.pieces.drain(..dropped);
        self.loose = self.loose.saturating_sub(dropped);
        self.start = self.pieces.first().map_or(self.end, |(start, _)| *start);
    }

    /// Bytes held.
    pub(super) fn held(&self) -> u64 {
        self.end - self.start
    }

    /// Bytes that came in all.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// The pieces as they are to be stored.
    pub(super) fn settle(&mut self) -> Vec<Bytes> {
        if self.held() <= FOLDED {
            self.loose = 0;
        }
        self.fold();
        self.pieces.iter().map(|(_, piece)| piece.clone()).collect()
    }

    fn loose_bytes(&self) -> u64 {
        self.pieces
            .get(self.loose)
            .map_or(0, |(start, _)| self.end - start)
    }

    fn fold(&mut self) {
        let Some((start, _)) = self.pieces.get(self.loose) else {
            return;
        };
        let start = *start;
        let mut folded =
            BytesMut::with_capacity(usize::try_from(self.loose_bytes()).unwrap_or_default());
        for (_, piece) in self.pieces.drain(self.loose..) {
            folded.extend_from_slice(&piece);
        }
        self.pieces.push((start, folded.freeze()));
        self.loose = self.pieces.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &Pieces, mut position: u64) -> Vec<u8> {
        let mut all = Vec::new();
        while let Some(piece) = pieces.from(position) {
            position += u64::try_from(piece.len()).unwrap();
            all.extend_from_slice(&piece);
        }
        all
    }

    fn bytes(count: usize) -> Vec<u8> {
        (0..count)
            .map(|index| u8::try_from(index % 251).unwrap())
            .collect()
    }

    #[test]
    fn folding_changes_no_byte() {
        for size in [1, 100, 9000, 70_000] {
            let (all, mut pieces) = (bytes(700_000), Pieces::default());
            for piece in all.chunks(size) {
                pieces.push(Bytes::copy_from_slice(piece));
            }
            assert_eq!(read(&pieces, 0), all);
            assert_eq!(read(&pieces, 699_990), all[699_990..]);
            assert_eq!(pieces.settle().concat(), all);
            assert!(
                pieces.pieces.len() <= 1400,
                "{} pieces of {size}",
                pieces.pieces.len()
            );
        }
    }

    #[test]
    fn a_small_body_is_one_piece_of_its_own_size() {
        let mut pieces = Pieces::default();
        let buffer = Bytes::from(vec![0; 64 << 10]);
        pieces.push(buffer.slice(..1));
        pieces.push(buffer.slice(..10_000));
        assert_eq!(
            pieces.settle().iter().map(Bytes::len).collect::<Vec<_>>(),
            [10_001]
        );
    }

    #[test]
    fn what_was_read_can_be_dropped() {
        let mut pieces = Pieces::default();
        for _ in 0..100 {
            pieces.push(Bytes::from(vec![7; 10_000]));
        }
        pieces.drop_before(500_000);
        assert!(pieces.held() >= 500_000 && pieces.held() < 800_000);
        assert_eq!(
            (pieces.end(), read(&pieces, 500_000).len()),
            (1_000_000, 500_000)
        );
        pieces.drop_before(u64::MAX);
        pieces.push(Bytes::from_static(b"end"));
        assert_eq!(
            (pieces.held(), read(&pieces, 1_000_000)),
            (3, b"end".to_vec())
        );
    }
}
