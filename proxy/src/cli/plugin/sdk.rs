//! The SDKs, which are part of this program.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::folders;

include!(concat!(env!("OUT_DIR"), "/sdk.rs"));

/// The folder with the SDKs, for languages whose tools are fetched once for all projects. Written when it is wanted first.
pub(super) fn unpacked() -> Result<PathBuf> {
    let cache = folders::cache()
        .context("the SDK has no place: neither `HOME` nor `XDG_CACHE_HOME` names a folder")?;
    let digest = DIGEST.get(..8).unwrap_or(DIGEST);
    let folder = cache.join(format!("sdk-{}-{digest}", env!("CARGO_PKG_VERSION")));
    if folder.exists() {
        return Ok(folder);
    }
    let beside = folder.with_extension(format!("{}.part", std::process::id()));
    let written = copy("", &beside, |content| content.to_vec());
    let placed = written.and_then(|()| match fs::rename(&beside, &folder) {
        // Another was quicker.
        Err(_) if folder.exists() => Ok(fs::remove_dir_all(&beside)?),
        other => Ok(other?),
    });
    placed.with_context(|| format!("the SDK can't be written to `{}`", folder.display()))?;
    Ok(folder)
}

/// Writes a part of the SDKs, such as `rust/src`, into a folder.
pub(super) fn copy(part: &str, to: &Path, change: impl Fn(&'static [u8]) -> Vec<u8>) -> Result<()> {
    for (name, content) in files(part) {
        let path = to.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, change(content)).with_context(|| format!("`{}`", path.display()))?;
    }
    Ok(())
}

/// The files of a part, by their paths in it.
fn files(part: &str) -> impl Iterator<Item = (&'static str, &'static [u8])> {
    let within = move |name: &'static str| match part {
        "" => Some(name),
        part => name.strip_prefix(part)?.strip_prefix('/'),
    };
    FILES
        .iter()
        .filter_map(move |(name, content)| Some((within(name)?, *content)))
}

/// One file.
pub(super) fn file(path: &str) -> Option<&'static [u8]> {
    let (_, content) = FILES.iter().find(|(name, _)| *name == path)?;
    Some(*content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_projects_need_is_there_and_nothing_else() {
        for path in [
            "wit/filter.wit",
            "rust/Cargo.toml",
            "rust/macros/Cargo.toml",
            "rust/template/src/lib.rs",
            "c/include/rimward/on_request.h",
            "c/src/host.c",
            "js/package-lock.json",
            "js/rimward.d.ts",
            "js/template/.gitignore",
            "python/build.py",
            "python/rimward/_engine.py",
            "lambda-edge/python/build.py",
        ] {
            assert!(file(path).is_some(), "{path}");
        }
        let foreign = [
            "node_modules",
            "__pycache__",
            "/examples/",
            "/target/",
            ".pyc",
        ];
        for (name, _) in FILES {
            assert!(!foreign.iter().any(|part| name.contains(part)), "{name}");
        }
        let size: usize = FILES.iter().map(|(_, content)| content.len()).sum();
        assert!(size < 2 << 20, "{size}");
        assert!(files("rust/template").any(|(name, _)| name == "src/lib.rs"));
    }
}
