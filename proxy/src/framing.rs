//! Where HTTP/1.1 messages begin and end, by the strictest reading of RFC 9112: the same for what clients ask and what
//! origins answer. What two parsers could take for two different messages has a [`Flaw`].

mod body;
mod fields;
mod scan;

pub(crate) use body::Guard;
pub(crate) use fields::{
    ConnectionOptions, Field, check_value, content_length, field, is_token, once,
    transfer_encoding, trim,
};
pub(crate) use scan::{Bounds, Scan};

/// How the end of a body is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// There is none.
    None,
    /// `Content-Length`, not zero.
    Length(u64),
    /// `Transfer-Encoding: chunked`
    Chunked,
}

impl Framing {
    /// Whether a body comes behind the head.
    pub fn has_body(self) -> bool {
        self != Self::None
    }
}

/// What is wrong with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct Flaw {
    pub(crate) kind: FlawKind,
    pub(crate) reason: &'static str,
}

/// Which bound or rule it breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FlawKind {
    /// It is malformed or could be read in two ways.
    Malformed,
    FirstLineTooLong,
    FieldsTooLarge,
    BodyTooLarge,
    /// It is well-formed, but nobody here reads it.
    Unimplemented,
}

impl Flaw {
    pub(crate) const fn new(kind: FlawKind, reason: &'static str) -> Self {
        Self { kind, reason }
    }

    pub(crate) const fn malformed(reason: &'static str) -> Self {
        Self::new(FlawKind::Malformed, reason)
    }
}
