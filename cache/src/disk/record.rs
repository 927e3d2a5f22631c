//! A stored response as bytes.
//!
//! ```text
//! magic │ kind │ key name │ variant name │ head bytes │ body bytes │ 0 │ body sum │ head sum │ head … │ body …
//!   4      4        8           4              4            4        4      8          8
//! ```
//!
//! All numbers are little-endian. The head sum covers everything before it and the head, so a record whose head sum is
//! right is what was written, and says what its body's sum has to be.

use std::hash::Hasher;
use std::sync::Arc;
use std::time::Duration;

use http::header::HeaderName;
use pingora_http::ResponseHeader;
use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_64;

use super::index::Place;
use super::name::{KeyName, VariantName};
use crate::object::Object;
use crate::object::terms::{nanos, span_nanos, time};
use crate::policy::{Basis, Terms};

/// Bytes before the head.
pub(crate) const FRAME: usize = 48;
const MAGIC: u32 = u32::from_le_bytes(*b"RwR1");

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A response with its body.
    Whole,
    /// A response whose body is the file that it stands at the end of.
    Filed,
    /// The end of an object: there is no head and no body.
    Removal,
}

/// What frames a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: Kind,
    pub(crate) key: KeyName,
    pub(crate) variant: VariantName,
    pub(crate) head: u32,
    pub(crate) body: u32,
    pub(crate) body_sum: u64,
    head_sum: u64,
}

/// Why bytes are no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what was read is not what was written")]
pub(crate) struct Damaged;

/// A body that is a file of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FiledBody {
    /// Its bytes.
    pub(crate) len: u64,
    /// The sum of each chunk.
    pub(crate) sums: Vec<u64>,
}

/// A head as it is written. What borrows is read without a copy.
#[derive(Serialize, Deserialize)]
struct Written<'a> {
    #[serde(borrow)]
    key: &'a [u8],
    selecting: Option<&'a [u8]>,
    born: u64,
    hits: u64,
    status: u16,
    reason: Option<&'a str>,
    fields: Vec<(&'a [u8], &'a [u8])>,
    terms: WrittenTerms<'a>,
    filed: Option<FiledBody>,
}

/// Times are nanoseconds since 1970.
#[derive(Serialize, Deserialize)]
struct WrittenTerms<'a> {
    stored: u64,
    epoch: u64,
    fresh_until: u64,
    basis: u8,
    stale: [u64; 3],
    must_revalidate: bool,
    cost: u64,
    #[serde(borrow)]
    withheld: Vec<&'a str>,
    surrogate_keys: Vec<&'a str>,
}

/// A head that was read.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) key: Arc<[u8]>,
    pub(crate) selecting: Option<Arc<[u8]>>,
    pub(crate) born: u64,
    pub(crate) hits: u64,
    pub(crate) head: ResponseHeader,
    pub(crate) terms: Terms,
    pub(crate) filed: Option<FiledBody>,
}

impl Frame {
    /// The frame of these bytes, which have to be [`FRAME`] at least.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut rest = bytes;
        let magic = u32::from_le_bytes(take(&mut rest)?);
        let kind = match u32::from_le_bytes(take(&mut rest)?) {
            1 => Kind::Whole,
            2 => Kind::Filed,
            3 => Kind::Removal,
            _ => return Err(Damaged),
        };
        let key = u64::from_le_bytes(take(&mut rest)?);
        let variant = u32::from_le_bytes(take(&mut rest)?);
        let head = u32::from_le_bytes(take(&mut rest)?);
        let body = u32::from_le_bytes(take(&mut rest)?);
        take::<4>(&mut rest)?;
        let body_sum = u64::from_le_bytes(take(&mut rest)?);
        let head_sum = u64::from_le_bytes(take(&mut rest)?);
        let frame = Self {
            kind,
            key,
            variant,
            head,
            body,
            body_sum,
            head_sum,
        };
        if magic == MAGIC {
            Ok(frame)
        } else {
            Err(Damaged)
        }
    }

    /// Whether a record with this frame lies at a place.
    pub(crate) fn lies_at(&self, place: &Place) -> bool {
        Some(place.head)
            == u32::try_from(FRAME)
                .ok()
                .and_then(|frame| frame.checked_add(self.head))
            && place.body == self.body
    }

    /// Bytes of the whole record.
    pub(crate) fn record_len(&self) -> u64 {
        FRAME as u64 + u64::from(self.head) + u64::from(self.body)
    }

    /// Judges frame and head, which are all of these bytes.
    pub(crate) fn verify(&self, bytes: &[u8]) -> Result<(), Damaged> {
        let (before, rest) = bytes.split_at_checked(FRAME - 8).ok_or(Damaged)?;
        let (_, head) = rest.split_at_checked(8).ok_or(Damaged)?;
        if sum([before, head]) == self.head_sum {
            Ok(())
        } else {
            Err(Damaged)
        }
    }
}

/// Adds a record to a buffer, without the body; what it begins with.
pub(crate) fn write(
    buffer: &mut Vec<u8>,
    object: &Object,
    key: KeyName,
    variant: VariantName,
    filed: Option<FiledBody>,
) -> Result<Frame, Damaged> {
    let kind = if filed.is_some() {
        Kind::Filed
    } else {
        Kind::Whole
    };
    let start = buffer.len();
    buffer.resize(start + FRAME, 0);
    let written = Writing::of(object, filed);
    let extended = std::mem::take(buffer);
    *buffer = postcard::to_extend(&written.as_written(object), extended).map_err(|_| Damaged)?;
    let head = u32::try_from(buffer.len() - start - FRAME).map_err(|_| Damaged)?;
    let pieces = object.body.pieces().unwrap_or_default();
    let (body, body_sum) = match kind {
        Kind::Whole => (
            u32::try_from(object.body.len()).map_err(|_| Damaged)?,
            sum(pieces.iter().map(|piece| &**piece)),
        ),
        _ => (0, 0),
    };
    let frame = Frame {
        kind,
        key,
        variant,
        head,
        body,
        body_sum,
        head_sum: 0,
    };
    Ok(frame.seal(&mut buffer[start..]))
}

