//! Signed URLs and signed cookies of CloudFront.
//!
//! What is signed is a policy, JSON that says for which URLs, until when and for whom. A canned policy is not sent but put
//! together again from the URL and the time; a custom one is.

mod key;
mod policy;
mod verified;

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use self::key::{Hash, PublicKey};
use self::policy::Policy;
use self::verified::Verified;
use super::settings::CloudFrontSettings;
use super::{Refusal, once};
use crate::credentials::cookies;
use crate::exchange::Exchange;
use crate::filter::{BuildError, Builder};

/// Verifies what was signed for CloudFront.
pub(super) struct CloudFront {
    keys: BTreeMap<String, PublicKey>,
    hosts: Vec<String>,
    verified: Verified,
}

/// The parts of a signature in the order of [`Sent::read`]; cookies are called the same behind `CloudFront-`.
const PARTS: [&str; 5] = [
    "Expires",
    "Policy",
    "Signature",
    "Key-Pair-Id",
    "Hash-Algorithm",
];
const COOKIE: &str = "CloudFront-";
/// Each is tried for a canned policy.
const MAX_HOSTS: usize = 8;

/// What a client sent.
struct Sent<'a> {
    terms: SentTerms<'a>,
    signature: Vec<u8>,
    key: &'a str,
    hash: Hash,
}

enum SentTerms<'a> {
    Canned { expires: &'a str },
    Custom { policy: Vec<u8> },
}

impl CloudFront {
    pub(super) fn new(
        settings: CloudFrontSettings,
        builder: &Builder<'_>,
    ) -> Result<Self, BuildError> {
        let mut keys = BTreeMap::new();
        for (id, file) in settings.keys {
            let place = format!("cloudfront.keys.{}", id.as_str());
            let text = builder.read(&place, &file)?;
            let key = PublicKey::read(&text).map_err(|message| {
                BuildError::at(place, format!("`{}`: {message}", file.display()))
            })?;
            keys.insert(String::from(id), key);
        }
        if keys.is_empty() {
            let message = "there is no key: `{ K2JCJMDEHXQW5F = \"cloudfront.pem\" }`";
            return Err(BuildError::at("cloudfront.keys", message));
        }
        let is_host = |host: &String| {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
            !host.is_empty() && host.bytes().all(is_plain)
        };
        if settings.hosts.len() > MAX_HOSTS || !settings.hosts.iter().all(is_host) {
            let message = format!(
                "these are at most {MAX_HOSTS} hosts such as `d111111abcdef8.cloudfront.net`"
            );
            return Err(BuildError::at("cloudfront.hosts", message));
        }
        Ok(Self {
            keys,
            hosts: settings.hosts,
            verified: Verified::new(),
        })
    }

    /// What a link is good for; `None` when it has none of CloudFront's parameters.
    pub(super) fn by_query(
        &self,
        exchange: &Exchange,
        now: u64,
    ) -> Option<Result<String, Refusal>> {
        let pairs = exchange.query()?.split('&');
        let sent = Sent::read(pairs, "")?;
        Some(sent.and_then(|sent| self.verify(&sent, exchange, now)))
    }

    /// The same for cookies.
    pub(super) fn by_cookies(
        &self,
        exchange: &Exchange,
        now: u64,
    ) -> Option<Result<String, Refusal>> {
        let sent = Sent::read(cookies(exchange), COOKIE)?;
        Some(sent.and_then(|sent| self.verify(&sent, exchange, now)))
    }

