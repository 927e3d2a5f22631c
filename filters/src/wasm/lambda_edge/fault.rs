//! What goes wrong with a handler, and the status that AWS has for it.

use crate::filter::FilterError;

/// Characters of a handler's own words that the log gets.
const MOST_WORDS: usize = 1000;

/// Why nothing came of a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// What the handler returned breaks a rule: 502.
    #[error("{0}")]
    Invalid(String),
    /// The handler threw an exception, or can't be called at all: 500.
    #[error("the handler failed: {}", words(.0))]
    Exception(String),
    /// The handler took too long, or there was no room for one more call: 503.
    #[error("the handler did not answer: {}", words(.0))]
    Unavailable(String),
}

impl Fault {
    /// The status that the client gets unless `on_error` says otherwise.
    pub fn status(&self) -> u16 {
        match self {
            Self::Invalid(_) => 502,
            Self::Exception(_) => 500,
            Self::Unavailable(_) => 503,
        }
    }

    pub(super) fn invalid(what: impl Into<String>) -> Self {
        Self::Invalid(what.into())
    }
}

impl From<Fault> for FilterError {
    fn from(fault: Fault) -> Self {
        Self::with_status(fault.status(), fault.to_string())
    }
}

/// Words that are not ours, in one line of the log.
fn words(text: &str) -> String {
    let short: String = text.trim_end().chars().take(MOST_WORDS).collect();
    short.replace(char::is_control, " ")
}
