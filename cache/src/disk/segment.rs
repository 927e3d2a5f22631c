//! How files end, and how a file without its end is read.
//!
//! A segment that is full ends with a list of its records, so that a start need not read them. One that was being
//! written when its process died has no such list; then its records are gone through one by one. An object's file ends
//! with its record. Both have a tail of 32 bytes:
//!
//! ```text
//! position of the list or the record │ oldest generation in the file │ records │ magic │ sum of all before and the list
//!                 8                                 8                     4         4                  8
//! ```

use std::fs::File;
use std::io;

use super::index::Place;
use super::name::{KeyName, VariantName};
use super::reading::read_waiting;
use super::record::{FRAME, Frame, Kind, sum};

const TAIL: usize = 32;
const LISTED: usize = 24;
const MAGIC: u32 = u32::from_le_bytes(*b"RwT1");
/// Heads above this are no heads of ours.
const MAX_HEAD: u32 = 4 << 20;

/// A record as the list of its segment has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) key: KeyName,
    pub(crate) variant: VariantName,
    pub(crate) offset: u32,
    /// Bytes of frame and head; 0 for a removal.
    pub(crate) head: u32,
    pub(crate) body: u32,
}

/// What a file has.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) records: Vec<Listed>,
    /// The oldest generation of purges that a record was made in.
    pub(crate) oldest: u64,
    /// Where the records end.
    pub(crate) end: u64,
    /// Whether the file has its end.
    pub(crate) sealed: bool,
}

impl Listed {
    /// Where it lies in the segment with this number.
    pub(crate) fn place(&self, file: u32) -> Place {
        Place {
            file,
            offset: self.offset,
            head: self.head,
            body: self.body,
        }
    }
}

/// The end of a segment with these records.
pub(crate) fn end_of_segment(records: &[Listed], oldest: u64, position: u64) -> Vec<u8> {
    let mut end = Vec::with_capacity(records.len() * LISTED + TAIL);
    for record in records {
        end.extend_from_slice(&record.key.to_le_bytes());
        for number in [record.variant, record.offset, record.head, record.body] {
            end.extend_from_slice(&number.to_le_bytes());
        }
    }
    add_tail(&mut end, position, oldest, records.len());
    end
}

/// The end of an object's file whose record, `frame` and head, begins at `position`.
pub(crate) fn end_of_object(record: Vec<u8>, oldest: u64, position: u64) -> Vec<u8> {
    let mut end = record;
    add_tail(&mut end, position, oldest, 1);
    end
}

fn add_tail(end: &mut Vec<u8>, position: u64, oldest: u64, count: usize) {
    let list = end.len();
    end.extend_from_slice(&position.to_le_bytes());
    end.extend_from_slice(&oldest.to_le_bytes());
    end.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
    end.extend_from_slice(&MAGIC.to_le_bytes());
    let (list, tail) = end.split_at(list);
    let sum = sum([tail, list]);
    end.extend_from_slice(&sum.to_le_bytes());
}

/// The tail of a file, with what stands between `position` and it; `None` when there is none or it is damaged.
pub(crate) fn read_end(file: &File, len: u64) -> io::Result<Option<(Vec<u8>, u64, u64)>> {
    let Some(at) = len.checked_sub(TAIL as u64) else {
        return Ok(None);
    };
    let [tail, _] = read_waiting(file, [TAIL, 0], at)?;
    let word = |from: usize| {
        let bytes: Option<[u8; 8]> = tail
            .get(from..from + 8)
            .and_then(|bytes| bytes.try_into().ok());
        u64::from_le_bytes(bytes.unwrap_or_default())
    };
    let (position, oldest, kind, expected) = (word(0), word(8), word(16), word(24));
    let is_ours = kind >> 32 == u64::from(MAGIC);
    let Some(list) = at.checked_sub(position).filter(|_| is_ours) else {
        return Ok(None);
    };
    let Ok(list) = usize::try_from(list) else {
        return Ok(None);
    };
    let [list, _] = read_waiting(file, [list, 0], position)?;
    let is_whole = sum([&tail[..TAIL - 8], &list]) == expected;
    Ok(is_whole.then_some((list, position, oldest)))
}

