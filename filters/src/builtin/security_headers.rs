//! Sends the headers that tell browsers what a page may do.

mod nonce;
mod policy;
mod preset;

use std::collections::BTreeMap;

use http::StatusCode;
use http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY_REPORT_ONLY, HeaderName, HeaderValue,
    STRICT_TRANSPORT_SECURITY,
};
use pingora_http::ResponseHeader;
use rimward_config::MediaPattern;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::bodies::Rewritable;
use crate::exchange::{Exchange, Scheme};
use crate::filter::{Body, BuildError, Builder, Configured, Filter, FilterError, Phase, Phases};
use crate::markup::{Charset, PageRewriter, Selector};
use crate::settings::{FieldName, refuse_framing};
use nonce::Nonce;
use policy::{Policy, PolicySettings};
use preset::Preset;

/// The most memory for a page that gets nonces, in bytes.
const MAX_MEMORY: usize = 1 << 20;

/// Sends the headers that tell browsers what a page may do.
pub(crate) struct SecurityHeaders {
    fields: Vec<(HeaderName, HeaderValue)>,
    policies: Vec<(HeaderName, Policy)>,
    removed: Vec<HeaderName>,
    overwrite: bool,
    pages: Rewritable,
    nonce_for: Vec<Selector>,
}

/// Settings of `security_headers`. What it sends is not stored. A policy with `{nonce}` gets a fresh nonce of 128 bits for each
/// page, and the page's elements get it as their attribute `nonce`, so that the pages are rewritten for each client: routes
/// with one are not answered in the fast lane and give no ranges. A page that is encoded by its origin, or in an unknown character
/// encoding, gets the policy but no nonces, which keeps its scripts from running. A shared cache between this edge and its clients
/// would hand one nonce to many: it should not store such pages.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// What there is to begin with: `"basic"` for sites as they are, `"strict"` for those that were made for it (after OWASP's secure
    /// headers), `"api"` for what is not shown as a page, `"none"`. Each holds Strict-Transport-Security, which is sent over TLS alone,
    /// X-Content-Type-Options, X-Frame-Options and Referrer-Policy; `"strict"` also Content-Security-Policy, Permissions-Policy,
    /// Cross-Origin-Opener-Policy, -Embedder-Policy and -Resource-Policy and X-Permitted-Cross-Domain-Policies; `"api"` also
    /// Content-Security-Policy.
    #[serde(default)]
    preset: Preset,
    /// Header names and values, in place of those of the preset or beside them.
    #[serde(default)]
    set: BTreeMap<FieldName, String>,
    /// Header names that are left out of the preset.
    #[serde(default)]
    omit: Vec<FieldName>,
    /// The Content-Security-Policy, in place of that of the preset: as it is sent, or a table of directives,
    /// `{ default-src = ["'self'"], script-src = ["'nonce-{nonce}'"] }`. `{nonce}` stands for the nonce.
    csp: Option<PolicySettings>,
    /// A Content-Security-Policy-Report-Only, written alike: what it forbids is reported, not kept from happening.
    csp_report_only: Option<PolicySettings>,
    /// Which elements get the nonce: unless set `script`, `style` and `link[rel~='stylesheet']`. All of a kind get it, also those that somebody smuggled into the page at the origin; if the origin
    /// can mark its own, as with an empty attribute `nonce`, select those: `["script[nonce]", "style[nonce]"]`.
    nonce_for: Option<Vec<Selector>>,
    /// Header names that are taken out of responses, since they tell what the origin is made with: unless
    /// set `server`, `x-powered-by`, `x-aspnet-version` and `x-aspnetmvc-version`.
    remove: Option<Vec<FieldName>>,
    /// Whether a header that the origin sent is replaced. If not, the origin's holds, and with it its policy.
    #[serde(default = "yes")]
    overwrite: bool,
}

fn scripts_and_styles() -> Vec<Selector> {
    let kinds = ["script", "style", "link[rel~='stylesheet']"];
    let selectors = kinds
        .iter()
        .map(|kind| Selector::try_from((*kind).to_owned()));
    selectors.filter_map(Result::ok).collect()
}

fn revealing() -> Vec<FieldName> {
    let names = [
        "server",
        "x-powered-by",
        "x-aspnet-version",
        "x-aspnetmvc-version",
    ];
    let names = names.map(|name| FieldName(HeaderName::from_static(name)));
    names.into()
}

fn yes() -> bool {
    true
}

impl Configured for SecurityHeaders {
    const NAME: &'static str = "security_headers";
    const SUMMARY: &'static str = "Sends the headers that tell browsers what a page may do.";
    const EXAMPLE: &'static str = r#"use = "security_headers"
preset = "strict"
set = { x-frame-options = "SAMEORIGIN" }
omit = ["cross-origin-embedder-policy"]

[csp]
default-src = ["'self'"]
script-src = ["'nonce-{nonce}'", "'strict-dynamic'"]
style-src = ["'self'", "'nonce-{nonce}'"]
base-uri = ["'none'"]
object-src = ["'none'"]
frame-ancestors = ["'self'"]
"#;
    type Settings = Settings;

