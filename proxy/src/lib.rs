//! The edge: listeners, request path, origins, admin and command line.

pub mod admin;
pub mod cache;
pub mod compress;
mod edge;
pub mod explain;
mod framing;
mod lane;
pub mod listen;
pub mod log;
pub mod metrics;
pub mod origin;
mod outside;
pub mod reload;
mod request;
pub mod runtime;
pub mod stores;

pub use edge::{Edge, Options};

use std::path::Path;

use rimward_config::{Config, Problems};

/// Reads a configuration file and all it includes, and tells the mistakes in filters' settings with all others.
///
/// # Errors
/// With every mistake of every file.
pub fn load(file: &Path) -> Result<Config, Problems> {
    rimward_config::load_with(file, runtime::check_filter)
}

/// Builds everything that a configuration names and lets it go again: what `rimward check` does after reading it.
///
/// # Errors
/// With every filter, certificate, file and database that is wrong.
pub fn check(config: Config) -> Result<(), Problems> {
    let certificates = listen::check(&config.listeners).err().unwrap_or_default();
    let certificates: Vec<_> = certificates
        .into_iter()
        .map(|error| config.problem(&error.key(), error.to_string()))
        .collect();
    let mut problems = runtime::Runtime::compile(
        config,
        &metrics::Metrics::default(),
        &stores::Stores::detached(),
        None,
    )
    .err()
    .map(|problems| problems.0)
    .unwrap_or_default();
    problems.extend(certificates);
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Problems(problems))
    }
}
