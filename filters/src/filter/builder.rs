//! What a filter is built with, and what is told when it can't be.

use std::cell::RefCell;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rimward_config::{Guests, Origin, OriginId, Problem};
use rimward_kv::{Settings, Store};

use super::Secret;
use crate::chosen::OriginChoice;
use crate::outside::{Outside, Surroundings, Tally};

/// The largest file that a setting may name, in bytes.
const MAX_FILE: u64 = 64 << 20;

/// What a filter may ask for while it is built.
#[derive(Debug)]
pub struct Builder<'a> {
    /// The folder that relative paths in the configuration start from.
    pub folder: &'a Path,
    /// The filter's name in the configuration.
    pub name: &'a str,
    around: Surroundings,
    files: RefCell<Vec<PathBuf>>,
}

impl<'a> Builder<'a> {
    /// For the filter `name` of a configuration in `folder`.
    pub fn new(folder: &'a Path, name: &'a str) -> Self {
        Self {
            folder,
            name,
            around: Surroundings::default(),
            files: RefCell::default(),
        }
    }

    /// The same, with what there is around the filter.
    #[must_use]
    pub fn within(self, around: Surroundings) -> Self {
        Self { around, ..self }
    }

    /// The origin that a setting names.
    ///
    /// # Errors
    /// When there is none of that name, with `key` as the place of the fault.
    pub fn origin(&self, key: impl Into<String>, name: &str) -> Result<OriginId, BuildError> {
        let Some(names) = &self.around.origins else {
            return Ok(OriginId(usize::MAX));
        };
        let found = names.iter().position(|origin| **origin == *name);
        found.map(OriginId).ok_or_else(|| {
            let problem = Problem::new(key.into(), format!("there is no origin `{name}`"));
            problem
                .suggest(name, names.iter().map(|name| &**name))
                .into()
        })
    }

    /// What the configuration says of the origins, by [`OriginId`]; none when they are not known.
    pub fn origins(&self) -> &[Origin] {
        &self.around.known_origins
    }

    /// The choice of an origin that a setting names, whose objects don't mix with those of others.
    ///
    /// # Errors
    /// As for [`Builder::origin`].
    pub fn choice(
        &self,
        key: impl Into<String>,
        name: &str,
    ) -> Result<Arc<OriginChoice>, BuildError> {
        Ok(Arc::new(OriginChoice {
            origin: self.origin(key, name)?,
            key: Some(name.into()),
            fallback: None,
            observer: None,
        }))
    }

    /// The secret that a setting names, as it is now: a change of its file calls for a reload.
    ///
    /// # Errors
    /// When there is none of that name, or it can't be had, with `key` as the place of the fault.
    pub fn secret(&self, key: impl Into<String>, name: &str) -> Result<Secret, BuildError> {
        let Some(secrets) = &self.around.secrets else {
            return Ok(Secret::unknown());
        };
        let key = key.into();
        let Some(source) = secrets.get(name) else {
            let problem = Problem::new(key, format!("there is no secret `{name}`"));
            return Err(problem
                .suggest(name, secrets.keys().map(|name| &**name))
                .into());
        };
        Secret::of(source, self, &key, name)
    }

    /// What filters in WebAssembly may take, all together.
    pub fn guests(&self) -> &Guests {
        &self.around.guests
    }

    /// What there is around the filter.
    pub fn around(&self) -> &Surroundings {
        &self.around
    }

    /// The store that a setting names.
    ///
    /// # Errors
    /// When there is none of that name, with `key` as the place of the fault.
    pub fn store(&self, key: impl Into<String>, name: &str) -> Result<Arc<Store>, BuildError> {
        let key = key.into();
        let Some(stores) = &self.around.stores else {
            let empty = Store::in_memory(&Settings::at(name));
            return empty
                .map(Arc::new)
                .map_err(|error| BuildError::at(key, error.to_string()));
        };
        stores.get(name).cloned().ok_or_else(|| {
            let problem = Problem::new(key, format!("there is no store `{name}`"));
            problem
                .suggest(name, stores.keys().map(|name| &**name))
                .into()
        })
    }

    /// Whom the filter can ask once the configuration serves.
    pub fn outside(&self) -> Arc<dyn Outside> {
        self.around.outside.clone()
    }

    /// Refuses what needs to know where clients are in a configuration that has no database for it.
    ///
    /// # Errors
    /// When there is no section `[geoip]`, with `key` as the place of the fault.
    pub fn needs_geoip(&self, key: impl Into<String>) -> Result<(), BuildError> {
        match self.around.has_geoip {
            Some(false) => Err(BuildError::at(
                key,
                "clients can't be located without a section `[geoip]`: add one with a `database`",
            )),
            _ => Ok(()),
        }
    }

