//! What an object is found by.
//!
//! A key is a sequence of parts, each framed as a tag, a length of four bytes and its bytes, so that no two requests
//! with different parts can have the same key. The parts that make up the URL come first: what purges by URL looks at
//! them alone.
//!
//! ```text
//! M GET │ S https │ H www.example.com │ P /a │ Q b=c │ h accept-language │ v de │ c currency │ v EUR │ C DE │ e br
//! ╰────────────────────── the URL ───────────────────╯
//! ```
//!
//! The key of a slice is the key of the whole object and one more part, `r 0-1048575`; what is encoded of an object has its
//! key and the encoding as the last part.

use std::fmt;
use std::sync::{Arc, LazyLock};

use ahash::RandomState;

use crate::encoding::Encoding;
use crate::slice::Slice;

/// Hash functions of this process, so that nobody outside can make keys collide.
fn hashers() -> [&'static RandomState; 2] {
    static HASHERS: LazyLock<[RandomState; 2]> =
        LazyLock::new(|| [RandomState::new(), RandomState::new()]);
    let [high, low] = &*HASHERS;
    [high, low]
}

pub(crate) fn hash(bytes: &[u8]) -> u128 {
    let [high, low] = hashers().map(|hasher| u128::from(hasher.hash_one(bytes)));
    high << 64 | low
}

/// Bytes of a frame before its part: the tag and the length.
const FRAME: usize = 5;
/// Tag of the part that the key of a slice has last.
const SLICE: u8 = b'r';

/// What an object is found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    hash: u128,
    parts: Arc<[u8]>,
}

/// A key that is borrowed from somewhere else.
#[derive(Debug, Clone, Copy)]
pub struct KeyRef<'a> {
    pub(crate) hash: u128,
    pub(crate) parts: &'a [u8],
}

/// Which query parameters go into a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Query<'a> {
    /// The query string as it came.
    All,
    /// All, ordered by name; those of one name stay in their order.
    Sorted,
    /// Only these, in this order.
    Only(&'a [String]),
    /// None.
    Ignore,
}

/// Puts a key together; its parts are to be given in the order of the functions here.
#[derive(Debug)]
pub struct KeyBuilder {
    parts: Vec<u8>,
}

impl Key {
    /// Begins a key with where the object comes from. The method is not asked: GET and HEAD find the same object, and
    /// no other method finds any. The host is taken without regard to case, the path as it stands.
    pub fn builder(scheme: &str, host: &str, path: &str) -> KeyBuilder {
        let mut builder = KeyBuilder {
            parts: Vec::with_capacity(64 + host.len() + path.len()),
        };
        builder.part(b'M', "GET");
        builder.part(b'S', scheme);
        builder.part(b'H', host);
        let end = builder.parts.len();
        if let Some(host) = builder.parts.get_mut(end - host.len()..) {
            host.make_ascii_lowercase();
        }
        builder.part(b'P', path);
        builder
    }

    /// The key borrowed.
    pub fn as_ref(&self) -> KeyRef<'_> {
        KeyRef {
            hash: self.hash,
            parts: &self.parts,
        }
    }

    /// The key of a slice of the object that this is the key of.
    pub fn slice(&self, slice: Slice) -> Self {
        let mut builder = KeyBuilder {
            parts: self.parts.to_vec(),
        };
        builder.part(SLICE, &slice.to_string());
        builder.finish()
    }

    /// Its hash, with keys of this process.
    pub fn hash(&self) -> u128 {
        self.hash
    }

    /// Its framed parts.
    pub fn parts(&self) -> &Arc<[u8]> {
        &self.parts
    }
}

impl KeyBuilder {
    /// The query, by the route's rule.
    pub fn query(mut self, query: Option<&str>, rule: Query<'_>) -> Self {
        let pairs = || {
            query
                .into_iter()
                .flat_map(|query| query.split('&'))
                .filter(|pair| !pair.is_empty())
        };
        let kept = match rule {
            Query::Ignore => return self,
            Query::All => {
                if let Some(query) = query {
                    self.part(b'Q', query);
                }
                return self;
            }
            Query::Sorted => {
                let mut pairs: Vec<&str> = pairs().collect();
                pairs.sort_by_key(|pair| parameter_name(pair));
                pairs
            }
            Query::Only(names) => {
                let named = |name| pairs().filter(move |pair| parameter_name(pair) == name);
                names.iter().flat_map(|name| named(name.as_str())).collect()
            }
        };
        if !kept.is_empty() {
            self.part(b'Q', &kept.join("&"));
        }
        self
    }

