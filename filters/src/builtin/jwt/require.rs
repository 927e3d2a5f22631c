//! What claims must be.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::claims::Claims;

/// A claim that must be there, and what it must be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(try_from = "RequirementTable")]
#[schemars(with = "RequirementTable")]
pub(super) struct Requirement {
    claim: String,
    test: Test,
}

#[derive(Debug)]
enum Test {
    IsThere,
    Equals(Scalar),
    OneOf(Vec<Scalar>),
    Contains(Scalar),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RequirementTable {
    /// The claim: a name, or a path such as `realm_access.roles`.
    claim: String,
    /// What it is.
    #[schemars(title = "text, number or truth")]
    equals: Option<Scalar>,
    /// What it is one of.
    #[schemars(title = "list of texts, numbers or truths")]
    one_of: Option<Vec<Scalar>>,
    /// What it has: a list this value, a text this word, as `scope` is.
    #[schemars(title = "text, number or truth")]
    contains: Option<Scalar>,
}

impl TryFrom<RequirementTable> for Requirement {
    type Error = String;

    fn try_from(table: RequirementTable) -> Result<Self, String> {
        let test = match (table.equals, table.one_of, table.contains) {
            (None, None, None) => Test::IsThere,
            (Some(value), None, None) => Test::Equals(value),
            (None, Some(values), None) => Test::OneOf(values),
            (None, None, Some(value)) => Test::Contains(value),
            _ => {
                return Err(
                    "a claim is held to one of `equals`, `one_of` and `contains`: write a table for each"
                        .to_owned(),
                );
            }
        };
        match (table.claim.is_empty(), &test) {
            (true, _) => Err("`claim` is a name or a path such as `realm_access.roles`".to_owned()),
            (_, Test::OneOf(values)) if values.is_empty() => {
                Err("`one_of` is empty: nobody would be let in".to_owned())
            }
            _ => Ok(Self {
                claim: table.claim,
                test,
            }),
        }
    }
}

impl Requirement {
    /// Whether the claims are so.
    pub(super) fn holds(&self, claims: &Claims) -> bool {
        let Some(claim) = claims.get(&self.claim) else {
            return false;
        };
        match &self.test {
            Test::IsThere => !claim.is_null(),
            Test::Equals(value) => value.is(claim),
            Test::OneOf(values) => values.iter().any(|value| value.is(claim)),
            Test::Contains(value) => match (claim, value) {
                (Value::Array(items), _) => items.iter().any(|item| value.is(item)),
                (Value::String(text), Scalar::Text(word)) => {
                    text.split_ascii_whitespace().any(|held| held == word)
                }
                _ => false,
            },
        }
    }
}

/// A text, a number or a truth.
#[derive(Debug, PartialEq)]
enum Scalar {
    Text(String),
    Integer(i64),
    Truth(bool),
}

impl Scalar {
    fn is(&self, claim: &Value) -> bool {
        match self {
            Self::Text(text) => claim.as_str() == Some(text),
            Self::Integer(number) => claim.as_i64() == Some(*number),
            Self::Truth(truth) => claim.as_bool() == Some(*truth),
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Scalars;
        impl Visitor<'_> for Scalars {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, an integer, true or false")
            }

            fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar::Text(text.to_owned()))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
                Ok(Scalar::Integer(number))
            }

            fn visit_bool<E>(self, truth: bool) -> Result<Scalar, E> {
                Ok(Scalar::Truth(truth))
            }
        }
        deserializer.deserialize_any(Scalars)
    }
}

impl JsonSchema for Scalar {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Scalar".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "integer", "boolean"], "title": "string, integer or boolean" })
    }
}

/// One string or a list of them; none when it is not set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Strings(pub(super) Vec<String>);

impl<'de> Deserialize<'de> for Strings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;
        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Strings;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list of strings")
            }

            fn visit_str<E>(self, text: &str) -> Result<Strings, E> {
                Ok(Strings(vec![text.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Strings, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                match list.is_empty() {
                    true => Err(serde::de::Error::custom("the list is empty: leave it out")),
                    false => Ok(Strings(list)),
                }
            }
        }
        deserializer.deserialize_any(OneOrMany)
    }
}

impl JsonSchema for Strings {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Strings".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "array"], "items": { "type": "string" }, "title": "string or list of strings" })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_requirement_holds_or_not() {
        let text = r#"{"sub":"ann","scope":"read write","n":3,"t":true,"roles":["a",1],"o":{"k":"v"},"x":null}"#;
        let claims = Claims(Arc::new(serde_json::from_str(text).unwrap()));
        for (requirement, expected) in [
            ("claim = \"sub\"", true),
            ("claim = \"x\"", false),
            ("claim = \"absent\"", false),
            ("claim = \"sub\"\nequals = \"ann\"", true),
            ("claim = \"sub\"\nequals = \"Ann\"", false),
            ("claim = \"n\"\nequals = 3", true),
            ("claim = \"n\"\nequals = \"3\"", false),
            ("claim = \"t\"\nequals = true", true),
            ("claim = \"o.k\"\nequals = \"v\"", true),
            ("claim = \"sub\"\none_of = [\"bob\", \"ann\"]", true),
            ("claim = \"sub\"\none_of = [\"bob\"]", false),
            ("claim = \"scope\"\ncontains = \"write\"", true),
            ("claim = \"scope\"\ncontains = \"wri\"", false),
            ("claim = \"roles\"\ncontains = \"a\"", true),
            ("claim = \"roles\"\ncontains = 1", true),
            ("claim = \"roles\"\ncontains = \"1\"", false),
            ("claim = \"n\"\ncontains = 3", false),
            ("claim = \"absent\"\ncontains = 3", false),
        ] {
            let table: toml::Table = requirement.parse().unwrap();
            let requirement: Requirement = table.try_into().unwrap();
            assert_eq!(requirement.holds(&claims), expected, "{requirement:?}");
        }
    }
}
