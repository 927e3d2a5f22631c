//! Changes to the cookies that an origin sets (RFC 6265, section 4.1).

use std::borrow::Cow;
use std::collections::BTreeMap;

use http::header::{HeaderValue, SET_COOKIE};
use pingora_http::ResponseHeader;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::filter::{BuildError, FilterError};
use crate::parameters::Names;
use crate::settings::CookieName;

/// Changes to `Set-Cookie`.
pub(super) struct SetCookies {
    keep: Option<Names>,
    drop: Names,
    rename: BTreeMap<String, String>,
    only: Option<Names>,
    attributes: Vec<Attribute>,
}

/// Changes to the cookies that the origin sets. First `drop`, then `keep`, then `rename`, then the attributes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetSettings {
    /// The cookies that may be set, and with them no others.
    keep: Option<Vec<String>>,
    /// Cookies that are not set. A response whose last cookie is taken out may be stored.
    #[serde(default)]
    drop: Vec<String>,
    /// Cookies and the names that clients get them by.
    #[serde(default)]
    #[schemars(title = "table of names")]
    rename: BTreeMap<String, CookieName>,
    /// Whose attributes are changed, by the name that clients get; those of all unless set.
    only: Option<Vec<String>>,
    /// `Secure` is added with `true` and taken out with `false`.
    secure: Option<bool>,
    /// `HttpOnly` is added with `true` and taken out with `false`.
    http_only: Option<bool>,
    /// `SameSite` becomes `"lax"`, `"strict"` or `"none"`.
    #[schemars(title = "word")]
    same_site: Option<SameSite>,
    /// `Domain` becomes this, or is taken out with `""`: then the cookie is for the host that was asked for.
    domain: Option<String>,
    /// `Path` becomes this, or is taken out with `""`.
    path: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum SameSite {
    Lax,
    Strict,
    None,
}

/// What becomes of an attribute.
struct Attribute {
    name: &'static str,
    /// `; Name=value`; `None` takes it out.
    text: Option<String>,
}

impl SetCookies {
    pub(super) fn new(settings: SetSettings) -> Result<Self, BuildError> {
        let SetSettings {
            keep,
            drop,
            rename,
            only,
            secure,
            http_only,
            same_site,
            domain,
            path,
        } = settings;
        let flag = |name, is_on: Option<bool>| {
            is_on.map(|is_on| Attribute {
                name,
                text: is_on.then(|| format!("; {name}")),
            })
        };
        let valued = |key: &str, name, value: Option<String>| {
            value.map(|value| with_value(key, name, &value)).transpose()
        };
        let same_site = same_site.map(|same_site| match same_site {
            SameSite::Lax => "Lax",
            SameSite::Strict => "Strict",
            SameSite::None => "None",
        });
        let attributes = [
            valued("domain", "Domain", domain)?,
            valued("path", "Path", path)?,
            flag("Secure", secure),
            flag("HttpOnly", http_only),
            valued("same_site", "SameSite", same_site.map(str::to_owned))?,
        ];
        let attributes: Vec<_> = attributes.into_iter().flatten().collect();
        if keep.is_none() && drop.is_empty() && rename.is_empty() && attributes.is_empty() {
            return Err(BuildError::at(
                "response",
                "nothing is changed: give `drop`, `rename` or an attribute such as `secure`",
            ));
        }
        Ok(Self {
            keep: keep.map(|names| names.into_iter().collect()),
            drop: drop.into_iter().collect(),
            rename: rename
                .into_iter()
                .map(|(old, CookieName(new))| (old, new))
                .collect(),
            only: only.map(|names| names.into_iter().collect()),
            attributes,
        })
    }

    pub(super) fn apply(&self, response: &mut ResponseHeader) -> Result<(), FilterError> {
        let cookies = response.headers.get_all(SET_COOKIE).iter();
        let changed: Vec<HeaderValue> = cookies.filter_map(|cookie| self.change(cookie)).collect();
        response.remove_header(&SET_COOKIE);
        for cookie in changed {
            let added = response.append_header(SET_COOKIE, cookie);
            added.map_err(|_| {
                FilterError::new("`set-cookie` can't be added: there are too many headers")
            })?;
        }
        Ok(())
    }

    /// What becomes of a cookie; `None` when it is not set. One that is not text stays as it is.
    fn change(&self, cookie: &HeaderValue) -> Option<HeaderValue> {
        let Ok(text) = cookie.to_str() else {
            return Some(cookie.clone());
        };
        let mut parts = text.split(';').map(str::trim);
        let pair = parts.next().unwrap_or("");
        let name = pair.split('=').next().unwrap_or(pair).trim_end();
        if self.drop.have(name.as_bytes())
            || self
                .keep
                .as_ref()
                .is_some_and(|keep| !keep.have(name.as_bytes()))
        {
            return None;
        }
        let (name, pair): (&str, Cow<'_, str>) = match self.rename.get(name) {
            Some(new) => (new, [new, &pair[name.len()..]].concat().into()),
            None => (name, pair.into()),
        };
        let is_meant = self
            .only
            .as_ref()
            .is_none_or(|only| only.have(name.as_bytes()));
        let attributes = if is_meant { &*self.attributes } else { &[] };
        let mut changed = pair.into_owned();
        let is_left = |part: &&str| {
            !part.is_empty() && !attributes.iter().any(|attribute| attribute.is(part))
        };
        for part in parts.filter(is_left) {
            changed.extend(["; ", part]);
        }
        changed.extend(
            attributes
                .iter()
                .filter_map(|attribute| attribute.text.as_deref()),
        );
        HeaderValue::from_str(&changed).ok()
    }
}

impl Attribute {
    /// Whether a part of a cookie is this attribute.
    fn is(&self, part: &str) -> bool {
        let name = part.split('=').next().unwrap_or(part);
        name.trim_end().eq_ignore_ascii_case(self.name)
    }
}

fn with_value(key: &str, name: &'static str, value: &str) -> Result<Attribute, BuildError> {
    let fits = |byte: u8| byte.is_ascii_graphic() && !b";,".contains(&byte);
    if !value.bytes().all(fits) {
        let message = format!("`{value}` can't be an attribute of a cookie: no spaces, `;` or `,`");
        return Err(BuildError::at(format!("response.{key}"), message));
    }
    Ok(Attribute {
        name,
        text: (!value.is_empty()).then(|| format!("; {name}={value}")),
    })
}
