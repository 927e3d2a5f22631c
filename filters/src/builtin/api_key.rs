//! Lets in who has a key.

mod keys;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use http::header::{HeaderName, HeaderValue, WWW_AUTHENTICATE};
use schemars::JsonSchema;
use serde::Deserialize;

use self::keys::{Keys, Owner};
use crate::credentials::{Found, Place, Places, Secret, quoted, remove_claimed};
use crate::exchange::Exchange;
use crate::filter::{
    Answer, BuildError, Builder, Configured, Filter, FilterError, Flow, Phase, Phases,
};
use crate::outside::Tally;
use crate::settings::FieldName;

/// Lets in who has a key.
pub(crate) struct ApiKey {
    keys: Keys,
    from: Places,
    forward: bool,
    /// The header that tells the origin whose key it was; at most one.
    name_header: Vec<HeaderName>,
    is_told_apart: bool,
    challenge: HeaderValue,
    name: Arc<str>,
    missing: Arc<dyn Tally>,
    unknown: Arc<dyn Tally>,
}

/// Settings of `api_key`. A request without a key is answered with 401, one with a key that nobody has with 403.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// A file with a line for each key: the name of its owner, blanks, and the key, or `sha256:` and the SHA-256 of the
    /// key in hex or base64, so that the file tells nobody a key. `#` begins a comment. An owner may have several keys,
    /// which is how one is replaced. It is read with the configuration.
    #[schemars(title = "file")]
    file: Option<PathBuf>,
    /// Keys by the name of their owner, each written as in the file.
    #[serde(default)]
    keys: BTreeMap<String, Secret>,
    /// Where the key is looked for, in order: `{ header = "x-api-key" }`, `{ authorization = "Bearer" }` for what stands
    /// behind that scheme in `Authorization`, `{ query = "key" }` or `{ cookie = "key" }`. A place with two different
    /// values is taken for no key.
    #[serde(default = "x_api_key")]
    #[schemars(title = "list of places")]
    from: Places,
    /// Whether the origin gets the key. It is taken out of the request otherwise, so that no key is part of a URL in
    /// the cache.
    #[serde(default)]
    forward: bool,
    /// The header that tells the origin whose key it was; the same header of the client is removed.
    name_header: Option<FieldName>,
    /// Whether all owners may get the same stored response. Unless set they may when the origin can't tell them apart,
    /// and each has objects of their own in the cache when it gets the key or its owner's name.
    #[serde(default)]
    shared: bool,
    /// What the client is told that the key is for.
    #[serde(default = "api")]
    realm: String,
}

fn x_api_key() -> Places {
    const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
    Places::only(Place::Header(FieldName(X_API_KEY)))
}

fn api() -> String {
    "api".to_owned()
}

impl Configured for ApiKey {
    const NAME: &'static str = "api_key";
    const SUMMARY: &'static str = "Lets in who has a key, and tells the origin whose it is.";
    const EXAMPLE: &'static str = r#"use = "api_key"
file = "api.keys"
from = [{ header = "x-api-key" }, { query = "key" }]
name_header = "x-api-client"
"#;
    type Settings = Settings;

    fn new(settings: Settings, builder: &Builder<'_>) -> Result<Self, BuildError> {
        let mut keys = Keys::default();
        if let Some(file) = &settings.file {
            let text = builder.read("file", file)?;
            keys.read(&text).map_err(|message| {
                BuildError::at("file", format!("`{}`, {message}", file.display()))
            })?;
        }
        for (owner, key) in &settings.keys {
            keys.add(owner, key.reveal())
                .map_err(|message| BuildError::at(format!("keys.{owner}"), message))?;
        }
        if keys.is_empty() {
            let message = "there is no key: give a `file` or `keys`";
            return Err(BuildError::at("", message));
        }
        let scheme = match settings.from.have_authorization() {
            true => "Bearer",
            false => "ApiKey",
        };
        let challenge = format!("{scheme} realm={}", quoted(&settings.realm));
        Ok(Self {
            keys,
            from: settings.from,
            forward: settings.forward,
            is_told_apart: !settings.shared && (settings.forward || settings.name_header.is_some()),
            name_header: settings
                .name_header
                .map(|name| name.0)
                .into_iter()
                .collect(),
            challenge: HeaderValue::from_str(&challenge)
                .map_err(|_| BuildError::at("realm", "control characters can't be in a header"))?,
            name: builder.name.into(),
            missing: builder.tally("missing"),
            unknown: builder.tally("unknown"),
        })
    }
}

impl Filter for ApiKey {
    fn phases(&self) -> Phases {
        Phases::only(Phase::Request)
    }

    fn runs_in_lane(&self) -> bool {
        true
    }

    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        remove_claimed(exchange, &self.name_header);
        let Ok(Some(Found { place, value })) = self.from.find(exchange) else {
            return self.ask(exchange);
        };
        match self.keys.owner(value.as_bytes()) {
            Some(owner) => self.admit(exchange, owner, place),
            None => {
                exchange.outcomes.push(self.unknown.clone());
                Ok(Answer::refuse(403)?.flow())
            }
        }
    }
}

impl ApiKey {
    fn ask(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        exchange.outcomes.push(self.missing.clone());
        Ok(Answer::refuse(401)?
            .header(WWW_AUTHENTICATE, self.challenge.clone())?
            .flow())
    }

    fn admit(
        &self,
        exchange: &mut Exchange,
        owner: &Owner,
        place: usize,
    ) -> Result<Flow, FilterError> {
        self.from.strip(exchange, self.forward.then_some(place))?;
        for name in &self.name_header {
            let fails = |_| {
                FilterError::new(format!(
                    "`{name}` can't be added: there are too many headers"
                ))
            };
            exchange
                .request
                .insert_header(name, owner.value.clone())
                .map_err(fails)?;
        }
        if self.is_told_apart {
            exchange.chosen.distinguish(&self.name, owner.name.clone());
        }
        exchange
            .log
            .push(("key_owner".into(), owner.name.to_string()));
        Ok(Flow::Continue)
    }
}

#[cfg(test)]
mod tests;
