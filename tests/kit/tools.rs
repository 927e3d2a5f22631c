//! Programs that black-box tests use and that a machine may lack.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// The program's path; or `None`, after saying so, when it isn't installed. Where `CI` is set a missing program fails the
/// test: there every test has to run.
pub fn need(program: &str) -> Option<PathBuf> {
    let found = find(program);
    if found.is_none() {
        assert!(
            std::env::var_os("CI").is_none(),
            "{program} is not installed, and CI is set: no test may be skipped"
        );
        eprintln!("skipped: {program} is not installed");
    }
    found
}

/// Runs a program to its end and returns what it wrote; a failure to start it fails the test.
pub fn run(program: &PathBuf, arguments: &[&str]) -> Output {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{} can't be run: {error}", program.display()))
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}
