//! Puts the SDKs into the program, so that `rimward plugin` works away from the repository.

use std::collections::hash_map::DefaultHasher;
use std::env;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

/// What projects are made of and built with.
const PARTS: [&str; 17] = [
    "wit",
    "rust/Cargo.toml",
    "rust/src",
    "rust/macros",
    "rust/template",
    "c/include",
    "c/src",
    "c/template",
    "js/api",
    "js/build",
    "js/globals",
    "js/template",
    "python/rimward",
    "python/template",
    "python/build.py",
    "python/requirements.txt",
    "lambda-edge/python",
];

/// Files of `js` itself.
const SCRIPTS: [&str; 7] = [
    ".npmrc",
    "build.mjs",
    "globals.d.ts",
    "package-lock.json",
    "package.json",
    "rimward.d.ts",
    "rimward.js",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sdk = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../sdk");
    let scripts = SCRIPTS.iter().map(|name| format!("js/{name}"));
    let parts = PARTS.iter().map(|part| (*part).to_owned()).chain(scripts);
    let mut files = Vec::new();
    for part in parts {
        let path = sdk.join(part);
        println!("cargo::rerun-if-changed={}", path.display());
        gather(&path, &mut files)?;
    }
    files.sort();
    // What tells this SDK from others: the hasher's keys are always the same.
    let mut digest = DefaultHasher::new();
    let mut table = String::from("const FILES: &[(&str, &[u8])] = &[\n");
    for file in &files {
        let name = file
            .strip_prefix(&sdk)?
            .to_str()
            .ok_or("a name is not UTF-8")?;
        (name, fs::read(file)?).hash(&mut digest);
        let path = file.canonicalize()?;
        table.push_str(&format!("    ({name:?}, include_bytes!({path:?})),\n"));
    }
    let digest = digest.finish();
    table.push_str(&format!("];\nconst DIGEST: &str = \"{digest:016x}\";\n"));
    fs::write(Path::new(&env::var("OUT_DIR")?).join("sdk.rs"), table)?;
    Ok(())
}

fn gather(path: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if path.is_file() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !["__pycache__", "node_modules", "target"].contains(&&*name)
            && !name.starts_with("test_")
        {
            gather(&path, files)?;
        }
    }
    Ok(())
}
