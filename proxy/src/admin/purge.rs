//! What can be purged, and purging it.

use http::{HeaderMap, Uri};
use rimward_cache::purge::JournalError;
use rimward_cache::{Key, Mode, Purge};
use rimward_filters::Phase;
use serde::Deserialize;

use crate::edge::Process;
use crate::request::key::{Parts, key};

/// What an order has to be.
const EXPECTED: &str = r#"exactly one of "url", "prefix", "host", "surrogate_key", "surrogate_keys" and "all" is expected, such as {"url": "https://www.example.com/path"}; "soft": true makes stale what else would be gone"#;
/// Characters of the longest surrogate key and of the longest prefix.
const LONGEST: usize = 8192;

/// Something to purge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// What.
    pub target: Target,
    /// Whether it becomes stale and not gone.
    pub soft: bool,
}

/// What can be purged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The objects of an absolute URL: all variants, under every key that the site's routes could make.
    Url(String),
    /// All objects whose host and path begin like this URL, whose scheme and port are not looked at.
    Prefix(String),
    /// All objects of a host.
    Host(String),
    /// All objects with one of these labels.
    SurrogateKeys(Vec<String>),
    /// Every object.
    Everything,
}

/// Why an order can't be carried out.
#[derive(Debug, thiserror::Error)]
pub enum PurgeError {
    /// It is not what an order has to be.
    #[error("{0}: {EXPECTED}")]
    Malformed(String),
    /// It is no URL with scheme and host.
    #[error("`{0}` is not an absolute URL such as `https://www.example.com/path`")]
    NotAbsolute(String),
    /// It is no host and path.
    #[error(
        "`{0}` is not a prefix such as `https://www.example.com/path/` or `www.example.com/path/`"
    )]
    BadPrefix(String),
    /// It ends as patterns of routes do.
    #[error(
        "`{0}` ends with `*`, but a prefix is what the URLs begin with, such as `https://www.example.com/path/`"
    )]
    Pattern(String),
    /// It is no host.
    #[error("`{0}` is not a host such as `www.example.com`")]
    BadHost(String),
    /// It is nothing that an object can be labelled with.
    #[error(
        "`{0}` is not a surrogate key: 1 to {LONGEST} ASCII characters, no space at either end"
    )]
    BadSurrogateKey(String),
    /// No site has its host.
    #[error("no site has the host `{0}`")]
    UnknownHost(String),
    /// Its path could not be asked for.
    #[error("the path can't be asked for: {0}")]
    BadPath(String),
}

/// An order as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    url: Option<String>,
    prefix: Option<String>,
    host: Option<String>,
    surrogate_key: Option<String>,
    surrogate_keys: Option<Vec<String>>,
    all: Option<bool>,
    #[serde(default)]
    soft: bool,
}

impl Order {
    /// Reads an order: a JSON object.
    ///
    /// # Errors
    /// When it is anything else, or names more or less than one target.
    pub fn parse(json: &[u8]) -> Result<Self, PurgeError> {
        let malformed = |error: serde_json::Error| PurgeError::Malformed(error.to_string());
        let document: Document = serde_json::from_slice(json).map_err(malformed)?;
        let soft = document.soft;
        if document.all == Some(false) {
            let message = "\"all\" can only be true".to_owned();
            return Err(PurgeError::Malformed(message));
        }
        let keys = document.surrogate_keys.map(Target::SurrogateKeys);
        let key = document.surrogate_key;
        let mut targets = [
            document.url.map(Target::Url),
            document.prefix.map(Target::Prefix),
            document.host.map(Target::Host),
            key.map(|key| Target::SurrogateKeys(vec![key])),
            keys,
            document.all.map(|_| Target::Everything),
        ]
        .into_iter()
        .flatten();
        match (targets.next(), targets.count()) {
            (Some(target), 0) => Ok(Self { target, soft }),
            (None, _) => Err(PurgeError::Malformed(
                "nothing to purge is named".to_owned(),
            )),
            (Some(_), more) => {
                let message = format!("{} things to purge are named", more + 1);
                Err(PurgeError::Malformed(message))
            }
        }
    }
}

