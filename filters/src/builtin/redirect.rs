//! Sends the client to another address.

use std::borrow::Cow;

use http::header::LOCATION;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::exchange::Exchange;
use crate::filter::{
    Answer, BuildError, Builder, Configured, Filter, FilterError, Flow, Phase, Phases,
};
use crate::target::push_query;
use crate::template::{Part, Place, Template, Variable};

/// Sends the client to another address.
pub(crate) struct Redirect {
    to: Template,
    status: u16,
    keep_query: bool,
}

/// Settings of `redirect`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Where to: a URL such as `https://shop.example.com{path}` or a path such as `/new/{param.id}`. The host is
    /// text, `{host}` or `{site}`; other variables in it need more text behind them, so that no client can choose it.
    to: Template,
    /// 301 and 308 are for good and remembered by browsers, 302 and 307 for now; 307 and 308 keep the method, 303
    /// makes it GET.
    #[serde(default)]
    status: RedirectStatus,
    /// Whether the client's query goes with it, behind the one that `to` may have. Nothing is added when `to` itself
    /// has `{query}` or `{uri}`.
    #[serde(default = "yes")]
    keep_query: bool,
}

fn yes() -> bool {
    true
}

/// A status that sends the client elsewhere.
#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(try_from = "u16", into = "u16")]
pub(super) struct RedirectStatus(u16);

impl Default for RedirectStatus {
    fn default() -> Self {
        Self(302)
    }
}

impl TryFrom<u16> for RedirectStatus {
    type Error = String;

    fn try_from(status: u16) -> Result<Self, String> {
        match status {
            301 | 302 | 303 | 307 | 308 => Ok(Self(status)),
            _ => Err(format!(
                "`{status}` is not a redirect status: 301, 302, 303, 307 or 308"
            )),
        }
    }
}

impl From<RedirectStatus> for u16 {
    fn from(status: RedirectStatus) -> Self {
        status.0
    }
}

impl JsonSchema for RedirectStatus {
    fn schema_name() -> Cow<'static, str> {
        "RedirectStatus".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "title": "status", "enum": [301, 302, 303, 307, 308] })
    }
}

impl Configured for Redirect {
    const NAME: &'static str = "redirect";
    const SUMMARY: &'static str = "Sends the client to another address.";
    const EXAMPLE: &'static str = r#"use = "redirect"
to = "https://shop.example.com{path}"
status = 308
"#;
    type Settings = Settings;

    fn new(
        Settings {
            to,
            status,
            keep_query,
        }: Settings,
        _: &Builder<'_>,
    ) -> Result<Self, BuildError> {
        Self::to(to, status, keep_query).map_err(|message| BuildError::at("to", message))
    }
}

impl Filter for Redirect {
    fn phases(&self) -> Phases {
        Phases::only(Phase::Request)
    }

    fn runs_in_lane(&self) -> bool {
        true
    }

    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        Ok(Answer::new(self.status)?
            .header(LOCATION, self.location(exchange))?
            .flow())
    }
}

impl Redirect {
    /// A redirect to a place that no client can choose the host of.
    pub(super) fn to(
        to: Template,
        status: RedirectStatus,
        keep_query: bool,
    ) -> Result<Self, String> {
        refuse_open(&to)?;
        let brings_query = to
            .variables()
            .any(|variable| matches!(variable, Variable::Query | Variable::Uri));
        Ok(Self {
            to,
            status: status.0,
            keep_query: keep_query && !brings_query,
        })
    }

    pub(super) fn status(&self) -> u16 {
        self.status
    }

    /// The same as text, if it is the same for all.
    pub(super) fn fixed_destination(&self) -> Option<String> {
        let mut text = String::new();
        for part in self.parts_of_destination() {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Variable(_) => return None,
            }
        }
        Some(text)
    }

    /// Where it sends a client, up to the client's own path: a host, a folder, or both.
    pub(super) fn destination(&self, exchange: &Exchange) -> String {
        render(self.parts_of_destination(), exchange)
    }

    fn parts_of_destination(&self) -> &[Part] {
        let is_own = |part: &Part| matches!(part, Part::Variable(Variable::Path | Variable::Uri));
        let parts = self.to.parts();
        let end = parts.iter().position(is_own).unwrap_or(parts.len());
        &parts[..end]
    }

    /// Where the client is sent.
    pub(super) fn location(&self, exchange: &Exchange) -> String {
        let url = render(self.to.parts(), exchange);
        location_of(&url, self.keep_query, exchange)
    }
}

