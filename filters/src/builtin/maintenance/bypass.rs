//! Who may come in while a site is closed.

use http::header::HeaderName;
use schemars::JsonSchema;
use serde::Deserialize;

use super::super::headers::refuse;
use crate::exchange::Exchange;
use crate::filter::BuildError;
use crate::passphrase::Passphrase;
use crate::settings::FieldName;

/// Who may come in while a site is closed.
pub(super) struct Bypass {
    header: Option<HeaderName>,
    cookie: Option<String>,
    secret: Passphrase,
}

/// How others who may come in show it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BypassSettings {
    /// A request header that has the secret. The origin doesn't get it.
    header: Option<FieldName>,
    /// A cookie that has the secret.
    cookie: Option<String>,
    /// What only those who may come in know.
    secret: Passphrase,
}

impl Bypass {
    pub(super) fn new(settings: BypassSettings) -> Result<Self, BuildError> {
        let BypassSettings {
            header,
            cookie,
            secret,
        } = settings;
        if header.is_none() && cookie.is_none() {
            return Err(BuildError::at(
                "bypass",
                "where is the secret? Name a `header` or a `cookie`",
            ));
        }
        if let Some(FieldName(name)) = &header {
            refuse(name, true).map_err(|message| BuildError::at("bypass.header", message))?;
        }
        Ok(Self {
            header: header.map(|FieldName(name)| name),
            cookie,
            secret,
        })
    }

    /// Whether the request has the secret. Takes the header out.
    pub(super) fn take(&self, exchange: &mut Exchange) -> bool {
        let by_cookie = self.cookie.as_ref().and_then(|name| exchange.cookie(name));
        let by_cookie = by_cookie.is_some_and(|value| self.secret.is(value.as_bytes()));
        let by_header = self
            .header
            .as_ref()
            .and_then(|name| exchange.request.remove_header(name));
        by_cookie || by_header.is_some_and(|value| self.secret.is(value.as_bytes()))
    }
}
