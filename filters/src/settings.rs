//! Values that several filters take in their settings, each certain once it exists.

use std::borrow::Cow;
use std::fmt;

use http::header::HeaderName;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A header's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct FieldName(pub(crate) HeaderName);

impl TryFrom<String> for FieldName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse::<rimward_config::HeaderName>()
            .map_err(|error| error.to_string())?;
        HeaderName::try_from(&name)
            .map(Self)
            .map_err(|_| format!("`{name}` is too long for a header name"))
    }
}

impl From<FieldName> for String {
    fn from(name: FieldName) -> Self {
        name.0.as_str().to_owned()
    }
}

impl PartialOrd for FieldName {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for FieldName {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.as_str().cmp(other.0.as_str())
    }
}

impl JsonSchema for FieldName {
    fn schema_name() -> Cow<'static, str> {
        "HeaderName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "title": "header name", "pattern": "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$" })
    }
}

/// A cookie's name (RFC 6265, section 4.1.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct CookieName(pub(crate) String);

impl TryFrom<String> for CookieName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        match name.parse::<rimward_config::HeaderName>() {
            Ok(_) => Ok(Self(name)),
            Err(_) => Err(format!(
                "`{}` is not a cookie's name: letters, digits and `-_.` will do",
                name.escape_debug()
            )),
        }
    }
}

impl From<CookieName> for String {
    fn from(name: CookieName) -> Self {
        name.0
    }
}

impl JsonSchema for CookieName {
    fn schema_name() -> Cow<'static, str> {
        "CookieName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "title": "cookie name", "pattern": "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$" })
    }
}

/// One header's name, or all that begin alike: `x-internal-*`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum FieldNames {
    One(HeaderName),
    Prefix(String),
}

impl TryFrom<String> for FieldNames {
    type Error = String;

    fn try_from(mut text: String) -> Result<Self, String> {
        if text.ends_with('*') {
            text.pop();
            let is_lone = !text.contains('*');
            return match FieldName::try_from(text) {
                Ok(FieldName(prefix)) if is_lone => Ok(Self::Prefix(prefix.as_str().to_owned())),
                _ => Err(
                    "`*` stands behind the beginning of a header name: `x-internal-*`".to_owned(),
                ),
            };
        }
        if text.contains('*') {
            return Err(format!(
                "`{text}` has its `*` within: it can only be the end, as in `x-internal-*`"
            ));
        }
        FieldName::try_from(text).map(|FieldName(name)| Self::One(name))
    }
}

impl JsonSchema for FieldNames {
    fn schema_name() -> Cow<'static, str> {
        "HeaderNames".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "title": "header name" })
    }
}

/// RFC 9110, section 7.6.1, and what delimits a message: the edge writes these for each hop itself.
pub(crate) fn refuse_framing(name: &HeaderName) -> Result<(), String> {
    match name.as_str() {
        "connection" | "keep-alive" | "proxy-connection" | "te" | "trailer" | "upgrade"
        | "http2-settings" => Err(format!(
            "`{name}` is about one connection: the edge sets it for each hop itself"
        )),
        "content-length" | "transfer-encoding" => Err(format!(
            "`{name}` delimits the body: the edge sets it from the body itself"
        )),
        _ => Ok(()),
    }
}

/// A request method, in capitals as RFC 9110 has them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Method(pub(crate) http::Method);

impl TryFrom<String> for Method {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse::<rimward_config::Method>()
            .map_err(|error| error.to_string())?;
        http::Method::try_from(name.as_str())
            .map(Self)
            .map_err(|_| format!("`{name}` is too long for a method"))
    }
}

impl From<Method> for String {
    fn from(method: Method) -> Self {
        method.0.as_str().to_owned()
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl JsonSchema for Method {
    fn schema_name() -> Cow<'static, str> {
        "Method".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "title": "method" })
    }
}

/// The status of an answer that a filter gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(try_from = "u16", into = "u16")]
pub(crate) struct Status<const MIN: u16>(pub(crate) u16);

/// A status of 200–599.
pub(crate) type AnswerStatus = Status<200>;
/// A status that says no: 400–599.
pub(crate) type RefusalStatus = Status<400>;

impl AnswerStatus {
    pub(crate) const OK: Self = Self(200);
    pub(crate) const SERVICE_UNAVAILABLE: Self = Self(503);
}

impl RefusalStatus {
    pub(crate) const FORBIDDEN: Self = Self(403);
    pub(crate) const SERVICE_UNAVAILABLE: Self = Self(503);
    pub(crate) const TOO_MANY_REQUESTS: Self = Self(429);
}

impl<const MIN: u16> TryFrom<u16> for Status<MIN> {
    type Error = String;

    fn try_from(status: u16) -> Result<Self, String> {
        match status {
            status if (MIN..=599).contains(&status) => Ok(Self(status)),
            _ => Err(format!(
                "`{status}` is not a status that can be answered here: {MIN} to 599"
            )),
        }
    }
}

impl<const MIN: u16> From<Status<MIN>> for u16 {
    fn from(status: Status<MIN>) -> Self {
        status.0
    }
}

impl<const MIN: u16> JsonSchema for Status<MIN> {
    fn schema_name() -> Cow<'static, str> {
        format!("Status{MIN}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "title": "status", "minimum": MIN, "maximum": 599 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_exists_is_right() {
        assert_eq!(FieldName::try_from("X-A".to_owned()).unwrap().0, "x-a");
        assert!(
            FieldName::try_from("a b".to_owned())
                .unwrap_err()
                .contains("not a header name")
        );
        assert!(FieldName::try_from(String::new()).is_err());
        assert!(
            Method::try_from("get".to_owned())
                .unwrap_err()
                .contains("`GET`")
        );
        assert!(Method::try_from("A B".to_owned()).is_err());
        assert!(
            RefusalStatus::try_from(399)
                .unwrap_err()
                .contains("400 to 599")
        );
        assert!(AnswerStatus::try_from(204).is_ok());
    }
}
