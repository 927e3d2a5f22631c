//! A TOML file as a tree whose every value knows its place.
//!
//! Values that can't be decoded are *taken out*: they stay in the tree, so that places behind them are still
//! found, but decoding and paths pass them over.

mod deserializer;
mod fault;

use std::ops::Range;

use toml::de::{DeTable, DeValue};
use toml::value::Datetime;

use crate::key_path::{KeyPath, Step};

pub(crate) use fault::{Fault, Mistake, any_of};

/// A value and its place.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    value: Value,
    /// Where the value is written, in bytes.
    span: Option<Range<usize>>,
    is_taken: bool,
    /// Whether a value of this array or table is taken out.
    has_gaps: bool,
}

/// What a [`Node`] holds.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    String(String),
    Integer(i64),
    /// An integer that no type holds.
    TooLarge(String),
    Float(f64),
    Boolean(bool),
    Datetime(Datetime),
    Array(Vec<Node>),
    Table(Vec<Entry>),
}

/// A key of a table and what it stands for.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    key: String,
    key_span: Option<Range<usize>>,
    node: Node,
    /// The key that was probably meant, where this one is unknown.
    meant: Option<&'static str>,
}

/// Where a path leads: as far as the tree goes.
#[derive(Debug)]
pub(crate) struct Found {
    /// The path as the file has it, counting what is taken out.
    pub(crate) path: KeyPath,
    /// The last key on the way that exists.
    key_span: Option<Range<usize>>,
    /// The last value on the way that exists.
    span: Option<Range<usize>>,
}

/// Which part of an entry a problem is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Key,
    Value,
}

impl Found {
    /// Where a part of the last entry on the way is.
    pub(crate) fn span(&self, part: Part) -> Option<Range<usize>> {
        match part {
            Part::Key => self.key_span.clone().or_else(|| self.span.clone()),
            Part::Value => self.span.clone(),
        }
    }
}

impl Node {
    /// The tree of a parsed file.
    pub(crate) fn of_file(table: &DeTable<'_>) -> Self {
        Self::new(Value::of_table(table), None)
    }

    /// The tree of a table that has no place.
    pub(crate) fn of_table(table: &toml::Table) -> Self {
        let entries = table
            .iter()
            .map(|(key, value)| Entry {
                key: key.clone(),
                key_span: None,
                node: Self::of_value(value),
                meant: None,
            })
            .collect();
        Self::new(Value::Table(entries), None)
    }

    fn of_value(value: &toml::Value) -> Self {
        let value = match value {
            toml::Value::String(text) => Value::String(text.clone()),
            toml::Value::Integer(number) => Value::Integer(*number),
            toml::Value::Float(number) => Value::Float(*number),
            toml::Value::Boolean(truth) => Value::Boolean(*truth),
            toml::Value::Datetime(time) => Value::Datetime(*time),
            toml::Value::Array(elements) => {
                Value::Array(elements.iter().map(Self::of_value).collect())
            }
            toml::Value::Table(table) => return Self::of_table(table),
        };
        Self::new(value, None)
    }

    fn new(value: Value, span: Option<Range<usize>>) -> Self {
        Self {
            value,
            span,
            is_taken: false,
            has_gaps: false,
        }
    }

    /// Where a path leads.
    pub(crate) fn find(&self, path: &KeyPath) -> Found {
        let mut found = Found {
            path: KeyPath::default(),
            key_span: None,
            span: self.span.clone(),
        };
        let mut node = Some(self);
        for step in &path.0 {
            match node.and_then(|node| node.child(step)) {
                Some(child) => {
                    found.path.0.push(child.step);
                    found.key_span = child.key_span;
                    found.span = child.node.span.clone();
                    node = Some(child.node);
                }
                None => {
                    found.path.0.push(step.clone());
                    node = None;
                }
            }
        }
        found
    }

    /// The value at a path.
    pub(crate) fn get(&self, path: &KeyPath) -> Option<&Self> {
        path.0
            .iter()
            .try_fold(self, |node, step| node.child(step).map(|child| child.node))
    }

