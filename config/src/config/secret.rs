//! What a secret means.

use std::path::PathBuf;

/// `[secret.NAME]`: a secret that filters are given by its name. The secret itself is in no configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// Its name in the file.
    pub name: String,
    /// Where it comes from.
    pub source: SecretSource,
}

/// Where a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// A file that holds it.
    File(PathBuf),
    /// A variable of the environment.
    Env(String),
}
