//! The `rimward` command.

mod cli;

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;
use rimward_images::worker;

/// glibc's allocator keeps what ten thousand connections used after they are gone, and costs more for each request.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    small_pages();
    worker::start_by(worker::Launch::own([cli::IMAGE_WORKER]));
    match cli::run(cli::Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// A buffer of which little is used should cost little: huge pages make ten thousand idle connections cost half as much
/// again. Where the system has none, nothing is lost.
fn small_pages() {
    #[cfg(target_os = "linux")]
    rustix::thread::disable_transparent_huge_pages(true).ok();
}
