//! Keys, and which algorithm each is for.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};
use serde_json::Value;

/// A key that signatures are verified with.
pub(super) struct Key {
    pub(super) id: Option<String>,
    pub(super) decoding: DecodingKey,
    /// What it is for when nobody says.
    usual: Algorithm,
    /// What it says it is for itself.
    told: Option<Algorithm>,
}

/// Keys of one place, in their order.
#[derive(Default)]
pub(super) struct KeySet(pub(super) Vec<Key>);

/// More keys than anybody has.
const MAX_KEYS: usize = 256;
/// 2048 bits.
const MIN_RSA: usize = 256;

impl Key {
    /// The one algorithm that it verifies, given the one that the configuration pins; `None` when they differ.
    pub(super) fn algorithm(&self, pinned: Option<Algorithm>) -> Option<Algorithm> {
        match (self.told, pinned) {
            (Some(told), Some(pinned)) if told != pinned => None,
            (None, Some(pinned)) => self.may_be_for(pinned).then_some(pinned),
            (told, _) => Some(told.unwrap_or(self.usual)),
        }
    }

    /// A curve has its one algorithm, other keys any of their family.
    fn may_be_for(&self, algorithm: Algorithm) -> bool {
        match self.usual.family() {
            AlgorithmFamily::Ec | AlgorithmFamily::Ed => algorithm == self.usual,
            family => algorithm.family() == family,
        }
    }

    /// A secret of both sides. RFC 7518 §3.2: it is at least as long as the hash.
    pub(super) fn secret(secret: &[u8], told: Option<Algorithm>) -> Result<Self, String> {
        let algorithm = told.unwrap_or(Algorithm::HS256);
        let least = match algorithm {
            Algorithm::HS256 => 32,
            Algorithm::HS384 => 48,
            Algorithm::HS512 => 64,
            other => {
                return Err(format!(
                    "a secret is not for {other:?}: HS256, HS384 or HS512"
                ));
            }
        };
        if secret.len() < least {
            return Err(format!(
                "the secret has {} bytes: {algorithm:?} needs at least {least}, as `openssl rand` makes them",
                secret.len()
            ));
        }
        Ok(Self {
            id: None,
            decoding: DecodingKey::from_secret(secret).map_err(|error| error.to_string())?,
            usual: algorithm,
            told: Some(algorithm),
        })
    }

    fn pem(block: &str) -> Result<Self, String> {
        if !block.contains("PUBLIC KEY-----") {
            return Err("only public keys are wanted here: `openssl pkey -pubout` or `openssl x509 -pubkey` makes one".to_owned());
        }
        let bytes = block.as_bytes();
        let rsa = || Some((DecodingKey::from_rsa_pem(bytes).ok()?, Algorithm::RS256));
        let ec = || {
            let key = DecodingKey::from_ec_pem(bytes).ok()?;
            // An uncompressed point: a byte and two coordinates.
            match key.try_get_as_bytes().ok()?.len() {
                65 => Some((key, Algorithm::ES256)),
                97 => Some((key, Algorithm::ES384)),
                _ => None,
            }
        };
        let ed = || Some((DecodingKey::from_ed_pem(bytes).ok()?, Algorithm::EdDSA));
        let found = rsa().or_else(ec).or_else(ed);
        let (decoding, usual) =
            found.ok_or("this is not a public key of RSA, P-256, P-384 or Ed25519")?;
        if usual == Algorithm::RS256
            && decoding
                .try_get_as_bytes()
                .is_ok_and(|der| der.len() < MIN_RSA)
        {
            return Err("RSA keys have at least 2048 bits".to_owned());
        }
        Ok(Self {
            id: None,
            decoding,
            usual,
            told: None,
        })
    }