/// A URL or a path as a `Location`, with the client's query behind its own if that is wanted.
pub(super) fn location_of(url: &str, keep_query: bool, exchange: &Exchange) -> String {
    let (url, fragment) = url
        .split_once('#')
        .map_or((url, None), |(url, end)| (url, Some(end)));
    let mut location = String::with_capacity(url.len() + 16);
    // `//host` would be a host: a path of the client's can't become one.
    if url.starts_with('/') {
        location.push('/');
    }
    push_query(
        if url.starts_with('/') {
            url.trim_start_matches(['/', '\\'])
        } else {
            url
        },
        &mut location,
    );
    if let Some(query) = exchange
        .query()
        .filter(|query| keep_query && !query.is_empty())
    {
        location.push(if url.contains('?') { '&' } else { '?' });
        push_query(query, &mut location);
    }
    if let Some(fragment) = fragment {
        location.push('#');
        push_query(fragment, &mut location);
    }
    location
}

fn render(parts: &[Part], exchange: &Exchange) -> String {
    let mut rendered = String::with_capacity(128);
    for part in parts {
        match part {
            Part::Literal(text) => rendered.push_str(text),
            Part::Variable(variable) => push_variable(variable, exchange, &mut rendered),
        }
    }
    rendered
}

fn push_variable(variable: &Variable, exchange: &Exchange, out: &mut String) {
    let Some(value) = variable.value(exchange) else {
        return;
    };
    match variable {
        // An IPv6 address keeps its brackets; nothing else in a host could end it.
        Variable::Host | Variable::Site => {
            out.extend(
                value
                    .chars()
                    .filter(|c| c.is_ascii_alphanumeric() || "-._[]:".contains(*c)),
            );
        }
        // `OPTIONS *` has no path to go to.
        Variable::Path | Variable::Uri if !value.starts_with('/') => out.push('/'),
        _ => variable.write(&value, Place::Uri, out),
    }
}

/// Refuses a `to` whose host a client could choose.
fn refuse_open(to: &Template) -> Result<(), String> {
    let (first, mut rest) = match to.parts() {
        [Part::Literal(path), ..] if path.starts_with('/') && !path.starts_with("//") => {
            return Ok(());
        }
        [Part::Variable(Variable::Path | Variable::Uri), ..] => return Ok(()),
        [Part::Literal(url), rest @ ..] => (
            url.strip_prefix("https://")
                .or_else(|| url.strip_prefix("http://"))
                .ok_or_else(not_a_url)?,
            rest,
        ),
        [
            Part::Variable(Variable::Scheme),
            Part::Literal(url),
            rest @ ..,
        ] => (url.strip_prefix("://").ok_or_else(not_a_url)?, rest),
        _ => return Err(not_a_url()),
    };
    // The host piece by piece, and the last variable in it that a client could choose it by.
    let (mut piece, mut is_empty) = (first, true);
    let mut chosen: Option<&Variable> = None;
    loop {
        let (text, is_end) = match piece.find(['/', '?', '#']) {
            Some(end) => (&piece[..end], true),
            None => (piece, false),
        };
        if text.contains(['@', '\\', ' ']) {
            return Err(not_a_url());
        }
        is_empty &= text.is_empty();
        if text
            .rsplit_once('.')
            .is_some_and(|(_, label)| !label.is_empty())
        {
            chosen = None;
        }
        match rest {
            _ if is_end => break,
            [] | [Part::Variable(Variable::Path | Variable::Uri), ..] => break,
            [Part::Literal(text), more @ ..] => (piece, rest) = (text, more),
            [Part::Variable(variable), more @ ..] => {
                let is_ours = matches!(variable, Variable::Host | Variable::Site);
                chosen = if is_ours { chosen } else { Some(variable) };
                (piece, rest, is_empty) = ("", more, false);
            }
        }
    }
    if is_empty {
        return Err(not_a_url());
    }
    match chosen {
        None => Ok(()),
        Some(variable) => Err(format!(
            "a client could choose the host by `{{{variable}}}`: put a `/` before it, or the host's end such as \
             `.example.com` behind it"
        )),
    }
}

