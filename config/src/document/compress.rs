//! `compress` of a site or route.

use schemars::JsonSchema;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::value::{ByteSize, MediaPattern};

/// Whether, and how, responses are compressed.
#[derive(Debug)]
pub(crate) enum Compress {
    Off,
    On,
    /// In these encodings, the server's preference first.
    In(Vec<Encoding>),
    With(Compression),
}

/// A content coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Encoding {
    /// Zstandard.
    Zstd,
    /// Brotli.
    Br,
    /// gzip.
    Gzip,
}

/// How responses are compressed.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Compression {
    /// The encodings, the server's preference first. Default: `["zstd", "br", "gzip"]`.
    pub(crate) encodings: Option<Vec<Encoding>>,
    /// The smallest body that is compressed: `1B` to `16MiB`, which is also the largest. Default: `1KiB`.
    pub(crate) min_size: Option<ByteSize>,
    /// The media types that are compressed; a `*` leaves a part open. Default: text, JSON, XML, JavaScript, WebAssembly,
    /// SVG, and the fonts and icons that are not compressed by themselves.
    pub(crate) types: Option<Vec<MediaPattern>>,
}

impl<'de> Deserialize<'de> for Compress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CompressVisitor)
    }
}

struct CompressVisitor;

impl<'de> Visitor<'de> for CompressVisitor {
    type Value = Compress;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("`false`, an array such as `[\"zstd\", \"br\", \"gzip\"]`, or a table")
    }

    fn visit_bool<E: Error>(self, is_on: bool) -> Result<Compress, E> {
        Ok(if is_on { Compress::On } else { Compress::Off })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Compress, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(seq)).map(Compress::In)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Compress, A::Error> {
        Compression::deserialize(MapAccessDeserializer::new(map)).map(Compress::With)
    }
}

impl JsonSchema for Compress {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Compress".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "anyOf": [
                { "type": "boolean" },
                { "type": "array", "items": generator.subschema_for::<Encoding>() },
                generator.subschema_for::<Compression>(),
            ],
        })
    }
}
