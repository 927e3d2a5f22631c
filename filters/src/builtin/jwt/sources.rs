//! Where keys come from.

use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;

use super::keys::{Key, KeySet};
use super::remote::Remote;
use super::settings::{Encoding, SourceSettings};
use crate::filter::{BuildError, Builder};
use crate::outside::Outside;

/// All places that keys come from.
pub(super) struct Sources {
    list: Vec<Source>,
    /// Asked by what is fetched in the background, for as long as this filter is there.
    _outside: Arc<dyn Outside>,
}

struct Source {
    keys: Keys,
    pinned: Option<Algorithm>,
}

enum Keys {
    Fixed(Arc<KeySet>),
    Remote(Arc<Remote>),
}

impl Sources {
    pub(super) fn new(
        settings: Vec<SourceSettings>,
        builder: &Builder<'_>,
    ) -> Result<Self, BuildError> {
        if settings.is_empty() {
            let message =
                "there is no key: `{ file = \"issuer.pem\" }` or `{ url = \"https://…\" }`";
            return Err(BuildError::at("keys", message));
        }
        let outside = builder.outside();
        let mut list = Vec::with_capacity(settings.len());
        for (index, settings) in settings.into_iter().enumerate() {
            let key = format!("keys[{index}]");
            list.push(Source::new(&key, settings, builder, &outside)?);
        }
        Ok(Self {
            list,
            _outside: outside,
        })
    }

    /// Counts up whenever keys change, so that what was verified before is verified again.
    pub(super) fn generation(&self) -> u64 {
        self.remotes()
            .fold(0, |sum, remote| sum.wrapping_add(remote.generation()))
    }

    /// Sees to it that keys are fetched.
    pub(super) fn tend(&self) {
        self.remotes().for_each(Remote::tend);
    }

    /// Whether it is worth waiting for keys that are not there yet.
    pub(super) fn may_learn(&self) -> bool {
        self.remotes().any(|remote| remote.may_learn())
    }

    /// Whether it is the lack of such keys that a token is not verified by.
    pub(super) fn may_help(&self) -> bool {
        self.may_learn() || !self.are_there()
    }

    /// Waits for them, for a short time.
    pub(super) async fn learn(&self) {
        for remote in self.remotes().filter(|remote| remote.may_learn()) {
            remote.learn().await;
        }
    }

    /// Whether each place has given its keys once.
    pub(super) fn are_there(&self) -> bool {
        self.remotes().all(|remote| remote.keys().is_some())
    }

    /// Tries the keys that verify `algorithm` and may have that `kid`, until one gives something. `None` when there is no
    /// such key.
    pub(super) fn try_each<T>(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
        mut attempt: impl FnMut(&Key) -> Option<T>,
    ) -> Option<Option<T>> {
        let mut left = MAX_ATTEMPTS;
        for source in &self.list {
            let keys = match &source.keys {
                Keys::Fixed(keys) => Some(keys.clone()),
                Keys::Remote(remote) => remote.keys(),
            };
            for key in keys.iter().flat_map(|keys| &keys.0) {
                let is_named = match (&key.id, kid) {
                    (Some(id), Some(kid)) => id == kid,
                    _ => true,
                };
                if !is_named || key.algorithm(source.pinned) != Some(algorithm) {
                    continue;
                }
                if left == 0 {
                    return Some(None);
                }
                left -= 1;
                if let Some(found) = attempt(key) {
                    return Some(Some(found));
                }
            }
        }
        (left < MAX_ATTEMPTS).then_some(None)
    }

    fn remotes(&self) -> impl Iterator<Item = &Arc<Remote>> {
        self.list.iter().filter_map(|source| match &source.keys {
            Keys::Remote(remote) => Some(remote),
            Keys::Fixed(_) => None,
        })
    }
}

/// So many signatures are verified for one token.
const MAX_ATTEMPTS: usize = 16;

impl Source {
    fn new(
        key: &str,
        settings: SourceSettings,
        builder: &Builder<'_>,
        outside: &Arc<dyn Outside>,
    ) -> Result<Self, BuildError> {
        let SourceSettings {
            file,
            secret,
            secret_file,
            url,
            algorithm,
            id,
            encoding,
        } = settings;
        let pinned = algorithm.map(|algorithm| algorithm.0);
        let wrong = |message: String| BuildError::at(key, message);
        let given = [
            file.is_some(),
            secret.is_some(),
            secret_file.is_some(),
            url.is_some(),
        ];
        if given.into_iter().filter(|given| *given).count() != 1 {
            let message = "give one of `file`, `secret`, `secret_file` and `url`";
            return Err(wrong(message.to_owned()));
        }
        if encoding.is_some() && secret.is_none() && secret_file.is_none() {
            return Err(wrong("`encoding` is that of a secret".to_owned()));
        }
        if let Some(url) = url {
            if id.is_some() {
                return Err(wrong(
                    "keys at a URL have an `id` each themselves".to_owned(),
                ));
            }
            let remote = Remote::of(&url, outside).map_err(wrong)?;
            return Ok(Self {
                keys: Keys::Remote(remote),
                pinned,
            });
        }
        let mut keys = match (file, secret, secret_file) {
            (Some(file), ..) => from_file(key, &file, builder)?,
            (_, Some(secret), _) => {
                let bytes = decoded(secret.reveal(), encoding).map_err(wrong)?;
                KeySet(vec![Key::secret(&bytes, pinned).map_err(wrong)?])
            }
            (.., secret_file) => {
                let file = secret_file.unwrap_or_default();
                let text = builder.read(&format!("{key}.secret_file"), &file)?;
                let bytes =
                    decoded(text.trim_end_matches(['\r', '\n']), encoding).map_err(wrong)?;
                KeySet(vec![Key::secret(&bytes, pinned).map_err(wrong)?])
            }
        };
        if let Some(id) = id {
            match keys.0.as_mut_slice() {
                [key] => key.id = Some(id),
                _ => return Err(wrong("`id` is for a file with one key".to_owned())),
            }
        }
        if let Some(unfit) = keys.0.iter().find(|key| key.algorithm(pinned).is_none()) {
            let name = unfit
                .id
                .as_ref()
                .map_or(String::new(), |id| format!(" `{id}`"));
            return Err(wrong(format!("the key{name} is not for this `algorithm`")));
        }
        Ok(Self {
            keys: Keys::Fixed(Arc::new(keys)),
            pinned,
        })
    }
}

fn from_file(key: &str, file: &Path, builder: &Builder<'_>) -> Result<KeySet, BuildError> {
    let key = format!("{key}.file");
    let text = builder.read(&key, file)?;
    KeySet::read(&text)
        .map_err(|message| BuildError::at(key, format!("`{}`: {message}", file.display())))
}

fn decoded(secret: &str, encoding: Option<Encoding>) -> Result<Vec<u8>, String> {
    match encoding.unwrap_or_default() {
        Encoding::Text => Ok(secret.as_bytes().to_vec()),
        Encoding::Base64 => STANDARD
            .decode(secret)
            .map_err(|_| "the secret is not base64".to_owned()),
        Encoding::Base64url => URL_SAFE_NO_PAD
            .decode(secret.trim_end_matches('='))
            .map_err(|_| "the secret is not base64url".to_owned()),
        Encoding::Hex => unhex(secret).ok_or_else(|| "the secret is not hex".to_owned()),
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let byte = |at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    (0..text.len()).step_by(2).map(byte).collect()
}
