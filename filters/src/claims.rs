//! What a token says.

use std::sync::Arc;

use http::HeaderValue;
use serde_json::{Map, Value};

/// The claims of a token that was verified; a note of the exchange, for later filters.
#[derive(Debug, Clone)]
pub(crate) struct Claims(pub(crate) Arc<Map<String, Value>>);

impl Claims {
    /// The claim of a name, or at a path such as `realm_access.roles`. A name may have dots itself
    /// (`https://shop.example/role`): the longest that is there counts.
    pub(crate) fn get(&self, path: &str) -> Option<&Value> {
        at(&self.0, path)
    }

    /// Who the token is about.
    pub(crate) fn subject(&self) -> Option<&str> {
        self.get("sub")?.as_str()
    }

    /// A claim as the value of a header; `None` when it is not there or can't be one.
    pub(crate) fn header_value(&self, path: &str) -> Option<HeaderValue> {
        HeaderValue::from_bytes(text(self.get(path)?)?.as_bytes()).ok()
    }
}

fn at<'a>(claims: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(path) {
        return Some(value);
    }
    path.rmatch_indices('.').find_map(|(dot, _)| {
        let inner = claims.get(&path[..dot])?.as_object()?;
        at(inner, &path[dot + 1..])
    })
}

/// A claim as text.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(items)
            if items
                .iter()
                .all(|item| !item.is_object() && !item.is_array()) =>
        {
            let items: Vec<String> = items.iter().filter_map(text).collect();
            Some(items.join(","))
        }
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_found_by_its_path() {
        let text = r#"{"a":{"b":{"c":1}},"a.b":{"d":2},"https://x.example/role":"admin","n":null}"#;
        let claims = Claims(Arc::new(serde_json::from_str(text).unwrap()));
        for (path, expected) in [
            ("a.b.c", Some("1")),
            ("a.b.d", Some("2")),
            ("a.b", Some(r#"{"d":2}"#)),
            ("https://x.example/role", Some("\"admin\"")),
            ("a.c", None),
            ("a.b.c.d", None),
            ("n", Some("null")),
            ("", None),
            (".", None),
        ] {
            let found = claims.get(path).map(Value::to_string);
            assert_eq!(found.as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn a_claim_becomes_a_header() {
        let text =
            r#"{"s":"Zoë","n":1.5,"b":true,"l":["a",2],"o":{"a":[1]},"x":null,"e":"a\r\nb: c"}"#;
        let claims = Claims(Arc::new(serde_json::from_str(text).unwrap()));
        for (path, expected) in [
            ("s", Some("Zoë")),
            ("n", Some("1.5")),
            ("b", Some("true")),
            ("l", Some("a,2")),
            ("o", Some(r#"{"a":[1]}"#)),
            ("x", None),
            ("e", None),
            ("absent", None),
        ] {
            let value = claims.header_value(path);
            let value = value.as_ref().map(|value| value.as_bytes());
            assert_eq!(value, expected.map(str::as_bytes), "{path}");
        }
    }
}
