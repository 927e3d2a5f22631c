//! A file that was read, and places in it.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::key_path::KeyPath;
use crate::problem::{Location, Problem};
use crate::tree::{Node, Part};

/// A file's text and tree.
pub(crate) struct File {
    pub(crate) text: Text,
    pub(crate) root: Node,
}

/// A file's text.
pub(crate) struct Text {
    pub(crate) path: PathBuf,
    pub(crate) content: String,
}

/// A table of a file: what settings came from, to place problems found later.
#[derive(Clone, Default)]
pub struct Source {
    file: Option<Arc<File>>,
    path: KeyPath,
}

impl Text {
    /// The folder that relative paths in the file start from.
    pub(crate) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or_else(|| Path::new(""))
    }

    /// The place of a range of bytes. What goes past the line is cut off.
    pub(crate) fn location(&self, span: Range<usize>) -> Location {
        let text = self.content.as_str();
        let start = floor_char_boundary(text, span.start);
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = text[start..]
            .find('\n')
            .map_or(text.len(), |newline| start + newline);
        let source = text[line_start..line_end].trim_end_matches('\r');
        let end = floor_char_boundary(
            text,
            span.end
                .clamp(start, line_start + source.len().max(start - line_start)),
        );
        Location {
            file: self.path.clone(),
            line: text[..line_start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            source: source.to_owned(),
            width: text[start..end].trim_end().chars().count().max(1),
        }
    }
}

fn floor_char_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}

impl Source {
    /// The whole of a file.
    pub(crate) fn of(file: Arc<File>) -> Self {
        Self {
            file: Some(file),
            path: KeyPath::default(),
        }
    }

    /// What stands at `key` in this table.
    pub(crate) fn key(&self, key: &str) -> Self {
        Self {
            file: self.file.clone(),
            path: self.path.key(key),
        }
    }

    /// What stands at the end of a way, such as `servers[1]`.
    pub(crate) fn at(&self, way: &str) -> Self {
        self.at_path(&KeyPath::read(way))
    }

    pub(crate) fn at_path(&self, way: &KeyPath) -> Self {
        Self {
            file: self.file.clone(),
            path: self.path.join(way),
        }
    }

    /// An element of this array.
    pub(crate) fn index(&self, index: usize) -> Self {
        Self {
            file: self.file.clone(),
            path: self.path.index(index),
        }
    }

    /// The file that this is in, as it was named.
    pub fn file(&self) -> &Path {
        self.file
            .as_ref()
            .map_or_else(|| Path::new(""), |file| &file.text.path)
    }

    /// The folder that relative paths in this table start from.
    pub fn folder(&self) -> &Path {
        self.file
            .as_ref()
            .map_or_else(|| Path::new(""), |file| file.text.folder())
    }

    /// A problem with the value at `key`, or with the table as a whole if `key` is empty. The way may be long
    /// (`rules[1].status`); the place is that of the last step that exists.
    pub fn problem(&self, key: &str, message: impl Into<String>) -> Problem {
        self.problem_with(Part::Value, &KeyPath::read(key), message.into())
    }

    /// A problem with the key itself.
    pub(crate) fn key_problem(&self, key: &str, message: impl Into<String>) -> Problem {
        self.problem_with(Part::Key, &KeyPath::read(key), message.into())
    }

    /// Where this is, in words for a message about another place.
    pub(crate) fn place(&self) -> String {
        let problem = self.problem("", "");
        match problem.location {
            Some(location) => format!("{}:{}", location.file.display(), location.line),
            None => problem.key,
        }
    }

    /// The value that this is about.
    pub(crate) fn node(&self) -> Option<&Node> {
        self.file
            .as_ref()
            .and_then(|file| file.root.get(&self.path))
    }

    /// Whether a key of this table could not be decoded, so that its absence means nothing.
    pub(crate) fn misses(&self, key: &str) -> bool {
        self.node().is_some_and(|node| node.misses(key))
    }

    fn problem_with(&self, part: Part, key: &KeyPath, message: String) -> Problem {
        let path = self.path.join(key);
        match &self.file {
            Some(file) => file.problem(&path, part, Problem::new("", message)),
            None => Problem::new(path.to_string(), message),
        }
    }
}

impl File {
    /// Gives a problem its key and its place.
    pub(crate) fn problem(&self, path: &KeyPath, part: Part, mut problem: Problem) -> Problem {
        let found = self.root.find(path);
        problem.key = found.path.to_string();
        problem.at(Some(self.text.location(found.span(part).unwrap_or(0..0))))
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.place(), self.path)
    }
}
