//! What the ID token says of a user: what has to be said, and what the origin is told of it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use http::HeaderValue;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Claims by their names.
pub(super) type Claims = Map<String, Value>;

/// The way to a claim: its name, or names with dots between that lead into tables.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct ClaimPath(String);

impl ClaimPath {
    /// What it leads to. A claim whose name has dots is found first.
    pub(super) fn find<'c>(&self, claims: &'c Claims) -> Option<&'c Value> {
        if let Some(found) = claims.get(&self.0) {
            return Some(found);
        }
        let mut names = self.0.split('.');
        let first = claims.get(names.next()?)?;
        names.try_fold(first, |value, name| value.get(name))
    }

    /// The claim that has to be kept for it: this one, or the table that it leads into.
    pub(super) fn kept(&self, claims: &Claims) -> Option<(String, Value)> {
        let whole = claims.get_key_value(&self.0);
        let table = || claims.get_key_value(self.0.split('.').next()?);
        let (name, value) = whole.or_else(table)?;
        Some((name.clone(), value.clone()))
    }
}

impl TryFrom<String> for ClaimPath {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.split('.').any(str::is_empty) {
            true => Err(format!(
                "`{text}` is not a claim: `sub`, or `realm_access.roles`"
            )),
            false => Ok(Self(text)),
        }
    }
}

impl JsonSchema for ClaimPath {
    fn schema_name() -> Cow<'static, str> {
        "ClaimPath".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "title": "claim" })
    }
}

/// The values that a claim may have.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Value")]
pub(super) struct Required(Vec<Value>);

impl Required {
    fn is_met(&self, claim: Option<&Value>) -> bool {
        match claim {
            Some(Value::Array(held)) => held.iter().any(|value| self.0.contains(value)),
            Some(value) => self.0.contains(value),
            None => false,
        }
    }
}

impl TryFrom<Value> for Required {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let values = match value {
            Value::Array(values) => values,
            value => vec![value],
        };
        let is_plain = |value: &Value| value.is_string() || value.is_boolean() || value.is_number();
        match !values.is_empty() && values.iter().all(is_plain) {
            true => Ok(Self(values)),
            false => Err("a claim is required to be a text, a number, `true` or `false`, or one of a list of such".to_owned()),
        }
    }
}

impl JsonSchema for Required {
    fn schema_name() -> Cow<'static, str> {
        "Required".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "title": "value" })
    }
}

/// The first claim that is not as it has to be.
pub(super) fn unmet<'r>(
    required: &'r BTreeMap<ClaimPath, Required>,
    claims: &Claims,
) -> Option<&'r str> {
    let mut required = required.iter();
    let found = required.find(|(path, required)| !required.is_met(path.find(claims)));
    found.map(|(path, _)| path.0.as_str())
}

/// A claim as the value of a header; nothing for one that is not there.
pub(super) fn header_value(claim: Option<&Value>) -> Option<HeaderValue> {
    let text = match claim? {
        Value::Null => return None,
        Value::Array(items) => {
            let items = items.iter().map(|item| plain(item).replace(',', "%2C"));
            items.collect::<Vec<_>>().join(",")
        }
        value => plain(value),
    };
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    HeaderValue::from_bytes(text.trim().as_bytes()).ok()
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims() -> Claims {
        let claims = json!({
            "sub": "7",
            "name": "Ann\r\nx-admin: 1",
            "verified": true,
            "age": 40,
            "groups": ["staff", "a,admin"],
            "realm_access": { "roles": ["editor"] },
            "https://id.example/role": "boss",
            "none": null,
        });
        claims.as_object().unwrap().clone()
    }

    fn path(text: &str) -> ClaimPath {
        text.to_owned().try_into().unwrap()
    }

    #[test]
    fn claims_become_headers() {
        for (claim, expected) in [
            ("sub", Some("7")),
            ("name", Some("Annx-admin: 1")),
            ("verified", Some("true")),
            ("groups", Some("staff,a%2Cadmin")),
            ("realm_access.roles", Some("editor")),
            ("realm_access", Some(r#"{"roles":["editor"]}"#)),
            ("https://id.example/role", Some("boss")),
            ("none", None),
            ("absent", None),
            ("sub.absent", None),
        ] {
            let value = header_value(path(claim).find(&claims()));
            let value = value.as_ref().map(|value| value.to_str().unwrap());
            assert_eq!(value, expected, "{claim}");
        }
    }

    #[test]
    fn what_is_required_has_to_be_said() {
        for (claim, value, expected) in [
            ("sub", json!("7"), true),
            ("sub", json!(["6", "7"]), true),
            ("sub", json!(7), false),
            ("verified", json!(true), true),
            ("verified", json!("true"), false),
            ("groups", json!("staff"), true),
            ("groups", json!("a"), false),
            ("groups", json!(["admin", "staff"]), true),
            ("groups", json!(["admin"]), false),
            ("realm_access.roles", json!("editor"), true),
            ("absent", json!("7"), false),
        ] {
            let required = [(path(claim), Required::try_from(value.clone()).unwrap())].into();
            let unmet = unmet(&required, &claims());
            assert_eq!(unmet.is_none(), expected, "{claim} {value}");
        }
        for wrong in [json!([]), json!({}), json!(null), json!([["a"]])] {
            assert!(Required::try_from(wrong).is_err());
        }
    }

    #[test]
    fn what_a_path_needs_is_kept() {
        for (claim, kept) in [
            ("sub", Some("sub")),
            ("realm_access.roles", Some("realm_access")),
            ("https://id.example/role", Some("https://id.example/role")),
            ("absent.roles", None),
        ] {
            let name = path(claim).kept(&claims()).map(|(name, _)| name);
            assert_eq!(name.as_deref(), kept);
        }
    }
}
