//! How a site's and a route's words on compression come together.

use crate::config::{Compression, Encoding};
use crate::document::{self, Compress};
use crate::value::ByteSize;

use super::Scope;
use super::cache_policy::twice;

/// What a site says for its routes, or a route in the end: `None` is not compressed.
pub(crate) type Written = Option<document::Compression>;

const SMALLEST: ByteSize = ByteSize(1);
const LARGEST: ByteSize = ByteSize(16 << 20);
const MIN_SIZE: ByteSize = ByteSize(1 << 10);

/// What shrinks: formats that are compressed by themselves are left out.
const TYPES: &[&str] = &[
    "text/*",
    "application/json",
    "application/*+json",
    "application/x-ndjson",
    "application/javascript",
    "application/x-javascript",
    "application/xml",
    "application/*+xml",
    "application/wasm",
    "application/vnd.ms-fontobject",
    "font/otf",
    "font/ttf",
    "image/bmp",
    "image/svg+xml",
    "image/vnd.microsoft.icon",
    "image/x-icon",
];

/// The route's word over the site's: each key of its own wins. A site's own word stands over nothing.
pub(crate) fn of(written: Option<Compress>, site: &Written, scope: &mut Scope<'_>) -> Written {
    let own = match written {
        None => return site.clone(),
        Some(Compress::Off) => return None,
        Some(Compress::On) => document::Compression::default(),
        Some(Compress::In(encodings)) => {
            if scope.is_empty("compress", &encodings) {
                return None;
            }
            each_once("compress", &encodings, scope);
            document::Compression {
                encodings: Some(encodings),
                ..document::Compression::default()
            }
        }
        Some(Compress::With(own)) => {
            check(&own, &mut scope.key("compress"));
            own
        }
    };
    let site = site.clone().unwrap_or_default();
    Some(document::Compression {
        encodings: own.encodings.or(site.encodings),
        min_size: own.min_size.or(site.min_size),
        types: own.types.or(site.types),
    })
}

fn check(own: &document::Compression, scope: &mut Scope<'_>) {
    if let Some(encodings) = &own.encodings {
        if scope.is_empty("encodings", encodings) {
            let message = "the list is empty: write `compress = false` for no compression";
            scope.tell("encodings", message);
        }
        each_once("encodings", encodings, scope);
    }
    if let Some(types) = &own.types {
        if scope.is_empty("types", types) {
            let message = "the list is empty: write `compress = false` for no compression";
            scope.tell("types", message);
        }
        let names: Vec<String> = types.iter().map(ToString::to_string).collect();
        twice("types", &names, scope);
    }
    scope.within_if_any("min_size", own.min_size, SMALLEST..=LARGEST);
}

fn each_once(key: &str, encodings: &[document::Encoding], scope: &mut Scope<'_>) {
    let names: Vec<&str> = encodings
        .iter()
        .map(|written| encoding(*written).as_str())
        .collect();
    twice(key, &names, scope);
}

/// The compression with every default.
pub(crate) fn compression(written: &document::Compression) -> Compression {
    let encodings = written.encodings.as_deref();
    let types = || TYPES.iter().filter_map(|text| text.parse().ok()).collect();
    Compression {
        encodings: match encodings {
            Some(encodings) => encodings.iter().copied().map(encoding).collect(),
            None => vec![Encoding::Zstd, Encoding::Br, Encoding::Gzip],
        },
        min_size: written.min_size.unwrap_or(MIN_SIZE).0,
        max_size: LARGEST.0,
        types: written.types.clone().unwrap_or_else(types),
    }
}

fn encoding(written: document::Encoding) -> Encoding {
    match written {
        document::Encoding::Zstd => Encoding::Zstd,
        document::Encoding::Br => Encoding::Br,
        document::Encoding::Gzip => Encoding::Gzip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::MediaPattern;

    #[test]
    fn every_type_by_default_is_one() {
        let types = compression(&document::Compression::default()).types;
        let shown: Vec<String> = types.iter().map(MediaPattern::to_string).collect();
        assert_eq!(shown, TYPES);
    }
}
