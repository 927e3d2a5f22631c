//! What a line of the journal of purges is made of.
//!
//! ```text
//! file    │ rimward purges │ version │ record … │
//! record  │ length │ !length │ kind │ … │ checksum │
//!           4        4         ╰ length ╯   8
//! mark    │ hard │ soft │ soft time │
//! g, f, k │ a generation │
//! e       │ mark │
//! l       │ mark │ label (16) │
//! p       │ mark │ length of host (2) │ host │ path │
//! ```
//!
//! All numbers are little endian. A record tells all marks of a label and not only what changed, so that the same ones
//! serve for a purge and for the whole, and reading one twice changes nothing. The complement of the length tells a record
//! whose end was never written from one that was changed.

use blake2::digest::consts::U8;
use blake2::{Blake2b, Digest};

use super::label::Id;
use super::mark::Mark;

/// What a journal begins with; the last byte is the version.
pub(super) const HEAD: &[u8] = b"rimward purges\n\x01";
const FRAME: usize = 8;
const CHECKSUM: usize = 8;

/// One thing to know of purges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Record {
    /// How far generations have come.
    Generation(u64),
    /// Before which generation purges are forgotten.
    Floor(u64),
    /// The last generation of an earlier epoch.
    Epoch(u64),
    /// When everything was purged.
    Everything(Mark),
    /// When a label was purged.
    Label(Id, Mark),
    /// When a prefix was purged: host, path.
    Prefix(Mark, Box<str>, Box<str>),
}

/// A journal that was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// Its records, and the greatest generation they tell of.
    Whole(Vec<Record>, u64),
    /// It can't be trusted, for this reason.
    Broken(&'static str),
}

/// What a record is at the beginning of some bytes.
enum Next<'a> {
    Record(Record, &'a [u8]),
    /// Its end was never written.
    Torn,
    Broken,
}

/// Reads a journal. A last record whose end was never written is left out.
pub(super) fn read(journal: &[u8]) -> Read {
    let Some(mut rest) = journal.strip_prefix(HEAD) else {
        return Read::Broken("its head is not one of this version");
    };
    let (mut records, mut newest) = (Vec::new(), 0);
    while !rest.is_empty() {
        match next(rest) {
            Next::Record(record, after) => {
                newest = newest.max(record.generation());
                records.push(record);
                rest = after;
            }
            Next::Torn => break,
            Next::Broken => return Read::Broken("a record is broken"),
        }
    }
    // What a journal is begun with ends with a generation, and is on the disk before the journal has its name.
    let is_whole = |record: &Record| matches!(record, Record::Generation(_));
    if records.iter().any(is_whole) {
        Read::Whole(records, newest)
    } else {
        Read::Broken("much of it is missing")
    }
}

fn next(bytes: &[u8]) -> Next<'_> {
    let Some((frame, rest)) = bytes.split_first_chunk::<FRAME>() else {
        return Next::Torn;
    };
    let [a, b, c, d, complement @ ..] = *frame;
    let length = u32::from_le_bytes([a, b, c, d]);
    let Ok(size) = usize::try_from(length) else {
        return Next::Broken;
    };
    if !length != u32::from_le_bytes(complement) {
        return Next::Broken;
    }
    let Some((body, rest)) = rest.split_at_checked(size) else {
        return Next::Torn;
    };
    let Some((told, rest)) = rest.split_first_chunk::<CHECKSUM>() else {
        return Next::Torn;
    };
    match Record::read(body) {
        Some(record) if *told == checksum(body) => Next::Record(record, rest),
        _ => Next::Broken,
    }
}

fn checksum(body: &[u8]) -> [u8; CHECKSUM] {
    Blake2b::<U8>::digest(body).into()
}

impl Record {
    /// Adds it to a journal.
    pub(super) fn write(&self, journal: &mut Vec<u8>) {
        let body = self.body();
        // What a record is made of came in one request to the admin interface, which is far smaller than 4 GiB.
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
        journal.extend_from_slice(&length.to_le_bytes());
        journal.extend_from_slice(&(!length).to_le_bytes());
        journal.extend_from_slice(&body);
        journal.extend_from_slice(&checksum(&body));
    }

    fn body(&self) -> Vec<u8> {
        let numbers = |kind: u8, numbers: &[u64]| -> Vec<u8> {
            let bytes = numbers.iter().flat_map(|number| number.to_le_bytes());
            std::iter::once(kind).chain(bytes).collect()
        };
        let mark = |kind, mark: &Mark| numbers(kind, &[mark.hard, mark.soft, mark.soft_time]);
        match self {
            Self::Generation(generation) => numbers(b'g', &[*generation]),
            Self::Floor(generation) => numbers(b'f', &[*generation]),
            Self::Epoch(last) => numbers(b'k', &[*last]),
            Self::Everything(when) => mark(b'e', when),
            Self::Label(id, when) => [mark(b'l', when), id.0.to_vec()].concat(),
            Self::Prefix(when, host, path) => {
                let length = u16::try_from(host.len()).unwrap_or(u16::MAX).to_le_bytes();
                let parts = [&length[..], host.as_bytes(), path.as_bytes()].concat();
                [mark(b'p', when), parts].concat()
            }
        }
    }

    fn read(body: &[u8]) -> Option<Self> {
        let (kind, rest) = body.split_first()?;
        match kind {
            b'g' => Some(Self::Generation(number(rest)?.0)),
            b'f' => Some(Self::Floor(number(rest)?.0)),
            b'k' => Some(Self::Epoch(number(rest)?.0)),
            b'e' => Some(Self::Everything(mark(rest)?.0)),
            b'l' => {
                let (mark, id) = mark(rest)?;
                Some(Self::Label(Id(id.try_into().ok()?), mark))
            }
            b'p' => {
                let (mark, rest) = mark(rest)?;
                let (length, rest) = rest.split_first_chunk::<2>()?;
                let (host, path) = rest.split_at_checked(u16::from_le_bytes(*length).into())?;
                let text = |bytes| std::str::from_utf8(bytes).ok().map(Box::from);
                Some(Self::Prefix(mark, text(host)?, text(path)?))
            }
            _ => None,
        }
    }

    /// The greatest generation it tells of.
    fn generation(&self) -> u64 {
        match self {
            Self::Generation(generation) => *generation,
            Self::Floor(_) | Self::Epoch(_) => 0,
            Self::Everything(mark) | Self::Label(_, mark) | Self::Prefix(mark, _, _) => {
                mark.newest()
            }
        }
    }
}

fn mark(bytes: &[u8]) -> Option<(Mark, &[u8])> {
    let (hard, rest) = number(bytes)?;
    let (soft, rest) = number(rest)?;
    let (soft_time, rest) = number(rest)?;
    let mark = Mark {
        hard,
        soft,
        soft_time,
    };
    Some((mark, rest))
}

fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u64::from_le_bytes(*number), rest))
}
