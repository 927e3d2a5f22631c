//! Edge Side Includes: what of a page is text, and what is put in from elsewhere (ESI Language Specification 1.0).
//!
//! Known are `include` with `alt` and `onerror="continue"`, `remove`, `comment`, `try` with `attempt` and `except`, and
//! `<!--esi … -->`, whose inside counts. Markup that is none of these, or broken, is an error, so that no half page is served.

mod parse;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

pub use parse::{ParseError, parse};

/// A piece of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// What is served as it stands.
    Text(Bytes),
    /// What is put in.
    Include(Include),
    /// What is put in if all of it can be had, and what else.
    Try {
        /// What is wanted.
        attempt: Vec<Self>,
        /// What is served if an include of that fails.
        except: Vec<Self>,
    },
}

/// Something that is put in from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Include {
    /// Where it is: an absolute URL, or a reference relative to the page's.
    pub src: String,
    /// Where it is else.
    pub alt: Option<String>,
    /// Whether the page goes without it.
    pub may_fail: bool,
}

/// How much a page may ask for; left in `Exchange::notes` by the filter `esi`.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Whether only pages count that say `ESI/1.0` in `Surrogate-Control`.
    pub announced: bool,
    /// The types of pages that count.
    pub content_types: Arc<[String]>,
    /// Includes of one page, those of its fragments not counted.
    pub max_includes: usize,
    /// How deep fragments may include others.
    pub max_depth: u8,
    /// Bytes of a page, and of each fragment.
    pub max_size: usize,
    /// Fragments that are fetched at a time.
    pub at_once: usize,
    /// How long a fragment is waited for.
    pub timeout: Duration,
}

/// How many includes there are in all.
pub fn count(nodes: &[Node]) -> usize {
    let count_one = |node: &Node| match node {
        Node::Text(_) => 0,
        Node::Include(_) => 1,
        Node::Try { attempt, except } => count(attempt) + count(except),
    };
    nodes.iter().map(count_one).sum()
}
