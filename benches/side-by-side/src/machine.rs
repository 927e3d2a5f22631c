//! What the figures were measured on.

use std::fs;

use serde::{Deserialize, Serialize};

/// The machine.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) processors: usize,
    pub(crate) kernel: String,
    pub(crate) system: String,
}

impl Machine {
    /// This one.
    pub(crate) fn this() -> Self {
        let read = |file| fs::read_to_string(file).unwrap_or_default();
        Self {
            processor: value(&read("/proc/cpuinfo"), "model name", ':'),
            processors: std::thread::available_parallelism().map_or(1, Into::into),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            system: value(&read("/etc/os-release"), "PRETTY_NAME", '='),
        }
    }
}

fn value(text: &str, name: &str, between: char) -> String {
    text.lines()
        .filter_map(|line| line.split_once(between))
        .find(|(key, _)| key.trim() == name)
        .map_or("", |(_, value)| value)
        .trim()
        .trim_matches('"')
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_values() {
        assert_eq!(
            value(
                "a\t: b\nmodel name\t: Some CPU @ 3 GHz\n",
                "model name",
                ':'
            ),
            "Some CPU @ 3 GHz"
        );
        assert_eq!(
            value("PRETTY_NAME=\"Debian 12\"\n", "PRETTY_NAME", '='),
            "Debian 12"
        );
        assert_eq!(value("", "x", '='), "");
    }
}
