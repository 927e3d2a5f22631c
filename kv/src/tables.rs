//! What one transaction does to the tables.

use std::ops::Bound;

use redb::{
    ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata, Table, TableDefinition,
    WriteTransaction,
};

use crate::entry::{Condition, Write};
use crate::error::KvError;
use crate::record::{Record, Value};
use crate::settings::milliseconds;

/// The entries, by key.
pub(crate) const ENTRIES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("entries");
/// Long values, by generation.
pub(crate) const APART: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("apart");
/// What expires, and when.
const EXPIRIES: TableDefinition<'_, (u64, &str), ()> = TableDefinition::new("expiries");
/// Numbers about the whole.
pub(crate) const ABOUT: TableDefinition<'_, &str, u64> = TableDefinition::new("about");

pub(crate) const FORMAT: &str = "format";
const GENERATION: &str = "generation";
const BYTES: &str = "bytes";

/// What the file needs for an entry beside key and record.
const OVERHEAD: u64 = 32;
const PAGE: u64 = 4096;

/// Numbers about the whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) keys: u64,
    /// What keys and values take.
    pub(crate) bytes: u64,
    /// Of the latest write.
    pub(crate) generation: u64,
    /// When the next entry expires, or earlier.
    pub(crate) next_expiry: Option<u64>,
}

impl Sums {
    pub(crate) fn read(about: &ReadOnlyTable<&'static str, u64>) -> Result<Self, KvError> {
        let number = |name| -> Result<u64, KvError> {
            Ok(about.get(name)?.map_or(0, |number| number.value()))
        };
        Ok(Self {
            bytes: number(BYTES)?,
            generation: number(GENERATION)?,
            ..Self::default()
        })
    }

    pub(crate) fn first_expiry(transaction: &ReadTransaction) -> Result<Option<u64>, KvError> {
        let expiries = transaction.open_table(EXPIRIES)?;
        let first = expiries.first()?;
        Ok(first.map(|(row, _)| row.value().0))
    }
}

/// What a write did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Done {
    /// What the key has now.
    pub(crate) generation: u64,
    /// The sum, after an increment.
    pub(crate) number: i64,
    /// Whether there was something for the key.
    pub(crate) was_there: bool,
}

/// What becomes of a write; what is wrong with the file is told apart from what is wrong with the write.
pub(crate) type Verdict = Result<Done, KvError>;

/// The tables within one transaction.
pub(crate) struct Tables<'t> {
    entries: Table<'t, &'static str, &'static [u8]>,
    apart: Table<'t, u64, &'static [u8]>,
    expiries: Table<'t, (u64, &'static str), ()>,
    about: Table<'t, &'static str, u64>,
    pub(crate) sums: Sums,
    buffer: Vec<u8>,
}

/// The tables that keys are copied from.
pub(crate) struct Source {
    entries: ReadOnlyTable<&'static str, &'static [u8]>,
    apart: ReadOnlyTable<u64, &'static [u8]>,
}

impl Source {
    pub(crate) fn open(transaction: &ReadTransaction) -> Result<Self, KvError> {
        Ok(Self {
            entries: transaction.open_table(ENTRIES)?,
            apart: transaction.open_table(APART)?,
        })
    }

    /// The keys after `last`, up to so many, or those that hold so many bytes.
    pub(crate) fn keys_after(
        &self,
        last: &str,
        most: usize,
        bytes: usize,
    ) -> Result<Vec<String>, KvError> {
        let mut keys = Vec::new();
        let mut left = bytes;
        for row in self
            .entries
            .range::<&str>((Bound::Excluded(last), Bound::Unbounded))?
            .take(most)
        {
            let (key, record) = row?;
            keys.push(key.value().to_owned());
            let apart = match Record::read(record.value())?.value {
                Value::Here(_) => 0,
                Value::Apart(length) => usize::try_from(length).unwrap_or(usize::MAX),
            };
            left = left.saturating_sub(record.value().len().saturating_add(apart));
            if left == 0 {
                break;
            }
        }
        Ok(keys)
    }
}

