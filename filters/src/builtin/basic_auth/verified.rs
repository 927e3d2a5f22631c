//! The pairs of name and password that were right a while ago.

use blake2::Blake2sMac256;
use blake2::digest::{KeyInit, Mac};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use super::Credentials;
use super::users::Hash;

/// What was verified: a keyed digest of name, password and the hash in the file, so that a changed file forgets by
/// itself and what is in memory tells nothing. The key is drawn when the process starts.
pub(super) struct Verified {
    key: [u8; 32],
    digests: Cache<[u8; 32], (), ahash::RandomState>,
}

impl Verified {
    const MAX: u64 = 100_000;

    pub(super) fn new() -> Self {
        let digests = Cache::builder()
            .max_capacity(Self::MAX)
            .eviction_policy(EvictionPolicy::lru())
            .build_with_hasher(ahash::RandomState::new());
        Self {
            key: rand::random(),
            digests,
        }
    }

    /// Whether these were right before.
    pub(super) fn knows(&self, credentials: &Credentials, hash: &Hash) -> bool {
        self.digest(credentials, hash)
            .is_some_and(|digest| self.digests.get(&digest).is_some())
    }

    /// Remembers that these are right.
    pub(super) fn remember(&self, credentials: &Credentials, hash: &Hash) {
        if let Some(digest) = self.digest(credentials, hash) {
            self.digests.insert(digest, ());
        }
    }

    fn digest(
        &self,
        Credentials { name, password }: &Credentials,
        hash: &Hash,
    ) -> Option<[u8; 32]> {
        let mut mac = <Blake2sMac256 as KeyInit>::new_from_slice(&self.key).ok()?;
        for part in [name.as_bytes(), password, hash.as_bytes()] {
            Mac::update(&mut mac, &(part.len() as u64).to_le_bytes());
            Mac::update(&mut mac, part);
        }
        Some(mac.finalize().into_bytes().into())
    }
}

#[cfg(test)]
mod tests {
    use super::super::users::Users;
    use super::*;

    fn credentials(name: &str, password: &str) -> Credentials {
        Credentials {
            name: name.to_owned(),
            password: password.as_bytes().to_vec(),
        }
    }

    fn hash() -> Hash {
        Users::parse(&format!("a:{}", bcrypt::hash("x", 4).unwrap()))
            .unwrap()
            .costliest()
    }

    #[test]
    fn only_what_was_right_is_known() {
        let (verified, hash) = (Verified::new(), hash());
        verified.remember(&credentials("ab", "c"), &hash);
        assert!(verified.knows(&credentials("ab", "c"), &hash));
        for (name, password) in [("a", "bc"), ("ab", "cd"), ("ab", ""), ("abc", "")] {
            assert!(
                !verified.knows(&credentials(name, password), &hash),
                "{name}:{password}"
            );
        }
    }

    #[test]
    fn a_new_hash_in_the_file_forgets() {
        let verified = Verified::new();
        verified.remember(&credentials("a", "x"), &hash());
        assert!(!verified.knows(&credentials("a", "x"), &hash()));
    }
}
