//! Chooses the language of a response.

mod accept;
mod offer;
mod tag;

use std::sync::Arc;

use http::Method;
use http::header::{HeaderName, LOCATION};
use pingora_http::ResponseHeader;
use schemars::JsonSchema;
use serde::Deserialize;

use self::offer::{Offer, RedirectSettings, offers};
use self::tag::Tag;
use super::headers::refuse;
use super::redirect::Redirect;
use crate::exchange::Exchange;
use crate::filter::{
    Answer, Body, BuildError, Builder, Configured, Filter, FilterError, Flow, Phase, Phases,
};
use crate::settings::FieldName;
use crate::target;
use crate::vary;

/// Chooses the language of a response.
pub(crate) struct Language {
    name: Arc<str>,
    offers: Vec<Offer>,
    /// The index of the language of those who want none that there is.
    default: usize,
    query: Option<String>,
    cookie: Option<String>,
    header: Option<HeaderName>,
    key: bool,
    vary: bool,
    /// Whether paths begin with their language.
    by_path: bool,
}

/// Settings of `language`. The language is the one that the path has, if paths have one; else the one of the query, of the
/// cookie, or the best by `Accept-Language` (the look-up of RFC 4647: `de-AT` finds `de`). A client that wants `de` gets
/// `de-AT` where there is no other German.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The languages that there are, such as `"en"`, `"de"` and `"pt-BR"`.
    #[schemars(title = "list of languages")]
    languages: Vec<Tag>,
    /// The language of those who want none of them; the first unless set.
    #[schemars(title = "language")]
    default: Option<Tag>,
    /// A parameter of the query that chooses the language: `/?lang=de`.
    query: Option<String>,
    /// A cookie that chooses it.
    cookie: Option<String>,
    /// A request header that tells it to later filters and the origin. With `accept-language` they see the one choice
    /// instead of what the client sent.
    header: Option<FieldName>,
    /// Whether responses are told apart in the cache by the language. Paths that have one need it no more.
    #[serde(default = "yes")]
    key: bool,
    /// Whether responses say in `Vary` what the choice went by, for caches behind the edge.
    #[serde(default = "yes")]
    vary: bool,
    /// Sends clients whose path has no language to the one that has; only GET and HEAD.
    redirect: Option<RedirectSettings>,
    /// Whether the cache and the origin are asked for a path that begins with the language: `/a` becomes `/de/a`. A path that
    /// has one stays.
    #[serde(default)]
    prefix: bool,
}

fn yes() -> bool {
    true
}

impl Configured for Language {
    const NAME: &'static str = "language";
    const SUMMARY: &'static str = "Chooses the language of a response, for the cache and the origin or to redirect to its pages.";
    const EXAMPLE: &'static str = r#"use = "language"
languages = ["en", "de", "pt-BR"]
cookie = "lang"
header = "accept-language"
"#;
    const SAFE_TO_SKIP: bool = true;
    type Settings = Settings;

    fn new(settings: Settings, builder: &Builder<'_>) -> Result<Self, BuildError> {
        let Settings {
            languages,
            default,
            query,
            cookie,
            header,
            key,
            vary,
            redirect,
            prefix,
        } = settings;
        if redirect.is_some() && prefix {
            return Err(BuildError::at(
                "prefix",
                "either the client is sent to another path or the origin is asked for one",
            ));
        }
        let offers = offers(&languages, redirect.as_ref(), prefix)?;
        let default = match default {
            None => 0,
            Some(default) => languages
                .iter()
                .position(|tag| *tag == default)
                .ok_or_else(|| {
                    BuildError::at(
                        "default",
                        format!("`{}` is not one of `languages`", default.as_str()),
                    )
                })?,
        };
        if let Some(FieldName(name)) = &header {
            refuse(name, true).map_err(|message| BuildError::at("header", message))?;
        }
        Ok(Self {
            name: builder.name.into(),
            by_path: redirect.is_some() || prefix,
            offers,
            default,
            query,
            cookie,
            header: header.map(|FieldName(name)| name),
            key,
            vary,
        })
    }
}

impl Filter for Language {
    fn phases(&self) -> Phases {
        Phases::only(Phase::Request).and_if(self.vary, Phase::Response)
    }

