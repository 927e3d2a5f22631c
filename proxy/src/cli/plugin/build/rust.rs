//! Filters in Rust, by cargo.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::super::project::Project;
use super::{missing, output_of};

const TARGET: &str = "wasm32-unknown-unknown";
const RUST: &str = "rustup brings it, with Rust 1.88 or later";

/// The core module of a package.
pub(super) fn build(project: &Project) -> Result<Vec<u8>> {
    let mut cargo = cargo()?;
    cargo
        .args([
            "build",
            "--release",
            "--message-format=json-render-diagnostics",
        ])
        .args(["--target", TARGET, "--manifest-path"])
        .arg(&project.source)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    let built = output_of(&mut cargo, RUST)?;
    if !built.status.success() {
        bail!("`cargo build` failed");
    }
    let module = String::from_utf8_lossy(&built.stdout)
        .lines()
        .filter_map(artifact)
        .next_back();
    let module = module.with_context(|| {
        format!(
            "`{}` makes no WebAssembly: it needs `crate-type = [\"cdylib\"]` in its `[lib]`",
            project.source.display()
        )
    })?;
    std::fs::read(&module).with_context(|| format!("`{}`", module.display()))
}

/// The module that a message of cargo tells of.
fn artifact(line: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(line).ok()?;
    if message["reason"] != "compiler-artifact" {
        return None;
    }
    let files = message["filenames"].as_array()?.iter();
    let mut files = files.filter_map(|file| Some(PathBuf::from(file.as_str()?)));
    files.find(|file| file.extension().is_some_and(|kind| kind == "wasm"))
}

/// A cargo that builds for WebAssembly: with the target of rustup, or Debian's, which builds the standard library along.
fn cargo() -> Result<Command> {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "target-libdir", "--target", TARGET]);
    let found = rustc.output();
    let has_target = found.as_ref().is_ok_and(|told| {
        let folder = String::from_utf8_lossy(&told.stdout);
        told.status.success() && Path::new(folder.trim()).is_dir()
    });
    if has_target {
        return Ok(Command::new("cargo"));
    }
    if let Some(cargo) = of_debian() {
        return Ok(cargo);
    }
    match found {
        Err(error) => Err(missing(&rustc, &error, RUST)),
        Ok(_) => bail!(
            "Rust's target for WebAssembly is missing: `rustup target add {TARGET}` brings it \
             (on Debian without rustup: `apt-get install rustc-web cargo-web rust-web-src lld-22`)"
        ),
    }
}

fn of_debian() -> Option<Command> {
    let rustc = Path::new("/usr/bin/rustc");
    let ask = |arguments: &[&str]| {
        let told = Command::new(rustc).args(arguments).output().ok()?;
        let text = String::from_utf8(told.stdout).ok()?;
        told.status.success().then(|| text.trim().to_owned())
    };
    let sysroot = PathBuf::from(ask(&["--print", "sysroot"])?);
    let library = sysroot.join("lib/rustlib/src/rust/library");
    let version = ask(&["-vV"])?;
    let llvm = version
        .lines()
        .find_map(|line| line.strip_prefix("LLVM version: "))?;
    let linker = format!("/usr/bin/wasm-ld-{}", llvm.split('.').next()?);
    if !library.is_dir() || !Path::new(&linker).exists() || !Path::new("/usr/bin/cargo").exists() {
        return None;
    }
    let mut path = OsString::from("/usr/bin:");
    path.push(env::var_os("PATH").unwrap_or_default());
    let mut cargo = Command::new("/usr/bin/cargo");
    cargo
        .arg("-Zbuild-std=std,panic_abort")
        .env("PATH", path)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
    Some(cargo)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_is_among_what_cargo_tells() {
        for (line, module) in [
            (
                r#"{"reason":"compiler-artifact","filenames":["/t/libx.rlib","/t/x.wasm"]}"#,
                Some("/t/x.wasm"),
            ),
            (
                r#"{"reason":"compiler-artifact","filenames":["/t/libx.rlib"]}"#,
                None,
            ),
            (r#"{"reason":"build-finished","success":true}"#, None),
            ("warning", None),
        ] {
            assert_eq!(artifact(line), module.map(PathBuf::from));
        }
    }
}
