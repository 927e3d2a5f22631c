//! The command line.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};

use crate::results::Results;
use crate::{cases, chart, echo, peers, run, tables};

/// Runs Rimward and its peers in turn and measures what a request costs each.
#[derive(Debug, Parser)]
#[command(name = "side-by-side", args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure and print the tables; what is done without a command
    Run(Options),
    /// Tell the cases and the peers
    List,
    /// Print the tables of a measured file, as markdown
    Table {
        /// The measured file
        #[arg(default_value = RESULTS)]
        file: PathBuf,
    },
    /// Draw a measured file as SVG
    Chart {
        /// The measured file
        #[arg(default_value = RESULTS)]
        file: PathBuf,
        /// Where the picture goes
        #[arg(long, default_value = "benches/side-by-side/results.svg")]
        out: PathBuf,
    },
    /// Serve 1 KiB by one read and one write for each request: the floor
    Echo {
        /// The port on loopback
        #[arg(long)]
        port: u16,
    },
}

const RESULTS: &str = "benches/side-by-side/results.json";

/// What is measured, how often and how long.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only these cases, by name
    #[arg(long, value_delimiter = ',')]
    pub(crate) cases: Vec<String>,
    /// Only these peers, by name
    #[arg(long, value_delimiter = ',')]
    pub(crate) peers: Vec<String>,
    /// How often each peer has its turn in each case
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) rounds: u32,
    /// How long a turn is
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub(crate) seconds: u32,
    /// Where the measured figures go
    #[arg(long, default_value = RESULTS)]
    pub(crate) out: PathBuf,
    /// The edge's binary
    #[arg(long, default_value = "target/release/rimward")]
    pub(crate) rimward: PathBuf,
    /// Measure the binary that is there
    #[arg(long)]
    pub(crate) no_build: bool,
    /// Do without peers that are not installed
    #[arg(long)]
    pub(crate) no_install: bool,
    /// Leave it to the kernel which processor runs what
    #[arg(long)]
    pub(crate) no_pin: bool,
}

/// Does what was asked.
pub(crate) fn run(arguments: Arguments) -> Result<()> {
    match arguments.command {
        None => run::run(&arguments.options),
        Some(Command::Run(options)) => run::run(&options),
        Some(Command::List) => {
            list();
            Ok(())
        }
        Some(Command::Table { file }) => {
            println!("{}", tables::all(&Results::read(&file)?));
            Ok(())
        }
        Some(Command::Chart { file, out }) => {
            let picture = chart::draw(&Results::read(&file)?)?;
            fs::write(&out, picture).with_context(|| format!("cannot write `{}`", out.display()))
        }
        Some(Command::Echo { port }) => echo::serve(port),
    }
}

fn list() {
    println!("cases:");
    for case in cases::all() {
        println!("  {:<15} {}", case.name, case.title);
    }
    println!("peers:");
    for peer in peers::all() {
        println!("  {:<15} {}", peer.name(), peer.note());
    }
}
