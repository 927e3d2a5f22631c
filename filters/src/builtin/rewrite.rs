//! Changes what is asked for, before the cache key and the origin see it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use http::header::{HOST, HeaderValue};
use percent_encoding::percent_decode_str;
use regex::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::exchange::Exchange;
use crate::filter::{BuildError, Builder, Configured, Filter, FilterError, Flow, Phase, Phases};
use crate::target::{self, PathError, normal_path, push_query};
use crate::template::{Place, Template, Variable};

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

/// What becomes of the path.
enum PathChange {
    Whole(Template),
    Parts {
        strip: Option<String>,
        regex: Option<(Regex, String)>,
        add: Option<String>,
    },
}

impl PathChange {
    fn new(
        path: Option<Template>,
        strip: Option<String>,
        regex: Option<RegexSettings>,
        add: Option<String>,
    ) -> Result<Self, BuildError> {
        if let Some(path) = path {
            if strip.is_some() || regex.is_some() || add.is_some() {
                let message = "`path` is the whole path: it can't go with `strip_prefix`, `regex` or `add_prefix`";
                return Err(BuildError::at("path", message));
            }
            return Self::whole(path).map_err(|message| BuildError::at("path", message));
        }
        let regex = regex
            .map(compile)
            .transpose()
            .map_err(|message| BuildError::at("regex.match", message))?;
        Ok(Self::Parts {
            strip: prefix("strip_prefix", strip)?,
            regex,
            add: prefix("add_prefix", add)?,
        })
    }

    fn whole(path: Template) -> Result<Self, String> {
        if path
            .variables()
            .any(|variable| matches!(variable, Variable::Query | Variable::Uri))
        {
            return Err(
                "`{query}` and `{uri}` can't be in a path: use `{path}`, and `query` for the query"
                    .to_owned(),
            );
        }
        if let Some(literal) = path.literal() {
            normal_path(literal).map_err(|error| format!("`{literal}` is not a path: {error}"))?;
        }
        Ok(Self::Whole(path))
    }

    /// The new path, `None` if it stays as it is.
    fn apply(&self, exchange: &Exchange) -> Result<Option<String>, FilterError> {
        let old = exchange.path();
        let new = match self {
            Self::Whole(template) => template.render(exchange, Place::Uri),
            Self::Parts { strip, regex, add } => {
                let mut path = Cow::Borrowed(old);
                if let Some(rest) = strip
                    .as_deref()
                    .and_then(|prefix| without_prefix(old, prefix))
                {
                    path = rest;
                }
                if let Some((regex, replacement)) = regex {
                    let replaced = match regex.replace(&path, replacement) {
                        Cow::Owned(replaced) => Some(replaced),
                        Cow::Borrowed(_) => None,
                    };
                    path = replaced.map_or(path, Cow::Owned);
                }
                if let Some(prefix) = add {
                    path = Cow::Owned([prefix, &*path].concat());
                }
                path
            }
        };
        if new == old {
            return Ok(None);
        }
        let refused = |error: PathError| {
            FilterError::new(format!("`{}` is not a path: {error}", new.escape_debug()))
        };
        normal_path(&new).map(Some).map_err(refused)
    }
}

/// What follows a prefix of whole segments, with a slash before it.
fn without_prefix<'a>(path: &'a str, prefix: &str) -> Option<Cow<'a, str>> {
    match path.strip_prefix(prefix)? {
        "" => Some(Cow::Borrowed("/")),
        rest if rest.starts_with('/') => Some(Cow::Borrowed(rest)),
        _ => None,
    }
}

/// A prefix in normal form and without a slash at its end, `None` if nothing is left.
fn prefix(key: &str, text: Option<String>) -> Result<Option<String>, BuildError> {
    let Some(text) = text else { return Ok(None) };
    let path = normal_path(&text)
        .map_err(|error| BuildError::at(key, format!("`{text}` is not a path: {error}")))?;
    let path = path.trim_end_matches('/');
    Ok((!path.is_empty()).then(|| path.to_owned()))
}

/// Larger automata than of a megabyte are refused: they cost memory for each thread.
const REGEX_SIZE: usize = 1 << 20;

