//! `[kv.NAME]`: stores of keys and values.

use std::path::PathBuf;

/// A store of keys and values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KvStore {
    /// Its name.
    pub name: String,
    /// The file that it lies in.
    pub path: PathBuf,
    /// How large the file may get, in bytes.
    pub max_size: u64,
    /// The largest value, in bytes.
    pub max_value: u64,
    /// How much of the file is kept in memory, in bytes.
    pub memory: u64,
}
