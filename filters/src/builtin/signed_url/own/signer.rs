//! Makes links that the filter lets in.

use std::path::Path;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Uri;
use percent_encoding::utf8_percent_encode;

use super::Own;
use super::terms::{Claimed, is_folder, network};
use crate::builtin::signed_url::settings::Settings;
use crate::filter::{BuildError, Builder};
use crate::target::normal_path;
use crate::template::NOT_UNRESERVED;

/// Makes links that a filter `signed_url` lets in.
pub struct UrlSigner(Own);

/// What a link is good for.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// The key that signs; `None` for the only one.
    pub key: Option<String>,
    /// The second since 1970 from which on it is good no more.
    pub expires: u64,
    /// The address or network that may use it.
    pub ip: Option<String>,
    /// The folder that it is good for, in place of the one URL.
    pub prefix: Option<String>,
}

/// A link, and the same as a cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The URL with its signature.
    pub url: String,
    /// `name=value`, when the filter takes a cookie.
    pub cookie: Option<String>,
}

impl UrlSigner {
    /// Signs as the filter with these settings verifies, whose files are in `folder`.
    ///
    /// # Errors
    /// With every mistake in the settings, or when they have no keys of our own form.
    pub fn new(settings: &toml::Table, folder: &Path) -> Result<Self, Vec<BuildError>> {
        let settings: Settings = rimward_config::decode(settings).map_err(|problems| {
            problems
                .into_iter()
                .map(BuildError::from)
                .collect::<Vec<_>>()
        })?;
        let own = Own::new(&settings, &Builder::new(folder, "signed_url"));
        match own.map_err(|error| vec![error])? {
            Some(own) => Ok(Self(own)),
            None => Err(vec![BuildError::at(
                "",
                "there is no key to sign with: give a `file` or `keys`",
            )]),
        }
    }

    /// Signs an absolute URL.
    ///
    /// # Errors
    /// With what is wrong with the URL or the terms.
    pub fn sign(&self, url: &str, terms: &Terms) -> Result<Signed, String> {
        let (name, key) = self.0.keys.choose(terms.key.as_deref())?;
        // A browser keeps what is behind `#` to itself.
        let uri: Uri = url
            .split('#')
            .next()
            .unwrap_or(url)
            .parse()
            .map_err(|_| format!("`{url}` is not a URL such as `https://example.com/a`"))?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(format!(
                "`{url}` is not an absolute URL such as `https://example.com/a`"
            ));
        };
        let path = normal_path(uri.path()).map_err(|error| error.to_string())?;
        let query: Vec<&str> = uri
            .query()
            .unwrap_or("")
            .split('&')
            .filter(|pair| !self.0.is_parameter(pair.split('=').next().unwrap_or(pair)))
            .collect();
        let query = query.join("&");
        let claimed = Claimed {
            expires: terms.expires,
            key: name.as_str().to_owned(),
            ip: terms.ip.as_deref().map(address).transpose()?,
            prefix: terms
                .prefix
                .as_deref()
                .map(|prefix| folder(prefix, &path))
                .transpose()?,
            signature: String::new(),
        };
        let message = self.0.message(&claimed, authority.host(), &path, &query);
        let signature = URL_SAFE_NO_PAD.encode(hmac::sign(key, message.as_bytes()));
        let parts = written(&Claimed {
            signature,
            ..claimed
        });
        let beginning = self.0.parameters.as_str();
        let ours: Vec<String> = parts
            .iter()
            .map(|part| format!("{beginning}{part}"))
            .collect();
        let and = if query.is_empty() { "" } else { "&" };
        Ok(Signed {
            url: format!(
                "{scheme}://{authority}{path}?{query}{and}{}",
                ours.join("&")
            ),
            cookie: self
                .0
                .cookie
                .as_ref()
                .map(|name| format!("{}={}", name.as_str(), parts.join("&"))),
        })
    }
}

fn written(claimed: &Claimed) -> Vec<String> {
    // A slash needs no escape in a query or a cookie, and a colon neither.
    let encode = |text: &str| {
        let text = utf8_percent_encode(text, NOT_UNRESERVED).to_string();
        text.replace("%2F", "/").replace("%3A", ":")
    };
    let parts = [
        Some(format!("expires={}", claimed.expires)),
        Some(format!("key={}", claimed.key)),
        claimed.ip.as_ref().map(|ip| format!("ip={}", encode(ip))),
        claimed
            .prefix
            .as_ref()
            .map(|prefix| format!("prefix={}", encode(prefix))),
        Some(format!("signature={}", claimed.signature)),
    ];
    parts.into_iter().flatten().collect()
}

fn address(text: &str) -> Result<String, String> {
    match network(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err(format!(
            "`{text}` is not an address or a network such as `192.0.2.0/24`"
        )),
    }
}

fn folder(prefix: &str, path: &str) -> Result<String, String> {
    if !is_folder(prefix) {
        return Err(format!("`{prefix}` is not a folder such as `/videos/`"));
    }
    let prefix = normal_path(prefix).map_err(|error| error.to_string())?;
    match path.starts_with(&prefix) {
        true => Ok(prefix),
        false => Err(format!("`{path}` is not below `{prefix}`")),
    }
}