/// Adds the end of an object to a buffer.
pub(crate) fn write_removal(buffer: &mut Vec<u8>, key: KeyName, variant: VariantName) {
    let start = buffer.len();
    buffer.resize(start + FRAME, 0);
    let frame = Frame {
        kind: Kind::Removal,
        key,
        variant,
        head: 0,
        body: 0,
        body_sum: 0,
        head_sum: 0,
    };
    frame.seal(&mut buffer[start..]);
}

impl Frame {
    /// Writes itself before the head, with the sum over both.
    fn seal(mut self, bytes: &mut [u8]) -> Self {
        let kind: u32 = match self.kind {
            Kind::Whole => 1,
            Kind::Filed => 2,
            Kind::Removal => 3,
        };
        let fields: [&[u8]; 8] = [
            &MAGIC.to_le_bytes(),
            &kind.to_le_bytes(),
            &self.key.to_le_bytes(),
            &self.variant.to_le_bytes(),
            &self.head.to_le_bytes(),
            &self.body.to_le_bytes(),
            &[0; 4],
            &self.body_sum.to_le_bytes(),
        ];
        let mut at = 0;
        for field in fields {
            bytes[at..at + field.len()].copy_from_slice(field);
            at += field.len();
        }
        let (before, head) = (&bytes[..at], &bytes[at + 8..]);
        self.head_sum = sum([before, head]);
        bytes[at..at + 8].copy_from_slice(&self.head_sum.to_le_bytes());
        self
    }
}

/// Reads a head.
pub(crate) fn read(bytes: &[u8]) -> Result<Head, Damaged> {
    let written: Written<'_> = postcard::from_bytes(bytes).map_err(|_| Damaged)?;
    let mut head =
        ResponseHeader::build(written.status, Some(written.fields.len())).map_err(|_| Damaged)?;
    for (name, value) in &written.fields {
        let name = bytes::Bytes::copy_from_slice(name);
        head.append_header(name, *value).map_err(|_| Damaged)?;
    }
    head.set_reason_phrase(written.reason)
        .map_err(|_| Damaged)?;
    Ok(Head {
        key: written.key.into(),
        selecting: written.selecting.map(Arc::from),
        born: written.born,
        hits: written.hits,
        head,
        terms: written.terms.read()?,
        filed: written.filed,
    })
}

/// The sum of some bytes.
pub(crate) fn sum<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let mut hasher = XxHash3_64::with_seed(0);
    for piece in pieces {
        hasher.write(piece);
    }
    hasher.finish()
}

/// What a [`Written`] borrows and the object does not have in that form.
struct Writing {
    terms: Terms,
    filed: Option<FiledBody>,
}

impl Writing {
    fn of(object: &Object, filed: Option<FiledBody>) -> Self {
        Self {
            terms: object.terms(),
            filed,
        }
    }

    fn as_written<'a>(&'a self, object: &'a Object) -> Written<'a> {
        let terms = &self.terms;
        Written {
            key: &object.key,
            selecting: object.selecting(),
            born: object.born.to_bits(),
            hits: object.hits(),
            status: object.head.status().as_u16(),
            reason: object.head.reason(),
            fields: object.head.fields().collect(),
            terms: WrittenTerms {
                stored: nanos(terms.stored),
                epoch: nanos(terms.epoch),
                fresh_until: nanos(terms.fresh_until),
                basis: terms.basis.number(),
                stale: [
                    terms.stale_while_revalidate,
                    terms.stale_if_error,
                    terms.stale_if_unreachable,
                ]
                .map(span_nanos),
                must_revalidate: terms.must_revalidate,
                cost: span_nanos(terms.cost),
                withheld: terms.withheld.iter().map(HeaderName::as_str).collect(),
                surrogate_keys: terms.surrogate_keys.iter().map(|key| &**key).collect(),
            },
            filed: self.filed.clone(),
        }
    }
}

impl WrittenTerms<'_> {
    fn read(&self) -> Result<Terms, Damaged> {
        let [while_revalidate, if_error, if_unreachable] = self.stale.map(Duration::from_nanos);
        let withheld: Result<Vec<_>, _> = self
            .withheld
            .iter()
            .map(|name| HeaderName::from_bytes(name.as_bytes()))
            .collect();
        Ok(Terms {
            stored: time(self.stored),
            epoch: time(self.epoch),
            fresh_until: time(self.fresh_until),
            basis: Basis::from_number(self.basis).ok_or(Damaged)?,
            stale_while_revalidate: while_revalidate,
            stale_if_error: if_error,
            stale_if_unreachable: if_unreachable,
            must_revalidate: self.must_revalidate,
            cost: Duration::from_nanos(self.cost),
            withheld: withheld.map_err(|_| Damaged)?.into(),
            surrogate_keys: self
                .surrogate_keys
                .iter()
                .map(|key| Box::from(*key))
                .collect(),
        })
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], Damaged> {
    let (first, rest) = bytes.split_first_chunk::<N>().ok_or(Damaged)?;
    *bytes = rest;
    Ok(*first)
}
