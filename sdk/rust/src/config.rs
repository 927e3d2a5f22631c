//! The filter's settings.

use crate::host::config;

/// What stands in `config = { … }` of the filter. It stays the same as long as the instance lives.
#[derive(Debug)]
pub struct Config(());

impl Config {
    pub(crate) fn new() -> Self {
        Self(())
    }

    /// One setting by its path, `limits.items` for one within a table: texts as they are, all else as JSON.
    pub fn get(&self, path: &str) -> Option<String> {
        config::get(path)
    }

    /// All of it, as JSON.
    pub fn text(&self) -> String {
        config::all()
    }

    /// All of it, decoded.
    ///
    /// # Errors
    /// When it is not what `T` wants.
    #[cfg(feature = "json")]
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> crate::Result<T> {
        Ok(serde_json::from_str(&config::all())?)
    }

    /// A number that grows with each version of filter or configuration.
    pub fn generation(&self) -> u64 {
        config::generation()
    }
}
