//! How those who test choose their variant.

use std::borrow::Cow;

use http::header::HeaderName;
use rimward_config::Cidr;
use schemars::JsonSchema;
use serde::Deserialize;

use super::super::headers::refuse;
use crate::exchange::Exchange;
use crate::filter::{BuildError, FilterError};
use crate::parameters::{name_of, value_of};
use crate::passphrase::Passphrase;
use crate::ranges::Ranges;
use crate::settings::FieldName;
use crate::target;

/// How those who test choose their variant.
pub(super) struct Force {
    query: Option<String>,
    header: Option<HeaderName>,
    cookie: Option<String>,
    from: Option<Ranges>,
    secret: Option<Passphrase>,
}

/// How those who test choose their variant.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ForceSettings {
    /// A parameter of the query: `/?x-ab=fast-lane`.
    query: Option<String>,
    /// A request header.
    header: Option<FieldName>,
    /// A cookie.
    cookie: Option<String>,
    /// The addresses and networks that may choose; all unless set.
    #[schemars(title = "list of networks")]
    from: Option<Vec<Cidr>>,
    /// What only those who may choose know, written behind the variant's name and a colon: `fast-lane:SECRET`. Not in a query, which
    /// is kept in logs and histories.
    secret: Option<Passphrase>,
}

impl Force {
    pub(super) fn new(settings: ForceSettings) -> Result<Self, BuildError> {
        let ForceSettings {
            query,
            header,
            cookie,
            from,
            secret,
        } = settings;
        if query.is_none() && header.is_none() && cookie.is_none() {
            let message = "by what? Name a `query` parameter, a `header` or a `cookie`";
            return Err(BuildError::at("force", message));
        }
        if query.is_some() && secret.is_some() {
            let message =
                "a secret in a query is kept in logs and histories: use a `header` or a `cookie`";
            return Err(BuildError::at("force.query", message));
        }
        if let Some(FieldName(name)) = &header {
            refuse(name, true).map_err(|message| BuildError::at("force.header", message))?;
        }
        Ok(Self {
            query,
            header: header.map(|FieldName(name)| name),
            cookie,
            from: from.map(|list| list.into_iter().map(|Cidr(net)| net).collect()),
            secret,
        })
    }

    /// The name of the variant that the client chose and may choose. Takes what said so out of the request.
    pub(super) fn take(&self, exchange: &mut Exchange) -> Result<Option<String>, FilterError> {
        let by_query = match &self.query {
            Some(name) => take_parameter(exchange, name)?,
            None => None,
        };
        let by_header = self.header.as_ref().and_then(|name| {
            let value = exchange.request.remove_header(name)?;
            Some(value.to_str().ok()?.to_owned())
        });
        let by_cookie = || {
            self.cookie
                .as_ref()
                .and_then(|name| exchange.cookie(name))
                .map(str::to_owned)
        };
        let wanted = by_query.or(by_header).or_else(by_cookie);
        let may_choose = self
            .from
            .as_ref()
            .is_none_or(|from| from.contains(exchange.client.ip));
        Ok(wanted
            .filter(|_| may_choose)
            .and_then(|wanted| self.name_in(wanted)))
    }

    /// The variant's name, if the secret is right.
    fn name_in(&self, wanted: String) -> Option<String> {
        let Some(secret) = &self.secret else {
            return Some(wanted);
        };
        let (name, given) = wanted.split_once(':')?;
        secret.is(given.as_bytes()).then(|| name.to_owned())
    }
}

/// Takes a parameter out of the query, and returns the first value.
fn take_parameter(exchange: &mut Exchange, name: &str) -> Result<Option<String>, FilterError> {
    let Some(query) = exchange.query() else {
        return Ok(None);
    };
    let is_it = |pair: &&str| *name_of(pair) == *name.as_bytes();
    let Some(pair) = query.split('&').find(is_it) else {
        return Ok(None);
    };
    let value = match value_of(pair) {
        Cow::Borrowed(value) => String::from_utf8_lossy(value).into_owned(),
        Cow::Owned(value) => String::from_utf8_lossy(&value).into_owned(),
    };
    let rest: Vec<&str> = query.split('&').filter(|pair| !is_it(pair)).collect();
    let (path, rest) = (exchange.path().to_owned(), rest.join("&"));
    target::set(exchange, &path, &rest)?;
    Ok(Some(value))
}
