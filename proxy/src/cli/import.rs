//! `rimward import`: makes a configuration from the CloudFront events of a Serverless Framework file.
//!
//! The file is read into a tree that knows its lines (`yaml.rs`), its variables are put in (`variables.rs`), what it says of
//! functions and distributions becomes a `Plan` (`functions.rs`, `distribution.rs`, `site.rs`), and that is written as TOML
//! (`plan.rs`, `toml.rs`). Whatever is not carried over is told by its line.

mod caching;
mod cloudformation;
mod distribution;
mod functions;
mod handlers;
mod notes;
mod paths;
mod places;
mod plan;
mod site;
mod toml;
mod variables;
mod yaml;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};

use super::tell::print;
use cloudformation::Template;
use notes::Notes;
use plan::Plan;
use variables::Given;

/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 16 << 20;

/// What is imported, and what is told about it.
#[derive(Debug, clap::Args)]
pub(super) struct Order {
    /// The file: `serverless.yml`, or the same as JSON
    file: PathBuf,
    /// Where the configuration is written; standard output unless it is given
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// The stage that variables are resolved for; the file's own unless it is given
    #[arg(long)]
    stage: Option<String>,
    /// The region that variables are resolved for; the file's own unless it is given
    #[arg(long)]
    region: Option<String>,
    /// An option of the command line that variables ask for, as `name=value`; may be given several times
    #[arg(long = "opt", value_name = "NAME=VALUE", value_parser = pair)]
    options: Vec<(String, String)>,
    /// A parameter that variables ask for, as `name=value`; may be given several times
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = pair)]
    parameters: Vec<(String, String)>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| format!("`{text}` is not a name and a value: write `name=value`"))
}

/// Writes the configuration, and tells on standard error what it lacks.
pub(super) fn import(order: Order) -> Result<ExitCode> {
    let file = &order.file;
    let kind = file.extension().and_then(|kind| kind.to_str());
    if matches!(kind, Some("ts" | "js" | "cjs" | "mjs")) {
        bail!(
            "`{}` is a program: print what it says by `serverless print > serverless.yml`, and import that",
            file.display()
        );
    }
    let text = read(file)?;
    let folder = file.parent().unwrap_or_else(|| Path::new("")).to_owned();
    let given = Given {
        stage: order.stage,
        region: order.region,
        options: order.options.into_iter().collect(),
        parameters: order.parameters.into_iter().collect(),
        folder: folder.clone(),
        environment: |name| std::env::var(name).ok(),
    };
    let source = Source {
        name: file.display().to_string(),
        seen_from_output: seen_from(&folder, order.output.as_deref())?,
        folder,
    };
    let (written, notes) = converted(&text, &given, &source)?;
    match &order.output {
        Some(output) => std::fs::write(output, written)
            .with_context(|| format!("`{}` can't be written", output.display()))?,
        None => print(&written)?,
    }
    eprint!("{}", notes.told(&source.name));
    Ok(ExitCode::SUCCESS)
}

/// Where what is imported stands.
struct Source {
    /// As the operator wrote it.
    name: String,
    /// The file's folder.
    folder: PathBuf,
    /// The same as the configuration has to name it: paths in that are relative to its own folder.
    seen_from_output: PathBuf,
}

fn converted(text: &str, given: &Given, source: &Source) -> Result<(String, Notes)> {
    let tree = yaml::parse(text).map_err(|fault| anyhow!("{}:{fault}", source.name))?;
    let resolved = variables::resolve(&tree, given)
        .map_err(|message| anyhow!("{}: {message}", source.name))?;
    let mut notes = Notes::default();
    let template = Template::of(&resolved.tree, &resolved.region, &resolved.stack);
    let mut plan = Plan::default();
    let mut distributions = distribution::of_resources(&template, &mut notes);
    functions::add(
        &resolved.tree,
        &template,
        source,
        &mut distributions,
        &mut plan,
        &mut notes,
    );
    site::plan(distributions, &mut plan, &mut notes);
    plan.prune();
    if plan.sites.is_empty() {
        bail!(
            "{}: there is neither a CloudFront event of a function nor a distribution in it",
            source.name
        );
    }
    notes.tell(
        None,
        "the listener has neither TLS nor the addresses of your POP: set `[[listen]]`, with `tls.certificates`",
    );
    Ok((toml::written(&plan, &source.name, &resolved.stage), notes))
}

fn read(file: &Path) -> Result<String> {
    let unreadable = || format!("`{}` can't be read", file.display());
    let size = std::fs::metadata(file).with_context(unreadable)?.len();
    if size > MAX_FILE {
        bail!("`{}` is larger than 16 MiB", file.display());
    }
    std::fs::read_to_string(file).with_context(unreadable)
}

/// A folder as a file in another one names it: relative if it is below that, absolute else. What goes to standard output is taken
/// for a file in the current folder.
fn seen_from(folder: &Path, output: Option<&Path>) -> Result<PathBuf> {
    let base = output
        .and_then(Path::parent)
        .unwrap_or_else(|| Path::new(""));
    if base == folder {
        return Ok(PathBuf::new());
    }
    let absolute = |path: &Path| {
        let path = if path == Path::new("") {
            Path::new(".")
        } else {
            path
        };
        std::path::absolute(path)
    };
    let (folder, base) = (absolute(folder)?, absolute(base)?);
    Ok(match folder.strip_prefix(&base) {
        Ok(below) => below.to_owned(),
        Err(_) => folder,
    })
}
