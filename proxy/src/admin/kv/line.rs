//! An entry as a line of JSON: what is imported, exported and written many at once.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderName, Response, header};
use percent_encoding::percent_decode_str;
use rimward_config::Span;
use rimward_kv::{Entry, Write};
use serde::{Deserialize, Serialize};

/// How long a value has left, in seconds.
pub(super) const TTL: HeaderName = HeaderName::from_static("kv-ttl");
/// What was written beside the value, percent-encoded.
pub(super) const METADATA: HeaderName = HeaderName::from_static("kv-metadata");

/// A key with its value, as `value` if that is text, or else as `base64`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KvLine {
    /// The key.
    pub key: String,
    /// The value, if it is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The value in base64, if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
    /// How long it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<Ttl>,
    /// What is kept beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
    /// Of the write that it is from; told, not taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
}

/// A time to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Ttl {
    /// In seconds.
    Seconds(u64),
    /// With a unit, such as `1h`.
    Span(Span),
}

impl Ttl {
    fn duration(self) -> Duration {
        match self {
            Self::Seconds(seconds) => Duration::from_secs(seconds),
            Self::Span(span) => span.0,
        }
    }
}

/// Whole seconds, of which there is one left until the end.
pub(super) fn seconds(ttl: Duration) -> u64 {
    ttl.as_secs() + u64::from(ttl.subsec_nanos() > 0)
}

impl KvLine {
    /// An entry of a store.
    pub fn new(key: String, entry: &Entry) -> Self {
        Self {
            ttl: entry.ttl.map(|ttl| Ttl::Seconds(seconds(ttl))),
            metadata: entry.metadata.clone(),
            generation: Some(entry.generation),
            ..Self::of(key, &entry.value)
        }
    }

    /// A key and its value.
    pub fn of(key: String, value: &[u8]) -> Self {
        let text = std::str::from_utf8(value).ok();
        Self {
            key,
            value: text.map(str::to_owned),
            base64: text.is_none().then(|| STANDARD.encode(value)),
            ttl: None,
            metadata: None,
            generation: None,
        }
    }

    /// What the admin interface answers for a key.
    pub fn from_answer(key: String, answer: &Response<Bytes>) -> Self {
        let field = |name: &HeaderName| answer.headers().get(name)?.to_str().ok();
        let metadata =
            field(&METADATA).map(|text| percent_decode_str(text).decode_utf8_lossy().into_owned());
        Self {
            ttl: field(&TTL)
                .and_then(|text| text.parse().ok())
                .map(Ttl::Seconds),
            metadata,
            generation: field(&header::ETAG).and_then(|text| text.trim_matches('"').parse().ok()),
            ..Self::of(key, answer.body())
        }
    }

    /// Reads lines of JSON.
    ///
    /// # Errors
    /// With the number of the line that is none.
    pub fn parse_all(body: &[u8]) -> Result<Vec<Self>, String> {
        let lines = body.split(|byte| *byte == b'\n').enumerate();
        let lines = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
        lines
            .map(|(index, line)| {
                serde_json::from_slice(line).map_err(|error| format!("line {}: {error}", index + 1))
            })
            .collect()
    }

    /// What is to be written.
    ///
    /// # Errors
    /// When it has no value, or two, or one that is not base64.
    pub fn into_write(self) -> Result<(Bytes, Write), String> {
        let value = match (self.value, self.base64) {
            (Some(text), None) => text.into(),
            (None, Some(base64)) => STANDARD
                .decode(base64)
                .map(Bytes::from)
                .map_err(|error| format!("key `{}`: `base64` is not base64: {error}", self.key))?,
            _ => {
                return Err(format!(
                    "key `{}`: give either `value` or `base64`",
                    self.key
                ));
            }
        };
        let write = Write {
            ttl: self.ttl.map(Ttl::duration),
            metadata: self.metadata,
            ..Write::default()
        };
        Ok((value, write))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_value_as_text_or_else_as_base64() {
        for (line, value, ttl) in [
            (r#"{"key":"a","value":"1"}"#, &b"1"[..], None),
            (r#"{"key":"a","base64":"/w==","ttl":60}"#, b"\xff", Some(60)),
            (
                r#"{"key":"a","value":"","ttl":"1m1s","metadata":"m"}"#,
                b"",
                Some(61),
            ),
        ] {
            let mut lines = KvLine::parse_all(format!("\n{line}\n\n").as_bytes()).unwrap();
            let line = lines.pop().unwrap();
            let metadata = line.metadata.clone();
            let (got, write) = line.into_write().unwrap();
            assert_eq!(got, value);
            assert_eq!(
                (write.ttl, write.metadata),
                (ttl.map(Duration::from_secs), metadata)
            );
        }
    }

    #[test]
    fn what_is_no_line_is_told() {
        for (text, expected) in [
            (
                "{\"key\":\"a\",\"value\":\"1\"}\nx",
                "line 2: expected value",
            ),
            ("{\"value\":\"1\"}", "line 1: missing field `key`"),
            (
                "{\"key\":\"a\",\"vlaue\":\"1\"}",
                "line 1: unknown field `vlaue`",
            ),
            (
                "{\"key\":\"a\"}",
                "key `a`: give either `value` or `base64`",
            ),
            (
                "{\"key\":\"a\",\"value\":\"\",\"base64\":\"\"}",
                "key `a`: give either `value` or `base64`",
            ),
            (
                "{\"key\":\"a\",\"base64\":\"?\"}",
                "key `a`: `base64` is not base64",
            ),
        ] {
            let told = KvLine::parse_all(text.as_bytes())
                .and_then(|mut lines| lines.remove(0).into_write());
            let told = told.unwrap_err();
            assert!(told.starts_with(expected), "{told}");
        }
    }

    #[test]
    fn an_entry_is_told_as_it_could_be_written() {
        let entry = Entry {
            value: Bytes::from_static(b"\xff"),
            metadata: Some("m".to_owned()),
            generation: 7,
            ttl: Some(Duration::from_millis(1500)),
        };
        let line = serde_json::to_string(&KvLine::new("a".to_owned(), &entry)).unwrap();
        assert_eq!(
            line,
            r#"{"key":"a","base64":"/w==","ttl":2,"metadata":"m","generation":7}"#
        );
        assert_eq!(
            KvLine::parse_all(line.as_bytes())
                .unwrap()
                .remove(0)
                .into_write()
                .unwrap()
                .0,
            entry.value
        );
    }
}