    fn jwk(value: &Value) -> Result<Self, String> {
        let jwk: Jwk =
            serde_json::from_value(value.clone()).map_err(|_| "this is not a JWK that is known")?;
        let common = &jwk.common;
        let verifies = common
            .key_operations
            .as_ref()
            .is_none_or(|all| all.contains(&KeyOperations::Verify));
        if !verifies || matches!(common.public_key_use, Some(PublicKeyUse::Encryption)) {
            return Err("this key is not for signatures".to_owned());
        }
        let told = match common.key_algorithm {
            Some(algorithm) => Some(
                Algorithm::try_from(algorithm)
                    .map_err(|_| format!("{algorithm} is not for signatures that are known"))?,
            ),
            None => None,
        };
        let length = |text: &str| URL_SAFE_NO_PAD.decode(text).map_or(0, |bytes| bytes.len());
        let usual = match &jwk.algorithm {
            AlgorithmParameters::RSA(rsa) if length(&rsa.n) < MIN_RSA => {
                return Err("RSA keys have at least 2048 bits".to_owned());
            }
            AlgorithmParameters::RSA(_) => Algorithm::RS256,
            AlgorithmParameters::EllipticCurve(ec) => {
                let (usual, bytes) = match ec.curve {
                    EllipticCurve::P256 => (Algorithm::ES256, 32),
                    EllipticCurve::P384 => (Algorithm::ES384, 48),
                    _ => return Err("only P-256 and P-384 are known".to_owned()),
                };
                if [&ec.x, &ec.y].iter().any(|part| length(part) != bytes) {
                    return Err("this is not a point of its curve".to_owned());
                }
                usual
            }
            AlgorithmParameters::OctetKeyPair(ed)
                if ed.curve == EllipticCurve::Ed25519 && length(&ed.x) == 32 =>
            {
                Algorithm::EdDSA
            }
            AlgorithmParameters::OctetKey(secret) => {
                let bytes = URL_SAFE_NO_PAD
                    .decode(&secret.value)
                    .map_err(|_| "the secret is not base64url")?;
                let key = Self::secret(&bytes, told)?;
                return Ok(Self {
                    id: common.key_id.clone(),
                    ..key
                });
            }
            _ => return Err("this kind of key is not known".to_owned()),
        };
        let key = Self {
            id: common.key_id.clone(),
            decoding: DecodingKey::from_jwk(&jwk).map_err(|error| error.to_string())?,
            usual,
            told,
        };
        match told {
            Some(told) if !key.may_be_for(told) => {
                Err(format!("its `alg` is {told:?}, which it can't be for"))
            }
            _ => Ok(key),
        }
    }
}

impl KeySet {
    /// The keys of a file: PEM, a JWK or a set of JWKs. An error never tells anything of a key.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        if text.contains("-----BEGIN ") {
            return Self::pem(text);
        }
        let value: Value = serde_json::from_str(text)
            .map_err(|_| "this is neither PEM nor JSON: a public key, a JWK or a set of JWKs")?;
        let keys = match value.get("keys").and_then(Value::as_array) {
            Some(keys) => keys.as_slice(),
            None => std::slice::from_ref(&value),
        };
        let (known, told) = Self::each(keys);
        match (known.0.is_empty(), told.first()) {
            (true, Some(told)) => Err(told.clone()),
            (true, None) => Err("there is no key in it".to_owned()),
            (false, _) => Ok(known),
        }
    }

    fn pem(text: &str) -> Result<Self, String> {
        let mut keys = Vec::new();
        let mut rest = text;
        while let Some(begin) = rest.find("-----BEGIN ") {
            let end = rest[begin..]
                .find("-----END ")
                .and_then(|end| {
                    let line = begin + end + "-----END ".len();
                    rest[line..].find("-----").map(|dashes| line + dashes + 5)
                })
                .ok_or("a PEM block has no end")?;
            keys.push(Key::pem(&rest[begin..end])?);
            rest = &rest[end..];
        }
        Ok(Self(keys))
    }

    /// The keys of a set that came from a URL: only public ones, since what everybody can fetch is no secret.
    pub(super) fn fetched(body: &[u8]) -> Result<Self, String> {
        let wrong = "it is not a set of JWKs";
        let value: Value = serde_json::from_slice(body).map_err(|_| wrong)?;
        let keys = value.get("keys").and_then(Value::as_array).ok_or(wrong)?;
        if keys.len() > MAX_KEYS {
            return Err(format!("it has more than {MAX_KEYS} keys"));
        }
        let (mut known, told) = Self::each(keys);
        known
            .0
            .retain(|key| key.usual.family() != AlgorithmFamily::Hmac);
        match (known.0.is_empty(), told.first()) {
            (true, Some(told)) => Err(format!("none of its keys can be used: {told}")),
            (true, None) => Err("there is no key in it that can be used".to_owned()),
            (false, _) => Ok(known),
        }
    }

    /// Those that are known, and what is wrong with the others.
    fn each(keys: &[Value]) -> (Self, Vec<String>) {
        let (mut known, mut told) = (Vec::new(), Vec::new());
        for (index, key) in keys.iter().enumerate() {
            match Key::jwk(key) {
                Ok(key) => known.push(key),
                Err(message) => told.push(format!("key {}: {message}", index + 1)),
            }
        }
        (Self(known), told)
    }
}
