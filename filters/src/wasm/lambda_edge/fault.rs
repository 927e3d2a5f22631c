//! What goes wrong with a handler, and the status that AWS has for it.

use serde::Deserialize;

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
    /// What a runtime tells in place of an answer: the JSON of `lambda-edge.handle`'s error.
    pub fn told(error: &str) -> Self {
        let Ok(told) = serde_json::from_str::<Told>(error) else {
            return Self::Exception(error.to_owned());
        };
        let message = match told.error_type.is_empty() {
            true => told.error_message,
            false => format!("{}: {}", told.error_type, told.error_message),
        };
        match told.fault {
            Kind::Handler => Self::Exception(match told.trace.first() {
                Some(place) => format!("{message} ({})", place.trim()),
                None => message,
            }),
            Kind::Answer => Self::Invalid(words(&message)),
            Kind::Time => Self::Unavailable(message),
        }
    }

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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    fault: Kind,
    #[serde(default)]
    error_type: String,
    #[serde(default)]
    error_message: String,
    #[serde(default)]
    trace: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// It threw an exception.
    Handler,
    /// It came to its end without an answer, or with one that is no JSON.
    Answer,
    /// It waits for longer than it has time.
    Time,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_runtime_tells_has_the_status_of_aws() {
        for (told, status, expected) in [
            (
                r#"{"fault":"handler","errorType":"TypeError","errorMessage":"x is null","trace":["at handler.js:12:5","at b"]}"#,
                500,
                "the handler failed: TypeError: x is null (at handler.js:12:5)",
            ),
            (
                r#"{"fault":"handler","errorMessage":"no\r\nway"}"#,
                500,
                "the handler failed: no  way",
            ),
            (
                r#"{"fault":"answer","errorType":"Error","errorMessage":"no answer"}"#,
                502,
                "Error: no answer",
            ),
            (
                r#"{"fault":"time","errorMessage":"a timer of 9s"}"#,
                503,
                "the handler did not answer: a timer of 9s",
            ),
            ("boom", 500, "the handler failed: boom"),
            (
                r#"{"fault":"other"}"#,
                500,
                r#"the handler failed: {"fault":"other"}"#,
            ),
        ] {
            let fault = Fault::told(told);
            assert_eq!(
                (fault.status(), &*fault.to_string()),
                (status, expected),
                "{told}"
            );
        }
    }
}
