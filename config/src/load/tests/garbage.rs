//! Whatever stands in a file, it is read or told, never a panic.

use proptest::prelude::*;

const EXAMPLE: &str = include_str!("../../../../examples/pop.toml");
const LEAST: &str = super::LEAST;

/// Reads a text, from where it can include nothing; every problem must be drawn within its file.
fn survives(text: &str) {
    if let Err(problems) = crate::parse(text, "/nowhere/pop.toml") {
        assert!(!problems.to_string().is_empty());
        for location in problems
            .0
            .iter()
            .filter_map(|problem| problem.location.as_ref())
        {
            assert!(location.line >= 1 && location.column >= 1 && location.width >= 1);
            assert!(
                text.lines()
                    .nth(location.line - 1)
                    .unwrap_or_default()
                    .starts_with(&location.source),
                "{location:?}"
            );
        }
    }
}

/// The start of the nearest character.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}

proptest! {
    #[test]
    fn any_text_is_survived(text in "\\PC{0,200}") {
        survives(&text);
    }

    #[test]
    fn anything_like_toml_is_survived(text in "([\\[\\]{}=,.\"'\n# a-c0-9_-]|site|listen|origin|route|filter|address){0,60}") {
        survives(&text);
    }

    #[test]
    fn a_spoilt_example_is_survived(at in 0..EXAMPLE.len(), length in 0_usize..30, put in "[\\PC\n\"\\[\\]{}=]{0,8}") {
        let start = boundary(EXAMPLE, at);
        let end = boundary(EXAMPLE, start + length);
        survives(&format!("{}{put}{}", &EXAMPLE[..start], &EXAMPLE[end.max(start)..]));
    }

    #[test]
    fn an_example_that_ends_early_is_survived(at in 0..EXAMPLE.len()) {
        survives(&EXAMPLE[..boundary(EXAMPLE, at)]);
    }

    #[test]
    fn any_value_of_any_type_is_survived(key in 0..KEYS.len(), value in 0..VALUES.len()) {
        let (section, key) = KEYS[key].rsplit_once('.').unwrap_or(("", KEYS[key]));
        let section = if section.is_empty() { String::new() } else { format!("[{section}]\n") };
        survives(&format!("{section}{key} = {}\n{LEAST}", VALUES[value]));
    }
}

const KEYS: &[&str] = &[
    "include",
    "pop",
    "pop.threads",
    "pop.name",
    "admin",
    "admin.address",
    "log.access",
    "log.level",
    "listen",
    "cache.memory",
    "cache.lock_timeout",
    "geoip",
    "kv",
    "kv.a",
    "kv.a.path",
    "kv.a.max_size",
    "origin",
    "origin.a",
    "origin.a.servers",
    "origin.a.balance",
    "origin.a.hash_by",
    "origin.a.retries",
    "origin.a.health",
    "origin.a.directory",
    "origin.a.function",
    "origin.a.grants",
    "origin.a.env",
    "filter",
    "filter.a",
    "filter.a.use",
    "site",
];

const VALUES: &[&str] = &[
    "0",
    "-1",
    "9223372036854775807",
    "99999999999999999999",
    "0.5",
    "nan",
    "-inf",
    "true",
    "\"\"",
    "\"a\"",
    "\"*\"",
    "\"-1s\"",
    "[]",
    "[[]]",
    "[{}]",
    "{}",
    "[0, \"a\", {}]",
    "{ a = 1 }",
    "{ a = { a = [{}] } }",
    "2026-12-01",
    "07:32:00",
    "\"\\u0000\"",
    "\"unix:\"",
    "\"http://[::1\"",
    "\"%%%\"",
    "{ header = \"a\", cookie = \"b\" }",
];

#[test]
fn nesting_is_bounded() {
    for text in [
        format!("a = {}{}", "[".repeat(100_000), "]".repeat(100_000)),
        format!("a = {}", "{ a = ".repeat(100_000)),
        format!("{}a = 1", "a.".repeat(100_000)),
        format!("[{}a]", "a.".repeat(100_000)),
    ] {
        survives(&text);
    }
}
