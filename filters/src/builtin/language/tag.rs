//! Names of languages (BCP 47).

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

/// A language's name, such as `de` or `pt-BR`, as the operator spells it.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Tag(String);

impl Tag {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is its name, in capitals or not.
    pub(super) fn is(&self, name: &str) -> bool {
        self.0.eq_ignore_ascii_case(name)
    }

    /// Whether it is a kind of what `range` names: `de-AT` is a kind of `de`.
    pub(super) fn is_within(&self, range: &str) -> bool {
        let begins_so = self
            .0
            .get(..range.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(range));
        begins_so
            && self
                .0
                .as_bytes()
                .get(range.len())
                .is_none_or(|next| *next == b'-')
    }
}

impl PartialEq for Tag {
    fn eq(&self, other: &Self) -> bool {
        self.is(&other.0)
    }
}

impl TryFrom<String> for Tag {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let mut parts = name.split('-');
        let is_part = |part: &str| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        let is_language =
            |part: &str| part.len() > 1 && part.bytes().all(|byte| byte.is_ascii_alphabetic());
        if name.len() > 35
            || !parts.next().is_some_and(is_language)
            || !name.split('-').all(is_part)
        {
            return Err(format!(
                "`{name}` is not the name of a language such as `de` or `pt-BR`"
            ));
        }
        Ok(Self(name))
    }
}

impl JsonSchema for Tag {
    fn schema_name() -> Cow<'static, str> {
        "Language".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "title": "language", "pattern": "^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$" })
    }
}