    fn verify(&self, sent: &Sent<'_>, exchange: &Exchange, now: u64) -> Result<String, Refusal> {
        let key = self.keys.get(sent.key).ok_or(Refusal::Invalid)?;
        let urls = self.urls(exchange);
        let is_signed = |policy: &[u8]| {
            let question = [
                sent.key.as_bytes(),
                &[sent.hash as u8],
                policy,
                &sent.signature,
            ];
            self.verified.knows_or(question, || {
                key.verifies(sent.hash, policy, &sent.signature)
            })
        };
        match &sent.terms {
            SentTerms::Canned { expires } => {
                let until = number(expires).ok_or(Refusal::Invalid)?;
                let mut policies = urls.iter().map(|url| policy::canned(url, until));
                if !policies.any(|policy| is_signed(policy.as_bytes())) {
                    return Err(Refusal::Invalid);
                }
                if now >= until {
                    return Err(Refusal::Expired);
                }
            }
            SentTerms::Custom { policy } => {
                if !is_signed(policy) {
                    return Err(Refusal::Invalid);
                }
                let policy = Policy::read(policy).ok_or(Refusal::Invalid)?;
                policy.allows(&urls, exchange.client.ip, now)?;
            }
        }
        Ok(sent.key.to_owned())
    }

    /// The URL that is asked for without CloudFront's parameters, with each host it may be signed for.
    fn urls(&self, exchange: &Exchange) -> Vec<String> {
        let scheme = exchange.client.scheme.as_str();
        let query = exchange.query().unwrap_or("");
        let rest: Vec<&str> = query
            .split('&')
            .filter(|pair| {
                !pair.is_empty() && !is_parameter(pair.split('=').next().unwrap_or(pair))
            })
            .collect();
        let mark = if rest.is_empty() { "" } else { "?" };
        let target = format!("{}{mark}{}", exchange.path(), rest.join("&"));
        let (host, whole) = (exchange.host(), exchange.header("host").unwrap_or(""));
        let asked = [host].into_iter().chain((whole != host).then_some(whole));
        asked
            .chain(self.hosts.iter().map(String::as_str))
            .map(|host| format!("{scheme}://{host}{target}"))
            .collect()
    }
}

impl<'a> Sent<'a> {
    /// Reads `name=value` pairs. `None` when there is none of CloudFront's.
    fn read(
        pairs: impl Iterator<Item = &'a str>,
        beginning: &str,
    ) -> Option<Result<Self, Refusal>> {
        let mut parts = [None; PARTS.len()];
        for pair in pairs {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = name.strip_prefix(beginning);
            if let Some(index) = PARTS.iter().position(|part| Some(*part) == name)
                && let Err(refusal) = once(&mut parts[index], value)
            {
                return Some(Err(refusal));
            }
        }
        parts
            .iter()
            .any(Option::is_some)
            .then(|| Self::of(parts).ok_or(Refusal::Invalid))
    }

    fn of([expires, policy, signature, key, hash]: [Option<&'a str>; PARTS.len()]) -> Option<Self> {
        Some(Self {
            terms: match (expires, policy) {
                (Some(expires), None) => SentTerms::Canned { expires },
                (None, Some(policy)) => SentTerms::Custom {
                    policy: decode(policy)?,
                },
                _ => return None,
            },
            signature: decode(signature?)?,
            key: key?,
            hash: match hash {
                None | Some("SHA1") => Hash::Sha1,
                Some("SHA256") => Hash::Sha256,
                Some(_) => return None,
            },
        })
    }
}

/// Whether a query parameter is part of a signature.
pub(super) fn is_parameter(name: &str) -> bool {
    PARTS.contains(&name)
}

/// Whether a cookie is.
pub(super) fn is_cookie(name: &str) -> bool {
    name.strip_prefix(COOKIE).is_some_and(is_parameter)
}

/// A number without a sign.
fn number(text: &str) -> Option<u64> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

/// Base64 with `-`, `_` and `~` for `+`, `=` and `/`.
fn decode(text: &str) -> Option<Vec<u8>> {
    let usual = text.bytes().map(|byte| match byte {
        b'-' => b'+',
        b'_' => b'=',
        b'~' => b'/',
        other => other,
    });
    STANDARD.decode(usual.collect::<Vec<u8>>()).ok()
}
