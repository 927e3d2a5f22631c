//! The script: what to do in which phase.

use crate::bindings::rimward::filter::{config, request};

/// One thing to do.
pub struct Step {
    pub what: String,
    pub arguments: Vec<String>,
}

impl Step {
    /// An argument; empty when it is not there.
    pub fn text(&self, at: usize) -> String {
        self.arguments.get(at).cloned().unwrap_or_default()
    }

    /// An argument that is a number.
    pub fn number<T: std::str::FromStr>(&self, at: usize, otherwise: T) -> T {
        let argument = self.arguments.get(at);
        argument
            .and_then(|text| text.parse().ok())
            .unwrap_or(otherwise)
    }

    /// The arguments from one on.
    pub fn rest(&self, from: usize) -> Vec<&str> {
        self.arguments
            .iter()
            .skip(from)
            .map(String::as_str)
            .collect()
    }
}

/// The steps of a phase.
pub fn script(phase: &str) -> Vec<Step> {
    let mut lines: Vec<String> = request::header_all("x-do")
        .into_iter()
        .map(|line| String::from_utf8_lossy(&line).into_owned())
        .collect();
    if lines.is_empty() {
        lines.extend(config::get("do"));
    }
    let steps = lines.iter().flat_map(|line| line.split(';'));
    steps.filter_map(|step| read(step, phase)).collect()
}

fn read(step: &str, phase: &str) -> Option<Step> {
    let mut words = step.split_whitespace();
    (words.next() == Some(phase)).then_some(())?;
    Some(Step {
        what: words.next()?.to_owned(),
        arguments: words.map(decoded).collect(),
    })
}

/// A word with `%XX` as the byte that it stands for.
fn decoded(word: &str) -> String {
    let mut parts = word.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        match part
            .get(..2)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
        {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend(part[2..].as_bytes());
            }
            None => {
                bytes.push(b'%');
                bytes.extend(part.as_bytes());
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
