//! `[kv.NAME]`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::value::ByteSize;

/// A store of keys and values, which lies in a file of its own.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kv {
    /// The file. It is made if it is not there, and belongs to one running edge alone. While a store stays at its path,
    /// a reload leaves it open.
    pub(crate) path: Option<PathBuf>,
    /// How large the file may get: `1MiB` to `1TiB`. About half of it is room for keys and values, because changes are
    /// written beside what was there before; and since the file grows by doubling, a power of two is used best. What does
    /// not fit is refused, nothing is put out. Default: `1GiB`.
    pub(crate) max_size: Option<ByteSize>,
    /// The largest value that is taken: `1B` to `64MiB`, and at most an eighth of `max_size`. Default: `1MiB`, or that
    /// eighth.
    pub(crate) max_value: Option<ByteSize>,
    /// How much of the file is kept in memory: `1MiB` to `1TiB`. A change takes effect when the store is opened next.
    /// Default: `32MiB`.
    pub(crate) memory: Option<ByteSize>,
}
