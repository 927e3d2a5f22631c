//! Public keys of those who sign for CloudFront.

use aws_lc_rs::digest::{Digest, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_2048_8192_SHA256,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What is signed: the policy's digest by one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Sha1,
    Sha256,
}

/// A public key.
pub(super) enum PublicKey {
    Rsa {
        sha1: ParsedPublicKey,
        sha256: ParsedPublicKey,
    },
    P256(ParsedPublicKey),
}

impl PublicKey {
    /// Reads PEM.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let wrong = "this is not a public key in PEM: RSA of at least 2048 bits, or ECDSA on P-256";
        let der = der(text).ok_or(wrong)?;
        if let Ok(key) = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &der) {
            return Ok(Self::P256(key));
        }
        // A shorter one would only be found out by each signature.
        if der.len() < 256 {
            return Err(wrong.to_owned());
        }
        let rsa = |algorithm| ParsedPublicKey::new(algorithm, &der).map_err(|_| wrong.to_owned());
        Ok(Self::Rsa {
            sha1: rsa(&RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY)?,
            sha256: rsa(&RSA_PKCS1_2048_8192_SHA256)?,
        })
    }

    /// Whether `signature` is that of `policy`.
    pub(super) fn verifies(&self, hash: Hash, policy: &[u8], signature: &[u8]) -> bool {
        match (self, hash) {
            (Self::Rsa { sha1, .. }, Hash::Sha1) => sha1.verify_sig(policy, signature).is_ok(),
            (Self::Rsa { sha256, .. }, Hash::Sha256) => {
                sha256.verify_sig(policy, signature).is_ok()
            }
            (Self::P256(key), Hash::Sha256) => key.verify_sig(policy, signature).is_ok(),
            (Self::P256(key), Hash::Sha1) => widened(policy)
                .is_some_and(|digest| key.verify_digest_sig(&digest, signature).is_ok()),
        }
    }
}

/// The SHA-1 of a policy as ECDSA on P-256 takes it: a number (SEC 1, §4.1.4), which zeros before it don't change. The
/// library has no such algorithm, but takes a digest of 32 bytes.
fn widened(policy: &[u8]) -> Option<Digest> {
    let mut wide = [0; 32];
    let short = digest(&SHA1_FOR_LEGACY_USE_ONLY, policy);
    for (byte, digest) in wide.iter_mut().skip(12).zip(short.as_ref()) {
        *byte = *digest;
    }
    Digest::import_less_safe(&wide, &SHA256).ok()
}

/// The bytes of the first public key.
fn der(text: &str) -> Option<Vec<u8>> {
    let (_, rest) = text.split_once("PUBLIC KEY-----")?;
    let (base64, _) = rest.split_once("-----END ")?;
    let base64: String = base64.split_whitespace().collect();
    STANDARD.decode(base64).ok()
}