/// Carries out an order. What comes back says why it holds only until the edge is restarted, if that is so.
pub(crate) fn purge(process: &Process, order: &Order) -> Result<Option<JournalError>, PurgeError> {
    let work = Work {
        process,
        mode: if order.soft { Mode::Soft } else { Mode::Hard },
    };
    match &order.target {
        Target::Url(url) => {
            let keys = keys(process, url)?;
            let purges = keys.iter().map(|key| Purge::Url(key.as_ref()));
            Ok(work.all("url", purges))
        }
        Target::Prefix(prefix) => {
            let (host, path) = host_and_path(process, prefix)?;
            let purge = Purge::Prefix {
                host: &host,
                path: &path,
            };
            Ok(work.all("prefix", [purge]))
        }
        Target::Host(host) if is_host(host) => Ok(work.all("host", [Purge::Host(host)])),
        Target::Host(host) => Err(PurgeError::BadHost(host.clone())),
        Target::SurrogateKeys(keys) => {
            if keys.is_empty() {
                let message = "\"surrogate_keys\" is empty".to_owned();
                return Err(PurgeError::Malformed(message));
            }
            if let Some(key) = keys.iter().find(|key| !is_surrogate_key(key)) {
                return Err(PurgeError::BadSurrogateKey(key.clone()));
            }
            let purges = keys.iter().map(|key| Purge::SurrogateKey(key));
            Ok(work.all("surrogate_key", purges))
        }
        Target::Everything => Ok(work.all("all", [Purge::Everything])),
    }
}

struct Work<'a> {
    process: &'a Process,
    mode: Mode,
}

impl Work<'_> {
    fn all<'p>(
        &self,
        kind: &'static str,
        purges: impl IntoIterator<Item = Purge<'p>>,
    ) -> Option<JournalError> {
        let objects = self.process.cache.objects();
        let mode = match self.mode {
            Mode::Hard => "hard",
            Mode::Soft => "soft",
        };
        let mut unrecorded = None;
        for purge in purges {
            unrecorded = objects.purge(&purge, self.mode).or(unrecorded);
            self.process.metrics.purged(kind, mode);
        }
        unrecorded
    }
}

/// The keys that the routes of its site could make of a URL. What headers, cookies and countries add to them is left out.
pub(super) fn keys(process: &Process, url: &str) -> Result<Vec<Key>, PurgeError> {
    let not_absolute = || PurgeError::NotAbsolute(url.to_owned());
    let uri: Uri = url.parse().map_err(|_| not_absolute())?;
    let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else {
        return Err(not_absolute());
    };
    if uri
        .authority()
        .is_some_and(|authority| authority.as_str().contains('@'))
    {
        return Err(not_absolute());
    }
    let runtime = process.runtime.load();
    let site = runtime
        .hosts
        .find(host)
        .ok_or_else(|| PurgeError::UnknownHost(host.to_owned()))?;
    let path = rimward_config::normalise_path(uri.path())
        .map_err(|bad| PurgeError::BadPath(bad.to_string()))?;
    let no_fields = HeaderMap::new();
    let parts = Parts {
        scheme,
        host: uri.authority().map_or(host, |authority| authority.as_str()),
        path: &path,
        query: uri.query(),
        headers: &|| &no_fields,
        country: None,
        chosen: None,
        origin: None,
    };
    let matching = site.paths.all(&path).into_iter();
    // Filters may have turned requests for other paths into ones for this.
    let others = site.paths.every().into_iter();
    let others = others.filter(|route| route.pipeline.takes_part(Phase::Request));
    let routes = matching.chain(others);
    let policies = routes.filter_map(|route| route.cache.as_ref());
    let mut keys: Vec<Key> = Vec::new();
    for key in policies.map(|policy| key(&policy.key, &parts)) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    Ok(keys)
}

