//! Parameters of a query, and names that settings give them.

use std::borrow::Cow;

use ahash::AHashSet;
use percent_encoding::percent_decode_str;

/// A set of names. `utm_*` in it stands for all that begin so.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    whole: AHashSet<Box<[u8]>>,
    prefixes: Vec<Box<[u8]>>,
}

impl Names {
    /// Whether this is one of them.
    pub(crate) fn have(&self, name: &[u8]) -> bool {
        self.whole.contains(name) || self.prefixes.iter().any(|prefix| name.starts_with(prefix))
    }
}

impl<S: AsRef<str>> FromIterator<S> for Names {
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Self {
        let mut set = Self::default();
        set.extend(names);
        set
    }
}

impl<S: AsRef<str>> Extend<S> for Names {
    fn extend<I: IntoIterator<Item = S>>(&mut self, names: I) {
        for name in names {
            match name.as_ref().strip_suffix('*') {
                Some(prefix) => self.prefixes.push(prefix.as_bytes().into()),
                None => {
                    self.whole.insert(name.as_ref().as_bytes().into());
                }
            }
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
        let names: Names = ["utm_*", "id"].into_iter().collect();
        for (name, is_one) in [
            ("utm_source", true),
            ("utm_", true),
            ("utm", false),
            ("id", true),
            ("id2", false),
        ] {
            assert_eq!(names.have(name.as_bytes()), is_one, "{name}");
        }
    }
}
