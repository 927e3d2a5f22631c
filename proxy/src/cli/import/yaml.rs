//! YAML as a tree that knows its lines. CloudFormation's tags become the maps that they are short for: `!Ref a` is `{ Ref: a }`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag};

/// Nodes of a tree: aliases that stand for aliases would make more of a small file than there is memory.
const MOST_NODES: usize = 200_000;
const MOST_LEVELS: usize = 100;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) data: Data,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Data {
    Null,
    /// Text, numbers, true and false.
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key, where it stands, and its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) line: usize,
    pub(super) value: Node,
}

/// What is no YAML, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    line: usize,
    what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.what)
    }
}

impl Node {
    pub(super) fn scalar(line: usize, text: impl Into<String>) -> Self {
        Self {
            line,
            data: Data::Scalar(text.into()),
        }
    }

    fn map(line: usize, key: String, value: Self) -> Self {
        let entry = Entry { key, line, value };
        Self {
            line,
            data: Data::Map(vec![entry]),
        }
    }

    pub(super) fn is_null(&self) -> bool {
        self.data == Data::Null
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn number(&self) -> Option<u64> {
        self.text()?.parse().ok()
    }

    pub(super) fn is_true(&self) -> bool {
        self.text()
            .is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }

    pub(super) fn list(&self) -> &[Self] {
        match &self.data {
            Data::List(list) => list,
            _ => &[],
        }
    }

    pub(super) fn entries(&self) -> &[Entry] {
        match &self.data {
            Data::Map(entries) => entries,
            _ => &[],
        }
    }

    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value of a key, unless it is null.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key)
            .map(|entry| &entry.value)
            .filter(|value| !value.is_null())
    }

    /// The value behind several keys.
    pub(super) fn at(&self, keys: &[&str]) -> Option<&Self> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    fn size(&self) -> usize {
        1 + match &self.data {
            Data::Null | Data::Scalar(_) => 0,
            Data::List(list) => list.iter().map(Self::size).sum(),
            Data::Map(entries) => entries.iter().map(|entry| entry.value.size()).sum(),
        }
    }
}

/// Reads the first document of a text.
pub(super) fn parse(text: &str) -> Result<Node, Fault> {
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        anchors: HashMap::new(),
        left: MOST_NODES,
    };
    loop {
        match reader.next()? {
            (Event::StreamStart | Event::DocumentStart(_) | Event::Nothing, _) => {}
            (Event::StreamEnd | Event::DocumentEnd, span) => {
                return Ok(Node {
                    line: span.start.line(),
                    data: Data::Null,
                });
            }
            (event, span) => return reader.node(event, span, 0),
        }
    }
}

struct Reader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    anchors: HashMap<usize, Node>,
    left: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), Fault> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(Fault {
                line: error.marker().line(),
                what: format!("it is not YAML: {}", error.info()),
            }),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'t>, span: Span, level: usize) -> Result<Node, Fault> {
        let line = span.start.line();
        if level > MOST_LEVELS {
            return Err(too_large(line));
        }
        self.takes(1, line)?;
        let (node, anchor, tag) = match event {
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                let node = node.ok_or_else(|| Fault {
                    line,
                    what: "an alias stands for something that contains it".to_owned(),
                })?;
                self.takes(node.size(), line)?;
                return Ok(node);
            }
            Event::Scalar(text, style, anchor, tag) => (scalar(line, text, style), anchor, tag),
            Event::SequenceStart(anchor, tag) => (self.sequence(line, level)?, anchor, tag),
            Event::MappingStart(anchor, tag) => (self.mapping(line, level)?, anchor, tag),
            _ => {
                return Err(Fault {
                    line,
                    what: "something ends here that did not begin".to_owned(),
                });
            }
        };
        let node = untagged(node, tag.as_deref());
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn takes(&mut self, nodes: usize, line: usize) -> Result<(), Fault> {
        self.left = self
            .left
            .checked_sub(nodes)
            .ok_or_else(|| too_large(line))?;
        Ok(())
    }

    fn sequence(&mut self, line: usize, level: usize) -> Result<Node, Fault> {
        let mut list = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => break,
                (event, span) => list.push(self.node(event, span, level + 1)?),
            }
        }
        Ok(Node {
            line,
            data: Data::List(list),
        })
    }

    fn mapping(&mut self, line: usize, level: usize) -> Result<Node, Fault> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut merged = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                break;
            }
            let key = self.node(event, span, level + 1)?;
            let (event, span) = self.next()?;
            let value = self.node(event, span, level + 1)?;
            match key.text() {
                Some("<<") => merged.push(value),
                Some(text) => {
                    entries.retain(|entry| entry.key != text);
                    entries.push(Entry {
                        key: text.to_owned(),
                        line: key.line,
                        value,
                    });
                }
                None => {}
            }
        }
        for entry in merged.iter().flat_map(merged_entries) {
            if !entries.iter().any(|own| own.key == entry.key) {
                entries.push(entry.clone());
            }
        }
        Ok(Node {
            line,
            data: Data::Map(entries),
        })
    }
}

