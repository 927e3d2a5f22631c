//! `Cache-Status` (RFC 9211): what the cache did with a request.

use std::fmt::{self, Write};

use http::{HeaderValue, StatusCode};

/// What the cache did with a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CacheStatus {
    /// Why the request went to the origin; `None` for a hit.
    pub forward: Option<Forward>,
    /// What the origin answered.
    pub status: Option<StatusCode>,
    /// Whether the response was stored.
    pub stored: bool,
    /// Whether the request shared another's way to the origin.
    pub collapsed: bool,
    /// Seconds until the response is stale; negative when it is.
    pub ttl: Option<i64>,
    /// The key, readable.
    pub key: Option<String>,
    /// A word on why.
    pub detail: Option<&'static str>,
}

/// Why a request went to the origin (RFC 9211 §2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Forward {
    /// The route is not cached.
    Bypass,
    /// The method is never cached.
    Method,
    /// Nothing was stored for the URI.
    UriMiss,
    /// Nothing that is stored for the URI answers this request.
    VaryMiss,
    /// What is stored is fresh, but the request's own directives did not take it.
    Request,
    /// What is stored was stale.
    Stale,
    /// Not every slice that the request needs is stored.
    Partial,
}

impl Forward {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bypass => "bypass",
            Self::Method => "method",
            Self::UriMiss => "uri-miss",
            Self::VaryMiss => "vary-miss",
            Self::Request => "request",
            Self::Stale => "stale",
            Self::Partial => "partial",
        }
    }
}

impl CacheStatus {
    /// As the field's value, told by a cache of this name, which is a token.
    pub fn to_value(&self, name: &str) -> HeaderValue {
        let mut value = String::with_capacity(64);
        // Writing to a string can't fail.
        self.write(name, &mut value).ok();
        HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("cache"))
    }

    /// Writes the same.
    pub(crate) fn write(&self, name: &str, value: &mut impl Write) -> fmt::Result {
        value.write_str(name)?;
        match self.forward {
            None => value.write_str("; hit")?,
            Some(forward) => parameter(value, "; fwd=", forward.as_str())?,
        }
        if let Some(status) = self.status.filter(|_| self.forward.is_some()) {
            parameter(value, "; fwd-status=", status.as_str())?;
        }
        if self.stored {
            value.write_str("; stored")?;
        }
        if self.collapsed {
            value.write_str("; collapsed")?;
        }
        if let Some(ttl) = self.ttl {
            // Integers of structured fields have at most fifteen digits.
            let ttl = ttl.clamp(-999_999_999_999_999, 999_999_999_999_999);
            parameter(value, "; ttl=", itoa::Buffer::new().format(ttl))?;
        }
        if let Some(key) = &self.key {
            value.write_str("; key=\"")?;
            let shown = key.chars().filter(|letter| (' '..='~').contains(letter));
            for letter in shown.flat_map(escaped) {
                value.write_char(letter)?;
            }
            value.write_char('"')?;
        }
        match self.detail {
            Some(detail) => parameter(value, "; detail=", detail),
            None => Ok(()),
        }
    }
}

fn parameter(value: &mut impl Write, name: &str, text: &str) -> fmt::Result {
    value.write_str(name)?;
    value.write_str(text)
}

fn escaped(letter: char) -> impl Iterator<Item = char> {
    matches!(letter, '"' | '\\')
        .then_some('\\')
        .into_iter()
        .chain([letter])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        let hit = CacheStatus {
            ttl: Some(42),
            ..CacheStatus::default()
        };
        assert_eq!(hit.to_value("fra1"), "fra1; hit; ttl=42");
        let miss = CacheStatus {
            forward: Some(Forward::UriMiss),
            status: Some(StatusCode::OK),
            stored: true,
            ttl: Some(60),
            key: Some("https://a/\"\\é".to_owned()),
            ..CacheStatus::default()
        };
        let expected =
            r#"fra1; fwd=uri-miss; fwd-status=200; stored; ttl=60; key="https://a/\"\\""#;
        assert_eq!(miss.to_value("fra1"), expected);
        let passed = CacheStatus {
            forward: Some(Forward::Stale),
            collapsed: true,
            detail: Some("no-store"),
            ..CacheStatus::default()
        };
        assert_eq!(
            passed.to_value("fra1"),
            "fra1; fwd=stale; collapsed; detail=no-store"
        );
    }
}
