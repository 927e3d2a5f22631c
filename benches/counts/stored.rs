//! The figures in the repository, and those of now.

use std::collections::BTreeMap;
use std::error::Error;
use std::process::Command;

use rimward_benches::hot::{HOT_PATHS, HotPath};
use serde::{Deserialize, Serialize};

use crate::callgrind;

/// What makes them.
pub(crate) const COMMAND: &str = "cargo run --release -p rimward-benches --bin counts -- renew";

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/counts.toml");

/// Instructions of one run of each hot path.
#[derive(Serialize, Deserialize)]
pub(crate) struct Stored {
    /// What compiled them.
    pub(crate) compiler: String,
    /// By name.
    pub(crate) paths: BTreeMap<String, u64>,
}

impl Stored {
    /// What it is now.
    pub(crate) fn count() -> Result<Self, Box<dyn Error>> {
        let count = |path: &HotPath| Ok((path.name.to_owned(), callgrind::count(path)?));
        let paths: Result<_, Box<dyn Error>> = HOT_PATHS.iter().map(count).collect();
        Ok(Self {
            compiler: compiler()?,
            paths: paths?,
        })
    }

    pub(crate) fn read() -> Result<Self, Box<dyn Error>> {
        let text = std::fs::read_to_string(FILE).map_err(|error| format!("`{FILE}`: {error}"))?;
        Ok(toml::from_str(&text)?)
    }

    pub(crate) fn write(&self) -> Result<(), Box<dyn Error>> {
        let head = "# Instructions of one run of each hot path, on x86-64. They are made by\n#";
        let text = toml::to_string(self)?;
        std::fs::write(FILE, format!("{head}\n#     {COMMAND}\n\n{text}"))?;
        Ok(())
    }
}

/// The compiler as it names itself.
fn compiler() -> Result<String, Box<dyn Error>> {
    let output = Command::new("rustc").arg("--version").output();
    let output = output.map_err(|error| format!("rustc does not run: {error}"))?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
