//! The tokens that were verified a while ago.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{HeaderName, HeaderValue};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use crate::claims::Claims;

/// What a token admits to.
pub(super) struct Admission {
    pub(super) claims: Claims,
    /// The headers for the origin.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    /// What tells responses for these headers apart in the cache.
    pub(super) claims_part: Arc<str>,
    /// What tells responses for this token apart in the cache.
    pub(super) token_part: Arc<str>,
    /// The second from which on it admits to nothing.
    pub(super) until: u64,
    /// Which keys it was verified with.
    pub(super) generation: u64,
}

impl Admission {
    /// What tells responses for these headers apart in the cache; no two lists of headers have the same.
    pub(super) fn claims_part(headers: &[(HeaderName, HeaderValue)]) -> Arc<str> {
        let mut part = String::new();
        for (name, value) in headers {
            let value = value.as_bytes().escape_ascii().to_string();
            part += &format!("{name}={}:{value};", value.len());
        }
        part.into()
    }

    /// What tells responses for a token apart in the cache, also after a restart.
    pub(super) fn token_part(token: &str) -> Arc<str> {
        URL_SAFE_NO_PAD
            .encode(digest(&SHA256, token.as_bytes()))
            .into()
    }

    fn weight(&self) -> u32 {
        // The claims took at most so much of a token, and a tree takes more than its text.
        let headers: usize = self.headers.iter().map(|(_, value)| value.len()).sum();
        let claims: usize = self
            .claims
            .0
            .iter()
            .map(|(name, value)| name.len() + size(value))
            .sum();
        u32::try_from(512 + self.claims_part.len() + headers + 2 * claims).unwrap_or(u32::MAX)
    }
}

fn size(value: &serde_json::Value) -> usize {
    use serde_json::Value;
    let inner = match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(map) => map
            .iter()
            .map(|(name, value)| 64 + name.len() + size(value))
            .sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    };
    32 + inner
}

/// What was verified, by a keyed digest of the token, so that what is in memory is no token. The key is drawn when the
/// filter is built.
pub(super) struct Known {
    key: hmac::Key,
    admissions: Cache<Digest, Arc<Admission>, ahash::RandomState>,
}

pub(super) type Digest = [u8; 32];

impl Known {
    /// Bytes that are remembered.
    const MAX: u64 = 32 << 20;

    pub(super) fn new() -> Self {
        let admissions = Cache::builder()
            .max_capacity(Self::MAX)
            .weigher(|_, admission: &Arc<Admission>| admission.weight())
            .eviction_policy(EvictionPolicy::lru())
            .build_with_hasher(ahash::RandomState::new());
        let secret: [u8; 32] = rand::random();
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &secret),
            admissions,
        }
    }

    pub(super) fn digest(&self, token: &str) -> Digest {
        let mut digest = [0; 32];
        let tag = hmac::sign(&self.key, token.as_bytes());
        for (byte, tag) in digest.iter_mut().zip(tag.as_ref()) {
            *byte = *tag;
        }
        digest
    }

    /// What a token admits to, if it was verified with these keys and its time is not over.
    pub(super) fn get(&self, digest: &Digest, now: u64, generation: u64) -> Option<Arc<Admission>> {
        let admission = self.admissions.get(digest)?;
        if now < admission.until && admission.generation == generation {
            return Some(admission);
        }
        self.admissions.invalidate(digest);
        None
    }

    pub(super) fn remember(&self, digest: Digest, admission: Arc<Admission>) {
        self.admissions.insert(digest, admission);
    }
}
