//! Signatures by keys that stay in the host.

use aws_lc_rs::digest;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use wasmtime::component::Resource;

use crate::filter::Secret;
use crate::wasm::abi::Error;
use crate::wasm::abi::rimward::filter::crypto::{Alg, Host};
use crate::wasm::state::State;

type Answer<T> = wasmtime::Result<Result<T, Error>>;

impl Host for State {
    fn sha256(&mut self, data: Vec<u8>) -> wasmtime::Result<Vec<u8>> {
        Ok(digest::digest(&digest::SHA256, &data).as_ref().to_vec())
    }

    fn sign(&mut self, a: Alg, key: Resource<Secret>, data: Vec<u8>) -> Answer<Vec<u8>> {
        Ok(sign(a, self.table.get(&key)?.reveal(), &data))
    }

    fn verify(
        &mut self,
        a: Alg,
        key: Resource<Secret>,
        data: Vec<u8>,
        mac: Vec<u8>,
    ) -> Answer<bool> {
        Ok(verify(a, self.table.get(&key)?.reveal(), &data, &mac))
    }
}

fn sign(algorithm: Alg, key: &[u8], data: &[u8]) -> Result<Vec<u8>, Error> {
    if let Some(hash) = mac(algorithm) {
        return Ok(hmac::sign(&hmac::Key::new(hash, key), data)
            .as_ref()
            .to_vec());
    }
    let (key, algorithm) = match algorithm {
        Alg::Es256 => (EncodingKey::from_ec_pem(key), Algorithm::ES256),
        Alg::Eddsa => (EncodingKey::from_ed_pem(key), Algorithm::EdDSA),
        _ => (EncodingKey::from_rsa_pem(key), Algorithm::RS256),
    };
    let key = key.map_err(|_| no_key("private"))?;
    let signed = jsonwebtoken::crypto::sign(data, &key, algorithm);
    let signed = signed.map_err(|_| no_key("private"))?;
    BASE64_URL_SAFE_NO_PAD
        .decode(signed)
        .map_err(|error| Error::Other(error.to_string()))
}

fn verify(algorithm: Alg, key: &[u8], data: &[u8], mac: &[u8]) -> Result<bool, Error> {
    if let Some(hash) = self::mac(algorithm) {
        return Ok(hmac::verify(&hmac::Key::new(hash, key), data, mac).is_ok());
    }
    let (key, algorithm) = match algorithm {
        Alg::Es256 => (DecodingKey::from_ec_pem(key), Algorithm::ES256),
        Alg::Eddsa => (DecodingKey::from_ed_pem(key), Algorithm::EdDSA),
        _ => (DecodingKey::from_rsa_pem(key), Algorithm::RS256),
    };
    let key = key.map_err(|_| no_key("public"))?;
    let mac = BASE64_URL_SAFE_NO_PAD.encode(mac);
    let verified = jsonwebtoken::crypto::verify(&mac, data, &key, algorithm);
    verified.map_err(|_| no_key("public"))
}

/// Those with one key for both sides; compared in constant time.
fn mac(algorithm: Alg) -> Option<hmac::Algorithm> {
    match algorithm {
        Alg::Hs256 => Some(hmac::HMAC_SHA256),
        Alg::Hs384 => Some(hmac::HMAC_SHA384),
        Alg::Hs512 => Some(hmac::HMAC_SHA512),
        Alg::Rs256 | Alg::Es256 | Alg::Eddsa => None,
    }
}

fn no_key(which: &str) -> Error {
    Error::Invalid(format!(
        "the secret is no {which} key of this algorithm, in PEM"
    ))
}
