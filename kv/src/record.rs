//! How an entry lies in the file: a byte of flags, the generation, when it expires, its metadata, its value.
//!
//! A long value lies apart, so that whoever lists keys need not read it; the record has its length then.

use crate::error::KvError;

/// Values up to this length lie in their record.
const MOST_HERE: usize = 1024;

const EXPIRES: u8 = 1;
const METADATA: u8 = 2;
const APART: u8 = 4;

/// An entry as it lies in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub(crate) generation: u64,
    /// Milliseconds since 1970.
    pub(crate) expires: Option<u64>,
    pub(crate) metadata: Option<&'a str>,
    pub(crate) value: Value<'a>,
}

/// Where the value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Here(&'a [u8]),
    /// In a table of its own, by the generation; so long.
    Apart(u64),
}

impl<'a> Value<'a> {
    /// Where `value` goes.
    pub(crate) fn of(value: &'a [u8]) -> Self {
        if value.len() <= MOST_HERE {
            Self::Here(value)
        } else {
            Self::Apart(value.len() as u64)
        }
    }
}

impl<'a> Record<'a> {
    pub(crate) fn is_live(&self, now: u64) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }

    pub(crate) fn write(&self, to: &mut Vec<u8>) {
        to.clear();
        let flag = |condition, flag| if condition { flag } else { 0 };
        to.push(
            flag(self.expires.is_some(), EXPIRES)
                | flag(self.metadata.is_some(), METADATA)
                | flag(matches!(self.value, Value::Apart(_)), APART),
        );
        to.extend(self.generation.to_le_bytes());
        if let Some(expires) = self.expires {
            to.extend(expires.to_le_bytes());
        }
        if let Some(metadata) = self.metadata {
            let length = u16::try_from(metadata.len()).unwrap_or(u16::MAX);
            to.extend(length.to_le_bytes());
            to.extend(&metadata.as_bytes()[..usize::from(length)]);
        }
        match self.value {
            Value::Here(value) => to.extend(value),
            Value::Apart(length) => to.extend(length.to_le_bytes()),
        }
    }

    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, KvError> {
        Self::parse(bytes).ok_or_else(|| KvError::broken("a record makes no sense"))
    }

    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (&flags, mut rest) = bytes.split_first()?;
        let generation = number(&mut rest)?;
        let expires = match flags & EXPIRES {
            0 => None,
            _ => Some(number(&mut rest)?),
        };
        let metadata = match flags & METADATA {
            0 => None,
            _ => Some(text(&mut rest)?),
        };
        let value = match flags & APART {
            0 => Value::Here(rest),
            _ => Value::Apart(number(&mut rest)?),
        };
        Some(Self {
            generation,
            expires,
            metadata,
            value,
        })
    }
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    let (number, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(u64::from_le_bytes(*number))
}

fn text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let (length, after) = rest.split_first_chunk()?;
    let (text, after) = after.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    *rest = after;
    std::str::from_utf8(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back_as_it_went() {
        let long = [7; MOST_HERE + 1];
        let mut bytes = vec![1, 2, 3];
        for expires in [None, Some(0), Some(u64::MAX)] {
            for metadata in [None, Some(""), Some("größe")] {
                for value in [&b""[..], b"a", &long[1..], &long] {
                    let record = Record {
                        generation: 42,
                        expires,
                        metadata,
                        value: Value::of(value),
                    };
                    record.write(&mut bytes);
                    assert_eq!(Record::read(&bytes), Ok(record));
                }
            }
        }
    }

    #[test]
    fn what_is_no_record_is_refused() {
        for bytes in [
            &b""[..],
            &[0; 8],
            &[EXPIRES, 0, 0, 0, 0, 0, 0, 0, 0, 1],
            &[METADATA, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, b'a'],
            &[METADATA, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0xff],
            &[APART, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        ] {
            assert!(Record::read(bytes).is_err(), "{bytes:?}");
        }
    }
}
