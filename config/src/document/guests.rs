//! `[guests]`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::value::ByteSize;

/// What filters in WebAssembly may take, all together.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Guests {
    /// A folder where their versions and their compiled code are kept; it is made if it is not there. Default: none, they
    /// are compiled at each start.
    pub(crate) path: Option<PathBuf>,
    /// How many instances live at a time: 1 to 100000. Default: 1000.
    pub(crate) instances: Option<i64>,
    /// The most that one instance may be allowed as `limits.memory`: `64KiB` to `4GiB`. Default: `64MiB`.
    pub(crate) memory: Option<ByteSize>,
}
