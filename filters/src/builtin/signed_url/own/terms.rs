//! What a signature says of itself.

use std::borrow::Cow;
use std::net::IpAddr;

use percent_encoding::percent_decode_str;

use super::super::{Refusal, once};
use crate::ranges::Ranges;

/// The parts of a signature, as they are called behind the beginning of their parameters.
pub(super) const PARTS: [&str; 5] = ["expires", "key", "ip", "prefix", "signature"];

/// What a link claims.
pub(super) struct Claimed {
    pub(super) expires: u64,
    pub(super) key: String,
    pub(super) ip: Option<String>,
    pub(super) prefix: Option<String>,
    pub(super) signature: String,
}

impl Claimed {
    /// Reads `name=value` parts. `None` when there is none of ours.
    pub(super) fn read<'a>(pairs: impl Iterator<Item = &'a str>) -> Option<Result<Self, Refusal>> {
        let mut parts = [None; PARTS.len()];
        for pair in pairs {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if let Some(index) = PARTS.iter().position(|part| *part == name)
                && let Err(refusal) = once(&mut parts[index], value)
            {
                return Some(Err(refusal));
            }
        }
        parts
            .iter()
            .any(Option::is_some)
            .then(|| Self::of(parts).ok_or(Refusal::Invalid))
    }

    fn of([expires, key, ip, prefix, signature]: [Option<&str>; PARTS.len()]) -> Option<Self> {
        Some(Self {
            expires: whole_number(expires?)?,
            key: decoded(key?)?.into_owned(),
            ip: optional(ip)?,
            prefix: optional(prefix)?.filter(|prefix| is_folder(prefix)),
            signature: signature?.to_owned(),
        })
        // A prefix that is no folder must not become none.
        .filter(|claimed| claimed.prefix.is_some() == prefix.is_some())
    }
}

/// A value that may not be there; `None` when it is there and wrong.
fn optional(value: Option<&str>) -> Option<Option<String>> {
    match value {
        None => Some(None),
        Some(value) => decoded(value).map(|value| Some(value.into_owned())),
    }
}

/// Without control characters, which separate the lines of what is signed.
fn decoded(value: &str) -> Option<Cow<'_, str>> {
    let text = percent_decode_str(value).decode_utf8().ok()?;
    (!text.contains(char::is_control)).then_some(text)
}

/// A number written in the one way there is.
pub(super) fn whole_number(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// Whether it is a folder, of which no neighbour has the same beginning.
pub(super) fn is_folder(prefix: &str) -> bool {
    prefix.starts_with('/') && prefix.ends_with('/')
}

/// Whether an address is the one that is written, or of that network.
pub(super) fn covers(net: &str, ip: IpAddr) -> bool {
    network(net).is_some_and(|net| [net].into_iter().collect::<Ranges>().contains(ip))
}

/// An address or a network.
pub(super) fn network(text: &str) -> Option<ipnet::IpNet> {
    match text.parse::<IpAddr>() {
        Ok(ip) => Some(ip.into()),
        Err(_) => text.parse().ok(),
    }
}
