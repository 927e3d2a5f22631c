//! A text that clients have to know to get what others don't.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use subtle::ConstantTimeEq;

/// A text that only some are to know: compared in constant time, never shown.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Passphrase(String);

/// Shorter ones are guessed.
const SHORTEST: usize = 8;

impl Passphrase {
    /// Whether somebody knows it. How long it is can be told from the time that this takes, nothing else.
    pub(crate) fn is(&self, given: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(given).into()
    }
}

impl TryFrom<String> for Passphrase {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let fits = |byte: u8| byte.is_ascii_graphic() && !b",;\"\\".contains(&byte);
        if text.len() < SHORTEST || !text.bytes().all(fits) {
            return Err(format!(
                "a secret has at least {SHORTEST} characters: letters, digits and signs but `,`, `;`, `\"` and `\\`"
            ));
        }
        Ok(Self(text))
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase")
    }
}

impl JsonSchema for Passphrase {
    fn schema_name() -> Cow<'static, str> {
        "Passphrase".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "title": "passphrase", "minLength": SHORTEST })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_or_not_and_never_shown() {
        let secret = Passphrase::try_from("open sesame".replace(' ', "-")).unwrap();
        for (given, knows) in [
            ("open-sesame", true),
            ("open-sesamE", false),
            ("open", false),
            ("", false),
        ] {
            assert_eq!(secret.is(given.as_bytes()), knows, "{given}");
        }
        assert!(!format!("{secret:?}").contains("sesame"));
        for wrong in ["short", "with a space", "semi;colon"] {
            let told = Passphrase::try_from(wrong.to_owned()).unwrap_err();
            assert!(
                told.contains("at least 8") && !told.contains(wrong),
                "{told}"
            );
        }
    }
}
