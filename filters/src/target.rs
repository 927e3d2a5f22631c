//! Request targets that filters make: what comes out is normalised, or refused.

use http::Uri;

use crate::exchange::Exchange;
use crate::filter::FilterError;

/// Why a path can't be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PathError {
    #[error("it must start with `/`")]
    NoSlash,
    #[error("`%` must be followed by two hexadecimal digits; write `%25` for a percent sign")]
    Escape,
    #[error("`?` and `#` end a path; a query is set by `query`")]
    End,
    #[error("`\\` and `%00` are read differently by different servers")]
    Ambiguous,
    #[error("`.` and `..` can't be segments of it")]
    Dots,
}

/// A path in normal form: unreserved characters as they are, everything else that is not a delimiter
/// percent-encoded in capitals, no dot segments.
pub(crate) fn normal_path(text: &str) -> Result<String, PathError> {
    if !text.starts_with('/') {
        return Err(PathError::NoSlash);
    }
    let mut path = String::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'?' | b'#' => return Err(PathError::End),
            b'\\' => return Err(PathError::Ambiguous),
            b'%' => match escaped(bytes.next(), bytes.next()).ok_or(PathError::Escape)? {
                0 => return Err(PathError::Ambiguous),
                byte if is_unreserved(byte) => path.push(char::from(byte)),
                byte => push_escape(byte, &mut path),
            },
            byte if is_unreserved(byte) || b"/!$&'()*+,;=:@".contains(&byte) => {
                path.push(char::from(byte))
            }
            0 => return Err(PathError::Ambiguous),
            byte => push_escape(byte, &mut path),
        }
    }
    match path.split('/').any(|segment| matches!(segment, "." | "..")) {
        true => Err(PathError::Dots),
        false => Ok(path),
    }
}

/// Puts what a query can't hold behind `out` percent-encoded, the rest as it is.
pub(crate) fn push_query(text: &str, out: &mut String) {
    out.extend(percent_encoding::utf8_percent_encode(
        text,
        crate::template::NOT_IN_URI,
    ));
}

/// Gives the request a new target in origin form.
pub(crate) fn set(exchange: &mut Exchange, path: &str, query: &str) -> Result<(), FilterError> {
    let wrong =
        |error| FilterError::new(format!("the new target is not a request target: {error}"));
    let target = if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    };
    if target.len() > MAX_TARGET {
        return Err(FilterError::new(format!(
            "the new target is longer than {MAX_TARGET} bytes"
        )));
    }
    exchange
        .request
        .set_uri(Uri::try_from(target).map_err(wrong)?);
    Ok(())
}

/// `http::Uri` takes no more than 65534 bytes.
const MAX_TARGET: usize = 32 << 10;

fn escaped(high: Option<u8>, low: Option<u8>) -> Option<u8> {
    let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

fn push_escape(byte: u8, out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.push('%');
    out.extend([byte >> 4, byte & 15].map(|digit| char::from(DIGITS[usize::from(digit)])));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_path_is_normal_or_refused() {
        for (text, expected) in [
            ("/", Ok("/")),
            ("/a b/ä", Ok("/a%20b/%C3%A4")),
            ("/%7euser/%2f/%c3%a4", Ok("/~user/%2F/%C3%A4")),
            ("/a;b=c,d:@!$&'()*+", Ok("/a;b=c,d:@!$&'()*+")),
            ("/...", Ok("/...")),
            ("/a//b", Ok("/a//b")),
            ("a", Err(PathError::NoSlash)),
            ("", Err(PathError::NoSlash)),
            ("/a/../b", Err(PathError::Dots)),
            ("/a/%2e%2E", Err(PathError::Dots)),
            ("/.", Err(PathError::Dots)),
            ("/a?b", Err(PathError::End)),
            ("/a#b", Err(PathError::End)),
            ("/a\\b", Err(PathError::Ambiguous)),
            ("/a%00", Err(PathError::Ambiguous)),
            ("/a\0", Err(PathError::Ambiguous)),
            ("/100%", Err(PathError::Escape)),
            ("/%+1", Err(PathError::Escape)),
            ("/%zz", Err(PathError::Escape)),
        ] {
            assert_eq!(normal_path(text), expected.map(str::to_owned), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_normal_path_stays_as_it_is(text in "/.*") {
            if let Ok(path) = normal_path(&text) {
                prop_assert_eq!(normal_path(&path), Ok(path));
            }
        }
    }
}
