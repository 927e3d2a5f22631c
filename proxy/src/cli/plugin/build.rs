//! `rimward plugin build`: a component of a filter's sources, by the tools of its language.

mod c;
mod dynamic;
mod rust;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};

use anyhow::{Context, Result, anyhow, bail};
use rimward_filters::wasm::component;

use super::project::{Language, Project};
use crate::cli::tell::print;

/// What is built.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Order {
    /// The project's folder, or its source
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Where the component is written: NAME.wasm in the project, unless something else is said
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// It is a handler of Lambda@Edge in Python, as it is when it has a function `lambda_handler`
    #[arg(long)]
    lambda_edge: bool,
    /// The function of such a handler, if it has another name
    #[arg(long, value_name = "NAME")]
    handler: Option<String>,
}

/// Builds it.
pub(super) fn run(order: &Order) -> Result<ExitCode> {
    let mut project = Project::find(&order.path)?;
    if order.lambda_edge || order.handler.is_some() {
        project.language = match project.language {
            Language::Python | Language::Handler => Language::Handler,
            Language::JavaScript => bail!(
                "a handler in JavaScript is not built: the configuration names the file as it is, `lambda_edge = \"{}\"`",
                order.path.display()
            ),
            _ => bail!("handlers of Lambda@Edge are in JavaScript or Python"),
        };
    }
    let output = order.output.clone().unwrap_or_else(|| project.component());
    let built = make(&project, &output, order.handler.as_deref());
    built.and_then(|()| tell(&output))?;
    Ok(ExitCode::SUCCESS)
}

/// Builds a project, and tells what came of it.
pub(super) fn build(project: &Project, output: &Path) -> Result<()> {
    make(project, output, None)?;
    tell(output)
}

fn make(project: &Project, output: &Path, handler: Option<&str>) -> Result<()> {
    match project.language {
        Language::Rust => put(output, &rust::build(project)?),
        Language::C => put(output, &c::build(project)?),
        Language::JavaScript => dynamic::javascript(&project.source, output),
        Language::Python => dynamic::python(&project.source, output),
        Language::Handler => dynamic::handler(&project.source, output, handler),
    }
}

/// Whoever watches the file sees the old component or the new one, never half of one.
fn put(output: &Path, core: &[u8]) -> Result<()> {
    let component = component::encode(core).map_err(|error| anyhow!("{error}"))?;
    let mut name = output.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let beside = output.with_file_name(name);
    fs::write(&beside, component)
        .and_then(|()| fs::rename(&beside, output))
        .with_context(|| format!("`{}` can't be written", output.display()))
}

fn tell(output: &Path) -> Result<()> {
    let bytes = fs::read(output).with_context(|| format!("`{}`", output.display()))?;
    let phases = component::phases(&bytes).map_err(|error| anyhow!("{error}"))?;
    let phases = match phases.as_slice() {
        [] => "no phase: no edge will take it".to_owned(),
        ["handle"] => "a handler of Lambda@Edge".to_owned(),
        phases => phases.join(", "),
    };
    let shown = output.canonicalize().unwrap_or_else(|_| output.to_owned());
    let here = std::env::current_dir().unwrap_or_default();
    let shown = shown.strip_prefix(here).unwrap_or(&shown);
    print(&format!(
        "{}: {}; {phases}\n",
        shown.display(),
        size(bytes.len())
    ))
}

fn size(bytes: usize) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KiB", bytes.div_ceil(1024)),
        _ => format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)),
    }
}

/// Runs a program to its end; `how` tells how to get one that is missing.
fn output_of(command: &mut Command, how: &str) -> Result<Output> {
    command
        .output()
        .map_err(|error| missing(command, &error, how))
}

fn missing(command: &Command, error: &std::io::Error, how: &str) -> anyhow::Error {
    let program = command.get_program().to_string_lossy();
    match error.kind() {
        ErrorKind::NotFound => anyhow!("`{program}` is missing: {how}"),
        _ => anyhow!("`{program}` can't be run: {error}"),
    }
}

/// What a program that failed says, without the word that all begin with.
fn complaint(output: &Output) -> String {
    let told = match output.stderr.is_empty() {
        true => &output.stdout,
        false => &output.stderr,
    };
    let told = String::from_utf8_lossy(told);
    let told = told.trim();
    told.strip_prefix("error: ").unwrap_or(told).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_in_few_digits() {
        for (bytes, told) in [
            (0, "0 bytes"),
            (1024, "1 KiB"),
            (30_051, "30 KiB"),
            (1_900_000, "1.8 MiB"),
        ] {
            assert_eq!(size(bytes), told);
        }
    }
}
