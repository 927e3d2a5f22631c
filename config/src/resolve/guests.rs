//! `[guests]` and `[secret.NAME]`.

use std::collections::BTreeMap;

use crate::config::{CacheDisk, Guests, Secret, SecretSource};
use crate::document;
use crate::load::Loaded;
use crate::problem::Problem;
use crate::value::ByteSize;

use super::{Names, Scope};

pub(crate) fn guests(
    written: document::Guests,
    cache: Option<&CacheDisk>,
    scope: &mut Scope<'_>,
) -> Guests {
    let default = Guests::default();
    let path = written.path.map(|path| scope.path("path", &path));
    if path.is_some() && path.as_ref() == cache.map(|disk| &disk.path) {
        scope.tell(
            "path",
            "this folder is the cache's alone (`cache.disk.path`): write another one",
        );
    }
    Guests {
        path,
        instances: scope.count(
            "instances",
            written.instances,
            1..=100_000,
            default.instances,
        ),
        memory: scope.size(
            "memory",
            written.memory,
            ByteSize(64 << 10)..=ByteSize(4 << 30),
            ByteSize(default.memory),
        ),
    }
}

/// The secrets in the order of `names`.
pub(crate) fn secrets(
    files: &mut [Loaded],
    names: &Names,
    problems: &mut Vec<Problem>,
) -> Vec<Secret> {
    let mut written: BTreeMap<String, document::Secret> = BTreeMap::new();
    for file in files.iter_mut().rev() {
        // Backwards, so that of two with one name the first is taken; the second is told by `Names`.
        written.append(&mut file.document.secret);
    }
    let secret = |(name, source): &(String, _)| {
        let source = secret(
            written.remove(name)?,
            &mut Scope::new(Clone::clone(source), problems),
        )?;
        let name = name.clone();
        Some(Secret { name, source })
    };
    names.iter().filter_map(secret).collect()
}

fn secret(written: document::Secret, scope: &mut Scope<'_>) -> Option<SecretSource> {
    match (written.file, written.env) {
        (Some(file), None) => Some(SecretSource::File(scope.path("file", &file))),
        (None, Some(name)) if is_variable(&name) => Some(SecretSource::Env(name)),
        (None, Some(_)) => {
            // What stands here may be the secret itself by mistake, and is not repeated.
            scope.tell(
                "env",
                "this can't be the name of a variable: letters, digits and `_`, such as `PRICE_KEY`",
            );
            None
        }
        (Some(_), Some(_)) => {
            scope.tell(
                "env",
                "a secret is in a `file` or in `env`, not in both: leave one out",
            );
            None
        }
        (None, None) => {
            if !scope.source.misses("file") && !scope.source.misses("env") {
                scope.tell("", "a secret needs a `file` or `env`, which hold it");
            }
            None
        }
    }
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
