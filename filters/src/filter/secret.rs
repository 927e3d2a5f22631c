//! A secret of `[secret.NAME]`, as a filter is given it.

use std::fmt;
use std::os::unix::ffi::OsStringExt;
use std::sync::Arc;

use rimward_config::SecretSource;

use super::{BuildError, Builder};

/// The longest secret, in bytes.
const MAX: usize = 64 << 10;

/// A secret that the configuration names. Nothing of it is ever shown.
#[derive(Clone)]
pub struct Secret(Arc<[u8]>);

impl Secret {
    /// What it is.
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }

    /// What a source holds, but for one line break at its end.
    pub(super) fn of(
        source: &SecretSource,
        builder: &Builder<'_>,
        key: &str,
        name: &str,
    ) -> Result<Self, BuildError> {
        let (mut bytes, place) = match source {
            SecretSource::File(path) => (
                builder.read_path(key, path.clone())?,
                format!("`{}`", path.display()),
            ),
            SecretSource::Env(variable) => (
                of_variable(key, variable, name)?,
                format!("the variable `{variable}`"),
            ),
        };
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
        }
        let wrong = |what| BuildError::at(key, format!("the secret `{name}` is {what}: {place}"));
        match bytes.len() {
            0 => Err(wrong("empty")),
            1..=MAX => Ok(Self(bytes.into())),
            _ => Err(wrong("longer than 64 KiB")),
        }
    }

    /// What stands for one whose source is not known.
    pub(super) fn unknown() -> Self {
        Self(Arc::from([]))
    }
}

fn of_variable(key: &str, variable: &str, name: &str) -> Result<Vec<u8>, BuildError> {
    let value = std::env::var_os(variable);
    let value = value.ok_or_else(|| {
        BuildError::at(
            key,
            format!("the variable `{variable}`, which holds the secret `{name}`, is not set"),
        )
    })?;
    Ok(value.into_vec())
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use super::*;
    use crate::outside::Surroundings;

    fn around(secrets: &[(&str, SecretSource)]) -> Surroundings {
        let secrets = secrets.iter();
        let secrets: BTreeMap<Arc<str>, SecretSource> = secrets
            .map(|(name, source)| ((*name).into(), source.clone()))
            .collect();
        Surroundings {
            secrets: Some(secrets),
            ..Surroundings::default()
        }
    }

    fn in_file(folder: &tempfile::TempDir, content: &[u8]) -> (SecretSource, PathBuf) {
        let path = folder.path().join("secret");
        std::fs::write(&path, content).unwrap();
        (SecretSource::File(path.clone()), path)
    }

    #[test]
    fn one_line_break_at_the_end_is_no_part_of_it() {
        let folder = tempfile::tempdir().unwrap();
        for (content, expected) in [
            (&b"key"[..], &b"key"[..]),
            (b"key\n", b"key"),
            (b"key\r\n", b"key"),
            (b"key\n\n", b"key\n"),
            (b" k\r", b" k\r"),
            (b"\xff\0\n", b"\xff\0"),
        ] {
            let (source, path) = in_file(&folder, content);
            let builder = Builder::new(folder.path(), "test").within(around(&[("a", source)]));
            assert_eq!(builder.secret("key", "a").unwrap().reveal(), expected);
            assert_eq!(
                builder.into_files(),
                [path],
                "a change of it calls for a reload"
            );
        }
    }

    #[test]
    fn a_variable_holds_one() {
        let source = SecretSource::Env("PATH".to_owned());
        let builder = Builder::new(std::path::Path::new("."), "test");
        let builder = builder.within(around(&[("a", source)]));
        let expected = std::env::var("PATH").unwrap();
        let secret = builder.secret("key", "a").unwrap();
        assert_eq!(secret.reveal(), expected.as_bytes());
        assert_eq!(format!("{secret:?}"), "Secret");
    }

    #[test]
    fn what_is_wrong_is_told_without_the_secret() {
        let folder = tempfile::tempdir().unwrap();
        let empty = in_file(&folder, b"\n").0;
        let long = folder.path().join("long");
        std::fs::write(&long, "not-to-be-told".repeat(5000)).unwrap();
        let absent = SecretSource::File(folder.path().join("absent"));
        let unset = SecretSource::Env("RIMWARD_TEST_UNSET".to_owned());
        let secrets = around(&[
            ("empty", empty),
            ("long", SecretSource::File(long)),
            ("absent", absent),
            ("unset", unset),
        ]);
        let builder = Builder::new(folder.path(), "test").within(secrets);
        for (name, expected) in [
            ("empty", "the secret `empty` is empty: `"),
            ("long", "the secret `long` is longer than 64 KiB: `"),
            ("absent", "absent` can't be read: "),
            (
                "unset",
                "the variable `RIMWARD_TEST_UNSET`, which holds the secret `unset`, is not set",
            ),
            ("emtpy", "there is no secret `emtpy`"),
        ] {
            let error = builder.secret("grants.secrets[0]", name).unwrap_err();
            assert!(error.message.contains(expected), "{name}: {error}");
            assert!(!error.message.contains("not-to-be-told"));
            assert_eq!(error.key, "grants.secrets[0]");
        }
        let error = builder.secret("key", "emtpy").unwrap_err();
        assert_eq!(error.help.as_deref(), Some("did you mean `empty`?"));
    }

    #[test]
    fn any_name_is_taken_where_names_are_not_known() {
        let builder = Builder::new(std::path::Path::new("."), "test");
        assert_eq!(builder.secret("key", "a").unwrap().reveal(), b"");
    }
}
