//! What the benches share: configurations of any size, objects to store, filters to run, a whole edge.

pub mod hot;
pub mod mmdb;
pub mod objects;
pub mod routing;
pub mod steps;
pub mod whole;

use std::fmt::Write;
use std::path::Path;

use rimward_config::Config;

/// The text of a configuration with one site of this many routes.
pub fn routes(count: usize) -> String {
    let mut text = String::from(
        "[[listen]]\naddress = \"127.0.0.1:0\"\n\n[origin.app]\nservers = [\"127.0.0.1:1\"]\n\n\
         [[site]]\nhosts = [\"www.example.com\"]\norigin = \"app\"\n",
    );
    for number in 0..count {
        // Writing to a string can't fail.
        writeln!(
            text,
            "\n[[site.route]]\npath = \"/section-{}/page-{number}/*\"",
            number % 100
        )
        .ok();
    }
    text
}

/// The text of a configuration with this many sites of one host.
pub fn hosts(count: usize) -> String {
    let mut text = String::from(
        "[[listen]]\naddress = \"127.0.0.1:0\"\n\n[origin.app]\nservers = [\"127.0.0.1:1\"]\n",
    );
    for number in 0..count {
        writeln!(
            text,
            "\n[[site]]\nhosts = [\"host-{number}.example.com\"]\norigin = \"app\""
        )
        .ok();
    }
    text
}

/// What a text means.
///
/// # Panics
/// When it is wrong, which would be a fault of the bench.
pub fn config(text: &str) -> Config {
    rimward_config::parse(text, Path::new("bench.toml"))
        .unwrap_or_else(|problems| panic!("{problems}"))
}
