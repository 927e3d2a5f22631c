//! What a phase wants to happen.

use crate::host::types::Synthetic;

pub use crate::host::types::{ChunkVerdict, Verdict};

/// A response made by a filter.
///
/// ```
/// use rimward_filter::{Answer, Verdict};
///
/// let verdict: Verdict = Answer::new(401)
///     .header("www-authenticate", "Bearer")
///     .text("who are you?\n")
///     .into();
/// # let _ = verdict;
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Answer(Synthetic);

impl Answer {
    /// A response with this status, no fields and no body.
    pub fn new(status: u16) -> Self {
        Self(Synthetic {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            cache_ttl: None,
        })
    }

    /// 302, to another address.
    pub fn redirect(location: &str) -> Self {
        Self::new(302).header("location", location)
    }

    /// Adds a header. One that is there already stays: `set-cookie` can be sent several times.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.0.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Has this body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.0.body = body.into();
        self
    }

    /// Has this body, as plain text in UTF-8.
    pub fn text(self, text: &str) -> Self {
        self.header("content-type", "text/plain; charset=utf-8")
            .body(text)
    }

    /// Is kept in the edge's cache for so many seconds, when it is given in the phase `origin_request`.
    pub fn cache_for(mut self, seconds: u32) -> Self {
        self.0.cache_ttl = Some(seconds);
        self
    }
}

impl From<Answer> for Verdict {
    fn from(answer: Answer) -> Self {
        Self::Respond(answer.0)
    }
}

impl Verdict {
    /// Goes on, with what was changed.
    pub fn next() -> Self {
        Self::Next
    }

    /// Ends here: this is the response.
    pub fn respond(answer: Answer) -> Self {
        answer.into()
    }

    /// Goes on with another body, in the phases of responses.
    pub fn replace_body(body: impl Into<Vec<u8>>) -> Self {
        Self::ReplaceBody(body.into())
    }
}
