//! What responses of one URL are told apart by in the cache when they were made for different users.

use std::fmt::Write;
use std::sync::Arc;

use blake2::Blake2s256;
use blake2::digest::Digest;
use http::{HeaderName, HeaderValue};

/// A key that is the same for the same fields, on every edge, and tells nothing of them.
pub(crate) fn key_of(fields: &[(HeaderName, HeaderValue)]) -> Arc<str> {
    let mut digest = Blake2s256::new();
    for (name, value) in fields {
        for part in [name.as_str().as_bytes(), value.as_bytes()] {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
    }
    let mut key = String::with_capacity(32);
    for byte in digest.finalize().iter().take(16) {
        // Writing into a string can't fail.
        write!(key, "{byte:02x}").unwrap_or_default();
    }
    key.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(fields: &[(&'static str, &'static str)]) -> Arc<str> {
        let field = |(name, value): &(&'static str, &'static str)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        };
        key_of(&fields.iter().map(field).collect::<Vec<_>>())
    }

    #[test]
    fn other_fields_have_another_key() {
        let keys = [
            key(&[]),
            key(&[("a", "bc")]),
            key(&[("ab", "c")]),
            key(&[("a", "b"), ("a", "c")]),
            key(&[("a", "c"), ("a", "b")]),
        ];
        for (index, one) in keys.iter().enumerate() {
            assert_eq!(one.len(), 32);
            assert!(!keys[..index].contains(one), "{index}");
        }
        assert_eq!(key(&[("a", "bc")]), keys[1]);
    }
}
