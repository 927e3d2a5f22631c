//! Secrets of the edge.

use std::fmt;

use crate::Result;
use crate::host::secrets;

/// A secret. It stays in the edge, where [`crypto`](crate::crypto) uses it, unless it is revealed.
pub struct Secret(pub(crate) secrets::Secret);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// A secret by its name in the configuration.
///
/// # Errors
/// When there is none of this name, or the filter has no grant for it.
pub fn get(name: &str) -> Result<Secret> {
    Ok(Secret(secrets::get(name)?))
}

impl Secret {
    /// The secret itself.
    pub fn reveal(&self) -> Vec<u8> {
        self.0.reveal()
    }

    /// Whether somebody knows it. How long that takes does not tell how much of it was right.
    pub fn matches(&self, guess: impl AsRef<[u8]>) -> bool {
        is_same(&self.reveal(), guess.as_ref())
    }
}

fn is_same(secret: &[u8], guess: &[u8]) -> bool {
    let differing = secret.iter().zip(guess).fold(0, |differing, (one, other)| {
        std::hint::black_box(differing | (one ^ other))
    });
    secret.len() == guess.len() && differing == 0
}

#[cfg(test)]
mod tests {
    use super::is_same;

    #[test]
    fn only_the_same_bytes_are_the_same() {
        for (guess, same) in [
            ("abc", true),
            ("abx", false),
            ("ab", false),
            ("abcd", false),
            ("", false),
        ] {
            assert_eq!(is_same(b"abc", guess.as_bytes()), same, "{guess}");
        }
    }
}