    fn runs_in_lane(&self) -> bool {
        true
    }

    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        if let Some(offer) = self.of_path(exchange.path()) {
            self.tell(offer, exchange)?;
            return Ok(Flow::Continue);
        }
        let Some(offer) = self.offers.get(self.choose(exchange)) else {
            return Ok(Flow::Continue);
        };
        let may_be_sent = [Method::GET, Method::HEAD].contains(&exchange.request.method);
        if let Some(redirect) = offer.redirect.as_ref().filter(|_| may_be_sent)
            && let Some(answer) = self.send(redirect, exchange)?
        {
            return Ok(answer.flow());
        }
        let negotiated = exchange.notes.get_or_insert_default::<Negotiated>();
        if !negotiated.0.contains(&self.name) {
            negotiated.0.push(self.name.clone());
        }
        self.tell(offer, exchange)?;
        match &offer.prefix {
            // `OPTIONS *` has no path.
            Some(prefix) if exchange.path().starts_with('/') => {
                if let Some(path) = prefix.apply(exchange)? {
                    let query = exchange.query().unwrap_or("").to_owned();
                    target::set(exchange, &path, &query)?;
                }
            }
            _ if self.key => exchange.chosen.distinguish(&self.name, offer.part.clone()),
            _ => {}
        }
        Ok(Flow::Continue)
    }

    fn response(
        &self,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        let negotiated = exchange.notes.get::<Negotiated>();
        if negotiated.is_some_and(|negotiated| negotiated.0.contains(&self.name)) {
            self.add_vary(response)?;
        }
        Ok(Body::Untouched)
    }
}

/// The filters that chose a language by more than the path.
#[derive(Debug, Clone, Default)]
struct Negotiated(Vec<Arc<str>>);

impl Language {
    /// The language that a path begins with, if paths have one.
    fn of_path(&self, path: &str) -> Option<&Offer> {
        let first = path
            .strip_prefix('/')
            .filter(|_| self.by_path)?
            .split('/')
            .next()?;
        self.offers.iter().find(|offer| offer.tag.is(first))
    }

    /// The index of the language that a client wants most.
    fn choose(&self, exchange: &Exchange) -> usize {
        let named =
            |value: Option<&str>| value.and_then(|range| accept::look_up(&self.offers, range));
        let by_query = || {
            named(
                self.query
                    .as_ref()
                    .and_then(|name| exchange.query_param(name)),
            )
        };
        let by_cookie = || named(self.cookie.as_ref().and_then(|name| exchange.cookie(name)));
        let by_header = || accept::best(&self.offers, self.default, &exchange.request.headers);
        by_query()
            .or_else(by_cookie)
            .or_else(by_header)
            .unwrap_or(self.default)
    }

    fn tell(&self, offer: &Offer, exchange: &mut Exchange) -> Result<(), FilterError> {
        let Some(name) = &self.header else {
            return Ok(());
        };
        let told = exchange.request.insert_header(name, offer.value.clone());
        told.map_err(|_| {
            FilterError::new(format!(
                "`{name}` can't be added: there are too many headers"
            ))
        })
    }

    /// The answer that sends a client to its language, unless it is there.
    fn send(
        &self,
        redirect: &Redirect,
        exchange: &Exchange,
    ) -> Result<Option<Answer>, FilterError> {
        let location = redirect.location(exchange);
        if is_here(&location, exchange) {
            return Ok(None);
        }
        let mut answer = Answer::new(redirect.status())?.header(LOCATION, location)?;
        if self.vary {
            self.add_vary(&mut answer.head)?;
        }
        Ok(Some(answer))
    }

    fn add_vary(&self, head: &mut ResponseHeader) -> Result<(), FilterError> {
        vary::by(head, "Accept-Language")?;
        if self.cookie.is_some() {
            vary::by(head, "Cookie")?;
        }
        Ok(())
    }
}

/// Whether a redirect leads to the host or the path that was asked for: then it would lead there again.
fn is_here(location: &str, exchange: &Exchange) -> bool {
    let Some((_, rest)) = location.split_once("://") else {
        let path = location.split(['?', '#']).next().unwrap_or(location);
        return path == exchange.path();
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = authority
        .rsplit_once(':')
        .map_or(authority, |(host, _)| host);
    let path = rest
        .strip_prefix(authority)
        .unwrap_or("")
        .split(['?', '#'])
        .next()
        .unwrap_or("");
    host.eq_ignore_ascii_case(exchange.host()) && (path == exchange.path() || path.is_empty())
}

#[cfg(test)]
mod tests;
