//! Makes a component of a core module, as `sdk/build-guests.sh` needs it: `component CORE.wasm COMPONENT.wasm`.

use std::env;
use std::fs;
use std::process::ExitCode;

use rimward_filters::wasm::component::encode;

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let (Some(from), Some(to), None) = (arguments.next(), arguments.next(), arguments.next())
    else {
        eprintln!("usage: component CORE.wasm COMPONENT.wasm");
        return ExitCode::FAILURE;
    };
    let read = fs::read(&from).map_err(|error| error.to_string());
    let written = read
        .and_then(|core| encode(&core))
        .and_then(|component| fs::write(&to, component).map_err(|error| error.to_string()));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{}: {reason}", from.display());
            ExitCode::FAILURE
        }
    }
}
