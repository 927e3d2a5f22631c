//! Content security policies, whole or by directive, and the nonce in them.

use std::collections::BTreeMap;

use http::header::HeaderValue;
use schemars::JsonSchema;
use serde::Deserialize;

use super::nonce::Nonce;
use crate::filter::{BuildError, FilterError};

/// A policy as it is sent, or by directive.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline, title = "policy")]
pub(super) enum PolicySettings {
    Whole(String),
    Directives(BTreeMap<String, Sources>),
}

/// What a directive allows, in one text or in several.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Sources {
    One(String),
    Several(Vec<String>),
}

/// A policy that can be sent.
pub(super) struct Policy {
    /// What is between the nonces.
    parts: Vec<String>,
    /// The policy, if there is no nonce in it.
    fixed: HeaderValue,
}

/// Keywords of sources, which count only in quotes (Content Security Policy Level 3, section 2.3.1).
const KEYWORDS: [&str; 9] = [
    "self",
    "none",
    "unsafe-inline",
    "unsafe-eval",
    "unsafe-hashes",
    "wasm-unsafe-eval",
    "strict-dynamic",
    "report-sample",
    "inline-speculation-rules",
];

impl Policy {
    pub(super) fn new(key: &str, written: &PolicySettings) -> Result<Self, BuildError> {
        let text = match written {
            PolicySettings::Whole(text) => text.trim().to_owned(),
            PolicySettings::Directives(directives) => directives
                .iter()
                .map(|(name, sources)| directive(key, name, sources))
                .collect::<Result<Vec<_>, _>>()?
                .join("; "),
        };
        if text.is_empty() {
            return Err(BuildError::at(key, "the policy is empty: give a directive"));
        }
        let fixed = HeaderValue::from_str(&text).map_err(|_| {
            let told = format!("`{}` can't be in a header", text.escape_debug());
            BuildError::at(key, told)
        })?;
        let parts: Vec<String> = text.split("{nonce}").map(str::to_owned).collect();
        if parts.iter().any(|part| part.contains(['{', '}'])) {
            let told = "only `{nonce}` stands for something in a policy";
            return Err(BuildError::at(key, told));
        }
        let is_quoted = |pair: &[String]| match pair {
            [before, behind] => before.ends_with("'nonce-") && behind.starts_with('\''),
            _ => true,
        };
        if !parts.windows(2).all(is_quoted) {
            let told = "a nonce is written `'nonce-{nonce}'`, with its quotes";
            return Err(BuildError::at(key, told));
        }
        if let Some(word) = text.split([' ', ';']).find(|word| KEYWORDS.contains(word)) {
            let told =
                format!("`{word}` would be a host: the keyword is `'{word}'`, with its quotes");
            return Err(BuildError::at(key, told));
        }
        Ok(Self { parts, fixed })
    }

    pub(super) fn has_nonce(&self) -> bool {
        self.parts.len() > 1
    }

    /// A policy without a nonce.
    pub(super) fn fixed(&self) -> HeaderValue {
        self.fixed.clone()
    }

    pub(super) fn with(&self, nonce: &Nonce) -> Result<HeaderValue, FilterError> {
        let text = self.parts.join(&*nonce.0);
        HeaderValue::try_from(text)
            .map_err(|_| FilterError::new("a policy with its nonce can't be in a header"))
    }
}

fn directive(key: &str, name: &str, sources: &Sources) -> Result<String, BuildError> {
    let at = |told: String| BuildError::at(format!("{key}.{name}"), told);
    let is_name = |c: char| c.is_ascii_lowercase() || c == '-';
    if name.is_empty() || !name.chars().all(is_name) {
        return Err(at(format!(
            "`{name}` is not a directive such as `script-src`"
        )));
    }
    let sources = match sources {
        Sources::One(sources) => sources.clone(),
        Sources::Several(sources) => sources.join(" "),
    };
    if sources.contains([';', ',']) {
        return Err(at(format!(
            "`{sources}` would end the directive: write one for each, without `;` and `,`"
        )));
    }
    Ok(format!("{name} {sources}").trim_end().to_owned())
}
