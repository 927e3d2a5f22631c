//! Whose requests are counted together.

use std::hash::{BuildHasher, Hasher};
use std::net::IpAddr;

use ahash::RandomState;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::exchange::Exchange;
use crate::settings::FieldName;
use crate::template::{Place, Template};

/// Whose requests are counted together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(title = "key")]
pub(super) enum Key {
    /// The client's address.
    #[default]
    ClientIp,
    /// The host that is asked for.
    Host,
    /// The path that is asked for.
    Path,
    /// The value of a request header.
    Header(FieldName),
    /// The value of a cookie.
    Cookie(String),
    /// A text with variables.
    Template(Template),
}

impl Key {
    /// The key of a request, hashed with a secret so that nobody can make two fall together.
    pub(super) fn hash(&self, exchange: &Exchange, ipv6_prefix: u8, hasher: &RandomState) -> u64 {
        let mut hash = hasher.build_hasher();
        let mut part = |kind: u8, text: &[u8]| {
            hash.write_u8(kind);
            hash.write(text);
        };
        let value = match self {
            Self::ClientIp => None,
            // A host means the same in capitals.
            Self::Host => Some(exchange.host().to_ascii_lowercase().into()),
            Self::Path => Some(exchange.path().into()),
            Self::Header(FieldName(name)) => exchange.header(name.as_str()).map(Into::into),
            Self::Cookie(name) => exchange.cookie(name).map(Into::into),
            Self::Template(template) => Some(template.render(exchange, Place::Text)),
        };
        match (value, exchange.client.ip.to_canonical()) {
            (Some(value), _) => part(0, value.as_bytes()),
            (None, IpAddr::V4(ip)) => part(4, &ip.octets()),
            (None, IpAddr::V6(ip)) => {
                let rest = 128_u32.saturating_sub(ipv6_prefix.into());
                part(
                    6,
                    &(ip.to_bits() & u128::MAX.checked_shl(rest).unwrap_or(0)).to_be_bytes(),
                );
            }
        }
        hash.finish()
    }
}
