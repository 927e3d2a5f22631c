//! Filters in JavaScript and Python: the SDK's own scripts make the component. Their tools are fetched once for all projects.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::super::sdk;
use super::{complaint, output_of};

/// The oldest Node.js that runs the SDK.
const NODE: u32 = 20;
const NODE_HOW: &str =
    "filters in JavaScript are built by Node.js 20 or later, which comes with npm";
const PYTHON_HOW: &str = "filters in Python are built by Python 3 with `venv` (on Debian: `apt-get install python3-venv`)";

/// A file that is there when all tools are.
const READY: &str = ".rimward-ready";

/// Makes a component of a file in JavaScript or TypeScript.
pub(super) fn javascript(source: &Path, output: &Path) -> Result<()> {
    check_node()?;
    let sdk = sdk::unpacked()?.join("js");
    let ready = sdk.join("node_modules").join(READY);
    if !ready.exists() {
        fetching("JavaScript", "npm");
        let mut npm = Command::new("npm");
        npm.args([
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--silent",
        ])
        .current_dir(&sdk);
        run(
            &mut npm,
            NODE_HOW,
            "the tools for JavaScript can't be fetched from npm",
        )?;
        fs::write(&ready, "").with_context(|| format!("`{}`", ready.display()))?;
    }
    let mut node = Command::new("node");
    node.arg(sdk.join("build.mjs"))
        .arg(source)
        .arg("-o")
        .arg(output);
    run(&mut node, NODE_HOW, "it can't be built")
}

fn check_node() -> Result<()> {
    let told = output_of(Command::new("node").arg("--version"), NODE_HOW)?;
    let version = String::from_utf8_lossy(&told.stdout).trim().to_owned();
    let major = version.trim_start_matches('v').split('.').next();
    let major: u32 = major.and_then(|major| major.parse().ok()).unwrap_or(0);
    if major < NODE {
        bail!("Node.js {NODE} or later is needed, and this is {version}");
    }
    Ok(())
}

/// Makes a component of a file in Python.
pub(super) fn python(source: &Path, output: &Path) -> Result<()> {
    let (sdk, program) = python_tools()?;
    let mut python = Command::new(program);
    python
        .arg(sdk.join("python/build.py"))
        .arg(source)
        .arg("-o")
        .arg(output);
    run(&mut python, PYTHON_HOW, "it can't be built")
}

/// Makes a component of a handler of Lambda@Edge in Python.
pub(super) fn handler(source: &Path, output: &Path, function: Option<&str>) -> Result<()> {
    let (sdk, program) = python_tools()?;
    let mut python = Command::new(program);
    python
        .arg(sdk.join("lambda-edge/python/build.py"))
        .arg(source)
        .arg("-o")
        .arg(output);
    if let Some(function) = function {
        python.args(["--handler", function]);
    }
    run(&mut python, PYTHON_HOW, "it can't be built")
}

/// The SDK, and a Python that has what it needs.
fn python_tools() -> Result<(PathBuf, PathBuf)> {
    let sdk = sdk::unpacked()?;
    let folder = sdk.join("python/.venv");
    let (program, ready) = (folder.join("bin/python"), folder.join(READY));
    if ready.exists() {
        return Ok((sdk, program));
    }
    fetching("Python", "PyPI");
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv", "--clear"]).arg(&folder);
    run(&mut venv, PYTHON_HOW, PYTHON_HOW)?;
    let mut pip = Command::new(&program);
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--requirement",
    ])
    .arg(sdk.join("python/requirements.txt"));
    run(
        &mut pip,
        PYTHON_HOW,
        "the tools for Python can't be fetched from PyPI",
    )?;
    fs::write(&ready, "").with_context(|| format!("`{}`", ready.display()))?;
    Ok((sdk, program))
}

fn fetching(language: &str, from: &str) {
    eprintln!("fetching the tools for {language} from {from}, this once");
}

/// Runs a program; when it fails, what it says is told.
fn run(command: &mut Command, how: &str, failed: &str) -> Result<()> {
    let done = output_of(command.stdin(Stdio::null()), how)?;
    match done.status.success() {
        true => {
            eprint!("{}", String::from_utf8_lossy(&done.stderr));
            Ok(())
        }
        false => bail!("{failed}: {}", complaint(&done)),
    }
}
