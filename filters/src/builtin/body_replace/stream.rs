//! One body on its way through the rules. What may still become a match is held back, and nothing else.

use std::ops::Range;
use std::sync::Arc;

use aho_corasick::Input;
use bytes::Bytes;
use regex::bytes::CaptureLocations;

use super::replacement::Ready;
use super::stage::{BESIDE, Finder, Stage, View};
use crate::exchange::Exchange;
use crate::filter::{BodyRewriter, FilterError};
use crate::template::Place;

/// The most bytes that one piece of a body may grow by.
const MAX_GROWTH: usize = 16 << 20;

/// Passes a body through all stages.
pub(super) struct Rewriter {
    streams: Vec<Stream>,
}

impl Rewriter {
    pub(super) fn new(streams: Vec<Stream>) -> Self {
        Self { streams }
    }
}

impl BodyRewriter for Rewriter {
    fn chunk(&mut self, bytes: Bytes) -> Result<Bytes, FilterError> {
        let mut streams = self.streams.iter_mut();
        let Some(first) = streams.next() else {
            return Ok(bytes);
        };
        let mut made = first.take(&bytes, false)?;
        for stream in streams {
            made = stream.take(&made, false)?;
        }
        Ok(made.into())
    }

    fn end(&mut self) -> Result<Bytes, FilterError> {
        let mut made = Vec::new();
        for stream in &mut self.streams {
            made = stream.take(&made, true)?;
        }
        Ok(made.into())
    }
}

/// One body in one stage.
pub(super) struct Stream {
    stage: Arc<Stage>,
    replacements: Vec<Arc<[Ready]>>,
    /// How often each may still be done.
    left: Vec<u32>,
    /// Where groups matched, if a replacement names one.
    groups: Option<CaptureLocations>,
    /// The last bytes that were passed on, which assertions may look at, then those that were not.
    held: Vec<u8>,
    passed: usize,
}

/// A match of one of the stage's patterns.
struct Found {
    pattern: usize,
    range: Range<usize>,
}

impl Stream {
    pub(super) fn new(stage: &Arc<Stage>, exchange: &Exchange, place: Place) -> Self {
        let replacements = &stage.replacements;
        let names_groups = replacements.iter().any(|one| one.names_groups());
        let groups = match &stage.finder {
            Finder::Regex(regex) if names_groups => Some(regex.capture_locations()),
            _ => None,
        };
        Self {
            replacements: replacements
                .iter()
                .map(|one| one.render(exchange, place))
                .collect(),
            left: stage.limits.clone(),
            groups,
            stage: stage.clone(),
            held: Vec::new(),
            passed: 0,
        }
    }

    /// Takes the next bytes and returns what is certain by now.
    fn take(&mut self, piece: &[u8], is_end: bool) -> Result<Vec<u8>, FilterError> {
        self.held.extend_from_slice(piece);
        let mut out = Vec::with_capacity(self.held.len());
        let most = self.held.len() + MAX_GROWTH;
        let mut at = self.passed;
        while let Some(view) = self.stage.reach.view(at, self.held.len(), is_end) {
            if self.left.iter().all(|left| *left == 0) {
                break;
            }
            at = self.step(at, &view, &mut out);
            if out.len() > most {
                return Err(FilterError::new(
                    "what is put into the body would make it grow by more than 16 MiB at once",
                ));
            }
        }
        if self.left.iter().all(|left| *left == 0) {
            out.extend_from_slice(&self.held[at..]);
            at = self.held.len();
        }
        self.forget(at);
        Ok(out)
    }

    /// Passes on what there is up to the end of the next match, or up to where it is certain that there is none.
    fn step(&mut self, at: usize, view: &View, out: &mut Vec<u8>) -> usize {
        match self.find(at, view.end) {
            Some(Found { pattern, range }) if range.start < view.certain => {
                out.extend_from_slice(&self.held[at..range.start]);
                self.put(pattern, &range, out);
                range.end
            }
            _ => {
                out.extend_from_slice(&self.held[at..view.certain]);
                view.certain
            }
        }
    }

    fn find(&mut self, at: usize, end: usize) -> Option<Found> {
        let seen = &self.held[..end];
        match (&self.stage.finder, &mut self.groups) {
            (Finder::Literals(literals), _) => {
                literals
                    .find(Input::new(seen).range(at..))
                    .map(|found| Found {
                        pattern: found.pattern().as_usize(),
                        range: found.range(),
                    })
            }
            (Finder::Regex(regex), None) => regex.find_at(seen, at).map(|found| Found {
                pattern: 0,
                range: found.range(),
            }),
            (Finder::Regex(regex), Some(groups)) => {
                regex.captures_read_at(groups, seen, at).map(|found| Found {
                    pattern: 0,
                    range: found.range(),
                })
            }
        }
    }

    /// Puts the replacement of a match behind `out`, or the match itself if it may not be replaced.
    fn put(&mut self, pattern: usize, range: &Range<usize>, out: &mut Vec<u8>) {
        if self.left[pattern] == 0 || !self.stage.reach.allows(range.len()) {
            out.extend_from_slice(&self.held[range.clone()]);
            return;
        }
        if self.left[pattern] != u32::MAX {
            self.left[pattern] -= 1;
        }
        for piece in self.replacements[pattern].iter() {
            match piece {
                Ready::Text(text) => out.extend_from_slice(text),
                Ready::Group(index) => {
                    let place = self.groups.as_ref().and_then(|groups| groups.get(*index));
                    if let Some((start, end)) = place {
                        out.extend_from_slice(&self.held[start..end]);
                    }
                }
            }
        }
    }

    /// Lets go of what was passed on, but for what assertions look at.
    fn forget(&mut self, at: usize) {
        let kept = at.min(BESIDE);
        self.held.drain(..at - kept);
        self.passed = kept;
    }
}