fn not_a_url() -> String {
    "a redirect goes to a URL such as `https://example.com{path}` or to a path such as `/new`"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{answer, build, exchange, refused, values};

    #[track_caller]
    fn check(settings: &str, target: &str, status: u16, location: &str) {
        let filter: Redirect = build(settings).unwrap();
        let mut exchange = exchange("GET", target, &[("x-evil", "a\tb é//@:?#")]);
        exchange.params = vec![("id".into(), "../x y/\r\nset-cookie: a".to_owned())];
        let answer = answer(&filter, &mut exchange).unwrap();
        assert_eq!(
            (
                answer.head.status.as_u16(),
                values(&answer.head, "location")
            ),
            (status, vec![location.to_owned()])
        );
    }

    #[test]
    fn a_client_is_sent_where_the_template_says() {
        for (settings, target, status, location) in [
            (
                r#"to = "https://b.example{path}""#,
                "/a/b?q=1",
                302,
                "https://b.example/a/b?q=1",
            ),
            (
                "to = \"https://b.example{path}\"\nstatus = 308",
                "/",
                308,
                "https://b.example/",
            ),
            (
                "to = \"https://b.example/x?y=1\"",
                "/?q=1",
                302,
                "https://b.example/x?y=1&q=1",
            ),
            ("to = \"/x#part\"", "/?q=1", 302, "/x?q=1#part"),
            (
                "to = \"/x\"\nkeep_query = false\nstatus = 301",
                "/?q=1",
                301,
                "/x",
            ),
            (
                "to = \"https://b.example{uri}\"",
                "/a?q=1",
                302,
                "https://b.example/a?q=1",
            ),
            (
                "to = \"{scheme}://{host}:8443/login?next={param.id}\"",
                "/",
                302,
                "https://example.com:8443/login?next=..%2Fx%20y%2F%0D%0Aset-cookie%3A%20a",
            ),
            ("to = \"/ä b\"", "/", 302, "/%C3%A4%20b"),
        ] {
            check(settings, target, status, location);
        }
    }

    #[test]
    fn a_path_never_becomes_a_host() {
        check(
            "to = \"{path}\"",
            "//evil.example/x",
            302,
            "/evil.example/x",
        );
        check("to = \"{uri}\"", "//evil.example?q", 302, "/evil.example?q");
        check(
            "to = \"/{param.id}\"",
            "/",
            302,
            "/..%2Fx%20y%2F%0D%0Aset-cookie%3A%20a",
        );
        check(
            "to = \"https://b.example{path}\"",
            "*",
            302,
            "https://b.example/",
        );
        check(
            "to = \"https://{param.id}.example.com/\"",
            "/",
            302,
            "https://..%2Fx%20y%2F%0D%0Aset-cookie%3A%20a.example.com/",
        );
    }

    #[test]
    fn mistakes_are_told() {
        for (settings, expected) in [
            (
                "to = \"/\"\nstatus = 200",
                "`200` is not a redirect status: 301, 302, 303, 307 or 308",
            ),
            ("", "`to` is missing"),
            ("to = \"example.com\"", "a redirect goes to a URL such as"),
            ("to = \"//example.com\"", "a redirect goes to a URL such as"),
            (
                "to = \"ftp://example.com\"",
                "a redirect goes to a URL such as",
            ),
            ("to = \"https://\"", "a redirect goes to a URL such as"),
            (
                "to = \"https://{path}\"",
                "a redirect goes to a URL such as",
            ),
            ("to = \"https:///x\"", "a redirect goes to a URL such as"),
            (
                "to = \"https://me@example.com/\"",
                "a redirect goes to a URL such as",
            ),
            ("to = \"{query}\"", "a redirect goes to a URL such as"),
            (
                "to = \"https://{header.x}/\"",
                "a client could choose the host by `{header.x}`",
            ),
            (
                "to = \"https://example.com{param.x}\"",
                "a client could choose the host by `{param.x}`",
            ),
            (
                "to = \"https://{host}{query}\"",
                "a client could choose the host by `{query}`",
            ),
            (
                "to = \"https://{header.x}:80/\"",
                "a client could choose the host by `{header.x}`",
            ),
            ("to = \"/{pat}\"", "did you mean `{path}`?"),
        ] {
            refused::<Redirect>(settings, expected);
        }
        build::<Redirect>("to = \"https://{param.tenant}.example.com/x\"").unwrap();
        build::<Redirect>("to = \"https://{host}:8443{path}\"").unwrap();
        build::<Redirect>("to = \"https://{host}/x\"").unwrap();
        build::<Redirect>("to = \"https://www.{host}\"").unwrap();
    }
}
