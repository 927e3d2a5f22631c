//! The one spelling of a path that configuration, routing, filters, cache key and origin see, so that no other spelling
//! passes a rule and reaches the same file.

use std::borrow::Cow;

/// Why a path is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPath {
    /// It does not begin with a slash.
    #[error("path does not begin with `/`")]
    NotAbsolute,
    /// It has a byte that can't be there unencoded.
    #[error("path has a space, control character or byte beyond ASCII")]
    Byte,
    /// `%` is not followed by two hex digits.
    #[error("`%` is not followed by two hex digits")]
    Escape,
    /// A control character is encoded, `%00` for one.
    #[error("path has an encoded control character")]
    Control,
    /// A backslash, plain or encoded, which some origins take for a slash.
    #[error("path has a backslash")]
    Backslash,
    /// An encoding that is longer than it need be, by which UTF-8 decoders were deceived.
    #[error("path has an overlong encoding")]
    Overlong,
    /// A dot segment that hides behind a parameter or an encoded slash.
    #[error("path has a dot segment with a parameter or an encoded slash")]
    HiddenDots,
}

/// The normal form of a path (RFC 3986, section 6.2.2): dot segments are resolved and never leave the root, unreserved
/// characters are decoded, hex digits are in upper case. Encoded slashes stay encoded and double slashes stay double, since
/// both mean something to some origins.
pub fn normalise_path(path: &str) -> Result<Cow<'_, str>, BadPath> {
    if !path.starts_with('/') {
        return Err(BadPath::NotAbsolute);
    }
    let mut plain = true;
    let mut last = 0;
    for byte in path.bytes() {
        match byte {
            b'\\' => return Err(BadPath::Backslash),
            0x21..=0x7e => {}
            _ => return Err(BadPath::Byte),
        }
        plain &= byte != b'%' && !(byte == b'.' && last == b'/');
        last = byte;
    }
    if plain {
        return Ok(Cow::Borrowed(path));
    }
    let resolved = resolve_dots(&decode_unreserved(path)?)?;
    Ok(if resolved == path {
        Cow::Borrowed(path)
    } else {
        Cow::Owned(resolved)
    })
}

/// Decodes what need not be encoded and writes the rest of the escapes alike.
fn decode_unreserved(path: &str) -> Result<String, BadPath> {
    let mut decoded = String::with_capacity(path.len());
    let mut rest = path;
    // The escaped byte just before, if there was one.
    let mut before = None;
    while let Some(at) = rest.find('%') {
        let (plain, escape) = rest.split_at(at);
        decoded.push_str(plain);
        let hex = escape
            .get(1..3)
            .filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .ok_or(BadPath::Escape)?;
        let byte = u8::from_str_radix(hex, 16).map_err(|_| BadPath::Escape)?;
        check_escaped(byte, before.filter(|_| plain.is_empty()))?;
        if is_unreserved(byte) {
            decoded.push(char::from(byte));
        } else {
            decoded.push('%');
            decoded.push_str(&hex.to_ascii_uppercase());
        }
        before = Some(byte);
        rest = escape.get(3..).unwrap_or_default();
    }
    decoded.push_str(rest);
    Ok(decoded)
}

fn check_escaped(byte: u8, before: Option<u8>) -> Result<(), BadPath> {
    match (before, byte) {
        (_, b'\\') => Err(BadPath::Backslash),
        (_, 0..=0x1f | 0x7f) => Err(BadPath::Control),
        (_, 0xc0 | 0xc1) | (Some(0xe0), 0x80..=0x9f) | (Some(0xf0), 0x80..=0x8f) => {
            Err(BadPath::Overlong)
        }
        _ => Ok(()),
    }
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Removes `.` and `..` (RFC 3986, section 5.2.4).
fn resolve_dots(path: &str) -> Result<String, BadPath> {
    let mut resolved = String::with_capacity(path.len());
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." if is_last => resolved.push('/'),
            "." => {}
            ".." => {
                resolved.truncate(resolved.rfind('/').unwrap_or(0));
                if is_last {
                    resolved.push('/');
                }
            }
            _ if hides_dots(segment) => return Err(BadPath::HiddenDots),
            _ => {
                resolved.push('/');
                resolved.push_str(segment);
            }
        }
    }
    if resolved.is_empty() {
        resolved.push('/');
    }
    Ok(resolved)
}

