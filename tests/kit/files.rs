//! Files and configurations of one test.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A folder that lasts as long as the test.
pub struct Files {
    folder: TempDir,
}

impl Files {
    /// An empty folder.
    #[allow(
        clippy::new_without_default,
        reason = "a folder on disk is not a value that defaults"
    )]
    pub fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
        }
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The path of a file in it, there or not.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// Writes a file, and the folders above it, in place.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Replaces a file as editors do: a new one is written aside and renamed over it.
    pub fn replace(&self, name: &str, content: impl AsRef<[u8]>) {
        let aside = self.write(&format!("{name}.new"), content);
        std::fs::rename(aside, self.path(name)).unwrap();
    }

    /// Points a symbolic link at another target in one step, as Kubernetes swaps the files of a config map.
    #[cfg(unix)]
    pub fn relink(&self, name: &str, target: &str) {
        let aside = self.path(&format!("{name}.new"));
        std::os::unix::fs::symlink(target, &aside).unwrap();
        std::fs::rename(aside, self.path(name)).unwrap();
    }
}

/// A text with each `{name}` replaced, so that TOML's own braces need no escaping.
pub fn fill(text: &str, values: &[(&str, &dyn std::fmt::Display)]) -> String {
    values.iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{name}}}"), &value.to_string())
    })
}