/// `<<: *one` or `<<: [*one, *two]`.
fn merged_entries(node: &Node) -> impl Iterator<Item = &Entry> {
    let lists = node.list().iter().flat_map(Node::entries);
    node.entries().iter().chain(lists)
}

fn too_large(line: usize) -> Fault {
    Fault {
        line,
        what: "there is more in it than any service needs".to_owned(),
    }
}

fn scalar(line: usize, text: Cow<'_, str>, style: ScalarStyle) -> Node {
    let is_null =
        style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
    Node {
        line,
        data: match is_null {
            true => Data::Null,
            false => Data::Scalar(text.into_owned()),
        },
    }
}

/// `!GetAtt a.b` as `{ "Fn::GetAtt": [a, b] }`.
fn untagged(node: Node, tag: Option<&Tag>) -> Node {
    let Some(tag) = tag.filter(|tag| tag.handle == "!") else {
        return node;
    };
    let line = node.line;
    match (tag.suffix.as_str(), node.text()) {
        ("Ref" | "Condition", _) => Node::map(line, tag.suffix.clone(), node),
        ("GetAtt", Some(path)) => {
            let (resource, attribute) = path.split_once('.').unwrap_or((path, ""));
            let parts = [resource, attribute].map(|part| Node::scalar(line, part));
            let list = Node {
                line,
                data: Data::List(parts.into()),
            };
            Node::map(line, "Fn::GetAtt".to_owned(), list)
        }
        (function, _) => Node::map(line, format!("Fn::{function}"), node),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_aliases_merges_and_tags_are_understood() {
        let text = "# a comment\na: &one\n  b: 1\n  c: ~\nd:\n  <<: *one\n  b: 2\n  e: [x, !Ref Bucket]\nf: !GetAtt Bucket.DomainName\ng: !Sub '${A}/b'\nh: 'null'\n";
        let tree = parse(text).unwrap();
        let line = |key: &str| tree.entry(key).map(|entry| entry.line);
        assert_eq!(
            (line("a"), line("d"), line("g")),
            (Some(2), Some(5), Some(10))
        );
        assert_eq!(tree.at(&["a", "b"]).and_then(Node::number), Some(1));
        assert!(tree.at(&["a", "c"]).is_none() && tree.get("a").unwrap().entry("c").is_some());
        assert_eq!(tree.at(&["d", "b"]).and_then(Node::number), Some(2));
        let list = tree.at(&["d", "e"]).unwrap().list();
        assert_eq!(list[1].get("Ref").and_then(Node::text), Some("Bucket"));
        let parts = tree.at(&["f", "Fn::GetAtt"]).unwrap().list();
        assert_eq!(parts[1].text(), Some("DomainName"));
        assert_eq!(
            tree.at(&["g", "Fn::Sub"]).and_then(Node::text),
            Some("${A}/b")
        );
        assert_eq!(tree.get("h").and_then(Node::text), Some("null"));
    }

    #[test]
    fn what_is_no_yaml_is_told_by_line() {
        let told = |text: &str| parse(text).unwrap_err().to_string();
        assert!(
            told("a: 1\nb: [1, 2\n").starts_with(['2', '3']),
            "{}",
            told("a: 1\nb: [1, 2\n")
        );
        assert!(
            told("a: &x [*x]").contains("alias"),
            "{}",
            told("a: &x [*x]")
        );
        assert!(parse("").unwrap().is_null());
    }

    #[test]
    fn a_small_file_can_not_become_a_large_tree() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
        }
        assert!(
            parse(&text)
                .unwrap_err()
                .what
                .contains("more in it than any service")
        );
        let deep = format!("a: {}{}", "[".repeat(300), "]".repeat(300));
        assert!(parse(&deep).is_err());
    }
}
