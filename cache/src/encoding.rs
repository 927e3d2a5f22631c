//! Content codings (RFC 9110 §8.4): which of them a client takes, and what a head says of a body that is in one.
//!
//! An object is stored as its origin sent it. What is encoded of it is stored beside it, under its key and the
//! encoding, and is served in its place to those who take that.

use http::header::{self, HeaderMap, HeaderValue};
use pingora_http::ResponseHeader;

/// A content coding that bodies can be brought into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Zstandard (RFC 8878).
    Zstd,
    /// Brotli (RFC 7932).
    Br,
    /// gzip (RFC 1952).
    Gzip,
}

/// What a client takes, of what is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// The encoding that it is served with; `None` for the body as it is.
    pub encoding: Option<Encoding>,
    /// Whether it takes the body as it is.
    pub identity: bool,
}

impl Encoding {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Zstd, Self::Br, Self::Gzip];

    /// Its name in `Content-Encoding`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Br => "br",
            Self::Gzip => "gzip",
        }
    }

    fn named(name: &[u8]) -> Option<Self> {
        // RFC 9110 §8.4.1.3: `x-gzip` is an old name of `gzip`.
        let name = match name.split_at_checked(2) {
            Some((b"x-" | b"X-", rest)) if rest.eq_ignore_ascii_case(b"gzip") => rest,
            _ => name,
        };
        Self::ALL
            .into_iter()
            .find(|encoding| name.eq_ignore_ascii_case(encoding.as_str().as_bytes()))
    }
}

impl Default for Accepted {
    fn default() -> Self {
        Self {
            encoding: None,
            identity: true,
        }
    }
}

/// Weights in thousandths, as far as the client gave any.
#[derive(Default)]
struct Weights {
    encodings: [Option<u16>; 3],
    identity: Option<u16>,
    any: Option<u16>,
}

/// What a client gets by its `Accept-Encoding` (RFC 9110 §12.5.3): what it weighs highest, and of equals what stands
/// first in `offered`. Members that make no sense are passed over, and who sends no such field gets the body as it is.
pub fn negotiate(request: &HeaderMap, offered: &[Encoding]) -> Accepted {
    let mut weights = Weights::default();
    for line in request.get_all(header::ACCEPT_ENCODING) {
        line.as_bytes()
            .split(|byte| *byte == b',')
            .for_each(|member| weights.note(member));
    }
    // What the client does not speak of it takes last; `*` speaks of all that is not named.
    let identity = weights.identity.or(weights.any);
    let mut best = (identity.unwrap_or(0), None);
    for encoding in offered.iter().rev() {
        let weight = weights.encodings[*encoding as usize]
            .or(weights.any)
            .unwrap_or(0);
        if weight > 0 && weight >= best.0 {
            best = (weight, Some(*encoding));
        }
    }
    Accepted {
        encoding: best.1,
        identity: identity != Some(0),
    }
}

impl Weights {
    fn note(&mut self, member: &[u8]) {
        let mut parts = member.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|parameter| match parameter {
            [b'q' | b'Q', b'=', weight @ ..] => Some(thousandths(weight)),
            _ => None,
        });
        let Some(weight) = weight.unwrap_or(Some(1000)) else {
            return;
        };
        let place = match name {
            b"*" => &mut self.any,
            name if name.eq_ignore_ascii_case(b"identity") => &mut self.identity,
            name => match Encoding::named(name) {
                Some(encoding) => &mut self.encodings[encoding as usize],
                None => return,
            },
        };
        place.get_or_insert(weight);
    }
}

/// A weight of at most three decimals (RFC 9110 §12.4.2).
fn thousandths(weight: &[u8]) -> Option<u16> {
    let (whole, decimals) = weight.split_first()?;
    let decimals = match decimals {
        [] => decimals,
        [b'.', decimals @ ..] if decimals.len() <= 3 => decimals,
        _ => return None,
    };
    let mut value = u16::from(whole.checked_sub(b'0')?);
    for place in 0..3 {
        let digit = decimals.get(place).unwrap_or(&b'0');
        value = value * 10 + u16::from(digit.checked_sub(b'0').filter(|digit| *digit < 10)?);
    }
    (value <= 1000).then_some(value)
}