    /// A request header that the route distinguishes by: its value, or that it is not there.
    pub fn header(self, name: &str, value: Option<&str>) -> Self {
        self.named(b'h', name, value)
    }

    /// A cookie that the route distinguishes by.
    pub fn cookie(self, name: &str, value: Option<&str>) -> Self {
        self.named(b'c', name, value)
    }

    /// The client's country, or that it is not known.
    pub fn country(mut self, code: Option<&str>) -> Self {
        self.part(b'C', code.unwrap_or_default());
        self
    }

    /// Something else that tells responses apart: what `name` made out, in the order in which it did.
    pub fn made_out(self, name: &str, value: &str) -> Self {
        self.named(b'f', name, Some(value))
    }

    /// The origin that was chosen in place of the usual one.
    pub fn origin(mut self, name: &str) -> Self {
        self.part(b'o', name);
        self
    }

    /// The key.
    pub fn finish(self) -> Key {
        Key {
            hash: hash(&self.parts),
            parts: self.parts.into(),
        }
    }

    /// The parts alone, of which [`KeyRef::of`] makes a key for one look-up.
    pub fn into_parts(self) -> Vec<u8> {
        self.parts
    }

    fn named(mut self, tag: u8, name: &str, value: Option<&str>) -> Self {
        self.part(tag, name);
        if let Some(value) = value {
            self.part(b'v', value);
        }
        self
    }

    fn part(&mut self, tag: u8, bytes: &str) {
        // A request head is far smaller than 4 GiB, and the length only has to be unambiguous.
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.parts.push(tag);
        self.parts.extend_from_slice(&length.to_be_bytes());
        self.parts.extend_from_slice(bytes.as_bytes());
    }
}

impl<'a> KeyRef<'a> {
    /// The key with these parts, as [`KeyBuilder::into_parts`] gives them.
    pub fn of(parts: &'a [u8]) -> Self {
        Self::from_parts(hash(parts), parts)
    }

    /// A key that was taken apart with [`Key::hash`] and [`Key::parts`] and kept elsewhere.
    pub fn from_parts(hash: u128, parts: &'a [u8]) -> Self {
        Self { hash, parts }
    }

    /// Its hash, with keys of this process.
    pub fn hash(&self) -> u128 {
        self.hash
    }

    /// The host.
    pub fn host(&self) -> &'a str {
        self.part(b'H')
    }

    /// The host without its port: what purges by host and prefix look at.
    pub fn hostname(&self) -> &'a str {
        without_port(self.host())
    }

    /// The path.
    pub fn path(&self) -> &'a str {
        self.part(b'P')
    }

    /// The key of the object that this is the key of a slice of; `None` when it is of a whole object.
    pub fn whole(&self) -> Option<Self> {
        let (_, bytes) = frames(self.parts).last().filter(|(tag, _)| *tag == SLICE)?;
        let length = self.parts.len().checked_sub(FRAME + bytes.len())?;
        let parts = self.parts.get(..length)?;
        Some(Self::from_parts(hash(parts), parts))
    }

    /// The key of what this one's object is in an encoding.
    pub fn encoded(&self, encoding: Encoding) -> Key {
        let mut builder = KeyBuilder {
            parts: Vec::with_capacity(self.parts.len() + 16),
        };
        builder.parts.extend_from_slice(self.parts);
        builder.part(b'e', encoding.as_str());
        builder.finish()
    }

    /// The parts that make up the URL, still framed.
    pub(crate) fn url(&self) -> &'a [u8] {
        let length =
            frames(self.parts).take_while(|(tag, _)| tag.is_ascii_uppercase() && *tag != b'C');
        let length = length.map(|(_, bytes)| FRAME + bytes.len()).sum();
        self.parts.get(..length).unwrap_or(self.parts)
    }

    fn part(&self, wanted: u8) -> &'a str {
        let found = frames(self.parts).find(|(tag, _)| *tag == wanted);
        found
            .and_then(|(_, bytes)| std::str::from_utf8(bytes).ok())
            .unwrap_or_default()
    }
}

fn frames(mut parts: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let ([tag, length @ ..], rest) = parts.split_first_chunk::<FRAME>()?;
        let (bytes, rest) =
            rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        parts = rest;
        Some((*tag, bytes))
    })
}

pub(crate) fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

fn parameter_name(pair: &str) -> &str {
    pair.split_once('=').map_or(pair, |(name, _)| name)
}

