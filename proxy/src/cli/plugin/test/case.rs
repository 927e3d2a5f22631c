//! `tests.toml`, as `sdk/TESTING.md` describes it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use http::{HeaderName, HeaderValue};
use serde::Deserialize;

/// A file of tests.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Suite {
    /// What stands in the filter's table in the configuration, for all tests.
    #[serde(default)]
    pub(super) filter: toml::Table,
    /// The tests.
    #[serde(default, rename = "test")]
    pub(super) cases: Vec<Case>,
}

/// One test: a request, what there is around the filter, and what has to come of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) name: String,
    #[serde(default)]
    pub(super) request: Request,
    pub(super) config: Option<toml::Table>,
    #[serde(default)]
    pub(super) origin: Reply,
    #[serde(default)]
    pub(super) origins: BTreeMap<String, Reply>,
    #[serde(default)]
    pub(super) kv: BTreeMap<String, BTreeMap<String, String>>,
    #[serde(default)]
    pub(super) secrets: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) expect: Expect,
}

/// What the client asks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) uri: String,
    pub(super) headers: Fields,
    pub(super) body: String,
    pub(super) client_ip: IpAddr,
    pub(super) country: Option<String>,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            method: "GET".to_owned(),
            uri: "/".to_owned(),
            headers: Fields::default(),
            body: String::new(),
            client_ip: Ipv4Addr::new(192, 0, 2, 1).into(),
            country: None,
        }
    }
}

/// What an origin answers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Fields,
    pub(super) body: String,
}

impl Default for Reply {
    fn default() -> Self {
        Self {
            status: 200,
            headers: Fields::default(),
            body: String::new(),
        }
    }
}

/// Headers by name.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Fields(pub(super) BTreeMap<String, Values>);

/// The values of one name.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "a header is a text, or a list of texts")]
pub(super) enum Values {
    One(String),
    Many(Vec<String>),
}

impl Values {
    pub(super) fn list(&self) -> Vec<&str> {
        match self {
            Self::One(value) => vec![value],
            Self::Many(values) => values.iter().map(String::as_str).collect(),
        }
    }
}

impl Fields {
    /// Each field in the form of HTTP.
    pub(super) fn parsed(&self) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
        let all = self.0.iter();
        let all = all.flat_map(|(name, values)| values.list().into_iter().map(move |v| (name, v)));
        all.map(|(name, value)| {
            let field = HeaderName::from_bytes(name.as_bytes());
            let field = field.map_err(|_| format!("`{name}` is not the name of a header"))?;
            let value = HeaderValue::from_str(value);
            let value = value.map_err(|_| format!("this can't be the value of `{name}`"))?;
            Ok((field, value))
        })
        .collect()
    }
}

/// What has to come of it. What is not named may be anything.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Expect {
    pub(super) request: Option<ExpectedRequest>,
    pub(super) origin: Option<String>,
    pub(super) answer: Option<ExpectedResponse>,
    pub(super) response: Option<ExpectedResponse>,
    pub(super) cache_key: BTreeMap<String, String>,
    pub(super) kv: BTreeMap<String, BTreeMap<String, Kept>>,
    pub(super) fields: BTreeMap<String, String>,
    pub(super) log: Vec<String>,
    pub(super) error: Option<String>,
}

/// What the origin gets.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ExpectedRequest {
    pub(super) method: Option<String>,
    pub(super) uri: Option<String>,
    pub(super) headers: Fields,
    pub(super) body: Option<String>,
}

/// What the client gets.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ExpectedResponse {
    pub(super) status: Option<u16>,
    pub(super) headers: Fields,
    pub(super) body: Option<String>,
}

/// What a store has for a key in the end.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub(super) enum Kept {
    Value(String),
    Nothing,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "it is a text, or `false` for a key that must be gone"
)]
enum Written {
    Text(String),
    IsThere(bool),
}

impl TryFrom<Written> for Kept {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        match written {
            Written::Text(value) => Ok(Self::Value(value)),
            Written::IsThere(false) => Ok(Self::Nothing),
            Written::IsThere(true) => {
                Err("`true` says nothing: write the text, or `false` for a key that must be gone")
            }
        }
    }
}

/// Reads a file of tests.
pub(super) fn parse(text: &str) -> Result<Suite, String> {
    let suite: Suite = toml::from_str(text).map_err(|error| error.to_string())?;
    if suite.cases.is_empty() {
        return Err("there is no `[[test]]` in it".to_owned());
    }
    for (index, case) in suite.cases.iter().enumerate() {
        if suite.cases[..index]
            .iter()
            .any(|other| other.name == case.name)
        {
            return Err(format!("two tests are named `{}`", case.name));
        }
    }
    Ok(suite)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_has_a_default() {
        let suite = parse("[[test]]\nname = \"a\"").unwrap();
        let case = &suite.cases[0];
        assert_eq!((&*case.request.method, &*case.request.uri), ("GET", "/"));
        assert_eq!(case.request.client_ip.to_string(), "192.0.2.1");
        assert_eq!((case.origin.status, &*case.origin.body), (200, ""));
    }

    #[test]
    fn mistakes_are_told() {
        for (text, expected) in [
            ("", "there is no `[[test]]`"),
            ("[[test]]", "name"),
            (
                "[[test]]\nname = \"a\"\n[[test]]\nname = \"a\"",
                "two tests are named `a`",
            ),
            (
                "[[test]]\nname = \"a\"\nexpected = {}",
                "unknown field `expected`",
            ),
            (
                "[[test]]\nname = \"a\"\norigin = { headers = { a = 1 } }",
                "a header is a text, or a list of texts",
            ),
            (
                "[[test]]\nname = \"a\"\nexpect = { kv = { s = { k = true } } }",
                "`true` says nothing",
            ),
        ] {
            let told = parse(text).unwrap_err();
            assert!(told.contains(expected), "{told}");
        }
    }
}
