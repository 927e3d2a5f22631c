//! `rimward plugin test`: a component against the requests of `tests.toml`, by the filter of the edge and with its limits.

mod case;
mod compare;
mod stage;
mod walk;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use rimward_filters::Filter;
use rimward_filters::wasm::logs::{self, Message};
use tracing::Level;

use super::build;
use super::project::Project;
use crate::cli::tell::print;
use case::{Case, Suite};
use stage::{Stage, Subject};
use walk::Outcome;

/// The file of tests in a project.
const FILE: &str = "tests.toml";

/// What is tested.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Order {
    /// The project's folder, with its `tests.toml`
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Test the component as it was built before
    #[arg(long)]
    no_build: bool,
    /// Test this component in place of the project's own
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
}

/// Runs the tests and tells how each ended.
pub(super) fn run(order: &Order) -> Result<ExitCode> {
    let file = order.folder.join(FILE);
    let text = std::fs::read_to_string(&file);
    let text = text.with_context(|| format!("`{}` has no tests", file.display()))?;
    let suite = case::parse(&text).map_err(|error| anyhow!("`{}`: {error}", file.display()))?;
    let subject = subject(order, &suite)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let failed = runtime.block_on(run_all(&subject, &suite.cases))?;
    let passed = suite.cases.len() - failed;
    print(&format!("\n{passed} passed, {failed} failed\n"))?;
    Ok(match failed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

fn subject(order: &Order, suite: &Suite) -> Result<Subject> {
    let component = match &order.component {
        Some(component) => component.clone(),
        None => built(&order.folder, order.no_build)?,
    };
    let component = component
        .canonicalize()
        .with_context(|| format!("component `{}`", component.display()))?;
    let name = component.file_stem().unwrap_or_default();
    Ok(Subject {
        name: name.to_string_lossy().into_owned(),
        component,
        settings: suite.filter.clone(),
    })
}

/// The component of a project.
fn built(folder: &Path, as_it_is: bool) -> Result<PathBuf> {
    let project = Project::find(folder)?;
    let component = project.component();
    if !as_it_is {
        build::build(&project, &component)?;
    } else if !component.exists() {
        let told = component.display();
        return Err(anyhow!(
            "`{told}` is not there: `rimward plugin build` makes it"
        ));
    }
    Ok(component)
}

async fn run_all(subject: &Subject, cases: &[Case]) -> Result<usize> {
    let mut failed = 0;
    // Code that somebody holds is not compiled again.
    let mut held: Option<Arc<dyn Filter>> = None;
    for case in cases {
        let ran = Ran::of(subject, case, &mut held).await;
        let ran = ran.map_err(|error| anyhow!("test `{}`: {error}", case.name))?;
        failed += usize::from(!ran.told.is_empty());
        print(&ran.lines(&case.name))?;
    }
    Ok(failed)
}

/// A test that was run.
struct Ran {
    /// What was not as it had to be.
    told: String,
    log: Vec<Message>,
}

impl Ran {
    async fn of(
        subject: &Subject,
        case: &Case,
        held: &mut Option<Arc<dyn Filter>>,
    ) -> Result<Self, String> {
        let (_, first) = logs::since(&subject.name, u64::MAX);
        let (stage, filter) = Stage::set(subject, case).await?;
        let mut exchange = walk::exchange(&case.request)?;
        let mut outcome = match filter {
            Ok(filter) => {
                let body = Bytes::from(case.request.body.clone());
                let outcome = walk::walk(&*filter, &mut exchange, body, &case.origin).await;
                *held = Some(filter);
                outcome?
            }
            Err(error) => Outcome {
                error: Some(error),
                ..Outcome::default()
            },
        };
        let (log, _) = logs::since(&subject.name, first);
        if stage.log_failed() && outcome.error.is_none() {
            let mut errors = log.iter().rev().filter(|line| line.level == Level::ERROR);
            outcome.error = errors.next().map(|line| line.text.clone());
        }
        let came = compare::Came {
            filter: &subject.name,
            outcome: &outcome,
            exchange: &exchange,
            stage: &stage,
            log: &log,
        };
        let differences = compare::differences(&case.expect, &came);
        let told = differences.iter().map(compare::Difference::lines).collect();
        Ok(Self { told, log })
    }

    /// As a terminal shows it: what the filter logged helps where it failed.
    fn lines(&self, name: &str) -> String {
        if self.told.is_empty() {
            return format!("test {name} ... ok\n");
        }
        let mut lines = format!("test {name} ... FAILED\n{}", self.told);
        if !self.log.is_empty() {
            lines.push_str("    its log\n");
        }
        for message in &self.log {
            let text = message.text.replace('\n', "\n              ");
            lines.push_str(&format!("        {:5} {text}\n", message.level.as_str()));
        }
        lines
    }
}
