//! `[secret.NAME]`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// A secret that filters are given by its name: either `file` or `env`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Secret {
    /// A file that holds it: at most 64 KiB, without a line break at its end. It is read again when it changes.
    pub(crate) file: Option<PathBuf>,
    /// The variable of the environment that holds it, as it is when the edge starts.
    pub(crate) env: Option<String>,
}
