//! Names that mean the same wherever they stand.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The name of a cookie or a query parameter, or a scheme: letters, digits and `-._~`, which nobody encodes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Word(String);

impl Word {
    /// One that is in the code, and right.
    pub(crate) fn literal(word: &'static str) -> Self {
        Self(word.to_owned())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Word {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        match !text.is_empty() && text.bytes().all(is_plain) {
            true => Ok(Self(text)),
            false => Err(format!(
                "`{}` can't be a name here: letters, digits and `-._~`",
                text.escape_debug()
            )),
        }
    }
}

impl From<Word> for String {
    fn from(word: Word) -> Self {
        word.0
    }
}

impl JsonSchema for Word {
    fn schema_name() -> Cow<'static, str> {
        "Word".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "title": "word", "pattern": "^[A-Za-z0-9._~-]+$" })
    }
}
