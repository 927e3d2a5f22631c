//! The manual of each filter, made from what its code says of itself: name, summary, settings, example.

use std::fmt::Write;

use serde_json::Value;

use crate::filter::FilterKind;

/// One setting of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The way to it, such as `query.remove`.
    pub key: String,
    /// What it takes: `status`, `list of templates`.
    pub kind: String,
    /// What holds when it is not set, as TOML has it.
    pub default: Option<String>,
    /// Whether it must be set.
    pub is_required: bool,
    /// What it does, in one paragraph.
    pub about: String,
}

/// A filter's page for a terminal.
pub fn text(kind: &FilterKind) -> String {
    let mut page = format!("{}\n  {}\n", kind.name, kind.summary);
    let paragraphs = [preface(kind), on_error(kind).replace('`', "")];
    for paragraph in paragraphs.iter().filter(|paragraph| !paragraph.is_empty()) {
        page.extend([&*wrap(paragraph, 2), "\n"]);
    }
    page.push_str("\nSettings\n");
    for setting in settings(kind) {
        line(
            &mut page,
            format_args!("  {}  ({})", setting.key, setting.facts("")),
        );
        page.push_str(&wrap(&setting.about, 6));
    }
    page.push_str("\nExample\n");
    for example in kind.example.lines() {
        line(&mut page, format_args!("  {example}"));
    }
    page
}

/// A filter's page of the manual.
pub fn markdown(kind: &FilterKind) -> String {
    let mut page = format!("# `{}`\n\n{}\n", kind.name, kind.summary);
    for paragraph in [preface(kind), on_error(kind)]
        .iter()
        .filter(|paragraph| !paragraph.is_empty())
    {
        line(&mut page, format_args!("\n{paragraph}"));
    }
    page.push_str("\n## Settings\n\n");
    for setting in settings(kind) {
        line(
            &mut page,
            format_args!(
                "- **`{}`** ({}): {}",
                setting.key,
                setting.facts("`"),
                setting.about
            ),
        );
    }
    line(
        &mut page,
        format_args!("\n## Example\n\n```toml\n{}\n```", kind.example.trim_end()),
    );
    page
}

/// Every setting of a filter, those within a table after the table.
pub fn settings(kind: &FilterKind) -> Vec<Setting> {
    let schema = (kind.schema)().to_value();
    let mut reader = Reader {
        definitions: &schema["$defs"],
        settings: Vec::new(),
        described: Vec::new(),
    };
    reader.table("", &schema);
    reader.settings
}

/// What the settings have in common, from their own comment.
fn preface(kind: &FilterKind) -> String {
    let schema = (kind.schema)().to_value();
    let about = one_paragraph(&schema);
    let heading = format!("Settings of `{}`.", kind.name);
    about
        .strip_prefix(&heading)
        .unwrap_or(&about)
        .trim()
        .to_owned()
}

fn on_error(kind: &FilterKind) -> String {
    let outcome = if kind.safe_to_skip {
        "is skipped"
    } else {
        "ends the request with an error"
    };
    format!("A fault of this filter {outcome}, unless `on_error` says otherwise.")
}

impl Setting {
    fn facts(&self, quote: &str) -> String {
        match &self.default {
            Some(default) => format!("{}, {quote}{default}{quote} unless set", self.kind),
            None if self.is_required => format!("{}, required", self.kind),
            None => self.kind.clone(),
        }
    }
}

/// Walks a JSON Schema.
struct Reader<'a> {
    definitions: &'a Value,
    settings: Vec<Setting>,
    /// The tables that were described, by reference, and the key that they were described at.
    described: Vec<(&'a str, String)>,
}