fn host_and_path(process: &Process, prefix: &str) -> Result<(String, String), PurgeError> {
    let bad = || PurgeError::BadPrefix(prefix.to_owned());
    if prefix.ends_with('*') {
        return Err(PurgeError::Pattern(prefix.to_owned()));
    }
    let absolute = if prefix.contains("://") {
        prefix.to_owned()
    } else {
        format!("https://{prefix}")
    };
    let uri: Uri = absolute.parse().map_err(|_| bad())?;
    let host = uri.host().filter(|host| is_host(host)).ok_or_else(bad)?;
    if uri.query().is_some() || prefix.len() > LONGEST {
        return Err(bad());
    }
    if process.runtime.load().hosts.find(host).is_none() {
        return Err(PurgeError::UnknownHost(host.to_owned()));
    }
    let path = rimward_config::normalise_path(uri.path())
        .map_err(|bad| PurgeError::BadPath(bad.to_string()))?;
    Ok((host.to_owned(), path.into_owned()))
}

/// Whether it is a host, perhaps with a port, and nothing else.
fn is_host(text: &str) -> bool {
    text.parse().is_ok_and(|authority: http::uri::Authority| {
        authority.as_str() == text && !text.contains(['@', '*']) && !authority.host().is_empty()
    })
}

/// Whether an object can have it: members of `Cache-Tag` may have spaces in them.
fn is_surrogate_key(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len())
        && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        && text.trim() == text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_names_one_target() {
        let keys = |keys: &[&str]| {
            Target::SurrogateKeys(keys.iter().map(|key| (*key).to_owned()).collect())
        };
        for (json, target, soft) in [
            (
                r#"{"url": "https://a/b"}"#,
                Target::Url("https://a/b".into()),
                false,
            ),
            (
                r#"{"prefix": "a/b", "soft": true}"#,
                Target::Prefix("a/b".into()),
                true,
            ),
            (
                r#"{"host": "a", "soft": false}"#,
                Target::Host("a".into()),
                false,
            ),
            (r#"{"surrogate_key": "img"}"#, keys(&["img"]), false),
            (
                r#"{"surrogate_keys": ["a", "b"]}"#,
                keys(&["a", "b"]),
                false,
            ),
            (r#"{"all": true}"#, Target::Everything, false),
        ] {
            assert_eq!(
                Order::parse(json.as_bytes()).unwrap(),
                Order { target, soft },
                "{json}"
            );
        }
        for (json, mistake) in [
            ("", "EOF"),
            ("[]", "expected"),
            ("{}", "nothing to purge is named"),
            (r#"{"soft": true}"#, "nothing to purge is named"),
            (
                r#"{"url": "https://a/", "all": true}"#,
                "2 things to purge are named",
            ),
            (r#"{"all": false}"#, "\"all\" can only be true"),
            (r#"{"uri": "https://a/"}"#, "unknown field `uri`"),
            (r#"{"url": 1}"#, "invalid type"),
        ] {
            let error = Order::parse(json.as_bytes()).unwrap_err().to_string();
            assert!(
                error.contains(mistake) && error.contains(EXPECTED),
                "{json}: {error}"
            );
        }
    }

    #[test]
    fn hosts_and_surrogate_keys_are_told_from_other_things() {
        for host in [
            "www.example.com",
            "localhost",
            "a:8080",
            "127.0.0.1",
            "[::1]",
            "[::1]:80",
        ] {
            assert!(is_host(host), "{host}");
        }
        for other in ["", "a/b", "https://a", "a b", "*.a", "me@a", ":80"] {
            assert!(!is_host(other), "{other}");
        }
        assert!(is_surrogate_key("product/42") && is_surrogate_key("c d"));
        for other in ["", " a", "a ", "é", "a\n", &"x".repeat(8193)] {
            assert!(!is_surrogate_key(other), "{other}");
        }
    }
}