fn compile(RegexSettings { r#match, replace }: RegexSettings) -> Result<(Regex, String), String> {
    let regex = RegexBuilder::new(&r#match)
        .size_limit(REGEX_SIZE)
        .dfa_size_limit(REGEX_SIZE)
        .build();
    match regex {
        Ok(regex) => Ok((regex, replace)),
        Err(regex::Error::CompiledTooBig(_)) => Err(format!(
            "`{}` is too large: a megabyte when compiled",
            r#match
        )),
        // The last line tells what is wrong, those before it draw the place.
        Err(error) => Err(format!(
            "`{}` is not a regular expression: {}",
            r#match,
            last_line(&error.to_string())
        )),
    }
}

fn last_line(text: &str) -> &str {
    text.lines()
        .last()
        .unwrap_or(text)
        .trim_start_matches("error: ")
}

/// What becomes of the query.
struct QueryChange {
    replace: Option<Template>,
    remove: Vec<Names>,
    set: Vec<(String, Template)>,
}

enum Names {
    One(String),
    Prefix(String),
}

impl QueryChange {
    fn new(
        QuerySettings {
            replace,
            remove,
            set,
        }: QuerySettings,
    ) -> Result<Self, BuildError> {
        if replace.is_none() && remove.is_empty() && set.is_empty() {
            return Err(BuildError::at(
                "query",
                "nothing is changed: give `replace`, `remove` or `set`",
            ));
        }
        let set: Vec<_> = set.into_iter().collect();
        let names = |name: String| match name.strip_suffix('*') {
            Some(prefix) => Names::Prefix(prefix.to_owned()),
            None => Names::One(name),
        };
        let mut remove: Vec<_> = remove.into_iter().map(names).collect();
        remove.extend(set.iter().map(|(name, _)| Names::One(name.clone())));
        Ok(Self {
            replace,
            remove,
            set,
        })
    }

    fn apply(&self, exchange: &Exchange) -> String {
        let old = match &self.replace {
            Some(template) => template.render(exchange, Place::Uri),
            None => Cow::Borrowed(exchange.query().unwrap_or("")),
        };
        let mut query = String::with_capacity(old.len() + 16);
        let stays = |pair: &&str| {
            !pair.is_empty() && !self.remove.iter().any(|names| names.match_pair(pair))
        };
        for pair in old.split('&').filter(stays) {
            separate(&mut query);
            push_query(pair, &mut query);
        }
        for (name, value) in &self.set {
            separate(&mut query);
            query.extend(percent_encoding::utf8_percent_encode(
                name,
                crate::template::NOT_UNRESERVED,
            ));
            query.push('=');
            let value = match value.literal() {
                Some(text) => Cow::Borrowed(text),
                None => value.render(exchange, Place::Text),
            };
            query.extend(percent_encoding::utf8_percent_encode(
                &value,
                crate::template::NOT_UNRESERVED,
            ));
        }
        query
    }
}

impl Names {
    /// Whether they name the parameter of a pair, however it is spelt.
    fn match_pair(&self, pair: &str) -> bool {
        let name = pair.split('=').next().unwrap_or(pair);
        let name: Cow<'_, str> = if name.contains('+') {
            name.replace('+', " ").into()
        } else {
            name.into()
        };
        let name: Cow<'_, [u8]> = percent_decode_str(&name).into();
        match self {
            Self::One(one) => *name == *one.as_bytes(),
            Self::Prefix(prefix) => name.starts_with(prefix.as_bytes()),
        }
    }
}

fn separate(query: &mut String) {
    if !query.is_empty() {
        query.push('&');
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
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{build, exchange, refused, status};

    #[track_caller]
    fn check(settings: &str, target: &str, expected: &str) {
        let filter: Rewrite = build(settings).unwrap();
        let mut exchange = exchange("GET", target, &[]);
        exchange.params = vec![("id".into(), "7/ü".to_owned())];
        assert_eq!(status(&filter, &mut exchange), 0);
        assert_eq!(
            exchange.request.uri.to_string(),
            expected,
            "{settings} on {target}"
        );
    }

    #[test]
    fn paths_are_rewritten() {
        for (settings, target, expected) in [
            (r#"path = "/x/{param.id}""#, "/a?q=1", "/x/7%2F%C3%BC?q=1"),
            (r#"path = "/x{path}""#, "/a%20b", "/x/a%20b"),
            (r#"strip_prefix = "/api""#, "/api/users?q", "/users?q"),
            (r#"strip_prefix = "/api/""#, "/api", "/"),
            (r#"strip_prefix = "/api""#, "/apis", "/apis"),
            (r#"add_prefix = "/v2/""#, "/a", "/v2/a"),
            (r#"add_prefix = "/""#, "/a", "/a"),
            (
                r#"regex = { match = "^/item-(?<n>[0-9]+)", replace = "/items/${n}" }"#,
                "/item-12/x",
                "/items/12/x",
            ),
            (
                r#"regex = { match = "-", replace = "_" }"#,
                "/a-b-c",
                "/a_b-c",
            ),
            (r#"regex = { match = "nowhere", replace = "" }"#, "/a", "/a"),
            (
                "strip_prefix = \"/a\"\nadd_prefix = \"/c\"\nregex = { match = \"^/b$\", replace = \"/B\" }",
                "/a/b",
                "/c/B",
            ),
            (r#"path = "/x""#, "*", "*"),
        ] {
            check(settings, target, expected);
        }
    }

    #[test]
    fn queries_are_rewritten() {
        for (settings, target, expected) in [
            (
                r#"query = { remove = ["utm_*", "b"] }"#,
                "/?a=1&utm_source=x&%75tm_b=2&b&c",
                "/?a=1&c",
            ),
            (r#"query = { remove = ["a"] }"#, "/?a=1", "/"),
            (
                r#"query = { remove = ["a b"] }"#,
                "/?a+b=1&a%20b=2&ab=3",
                "/?ab=3",
            ),
            (
                r#"query = { set = { p = "{path}", z = "1&2" } }"#,
                "/a?p=0&q=1",
                "/a?q=1&p=%2Fa&z=1%262",
            ),
            (
                r#"query = { replace = "x={param.id}&{query}" }"#,
                "/?q=1",
                "/?x=7%2F%C3%BC&q=1",
            ),
            (r#"query = { replace = "" }"#, "/?q=1", "/"),
        ] {
            check(settings, target, expected);
        }
    }

    #[test]
    fn a_host_is_rewritten_or_refused() {
        let filter: Rewrite = build(r#"host = "{header.x-tenant}.Internal:8080""#).unwrap();
        for (tenant, expected) in [
            ("a", Some("a.internal:8080")),
            ("a b", None),
            ("a/b", None),
            ("a@b", None),
        ] {
            let mut exchange = exchange("GET", "/", &[("x-tenant", tenant)]);
            let result = filter.request(&mut exchange);
            assert_eq!(result.is_ok(), expected.is_some(), "{tenant}");
            assert_eq!(
                exchange.header("host"),
                Some(expected.unwrap_or("example.com"))
            );
        }
    }

    #[test]
    fn a_target_that_would_not_be_normal_is_refused() {
        let filter: Rewrite = build(r#"regex = { match = "^/(.*)x", replace = "$1" }"#).unwrap();
        for target in ["/ax", "/%2fx2", "/.x./a"] {
            let mut exchange = exchange("GET", target, &[]);
            assert!(filter.request(&mut exchange).is_err(), "{target}");
            assert_eq!(exchange.request.uri, target);
        }
    }

    #[test]
    fn mistakes_are_told() {
        for (settings, expected) in [
            ("", "nothing is rewritten"),
            (
                "path = \"/a\"\nadd_prefix = \"/b\"",
                "`path` is the whole path",
            ),
            (
                r#"path = "/a?b""#,
                "path: `/a?b` is not a path: `?` and `#` end a path",
            ),
            (r#"path = "a""#, "it must start with `/`"),
            (
                r#"path = "{uri}""#,
                "`{query}` and `{uri}` can't be in a path",
            ),
            (
                r#"add_prefix = "/../a""#,
                "add_prefix: `/../a` is not a path",
            ),
            (
                r#"regex = { match = "(", replace = "" }"#,
                "regex.match: `(` is not a regular expression: unclosed group",
            ),
            (
                r#"regex = { match = "(a{1000}){1000}", replace = "" }"#,
                "is too large: a megabyte",
            ),
            (r#"query = {}"#, "query: nothing is changed"),
            (r#"host = "a b""#, "host: `a b` is not a host"),
        ] {
            refused::<Rewrite>(settings, expected);
        }
    }

    proptest! {
        #[test]
        fn a_rewritten_target_is_clean(
            id in ".*",
            replace in "[ -~]{0,12}|.*",
            target in "/[!$-;=@-_a-z~%]{0,20}(\\?[!$-;=?-_a-z~]{0,20})?",
        ) {
            let filters: [Rewrite; 3] = [
                build("path = \"/x/{param.id}{header.x}\"\nquery = { set = { a = \"{param.id}\" } }").unwrap(),
                build("query = { replace = \"{param.id}&{query}\", remove = [\"q\"] }").unwrap(),
                Rewrite {
                    path: PathChange::Parts {
                        strip: None,
                        regex: Some((Regex::new("[a-f]+").unwrap(), replace)),
                        add: Some("/y".to_owned()),
                    },
                    query: None,
                    host: None,
                },
            ];
            for filter in filters {
                let mut exchange = exchange("GET", &target, &[]);
                exchange.params = vec![("id".into(), id.clone())];
                if filter.request(&mut exchange).is_ok() {
                    let target = exchange.request.uri.to_string();
                    prop_assert!(target.starts_with('/'), "{target}");
                    prop_assert!(target.bytes().all(|b| b.is_ascii_graphic() && b != b'#'), "{target}");
                    prop_assert_eq!(exchange.request.raw_path(), target.as_bytes());
                }
            }
        }
    }
}
