//! Filters in C, by any clang that has a libc for WASI.

use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use super::super::project::Project;
use super::super::sdk;
use super::{complaint, output_of};

const HOW: &str = "no compiler for C is there that has a libc for WASI: on Debian, `apt-get install clang lld wasi-libc \
                   libclang-rt-14-dev-wasm32` brings one (the number is that of `clang --version`); Zig is one, too, and so is the \
                   WASI SDK, which `WASI_SDK_PATH` names";

/// The core module of a file in C, and of those beside it.
pub(super) fn build(project: &Project) -> Result<Vec<u8>> {
    let mut compiler = compiler()?;
    let sdk = match project.folder.join("rimward") {
        own if own.join("include").is_dir() => own,
        _ => sdk::unpacked()?.join("c"),
    };
    let folder = tempfile::tempdir()?;
    let module = folder.path().join("filter.core.wasm");
    compiler
        .args([
            "-mexec-model=reactor",
            "-Oz",
            "-Wall",
            "-Wextra",
            "-Wl,--gc-sections",
        ])
        .args(["-Wl,--strip-all", "-Wl,-z,stack-size=131072", "-I"])
        .arg(sdk.join("include"))
        .arg("-o")
        .arg(&module)
        .args(sources(&project.source)?)
        .args([sdk.join("src/rimward.c"), sdk.join("src/host.c")])
        .stdin(Stdio::null());
    let built = output_of(&mut compiler, HOW)?;
    match built.status.success() {
        true => {
            std::io::stderr().write_all(&built.stderr)?;
            Ok(fs::read(module)?)
        }
        false => bail!("it does not compile:\n{}", complaint(&built)),
    }
}

/// `filter.c` and the files beside it; a file of another name is alone.
fn sources(source: &Path) -> Result<Vec<PathBuf>> {
    let folder = source.parent().filter(|_| source.ends_with("filter.c"));
    let Some(folder) = folder else {
        return Ok(vec![source.to_owned()]);
    };
    let mut files = Vec::new();
    for file in fs::read_dir(folder)? {
        let file = file?.path();
        if file.extension().is_some_and(|kind| kind == "c") {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// The first compiler that makes something of a line.
fn compiler() -> Result<Command> {
    let clang = |program: PathBuf| {
        let mut clang = Command::new(program);
        // With the stack first in memory, a function that calls itself too deeply traps instead of writing over variables.
        clang.args(["--target=wasm32-wasi", "-Wl,--stack-first"]);
        clang
    };
    let zig = || {
        let mut zig = Command::new("zig");
        zig.args(["cc", "-target", "wasm32-wasi"]);
        zig
    };
    let own = env::var_os("WASI_SDK_PATH").map(|folder| PathBuf::from(folder).join("bin/clang"));
    let own = own.map(|program| (clang(program.clone()), clang(program)));
    let clang = (clang("clang".into()), clang("clang".into()));
    for (trial, compiler) in own.into_iter().chain([clang, (zig(), zig())]) {
        if compiles(trial) {
            return Ok(compiler);
        }
    }
    bail!(HOW)
}

fn compiles(mut compiler: Command) -> bool {
    let Ok(folder) = tempfile::tempdir() else {
        return false;
    };
    let source = folder.path().join("try.c");
    let written = fs::write(&source, "#include <stdlib.h>\n");
    compiler
        .args(["-mexec-model=reactor", "-o"])
        .arg(folder.path().join("try.wasm"))
        .arg(&source)
        .stdin(Stdio::null());
    written.is_ok() && compiler.output().is_ok_and(|tried| tried.status.success())
}