    /// Where the filter counts an outcome: a short word in lower case, such as `expired`.
    pub fn tally(&self, outcome: &str) -> Arc<dyn Tally> {
        self.around.tallies.tally(self.name, outcome)
    }

    /// The whole of a text file that a setting names.
    ///
    /// # Errors
    /// When it can't be read, with `key` as the place of the fault.
    pub fn read(&self, key: &str, file: &Path) -> Result<String, BuildError> {
        String::from_utf8(self.read_bytes(key, file)?)
            .map_err(|_| BuildError::at(key, format!("`{}` is not UTF-8 text", file.display())))
    }

    /// The whole of a file that a setting names.
    ///
    /// # Errors
    /// As for [`Builder::read`].
    pub fn read_bytes(&self, key: &str, file: &Path) -> Result<Vec<u8>, BuildError> {
        self.read_path(key, self.folder.join(file))
    }

    /// The whole of a file.
    pub(super) fn read_path(&self, key: &str, path: PathBuf) -> Result<Vec<u8>, BuildError> {
        let unreadable = |error: std::io::Error| {
            BuildError::at(key, format!("`{}` can't be read: {error}", path.display()))
        };
        self.files.borrow_mut().push(path.clone());
        let mut bytes = Vec::new();
        let file = std::fs::File::open(&path).map_err(unreadable)?;
        file.take(MAX_FILE + 1)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(BuildError::at(
                key,
                format!("`{}` is larger than 64 MiB", path.display()),
            ));
        }
        Ok(bytes)
    }

    /// Has the edge look at a file or folder: a change of it calls for a reload.
    pub fn watch(&self, path: PathBuf) {
        self.files.borrow_mut().push(path);
    }

    /// Every file that was asked for, there or not: a change of one calls for a reload.
    pub fn into_files(self) -> Vec<PathBuf> {
        self.files.into_inner()
    }
}

/// Why a filter could not be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BuildError {
    /// The path to the setting, such as `rules[1].status`; empty for the filter as a whole.
    pub key: String,
    /// What is wrong and what would have been right.
    pub message: String,
    /// A hint such as "did you mean `status`?".
    pub help: Option<String>,
}

impl BuildError {
    /// An error about one setting.
    pub fn at(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            message: message.into(),
            help: None,
        }
    }
}

impl From<BuildError> for Problem {
    fn from(error: BuildError) -> Self {
        Self {
            help: error.help,
            ..Self::new(error.key, error.message)
        }
    }
}

impl From<Problem> for BuildError {
    fn from(problem: Problem) -> Self {
        Self {
            key: problem.key,
            message: problem.message,
            help: problem.help,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_found_by_name() {
        let store = Arc::new(Store::in_memory(&Settings::at("")).unwrap());
        let around = Surroundings {
            stores: Some([("sessions".into(), store.clone())].into()),
            ..Surroundings::default()
        };
        let builder = Builder::new(Path::new("."), "test").within(around);
        assert!(Arc::ptr_eq(
            &builder.store("store", "sessions").unwrap(),
            &store
        ));
        let error = builder.store("store", "session").unwrap_err();
        assert_eq!(
            (
                error.key.as_str(),
                error.message.as_str(),
                error.help.as_deref()
            ),
            (
                "store",
                "there is no store `session`",
                Some("did you mean `sessions`?")
            )
        );
        let unknown = Builder::new(Path::new("."), "test")
            .store("store", "any")
            .unwrap();
        assert_eq!(unknown.get("key"), Ok(None));
    }

    #[test]
    fn a_builder_remembers_the_files_it_was_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("text"), "content").unwrap();
        std::fs::write(folder.path().join("bytes"), b"\xff").unwrap();
        let builder = Builder::new(folder.path(), "test");
        assert_eq!(
            builder.read("a", Path::new("text")),
            Ok("content".to_owned())
        );
        for (file, expected) in [("bytes", "is not UTF-8 text"), ("absent", "can't be read")] {
            let error = builder.read("a[0]", Path::new(file)).unwrap_err();
            assert!(
                error.key == "a[0]" && error.message.contains(expected),
                "{error}"
            );
        }
        assert_eq!(
            builder.into_files(),
            ["text", "bytes", "absent"].map(|file| folder.path().join(file))
        );
    }
}
