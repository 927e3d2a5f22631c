//! What filters want to do with the body of one response.

use bytes::Bytes;

use crate::filter::{BodyRewriter, BodyWatcher, FilterError};

/// The body rewriters and watchers of one response, in the order in which bytes pass them.
#[derive(Default)]
pub struct Rewriters {
    /// What takes the place of the body that comes, before all others.
    replacement: Option<Bytes>,
    /// Whether that is the body that came, rewritten.
    is_rewritten: bool,
    list: Vec<Pass>,
}

enum Pass {
    Rewriter(Box<dyn BodyRewriter>),
    Watcher(Box<dyn BodyWatcher>),
    /// The beginning of the body, which somebody waited for.
    Beginning(Bytes),
}

impl Rewriters {
    /// Whether nobody wants to have the body.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty() && self.replacement.is_none()
    }

    /// Whether the body may change as it passes.
    pub fn rewrites(&self) -> bool {
        let rewrites = |pass: &Pass| matches!(pass, Pass::Rewriter(_));
        self.is_rewritten || self.list.iter().any(rewrites)
    }

    /// Whether another body takes the place of the one that comes.
    pub fn replaces(&self) -> bool {
        self.replacement.is_some()
    }

    /// The whole body, when it takes the place of the one that comes. Nothing is left to be done then.
    ///
    /// # Errors
    /// As for [`Rewriters::pass`].
    pub fn take_replacement(&mut self) -> Result<Option<Bytes>, FilterError> {
        if self.replacement.is_none() {
            return Ok(None);
        }
        let body = self.pass(None, true)?;
        self.list.clear();
        Ok(Some(body.unwrap_or_default()))
    }

    /// Puts another body in the place of the one that comes. What those before wanted with that is over.
    pub fn replace(&mut self, body: Bytes) {
        self.list.clear();
        self.is_rewritten = false;
        self.replacement = Some(body);
    }

    /// Has the whole body, as it left those so far, pass the others.
    pub(super) fn resume_with(&mut self, body: Bytes) {
        let is_rewritten = self.rewrites();
        self.replace(body);
        self.is_rewritten = is_rewritten;
    }

    /// Has the beginning of the body, as it left those so far, pass the others before the rest.
    pub(super) fn begin_with(&mut self, beginning: Bytes) {
        if !beginning.is_empty() {
            self.list.push(Pass::Beginning(beginning));
        }
    }

    /// Adds one behind all others.
    pub fn push(&mut self, rewriter: Box<dyn BodyRewriter>) {
        self.list.push(Pass::Rewriter(rewriter));
    }

    /// Adds one who looks at what leaves those before.
    pub fn watch(&mut self, watcher: Box<dyn BodyWatcher>) {
        self.list.push(Pass::Watcher(watcher));
    }

    /// Passes the next bytes, and the end if it is reached, through all of them.
    ///
    /// # Errors
    /// When one of them can't go on: the body must be cut off.
    pub fn pass(&mut self, bytes: Option<Bytes>, end: bool) -> Result<Option<Bytes>, FilterError> {
        let mut bytes = match &mut self.replacement {
            None => bytes.unwrap_or_default(),
            Some(_) if !end => return Ok(None),
            Some(body) => std::mem::take(body),
        };
        if end {
            self.replacement = None;
        }
        for pass in &mut self.list {
            bytes = pass.on(bytes, end)?;
        }
        Ok((!bytes.is_empty()).then_some(bytes))
    }
}

impl Pass {
    fn on(&mut self, bytes: Bytes, end: bool) -> Result<Bytes, FilterError> {
        let is_empty = bytes.is_empty();
        match self {
            Self::Rewriter(rewriter) => {
                let passed = if is_empty {
                    bytes
                } else {
                    rewriter.chunk(bytes)?
                };
                match end {
                    true => Ok(join(passed, rewriter.end()?)),
                    false => Ok(passed),
                }
            }
            Self::Watcher(watcher) => {
                if !is_empty {
                    watcher.chunk(&bytes);
                }
                if end {
                    watcher.end();
                }
                Ok(bytes)
            }
            Self::Beginning(beginning) => Ok(join(std::mem::take(beginning), bytes)),
        }
    }
}

fn join(head: Bytes, tail: Bytes) -> Bytes {
    match (head.is_empty(), tail.is_empty()) {
        (_, true) => head,
        (true, false) => tail,
        (false, false) => [head, tail].concat().into(),
    }
}
