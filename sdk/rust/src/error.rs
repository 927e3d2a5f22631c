//! What can go wrong.

use std::fmt;

use crate::host::types;

/// What filters return.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// Why the edge did not do what it was asked for, or why a filter can't do its work.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// Not to be had in this phase: a subrequest from a body, say.
    NotAllowedInPhase,
    /// This can't be changed in this phase.
    ReadOnly,
    /// A header that filters may not touch.
    Forbidden,
    /// A header, a URI, a status that is not one.
    Invalid(String),
    /// No origin, store or secret has this name.
    NoSuch(String),
    /// The filter has no grant for it.
    Denied(String),
    /// More than the filter may use.
    Limit(String),
    /// It took too long.
    Timeout,
    /// Not to be had for now.
    Unavailable(String),
    /// Anything else, for the log.
    Other(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, text) = match self {
            Self::NotAllowedInPhase => ("not allowed in this phase", ""),
            Self::ReadOnly => ("can't be changed in this phase", ""),
            Self::Forbidden => ("not for filters to touch", ""),
            Self::Invalid(text) => ("invalid", text.as_str()),
            Self::NoSuch(text) => ("there is no such thing", text.as_str()),
            Self::Denied(text) => ("denied", text.as_str()),
            Self::Limit(text) => ("over the limit", text.as_str()),
            Self::Timeout => ("it took too long", ""),
            Self::Unavailable(text) => ("unavailable", text.as_str()),
            Self::Other(text) => ("", text.as_str()),
        };
        f.write_str(what)?;
        if !what.is_empty() && !text.is_empty() {
            f.write_str(": ")?;
        }
        f.write_str(text)
    }
}

impl std::error::Error for Error {}

impl From<String> for Error {
    fn from(text: String) -> Self {
        Self::Other(text)
    }
}

impl From<&str> for Error {
    fn from(text: &str) -> Self {
        Self::Other(text.to_owned())
    }
}

#[cfg(feature = "json")]
impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Other(error.to_string())
    }
}

impl From<types::Error> for Error {
    fn from(error: types::Error) -> Self {
        match error {
            types::Error::NotAllowedInPhase => Self::NotAllowedInPhase,
            types::Error::ReadOnly => Self::ReadOnly,
            types::Error::Forbidden => Self::Forbidden,
            types::Error::Invalid(text) => Self::Invalid(text),
            types::Error::NoSuch(text) => Self::NoSuch(text),
            types::Error::Denied(text) => Self::Denied(text),
            types::Error::Limit(text) => Self::Limit(text),
            types::Error::Timeout => Self::Timeout,
            types::Error::Unavailable(text) => Self::Unavailable(text),
            types::Error::Other(text) => Self::Other(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Error;

    #[test]
    fn an_error_reads_as_a_sentence() {
        for (error, text) in [
            (Error::Timeout, "it took too long"),
            (Error::NoSuch("`a`".into()), "there is no such thing: `a`"),
            (Error::Denied(String::new()), "denied"),
            ("`realm` is missing".into(), "`realm` is missing"),
        ] {
            assert_eq!(error.to_string(), text);
        }
    }
}
