//! Media types with a place for anything: `text/*`, `application/*+json`.

use std::fmt;
use std::str::FromStr;

use super::http::is_token;
use super::{Text, ValueError, text_value};

/// Media types that are alike: one, or all that a `*` leaves open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaPattern {
    before: String,
    /// What comes after the `*`; `None` without one.
    after: Option<String>,
}

impl Text for MediaPattern {
    const EXPECTING: &'static str = "a media type such as `text/*` or `application/json`";
    const PATTERN: &'static str = "^[^/*; ]+/[^/*; ]*\\*?[^/*; ]*$";
}

text_value!(MediaPattern);

impl FromStr for MediaPattern {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let bad = || ValueError::new(format!("`{text}` is not {}", Self::EXPECTING));
        let (kind, subtype) = text.split_once('/').ok_or_else(bad)?;
        let is_open = subtype.matches('*').count() == 1;
        let is_right = is_token(kind)
            && is_token(subtype)
            && !kind.contains('*')
            && (is_open || !subtype.contains('*'));
        if !is_right {
            return Err(bad());
        }
        let text = text.to_ascii_lowercase();
        Ok(match text.split_once('*') {
            Some((before, after)) => Self {
                before: before.to_owned(),
                after: Some(after.to_owned()),
            },
            None => Self {
                before: text,
                after: None,
            },
        })
    }
}

impl MediaPattern {
    /// Whether a `Content-Type` is one of these, whatever its parameters.
    pub fn matches(&self, content_type: &[u8]) -> bool {
        let end = content_type
            .iter()
            .position(|byte| *byte == b';')
            .unwrap_or(content_type.len());
        let media_type = content_type[..end].trim_ascii();
        let Some((before, rest)) = media_type.split_at_checked(self.before.len()) else {
            return false;
        };
        let ends_right = match &self.after {
            None => rest.is_empty(),
            Some(after) => {
                let open = rest.len().checked_sub(after.len());
                open.is_some_and(|open| rest[open..].eq_ignore_ascii_case(after.as_bytes()))
            }
        };
        ends_right && before.eq_ignore_ascii_case(self.before.as_bytes())
    }
}

impl fmt::Display for MediaPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.before)?;
        match &self.after {
            Some(after) => write!(f, "*{after}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_what_it_leaves_open() {
        for (pattern, media_type, matches) in [
            ("text/*", "text/html", true),
            ("text/*", "Text/HTML; charset=utf-8", true),
            ("text/*", "text/plain ;charset=utf-8", true),
            ("text/*", "textual/html", false),
            ("application/json", "application/json", true),
            ("application/json", "application/json-seq", false),
            ("application/*+json", "application/ld+json", true),
            ("application/*+json", "application/json", false),
            ("application/*+json", "application/ld+xml", false),
            ("IMAGE/svg+xml", "image/svg+xml", true),
            ("text/*", "", false),
        ] {
            let parsed: MediaPattern = pattern.parse().unwrap();
            assert_eq!(
                parsed.matches(media_type.as_bytes()),
                matches,
                "{pattern} {media_type}"
            );
            assert_eq!(parsed.to_string(), pattern.to_ascii_lowercase());
        }
    }

    #[test]
    fn what_is_no_pattern_is_told() {
        for text in [
            "html",
            "*/*",
            "text/",
            "/html",
            "text/*a*",
            "text/html; q=1",
            "",
        ] {
            let told = text.parse::<MediaPattern>().unwrap_err().to_string();
            assert!(
                told.ends_with("such as `text/*` or `application/json`"),
                "{text}: {told}"
            );
        }
    }
}
