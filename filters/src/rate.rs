//! How many requests in what time.

use std::num::NonZeroU32;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

/// So many requests in a second, minute, hour or day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Rate {
    pub(crate) count: NonZeroU32,
    pub(crate) per: Duration,
}

impl TryFrom<String> for Rate {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a rate: `100/s`, `10/min`, `1000/h` or `5000/d`");
        let (count, unit) = text.split_once('/').ok_or_else(wrong)?;
        let per = match unit.trim() {
            "s" => 1,
            "min" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return Err(wrong()),
        };
        let count = count.trim().parse::<NonZeroU32>().map_err(|_| wrong())?;
        match count.get() {
            ..=1_000_000 => Ok(Self {
                count,
                per: Duration::from_secs(per),
            }),
            _ => Err(format!("`{text}` is too high a rate: at most 1000000")),
        }
    }
}

impl JsonSchema for Rate {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Rate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "title": "rate", "pattern": "^ *[1-9][0-9]* */ *(s|min|h|d) *$" })
    }
}
