//! Which statuses a page is for.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use http::StatusCode;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

/// Statuses of errors: `404`, `5xx` or `500-504`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub(super) struct Statuses(RangeInclusive<u16>);

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Number(u16),
    Text(String),
}

impl Statuses {
    pub(super) fn contains(&self, status: StatusCode) -> bool {
        self.0.contains(&status.as_u16())
    }
}

impl TryFrom<Written> for Statuses {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let text = match written {
            Written::Number(number) => number.to_string(),
            Written::Text(text) => text,
        };
        range(&text)
            .filter(|range| *range.start() >= 400 && *range.end() <= 599 && !range.is_empty())
            .map(Self)
            .ok_or_else(|| {
                format!(
                    "`{text}` is not a status from 400 to 599 such as `404`, `5xx` or `500-504`"
                )
            })
    }
}

fn range(text: &str) -> Option<RangeInclusive<u16>> {
    if let Some(hundreds) = text.strip_suffix("xx") {
        let first = hundreds.parse::<u16>().ok()?.checked_mul(100)?;
        return Some(first..=first.checked_add(99)?);
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some(first.trim().parse().ok()?..=last.trim().parse().ok()?)
}

impl JsonSchema for Statuses {
    fn schema_name() -> Cow<'static, str> {
        "ErrorStatuses".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["integer", "string"], "title": "status" })
    }
}
