//! A file that a scripted origin makes up as it is asked for parts of it.

use std::ops::Range;
use std::sync::Arc;

use super::script::{Received, Reply};

/// A file of any length, whose bytes follow from their positions and its tag, or are given.
#[derive(Debug, Clone)]
pub struct File {
    length: u64,
    given: Option<Arc<[u8]>>,
    tag: String,
    head: String,
    has_ranges: bool,
}

impl File {
    /// A file of so many bytes with this entity tag, fresh for a minute.
    pub fn new(length: u64, tag: &str) -> Self {
        Self {
            length,
            given: None,
            tag: tag.to_owned(),
            head: "cache-control: max-age=60".to_owned(),
            has_ranges: true,
        }
    }

    /// A file of these bytes.
    pub fn of(bytes: Vec<u8>, tag: &str) -> Self {
        let length = bytes.len() as u64;
        Self {
            given: Some(bytes.into()),
            ..Self::new(length, tag)
        }
    }

    /// The same with these header fields, one a line, in place of `Cache-Control`.
    pub fn head(mut self, head: &str) -> Self {
        head.clone_into(&mut self.head);
        self
    }

    /// The same from an origin that knows no ranges.
    pub fn without_ranges(mut self) -> Self {
        self.has_ranges = false;
        self
    }

    /// The bytes of a range.
    pub fn bytes(&self, range: Range<u64>) -> Vec<u8> {
        if let Some(bytes) = &self.given {
            let at = |position: u64| usize::try_from(position.min(self.length)).unwrap();
            return bytes[at(range.start)..at(range.end)].to_vec();
        }
        let seed: u64 = self.tag.bytes().map(u64::from).sum();
        let byte = |position: u64| u8::try_from((position / 7 + position + seed) % 251).unwrap();
        (range.start..range.end.min(self.length))
            .map(byte)
            .collect()
    }

    pub(super) fn answer(&self, request: &Received) -> Reply {
        let head = format!("{}\netag: {}", self.head, self.tag);
        if request
            .header("if-none-match")
            .is_some_and(|tag| tag == self.tag)
        {
            return Reply::new(&format!("304\n{head}"), b"");
        }
        let is_same = request.header("if-range").is_none_or(|tag| tag == self.tag);
        let range = request
            .header("range")
            .filter(|_| is_same && self.has_ranges);
        match range.map(|range| self.range(range)) {
            None => Reply::new(&head, &self.bytes(0..self.length)),
            Some(range) if range.is_empty() => {
                let head = format!("416\ncontent-range: bytes */{}", self.length);
                Reply::new(&head, b"")
            }
            Some(Range { start, end }) => {
                let (last, length) = (end - 1, self.length);
                let head = format!("206\n{head}\ncontent-range: bytes {start}-{last}/{length}");
                Reply::new(&head, &self.bytes(start..end))
            }
        }
    }

    /// `bytes=2-4`, `bytes=2-` or `bytes=-2`.
    fn range(&self, range: &str) -> Range<u64> {
        let (first, last) = range.trim_start_matches("bytes=").split_once('-').unwrap();
        match (first.parse::<u64>(), last.parse::<u64>()) {
            (Ok(first), Ok(last)) => first..(last + 1).min(self.length),
            (Ok(first), Err(_)) => first..self.length,
            (Err(_), Ok(suffix)) => self.length.saturating_sub(suffix)..self.length,
            (Err(_), Err(_)) => panic!("not a range: {range}"),
        }
    }
}
