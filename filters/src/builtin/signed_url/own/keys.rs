//! Secrets by name.

use aws_lc_rs::hmac::{HMAC_SHA256, Key};

use crate::credentials::{Word, without_comment};

/// Secrets by name, in the order of the file.
#[derive(Default)]
pub(super) struct Keys(Vec<(Word, Key)>);

/// What is shorter than the hash can be guessed sooner than that.
const MIN_LENGTH: usize = 32;

impl Keys {
    /// Adds those of a file. An error names the line and what would have been right, never the secret.
    pub(super) fn read(&mut self, text: &str) -> Result<(), String> {
        for (index, line) in text.lines().enumerate() {
            let line = without_comment(line);
            if line.is_empty() {
                continue;
            }
            let added = match line.split_once(char::is_whitespace) {
                Some((name, secret)) => {
                    Word::try_from(name.to_owned()).and_then(|name| self.add(name, secret.trim()))
                }
                None => Err("a line is a name, blanks and a secret".to_owned()),
            };
            added.map_err(|message| format!("line {}: {message}", index + 1))?;
        }
        Ok(())
    }

    pub(super) fn add(&mut self, name: Word, secret: &str) -> Result<(), String> {
        if secret.contains(char::is_whitespace) || secret.len() < MIN_LENGTH {
            return Err(format!(
                "a secret has at least {MIN_LENGTH} characters and no blanks, as `openssl rand -hex 32` makes them"
            ));
        }
        if self.get(name.as_str()).is_some() {
            return Err(format!("there is a key `{}` already", name.as_str()));
        }
        self.0
            .push((name, Key::new(HMAC_SHA256, secret.as_bytes())));
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn get(&self, name: &str) -> Option<(&Word, &Key)> {
        let found = self.0.iter().find(|(known, _)| known.as_str() == name);
        found.map(|(name, key)| (name, key))
    }

    /// The only one, or the one of a name.
    pub(super) fn choose(&self, name: Option<&str>) -> Result<(&Word, &Key), String> {
        let names = || {
            let names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
            names.join(", ")
        };
        match (name, self.0.as_slice()) {
            (Some(name), _) => self
                .get(name)
                .ok_or_else(|| format!("there is no key `{name}`: {}", names())),
            (None, [(name, key)]) => Ok((name, key)),
            (None, _) => Err(format!("there are several keys, name one: {}", names())),
        }
    }
}
