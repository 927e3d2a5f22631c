//! `[pop]`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::value::{Cidr, Span};

/// Who this edge is and whom it believes.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pop {
    /// Shown in logs, metrics and the `Cache-Status` and `Server-Timing` headers: letters, digits and `-._`,
    /// beginning with a letter. Default: `rimward`.
    pub(crate) name: Option<String>,
    /// Worker threads: a number from 1 to 1024, or `auto` for one on each core. Default: `auto`.
    pub(crate) threads: Option<Threads>,
    /// Networks whose `X-Forwarded-For`, `Forwarded` and PROXY header is believed. Default: none.
    pub(crate) trusted_proxies: Option<Vec<Cidr>>,
    /// Whether responses carry a `Server-Timing` header. Default: `false`.
    pub(crate) server_timing: Option<bool>,
    /// Whether `Cache-Status` tells the cache key, with the values of headers and cookies that are part of it: for finding
    /// out why something is not a hit. Default: `false`.
    pub(crate) cache_status_key: Option<bool>,
    /// Whether plain hits are answered without the engine, which only shows in what they cost: to be turned off for finding
    /// out whether it is to blame for something. Default: `true`.
    pub(crate) fast_lane: Option<bool>,
    /// How long requests in flight may take to finish after SIGTERM: `0s` to `1h`. Default: `30s`.
    pub(crate) shutdown_timeout: Option<Span>,
    /// The status of a request for a host that no site is for: 421 or 404. Default: 421.
    pub(crate) unknown_host: Option<i64>,
}

pub(crate) use threads::Threads;

mod threads {
    use std::borrow::Cow;
    use std::fmt;

    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
    use serde::de::{Error, Visitor};
    use serde::{Deserialize, Deserializer};

    /// A number of threads, or `auto`.
    #[derive(Debug, Clone, Copy)]
    pub(crate) enum Threads {
        Auto,
        Number(usize),
    }

    impl<'de> Deserialize<'de> for Threads {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_any(ThreadsVisitor)
        }
    }

    struct ThreadsVisitor;

    impl Visitor<'_> for ThreadsVisitor {
        type Value = Threads;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("`\"auto\"` or a number from 1 to 1024")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Threads, E> {
            match text {
                "auto" => Ok(Threads::Auto),
                _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
            }
        }

        fn visit_i64<E: Error>(self, number: i64) -> Result<Threads, E> {
            match usize::try_from(number) {
                Ok(number @ 1..=1024) => Ok(Threads::Number(number)),
                _ => Err(E::invalid_value(
                    serde::de::Unexpected::Signed(number),
                    &self,
                )),
            }
        }
    }

    impl JsonSchema for Threads {
        fn inline_schema() -> bool {
            true
        }

        fn schema_name() -> Cow<'static, str> {
            "Threads".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({ "anyOf": [{ "const": "auto" }, { "type": "integer", "minimum": 1, "maximum": 1024 }] })
        }
    }
}
