//! Options as TOML writes them: a table whose keys are their names.

use std::borrow::Cow;

use rimward_images::syntax::{self, OptionError};
use rimward_images::{Options, transform::Overlay};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error};

/// Options in a table: `{ width = 400, fit = "cover", trim = { left = 3 } }`. Beside those that can be asked for there is `draw`, a
/// list of pictures that are drawn over the result.
#[derive(Debug, Clone, Default)]
pub(super) struct OptionTable(pub(super) Options);

impl<'de> Deserialize<'de> for OptionTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let table = toml::Table::deserialize(deserializer)?;
        let mut options = Options::default();
        read(&mut options, "", &table).map_err(D::Error::custom)?;
        Ok(Self(options))
    }
}

impl JsonSchema for OptionTable {
    fn schema_name() -> Cow<'static, str> {
        "Options".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object" })
    }
}

/// Puts what is in a table into `options`; a table in it is of options whose names begin so.
fn read(options: &mut Options, prefix: &str, table: &toml::Table) -> Result<(), OptionError> {
    for (key, value) in table {
        let name = if prefix.is_empty() {
            key.clone()
        } else {
            format!("{prefix}.{key}")
        };
        match value {
            toml::Value::Table(table) => read(options, &name, table)?,
            toml::Value::Array(drawn) if name == "draw" => {
                options.overlays = Some(overlays(drawn)?);
            }
            value => syntax::set(options, &name, &text(value))?,
        }
    }
    Ok(())
}

fn overlays(drawn: &[toml::Value]) -> Result<Vec<Overlay>, OptionError> {
    let read = |drawn: &toml::Value| {
        let none = toml::Table::new();
        let parts = drawn.as_table().unwrap_or(&none).iter();
        let parts: Vec<_> = parts.map(|(name, value)| (name, text(value))).collect();
        syntax::draw(parts.iter().map(|(name, value)| (name.as_str(), &**value)))
    };
    drawn.iter().map(read).collect()
}

fn text(value: &toml::Value) -> Cow<'_, str> {
    match value {
        toml::Value::String(text) => text.into(),
        other => other.to_string().into(),
    }
}
