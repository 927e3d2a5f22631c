//! What only edges with the same secret can read and make (AES-256-GCM).

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::filter::{BuildError, FilterError};
use crate::secrets::Secrets;

/// Seals and opens texts. What was sealed for one purpose can't be opened for another.
pub(super) struct Sealer {
    /// The first one seals, all of them open.
    keys: Vec<RandomizedNonceKey>,
}

impl Sealer {
    pub(super) fn new(secrets: &Secrets) -> Result<Self, BuildError> {
        let keys = secrets.keys("oidc cookies")?;
        let keys = keys
            .iter()
            .map(|key| RandomizedNonceKey::new(&AES_256_GCM, key));
        let keys = keys.collect::<Result<_, _>>();
        keys.map(|keys| Self { keys })
            .map_err(|_| BuildError::at("cookie_secret_file", "no key can be made of it"))
    }

    /// Seals a text for a purpose, in letters that cookies may have.
    ///
    /// # Errors
    /// Never, but for a fault of the library.
    pub(super) fn seal(&self, purpose: &str, mut text: Vec<u8>) -> Result<String, FilterError> {
        let failed = || FilterError::new("a cookie can't be sealed");
        let key = self.keys.first().ok_or_else(failed)?;
        let nonce = key.seal_in_place_append_tag(Aad::from(purpose), &mut text);
        let nonce = nonce.map_err(|_| failed())?;
        let mut sealed = nonce.as_ref().to_vec();
        sealed.append(&mut text);
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// The text, if it was sealed for this purpose.
    pub(super) fn open(&self, purpose: &str, sealed: &str) -> Option<Vec<u8>> {
        let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
        self.keys.iter().find_map(|key| {
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let mut text = text.to_vec();
            let opened = key
                .open_in_place(nonce, Aad::from(purpose), &mut text)
                .ok()?;
            let length = opened.len();
            text.truncate(length);
            Some(text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(lines: &[&str]) -> Sealer {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), lines.join("\n")).unwrap();
        let builder = crate::filter::Builder::new(folder.path(), "test");
        let secrets = Secrets::read(&builder, "a", "secret".as_ref()).unwrap();
        Sealer::new(&secrets).unwrap()
    }

    const OLD: &str = "old old old old old old old old old";
    const NEW: &str = "new new new new new new new new new";

    #[test]
    fn what_is_sealed_is_opened_by_whoever_has_the_secret() {
        let old = sealer(&[OLD]);
        let sealed = old.seal("session", b"ann".to_vec()).unwrap();
        assert_ne!(sealed, old.seal("session", b"ann".to_vec()).unwrap());
        for (sealer, purpose, expected) in [
            (&old, "session", Some(b"ann".to_vec())),
            (&old, "sign-in", None),
            (&sealer(&[NEW, OLD]), "session", Some(b"ann".to_vec())),
            (&sealer(&[NEW]), "session", None),
        ] {
            assert_eq!(sealer.open(purpose, &sealed), expected);
        }
    }

    #[test]
    fn what_was_changed_is_not_opened() {
        let sealer = sealer(&[OLD]);
        let sealed = sealer.seal("session", b"ann".to_vec()).unwrap();
        for index in 0..sealed.len() {
            let mut changed = sealed.clone().into_bytes();
            changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(sealer.open("session", &changed), None, "{index}");
            assert_eq!(sealer.open("session", &sealed[..index]), None);
        }
        assert_eq!(sealer.open("session", "no base64 at all"), None);
    }
}