/// `..;x` and `..%2Fx`: dot segments to an origin that strips parameters or decodes before it resolves.
fn hides_dots(segment: &str) -> bool {
    let has_cover = segment.contains(';') || segment.contains("%2F") || segment.contains("%3B");
    has_cover
        && segment.split("%2F").any(|part| {
            matches!(
                part.split(';')
                    .next()
                    .and_then(|part| part.split("%3B").next()),
                Some("." | "..")
            )
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_have_one_spelling() {
        let cases = [
            ("/", "/"),
            ("/a/b.c", "/a/b.c"),
            ("/.", "/"),
            ("/..", "/"),
            ("/./", "/"),
            ("/../../a", "/a"),
            ("/a/./b", "/a/b"),
            ("/a/../b", "/b"),
            ("/a/b/..", "/a/"),
            ("/a/b/.", "/a/b/"),
            ("/a/b/../..", "/"),
            ("/a//b", "/a//b"),
            ("//a", "//a"),
            ("/a//../b", "/a/b"),
            ("/...", "/..."),
            ("/.a/..b/c.", "/.a/..b/c."),
            ("/%61%2D%2e%5F%7e", "/a-._~"),
            ("/%2e%2E/a", "/a"),
            ("/a/%2e%2e/b", "/b"),
            ("/%2fa", "/%2Fa"),
            ("/a%2fb", "/a%2Fb"),
            ("/%c3%a9", "/%C3%A9"),
            ("/%e9", "/%E9"),
            ("/%e0%a0%80", "/%E0%A0%80"),
            ("/a%20b", "/a%20b"),
            ("/%2561", "/%2561"),
            ("/a;b=c", "/a;b=c"),
            ("/a%3b", "/a%3B"),
            ("/a+b|c", "/a+b|c"),
        ];
        for (path, normal) in cases {
            assert_eq!(normalise_path(path).as_deref(), Ok(normal), "{path}");
        }
    }

    #[test]
    fn deceiving_paths_are_refused() {
        let cases = [
            ("", BadPath::NotAbsolute),
            ("a", BadPath::NotAbsolute),
            ("*", BadPath::NotAbsolute),
            ("/a b", BadPath::Byte),
            ("/a\n", BadPath::Byte),
            ("/\u{e9}", BadPath::Byte),
            ("/%", BadPath::Escape),
            ("/%4", BadPath::Escape),
            ("/%zz", BadPath::Escape),
            ("/%+1", BadPath::Escape),
            ("/%00", BadPath::Control),
            ("/a%0d%0a", BadPath::Control),
            ("/%7F", BadPath::Control),
            ("/a\\b", BadPath::Backslash),
            ("/a%5cb", BadPath::Backslash),
            ("/..%5C..", BadPath::Backslash),
            ("/%c0%ae%c0%ae/", BadPath::Overlong),
            ("/%e0%80%af", BadPath::Overlong),
            ("/%f0%80%80%af", BadPath::Overlong),
            ("/..;/a", BadPath::HiddenDots),
            ("/a/..;x=y/b", BadPath::HiddenDots),
            ("/..%2fa", BadPath::HiddenDots),
            ("/a%2f%2e%2e", BadPath::HiddenDots),
            ("/%2e%2e%3ba", BadPath::HiddenDots),
        ];
        for (path, error) in cases {
            assert_eq!(normalise_path(path), Err(error), "{path}");
        }
    }

    proptest! {
        #[test]
        fn normal_form_is_normal_and_never_leaves_the_root(path in "/([.a/;]|%2[eEfF5]|%61|%c3%a9){0,16}") {
            if let Ok(normal) = normalise_path(&path) {
                prop_assert!(normal.starts_with('/'));
                prop_assert!(!normal.split('/').any(|segment| segment == ".." || segment == "."));
                let again = normalise_path(&normal);
                prop_assert_eq!(again.as_deref(), Ok(&*normal));
            }
        }

        #[test]
        fn no_path_makes_it_panic(path in "\\PC{0,40}") {
            drop(normalise_path(&path));
        }
    }
}
