//! Where a server plays: its folder, its ports and the certificate that all share.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use tempfile::TempDir;

/// The folder of a whole run; it goes with the run.
pub(crate) struct Theatre {
    folder: TempDir,
}

/// What a peer writes its settings for.
pub(crate) struct Stage {
    folder: TempDir,
    /// The port for plain HTTP, on loopback.
    pub(crate) plain: u16,
    /// The port for TLS.
    pub(crate) tls: u16,
    pub(crate) origin: u16,
    pub(crate) certificate: Certificate,
}

/// The files of the certificate.
#[derive(Clone)]
pub(crate) struct Certificate {
    pub(crate) chain: PathBuf,
    pub(crate) key: PathBuf,
    /// Both in one file.
    pub(crate) both: PathBuf,
}

impl Theatre {
    /// Makes the folder in memory where there is such a place, so that no disk has a say, and the certificate in it.
    pub(crate) fn new() -> Result<Self> {
        let memory = Path::new("/dev/shm");
        let temporary = std::env::temp_dir();
        let parent = if memory.is_dir() { memory } else { &temporary };
        sweep(parent);
        let folder = tempfile::Builder::new()
            .prefix(&format!("{PREFIX}{}-", std::process::id()))
            .tempdir_in(parent)
            .with_context(|| format!("cannot make a folder in `{}`", parent.display()))?;
        let theatre = Self { folder };
        theatre.write_certificate()?;
        Ok(theatre)
    }

    /// The folder itself.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A new stage with a folder of this name.
    pub(crate) fn stage(&self, name: &str, origin: u16) -> Result<Stage> {
        let [plain, tls] = free_ports()?;
        // No two have the same name, since some cases begin anew in each round.
        let folder = tempfile::Builder::new()
            .prefix(&format!("{name}-"))
            .tempdir_in(self.folder())
            .with_context(|| format!("cannot make a folder for {name}"))?;
        let certificate = self.certificate();
        Ok(Stage {
            folder,
            plain,
            tls,
            origin,
            certificate,
        })
    }

    fn certificate(&self) -> Certificate {
        Certificate {
            chain: self.folder().join("chain.pem"),
            key: self.folder().join("key.pem"),
            both: self.folder().join("both.pem"),
        }
    }

    fn write_certificate(&self) -> Result<()> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let chain = CertificateParams::new(vec!["localhost".into()])?
            .self_signed(&key)?
            .pem();
        let files = self.certificate();
        fs::write(&files.both, format!("{chain}{}", key.serialize_pem()))
            .and_then(|()| fs::write(&files.chain, &chain))
            .and_then(|()| fs::write(&files.key, key.serialize_pem()))
            .context("cannot write the certificate")
    }
}

impl Stage {
    /// Its folder, which goes with it.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file of settings.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.folder().join(name);
        fs::write(&path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
        Ok(path)
    }

    /// The folder as text, for settings.
    pub(crate) fn home(&self) -> std::path::Display<'_> {
        self.folder().display()
    }
}

const PREFIX: &str = "side-by-side-";

/// Removes what runs left behind that were interrupted: caches in memory are memory.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let number = name
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX)?.split('-').next());
        let Some(process) = number.and_then(|number| number.parse::<u32>().ok()) else {
            continue;
        };
        if !Path::new(&format!("/proc/{process}")).exists() {
            fs::remove_dir_all(entry.path()).ok();
        }
    }
}

/// Ports that nobody listens on; all are taken at once, so that they differ.
fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let mut ports = [0; N];
    let mut taken = Vec::new();
    for port in &mut ports {
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("no port is free")?;
        *port = listener.local_addr()?.port();
        taken.push(listener);
    }
    Ok(ports)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_have_folders_ports_and_a_certificate_of_their_own() {
        let theatre = Theatre::new().unwrap();
        let one = theatre.stage("one", 1).unwrap();
        let two = theatre.stage("one", 1).unwrap();
        assert_ne!(one.folder(), two.folder());
        assert_ne!(one.plain, one.tls);
        let pem = fs::read_to_string(one.certificate.both).unwrap();
        assert!(pem.contains("BEGIN CERTIFICATE") && pem.contains("BEGIN PRIVATE KEY"));
    }
}
