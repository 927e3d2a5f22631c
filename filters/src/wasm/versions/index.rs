//! What is known of the versions of one guest.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::MAX_KEPT;

/// Where a version came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The file that the configuration names.
    File,
    /// `rimward plugin deploy`.
    Deployed,
}

/// One version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The SHA-256 of its content, in hexadecimal.
    pub sha256: String,
    /// When it came, in seconds since 1970.
    pub time: u64,
    /// Where from.
    pub source: Source,
    /// Its length in bytes.
    pub size: u64,
    /// Whether it was taken out since it failed again and again.
    #[serde(default)]
    pub failed: bool,
}

/// A version that part of the clients get.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// The version.
    pub sha256: String,
    /// How many of a hundred clients.
    pub percent: f64,
}

/// What is known of the versions of one guest.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Index {
    /// The version that most clients get.
    pub active: Option<String>,
    /// The version that part of the clients get.
    pub candidate: Option<Share>,
    /// What the file of the configuration was when it was last taken over: another one takes over, whatever is deployed.
    pub file: Option<String>,
    /// All that are kept, the newest last.
    pub versions: VecDeque<Record>,
    /// Those that were active, the last one last.
    pub before: Vec<String>,
}

/// Why versions can't be changed.
#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    /// No version is named like that.
    #[error("there is no version `{0}` of it: `rimward plugin ls` lists those that are kept")]
    Unknown(String),
    /// Several are.
    #[error("`{0}` begins more than one version: give more of it")]
    Ambiguous(String),
    /// There was no version before.
    #[error("there is no version before the one that is active")]
    NoneBefore,
    /// There is no candidate.
    #[error("there is no candidate to promote: `rimward plugin deploy --percent` makes one")]
    NoCandidate,
    /// They can't be kept.
    #[error("versions can't be kept: {0}")]
    Io(#[from] std::io::Error),
}

impl Index {
    pub(super) fn activate(&mut self, sha256: &str) {
        if self.active.as_deref() == Some(sha256) {
            return;
        }
        if let Some(before) = self.active.replace(sha256.to_owned()) {
            self.before.retain(|other| *other != before);
            self.before.push(before);
            let surplus = self.before.len().saturating_sub(MAX_KEPT);
            self.before.drain(..surplus);
        }
        if self
            .candidate
            .as_ref()
            .is_some_and(|share| share.sha256 == sha256)
        {
            self.candidate = None;
        }
    }

    pub(super) fn find(&self, beginning: &str) -> Result<String, VersionError> {
        let mut found = self
            .versions
            .iter()
            .filter(|record| record.sha256.starts_with(beginning));
        match (found.next(), found.next()) {
            (Some(record), None) => Ok(record.sha256.clone()),
            (None, _) => Err(VersionError::Unknown(beginning.to_owned())),
            (Some(_), Some(_)) => Err(VersionError::Ambiguous(beginning.to_owned())),
        }
    }
}