/// Makes a head say that its body is in an encoding, and how long it is then if that is known.
///
/// A strong tag becomes a weak one: it names the bytes of one encoding alone, and other caches could join parts of two.
pub fn describe(head: &mut ResponseHeader, encoding: Encoding, length: Option<u64>) {
    crate::head::forget_body(head);
    let name = HeaderValue::from_static(encoding.as_str());
    // The only error is a map that is full, which room was just made in.
    drop(head.insert_header(header::CONTENT_ENCODING, name));
    if let Some(length) = length {
        drop(head.insert_header(header::CONTENT_LENGTH, length));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Encoding::{Br, Gzip, Zstd};

    fn of(lines: &[&'static str], offered: &[Encoding]) -> Accepted {
        let mut request = HeaderMap::new();
        for line in lines {
            let value = HeaderValue::from_bytes(line.as_bytes()).unwrap();
            request.append(header::ACCEPT_ENCODING, value);
        }
        negotiate(&request, offered)
    }

    #[test]
    fn the_best_weight_wins_and_the_order_offered_breaks_ties() {
        let cases: &[(&[&str], Option<Encoding>, bool)] = &[
            (&[], None, true),
            (&[""], None, true),
            (&["gzip"], Some(Gzip), true),
            (&["x-gzip"], Some(Gzip), true),
            (&["GZIP"], Some(Gzip), true),
            (&["gzip, deflate, br, zstd"], Some(Zstd), true),
            (&["gzip, deflate, br"], Some(Br), true),
            (&["gzip", "br"], Some(Br), true),
            (&["gzip;q=1.0, br;q=0.5"], Some(Gzip), true),
            (&["gzip;q=0.5;x=1, br ; q=0.501"], Some(Br), true),
            (&["gzip;Q=0.001"], Some(Gzip), true),
            (&["br;q=0, gzip;q=0"], None, true),
            (&["*"], Some(Zstd), true),
            (&["*;q=0.1, zstd;q=0"], Some(Br), true),
            (&["*;q=0"], None, false),
            (&["*;q=0, gzip"], Some(Gzip), false),
            (&["gzip, identity;q=0"], Some(Gzip), false),
            (&["identity;q=0, *;q=0.5"], Some(Zstd), false),
            (&["identity"], None, true),
            (&["identity, gzip;q=0.5"], None, true),
            (&["identity;q=0.5, gzip;q=0.5"], Some(Gzip), true),
            (&["identity;q=1, *;q=0"], None, true),
            (&["gzip;q=0.5, *;q=1"], Some(Zstd), true),
            (&["deflate, compress"], None, true),
            // What is no weight takes its member with it, and nothing else.
            (&["gzip;q=2, br;q=0.1"], Some(Br), true),
            (&["gzip;q=1.001"], None, true),
            (&["gzip;q=0.1234"], None, true),
            (&["gzip;q=.5"], None, true),
            (&["gzip;q="], None, true),
            (&["gzip;q=-1"], None, true),
            (&["gzip;q=0.a"], None, true),
            (&[";;;,,, ;q=1, =, gzip br"], None, true),
            (&["\u{e9}, gzip"], Some(Gzip), true),
            (&["gzip;q=1, gzip;q=0"], Some(Gzip), true),
        ];
        for (lines, encoding, identity) in cases {
            let expected = Accepted {
                encoding: *encoding,
                identity: *identity,
            };
            assert_eq!(of(lines, &[Zstd, Br, Gzip]), expected, "{lines:?}");
        }
    }

    #[test]
    fn only_what_is_offered_is_chosen() {
        let all = "gzip, br, zstd;q=0.9";
        assert_eq!(of(&[all], &[Gzip, Br]).encoding, Some(Gzip));
        assert_eq!(of(&[all], &[Zstd]).encoding, Some(Zstd));
        assert_eq!(of(&[all], &[]).encoding, None);
        assert_eq!(of(&["gzip;q=0.5, *"], &[Gzip]).encoding, None);
    }

    #[test]
    fn a_head_is_true_of_the_encoded_body() {
        let mut head = ResponseHeader::build(200, None).unwrap();
        for (name, value) in [
            ("content-length", "100"),
            ("etag", "\"a\""),
            ("accept-ranges", "bytes"),
            ("content-digest", "sha-256=:AA==:"),
            ("content-location", "/a.en"),
        ] {
            head.insert_header(name, value).unwrap();
        }
        describe(&mut head, Br, Some(7));
        let mut fields: Vec<(&str, &str)> = head
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        fields.sort_unstable();
        let expected = [
            ("content-encoding", "br"),
            ("content-length", "7"),
            ("content-location", "/a.en"),
            ("etag", "W/\"a\""),
        ];
        assert_eq!(fields, expected);
    }
}
