//! A table on its way to be resolved.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::problem::Problem;
use crate::source::Source;
use crate::value::{ByteSize, Span};

/// A table's place, and where problems with it are told.
pub(crate) struct Scope<'a> {
    pub(crate) source: Source,
    pub(crate) problems: &'a mut Vec<Problem>,
}

pub(crate) const fn millis(millis: u64) -> Span {
    Span(Duration::from_millis(millis))
}

pub(crate) const fn secs(secs: u64) -> Span {
    Span(Duration::from_secs(secs))
}

/// The shortest wait that may be set: short enough for tests, long enough not to fail on its own.
pub(crate) const SHORTEST: Span = millis(10);
pub(crate) const HOUR: Span = secs(3600);

impl<'a> Scope<'a> {
    pub(crate) fn new(source: Source, problems: &'a mut Vec<Problem>) -> Self {
        Self { source, problems }
    }

    /// The scope of what stands at a key.
    pub(crate) fn key(&mut self, key: &str) -> Scope<'_> {
        Scope::new(self.source.key(key), self.problems)
    }

    /// The scope of what stands at the end of a way, such as `servers[1]`.
    pub(crate) fn at(&mut self, way: &str) -> Scope<'_> {
        Scope::new(self.source.at(way), self.problems)
    }

    /// Tells a problem with the value at `key`; with the whole table if it is empty.
    pub(crate) fn tell(&mut self, key: &str, message: impl Into<String>) {
        self.problems.push(self.source.problem(key, message));
    }

    /// Tells a problem with what would have been right.
    pub(crate) fn tell_with_help(
        &mut self,
        key: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.problems
            .push(self.source.problem(key, message).with_help(help));
    }

    /// Whether a list is empty as it is written, not because its elements could not be read.
    pub(crate) fn is_empty<T>(&self, key: &str, list: &[T]) -> bool {
        list.is_empty() && !self.source.misses(key)
    }

    /// A value that must be given. Tells when it is not.
    pub(crate) fn required<T>(&mut self, key: &str, written: Option<T>) -> Option<T> {
        if written.is_none() && !self.source.misses(key) {
            self.tell("", format!("the key `{key}` is missing"));
        }
        written
    }

    /// A value within its range, or its default.
    pub(crate) fn within<T: PartialOrd + Display + Copy>(
        &mut self,
        key: &str,
        written: Option<T>,
        range: RangeInclusive<T>,
        default: T,
    ) -> T {
        self.within_if_any(key, written, range).unwrap_or(default)
    }

    /// A value within its range, if it is given.
    pub(crate) fn within_if_any<T: PartialOrd + Display + Copy>(
        &mut self,
        key: &str,
        written: Option<T>,
        range: RangeInclusive<T>,
    ) -> Option<T> {
        let value = written?;
        if range.contains(&value) {
            return Some(value);
        }
        self.tell(
            key,
            format!(
                "`{value}` is out of range: `{}` to `{}`",
                range.start(),
                range.end()
            ),
        );
        None
    }

    /// A count within its range, or its default.
    pub(crate) fn count<T: TryFrom<i64>>(
        &mut self,
        key: &str,
        written: Option<i64>,
        range: RangeInclusive<i64>,
        default: T,
    ) -> T {
        self.within_if_any(key, written, range)
            .and_then(|count| T::try_from(count).ok())
            .unwrap_or(default)
    }

    /// A size within its range, or its default.
    pub(crate) fn size(
        &mut self,
        key: &str,
        written: Option<ByteSize>,
        range: RangeInclusive<ByteSize>,
        default: ByteSize,
    ) -> u64 {
        self.within(key, written, range, default).0
    }

    /// A duration within its range, or its default.
    pub(crate) fn span(
        &mut self,
        key: &str,
        written: Option<Span>,
        range: RangeInclusive<Span>,
        default: Span,
    ) -> Duration {
        self.within(key, written, range, default).0
    }

    /// A path, from the folder of the file that it stands in.
    pub(crate) fn path(&mut self, key: &str, written: &Path) -> PathBuf {
        if written.as_os_str().is_empty() {
            self.tell(
                key,
                "the path is empty: write a file or a folder, relative to the folder of this file",
            );
        }
        self.source.folder().join(written)
    }
}
