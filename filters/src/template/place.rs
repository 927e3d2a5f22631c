//! How a variable's value is written in the place it is put into.

use std::fmt::Write;

use http::header::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Variable;
use crate::exchange::Exchange;

/// Where rendered text is put, which decides how the values of variables are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Plain text: as they are.
    Text,
    /// A header's value: without control characters.
    Header,
    /// A URI: percent-encoded, also slashes, but for `{path}`, `{query}` and `{uri}`, which are so already.
    Uri,
    /// A part of a URI that delimiters would end, such as a query parameter: all percent-encoded.
    Component,
    /// HTML or XML: with character references.
    Markup,
    /// A JSON string: with escapes.
    Json,
}

impl Place {
    /// How variables are written in a body of this type.
    pub(crate) fn in_body(content_type: &HeaderValue) -> Self {
        let media_type = content_type.to_str().unwrap_or("").to_ascii_lowercase();
        let media_type = media_type.split(';').next().unwrap_or("").trim();
        match media_type {
            text if text.contains("html") || text.ends_with("xml") => Self::Markup,
            text if text.ends_with("json") || text.ends_with("javascript") => Self::Json,
            "text/css" => Self::Component,
            _ => Self::Text,
        }
    }
}

impl Variable {
    pub(super) fn render_into(&self, exchange: &Exchange, place: Place, out: &mut String) {
        if let Some(value) = self.value(exchange) {
            self.write(&value, place, out);
        }
    }

    /// Puts a value of it behind `out`, as `place` has it.
    pub(crate) fn write(&self, value: &str, place: Place, out: &mut String) {
        match place {
            Place::Text => out.push_str(value),
            Place::Header => out.extend(value.chars().filter(|c| !c.is_control())),
            Place::Uri if self.is_encoded() => out.extend(utf8_percent_encode(value, NOT_IN_URI)),
            Place::Uri | Place::Component => out.extend(utf8_percent_encode(value, NOT_UNRESERVED)),
            Place::Markup => value.chars().for_each(|c| push_markup(c, out)),
            Place::Json => value.chars().for_each(|c| push_json(c, out)),
        }
    }

    /// Whether its value is percent-encoded by itself.
    fn is_encoded(&self) -> bool {
        matches!(self, Self::Path | Self::Query | Self::Uri)
    }
}

/// RFC 3986, section 2.3: what never needs encoding.
pub(crate) const NOT_UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// What a URI can't hold at all; the rest of it is taken to mean what it says.
pub(crate) const NOT_IN_URI: &AsciiSet = &percent_encoding::CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

fn push_markup(c: char, out: &mut String) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' => out.push_str("&quot;"),
        '\'' => out.push_str("&#39;"),
        c if c.is_control() => out.push('\u{fffd}'),
        c => out.push(c),
    }
}

fn push_json(c: char, out: &mut String) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        // U+2028 and U+2029 end a line in scripts, `<` begins `</script>`: JSON is put into pages.
        c if c.is_control() || matches!(c, '<' | '\u{2028}' | '\u{2029}') => {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing into a string can't fail.
                write!(out, "\\u{unit:04x}").unwrap_or_default();
            }
        }
        c => out.push(c),
    }
}
