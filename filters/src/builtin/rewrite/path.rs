//! Changes to the path.

use std::borrow::Cow;

use regex::{Regex, RegexBuilder};

use super::RegexSettings;
use crate::exchange::Exchange;
use crate::filter::{BuildError, FilterError};
use crate::target::{PathError, normal_path};
use crate::template::{Place, Template, Variable};

/// What becomes of the path.
pub(in crate::builtin) enum PathChange {
    Whole(Template),
    /// Behind segments of its own, unless it is there already.
    Behind(String),
    Parts {
        strip: Option<String>,
        regex: Option<(Regex, String)>,
        add: Option<String>,
    },
}

impl PathChange {
    pub(super) fn new(
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

    /// The path that a template makes.
    pub(in crate::builtin) fn whole(path: Template) -> Result<Self, String> {
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

    /// The path behind segments of its own, unless it is there already.
    pub(in crate::builtin) fn behind(segments: String) -> Result<Self, BuildError> {
        let segments = prefix("", Some(segments))?;
        Ok(Self::Behind(segments.unwrap_or_default()))
    }

    /// The new path, `None` if it stays as it is.
    pub(in crate::builtin) fn apply(
        &self,
        exchange: &Exchange,
    ) -> Result<Option<String>, FilterError> {
        let old = exchange.path();
        let new = match self {
            Self::Whole(template) => template.render(exchange, Place::Uri),
            Self::Behind(segments) if without_prefix(old, segments).is_some() => return Ok(None),
            Self::Behind(segments) => Cow::Owned([segments, old].concat()),
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
