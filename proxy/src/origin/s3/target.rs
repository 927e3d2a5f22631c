//! From what a client asks for to the key of an object.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use rimward_config::S3;

use super::Unasked;

/// Everything that a signature has encoded in a value.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// The same for a key, in which slashes stay as they are.
const KEY: &AsciiSet = &VALUE.remove(b'/');
/// The longest key of an object, in bytes.
const LONGEST: usize = 1024;

/// What comes before the path of a request.
#[derive(Debug)]
pub(super) struct Base {
    /// The bucket where it stands in the path, and the prefix, encoded.
    pub(super) path: String,
    /// Bytes of a key that are left behind the prefix.
    room: usize,
}

impl Base {
    pub(super) fn new(settings: &S3) -> Self {
        let prefix = percent_encode(settings.prefix.as_bytes(), KEY);
        Self {
            path: match settings.path_style {
                true => format!("/{}/{prefix}", settings.bucket),
                false => format!("/{prefix}"),
            },
            room: LONGEST.saturating_sub(settings.prefix.len()),
        }
    }
}

/// The path of an object, written as its signature has it.
///
/// # Errors
/// With 404 when no object can have such a name.
pub(super) fn path(base: &Base, asked: &str, index: Option<&str>) -> Result<String, Unasked> {
    let asked = asked.strip_prefix('/').unwrap_or(asked);
    let mut key: Cow<'_, [u8]> = percent_decode_str(asked).into();
    if let Some(index) = index.filter(|_| key.is_empty() || key.ends_with(b"/")) {
        key.to_mut().extend_from_slice(index.as_bytes());
    }
    // Without a key, S3 would tell what is in the bucket. Servers that keep objects in files resolve dots.
    let hides_dots = key
        .split(|byte| *byte == b'/')
        .any(|part| matches!(part, b"." | b".."));
    if key.is_empty() || key.len() > base.room || hides_dots {
        return Err(nothing());
    }
    Ok(format!("{}{}", base.path, percent_encode(&key, KEY)))
}

/// The parameters that are passed on, with the `?` before them.
pub(super) fn query(asked: Option<&str>, passed: &[String]) -> String {
    let mut query = String::new();
    for parameter in asked
        .filter(|_| !passed.is_empty())
        .unwrap_or_default()
        .split('&')
    {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        if !passed.iter().any(|passed| passed == name) {
            continue;
        }
        // Forms write a space as a plus.
        let value = value.replace('+', " ");
        let value: Cow<'_, [u8]> = percent_decode_str(&value).into();
        let sign = if query.is_empty() { '?' } else { '&' };
        query.push_str(&format!("{sign}{name}={}", percent_encode(&value, VALUE)));
    }
    query
}

/// No object has such a name.
pub(super) fn nothing() -> Unasked {
    Unasked {
        status: 404,
        reason: "no object of a bucket can have this name".to_owned(),
    }
}
