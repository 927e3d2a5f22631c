//! Why a response is not stored, in a word.

use std::fmt;

/// Why a response is not stored. Its word stands in `Cache-Status; detail` and in what `rimward explain` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The request's method is neither GET nor HEAD.
    Method,
    /// The status is a part (206), a revalidation (304) or informational.
    Status,
    /// The origin says `must-understand`, and this cache does not know the status.
    NotUnderstood,
    /// The origin says `no-store`.
    NoStore,
    /// The origin says `private`.
    Private,
    /// The origin says `no-cache`, and gives no validator to ask it with.
    NoCache,
    /// The request has credentials, and the origin does not open the response to all.
    Authorization,
    /// The response sets a cookie, and the route does not strip it.
    SetCookie,
    /// The response varies on anything (`*`).
    Vary,
    /// Nothing tells its lifetime.
    NoFreshness,
    /// It was stale when it came, and nothing allows to use it then.
    Expired,
    /// The client says `no-store`, and the route honours that.
    AskedNotTo,
    /// It is larger than any object may be.
    TooLarge,
    /// Purged while it was being fetched.
    Purged,
    /// Too many responses are being stored at this moment.
    Busy,
    /// The disk can't take it.
    Disk,
    /// It comes from another origin than the one that it would be stored for.
    Fallback,
    /// A filter says that it is not to be stored.
    Filter,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 18] = [
        Self::Method,
        Self::Status,
        Self::NotUnderstood,
        Self::NoStore,
        Self::Private,
        Self::NoCache,
        Self::Authorization,
        Self::SetCookie,
        Self::Vary,
        Self::NoFreshness,
        Self::Expired,
        Self::AskedNotTo,
        Self::TooLarge,
        Self::Purged,
        Self::Busy,
        Self::Disk,
        Self::Fallback,
        Self::Filter,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::Status => "status",
            Self::NotUnderstood => "must-understand",
            Self::NoStore => "no-store",
            Self::Private => "private",
            Self::NoCache => "no-cache",
            Self::Authorization => "authorization",
            Self::SetCookie => "set-cookie",
            Self::Vary => "vary",
            Self::NoFreshness => "no-freshness",
            Self::Expired => "expired",
            Self::AskedNotTo => "request-no-store",
            Self::TooLarge => "too-large",
            Self::Purged => "purged",
            Self::Busy => "busy",
            Self::Disk => "disk",
            Self::Fallback => "fallback",
            Self::Filter => "filter",
        }
    }

    /// The reason that a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }

    /// Whether it lies in the request that came first, so that the same URL may well be stored for the next one.
    pub fn is_the_requests(self) -> bool {
        matches!(
            self,
            Self::Method
                | Self::Authorization
                | Self::AskedNotTo
                | Self::Purged
                | Self::Busy
                | Self::Disk
                | Self::Fallback
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_names_its_reason() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_word(reason.as_str()), Some(reason));
        }
    }
}
