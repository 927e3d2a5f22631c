//! Runs the edge and its peers in turn on one machine, and measures what a request costs each.
#![expect(
    clippy::print_stdout,
    reason = "tables on standard output are what the program is for"
)]

mod aims;
mod beside;
mod cases;
mod chart;
mod cli;
mod client;
mod contest;
mod echo;
mod install;
mod load;
mod machine;
mod origin;
mod peers;
mod results;
mod run;
mod server;
mod stage;
mod tables;
mod usage;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match cli::run(cli::Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