    /// Takes the value at a path out; tells whether there was one. `meant` is the key that was probably meant.
    pub(crate) fn take(&mut self, path: &KeyPath, meant: Option<&'static str>) -> bool {
        let Some((last, way)) = path.0.split_last() else {
            self.is_taken = true;
            return true;
        };
        let parent = way.iter().try_fold(self, Self::child_mut);
        parent.is_some_and(|parent| {
            parent.has_gaps = true;
            if let (Value::Table(entries), Step::Key(key)) = (&mut parent.value, last) {
                entries
                    .iter_mut()
                    .filter(|entry| entry.key == *key)
                    .for_each(|entry| entry.meant = meant);
            }
            parent
                .child_mut(last)
                .map(|node| node.is_taken = true)
                .is_some()
        })
    }

    fn child_mut(&mut self, step: &Step) -> Option<&mut Self> {
        match (step, &mut self.value) {
            (Step::Key(key), Value::Table(entries)) => entries
                .iter_mut()
                .find(|entry| entry.key == *key && !entry.node.is_taken)
                .map(|entry| &mut entry.node),
            (Step::Index(index), Value::Array(nodes)) => {
                nodes.iter_mut().filter(|node| !node.is_taken).nth(*index)
            }
            _ => None,
        }
    }

    /// Whether a key of this table, or an element of the array it stands for, was taken out or misspelt.
    pub(crate) fn misses(&self, key: &str) -> bool {
        match &self.value {
            Value::Table(entries) => {
                let is_gap = |entry: &Entry| {
                    entry.key == key && (entry.node.is_taken || entry.node.has_gaps)
                };
                entries
                    .iter()
                    .any(|entry| is_gap(entry) || entry.meant == Some(key))
            }
            _ => false,
        }
    }

    /// Whether all that it held was taken out.
    fn is_emptied(&self) -> bool {
        self.has_gaps
            && match &self.value {
                Value::Table(entries) => entries.iter().all(|entry| entry.node.is_taken),
                Value::Array(nodes) => nodes.iter().all(|node| node.is_taken),
                _ => false,
            }
    }

    /// The keys of this table, also those that are taken out.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        let entries = match &self.value {
            Value::Table(entries) => entries.as_slice(),
            _ => &[],
        };
        entries.iter().map(|entry| entry.key.as_str())
    }

    fn child(&self, step: &Step) -> Option<Child<'_>> {
        match (step, &self.value) {
            (Step::Key(key), Value::Table(entries)) => {
                let entry = entries
                    .iter()
                    .find(|entry| entry.key == *key && !entry.node.is_taken)?;
                Some(Child {
                    step: step.clone(),
                    key_span: entry.key_span.clone(),
                    node: &entry.node,
                })
            }
            (Step::Index(index), Value::Array(nodes)) => {
                let (place, node) = match self.has_gaps {
                    false => (*index, nodes.get(*index)?),
                    true => nodes
                        .iter()
                        .enumerate()
                        .filter(|(_, node)| !node.is_taken)
                        .nth(*index)?,
                };
                Some(Child {
                    step: Step::Index(place),
                    key_span: node.span.clone(),
                    node,
                })
            }
            _ => None,
        }
    }
}

/// What one step leads to.
struct Child<'a> {
    step: Step,
    key_span: Option<Range<usize>>,
    node: &'a Node,
}

impl Value {
    fn of_table(table: &DeTable<'_>) -> Self {
        let entries = table.iter().map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            key_span: Some(key.span()),
            node: Node::new(Self::of(value.get_ref()), Some(value.span())),
            meant: None,
        });
        Self::Table(entries.collect())
    }

    fn of(value: &DeValue<'_>) -> Self {
        match value {
            DeValue::String(text) => Self::String(text.to_string()),
            DeValue::Integer(number) => {
                match i64::from_str_radix(number.as_str(), number.radix()) {
                    Ok(number) => Self::Integer(number),
                    Err(_) => Self::TooLarge(number.to_string()),
                }
            }
            DeValue::Float(number) => Self::Float(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(truth) => Self::Boolean(*truth),
            DeValue::Datetime(time) => Self::Datetime(*time),
            DeValue::Array(elements) => Self::Array(
                elements
                    .iter()
                    .map(|element| Node::new(Self::of(element.get_ref()), Some(element.span())))
                    .collect(),
            ),
            DeValue::Table(table) => Self::of_table(table),
        }
    }
}