/// What a segment has.
pub(crate) fn contents(file: &File, len: u64) -> io::Result<Contents> {
    let Some((list, position, oldest)) = read_end(file, len)? else {
        return scan(file, len);
    };
    let records = list.chunks_exact(LISTED).map(|record| {
        let number = |from: usize| {
            let bytes: Option<[u8; 4]> = record
                .get(from..from + 4)
                .and_then(|bytes| bytes.try_into().ok());
            u32::from_le_bytes(bytes.unwrap_or_default())
        };
        Listed {
            key: u64::from(number(4)) << 32 | u64::from(number(0)),
            variant: number(8),
            offset: number(12),
            head: number(16),
            body: number(20),
        }
    });
    Ok(Contents {
        records: records.collect(),
        oldest,
        end: position,
        sealed: true,
    })
}

/// Goes through the records of a segment that has no end, up to the first that is not whole.
fn scan(file: &File, len: u64) -> io::Result<Contents> {
    let mut contents = Contents {
        oldest: u64::MAX,
        ..Contents::default()
    };
    while let Some(record) = next_record(file, contents.end, len)? {
        let (frame, born) = record;
        let Ok(offset) = u32::try_from(contents.end) else {
            break;
        };
        let is_removal = frame.kind == Kind::Removal;
        contents.records.push(Listed {
            key: frame.key,
            variant: frame.variant,
            offset,
            head: if is_removal {
                0
            } else {
                frame.head + FRAME as u32
            },
            body: frame.body,
        });
        contents.oldest = contents.oldest.min(born);
        contents.end += frame.record_len();
    }
    Ok(contents)
}

/// The frame of the record at a position, and the generation it was made in.
fn next_record(file: &File, at: u64, len: u64) -> io::Result<Option<(Frame, u64)>> {
    if at + FRAME as u64 > len {
        return Ok(None);
    }
    let [bytes, _] = read_waiting(file, [FRAME, 0], at)?;
    let Ok(frame) = Frame::read(&bytes) else {
        return Ok(None);
    };
    if frame.head > MAX_HEAD || at + frame.record_len() > len {
        return Ok(None);
    }
    let [bytes, _] = read_waiting(file, [FRAME + frame.head as usize, 0], at)?;
    if frame.verify(&bytes).is_err() {
        return Ok(None);
    }
    if frame.kind == Kind::Removal {
        return Ok(Some((frame, u64::MAX)));
    }
    let head = super::record::read(&bytes[FRAME..]);
    Ok(head.ok().map(|head| (frame, head.born)))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::record::write_removal;
    use super::*;

    fn file(bytes: &[u8]) -> (File, u64) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        (file, bytes.len() as u64)
    }

    #[test]
    fn a_list_is_read_as_it_was_written_or_not_at_all() {
        let records: Vec<Listed> = (0..1000)
            .map(|n| Listed {
                key: u64::from(n) << 33 | 5,
                variant: n,
                offset: n * 2,
                head: n * 3,
                body: n * 4,
            })
            .collect();
        let mut bytes = vec![7; 100];
        bytes.extend(end_of_segment(&records, 42, 100));
        let (whole, len) = file(&bytes);
        let expected = Contents {
            records,
            oldest: 42,
            end: 100,
            sealed: true,
        };
        assert_eq!(contents(&whole, len).unwrap(), expected);
        for flipped in [
            99,
            100,
            500,
            bytes.len() - 30,
            bytes.len() - 12,
            bytes.len() - 1,
        ] {
            let mut bytes = bytes.clone();
            bytes[flipped] ^= 1;
            let (damaged, len) = file(&bytes);
            assert_eq!(
                contents(&damaged, len).unwrap().sealed,
                flipped < 100,
                "{flipped}"
            );
        }
        let (torn, len) = file(&bytes[..bytes.len() - 1]);
        assert!(!contents(&torn, len).unwrap().sealed);
    }

    #[test]
    fn records_without_a_list_are_found_up_to_the_first_that_is_torn() {
        let mut bytes = Vec::new();
        for key in 0..5 {
            write_removal(&mut bytes, key, 0);
        }
        for cut in 0..bytes.len() {
            let (file, len) = file(&bytes[..cut]);
            let found = contents(&file, len).unwrap();
            assert_eq!(found.records.len(), cut / FRAME);
            assert_eq!(found.end, (cut / FRAME * FRAME) as u64);
        }
        bytes[FRAME * 2 + 10] ^= 1;
        let (file, len) = file(&bytes);
        assert_eq!(contents(&file, len).unwrap().records.len(), 2);
    }
}
