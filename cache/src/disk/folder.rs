//! The folder that the disk tier lives in: who may use it, what its files are called, whether it is still there.
//!
//! | file | what |
//! |---|---|
//! | `lock` | held by the one process that uses the folder |
//! | `purges` | the journal of purges |
//! | `00000001.segment` | records, one after another |
//! | `00000002.object` | one large body, with its record at the end |
//! | `00000003.part` | a large body on its way in |

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// Stored responses are for the edge alone, not for others on its machine.
const OWN: u32 = 0o600;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    /// Records, one after another.
    Segment,
    /// One large body, with its record at the end.
    Object,
    /// A large body on its way in.
    Part,
}

/// A folder in use.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    identity: (u64, u64),
    _lock: File,
}

impl Folder {
    /// Takes a folder into use; makes it if it is not there. `device` is where it was before, if it was: what is under a
    /// mount point while its volume is away is not taken for it.
    ///
    /// # Errors
    /// When it can't be made, read or written, or another process uses it.
    pub(crate) fn open(path: &Path, device: Option<u64>) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        let is_ours = path.join("lock").exists();
        if device
            .is_some_and(|device| identity(path).is_ok_and(|(now, _)| now != device) && !is_ours)
        {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "its volume is gone",
            ));
        }
        let lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(OWN)
            .open(path.join("lock"))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
            io::Error::new(
                io::ErrorKind::ResourceBusy,
                "another process uses this folder for its cache",
            )
        })?;
        let folder = Self {
            path: path.to_owned(),
            identity: identity(path)?,
            _lock: lock,
        };
        folder.remove_half_written()?;
        Ok(folder)
    }

    /// Removes what another process was writing when it died.
    fn remove_half_written(&self) -> io::Result<()> {
        for file in fs::read_dir(&self.path)? {
            let name = file?.file_name();
            let name = name.to_string_lossy();
            let is_part = matches!(number_and_kind(&name), Some((_, FileKind::Part)));
            if is_part || name.starts_with("purges.new") {
                fs::remove_file(self.path.join(&*name))?;
            }
        }
        Ok(())
    }

    /// The device that it is on.
    pub(crate) fn device(&self) -> u64 {
        self.identity.0
    }

    /// Whether its path still leads to it.
    pub(crate) fn is_there(&self) -> bool {
        identity(&self.path).is_ok_and(|now| now == self.identity)
            && self.path.join("lock").exists()
    }

    /// The whole files in it, the oldest first.
    pub(crate) fn files(&self) -> io::Result<Vec<(u32, FileKind)>> {
        let mut files = Vec::new();
        for file in fs::read_dir(&self.path)? {
            let file = number_and_kind(&file?.file_name().to_string_lossy());
            files.extend(file.filter(|(_, kind)| *kind != FileKind::Part));
        }
        files.sort_unstable_by_key(|(number, _)| *number);
        Ok(files)
    }

    /// Where a file is.
    pub(crate) fn file(&self, number: u32, kind: FileKind) -> PathBuf {
        file_in(&self.path, number, kind)
    }

    /// Removes a file, as far as that is possible: what stays is found at the next start.
    pub(crate) fn remove(&self, number: u32, kind: FileKind) {
        let file = self.file(number, kind);
        if let Err(error) = fs::remove_file(&file)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::debug!(%error, file = %file.display(), "a file of the cache can't be removed");
        }
    }

    /// Whether something can be written.
    pub(crate) fn probe(&self) -> io::Result<()> {
        let probe = self.path.join("probe");
        fs::write(&probe, [0; 4096])?;
        fs::remove_file(probe)
    }
}

/// Where a file of a folder is.
pub(crate) fn file_in(folder: &Path, number: u32, kind: FileKind) -> PathBuf {
    let kind = match kind {
        FileKind::Segment => "segment",
        FileKind::Object => "object",
        FileKind::Part => "part",
    };
    folder.join(format!("{number:08}.{kind}"))
}

/// Makes a new file that can be written and read.
pub(crate) fn create(file: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(OWN)
        .open(file)
}

/// Opens a file that is there for reading, and for writing if that may be.
pub(crate) fn open(file: &Path) -> io::Result<File> {
    let both = OpenOptions::new().read(true).write(true).open(file);
    both.or_else(|_| File::open(file))
}

fn number_and_kind(name: &str) -> Option<(u32, FileKind)> {
    let (number, kind) = name.split_once('.')?;
    let kind = match kind {
        "segment" => FileKind::Segment,
        "object" => FileKind::Object,
        "part" => FileKind::Part,
        _ => return None,
    };
    (number.len() >= 8).then_some((number.parse().ok()?, kind))
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_user_and_knows_its_files() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("cache");
        let folder = Folder::open(&path, None).unwrap();
        assert!(Folder::open(&path, None).is_err());
        for (number, kind) in [
            (12, FileKind::Object),
            (3, FileKind::Segment),
            (4, FileKind::Part),
        ] {
            create(&folder.file(number, kind)).unwrap();
        }
        fs::write(path.join("notes.txt"), "not ours").unwrap();
        let expected = [(3, FileKind::Segment), (12, FileKind::Object)];
        assert_eq!(folder.files().unwrap(), expected);
        assert!(folder.probe().is_ok() && folder.is_there());
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        let object = folder.file(12, FileKind::Object);
        assert_eq!((mode(&path), mode(&object)), (0o700, 0o600));
        fs::rename(&path, place.path().join("away")).unwrap();
        assert!(!folder.is_there());
        fs::create_dir(&path).unwrap();
        assert!(!folder.is_there());
        drop(folder);
        fs::remove_dir(&path).unwrap();
        fs::rename(place.path().join("away"), &path).unwrap();
        let folder = Folder::open(&path, None).unwrap();
        assert_eq!(folder.files().unwrap(), expected);
        assert!(!folder.file(4, FileKind::Part).exists());
    }
}
