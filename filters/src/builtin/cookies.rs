//! Changes cookies: those that clients send, and those that the origin sets.

mod set;

use std::collections::BTreeMap;

use http::header::{COOKIE, HeaderValue, SET_COOKIE};
use pingora_http::ResponseHeader;
use schemars::JsonSchema;
use serde::Deserialize;

use self::set::{SetCookies, SetSettings};
use crate::exchange::Exchange;
use crate::filter::{
    Body, BuildError, Builder, Configured, Filter, FilterError, Flow, Phase, Phases,
};
use crate::parameters::Names;
use crate::settings::CookieName;

/// Changes cookies.
pub(crate) struct Cookies {
    keep: Option<Names>,
    drop: Names,
    rename: BTreeMap<String, String>,
    changes_request: bool,
    response: Option<SetCookies>,
}

/// Settings of `cookies`. Cookies of requests are changed before the cache is looked up: what is taken out can't keep a response
/// from being one for all. First `drop`, then `keep`, then `rename`; `session_*` names all that begin so.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The cookies of a request that stay, and with them no others. An empty list takes out all.
    keep: Option<Vec<String>>,
    /// Cookies to take out of requests.
    #[serde(default)]
    drop: Vec<String>,
    /// Cookies of requests and the names that later filters, the cache key and the origin know them by.
    #[serde(default)]
    #[schemars(title = "table of names")]
    rename: BTreeMap<String, CookieName>,
    /// Changes to the cookies that the origin sets, before its response is stored: first `drop`, then `keep`, then `rename`, then the
    /// attributes.
    response: Option<SetSettings>,
}

impl Configured for Cookies {
    const NAME: &'static str = "cookies";
    const SUMMARY: &'static str =
        "Keeps, drops and renames cookies of requests, and changes those that the origin sets.";
    const EXAMPLE: &'static str = r#"use = "cookies"
keep = ["session", "cart_*"]
response = { drop = ["_tracking*"], secure = true, http_only = true, same_site = "lax" }
"#;
    type Settings = Settings;

    fn new(settings: Settings, _: &Builder<'_>) -> Result<Self, BuildError> {
        let Settings {
            keep,
            drop,
            rename,
            response,
        } = settings;
        let changes_request = keep.is_some() || !drop.is_empty() || !rename.is_empty();
        if !changes_request && response.is_none() {
            return Err(BuildError::at(
                "",
                "nothing is changed: give `keep`, `drop`, `rename` or `response`",
            ));
        }
        if let Some(name) = rename.keys().find(|name| drop.contains(name)) {
            return Err(BuildError::at(
                format!("rename.{name}"),
                format!("`{name}` is in `drop` as well, which wins"),
            ));
        }
        Ok(Self {
            keep: keep.map(|names| names.into_iter().collect()),
            drop: drop.into_iter().collect(),
            rename: rename
                .into_iter()
                .map(|(old, CookieName(new))| (old, new))
                .collect(),
            changes_request,
            response: response.map(SetCookies::new).transpose()?,
        })
    }
}

impl Filter for Cookies {
    fn phases(&self) -> Phases {
        Phases::NONE
            .and_if(self.changes_request, Phase::Request)
            .and_if(self.response.is_some(), Phase::OriginResponse)
    }

    fn runs_in_lane(&self) -> bool {
        true
    }

    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        let lines = || exchange.request.headers.get_all(COOKIE).iter();
        if !lines().all(|line| pairs(line.as_bytes()).all(|pair| self.leaves(pair))) {
            let changed = self.change(lines());
            exchange.request.remove_header(&COOKIE);
            if !changed.is_empty() {
                let value = HeaderValue::from_bytes(&changed).map_err(|_| wrong())?;
                exchange
                    .request
                    .insert_header(COOKIE, value)
                    .map_err(|_| wrong())?;
            }
        }
        Ok(Flow::Continue)
    }

    fn origin_response(
        &self,
        _: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        if let Some(changes) = self
            .response
            .as_ref()
            .filter(|_| response.headers.contains_key(SET_COOKIE))
        {
            changes.apply(response)?;
        }
        Ok(Body::Untouched)
    }
}

impl Cookies {
    fn stays(&self, name: &[u8]) -> bool {
        !self.drop.have(name) && self.keep.as_ref().is_none_or(|keep| keep.have(name))
    }

    /// Whether a cookie stays as it is.
    fn leaves(&self, pair: &[u8]) -> bool {
        let name = name_of(pair);
        self.stays(name) && self.new_name(name).is_none()
    }

    fn new_name(&self, name: &[u8]) -> Option<&str> {
        let renamed = self.rename.get(std::str::from_utf8(name).ok()?)?;
        Some(renamed)
    }

    /// All cookies that stay, as one line.
    fn change<'v>(&self, lines: impl Iterator<Item = &'v HeaderValue>) -> Vec<u8> {
        let mut changed = Vec::with_capacity(128);
        for pair in lines.flat_map(|line| pairs(line.as_bytes())) {
            let name = name_of(pair);
            if !self.stays(name) {
                continue;
            }
            if !changed.is_empty() {
                changed.extend_from_slice(b"; ");
            }
            match self.new_name(name) {
                Some(new) => {
                    changed.extend_from_slice(new.as_bytes());
                    changed.extend_from_slice(
                        pair.get(name.len()..)
                            .unwrap_or_default()
                            .trim_ascii_start(),
                    );
                }
                None => changed.extend_from_slice(pair),
            }
        }
        changed
    }
}

/// The cookies of a line, each `name=value`.
fn pairs(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let pairs = line.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    pairs.filter(|pair| !pair.is_empty())
}

fn name_of(pair: &[u8]) -> &[u8] {
    pair.split(|byte| *byte == b'=')
        .next()
        .unwrap_or(pair)
        .trim_ascii_end()
}

fn wrong() -> FilterError {
    FilterError::new("the cookies that are left can't be sent")
}

#[cfg(test)]
mod tests;
