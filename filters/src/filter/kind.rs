//! A filter's row in the table of compiled-in filters.

use std::sync::Arc;

use super::{BuildError, Builder, Configured, Filter};

/// Builds a filter from its settings, or tells what is wrong with them.
pub type Build = fn(&toml::Table, &Builder<'_>) -> Result<Arc<dyn Filter>, Vec<BuildError>>;

/// A row of the table of compiled-in filters.
#[derive(Debug, Clone, Copy)]
pub struct FilterKind {
    /// [`Configured::NAME`].
    pub name: &'static str,
    /// [`Configured::SUMMARY`].
    pub summary: &'static str,
    /// [`Configured::EXAMPLE`].
    pub example: &'static str,
    /// [`Configured::SAFE_TO_SKIP`].
    pub safe_to_skip: bool,
    /// The JSON Schema of the settings.
    pub schema: fn() -> schemars::Schema,
    /// Builds a filter from its settings; gives every mistake at once.
    pub build: Build,
}

impl FilterKind {
    /// The row of `F`.
    pub const fn of<F: Configured>() -> Self {
        Self {
            name: F::NAME,
            summary: F::SUMMARY,
            example: F::EXAMPLE,
            safe_to_skip: F::SAFE_TO_SKIP,
            schema: || schemars::schema_for!(F::Settings),
            build: |settings, builder| {
                let settings: F::Settings =
                    rimward_config::decode(settings).map_err(|problems| {
                        problems
                            .into_iter()
                            .map(BuildError::from)
                            .collect::<Vec<_>>()
                    })?;
                let filter = F::new(settings, builder).map_err(|error| vec![error])?;
                Ok(Arc::new(filter))
            },
        }
    }
}
