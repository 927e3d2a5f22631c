//! Whole files: what they mean, and what is said of their mistakes.

mod buckets;
mod defaults;
mod examples;
mod files;
mod garbage;
mod meaning;
mod mistakes;

use crate::config::Config;

/// The least that is a configuration, before what a test is about.
const LEAST: &str = "[[listen]]\naddress = \"127.0.0.1:0\"\n";

#[track_caller]
fn meaning(text: &str) -> Config {
    crate::parse(&format!("{LEAST}{text}"), "pop.toml")
        .unwrap_or_else(|problems| panic!("{problems}"))
}

/// What is said of a text, drawn.
#[track_caller]
fn told(text: &str) -> String {
    match crate::parse(text, "pop.toml") {
        Ok(_) => panic!("nothing is wrong with {text}"),
        Err(problems) => problems.to_string(),
    }
}
