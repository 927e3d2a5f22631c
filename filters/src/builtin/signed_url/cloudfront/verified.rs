//! The signatures that were right a while ago: a player asks for a thousand pieces with one.

use aws_lc_rs::hmac;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

/// What was verified, by a keyed digest, so that nobody can make two fall together. The key is drawn when the filter is
/// built.
pub(super) struct Verified {
    key: hmac::Key,
    digests: Cache<[u8; 32], (), ahash::RandomState>,
}

impl Verified {
    const MAX: u64 = 100_000;

    pub(super) fn new() -> Self {
        let digests = Cache::builder()
            .max_capacity(Self::MAX)
            .eviction_policy(EvictionPolicy::lru())
            .build_with_hasher(ahash::RandomState::new());
        let secret: [u8; 32] = rand::random();
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &secret),
            digests,
        }
    }

    /// Whether these parts were right before, or are so by `verify`.
    pub(super) fn knows_or(&self, parts: [&[u8]; 4], verify: impl FnOnce() -> bool) -> bool {
        let mut context = hmac::Context::with_key(&self.key);
        for part in parts {
            context.update(&(part.len() as u64).to_le_bytes());
            context.update(part);
        }
        let mut digest = [0; 32];
        for (byte, tag) in digest.iter_mut().zip(context.sign().as_ref()) {
            *byte = *tag;
        }
        if self.digests.get(&digest).is_some() {
            return true;
        }
        let is_right = verify();
        if is_right {
            self.digests.insert(digest, ());
        }
        is_right
    }
}
