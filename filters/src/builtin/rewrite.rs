//! Changes what is asked for, before the cache key and the origin see it.

pub(super) mod path;
mod query;

use std::collections::BTreeMap;

use http::header::{HOST, HeaderValue};
use schemars::JsonSchema;
use serde::Deserialize;

use self::path::PathChange;
use self::query::QueryChange;
use crate::exchange::Exchange;
use crate::filter::{BuildError, Builder, Configured, Filter, FilterError, Flow, Phase, Phases};
use crate::target;
use crate::template::{Place, Template};

/// Changes what is asked for.
pub(crate) struct Rewrite {
    path: PathChange,
    query: Option<QueryChange>,
    host: Option<Template>,
}

/// Settings of `rewrite`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The new path, instead of the three changes below: `/product/{param.id}`.
    path: Option<Template>,
    /// Segments that are taken off the beginning of a path that has them; `/api` leaves `/apis` alone.
    strip_prefix: Option<String>,
    /// A pattern for the path (not the query) after `strip_prefix`; its first match is replaced.
    regex: Option<RegexSettings>,
    /// Segments that are put before the path at last.
    add_prefix: Option<String>,
    /// Changes to the query. First `replace`, then `remove`, then `set`.
    query: Option<QuerySettings>,
    /// The new host, which later filters, the cache key and the origin see. An origin with a `host` of its own keeps it.
    host: Option<Template>,
}

/// A pattern and what takes the place of its first match.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RegexSettings {
    /// A regular expression, matched in linear time. It matches anywhere in the path unless `^` and `$` bind it.
    r#match: String,
    /// What the match becomes: `$1` and `${name}` are its groups, `$$` is a dollar sign.
    replace: String,
}

/// Changes to the query.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct QuerySettings {
    /// The new query, without its question mark; empty for none.
    replace: Option<Template>,
    /// Parameters to take out; `utm_*` takes out all that begin so.
    #[serde(default)]
    remove: Vec<String>,
    /// Parameters and their new values, put behind those that stay.
    #[serde(default)]
    set: BTreeMap<String, Template>,
}

impl Configured for Rewrite {
    const NAME: &'static str = "rewrite";
    const SUMMARY: &'static str =
        "Changes the path, query or host that the cache and the origin are asked for.";
    const EXAMPLE: &'static str = r#"use = "rewrite"
strip_prefix = "/shop"
regex = { match = "^/item-([0-9]+)$", replace = "/items/$1" }
query = { remove = ["utm_*", "fbclid"], set = { country = "{country}" } }
"#;
    type Settings = Settings;

    fn new(settings: Settings, _: &Builder<'_>) -> Result<Self, BuildError> {
        let Settings {
            path,
            strip_prefix,
            regex,
            add_prefix,
            query,
            host,
        } = settings;
        if [
            path.is_some(),
            strip_prefix.is_some(),
            regex.is_some(),
            add_prefix.is_some(),
            query.is_some(),
            host.is_some(),
        ] == [false; 6]
        {
            return Err(BuildError::at(
                "",
                "nothing is rewritten: give `path`, `strip_prefix`, `query` or another change",
            ));
        }
        if let Some(host) = host.as_ref().and_then(Template::literal) {
            host_value(host).map_err(|error| BuildError::at("host", error.to_string()))?;
        }
        Ok(Self {
            path: PathChange::new(path, strip_prefix, regex, add_prefix)?,
            query: query.map(QueryChange::new).transpose()?,
            host,
        })
    }
}

impl Filter for Rewrite {
    fn phases(&self) -> Phases {
        Phases::only(Phase::Request)
    }

    fn runs_in_lane(&self) -> bool {
        true
    }

    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        // All is made from the request as it came, then all is changed.
        let host = match &self.host {
            Some(host) => Some(host_value(&host.render(exchange, Place::Text))?),
            None => None,
        };
        // `OPTIONS *` has no path.
        if exchange.path().starts_with('/') {
            let path = self.path.apply(exchange)?;
            let query = self.query.as_ref().map(|query| query.apply(exchange));
            if path.is_some() || query.is_some() {
                let path = path.unwrap_or_else(|| exchange.path().to_owned());
                let query = query.unwrap_or_else(|| exchange.query().unwrap_or("").to_owned());
                target::set(exchange, &path, &query)?;
            }
        }
        if let Some(host) = host {
            let fails = |_| FilterError::new("`host` can't be added: there are too many headers");
            exchange.request.insert_header(HOST, host).map_err(fails)?;
        }
        Ok(Flow::Continue)
    }
}

/// A `Host` that no server reads as anything else.
fn host_value(text: &str) -> Result<HeaderValue, FilterError> {
    let wrong = || {
        FilterError::new(format!(
            "`{}` is not a host such as `shop.example.com`",
            text.escape_debug()
        ))
    };
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    if text.is_empty() || text.len() > 255 || !text.bytes().all(is_host) {
        return Err(wrong());
    }
    text.parse::<http::uri::Authority>().map_err(|_| wrong())?;
    HeaderValue::from_str(&text.to_ascii_lowercase()).map_err(|_| wrong())
}

#[cfg(test)]
mod tests;
