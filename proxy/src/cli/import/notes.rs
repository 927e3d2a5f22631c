//! What could not be carried over.

use std::collections::BTreeSet;
use std::fmt::Write;

/// What the operator has to know, by line.
#[derive(Debug, Default)]
pub(super) struct Notes(BTreeSet<(Option<usize>, String)>);

impl Notes {
    /// Something about a line, or about the whole.
    pub(super) fn tell(&mut self, line: impl Into<Option<usize>>, what: impl Into<String>) {
        self.0.insert((line.into(), what.into()));
    }

    /// The same for what would be said of many lines.
    pub(super) fn tell_once(&mut self, line: usize, what: &str) {
        if !self.0.iter().any(|(_, told)| told == what) {
            self.tell(line, what);
        }
    }

    /// One line for each, those about the whole last.
    pub(super) fn told(&self, file: &str) -> String {
        let mut text = String::new();
        let (whole, of_lines): (Vec<_>, Vec<_>) =
            self.0.iter().partition(|(line, _)| line.is_none());
        for (line, what) in of_lines.into_iter().chain(whole) {
            let place = line.map_or_else(String::new, |line| format!(":{line}"));
            // Writing into a string can't fail.
            writeln!(text, "{file}{place}: {what}").ok();
        }
        text
    }
}
