//! Signs tokens as an issuer does.

use std::sync::LazyLock;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaEncoding,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// Who signs.
pub(super) enum Signer {
    Hmac(Vec<u8>),
    Rsa(&'static RsaKeyPair, &'static str),
    Ec(EcdsaKeyPair, &'static str),
    Ed(Ed25519KeyPair),
}

/// Made once: it takes a while.
static RSA: LazyLock<RsaKeyPair> =
    LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());

impl Signer {
    pub(super) fn all() -> Vec<Self> {
        let rsa = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"].map(Self::rsa);
        let mut all = vec![
            Self::hmac(),
            Self::ec("ES256"),
            Self::ec("ES384"),
            Self::ed(),
        ];
        all.extend(rsa);
        all
    }

    pub(super) fn hmac() -> Self {
        Self::Hmac(b"0123456789abcdef0123456789abcdef".to_vec())
    }

    pub(super) fn rsa(name: &'static str) -> Self {
        Self::Rsa(&RSA, name)
    }

    pub(super) fn ec(name: &'static str) -> Self {
        let algorithm = match name {
            "ES384" => &ECDSA_P384_SHA384_FIXED_SIGNING,
            _ => &ECDSA_P256_SHA256_FIXED_SIGNING,
        };
        Self::Ec(EcdsaKeyPair::generate(algorithm).unwrap(), name)
    }

    pub(super) fn ed() -> Self {
        Self::Ed(Ed25519KeyPair::generate().unwrap())
    }

    pub(super) fn algorithm(&self) -> &'static str {
        match self {
            Self::Hmac(_) => "HS256",
            Self::Rsa(_, name) | Self::Ec(_, name) => name,
            Self::Ed(_) => "EdDSA",
        }
    }

    /// The same RSA key for another algorithm.
    pub(super) fn as_algorithm(&self, name: &'static str) -> Self {
        Self::rsa(name)
    }

    /// What others verify with: PEM, or the secret itself.
    pub(super) fn public(&self) -> String {
        let der = match self {
            Self::Hmac(secret) => return String::from_utf8(secret.clone()).unwrap(),
            Self::Rsa(pair, _) => pair.public_key().as_der().unwrap().as_ref().to_vec(),
            Self::Ec(pair, _) => pair.public_key().as_der().unwrap().as_ref().to_vec(),
            Self::Ed(pair) => pair.public_key().as_der().unwrap().as_ref().to_vec(),
        };
        let text = STANDARD.encode(der);
        let lines: Vec<&str> = (0..text.len())
            .step_by(64)
            .map(|at| &text[at..text.len().min(at + 64)])
            .collect();
        format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            lines.join("\n")
        )
    }

    /// The public key as a JWK.
    pub(super) fn jwk(&self, id: &str) -> Value {
        let b64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Hmac(secret) => json!({ "kty": "oct", "kid": id, "k": b64(secret) }),
            Self::Rsa(pair, _) => {
                // PKCS#1 of a key of 2048 bits: two headers, a zero, the modulus.
                let der = pair.public_key().as_ref();
                json!({ "kty": "RSA", "kid": id, "use": "sig", "n": b64(&der[9..265]), "e": "AQAB" })
            }
            Self::Ec(pair, name) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                json!({ "kty": "EC", "kid": id, "crv": format!("P-{}", &name[2..]), "x": b64(x), "y": b64(y), "alg": name })
            }
            Self::Ed(pair) => {
                json!({ "kty": "OKP", "kid": id, "crv": "Ed25519", "x": b64(pair.public_key().as_ref()) })
            }
        }
    }

    pub(super) fn token(&self, claims: &Value) -> String {
        self.token_with(&json!({}), claims)
    }

    /// A token with more in its header.
    pub(super) fn token_with(&self, header: &Value, claims: &Value) -> String {
        let mut header = header.clone();
        header["alg"] = self.algorithm().into();
        header["typ"] = "JWT".into();
        let message = message(&header, claims);
        let signature = URL_SAFE_NO_PAD.encode(self.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }

    /// The same token, signed by somebody else.
    pub(super) fn forge(&self, token: &str) -> String {
        let (message, _) = token.rsplit_once('.').unwrap();
        let other = match self {
            Self::Hmac(_) => Self::Hmac(vec![1; 32]),
            Self::Rsa(_, name) => {
                static OTHER: LazyLock<RsaKeyPair> =
                    LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());
                Self::Rsa(&OTHER, name)
            }
            Self::Ec(_, name) => Self::ec(name),
            Self::Ed(_) => Self::ed(),
        };
        format!(
            "{message}.{}",
            URL_SAFE_NO_PAD.encode(other.sign(message.as_bytes()))
        )
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Hmac(secret) => hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message)
                .as_ref()
                .to_vec(),
            Self::Rsa(pair, name) => {
                let padding: &'static dyn RsaEncoding = match *name {
                    "RS256" => &RSA_PKCS1_SHA256,
                    "RS384" => &RSA_PKCS1_SHA384,
                    "RS512" => &RSA_PKCS1_SHA512,
                    "PS256" => &RSA_PSS_SHA256,
                    "PS384" => &RSA_PSS_SHA384,
                    _ => &RSA_PSS_SHA512,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &random, message, &mut signature)
                    .unwrap();
                signature
            }
            Self::Ec(pair, _) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Ed(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }
}

/// A token that nobody signed.
pub(super) fn unsigned(claims: &Value, algorithm: &str) -> String {
    format!("{}.", message(&json!({ "alg": algorithm }), claims))
}

/// The token with other claims.
pub(super) fn tampered(token: &str) -> String {
    let parts: Vec<&str> = token.split('.').collect();
    let claims = URL_SAFE_NO_PAD.decode(parts[1]).unwrap();
    let claims = String::from_utf8(claims).unwrap().replace("ann", "bob");
    format!(
        "{}.{}.{}",
        parts[0],
        URL_SAFE_NO_PAD.encode(claims),
        parts[2]
    )
}

fn message(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}