    fn new(settings: Settings, builder: &Builder<'_>) -> Result<Self, BuildError> {
        let mut fields = settings.preset.fields();
        for FieldName(name) in &settings.omit {
            if !fields.contains_key(name.as_str()) {
                let told = format!("the preset has no `{name}`");
                return Err(BuildError::at("omit", told));
            }
            fields.remove(name.as_str());
        }
        let set = settings.set.iter();
        for (FieldName(name), value) in set {
            refuse_elsewhere(name)?;
            fields.insert(name.as_str(), value);
        }
        let policies = policies(&settings)?;
        if settings.csp.is_some() {
            fields.remove(CONTENT_SECURITY_POLICY.as_str());
        }
        let removed = settings.remove.unwrap_or_else(revealing);
        let html = ["text/html", "application/xhtml+xml"];
        let html: Vec<MediaPattern> = html.iter().filter_map(|kind| kind.parse().ok()).collect();
        Ok(Self {
            fields: fields
                .into_iter()
                .map(field)
                .collect::<Result<_, BuildError>>()?,
            policies,
            removed: removed
                .into_iter()
                .map(removable)
                .collect::<Result<_, _>>()?,
            overwrite: settings.overwrite,
            pages: Rewritable::new(html, builder),
            nonce_for: settings.nonce_for.unwrap_or_else(scripts_and_styles),
        })
    }
}

fn refuse_elsewhere(name: &HeaderName) -> Result<(), BuildError> {
    let key = format!("set.{name}");
    let instead = match *name {
        CONTENT_SECURITY_POLICY => "csp",
        CONTENT_SECURITY_POLICY_REPORT_ONLY => "csp_report_only",
        _ => return refuse_framing(name).map_err(|told| BuildError::at(key, told)),
    };
    Err(BuildError::at(key, format!("set it by `{instead}`")))
}

fn removable(FieldName(name): FieldName) -> Result<HeaderName, BuildError> {
    refuse_framing(&name).map_err(|told| BuildError::at("remove", told))?;
    Ok(name)
}

fn field((name, value): (&str, &str)) -> Result<(HeaderName, HeaderValue), BuildError> {
    let wrong = || {
        let told = format!("`{}` can't be in a header", value.escape_debug());
        BuildError::at(format!("set.{name}"), told)
    };
    let parsed = HeaderName::try_from(name).map_err(|_| wrong())?;
    Ok((parsed, HeaderValue::from_str(value).map_err(|_| wrong())?))
}

fn policies(settings: &Settings) -> Result<Vec<(HeaderName, Policy)>, BuildError> {
    let written = [
        ("csp", CONTENT_SECURITY_POLICY, &settings.csp),
        (
            "csp_report_only",
            CONTENT_SECURITY_POLICY_REPORT_ONLY,
            &settings.csp_report_only,
        ),
    ];
    let given = written
        .into_iter()
        .filter_map(|(key, name, policy)| Some((key, name, policy.as_ref()?)));
    given
        .map(|(key, name, policy)| Ok((name, Policy::new(key, policy)?)))
        .collect()
}

impl Filter for SecurityHeaders {
    fn phases(&self) -> Phases {
        Phases::only(Phase::Response)
    }

    fn rewrites(&self) -> Phases {
        let has_nonce = self.policies.iter().any(|(_, policy)| policy.has_nonce());
        Phases::NONE.and_if(has_nonce, Phase::Response)
    }

    fn runs_in_lane(&self) -> bool {
        true
    }

    fn response(
        &self,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        for name in &self.removed {
            response.remove_header(name);
        }
        let is_over_tls = exchange.client.scheme == Scheme::Https;
        for (name, value) in &self.fields {
            if is_over_tls || *name != STRICT_TRANSPORT_SECURITY {
                self.put(response, name, value.clone())?;
            }
        }
        let mut nonce = None;
        for (name, policy) in &self.policies {
            if !policy.has_nonce() {
                self.put(response, name, policy.fixed())?;
                continue;
            }
            // What the client holds has the nonce of the policy that it holds.
            if response.status == StatusCode::NOT_MODIFIED {
                continue;
            }
            let fresh = Nonce::of(exchange);
            if self.put(response, name, policy.with(&fresh)?)? {
                nonce = Some(fresh);
            }
        }
        Ok(match nonce {
            Some(nonce) => self.mark(exchange, response, &nonce),
            None => Body::Untouched,
        })
    }
}

impl SecurityHeaders {
    /// Sets a field, unless the origin's holds. Returns whether it did.
    fn put(
        &self,
        response: &mut ResponseHeader,
        name: &HeaderName,
        value: HeaderValue,
    ) -> Result<bool, FilterError> {
        if !self.overwrite && response.headers.contains_key(name) {
            return Ok(false);
        }
        response.insert_header(name, value).map_err(|_| {
            FilterError::new(format!(
                "`{name}` can't be added: there are too many headers"
            ))
        })?;
        Ok(true)
    }

    /// Gives the elements of a page their nonce.
    fn mark(&self, exchange: &mut Exchange, response: &ResponseHeader, nonce: &Nonce) -> Body {
        if !self.pages.takes(exchange, response) {
            return Body::Untouched;
        }
        let Some(charset) = Charset::of(response) else {
            return Body::Untouched;
        };
        let handlers = self.nonce_for.iter();
        let handlers = handlers.map(|selector| (selector, nonce.handler()));
        Body::Rewritten(Box::new(PageRewriter::new(charset, MAX_MEMORY, handlers)))
    }
}

#[cfg(test)]
mod tests;
