//! Parameters of a query, and names that settings give them.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// One name, or all that begin alike: `utm_*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Names {
    One(String),
    Prefix(String),
}

impl From<String> for Names {
    fn from(mut name: String) -> Self {
        if name.ends_with('*') {
            name.pop();
            return Self::Prefix(name);
        }
        Self::One(name)
    }
}

impl Names {
    /// Whether this is one of them.
    pub(crate) fn have(&self, name: &[u8]) -> bool {
        match self {
            Self::One(one) => *name == *one.as_bytes(),
            Self::Prefix(prefix) => name.starts_with(prefix.as_bytes()),
        }
    }
}

/// The name in `name=value`, decoded, however it is spelt.
pub(crate) fn name_of(pair: &str) -> Cow<'_, [u8]> {
    decode(pair.split('=').next().unwrap_or(pair))
}

/// The value in `name=value`, decoded.
pub(crate) fn value_of(pair: &str) -> Cow<'_, [u8]> {
    decode(pair.split_once('=').map_or("", |(_, value)| value))
}

fn decode(text: &str) -> Cow<'_, [u8]> {
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        return percent_decode_str(&spaced).collect::<Vec<u8>>().into();
    }
    percent_decode_str(text).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_however_they_are_spelt() {
        for (pair, name, value) in [
            ("a=1", "a", "1"),
            ("a", "a", ""),
            ("=x", "", "x"),
            ("%75tm_a=b%20c+d=e", "utm_a", "b c d=e"),
            ("a+b", "a b", ""),
        ] {
            assert_eq!(&*name_of(pair), name.as_bytes(), "{pair}");
            assert_eq!(&*value_of(pair), value.as_bytes(), "{pair}");
        }
        let names: Names = "utm_*".to_owned().into();
        assert!(names.have(b"utm_source") && names.have(b"utm_") && !names.have(b"utm"));
        let names: Names = "id".to_owned().into();
        assert!(names.have(b"id") && !names.have(b"id2"));
    }
}
