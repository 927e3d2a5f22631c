//! `[filter.NAME]`, and filters written in place.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::filter_spec::OnErrorSpec;

/// What names the code of a filter that is not compiled in: it stands in place of `use`, and is the filter's kind.
pub(crate) const GUESTS: [&str; 2] = ["lambda_edge", "wasm"];

/// A filter: what it is, and settings that only it can read.
#[derive(Debug)]
pub(crate) struct FilterTable {
    pub(crate) kind: String,
    pub(crate) on_error: Option<OnError>,
    pub(crate) settings: toml::Table,
}

/// A filter of a site or a route: by name, or written in place.
#[derive(Debug)]
pub(crate) enum FilterUse {
    Named(String),
    InPlace(FilterTable),
}

/// What happens when a filter fails.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OnError(pub(crate) OnErrorSpec);

impl<'de> Deserialize<'de> for FilterTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FilterTableVisitor)
    }
}

struct FilterTableVisitor;

impl<'de> Visitor<'de> for FilterTableVisitor {
    type Value = FilterTable;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table with `use` and the filter's settings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FilterTable, A::Error> {
        let mut kind = None;
        let mut on_error = None;
        let mut settings = toml::Table::new();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "use" => kind = Some(map.next_value()?),
                "on_error" => on_error = Some(map.next_value()?),
                _ => {
                    settings.insert(key, map.next_value()?);
                }
            }
        }
        let guest = || GUESTS.iter().find(|key| settings.contains_key(**key));
        match kind.or_else(|| guest().map(|key| (*key).to_owned())) {
            Some(kind) => Ok(FilterTable {
                kind,
                on_error,
                settings,
            }),
            None => Err(A::Error::missing_field("use")),
        }
    }
}

impl<'de> Deserialize<'de> for FilterUse {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FilterUseVisitor)
    }
}

struct FilterUseVisitor;

impl<'de> Visitor<'de> for FilterUseVisitor {
    type Value = FilterUse;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a filter's name, or a table with `use` and its settings")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<FilterUse, E> {
        Ok(FilterUse::Named(name.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<FilterUse, A::Error> {
        FilterTable::deserialize(MapAccessDeserializer::new(map)).map(FilterUse::InPlace)
    }
}

const ON_ERROR: &str = "`\"skip\"`, `\"fail\"` or a status from 400 to 599 such as `503`";

impl<'de> Deserialize<'de> for OnError {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OnErrorVisitor)
    }
}

struct OnErrorVisitor;

impl Visitor<'_> for OnErrorVisitor {
    type Value = OnError;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ON_ERROR)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<OnError, E> {
        match text {
            "skip" => Ok(OnError(OnErrorSpec::Skip)),
            "fail" => Ok(OnError(OnErrorSpec::Fail)),
            _ => Err(E::custom(format_args!("`{text}` is not {ON_ERROR}"))),
        }
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<OnError, E> {
        match u16::try_from(number) {
            Ok(status @ 400..=599) => Ok(OnError(OnErrorSpec::Status(status))),
            _ => Err(E::custom(format_args!("`{number}` is not {ON_ERROR}"))),
        }
    }
}

impl JsonSchema for OnError {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "OnError".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "What happens when the filter fails: `skip` (the exchange goes on without it), `fail` (it is answered with 500) or the status it is answered with. The default is the filter's own.",
            "anyOf": [{ "enum": ["skip", "fail"] }, { "type": "integer", "minimum": 400, "maximum": 599 }],
        })
    }
}

impl JsonSchema for FilterTable {
    fn schema_name() -> Cow<'static, str> {
        "Filter".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A filter and its settings.",
            "type": "object",
            "properties": {
                "use": { "type": "string", "description": "What the filter is, such as `headers`." },
                "on_error": generator.subschema_for::<OnError>(),
            },
            "anyOf": [{ "required": ["use"] }, { "required": ["wasm"] }, { "required": ["lambda_edge"] }],
        })
    }
}

impl JsonSchema for FilterUse {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "FilterUse".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "string", "description": "The name of a `[filter.NAME]`." },
                generator.subschema_for::<FilterTable>(),
            ],
        })
    }
}
