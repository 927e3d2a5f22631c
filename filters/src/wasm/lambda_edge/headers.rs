//! Header fields as handlers see them, and what became of them.

mod edit;

use std::borrow::Cow;

use http::header::{HeaderName, HeaderValue};
use pingora_http::{RequestHeader, ResponseHeader};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::event::{Event, is_disallowed};
use super::fault::Fault;
use edit::{Budget, Doing};

pub(super) use edit::Edit;

/// Fields that one call may set.
const MOST_LINES: usize = 1000;

/// Header fields by name, in the order of the head. No name has no lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fields(Vec<Field>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Field {
    name: HeaderName,
    lines: Vec<Line>,
}

/// One occurrence of a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Line {
    /// The name as it stands in the head.
    key: String,
    value: String,
}

impl Fields {
    pub(super) fn of_request(head: &RequestHeader) -> Self {
        match head.has_case() {
            true => Self::gather(
                head.case_header_iter()
                    .map(|(key, value)| (String::from_utf8_lossy(key.as_slice()), value)),
            ),
            false => Self::gather(head.headers.iter().map(titled)),
        }
    }

    pub(super) fn of_response(head: &ResponseHeader) -> Self {
        match head.has_case() {
            true => Self::gather(
                head.case_header_iter()
                    .map(|(key, value)| (String::from_utf8_lossy(key.as_slice()), value)),
            ),
            false => Self::gather(head.headers.iter().map(titled)),
        }
    }

    /// What a handler may see.
    fn gather<'h>(lines: impl Iterator<Item = (Cow<'h, str>, &'h HeaderValue)>) -> Self {
        let mut fields = Self::default();
        for (key, value) in lines {
            let Ok(name) = HeaderName::from_bytes(key.as_bytes()) else {
                continue;
            };
            if !is_disallowed(name.as_str()) {
                fields.push(
                    name,
                    Line {
                        key: key.into_owned(),
                        value: String::from_utf8_lossy(value.as_bytes()).into_owned(),
                    },
                );
            }
        }
        fields
    }

    fn push(&mut self, name: HeaderName, line: Line) {
        // Lines of one name come together, but for what handlers write.
        match self.0.iter_mut().rev().find(|field| field.name == name) {
            Some(field) => field.lines.push(line),
            None => self.0.push(Field {
                name,
                lines: vec![line],
            }),
        }
    }

    /// What a handler wrote as `headers`.
    pub(super) fn read(value: &Value) -> Result<Self, Fault> {
        let Value::Object(written) = value else {
            return Err(Fault::invalid(
                "`headers` is not an object of lists such as `{ \"location\": [{ \"value\": \"/\" }] }`",
            ));
        };
        if written.len() > MOST_LINES {
            return Err(too_many());
        }
        let mut fields = Self::default();
        for (key, lines) in written {
            let name = HeaderName::from_bytes(key.as_bytes()).map_err(|_| {
                Fault::invalid(format!("`{}` is not the name of a header", shown(key)))
            })?;
            let Value::Array(lines) = lines else {
                return Err(Fault::invalid(format!(
                    "the header `{name}` is not a list of objects with `key` and `value`"
                )));
            };
            if lines.len() > MOST_LINES {
                return Err(too_many());
            }
            for line in lines {
                for line in read_line(&name, line)? {
                    fields.push(name.clone(), line);
                }
            }
        }
        Ok(fields)
    }

    pub(super) fn has(&self, name: &HeaderName) -> bool {
        self.find(name).is_some()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &HeaderName> {
        self.0.iter().map(|field| &field.name)
    }

    fn find(&self, name: &HeaderName) -> Option<&Field> {
        self.0.iter().find(|field| field.name == *name)
    }

    /// What a handler did to these fields in `event`.
    ///
    /// # Errors
    /// With the field that it may not do that to.
    pub(super) fn changes(&self, returned: &Self, event: Event) -> Result<Vec<Edit>, Fault> {
        let mut edits = Vec::new();
        let mut budget = Budget::default();
        for field in &returned.0 {
            let doing = match self.find(&field.name) {
                Some(before) if before.says_the_same(field) => continue,
                Some(_) => Doing::Change,
                None => Doing::Add,
            };
            if doing.is_allowed(&field.name, event)? {
                edits.push(field.edit(&mut budget)?);
            }
        }
        for name in self.names().filter(|name| !returned.has(name)) {
            if Doing::Delete.is_allowed(name, event)? {
                edits.push(Edit {
                    name: name.clone(),
                    lines: Vec::new(),
                });
            }
        }
        Ok(edits)
    }
}

/// `{ "key": "Location", "value": "/" }`; a list of values stands for as many lines.
fn read_line(name: &HeaderName, line: &Value) -> Result<Vec<Line>, Fault> {
    let Value::Object(line) = line else {
        return Err(Fault::invalid(format!(
            "the header `{name}` has a line that is not an object with `key` and `value`"
        )));
    };
    let key = key_of(name, line)?;
    let values = match line.get("value") {
        Some(Value::Array(values)) if values.len() <= MOST_LINES => values.as_slice(),
        Some(value) => std::slice::from_ref(value),
        None => &[],
    };
    if values.is_empty() {
        return Err(Fault::invalid(format!(
            "the header `{name}` has a line without `value`"
        )));
    }
    let line = |value: &Value| match value {
        Value::String(value) => Ok(Line {
            key: key.clone(),
            value: value.clone(),
        }),
        _ => Err(Fault::invalid(format!(
            "a value of the header `{name}` is not text"
        ))),
    };
    values.iter().map(line).collect()
}

/// The name as it is to be sent: the handler's `key`, or else with capitals.
fn key_of(name: &HeaderName, line: &Map<String, Value>) -> Result<String, Fault> {
    match line.get("key") {
        None | Some(Value::Null) => Ok(capitals(name.as_str())),
        Some(Value::String(key)) if key.eq_ignore_ascii_case(name.as_str()) => Ok(key.clone()),
        Some(_) => Err(Fault::invalid(format!(
            "the header `{name}` has a line whose `key` is another name"
        ))),
    }
}

impl Field {
    fn says_the_same(&self, other: &Self) -> bool {
        self.lines.len() == other.lines.len()
            && self
                .lines
                .iter()
                .zip(&other.lines)
                .all(|(one, two)| one.value == two.value)
    }
}

fn too_many() -> Fault {
    Fault::invalid(format!("the handler set more than {MOST_LINES} headers"))
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for field in &self.0 {
            map.serialize_entry(field.name.as_str(), &field.lines)?;
        }
        map.end()
    }
}

fn titled<'h>((name, value): (&'h HeaderName, &'h HeaderValue)) -> (Cow<'h, str>, &'h HeaderValue) {
    (capitals(name.as_str()).into(), value)
}

/// `user-agent` as `User-Agent`.
pub(super) fn capitals(name: &str) -> String {
    let mut begins = true;
    let letter = |letter: char| {
        let written = if begins {
            letter.to_ascii_uppercase()
        } else {
            letter
        };
        begins = letter == '-';
        written
    };
    name.chars().map(letter).collect()
}

/// A name that a handler made up, for the log.
pub(super) fn shown(text: &str) -> String {
    let short: String = text.chars().take(60).collect();
    short.escape_debug().to_string()
}
