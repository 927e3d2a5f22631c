//! Our own form of signed links and cookies.

mod keys;
mod signer;
mod terms;

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use self::keys::Keys;
pub use self::signer::{Signed, Terms, UrlSigner};
use self::terms::{Claimed, covers};
use super::Refusal;
use super::settings::Settings;
use crate::credentials::{Word, cookies};
use crate::exchange::Exchange;
use crate::filter::{BuildError, Builder};

/// Verifies links of our own form.
pub(super) struct Own {
    keys: Keys,
    parameters: Word,
    cookie: Option<Word>,
    any_host: bool,
    sign_query: bool,
}

impl Own {
    /// `None` when there are no keys for it.
    pub(super) fn new(
        settings: &Settings,
        builder: &Builder<'_>,
    ) -> Result<Option<Self>, BuildError> {
        let mut keys = Keys::default();
        if let Some(file) = &settings.file {
            let text = builder.read("file", file)?;
            keys.read(&text).map_err(|message| {
                BuildError::at("file", format!("`{}`, {message}", file.display()))
            })?;
        }
        for (name, secret) in &settings.keys {
            keys.add(name.clone(), secret.reveal())
                .map_err(|message| BuildError::at(format!("keys.{}", name.as_str()), message))?;
        }
        if keys.is_empty() {
            let message = "this is for links of our own form: give a `file` or `keys`";
            return match settings.cookie {
                Some(_) => Err(BuildError::at("cookie", message)),
                None => Ok(None),
            };
        }
        Ok(Some(Self {
            keys,
            parameters: settings.parameters.clone(),
            cookie: settings.cookie.clone(),
            any_host: settings.any_host,
            sign_query: settings.sign_query,
        }))
    }

    /// What a link is good for; `None` when it has none of our parameters.
    pub(super) fn by_query(
        &self,
        exchange: &Exchange,
        now: u64,
    ) -> Option<Result<String, Refusal>> {
        let query = exchange.query()?;
        let beginning = self.parameters.as_str();
        let pairs = query.split('&');
        let ours = pairs.filter_map(|pair| pair.strip_prefix(beginning));
        self.judge(Claimed::read(ours)?, exchange, now)
    }

    /// The same for a cookie.
    pub(super) fn by_cookie(
        &self,
        exchange: &Exchange,
        now: u64,
    ) -> Option<Result<String, Refusal>> {
        let name = self.cookie.as_ref()?;
        let mut ours = cookies(exchange).filter_map(|cookie| {
            let (key, value) = cookie.split_once('=')?;
            (key == name.as_str()).then_some(value)
        });
        let value = ours.next()?;
        if ours.any(|other| other != value) {
            return Some(Err(Refusal::Invalid));
        }
        let claimed = Claimed::read(value.split('&')).unwrap_or(Err(Refusal::Invalid));
        self.judge(claimed, exchange, now)
    }

    fn judge(
        &self,
        claimed: Result<Claimed, Refusal>,
        exchange: &Exchange,
        now: u64,
    ) -> Option<Result<String, Refusal>> {
        Some(claimed.and_then(|claimed| self.verify(&claimed, exchange, now)))
    }

    /// Verifies the signature first, so that nobody learns anything from the rest.
    fn verify(&self, claimed: &Claimed, exchange: &Exchange, now: u64) -> Result<String, Refusal> {
        let (name, key) = self.keys.get(&claimed.key).ok_or(Refusal::Invalid)?;
        let signature = URL_SAFE_NO_PAD
            .decode(claimed.signature.as_bytes())
            .map_err(|_| Refusal::Invalid)?;
        let query = exchange.query().unwrap_or("");
        let message = self.message(claimed, exchange.host(), exchange.path(), query);
        aws_lc_rs::hmac::verify(key, message.as_bytes(), &signature)
            .map_err(|_| Refusal::Invalid)?;
        if now >= claimed.expires {
            return Err(Refusal::Expired);
        }
        match self.is_for(claimed, exchange.path(), exchange.client.ip) {
            true => Ok(name.as_str().to_owned()),
            false => Err(Refusal::Elsewhere),
        }
    }

    fn is_for(&self, claimed: &Claimed, path: &str, ip: IpAddr) -> bool {
        let prefix = claimed.prefix.as_deref();
        prefix.is_none_or(|prefix| path.starts_with(prefix))
            && claimed.ip.as_deref().is_none_or(|net| covers(net, ip))
    }

    /// What is signed. Nothing in it can hold a line's end, so no two requests have the same but by meaning the same.
    fn message(&self, claimed: &Claimed, host: &str, path: &str, query: &str) -> String {
        let host = match self.any_host {
            true => String::new(),
            false => host.to_ascii_lowercase(),
        };
        let mut message = format!(
            "rimward-url-1\n{}\n{}\n{}\n{host}\n",
            claimed.key,
            claimed.expires,
            claimed.ip.as_deref().unwrap_or(""),
        );
        match &claimed.prefix {
            Some(prefix) => message.extend(["prefix ", prefix]),
            None => {
                message.extend(["url ", path]);
                let rest = query
                    .split('&')
                    .filter(|pair| self.sign_query && !pair.is_empty())
                    .filter(|pair| !self.is_parameter(pair.split('=').next().unwrap_or(pair)));
                for (index, pair) in rest.enumerate() {
                    message.extend([if index == 0 { "?" } else { "&" }, pair]);
                }
            }
        }
        message
    }

    /// Whether a query parameter is part of a signature.
    pub(super) fn is_parameter(&self, name: &str) -> bool {
        name.strip_prefix(self.parameters.as_str())
            .is_some_and(|part| terms::PARTS.contains(&part))
    }

    /// Whether a cookie is.
    pub(super) fn is_cookie(&self, name: &str) -> bool {
        self.cookie
            .as_ref()
            .is_some_and(|cookie| cookie.as_str() == name)
    }
}
