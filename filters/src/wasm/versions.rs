//! The versions of a guest: each is kept by the digest of its content, with when and where from it came, so that the one before is
//! back at once. With `path` in `[guests]` they outlive the process.

use std::collections::VecDeque;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::code::CodeId;
use crate::lasting::Lasting;

/// How many versions are kept of one guest.
const MAX_KEPT: usize = 20;
/// How many of them where there is no folder: they are in memory then.
const MAX_IN_MEMORY: usize = 4;

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

/// The versions of one guest. One for all configurations of the process.
pub struct Versions {
    folder: Option<PathBuf>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    index: Index,
    /// Where there is no folder.
    contents: VecDeque<(String, Bytes)>,
}

static ALL: Lasting<(String, Option<PathBuf>), Versions> = Lasting::new();

impl Versions {
    /// Those of the filter `name`, kept below `path`.
    pub(super) fn of(name: &str, path: Option<&Path>) -> Arc<Self> {
        let folder = path.map(|path| path.join("versions").join(name));
        ALL.of((name.to_owned(), folder.clone()), || Self::open(folder))
    }

    fn open(folder: Option<PathBuf>) -> Self {
        let index = folder
            .as_deref()
            .and_then(|folder| fs::read(folder.join("index.json")).ok());
        let index = index
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default();
        Self {
            folder,
            inner: Mutex::new(Inner {
                index,
                contents: VecDeque::new(),
            }),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of them.
    pub fn index(&self) -> Index {
        self.inner().index.clone()
    }

    /// What a version is made of.
    pub(super) fn content(&self, sha256: &str) -> Option<Bytes> {
        let Some(folder) = &self.folder else {
            let inner = self.inner();
            let found = inner.contents.iter().find(|(other, _)| other == sha256);
            return found.map(|(_, content)| content.clone());
        };
        let bytes = fs::read(folder.join(format!("{sha256}.wasm"))).ok()?;
        (CodeId::of(&bytes).hex() == sha256).then(|| bytes.into())
    }

    /// Keeps a version; says which it is.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn keep(&self, content: &[u8], source: Source) -> Result<String, VersionError> {
        let sha256 = CodeId::of(content).hex();
        let mut inner = self.inner();
        match &self.folder {
            Some(folder) => put(&folder.join(format!("{sha256}.wasm")), content)?,
            None => {
                inner.contents.retain(|(other, _)| *other != sha256);
                inner
                    .contents
                    .push_back((sha256.clone(), Bytes::copy_from_slice(content)));
            }
        }
        inner
            .index
            .versions
            .retain(|record| record.sha256 != sha256);
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        inner.index.versions.push_back(Record {
            sha256: sha256.clone(),
            time: now.as_secs(),
            source,
            size: content.len() as u64,
            failed: false,
        });
        self.forget_oldest(&mut inner);
        self.save(&inner.index)?;
        Ok(sha256)
    }

    fn forget_oldest(&self, inner: &mut Inner) {
        let most = if self.folder.is_some() {
            MAX_KEPT
        } else {
            MAX_IN_MEMORY
        };
        while inner.index.versions.len() > most {
            let index = &inner.index;
            let candidate = index.candidate.as_ref().map(|share| &share.sha256);
            let last = index.before.last();
            let is_used = |record: &&Record| {
                let sha256 = Some(&record.sha256);
                [index.active.as_ref(), index.file.as_ref(), candidate, last].contains(&sha256)
            };
            let oldest = index.versions.iter().position(|record| !is_used(&record));
            let Some(record) = oldest.and_then(|at| inner.index.versions.remove(at)) else {
                return;
            };
            inner.contents.retain(|(other, _)| *other != record.sha256);
            if let Some(folder) = &self.folder {
                fs::remove_file(folder.join(format!("{}.wasm", record.sha256))).ok();
            }
        }
    }

    fn save(&self, index: &Index) -> Result<(), VersionError> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        let text = serde_json::to_vec_pretty(index).unwrap_or_default();
        put(&folder.join("index.json"), &text)?;
        Ok(())
    }

    /// Changes what is known, and gives what was known before.
    fn change(
        &self,
        change: impl FnOnce(&mut Index) -> Result<(), VersionError>,
    ) -> Result<Index, VersionError> {
        let mut inner = self.inner();
        let before = inner.index.clone();
        let mut index = before.clone();
        change(&mut index)?;
        self.save(&index)?;
        inner.index = index;
        Ok(before)
    }

    /// Notes that a version has taken over, and which file stood in the configuration then.
    pub(super) fn took_over(&self, active: &str, file: &str) {
        let noted = self.change(|index| {
            index.activate(active);
            index.file = Some(file.to_owned());
            Ok(())
        });
        if let Err(error) = noted {
            tracing::warn!(%error, "the version of a guest is not kept");
        }
    }

