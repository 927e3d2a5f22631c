//! The origins whose pages may read responses.

use std::borrow::Cow;

use ahash::AHashSet;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

/// Origins as a setting has them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) enum OriginPattern {
    Any,
    Exact(String),
    /// What stands before and behind the `*`: `https://` and `.example.com`.
    Below(String, String),
}

impl TryFrom<String> for OriginPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = |right: &str| format!("`{text}` is not an origin: {right}");
        let lower = text.to_ascii_lowercase();
        if lower == "*" {
            return Ok(Self::Any);
        }
        if lower == "null" {
            return Err(wrong("files and sandboxed frames of every site are `null`"));
        }
        let (scheme, host) = lower
            .split_once("://")
            .ok_or_else(|| wrong("it begins with `https://`"))?;
        if let Some(without_slash) = lower.strip_suffix('/').filter(|text| !text.ends_with('/')) {
            return Err(wrong(&format!(
                "it has no path, not even a slash: write `{without_slash}`"
            )));
        }
        let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
        let (has_star, plain) = host
            .strip_prefix("*.")
            .map_or((false, host), |below| (true, below));
        if scheme.is_empty()
            || plain.is_empty()
            || !scheme.bytes().all(is_scheme)
            || !plain.bytes().all(is_host)
        {
            return Err(wrong(
                "it is a scheme and a host such as `https://app.example.com` or `https://*.example.com`",
            ));
        }
        let default_port = match scheme {
            "https" => ":443",
            "http" => ":80",
            _ => "",
        };
        if let Some(shorter) = lower
            .strip_suffix(default_port)
            .filter(|_| !default_port.is_empty())
        {
            return Err(wrong(&format!(
                "browsers leave out the default port: write `{shorter}`"
            )));
        }
        Ok(match has_star {
            true => Self::Below(format!("{scheme}://"), format!(".{plain}")),
            false => Self::Exact(lower),
        })
    }
}

impl JsonSchema for OriginPattern {
    fn schema_name() -> Cow<'static, str> {
        "OriginPattern".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "title": "web origin" })
    }
}

/// The origins that may read responses.
pub(super) enum Origins {
    Any,
    Some {
        exact: AHashSet<String>,
        below: Vec<(String, String)>,
    },
}

impl Origins {
    pub(super) fn new(patterns: Vec<OriginPattern>) -> Result<Self, String> {
        if patterns.is_empty() {
            return Err("no origin is named: `https://app.example.com`, or `*` for all".to_owned());
        }
        if patterns.contains(&OriginPattern::Any) {
            return match patterns.len() {
                1 => Ok(Self::Any),
                _ => Err("`*` is every origin: leave out the others, or the `*`".to_owned()),
            };
        }
        let (mut exact, mut below) = (AHashSet::new(), Vec::new());
        for pattern in patterns {
            match pattern {
                OriginPattern::Any => {}
                OriginPattern::Exact(origin) => {
                    exact.insert(origin);
                }
                OriginPattern::Below(scheme, host) => below.push((scheme, host)),
            }
        }
        Ok(Self::Some { exact, below })
    }

    /// Whether a page's origin is one of them. Browsers write origins in lower case.
    pub(super) fn contain(&self, origin: &str) -> bool {
        let is_label = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        let is_below = |(scheme, host): &(String, String)| {
            origin
                .strip_prefix(scheme.as_str())
                .and_then(|rest| rest.strip_suffix(host.as_str()))
                .is_some_and(|labels| !labels.is_empty() && labels.bytes().all(is_label))
        };
        match self {
            Self::Any => true,
            Self::Some { exact, below } => exact.contains(origin) || below.iter().any(is_below),
        }
    }
}
