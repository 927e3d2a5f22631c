//! What a handler did to header fields, and whether it may.

use http::header::{HeaderName, HeaderValue};
use pingora_http::{RequestHeader, ResponseHeader};

use super::{Field, Line, MOST_LINES, too_many};
use crate::filter::FilterError;
use crate::wasm::lambda_edge::event::{Event, is_disallowed, is_of_the_edge};
use crate::wasm::lambda_edge::fault::Fault;

/// Bytes of the fields that one call may set.
const MOST_BYTES: usize = 64 << 10;

/// A field that a handler changed: what it is now, nothing if it is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Edit {
    pub(in super::super) name: HeaderName,
    pub(in super::super) lines: Vec<(String, HeaderValue)>,
}

impl Field {
    pub(super) fn edit(&self, budget: &mut Budget) -> Result<Edit, Fault> {
        let line = |line: &Line| {
            budget.takes(line)?;
            let value = HeaderValue::from_bytes(line.value.trim_matches([' ', '\t']).as_bytes())
                .map_err(|_| {
                    Fault::invalid(format!(
                        "a value of the header `{}` has a character that no header can have",
                        self.name
                    ))
                })?;
            Ok((line.key.clone(), value))
        };
        let lines: Result<Vec<_>, Fault> = self.lines.iter().map(line).collect();
        Ok(Edit {
            name: self.name.clone(),
            lines: lines?,
        })
    }
}

/// What a handler did to a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    Add,
    Change,
    Delete,
}

impl Doing {
    /// Whether it is done. `Ok(false)` lets the header be as it is.
    pub(super) fn is_allowed(self, name: &HeaderName, event: Event) -> Result<bool, Fault> {
        let verb = match self {
            Self::Add => "added",
            Self::Change => "changed",
            Self::Delete => "deleted",
        };
        if is_disallowed(name.as_str()) {
            return Err(Fault::invalid(format!(
                "the handler {verb} the header `{name}`, which is disallowed"
            )));
        }
        if event.is_read_only(name.as_str()) {
            return Err(Fault::invalid(format!(
                "the handler {verb} the header `{name}`, which is read-only in {}",
                event.name()
            )));
        }
        let is_added_later =
            event == Event::ViewerRequest && name.as_str() == "cloudfront-viewer-country";
        if is_added_later && self != Self::Delete {
            return Err(Fault::invalid(format!(
                "the handler {verb} the header `{name}`, which is added after viewer-request"
            )));
        }
        Ok(!is_of_the_edge(name.as_str()))
    }
}

/// What one call may still set.
#[derive(Default)]
pub(super) struct Budget {
    lines: usize,
    bytes: usize,
}

impl Budget {
    fn takes(&mut self, line: &Line) -> Result<(), Fault> {
        self.lines += 1;
        self.bytes += line.key.len() + line.value.len();
        if self.lines > MOST_LINES {
            return Err(too_many());
        }
        if self.bytes > MOST_BYTES {
            return Err(Fault::invalid(format!(
                "the handler set more than {MOST_BYTES} bytes of headers"
            )));
        }
        Ok(())
    }
}

impl Edit {
    /// Bytes that it takes on the wire.
    pub(in super::super) fn size(&self) -> usize {
        let line = |(key, value): &(String, HeaderValue)| key.len() + value.len() + 4;
        self.lines.iter().map(line).sum()
    }

    /// The one value that it sets; `None` when it sets several or none.
    pub(in super::super) fn only(&self) -> Option<&HeaderValue> {
        match self.lines.as_slice() {
            [(_, value)] => Some(value),
            _ => None,
        }
    }

    pub(in super::super) fn apply(self, head: &mut impl Head) -> Result<(), FilterError> {
        head.remove(&self.name);
        let Self { name, lines } = self;
        for (key, value) in lines {
            if !head.append(key, value) {
                return Err(FilterError::new(format!("`{name}` can't be added")));
            }
        }
        Ok(())
    }
}

/// A head whose fields are changed.
pub(in super::super) trait Head {
    fn remove(&mut self, name: &HeaderName);
    /// Whether there was room for it.
    fn append(&mut self, key: String, value: HeaderValue) -> bool;
}

impl Head for RequestHeader {
    fn remove(&mut self, name: &HeaderName) {
        self.remove_header(name);
    }

    fn append(&mut self, key: String, value: HeaderValue) -> bool {
        self.append_header(key, value).is_ok()
    }
}

impl Head for ResponseHeader {
    fn remove(&mut self, name: &HeaderName) {
        self.remove_header(name);
    }

    fn append(&mut self, key: String, value: HeaderValue) -> bool {
        self.append_header(key, value).is_ok()
    }
}