    /// Notes that a version was taken out since it failed again and again, and which one has its place.
    pub(super) fn taken_out(&self, failed: &str, next: &str) {
        let noted = self.change(|index| {
            if index.active.as_deref() == Some(failed) {
                index.active = Some(next.to_owned());
                index.before.retain(|before| before != next);
            }
            let is_failed = |share: &mut Share| share.sha256 == failed;
            index.candidate.take_if(is_failed);
            let mut records = index.versions.iter_mut();
            if let Some(record) = records.find(|record| record.sha256 == failed) {
                record.failed = true;
            }
            Ok(())
        });
        if let Err(error) = noted {
            tracing::warn!(%error, "that a guest failed is not kept: the next start runs it again");
        }
    }

    /// Makes a version the active one, or with `percent` the candidate. Gives what has to be [restored](Self::restore) if it does not
    /// take over.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn deploy(&self, sha256: &str, percent: Option<f64>) -> Result<Index, VersionError> {
        self.change(|index| {
            match percent {
                Some(percent) => {
                    index.candidate = Some(Share {
                        sha256: sha256.to_owned(),
                        percent,
                    });
                }
                None => index.activate(sha256),
            }
            Ok(())
        })
    }

    /// Makes the version before the active one again, or the one that is named by the beginning of its digest.
    ///
    /// # Errors
    /// When there is none.
    pub fn roll_back(&self, to: Option<&str>) -> Result<Index, VersionError> {
        self.change(|index| {
            let to = match to {
                Some(beginning) => index.find(beginning)?,
                None => index.before.pop().ok_or(VersionError::NoneBefore)?,
            };
            index.candidate = None;
            index.active = Some(to);
            Ok(())
        })
    }

    /// Makes the candidate the active one.
    ///
    /// # Errors
    /// When there is none.
    pub fn promote(&self) -> Result<Index, VersionError> {
        self.change(|index| {
            let share = index.candidate.take().ok_or(VersionError::NoCandidate)?;
            index.activate(&share.sha256);
            Ok(())
        })
    }

    /// Undoes a change.
    pub fn restore(&self, index: Index) {
        let restored = self.change(|now| {
            *now = Index {
                versions: now.versions.clone(),
                ..index
            };
            Ok(())
        });
        if let Err(error) = restored {
            tracing::warn!(%error, "the versions of a guest can't be put back");
        }
    }
}

impl Index {
    fn activate(&mut self, sha256: &str) {
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

    fn find(&self, beginning: &str) -> Result<String, VersionError> {
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

/// Writes a file in one step.
fn put(file: &Path, content: &[u8]) -> std::io::Result<()> {
    let Some(folder) = file.parent() else {
        return Ok(());
    };
    fs::create_dir_all(folder)?;
    let beside = file.with_extension("part");
    let mut out = fs::File::create(&beside)?;
    out.write_all(content)?;
    out.sync_all()?;
    fs::rename(&beside, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn active(versions: &Versions) -> Option<String> {
        versions.index().active
    }

    #[test]
    fn the_version_before_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        for path in [None, Some(folder.path())] {
            let versions = Versions::of("prices", path);
            let [a, b, c] = ["a", "b", "c"]
                .map(|content| versions.keep(content.as_bytes(), Source::Deployed).unwrap());
            versions.took_over(&a, &a);
            versions.deploy(&b, None).unwrap();
            assert_eq!(active(&versions), Some(b.clone()));
            versions.roll_back(None).unwrap();
            assert_eq!(active(&versions), Some(a.clone()));
            assert!(matches!(
                versions.roll_back(None),
                Err(VersionError::NoneBefore)
            ));
            versions.roll_back(Some(&b[..8])).unwrap();
            assert_eq!(active(&versions), Some(b));
            assert!(matches!(
                versions.roll_back(Some("zz")),
                Err(VersionError::Unknown(_))
            ));
            assert!(matches!(versions.promote(), Err(VersionError::NoCandidate)));
            let before = versions.deploy(&c, Some(5.0)).unwrap();
            versions.promote().unwrap();
            assert_eq!(active(&versions), Some(c.clone()));
            versions.restore(before);
            assert_ne!(active(&versions), Some(c.clone()));
            versions.deploy(&c, None).unwrap();
            versions.taken_out(&c, &a);
            assert_eq!(active(&versions), Some(a));
            let failed = |record: &Record| record.failed.then(|| record.sha256.clone());
            let index = versions.index();
            let failed: Vec<_> = index.versions.iter().filter_map(failed).collect();
            assert_eq!(failed, [c.clone()]);
            assert_eq!(versions.content(&c).unwrap(), "c");
        }
    }

    #[test]
    fn what_is_kept_outlives_the_process_and_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let versions = Versions::of("many", Some(folder.path()));
        let first = versions.keep(b"first", Source::File).unwrap();
        versions.took_over(&first, &first);
        for content in 0..50u8 {
            versions.keep(&[content], Source::Deployed).unwrap();
        }
        drop(versions);
        let again = Versions::of("many", Some(folder.path()));
        let index = again.index();
        assert_eq!(index.versions.len(), MAX_KEPT);
        assert_eq!(index.active, Some(first.clone()));
        assert_eq!(again.content(&first).unwrap(), "first");
        // What was changed behind our back is not taken for what it was.
        let file = folder
            .path()
            .join("versions/many")
            .join(format!("{first}.wasm"));
        fs::write(file, "other").unwrap();
        assert!(again.content(&first).is_none());
    }
}
