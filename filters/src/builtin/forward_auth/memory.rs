//! The decisions that are remembered.

use std::sync::Arc;

use blake2::Blake2sMac256;
use blake2::digest::{KeyInit, Mac};
use http::header::COOKIE;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use super::asking::{Asking, is_among};
use super::decision::{Decision, Verdict};
use super::flights::Flights;
use super::settings::{CacheSettings, KeyPart};
use crate::exchange::Exchange;
use crate::filter::BuildError;
use crate::settings::{CookieName, FieldName, FieldNames};
use crate::template::{Place, Template};

/// What a decision is found by: a digest of the key with a secret of the process, so that what is in memory tells no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Digest {
    bytes: [u8; 32],
    /// Whether the key names headers or cookies and the request has none of them.
    is_bare: bool,
}

/// The decisions that are remembered.
pub(super) struct Memory {
    secret: [u8; 32],
    key: Key,
    decisions: Cache<Digest, Arc<Decision>, ahash::RandomState>,
    /// Who is asking for what.
    pub(super) flights: Flights,
}

/// What makes two requests alike.
enum Key {
    /// All that the auth origin is told: the circumstances, what it is asked for, and these headers.
    All(Template, Vec<FieldNames>),
    /// These alone.
    Parts(Vec<KeyPart>),
}

const MAX_ENTRIES: u64 = 1_000_000;

impl Memory {
    /// A memory as the settings have it.
    ///
    /// # Errors
    /// When a setting is out of bounds.
    pub(super) fn of(
        settings: Option<&CacheSettings>,
        asking: &Asking,
    ) -> Result<Option<Self>, BuildError> {
        let Some(settings) = settings else {
            return Ok(None);
        };
        if settings.ttl.0.is_zero() {
            let message = "it has to be more than zero; leave `cache` out to remember nothing";
            return Err(BuildError::at("cache.ttl", message));
        }
        if !(1..=MAX_ENTRIES).contains(&settings.max_entries) {
            let message = format!(
                "`{}` is out of bounds: 1 to {MAX_ENTRIES}",
                settings.max_entries
            );
            return Err(BuildError::at("cache.max_entries", message));
        }
        let key = match &settings.key {
            None => Key::All(asking.path().clone(), asking.told().to_vec()),
            Some(parts) if parts.is_empty() => {
                let message = "one decision would hold for everybody: name what it hangs on, such as `{ cookie = \"session\" }`";
                return Err(BuildError::at("cache.key", message));
            }
            Some(parts) => Key::Parts(parts.clone()),
        };
        let decisions = Cache::builder()
            .max_capacity(settings.max_entries)
            .time_to_live(settings.ttl.0)
            .eviction_policy(EvictionPolicy::lru())
            .build_with_hasher(ahash::RandomState::new());
        Ok(Some(Self {
            secret: rand::random(),
            key,
            decisions,
            flights: Flights::default(),
        }))
    }

    pub(super) fn recall(&self, digest: &Digest) -> Option<Arc<Decision>> {
        self.decisions.get(digest)
    }

    /// Remembers a decision. A request without any of the secrets that the key names, which passed nevertheless, may have
    /// had them in a form that only the auth origin reads; so that decision holds for nobody else.
    /// Returns whether it holds for others.
    pub(super) fn remember(&self, digest: Digest, decision: &Arc<Decision>) -> bool {
        let passes = matches!(decision.verdict, Verdict::Allowed { .. });
        let is_for_all = decision.can_be_shared && !(passes && digest.is_bare);
        if is_for_all {
            self.decisions.insert(digest, decision.clone());
        }
        is_for_all
    }

    /// What the decision for a request is found by.
    pub(super) fn digest(&self, exchange: &Exchange) -> Digest {
        let mut digester = Digester {
            mac: <Blake2sMac256 as KeyInit>::new(&self.secret.into()),
            has_secret: false,
        };
        let names_secrets = match &self.key {
            Key::All(path, told) => {
                digester.value(path.render(exchange, Place::Uri).as_bytes());
                digester.all(told, exchange);
                false
            }
            Key::Parts(parts) => {
                parts.iter().for_each(|part| digester.part(part, exchange));
                let is_secret = |part| matches!(part, &KeyPart::Header(_) | &KeyPart::Cookie(_));
                parts.iter().any(is_secret)
            }
        };
        Digest {
            is_bare: names_secrets && !digester.has_secret,
            bytes: digester.mac.finalize().into_bytes().into(),
        }
    }
}

/// Digests values so that where one ends and the next begins is told.
struct Digester {
    mac: Blake2sMac256,
    has_secret: bool,
}

impl Digester {
    fn value(&mut self, value: &[u8]) {
        Mac::update(&mut self.mac, &(value.len() as u64).to_le_bytes());
        Mac::update(&mut self.mac, value);
    }

    /// One of several values under one name; [`Digester::end`] stands behind the last.
    fn secret(&mut self, value: &[u8]) {
        self.has_secret |= !value.is_empty();
        self.value(value);
    }

    fn end(&mut self) {
        Mac::update(&mut self.mac, &u64::MAX.to_le_bytes());
    }

    fn all(&mut self, told: &[FieldNames], exchange: &Exchange) {
        use KeyPart::{ClientIp, Host, Method, Scheme, Uri};
        for part in [Method, Scheme, Host, Uri, ClientIp] {
            self.part(&part, exchange);
        }
        for (name, value) in &exchange.request.headers {
            if told.iter().any(|names| is_among(names, name)) {
                self.value(name.as_str().as_bytes());
                self.value(value.as_bytes());
            }
        }
    }

    fn part(&mut self, part: &KeyPart, exchange: &Exchange) {
        let request = &exchange.request;
        match part {
            KeyPart::Method => self.value(request.method.as_str().as_bytes()),
            KeyPart::Scheme => self.value(exchange.client.scheme.as_str().as_bytes()),
            KeyPart::Host => {
                let host = exchange.header("host").unwrap_or("");
                self.value(host.to_ascii_lowercase().as_bytes());
            }
            KeyPart::Path => self.value(exchange.path().as_bytes()),
            KeyPart::Uri => {
                let uri = request.uri.path_and_query();
                self.value(uri.map_or("/", |uri| uri.as_str()).as_bytes());
            }
            KeyPart::ClientIp => {
                self.value(exchange.client.ip.to_canonical().to_string().as_bytes())
            }
            KeyPart::Header(FieldName(name)) => {
                let values = request.headers.get_all(name).iter();
                values.for_each(|value| self.secret(value.as_bytes()));
                self.end();
            }
            KeyPart::Cookie(CookieName(name)) => {
                let fields = request.headers.get_all(COOKIE).iter();
                let pairs = fields.flat_map(|field| field.as_bytes().split(|byte| *byte == b';'));
                for pair in pairs.map(<[u8]>::trim_ascii) {
                    let value = pair.strip_prefix(name.as_bytes());
                    if let Some(value) = value.and_then(|value| value.strip_prefix(b"=")) {
                        self.secret(value);
                    }
                }
                self.end();
            }
        }
    }
}
