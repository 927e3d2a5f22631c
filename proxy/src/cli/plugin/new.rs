//! `rimward plugin new`: a project that builds, with a test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use super::sdk;
use crate::cli::tell::print;

/// What is made.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Order {
    /// The language it is written in
    #[arg(long)]
    lang: Language,
    /// Its name, which is that of the folder, too
    name: String,
}

/// A language that filters are written in.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Language {
    Rust,
    Js,
    Python,
    C,
}

/// Makes it.
pub(super) fn run(Order { lang, name }: &Order) -> Result<ExitCode> {
    check(name)?;
    let folder = PathBuf::from(name);
    if folder.exists() {
        bail!("`{name}` is there already");
    }
    fill(*lang, name, &folder).with_context(|| format!("project `{name}`"))?;
    print(&format!(
        "made `{name}`, a filter that says hello; go on with\n\n    \
         cd {name}\n    rimward plugin build\n    rimward plugin test\n"
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// The name becomes that of a crate and part of that of a header.
fn check(name: &str) -> Result<()> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_one = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= 64
        && name.chars().all(fits);
    if !is_one {
        bail!("`{name}` is not a name such as `price-list`: small letters, digits and dashes");
    }
    Ok(())
}

fn fill(lang: Language, name: &str, folder: &Path) -> Result<()> {
    let named = |content: &[u8]| {
        let text = String::from_utf8_lossy(content);
        text.replace("{{name}}", name).into_bytes()
    };
    let language = match lang {
        Language::Rust => "rust",
        Language::Js => "js",
        Language::Python => "python",
        Language::C => "c",
    };
    sdk::copy(&format!("{language}/template"), folder, named)?;
    match lang {
        Language::Rust => rust(&folder.join("rimward-filter")),
        Language::Js => js(&folder.join("types")),
        Language::C => {
            let as_it_is = |content: &[u8]| content.to_vec();
            sdk::copy("c/include", &folder.join("rimward/include"), as_it_is)?;
            sdk::copy("c/src", &folder.join("rimward/src"), as_it_is)
        }
        Language::Python => Ok(()),
    }
}

/// The crate that a filter in Rust depends on.
fn rust(folder: &Path) -> Result<()> {
    let as_it_is = |content: &[u8]| content.to_vec();
    for part in ["src", "macros"] {
        sdk::copy(&format!("rust/{part}"), &folder.join(part), as_it_is)?;
    }
    sdk::copy("wit", &folder.join("wit"), as_it_is)?;
    let manifest = sdk::file("rust/Cargo.toml").unwrap_or_default();
    let manifest = String::from_utf8_lossy(manifest);
    // The examples stay behind.
    let manifest = manifest.replace(", \"examples/*\"", "");
    Ok(fs::write(folder.join("Cargo.toml"), manifest)?)
}

/// The types that editors read.
fn js(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    for name in ["rimward.d.ts", "globals.d.ts"] {
        let types = sdk::file(&format!("js/{name}")).unwrap_or_default();
        fs::write(folder.join(name), types)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_crates_and_headers() {
        for (name, fits) in [
            ("hello", true),
            ("price-list-2", true),
            ("", false),
            ("2fast", false),
            ("Hello", false),
            ("a_b", false),
            ("../a", false),
        ] {
            assert_eq!(check(name).is_ok(), fits, "{name}");
        }
    }
}