/// What there was for a key.
struct Old {
    generation: u64,
    expires: Option<u64>,
    metadata: Option<String>,
    /// The value, if it may be a number.
    short: Option<String>,
    is_apart: bool,
    cost: u64,
}

impl Old {
    fn is_live(&self, now: u64) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}

impl<'t> Tables<'t> {
    pub(crate) fn open(transaction: &'t WriteTransaction, sums: Sums) -> Result<Self, KvError> {
        Ok(Self {
            entries: transaction.open_table(ENTRIES)?,
            apart: transaction.open_table(APART)?,
            expiries: transaction.open_table(EXPIRIES)?,
            about: transaction.open_table(ABOUT)?,
            sums,
            buffer: Vec::new(),
        })
    }

    /// Marks a new file.
    pub(crate) fn begin(&mut self, version: u64) -> Result<(), KvError> {
        self.about.insert(FORMAT, version)?;
        Ok(())
    }

    /// Writes a value if the condition holds and there is room.
    pub(crate) fn put(
        &mut self,
        key: &str,
        value: &[u8],
        write: &Write,
        room: u64,
        now: u64,
    ) -> Result<Verdict, KvError> {
        let old = self.old(key)?;
        let live = old.as_ref().filter(|old| old.is_live(now));
        let holds = match write.condition {
            Condition::Always => true,
            Condition::Absent => live.is_none(),
            Condition::Generation(generation) => {
                live.is_some_and(|old| old.generation == generation)
            }
        };
        if !holds {
            return Ok(Err(KvError::Conflict));
        }
        let record = Record {
            generation: self.sums.generation + 1,
            expires: write.ttl.map(|ttl| now.saturating_add(milliseconds(ttl))),
            metadata: write.metadata.as_deref(),
            value: Value::of(value),
        };
        self.set(key, record, value, old, room)
    }

    /// Adds to a number, which begins with zero and keeps its TTL and metadata.
    pub(crate) fn increment(
        &mut self,
        key: &str,
        by: i64,
        ttl: Option<u64>,
        room: u64,
        now: u64,
    ) -> Result<Verdict, KvError> {
        let mut old = self.old(key)?;
        let live = old.as_mut().filter(|old| old.is_live(now));
        let (before, expires, metadata) = match live {
            Some(old) => match old.short.as_deref().map(str::parse::<i64>) {
                Some(Ok(number)) => (number, old.expires, old.metadata.take()),
                _ => return Ok(Err(KvError::NotANumber)),
            },
            None => (0, ttl.map(|ttl| now.saturating_add(ttl)), None),
        };
        let Some(number) = before.checked_add(by) else {
            return Ok(Err(KvError::Overflow));
        };
        let text = number.to_string();
        let record = Record {
            generation: self.sums.generation + 1,
            expires,
            metadata: metadata.as_deref(),
            value: Value::Here(text.as_bytes()),
        };
        let verdict = self.set(key, record, text.as_bytes(), old, room)?;
        Ok(verdict.map(|done| Done { number, ..done }))
    }

    /// Takes a key out; tells whether it was there.
    pub(crate) fn delete(&mut self, key: &str, now: u64) -> Result<Done, KvError> {
        let Some(old) = self.old(key)? else {
            return Ok(Done::default());
        };
        self.entries.remove(key)?;
        self.forget(key, &old)?;
        Ok(Done {
            was_there: old.is_live(now),
            ..Done::default()
        })
    }

    /// Takes out up to `most` entries that have expired; returns how many and which.
    pub(crate) fn sweep(&mut self, most: usize, now: u64) -> Result<Vec<String>, KvError> {
        let mut rows = Vec::new();
        for row in self
            .expiries
            .range(..(now.saturating_add(1), ""))?
            .take(most)
        {
            let (row, _) = row?;
            let (_, key) = row.value();
            rows.push(key.to_owned());
        }
        for key in &rows {
            self.delete(key, now)?;
        }
        self.sums.next_expiry = self.expiries.first()?.map(|(row, _)| row.value().0);
        Ok(rows)
    }

