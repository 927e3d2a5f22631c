//! Cryptography, which the edge does: keys stay there, and it is as fast as in any filter.

use crate::Result;
use crate::host::crypto;
use crate::secrets::Secret;

pub use crate::host::crypto::Alg as Algorithm;

/// The SHA-256 of some bytes.
pub fn sha256(data: &[u8]) -> Vec<u8> {
    crypto::sha256(data)
}

/// Signs some bytes.
///
/// # Errors
/// When the secret is no key of this algorithm.
pub fn sign(algorithm: Algorithm, key: &Secret, data: &[u8]) -> Result<Vec<u8>> {
    Ok(crypto::sign(algorithm, &key.0, data)?)
}

/// Whether a signature is right, compared in constant time.
///
/// # Errors
/// When the secret is no key of this algorithm.
pub fn verify(algorithm: Algorithm, key: &Secret, data: &[u8], signature: &[u8]) -> Result<bool> {
    Ok(crypto::verify(algorithm, &key.0, data, signature)?)
}

/// Bytes as hexadecimal digits, in lower case.
pub fn to_hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

/// Bytes from hexadecimal digits, in either case; nothing when it is anything else.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
        return None;
    };
    let byte = |&[high, low]: &[u8; 2]| u8::try_from(digit(high)? << 4 | digit(low)?).ok();
    pairs.iter().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::{from_hex, to_hex};

    #[test]
    fn hexadecimal_goes_both_ways() {
        assert_eq!(to_hex(&[0, 10, 255]), "000aff");
        for (text, bytes) in [
            ("000aFF", Some(vec![0, 10, 255])),
            ("", Some(vec![])),
            ("0", None),
            ("0g", None),
            ("é", None),
        ] {
            assert_eq!(from_hex(text), bytes, "{text}");
        }
    }
}
