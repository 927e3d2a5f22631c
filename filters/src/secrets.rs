//! Secrets that cookies are sealed and signed with: several at a time, so that one can be replaced without anybody noticing.

use std::path::Path;

use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};

use crate::filter::{BuildError, Builder};

/// How many secrets there may be: each is tried on what the first ones don't fit.
const MAX: usize = 10;
/// A shorter text can be guessed.
const MIN_LENGTH: usize = 32;

/// Secrets, the one in use first. Nothing of them is ever shown.
pub(crate) struct Secrets(Vec<Box<[u8]>>);

impl Secrets {
    /// The lines of a file, but for empty ones and comments.
    ///
    /// # Errors
    /// When there is none, or one that is too short, with `key` as the place of the fault.
    pub(crate) fn read(builder: &Builder<'_>, key: &str, file: &Path) -> Result<Self, BuildError> {
        let text = builder.read(key, file)?;
        let wrong =
            |message: String| BuildError::at(key, format!("`{}`: {message}", file.display()));
        let lines = text.lines().map(str::trim).enumerate();
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let mut secrets = Vec::new();
        for (index, line) in lines {
            if line.len() < MIN_LENGTH {
                return Err(wrong(format!(
                    "line {} is too short for a secret: at least {MIN_LENGTH} characters, as `openssl rand -base64 32` writes them",
                    index + 1
                )));
            }
            secrets.push(line.as_bytes().into());
        }
        match secrets.len() {
            0 => Err(wrong(
                "there is no secret in it: write one with `openssl rand -base64 32`".to_owned(),
            )),
            1..=MAX => Ok(Self(secrets)),
            more => Err(wrong(format!(
                "there are {more} secrets in it: at most {MAX}, the one in use first"
            ))),
        }
    }

    /// A secret that nobody else has, nor this process the next time.
    pub(crate) fn random() -> Self {
        Self(vec![rand::random::<[u8; 32]>().into()])
    }

    /// A key of each of them for one purpose (HKDF, RFC 5869).
    ///
    /// # Errors
    /// Never, but for a fault of the library.
    pub(crate) fn keys(&self, purpose: &str) -> Result<Vec<[u8; 32]>, BuildError> {
        let key = |secret: &[u8]| {
            let mut key = [0; 32];
            let extracted = Salt::new(HKDF_SHA256, b"rimward").extract(secret);
            let info = [purpose.as_bytes()];
            let expanded = extracted.expand(&info, HKDF_SHA256);
            expanded
                .and_then(|expanded| expanded.fill(&mut key))
                .map(|()| key)
        };
        let keys = self
            .0
            .iter()
            .map(|secret| key(secret))
            .collect::<Result<_, _>>();
        keys.map_err(|_| BuildError::at("", "no key can be made of the secret"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Secrets, BuildError> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secrets"), text).unwrap();
        let builder = Builder::new(folder.path(), "test");
        Secrets::read(&builder, "cookie_secret_file", Path::new("secrets"))
    }

    #[test]
    fn each_line_is_a_secret_and_each_purpose_has_its_key() {
        let (one, two) = ("a".repeat(32), "b".repeat(40));
        let both = read(&format!("# in use\n{one}\n\n  {two}\n")).unwrap();
        let keys = both.keys("seal").unwrap();
        assert_eq!(keys.len(), 2);
        assert_eq!(read(&one).unwrap().keys("seal").unwrap(), keys[..1]);
        assert_ne!(both.keys("sign").unwrap(), keys);
        assert_ne!(
            Secrets::random().keys("seal").unwrap(),
            Secrets::random().keys("seal").unwrap()
        );
    }

    #[test]
    fn mistakes_are_told_without_the_secret() {
        let short = "\n\nnot-to-be-told";
        for (text, expected) in [
            ("", "there is no secret in it"),
            ("# nothing", "there is no secret in it"),
            (
                short,
                "line 3 is too short for a secret: at least 32 characters",
            ),
            (
                &format!("{}\n", "c".repeat(32)).repeat(11),
                "there are 11 secrets in it: at most 10",
            ),
        ] {
            let error = read(text).err().unwrap();
            assert!(error.message.contains(expected), "{error}");
            assert!(!error.message.contains("not-to-be-told"));
        }
    }
}
