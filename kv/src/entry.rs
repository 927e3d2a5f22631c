//! What goes into a store and comes out of it.

use std::time::Duration;

use bytes::Bytes;

/// What a store has for a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The value.
    pub value: Bytes,
    /// What was written beside it.
    pub metadata: Option<String>,
    /// Which of all writes to the store it is from: no two have the same, and later ones have greater ones.
    pub generation: u64,
    /// How long it has left; `None` when it does not expire.
    pub ttl: Option<Duration>,
}

/// How a value is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Write {
    /// What has to be so for it to be written.
    pub condition: Condition,
    /// How long it lasts; `None` for ever.
    pub ttl: Option<Duration>,
    /// What is kept beside it.
    pub metadata: Option<String>,
}

/// What has to be so for a value to be written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    #[default]
    Always,
    /// There is nothing for the key.
    Absent,
    /// What is there for the key is of this generation.
    Generation(u64),
}

/// Some of the keys of a store, in the order of their bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The keys.
    pub keys: Vec<String>,
    /// Where the next page goes on; `None` when there is none.
    pub cursor: Option<String>,
}

/// How a store is, and what was done with it since it was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Keys, those included that have expired and are not swept yet.
    pub keys: u64,
    /// What keys and values take.
    pub bytes: u64,
    /// What they may take.
    pub room: u64,
    /// The length of the file.
    pub file: u64,
    /// Lookups that found something.
    pub hits: u64,
    /// Lookups that found nothing.
    pub misses: u64,
    /// Lists.
    pub lists: u64,
    /// Values that were written, increments among them.
    pub puts: u64,
    /// Keys that were deleted.
    pub deletes: u64,
    /// Writes whose condition did not hold.
    pub conflicts: u64,
    /// Writes that there was no room for.
    pub full: u64,
    /// Entries that expired and were swept.
    pub expired: u64,
    /// Reads and writes that failed because of the file.
    pub errors: u64,
}