impl<'a> Reader<'a> {
    fn table(&mut self, prefix: &str, schema: &'a Value) {
        let required = |name: &str| {
            schema["required"]
                .as_array()
                .is_some_and(|names| names.iter().any(|n| n == name))
        };
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let key = if prefix.is_empty() {
                name.clone()
            } else {
                format!("{prefix}.{name}")
            };
            let (reference, inner, within) = self.inner(&key, property);
            let same = self
                .described
                .iter()
                .find(|(of, _)| Some(*of) == reference)
                .map(|(_, key)| key.clone());
            self.settings.push(Setting {
                kind: match &same {
                    Some(same) if within != key => format!("list of tables like `{same}`"),
                    Some(same) => format!("table like `{same}`"),
                    None => self.kind(property),
                },
                default: property.get("default").and_then(toml),
                is_required: required(name),
                about: one_paragraph(property),
                key,
            });
            if inner.get("properties").is_some() && same.is_none() {
                self.described
                    .extend(reference.map(|reference| (reference, within.clone())));
                self.table(&within, inner);
            }
        }
    }

    /// The table that a setting is or is a list of, the name it was referred to by, and the key of what is in it.
    fn inner(&self, key: &str, property: &'a Value) -> (Option<&'a str>, &'a Value, String) {
        let (reference, schema) = self.resolve(property);
        match schema.get("items") {
            Some(items) => {
                let (reference, item) = self.resolve(items);
                (reference, item, format!("{key}[]"))
            }
            None => (reference, schema, key.to_owned()),
        }
    }

    /// What a schema is once references and `null` are taken away, and the name it was referred to by.
    fn resolve(&self, schema: &'a Value) -> (Option<&'a str>, &'a Value) {
        let alternatives = schema["anyOf"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        if let [one, null] = alternatives
            && null["type"] == "null"
        {
            return self.resolve(one);
        }
        match schema["$ref"].as_str() {
            Some(reference) => {
                let name = reference.rsplit('/').next().unwrap_or(reference);
                (Some(name), &self.definitions[name])
            }
            None => (None, schema),
        }
    }

    /// What a schema takes, in words.
    fn kind(&self, schema: &'a Value) -> String {
        let (_, resolved) = self.resolve(schema);
        if let Some(title) = schema["title"]
            .as_str()
            .or_else(|| resolved["title"].as_str())
        {
            return title.to_owned();
        }
        let name = match &resolved["type"] {
            Value::Array(names) => names.first().and_then(Value::as_str),
            name => name.as_str(),
        };
        match name {
            Some("array") => format!("list of {}", plural(&self.kind(&resolved["items"]))),
            Some("object") => match values_of(resolved) {
                Some(values) => format!("table of {}", plural(&self.kind(values))),
                None => "table".to_owned(),
            },
            Some("boolean") => "true or false".to_owned(),
            Some("integer") => "number".to_owned(),
            Some(name) => name.to_owned(),
            None => "value".to_owned(),
        }
    }
}

/// What a table with keys of the operator's choice holds.
fn values_of(table: &Value) -> Option<&Value> {
    let by_pattern = table["patternProperties"]
        .as_object()
        .and_then(|patterns| patterns.values().next());
    by_pattern.or_else(|| Some(&table["additionalProperties"]).filter(|values| values.is_object()))
}

fn plural(kind: &str) -> String {
    let ending = if kind.ends_with('s') { "es" } else { "s" };
    format!("{kind}{ending}")
}

/// A default as TOML has it; none is shown for what is empty.
fn toml(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Array(items) if items.is_empty() => None,
        Value::Array(items) => {
            let items: Vec<String> = items.iter().filter_map(toml).collect();
            Some(format!("[{}]", items.join(", ")))
        }
        Value::Object(map) if map.values().all(is_empty) => None,
        Value::Object(map) => {
            let pair = |(key, value)| Some(format!("{key} = {}", toml(value)?));
            let pairs: Vec<String> = map.iter().filter_map(pair).collect();
            Some(format!("{{ {} }}", pairs.join(", ")))
        }
        other => Some(other.to_string()),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.values().all(is_empty),
        _ => false,
    }
}

fn one_paragraph(schema: &Value) -> String {
    let words: Vec<&str> = schema["description"]
        .as_str()
        .unwrap_or("")
        .split_whitespace()
        .collect();
    words.join(" ")
}

const WIDTH: usize = 100;

