//! The keys and whose they are.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use subtle::{ConditionallySelectable, ConstantTimeEq};

use crate::credentials::without_comment;

/// Digests of keys in the order of their owners.
#[derive(Default)]
pub(super) struct Keys {
    digests: Vec<Digest>,
    owners: Vec<Owner>,
}

/// SHA-256: keys of any length are compared in the same time.
type Digest = [u64; 4];

/// Who has a key.
pub(super) struct Owner {
    pub(super) name: Arc<str>,
    pub(super) value: HeaderValue,
}

/// Each request is compared with all of them.
const MAX_KEYS: usize = 10_000;
/// What is shorter can be guessed.
const MIN_LENGTH: usize = 16;

impl Keys {
    /// Adds those of a file. An error names the line and what would have been right, never the key.
    pub(super) fn read(&mut self, text: &str) -> Result<(), String> {
        for (index, line) in text.lines().enumerate() {
            let line = without_comment(line);
            if line.is_empty() {
                continue;
            }
            let added = match line.split_once(char::is_whitespace) {
                Some((name, key)) => self.add(name, key.trim()),
                None => Err("a line is a name, blanks and a key".to_owned()),
            };
            added.map_err(|message| format!("line {}: {message}", index + 1))?;
        }
        Ok(())
    }

    /// Adds a key, or `sha256:` and its digest.
    pub(super) fn add(&mut self, name: &str, key: &str) -> Result<(), String> {
        let is_word = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
        let value = HeaderValue::from_str(name)
            .ok()
            .filter(|_| is_word)
            .ok_or("the name of a key is one word of ASCII")?;
        let digest = match key.strip_prefix("sha256:") {
            Some(text) => written(text).ok_or("this is not a SHA-256 in hex or base64")?,
            None => plain(key)?,
        };
        if self.digests.contains(&digest) {
            return Err("this key is there already".to_owned());
        }
        if self.digests.len() == MAX_KEYS {
            return Err(format!("there are more than {MAX_KEYS} keys"));
        }
        self.digests.push(digest);
        self.owners.push(Owner {
            name: name.into(),
            value,
        });
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.owners.is_empty()
    }

    /// Whose key this is. It takes the same time whichever it is, and if it is nobody's.
    pub(super) fn owner(&self, key: &[u8]) -> Option<&Owner> {
        let given = hashed(key);
        let mut found = u32::MAX;
        for (index, digest) in (0_u32..).zip(&self.digests) {
            let differs = (0..4).fold(0, |differs, part| differs | (given[part] ^ digest[part]));
            found = u32::conditional_select(&found, &index, differs.ct_eq(&0_u64));
        }
        self.owners.get(usize::try_from(found).ok()?)
    }
}

fn plain(key: &str) -> Result<Digest, String> {
    if key.contains(char::is_whitespace) || key.len() < MIN_LENGTH {
        return Err(format!(
            "a key has at least {MIN_LENGTH} characters and no blanks"
        ));
    }
    Ok(hashed(key.as_bytes()))
}

fn hashed(key: &[u8]) -> Digest {
    parts(digest(&SHA256, key).as_ref())
}

fn parts(bytes: &[u8]) -> Digest {
    let mut parts = [0; 4];
    for (part, bytes) in parts.iter_mut().zip(bytes.chunks_exact(8)) {
        *part = bytes
            .iter()
            .fold(0, |part, &byte| part << 8 | u64::from(byte));
    }
    parts
}

/// A digest in hex or base64.
fn written(text: &str) -> Option<Digest> {
    if text.len() == 64 {
        let byte = |at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
        let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let bytes: Option<Vec<u8>> = (0..64).step_by(2).map(byte).collect();
        return bytes.filter(|_| is_hex).map(|bytes| parts(&bytes));
    }
    let bytes = STANDARD.decode(text).ok()?;
    (bytes.len() == 32).then(|| parts(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdef";
    /// `printf 0123456789abcdef | sha256sum`
    const HEX: &str = "9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f";
    const BASE64: &str = "n59REfeyengfHx3d5evC3St5a/xzZcnCi1SOVkF2kp8=";

    fn keys(text: &str) -> Keys {
        let mut keys = Keys::default();
        keys.read(text).unwrap();
        keys
    }

    #[test]
    fn a_key_is_known_in_each_form() {
        for form in [KEY, &format!("sha256:{HEX}"), &format!("sha256:{BASE64}")] {
            let text = format!("# keys\n\nother  another-key-here # comment\nshop\t{form}\n");
            let keys = keys(&text);
            let owner = |key: &str| keys.owner(key.as_bytes()).map(|owner| &*owner.name);
            assert_eq!(owner(KEY), Some("shop"), "{form}");
            assert_eq!(owner("another-key-here"), Some("other"));
            for key in [
                "",
                "0123456789abcde",
                "0123456789abcdef0",
                HEX,
                BASE64,
                "shop",
            ] {
                assert_eq!(owner(key), None, "{key}");
            }
        }
    }

    #[test]
    fn a_comment_begins_behind_a_blank() {
        let keys = keys("shop 0123456789#abcdef # old\n#app fedcba9876543210\n");
        assert!(keys.owner(b"0123456789#abcdef").is_some());
        assert_eq!(keys.owners.len(), 1);
    }

    #[test]
    fn an_owner_may_have_several() {
        let keys = keys("shop 0123456789abcdef\nshop fedcba9876543210\n");
        for key in ["0123456789abcdef", "fedcba9876543210"] {
            assert_eq!(&*keys.owner(key.as_bytes()).unwrap().name, "shop");
        }
    }

    #[test]
    fn mistakes_are_told_without_the_key() {
        for (text, expected) in [
            (
                "SECRET0123456789",
                "line 1: a line is a name, blanks and a key",
            ),
            (
                "\na SECRET",
                "line 2: a key has at least 16 characters and no blanks",
            ),
            (
                "a SECRET0123 456789abcdef",
                "line 1: a key has at least 16 characters and no blanks",
            ),
            (
                "ä SECRET0123456789",
                "line 1: the name of a key is one word of ASCII",
            ),
            (
                "a sha256:SECRET",
                "line 1: this is not a SHA-256 in hex or base64",
            ),
            (
                "a SECRET0123456789\nb SECRET0123456789",
                "line 2: this key is there already",
            ),
        ] {
            let error = Keys::default().read(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
            assert!(!error.contains("SECRET"), "{error}");
        }
    }
}
