//! Cutting the ranges that a client asked for out of a body that passes in pieces.

use std::ops::Range;

use bytes::Bytes;
use pingora::proxy::RangeType;
use rimward_cache::Slice;

/// Cuts ranges out of a body, and frames them when there are several (RFC 9110 §14.6).
pub(super) struct Cutter {
    /// In order; none touches another.
    ranges: Vec<Range<u64>>,
    /// The range that comes next or is being cut.
    next: usize,
    /// Where in the body the next piece begins.
    position: u64,
    parts: Option<Parts>,
}

/// How the parts of a `multipart/byteranges` are framed.
struct Parts {
    boundary: String,
    content_type: Option<String>,
    total: u64,
}

impl Cutter {
    /// Cuts this out of a body of `total` bytes.
    pub(super) fn new(range: RangeType, total: u64) -> Self {
        let wide = |range: &Range<usize>| widen(range.start)..widen(range.end);
        let (ranges, parts) = match range {
            RangeType::None => (
                vec![Range {
                    start: 0,
                    end: u64::MAX,
                }],
                None,
            ),
            RangeType::Invalid => (Vec::new(), None),
            RangeType::Single(range) => (vec![wide(&range)], None),
            RangeType::Multi(multi) => {
                let ranges = multi.ranges.iter().map(wide).collect();
                let parts = Parts {
                    boundary: multi.boundary,
                    content_type: multi.content_type,
                    total,
                };
                (ranges, Some(parts))
            }
        };
        Self {
            ranges,
            next: 0,
            position: 0,
            parts,
        }
    }

    /// Where the next byte is that is wanted; `None` when there is none left.
    pub(super) fn wants(&self) -> Option<u64> {
        let range = self.ranges.get(self.next)?;
        Some(range.start.max(self.position))
    }

    /// The slices that are wanted from `position` on, each once and in order.
    pub(super) fn slices(&self, position: u64, size: u64) -> impl Iterator<Item = Slice> {
        let ranges = self.ranges.get(self.next..).unwrap_or_default();
        let mut from = position;
        std::iter::from_fn(move || {
            let range = ranges.iter().find(|range| range.end > from)?;
            let slice = Slice::at(range.start.max(from), size);
            from = slice.end();
            Some(slice)
        })
    }

    /// Goes on with the piece that begins at `position`.
    pub(super) fn seek(&mut self, position: u64) {
        self.position = position;
    }

    /// What the client gets of the next piece of the body.
    pub(super) fn cut(&mut self, piece: &Bytes) -> Vec<Bytes> {
        let begin = self.position;
        let end = begin.saturating_add(widen(piece.len()));
        self.position = end;
        let mut pieces = Vec::new();
        while let Some(range) = self.ranges.get(self.next) {
            let (from, to) = (range.start.max(begin), range.end.min(end));
            if from < to {
                if let (Some(parts), true) = (&self.parts, from == range.start) {
                    pieces.push(parts.begin(range));
                }
                pieces.push(piece.slice(narrow(from - begin)..narrow(to - begin)));
            }
            if range.end > end {
                break;
            }
            self.next += 1;
        }
        pieces
    }

    /// What the client gets after the last range.
    pub(super) fn end(&self) -> Option<Bytes> {
        let parts = self.parts.as_ref()?;
        Some(format!("\r\n--{}--\r\n", parts.boundary).into())
    }
}

impl Parts {
    /// The same in length as what the engine counts for `Content-Length`.
    fn begin(&self, range: &Range<u64>) -> Bytes {
        let content_type = self.content_type.as_ref();
        let content_type =
            content_type.map_or_else(String::new, |kind| format!("Content-Type: {kind}\r\n"));
        let (boundary, first, last, total) =
            (&self.boundary, range.start, range.end - 1, self.total);
        format!(
            "\r\n--{boundary}\r\n{content_type}Content-Range: bytes {first}-{last}/{total}\r\n\r\n"
        )
        .into()
    }
}

fn widen(position: usize) -> u64 {
    u64::try_from(position).unwrap_or(u64::MAX)
}

/// A position inside a piece, which is in memory.
fn narrow(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use pingora::proxy::MultiRangeInfo;

    use super::*;

    const BODY: &[u8] = b"0123456789abcdefghij";

    /// The body in pieces of this size, from the slices that are wanted.
    fn cut(range: RangeType, slice: usize, piece: usize) -> (Vec<u64>, Vec<u8>) {
        let mut cutter = Cutter::new(range, 20);
        let slices: Vec<Slice> = cutter.slices(0, widen(slice)).collect();
        let mut cut = Vec::new();
        for slice in &slices {
            cutter.seek(slice.start());
            let bytes = &BODY[narrow(slice.start())..narrow(slice.end()).min(BODY.len())];
            for piece in bytes.chunks(piece) {
                cut.extend(cutter.cut(&Bytes::copy_from_slice(piece)));
            }
        }
        assert_eq!(cutter.wants(), None);
        cut.extend(cutter.end());
        (
            slices.iter().map(|slice| slice.start()).collect(),
            cut.concat(),
        )
    }

    #[test]
    fn one_range_is_cut_out_of_the_slices_it_touches() {
        for (range, slices, expected) in [
            (0..1, &[0][..], "0"),
            (7..8, &[7], "7"),
            (5..16, &[0, 7, 14], "56789abcdef"),
            (7..14, &[7], "789abcd"),
            (19..20, &[14], "j"),
        ] {
            for piece in [1, 3, 7] {
                let (touched, bytes) = cut(RangeType::Single(range.clone()), 7, piece);
                assert_eq!(
                    (&touched[..], &bytes[..]),
                    (slices, expected.as_bytes()),
                    "{range:?}"
                );
            }
        }
    }

    #[test]
    fn several_ranges_are_framed_and_as_long_as_was_said() {
        for ranges in [
            vec![0..2, 4..5],
            vec![0..1, 6..8, 18..20],
            vec![3..18, 19..20],
        ] {
            let mut multi = MultiRangeInfo::new(ranges.clone());
            multi.set_total_length(20);
            multi.set_content_type("text/plain".to_owned());
            let boundary = multi.boundary.clone();
            let length = multi.calculate_multipart_length();
            let (_, bytes) = cut(RangeType::Multi(multi), 7, 4);
            let text = String::from_utf8(bytes).unwrap();
            assert_eq!(text.len(), length, "{text}");
            for range in ranges {
                let (first, last) = (range.start, range.end - 1);
                let part = std::str::from_utf8(&BODY[range]).unwrap();
                let framed = format!(
                    "--{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes {first}-{last}/20\r\n\r\n{part}\r\n--{boundary}"
                );
                assert!(text.contains(&framed), "{text}");
            }
        }
    }
}