/// Lines of at most [`WIDTH`], each indented.
fn wrap(paragraph: &str, indent: usize) -> String {
    let mut lines = String::new();
    let mut width = 0;
    for word in paragraph.split(' ') {
        let length = word.chars().count();
        if width > 0 && width + 1 + length <= WIDTH {
            lines.extend([" ", word]);
            width += 1 + length;
            continue;
        }
        if width > 0 {
            lines.push('\n');
        }
        lines.extend([&*" ".repeat(indent), word]);
        width = indent + length;
    }
    lines.push('\n');
    lines
}

fn line(page: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing into a string can't fail.
    writeln!(page, "{text}").unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::builtin::{all, find};

    fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/filters")
    }

    #[test]
    fn the_manual_says_what_the_code_says() {
        let renew = std::env::var_os("RIMWARD_RENEW").is_some();
        if renew {
            fs::create_dir_all(folder()).unwrap();
        }
        for kind in all() {
            let (path, page) = (folder().join(format!("{}.md", kind.name)), markdown(kind));
            if renew {
                fs::write(&path, &page).unwrap();
            }
            let written = fs::read_to_string(&path).unwrap_or_default();
            assert!(
                written == page,
                "{} is out of date: renew it with `RIMWARD_RENEW=1 cargo test -p rimward-filters --lib reference`",
                path.display(),
            );
        }
        let pages: BTreeSet<String> = fs::read_dir(folder())
            .unwrap()
            .map(|file| {
                file.unwrap()
                    .path()
                    .file_stem()
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        assert_eq!(
            pages,
            all().map(|kind| kind.name.to_owned()).collect(),
            "a page too many"
        );
    }

    #[test]
    fn every_setting_is_described() {
        for kind in all() {
            let settings = settings(kind);
            assert!(!settings.is_empty(), "{}", kind.name);
            let is_bare = |setting: &&Setting| {
                !setting.about.ends_with(['.', ':']) || setting.kind == "value"
            };
            let bare: Vec<_> = settings
                .iter()
                .filter(is_bare)
                .map(|setting| &setting.key)
                .collect();
            assert!(bare.is_empty(), "{}: {bare:?}", kind.name);
        }
    }

    #[track_caller]
    fn check(filter: &str, key: &str, facts: &str) {
        let settings = settings(find(filter).unwrap());
        let setting = settings
            .iter()
            .find(|setting| setting.key == key)
            .unwrap_or_else(|| panic!("{settings:?}"));
        assert_eq!(setting.facts(""), facts, "{filter}: {key}");
    }

    #[test]
    fn facts_come_from_the_types() {
        check("redirect", "to", "template, required");
        check("redirect", "status", "status, 302 unless set");
        check("redirect", "keep_query", "true or false, true unless set");
        check("headers", "request", "table");
        check("headers", "request.set", "table of templates");
        check("headers", "response", "table like `request`");
        check(
            "cors",
            "methods",
            r#"list of methods, ["GET", "HEAD", "POST"] unless set"#,
        );
        check("rewrite", "query.remove", "list of strings");
        check("respond", "retry_after", "duration");
        check("request_limits", "max_body", "size");
        check("rate_limit", "key", "key");
        check("geo", "rules", "list of tables");
        check("geo", "rules[].not_city", "list of strings");
        check("geo", "nearest", "list of tables like `rules[].nearest[]`");
        check("geo", "rules[].redirect.to", "template, required");
        check("body_replace", "rules", "list of tables, required");
        check("body_replace", "rules[].limit", "number");
        check("ab", "variants", "list of tables, required");
        check("ab", "variants[].weight", "number, required");
    }

    #[test]
    fn a_page_for_a_terminal_fits_it() {
        for kind in all() {
            let page = text(kind);
            assert!(page.starts_with(kind.name) && page.contains("\nExample\n  "));
            let (about, _) = page.split_once("\nExample\n").unwrap();
            assert!(
                about.lines().all(|line| line.chars().count() <= WIDTH),
                "{page}"
            );
        }
    }
}
