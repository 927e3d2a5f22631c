//! A small volume in memory, mounted for one test.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use rimward_tests::Files;

/// A mounted volume; unmounted when it is dropped.
pub(super) struct Volume {
    path: PathBuf,
    away: PathBuf,
}

impl Volume {
    /// A volume of so many megabytes; `None`, after saying so, where nothing can be mounted.
    pub(super) fn of_megabytes(files: &Files, size: u32) -> Option<Self> {
        let (path, away) = (files.path("volume"), files.path("away"));
        for folder in [&path, &away] {
            std::fs::create_dir(folder).unwrap();
        }
        let size = format!("size={size}m");
        let mounted = run("mount", &["-t", "tmpfs", "-o", &size, "tmpfs"], &path);
        if !mounted {
            let is_root = rustix::process::geteuid().is_root();
            assert!(
                !is_root || std::env::var_os("CI").is_none(),
                "no volume can be mounted, and CI is set: no test may be skipped"
            );
            eprintln!("skipped: mounting a volume takes root");
        }
        mounted.then_some(Self { path, away })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a folder refuse new files, as one that was made read-only does for those who are not root; or ends that.
    pub(super) fn forbid_new_files(&self, folder: &Path, forbid: bool) {
        // A limit of inodes that is reached, since root may write whatever the permissions say: those of the files, of
        // the folder and of the volume's root.
        let used = std::fs::read_dir(folder).unwrap().count() + 2;
        let inodes = if forbid { used } else { 100_000 };
        let option = format!("remount,nr_inodes={inodes}");
        assert!(run("mount", &["-o", &option], &self.path));
    }

    /// Takes all the room that is left.
    pub(super) fn fill(&self) {
        let mut filler = std::fs::File::create(self.path.join("filler")).unwrap();
        while filler.write_all(&[7; 4096]).is_ok() {}
    }

    /// Moves the volume to another place, so that only the folder that it was mounted on is left.
    pub(super) fn take_away(&self) -> Away {
        assert!(
            run(
                "mount",
                &["--bind", &self.path.display().to_string()],
                &self.away
            ) && run("umount", &["--lazy"], &self.path)
        );
        Away(self.away.clone())
    }

    /// Mounts it where it was.
    pub(super) fn bring_back(&self, from: Away) {
        assert!(run(
            "mount",
            &["--bind", &from.0.display().to_string()],
            &self.path
        ));
    }
}

/// Where a volume was taken to.
pub(super) struct Away(PathBuf);

impl Drop for Volume {
    fn drop(&mut self) {
        for path in [&self.path, &self.away] {
            run("umount", &["--lazy", "--quiet"], path);
        }
    }
}

fn run(program: &str, arguments: &[&str], path: &Path) -> bool {
    let status = Command::new(program).args(arguments).arg(path).status();
    status.is_ok_and(|status| status.success())
}
