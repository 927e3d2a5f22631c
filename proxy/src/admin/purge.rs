//! Purging by URL.

use http::{HeaderMap, Uri};
use rimward_cache::{Mode, Purge};

use crate::edge::Process;
use crate::request::key::{Parts, key};

/// Why a URL can't be purged.
#[derive(Debug, thiserror::Error)]
pub enum PurgeError {
    /// It is no URL with scheme and host.
    #[error("`{0}` is not an absolute URL such as `https://www.example.com/path`")]
    NotAbsolute(String),
    /// No site has its host.
    #[error("no site has the host `{0}`")]
    UnknownHost(String),
    /// Its path could not be asked for.
    #[error("the path can't be asked for: {0}")]
    BadPath(String),
}

/// Removes the object of a URL with all its variants, or makes it stale.
pub(crate) fn purge(process: &Process, url: &str, soft: bool) -> Result<(), PurgeError> {
    let not_absolute = || PurgeError::NotAbsolute(url.to_owned());
    let uri: Uri = url.parse().map_err(|_| not_absolute())?;
    let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else {
        return Err(not_absolute());
    };
    let runtime = process.runtime.load();
    let site = runtime
        .hosts
        .find(host)
        .ok_or_else(|| PurgeError::UnknownHost(host.to_owned()))?;
    let path = rimward_config::normalise_path(uri.path())
        .map_err(|bad| PurgeError::BadPath(bad.to_string()))?;
    let authority = uri.authority().map_or(host, |authority| authority.as_str());
    let mode = if soft { Mode::Soft } else { Mode::Hard };
    let store = process.cache.objects();
    for policy in site
        .paths
        .all(&path)
        .into_iter()
        .filter_map(|route| route.cache.as_ref())
    {
        let parts = Parts {
            scheme,
            host: authority,
            path: &path,
            query: uri.query(),
            headers: &HeaderMap::new(),
            country: None,
        };
        let key = key(&policy.key, &parts);
        store.purge(&Purge::Url(key.as_ref()), mode);
    }
    Ok(())
}
