//! Opening what lies beneath a folder, and nothing else.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;

/// How files are opened: read only; without waiting, so that a FIFO can't hold a thread.
const FLAGS: OFlags = OFlags::RDONLY
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);
/// Renames elsewhere in the tree can make the kernel unsure; it asks to be asked again.
const UNSURE: usize = 8;

/// A folder that is held open, so that it stays the same one when its name is given to another.
#[derive(Debug)]
pub(super) struct Root {
    folder: OwnedFd,
    /// For kernels that can't resolve beneath a folder.
    path: PathBuf,
}

impl Root {
    /// Opens the folder.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let folder = rustix::fs::open(
            path,
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        Ok(Self {
            folder,
            path: path.canonicalize()?,
        })
    }

    /// Opens what `path` leads to, through symbolic links as well, as long as it never leaves the folder.
    pub(super) fn beneath(&self, path: &[u8]) -> io::Result<File> {
        let path = Path::new(OsStr::from_bytes(if path.is_empty() { b"." } else { path }));
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        for _ in 0..UNSURE {
            match openat2(&self.folder, path, FLAGS, Mode::empty(), resolve) {
                Ok(file) => return Ok(file.into()),
                Err(Errno::AGAIN) => {}
                // Kernels before 5.6, and sandboxes that don't let the call through.
                Err(Errno::NOSYS | Errno::PERM) => return self.beneath_checked(path),
                Err(error) => return Err(error.into()),
            }
        }
        Err(io::ErrorKind::ResourceBusy.into())
    }

    /// The same by comparing names. Who can write to the folder could swap a link between look and open, but then
    /// they could as well have put the file there.
    fn beneath_checked(&self, path: &Path) -> io::Result<File> {
        let real = self.path.join(path).canonicalize()?;
        if !real.starts_with(&self.path) {
            return Err(Errno::XDEV.into());
        }
        Ok(rustix::fs::open(&real, FLAGS | OFlags::NOFOLLOW, Mode::empty())?.into())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn both_ways_stay_beneath_the_folder() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "secret").unwrap();
        let inside = outside.path().join("root");
        std::fs::create_dir_all(inside.join("a/b")).unwrap();
        std::fs::write(inside.join("a/file"), "file").unwrap();
        symlink("../file", inside.join("a/b/link")).unwrap();
        symlink("../secret", inside.join("out")).unwrap();
        symlink("/etc/passwd", inside.join("absolute")).unwrap();
        symlink("loop", inside.join("loop")).unwrap();
        let root = Root::open(&inside).unwrap();
        for (path, found) in [
            ("a/file", true),
            ("a/b/link", true),
            ("", true),
            ("a/", true),
            ("a/b/../file", true),
            ("../secret", false),
            ("a/../../secret", false),
            ("/etc/passwd", false),
            ("out", false),
            ("absolute", false),
            ("loop", false),
            ("a/file/", false),
            ("nothing", false),
        ] {
            assert_eq!(root.beneath(path.as_bytes()).is_ok(), found, "{path}");
            if path != "a/file/" && !path.is_empty() {
                assert_eq!(
                    root.beneath_checked(Path::new(path)).is_ok(),
                    found,
                    "{path}, checked"
                );
            }
        }
    }
}
