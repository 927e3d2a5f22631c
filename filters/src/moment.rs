//! Points in time, as TOML has them.

use std::borrow::Cow;
use std::time::SystemTime;

use chrono::DateTime;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use toml::value::Datetime;

/// A date and time with an offset: `2026-12-01T08:00:00Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "Datetime")]
pub(crate) struct Moment(pub(crate) SystemTime);

impl TryFrom<Datetime> for Moment {
    type Error = String;

    fn try_from(written: Datetime) -> Result<Self, String> {
        DateTime::parse_from_rfc3339(&written.to_string())
            .map(|time| Self(time.into()))
            .map_err(|_| format!("`{written}` is not a whole time: write date, time and offset, as in `2026-12-01T08:00:00Z`"))
    }
}

impl JsonSchema for Moment {
    fn schema_name() -> Cow<'static, str> {
        "Moment".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "title": "time", "format": "date-time" })
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_time_has_an_offset() {
        for (written, seconds) in [
            ("1970-01-01T00:00:10Z", Some(10)),
            ("1970-01-02T01:00:00+01:00", Some(86_400)),
            ("1970-01-02T00:00:00", None),
            ("1970-01-02", None),
        ] {
            let read = Moment::try_from(written.parse::<Datetime>().unwrap()).ok();
            let expected = seconds.map(|seconds| Moment(UNIX_EPOCH + Duration::from_secs(seconds)));
            assert_eq!(read, expected, "{written}");
        }
    }
}
