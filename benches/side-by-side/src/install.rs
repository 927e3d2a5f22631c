//! Finding programs, and the packages for those that are missing.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use rustix::process::geteuid;

use crate::peers::{Peer, Program};

/// What is needed whoever is measured: program and package.
const TOOLS: [(&str, &str); 7] = [
    ("nginx", "nginx-light"),
    ("wrk", "wrk"),
    ("h2load", "nghttp2-client"),
    ("openssl", "openssl"),
    ("curl", "curl"),
    ("taskset", "util-linux"),
    ("setpriv", "util-linux"),
];

/// A program by its name, also where only root's `PATH` looks.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// Where npm's packages are installed.
const NPM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/side-by-side");

/// A program of an npm package, by its path among the modules.
pub(crate) fn module(program: &str) -> Option<PathBuf> {
    let file = Path::new(NPM).join("node_modules").join(program);
    file.is_file().then_some(file)
}

/// Installs the npm packages of peers that are not there, and tells which can't be had.
pub(crate) fn install_modules(peers: &[Box<dyn Peer>]) -> Result<()> {
    for peer in peers {
        let Program::Npm { program, package } = peer.program() else {
            continue;
        };
        if module(program).is_some() {
            continue;
        }
        fs::create_dir_all(NPM).with_context(|| format!("cannot make `{NPM}`"))?;
        let installed = Command::new("timeout")
            .args(["600", "npm", "install", "--ignore-scripts", "--no-audit"])
            .args(["--no-fund", "--silent", "--prefix", NPM, package])
            .stdin(Stdio::null())
            .status();
        if !installed.is_ok_and(|status| status.success()) {
            eprintln!("{package} can't be had here");
        }
    }
    Ok(())
}

/// The Debian packages of tools and peers that are not there.
pub(crate) fn missing(peers: &[Box<dyn Peer>]) -> BTreeSet<&'static str> {
    let theirs = peers.iter().filter_map(|peer| match peer.program() {
        Program::Debian { program, package } => Some((program, package)),
        Program::Edge | Program::Myself | Program::Npm { .. } => None,
    });
    TOOLS
        .into_iter()
        .chain(theirs)
        .filter(|(program, _)| find(program).is_none())
        .map(|(_, package)| package)
        .collect()
}

/// Installs packages, one by one since not every release has each, and tells which can't be had.
pub(crate) fn install(packages: &BTreeSet<&'static str>) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    ensure!(
        geteuid().is_root(),
        "only root can install {packages:?}; `--no-install` does without"
    );
    let _quiet = NothingStarts::begin()?;
    apt(&["update", "-qq"]).context("`apt-get update` failed")?;
    for package in packages {
        eprintln!("installing {package}");
        if apt(&["install", "-y", "-qq", "--no-install-recommends", package]).is_err() {
            eprintln!("{package} can't be had here");
        }
    }
    Ok(())
}

fn apt(arguments: &[&str]) -> Result<()> {
    let status = Command::new("timeout")
        .args(["600", "apt-get"])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()?;
    ensure!(status.success(), "{status}");
    Ok(())
}

/// While it lives, packages don't start the services that they install.
struct NothingStarts {
    ours: bool,
}

const POLICY: &str = "/usr/sbin/policy-rc.d";

impl NothingStarts {
    fn begin() -> Result<Self> {
        if Path::new(POLICY).exists() {
            return Ok(Self { ours: false });
        }
        fs::write(POLICY, "#!/bin/sh\nexit 101\n")
            .and_then(|()| fs::set_permissions(POLICY, fs::Permissions::from_mode(0o755)))
            .with_context(|| format!("cannot write `{POLICY}`"))?;
        Ok(Self { ours: true })
    }
}

impl Drop for NothingStarts {
    fn drop(&mut self) {
        if self.ours {
            fs::remove_file(POLICY).ok();
        }
    }
}