    /// Writes the numbers about the whole, last of all.
    pub(crate) fn finish(mut self) -> Result<Sums, KvError> {
        self.about.insert(GENERATION, self.sums.generation)?;
        self.about.insert(BYTES, self.sums.bytes)?;
        self.sums.keys = self.entries.len()?;
        Ok(self.sums)
    }

    fn set(
        &mut self,
        key: &str,
        record: Record<'_>,
        value: &[u8],
        old: Option<Old>,
        room: u64,
    ) -> Result<Verdict, KvError> {
        record.write(&mut self.buffer);
        let cost = cost(key, &record, self.buffer.len());
        let before = old.as_ref().map_or(0, |old| old.cost);
        if cost > before && self.sums.bytes - before.min(self.sums.bytes) + cost > room {
            return Ok(Err(KvError::Full));
        }
        if let Some(old) = &old {
            self.forget(key, old)?;
        }
        self.place(key, &record, value, cost)?;
        self.sums.generation = record.generation;
        Ok(Ok(Done {
            generation: record.generation,
            number: 0,
            was_there: old.is_some(),
        }))
    }

    /// Puts the record in the buffer, and its value, where they belong.
    fn place(
        &mut self,
        key: &str,
        record: &Record<'_>,
        value: &[u8],
        cost: u64,
    ) -> Result<(), KvError> {
        self.entries.insert(key, &*self.buffer)?;
        if let Value::Apart(_) = record.value {
            self.apart.insert(record.generation, value)?;
        }
        if let Some(expires) = record.expires {
            self.expiries.insert((expires, key), ())?;
            let next = self.sums.next_expiry.unwrap_or(u64::MAX);
            self.sums.next_expiry = Some(next.min(expires));
        }
        self.sums.bytes += cost;
        Ok(())
    }

    /// Makes a key what it is elsewhere.
    pub(crate) fn copy(&mut self, key: &str, source: &Source) -> Result<(), KvError> {
        if let Some(old) = self.old(key)? {
            self.entries.remove(key)?;
            self.forget(key, &old)?;
        }
        let Some(bytes) = source.entries.get(key)? else {
            return Ok(());
        };
        let record = Record::read(bytes.value())?;
        self.buffer.clear();
        self.buffer.extend(bytes.value());
        let cost = cost(key, &record, self.buffer.len());
        match source.apart.get(record.generation)? {
            Some(value) => self.place(key, &record, value.value(), cost),
            None => self.place(key, &record, &[], cost),
        }
    }

    fn old(&self, key: &str) -> Result<Option<Old>, KvError> {
        let Some(bytes) = self.entries.get(key)? else {
            return Ok(None);
        };
        let record = Record::read(bytes.value())?;
        let short = match record.value {
            Value::Here(value) if value.len() <= 20 => {
                std::str::from_utf8(value).ok().map(str::to_owned)
            }
            _ => None,
        };
        Ok(Some(Old {
            generation: record.generation,
            expires: record.expires,
            metadata: record.metadata.map(str::to_owned),
            short,
            is_apart: matches!(record.value, Value::Apart(_)),
            cost: cost(key, &record, bytes.value().len()),
        }))
    }

    /// Takes out what lies elsewhere for an entry.
    fn forget(&mut self, key: &str, old: &Old) -> Result<(), KvError> {
        if old.is_apart {
            self.apart.remove(old.generation)?;
        }
        if let Some(expires) = old.expires {
            self.expiries.remove((expires, key))?;
        }
        self.sums.bytes = self.sums.bytes.saturating_sub(old.cost);
        Ok(())
    }
}

/// What an entry takes in the file, about.
fn cost(key: &str, record: &Record<'_>, length: usize) -> u64 {
    let row = key.len() as u64 + OVERHEAD;
    let expiry = if record.expires.is_some() { row } else { 0 };
    let apart = match record.value {
        Value::Here(_) => 0,
        Value::Apart(length) => (length + OVERHEAD).next_power_of_two().max(PAGE) + OVERHEAD,
    };
    row + length as u64 + expiry + apart
}
