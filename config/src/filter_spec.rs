//! A filter as the file has it: its settings are decoded by the filter itself.

use std::path::Path;

use crate::problem::Problem;
use crate::source::Source;

/// A filter, named in `[filter.NAME]` or written in place.
#[derive(Debug, Clone)]
pub struct FilterSpec {
    /// Its name in the file. One written in place is called by its route and kind: `example.com/api/*:headers`.
    pub name: String,
    /// What it is: its `use`.
    pub kind: String,
    /// What happens when it fails, if the file tells.
    pub on_error: Option<OnErrorSpec>,
    /// Everything else in its table.
    pub settings: toml::Table,
    /// Where its table is.
    pub source: Source,
}

/// What happens to an exchange whose filter failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnErrorSpec {
    /// It goes on as if the filter were not there.
    Skip,
    /// It is answered with 500.
    Fail,
    /// It is answered with this status, of 400–599.
    Status(u16),
}

impl FilterSpec {
    /// The folder that relative paths in its settings start from.
    pub fn folder(&self) -> &Path {
        self.source.folder()
    }

    /// A problem with the setting at `key` (such as `rules[1].status`), placed in the file.
    pub fn problem(&self, key: &str, message: impl Into<String>) -> Problem {
        self.source.problem(key, message)
    }

    /// Places a problem that [`decode`](crate::decode()) found in these settings.
    #[must_use]
    pub fn place(&self, problem: Problem) -> Problem {
        let is_key = problem.message.starts_with("unknown key");
        let placed = if is_key {
            self.source.key_problem(&problem.key, problem.message)
        } else {
            self.source.problem(&problem.key, problem.message)
        };
        Problem {
            help: problem.help,
            ..placed
        }
    }
}