impl fmt::Display for KeyRef<'_> {
    /// `https://www.example.com/a?b=c [accept-language: de] [cookie currency: EUR] [country DE] [encoding br]`
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut open = false;
        for (tag, bytes) in frames(self.parts) {
            let text = String::from_utf8_lossy(bytes);
            if open && tag != b'v' {
                formatter.write_str("]")?;
                open = false;
            }
            match tag {
                b'S' => write!(formatter, "{text}://")?,
                b'H' | b'P' => formatter.write_str(&text)?,
                b'Q' => write!(formatter, "?{text}")?,
                b'v' => write!(formatter, ": {text}")?,
                b'C' => write!(formatter, " [country {text}]")?,
                SLICE => write!(formatter, " [bytes {text}]")?,
                b'e' => write!(formatter, " [encoding {text}]")?,
                b'h' | b'c' => {
                    let kind = if tag == b'c' { "cookie " } else { "" };
                    write!(formatter, " [{kind}{text}")?;
                    open = true;
                }
                _ => {}
            }
        }
        if open {
            formatter.write_str("]")
        } else {
            Ok(())
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(path: &str, query: Option<&str>, rule: Query<'_>) -> Key {
        Key::builder("https", "WWW.example.com", path)
            .query(query, rule)
            .finish()
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let plain = || Key::builder("http", "a", "/");
        let keys = [
            Key::builder("http", "a.b", "/c").finish(),
            Key::builder("http", "a.", "b/c").finish(),
            key("/a?b", None, Query::All),
            key("/a", Some("b"), Query::All),
            key("/a", Some(""), Query::All),
            key("/a", None, Query::All),
            plain().header("x", Some("y")).finish(),
            plain().header("x", None).header("y", None).finish(),
            plain().header("xy", None).finish(),
            plain().header("x", Some("")).finish(),
            plain().cookie("x", Some("y")).finish(),
            plain().country(Some("DE")).finish(),
            plain().country(None).finish(),
        ];
        for (index, key) in keys.iter().enumerate() {
            assert_eq!(
                keys.iter().filter(|other| *other == key).count(),
                1,
                "{index}: {key}"
            );
        }
    }

    #[test]
    fn the_query_goes_in_by_rule() {
        let only = ["b".to_owned(), "a".to_owned()];
        let same =
            |rule, one, other| assert_eq!(key("/", Some(one), rule), key("/", Some(other), rule));
        same(Query::Sorted, "b=1&a=2&b=0", "a=2&b=1&b=0");
        same(Query::Only(&only), "x=1&a=2&b=1", "b=1&a=2&y=3");
        same(Query::Ignore, "a", "b");
        assert_ne!(
            key("/", Some("b=1&b=0"), Query::Sorted),
            key("/", Some("b=0&b=1"), Query::Sorted)
        );
        assert_ne!(
            key("/", Some("b&a"), Query::All),
            key("/", Some("a&b"), Query::All)
        );
    }

    #[test]
    fn it_can_be_read() {
        let key = Key::builder("https", "A.example", "/p").query(Some("q=1"), Query::All);
        let key = key
            .header("accept-language", Some("de"))
            .cookie("c", None)
            .country(Some("DE"))
            .finish();
        assert_eq!(
            key.to_string(),
            "https://a.example/p?q=1 [accept-language: de] [cookie c] [country DE]"
        );
        assert_eq!(
            (key.as_ref().host(), key.as_ref().path()),
            ("a.example", "/p")
        );
        let url = Key::builder("https", "A.example", "/p")
            .query(Some("q=1"), Query::All)
            .finish();
        assert_eq!(key.as_ref().url(), &**url.parts());
        let encoded = key.as_ref().encoded(Encoding::Br);
        assert_eq!(encoded.to_string(), format!("{key} [encoding br]"));
        assert_eq!(encoded.as_ref().url(), &**url.parts());
        let encoded = url.as_ref().encoded(Encoding::Gzip);
        assert_eq!(encoded.as_ref().url(), &**url.parts());
    }

    #[test]
    fn the_key_of_a_slice_leads_to_the_whole() {
        let whole = key("/p", Some("q=1"), Query::All);
        let slice = whole.slice(Slice::at(15, 10));
        assert_ne!(slice, whole.slice(Slice::at(5, 10)));
        assert_ne!(slice, whole.slice(Slice::at(10, 20)));
        assert_eq!(slice.as_ref().url(), &**whole.parts());
        assert_eq!(slice.to_string(), format!("{whole} [bytes 10-19]"));
        let found = slice.as_ref().whole().unwrap();
        assert_eq!((found.hash, found.parts), (whole.hash(), &**whole.parts()));
        assert!(whole.as_ref().whole().is_none());
    }
}
