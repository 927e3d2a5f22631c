//! The way to a value in a file: `site[0].route[2].path`.

use std::fmt;

/// One step of a [`KeyPath`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Into a table.
    Key(String),
    /// Into an array.
    Index(usize),
}

/// The way from the root of a file, or of a table, to a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct KeyPath(pub(crate) Vec<Step>);

impl KeyPath {
    /// Reads what [`fmt::Display`] writes. What has no such form becomes a key as it stands.
    pub(crate) fn read(text: &str) -> Self {
        let mut steps = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (step, after) = first_step(rest);
            steps.push(step);
            rest = after.strip_prefix('.').unwrap_or(after);
        }
        Self(steps)
    }

    /// This path and `more` behind it.
    pub(crate) fn join(&self, more: &Self) -> Self {
        Self(self.0.iter().chain(&more.0).cloned().collect())
    }

    /// This path and a key behind it.
    pub(crate) fn key(&self, key: &str) -> Self {
        self.with(Step::Key(key.to_owned()))
    }

    /// This path and an index behind it.
    pub(crate) fn index(&self, index: usize) -> Self {
        self.with(Step::Index(index))
    }

    fn with(&self, step: Step) -> Self {
        let mut path = self.clone();
        path.0.push(step);
        path
    }
}

/// The first step of a path and what comes behind it.
fn first_step(text: &str) -> (Step, &str) {
    if let Some((index, after)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']'))
        && let Ok(index) = index.parse()
    {
        return (Step::Index(index), after);
    }
    if let Some(quoted) = text.strip_prefix('"') {
        return quoted_key(quoted);
    }
    // The first character is never a separator here, or the loop that calls this would not get on.
    let first = text.chars().next().map_or(0, char::len_utf8);
    let end = text[first..]
        .find(['.', '['])
        .map_or(text.len(), |end| first + end);
    (Step::Key(text[..end].to_owned()), &text[end..])
}

fn quoted_key(text: &str) -> (Step, &str) {
    let mut key = String::new();
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return (Step::Key(key), &text[at + 1..]),
            '\\' => key.extend(chars.next().map(|(_, escaped)| escaped)),
            _ => key.push(char),
        }
    }
    (Step::Key(key), "")
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) => {
                    let dot = if position == 0 { "" } else { "." };
                    if is_bare(key) {
                        write!(f, "{dot}{key}")?;
                    } else {
                        write!(
                            f,
                            "{dot}\"{}\"",
                            key.replace('\\', "\\\\").replace('"', "\\\"")
                        )?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Whether a key needs no quotes in TOML.
fn is_bare(key: &str) -> bool {
    !key.is_empty()
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_read_as_it_is_written() {
        for text in [
            "",
            "a",
            "a.b",
            "a[0]",
            "a[0][12].b",
            "site[0].route[2].path",
            r#"set."x.y""#,
            r#""q\"\\".z"#,
            r#""""#,
        ] {
            assert_eq!(KeyPath::read(text).to_string(), text);
        }
    }

    #[test]
    fn reading_a_path_ends_for_any_text() {
        for text in [
            ".",
            "..",
            "[",
            "a[",
            "a[x]",
            "]",
            "\"",
            "\"\\",
            "a..b",
            "[99999999999999999999999]",
            "ä.[ö",
        ] {
            KeyPath::read(text);
        }
    }

    #[test]
    fn a_path_names_its_steps() {
        let path = KeyPath::default().key("rules").index(1).key("a.b");
        assert_eq!(path.to_string(), r#"rules[1]."a.b""#);
        assert_eq!(
            KeyPath::read("rules[1]").join(&KeyPath::default().key("a.b")),
            path
        );
    }
}
